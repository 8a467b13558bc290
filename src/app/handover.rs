//! The handover: put together from what the console knows, kept, marked as read.

use jiff::{SignedDuration, Timestamp};

use super::App;
use crate::domain::handover::Basis;
use crate::domain::{Alert, Handover, Intent, OutboxRow, Read, Remark};
use crate::model::{Action, DraftKey, Effect, Keepsake, Source};
use crate::pane::Tone;
use crate::pane::form::{Form, RemarkForm};
use crate::pane::window::Period;

/// Most remarks and marks of reading that are remembered.
const NOTES_MOST: usize = 2_000;

impl App {
    /// The handover of a period.
    pub(super) fn handover(&self, period: Period) -> Handover {
        let zone = &self.setup.time_zone;
        let (since, until) = match period {
            // what happens now belongs to it
            Period::Now => (
                self.setup.shift.around(self.now, zone).0,
                self.now.checked_add(SignedDuration::from_millis(1)).unwrap_or(self.now),
            ),
            Period::Before => self.setup.shift.before(self.now, zone),
        };
        let rows: Vec<&OutboxRow> = self.store.ledger().rows().collect();
        let alerts: Vec<&Alert> = self.store.alerts().collect();
        Handover::of(&Basis {
            site: &self.setup.site,
            operator: &self.setup.operator,
            since,
            until,
            as_of: self.store.freshness(Source::Alerts).as_of,
            alerts,
            history: self.store.history(),
            shelf: self.store.shelf(),
            rows,
            remarks: &self.remarks,
            reads: &self.reads,
            limits: self.store.flood_limits(),
        })
    }

    /// What earlier runs kept.
    pub(super) fn take_notes(&mut self, mut remarks: Vec<Remark>, mut reads: Vec<Read>) {
        remarks.append(&mut self.remarks);
        reads.append(&mut self.reads);
        (self.remarks, self.reads) = (remarks, reads);
        self.dirty = true;
    }

    pub(super) fn begin_remark(&mut self) {
        let form = RemarkForm::new(&self.setup.profile);
        self.open_form(Form::Remark(form), None);
    }

    pub(super) fn remark(&mut self, text: &str) {
        let remark = Remark {
            at: self.now,
            by: self.setup.operator.as_str().into(),
            text: text.into(),
        };
        self.remarks.push(remark.clone());
        let extra = self.remarks.len().saturating_sub(NOTES_MOST);
        self.remarks.drain(..extra);
        self.effects.push(Effect::Keep(Keepsake::Remark(remark)));
        let key = self.scene().key(Action::Handover);
        self.say(Tone::Good, format!("the remark stands in the handover ({key})"));
    }

    pub(super) fn mark_read(&mut self, since: Timestamp) {
        let read = Read {
            since,
            by: self.setup.operator.as_str().into(),
            at: self.now,
        };
        if self.reads.iter().any(|has| has.since == since && has.by == read.by) {
            self.say(Tone::Plain, "you have marked it as read before".into());
            return;
        }
        self.reads.push(read.clone());
        let extra = self.reads.len().saturating_sub(NOTES_MOST);
        self.reads.drain(..extra);
        self.effects.push(Effect::Keep(Keepsake::Read(read)));
        self.say(Tone::Good, "marked as read".into());
    }

    /// Commits the handover for the webhook. The bridge delivers it; until then it stands in the outbox.
    pub(super) fn send_handover(&mut self, handover: &Handover) {
        if let Err(why) = self.read_only() {
            self.say(Tone::Bad, why);
            return;
        }
        let Some(webhook) = self.setup.handover_webhook.clone() else {
            let text = "no webhook is named for the handover: set webhook in [console.handover] to one of [bridge].outbound";
            self.say(Tone::Bad, text.into());
            return;
        };
        let intent = Intent::CallWebhook {
            message: handover.message(&webhook),
            alert: None,
            payload: serde_json::to_value(handover).unwrap_or_default(),
            webhook: webhook.clone(),
        };
        let ticket = self.next_ticket();
        self.store.submit(ticket, intent.clone());
        self.effects.push(Effect::Submit {
            ticket,
            intent,
            grace: self.setup.graces.acknowledge,
        });
        let key = self.scene().key(Action::Outbox);
        let name = crate::domain::SafeText::new(webhook);
        self.say(
            Tone::Plain,
            format!("the handover goes to {} through the outbox ({key})", name.shown()),
        );
    }

    /// What was written in a form that only this machine keeps is no draft any more.
    pub(super) fn drop_draft(&mut self, key: DraftKey) {
        if self.drafts.remove(&key).is_some() {
            self.effects.push(Effect::DropDraft(key));
        }
    }
}
