//! Rows that can no longer be read: shown with what is left of them, and ended by a person only.

use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{OptionalExtension as _, Row, params};
use serde::Serialize;

use super::OutboxError;
use super::clock::timestamp;
use super::journal::{Journal, REPAIRED, Write, meta};
use super::stored::{COLUMNS, Stored};
use crate::domain::{ARRIVED_ALL_THE_SAME, IntentState, OutboxId, SafeText};

/// A row of which what was asked can no longer be read: kept, never sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DamagedRow {
    /// Its number.
    #[serde(rename = "outboxId")]
    pub id: OutboxId,
    /// The verb of what was asked, where that can be read; each of the following likewise.
    pub action: Option<SafeText>,
    /// On which object, in the raw spelling.
    pub object: Option<SafeText>,
    /// Of which profile.
    pub profile: Option<SafeText>,
    /// When it was committed.
    pub created_at: Option<Timestamp>,
    /// How often it was sent.
    pub attempts: Option<u32>,
}

impl DamagedRow {
    /// `None` for a row that can be read, or that has ended.
    fn read(row: &Row<'_>) -> rusqlite::Result<Option<Self>> {
        if Stored::read(row)?.is_ok_and(|stored| stored.to_row().is_some()) {
            return Ok(None);
        }
        // column by column: those that are not what they should be are left out
        let value = |index: usize| row.get::<_, Value>(index).ok();
        let text = |index: usize| match value(index) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        };
        let number = |index: usize| match value(index) {
            Some(Value::Integer(number)) => Some(number),
            _ => None,
        };
        if text(10).and_then(|state| IntentState::parse(&state)).is_some_and(is_over) {
            return Ok(None);
        }
        Ok(Some(Self {
            id: OutboxId(row.get(0)?),
            action: text(2).map(SafeText::from),
            object: text(4).map(SafeText::from),
            profile: text(6).map(SafeText::from),
            created_at: number(1).map(timestamp),
            attempts: number(11).and_then(|count| u32::try_from(count).ok()),
        }))
    }
}

fn is_over(state: IntentState) -> bool {
    matches!(state, IntentState::Delivered | IntentState::Superseded | IntentState::Cancelled)
}

impl Journal {
    /// Rows that have not ended and can no longer be read, by number.
    pub(super) fn damaged(&self) -> Result<Vec<DamagedRow>, OutboxError> {
        let mut statement = self.connection.prepare(&format!(
            "SELECT {COLUMNS} FROM intent NOT INDEXED WHERE state NOT IN ('delivered', 'superseded', 'cancelled') ORDER BY id"
        ))?;
        let mut rows = statement.query([])?;
        let mut damaged = Vec::new();
        while let Some(row) = rows.next()? {
            damaged.extend(DamagedRow::read(row)?);
        }
        Ok(damaged)
    }

    /// Ends such a row.
    pub(super) fn end_damaged(&mut self, id: OutboxId) -> Result<DamagedRow, OutboxError> {
        self.write(|write| {
            let damaged = write
                .transaction
                .query_row(&format!("SELECT {COLUMNS} FROM intent WHERE id = ?1"), [id.0], DamagedRow::read)
                .optional()?
                .flatten()
                .ok_or(OutboxError::NotFound(id))?;
            let mut detail = format!("row {id} could not be read any more");
            if write.attempt_may_have_arrived(id)? {
                detail = format!("{detail}; {ARRIVED_ALL_THE_SAME}");
            }
            let cancelled = IntentState::Cancelled;
            if let Some(Ok(mut stored)) = Stored::get(&write.transaction, id.0)? {
                cancelled.as_str().clone_into(&mut stored.state);
                stored.updated_at = write.now;
                stored.detail = Some(detail.clone());
                write.save(&mut stored)?;
                write.audit("cancel", Some(&stored), (None, Some(cancelled)), Some(detail))?;
            } else {
                write.transaction.execute(
                    "UPDATE intent SET state = ?2, updated_at = ?3 WHERE id = ?1",
                    params![id.0, cancelled.as_str(), write.now],
                )?;
                write.append("cancel", None, Some(id.0), (None, Some(cancelled)), Some(detail))?;
            }
            Ok(damaged)
        })
    }
}

impl Write<'_> {
    /// Whether one of the attempts of a row that cannot be read may have reached the server.
    fn attempt_may_have_arrived(&self, id: OutboxId) -> Result<bool, OutboxError> {
        let doubtful: bool = self.transaction.query_row(
            "SELECT EXISTS (SELECT 1 FROM attempt WHERE row_id = ?1 AND (outcome IS NULL OR outcome = 'in_doubt'))",
            [id.0],
            |row| row.get(0),
        )?;
        // in a database that was repaired the attempts do not tell
        Ok(doubtful || meta(&self.transaction, REPAIRED)? > 0)
    }
}
