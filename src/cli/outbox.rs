//! What was asked for, and the record of who did it.

use std::time::Duration;

use clap::{Subcommand, ValueEnum};

use super::{WaitArgs, When, duration};

/// `nightdesk outbox ...`
#[derive(Clone, Debug, Subcommand)]
pub enum OutboxCommand {
    /// List what was asked for
    List {
        /// Only in this state
        #[arg(long, value_enum)]
        state: Option<State>,
    },
    /// Deliver what waits, and end when nothing waits any more
    Drain {
        /// How long at most
        #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
        timeout: Duration,
        /// In a session of its own: how a console whose link dropped goes on
        #[arg(long, hide = true)]
        detach: bool,
    },
    /// Send a parked row again
    Retry {
        /// The row's number
        id: i64,
        /// Waiting.
        #[command(flatten)]
        wait: WaitArgs,
    },
    /// Take back a row that has not been sent, or is parked
    Cancel {
        /// The row's number
        id: i64,
    },
}

/// States of the outbox's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum State {
    /// Waiting
    Queued,
    /// On its way
    Sending,
    /// It may have arrived: being looked up
    InDoubt,
    /// Confirmed by the server
    Delivered,
    /// Somebody else was first
    Superseded,
    /// The server said no: a person decides
    Parked,
    /// Taken back
    Cancelled,
}

/// `nightdesk audit ...`
#[derive(Clone, Debug, Subcommand)]
pub enum AuditCommand {
    /// Show who did what
    Show {
        /// From then on: 2026-09-01T02:00:00Z, 2026-09-01, 22:00 or -8h
        #[arg(long, allow_hyphen_values = true, value_name = "TIME")]
        since: Option<When>,
    },
    /// Check that no entry was altered, removed or reordered, and that the outbox stands as the last ones say
    Verify,
}
