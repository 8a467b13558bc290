//! One runner of a job over all processes that share a folder.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, OFlags, flock};
use thiserror::Error;

/// Why it could not be found out who runs a job.
#[derive(Debug, Error)]
#[error("cannot lock {path}: {source}: check its owner and the file system")]
pub struct ClaimError {
    path: PathBuf,
    source: io::Error,
}

/// The right to run a job. The kernel takes it back when the process ends, however it ends.
#[derive(Debug)]
#[must_use = "a claim that is dropped is given up"]
pub struct Claim(#[expect(dead_code, reason = "the lock lives as long as the file is open")] File);

impl Claim {
    pub(super) fn take(folder: &Path, job: &str) -> Result<Option<Self>, ClaimError> {
        let name: String = job
            .chars()
            .map(|char| if char.is_ascii_alphanumeric() { char } else { '-' })
            .collect();
        let path = folder.join(format!("{name}.lock"));
        let failed = |source: io::Error| ClaimError {
            path: path.clone(),
            source,
        };
        let no_links = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default();
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .custom_flags(no_links)
            .open(&path)
            .map_err(failed)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Self(file))),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(failed(error.into())),
        }
    }
}
