//! What the sender does to rows. Each write checks its epoch, so that a sender that slept through a take-over writes nothing.

use std::sync::Arc;

use rusqlite::params;

use super::account::UNREADABLE;
use super::charge::Charge;
use super::clock::{duration_millis, timestamp};
use super::journal::{Journal, Write, meta, put_meta};
use super::stored::{COLUMNS, Stored};
use super::{OutboxError, Shipment, crash};
use crate::domain::{IntentState, ObjectKey, OutboxId, Target};

/// A sender's tenure over the rows of its charges. Each charge has one sender at a time, so that two consoles of one
/// account that look at two plants both deliver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tenure {
    /// Its epoch: higher than that of any tenure before it.
    pub(super) epoch: i64,
    /// Whose rows it may touch.
    pub(super) charges: Arc<[Charge]>,
}

/// Under which name `meta` keeps the epoch of a charge's sender.
fn tenure_of(charge: &Charge) -> String {
    format!("tenure {}", charge.name())
}

/// The rows of a charge, as a condition on its parameters.
const OF_CHARGE: &str = "profile = ?1 AND (service NOT IN ('monitor', 'manage')) = ?2";

/// An open row, as the sender plans with it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) id: OutboxId,
    pub(super) target: Target,
    pub(super) object: ObjectKey,
    /// `None` once it is no longer open, or is not to be touched.
    pub(super) state: Option<IntentState>,
    /// Work orders have a transaction id with a life.
    pub(super) is_order: bool,
    pub(super) not_before: i64,
    /// How much of the wait was left by wall time when this was read, never more than the wait itself.
    pub(super) remaining_ms: u64,
    pub(super) changed: i64,
}

/// What `begin` found.
#[derive(Debug)]
pub(super) enum Begun {
    /// The attempt is committed: send it.
    Go(Box<Shipment>),
    /// Meanwhile a person or the damage of the row ended it.
    Gone,
}

/// How an attempt or a look-up ended.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    pub(super) to: IntentState,
    pub(super) detail: Option<String>,
    pub(super) superseded_by: Option<String>,
    pub(super) wonum: Option<String>,
    /// How long it then waits, at most.
    pub(super) wait: std::time::Duration,
    /// The credential was refused: no try of the row's own.
    pub(super) paused: bool,
}

/// What the file says of an attempt whose credential was refused, in place of the state that followed.
const PAUSED: &str = "paused";

/// What a row says whose hash is wrong.
pub(super) const DAMAGED: &str = "the stored row does not match its hash: it is not sent; ask again";

impl Journal {
    /// Begins a new tenure: whatever of its charges was on its way may have arrived.
    pub(super) fn take_over(&mut self, charges: &Arc<[Charge]>) -> Result<Tenure, OutboxError> {
        self.write(|write| {
            let epoch = meta(&write.transaction, "epoch")? + 1;
            put_meta(&write.transaction, "epoch", epoch)?;
            let mut doubtful = 0;
            for charge in charges.iter() {
                put_meta(&write.transaction, &tenure_of(charge), epoch)?;
                write.transaction.execute(
                    &format!("DELETE FROM lane WHERE {OF_CHARGE}"),
                    params![charge.profile, charge.beyond_maximo],
                )?;
                doubtful += write.doubt_sending(Some(charge), "it was on its way when its sender ended")?;
            }
            let names: Vec<String> = charges.iter().map(Charge::shown).collect();
            write.audit(
                "take-over",
                None,
                (None, None),
                Some(format!("sender {epoch} of {}; {doubtful} rows in doubt", names.join(", "))),
            )?;
            crash::point("take-over-commit");
            Ok(Tenure {
                epoch,
                charges: Arc::clone(charges),
            })
        })
    }

    /// Ends a tenure with requests cut off.
    pub(super) fn relinquish(&mut self, tenure: &Tenure) -> Result<(), OutboxError> {
        let sending: i64 = self
            .connection
            .query_row("SELECT count(*) FROM intent WHERE state = 'sending'", [], |row| row.get(0))?;
        if sending == 0 {
            return Ok(());
        }
        self.write(|write| {
            write.require(tenure)?;
            for charge in tenure.charges.iter() {
                write.doubt_sending(Some(charge), "its sender was stopped while it was on its way")?;
            }
            Ok(())
        })
    }

