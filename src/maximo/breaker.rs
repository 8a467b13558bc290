//! What keeps a sick server from being hammered: a retry quota and a circuit breaker.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::SafeText;

/// Tokens at the start and at the most.
const QUOTA: u32 = 500;
/// A transient retry costs this.
const TRANSIENT: u32 = 14;
/// A retry after a throttle costs this.
const THROTTLE: u32 = 5;
/// Connect failures in a row after which the breaker opens.
const FAILURES: u32 = 5;
/// Then one probe each so often, ±20 %.
const PROBE_EVERY: Duration = Duration::from_secs(15);

/// State of one target (numbers: `design/delivery.md`, section Retry classes).
#[derive(Debug)]
pub(super) struct Breaker {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    tokens: u32,
    failures: u32,
    next_probe: Option<Instant>,
    /// Why the last connection could not be made.
    last: SafeText,
}

/// Why a retry is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cost {
    Transient,
    Throttle,
}

impl Cost {
    fn tokens(self) -> u32 {
        match self {
            Self::Transient => TRANSIENT,
            Self::Throttle => THROTTLE,
        }
    }
}

impl Breaker {
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                tokens: QUOTA,
                failures: 0,
                next_probe: None,
                last: SafeText::default(),
            }),
        }
    }

    /// Whether a call may go out now; while open, one caller each interval is let through as the probe, and the
    /// others are told why the last connection failed.
    pub(super) fn admit(&self) -> Result<(), SafeText> {
        let mut state = self.lock();
        let now = Instant::now();
        match state.next_probe {
            None => Ok(()),
            Some(at) if now >= at => {
                state.next_probe = Some(now + jittered(PROBE_EVERY));
                Ok(())
            }
            Some(_) => Err(state.last.clone()),
        }
    }

    /// A connection could not be made: no address, no route, or no TLS.
    pub(super) fn connect_failed(&self, why: &SafeText) {
        let mut state = self.lock();
        state.last = why.clone();
        state.failures = state.failures.saturating_add(1);
        if state.failures >= FAILURES && state.next_probe.is_none() {
            state.next_probe = Some(Instant::now() + jittered(PROBE_EVERY));
        }
    }

    /// The server answered, whatever it said.
    pub(super) fn answered(&self) {
        let mut state = self.lock();
        state.failures = 0;
        state.next_probe = None;
    }

    /// Takes a retry's cost; false where the quota is spent and the failure stands.
    pub(super) fn spend(&self, cost: Cost) -> bool {
        let mut state = self.lock();
        match state.tokens.checked_sub(cost.tokens()) {
            Some(left) => {
                state.tokens = left;
                true
            }
            None => false,
        }
    }

    /// A call succeeded: at the first try it earns one token, after a retry the cost comes back.
    pub(super) fn earn(&self, retried: Option<Cost>) {
        let mut state = self.lock();
        state.tokens = (state.tokens + retried.map_or(1, Cost::tokens)).min(QUOTA);
    }

    /// Whether calls are held back.
    pub(super) fn is_open(&self) -> bool {
        self.lock().next_probe.is_some()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn jittered(duration: Duration) -> Duration {
    duration.mul_f64(0.8 + 0.4 * fastrand::f64())
}

/// Full jitter: a random wait up to base·2ⁿ, at most the cap.
pub fn full_jitter(attempt: u32, base: Duration, cap: Duration) -> Duration {
    let most = base.saturating_mul(1u32.checked_shl(attempt.min(16)).unwrap_or(u32::MAX)).min(cap);
    most.mul_f64(fastrand::f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn five_connect_failures_then_one_probe_an_interval() {
        let breaker = Breaker::new();
        for _ in 0..5 {
            assert!(breaker.admit().is_ok());
            breaker.connect_failed(&"no route".into());
        }
        assert_eq!(breaker.admit().unwrap_err().raw(), "no route");
        let mut probes = 0;
        for _ in 0..600 {
            tokio::time::advance(Duration::from_millis(100)).await;
            if breaker.admit().is_ok() {
                probes += 1;
                breaker.connect_failed(&"no route".into());
            }
        }
        assert!((3..=5).contains(&probes), "{probes} probes in a minute");
        breaker.answered();
        assert!(breaker.admit().is_ok() && breaker.admit().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn the_quota_runs_out_and_comes_back() {
        let breaker = Breaker::new();
        let spent = (0..100).filter(|_| breaker.spend(Cost::Transient)).count();
        assert_eq!(spent, 35);
        breaker.earn(Some(Cost::Transient));
        assert!(breaker.spend(Cost::Transient));
        assert!(!breaker.spend(Cost::Transient));
    }

    #[test]
    fn jitter_stays_below_its_cap() {
        for attempt in 0..40 {
            assert!(full_jitter(attempt, Duration::from_secs(1), Duration::from_secs(20)) <= Duration::from_secs(20));
        }
    }
}
