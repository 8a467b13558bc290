//! How the calls to the servers go: what the health window shows.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::domain::{SafeText, Service};

/// One look at everything that is known of the calls.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ApiHealth {
    /// In whose name calls are made: operator, account, and the address that they came from.
    pub who: SafeText,
    /// A server each.
    pub servers: Vec<ServerHealth>,
    /// The last calls, oldest first; at most 1,000.
    pub calls: Vec<CallLine>,
}

/// A server.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerHealth {
    /// Which.
    pub service: Service,
    /// Calls are held back after repeated failures, but for a probe now and then.
    pub resting: bool,
    /// With what calls are proved: a key, or a token and when it ends.
    pub credential: Credential,
    /// Everything together.
    pub all: CallFigures,
    /// An operation each, in the contract's operation ids.
    pub operations: Vec<(&'static str, CallFigures)>,
}

/// What a server is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A key; the day on which it was made, where the configuration says it.
    Key(Option<Date>),
    /// A token, and when it ends; `None` before the first one.
    Token(Option<Timestamp>),
}

/// Figures of calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallFigures {
    /// Calls, repeats included.
    pub calls: u64,
    /// Of these failed.
    pub errors: u64,
    /// Of these repeats.
    pub retries: u64,
    /// Median of the last durations, in milliseconds.
    pub p50_millis: u64,
    /// 95th percentile of the last durations, in milliseconds.
    pub p95_millis: u64,
    /// The last success.
    pub last_success: Option<Timestamp>,
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallLine {
    /// Ascending since the start of the process.
    pub id: u64,
    /// When it began.
    pub at: Timestamp,
    /// Which server.
    pub service: Service,
    /// What.
    pub operation: &'static str,
    /// On which object.
    pub object: SafeText,
    /// The HTTP status, where an answer came.
    pub status: Option<u16>,
    /// `ok`, `cancelled`, or the kind of failure.
    pub outcome: &'static str,
    /// 1 for the first.
    pub attempt: u32,
    /// How long, in milliseconds.
    pub millis: u64,
}
