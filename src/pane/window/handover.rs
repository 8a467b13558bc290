//! The handover on the screen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::ask::{Ask, Step};
use super::super::cells;
use super::super::scene::{Scene, framed};
use super::super::scroll::{Motion, Scroll};
use crate::config::theme::Role;
use crate::domain::Handover;
use crate::domain::handover::{Entry, Format, Section};
use crate::model::Action;

type Line = Vec<(String, Style)>;

/// Of which period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Period {
    /// This shift, as far as it has come.
    #[default]
    Now,
    /// The one before: what the incoming person reads.
    Before,
}

/// The window.
#[derive(Debug, Default)]
pub(crate) struct HandoverView {
    pub(crate) period: Period,
    format: Format,
    scroll: Scroll,
    lines: usize,
    handover: Option<Box<Handover>>,
    written: String,
}

impl HandoverView {
    /// Takes an action of the table.
    pub(crate) fn act(&mut self, action: Action) -> Step {
        if let Some(motion) = Motion::of(action) {
            self.scroll.turn(motion, self.lines);
            return Step::Stay;
        }
        match (action, &self.handover) {
            (Action::NextPane | Action::PreviousPane, _) => {
                self.period = match self.period {
                    Period::Now => Period::Before,
                    Period::Before => Period::Now,
                };
                self.scroll.top = 0;
                Step::Stay
            }
            (Action::NextFormat, _) => {
                self.format = self.format.next();
                Step::Stay
            }
            (Action::Copy, _) => Step::Ask(Ask::Copy(self.written.clone(), "the handover".to_owned())),
            (Action::WriteHandover, Some(handover)) => {
                let name = format!(
                    "handover-{}-{}.{}",
                    crate::domain::slug(&handover.site),
                    handover.until.strftime("%Y%m%dT%H%M%SZ"),
                    self.format.ending()
                );
                Step::Ask(Ask::WriteHandover(name, self.written.clone()))
            }
            (Action::SendHandover, Some(handover)) => Step::Ask(Ask::SendHandover(handover.clone())),
            (Action::MarkRead, Some(handover)) => Step::Ask(Ask::MarkRead(handover.since)),
            (Action::Back | Action::Quit | Action::Handover, _) => Step::Close,
            _ => Step::Pass,
        }
    }

    /// Takes the newest handover of the period.
    pub(crate) fn arrange(&mut self, scene: &Scene<'_>, area: Rect, handover: Handover) {
        self.written = handover.write(self.format, &scene.setup.time_zone);
        self.handover = Some(Box::new(handover));
        self.scroll.height = usize::from(area.height.saturating_sub(2));
        self.lines = self.content(scene, usize::from(area.width.saturating_sub(4))).len();
        self.scroll.top = self.scroll.top.min(self.lines.saturating_sub(self.scroll.height));
    }

    pub(crate) fn render(&self, scene: &Scene<'_>, buffer: &mut Buffer, area: Rect) {
        let which = match self.period {
            Period::Now => "this shift",
            Period::Before => "the shift before",
        };
        let title = [(format!("Handover  {which}"), scene.style(Role::Title))];
        let aside = [(
            format!(
                "{} other shift {} as {} ({})",
                scene.key(Action::NextPane),
                scene.glyphs().dot,
                self.format.as_str(),
                scene.key(Action::NextFormat)
            ),
            scene.style(Role::Muted),
        )];
        let inner = framed(scene, buffer, area, true, &title, &aside);
        let lines = self.content(scene, usize::from(inner.width.saturating_sub(2)));
        for (y, line) in (inner.y..inner.bottom()).zip(lines.iter().skip(self.scroll.top)) {
            cells::write(buffer, inner, inner.x + 1, y, line);
        }
        if let Some(place) = self.scroll.place(Some(self.scroll.top), self.lines) {
            let x = area.right().saturating_sub(3 + u16::try_from(cells::width(&place)).unwrap_or(0));
            let muted = scene.style(Role::Muted);
            cells::write(buffer, area, x, area.bottom().saturating_sub(1), &[(format!(" {place} "), muted)]);
        }
    }

