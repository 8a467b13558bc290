//! The load figures after ISA-18.2, with their window.

use jiff::{SignedDuration, Timestamp};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::ask::Step;
use super::super::cells;
use super::super::scene::{Scene, framed};
use super::super::scroll::{Motion, Scroll};
use crate::config::theme::Role;
use crate::domain::AlarmKey;
use crate::domain::load::{Figures, WINDOWS};
use crate::model::{Action, Source};

/// Cells of the labels.
const LABEL: usize = 26;
/// Cells of the figures.
const FIGURE: usize = 19;
/// Cells before a target that has a line of its own.
const TARGET: usize = 4;

type Line = Vec<(String, Style)>;

/// The window.
#[derive(Debug, Default)]
pub(crate) struct LoadView {
    scroll: Scroll,
    /// Which of the windows of time.
    window: Window,
    /// What was counted, and for which state of the store and minute.
    counted: Option<((u64, i64, usize), Figures)>,
    lines: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Window(usize);

impl Default for Window {
    fn default() -> Self {
        Self(1)
    }
}

impl LoadView {
    /// Takes an action of the table.
    pub(crate) fn act(&mut self, action: Action) -> Step {
        if let Some(motion) = Motion::of(action) {
            self.scroll.turn(motion, self.lines);
            return Step::Stay;
        }
        match action {
            Action::NextPane | Action::ZoomOut => {
                self.window = Window((self.window.0 + 1) % WINDOWS.len());
                Step::Stay
            }
            Action::PreviousPane | Action::ZoomIn => {
                self.window = Window((self.window.0 + WINDOWS.len() - 1) % WINDOWS.len());
                Step::Stay
            }
            Action::Back | Action::Quit | Action::Load => Step::Close,
            _ => Step::Pass,
        }
    }

    fn span(&self) -> SignedDuration {
        WINDOWS.get(self.window.0).copied().unwrap_or(SignedDuration::from_hours(24))
    }

    pub(crate) fn arrange(&mut self, scene: &Scene<'_>, area: Rect) {
        let end = scene.store.known_until(scene.now).unwrap_or_else(|| scene.minute());
        let basis = (scene.store.revision(), end.as_second(), self.window.0);
        if self.counted.as_ref().is_none_or(|(known, _)| *known != basis) {
            let (start, end) = window(scene, self.span());
            let figures = Figures::of(&scene.store.activations(start), start, end, scene.store.flood_limits());
            self.counted = Some((basis, figures));
        }
        self.scroll.height = usize::from(area.height.saturating_sub(2));
        self.lines = self.content(scene, usize::from(area.width.saturating_sub(4))).len();
        self.scroll.top = self.scroll.top.min(self.lines.saturating_sub(self.scroll.height));
    }

    pub(crate) fn render(&self, scene: &Scene<'_>, buffer: &mut Buffer, area: Rect) {
        let title = [("Load".to_owned(), scene.style(Role::Title))];
        let aside = [(
            format!("{} changes the window", scene.key(Action::NextPane)),
            scene.style(Role::Muted),
        )];
        let inner = framed(scene, buffer, area, true, &title, &aside);
        let lines = self.content(scene, usize::from(inner.width.saturating_sub(2)));
        for (y, line) in (inner.y..inner.bottom()).zip(lines.iter().skip(self.scroll.top)) {
            cells::write(buffer, inner, inner.x + 1, y, line);
        }
    }