    /// Commits the attempt, before the first byte leaves.
    pub(super) fn begin(&mut self, tenure: &Tenure, id: OutboxId) -> Result<Begun, OutboxError> {
        let begun = self.write(|write| {
            let Some((mut stored, state)) = write.current(tenure, id)? else {
                return Ok(Begun::Gone);
            };
            if !matches!(state, IntentState::Queued | IntentState::InDoubt) {
                return Ok(Begun::Gone);
            }
            let may_have_arrived = state == IntentState::InDoubt || write.may_have_arrived(&stored)?;
            stored.attempts += 1;
            stored.first_sent_at.get_or_insert(write.now);
            stored.owner_epoch = tenure.epoch;
            stored.not_before = write.now;
            stored.wait_ms = 0;
            let Some(shipment) = stored.to_shipment() else {
                return Err(OutboxError::DamagedRow(id));
            };
            write.transit(&mut stored, IntentState::Sending, "begin")?;
            write.transaction.execute(
                "INSERT INTO attempt (row_id, number, owner_epoch, begun_at) VALUES (?1, ?2, ?3, ?4)",
                params![stored.id, stored.attempts, tenure.epoch, write.now],
            )?;
            let mut shipment = shipment;
            shipment.tries = write.tries(stored.id)?;
            shipment.may_have_arrived = may_have_arrived;
            if stored.attempts == 1 {
                shipment.first_sent_at = None; // "if there was one before"
            }
            Ok(Begun::Go(Box::new(shipment)))
        })?;
        crash::point("begin-committed");
        Ok(begun)
    }

    /// Reads a row in doubt for its look-up.
    pub(super) fn shipment(&mut self, tenure: &Tenure, id: OutboxId) -> Result<Begun, OutboxError> {
        self.write(|write| {
            Ok(match write.current(tenure, id)? {
                Some((stored, IntentState::InDoubt)) => match stored.to_shipment() {
                    Some(shipment) => Begun::Go(Box::new(Shipment {
                        tries: write.tries(stored.id)?,
                        may_have_arrived: true,
                        ..shipment
                    })),
                    None => Begun::Gone,
                },
                _ => Begun::Gone,
            })
        })
    }

    /// Commits how it ended. The same state again only renews the words and the wait.
    pub(super) fn conclude(&mut self, tenure: &Tenure, id: OutboxId, what: &str, outcome: &Outcome) -> Result<(), OutboxError> {
        self.write(|write| {
            write.require(tenure)?;
            let (mut stored, state) = write.sound(id)?;
            if !state.is_open() {
                return Ok(()); // a person was quicker
            }
            let wait_ms = duration_millis(outcome.wait);
            stored.not_before = write.now.saturating_add(wait_ms);
            stored.wait_ms = wait_ms;
            stored.detail.clone_from(&outcome.detail);
            stored.superseded_by.clone_from(&outcome.superseded_by);
            stored.wonum.clone_from(&outcome.wonum);
            stored.owner_epoch = tenure.epoch;
            if state == IntentState::Sending {
                let ended = if outcome.paused { PAUSED } else { outcome.to.as_str() };
                write.transaction.execute(
                    "UPDATE attempt SET ended_at = ?3, outcome = ?4, detail = ?5 WHERE row_id = ?1 AND number = ?2",
                    params![stored.id, stored.attempts, write.now, ended, outcome.detail],
                )?;
            }
            if state == outcome.to {
                write.save(&mut stored)?;
            } else {
                write.transit(&mut stored, outcome.to, what)?;
            }
            crash::point("answer-commit");
            Ok(())
        })?;
        crash::point("answer-committed");
        if !outcome.to.is_open() {
            self.ended_since_trim += 1;
            if self.ended_since_trim >= 256 {
                self.trim()?;
            }
        }
        Ok(())
    }

