//! Why the console could not run.

use std::io;

use thiserror::Error;

/// Expected failures of the terminal.
#[derive(Debug, Error)]
pub enum TuiError {
    /// Input or output is no terminal, or one that cannot move its cursor. A matter of usage: exit code 2.
    #[error(
        "the console needs a terminal, and {reason}: run it in one, or use `nightdesk alerts list`, `nightdesk alerts ack`, `nightdesk devices list`, `nightdesk outbox list` (see `nightdesk --help`)"
    )]
    NoTerminal {
        /// What is missing.
        reason: &'static str,
    },
    /// The terminal refused to change its mode.
    #[error("the terminal cannot be set up: {0}: try another terminal, or the headless commands (`nightdesk --help`)")]
    Setup(#[source] io::Error),
    /// The thread that writes to the terminal ended.
    #[error("the terminal went away: {0}")]
    Lost(String),
}
