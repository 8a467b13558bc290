//! A row as it lies in the file: hashed, so that what was altered is never sent.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use sha2::{Digest as _, Sha256};

use super::clock::timestamp;
use super::{OutboxError, Shipment};
use crate::domain::{IntentState, OutboxId, OutboxRow, SafeText, Service, Target, WorkOrderNumber};

/// The columns of `intent`, in the order of the table.
pub(super) const COLUMNS: &str = "id, created_at, kind, intent, object, service, profile, origin, body, row_hash, \
     state, attempts, first_sent_at, updated_at, not_before, wait_ms, detail, superseded_by, wonum, owner_epoch, changed, seal";

/// How many there are.
pub(super) const COLUMN_COUNT: usize = 22;

/// A row of `intent`. The first ten never change and make `row_hash`; the others make `seal`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stored {
    pub(super) id: i64,
    pub(super) created_at: i64,
    pub(super) kind: String,
    pub(super) intent: String,
    pub(super) object: String,
    pub(super) service: String,
    pub(super) profile: String,
    pub(super) origin: String,
    pub(super) body: Vec<u8>,
    pub(super) row_hash: Vec<u8>,
    pub(super) state: String,
    pub(super) attempts: i64,
    pub(super) first_sent_at: Option<i64>,
    pub(super) updated_at: i64,
    pub(super) not_before: i64,
    pub(super) wait_ms: i64,
    pub(super) detail: Option<String>,
    pub(super) superseded_by: Option<String>,
    pub(super) wonum: Option<String>,
    pub(super) owner_epoch: i64,
    pub(super) changed: i64,
    pub(super) seal: Vec<u8>,
}

/// A row that cannot be read or does not match its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unsound {
    pub(super) id: i64,
}

impl Stored {
    /// Reads a row of [`COLUMNS`]; a column of the wrong type is damage of that row, not of the list.
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Result<Self, Unsound>> {
        let id: i64 = row.get(0)?;
        let mut values = Vec::with_capacity(COLUMN_COUNT);
        for index in 0..COLUMN_COUNT {
            match row.get::<_, Value>(index) {
                Ok(value) => values.push(value),
                Err(_) => return Ok(Err(Unsound { id })), // text that is not UTF-8
            }
        }
        Ok(Self::from_values(id, values).ok_or(Unsound { id }))
    }

    /// From the columns' values in order; the id stands apart because SQLite keeps it outside the record.
    pub(super) fn from_values(id: i64, values: Vec<Value>) -> Option<Self> {
        let mut values = values.into_iter().skip(1);
        let integer = |value: Option<Value>| match value {
            Some(Value::Integer(number)) => Some(number),
            _ => None,
        };
        let text = |value: Option<Value>| match value {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        };
        let blob = |value: Option<Value>| match value {
            Some(Value::Blob(bytes)) => Some(bytes),
            _ => None,
        };
        let maybe_text = |value: Option<Value>| match value {
            Some(Value::Text(text)) => Some(Some(text)),
            Some(Value::Null) => Some(None),
            _ => None,
        };
        Some(Self {
            id,
            created_at: integer(values.next())?,
            kind: text(values.next())?,
            intent: text(values.next())?,
            object: text(values.next())?,
            service: text(values.next())?,
            profile: text(values.next())?,
            origin: text(values.next())?,
            body: blob(values.next())?,
            row_hash: blob(values.next())?,
            state: text(values.next())?,
            attempts: integer(values.next())?,
            first_sent_at: match values.next() {
                Some(Value::Integer(number)) => Some(number),
                Some(Value::Null) => None,
                _ => return None,
            },
            updated_at: integer(values.next())?,
            not_before: integer(values.next())?,
            wait_ms: integer(values.next())?,
            detail: maybe_text(values.next())?,
            superseded_by: maybe_text(values.next())?,
            wonum: maybe_text(values.next())?,
            owner_epoch: integer(values.next())?,
            changed: integer(values.next())?,
            seal: blob(values.next())?,
        })
    }

    /// The hash of what never changes, bound to this outbox.
    pub(super) fn row_hash_of(&self, identity: &str) -> Vec<u8> {
        let mut hash = Fields::new();
        hash.add(identity.as_bytes());
        hash.add(&self.id.to_be_bytes());
        hash.add(&self.created_at.to_be_bytes());
        for text in [&self.kind, &self.intent, &self.object, &self.service, &self.profile, &self.origin] {
            hash.add(text.as_bytes());
        }
        hash.add(&self.body);
        hash.finish()
    }

    /// The hash of what changes, bound to what does not.
    pub(super) fn seal_of(&self) -> Vec<u8> {
        let mut hash = Fields::new();
        hash.add(&self.row_hash);
        hash.add(self.state.as_bytes());
        for number in [
            self.attempts,
            self.updated_at,
            self.not_before,
            self.wait_ms,
            self.owner_epoch,
            self.changed,
        ] {
            hash.add(&number.to_be_bytes());
        }
        hash.maybe(self.first_sent_at.map(i64::to_be_bytes).as_ref().map(<[u8; 8]>::as_slice));
        for text in [&self.detail, &self.superseded_by, &self.wonum] {
            hash.maybe(text.as_deref().map(str::as_bytes));
        }
        hash.finish()
    }

