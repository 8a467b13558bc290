//! The stack of windows: an event goes to the top one first.

use crate::domain::OutboxId;
use crate::model::{Action, Context, Key, Store};
use crate::pane::Step;
use crate::pane::detail::Detail;
use crate::pane::form::Form;
use crate::pane::window::{
    FilterLine, HandoverView, Health, Help, Links, LoadView, Menu, OutboxList, Palette, Prompt, Question, Results, ShelfList,
};

/// One window.
#[derive(Debug)]
pub(super) enum Layer {
    Detail(Box<Detail>),
    /// A form; it may replace a refused row of the outbox.
    Form(Box<Form>, Option<OutboxId>),
    Filter(Box<FilterLine>),
    Help(Help),
    Palette(Box<Palette>),
    Outbox(OutboxList),
    Health(Box<Health>),
    Question(Box<Question>),
    Menu(Menu),
    Results(Results),
    Shelf(ShelfList),
    Load(LoadView),
    Handover(Box<HandoverView>),
    Prompt(Box<Prompt>),
    Links(Links),
}

impl Layer {
    /// Where its keys are looked up.
    pub(super) fn context(&self) -> Context {
        match self {
            Self::Detail(_) => Context::Detail,
            Self::Outbox(_) => Context::Outbox,
            Self::Shelf(_) => Context::Shelf,
            Self::Handover(_) => Context::Handover,
            Self::Form(..) | Self::Filter(_) | Self::Palette(_) | Self::Menu(_) | Self::Prompt(_) | Self::Links(_) => Context::Form,
            Self::Question(question) if question.takes_text() => Context::Form,
            Self::Health(health) if health.takes_text() => Context::Form,
            Self::Question(_) => Context::Question,
            Self::Help(_) | Self::Health(_) | Self::Results(_) | Self::Load(_) => Context::Global,
        }
    }

    /// Whether what is typed goes into it: as text, or as the answer to its question.
    pub(super) fn takes_text(&self) -> bool {
        match self {
            Self::Form(..) | Self::Filter(_) | Self::Palette(_) | Self::Prompt(_) | Self::Question(_) => true,
            Self::Health(window) => window.takes_text(),
            _ => false,
        }
    }

    /// Whether it takes no text but a choice, though its keys are those of forms.
    pub(super) fn is_list(&self) -> bool {
        matches!(self, Self::Palette(_) | Self::Menu(_) | Self::Links(_))
    }

    /// Takes an action of the table.
    pub(super) fn act(&mut self, action: Action, store: &Store) -> Step {
        match self {
            Self::Detail(window) => window.act(action),
            Self::Form(form, _) => form.act(action, store),
            Self::Filter(line) => line.act(action),
            Self::Help(window) => window.act(action),
            Self::Palette(window) => window.act(action),
            Self::Outbox(window) => window.act(action, store),
            Self::Health(window) => window.act(action),
            Self::Question(window) => window.act(action),
            Self::Menu(window) => window.act(action),
            Self::Results(window) => window.act(action),
            Self::Shelf(window) => window.act(action, store),
            Self::Load(window) => window.act(action),
            Self::Handover(window) => window.act(action),
            Self::Prompt(window) => window.act(action),
            Self::Links(window) => window.act(action),
        }
    }

    /// Takes a key that means text.
    pub(super) fn key(&mut self, key: Key, store: &Store) -> Step {
        match self {
            Self::Form(form, _) => form.key(key, store),
            Self::Filter(line) => line.key(key),
            Self::Palette(window) => window.key(key),
            Self::Question(window) => window.key(key),
            Self::Menu(window) => window.key(key),
            Self::Prompt(window) => window.key(key),
            Self::Links(window) => window.key(key),
            Self::Health(window) => window.key(key),
            Self::Detail(_) | Self::Help(_) | Self::Outbox(_) | Self::Results(_) | Self::Shelf(_) | Self::Load(_) | Self::Handover(_) => {
                Step::Pass
            }
        }
    }

    /// Takes pasted text; `Pass` where there is no field.
    pub(super) fn paste(&mut self, text: &str, store: &Store) -> Step {
        match self {
            Self::Form(form, _) => form.paste(text, store),
            Self::Filter(line) => line.paste(text),
            Self::Palette(window) => window.paste(text),
            Self::Prompt(window) => window.paste(text),
            Self::Health(window) => window.paste(text),
            Self::Question(_)
            | Self::Menu(_)
            | Self::Links(_)
            | Self::Detail(_)
            | Self::Help(_)
            | Self::Outbox(_)
            | Self::Results(_)
            | Self::Shelf(_)
            | Self::Load(_)
            | Self::Handover(_) => Step::Pass,
        }
    }
}
