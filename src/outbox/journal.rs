//! The open database: every write is one `BEGIN IMMEDIATE` transaction that also appends to the audit.

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};

use super::anchor::{Anchor, AnchorFile};
use super::audit::{self, Record};
use super::directory::Directory;
use super::lock::FileLock;
use super::stored::Stored;
use super::transition::permits;
use super::{Actor, OpenOptions, OutboxError, crash};
use crate::domain::{IntentState, ObjectKey, OutboxId, OutboxRow, hex};

/// One process's view of the outbox. Synchronous: it runs where blocking is allowed.
pub(super) struct Journal {
    pub(super) connection: Connection,
    pub(super) directory: Directory,
    pub(super) identity: String,
    pub(super) options: OpenOptions,
    pub(super) anchor: AnchorFile,
    /// The last change that was told to the listeners.
    pub(super) told: i64,
    pub(super) data_version: i64,
    pub(super) ended_since_trim: u32,
    /// Which files the database and its log are; empty until it is settled.
    pub(super) files: Vec<(u64, u64)>,
    /// Shared while this is open: salvage needs to know that nobody else is.
    pub(super) users: FileLock,
}

/// A write transaction under way.
pub(super) struct Write<'a> {
    pub(super) transaction: Transaction<'a>,
    pub(super) identity: &'a str,
    pub(super) options: &'a OpenOptions,
    pub(super) now: i64,
    tail: Option<(i64, Vec<u8>)>,
    change: Option<i64>,
}

impl Journal {
    /// Runs `work` in one transaction: all of it is committed, or nothing.
    pub(super) fn write<T>(&mut self, work: impl FnOnce(&mut Write<'_>) -> Result<T, OutboxError>) -> Result<T, OutboxError> {
        let transacted = transact(&mut self.connection, &self.identity, &self.options, work);
        if matches!(transacted, Err(OutboxError::DiskFull)) {
            // the log's own space can be used once more when what it holds has gone into the database
            let _ = self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())); // no room for that either: fine
        }
        let (value, anchor) = transacted?;
        self.require_files()?;
        crash::point("anchor");
        if let Some(anchor) = anchor
            && let Err(error) = self.anchor.advance(&anchor)
        {
            tracing::warn!(%error, "the audit's anchor stays behind");
        }
        Ok(value)
    }

    /// Which files lie under the database's names now.
    pub(super) fn files_now(&self) -> Vec<(u64, u64)> {
        use std::os::unix::fs::MetadataExt as _;
        let [database, log, _] = self.directory.set();
        let found = [database, log].into_iter().filter_map(|path| std::fs::symlink_metadata(path).ok());
        found.map(|found| (found.dev(), found.ino())).collect()
    }

    /// What was committed to a file that somebody removed or replaced under us would be gone with this process: it is
    /// not acknowledged, and nothing is sent on the strength of it.
    fn require_files(&self) -> Result<(), OutboxError> {
        if self.files.is_empty() || self.files == self.files_now() {
            return Ok(());
        }
        Err(OutboxError::Damaged(
            "a file of it was removed or replaced while it was open".to_owned(),
        ))
    }

    /// Rows that changed since the last call, by whatever process, in the order of their change.
    pub(super) fn changed_rows(&mut self) -> Result<Vec<OutboxRow>, OutboxError> {
        let mut statement = self.connection.prepare(&format!(
            "SELECT {} FROM intent WHERE changed > ?1 ORDER BY changed",
            super::stored::COLUMNS
        ))?;
        let mut rows = statement.query([self.told])?;
        let mut changed = Vec::new();
        while let Some(row) = rows.next()? {
            if let Ok(stored) = Stored::read(row)? {
                self.told = self.told.max(stored.changed);
                changed.extend(stored.to_row());
            }
        }
        Ok(changed)
    }

    /// Appends to the audit what was done to an object without a row of the outbox.
    pub(super) fn record(&mut self, what: &str, object: ObjectKey, detail: String) -> Result<(), OutboxError> {
        self.write(|write| write.record(what, object, detail))
    }

    /// Whether another process has committed since the last call.
    pub(super) fn changed_elsewhere(&mut self) -> Result<bool, OutboxError> {
        let version: i64 = self.connection.query_row("PRAGMA data_version", [], |row| row.get(0))?;
        Ok(std::mem::replace(&mut self.data_version, version) != version)
    }

    /// Reads a number of `meta`, 0 where it is not there yet.
    pub(super) fn meta(&self, name: &str) -> Result<i64, OutboxError> {
        meta(&self.connection, name)
    }
}

