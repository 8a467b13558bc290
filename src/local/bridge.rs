//! The file in which a bridge says how it is doing, for the console on the same machine.

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::file::{self, LocalError};
use crate::domain::SafeText;

/// A status file is never longer.
const BYTES_MAX: u64 = 256 * 1024;

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
    /// Its name in the bridge's folder.
    pub const FILE: &str = "status.json";
    /// The bridge's folder in the state folder.
    pub const FOLDER: &str = "bridge";

    /// What the bridge of a state folder last said; `None` where there was never one.
    pub fn read(state: &Path) -> Result<Option<Self>, LocalError> {
        let path = state.join(Self::FOLDER).join(Self::FILE);
        let corrupt = || LocalError::Corrupt {
            path: path.clone(),
            what: "a bridge's status",
        };
        match file::read(&path, BYTES_MAX)? {
            None => Ok(None),
            Some(bytes) => match serde_json::from_slice::<Self>(&bytes) {
                Ok(status) if status.version == Self::VERSION => Ok(Some(status)),
                _ => Err(corrupt()),
            },
        }
    }
}
