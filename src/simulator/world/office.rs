//! The systems around the plant: an ERP that takes production reports, a table of incidents, receivers of webhooks.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Refusal, World};
use crate::simulator::ledger::{EffectKind, Objects};

/// What they hold.
#[derive(Debug, Default)]
pub(super) struct Office {
    /// By line and date.
    reports: BTreeMap<(String, String), Value>,
    incidents: Vec<Map<String, Value>>,
    /// Ids of messages by receiver: a repeat is known by its id.
    received: HashSet<(String, String)>,
}

/// A message as its receiver saw it.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) sink: String,
    /// `webhook-id`; without one each request is a message of its own.
    pub(crate) id: Option<String>,
    pub(crate) body: Value,
}

impl World {
    /// Takes a line's day; true where it is new. The same once more changes nothing, another one corrects it.
    pub(crate) fn take_report(&mut self, line: &str, date: &str, report: Value, now: Timestamp) -> Result<bool, Refusal> {
        check_report(line, date, &report)?;
        let place = (line.to_owned(), date.to_owned());
        let known = self.office.reports.get(&place);
        let is_new = known.is_none();
        if known != Some(&report) {
            self.office.reports.insert(place, report.clone());
            let objects = Objects {
                report: Some(format!("{line}/{date}")),
                ..Objects::default()
            };
            self.ledger
                .append(now, ("", "erp-key"), EffectKind::ReportProduction, objects, report);
        }
        Ok(is_new)
    }

    /// The reports as they now are.
    pub(crate) fn reports(&self) -> Vec<Value> {
        self.office.reports.values().cloned().collect()
    }

    /// Makes an incident, always a new one: the table knows no repeats.
    pub(crate) fn create_incident(&mut self, draft: Map<String, Value>, now: Timestamp) -> Result<Map<String, Value>, Refusal> {
        if !draft.get("short_description").is_some_and(Value::is_string) {
            return Err(Refusal::bad("short_description is missing"));
        }
        let body = Value::Object(draft.clone());
        let count = self.office.incidents.len() + 1;
        let number = format!("INC{:07}", 10_000 + count);
        let mut incident = draft;
        incident.insert("number".into(), json!(number));
        incident.insert("sys_id".into(), json!(format!("{:032x}", 0x5e1f_0000_usize + count)));
        incident.insert("sys_created_on".into(), json!(now.strftime("%Y-%m-%d %H:%M:%S").to_string()));
        incident.insert("state".into(), json!("1"));
        // the platform derives it from impact and urgency
        let priority = match incident
            .get("urgency")
            .map(|urgency| urgency.as_str().map_or_else(|| urgency.to_string(), str::to_owned))
        {
            Some(urgency) if urgency == "1" => "3",
            Some(urgency) if urgency == "2" => "4",
            _ => "5",
        };
        incident.insert("priority".into(), json!(priority));
        self.office.incidents.push(incident.clone());
        let objects = Objects {
            incident: Some(number),
            ..Objects::default()
        };
        self.ledger.append(now, ("", "basic"), EffectKind::CreateIncident, objects, body);
        Ok(incident)
    }

    /// Incidents whose fields are all so.
    pub(crate) fn incidents(&self, wanted: &[(String, String)]) -> Vec<Map<String, Value>> {
        let holds = |incident: &Map<String, Value>| {
            wanted
                .iter()
                .all(|(field, value)| incident.get(field).and_then(Value::as_str) == Some(value))
        };
        self.office.incidents.iter().filter(|incident| holds(incident)).cloned().collect()
    }

    /// Takes a message; false where its id is known already, and it has no effect.
    pub(crate) fn take_message(&mut self, message: Message, now: Timestamp) -> bool {
        let Message { sink, id, body } = message;
        if let Some(id) = &id
            && !self.office.received.insert((sink.clone(), id.clone()))
        {
            return false;
        }
        let objects = Objects {
            sink: Some(sink),
            message: id,
            ..Objects::default()
        };
        self.ledger.append(now, ("", "webhook"), EffectKind::ReceiveWebhook, objects, body);
        true
    }
}

/// What the contract says of a report, to the last member.
fn check_report(line: &str, date: &str, report: &Value) -> Result<(), Refusal> {
    let wrong = |what: &str| Err(Refusal::new(422, "invalid_report", what));
    if date.parse::<jiff::civil::Date>().is_err() {
        return wrong("the date is none");
    }
    if report.get("production_line").and_then(Value::as_str) != Some(line) || report.get("date").and_then(Value::as_str) != Some(date) {
        return wrong("production_line and date must be those of the address");
    }
    let Some(metrics) = report.get("metrics").and_then(Value::as_object) else {
        return wrong("metrics are missing");
    };
    for name in ["total_output", "good_output", "scrap"] {
        if !metrics.get(name).is_some_and(Value::is_i64) {
            return wrong("total_output, good_output and scrap must be whole numbers");
        }
    }
    if !metrics.get("runtime_hours").is_some_and(Value::is_number) {
        return wrong("runtime_hours must be a number");
    }
    Ok(())
}