    /// Whether what was asked is as it was committed.
    pub(super) fn is_whole(&self, identity: &str) -> bool {
        self.row_hash == self.row_hash_of(identity)
    }

    /// Whether where it stands is as it was committed, too.
    pub(super) fn is_sealed(&self, identity: &str) -> bool {
        self.is_whole(identity) && self.seal == self.seal_of()
    }

    pub(super) fn state(&self) -> Option<IntentState> {
        IntentState::parse(&self.state)
    }

    pub(super) fn target(&self) -> Option<Target> {
        Some(Target {
            service: service(&self.service)?,
            profile: self.profile.clone(),
            origin: self.origin.clone(),
        })
    }

    /// What follows on a doubt, in words.
    pub(super) fn next_of_doubt(&self) -> &'static str {
        if self.kind == "set metadata" {
            "it may be repeated: it is sent again"
        } else {
            "it is looked up before anything is sent again"
        }
    }

    /// What everyone is told; `None` where it cannot be read.
    pub(super) fn to_row(&self) -> Option<OutboxRow> {
        Some(OutboxRow {
            id: OutboxId(self.id),
            intent: serde_json::from_str(&self.intent).ok()?,
            target: self.target()?,
            state: self.state()?,
            attempts: u32::try_from(self.attempts).ok()?,
            created_at: timestamp(self.created_at),
            updated_at: timestamp(self.updated_at),
            not_before: timestamp(self.not_before),
            detail: self.detail.as_deref().map(SafeText::from),
            superseded_by: self.superseded_by.as_deref().map(SafeText::from),
            wonum: self.wonum.as_deref().map(WorkOrderNumber::from),
        })
    }

    /// What goes to the servers; `None` where it cannot be read. Whether it may have arrived before is for the one to say who
    /// knows its attempts.
    pub(super) fn to_shipment(&self) -> Option<Shipment> {
        let attempt = u32::try_from(self.attempts).ok()?.max(1);
        Some(Shipment {
            id: OutboxId(self.id),
            intent: serde_json::from_str(&self.intent).ok()?,
            target: self.target()?,
            body: self.body.clone(),
            attempt,
            tries: attempt,
            first_sent_at: self.first_sent_at.map(timestamp),
            may_have_arrived: false,
        })
    }

    /// Writes it as a new row; an id of 0 is given by SQLite.
    pub(super) fn insert(&self, connection: &Connection) -> Result<(), OutboxError> {
        connection.execute(
            &format!(
                "INSERT INTO intent ({COLUMNS}) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22)"
            ),
            params![
                self.id,
                self.created_at,
                self.kind,
                self.intent,
                self.object,
                self.service,
                self.profile,
                self.origin,
                self.body,
                self.row_hash,
                self.state,
                self.attempts,
                self.first_sent_at,
                self.updated_at,
                self.not_before,
                self.wait_ms,
                self.detail,
                self.superseded_by,
                self.wonum,
                self.owner_epoch,
                self.changed,
                self.seal,
            ],
        )?;
        Ok(())
    }

    /// Writes what may change.
    pub(super) fn update(&self, connection: &Connection) -> Result<(), OutboxError> {
        connection.execute(
            "UPDATE intent SET state=?2, attempts=?3, first_sent_at=?4, updated_at=?5, not_before=?6, wait_ms=?7, detail=?8, \
             superseded_by=?9, wonum=?10, owner_epoch=?11, changed=?12, seal=?13 WHERE id=?1",
            params![
                self.id,
                self.state,
                self.attempts,
                self.first_sent_at,
                self.updated_at,
                self.not_before,
                self.wait_ms,
                self.detail,
                self.superseded_by,
                self.wonum,
                self.owner_epoch,
                self.changed,
                self.seal,
            ],
        )?;
        Ok(())
    }

    /// Reads one row.
    pub(super) fn get(connection: &Connection, id: i64) -> Result<Option<Result<Self, Unsound>>, OutboxError> {
        Ok(connection
            .query_row(&format!("SELECT {COLUMNS} FROM intent WHERE id = ?1"), [id], Self::read)
            .optional()?)
    }
}

/// Reads [`Service::as_str`]'s word.
pub(super) fn service(word: &str) -> Option<Service> {
    Service::ALL.into_iter().find(|service| service.as_str() == word)
}

/// A hash over fields, each preceded by its length so that no two lists of fields run together.
pub(super) struct Fields(Sha256);

impl Fields {
    pub(super) fn new() -> Self {
        Self(Sha256::new())
    }

    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    pub(super) fn maybe(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            None => self.0.update([0xff; 8]), // no field is that long
            Some(bytes) => self.add(bytes),
        }
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.0.finalize().to_vec()
    }
}
