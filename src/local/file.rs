//! Private files: made 0600 in a 0700 directory, replaced whole or not at all, never read through a link.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use thiserror::Error;

/// Why something could not be kept or read on this machine. Nothing of it stops the console.
#[derive(Debug, Error)]
pub enum LocalError {
    /// The file system said no.
    #[error("cannot use {path}: {source}: check its owner, its permissions and the free space")]
    Io {
        /// Which file or directory.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// Longer than anything that this program writes there.
    #[error("{path} is larger than {max} bytes: it is left out")]
    TooLarge {
        /// Which file.
        path: PathBuf,
        /// The limit in bytes.
        max: u64,
    },
    /// Not what this program writes there, or of another version.
    #[error("{path} cannot be read as {what}: it is left out")]
    Corrupt {
        /// Which file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
    },
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> LocalError + '_ {
    |source| LocalError::Io {
        path: path.to_owned(),
        source,
    }
}

/// Makes a directory that only its owner may enter, with its parents.
pub fn private_dir(path: &Path) -> Result<(), LocalError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed(path))?;
    std::fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(failed(path))
}

/// Replaces a file at once: a reader, or the machine after a power cut, sees the old one or the new one.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), LocalError> {
    let temporary = path.with_extension(format!("{:08x}.tmp", fastrand::u32(..)));
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_data()?;
        std::fs::rename(&temporary, path)
    };
    write().map_err(|source| {
        let _ = std::fs::remove_file(&temporary); // best effort: the first error is the one to tell
        failed(path)(source)
    })
}

/// Appends whole lines to a file, made where it is missing, and answers its length afterwards. A line that a power cut left
/// half is ended first, so that it spoils no other. Several processes may append to the same file.
pub(super) fn append(path: &Path, lines: &[u8]) -> Result<u64, LocalError> {
    let no_links = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default();
    let write = || {
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(no_links)
            .open(path)?;
        let length = file.metadata()?.len();
        let mut last = [b'\n'];
        if length > 0 {
            file.read_exact_at(&mut last, length - 1)?;
        }
        let mut whole = Vec::with_capacity(lines.len() + 1);
        if last != *b"\n" {
            whole.push(b'\n');
        }
        whole.extend_from_slice(lines);
        file.write_all(&whole)?;
        file.sync_data()?;
        Ok(length + whole.len() as u64)
    };
    write().map_err(failed(path))
}

/// A lock that other processes of this account respect, held until it is dropped. Waits for whoever holds it: they hold it
/// for one small write.
pub(super) fn lock(path: &Path) -> Result<File, LocalError> {
    let take = || {
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
        rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive)?;
        Ok(file)
    };
    take().map_err(failed(path))
}

/// Opens a file for reading; `None` where there is none.
pub(super) fn open(path: &Path) -> Result<Option<File>, LocalError> {
    let no_links = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default();
    match OpenOptions::new().read(true).custom_flags(no_links).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(failed(path)(source)),
    }
}

/// Reads a file of at most `max` bytes; `None` where there is none.
pub fn read(path: &Path, max: u64) -> Result<Option<Vec<u8>>, LocalError> {
    let Some(file) = open(path)? else { return Ok(None) };
    let mut bytes = Vec::new();
    file.take(max + 1).read_to_end(&mut bytes).map_err(failed(path))?;
    if bytes.len() as u64 > max {
        return Err(LocalError::TooLarge {
            path: path.to_owned(),
            max,
        });
    }
    Ok(Some(bytes))
}

/// Removes a file; one that is not there is fine.
pub fn remove(path: &Path) -> Result<(), LocalError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(path)(error)),
        _ => Ok(()),
    }
}
