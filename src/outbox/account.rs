//! What the audit says of each row, held against the rows: one that somebody took out or moved by hand leaves the chain whole.

use std::collections::BTreeMap;

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::OutboxError;
use super::audit::{AuditFinding, LOST, REPAIR, Record, TRIMMED};
use crate::domain::{IntentState, OutboxId};

/// The state column of a row of which nothing else can be read, and what the entry about a damaged row is called.
pub(super) const UNREADABLE: &str = "damaged";

/// Where each row stands by the chain as far as it was walked: the rows that are there, and those that should be.
#[derive(Debug)]
pub(super) struct Account {
    /// The rows that are there, and their state column.
    rows: BTreeMap<i64, String>,
    /// What the chain said last of them, and of those that it left open.
    said: BTreeMap<i64, String>,
    /// What an entry found that none before it had done.
    odd: Vec<AuditFinding>,
    /// Rows that ended by the chain and have not left the history by it.
    ended: i64,
    /// Entries were lost, or rows came out of a damaged file: of those that no later entry names nothing is known.
    partial: bool,
}

impl Account {
    /// Of the rows as they are in this moment.
    pub(super) fn of(connection: &Connection) -> Result<Self, OutboxError> {
        let mut statement = connection.prepare("SELECT id, state FROM intent NOT INDEXED")?;
        let read = |row: &rusqlite::Row<'_>| {
            let state = match row.get_ref(1)? {
                ValueRef::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                other => format!("{other:?}"),
            };
            Ok((row.get(0)?, state))
        };
        Ok(Self {
            rows: statement.query_map([], read)?.collect::<Result<_, _>>()?,
            said: BTreeMap::new(),
            odd: Vec::new(),
            ended: 0,
            partial: false,
        })
    }

    /// The next entry of the chain.
    pub(super) fn take(&mut self, record: &Record) {
        if record.what == LOST || record.what == REPAIR && record.row_id.is_none() {
            self.said.clear();
            self.partial = true;
        }
        if record.what == TRIMMED {
            self.ended -= record.detail.as_deref().and_then(first_number).unwrap_or(0);
        }
        let Some(id) = record.row_id.or_else(|| number_in_words(record)) else {
            return;
        };
        if let Some(from) = &record.from {
            match self.said.get(&id) {
                Some(said) if said != from => self.odd.push(AuditFinding::RowChanged {
                    row: OutboxId(id),
                    found: from.clone(),
                    audit: said.clone(),
                }),
                None if record.what == UNREADABLE && !self.partial => self.odd.push(AuditFinding::RowUnknown { row: OutboxId(id) }),
                _ => {}
            }
        }
        let said = match record.to.as_deref() {
            Some(state) => state,
            None if record.what == UNREADABLE => UNREADABLE,
            None => return,
        };
        // an ended row leaves the history one day, so its end needs to be known only while it is there
        let is_open = !is_end(said);
        if !is_open {
            self.ended += 1; // once a row: no state follows on an end
        }
        if is_open || self.rows.contains_key(&id) {
            self.said.insert(id, said.to_owned());
        } else {
            self.said.remove(&id);
        }
    }

    /// Where the two differ.
    pub(super) fn findings(self) -> Vec<AuditFinding> {
        let mut findings = self.odd;
        findings.extend(
            self.said
                .iter()
                .filter(|(id, _)| !self.rows.contains_key(id))
                .map(|(id, said)| AuditFinding::RowGone {
                    row: OutboxId(*id),
                    audit: said.clone(),
                }),
        );
        findings.extend(self.rows.iter().filter_map(|(id, found)| {
            let row = OutboxId(*id);
            match self.said.get(id) {
                Some(said) if said == found => None,
                Some(said) => Some(AuditFinding::RowChanged {
                    row,
                    found: found.clone(),
                    audit: said.clone(),
                }),
                None if self.partial => None,
                None => Some(AuditFinding::RowUnknown { row }),
            }
        }));
        let there = self.rows.values().filter(|state| is_end(state)).count();
        let missing = usize::try_from(self.ended).unwrap_or(0).saturating_sub(there);
        if missing > 0 && !self.partial {
            findings.push(AuditFinding::EndedGone { count: missing });
        }
        findings
    }
}

fn is_end(state: &str) -> bool {
    IntentState::parse(state).is_some_and(|state| !state.is_open() && state != IntentState::Parked)
}

fn first_number(words: &str) -> Option<i64> {
    words.split(' ').next()?.parse().ok()
}

/// Entries about rows that cannot be read used to have the number only in their words.
fn number_in_words(record: &Record) -> Option<i64> {
    if !matches!(record.what.as_str(), UNREADABLE | "cancel") {
        return None;
    }
    first_number(record.detail.as_deref()?.strip_prefix("row ")?)
}
