//! Every key, from the table.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::ask::Step;
use super::super::cells;
use super::super::scene::Scene;
use super::super::scroll::{Motion, Scroll};
use super::Frame;
use crate::config::theme::Role;
use crate::model::{ACTIONS, Action, Context, Section};

/// Cells of the keys.
const KEYS: usize = 22;

/// The help.
#[derive(Debug, Default)]
pub(crate) struct Help {
    scroll: Scroll,
    lines: usize,
}

impl Help {
    /// Takes an action of the table.
    pub(crate) fn act(&mut self, action: Action) -> Step {
        if let Some(motion) = Motion::of(action) {
            self.scroll.turn(motion, self.lines);
            return Step::Stay;
        }
        match action {
            Action::Back | Action::Quit | Action::Help => Step::Close,
            _ => Step::Pass,
        }
    }

    fn frame() -> Frame<'static> {
        Frame {
            title: "Keys",
            hints: &[],
            width: 112,
            height: u16::MAX - 2,
        }
    }

    pub(crate) fn arrange(&mut self, scene: &Scene<'_>, area: Rect) {
        self.scroll.height = Self::frame().inner_height(area);
        self.lines = lines(scene, usize::from(area.width.min(112).saturating_sub(4))).len();
        self.scroll.top = self.scroll.top.min(self.lines.saturating_sub(self.scroll.height));
    }

    pub(crate) fn render(&self, scene: &Scene<'_>, buffer: &mut Buffer, area: Rect) {
        let inner = Self::frame().render(scene, buffer, area);
        let lines = lines(scene, usize::from(inner.width));
        for (y, line) in (inner.y..inner.bottom()).zip(lines.iter().skip(self.scroll.top)) {
            cells::write(buffer, inner, inner.x, y, line);
        }
        if self.lines > self.scroll.height && inner.height > 0 {
            let more = self.lines - self.scroll.height - self.scroll.top;
            let text = if more > 0 {
                format!(" {more} more lines: {} ", scene.key(Action::PageDown))
            } else {
                " the end ".to_owned()
            };
            let x = inner.right().saturating_sub(u16::try_from(cells::width(&text)).unwrap_or(0));
            cells::write(buffer, area, x, inner.bottom(), &[(text, scene.style(Role::Muted))]);
        }
    }
}

fn lines(scene: &Scene<'_>, width: usize) -> Vec<Vec<(String, Style)>> {
    let keymap = &scene.setup.keymap;
    let mut lines = Vec::new();
    for section in Section::ALL {
        if !lines.is_empty() {
            lines.push(Vec::new());
        }
        lines.push(vec![(section.title().to_owned(), scene.style(Role::Title))]);
        for spec in ACTIONS.iter().filter(|spec| spec.section == section) {
            let keys: Vec<String> = keymap.keys(spec.action).iter().map(ToString::to_string).collect();
            let place = match spec.context {
                Context::Global => String::new(),
                Context::Detail | Context::Outbox | Context::Shelf | Context::Handover | Context::Form | Context::Question => {
                    format!(" ({})", spec.context.title())
                }
            };
            let about = format!("{}{place}", spec.about);
            let mut label = keys.join(" ");
            for text in cells::wrap(&about, width.saturating_sub(KEYS + 1).max(10)) {
                lines.push(vec![
                    (
                        cells::left(&format!("  {label}"), KEYS, scene.glyphs().ellipsis) + " ",
                        scene.style(Role::Key),
                    ),
                    (text, scene.style(Role::Text)),
                ]);
                label = String::new();
            }
        }
    }
    lines.push(Vec::new());
    lines.push(vec![("Signs".into(), scene.style(Role::Title))]);
    let glyphs = scene.glyphs();
    let signs = [
        (
            glyphs.cursor,
            "the row that keys act on; rows that arrive never move it to another alert",
        ),
        (glyphs.mark, "marked: actions go to all marked rows instead"),
        (glyphs.arrived, "arrived lately"),
        (glyphs.changed, "changed lately"),
        (
            glyphs.done,
            "the server confirmed it; before that it says saving, sends in, queued, sending or ? checking",
        ),
        (
            "10m n/10",
            "alerts raised in ten minutes; load figures are a reference, not compliance with a standard",
        ),
    ];
    for (sign, about) in signs {
        let mut label = sign;
        for text in cells::wrap(about, width.saturating_sub(KEYS + 1).max(10)) {
            lines.push(vec![
                (cells::left(&format!("  {label}"), KEYS, "") + " ", scene.style(Role::Key)),
                (text, scene.style(Role::Text)),
            ]);
            label = "";
        }
    }
    lines
}