    fn content(&self, scene: &Scene<'_>, width: usize) -> Vec<Line> {
        let Some((_, figures)) = &self.counted else { return Vec::new() };
        let text = scene.style(Role::Text);
        let muted = scene.style(Role::Muted);
        let mut lines: Vec<Line> = Vec::new();
        if scene.store.freshness(Source::Alerts).as_of.is_none() {
            return vec![vec![(
                "No list of alerts has been read yet: there is nothing to count.".into(),
                muted,
            )]];
        }
        let (start, end) = figures.window.unwrap_or((scene.now, scene.now));
        let asked = scene.span(self.span());
        let has = scene.span(end.duration_since(start).max(SignedDuration::ZERO));
        let window = format!("{} to {}: {has} of data, {asked} asked for", scene.clock(start), scene.clock(end));
        for line in cells::wrap(&window, width) {
            lines.push(vec![(line, text)]);
        }
        for line in cells::wrap("A reference after ISA-18.2, not a statement of compliance.", width) {
            lines.push(vec![(line, muted)]);
        }
        lines.push(Vec::new());
        rates(scene, figures, width, &mut lines);
        lines.push(Vec::new());
        let loudest = format!("Loudest alarms: {:.0} % of all are these (1 to 5 %)", figures.top_percent);
        for line in cells::wrap(&loudest, width) {
            lines.push(vec![(line, scene.style(Role::Title))]);
        }
        for top in &figures.top {
            let count = format!("{:>5}  {:>3.0} %  ", top.count, top.percent);
            let name = format!("{} {}", top.key.device.shown(), top.key.name.shown());
            lines.push(vec![
                (count.clone(), text),
                (scene.cut(&name, width.saturating_sub(cells::width(&count))), text),
            ]);
        }
        if figures.top.is_empty() {
            lines.push(vec![("  none was raised".into(), muted)]);
        }
        named(scene, "Chattered (none)", &figures.chattering, width, &mut lines);
        lines.push(Vec::new());
        lines.push(vec![("Floods (above 10 in 10 min until below 5)".into(), scene.style(Role::Title))]);
        for flood in &figures.floods {
            let start = scene.clock(flood.start);
            let when = match (flood.lasts, scene.store.known_until(scene.now)) {
                (true, Some(until)) => format!("since {start}, still going on at {}", scene.clock(until)),
                (true, None) => format!("since {start}, still going on"),
                (false, _) => format!(
                    "{start} to {} ({})",
                    scene.clock(flood.end),
                    scene.span(flood.end.duration_since(flood.start))
                ),
            };
            let flood = format!("{when}: {} alerts, at most {} in 10 min", flood.count, flood.peak);
            for line in cells::wrap(&flood, width.saturating_sub(2)) {
                lines.push(vec![(format!("  {line}"), text)]);
            }
        }
        if figures.floods.is_empty() {
            lines.push(vec![("  none".into(), muted)]);
        }
        lines
    }
}

/// What was asked for, as far as the records go.
fn window(scene: &Scene<'_>, span: SignedDuration) -> (Timestamp, Timestamp) {
    let end = scene.store.known_at(scene.now).unwrap_or(scene.now);
    let asked = end.checked_sub(span).unwrap_or(end);
    let known = scene.store.history().coverage().map_or(end, |coverage| coverage.since);
    (asked.max(known).min(end), end)
}

/// Label, figure, and what it should be: in lines of its own where it does not fit beside them.
fn rates(scene: &Scene<'_>, figures: &Figures, width: usize, lines: &mut Vec<Line>) {
    let text = scene.style(Role::Text);
    let muted = scene.style(Role::Muted);
    let now = scene.store.load(scene.now);
    let mut put = |label: &str, figure: String, target: &str, over: bool| {
        let label = (cells::left(label, LABEL, ""), muted);
        let style = if over { scene.style(Role::Warning) } else { text };
        if LABEL + cells::width(&figure).max(FIGURE) + 1 + cells::width(target) <= width {
            let figure = cells::left(&figure, FIGURE, "") + " ";
            lines.push(vec![label, (figure, style), (target.to_owned(), muted)]);
            return;
        }
        lines.push(vec![label, (figure, style)]);
        for line in cells::wrap(target, width.saturating_sub(TARGET)) {
            lines.push(vec![(" ".repeat(TARGET) + &line, muted)]);
        }
    };
    put("alerts raised", figures.total.to_string(), "", false);
    for (label, mean, digits, short, target, most) in [
        (
            "per 10 min, mean",
            figures.per_ten_minutes,
            1,
            "less than 10 min",
            "1 acceptable, 2 manageable",
            2.0,
        ),
        (
            "per hour, mean",
            figures.per_hour,
            1,
            "less than an hour",
            "6 acceptable, 12 manageable",
            12.0,
        ),
        (
            "per day, mean",
            figures.per_day,
            0,
            "less than a day",
            "150 acceptable, 300 manageable",
            300.0,
        ),
    ] {
        let figure = mean.map_or_else(|| short.to_owned(), |mean| format!("{mean:.digits$}"));
        put(label, figure, target, mean.is_some_and(|mean| mean > most));
    }
    put("last 10 min", now.ten_minutes.to_string(), "at most 10", now.ten_minutes > 10);
    let peak = figures
        .peak
        .map_or_else(|| "0".to_owned(), |(count, at)| format!("{count} to {}", scene.clock(at)));
    put(
        "most in any 10 min",
        peak,
        "at most 10",
        figures.peak.is_some_and(|(count, _)| count > 10),
    );
    put(
        "10 min periods above 10",
        format!("{:.1} %", figures.periods_over),
        "under 1 %",
        figures.periods_over >= 1.0,
    );
    put(
        "time in flood",
        format!("{:.1} %", figures.flood_percent),
        "under 1 %",
        figures.flood_percent >= 1.0,
    );
    put("fleeting", figures.fleeting.to_string(), "none", figures.fleeting > 0);
    put(
        "chattering alarms",
        figures.chattering.len().to_string(),
        "none",
        !figures.chattering.is_empty(),
    );
    put("stale now (over 24 h)", now.stale.to_string(), "under 5", now.stale >= 5);
    let total = figures.total.max(1);
    let shares: Vec<String> = figures.by_severity.iter().map(|count| (count * 100 / total).to_string()).collect();
    let [critical, high, medium, low] = figures.by_severity;
    put(
        "crit / high / med / low",
        format!("{critical} / {high} / {medium} / {low}"),
        &format!("{} %; about 5 / 15 / 80 %", shares.join(" / ")),
        false,
    );
}

fn named(scene: &Scene<'_>, title: &str, keys: &[AlarmKey], width: usize, lines: &mut Vec<Line>) {
    if keys.is_empty() {
        return;
    }
    lines.push(Vec::new());
    lines.push(vec![(title.to_owned(), scene.style(Role::Title))]);
    for key in keys.iter().take(20) {
        let name = format!("  {} {}", key.device.shown(), key.name.shown());
        lines.push(vec![(scene.cut(&name, width), scene.style(Role::Text))]);
    }
    if keys.len() > 20 {
        lines.push(vec![(format!("  and {} more", keys.len() - 20), scene.style(Role::Muted))]);
    }
}
