//! One line of text that is asked for: a view's name, a work order's number.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::ask::{Ask, Step};
use super::super::cells;
use super::super::form::Field;
use super::super::scene::Scene;
use super::Frame;
use crate::config::theme::Role;
use crate::domain::AlertId;
use crate::model::{Action, Key, VIEW_NAME_MOST};

/// Longest number of a work order, in characters: Maximo's field is shorter at most sites.
const ORDER_MOST: usize = 25;

/// What the text is for.
#[derive(Clone, Debug)]
pub(crate) enum Wanted {
    /// The name of a view.
    ViewName,
    /// The order to link to an alert.
    Order(AlertId),
}

/// The window.
#[derive(Debug)]
pub(crate) struct Prompt {
    title: String,
    label: &'static str,
    text: Vec<String>,
    field: Field,
    wanted: Wanted,
    error: Option<String>,
}

impl Prompt {
    /// Opens it with a text to begin from and sentences above it.
    pub(crate) fn new(title: String, wanted: Wanted, begin: &str, text: Vec<String>) -> Self {
        let label = match wanted {
            Wanted::ViewName => "name: ",
            Wanted::Order(_) => "number: ",
        };
        let mut field = Field::new("prompt", label, 1);
        field.put(begin);
        Self {
            title,
            label,
            text,
            field,
            wanted,
            error: None,
        }
    }

    /// Takes an action of the table.
    pub(crate) fn act(&mut self, action: Action) -> Step {
        match action {
            Action::Leave => Step::Close,
            Action::Submit => match self.made() {
                Ok(ask) => Step::CloseAsk(ask),
                Err(why) => {
                    self.error = Some(why);
                    Step::Stay
                }
            },
            _ => Step::Stay,
        }
    }

    fn made(&self) -> Result<Ask, String> {
        let text = self.field.value();
        let length = text.chars().count();
        match &self.wanted {
            Wanted::ViewName if text.is_empty() => Err("a view needs a name".into()),
            Wanted::ViewName if length > VIEW_NAME_MOST => Err(format!("the name has {length} characters: {VIEW_NAME_MOST} are the most")),
            Wanted::ViewName => Ok(Ask::SaveView(text)),
            Wanted::Order(_) if text.is_empty() => Err("the order's number is missing".into()),
            Wanted::Order(_) if length > ORDER_MOST || !text.chars().all(|char| char.is_ascii_alphanumeric() || "-_.".contains(char)) => {
                Err(format!("a number has at most {ORDER_MOST} letters and digits, such as 1043"))
            }
            Wanted::Order(alert) => Ok(Ask::Link {
                alert: alert.clone(),
                number: text,
            }),
        }
    }

    /// Takes a key that means text.
    pub(crate) fn key(&mut self, key: Key) -> Step {
        if self.field.key(key) {
            self.error = None;
        }
        Step::Stay
    }

    /// Takes pasted text.
    pub(crate) fn paste(&mut self, text: &str) -> Step {
        if self.field.paste(text) {
            self.error = None;
        }
        Step::Stay
    }

    pub(crate) fn render(&self, scene: &Scene<'_>, buffer: &mut Buffer, area: Rect) {
        let width = 76.min(area.width);
        let wrapped = usize::from(width.saturating_sub(4)).max(1);
        let above: Vec<String> = self.text.iter().flat_map(|text| cells::wrap(text, wrapped)).collect();
        let below: Vec<String> = self.error.iter().flat_map(|text| cells::wrap(text, wrapped)).collect();
        let frame = Frame {
            title: &self.title,
            hints: &[Action::Submit, Action::Leave],
            width,
            height: u16::try_from(above.len() + 1 + below.len()).unwrap_or(u16::MAX),
        };
        let inner = frame.render(scene, buffer, area);
        let input = vec![
            (self.label.to_owned(), scene.style(Role::Key)),
            (format!("{}_", self.field.shown()), scene.style(Role::InputFocused)),
        ];
        let lines = above
            .into_iter()
            .map(|line| vec![(line, scene.style(Role::Text))])
            .chain(std::iter::once(input))
            .chain(below.into_iter().map(|line| vec![(line, scene.style(Role::Error))]));
        for (y, line) in (inner.y..inner.bottom()).zip(lines) {
            cells::write(buffer, inner, inner.x, y, &line);
        }
    }
}
