//! Figures of the load line.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use super::{Age, Store};
use crate::domain::load::{CHATTERING_WITHIN, Flood, FloodLimits, TEN_MINUTES, is_chattering};
use crate::domain::{AlarmKey, AlertFacts, AlertId, AlertState, Facts, Trait};
use crate::model::Source;

/// Figures of the load line. A reference, not compliance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Raised in the last ten minutes.
    pub ten_minutes: usize,
    /// Raised in the last hour.
    pub hour: usize,
    /// Open and chattering.
    pub chattering: usize,
    /// Open for more than a day.
    pub stale: usize,
    /// Alarms on the shelf. Their alerts are in none of the figures of what is open.
    pub shelved: usize,
    /// Open by severity: critical, high, medium (and unknown), low.
    pub by_severity: [usize; 4],
    /// Open and not acknowledged.
    pub unacknowledged: usize,
    /// Open.
    pub open: usize,
}

impl Store {
    /// Which alerts chatter, and which are of an alarm that lately came and went before anybody could act.
    pub(super) fn find_noise(&mut self, now: Timestamp) {
        let mut cycles: HashMap<AlarmKey, Vec<Timestamp>> = HashMap::new();
        let fleeting = self.history.fleeting(now);
        for one in self.history.all() {
            let recent: Vec<Timestamp> = one.cycles().filter(|at| now.duration_since(*at) < CHATTERING_WITHIN).collect();
            if !recent.is_empty() {
                cycles.entry(AlarmKey::of(&one.alert)).or_default().extend(recent);
            }
        }
        cycles.retain(|_, times| is_chattering(times, now));
        let of = |keys: &dyn Fn(&AlarmKey) -> bool| -> HashSet<AlertId> {
            let alerts = self.alerts.values().filter(|alert| keys(&AlarmKey::of(alert)));
            alerts.map(|alert| alert.id.clone()).collect()
        };
        let found = (of(&|key| cycles.contains_key(key)), of(&|key| fleeting.contains(key)));
        if (&found.0, &found.1) != (&self.chattering, &self.fleeting) {
            (self.chattering, self.fleeting) = found;
            self.revision += 1;
        }
    }

    /// The time up to which it is known what was raised: now, unless the lists stay away. `None` before there was any list.
    pub fn known_at(&self, now: Timestamp) -> Option<Timestamp> {
        match self.freshness(Source::Alerts).age(now) {
            Age::Live => Some(now),
            Age::Cached(as_of) | Age::Silent(Some(as_of)) => Some(as_of),
            Age::Connecting | Age::Silent(None) => None,
        }
    }

    /// The same where it is not now: what is counted holds until then, and nothing is known to be over since.
    pub fn known_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.known_at(now).filter(|_| self.freshness(Source::Alerts).age(now) != Age::Live)
    }

    /// The load figures.
    pub fn load(&self, now: Timestamp) -> Load {
        let at = self.known_at(now).unwrap_or(now);
        let mut load = Load {
            ten_minutes: self.arrivals.within(TEN_MINUTES, at),
            hour: self.arrivals.within(SignedDuration::from_hours(1), at),
            shelved: self.shelf.len(),
            ..Load::default()
        };
        for alert in self.alerts.values().filter(|alert| alert.state != AlertState::Resolved) {
            if self.shelf.hides(alert).is_some() {
                continue;
            }
            load.open += 1;
            load.unacknowledged += usize::from(self.progress(alert) == 0);
            load.chattering += usize::from(self.chattering.contains(&alert.id));
            load.stale += usize::from(AlertFacts::of(alert, "", now).is(Trait::Stale));
            if let Some(count) = load.by_severity.get_mut(usize::from(alert.severity.rank())) {
                *count += 1;
            }
        }
        load
    }

    /// Whether there is a flood, and since when everything that was raised is known.
    pub fn flood(&self) -> (&Flood, Option<Timestamp>) {
        (&self.flood, self.history.coverage().map(|coverage| coverage.since))
    }

    /// When a flood begins and ends.
    pub fn flood_limits(&self) -> FloodLimits {
        self.flood_limits
    }
}
