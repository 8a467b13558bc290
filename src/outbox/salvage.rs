//! A damaged set is moved aside, never removed; what is good in it comes into a new database.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension as _};

use super::anchor::{Anchor, AnchorFile};
use super::audit::{self, Record};
use super::carve::{Carved, carve};
use super::clock::timestamp;
use super::directory::{Directory, open_private};
use super::journal::{REPAIRED, last_id, put_meta, set_last_id, transact};
use super::schema;
use super::stored::Stored;
use super::{OpenOptions, OutboxError, crash};
use crate::domain::{IntentState, hex};

/// What was repaired at the start: shown to the person.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recovery {
    /// What was wrong.
    pub reason: String,
    /// Rows that are whole and went on.
    pub salvaged: u64,
    /// Rows that existed and were neither found whole nor known to have ended: at most so many.
    pub lost: u64,
    /// Audit entries that could not be carried over.
    pub audit_lost: u64,
    /// Where the damaged files lie; `None` where the database itself could stay.
    pub moved_to: Option<PathBuf>,
}

impl std::fmt::Display for Recovery {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "the outbox was repaired ({}): {} rows salvaged, at most {} lost",
            self.reason, self.salvaged, self.lost
        )?;
        match &self.moved_to {
            Some(path) => write!(formatter, "; the damaged files lie in {}", path.display()),
            None => Ok(()),
        }
    }
}

/// Under which name `meta` keeps a repair that nobody was told of yet.
const UNTOLD: &str = "recovery";

impl Recovery {
    /// Keeps it beside the rows until it is told: the program may end before it gets so far.
    pub(super) fn remember(&self, connection: &Connection) -> Result<(), OutboxError> {
        let text = serde_json::to_string(self).map_err(|error| OutboxError::Store(error.to_string()))?;
        connection.execute(
            "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            [UNTOLD, &text],
        )?;
        Ok(())
    }
}

