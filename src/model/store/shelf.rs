//! The shelf over the servers' data: what it hides, what comes back and why.

use jiff::Timestamp;

use super::Store;
use crate::domain::shelf::STAGGER;
use crate::domain::{AlarmKey, Alert, AlertId, AlertState, Return, Shelf, ShelfChange, Shelved};

/// What time did to the shelf.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tended {
    /// Alerts that came back.
    pub back: Vec<AlertId>,
    /// Alarms that are about to come back.
    pub warn: Vec<Shelved>,
    /// Alarms whose time was over, or that became worse.
    pub taken: Vec<AlarmKey>,
}

impl Store {
    /// The shelf.
    pub fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    /// Carries out a change of the shelf. Answers what lay there before of the same alarms.
    pub fn shelve(&mut self, change: &ShelfChange) -> Vec<Shelved> {
        self.revision += 1;
        if let ShelfChange::Put(items) = change {
            for item in items {
                self.warned.remove(&item.key);
            }
            let hidden: Vec<AlertId> = self
                .alerts
                .values()
                .filter(|alert| items.iter().any(|item| item.key == AlarmKey::of(alert)))
                .map(|alert| alert.id.clone())
                .collect();
            for id in hidden {
                self.returned.remove(&id);
            }
        }
        self.shelf.apply(change)
    }

    /// Why an alert came back, until somebody looks after it.
    pub fn returned(&self, id: &AlertId) -> Option<Return> {
        self.returned.get(id).copied()
    }

    /// Somebody has looked after it. Answers whether it had come back.
    pub fn settle_return(&mut self, id: &AlertId) -> bool {
        let had = self.returned.remove(id).is_some();
        self.revision += u64::from(had);
        had
    }

    /// How far an alert is along the road, for its place in the list: what came back is looked at again.
    pub fn progress(&self, alert: &Alert) -> u8 {
        match alert.state.progress() {
            1 if self.returned.contains_key(&alert.id) => 0,
            progress => progress,
        }
    }

    /// Lets time pass on the shelf. Nothing comes back before the servers' list is there: it would come back unseen.
    pub fn tend_shelf(&mut self, now: Timestamp) -> Tended {
        let mut tended = Tended::default();
        if self.alerts.is_empty() && !self.seen_live {
            return tended;
        }
        for key in std::mem::take(&mut self.worse) {
            if self.shelf.get(&key).is_some() {
                self.bring_back(&key, Return::Worse, &mut tended);
            }
        }
        for key in self.shelf.due(now, self.last_return) {
            let any = tended.back.len();
            self.bring_back(&key, Return::Expired, &mut tended);
            if tended.back.len() > any {
                self.last_return = Some(now);
            }
        }
        for item in self.shelf.items() {
            if item.warn_at() > now {
                continue;
            }
            if !self.warned.contains(&item.key) {
                tended.warn.push(item.clone());
            }
        }
        for item in &tended.warn {
            self.warned.insert(item.key.clone());
        }
        tended
    }

    /// When something on the shelf is warned of or comes back.
    pub fn shelf_changes(&self) -> impl Iterator<Item = Timestamp> {
        let staggered = self.last_return.and_then(|last| last.checked_add(STAGGER).ok());
        self.shelf
            .items()
            .into_iter()
            .flat_map(|item| [item.warn_at(), item.until])
            .chain(staggered)
            .collect::<Vec<_>>()
            .into_iter()
    }

    fn bring_back(&mut self, key: &AlarmKey, why: Return, tended: &mut Tended) {
        self.shelf.apply(&ShelfChange::Take(vec![key.clone()]));
        self.warned.remove(key);
        self.revision += 1;
        for alert in self.alerts.values() {
            if alert.state != AlertState::Resolved && AlarmKey::of(alert) == *key {
                self.returned.insert(alert.id.clone(), why);
                tended.back.push(alert.id.clone());
            }
        }
        tended.taken.push(key.clone());
    }

    /// A worse severity brings back what somebody acknowledged or put aside; an end clears what came back.
    pub(super) fn compare_with_before(&mut self, alert: &Alert) {
        if alert.state == AlertState::Resolved {
            self.returned.remove(&alert.id);
            return;
        }
        let key = AlarmKey::of(alert);
        if self
            .shelf
            .get(&key)
            .is_some_and(|item| alert.severity.rank() < item.severity.rank())
        {
            self.worse.push(key);
        }
        if let Some(known) = self.alerts.get(&alert.id) {
            let worse = alert.severity.rank() < known.severity.rank();
            if worse && known.state.progress() == 1 && alert.state.progress() == 1 {
                self.returned.insert(alert.id.clone(), Return::Worse);
            }
        }
    }
}
