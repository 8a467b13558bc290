//! The form for an acknowledgement with a note, and for a new note.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::ask::{Ask, Step};
use super::super::scene::Scene;
use super::super::window::Frame;
use super::field::Field;
use super::sheet::{Sheet, Took};
use crate::domain::{AlertId, SafeText};
use crate::model::{Action, Draft, DraftKey, Key};

/// A note for some alerts.
#[derive(Clone, Debug)]
pub(crate) struct NoteForm {
    title: String,
    alerts: Vec<AlertId>,
    /// They are acknowledged already: the note is replaced.
    again: bool,
    /// Who holds it, where it is taken over.
    over: Option<String>,
    pub(super) sheet: Sheet,
}

impl NoteForm {
    /// Opens it; `before` is the note that there is.
    pub(crate) fn new(title: String, profile: &str, alerts: Vec<AlertId>, again: bool, before: Option<&SafeText>) -> Self {
        let key = DraftKey {
            form: "note".into(),
            profile: profile.to_owned(),
            alerts: alerts.clone(),
        };
        let mut note = Field::new("note", "note", 4);
        if let Some(before) = before {
            note = note.filled(before.raw());
        }
        Self {
            title,
            alerts,
            again,
            over: None,
            sheet: Sheet::new(key, vec![note]),
        }
    }

    /// The same for an alert that is taken over from somebody.
    pub(crate) fn over(self, over: Option<String>) -> Self {
        Self { over, ..self }
    }

    pub(super) fn took(&mut self, took: Took) -> Step {
        match took {
            Took::Stay => Step::Stay,
            Took::Changed => Step::Changed,
            Took::Leave => Step::Close,
            Took::Submit => match self.sheet.optional("note") {
                None => {
                    self.sheet
                        .refuse("note", "the note is empty: write one, or leave and acknowledge without".into());
                    Step::Stay
                }
                Some(note) => Step::CloseAsk(Ask::Acknowledge {
                    alerts: self.alerts.clone(),
                    note: Some(note),
                    again: self.again,
                    over: self.over.clone(),
                }),
            },
        }
    }

    pub(super) fn render(&self, scene: &Scene<'_>, buffer: &mut Buffer, area: Rect) {
        let frame = Frame {
            title: &self.title,
            hints: &[Action::Submit, Action::BreakLine, Action::Leave],
            width: 84,
            height: self.sheet.wanted() + 1,
        };
        let inner = frame.render(scene, buffer, area);
        self.sheet.render(scene, buffer, inner, true);
    }
}

/// The three forms have the same manners.
macro_rules! manners {
    ($form:ident) => {
        impl $form {
            /// Takes an action of the table.
            pub(crate) fn act(&mut self, action: Action) -> Step {
                let took = self.sheet.act(action);
                self.took(took)
            }

            /// Takes a key that means text.
            pub(crate) fn key(&mut self, key: Key) -> Step {
                let took = self.sheet.key(key);
                self.took(took)
            }

            /// Takes pasted text.
            pub(crate) fn paste(&mut self, text: &str) -> Step {
                let took = self.sheet.paste(text);
                self.took(took)
            }

            /// What is to be kept of it.
            pub(crate) fn draft(&self, now: jiff::Timestamp) -> Draft {
                self.sheet.draft(now)
            }

            /// Whose draft it is.
            pub(crate) fn draft_key(&self) -> &DraftKey {
                &self.sheet.key
            }

            /// Fills it from what was kept.
            pub(crate) fn restore(&mut self, draft: &Draft) {
                self.sheet.restore(draft);
            }
        }
    };
}
pub(super) use manners;

manners!(NoteForm);