    fn content(&self, scene: &Scene<'_>, width: usize) -> Vec<Line> {
        let Some(handover) = &self.handover else { return Vec::new() };
        let zone = &scene.setup.time_zone;
        let mut lines: Vec<Line> = Vec::new();
        for text in handover.summary(zone) {
            lines.extend(
                cells::wrap(&text, width)
                    .into_iter()
                    .map(|line| vec![(line, scene.style(Role::Text))]),
            );
        }
        for section in handover.sections(zone) {
            lines.push(Vec::new());
            let count = if section.entries.is_empty() {
                String::new()
            } else {
                format!(" {} {}", scene.glyphs().dot, section.entries.len())
            };
            lines.push(vec![(format!("{}{count}", section.title), scene.style(Role::Title))]);
            push(scene, &section, width, &mut lines);
        }
        lines
    }
}

fn push(scene: &Scene<'_>, section: &Section, width: usize, lines: &mut Vec<Line>) {
    if section.entries.is_empty() {
        lines.push(vec![(format!("  {}", section.empty), scene.style(Role::Muted))]);
        return;
    }
    let widest = |of: &dyn Fn(&Entry) -> usize, most: usize| section.entries.iter().map(of).max().unwrap_or(0).min(most);
    let times = section.entries.iter().any(|entry| entry.time.is_some());
    let time = widest(&|entry| entry.time.map_or(0, |at| cells::width(&scene.clock(at))), 12);
    let severity = widest(&|entry| cells::width(&entry.severity), 8);
    let device = widest(&|entry| cells::width(&entry.device), 16);
    let by = widest(&|entry| cells::width(&entry.by), 12);
    let state = widest(&|entry| cells::width(&entry.state), 18);
    let room = width.saturating_sub(8 + time + severity + device + by + state);
    let is_alone = section.entries.iter().all(|entry| entry.detail.is_empty());
    let alert_most = if is_alone { room } else { room / 2 };
    let alert = widest(&|entry| cells::width(&entry.alert), alert_most.max(16));
    let ellipsis = scene.glyphs().ellipsis;
    let indent = 2 + [if times { time } else { 0 }, severity, device, alert, state, by]
        .into_iter()
        .filter(|wide| *wide > 0)
        .map(|wide| wide + 1)
        .sum::<usize>();
    for entry in &section.entries {
        let mut line: Line = vec![("  ".into(), scene.style(Role::Text))];
        let mut column = |text: &str, wide: usize, style: Style| {
            if wide > 0 {
                line.push((cells::left(text, wide, ellipsis) + " ", style));
            }
        };
        let clock = entry.time.map_or_else(String::new, |at| scene.clock(at));
        column(&clock, if times { time } else { 0 }, scene.style(Role::Muted));
        let (_, style) = scene.severity(&crate::domain::Severity::parse(&entry.severity));
        column(&entry.severity, severity, style);
        column(&entry.device, device, scene.style(Role::Text));
        column(&entry.alert, alert, scene.style(Role::Text));
        column(&entry.state, state, scene.style(Role::Muted));
        column(&entry.by, by, scene.style(Role::Muted));
        let room = width.saturating_sub(indent);
        if room >= 16 {
            let mut texts = cells::wrap(&entry.detail, room).into_iter();
            line.push((texts.next().unwrap_or_default(), scene.style(Role::Text)));
            lines.push(line);
            lines.extend(texts.map(|text| vec![(" ".repeat(indent), scene.style(Role::Text)), (text, scene.style(Role::Text))]));
        } else {
            lines.push(line);
            if !entry.detail.is_empty() {
                let more = cells::wrap(&entry.detail, width.saturating_sub(6)).into_iter();
                lines.extend(more.map(|text| vec![(format!("      {text}"), scene.style(Role::Text))]));
            }
        }
    }
}
