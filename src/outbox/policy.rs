//! The sender's settings.

use std::time::Duration;

/// How long is waited and how much is sent at once. The defaults are those of the design.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Policy {
    /// A request may run so long; a look-up that finds nothing proves nothing before that.
    pub request_timeout: Duration,
    /// How long a server remembers a transaction id.
    pub transaction_life: Duration,
    /// Between the two look-ups once that is over.
    pub second_look_after: Duration,
    /// Requests of one target at a time.
    pub concurrency: usize,
    /// The shortest time between the starts of two requests of one target: bounds the rate whatever waits.
    pub shortest_gap: Duration,
    /// The same for the first requests after a start or an outage; halves with each answer.
    pub first_gap: Duration,
    /// The first back-off is a random part of this.
    pub backoff_base: Duration,
    /// The back-off's cap for the first ten failures of a row.
    pub backoff_cap: Duration,
    /// The cap later.
    pub backoff_later_cap: Duration,
    /// Between probes of a target that is down, ±20 %.
    pub probe_interval: Duration,
    /// Between probes of a target that refused the credential.
    pub credential_interval: Duration,
    /// How often the sender's lock is tried while another process has it.
    pub lock_interval: Duration,
    /// How long requests under way may go on when the sender is stopped.
    pub stop_grace: Duration,
    /// Seeds the jitter; `None` takes a seed of the moment.
    pub seed: Option<u64>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            request_timeout: Duration::from_secs(30),
            transaction_life: Duration::from_secs(300),
            second_look_after: Duration::from_secs(5),
            concurrency: 4,
            shortest_gap: Duration::from_millis(5),
            first_gap: Duration::from_secs(1),
            backoff_base: Duration::from_secs(1),
            backoff_cap: Duration::from_secs(20),
            backoff_later_cap: Duration::from_secs(300),
            probe_interval: Duration::from_secs(15),
            credential_interval: Duration::from_secs(60),
            lock_interval: Duration::from_millis(500),
            stop_grace: Duration::from_secs(5),
            seed: None,
        }
    }
}

/// Failures of a row after which the later cap counts.
const LATER: u32 = 10;

impl Policy {
    /// The defaults, where a request may run so long.
    pub fn within(request_timeout: Duration) -> Self {
        Self {
            request_timeout,
            ..Self::default()
        }
    }

    /// Full jitter: a random part (`roll`, 0 to 1) of the doubled base, capped.
    pub(super) fn backoff(&self, failures: u32, roll: f64) -> Duration {
        let cap = if failures > LATER {
            self.backoff_later_cap
        } else {
            self.backoff_cap
        };
        let doubled = self
            .backoff_base
            .saturating_mul(1_u32.checked_shl(failures.saturating_sub(1).min(20)).unwrap_or(1));
        doubled.min(cap).mul_f64(roll.clamp(0.0, 1.0))
    }

    /// The probe interval, ±20 %.
    pub(super) fn probe(&self, roll: f64) -> Duration {
        self.probe_interval.mul_f64(0.8 + 0.4 * roll.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_backoff_doubles_to_its_cap_and_later_to_the_later_one() {
        let policy = Policy::default();
        let whole: Vec<_> = (1..=7).map(|failures| policy.backoff(failures, 1.0).as_secs()).collect();
        assert_eq!(whole, [1, 2, 4, 8, 16, 20, 20]);
        assert_eq!(policy.backoff(11, 1.0).as_secs(), 300);
        assert_eq!(policy.backoff(u32::MAX, 1.0).as_secs(), 300);
        assert_eq!(policy.backoff(3, 0.0), Duration::ZERO);
        assert_eq!(policy.probe(0.0), Duration::from_secs(12));
        assert_eq!(policy.probe(1.0), Duration::from_secs(18));
        assert_eq!(Policy::within(policy.request_timeout), policy);
    }
}
