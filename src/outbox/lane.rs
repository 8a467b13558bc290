//! The pace of one target: how many requests at once, how soon the next, and what an outage changes about it.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio::time::Instant;

use super::Policy;
use crate::domain::{SafeText, Target};

/// A target whose queue waits.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Lane {
    /// Which.
    pub target: Target,
    /// Why, in one sentence.
    pub reason: SafeText,
    /// Since when.
    pub since: Timestamp,
}

/// What a request said about its target.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Signal {
    /// It answered, yes or no.
    Answered,
    /// No connection.
    Unreachable(SafeText),
    /// It may or may not have done it, or could not be asked.
    Failed(SafeText),
    /// It asked to wait.
    Throttled(Option<Duration>, SafeText),
    /// It refused the credential.
    Unauthorized(SafeText),
    /// Our own store failed: nothing was sent.
    Store(String),
    /// Nothing was sent, nothing is known.
    Nothing,
}

const QUOTA: u32 = 500;
const TRANSIENT_COST: u32 = 14;
const THROTTLE_COST: u32 = 5;
/// Connect failures in a row that open the breaker.
const BREAKER: u32 = 5;
/// A server may ask for at most so much patience.
const LONGEST_THROTTLE: Duration = Duration::from_secs(15 * 60);
/// How long nothing is tried after our own store failed.
const STORE_PAUSE: Duration = Duration::from_secs(5);

/// One target's pace.
#[derive(Debug)]
pub(super) struct Pace {
    tokens: u32,
    failures: u32,
    connect_failures: u32,
    /// How many may be under way.
    width: usize,
    gap: Duration,
    until: Option<Instant>,
    /// Until then the server itself asked to be left alone: no other answer ends that.
    asked_until: Option<Instant>,
    last_start: Option<Instant>,
    pub(super) under_way: usize,
    /// Why it waits, where it does.
    pub(super) reason: Option<SafeText>,
}

impl Pace {
    /// One request first: nothing is known about the target, and an outage may have lasted over our own absence.
    pub(super) fn new(policy: &Policy) -> Self {
        Self {
            tokens: QUOTA,
            failures: 0,
            connect_failures: 0,
            width: 1,
            gap: policy.first_gap,
            until: None,
            asked_until: None,
            last_start: None,
            under_way: 0,
            reason: None,
        }
    }

    /// When the next request may start; `None` while enough are under way.
    pub(super) fn next_start(&self, now: Instant) -> Option<Instant> {
        if self.under_way >= self.width {
            return None;
        }
        let after_last = self.last_start.map_or(now, |start| start + self.gap);
        let waits = [self.until, self.asked_until].into_iter().flatten();
        Some(waits.fold(after_last.max(now), Instant::max))
    }

    pub(super) fn started(&mut self, now: Instant) {
        self.last_start = Some(now);
        self.under_way += 1;
    }

    /// Lets a paused target be asked at once.
    pub(super) fn resume(&mut self) {
        self.until = None;
        self.asked_until = None;
    }

