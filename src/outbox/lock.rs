//! Locks between processes: `flock` on a file of its own. The kernel frees it when the holder dies, however it dies;
//! fcntl locks would vanish as soon as any descriptor on the file is closed.

use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::OutboxError;
use super::directory::open_private;

/// A held lock; dropping it frees it.
#[derive(Debug)]
pub(super) struct FileLock {
    file: File,
}

impl FileLock {
    /// Takes the lock for itself alone, or answers `None` where somebody else has it.
    pub(super) fn exclusive(path: &Path) -> Result<Option<Self>, OutboxError> {
        Self::take(path, FlockOperation::NonBlockingLockExclusive)
    }

    /// Takes it beside other sharers, or answers `None` where somebody has it alone.
    pub(super) fn shared(path: &Path) -> Result<Option<Self>, OutboxError> {
        Self::take(path, FlockOperation::NonBlockingLockShared)
    }

    /// Lets others share what was held alone.
    pub(super) fn share(&self, path: &Path) -> Result<(), OutboxError> {
        flock(&self.file, FlockOperation::NonBlockingLockShared).map_err(|error| OutboxError::io(path, &error.into()))
    }

    fn take(path: &Path, operation: FlockOperation) -> Result<Option<Self>, OutboxError> {
        let file = open_private(path)?;
        match flock(&file, operation) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Ok(None),
            Err(error) => return Err(OutboxError::io(path, &error.into())),
        }
        // a lock on a file that was unlinked meanwhile protects nothing
        let held = file.metadata().map_err(|error| OutboxError::io(path, &error))?;
        match std::fs::symlink_metadata(path) {
            Ok(now) if (now.dev(), now.ino()) == (held.dev(), held.ino()) => Ok(Some(Self { file })),
            _ => Ok(None),
        }
    }
}
