//! What the outbox answers: that it took something, how far it has come, how it ended.

use super::{App, RECOVERED_FOR};
use crate::domain::{Intent, IntentState, OutboxId, OutboxRow};
use crate::model::store::Verb;
use crate::model::{Effect, Ticket};
use crate::pane::Tone;
use crate::pane::window::Outcome;

impl App {
    pub(super) fn submitted(&mut self, ticket: Ticket, result: Result<OutboxRow, String>) {
        let Some(_) = self.store.answered(ticket) else { return };
        let cancel = self.cancelling.remove(&ticket);
        let mut dropped = None;
        let row = match result {
            Ok(row) => {
                let id = row.id;
                if cancel {
                    self.effects.push(Effect::Cancel(id));
                }
                for group in &mut self.groups {
                    let Some(member) = group.members.iter_mut().find(|member| member.ticket == ticket) else {
                        continue;
                    };
                    member.row = Some(id);
                    if group.members.iter().all(|member| member.row.is_some()) {
                        dropped = group.draft.take();
                    }
                }
                Some(row)
            }
            Err(why) => {
                let why = crate::domain::SafeText::new(why).shown().to_owned();
                let mut kept = "";
                for group in &mut self.groups {
                    if let Some(member) = group.members.iter_mut().find(|member| member.ticket == ticket) {
                        member.failed = Some(why.clone());
                        kept = if group.draft.is_some() {
                            "; what you wrote is kept as a draft"
                        } else {
                            ""
                        };
                    }
                }
                self.say(Tone::Bad, format!("not saved, and so not sent: {why}{kept}"));
                None
            }
        };
        if let Some(key) = dropped {
            self.drafts.remove(&key);
            self.effects.push(Effect::DropDraft(key));
        }
        if let Some(row) = row {
            self.outbox(row);
        }
    }

    pub(super) fn outbox(&mut self, row: OutboxRow) {
        let (id, state) = (row.id, row.state);
        let makes_order = row.wonum.is_some();
        if !self.store.outbox(row, self.now) {
            return;
        }
        self.dirty = true;
        self.keep_link(id);
        if makes_order && state == IntentState::Delivered {
            self.ask_order_status();
        }
        if state.is_open() {
            return;
        }
        let settled = self
            .groups
            .iter_mut()
            .find(|group| group.has_row(id) && !group.told && group.is_settled(&self.store));
        if let Some(group) = settled {
            group.told = true;
            let (name, verb, undone) = (group.name.clone(), group.verb, group.undone);
            let scene = crate::pane::Scene {
                setup: &self.setup,
                store: &self.store,
                now: self.now,
            };
            let outcomes = group.outcomes(&scene);
            let rows: Vec<OutboxId> = group.members.iter().filter_map(|member| member.row).collect();
            self.tell(&name, verb, undone, &outcomes, &rows);
        } else if state == IntentState::Parked {
            self.tell_refused(id);
        }
    }

    /// The server took a note that links an order: the link stays here even if another note replaces it.
    fn keep_link(&mut self, id: OutboxId) {
        let Some(row) = self.store.ledger().row(id).filter(|row| row.state == IntentState::Delivered) else {
            return;
        };
        let Intent::Acknowledge {
            alert, notes: Some(note), ..
        } = &row.intent
        else {
            return;
        };
        let Some(number) = crate::domain::linked_order(note) else { return };
        let (alert, number) = (alert.clone(), number.to_owned());
        if self.memo.links.iter().any(|link| link.alert == alert && link.number == number) {
            return;
        }
        self.store.take_linked([(alert.clone(), number.clone())]);
        self.memo.keep_link(alert, number);
        self.save_memo();
    }

    /// Tells how an action ended.
    fn tell(&mut self, name: &str, verb: Verb, undone: bool, outcomes: &[Outcome], rows: &[OutboxId]) {
        let scene = self.scene();
        let bad = outcomes.iter().filter(|outcome| !outcome.good).count();
        let when = scene.clock_seconds(self.now);
        match (outcomes, rows) {
            ([one], [row]) if one.good => {
                if undone {
                    return; // that was said when it was taken back
                }
                let number = self.store.ledger().row(*row).and_then(|row| row.wonum.as_ref());
                let number = number.map_or_else(String::new, |number| format!(" {}", number.shown()));
                let done = match verb {
                    Verb::Order => format!("work order{number} made for {name}"),
                    Verb::Acknowledge | Verb::Resolve | Verb::Metadata | Verb::Bridge => format!("{name} {}", verb.done()),
                };
                let sign = scene.glyphs().done;
                self.say(Tone::Good, format!("{sign} {done} {when}"));
            }
            ([one], _) => self.say(Tone::Bad, format!("{} {}: {}", verb.shown(), one.name, one.text)),
            (many, _) if bad == 0 => {
                if !undone {
                    let sign = scene.glyphs().done;
                    self.say(Tone::Good, format!("{sign} {} alerts {} {when}", many.len(), verb.done()));
                }
            }
            (many, _) => {
                let key = scene.key(crate::model::Action::Results);
                let text = format!(
                    "{} of {} {}; {bad} not: {key} shows which and why",
                    many.len() - bad,
                    many.len(),
                    verb.done()
                );
                self.say(Tone::Bad, text);
            }
        }
    }

    fn tell_refused(&mut self, id: OutboxId) {
        let Some(row) = self.store.ledger().row(id) else { return };
        let name = row.intent.alert().map_or_else(String::new, |alert| self.name_of(alert));
        let told = row.detail.as_ref().map(|detail| self.scene().told(detail));
        let why = told.unwrap_or_else(|| "no reason was given".to_owned());
        let key = self.scene().key(crate::model::Action::Outbox);
        let text = format!("{} {name} refused: {why} ({key} opens the outbox)", row.intent.verb());
        self.say(Tone::Bad, text);
    }

    pub(super) fn recovered(&mut self, rows: Vec<OutboxRow>) {
        for row in rows {
            self.store.outbox(row, self.now);
        }
        let ledger = self.store.ledger();
        let (open, refused) = (ledger.open(), ledger.refused());
        let unseen = ledger
            .rows()
            .filter(|row| matches!(row.state, IntentState::Sending | IntentState::InDoubt))
            .count();
        let counts = [
            (open - unseen.min(open), "still to be sent"),
            (unseen, "whose answer was not seen, looked up before anything is sent again"),
            (refused, "refused"),
        ];
        let counts: Vec<String> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        if !counts.is_empty() {
            let key = self.scene().key(crate::model::Action::Outbox);
            let tone = if refused > 0 { Tone::Bad } else { Tone::Plain };
            let draft = self.found_draft.take().map_or_else(String::new, |draft| format!("; {draft}"));
            let text = format!("recovered from an earlier run: {} ({key} shows what){draft}", counts.join(", "));
            self.say_for(tone, text, RECOVERED_FOR);
        }
        self.dirty = true;
    }
}