    /// Learns from a request. `owed` is what the row's last failure took of the quota; it comes back with the success of its
    /// repeat. Answers whether the target came back.
    pub(super) fn ended(&mut self, signal: &Signal, owed: &mut u32, policy: &Policy, now: Instant, roll: f64) -> bool {
        self.under_way = self.under_way.saturating_sub(1);
        match signal {
            Signal::Nothing => false,
            Signal::Answered => {
                self.tokens = (self.tokens + std::mem::take(owed).max(1)).min(QUOTA);
                self.connect_failures = 0;
                if self.asked_until.is_some_and(|until| now < until) {
                    return false; // it was under way when the server asked for the wait, and says nothing about that
                }
                let was_down = self.reason.take().is_some() || self.failures > 1;
                self.failures = 0;
                self.until = None;
                self.width = (self.width * 2).min(policy.concurrency.max(1));
                self.gap = (self.gap / 2).max(policy.shortest_gap);
                was_down
            }
            Signal::Unreachable(reason) => {
                self.connect_failures += 1;
                *owed = self.failed(reason, policy, now, roll);
                if self.connect_failures >= BREAKER {
                    self.until = Some(now + policy.probe(roll));
                }
                self.narrow(policy, reason);
                false
            }
            Signal::Failed(reason) => {
                self.connect_failures = 0;
                *owed = self.failed(reason, policy, now, roll);
                false
            }
            Signal::Throttled(after, reason) => {
                *owed = self.spend(THROTTLE_COST);
                self.failures += 1;
                let wait = after.map_or_else(|| policy.backoff(self.failures.min(10), roll), |after| after.min(LONGEST_THROTTLE));
                if after.is_some() {
                    self.asked_until = self.asked_until.max(Some(now + wait));
                } else {
                    self.until = Some(now + wait);
                }
                self.narrow(policy, reason);
                false
            }
            Signal::Unauthorized(reason) => {
                self.until = Some(now + policy.credential_interval);
                self.narrow(policy, reason);
                false
            }
            Signal::Store(reason) => {
                self.until = Some(now + STORE_PAUSE);
                self.narrow(policy, &SafeText::from(reason.as_str()));
                false
            }
        }
    }

    /// Takes a cost, or what is left; answers how much that was.
    fn spend(&mut self, cost: u32) -> u32 {
        let spent = cost.min(self.tokens);
        self.tokens -= spent;
        spent
    }

    /// Answers what it took of the quota.
    fn failed(&mut self, reason: &SafeText, policy: &Policy, now: Instant, roll: f64) -> u32 {
        self.failures += 1;
        let spent = self.spend(TRANSIENT_COST);
        if spent < TRANSIENT_COST {
            self.until = Some(now + policy.probe(roll)); // the quota is spent: only probes
            self.narrow(policy, reason);
        } else if self.failures > 1 || self.connect_failures > 0 {
            // one failure may be the row's own; two in a row are the target's
            self.until = Some(now + policy.backoff(self.failures.min(10), roll));
            self.narrow(policy, reason);
        }
        spent
    }

    fn narrow(&mut self, policy: &Policy, reason: &SafeText) {
        self.width = 1;
        self.gap = policy.first_gap;
        self.reason = Some(reason.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(pace: &mut Pace, signal: &Signal, owed: &mut u32) -> u32 {
        pace.ended(signal, owed, &Policy::default(), Instant::now(), 0.5);
        pace.tokens
    }

    #[tokio::test]
    async fn what_a_failure_cost_comes_back_with_the_success_of_its_repeat() {
        let mut pace = Pace::new(&Policy::default());
        let (failed, throttled) = (Signal::Failed("500".into()), Signal::Throttled(None, "429".into()));
        let (mut one, mut other, mut third) = (0, 0, 0);
        assert_eq!(after(&mut pace, &failed, &mut one), 486);
        assert_eq!(after(&mut pace, &throttled, &mut other), 481);
        assert_eq!(
            after(&mut pace, &Signal::Answered, &mut third),
            482,
            "a first try that succeeds earns one"
        );
        assert_eq!(after(&mut pace, &Signal::Answered, &mut other), 487, "a throttle's five");
        assert_eq!(
            after(&mut pace, &Signal::Answered, &mut one),
            500,
            "a transient failure's fourteen, up to the brim"
        );
        assert_eq!((one, other, third), (0, 0, 0), "each once");
    }

    #[tokio::test]
    async fn no_more_comes_back_than_was_there_to_take() {
        let mut pace = Pace::new(&Policy::default());
        let failed = Signal::Failed("500".into());
        let mut owed = [0; 40];
        for owed in &mut owed {
            after(&mut pace, &failed, owed);
        }
        assert_eq!(pace.tokens, 0);
        assert_eq!(owed.iter().sum::<u32>(), QUOTA);
        for owed in owed.iter_mut().filter(|owed| **owed > 0) {
            after(&mut pace, &Signal::Answered, owed);
        }
        assert_eq!(pace.tokens, QUOTA);
    }
}
