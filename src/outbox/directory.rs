//! The directory of an outbox: created private, and refused where it cannot be trusted.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::OutboxError;
use crate::domain::hex;

/// Everything that lies in an outbox's directory.
#[derive(Clone, Debug)]
pub(super) struct Directory {
    path: PathBuf,
}

impl Directory {
    /// Creates it (0700) or checks it: a real directory of ours on a local file system.
    pub(super) fn prepare(path: &Path) -> Result<Self, OutboxError> {
        match std::fs::symlink_metadata(path) {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                DirBuilder::new()
                    .recursive(true)
                    .mode(0o700)
                    .create(path)
                    .map_err(|error| OutboxError::io(path, &error))?;
            }
            Err(error) => return Err(OutboxError::io(path, &error)),
        }
        let found = std::fs::symlink_metadata(path).map_err(|error| OutboxError::io(path, &error))?;
        if found.file_type().is_symlink() {
            return Err(untrusted(path, "is a symbolic link: name the real directory"));
        }
        if !found.is_dir() {
            return Err(untrusted(path, "is not a directory: name one"));
        }
        require_ours(path, found.uid())?;
        // SQLite refuses a link anywhere in the path; those above the directory are the system's business
        let path = path.canonicalize().map_err(|error| OutboxError::io(path, &error))?;
        refuse_network(&path)?;
        tighten(&path, found.mode(), 0o700)?;
        let this = Self { path };
        for file in [
            this.database(),
            this.beside("outbox.db-wal"),
            this.beside("outbox.db-shm"),
            this.identity(),
        ] {
            check_file(&file)?;
        }
        Ok(this)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn database(&self) -> PathBuf {
        self.beside("outbox.db")
    }

    /// The database and its companions, the database first.
    pub(super) fn set(&self) -> [PathBuf; 3] {
        [self.database(), self.beside("outbox.db-wal"), self.beside("outbox.db-shm")]
    }

    /// A copy of the log as it was found, for as long as the database is being looked at: SQLite throws away what lies
    /// behind a damaged place of the log.
    pub(super) fn kept_log(&self) -> PathBuf {
        self.beside("outbox.db-wal.kept")
    }

    /// Makes that copy, where there is a log.
    pub(super) fn keep_log(&self) -> Result<(), OutboxError> {
        let [_, log, _] = self.set();
        let copy = || -> std::io::Result<()> {
            let mut from = match File::open(&log) {
                Ok(file) => file,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
                Err(error) => return Err(error),
            };
            if from.metadata()?.len() == 0 {
                return Ok(());
            }
            let mut to = open_private(&self.kept_log()).map_err(std::io::Error::other)?;
            to.set_len(0)?;
            std::io::copy(&mut from, &mut to)?;
            Ok(())
        };
        copy().map_err(|error| OutboxError::io(&log, &error))
    }

    pub(super) fn identity(&self) -> PathBuf {
        self.beside("outbox.id")
    }

    pub(super) fn anchor(&self) -> PathBuf {
        self.beside("anchor.json")
    }

    /// Held while somebody opens, migrates or salvages.
    pub(super) fn opening_lock(&self) -> PathBuf {
        self.beside("opening.lock")
    }

    /// Shared by all who have it open.
    pub(super) fn users_lock(&self) -> PathBuf {
        self.beside("users.lock")
    }

    /// Held by the one sender of a profile, whose name may be any text.
    pub(super) fn sender_lock(&self, charge: &str) -> PathBuf {
        let name: String = hex(&Sha256::digest(charge.as_bytes())).chars().take(16).collect();
        self.beside(&format!("sender-{name}.lock"))
    }

    fn beside(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Bytes that this account may still write here.
    pub(super) fn free_bytes(&self) -> Result<u64, OutboxError> {
        let found = rustix::fs::statvfs(&self.path).map_err(|error| OutboxError::io(&self.path, &error.into()))?;
        Ok(found.f_bavail.saturating_mul(found.f_frsize))
    }

    /// Makes renames and new files in it durable.
    pub(super) fn sync(&self) -> Result<(), OutboxError> {
        File::open(&self.path)
            .and_then(|directory| directory.sync_all())
            .map_err(|error| OutboxError::io(&self.path, &error))
    }

    /// Makes a private directory in it for a damaged set; `stamp` is made unique.
    pub(super) fn aside(&self, stamp: &str) -> Result<PathBuf, OutboxError> {
        for number in 0..1000 {
            let path = if number == 0 {
                self.beside(&format!("damaged-{stamp}"))
            } else {
                self.beside(&format!("damaged-{stamp}-{number}"))
            };
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(path),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(OutboxError::io(&path, &error)),
            }
        }
        Err(untrusted(&self.path, "holds a thousand damaged sets: look at them and remove them"))
    }
}

fn untrusted(path: &Path, problem: &str) -> OutboxError {
    OutboxError::Untrusted {
        path: path.to_owned(),
        problem: problem.to_owned(),
    }
}

fn require_ours(path: &Path, owner: u32) -> Result<(), OutboxError> {
    let own = rustix::process::geteuid().as_raw();
    if owner == own {
        Ok(())
    } else {
        Err(untrusted(
            path,
            &format!("belongs to user {owner}, and this is user {own}: use a directory of your own"),
        ))
    }
}

fn tighten(path: &Path, mode: u32, wanted: u32) -> Result<(), OutboxError> {
    if mode & 0o777 & !wanted == 0 {
        return Ok(());
    }
    std::fs::set_permissions(path, Permissions::from_mode(wanted)).map_err(|error| OutboxError::io(path, &error))
}

