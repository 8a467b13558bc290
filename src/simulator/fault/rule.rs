//! One rule.

use std::time::Duration;

use crate::simulator::Operation;

/// Whether the fault strikes before the call's effect is committed, or after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum When {
    /// The call has no effect.
    #[default]
    Before,
    /// The effect is committed, the answer is not what it should be.
    After,
}

/// What happens to a call that a rule hits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum FaultAction {
    /// Nothing but the rule's latency.
    #[default]
    Delay,
    /// The connection is closed without an answer.
    Drop(When),
    /// An error status with the contract's error body.
    Status {
        /// 400 to 599.
        status: u16,
        /// `Retry-After`, whatever it says.
        retry_after: Option<String>,
        /// Before or after the effect.
        when: When,
    },
    /// The right answer, cut.
    Truncate {
        /// Bytes that remain.
        at: usize,
        /// True breaks the connection there; false ends the answer as if it were whole.
        cut: bool,
    },
    /// Another answer.
    Replace {
        /// Its status.
        status: u16,
        /// Its content type.
        content_type: String,
        /// Its body; any bytes.
        body: Vec<u8>,
        /// Before or after the effect.
        when: When,
    },
    /// The right answer up to a byte, then silence with the connection open.
    Stall {
        /// Bytes sent.
        at: usize,
    },
    /// A body that never ends, after the effect.
    Endless,
    /// A small gzip body that unpacks to this many zero bytes, after the effect.
    GzipBomb {
        /// Unpacked size.
        bytes: u64,
    },
    /// All tokens given so far end now; then the call goes on.
    ExpireTokens,
    /// To another place.
    Redirect {
        /// 301, 302, 303, 307 or 308.
        status: u16,
        /// `Location`.
        to: String,
        /// Before or after the effect.
        when: When,
    },
}

/// One rule. All conditions that are given must hold; the first rule that fires is the one that counts.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultRule {
    /// Operations; empty hits all.
    pub operations: Vec<Operation>,
    /// HTTP method.
    pub method: Option<String>,
    /// A part of the path with its query.
    pub path: Option<String>,
    /// Only the n-th match, from 1.
    pub nth: Option<u64>,
    /// Each k-th match.
    pub every: Option<u64>,
    /// By a draw from the seed, 0 to 1.
    pub probability: Option<f64>,
    /// At most so often.
    pub times: Option<u64>,
    /// Waited before anything else.
    pub latency: Duration,
    /// What happens.
    pub action: FaultAction,
}

impl Default for FaultRule {
    fn default() -> Self {
        Self {
            operations: Vec::new(),
            method: None,
            path: None,
            nth: None,
            every: None,
            probability: None,
            times: None,
            latency: Duration::ZERO,
            action: FaultAction::Delay,
        }
    }
}

impl FaultRule {
    /// Hits every call of these operations; none means every call.
    pub fn on(operations: impl IntoIterator<Item = Operation>, action: FaultAction) -> Self {
        Self {
            operations: operations.into_iter().collect(),
            action,
            ..Self::default()
        }
    }

    /// Only the n-th match, from 1.
    #[must_use]
    pub fn nth(self, nth: u64) -> Self {
        Self { nth: Some(nth), ..self }
    }

    /// Each k-th match.
    #[must_use]
    pub fn every(self, every: u64) -> Self {
        Self {
            every: Some(every),
            ..self
        }
    }

    /// At most so often.
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self {
            times: Some(times),
            ..self
        }
    }
}
