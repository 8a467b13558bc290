//! What is remembered of alerts: each with what became of it, as far back as the records go.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Alert, AlertId, AlertState, DeviceId, DeviceType, SafeText, WorkOrderNumber};

/// Most alerts that are remembered; those that ended first go first.
const OCCURRENCES_MOST: usize = 40_000;
/// Most returns of one alert that are remembered.
const RETURNS_MOST: usize = 32;
/// Longest text that is kept of a note, cause or resolution, in characters.
const TEXT_MOST: usize = 1_000;

/// An alert that ended this soon, and that nobody touched, was fleeting: no one could have acted on it.
pub const FLEETING_WITHIN: SignedDuration = SignedDuration::from_mins(1);

/// How long a fleeting alert marks the next ones of its alarm.
const FLEETING_FOR: SignedDuration = SignedDuration::from_hours(24);

/// What raises alerts again and again: one rule on one device. ISA-18.2 calls it the alarm; each alert is one activation.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlarmKey {
    /// The device.
    #[serde(rename = "deviceId")]
    pub device: DeviceId,
    /// Its type, where the server says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_type: Option<DeviceType>,
    /// The rule.
    #[serde(rename = "alertName")]
    pub name: SafeText,
}

impl AlarmKey {
    /// Of an alert.
    pub fn of(alert: &Alert) -> Self {
        Self {
            device: alert.device.clone(),
            device_type: alert.device_type.clone(),
            name: alert.name.clone(),
        }
    }
}

/// One alert with what became of it. A later record of the same alert replaces an earlier one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Occurrence {
    /// The alert as it was last seen, its message left out and its texts cut.
    #[serde(flatten)]
    pub alert: Alert,
    /// When this was noted.
    pub noted_at: Timestamp,
    /// When it came back after it had been resolved, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub returned_at: Vec<Timestamp>,
    /// When it was found to be no longer in the server's list without having been resolved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone_at: Option<Timestamp>,
    /// The order made for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wonum: Option<WorkOrderNumber>,
    /// The order's status, as Manage said it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wo_status: Option<SafeText>,
}

impl Occurrence {
    /// When it began, each of its returns included, oldest first.
    pub fn cycles(&self) -> impl Iterator<Item = Timestamp> {
        std::iter::once(self.alert.raised_at).chain(self.returned_at.iter().copied())
    }

    /// When it was over, if it is.
    pub fn ended_at(&self) -> Option<Timestamp> {
        match self.alert.state {
            AlertState::Resolved => Some(self.alert.resolved_at.unwrap_or(self.noted_at)),
            AlertState::New | AlertState::Acknowledged | AlertState::Other(_) => self.gone_at,
        }
    }

    /// Whether it was over before anybody could act: within a minute of its last beginning, and nobody acknowledged it.
    pub fn is_fleeting(&self) -> bool {
        let began = self.cycles().last().unwrap_or(self.alert.raised_at);
        self.alert.acknowledged_by.is_none() && self.ended_at().is_some_and(|end| end.duration_since(began) <= FLEETING_WITHIN)
    }
}

/// The server's lists, read at most so far apart, leave no gap between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Everything that was raised since then is known.
    pub since: Timestamp,
    /// Up to then.
    pub until: Timestamp,
}

impl Coverage {
    /// Takes a list in that was read at `at` and tells of everything raised in the `reach` before.
    pub fn read(known: Option<Self>, at: Timestamp, reach: SignedDuration) -> Self {
        let from = at.checked_sub(reach).unwrap_or(at);
        match known {
            Some(known) if known.until >= from && known.since <= from => Self {
                since: known.since,
                until: known.until.max(at),
            },
            _ => Self { since: from, until: at },
        }
    }
}

/// What is remembered. Bounded: see the constants above.
#[derive(Debug, Default)]
pub struct History {
    occurrences: HashMap<AlertId, Occurrence>,
    by_alarm: HashMap<AlarmKey, Vec<AlertId>>,
    coverage: Option<Coverage>,
}

