//! Who did what, when, with what outcome: append-only, each entry hashed together with the one before it.

use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::Serialize;

use super::account::Account;
use super::anchor::Anchor;
use super::clock::timestamp;
use super::stored::Fields;
use super::{Actor, OutboxError};
use crate::domain::{IntentState, OutboxId, SafeText, hex};

/// The columns of `audit`, in the order of the table.
pub(super) const COLUMNS: &str =
    "seq, at, operator, os_user, ssh_client, what, object, row_id, from_state, to_state, detail, prev_hash, hash";

/// How many there are.
pub(super) const COLUMN_COUNT: usize = 13;

/// What an entry is called that says that entries before it were lost: the chain goes on, and every check tells of it.
pub(super) const LOST: &str = "audit-lost";

/// What an entry is called that says how many ended rows left the history; its words begin with the number.
pub(super) const TRIMMED: &str = "trimmed";

/// What an entry is called that says what was salvaged from a damaged file: of the whole, then of each row that goes on.
pub(super) const REPAIR: &str = "recovered";

/// One entry, as it is shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// Its number, from 1 without a gap.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    #[serde(flatten)]
    pub who: Actor,
    /// What: `submit`, `begin`, `answer`, `look-up`, `cancel`, `retry`, `replace`, `take-over`, `created`, `recovered`,
    /// `damaged`, `doubt`, `audit-lost`, `trimmed`, and what is done without a row: `create-device` before it is asked and
    /// once it ended, `lake-file` once it is there.
    pub what: SafeText,
    /// On which object, in the raw spelling.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<SafeText>,
    /// Of which row.
    #[serde(rename = "outboxId", skip_serializing_if = "Option::is_none")]
    pub row: Option<OutboxId>,
    /// The state before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<IntentState>,
    /// The state after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<IntentState>,
    /// In words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<SafeText>,
    /// The entry's hash, in hexadecimal.
    pub hash: String,
}

/// What a check of the whole audit found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditReport {
    /// Entries read.
    pub entries: u64,
    /// The last entry's number.
    pub last: i64,
    /// Entries after the anchor: a few where a process was killed between the two, else none.
    pub after_anchor: i64,
    /// What is wrong; empty where all is well.
    pub findings: Vec<AuditFinding>,
}

impl AuditReport {
    /// Whether nothing was found.
    pub fn is_whole(&self) -> bool {
        self.findings.is_empty()
    }
}

/// One thing that is wrong with the audit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum AuditFinding {
    /// An entry does not match its hash.
    #[error("entry {seq} was altered")]
    Altered {
        /// Which.
        seq: i64,
    },
    /// Entries are missing before this one.
    #[error("entries {after} to {before} were removed", after = .after + 1, before = .before - 1)]
    Removed {
        /// The last one before the gap; 0 for the beginning.
        after: i64,
        /// The first one after it.
        before: i64,
    },
    /// An entry does not follow on the one before it.
    #[error("entry {seq} does not follow on the one before it: the order was changed")]
    Reordered {
        /// Which.
        seq: i64,
    },
    /// The anchor knows later entries.
    #[error("the end was cut off: the last entry is {last} and the anchor knows {anchor}")]
    CutTail {
        /// The last entry.
        last: i64,
        /// The anchor's.
        anchor: i64,
    },
    /// The entry at the anchor is another one.
    #[error("entry {seq} is not the one that the anchor knows: the end was rewritten")]
    Rewritten {
        /// Which.
        seq: i64,
    },
    /// An entry itself says that others before it were lost, found when the outbox was repaired.
    #[error("entry {seq} records a loss: {detail}")]
    Lost {
        /// Which.
        seq: i64,
        /// In words.
        detail: String,
    },
    /// A row that had not ended is not there.
    #[error("row {row} is {audit} by the audit, and is not in the outbox any more")]
    RowGone {
        /// Which.
        row: OutboxId,
        /// Its state, as the audit left it.
        audit: String,
    },
    /// A row stands elsewhere than the audit left it.
    #[error("row {row} is {found} in the outbox, and {audit} by the audit: that was not done by this program")]
    RowChanged {
        /// Which.
        row: OutboxId,
        /// Its state in the outbox.
        found: String,
        /// Its state, as the audit left it.
        audit: String,
    },
    /// A row that nobody is known to have asked for.
    #[error("row {row} is in the outbox, and the audit does not know it")]
    RowUnknown {
        /// Which.
        row: OutboxId,
    },
    /// Rows that had ended are not there, and did not leave the history by its bounds; which ones, the entries do not tell.
    #[error("{count} ended rows are not in the outbox any more, and did not leave its history by themselves")]
    EndedGone {
        /// How many.
        count: usize,
    },
    /// There are entries and no anchor.
    #[error("the anchor is missing or cannot be read: a cut end would not show")]
    NoAnchor,
}

