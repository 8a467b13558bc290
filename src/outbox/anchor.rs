//! The audit's anchor: the last entry's number and hash, kept outside the database, so that a cut tail shows.
//!
//! It is written after the commit: killed in between, it is behind, which is fine; it is never ahead of an unharmed database.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::OutboxError;
use super::directory::{read_private, replace_private};
use super::lock::FileLock;

/// What the anchor says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Anchor {
    /// The last entry's number.
    pub(super) seq: i64,
    /// Its hash in hexadecimal.
    pub(super) hash: String,
    /// The highest row number given so far.
    pub(super) last_id: i64,
}

/// Where it lies.
#[derive(Clone, Debug)]
pub(super) struct AnchorFile {
    path: PathBuf,
}

impl AnchorFile {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// `None` where there is none, or none that can be read.
    pub(super) fn read(&self) -> Result<Option<Anchor>, OutboxError> {
        Ok(read_private(&self.path, 4096)?.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// Moves it forward; two processes never move it back. Where another one is writing just now for long, it stays behind.
    pub(super) fn advance(&self, anchor: &Anchor) -> Result<(), OutboxError> {
        let Some(_lock) = self.lock()? else { return Ok(()) };
        if self.read()?.is_some_and(|old| old.seq >= anchor.seq) {
            return Ok(());
        }
        replace_private(&self.path, &serde_json::to_vec(anchor).unwrap_or_default(), false)
    }

    /// Writes it whatever stood there: after a salvage.
    pub(super) fn reset(&self, anchor: &Anchor) -> Result<(), OutboxError> {
        let _lock = self.lock()?;
        replace_private(&self.path, &serde_json::to_vec(anchor).unwrap_or_default(), true)
    }

    fn lock(&self) -> Result<Option<FileLock>, OutboxError> {
        let mut name = self.path.as_os_str().to_owned();
        name.push(".lock");
        let path = PathBuf::from(name);
        for _ in 0..10_000 {
            if let Some(lock) = FileLock::exclusive(&path)? {
                return Ok(Some(lock));
            }
            std::thread::yield_now();
        }
        Ok(None)
    }
}
