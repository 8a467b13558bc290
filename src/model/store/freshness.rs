//! How old a source's data is, in words that do not tick.

use jiff::{SignedDuration, Timestamp};

use crate::model::Fault;

/// What is known about one source's data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// How often it is read; zero for what is read on demand only.
    pub interval: SignedDuration,
    /// When the newest data was read.
    pub as_of: Option<Timestamp>,
    /// True while the newest data is what an earlier run left.
    pub cached: bool,
    /// Reads fail since then, and why.
    pub failing: Option<(Timestamp, Fault)>,
    /// A read is under way since then.
    pub asked_at: Option<Timestamp>,
    /// When the console began to wait for it.
    pub started: Option<Timestamp>,
}

/// A source's age as the screen says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Age {
    /// Nothing has come yet, and it is too early to complain.
    Connecting,
    /// Only what an earlier run left.
    Cached(Timestamp),
    /// Within twice its interval.
    Live,
    /// Past twice its interval, or failing without any data.
    Silent(Option<Timestamp>),
}

impl Freshness {
    /// Nothing known yet.
    pub fn new(interval: SignedDuration) -> Self {
        Self {
            interval,
            as_of: None,
            cached: false,
            failing: None,
            asked_at: None,
            started: None,
        }
    }

    /// A read began.
    pub(super) fn began(&mut self, now: Timestamp) {
        self.asked_at = Some(now);
    }

    /// A part of a long read came.
    pub(super) fn heard(&mut self, now: Timestamp) {
        if self.asked_at.is_some() {
            self.asked_at = Some(now);
        }
    }

    /// Since when a read under way hears nothing, where that is longer than `patience` or, where data came before, where
    /// that data is older than two intervals.
    pub(super) fn unanswered(&self, patience: SignedDuration, now: Timestamp) -> Option<Timestamp> {
        let asked = self.asked_at?;
        let late = now.duration_since(asked) > patience || matches!(self.age(now), Age::Silent(Some(_)));
        late.then_some(asked)
    }

    /// Data came.
    pub(super) fn succeeded(&mut self, as_of: Timestamp, cached: bool) {
        self.as_of = Some(as_of);
        self.cached = cached;
        if !cached {
            self.failing = None;
            self.asked_at = None;
        }
    }

    /// A read failed.
    pub(super) fn failed(&mut self, fault: Fault, now: Timestamp) {
        let since = self.failing.as_ref().map_or(now, |(since, _)| *since);
        self.failing = Some((since, fault));
        self.asked_at = None;
    }

    /// When it turns silent, if nothing comes until then.
    pub fn silent_from(&self) -> Option<Timestamp> {
        if self.interval.is_zero() {
            return None;
        }
        let from = self.as_of.filter(|_| !self.cached).or(self.started)?;
        from.checked_add(self.interval.saturating_mul(2)).ok()
    }

    /// Its age at `now`.
    pub fn age(&self, now: Timestamp) -> Age {
        let late = self.silent_from().is_some_and(|from| now > from);
        match (self.as_of, self.cached) {
            (None, _) if late || self.failing.is_some() => Age::Silent(None),
            (None, _) => Age::Connecting,
            (Some(as_of), true) if late || self.failing.is_some() => Age::Silent(Some(as_of)),
            (Some(as_of), true) => Age::Cached(as_of),
            (Some(as_of), false) if late => Age::Silent(Some(as_of)),
            (Some(_), false) => Age::Live,
        }
    }
}

/// Latency in steps so coarse, and so slow to change, that the header does not flicker.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Latency {
    mean_millis: f64,
    step: u64,
}

impl Latency {
    const STEPS: [u64; 9] = [10, 25, 50, 100, 250, 500, 1_000, 2_000, 5_000];

    /// Takes one more call.
    pub(super) fn add(&mut self, millis: u64) {
        let sample = millis as f64;
        self.mean_millis = if self.step == 0 {
            sample
        } else {
            self.mean_millis * 0.8 + sample * 0.2
        };
        // A step is left only when the mean is well outside of it.
        let stays = self.step != 0 && self.mean_millis <= self.step as f64 * 1.2 && self.mean_millis > self.step as f64 * 0.35;
        if !stays {
            self.step = Self::STEPS
                .into_iter()
                .find(|step| self.mean_millis <= *step as f64)
                .unwrap_or(5_000);
        }
    }

    /// `40 ms` and the like; empty before the first call.
    pub fn shown(self) -> String {
        match self.step {
            0 => String::new(),
            step if step >= 1_000 && self.mean_millis > 5_000.0 => format!(">{}s", step / 1_000),
            step if step >= 1_000 => format!("{}s", step / 1_000),
            step => format!("{step}ms"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FaultKind;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn fault() -> Fault {
        Fault {
            kind: FaultKind::Unreachable,
            message: "connection refused".into(),
        }
    }

    #[test]
    fn data_goes_silent_past_twice_its_interval() {
        let mut fresh = Freshness::new(SignedDuration::from_secs(5));
        fresh.started = Some(at(0));
        assert_eq!(fresh.age(at(1)), Age::Connecting);
        assert_eq!(fresh.age(at(11)), Age::Silent(None));
        fresh.succeeded(at(-3_600), true);
        assert_eq!(fresh.age(at(2)), Age::Cached(at(-3_600)));
        assert_eq!(fresh.age(at(11)), Age::Silent(Some(at(-3_600))));
        fresh.succeeded(at(12), false);
        assert_eq!(fresh.age(at(22)), Age::Live);
        fresh.failed(fault(), at(14));
        fresh.failed(fault(), at(19));
        assert_eq!(fresh.age(at(22)), Age::Live, "failing is not yet old");
        assert_eq!(fresh.failing.as_ref().unwrap().0, at(14), "the first failure counts");
        assert_eq!(fresh.age(at(23)), Age::Silent(Some(at(12))));
    }

    #[test]
    fn a_call_that_hangs_is_owed_within_two_intervals_of_the_last_data() {
        let interval = SignedDuration::from_secs(5);
        let mut fresh = Freshness::new(interval);
        fresh.started = Some(at(0));
        fresh.began(at(0));
        fresh.succeeded(at(1), false);
        assert_eq!(fresh.unanswered(interval, at(60)), None, "nothing is under way");
        fresh.began(at(6));
        assert_eq!(fresh.unanswered(interval, at(11)), None);
        assert_eq!(fresh.unanswered(interval, at(12)), Some(at(6)), "two intervals after the last data");
        fresh.heard(at(12));
        assert_eq!(fresh.unanswered(SignedDuration::from_mins(1), at(10)), None);
        fresh.succeeded(at(13), false);
        assert_eq!(fresh.unanswered(interval, at(14)), None);
        // What is read on demand has no interval: the patience alone counts.
        let mut orders = Freshness::new(SignedDuration::ZERO);
        orders.began(at(0));
        assert_eq!(orders.unanswered(interval, at(5)), None);
        assert_eq!(orders.unanswered(interval, at(6)), Some(at(0)));
        orders.failed(fault(), at(30));
        assert_eq!(orders.unanswered(interval, at(60)), None);
    }

    #[test]
    fn latency_does_not_flicker_around_a_step() {
        let mut latency = Latency::default();
        assert_eq!(latency.shown(), "");
        latency.add(40);
        let shown = latency.shown();
        for millis in [52, 44, 55, 38, 50, 57] {
            latency.add(millis);
            assert_eq!(latency.shown(), shown);
        }
        for _ in 0..40 {
            latency.add(700);
        }
        assert_eq!(latency.shown(), "1s");
    }
}
