//! What the jobs remember between runs, behind a trait: a folder serves one site; several sites would share a database.

use std::path::{Path, PathBuf};

use thiserror::Error;

use super::{Claim, ClaimError};
use crate::local::LocalError;
use crate::local::private;

/// Most bytes of one remembered thing.
const BYTES_MAX: u64 = 32 * 1024 * 1024;

/// Why something could not be remembered.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The folder said no.
    #[error(transparent)]
    Local(#[from] LocalError),
    /// A name that is no plain word.
    #[error("`{0}` is not a name for a job's memory: letters, digits, `-`, `_` and `.` only")]
    Name(String),
}

/// Where the jobs remember things. Every call is short and blocks: it is for tasks off the event loop.
pub trait JobStore: Send + Sync + 'static {
    /// What was kept under a name.
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError>;
    /// Keeps something under a name, whole or not at all.
    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError>;
    /// Forgets a name.
    fn remove(&self, name: &str) -> Result<(), StoreError>;
    /// The right to run a job, if nobody else has it; given up on drop, and by the kernel when the process dies.
    fn claim(&self, job: &str) -> Result<Option<Claim>, ClaimError>;
}

/// A private folder of this machine.
#[derive(Clone, Debug)]
pub struct FolderStore(PathBuf);

impl FolderStore {
    /// Uses (and makes) a folder.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        private::private_dir(folder)?;
        Ok(Self(folder.to_owned()))
    }

    fn path(&self, name: &str) -> Result<PathBuf, StoreError> {
        let plain = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | '.');
        if name.is_empty() || name.len() > 200 || name.starts_with('.') || !name.chars().all(plain) {
            return Err(StoreError::Name(name.to_owned()));
        }
        Ok(self.0.join(name))
    }
}

impl JobStore for FolderStore {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(private::read(&self.path(name)?, BYTES_MAX)?)
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        Ok(private::replace(&self.path(name)?, bytes)?)
    }

    fn remove(&self, name: &str) -> Result<(), StoreError> {
        Ok(private::remove(&self.path(name)?)?)
    }

    fn claim(&self, job: &str) -> Result<Option<Claim>, ClaimError> {
        Claim::take(&self.0, job)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_comes_back_and_names_stay_inside() {
        let dir = tempfile::tempdir().unwrap();
        let store = FolderStore::open(&dir.path().join("bridge")).unwrap();
        assert!(store.read("erp.json").unwrap().is_none());
        store.replace("erp.json", b"{}").unwrap();
        assert_eq!(store.read("erp.json").unwrap().unwrap(), b"{}");
        store.remove("erp.json").unwrap();
        assert!(store.read("erp.json").unwrap().is_none());
        for name in ["", "../x", "a/b", ".hidden"] {
            assert!(matches!(store.read(name), Err(StoreError::Name(_))), "{name}");
        }
    }

    #[test]
    fn a_job_has_one_runner() {
        let dir = tempfile::tempdir().unwrap();
        let store = FolderStore::open(dir.path()).unwrap();
        let first = store.claim("lake").unwrap();
        assert!(first.is_some());
        assert!(store.claim("lake").unwrap().is_none());
        assert!(store.claim("erp").unwrap().is_some());
        drop(first);
        assert!(store.claim("lake").unwrap().is_some());
    }
}
