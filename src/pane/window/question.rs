//! A question before something that is not taken back easily.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::ask::{Ask, Step};
use super::super::cells;
use super::super::scene::Scene;
use super::Frame;
use crate::config::theme::Role;
use crate::model::{Action, Key};

/// A question: `y` asks for what it is about. With a number it must be typed instead.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    title: String,
    text: Vec<String>,
    ask: Ask,
    /// The number to type, and what is typed so far.
    number: Option<(usize, String)>,
}

impl Question {
    /// Answered with one key.
    pub(crate) fn new(title: impl Into<String>, text: Vec<String>, ask: Ask) -> Self {
        Self {
            title: title.into(),
            text,
            ask,
            number: None,
        }
    }

    /// Answered by typing how many it is about.
    pub(crate) fn counted(title: impl Into<String>, text: Vec<String>, ask: Ask, count: usize) -> Self {
        Self {
            number: Some((count, String::new())),
            ..Self::new(title, text, ask)
        }
    }

    /// Whether it takes text.
    pub(crate) fn takes_text(&self) -> bool {
        self.number.is_some()
    }

    /// Takes an action of the table.
    pub(crate) fn act(&mut self, action: Action) -> Step {
        match (action, &self.number) {
            (Action::Yes, None) => Step::CloseAsk(self.ask.clone()),
            (Action::No | Action::Leave, _) => Step::Close,
            (Action::Submit, Some((count, typed))) => {
                if *typed == count.to_string() {
                    Step::CloseAsk(self.ask.clone())
                } else {
                    Step::Refuse(format!("type {count} to go on, or {} to leave it", "esc"))
                }
            }
            _ => Step::Stay,
        }
    }

    /// Takes a key that means text.
    pub(crate) fn key(&mut self, key: Key) -> Step {
        use crossterm::event::KeyCode;
        if let Some((_, typed)) = &mut self.number {
            match key.code {
                KeyCode::Char(char) if char.is_ascii_digit() && key.modifiers.is_empty() && typed.len() < 9 => typed.push(char),
                KeyCode::Backspace => {
                    typed.pop();
                }
                _ => {}
            }
        }
        Step::Stay
    }

    pub(crate) fn render(&self, scene: &Scene<'_>, buffer: &mut Buffer, area: Rect) {
        let width = 76.min(area.width);
        let mut lines: Vec<String> = self
            .text
            .iter()
            .flat_map(|text| cells::wrap(text, usize::from(width.saturating_sub(4)).max(1)))
            .collect();
        if let Some((count, typed)) = &self.number {
            lines.push(String::new());
            lines.push(format!("type {count}: {typed}_"));
        }
        let hints: &[Action] = if self.number.is_some() {
            &[Action::Submit, Action::Leave]
        } else {
            &[Action::Yes, Action::No]
        };
        let frame = Frame {
            title: &self.title,
            hints,
            width,
            height: u16::try_from(lines.len()).unwrap_or(u16::MAX),
        };
        let inner = frame.render(scene, buffer, area);
        for (y, line) in (inner.y..inner.bottom()).zip(lines) {
            cells::write(buffer, inner, inner.x, y, &[(line, scene.style(Role::Text))]);
        }
    }
}
