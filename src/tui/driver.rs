//! Carries out what the core asks for. Nothing here waits: commands, reads, drafts and bytes each have their own task
//! or thread.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::config::Notify;
use crate::domain::{Intent, IntentState, OutboxRow};
use crate::local::{Drafts, Memos};
use crate::model::{Effect, Event, Fetch};
use crate::worker::Worker;

use super::archive::{Archive, Archivist};
use super::clipboard::{self, Wrap};
use super::desk::{Desk, Order};
use super::draft::Keeper;
use super::journal::Journal;
use super::output::Output;

/// What the loop itself has to do about an effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Nothing,
    Redraw,
    Suspend,
    Switch(String),
    Quit,
}

/// The loop's hands.
pub(super) struct Driver {
    worker: Worker,
    pub(super) desk: Desk,
    pub(super) keeper: Option<Keeper>,
    pub(super) archivist: Option<Archivist>,
    output: Output,
    wrap: Wrap,
    notify: Notify,
}

/// Where the driver keeps things.
pub(super) struct Places {
    pub(super) drafts: Option<Drafts>,
    pub(super) memos: Option<Memos>,
    pub(super) archive: Option<Archive>,
    pub(super) notify: Notify,
}

impl Driver {
    pub(super) fn new<J: Journal>(worker: Worker, journal: Arc<J>, places: Places, output: Output, events: mpsc::Sender<Event>) -> Self {
        let keeps = places.drafts.is_some() || places.memos.is_some();
        let keeper = keeps
            .then(|| Keeper::start(places.drafts, places.memos, events.clone()).ok())
            .flatten();
        let archivist = places.archive.and_then(|archive| Archivist::start(archive, events.clone()).ok());
        Self {
            worker,
            desk: Desk::open(journal, events),
            keeper,
            archivist,
            notify: places.notify,
            output,
            wrap: Wrap::detect(|name| std::env::var(name).ok()),
        }
    }

    /// Carries one out; what can be answered at once is pushed to `answers`.
    pub(super) fn carry_out(&mut self, effect: Effect, answers: &mut Vec<Event>) -> Step {
        let now = Instant::now();
        match effect {
            Effect::Submit { ticket, intent, grace } => answers.extend(self.desk.take(Order::Submit { ticket, intent, grace })),
            Effect::Replace { id, ticket, intent } => answers.extend(self.desk.take(Order::Replace { id, ticket, intent })),
            Effect::Cancel(id) => answers.extend(self.desk.take(Order::Cancel(id))),
            Effect::Retry(id) => answers.extend(self.desk.take(Order::Retry(id))),
            Effect::Fetch(fetch) => self.worker.fetch(fetch),
            Effect::SaveDraft(draft) => {
                if let Some(keeper) = &mut self.keeper {
                    keeper.save(draft, now);
                }
            }
            Effect::DropDraft(key) => {
                if let Some(keeper) = &mut self.keeper {
                    keeper.forget(key, now);
                }
            }
            Effect::Keep(keepsake) => answers.extend(self.archivist.as_ref().and_then(|archivist| archivist.keep(keepsake))),
            Effect::ReadRunbook(slug) => answers.extend(self.archivist.as_ref().and_then(|archivist| archivist.runbook(slug))),
            Effect::SaveMemo(memo) => {
                if let Some(keeper) = &mut self.keeper {
                    keeper.keep(memo);
                }
            }
            Effect::Copy(text) => answers.push(self.copy(&text)),
            Effect::Bell(text) => {
                self.output.bell();
                if let Some(sequence) = clipboard::notification(&text, self.notify, self.wrap) {
                    self.output.notification(sequence);
                }
            }
            Effect::Title(text) => self.output.title(&text),
            Effect::Redraw => return Step::Redraw,
            Effect::Suspend => return Step::Suspend,
            Effect::Switch(profile) => return Step::Switch(profile),
            Effect::Quit => return Step::Quit,
        }
        Step::Nothing
    }

    fn copy(&self, text: &str) -> Event {
        match clipboard::sequence(text, self.wrap) {
            Some(sequence) => {
                self.output.clipboard(sequence);
                Event::Notice {
                    text: format!("sent {} characters to the terminal's clipboard", text.chars().count()),
                    failed: false,
                }
            }
            None => Event::Notice {
                text: format!(
                    "not copied: longer than {} KiB, which terminals cut",
                    clipboard::TEXT_MAX_BYTES / 1024
                ),
                failed: true,
            },
        }
    }

    /// A row changed at the outbox: what the server now says of its object is read soon.
    pub(super) fn follow(&self, row: &OutboxRow) {
        let ended = matches!(row.state, IntentState::Delivered | IntentState::Superseded | IntentState::Parked);
        let Some(alert) = row.intent.alert().filter(|_| ended) else {
            return;
        };
        self.worker.fetch(match &row.intent {
            Intent::CreateWorkOrder { .. } => Fetch::OrderStatus(vec![alert.clone()]),
            Intent::Acknowledge { .. }
            | Intent::Resolve { .. }
            | Intent::SetMetadata { .. }
            | Intent::SyncAsset { .. }
            | Intent::ReportProduction { .. }
            | Intent::CallWebhook { .. } => Fetch::Alert(alert.clone()),
        });
    }
}
