//! The last times that this happened.

use super::super::scene::Scene;
use super::Line;
use super::lines::{labelled, labelled_text};
use super::sentence::state_sentence;
use crate::config::theme::Role;
use crate::domain::{Alert, AlertState, Occurrence};

/// Most earlier occurrences that are listed.
const LISTED: usize = 5;

/// The last five times of this alarm, newest first, with cause, resolution and order, and how often it was raised.
pub(super) fn history_lines(scene: &Scene<'_>, alert: &Alert, width: usize) -> Vec<Line> {
    let history = scene.store.history();
    let before = history.earlier(alert);
    let muted = scene.style(Role::Muted);
    let records = history.coverage().map_or_else(
        || "nothing is recorded yet".to_owned(),
        |coverage| format!("recorded without a gap since {}", scene.clock(coverage.since)),
    );
    if before.is_empty() {
        let text = format!("No earlier time of this alert on this device is known; {records}.");
        return super::super::cells::wrap(&text, width)
            .into_iter()
            .map(|line| vec![(line, muted)])
            .collect();
    }
    let mut lines: Vec<Line> = Vec::new();
    let count = before.len();
    let more = if count > LISTED {
        format!(", the last {LISTED} below")
    } else {
        String::new()
    };
    let times = if count == 1 {
        "one earlier time".to_owned()
    } else {
        format!("{count} earlier times")
    };
    for line in super::super::cells::wrap(&format!("{times} known{more}; {records}."), width) {
        lines.push(vec![(line, muted)]);
    }
    lines.push(Vec::new());
    for one in before.into_iter().take(LISTED) {
        push(scene, one, width, &mut lines);
        lines.push(Vec::new());
    }
    lines
}

fn push(scene: &Scene<'_>, one: &Occurrence, width: usize, lines: &mut Vec<Line>) {
    let alert = &one.alert;
    let (state, style) = match one.gone_at {
        Some(at) if alert.state != AlertState::Resolved => (
            format!("gone from Monitor's list {}, nobody here saw how", scene.clock(at)),
            scene.style(Role::Muted),
        ),
        _ => state_sentence(scene, alert, false),
    };
    let title = scene.clock(alert.raised_at);
    let indent = super::super::cells::width(&title) + 2;
    for (index, line) in super::super::cells::wrap(&state, width.saturating_sub(indent))
        .into_iter()
        .enumerate()
    {
        let first = if index == 0 { format!("{title}  ") } else { " ".repeat(indent) };
        lines.push(vec![(first, scene.style(Role::Title)), (line, style)]);
    }
    for (label, value) in [
        ("  cause", &alert.root_cause),
        ("  resolution", &alert.resolution),
        ("  prevention", &alert.preventive_action),
        ("  note", &alert.notes),
    ] {
        if let Some(value) = value.as_ref().filter(|value| !value.is_empty()) {
            labelled(scene, label, value, width, lines);
        }
    }
    if let Some(number) = &one.wonum {
        let status = one
            .wo_status
            .as_ref()
            .map_or_else(String::new, |status| format!(" {}", status.shown()));
        let text = format!("work order {}{status}", number.shown());
        labelled_text(scene, "  order", &[text], scene.style(Role::Text), width, lines);
    } else if let Some(number) = scene.store.linked_order(alert) {
        let text = format!("linked to work order {number}");
        labelled_text(scene, "  order", &[text], scene.style(Role::Text), width, lines);
    }
    if !one.returned_at.is_empty() {
        let text = format!("came back {} times after it was resolved", one.returned_at.len());
        labelled_text(scene, "  returns", &[text], scene.style(Role::Text), width, lines);
    }
}
