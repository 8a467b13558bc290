//! What became of an action on several alerts, where not all of it went well.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::ask::Step;
use super::super::cells;
use super::super::scene::Scene;
use super::super::scroll::{Motion, Scroll};
use super::Frame;
use crate::config::theme::Role;
use crate::model::Action;

/// Cells that the window would like.
const WIDTH: u16 = 96;

/// One alert's outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The alert, as people call it.
    pub(crate) name: String,
    /// What became of it.
    pub(crate) text: String,
    /// Whether it went as asked.
    pub(crate) good: bool,
}

/// The table.
#[derive(Debug)]
pub(crate) struct Results {
    title: String,
    outcomes: Vec<Outcome>,
    /// How many there were at the last frame.
    lines: usize,
    scroll: Scroll,
}

impl Results {
    /// Opens it; what failed stands first.
    pub(crate) fn new(title: String, mut outcomes: Vec<Outcome>) -> Self {
        outcomes.sort_by_key(|outcome| outcome.good);
        Self {
            title,
            outcomes,
            lines: 0,
            scroll: Scroll::default(),
        }
    }

    /// Takes an action of the table.
    pub(crate) fn act(&mut self, action: Action) -> Step {
        if let Some(motion) = Motion::of(action) {
            let count = self.lines.saturating_sub(self.scroll.height) + 1;
            self.scroll.top = motion.apply(self.scroll.top, count, self.scroll.height);
            return Step::Stay;
        }
        match action {
            Action::Back | Action::Quit | Action::Open => Step::Close,
            _ => Step::Pass,
        }
    }

    fn frame(&self, lines: usize) -> Frame<'_> {
        Frame {
            title: &self.title,
            hints: &[Action::Back],
            width: WIDTH,
            height: u16::try_from(lines).unwrap_or(u16::MAX),
        }
    }

    pub(crate) fn arrange(&mut self, area: Rect) {
        let lines = self.lines(self.frame(0).inner(area).width).count();
        self.lines = lines;
        self.scroll.height = self.frame(lines).inner_height(area);
        self.scroll.top = self.scroll.top.min(lines.saturating_sub(self.scroll.height));
    }

    /// Cells of the names in a line of this width.
    fn names(&self, width: u16) -> usize {
        let name = self.outcomes.iter().map(|outcome| cells::width(&outcome.name)).max().unwrap_or(0);
        name.min(usize::from(width) / 2)
    }

    /// Each outcome with a line of its text, and whether that is the first: a reason is told to its end.
    fn lines(&self, width: u16) -> impl Iterator<Item = (&Outcome, String, bool)> {
        let room = usize::from(width).saturating_sub(self.names(width) + 5).max(1);
        self.outcomes.iter().flat_map(move |outcome| {
            let texts = cells::wrap(&outcome.text, room);
            texts.into_iter().enumerate().map(move |(at, text)| (outcome, text, at == 0))
        })
    }

    pub(crate) fn render(&self, scene: &Scene<'_>, buffer: &mut Buffer, area: Rect) {
        let inner = self.frame(self.lines).render(scene, buffer, area);
        let names = self.names(inner.width);
        let lines = self.lines(inner.width).skip(self.scroll.top);
        for (y, (outcome, text, is_first)) in (inner.y..inner.bottom()).zip(lines) {
            let (sign, role) = if outcome.good {
                (scene.glyphs().done, Role::Success)
            } else {
                ("!", Role::StateRefused)
            };
            let (sign, name) = if is_first { (sign, outcome.name.as_str()) } else { ("", "") };
            let parts = [
                (cells::left(sign, 3, ""), scene.style(role)),
                (cells::left(name, names, scene.glyphs().ellipsis) + "  ", scene.style(Role::Text)),
                (text, scene.style(role)),
            ];
            cells::write(buffer, inner, inner.x, y, &parts);
        }
    }
}
