//! What was before: the history of alerts, and what of it is not on disk yet.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use super::{COUNTED_MOST, Store};
use crate::domain::load::{Activation, FloodSpan};
use crate::domain::{AlarmKey, AlertId, Coverage, History, Occurrence};

/// Most records that wait to be kept; with a disk that is gone they are dropped, and the history has a hole.
const UNKEPT_MOST: usize = 50_000;
/// How often it is kept how far the lists reach.
const COVERAGE_EVERY: SignedDuration = SignedDuration::from_mins(5);

impl Store {
    /// Takes in what earlier runs kept. From now on news is to be kept as well, and what came before this is news where the
    /// disk does not have it. Answers a flood that is thereby known to be over.
    pub fn remember(&mut self, kept: Vec<Occurrence>, coverage: Option<Coverage>, now: Timestamp) -> Option<FloodSpan> {
        let on_disk: HashMap<AlertId, Occurrence> = kept.iter().map(|one| (one.alert.id.clone(), one.clone())).collect();
        self.history.remember(kept, coverage);
        self.remembered = true;
        let news = self.history.all().filter(|one| on_disk.get(&one.alert.id) != Some(one));
        self.unkept.extend(news.take(UNKEPT_MOST).cloned());
        if self.seen_live && !self.quality.incomplete {
            let present: HashSet<AlertId> = self.alerts.keys().cloned().collect();
            self.end_what_is_missing(&present, now);
        }
        // A flood that began before this run is known by those of it that are over, too.
        for one in self.history.all() {
            let id = &one.alert.id;
            if self.counted.len() < COUNTED_MOST && self.counted.insert(id.clone()) {
                self.arrivals.add(one.alert.raised_at);
                self.late = true;
            }
        }
        self.find_noise(now);
        self.revision += 1;
        self.step(now)
    }

    /// The history.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// What is to be kept now, and how far the lists reach, if that has not been kept for a while.
    pub fn take_unkept(&mut self) -> (Vec<Occurrence>, Option<Coverage>) {
        if !self.remembered {
            return (Vec::new(), None);
        }
        let coverage = self.history.coverage().filter(|coverage| {
            self.coverage_kept
                .is_none_or(|kept| coverage.until.duration_since(kept) >= COVERAGE_EVERY)
        });
        if let Some(coverage) = coverage {
            self.coverage_kept = Some(coverage.until);
        }
        (std::mem::take(&mut self.unkept), coverage)
    }

    /// Puts a record among those that are to be kept.
    pub(super) fn keep(&mut self, record: Option<Occurrence>) {
        if let Some(record) = record.filter(|_| self.remembered && self.unkept.len() < UNKEPT_MOST) {
            self.unkept.push(record);
        }
    }

    /// A live list was read: what was raised since the last one, or was resolved within its reach, is known.
    pub(super) fn covered(&mut self, as_of: Timestamp) {
        let reach = self
            .resolved_since
            .map_or(SignedDuration::ZERO, |since| as_of.duration_since(since));
        let reach = match self.history.coverage() {
            // the lists of one run meet, however long it lasts
            Some(coverage) if self.covered_live => reach.max(as_of.duration_since(coverage.until)),
            _ => reach,
        };
        self.covered_live = true;
        self.history.covered(as_of, reach.max(SignedDuration::ZERO));
    }

    /// What the history has as open and a whole list does not have is over: nobody saw how.
    pub(super) fn end_what_is_missing(&mut self, present: &HashSet<AlertId>, now: Timestamp) {
        let missing: Vec<AlertId> = self
            .history
            .all()
            .filter(|one| one.ended_at().is_none() && !present.contains(&one.alert.id))
            .map(|one| one.alert.id.clone())
            .collect();
        for id in missing {
            let record = self.history.gone(&id, now).cloned();
            self.keep(record);
        }
    }

    /// Everything that was raised since then, returns included: what the load figures count.
    pub fn activations(&self, since: Timestamp) -> Vec<Activation> {
        let mut found = Vec::new();
        for one in self.history.all() {
            let last = one.cycles().last();
            found.extend(one.cycles().filter(|at| *at >= since).map(|at| Activation {
                key: AlarmKey::of(&one.alert),
                severity: one.alert.severity.clone(),
                at,
                fleeting: Some(at) == last && one.is_fleeting(),
            }));
        }
        found
    }
}
