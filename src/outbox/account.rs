//! What the audit says of each row, held against the rows: one that somebody took out or moved by hand leaves the chain whole.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::OutboxError;
use super::audit::{AuditFinding, LOST, ROW_LOST, Record};
use crate::domain::{IntentState, OutboxId};

/// The state column of a row of which nothing else can be read.
pub(super) const UNREADABLE: &str = "damaged";

/// Where each row stands by the chain as far as it was walked: the rows that are there, and those that should be.
#[derive(Debug)]
pub(super) struct Account {
    /// The rows that are there, and their state column.
    rows: BTreeMap<i64, String>,
    /// What the chain said last of them, and of those that it left open.
    said: BTreeMap<i64, String>,
    /// Entries were lost: of rows that none of the later ones names nothing is known.
    partial: bool,
}

impl Account {
    /// Of the rows as they are in this moment.
    pub(super) fn of(connection: &Connection) -> Result<Self, OutboxError> {
        let mut statement = connection.prepare("SELECT id, CAST(state AS TEXT) FROM intent NOT INDEXED")?;
        let rows = statement
            .query_map([], |row| Ok((row.get(0)?, row.get::<_, Option<String>>(1)?.unwrap_or_default())))?
            .collect::<Result<_, _>>()?;
        Ok(Self {
            rows,
            said: BTreeMap::new(),
            partial: false,
        })
    }

    /// Without any: for a chain alone.
    pub(super) fn empty() -> Self {
        Self {
            rows: BTreeMap::new(),
            said: BTreeMap::new(),
            partial: false,
        }
    }

    /// The next entry of the chain.
    pub(super) fn take(&mut self, record: &Record) {
        if record.what == LOST {
            self.said.clear();
            self.partial = true;
        }
        let Some(id) = record.row_id else { return };
        let said = match record.to.as_deref() {
            Some(state) => state,
            None if record.what == UNREADABLE => UNREADABLE,
            None if record.what == ROW_LOST => {
                self.said.remove(&id);
                return;
            }
            None => return,
        };
        // an ended row leaves the history one day, so its end needs to be known only while it is there
        let is_open = IntentState::parse(said).is_none_or(|state| state.is_open() || state == IntentState::Parked);
        if is_open || self.rows.contains_key(&id) {
            self.said.insert(id, said.to_owned());
        } else {
            self.said.remove(&id);
        }
    }

    /// What the chain said last of a row, as far as that matters.
    pub(super) fn said(&self, id: i64) -> Option<&str> {
        self.said.get(&id).map(String::as_str)
    }

    /// Rows that the chain left open and that are not there, and in which state it left them.
    pub(super) fn missing(&self) -> impl Iterator<Item = (i64, &str)> {
        self.said
            .iter()
            .filter(|(id, _)| !self.rows.contains_key(id))
            .map(|(id, said)| (*id, said.as_str()))
    }

    /// Where the two differ.
    pub(super) fn findings(&self) -> Vec<AuditFinding> {
        let gone = self.missing().map(|(id, said)| AuditFinding::RowGone {
            row: OutboxId(id),
            audit: said.to_owned(),
        });
        let changed = self.rows.iter().filter_map(|(id, found)| {
            let row = OutboxId(*id);
            match self.said(*id) {
                Some(said) if said == found => None,
                Some(said) => Some(AuditFinding::RowChanged {
                    row,
                    found: found.clone(),
                    audit: said.to_owned(),
                }),
                None if self.partial => None,
                None => Some(AuditFinding::RowUnknown { row }),
            }
        });
        gone.chain(changed).collect()
    }
}
