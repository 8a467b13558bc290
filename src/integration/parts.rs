//! What each part of the bridge did: runs, successes, failures, durations, age of the last success.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio::time::Instant;

use crate::domain::SafeText;

/// One integration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Alerts to work orders and webhooks.
    Rules,
    /// Devices to Manage's assets.
    Assets,
    /// A day's readings to the data lake.
    Lake,
    /// A day's production to the ERP.
    Erp,
    /// The API for other applications.
    Facility,
    /// Outbound webhooks.
    Outbound,
    /// Inbound webhooks.
    Inbound,
}

impl Part {
    /// All.
    pub const ALL: [Self; 7] = [
        Self::Rules,
        Self::Assets,
        Self::Lake,
        Self::Erp,
        Self::Facility,
        Self::Outbound,
        Self::Inbound,
    ];

    /// The word of logs, JSON and metrics' labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rules => "rules",
            Self::Assets => "assets",
            Self::Lake => "lake",
            Self::Erp => "erp",
            Self::Facility => "facility",
            Self::Outbound => "outbound",
            Self::Inbound => "inbound",
        }
    }
}

/// Figures of one part since the start of the process.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// Runs begun.
    pub runs: u64,
    /// Runs that did what they should.
    pub successes: u64,
    /// Runs that failed, or were cut off.
    pub failures: u64,
    /// Runs that go on now.
    pub running: u64,
    /// Time in runs that ended.
    pub total: Duration,
    /// The newest run's duration.
    pub last: Option<Duration>,
    /// When a run last succeeded.
    pub last_success: Option<Timestamp>,
    /// When a run last failed.
    pub last_failure: Option<Timestamp>,
    /// What the newest run said of itself.
    pub said: Option<SafeText>,
    /// Things counted by name, for example `orders`, `unchanged`, `ignored`.
    pub counts: BTreeMap<&'static str, u64>,
}

/// The figures of all parts. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Parts(Arc<Mutex<BTreeMap<Part, Health>>>);

impl Parts {
    /// Switches a part on: from now on it has a line, even before its first run.
    pub fn enable(&self, part: Part) {
        self.with(part, |_| {});
    }

    /// Begins a run. Dropped without a word, it counts as cut off.
    pub fn begin(&self, part: Part) -> Run {
        self.with(part, |health| {
            health.runs += 1;
            health.running += 1;
        });
        Run {
            parts: self.clone(),
            part,
            began: Instant::now(),
            ended: false,
        }
    }

    /// Counts something.
    pub fn count(&self, part: Part, what: &'static str, by: u64) {
        self.with(part, |health| *health.counts.entry(what).or_default() += by);
    }

    /// All lines, in the order of [`Part::ALL`].
    pub fn all(&self) -> Vec<(Part, Health)> {
        let parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        parts.iter().map(|(part, health)| (*part, health.clone())).collect()
    }

    fn with(&self, part: Part, change: impl FnOnce(&mut Health)) {
        let mut parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(parts.entry(part).or_default());
    }
}

/// A run under way.
#[derive(Debug)]
#[must_use = "a run that is dropped counts as cut off"]
pub struct Run {
    parts: Parts,
    part: Part,
    began: Instant,
    ended: bool,
}

impl Run {
    /// It did what it should; one sentence of what.
    pub fn succeeded(mut self, at: Timestamp, said: impl Into<SafeText>) {
        let said = said.into();
        self.end(|health| {
            health.successes += 1;
            health.last_success = Some(at);
            health.said = Some(said);
        });
    }

    /// It failed; one sentence why.
    pub fn failed(mut self, at: Timestamp, why: impl Into<SafeText>) {
        let why = why.into();
        self.end(|health| {
            health.failures += 1;
            health.last_failure = Some(at);
            health.said = Some(why);
        });
    }

    fn end(&mut self, change: impl FnOnce(&mut Health)) {
        let took = self.began.elapsed();
        self.ended = true;
        self.parts.with(self.part, |health| {
            health.running = health.running.saturating_sub(1);
            health.total += took;
            health.last = Some(took);
            change(health);
        });
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if !self.ended {
            self.end(|health| {
                health.failures += 1;
                health.said = Some("cut off".into());
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_run_ends_once_and_says_how() {
        let parts = Parts::default();
        parts.enable(Part::Lake);
        let run = parts.begin(Part::Lake);
        tokio::time::advance(Duration::from_secs(2)).await;
        run.succeeded(Timestamp::UNIX_EPOCH, "3 records");
        parts.begin(Part::Lake).failed(Timestamp::UNIX_EPOCH, "no bucket");
        drop(parts.begin(Part::Lake));
        let [(part, health)] = &parts.all()[..] else { panic!("one line") };
        assert_eq!(*part, Part::Lake);
        assert_eq!((health.runs, health.successes, health.failures, health.running), (3, 1, 2, 0));
        assert_eq!(health.total, Duration::from_secs(2));
        assert_eq!(health.said.as_ref().map(SafeText::shown), Some("cut off"));
        assert_eq!(health.last_success, Some(Timestamp::UNIX_EPOCH));
    }
}
