//! A short list to choose from: by its letter, or with the arrows and Enter.

use crossterm::event::KeyCode;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::ask::{Ask, Step};
use super::super::cells;
use super::super::scene::Scene;
use super::{Frame, choices};
use crate::config::theme::Role;
use crate::model::{Action, Key};

/// One thing to choose.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    /// Its letter.
    pub(crate) key: char,
    /// What it says.
    pub(crate) text: String,
    /// What it asks for.
    pub(crate) ask: Ask,
    /// What the delete key asks for.
    pub(crate) drop: Option<Ask>,
}

impl Item {
    /// An item that can be chosen and nothing else.
    pub(crate) fn new(key: char, text: String, ask: Ask) -> Self {
        Self {
            key,
            text,
            ask,
            drop: None,
        }
    }
}

/// The list.
#[derive(Debug)]
pub(crate) struct Menu {
    title: &'static str,
    items: Vec<Item>,
    at: usize,
    /// It stays open after a choice, as for several columns.
    stays: bool,
}

impl Menu {
    /// Opens it.
    pub(crate) fn new(title: &'static str, items: Vec<Item>, stays: bool) -> Self {
        Self {
            title,
            items,
            at: 0,
            stays,
        }
    }

    /// The items anew, after a choice changed them.
    pub(crate) fn refill(&mut self, items: Vec<Item>) {
        self.at = self.at.min(items.len().saturating_sub(1));
        self.items = items;
    }

    fn choose(&self, at: usize) -> Step {
        match self.items.get(at) {
            Some(item) if self.stays => Step::Ask(item.ask.clone()),
            Some(item) => Step::CloseAsk(item.ask.clone()),
            None => Step::Stay,
        }
    }

    /// Takes an action of the table.
    pub(crate) fn act(&mut self, action: Action) -> Step {
        choices::turn(&mut self.at, self.items.len(), action).unwrap_or_else(|| self.choose(self.at))
    }

    /// Takes a letter.
    pub(crate) fn key(&mut self, key: Key) -> Step {
        if key.code == KeyCode::Delete {
            let drop = self.items.get(self.at).and_then(|item| item.drop.clone());
            return drop.map_or(Step::Stay, Step::Ask);
        }
        let KeyCode::Char(char) = key.code else { return Step::Stay };
        match self.items.iter().position(|item| item.key == char && char != ' ') {
            Some(at) => {
                self.at = at;
                self.choose(at)
            }
            None => choices::letter(char).map_or(Step::Stay, |action| self.act(action)),
        }
    }

    pub(crate) fn render(&self, scene: &Scene<'_>, buffer: &mut Buffer, area: Rect) {
        let wide = self.items.iter().map(|item| cells::width(&item.text)).max().unwrap_or(0).max(34);
        let frame = Frame {
            title: self.title,
            hints: &[Action::Submit, Action::Leave],
            width: u16::try_from(wide + 10).unwrap_or(u16::MAX),
            height: u16::try_from(self.items.len()).unwrap_or(u16::MAX),
        };
        let inner = frame.render(scene, buffer, area);
        let top = (self.at + 1).saturating_sub(usize::from(inner.height));
        for (y, (index, item)) in (inner.y..inner.bottom()).zip(self.items.iter().enumerate().skip(top)) {
            let here = index == self.at;
            let sign = if here { scene.glyphs().cursor } else { " " };
            let parts = [
                (format!("{sign} "), scene.style(Role::Key)),
                (format!("{}  ", item.key), scene.style(Role::Key)),
                (
                    scene.cut(&item.text, usize::from(inner.width).saturating_sub(5)),
                    scene.style(Role::Text),
                ),
            ];
            cells::write(buffer, inner, inner.x, y, &parts);
            if here {
                buffer.set_style(Rect { y, height: 1, ..inner }, scene.style(Role::Selection));
            }
        }
    }
}