    /// Says why a target's queue waits, or that it no longer does.
    pub(super) fn explain(&mut self, tenure: &Tenure, target: &Target, reason: Option<&str>) -> Result<(), OutboxError> {
        self.write(|write| {
            write.require(tenure)?;
            let service = target.service.as_str();
            match reason {
                None => write.transaction.execute(
                    "DELETE FROM lane WHERE service = ?1 AND profile = ?2 AND origin = ?3",
                    params![service, target.profile, target.origin],
                )?,
                Some(reason) => write.transaction.execute(
                    "INSERT INTO lane (service, profile, origin, reason, since) VALUES (?1, ?2, ?3, ?4, ?5) \
                     ON CONFLICT (service, profile, origin) DO UPDATE SET reason = excluded.reason, since = excluded.since",
                    params![service, target.profile, target.origin, reason, write.now],
                )?,
            };
            Ok(())
        })
    }

    /// Whether a person asked for a row again after its newest attempt began: one more is then theirs to have.
    pub(super) fn asked_again(&self, id: OutboxId) -> Result<bool, OutboxError> {
        Ok(self.connection.query_row(
            "SELECT EXISTS (SELECT 1 FROM audit WHERE row_id = ?1 AND what = 'retry' AND from_state = 'parked' \
             AND seq > coalesce((SELECT max(seq) FROM audit WHERE row_id = ?1 AND what = 'begin'), 0))",
            [id.0],
            |row| row.get(0),
        )?)
    }

    /// Open rows (with `since` 0, by walking the table, so that a damaged index hides nothing), or the rows changed since.
    pub(super) fn entries(&mut self, since: i64) -> Result<Vec<Entry>, OutboxError> {
        let now = self.options.clock.millis();
        let sql = if since == 0 {
            format!(
                "SELECT {COLUMNS} FROM intent NOT INDEXED WHERE state IN ('queued', 'sending', 'in_doubt') AND changed > ?1 ORDER BY id"
            )
        } else {
            format!("SELECT {COLUMNS} FROM intent WHERE changed > ?1 ORDER BY changed")
        };
        let mut statement = self.connection.prepare(&sql)?;
        let mut rows = statement.query([since])?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next()? {
            if let Ok(stored) = Stored::read(row)?
                && let Some(target) = stored.target()
            {
                entries.push(Entry {
                    id: OutboxId(stored.id),
                    target,
                    state: stored.state().filter(|state| state.is_open()),
                    is_order: stored.kind == "work order",
                    not_before: stored.not_before,
                    remaining_ms: u64::try_from(stored.not_before.saturating_sub(now).min(stored.wait_ms)).unwrap_or(0),
                    changed: stored.changed,
                    object: ObjectKey(stored.object),
                });
            }
        }
        Ok(entries)
    }

    /// When this row was first sent, for tests and records.
    pub(super) fn attempts_of(&self, id: OutboxId) -> Result<Vec<super::Attempt>, OutboxError> {
        let mut statement = self
            .connection
            .prepare("SELECT number, begun_at, ended_at, outcome, detail FROM attempt WHERE row_id = ?1 ORDER BY number")?;
        let attempts = statement
            .query_map([id.0], |row| {
                Ok(super::Attempt {
                    number: row.get(0)?,
                    begun_at: timestamp(row.get(1)?),
                    ended_at: row.get::<_, Option<i64>>(2)?.map(timestamp),
                    outcome: row.get::<_, Option<String>>(3)?.as_deref().and_then(|word| match word {
                        PAUSED => Some(IntentState::Queued), // it certainly did not arrive
                        word => IntentState::parse(word),
                    }),
                    detail: row.get::<_, Option<String>>(4)?.map(Into::into),
                })
            })?
            .collect::<Result<_, _>>()?;
        Ok(attempts)
    }
}

