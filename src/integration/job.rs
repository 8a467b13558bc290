//! What a part of the bridge looks like from the outside: work that is due at times, done once each time.

use std::fmt;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use super::{ClaimError, Part, StoreError};
use crate::config::{ConfigError, CredentialError};
use crate::domain::SafeText;
use crate::maximo;
use crate::outbox::OutboxError;

/// A piece of work that the bridge does by itself. `nightdesk bridge` calls it when it is due, `--once` calls it once.
///
/// One call is one run: it ends. A run that is dropped, or whose process is killed, is called again; so a run leaves
/// nothing half done that the next one would not notice, and what changes something at a server is an intent in the
/// outbox under an identity that is the same the second time.
pub trait Job: Send + Sync + 'static {
    /// The part that it belongs to: its line in health and metrics.
    fn part(&self) -> Part;

    /// A name that no other job has (`lake`, `erp`): its claim and its memory bear it. Letters, digits, `-`, `_`, `.`.
    fn name(&self) -> String;

    /// When it is due.
    fn timing(&self) -> Timing;

    /// Does it once, and says in one sentence what was done.
    fn run(&self, occasion: Occasion) -> BoxFuture<'_, Result<SafeText, JobError>>;
}

/// When a job is due.
#[derive(Clone, Debug, PartialEq)]
pub enum Timing {
    /// Once for every calendar day, at the first such time after the day is over. Days that were missed are caught up
    /// with, oldest first; a day that failed is tried again.
    Daily {
        /// The time of day.
        at: Time,
        /// The zone of that time.
        zone: TimeZone,
        /// The zone in which the days that are worked on begin and end.
        day_zone: TimeZone,
    },
    /// At the start, and then so long after the end of the run before.
    Every(Duration),
}

/// What a run is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occasion {
    /// The time of the call.
    pub now: Timestamp,
    /// The day to work on: [`Timing::Daily`] has one.
    pub day: Option<Date>,
}

/// Why a run did not do what it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobError {
    /// What kind, which decides the exit code of a run by hand.
    pub kind: JobErrorKind,
    /// One sentence with the remedy.
    pub message: SafeText,
}

/// Kinds of failure, after the exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobErrorKind {
    /// The configuration is at odds with the world.
    Configuration,
    /// A credential that cannot be had, or that was refused.
    Credentials,
    /// Server or network, after retries.
    Server,
    /// TLS, or a refused insecure address.
    Tls,
    /// This machine's own store.
    Store,
    /// The server refused it.
    Refused,
    /// Some of several things failed.
    Partly,
}

impl JobError {
    /// A failure in one sentence.
    pub fn new(kind: JobErrorKind, message: impl Into<SafeText>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }
}

impl fmt::Display for JobError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.message.shown())
    }
}

impl std::error::Error for JobError {}

impl From<maximo::Error> for JobError {
    fn from(error: maximo::Error) -> Self {
        use maximo::ErrorKind;
        let kind = match error.kind() {
            ErrorKind::Insecure | ErrorKind::Tls => JobErrorKind::Tls,
            ErrorKind::Configuration => JobErrorKind::Configuration,
            ErrorKind::Credentials => JobErrorKind::Credentials,
            ErrorKind::NotFound | ErrorKind::Conflict | ErrorKind::Refused { .. } => JobErrorKind::Refused,
            ErrorKind::Unreachable
            | ErrorKind::Resting
            | ErrorKind::Interrupted
            | ErrorKind::Server { .. }
            | ErrorKind::Throttled { .. }
            | ErrorKind::Malformed => JobErrorKind::Server,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<ConfigError> for JobError {
    fn from(error: ConfigError) -> Self {
        let kind = if error.is_insecure() {
            JobErrorKind::Tls
        } else {
            JobErrorKind::Configuration
        };
        Self::new(kind, error.to_string())
    }
}

impl From<OutboxError> for JobError {
    fn from(error: OutboxError) -> Self {
        Self::new(JobErrorKind::Store, error.to_string())
    }
}

impl From<StoreError> for JobError {
    fn from(error: StoreError) -> Self {
        Self::new(JobErrorKind::Store, error.to_string())
    }
}

impl From<ClaimError> for JobError {
    fn from(error: ClaimError) -> Self {
        Self::new(JobErrorKind::Store, error.to_string())
    }
}

impl From<CredentialError> for JobError {
    fn from(error: CredentialError) -> Self {
        Self::new(JobErrorKind::Credentials, error.to_string())
    }
}
