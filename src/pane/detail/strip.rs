//! The strip beside or below the queue.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::cells;
use super::super::scene::{Scene, framed};
use super::Line;
use super::sentence::{aside_sentence, asked_of, order_sentence, state_sentence, value_text};
use crate::config::theme::Role;
use crate::domain::Alert;
use crate::model::store::{Progress, Verb};

/// The strip beside or below the queue: what matters most first, as much as fits.
pub(crate) fn render_strip(scene: &Scene<'_>, buffer: &mut Buffer, area: Rect, alert: Option<(&Alert, bool)>) {
    let title = scene.style(Role::Title);
    let name = alert.map_or_else(|| "Alert".to_owned(), |(alert, _)| alert.device.shown().to_owned());
    let place = alert
        .and_then(|(alert, _)| scene.store.plant.of_alert(alert))
        .map(|device| {
            let location = device
                .location
                .as_ref()
                .map_or_else(String::new, |place| format!(" {} {}", scene.glyphs().dot, place.shown()));
            vec![(format!("{}{location}", device.device_type.shown()), scene.style(Role::Muted))]
        })
        .unwrap_or_default();
    let inner = framed(scene, buffer, area, false, &[(name, title)], &place);
    let inner = Rect {
        x: inner.x + 1,
        width: inner.width.saturating_sub(2),
        ..inner
    };
    let Some((alert, gone)) = alert else {
        let text = "no alert is under the cursor".to_owned();
        cells::write(buffer, inner, inner.x, inner.y, &[(text, scene.style(Role::Muted))]);
        return;
    };
    let lines = strip_lines(scene, alert, gone, usize::from(inner.width), usize::from(inner.height));
    for (y, line) in (inner.y..inner.bottom()).zip(&lines) {
        cells::write(buffer, inner, inner.x, y, line);
    }
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
    let tail: Vec<Line> = raised_lines(scene, alert, width)
        .into_iter()
        .chain(state_lines(scene, alert, gone, width))
        .map(Some)
        .chain([
            aside_sentence(scene, alert).map(|(sentence, style)| vec![(scene.cut(&sentence, width), style)]),
            order_line(scene, alert, width),
            alert.notes.as_ref().filter(|note| !note.is_empty()).map(|note| {
                vec![
                    ("note ".to_owned(), muted),
                    (scene.cut(note.shown(), width.saturating_sub(5)), text),
                ]
            }),
        ])
        .flatten()
        .collect();
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
            lines.push(vec![(scene.cut(&sentence, width), style)]);
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

/// Where it stands, in at most two lines.
fn state_lines(scene: &Scene<'_>, alert: &Alert, gone: bool, width: usize) -> Vec<Line> {
    let (text, style) = standing(scene, alert, gone);
    let mut lines = cells::wrap(&text, width);
    if lines.len() > 2 {
        let rest = lines.split_off(1).join(" ");
        lines.push(scene.cut(&rest, width));
    }
    lines.into_iter().map(|line| vec![(line, style)]).collect()
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

fn order_line(scene: &Scene<'_>, alert: &Alert, width: usize) -> Option<Line> {
    order_sentence(scene, alert).map(|(text, style)| vec![(scene.cut(&text, width), style)])
}
