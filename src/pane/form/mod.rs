//! What a person fills in. Enter submits, Tab moves, Alt-Enter breaks a line, Esc leaves and the draft stays.

mod field;
mod note;
mod remark;
mod resolve;
mod sheet;
mod shelve;
mod work_order;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::ask::Step;
use super::scene::Scene;
use crate::model::{Action, Draft, DraftKey, Key, Store};

pub(crate) use field::Field;
pub(crate) use note::NoteForm;
pub(crate) use remark::RemarkForm;
pub(crate) use resolve::ResolveForm;
pub(crate) use resolve::{ResolveText, causes};
pub(crate) use shelve::ShelveForm;
pub(crate) use work_order::WorkOrderForm;

/// Any of the forms.
#[derive(Clone, Debug)]
pub(crate) enum Form {
    /// A note.
    Note(NoteForm),
    /// A resolution.
    Resolve(ResolveForm),
    /// A work order.
    WorkOrder(Box<WorkOrderForm>),
    /// Putting aside.
    Shelve(ShelveForm),
    /// A remark for the next shift.
    Remark(RemarkForm),
}

impl Form {
    /// Takes an action of the table.
    pub(crate) fn act(&mut self, action: Action, store: &Store) -> Step {
        match self {
            Self::Note(form) => form.act(action),
            Self::Resolve(form) => form.act(action),
            Self::Shelve(form) => form.act(action),
            Self::Remark(form) => form.act(action),
            Self::WorkOrder(form) => form.act(action, store),
        }
    }

    /// Takes a key that means text.
    pub(crate) fn key(&mut self, key: Key, store: &Store) -> Step {
        match self {
            Self::Note(form) => form.key(key),
            Self::Resolve(form) => form.key(key),
            Self::Shelve(form) => form.key(key),
            Self::Remark(form) => form.key(key),
            Self::WorkOrder(form) => form.key(key, store),
        }
    }

    /// Takes pasted text.
    pub(crate) fn paste(&mut self, text: &str, store: &Store) -> Step {
        match self {
            Self::Note(form) => form.paste(text),
            Self::Resolve(form) => form.paste(text),
            Self::Shelve(form) => form.paste(text),
            Self::Remark(form) => form.paste(text),
            Self::WorkOrder(form) => form.paste(text, store),
        }
    }

    /// What is to be kept of it.
    pub(crate) fn draft(&self, now: jiff::Timestamp) -> Draft {
        match self {
            Self::Note(form) => form.draft(now),
            Self::Resolve(form) => form.draft(now),
            Self::Shelve(form) => form.draft(now),
            Self::Remark(form) => form.draft(now),
            Self::WorkOrder(form) => form.draft(now),
        }
    }

    /// Whose draft it is.
    pub(crate) fn draft_key(&self) -> &DraftKey {
        match self {
            Self::Note(form) => form.draft_key(),
            Self::Resolve(form) => form.draft_key(),
            Self::Shelve(form) => form.draft_key(),
            Self::Remark(form) => form.draft_key(),
            Self::WorkOrder(form) => form.draft_key(),
        }
    }

    /// What there is to say about the field that the person was at, when the form is left.
    pub(crate) fn parting(&self) -> Option<String> {
        match self {
            Self::Note(form) => form.sheet.parting(),
            Self::Resolve(form) => form.sheet.parting(),
            Self::Shelve(form) => form.sheet.parting(),
            Self::Remark(form) => form.sheet.parting(),
            Self::WorkOrder(form) => form.sheet.parting(),
        }
    }

    /// Fills it from what was kept.
    pub(crate) fn restore(&mut self, draft: &Draft) {
        match self {
            Self::Note(form) => form.restore(draft),
            Self::Resolve(form) => form.restore(draft),
            Self::Shelve(form) => form.restore(draft),
            Self::Remark(form) => form.restore(draft),
            Self::WorkOrder(form) => form.restore(draft),
        }
    }

    /// Takes in what was told since the last frame.
    pub(crate) fn arrange(&mut self, store: &Store) {
        match self {
            Self::Note(_) | Self::Resolve(_) | Self::Shelve(_) | Self::Remark(_) => {}
            Self::WorkOrder(form) => form.arrange(store),
        }
    }

    /// Draws it.
    pub(crate) fn render(&self, scene: &Scene<'_>, buffer: &mut Buffer, area: Rect) {
        match self {
            Self::Note(form) => form.render(scene, buffer, area),
            Self::Resolve(form) => form.render(scene, buffer, area),
            Self::Shelve(form) => form.render(scene, buffer, area),
            Self::Remark(form) => form.render(scene, buffer, area),
            Self::WorkOrder(form) => form.render(scene, buffer, area),
        }
    }
}
