//! Reading the outbox.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};
use serde::Serialize;

use super::clock::timestamp;
use super::journal::Journal;
use super::stored::{COLUMNS, Stored};
use super::{Lane, OutboxError};
use crate::domain::{AlertId, IntentState, ObjectKey, OutboxId, OutboxRow, SafeText, Target};

/// Which rows are wanted; the default is all of them, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowFilter {
    /// Only these states; empty takes all.
    pub states: Vec<IntentState>,
    /// Only of this profile.
    pub profile: Option<String>,
    /// Only of this object.
    pub object: Option<ObjectKey>,
    /// Only about this alert.
    pub alert: Option<AlertId>,
    /// Only what this inbound message asked for, by [`Intent::message`](crate::domain::Intent::message).
    pub message: Option<String>,
    /// Only those committed or changed since then.
    pub since: Option<Timestamp>,
    /// The newest first.
    pub newest_first: bool,
    /// At most so many.
    pub limit: Option<usize>,
}

impl RowFilter {
    /// Rows with something still to happen without a person.
    pub fn open() -> Self {
        Self::of([IntentState::Queued, IntentState::Sending, IntentState::InDoubt])
    }

    /// Rows in these states.
    pub fn of(states: impl IntoIterator<Item = IntentState>) -> Self {
        Self {
            states: states.into_iter().collect(),
            ..Self::default()
        }
    }
}

/// How many rows stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Waiting.
    pub queued: u64,
    /// On their way.
    pub sending: u64,
    /// To be looked up.
    pub in_doubt: u64,
    /// Waiting for a person.
    pub parked: u64,
    /// Confirmed, as far as the history reaches.
    pub delivered: u64,
    /// Somebody else was first.
    pub superseded: u64,
    /// Taken back.
    pub cancelled: u64,
    /// Rows that can no longer be read: kept, never sent, cancelled by hand only.
    pub damaged: u64,
}

impl Counts {
    /// Rows with something still to happen without a person.
    pub fn open(&self) -> u64 {
        self.queued + self.sending + self.in_doubt
    }
}

/// One attempt of a row.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// 1 for the first.
    pub number: u32,
    /// When it was committed; the first byte left later.
    pub begun_at: Timestamp,
    /// When its outcome was committed.
    pub ended_at: Option<Timestamp>,
    /// Which state followed.
    pub outcome: Option<IntentState>,
    /// In words.
    pub detail: Option<SafeText>,
}

/// The lowest number of an open row: three steps into an index, however many rows there are.
pub(super) fn oldest_open_id(connection: &Connection) -> Result<Option<i64>, OutboxError> {
    Ok(connection.query_row(
        "SELECT min(id) FROM (SELECT min(id) AS id FROM intent WHERE state = 'queued' \
         UNION ALL SELECT min(id) FROM intent WHERE state = 'sending' UNION ALL SELECT min(id) FROM intent WHERE state = 'in_doubt')",
        [],
        |row| row.get(0),
    )?)
}

impl Journal {
    pub(super) fn list(&mut self, filter: &RowFilter) -> Result<Vec<OutboxRow>, OutboxError> {
        let lanes = self.lanes()?;
        let order = if filter.newest_first { "DESC" } else { "ASC" };
        let states = if filter.states.is_empty() {
            String::new()
        } else {
            // words of our own enum, never text from outside
            let words: Vec<_> = filter.states.iter().map(|state| format!("'{}'", state.as_str())).collect();
            format!("AND state IN ({})", words.join(", "))
        };
        let sql = format!(
            "SELECT {COLUMNS} FROM intent WHERE (?1 IS NULL OR profile = ?1) AND (?2 IS NULL OR object = ?2) AND updated_at >= ?3 \
             AND (?4 IS NULL OR instr(CAST(intent AS TEXT), ?4) > 0) {states} ORDER BY id {order}"
        );
        let mut statement = self.connection.prepare(&sql)?;
        let mut rows = statement.query(rusqlite::params![
            filter.profile,
            filter.object.as_ref().map(|object| &object.0),
            filter.since.map_or(i64::MIN, Timestamp::as_millisecond),
            filter.message,
        ])?;
        let mut found = Vec::new();
        while found.len() < filter.limit.unwrap_or(usize::MAX)
            && let Some(row) = rows.next()?
        {
            if let Ok(stored) = Stored::read(row)?
                && let Some(row) = stored.to_row()
                && filter.alert.as_ref().is_none_or(|alert| row.intent.alert() == Some(alert))
                && filter.message.as_ref().is_none_or(|message| row.intent.message() == Some(message))
            {
                found.push(self.explained(row, &stored, &lanes));
            }
        }
        Ok(found)
    }

