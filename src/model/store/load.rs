//! Figures of the load line.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use super::Store;
use crate::domain::load::{Flood, TEN_MINUTES, is_chattering};
use crate::domain::{AlertFacts, AlertState, DeviceId, Facts, SafeText, Trait};

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
    /// Open by severity: critical, high, medium (and unknown), low.
    pub by_severity: [usize; 4],
    /// Open and not acknowledged.
    pub unacknowledged: usize,
    /// Open.
    pub open: usize,
}

impl Store {
    pub(super) fn find_chattering(&mut self, now: Timestamp) {
        let mut cycles: HashMap<(&DeviceId, &SafeText), Vec<Timestamp>> = HashMap::new();
        for alert in self.alerts.values() {
            cycles.entry((&alert.device, &alert.name)).or_default().push(alert.raised_at);
        }
        self.chattering = self
            .alerts
            .values()
            .filter(|alert| {
                cycles
                    .get(&(&alert.device, &alert.name))
                    .is_some_and(|times| is_chattering(times, now))
            })
            .map(|alert| alert.id.clone())
            .collect();
    }

    /// The load figures.
    pub fn load(&self, now: Timestamp) -> Load {
        let mut load = Load {
            ten_minutes: self.arrivals.within(TEN_MINUTES, now),
            hour: self.arrivals.within(SignedDuration::from_hours(1), now),
            ..Load::default()
        };
        for alert in self.alerts.values().filter(|alert| alert.state != AlertState::Resolved) {
            load.open += 1;
            load.unacknowledged += usize::from(alert.state.progress() == 0);
            load.chattering += usize::from(self.chattering.contains(&alert.id));
            load.stale += usize::from(AlertFacts::of(alert, "", now).is(Trait::Stale));
            if let Some(count) = load.by_severity.get_mut(usize::from(alert.severity.rank())) {
                *count += 1;
            }
        }
        load
    }

    /// Whether there is a flood, and how far back the figures reach.
    pub fn flood(&self) -> (&Flood, Option<Timestamp>) {
        (&self.flood, self.arrivals.since())
    }
}