/// An entry as it lies in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) seq: i64,
    pub(super) at: i64,
    pub(super) actor: Actor,
    pub(super) what: String,
    pub(super) object: Option<String>,
    pub(super) row_id: Option<i64>,
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
    pub(super) detail: Option<String>,
    pub(super) prev_hash: Vec<u8>,
    pub(super) hash: Vec<u8>,
}

/// What the first entry follows on.
pub(super) fn genesis(identity: &str) -> Vec<u8> {
    let mut hash = Fields::new();
    hash.add(b"nightdesk audit");
    hash.add(identity.as_bytes());
    hash.finish()
}

impl Record {
    /// The content and the previous hash; not the number, so that a swap shows as a swap.
    pub(super) fn hash_of(&self) -> Vec<u8> {
        let mut hash = Fields::new();
        hash.add(&self.prev_hash);
        hash.add(&self.at.to_be_bytes());
        hash.add(self.actor.operator.as_bytes());
        hash.add(self.actor.os_user.as_bytes());
        hash.maybe(self.actor.ssh_client.as_deref().map(str::as_bytes));
        hash.add(self.what.as_bytes());
        hash.maybe(self.object.as_deref().map(str::as_bytes));
        hash.maybe(self.row_id.map(i64::to_be_bytes).as_ref().map(<[u8; 8]>::as_slice));
        for text in [&self.from, &self.to, &self.detail] {
            hash.maybe(text.as_deref().map(str::as_bytes));
        }
        hash.finish()
    }

    pub(super) fn insert(&self, connection: &Connection) -> Result<(), OutboxError> {
        connection.execute(
            &format!("INSERT INTO audit ({COLUMNS}) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)"),
            params![
                self.seq,
                self.at,
                self.actor.operator,
                self.actor.os_user,
                self.actor.ssh_client,
                self.what,
                self.object,
                self.row_id,
                self.from,
                self.to,
                self.detail,
                self.prev_hash,
                self.hash,
            ],
        )?;
        Ok(())
    }

    /// Reads a row of [`COLUMNS`]; the number alone where the rest is damaged.
    fn read(row: &Row<'_>) -> rusqlite::Result<Result<Self, i64>> {
        let seq: i64 = row.get(0)?;
        let mut values = Vec::with_capacity(COLUMN_COUNT);
        for index in 0..COLUMN_COUNT {
            match row.get::<_, Value>(index) {
                Ok(value) => values.push(value),
                Err(_) => return Ok(Err(seq)),
            }
        }
        Ok(Self::from_values(seq, values).ok_or(seq))
    }

    /// From the columns' values in order; the number stands apart because SQLite keeps it outside the record.
    pub(super) fn from_values(seq: i64, values: Vec<Value>) -> Option<Self> {
        let mut values = values.into_iter().skip(1);
        let text = |value: Option<Value>| match value {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        };
        let maybe = |value: Option<Value>| match value {
            Some(Value::Text(text)) => Some(Some(text)),
            Some(Value::Null) => Some(None),
            _ => None,
        };
        let blob = |value: Option<Value>| match value {
            Some(Value::Blob(bytes)) => Some(bytes),
            _ => None,
        };
        let Some(Value::Integer(at)) = values.next() else { return None };
        Some(Self {
            seq,
            at,
            actor: Actor {
                operator: text(values.next())?,
                os_user: text(values.next())?,
                ssh_client: maybe(values.next())?,
            },
            what: text(values.next())?,
            object: maybe(values.next())?,
            row_id: match values.next() {
                Some(Value::Integer(number)) => Some(number),
                Some(Value::Null) => None,
                _ => return None,
            },
            from: maybe(values.next())?,
            to: maybe(values.next())?,
            detail: maybe(values.next())?,
            prev_hash: blob(values.next())?,
            hash: blob(values.next())?,
        })
    }

