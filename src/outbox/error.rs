//! What can go wrong with the local store, each with its remedy. Every one ends a command with exit code 7.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use thiserror::Error;

use crate::domain::{IntentState, OutboxId};

/// Why the outbox did not do what was asked. Nothing was changed where one of these is answered.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OutboxError {
    /// A directory or file that cannot be trusted with intents.
    #[error("{} {problem}", path.display())]
    Untrusted {
        /// Which.
        path: PathBuf,
        /// Why, and what to do.
        problem: String,
    },
    /// The file system said no.
    #[error("{}: {problem}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// The system's words.
        problem: String,
    },
    /// A later nightdesk wrote this outbox.
    #[error("{} has schema {found} and this nightdesk knows {known}: start the newer nightdesk; nothing was changed", path.display())]
    NewerSchema {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// The database is damaged and another process still uses it, so it cannot be moved aside.
    #[error("{} is damaged ({problem}) and in use by another nightdesk: end that one, then start again to salvage it", path.display())]
    DamagedInUse {
        /// The database.
        path: PathBuf,
        /// What was found.
        problem: String,
    },
    /// Damage found while running.
    #[error("the outbox is damaged ({0}): start nightdesk again to salvage it")]
    Damaged(String),
    /// SQLite did not take a setting on which durability depends.
    #[error("the outbox's setting {name} is {found} instead of {wanted}: the file system may not support it; use a local disk")]
    Setting {
        /// The pragma.
        name: &'static str,
        /// What was read back.
        found: String,
        /// What is needed.
        wanted: &'static str,
    },
    /// Too many open rows.
    #[error("the outbox holds {open} open rows, its limit: deliver, cancel or retry some; nothing was queued")]
    TooMany {
        /// Open rows.
        open: u64,
    },
    /// The disk is nearly full.
    #[error("only {free_mib} MiB are free where the outbox lies and {needed_mib} MiB are needed: free some space; nothing was queued")]
    DiskLow {
        /// Free now.
        free_mib: u64,
        /// Needed.
        needed_mib: u64,
    },
    /// An intent that is larger than any server takes.
    #[error("the request has {bytes} bytes and the outbox takes {max}: shorten the text")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// The disk is full.
    #[error("the disk is full: free some space; nothing was queued")]
    DiskFull,
    /// The store cannot be written.
    #[error("the outbox cannot be written (read-only or not permitted): check the directory's mount and owner")]
    ReadOnly,
    /// Another process kept the database locked for longer than the busy timeout.
    #[error("the outbox is busy: another nightdesk keeps it locked; try again")]
    Busy,
    /// No such row.
    #[error("the outbox has no row {0}")]
    NotFound(OutboxId),
    /// It is too late, or too early, for that.
    #[error("row {id} is {state}: {rule}")]
    State {
        /// The row.
        id: OutboxId,
        /// Where it stands.
        state: IntentState,
        /// What would be possible.
        rule: &'static str,
    },
    /// A row whose hash is wrong.
    #[error("row {0} does not match its hash: it is kept, never sent; cancel it and ask again")]
    DamagedRow(OutboxId),
    /// Another process took over as sender; this one may not write any more.
    #[error("another nightdesk has taken over sending")]
    Fenced,
    /// The command was lost because the program is ending, or it panicked.
    #[error("the outbox is closed")]
    Closed,
    /// Anything else from the store.
    #[error("the outbox failed: {0}")]
    Store(String),
}

impl OutboxError {
    pub(super) fn io(path: &Path, error: &std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::DiskFull,
            std::io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly,
            _ => Self::Io {
                path: path.to_owned(),
                problem: error.to_string(),
            },
        }
    }

    /// Whether the database file itself is broken, so that salvage is the way on.
    pub(super) fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged(_))
    }
}

impl From<rusqlite::Error> for OutboxError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull,
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => Self::ReadOnly,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged(error.to_string()),
            Some(ErrorCode::SystemIoFailure) => Self::Io {
                path: PathBuf::from("outbox.db"),
                problem: error.to_string(),
            },
            _ => match error {
                // a value of the wrong type or not UTF-8 where the schema is ours: a flipped byte
                rusqlite::Error::InvalidColumnType(..) | rusqlite::Error::FromSqlConversionFailure(..) | rusqlite::Error::Utf8Error(..) => {
                    Self::Damaged(error.to_string())
                }
                other => Self::Store(other.to_string()),
            },
        }
    }
}
