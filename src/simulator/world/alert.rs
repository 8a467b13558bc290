//! Alerts and what people do to them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Refusal, World};
use crate::simulator::ledger::{EffectKind, Objects};

/// An alert on the simulator's own wire.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AlertRecord {
    pub(crate) alert_id: String,
    pub(crate) alert_name: String,
    pub(crate) device_id: String,
    pub(crate) device_type: String,
    pub(crate) severity: String,
    pub(crate) status: &'static str,
    pub(crate) metric: String,
    pub(crate) value: Option<f64>,
    pub(crate) threshold: Option<f64>,
    pub(crate) timestamp: Timestamp,
    pub(crate) message: String,
    #[serde(flatten)]
    pub(crate) acknowledgement: Option<Acknowledgement>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) acknowledged_at: Option<Timestamp>,
    #[serde(flatten)]
    pub(crate) resolution: Option<Resolution>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) resolved_at: Option<Timestamp>,
}

/// Who holds an alert, and their note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Acknowledgement {
    pub(crate) acknowledged_by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) notes: Option<String>,
}

/// How an alert ended.
#[expect(clippy::struct_field_names, reason = "the contract's member names")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Resolution {
    pub(crate) resolved_by: String,
    pub(crate) resolution: String,
    pub(crate) root_cause: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) preventive_action: Option<String>,
}

/// Which alerts a list holds; an empty list of words lets all pass.
#[derive(Clone, Debug, Default)]
pub(crate) struct AlertFilter {
    pub(crate) statuses: Vec<String>,
    pub(crate) severities: Vec<String>,
    pub(crate) device: Option<String>,
}

impl AlertFilter {
    fn admits(&self, alert: &AlertRecord) -> bool {
        let among = |words: &[String], word: &str| words.is_empty() || words.iter().any(|wanted| wanted == word);
        among(&self.statuses, alert.status)
            && among(&self.severities, &alert.severity)
            && self.device.as_deref().is_none_or(|device| device == alert.device_id)
    }
}

impl World {
    /// All that pass, newest first.
    pub(crate) fn alerts(&self, filter: &AlertFilter) -> impl Iterator<Item = &AlertRecord> {
        self.alerts.iter().rev().filter(move |alert| filter.admits(alert))
    }

    pub(crate) fn alert(&self, id: &str) -> Result<&AlertRecord, Refusal> {
        let index = self.alert_index.get(id).copied();
        index
            .and_then(|index| self.alerts.get(index))
            .ok_or_else(|| Refusal::not_found(&format!("alert {id}")))
    }

    fn alert_mut(&mut self, id: &str) -> Result<&mut AlertRecord, Refusal> {
        let index = self.alert_index.get(id).copied();
        index
            .and_then(|index| self.alerts.get_mut(index))
            .ok_or_else(|| Refusal::not_found(&format!("alert {id}")))
    }

    /// Whether somebody else than this person has acknowledged it.
    pub(super) fn is_held_by_another(&mut self, id: &str, by: &Acknowledgement) -> bool {
        let holder = self.alert_mut(id).ok().and_then(|alert| alert.acknowledgement.as_ref());
        holder.is_some_and(|holder| holder.acknowledged_by != by.acknowledged_by)
    }

    /// Takes an acknowledgement, or the same person's later note.
    pub(crate) fn acknowledge(
        &mut self,
        id: &str,
        by: Acknowledgement,
        key: &str,
        body: Value,
        now: Timestamp,
    ) -> Result<AlertRecord, Refusal> {
        let allow_takeover = self.allow_takeover;
        let alert = self.alert_mut(id)?;
        if alert.status == "resolved" {
            return Err(Refusal::conflict(format!("alert {id} is already resolved")));
        }
        let holder = alert
            .acknowledgement
            .as_ref()
            .filter(|holder| holder.acknowledged_by != by.acknowledged_by);
        if let (Some(holder), false) = (holder, allow_takeover) {
            return Err(Refusal::conflict(format!(
                "alert {id} is already acknowledged by {}",
                holder.acknowledged_by
            )));
        }
        let earlier_note = match (&alert.acknowledgement, &by.notes) {
            (Some(earlier), None) if earlier.acknowledged_by == by.acknowledged_by => earlier.notes.clone(),
            _ => None,
        };
        let actor = by.acknowledged_by.clone();
        alert.acknowledged_at = Some(now);
        alert.status = "acknowledged";
        alert.acknowledgement = Some(Acknowledgement {
            notes: by.notes.or(earlier_note),
            ..by
        });
        let record = alert.clone();
        self.record_alert(&record, (&actor, key), EffectKind::Acknowledge, body, now);
        Ok(record)
    }

    /// Ends an alert.
    pub(crate) fn resolve(&mut self, id: &str, by: Resolution, key: &str, body: Value, now: Timestamp) -> Result<AlertRecord, Refusal> {
        let alert = self.alert_mut(id)?;
        if alert.status == "resolved" {
            return Err(Refusal::conflict(format!("alert {id} is already resolved")));
        }
        let actor = by.resolved_by.clone();
        alert.status = "resolved";
        alert.resolved_at = Some(now);
        alert.resolution = Some(by);
        let record = alert.clone();
        self.record_alert(&record, (&actor, key), EffectKind::Resolve, body, now);
        Ok(record)
    }

    /// The rule itself ends an alert that nobody holds.
    pub(super) fn clear_alert(&mut self, id: &str, now: Timestamp) {
        if let Ok(alert) = self.alert_mut(id)
            && alert.status == "new"
        {
            alert.status = "resolved";
            alert.resolved_at = Some(now);
            alert.resolution = Some(Resolution {
                resolved_by: "system".into(),
                resolution: "Cleared by itself: the value is back within its limit".into(),
                root_cause: "Transient".into(),
                preventive_action: None,
            });
        }
    }

    fn record_alert(&mut self, record: &AlertRecord, who: (&str, &str), effect: EffectKind, body: Value, now: Timestamp) {
        if !self.recording {
            return;
        }
        let objects = Objects {
            alert_id: Some(record.alert_id.clone()),
            device_id: Some(record.device_id.clone()),
            ..Objects::default()
        };
        let body = if body.is_null() { json!(record) } else { body };
        self.ledger.append(now, who, effect, objects, body);
    }
}
