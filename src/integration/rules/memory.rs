//! What the rules did, over restarts. The outbox and the servers know it, too: this spares asking them, and keeps the hourly limit.

use std::collections::{BTreeMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::domain::load::CHATTERING_WITHIN;
use crate::domain::{Alert, AlertId, DeviceId, SafeText};

const HOUR: SignedDuration = SignedDuration::from_hours(1);
/// An alert that is gone is remembered so much longer, in case it was only left out of a list.
const KEPT: SignedDuration = SignedDuration::from_hours(24);
/// Most alerts of one watch that are remembered; the oldest go first. Twice what a console lists.
const KEPT_MOST: usize = 40_000;

/// Most alerts that are remembered for what chatters; the oldest go first. More in half an hour than any plant's flood.
const SEEN_MOST: usize = 20_000;

/// An alert that the bridge saw, whether or not it still stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cycle {
    /// Of which device.
    pub device: DeviceId,
    /// What it is called.
    pub name: SafeText,
    /// When it was raised.
    pub at: Timestamp,
}

/// The memory of a profile's rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Memory {
    /// When the bridge first ran: what is older is left alone.
    pub first_start: Timestamp,
    /// What is settled, by watch and alert, with its time.
    #[serde(default)]
    done: BTreeMap<String, BTreeMap<String, Timestamp>>,
    /// When each watch acted in the last hour.
    #[serde(default)]
    acted: BTreeMap<String, Vec<Timestamp>>,
    /// What was raised lately, by alert: a chattering alarm is one that came and went.
    #[serde(default)]
    seen: BTreeMap<String, Cycle>,
}

impl Memory {
    /// The memory of a bridge that never ran.
    pub fn begin(now: Timestamp) -> Self {
        Self {
            first_start: now,
            done: BTreeMap::new(),
            acted: BTreeMap::new(),
            seen: BTreeMap::new(),
        }
    }

    /// Notes what stands, and forgets what was raised too long ago to be part of any chattering.
    pub fn see(&mut self, standing: &[Alert], now: Timestamp) {
        let lately = |at: Timestamp| now.duration_since(at) < CHATTERING_WITHIN;
        self.seen.retain(|_, cycle| lately(cycle.at));
        for alert in standing.iter().filter(|alert| lately(alert.raised_at)) {
            self.seen.entry(alert.id.raw().to_owned()).or_insert_with(|| Cycle {
                device: alert.device.clone(),
                name: alert.name.clone(),
                at: alert.raised_at,
            });
        }
        if self.seen.len() > SEEN_MOST {
            let mut times: Vec<Timestamp> = self.seen.values().map(|cycle| cycle.at).collect();
            times.sort_unstable();
            let from = times.get(times.len() - SEEN_MOST).copied().unwrap_or(now);
            self.seen.retain(|_, cycle| cycle.at >= from);
        }
    }

    /// What was raised lately.
    pub fn cycles(&self) -> impl Iterator<Item = &Cycle> {
        self.seen.values()
    }

    /// Whether an alert is settled for a watch.
    pub fn knows(&self, watch: &str, alert: &AlertId) -> bool {
        self.done.get(watch).is_some_and(|done| done.contains_key(alert.raw()))
    }

    /// An alert is settled for a watch.
    pub fn remember(&mut self, watch: &str, alert: &AlertId, now: Timestamp) {
        self.done.entry(watch.to_owned()).or_default().insert(alert.raw().to_owned(), now);
    }

    /// A watch acted.
    pub fn count(&mut self, watch: &str, now: Timestamp) {
        self.acted.entry(watch.to_owned()).or_default().push(now);
    }

    /// Whether a watch may act once more within the hour that ends now.
    pub fn may_act(&self, watch: &str, per_hour: Option<u32>, now: Timestamp) -> bool {
        let Some(most) = per_hour else { return true };
        let acted = self.acted.get(watch).map_or(0, |times| {
            // a time ahead of a clock that was set back counts, or the limit would be void
            times.iter().filter(|at| now.duration_since(**at) < HOUR).count()
        });
        acted < usize::try_from(most).unwrap_or(usize::MAX)
    }

    /// Forgets what no longer matters; `standing` are all alerts that there are.
    pub fn prune(&mut self, standing: &[Alert], now: Timestamp) {
        let standing: HashSet<&str> = standing.iter().map(|alert| alert.id.raw()).collect();
        for done in self.done.values_mut() {
            done.retain(|id, at| standing.contains(id.as_str()) || now.duration_since(*at) < KEPT);
            if done.len() > KEPT_MOST {
                let mut times: Vec<Timestamp> = done.values().copied().collect();
                times.sort_unstable();
                let from = times.get(done.len() - KEPT_MOST).copied().unwrap_or(now);
                done.retain(|_, at| *at >= from);
            }
        }
        self.done.retain(|_, done| !done.is_empty());
        for times in self.acted.values_mut() {
            times.retain(|at| now.duration_since(*at) < HOUR);
        }
        self.acted.retain(|_, times| !times.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + minute * 60).unwrap()
    }

    #[test]
    fn the_limit_is_of_any_hour_and_survives_the_file() {
        let mut memory = Memory::begin(at(0));
        for minute in [0, 10, 20] {
            assert!(memory.may_act("w", Some(3), at(minute)));
            memory.count("w", at(minute));
        }
        let memory: Memory = serde_json::from_slice(&serde_json::to_vec(&memory).unwrap()).unwrap();
        assert!(!memory.may_act("w", Some(3), at(30)));
        assert!(memory.may_act("other", Some(3), at(30)));
        assert!(memory.may_act("w", None, at(30)));
        assert!(!memory.may_act("w", Some(3), at(59)));
        assert!(memory.may_act("w", Some(3), at(60)), "the first one is an hour ago");
    }

    #[test]
    fn what_was_raised_is_remembered_for_half_an_hour_over_a_restart_and_there_is_an_end_to_it() {
        let alert = |id: usize, minute: i64| {
            Alert::raised(
                format!("a-{id}").as_str().into(),
                "Vibration high".into(),
                "PUMP-1".into(),
                crate::domain::Severity::Low,
                at(minute),
            )
        };
        let mut memory = Memory::begin(at(0));
        memory.see(&[alert(1, 0), alert(2, 10)], at(10));
        memory.see(&[], at(20));
        memory.see(&[alert(2, 10)], at(20));
        let mut memory: Memory = serde_json::from_slice(&serde_json::to_vec(&memory).unwrap()).unwrap();
        assert_eq!(memory.cycles().count(), 2, "gone, and each once");
        memory.see(&[], at(30));
        assert_eq!(memory.cycles().count(), 1);
        let many: Vec<Alert> = (0..SEEN_MOST + 10).map(|id| alert(id, 30 + i64::from(id >= 10))).collect();
        memory.see(&many, at(31));
        assert_eq!(memory.cycles().count(), SEEN_MOST);
        assert!(memory.cycles().all(|cycle| cycle.at == at(31)), "the oldest went");
    }

    #[test]
    fn alerts_that_are_gone_are_forgotten_after_a_day() {
        let mut memory = Memory::begin(at(0));
        memory.remember("w", &"a".into(), at(0));
        memory.prune(&[], at(60));
        assert!(memory.knows("w", &"a".into()));
        memory.prune(&[], at(24 * 60));
        assert!(!memory.knows("w", &"a".into()));
    }
}
