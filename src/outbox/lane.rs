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
        Some(after_last.max(self.until.unwrap_or(now)).max(now))
    }

    pub(super) fn started(&mut self, now: Instant) {
        self.last_start = Some(now);
        self.under_way += 1;
    }

    /// Lets a paused target be asked at once.
    pub(super) fn resume(&mut self) {
        self.until = None;
    }

    /// Learns from a request; `retried` where it was not the row's first. Answers whether the target came back.
    pub(super) fn ended(&mut self, signal: &Signal, retried: bool, policy: &Policy, now: Instant, roll: f64) -> bool {
        self.under_way = self.under_way.saturating_sub(1);
        match signal {
            Signal::Nothing => false,
            Signal::Answered => {
                let was_down = self.reason.take().is_some() || self.failures > 1;
                self.tokens = (self.tokens + if retried { TRANSIENT_COST } else { 1 }).min(QUOTA);
                self.failures = 0;
                self.connect_failures = 0;
                self.until = None;
                self.width = (self.width * 2).min(policy.concurrency.max(1));
                self.gap = (self.gap / 2).max(policy.shortest_gap);
                was_down
            }
            Signal::Unreachable(reason) => {
                self.connect_failures += 1;
                self.failed(reason, policy, now, roll);
                if self.connect_failures >= BREAKER {
                    self.until = Some(now + policy.probe(roll));
                }
                self.narrow(policy, reason);
                false
            }
            Signal::Failed(reason) => {
                self.connect_failures = 0;
                self.failed(reason, policy, now, roll);
                false
            }
            Signal::Throttled(after, reason) => {
                self.tokens = self.tokens.saturating_sub(THROTTLE_COST);
                self.failures += 1;
                let wait = after.map_or_else(|| policy.backoff(self.failures.min(10), roll), |after| after.min(LONGEST_THROTTLE));
                self.until = Some(now + wait);
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

    fn failed(&mut self, reason: &SafeText, policy: &Policy, now: Instant, roll: f64) {
        self.failures += 1;
        let had = self.tokens;
        self.tokens = had.saturating_sub(TRANSIENT_COST);
        if had < TRANSIENT_COST {
            self.until = Some(now + policy.probe(roll)); // the quota is spent: only probes
            self.narrow(policy, reason);
        } else if self.failures > 1 || self.connect_failures > 0 {
            // one failure may be the row's own; two in a row are the target's
            self.until = Some(now + policy.backoff(self.failures.min(10), roll));
            self.narrow(policy, reason);
        }
    }

    fn narrow(&mut self, policy: &Policy, reason: &SafeText) {
        self.width = 1;
        self.gap = policy.first_gap;
        self.reason = Some(reason.clone());
    }
}