    pub(super) fn row(&mut self, id: OutboxId) -> Result<OutboxRow, OutboxError> {
        let lanes = self.lanes()?;
        let stored = Stored::get(&self.connection, id.0)?
            .ok_or(OutboxError::NotFound(id))?
            .map_err(|_| OutboxError::DamagedRow(id))?;
        let row = stored.to_row().ok_or(OutboxError::DamagedRow(id))?;
        Ok(self.explained(row, &stored, &lanes))
    }

    /// A row that waits only because its target does says so; an altered one says that.
    fn explained(&self, mut row: OutboxRow, stored: &Stored, lanes: &[Lane]) -> OutboxRow {
        if !stored.is_whole(&self.identity) {
            row.detail = Some(super::custody::DAMAGED.into());
        } else if row.state == IntentState::Queued
            && let Some(lane) = lanes.iter().find(|lane| lane.target == row.target)
        {
            row.detail = Some(lane.reason.clone());
        }
        row
    }

    pub(super) fn counts(&self) -> Result<Counts, OutboxError> {
        let mut counts = Counts::default();
        let mut statement = self
            .connection
            .prepare("SELECT CAST(state AS BLOB), count(*) FROM intent GROUP BY 1")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let word: Vec<u8> = row.get(0)?;
            let number = u64::try_from(row.get::<_, i64>(1)?).unwrap_or_default();
            match std::str::from_utf8(&word).ok().and_then(IntentState::parse) {
                Some(IntentState::Queued) => counts.queued += number,
                Some(IntentState::Sending) => counts.sending += number,
                Some(IntentState::InDoubt) => counts.in_doubt += number,
                Some(IntentState::Parked) => counts.parked += number,
                Some(IntentState::Delivered) => counts.delivered += number,
                Some(IntentState::Superseded) => counts.superseded += number,
                Some(IntentState::Cancelled) => counts.cancelled += number,
                None => counts.damaged += number,
            }
        }
        Ok(counts)
    }

    pub(super) fn oldest_open(&self) -> Result<Option<Timestamp>, OutboxError> {
        let Some(id) = oldest_open_id(&self.connection)? else {
            return Ok(None);
        };
        Ok(self
            .connection
            .query_row("SELECT created_at FROM intent WHERE id = ?1", [id], |row| row.get(0))
            .optional()?
            .map(timestamp))
    }

    /// Targets whose queues wait, and why.
    pub(super) fn lanes(&self) -> Result<Vec<Lane>, OutboxError> {
        let mut statement = self
            .connection
            .prepare("SELECT service, profile, origin, reason, since FROM lane")?;
        let mut rows = statement.query([])?;
        let mut lanes = Vec::new();
        while let Some(row) = rows.next()? {
            if let Some(service) = super::stored::service(&row.get::<_, String>(0)?) {
                lanes.push(Lane {
                    target: Target {
                        service,
                        profile: row.get(1)?,
                        origin: row.get(2)?,
                    },
                    reason: row.get::<_, String>(3)?.into(),
                    since: timestamp(row.get(4)?),
                });
            }
        }
        Ok(lanes)
    }
}