impl History {
    /// Takes in what was kept on disk. What is known already is newer.
    pub fn remember(&mut self, kept: Vec<Occurrence>, coverage: Option<Coverage>) {
        for occurrence in kept {
            match self.occurrences.get_mut(&occurrence.alert.id) {
                Some(known) => {
                    if known.returned_at.is_empty() {
                        known.returned_at = occurrence.returned_at;
                    }
                    known.wonum = known.wonum.take().or(occurrence.wonum);
                    known.wo_status = known.wo_status.take().or(occurrence.wo_status);
                }
                None => self.insert(occurrence),
            }
        }
        self.coverage = match (coverage, self.coverage) {
            (Some(kept), Some(now)) if kept.until >= now.since => Some(Coverage {
                since: kept.since.min(now.since),
                until: kept.until.max(now.until),
            }),
            (kept, now) => now.or(kept),
        };
        self.bound();
    }

    /// A list of the server was read: everything that was raised in the `reach` before it is in there.
    pub fn covered(&mut self, at: Timestamp, reach: SignedDuration) {
        self.coverage = Some(Coverage::read(self.coverage, at, reach));
    }

    /// Since when and until when everything that was raised is known.
    pub fn coverage(&self) -> Option<Coverage> {
        self.coverage
    }

    /// Notes how an alert stands. Answers the record where it says something new.
    pub fn note(&mut self, alert: &Alert, now: Timestamp) -> Option<&Occurrence> {
        let mut alert = kept_form(alert);
        let known = self.occurrences.get(&alert.id);
        let mut returned_at = known.map_or_else(Vec::new, |known| known.returned_at.clone());
        if let Some(known) = known {
            let was_over = known.alert.state == AlertState::Resolved;
            if was_over && alert.state != AlertState::Resolved {
                returned_at.push(now);
                let extra = returned_at.len().saturating_sub(RETURNS_MOST);
                returned_at.drain(..extra);
            }
            // what was read first is what raised it: a value that goes on changing is no news
            alert.value.clone_from(&known.alert.value);
            if known.alert == alert && known.gone_at.is_none() {
                return None;
            }
        }
        let occurrence = Occurrence {
            noted_at: now,
            returned_at,
            gone_at: None,
            wonum: known.and_then(|known| known.wonum.clone()),
            wo_status: known.and_then(|known| known.wo_status.clone()),
            alert,
        };
        let id = occurrence.alert.id.clone();
        self.insert(occurrence);
        self.bound();
        self.occurrences.get(&id)
    }

    /// An alert is no longer in the server's list. Answers the record where that is news.
    pub fn gone(&mut self, id: &AlertId, now: Timestamp) -> Option<&Occurrence> {
        let known = self.occurrences.get_mut(id)?;
        if known.ended_at().is_some() {
            return None;
        }
        known.gone_at = Some(now);
        known.noted_at = now;
        Some(known)
    }

    /// Notes the order of an alert. Answers the record where it says something new.
    pub fn ordered(&mut self, id: &AlertId, number: &WorkOrderNumber, status: Option<&SafeText>, now: Timestamp) -> Option<&Occurrence> {
        let known = self.occurrences.get_mut(id)?;
        let status = status.or(known.wo_status.as_ref()).cloned();
        if known.wonum.as_ref() == Some(number) && known.wo_status == status {
            return None;
        }
        known.wonum = Some(number.clone());
        known.wo_status = status;
        known.noted_at = now;
        Some(known)
    }

    /// One alert.
    pub fn get(&self, id: &AlertId) -> Option<&Occurrence> {
        self.occurrences.get(id)
    }

    /// All alerts, in no order.
    pub fn all(&self) -> impl Iterator<Item = &Occurrence> {
        self.occurrences.values()
    }

