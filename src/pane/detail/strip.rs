//! The strip beside or below the queue.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::cells;
use super::super::scene::{Scene, framed};
use super::Line;
use super::lines::{open_alerts, property_lines};
use super::sentence::{aside_sentence, asked_of, order_sentence, state_sentence, value_text};
use crate::config::theme::Role;
use crate::domain::{Alert, Device, DeviceKey};
use crate::model::store::{Progress, Verb};

/// The strip beside or below the queue: what matters most first, as much as fits.
pub(crate) fn render_strip(scene: &Scene<'_>, buffer: &mut Buffer, area: Rect, alert: Option<(&Alert, bool)>) {
    let name = alert.map_or("Alert", |(alert, _)| alert.device.shown());
    let device = alert.and_then(|(alert, _)| scene.store.plant.of_alert(alert));
    render_lines(scene, buffer, area, name, device, |width, height| match alert {
        Some((alert, gone)) => strip_lines(scene, alert, gone, width, height),
        None => vec![vec![("no alert is under the cursor".to_owned(), scene.style(Role::Muted))]],
    });
}

/// The same of a device: whether it is heard of, what is open on it, and what else is known of it.
pub(crate) fn render_device_strip(scene: &Scene<'_>, buffer: &mut Buffer, area: Rect, key: &DeviceKey) {
    let device = scene.store.plant.device(key);
    let lines = |width, height| device_strip_lines(scene, key, width, height);
    render_lines(scene, buffer, area, key.device_id.shown(), device, lines);
}

fn render_lines(
    scene: &Scene<'_>,
    buffer: &mut Buffer,
    area: Rect,
    name: &str,
    device: Option<&Device>,
    lines: impl FnOnce(usize, usize) -> Vec<Line>,
) {
    let place = device.map_or_else(Vec::new, |device| {
        let location = device
            .location
            .as_ref()
            .map_or_else(String::new, |place| format!(" {} {}", scene.glyphs().dot, place.shown()));
        vec![(format!("{}{location}", device.device_type.shown()), scene.style(Role::Muted))]
    });
    let inner = framed(scene, buffer, area, false, &[(name.to_owned(), scene.style(Role::Title))], &place);
    let inner = Rect {
        x: inner.x + 1,
        width: inner.width.saturating_sub(2),
        ..inner
    };
    let lines = lines(usize::from(inner.width), usize::from(inner.height));
    for (y, line) in (inner.y..inner.bottom()).zip(&lines) {
        cells::write(buffer, inner, inner.x, y, line);
    }
}

fn device_strip_lines(scene: &Scene<'_>, key: &DeviceKey, width: usize, height: usize) -> Vec<Line> {
    let (text, muted) = (scene.style(Role::Text), scene.style(Role::Muted));
    let Some(device) = scene.store.plant.device(key) else {
        let said = format!("{} is not in the device list.", key.device_id.shown());
        return vec![vec![(scene.cut(&said, width), scene.style(Role::Warning))]];
    };
    let (sign, style) = scene.device_status(&device.status);
    let status = format!("{sign} {} ", device.status.shown());
    let heard = device.last_event_time.map_or_else(String::new, |at| {
        format!("{} heard {} ({} ago)", scene.glyphs().dot, scene.clock_seconds(at), scene.age(at))
    });
    let heard = scene.cut(&heard, width.saturating_sub(cells::width(&status)));
    let mut lines: Vec<Line> = vec![vec![(status, style), (heard, text)]];
    let open = open_alerts(scene, key, None);
    if open.is_empty() {
        lines.push(vec![("no alert is open on it".to_owned(), muted)]);
    }
    // the last line is for those that have no room
    let room = height.saturating_sub(lines.len());
    let shown = if open.len() > room { room.saturating_sub(1) } else { open.len() };
    for alert in open.iter().take(shown) {
        let (word, style) = scene.severity(&alert.severity);
        let (state, _) = scene.state(alert, 14);
        let name = width.saturating_sub(5 + 5 + 2 + cells::width(&state));
        lines.push(vec![
            (cells::left(&word, 5, ""), style),
            (cells::left(&scene.age(alert.raised_at), 5, ""), text),
            (cells::left(alert.name.shown(), name, scene.glyphs().ellipsis), text),
            (format!("  {state}"), muted),
        ]);
    }
    if open.len() > shown {
        lines.push(vec![(format!("{} more open on it", open.len() - shown), muted)]);
    }
    let known = property_lines(scene, device, width);
    let room = height.saturating_sub(lines.len());
    lines.extend(known.into_iter().take(room));
    lines
}

