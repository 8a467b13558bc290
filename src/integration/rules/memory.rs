//! What the rules did, over restarts. The outbox and the servers know it, too: this spares asking them, and keeps the hourly limit.

use std::collections::{BTreeMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::domain::{Alert, AlertId};

const HOUR: SignedDuration = SignedDuration::from_hours(1);
/// An alert that is gone is remembered so much longer, in case it was only left out of a list.
const KEPT: SignedDuration = SignedDuration::from_hours(24);
/// Most alerts of one watch that are remembered; the oldest go first. Twice what a console lists.
const KEPT_MOST: usize = 40_000;

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
}

impl Memory {
    /// The memory of a bridge that never ran.
    pub fn begin(now: Timestamp) -> Self {
        Self {
            first_start: now,
            done: BTreeMap::new(),
            acted: BTreeMap::new(),
        }
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
    fn alerts_that_are_gone_are_forgotten_after_a_day() {
        let mut memory = Memory::begin(at(0));
        memory.remember("w", &"a".into(), at(0));
        memory.prune(&[], at(60));
        assert!(memory.knows("w", &"a".into()));
        memory.prune(&[], at(24 * 60));
        assert!(!memory.knows("w", &"a".into()));
    }
}