    /// How many are remembered.
    pub fn len(&self) -> usize {
        self.occurrences.len()
    }

    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.occurrences.is_empty()
    }

    /// The other times that this alarm was raised, the newest first.
    pub fn earlier<'a>(&'a self, alert: &'a Alert) -> Vec<&'a Occurrence> {
        let mut found: Vec<&Occurrence> = self
            .of_alarm(&AlarmKey::of(alert))
            .filter(|occurrence| occurrence.alert.id != alert.id && occurrence.alert.raised_at <= alert.raised_at)
            .collect();
        found.sort_by(|one, other| {
            let key = |occurrence: &Occurrence| Reverse(occurrence.alert.raised_at);
            key(one).cmp(&key(other)).then_with(|| one.alert.id.cmp(&other.alert.id))
        });
        found
    }

    /// The alarms that lately came and went before anybody could act.
    pub fn fleeting(&self, now: Timestamp) -> HashSet<AlarmKey> {
        let lately = |one: &&Occurrence| one.ended_at().is_some_and(|at| now.duration_since(at) < FLEETING_FOR);
        let fleeting = self.all().filter(lately).filter(|one| one.is_fleeting());
        fleeting.map(|one| AlarmKey::of(&one.alert)).collect()
    }

    /// Everything of one alarm, in no order.
    pub fn of_alarm(&self, key: &AlarmKey) -> impl Iterator<Item = &Occurrence> {
        self.by_alarm
            .get(key)
            .into_iter()
            .flatten()
            .filter_map(|id| self.occurrences.get(id))
    }

    fn insert(&mut self, occurrence: Occurrence) {
        let (id, key) = (occurrence.alert.id.clone(), AlarmKey::of(&occurrence.alert));
        if let Some(before) = self.occurrences.insert(id.clone(), occurrence) {
            let old = AlarmKey::of(&before.alert);
            if old == key {
                return;
            }
            self.unlist(&old, &id);
        }
        self.by_alarm.entry(key).or_default().push(id);
    }

    fn unlist(&mut self, key: &AlarmKey, id: &AlertId) {
        if let Some(ids) = self.by_alarm.get_mut(key) {
            ids.retain(|has| has != id);
            if ids.is_empty() {
                self.by_alarm.remove(key);
            }
        }
    }

    /// A tenth goes at once, so that the work is not done for each alert.
    fn bound(&mut self) {
        if self.occurrences.len() <= OCCURRENCES_MOST {
            return;
        }
        let mut ended: Vec<(Timestamp, AlertId)> = self
            .occurrences
            .values()
            .filter_map(|occurrence| Some((occurrence.ended_at()?, occurrence.alert.id.clone())))
            .collect();
        ended.sort();
        let goes: HashSet<AlertId> = ended
            .into_iter()
            .take(self.occurrences.len() - OCCURRENCES_MOST * 9 / 10)
            .map(|(_, id)| id)
            .collect();
        for id in &goes {
            if let Some(occurrence) = self.occurrences.remove(id) {
                self.unlist(&AlarmKey::of(&occurrence.alert), id);
            }
        }
    }
}