impl Write<'_> {
    /// Attempts begun, but for those whose credential was refused.
    fn tries(&self, row: i64) -> Result<u32, OutboxError> {
        Ok(self.transaction.query_row(
            "SELECT count(*) FROM attempt WHERE row_id = ?1 AND (outcome IS NULL OR outcome <> ?2)",
            params![row, PAUSED],
            |row| row.get(0),
        )?)
    }

    /// Only the last one to take over may write; one that lost a single charge has lost all.
    fn require(&self, tenure: &Tenure) -> Result<(), OutboxError> {
        for charge in tenure.charges.iter() {
            if meta(&self.transaction, &tenure_of(charge))? != tenure.epoch {
                return Err(OutboxError::Fenced);
            }
        }
        Ok(())
    }

    /// A sound row and its state; a damaged one is parked here and now.
    fn current(&mut self, tenure: &Tenure, id: OutboxId) -> Result<Option<(Stored, IntentState)>, OutboxError> {
        self.require(tenure)?;
        match self.sound(id) {
            Ok(found) => Ok(Some(found)),
            Err(OutboxError::NotFound(_)) => Ok(None),
            Err(OutboxError::DamagedRow(_)) => {
                self.park_damaged(id)?;
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }

    /// Takes a row whose hash or seal is wrong out of the queue; it stays visible. Where only the seal is wrong, what was
    /// asked is certain and where it stands is not: then it is looked up.
    pub(super) fn park_damaged(&mut self, id: OutboxId) -> Result<(), OutboxError> {
        let Some(Ok(stored)) =
            Stored::get(&self.transaction, id.0)?.filter(|found| found.as_ref().is_ok_and(|row| row.to_shipment().is_some()))
        else {
            // unreadable: only marked, so that it is counted as damaged and nothing waits for it
            self.transaction
                .execute("UPDATE intent SET state = ?2 WHERE id = ?1", params![id.0, UNREADABLE])?;
            return self.append(
                UNREADABLE,
                None,
                Some(id.0),
                (None, None),
                Some(format!("row {id} can no longer be read: kept, never sent")),
            );
        };
        let whole = stored.is_whole(self.identity);
        let (to, why) = match stored.state() {
            _ if !whole => (IntentState::Parked, DAMAGED),
            Some(IntentState::Parked) => (IntentState::Parked, "its state was damaged in the file; a person decides"),
            _ => (IntentState::InDoubt, "its state was damaged in the file: it is looked up"),
        };
        self.force(stored, to, "damaged", why)
    }

    /// Puts a row into a state outside the table of transitions: repairs only.
    pub(super) fn force(&mut self, mut stored: Stored, to: IntentState, what: &str, why: &str) -> Result<(), OutboxError> {
        let from = stored.state();
        to.as_str().clone_into(&mut stored.state);
        stored.updated_at = self.now;
        stored.not_before = self.now;
        stored.wait_ms = 0;
        stored.detail = Some(why.to_owned());
        self.save(&mut stored)?;
        self.audit(what, Some(&stored), (from, Some(to)), Some(why.to_owned()))
    }

    /// What was on its way, of one charge or of all, may have arrived. Answers how many.
    pub(super) fn doubt_sending(&mut self, charge: Option<&Charge>, why: &str) -> Result<usize, OutboxError> {
        let ids: Vec<i64> = {
            let mut statement = self.transaction.prepare(&format!(
                "SELECT id FROM intent NOT INDEXED WHERE state = 'sending' AND (?1 IS NULL OR {OF_CHARGE}) ORDER BY id"
            ))?;
            let (profile, beyond) = charge.map(|charge| (&charge.profile, charge.beyond_maximo)).unzip();
            statement
                .query_map(params![profile, beyond], |row| row.get(0))?
                .collect::<Result<_, _>>()?
        };
        let mut count = 0;
        for id in ids {
            match self.sound(OutboxId(id)) {
                Ok((mut stored, _)) => {
                    stored.detail = Some(format!("{why}; {}", stored.next_of_doubt()));
                    stored.not_before = self.now;
                    stored.wait_ms = 0;
                    self.transit(&mut stored, IntentState::InDoubt, "doubt")?;
                    count += 1;
                }
                Err(OutboxError::DamagedRow(id)) => self.park_damaged(id)?,
                Err(other) => return Err(other),
            }
        }
        Ok(count)
    }
}