/// A repair that nobody was told of yet.
pub(super) fn untold(connection: &Connection) -> Result<Option<Recovery>, OutboxError> {
    let text: Option<String> = connection
        .query_row("SELECT value FROM meta WHERE name = ?1", [UNTOLD], |row| row.get(0))
        .optional()?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

/// It is told now.
pub(super) fn tell(connection: &Connection) -> Result<(), OutboxError> {
    connection.execute("DELETE FROM meta WHERE name = ?1", [UNTOLD])?;
    Ok(())
}

fn built(directory: &Directory, step: &str) -> PathBuf {
    directory.path().join(format!("outbox.db.{step}"))
}

/// Puts a new database that is complete in its place, also where an earlier program was killed at that.
pub(super) fn finish(directory: &Directory, anchor: &AnchorFile, now: i64) -> Result<Option<Recovery>, OutboxError> {
    let complete = built(directory, "salvaged");
    if !complete.exists() {
        return Ok(None);
    }
    let connection = Connection::open(&complete)?;
    let (seq, hash) = audit::tail(&connection, "")?;
    let mut recovery = match untold(&connection)? {
        Some(recovery) => recovery,
        None => Recovery {
            reason: "a repair had been interrupted".to_owned(),
            salvaged: u64::try_from(connection.query_row("SELECT count(*) FROM intent", [], |row| row.get::<_, i64>(0))?).unwrap_or(0),
            lost: 0,
            audit_lost: 0,
            moved_to: None,
        },
    };
    if recovery.moved_to.is_none() || directory.set().iter().any(|path| path.exists()) {
        recovery.moved_to = Some(move_aside(directory, anchor, now)?);
        recovery.remember(&connection)?;
    }
    let last_id = last_id(&connection)?;
    connection.close().map_err(|(_, error)| OutboxError::from(error))?;
    anchor.reset(&Anchor {
        seq,
        hash: hex(&hash),
        last_id,
    })?;
    crash::point("salvage-placing");
    rename(&complete, &directory.database())?;
    directory.sync()?;
    Ok(Some(recovery))
}

/// Salvages: afterwards a sound database is in place.
pub(super) fn salvage(
    directory: &Directory,
    anchor_file: &AnchorFile,
    identity: &mut Option<String>,
    options: &OpenOptions,
    reason: &str,
) -> Result<Recovery, OutboxError> {
    let [database, found, _] = directory.set();
    let kept = directory.kept_log();
    let wal = if kept.exists() { kept } else { found };
    let carved = carve(&database, &wal).map_err(|error| OutboxError::io(&database, &error))?;
    let identity = identity
        .get_or_insert_with(|| carved.identity.clone().unwrap_or_else(super::opening::new_identity))
        .clone();
    let found_anchor = anchor_file.read()?;
    let anchored = found_anchor.is_some();
    let anchor = found_anchor.unwrap_or_default();
    let ended = ended_rows(&carved);
    let (rows, seen) = good_rows(&carved, &identity, &ended);
    let chain = good_chain(carved.audit, &identity);

    let last_id = anchor.last_id.max(seen.last().copied().unwrap_or(0));
    let known: BTreeSet<i64> = rows
        .iter()
        .map(|row| row.id)
        .chain(ended.into_keys())
        .filter(|id| *id <= last_id)
        .collect();
    let recovery = Recovery {
        reason: reason.to_owned(),
        salvaged: rows.len() as u64,
        lost: u64::try_from(last_id).unwrap_or(0).saturating_sub(known.len() as u64),
        audit_lost: u64::try_from(anchor.seq).unwrap_or(0).saturating_sub(chain.len() as u64),
        moved_to: None,
    };
    // without an anchor nobody knows how long the chain was
    let what = if recovery.audit_lost > 0 || !anchored {
        audit::LOST
    } else {
        audit::REPAIR
    };
    build(directory, &identity, options, rows, (chain, what), last_id, &recovery)?;
    crash::point("salvage-built");
    Ok(finish(directory, anchor_file, options.clock.millis())?.unwrap_or(recovery))
}

/// The newest whole version of each row, as it goes on; and the ids of all rows that were seen at all.
fn good_rows(carved: &Carved, identity: &str, ended: &BTreeMap<i64, IntentState>) -> (Vec<Stored>, BTreeSet<i64>) {
    let mut best: BTreeMap<i64, (bool, Stored)> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for row in &carved.rows {
        if !row.is_whole(identity) || row.to_shipment().is_none() {
            continue;
        }
        seen.insert(row.id);
        let sealed = row.is_sealed(identity);
        let better = best
            .get(&row.id)
            .is_none_or(|(old_sealed, old)| (sealed, row.changed) > (*old_sealed, old.changed));
        if better {
            best.insert(row.id, (sealed, row.clone()));
        }
    }
    let going_on = |(sealed, row): (bool, Stored)| {
        let end = ended.get(&row.id).copied();
        gone_on(row, sealed, end)
    };
    (best.into_values().map(going_on).collect(), seen)
}

/// Nothing open goes on as it was: an older version of a row may have been found, so it is looked up first. What the
/// audit knows to have ended has ended, whatever the version says: an order of last year would be sent once more where
/// the server no longer has it.
fn gone_on(mut row: Stored, sealed: bool, end: Option<IntentState>) -> Stored {
    if let Some(end) = end {
        if row.state() != Some(end) {
            end.as_str().clone_into(&mut row.state);
            row.detail = Some("salvaged from a damaged file: the audit knows how it ended".to_owned());
        }
        return row;
    }
    let stays = match row.state() {
        Some(IntentState::Delivered | IntentState::Superseded | IntentState::Cancelled) => sealed,
        Some(IntentState::Parked) => true,
        Some(IntentState::Queued | IntentState::Sending | IntentState::InDoubt) | None => false,
    };
    if !stays {
        IntentState::InDoubt.as_str().clone_into(&mut row.state);
        row.detail = Some("salvaged from a damaged file: it is looked up before anything is sent".to_owned());
        row.wait_ms = 0;
    }
    row
}

/// Rows that the audit knows to have ended, and how: no state follows on these.
fn ended_rows(carved: &Carved) -> BTreeMap<i64, IntentState> {
    carved
        .audit
        .iter()
        .filter(|record| record.hash == record.hash_of())
        .filter_map(|record| Some((record.row_id?, IntentState::parse(record.to.as_deref()?)?)))
        .filter(|(_, to)| matches!(to, IntentState::Delivered | IntentState::Superseded | IntentState::Cancelled))
        .collect()
}

/// The longest unbroken beginning of the audit.
fn good_chain(found: Vec<Record>, identity: &str) -> Vec<Record> {
    let mut by_seq: BTreeMap<i64, Vec<Record>> = BTreeMap::new();
    for record in found {
        if record.hash == record.hash_of() {
            by_seq.entry(record.seq).or_default().push(record);
        }
    }
    let mut chain: Vec<Record> = Vec::new();
    let mut previous = audit::genesis(identity);
    for seq in 1.. {
        let next = by_seq
            .remove(&seq)
            .and_then(|records| records.into_iter().find(|record| record.prev_hash == previous));
        let Some(next) = next else { break };
        previous.clone_from(&next.hash);
        chain.push(next);
    }
    chain
}

/// Writes the new database under a name of its own; it has its final name of this step only when it is complete.
fn build(
    directory: &Directory,
    identity: &str,
    options: &OpenOptions,
    rows: Vec<Stored>,
    (chain, what): (Vec<Record>, &str),
    last_id: i64,
    recovery: &Recovery,
) -> Result<(), OutboxError> {
    let path = built(directory, "building");
    let _ = std::fs::remove_file(&path); // of an earlier try
    drop(open_private(&path)?);
    let mut connection = Connection::open(&path)?;
    connection.execute_batch(&format!(
        "PRAGMA page_size = {}; PRAGMA journal_mode = MEMORY; PRAGMA synchronous = FULL",
        schema::PAGE_BYTES
    ))?;
    schema::migrate(&mut connection)?;
    transact(&mut connection, identity, options, |write| {
        write
            .transaction
            .execute("INSERT INTO meta (name, value) VALUES ('identity', ?1)", [identity])?;
        let epoch = rows.iter().map(|row| row.owner_epoch).max().unwrap_or(0) + 1;
        put_meta(&write.transaction, "epoch", epoch)?;
        put_meta(&write.transaction, REPAIRED, epoch)?;
        recovery.remember(&write.transaction)?;
        for record in chain {
            record.insert(&write.transaction)?;
        }
        write.audit(what, None, (None, None), Some(recovery.to_string()))?;
        for mut row in rows {
            row.changed = write.next_change()?;
            row.seal = row.seal_of();
            row.insert(&write.transaction)?;
            if matches!(row.state(), Some(IntentState::InDoubt | IntentState::Parked)) {
                write.audit(audit::REPAIR, Some(&row), (None, row.state()), row.detail.clone())?;
            }
        }
        set_last_id(&write.transaction, last_id)?;
        Ok(())
    })?;
    connection.close().map_err(|(_, error)| OutboxError::from(error))?;
    rename(&path, &built(directory, "salvaged"))?;
    directory.sync()
}

/// Moves the database and its companions into a directory of their own, the log first: a new database beside an old log
/// would be damaged by it.
fn move_aside(directory: &Directory, anchor: &AnchorFile, now: i64) -> Result<PathBuf, OutboxError> {
    let stamp = timestamp(now).strftime("%Y%m%dT%H%M%SZ").to_string();
    let aside = directory.aside(&stamp)?;
    for path in directory.set().iter().rev().chain([&directory.kept_log()]) {
        if let Some(name) = path.file_name()
            && path.exists()
        {
            rename(path, &aside.join(name))?;
            crash::point("salvage-moving");
        }
    }
    if let Some(name) = anchor.path().file_name()
        && anchor.path().exists()
    {
        std::fs::copy(anchor.path(), aside.join(name)).map_err(|error| OutboxError::io(anchor.path(), &error))?;
    }
    directory.sync()?;
    Ok(aside)
}

fn rename(from: &Path, to: &Path) -> Result<(), OutboxError> {
    std::fs::rename(from, to).map_err(|error| OutboxError::io(from, &error))
}