/// What is kept of an alert: not its message, which the rule repeats each time, and no endless text.
fn kept_form(alert: &Alert) -> Alert {
    let cut = |text: &Option<SafeText>| {
        text.as_ref().map(|text| {
            if text.raw().chars().count() <= TEXT_MOST {
                text.clone()
            } else {
                SafeText::new(text.raw().chars().take(TEXT_MOST).collect::<String>())
            }
        })
    };
    Alert {
        message: None,
        notes: cut(&alert.notes),
        resolution: cut(&alert.resolution),
        root_cause: cut(&alert.root_cause),
        preventive_action: cut(&alert.preventive_action),
        ..alert.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Severity;
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn alert(id: &str, raised: i64) -> Alert {
        Alert {
            message: Some("long".into()),
            ..Alert::raised(id.into(), "Pressure high".into(), "PUMP-1".into(), Severity::High, at(raised))
        }
    }

    fn resolved(id: &str, raised: i64, end: i64) -> Alert {
        Alert {
            state: AlertState::Resolved,
            resolved_at: Some(at(end)),
            ..alert(id, raised)
        }
    }

    #[test]
    fn only_news_is_worth_a_record() {
        let mut history = History::default();
        assert!(history.note(&alert("a", 0), at(1)).is_some());
        assert!(history.note(&alert("a", 0), at(2)).is_none());
        let mut taken = alert("a", 0);
        taken.state = AlertState::Acknowledged;
        taken.acknowledged_by = Some("op2".into());
        assert!(history.note(&taken, at(3)).is_some());
        assert!(history.note(&taken, at(4)).is_none());
        assert!(history.ordered(&"a".into(), &"1043".into(), None, at(5)).is_some());
        assert!(history.ordered(&"a".into(), &"1043".into(), None, at(6)).is_none());
        assert!(history.ordered(&"a".into(), &"1043".into(), Some(&"COMP".into()), at(6)).is_some());
        let record = history.note(&resolved("a", 0, 7), at(8)).unwrap().clone();
        assert_eq!(record.wonum, Some("1043".into()), "the order stays");
        assert_eq!(record.alert.message, None);
        assert!(history.gone(&"a".into(), at(9)).is_none(), "it had ended before");
    }

    #[test]
    fn a_return_from_resolved_is_a_cycle() {
        let mut history = History::default();
        history.note(&resolved("a", 0, 10), at(11));
        history.note(&alert("a", 0), at(20));
        history.note(&resolved("a", 0, 25), at(30));
        let record = history.note(&alert("a", 0), at(40)).unwrap();
        assert_eq!(record.cycles().collect::<Vec<_>>(), [at(0), at(20), at(40)]);
    }

    #[test]
    fn fleeting_ends_within_a_minute_untouched() {
        let mut history = History::default();
        let fleeting = |history: &mut History, alert: &Alert, now| history.note(alert, now).unwrap().is_fleeting();
        assert!(fleeting(&mut history, &resolved("a", 0, 60), at(70)));
        assert!(!fleeting(&mut history, &resolved("b", 0, 61), at(70)));
        let mut touched = resolved("c", 0, 30);
        touched.acknowledged_by = Some("op".into());
        assert!(!fleeting(&mut history, &touched, at(70)));
        assert!(!fleeting(&mut history, &alert("d", 0), at(70)), "it lasts");
        assert!(history.gone(&"d".into(), at(50)).unwrap().is_fleeting(), "gone is over, too");
    }

    #[test]
    fn earlier_times_are_those_of_the_same_alarm_newest_first() {
        let mut history = History::default();
        for (id, raised) in [("a", 0), ("b", 100), ("c", 50)] {
            history.note(&resolved(id, raised, raised + 90), at(200));
        }
        let mut other = resolved("x", 10, 20);
        other.device = "PUMP-2".into();
        history.note(&other, at(200));
        let now = alert("n", 300);
        history.note(&now, at(300));
        let ids: Vec<&str> = history.earlier(&now).iter().map(|one| one.alert.id.raw()).collect();
        assert_eq!(ids, ["b", "c", "a"]);
    }

    #[test]
    fn coverage_grows_while_the_lists_meet_and_begins_anew_after_a_gap() {
        let reach = SignedDuration::from_hours(12);
        let hour = 3600;
        let first = Coverage::read(None, at(0), reach);
        assert_eq!((first.since, first.until), (at(-12 * hour), at(0)));
        let second = Coverage::read(Some(first), at(11 * hour), reach);
        assert_eq!((second.since, second.until), (at(-12 * hour), at(11 * hour)));
        let after_gap = Coverage::read(Some(second), at(24 * hour), reach);
        assert_eq!((after_gap.since, after_gap.until), (at(12 * hour), at(24 * hour)));
        let mut history = History::default();
        history.covered(at(24 * hour), reach);
        history.remember(
            Vec::new(),
            Some(Coverage {
                since: at(0),
                until: at(13 * hour),
            }),
        );
        assert_eq!(history.coverage().unwrap().since, at(0), "what was kept meets what was read");
        let mut apart = History::default();
        apart.covered(at(24 * hour), reach);
        apart.remember(
            Vec::new(),
            Some(Coverage {
                since: at(0),
                until: at(11 * hour),
            }),
        );
        assert_eq!(apart.coverage().unwrap().since, at(12 * hour));
    }

    #[test]
    fn what_ended_first_is_forgotten_first_and_what_lasts_never() {
        let mut history = History::default();
        history.note(&alert("open", -1), at(0));
        let kept: Vec<Occurrence> = (0..i64::try_from(OCCURRENCES_MOST).unwrap())
            .map(|index| Occurrence {
                alert: resolved(&format!("r{index}"), index, index + 1),
                noted_at: at(index),
                returned_at: Vec::new(),
                gone_at: None,
                wonum: None,
                wo_status: None,
            })
            .collect();
        history.remember(kept, None);
        assert!(history.len() <= OCCURRENCES_MOST);
        assert!(history.get(&"open".into()).is_some());
        assert!(history.get(&"r0".into()).is_none());
        assert!(history.get(&"r39999".into()).is_some());
        let listed: usize = history.by_alarm.values().map(Vec::len).sum();
        assert_eq!(listed, history.len(), "the index forgets with it");
    }

    #[test]
    fn a_record_reads_back_as_it_was_written() {
        let mut history = History::default();
        history.note(&resolved("a", 0, 10), at(11));
        history.note(&alert("a", 0), at(20));
        history.ordered(&"a".into(), &"7".into(), Some(&"WAPPR".into()), at(21));
        let record = history.get(&"a".into()).unwrap();
        let line = serde_json::to_string(record).unwrap();
        assert_eq!(serde_json::from_str::<Occurrence>(&line).unwrap(), *record);
    }
}
