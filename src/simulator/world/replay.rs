//! A plant that comes back: what stands in its ledger happens again, in its order and at its time.

use serde_json::{Map, Value};

use super::{Acknowledgement, Caller, Message, NewDevice, Refusal, Resolution, World};
use crate::simulator::ledger::{EffectKind, LedgerEntry};

impl World {
    /// Lets it all happen again. What the second operator did follows from the plant itself; what clients did is done anew.
    /// Fails with the number of the entry that does not fit this plant.
    pub(crate) fn replay(&mut self, entries: &[LedgerEntry]) -> Result<(), u64> {
        // what was taken over then was taken over, whether or not this run lets it be
        let allow_takeover = std::mem::replace(&mut self.allow_takeover, true);
        let replayed = self.replay_all(entries);
        self.allow_takeover = allow_takeover;
        replayed
    }

    fn replay_all(&mut self, entries: &[LedgerEntry]) -> Result<(), u64> {
        for entry in entries {
            self.evolve(entry.at);
            let again = !entry.is_by_client() && self.ledger.entries().iter().rev().any(|known| is_same(known, entry));
            if !again {
                self.apply(entry).map_err(|_| entry.seq)?;
            }
        }
        Ok(())
    }

    fn apply(&mut self, entry: &LedgerEntry) -> Result<(), Refusal> {
        let (now, key, body) = (entry.at, entry.key.as_str(), entry.body.clone());
        let of = |id: &Option<String>| id.clone().unwrap_or_default();
        let object = |name: &str| entry.body.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
        let whole: Map<String, Value> = entry.body.as_object().cloned().unwrap_or_default();
        match entry.effect {
            EffectKind::Acknowledge => {
                let notes = entry.body.get("notes").and_then(Value::as_str).map(str::to_owned);
                let acknowledged_by = entry.actor.clone();
                let by = Acknowledgement { acknowledged_by, notes };
                self.acknowledge(&of(&entry.alert_id), by, key, body, now).map(drop)
            }
            EffectKind::Resolve => {
                let by: Resolution = serde_json::from_value(body.clone()).map_err(|error| Refusal::bad(error.to_string()))?;
                self.resolve(&of(&entry.alert_id), by, key, body, now).map(drop)
            }
            EffectKind::CreateWorkOrder => {
                let transaction = entry.transactionid.as_deref();
                self.create_order(whole, &Caller { key, transaction }, now).map(drop)
            }
            EffectKind::CreateDevice => {
                let device = NewDevice {
                    id: of(&entry.device_id),
                    info: Value::Object(object("deviceInfo")),
                    metadata: object("metadata"),
                };
                let kind = Self::kind(&of(&entry.device_type))?;
                self.create_device(kind, device, (&entry.actor, key), body, now).map(drop)
            }
            EffectKind::UpdateMetadata => {
                let kind = Self::kind(&of(&entry.device_type))?;
                let who = (entry.actor.as_str(), key);
                self.update_metadata(kind, &of(&entry.device_id), object("metadata"), who, body, now)
                    .map(drop)
            }
            EffectKind::CreateAsset => self.create_asset(whole, key, now).map(drop),
            EffectKind::UpdateAsset => self
                .update_asset((&of(&entry.siteid), &of(&entry.assetnum)), whole, None, key, now)
                .map(drop),
            EffectKind::ReportProduction => {
                let place = of(&entry.report);
                let (line, date) = place.rsplit_once('/').unwrap_or_default();
                self.take_report(line, date, body, now).map(drop)
            }
            EffectKind::CreateIncident => self.create_incident(whole, now).map(drop),
            EffectKind::ReceiveWebhook => {
                let message = Message {
                    sink: of(&entry.sink),
                    id: entry.message.clone(),
                    body,
                };
                self.take_message(message, now);
                Ok(())
            }
        }
    }
}

/// Whether two entries are about the same effect.
fn is_same(one: &LedgerEntry, other: &LedgerEntry) -> bool {
    (one.effect, one.at, &one.alert_id, &one.actor, &one.key) == (other.effect, other.at, &other.alert_id, &other.actor, &other.key)
}
