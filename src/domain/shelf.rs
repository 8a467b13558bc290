//! Alarms that a person put aside for a while, on this console only. Monitor knows nothing of it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{AlarmKey, Alert, AlertState, SafeText, Severity};

/// Most alarms on the shelf.
pub const SHELF_MOST: usize = 2_000;
/// Longest time on the shelf.
pub const SHELVED_MOST: SignedDuration = SignedDuration::from_hours(24);
/// A warning comes so long before the end; for a quarter of an hour, a third of it.
pub const WARN_BEFORE: SignedDuration = SignedDuration::from_mins(5);
/// What returns at the same time returns one after the other, but for the criticals.
pub const STAGGER: SignedDuration = SignedDuration::from_secs(10);

/// An alarm on the shelf: every alert of this rule on this device, those included that are still to come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Shelved {
    /// What is put aside.
    #[serde(flatten)]
    pub key: AlarmKey,
    /// How bad it was then: a worse alert of it comes back at once.
    pub severity: Severity,
    /// When it was put aside.
    pub since: Timestamp,
    /// When it comes back by itself.
    pub until: Timestamp,
    /// Why; may be empty.
    #[serde(default)]
    pub reason: SafeText,
    /// By whom.
    pub by: SafeText,
}

impl Shelved {
    /// When the warning is due.
    pub fn warn_at(&self) -> Timestamp {
        let third = self.until.duration_since(self.since) / 3;
        self.until.checked_sub(third.min(WARN_BEFORE)).unwrap_or(self.until)
    }
}

/// A change of the shelf, as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ShelfChange {
    /// These lie on it now, in place of what lay there of the same alarms.
    Put(Vec<Shelved>),
    /// These do not.
    Take(Vec<AlarmKey>),
}

/// Why something came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Return {
    /// Its time was over.
    Expired,
    /// It became worse.
    Worse,
    /// A person took it off.
    Unshelved,
}

/// The shelf.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shelf {
    items: BTreeMap<AlarmKey, Shelved>,
}

impl Shelf {
    /// Carries out a change; what does not fit is left out. Answers what lay there before of the same alarms.
    pub fn apply(&mut self, change: &ShelfChange) -> Vec<Shelved> {
        let mut before = Vec::new();
        match change {
            ShelfChange::Put(items) => {
                for item in items {
                    if self.items.len() < SHELF_MOST || self.items.contains_key(&item.key) {
                        before.extend(self.items.insert(item.key.clone(), item.clone()));
                    }
                }
            }
            ShelfChange::Take(keys) => before.extend(keys.iter().filter_map(|key| self.items.remove(key))),
        }
        before
    }

    /// What lies there, the next to come back first.
    pub fn items(&self) -> Vec<&Shelved> {
        let mut items: Vec<&Shelved> = self.items.values().collect();
        items.sort_by(|one, other| one.until.cmp(&other.until).then_with(|| one.key.cmp(&other.key)));
        items
    }

    /// How many lie there.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether nothing does.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// One alarm, while it lies there.
    pub fn get(&self, key: &AlarmKey) -> Option<&Shelved> {
        self.items.get(key)
    }

    /// The entry that hides an alert: one that is not over, and not of a lesser severity.
    pub fn hides(&self, alert: &Alert) -> Option<&Shelved> {
        if self.items.is_empty() || alert.state == AlertState::Resolved {
            return None;
        }
        self.get(&AlarmKey::of(alert))
            .filter(|item| alert.severity.rank() >= item.severity.rank())
    }

    /// What is to come back now: every critical whose time is over, and one of the others, the worst first, if the last one
    /// came back long enough ago.
    pub fn due(&self, now: Timestamp, last: Option<Timestamp>) -> Vec<AlarmKey> {
        let mut over: Vec<&Shelved> = self.items.values().filter(|item| item.until <= now).collect();
        over.sort_by_key(|item| (item.severity.rank(), item.until));
        let rested = last.is_none_or(|last| now.duration_since(last) >= STAGGER);
        let mut due = Vec::new();
        let mut one = rested;
        for item in over {
            if item.severity == Severity::Critical || std::mem::take(&mut one) {
                due.push(item.key.clone());
            }
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn item(device: &str, severity: &str, until: i64) -> Shelved {
        Shelved {
            key: AlarmKey {
                device: device.into(),
                device_type: None,
                name: "Pressure high".into(),
            },
            severity: Severity::parse(severity),
            since: at(0),
            until: at(until),
            reason: "valve team".into(),
            by: "op1".into(),
        }
    }

    fn devices(keys: &[AlarmKey]) -> Vec<&str> {
        keys.iter().map(|key| key.device.raw()).collect()
    }

    #[test]
    fn returns_are_staggered_and_criticals_are_not() {
        let mut shelf = Shelf::default();
        shelf.apply(&ShelfChange::Put(vec![
            item("low", "low", 100),
            item("high", "high", 100),
            item("medium", "medium", 90),
            item("crit-1", "critical", 95),
            item("crit-2", "critical", 100),
            item("later", "critical", 500),
        ]));
        assert!(shelf.due(at(89), None).is_empty());
        let mut last = None;
        let mut seen = Vec::new();
        for second in 89..140 {
            let due = shelf.due(at(second), last);
            if !due.is_empty() {
                seen.push((second, devices(&due).join(" ")));
                last = Some(at(second));
                shelf.apply(&ShelfChange::Take(due));
            }
        }
        let seen: Vec<(i64, &str)> = seen.iter().map(|(second, names)| (*second, names.as_str())).collect();
        assert_eq!(seen, [(90, "medium"), (95, "crit-1"), (100, "crit-2"), (110, "high"), (120, "low")]);
        assert_eq!(shelf.len(), 1);
    }

    #[test]
    fn the_warning_comes_five_minutes_before_or_after_two_thirds() {
        assert_eq!(item("a", "low", 3600).warn_at(), at(3300));
        assert_eq!(item("a", "low", 900).warn_at(), at(600));
        assert_eq!(item("a", "low", 600).warn_at(), at(400));
    }

    #[test]
    fn putting_again_replaces_and_answers_what_was_there() {
        let mut shelf = Shelf::default();
        assert!(shelf.apply(&ShelfChange::Put(vec![item("a", "low", 10)])).is_empty());
        let before = shelf.apply(&ShelfChange::Put(vec![item("a", "low", 99), item("b", "low", 5)]));
        assert_eq!(before, [item("a", "low", 10)]);
        assert_eq!(
            shelf.items().iter().map(|item| item.key.device.raw()).collect::<Vec<_>>(),
            ["b", "a"]
        );
        let line = serde_json::to_string(&item("a", "low", 10)).unwrap();
        assert_eq!(serde_json::from_str::<Shelved>(&line).unwrap(), item("a", "low", 10));
    }
}
