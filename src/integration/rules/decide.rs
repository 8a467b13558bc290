//! What is due, given what was read, and what stands against it. Pure.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::{Memory, Watch};
use crate::domain::load::is_chattering;
use crate::domain::{Alert, AlertFacts, AlertId, AlertState, DeviceId, SafeText, WorkOrder};

/// What was read.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    /// The alerts that stand.
    pub alerts: &'a [Alert],
    /// Where devices are, as far as it is known.
    pub locations: &'a HashMap<DeviceId, SafeText>,
    /// In whose name the bridge acts.
    pub me: &'a str,
    /// When the question is asked.
    pub now: Timestamp,
}

/// What is due: watch and alert, the worst and then the oldest first.
pub fn due<'a>(watches: &[Watch], reading: Reading<'a>, memory: &Memory) -> Vec<(usize, &'a Alert)> {
    let chattering = chattering(reading, memory);
    let mut due = Vec::new();
    for (index, watch) in watches.iter().enumerate() {
        let key = watch.key();
        for alert in reading.alerts {
            let old = alert.raised_at < memory.first_start;
            let handled = match alert.state {
                AlertState::Resolved => true,
                AlertState::Acknowledged => watch.yields,
                AlertState::New | AlertState::Other(_) => false,
            };
            let waits = alert.raised_at.saturating_add(watch.after).is_ok_and(|at| at > reading.now);
            if old || handled || waits || memory.knows(&key, &alert.id) {
                continue;
            }
            let facts = AlertFacts {
                location: reading.locations.get(&alert.device),
                chattering: chattering.contains(&alert.id),
                ..AlertFacts::of(alert, reading.me, reading.now)
            };
            if watch.matches(&facts) {
                due.push((index, alert));
            }
        }
    }
    due.sort_by(|(_, one), (_, other)| {
        other
            .severity
            .cmp(&one.severity)
            .then_with(|| (one.raised_at, &one.id).cmp(&(other.raised_at, &other.id)))
    });
    due
}

/// What stands and chatters, by all cycles that the bridge saw in its own watch. One that came and went between two readings of the
/// alerts is not among them.
fn chattering(reading: Reading<'_>, memory: &Memory) -> HashSet<AlertId> {
    let mut cycles: HashMap<(&DeviceId, &SafeText), Vec<Timestamp>> = HashMap::new();
    for cycle in memory.cycles() {
        cycles.entry((&cycle.device, &cycle.name)).or_default().push(cycle.at);
    }
    let noisy = |alert: &&Alert| {
        cycles
            .get(&(&alert.device, &alert.name))
            .is_some_and(|times| is_chattering(times, reading.now))
    };
    reading.alerts.iter().filter(noisy).map(|alert| alert.id.clone()).collect()
}

/// What is known of orders around an alert.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The order under the alert's own reference.
    pub own: Option<WorkOrder>,
    /// The open orders of its asset.
    pub open: Vec<WorkOrder>,
    /// Whether an order for the asset is on its way from here.
    pub pending: bool,
}

/// Whether an order is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Yes.
    Make,
    /// No, for good: why.
    Leave(String),
    /// Not yet: an order for the asset is on its way, and decides.
    Wait,
}

/// The duplicate check.
pub fn judge(known: &Known) -> Verdict {
    if let Some(order) = &known.own {
        return Verdict::Leave(format!("work order {} was made for it", order.wonum));
    }
    if let Some(order) = known.open.first() {
        return Verdict::Leave(format!("its asset has the open work order {} ({})", order.wonum, order.status));
    }
    if known.pending {
        return Verdict::Wait;
    }
    Verdict::Make
}

#[cfg(test)]
mod tests;
