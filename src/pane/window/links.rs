//! Addresses of what is under the cursor: shown whole, as the terminal's own hyperlinks where it has them, and to copy.

use crossterm::event::KeyCode;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::ask::{Ask, Hyperlink, Step};
use super::super::cells;
use super::super::scene::Scene;
use super::{Frame, choices};
use crate::config::theme::Role;
use crate::model::{Action, Key};

/// One address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// Of what.
    pub(crate) label: String,
    /// All of it is printable ASCII.
    pub(crate) url: String,
}

/// The window.
#[derive(Debug)]
pub(crate) struct Links {
    addresses: Vec<Address>,
    at: usize,
}

/// A line of the window: the address it belongs to, its text, whether it is the address itself.
type Line = (usize, String, bool);

impl Links {
    /// Opens it.
    pub(crate) fn new(addresses: Vec<Address>) -> Self {
        Self { addresses, at: 0 }
    }

    /// Takes an action of the table.
    pub(crate) fn act(&mut self, action: Action) -> Step {
        choices::turn(&mut self.at, self.addresses.len(), action).unwrap_or_else(|| self.choose(self.at))
    }

    fn choose(&self, at: usize) -> Step {
        match self.addresses.get(at) {
            Some(address) => Step::CloseAsk(Ask::Copy(address.url.clone(), format!("the address of {}", address.label))),
            None => Step::Stay,
        }
    }

    /// Takes a number, or a letter that moves.
    pub(crate) fn key(&mut self, key: Key) -> Step {
        let KeyCode::Char(char) = key.code else { return Step::Stay };
        if let Some(action) = choices::letter(char) {
            return self.act(action);
        }
        match char.to_digit(10).and_then(|digit| usize::try_from(digit).ok()?.checked_sub(1)) {
            Some(at) => self.choose(at),
            None => Step::Stay,
        }
    }

    fn frame(&self, area: Rect) -> (Frame<'static>, Vec<Line>) {
        let width = 100.min(area.width);
        let room = usize::from(width.saturating_sub(4 + 5)).max(8);
        let mut lines = Vec::new();
        for (index, address) in self.addresses.iter().enumerate() {
            lines.push((index, address.label.clone(), false));
            let bytes = address.url.as_bytes();
            lines.extend(
                bytes
                    .chunks(room)
                    .map(|part| (index, String::from_utf8_lossy(part).into_owned(), true)),
            );
        }
        let frame = Frame {
            title: "Links",
            hints: &[Action::Submit, Action::Leave],
            width,
            height: u16::try_from(lines.len() + 1).unwrap_or(u16::MAX),
        };
        (frame, lines)
    }

    /// Where the addresses stand on the screen.
    pub(crate) fn hyperlinks(&self, area: Rect) -> Vec<Hyperlink> {
        let (frame, lines) = self.frame(area);
        let inner = frame.inner(area);
        (inner.y..inner.bottom().saturating_sub(1))
            .zip(lines)
            .filter(|(_, (_, _, is_address))| *is_address)
            .filter_map(|(y, (index, text, _))| {
                Some(Hyperlink {
                    x: inner.x + 5,
                    y,
                    width: u16::try_from(text.len()).ok()?,
                    url: self.addresses.get(index)?.url.clone(),
                })
            })
            .collect()
    }

    pub(crate) fn render(&self, scene: &Scene<'_>, buffer: &mut Buffer, area: Rect) {
        let (frame, lines) = self.frame(area);
        let inner = frame.render(scene, buffer, area);
        for (y, (index, text, is_address)) in (inner.y..inner.bottom().saturating_sub(1)).zip(&lines) {
            let here = *index == self.at;
            let sign = if here && !is_address { scene.glyphs().cursor } else { " " };
            let number = if *is_address { " ".to_owned() } else { (index + 1).to_string() };
            let role = if *is_address { Role::Match } else { Role::Text };
            let parts = [
                (format!("{sign} "), scene.style(Role::Key)),
                (format!("{number}  "), scene.style(Role::Key)),
                (text.clone(), scene.style(role)),
            ];
            cells::write(buffer, inner, inner.x, y, &parts);
            if here {
                buffer.set_style(Rect { y, height: 1, ..inner }, scene.style(Role::Selection));
            }
        }
        if inner.height > 0 {
            let text = format!(
                "{} copies it; a terminal with hyperlinks opens it by a click",
                scene.key(Action::Submit)
            );
            let text = scene.cut(&text, usize::from(inner.width));
            cells::write(buffer, inner, inner.x, inner.bottom() - 1, &[(text, scene.style(Role::Muted))]);
        }
    }
}
