//! What was asked for together: taken back together, and its results told together.

use crate::domain::{AlertId, Intent, IntentState, OutboxId, OutboxRow};
use crate::model::store::Verb;
use crate::model::{DraftKey, Store, Ticket};
use crate::pane::Scene;
use crate::pane::window::Outcome;

/// Most groups that are remembered.
pub(super) const GROUPS_MOST: usize = 200;

/// One alert's part.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) ticket: Ticket,
    pub(super) intent: Intent,
    pub(super) row: Option<OutboxId>,
    /// Another person held it when it was asked for: it was to be taken over.
    pub(super) held: bool,
    /// Why the outbox did not take it.
    pub(super) failed: Option<String>,
}

/// Intents of one key press or form.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) verb: Verb,
    /// What it is about, as people call it.
    pub(super) name: String,
    pub(super) members: Vec<Member>,
    /// What was said of those that could not be asked.
    pub(super) left: Option<String>,
    /// It is being taken back.
    pub(super) undone: bool,
    /// Its end was told.
    pub(super) told: bool,
    /// The form's draft, dropped once the outbox has everything.
    pub(super) draft: Option<DraftKey>,
}

impl Group {
    pub(super) fn has_row(&self, id: OutboxId) -> bool {
        self.members.iter().any(|member| member.row == Some(id))
    }

    /// Members that can still be taken back: not committed, or committed and never sent.
    pub(super) fn undoable<'a>(&'a self, store: &'a Store) -> impl Iterator<Item = &'a Member> {
        self.members.iter().filter(|member| {
            member.failed.is_none()
                && match member.row {
                    None => true,
                    Some(id) => store
                        .ledger()
                        .row(id)
                        .is_some_and(|row| row.state == IntentState::Queued && row.attempts == 0),
                }
        })
    }

    /// Whether nothing more will happen by itself.
    pub(super) fn is_settled(&self, store: &Store) -> bool {
        self.members.iter().all(|member| {
            member.failed.is_some()
                || member
                    .row
                    .is_some_and(|id| store.ledger().row(id).is_none_or(|row| !row.state.is_open()))
        })
    }

    /// What became of each.
    pub(super) fn outcomes(&self, scene: &Scene<'_>) -> Vec<Outcome> {
        let store = scene.store;
        self.members
            .iter()
            .map(|member| {
                let row = member.row.and_then(|id| store.ledger().row(id));
                let (text, good) = match (&member.failed, row) {
                    (Some(why), _) => (format!("not saved: {why}"), false),
                    (None, None) => ("being saved".to_owned(), true),
                    (None, Some(row)) if member.held && row.state == IntentState::Superseded => (kept(scene, row), false),
                    (None, Some(row)) => outcome(scene, self.verb, row),
                };
                Outcome {
                    name: name(store, member.intent.alert()),
                    text,
                    good,
                }
            })
            .collect()
    }
}

fn name(store: &Store, id: Option<&AlertId>) -> String {
    id.map_or_else(String::new, |id| {
        store.alert(id).map_or_else(
            || id.shown().to_owned(),
            |alert| format!("{} {}", alert.device.shown(), alert.name.shown()),
        )
    })
}

/// The server left it with whom it was taken over from.
fn kept(scene: &Scene<'_>, row: &OutboxRow) -> String {
    let alert = row.intent.alert().and_then(|id| scene.store.alert(id));
    let by = row.superseded_by.as_ref().map_or("somebody else", |by| by.shown());
    let since = alert
        .filter(|alert| alert.acknowledged_by == row.superseded_by)
        .and_then(|alert| alert.acknowledged_at)
        .map_or_else(String::new, |at| format!(" since {}", scene.clock(at)));
    format!("this server does not let it be taken over: {by} holds it{since}")
}

fn outcome(scene: &Scene<'_>, verb: Verb, row: &OutboxRow) -> (String, bool) {
    let detail = row
        .detail
        .as_ref()
        .map_or_else(String::new, |detail| format!(": {}", scene.told(detail)));
    match row.state {
        IntentState::Delivered => (verb.done().to_owned(), true),
        IntentState::Superseded => {
            let by = row.superseded_by.as_ref().map_or("somebody else", |by| by.shown());
            // the sender's sentence says who it was
            match row.detail.as_ref().filter(|detail| detail.shown().starts_with("already ")) {
                Some(detail) => (scene.told(detail), false),
                None => (format!("{by} was first{detail}"), false),
            }
        }
        IntentState::Parked => (format!("refused{detail}"), false),
        IntentState::Cancelled => (row.taken_back().to_owned(), !row.may_have_arrived()),
        IntentState::Queued => ("queued".to_owned(), true),
        IntentState::Sending => ("sending".to_owned(), true),
        IntentState::InDoubt => ("being checked".to_owned(), true),
    }
}
