//! How an outbox is opened.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Clock;
use crate::domain::{Intent, Target};

/// Who acts: stands in every audit entry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Actor {
    /// The operator's name, as sent to the servers.
    pub operator: String,
    /// The account that the process runs under.
    pub os_user: String,
    /// The address of the SSH client, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssh_client: Option<String>,
}

/// What the outbox refuses beyond. Old rows stay, whatever the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Rows that are still to be delivered.
    pub open_rows: u64,
    /// Bytes that must be free on the disk.
    pub free_bytes: u64,
    /// Bytes of one request body, and of one intent.
    pub body_bytes: usize,
    /// Ended rows that are kept (the audit keeps all).
    pub ended_rows: u64,
    /// Days that ended rows are kept.
    pub ended_days: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            open_rows: 50_000,
            free_bytes: 64 * 1024 * 1024,
            body_bytes: 1024 * 1024,
            ended_rows: 10_000,
            ended_days: 90,
        }
    }
}

/// How an outbox is opened.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// Makes the exact request body of an intent; the same intent always gives the same bytes.
    pub encode: fn(&Intent) -> Vec<u8>,
    /// Who acts.
    pub actor: Actor,
    /// The date.
    pub clock: Clock,
    /// What is refused.
    pub limits: Limits,
    /// How long a write waits for another process.
    pub busy_timeout: Duration,
    /// How often changes of other processes are looked for.
    pub poll_interval: Duration,
    /// The audit's anchor; `None` puts `anchor.json` beside the database. Another disk or account makes it stronger.
    pub anchor: Option<PathBuf>,
}

impl OpenOptions {
    /// The usual settings.
    pub fn new(encode: fn(&Intent) -> Vec<u8>, actor: Actor) -> Self {
        Self {
            encode,
            actor,
            clock: Clock::system(),
            limits: Limits::default(),
            busy_timeout: Duration::from_secs(5),
            poll_interval: Duration::from_millis(500),
            anchor: None,
        }
    }
}

/// An intent on its way into the outbox.
#[derive(Clone, Debug, PartialEq)]
pub struct Submission {
    /// What is asked.
    pub intent: Intent,
    /// Of which server.
    pub target: Target,
    /// How long it may still be taken back; zero sends at once.
    pub grace: Duration,
}