    fn into_entry(self) -> AuditEntry {
        AuditEntry {
            seq: self.seq,
            at: timestamp(self.at),
            who: self.actor,
            what: self.what.into(),
            object: self.object.map(Into::into),
            row: self.row_id.map(OutboxId),
            from: self.from.as_deref().and_then(IntentState::parse),
            to: self.to.as_deref().and_then(IntentState::parse),
            detail: self.detail.map(Into::into),
            hash: hex(&self.hash),
        }
    }
}

/// The last entry's number and hash; number 0 before the first.
pub(super) fn tail(connection: &Connection, identity: &str) -> Result<(i64, Vec<u8>), OutboxError> {
    Ok(connection
        .query_row("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?
        .unwrap_or_else(|| (0, genesis(identity))))
}

/// The entries since then, oldest first, at most `limit` of the newest.
pub(super) fn show(connection: &Connection, since: Option<i64>, limit: usize) -> Result<Vec<AuditEntry>, OutboxError> {
    let mut statement = connection.prepare(&format!("SELECT {COLUMNS} FROM audit WHERE at >= ?1 ORDER BY seq DESC LIMIT ?2"))?;
    let found = statement.query_map(
        params![since.unwrap_or(i64::MIN), i64::try_from(limit).unwrap_or(i64::MAX)],
        Record::read,
    )?;
    let mut entries = Vec::new();
    for record in found {
        if let Ok(record) = record? {
            entries.push(record.into_entry());
        }
    }
    entries.reverse();
    Ok(entries)
}

/// Walks the whole chain, and holds the rows against it. The anchor must have been read before.
pub(super) fn verify(connection: &Connection, identity: &str, anchor: Option<&Anchor>) -> Result<AuditReport, OutboxError> {
    /// Beyond this the file is not worth reading on.
    const MOST_FINDINGS: usize = 100;
    let snapshot = connection.unchecked_transaction()?; // rows and entries of the same moment; nothing is written
    let mut account = Account::of(&snapshot)?;
    let mut statement = snapshot.prepare(&format!("SELECT {COLUMNS} FROM audit ORDER BY seq"))?;
    let mut rows = statement.query([])?;
    let mut report = AuditReport {
        entries: 0,
        last: 0,
        after_anchor: 0,
        findings: Vec::new(),
    };
    let mut previous = Some(genesis(identity));
    while let Some(row) = rows.next()? {
        report.entries += 1;
        let (seq, record) = match Record::read(row)? {
            Ok(record) => (record.seq, Some(record)),
            Err(seq) => (seq, None),
        };
        let gap = seq != report.last + 1;
        if gap {
            report.findings.push(AuditFinding::Removed {
                after: report.last,
                before: seq,
            });
        }
        match &record {
            Some(record) if record.hash == record.hash_of() => {
                if !gap && previous.as_ref().is_some_and(|previous| *previous != record.prev_hash) {
                    report.findings.push(AuditFinding::Reordered { seq });
                }
                if anchor.is_some_and(|anchor| anchor.seq == seq && anchor.hash != hex(&record.hash)) {
                    report.findings.push(AuditFinding::Rewritten { seq });
                }
                if record.what == LOST {
                    report.findings.push(AuditFinding::Lost {
                        seq,
                        detail: record.detail.clone().unwrap_or_default(),
                    });
                }
                account.take(record);
                previous = Some(record.hash.clone());
            }
            _ => {
                report.findings.push(AuditFinding::Altered { seq });
                // what follows is compared with what this one claims to be, so that one edit is one finding
                previous = record.map(|record| record.hash);
            }
        }
        report.last = seq;
        if report.findings.len() >= MOST_FINDINGS {
            break;
        }
    }
    if report.findings.iter().all(|finding| matches!(finding, AuditFinding::Lost { .. })) {
        report.findings.extend(account.findings());
        report.findings.truncate(MOST_FINDINGS);
    }
    match anchor {
        Some(anchor) if anchor.seq > report.last => report.findings.push(AuditFinding::CutTail {
            last: report.last,
            anchor: anchor.seq,
        }),
        Some(anchor) => report.after_anchor = report.last - anchor.seq,
        None if report.entries > 0 => report.findings.push(AuditFinding::NoAnchor),
        None => {}
    }
    Ok(report)
}
