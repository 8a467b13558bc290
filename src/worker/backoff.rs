//! When a periodic reading is due again.

use std::time::Duration;

use tokio::time::Instant;

/// One periodic reading.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timer {
    every: Duration,
    longest: Duration,
    failures: u32,
    /// `None` while it is not wanted, or under way.
    pub(super) due: Option<Instant>,
}

impl Timer {
    pub(super) fn new(every: Duration, longest: Duration) -> Self {
        Self {
            every: every.max(Duration::from_millis(100)),
            longest,
            failures: 0,
            due: None,
        }
    }

    /// Whether its last reading failed.
    pub(super) fn is_failing(&self) -> bool {
        self.failures > 0
    }

    /// Sets it for the time after a success or a failure that ended `now`. Failures double the pause, with up to a
    /// fifth more or less by chance, so that consoles which lost the same server do not come back in step.
    pub(super) fn finished(&mut self, now: Instant, success: bool) {
        let pause = if success {
            self.failures = 0;
            self.every
        } else {
            self.failures = self.failures.saturating_add(1);
            let doubled = self.every.saturating_mul(1 << self.failures.min(10));
            doubled.min(self.longest.max(self.every)).mul_f64(0.8 + 0.4 * fastrand::f64())
        };
        self.due = Some(now + pause);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_double_the_pause_up_to_the_limit_and_a_success_ends_that() {
        let now = Instant::now();
        let mut timer = Timer::new(Duration::from_secs(5), Duration::from_secs(60));
        let mut pause = |success| {
            timer.finished(now, success);
            (timer.due.unwrap() - now).as_secs_f64()
        };
        assert!((8.0..=12.0).contains(&pause(false)));
        assert!((16.0..=24.0).contains(&pause(false)));
        for _ in 0..100 {
            assert!(pause(false) <= 72.0);
        }
        assert!(pause(false) >= 48.0);
        assert!((pause(true) - 5.0).abs() < 1e-9);
    }
}
