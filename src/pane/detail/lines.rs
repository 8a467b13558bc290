//! The tabs of the detail window, line by line.

use ratatui::style::Style;

use super::super::cells;
use super::super::scene::Scene;
use super::Line;
use super::sentence::{aside_sentence, asked_of, order_sentence, state_sentence, value_text};
use crate::config::theme::Role;
use crate::domain::{Alert, AlertState, Device, DeviceKey, SafeText};

/// Cells of the labels.
pub(super) const LABEL: usize = 13;

/// A label and a wrapped text beside it.
pub(super) fn labelled(scene: &Scene<'_>, label: &str, text: &SafeText, width: usize, lines: &mut Vec<Line>) {
    let texts: Vec<String> = text.shown_lines().collect();
    labelled_text(scene, label, &texts, scene.style(Role::Text), width, lines);
}

pub(super) fn labelled_text(scene: &Scene<'_>, label: &str, texts: &[String], style: Style, width: usize, lines: &mut Vec<Line>) {
    let mut label = label;
    for text in texts {
        for line in cells::wrap(text, width.saturating_sub(LABEL)) {
            lines.push(vec![(cells::left(label, LABEL, ""), scene.style(Role::Muted)), (line, style)]);
            label = "";
        }
    }
}

pub(super) fn alert_lines(scene: &Scene<'_>, alert: &Alert, gone: bool, width: usize) -> Vec<Line> {
    let text = scene.style(Role::Text);
    let (word, style) = scene.severity(&alert.severity);
    let mut lines: Vec<Line> = vec![
        vec![
            (format!("{word}  "), style),
            (
                scene.cut(alert.name.shown(), width.saturating_sub(word.len() + 2)),
                scene.style(Role::Title),
            ),
        ],
        Vec::new(),
    ];
    if let Some(message) = &alert.message {
        for part in message.shown_lines() {
            lines.extend(cells::wrap(&part, width).into_iter().map(|line| vec![(line, text)]));
        }
        lines.push(Vec::new());
    }
    let plain = |label: &str, value: String, lines: &mut Vec<Line>| labelled_text(scene, label, &[value], text, width, lines);
    plain("value", value_text(alert, scene), &mut lines);
    plain(
        "raised",
        format!("{} ({} ago)", scene.clock_seconds(alert.raised_at), scene.age(alert.raised_at)),
        &mut lines,
    );
    let (state, style) = state_sentence(scene, alert, gone);
    labelled_text(scene, "state", &[state], style, width, &mut lines);
    if let Some((aside, style)) = aside_sentence(scene, alert) {
        labelled_text(scene, "", &[aside], style, width, &mut lines);
    }
    if let Some(note) = alert.notes.as_ref().filter(|note| !note.is_empty()) {
        labelled(scene, "note", note, width, &mut lines);
    }
    if alert.state == AlertState::Resolved && alert.acknowledged_by.is_some() {
        let by = alert.acknowledged_by.as_ref().map_or("", |by| by.shown());
        let when = alert
            .acknowledged_at
            .map_or_else(String::new, |at| format!(" {}", scene.clock_seconds(at)));
        plain("acknowledged", format!("by {by}{when}"), &mut lines);
    }
    for (label, value) in [
        ("resolution", &alert.resolution),
        ("root cause", &alert.root_cause),
        ("prevention", &alert.preventive_action),
    ] {
        if let Some(value) = value.as_ref().filter(|value| !value.is_empty()) {
            labelled(scene, label, value, width, &mut lines);
        }
    }
    if let Some((order, style)) = order_sentence(scene, alert) {
        labelled_text(scene, "order", &[order], style, width, &mut lines);
        if let Some((_, Some(order))) = scene.store.order(&alert.id) {
            labelled(scene, "", &order.description, width, &mut lines);
        }
    }
    plain("id", alert.id.shown().to_owned(), &mut lines);
    let mut label = "asked here";
    for row in scene.store.ledger().of_alert(&alert.id) {
        let (sentence, style) = scene.progress_sentence(&asked_of(scene, row));
        labelled_text(
            scene,
            label,
            &[format!("{} {sentence}", scene.clock_seconds(row.created_at))],
            style,
            width,
            &mut lines,
        );
        label = "";
    }
    let others: Vec<&Alert> = scene.store.others_of(alert).collect();
    push_alerts(scene, "also open", others, width, &mut lines);
    lines
}

