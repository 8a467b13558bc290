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
    scroll: Scroll,
}

impl Results {
    /// Opens it; what failed stands first.
    pub(crate) fn new(title: String, mut outcomes: Vec<Outcome>) -> Self {
        outcomes.sort_by_key(|outcome| outcome.good);
        Self {
            title,
            outcomes,
            scroll: Scroll::default(),
        }
    }

    /// Takes an action of the table.
    pub(crate) fn act(&mut self, action: Action) -> Step {
        if let Some(motion) = Motion::of(action) {
            let count = self.outcomes.len().saturating_sub(self.scroll.height) + 1;
            self.scroll.top = motion.apply(self.scroll.top, count, self.scroll.height);
            return Step::Stay;
        }
        match action {
            Action::Back | Action::Quit | Action::Open => Step::Close,
            _ => Step::Pass,
        }
    }

    fn frame(&self) -> Frame<'_> {
        Frame {
            title: &self.title,
            hints: &[Action::Back],
            width: 96,
            height: u16::try_from(self.outcomes.len()).unwrap_or(u16::MAX),
        }
    }

    pub(crate) fn arrange(&mut self, area: Rect) {
        self.scroll.height = self.frame().inner_height(area);
        self.scroll.top = self.scroll.top.min(self.outcomes.len().saturating_sub(self.scroll.height));
    }

    pub(crate) fn render(&self, scene: &Scene<'_>, buffer: &mut Buffer, area: Rect) {
        let inner = self.frame().render(scene, buffer, area);
        let name = self.outcomes.iter().map(|outcome| cells::width(&outcome.name)).max().unwrap_or(0);
        let name = name.min(usize::from(inner.width) / 2);
        for (y, index) in (inner.y..inner.bottom()).zip(self.scroll.range(self.outcomes.len())) {
            let Some(outcome) = self.outcomes.get(index) else { break };
            let (sign, role) = if outcome.good {
                (scene.glyphs().done, Role::Success)
            } else {
                ("!", Role::StateRefused)
            };
            let parts = [
                (cells::left(sign, 3, ""), scene.style(role)),
                (
                    cells::left(&outcome.name, name, scene.glyphs().ellipsis) + "  ",
                    scene.style(Role::Text),
                ),
                (
                    scene.cut(&outcome.text, usize::from(inner.width).saturating_sub(name + 5)),
                    scene.style(role),
                ),
            ];
            cells::write(buffer, inner, inner.x, y, &parts);
        }
    }
}