/// Runs `work` in one transaction and answers, with its value, what the anchor should say afterwards.
pub(super) fn transact<T>(
    connection: &mut Connection,
    identity: &str,
    options: &OpenOptions,
    work: impl FnOnce(&mut Write<'_>) -> Result<T, OutboxError>,
) -> Result<(T, Option<Anchor>), OutboxError> {
    let mut write = Write {
        transaction: connection.transaction_with_behavior(TransactionBehavior::Immediate)?,
        identity,
        options,
        now: options.clock.millis(),
        tail: None,
        change: None,
    };
    let value = work(&mut write)?;
    if let Some(change) = write.change {
        put_meta(&write.transaction, "change", change)?;
    }
    let anchor = match write.tail.take() {
        None => None,
        Some((seq, hash)) => Some(Anchor {
            seq,
            hash: hex(&hash),
            last_id: last_id(&write.transaction)?,
        }),
    };
    write.transaction.commit()?;
    Ok((value, anchor))
}

impl Write<'_> {
    /// Appends to the audit.
    pub(super) fn audit(
        &mut self,
        what: &str,
        row: Option<&Stored>,
        states: (Option<IntentState>, Option<IntentState>),
        detail: Option<String>,
    ) -> Result<(), OutboxError> {
        self.append(what, row.map(|row| row.object.clone()), row.map(|row| row.id), states, detail)
    }

    /// The same of a row of which only the number is known.
    pub(super) fn append(
        &mut self,
        what: &str,
        object: Option<String>,
        row_id: Option<i64>,
        states: (Option<IntentState>, Option<IntentState>),
        detail: Option<String>,
    ) -> Result<(), OutboxError> {
        let (seq, prev_hash) = match self.tail.take() {
            Some(tail) => tail,
            None => audit::tail(&self.transaction, self.identity)?,
        };
        let mut record = Record {
            seq: seq + 1,
            at: self.now,
            actor: self.actor().clone(),
            what: what.to_owned(),
            object,
            row_id,
            from: states.0.map(|state| state.as_str().to_owned()),
            to: states.1.map(|state| state.as_str().to_owned()),
            detail,
            prev_hash,
            hash: Vec::new(),
        };
        record.hash = record.hash_of();
        record.insert(&self.transaction)?;
        self.tail = Some((record.seq, record.hash));
        Ok(())
    }

    /// Appends what was done to an object without a row of the outbox.
    fn record(&mut self, what: &str, object: ObjectKey, detail: String) -> Result<(), OutboxError> {
        self.append(what, Some(object.0), None, (None, None), Some(detail))
    }

    fn actor(&self) -> &Actor {
        &self.options.actor
    }

    /// The next number of the sequence of changes.
    pub(super) fn next_change(&mut self) -> Result<i64, OutboxError> {
        let last = match self.change {
            Some(change) => change,
            None => meta(&self.transaction, "change")?,
        };
        self.change = Some(last + 1);
        Ok(last + 1)
    }

    /// Reads a row that is as it was committed.
    pub(super) fn sound(&self, id: OutboxId) -> Result<(Stored, IntentState), OutboxError> {
        let stored = Stored::get(&self.transaction, id.0)?
            .ok_or(OutboxError::NotFound(id))?
            .map_err(|_| OutboxError::DamagedRow(id))?;
        match stored.state() {
            Some(state) if stored.is_sealed(self.identity) => Ok((stored, state)),
            _ => Err(OutboxError::DamagedRow(id)),
        }
    }

    /// Writes a changed row without an audit entry: waiting times and words, not states.
    pub(super) fn save(&mut self, stored: &mut Stored) -> Result<(), OutboxError> {
        stored.changed = self.next_change()?;
        stored.seal = stored.seal_of();
        stored.update(&self.transaction)
    }

    /// Moves a row to another state, with its audit entry.
    pub(super) fn transit(&mut self, stored: &mut Stored, to: IntentState, what: &str) -> Result<(), OutboxError> {
        let from = stored.state().ok_or(OutboxError::DamagedRow(OutboxId(stored.id)))?;
        if !permits(from, to) {
            return Err(OutboxError::State {
                id: OutboxId(stored.id),
                state: from,
                rule: "that cannot follow on it",
            });
        }
        to.as_str().clone_into(&mut stored.state);
        stored.updated_at = self.now;
        self.save(stored)?;
        let detail = stored.detail.clone();
        self.audit(what, Some(stored), (Some(from), Some(to)), detail)
    }
}

/// The last tenure before the database was repaired or went back in time; what rows say of earlier ones may be old.
pub(super) const REPAIRED: &str = "repaired";

pub(super) fn meta(connection: &Connection, name: &str) -> Result<i64, OutboxError> {
    Ok(connection
        .query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| row.get(0))
        .optional()?
        .unwrap_or(0))
}

pub(super) fn put_meta(connection: &Connection, name: &str, value: i64) -> Result<(), OutboxError> {
    connection.execute(
        "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        params![name, value],
    )?;
    Ok(())
}

/// The highest row number given so far.
pub(super) fn last_id(connection: &Connection) -> Result<i64, OutboxError> {
    Ok(connection
        .query_row("SELECT seq FROM sqlite_sequence WHERE name = 'intent'", [], |row| row.get(0))
        .optional()?
        .unwrap_or(0))
}

/// Numbers are never given twice, even where the rows that had them are lost.
pub(super) fn set_last_id(connection: &Connection, last_id: i64) -> Result<(), OutboxError> {
    connection.execute("UPDATE sqlite_sequence SET seq = max(seq, ?1) WHERE name = 'intent'", [last_id])?;
    connection.execute(
        "INSERT INTO sqlite_sequence (name, seq) SELECT 'intent', ?1 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'intent')",
        [last_id],
    )?;
    Ok(())
}