/// Alerts one a line, worst first.
fn push_alerts(scene: &Scene<'_>, label: &str, mut alerts: Vec<&Alert>, width: usize, lines: &mut Vec<Line>) {
    alerts.sort_by(|one, other| crate::domain::triage_order(one, other));
    let mut label = label;
    for alert in alerts {
        let (word, style) = scene.severity(&alert.severity);
        let (state, _) = scene.state(alert, 20);
        let room = width.saturating_sub(LABEL + 5 + 7 + cells::width(&state));
        lines.push(vec![
            (cells::left(label, LABEL, ""), scene.style(Role::Muted)),
            (cells::left(&word, 5, ""), style),
            (cells::left(&scene.age(alert.raised_at), 5, ""), scene.style(Role::Text)),
            (scene.cut(alert.name.shown(), room), scene.style(Role::Text)),
            (format!("  {state}"), scene.style(Role::Muted)),
        ]);
        label = "";
    }
}

pub(super) fn device_lines(scene: &Scene<'_>, key: &DeviceKey, but: Option<&Alert>, width: usize) -> Vec<Line> {
    let text = scene.style(Role::Text);
    let Some(device) = scene.store.plant.device(key) else {
        return vec![vec![(
            format!("{} is not in the device list.", key.device_id.shown()),
            scene.style(Role::Warning),
        )]];
    };
    let (sign, style) = scene.device_status(&device.status);
    let mut lines: Vec<Line> = vec![vec![
        (format!("{sign} {} ", device.status.shown()), style),
        (scene.cut(device.id.shown(), width.saturating_sub(12)), scene.style(Role::Title)),
    ]];
    let plain = |label: &str, value: String, lines: &mut Vec<Line>| labelled_text(scene, label, &[value], text, width, lines);
    plain("type", device.device_type.shown().to_owned(), &mut lines);
    if let Some(location) = &device.location {
        plain("location", location.shown().to_owned(), &mut lines);
    }
    if let Some(at) = device.last_event_time {
        plain(
            "last event",
            format!("{} ({} ago)", scene.clock_seconds(at), scene.age(at)),
            &mut lines,
        );
    }
    lines.extend(property_lines(scene, device, width));
    let open = open_alerts(scene, key, but);
    if !open.is_empty() {
        lines.push(Vec::new());
    }
    push_alerts(scene, if but.is_some() { "also open" } else { "open" }, open, width, &mut lines);
    lines
}

/// What else the server tells of a device.
pub(super) fn property_lines(scene: &Scene<'_>, device: &Device, width: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    for (name, value) in device
        .device_info
        .iter()
        .chain(&device.metadata)
        .filter(|(name, _)| *name != "location")
    {
        let value = match value {
            serde_json::Value::String(text) => SafeText::new(text.as_str()),
            other => SafeText::new(other.to_string()),
        };
        let name = SafeText::new(name.as_str());
        let label = scene.cut(name.shown(), LABEL - 1);
        labelled(scene, &label, &value, width, &mut lines);
    }
    lines
}

/// What is open on a device, worst first, but for one.
pub(super) fn open_alerts<'a>(scene: &Scene<'a>, key: &DeviceKey, but: Option<&Alert>) -> Vec<&'a Alert> {
    let open = scene.store.alerts().filter(|alert| {
        alert.device == key.device_id
            && alert.state != AlertState::Resolved
            && alert.device_type.as_ref().is_none_or(|kind| *kind == key.device_type)
            && but.is_none_or(|but| but.id != alert.id)
    });
    let mut open: Vec<&Alert> = open.collect();
    open.sort_by(|one, other| crate::domain::triage_order(one, other));
    open
}
