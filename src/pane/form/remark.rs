//! The form for a remark to the next shift.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::ask::{Ask, Step};
use super::super::scene::Scene;
use super::super::window::Frame;
use super::field::Field;
use super::note::manners;
use super::sheet::{Sheet, Took};
use crate::model::{Action, Draft, DraftKey, Key};

/// A remark.
#[derive(Clone, Debug)]
pub(crate) struct RemarkForm {
    pub(super) sheet: Sheet,
}

impl RemarkForm {
    /// Opens it.
    pub(crate) fn new(profile: &str) -> Self {
        let key = DraftKey {
            form: "remark".into(),
            profile: profile.to_owned(),
            alerts: Vec::new(),
        };
        Self {
            sheet: Sheet::new(key, vec![Field::new("remark", "remark", 4)]),
        }
    }

    fn took(&mut self, took: Took) -> Step {
        match took {
            Took::Stay => Step::Stay,
            Took::Changed => Step::Changed,
            Took::Leave => Step::Close,
            Took::Submit => match self.sheet.optional("remark") {
                None => {
                    self.sheet.refuse("remark", "the remark is empty: write one, or leave".into());
                    Step::Stay
                }
                Some(text) => Step::CloseAsk(Ask::Remark(text)),
            },
        }
    }

    pub(super) fn render(&self, scene: &Scene<'_>, buffer: &mut Buffer, area: Rect) {
        let frame = Frame {
            title: "Remark for the next shift",
            hints: &[Action::Submit, Action::BreakLine, Action::Leave],
            width: 84,
            height: self.sheet.wanted() + 1,
        };
        let inner = frame.render(scene, buffer, area);
        self.sheet.render(scene, buffer, inner, true);
    }
}

manners!(RemarkForm);
