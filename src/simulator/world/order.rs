//! Manage's work orders.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Clause, Planned, Refusal, World, timestamp};
use crate::simulator::Scenario;
use crate::simulator::ledger::{EffectKind, Objects};
use crate::simulator::plant::Shape;

/// Longest value of each field, in characters.
const LENGTHS: [(&str, usize); 7] = [
    ("description", 100),
    ("assetnum", 25),
    ("siteid", 8),
    ("worktype", 5),
    ("externalrefid", 10),
    ("reportedby", 62),
    ("lead", 30),
];

/// Who calls, and what the call's headers say.
#[derive(Clone, Debug)]
pub(crate) struct Caller<'a> {
    pub(crate) key: &'a str,
    pub(crate) transaction: Option<&'a str>,
}

impl World {
    /// The orders that a clause lets pass, in the order of their making.
    pub(crate) fn orders(&self, clause: &Clause) -> Vec<Map<String, Value>> {
        self.orders.iter().filter(|order| clause.holds_for(order)).cloned().collect()
    }

    pub(crate) fn order(&self, site: &str, wonum: &str) -> Option<&Map<String, Value>> {
        let is = |order: &Map<String, Value>, field: &str, wanted: &str| order.get(field).and_then(Value::as_str) == Some(wanted);
        self.orders
            .iter()
            .find(|order| is(order, "wonum", wonum) && is(order, "siteid", site))
    }

    pub(crate) fn create_order(
        &mut self,
        draft: Map<String, Value>,
        caller: &Caller<'_>,
        now: Timestamp,
    ) -> Result<Map<String, Value>, Refusal> {
        check_lengths(&draft)?;
        for field in ["description", "siteid"] {
            if draft.get(field).and_then(Value::as_str).is_none_or(|text| text.trim().is_empty()) {
                return Err(Refusal::new(
                    400,
                    "BMXAA4195E",
                    format!("BMXAA4195E - A value is required for the {} field.", field.to_uppercase()),
                ));
            }
        }
        let now_s = now.as_second();
        if let Some(transaction) = caller.transaction.filter(|_| self.honour_transaction_id) {
            let life = self.transaction_life_s;
            self.transactions.retain(|_, seen_at| now_s - *seen_at < life);
            if self.transactions.contains_key(transaction) {
                let message = format!("BMXAA9549E - The transaction {transaction} was already processed.");
                return Err(Refusal::new(409, "BMXAA9549E", message));
            }
            self.transactions.insert(transaction.to_owned(), now_s);
        }
        let wonum = (1000 + self.orders.len().saturating_sub(self.seeded_orders()) + 43).to_string();
        let body = Value::Object(draft.clone());
        let mut order = draft;
        order.insert("wonum".into(), json!(wonum));
        order.insert("status".into(), json!("WAPPR"));
        order.insert("status_maxvalue".into(), json!("WAPPR"));
        order.insert("reportdate".into(), json!(timestamp(now_s).to_string()));
        order.insert("_rowstamp".into(), json!(self.next_rowstamp()));
        self.orders.push(order.clone());
        let index = self.orders.len() - 1;
        let (approved_s, begun_s, completed_s) = match self.scenario {
            Scenario::Drill => (20, 45, 90), // the console's hints say so
            Scenario::Night | Scenario::Quiet | Scenario::Flood => (240, 600, 2700),
        };
        self.plan(now_s + approved_s, Planned::Order(index, "APPR"));
        self.plan(now_s + begun_s, Planned::Order(index, "INPRG"));
        self.plan(now_s + completed_s, Planned::Order(index, "COMP"));
        let text = |field: &str| order.get(field).and_then(Value::as_str).map(str::to_owned);
        let objects = Objects {
            wonum: Some(wonum),
            assetnum: text("assetnum"),
            transactionid: caller.transaction.map(str::to_owned),
            ..Objects::default()
        };
        let actor = text("reportedby").unwrap_or_default();
        self.ledger
            .append(now, (&actor, caller.key), EffectKind::CreateWorkOrder, objects, body);
        Ok(order)
    }

    fn seeded_orders(&self) -> usize {
        self.orders.iter().take_while(|order| order.contains_key("_seeded")).count()
    }

    /// An order of the time before the story.
    #[expect(clippy::too_many_arguments, reason = "the fields of one record, called from one place")]
    pub(super) fn seed_order(
        &mut self,
        wonum: &str,
        at: i64,
        asset: &str,
        description: &str,
        worktype: &str,
        status: &str,
        reference: Option<&str>,
    ) {
        let rowstamp = self.next_rowstamp();
        let order = json!({
            "wonum": wonum,
            "siteid": "BEDFORD",
            "status": status,
            "status_maxvalue": status,
            "description": description,
            "assetnum": asset,
            "worktype": worktype,
            "wopriority": 2,
            "reportedby": if worktype == "PM" { "PLANNER" } else { "MONITOR" },
            "externalrefid": reference,
            "reportdate": timestamp(at).to_string(),
            "_rowstamp": rowstamp,
            "_seeded": true,
        });
        if let Value::Object(order) = order {
            self.orders.push(order);
        }
    }

    /// Moves an order on, unless somebody moved it elsewhere; a completed order repairs what the drill broke.
    pub(super) fn advance_order(&mut self, index: usize, status: &'static str, at: i64) {
        let rowstamp = self.next_rowstamp();
        let Some(order) = self.orders.get_mut(index) else { return };
        let ended = ["COMP", "CLOSE", "CAN"]
            .iter()
            .any(|ended| order.get("status").and_then(Value::as_str) == Some(ended));
        if ended {
            return;
        }
        set_status(order, status, &rowstamp);
        let asset = order.get("assetnum").and_then(Value::as_str).map(str::to_owned);
        if status == "COMP"
            && let Some(pump) = self.drill_pump.filter(|pump| Some(pump.id()) == asset)
        {
            for episode in self.episodes.get_mut(&pump).into_iter().flatten() {
                if episode.shape == Shape::Ramp && episode.end == i64::MAX {
                    episode.end = at;
                }
            }
        }
    }

    /// Sets an order's status as another user of Manage would; false where there is no such order.
    pub(crate) fn set_order_status(&mut self, wonum: &str, status: &str) -> bool {
        let rowstamp = self.next_rowstamp();
        let found = self
            .orders
            .iter_mut()
            .find(|order| order.get("wonum").and_then(Value::as_str) == Some(wonum));
        found.map(|order| set_status(order, status, &rowstamp)).is_some()
    }
}

fn set_status(order: &mut Map<String, Value>, status: &str, rowstamp: &str) {
    order.insert("status".into(), json!(status));
    order.insert("status_maxvalue".into(), json!(status));
    order.insert("_rowstamp".into(), json!(rowstamp));
}

/// Manage's own answer to a value that does not fit its column.
pub(super) fn check_lengths(record: &Map<String, Value>) -> Result<(), Refusal> {
    for (field, max) in LENGTHS {
        let length = record.get(field).and_then(Value::as_str).map_or(0, |text| text.chars().count());
        if length > max {
            let message = format!(
                "BMXAA4049E - The value specified for {} exceeds the maximum length of {max} characters.",
                field.to_uppercase()
            );
            return Err(Refusal::new(400, "BMXAA4049E", message));
        }
    }
    Ok(())
}
