//! The tables, their versions, and the settings on which durability depends.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::{OutboxError, crash};

/// Bytes of a database page; fixed, so that a damaged file can be read without its header.
pub(super) const PAGE_BYTES: usize = 4096;

/// One step a version. Each runs in one transaction together with the new `user_version`.
const MIGRATIONS: [&str; VERSION as usize] = [
    // 1: the journal
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value) ;
     CREATE TABLE intent (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        created_at INTEGER NOT NULL, kind TEXT NOT NULL, intent TEXT NOT NULL, object TEXT NOT NULL,
        service TEXT NOT NULL, profile TEXT NOT NULL, origin TEXT NOT NULL, body BLOB NOT NULL, row_hash BLOB NOT NULL,
        state TEXT NOT NULL, attempts INTEGER NOT NULL, first_sent_at INTEGER, updated_at INTEGER NOT NULL,
        not_before INTEGER NOT NULL, wait_ms INTEGER NOT NULL, detail TEXT, superseded_by TEXT, wonum TEXT,
        owner_epoch INTEGER NOT NULL, changed INTEGER NOT NULL, seal BLOB NOT NULL);
     CREATE INDEX intent_open ON intent (service, profile, origin, object, id) WHERE state IN ('queued', 'sending', 'in_doubt');
     CREATE INDEX intent_state ON intent (state, id);
     CREATE INDEX intent_changed ON intent (changed);
     CREATE TABLE attempt (
        row_id INTEGER NOT NULL, number INTEGER NOT NULL, owner_epoch INTEGER NOT NULL,
        begun_at INTEGER NOT NULL, ended_at INTEGER, outcome TEXT, detail TEXT);
     CREATE UNIQUE INDEX attempt_row ON attempt (row_id, number);
     CREATE TABLE audit (
        seq INTEGER PRIMARY KEY,
        at INTEGER NOT NULL, operator TEXT NOT NULL, os_user TEXT NOT NULL, ssh_client TEXT,
        what TEXT NOT NULL, object TEXT, row_id INTEGER, from_state TEXT, to_state TEXT, detail TEXT,
        prev_hash BLOB NOT NULL, hash BLOB NOT NULL);",
    // 2: why a target's queue waits
    "CREATE TABLE lane (
        service TEXT NOT NULL, profile TEXT NOT NULL, origin TEXT NOT NULL,
        reason TEXT NOT NULL, since INTEGER NOT NULL,
        PRIMARY KEY (service, profile, origin));",
];

/// The version that this program writes.
pub(super) const VERSION: u32 = 2;

/// Opens an existing database file and reads the settings back.
pub(super) fn connect(path: &Path, busy_timeout: Duration) -> Result<Connection, OutboxError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(busy_timeout)?;
    connection.execute_batch(&format!("PRAGMA page_size = {PAGE_BYTES}"))?;
    let found = user_version(&connection)?;
    if found > VERSION {
        return Err(OutboxError::NewerSchema {
            path: path.to_owned(),
            found,
            known: VERSION,
        });
    }
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    connection.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF; PRAGMA foreign_keys = ON;
         PRAGMA secure_delete = OFF; PRAGMA wal_autocheckpoint = 1000; PRAGMA journal_size_limit = 16777216; PRAGMA temp_store = MEMORY;",
    )?;
    read_back(&connection, "journal_mode", "wal")?;
    read_back(&connection, "synchronous", "2")?;
    read_back(&connection, "page_size", "4096")?;
    Ok(connection)
}

fn read_back(connection: &Connection, name: &'static str, wanted: &'static str) -> Result<(), OutboxError> {
    let found: rusqlite::types::Value = connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))?;
    let found = match found {
        rusqlite::types::Value::Text(text) => text,
        rusqlite::types::Value::Integer(number) => number.to_string(),
        other => format!("{other:?}"),
    };
    if found == wanted {
        Ok(())
    } else {
        Err(OutboxError::Setting { name, found, wanted })
    }
}

/// Reads the stored version.
pub(super) fn user_version(connection: &Connection) -> Result<u32, OutboxError> {
    Ok(connection.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}

/// Brings the tables up to date, one transaction a step: killed in between, the next start goes on from there.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), OutboxError> {
    if user_version(connection)? == VERSION {
        return Ok(()); // without the write lock, so that reading works while somebody else writes
    }
    for (step, sql) in (1_u32..).zip(MIGRATIONS) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version: u32 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if version >= step {
            continue;
        }
        transaction.execute_batch(sql)?;
        transaction.execute_batch(&format!("PRAGMA user_version = {step}"))?;
        crash::point("migrate-commit");
        transaction.commit()?;
        crash::point("migrate-committed");
    }
    Ok(())
}

/// SQLite's own check of the file; `Err` with what it found first. The full one: beyond the structure it compares the
/// indexes with the tables, and a damaged index could hide a row. The large table, the audit, has none, so it costs little.
pub(super) fn check(connection: &Connection) -> Result<(), OutboxError> {
    let found: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(OutboxError::Damaged(found)) }
}

/// The schema version as it stands in the file's header, read without opening the database.
pub(super) fn version_in_header(path: &Path) -> Option<u32> {
    use std::io::Read as _;
    let mut header = [0_u8; 64];
    std::fs::File::open(path).ok()?.read_exact(&mut header).ok()?;
    if !header.starts_with(b"SQLite format 3\0") {
        return None;
    }
    let bytes: [u8; 4] = header.get(60..64)?.try_into().ok()?;
    Some(u32::from_be_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_20_stopped_after_each_step_the_next_start_completes_it() {
        for done in 0..=MIGRATIONS.len() {
            let mut connection = Connection::open_in_memory().unwrap();
            for (step, sql) in MIGRATIONS.iter().enumerate().take(done) {
                connection.execute_batch(sql).unwrap();
                connection.execute_batch(&format!("PRAGMA user_version = {}", step + 1)).unwrap();
            }
            migrate(&mut connection).unwrap();
            assert_eq!(user_version(&connection).unwrap(), VERSION);
            connection.prepare("SELECT reason FROM lane").unwrap();
            connection.prepare("SELECT seal FROM intent").unwrap();
        }
    }

    #[test]
    fn row_20_a_step_that_fails_leaves_nothing_behind() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE audit (seq INTEGER)").unwrap(); // step 1 fails at its last table
        migrate(&mut connection).unwrap_err();
        assert_eq!(user_version(&connection).unwrap(), 0);
        connection.prepare("SELECT 1 FROM intent").unwrap_err();
    }
}