fn strip_lines(scene: &Scene<'_>, alert: &Alert, gone: bool, width: usize, height: usize) -> Vec<Line> {
    let text = scene.style(Role::Text);
    let muted = scene.style(Role::Muted);
    let (word, style) = scene.severity(&alert.severity);
    let mut lines: Vec<Line> = vec![vec![
        (format!("{word} "), style),
        (
            scene.cut(alert.name.shown(), width.saturating_sub(word.len() + 1)),
            scene.style(Role::Title),
        ),
    ]];
    let raised = raised_lines(scene, alert, width);
    let aside = aside_sentence(scene, alert).map(|(sentence, style)| vec![(scene.cut(&sentence, width), style)]);
    let note = alert.notes.as_ref().filter(|note| !note.is_empty()).map(|note| {
        vec![
            ("note ".to_owned(), muted),
            (scene.cut(note.shown(), width.saturating_sub(5)), text),
        ]
    });
    // Where it stands is told to its end before the message is: a reason why something was refused may be long.
    let wrapped = |(sentence, style): (String, Style), most: usize| -> Vec<Line> {
        let lines = cells::wrap_at_most(&sentence, width, most, scene.glyphs().ellipsis);
        lines.into_iter().map(|line| vec![(line, style)]).collect()
    };
    let order = order_sentence(scene, alert);
    let one_line_each = 1
        + raised.len()
        + [alert.message.is_some(), aside.is_some(), note.is_some(), order.is_some()]
            .map(usize::from)
            .iter()
            .sum::<usize>();
    let room = height.saturating_sub(one_line_each);
    let state = wrapped(standing(scene, alert, gone), room.max(2));
    let room = room.saturating_sub(state.len());
    let order = order.map(|order| wrapped(order, room + 1)).unwrap_or_default();
    let tail: Vec<Line> = [raised, state, aside.into_iter().collect(), order, note.into_iter().collect()].concat();
    if let Some(message) = &alert.message {
        let room = height.saturating_sub(1 + tail.len()).max(1);
        let wrapped = cells::wrap(message.shown(), width);
        let cut = wrapped.len() > room;
        for (index, line) in wrapped.into_iter().take(room).enumerate() {
            let line = if cut && index + 1 == room {
                scene.cut(&format!("{line} {}", scene.glyphs().ellipsis), width)
            } else {
                line
            };
            lines.push(vec![(line, text)]);
        }
    }
    lines.extend(tail);
    // Whatever else was asked of it and is not at its end, while there is room.
    let said: Vec<_> = [&[Verb::Acknowledge, Verb::Resolve][..], &[Verb::Order][..]]
        .into_iter()
        .filter_map(|verbs| scene.store.ledger().asked(&alert.id, verbs, scene.now)?.row)
        .collect();
    for row in scene
        .store
        .ledger()
        .of_alert(&alert.id)
        .filter(|row| !said.contains(&row.id))
        .take(4)
    {
        let asked = asked_of(scene, row);
        let (sentence, style) = scene.progress_sentence(&asked);
        if lines.len() < height && !matches!(asked.progress, Progress::Done(_) | Progress::Cancelled { .. }) {
            lines.extend(wrapped((sentence, style), height - lines.len()));
        }
    }
    if let Some(line) = last_time(scene, alert, width).filter(|_| lines.len() < height) {
        lines.push(vec![(line, muted)]);
    }
    let others = scene.store.others_of(alert).count();
    if others > 0 && lines.len() < height {
        let plural = if others == 1 { "alert" } else { "alerts" };
        lines.push(vec![(format!("{others} other open {plural} on this device"), muted)]);
    }
    lines
}

/// `last: 12 Nov 03:10 bearing wear, WO 998 (5 times)`
fn last_time(scene: &Scene<'_>, alert: &Alert, width: usize) -> Option<String> {
    let before = scene.store.history().earlier(alert);
    let last = before.first()?;
    let cause = last.alert.root_cause.as_ref().or(last.alert.resolution.as_ref());
    let cause = cause.map_or_else(String::new, |cause| format!(" {}", cause.shown()));
    let order = last
        .wonum
        .as_ref()
        .map_or_else(String::new, |number| format!(", WO {}", number.shown()));
    let times = if before.len() > 1 {
        format!(" ({} times)", before.len())
    } else {
        String::new()
    };
    Some(scene.cut(&format!("last: {}{cause}{order}{times}", scene.clock(last.alert.raised_at)), width))
}

fn raised_lines(scene: &Scene<'_>, alert: &Alert, width: usize) -> Vec<Line> {
    let text = scene.style(Role::Text);
    let when = format!("raised {} ({})", scene.clock_seconds(alert.raised_at), scene.age(alert.raised_at));
    if alert.value.is_none() && alert.metric.is_none() {
        return vec![vec![(scene.cut(&when, width), text)]];
    }
    let value = value_text(alert, scene);
    let whole = format!("{when} {} {value}", scene.glyphs().dot);
    if cells::width(&whole) <= width {
        return vec![vec![(whole, text)]];
    }
    vec![vec![(scene.cut(&value, width), text)], vec![(scene.cut(&when, width), text)]]
}

/// What was asked of an alert and is not at its end, else where it stands.
fn standing(scene: &Scene<'_>, alert: &Alert, gone: bool) -> (String, Style) {
    let asked = scene
        .store
        .ledger()
        .asked(&alert.id, &[Verb::Acknowledge, Verb::Resolve], scene.now);
    match asked {
        Some(asked) if !gone && !matches!(asked.progress, Progress::Done(_) | Progress::Cancelled { .. }) => {
            scene.progress_sentence(&asked)
        }
        _ => state_sentence(scene, alert, gone),
    }
}
