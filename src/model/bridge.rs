//! How the bridge on this machine is doing: what it writes for the console's health screen.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::SafeText;

/// How a bridge is doing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BridgeStatus {
    /// Of the file's form.
    pub version: u32,
    /// When it was written: a bridge at work writes every few seconds.
    pub at: Timestamp,
    /// Whose bridge it is.
    pub profile: String,
    /// Its process.
    pub pid: u32,
    /// Where its status page is, if it listens.
    pub address: Option<String>,
    /// Whether it has ended, as asked.
    pub ended: bool,
    /// Its parts.
    pub parts: Vec<BridgePart>,
    /// Its jobs.
    pub jobs: Vec<BridgeJob>,
}

/// What a part did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BridgePart {
    /// Its word.
    pub name: String,
    /// Runs begun.
    pub runs: u64,
    /// Runs that failed.
    pub failures: u64,
    /// When one last succeeded.
    pub last_success: Option<Timestamp>,
    /// When one last failed.
    pub last_failure: Option<Timestamp>,
    /// What the newest one said.
    pub said: Option<SafeText>,
}

/// Where a job stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BridgeJob {
    /// Its name.
    pub name: String,
    /// In words.
    pub doing: String,
    /// When it is due next.
    pub next: Option<Timestamp>,
    /// Days that are due and not done.
    pub pending: usize,
}

impl BridgeStatus {
    /// The form that this program writes and reads.
    pub const VERSION: u32 = 1;
    /// The file's name in the bridge's folder.
    pub const FILE: &str = "status.json";
    /// The bridge's folder in the state folder.
    pub const FOLDER: &str = "bridge";
    /// A bridge at work writes so often, in seconds; one that has been silent for three times that is gone.
    pub const EVERY_S: i64 = 5;

    /// Whether it should have written again by now.
    pub fn is_silent(&self, now: Timestamp) -> bool {
        now.duration_since(self.at).as_secs() > 3 * Self::EVERY_S
    }
}