/// Refuses a file that is a link, something else than a file, or not ours; closes one that others may read. Absent is fine.
pub(super) fn check_file(path: &Path) -> Result<(), OutboxError> {
    let found = match std::fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(OutboxError::io(path, &error)),
    };
    if found.file_type().is_symlink() {
        return Err(untrusted(path, "is a symbolic link: remove it"));
    }
    if !found.is_file() {
        return Err(untrusted(path, "is not a regular file: remove it"));
    }
    require_ours(path, found.uid())?;
    tighten(path, found.mode(), 0o600)
}

/// Opens for reading and writing, created 0600, never through a link.
pub(super) fn open_private(path: &Path) -> Result<File, OutboxError> {
    check_file(path)?;
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(no_follow())
        .open(path)
        .map_err(|error| OutboxError::io(path, &error))
}

/// Replaces a small file in one step: a reader sees the old or the new one, never half of one.
pub(super) fn replace_private(path: &Path, content: &[u8], durable: bool) -> Result<(), OutboxError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let fresh = PathBuf::from(name);
    check_file(&fresh)?;
    let write = || -> std::io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .custom_flags(no_follow())
            .open(&fresh)?;
        file.write_all(content)?;
        if durable {
            file.sync_all()?;
        }
        std::fs::rename(&fresh, path)
    };
    write().map_err(|error| OutboxError::io(path, &error))
}

/// Reads a small file of ours; `None` where there is none.
pub(super) fn read_private(path: &Path, max_bytes: u64) -> Result<Option<String>, OutboxError> {
    check_file(path)?;
    let file = match OpenOptions::new().read(true).custom_flags(no_follow()).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(OutboxError::io(path, &error)),
    };
    let mut content = Vec::new();
    file.take(max_bytes)
        .read_to_end(&mut content)
        .map_err(|error| OutboxError::io(path, &error))?;
    Ok(Some(String::from_utf8_lossy(&content).into_owned()))
}

fn no_follow() -> i32 {
    i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or_default()
}

#[cfg(target_os = "linux")]
fn refuse_network(path: &Path) -> Result<(), OutboxError> {
    let found = rustix::fs::statfs(path).map_err(|error| OutboxError::io(path, &error.into()))?;
    let magic = u64::try_from(i128::from(found.f_type) & 0xffff_ffff).unwrap_or_default();
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    match network_kind(magic, mount_type(&mounts, path)) {
        None => Ok(()),
        Some(kind) => Err(untrusted(
            path,
            &format!("lies on a network file system ({kind}), where locks and syncs cannot be relied on: use a local disk (--state-dir)"),
        )),
    }
}

#[cfg(not(target_os = "linux"))]
fn refuse_network(_path: &Path) -> Result<(), OutboxError> {
    Ok(())
}

/// The name of a network file system, by `statfs`'s magic (linux/magic.h) and, for FUSE, the mount's own type.
#[cfg(target_os = "linux")]
fn network_kind(magic: u64, mount_type: Option<&str>) -> Option<String> {
    let name = match magic {
        0x6969 => "NFS",
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => "SMB",
        0x5346_414f | 0x6b41_4653 => "AFS",
        0x7375_7245 => "Coda",
        0x564c => "NCP",
        0x0102_1997 => "9P",
        0x00c3_6400 => "Ceph",
        0x0bd0_0bd0 => "Lustre",
        0x0116_1970 => "GFS2",
        0x7461_636f => "OCFS2",
        0x4750_4653 => "GPFS",
        0x1983_0326 => "BeeGFS",
        0x786f_4256 => "VirtualBox share",
        // FUSE: a local disk (fuseblk) or an overlay of one is fine, anything else may be anywhere
        0x6573_5546 => match mount_type {
            Some("fuseblk" | "fuse.fuse-overlayfs" | "fuse.gocryptfs" | "fuse.encfs") => return None,
            Some(other) => return Some(other.to_owned()),
            None => "FUSE",
        },
        _ => return None,
    };
    Some(name.to_owned())
}

/// The type of the mount that holds a path: the longest mount point that is a prefix, the last one of equals.
#[cfg(target_os = "linux")]
fn mount_type<'a>(mountinfo: &'a str, path: &Path) -> Option<&'a str> {
    let mut best: Option<(usize, &str)> = None;
    for line in mountinfo.lines() {
        let Some((left, right)) = line.split_once(" - ") else { continue };
        let Some(point) = left.split(' ').nth(4) else { continue };
        let Some(kind) = right.split(' ').next() else { continue };
        let point = point.replace("\\040", " ");
        if path.starts_with(&point) && best.is_none_or(|(length, _)| point.len() >= length) {
            best = Some((point.len(), kind));
        }
    }
    best.map(|(_, kind)| kind)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn row_21_network_file_systems_are_known_by_their_magic() {
        for magic in [0x6969, 0x517b, 0xff53_4d42, 0xfe53_4d42, 0x0102_1997, 0x00c3_6400] {
            assert!(network_kind(magic, None).is_some(), "{magic:x}");
        }
        for local in [0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994, 0x794c_7630, 0x2fc1_2fc1] {
            assert_eq!(network_kind(local, None), None, "{local:x}");
        }
        assert_eq!(network_kind(0x6573_5546, Some("fuse.sshfs")).as_deref(), Some("fuse.sshfs"));
        assert_eq!(network_kind(0x6573_5546, Some("fuseblk")), None);
        assert_eq!(network_kind(0x6573_5546, None).as_deref(), Some("FUSE"));
    }

    #[test]
    fn row_21_the_nearest_mount_decides() {
        let mounts = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 0:5 / /home/op/far rw - fuse.sshfs host: rw\n";
        assert_eq!(mount_type(mounts, Path::new("/home/op/far/state")), Some("fuse.sshfs"));
        assert_eq!(mount_type(mounts, Path::new("/home/op/farther")), Some("ext4"));
    }
}
