//! What people do: submit, cancel, retry, replace.

use rusqlite::{OptionalExtension as _, params};

use super::clock::duration_millis;
use super::journal::{Journal, REPAIRED, Write, meta};
use super::stored::{COLUMNS, Stored};
use super::{OutboxError, Submission, crash};
use crate::domain::{ARRIVED_ALL_THE_SAME, Intent, IntentState, OutboxId, OutboxRow, hex};

const OPEN: &str = "state IN ('queued', 'sending', 'in_doubt')";

impl Journal {
    /// Commits an intent, or answers the row that already asks the same of the same object.
    pub(super) fn submit(&mut self, submission: &Submission) -> Result<OutboxRow, OutboxError> {
        self.require_space()?;
        let row = self.write(|write| {
            let row = write.accept(submission, "submit")?;
            crash::point("submit-commit");
            Ok(row)
        })?;
        crash::point("submit-committed");
        Ok(row)
    }

    /// Takes a row back that has not been sent.
    pub(super) fn cancel(&mut self, id: OutboxId) -> Result<OutboxRow, OutboxError> {
        self.write(|write| {
            // a damaged row may be ended by a person, and by nothing else
            let mut stored = write.any(id)?;
            write.end(&mut stored, "cancel", None)?;
            shown(&stored)
        })
    }

    /// Sends a parked row again, or a waiting one now. One of which an earlier attempt may have arrived is looked up first.
    pub(super) fn retry(&mut self, id: OutboxId) -> Result<OutboxRow, OutboxError> {
        self.write(|write| {
            let (mut stored, state) = write.sound(id)?;
            stored.not_before = write.now;
            stored.wait_ms = 0;
            match state {
                IntentState::Parked => {
                    let doubtful = write.may_have_arrived(&stored)?;
                    let to = if doubtful { IntentState::InDoubt } else { IntentState::Queued };
                    stored.detail = doubtful.then(|| format!("an earlier attempt may have arrived; {}", stored.next_of_doubt()));
                    write.transit(&mut stored, to, "retry")?;
                }
                IntentState::Queued | IntentState::InDoubt => {
                    write.save(&mut stored)?;
                    write.audit("retry", Some(&stored), (Some(state), Some(state)), None)?;
                }
                IntentState::Sending | IntentState::Delivered | IntentState::Superseded | IntentState::Cancelled => {
                    return Err(OutboxError::State {
                        id,
                        state,
                        rule: "only a parked or waiting row can be sent again",
                    });
                }
            }
            shown(&stored)
        })
    }

    /// Ends a row and commits an edited one in its place, in one transaction.
    pub(super) fn replace(&mut self, id: OutboxId, submission: &Submission) -> Result<OutboxRow, OutboxError> {
        self.require_space()?;
        self.write(|write| {
            let mut stored = write.any(id)?;
            let anew = serde_json::to_string(&submission.intent).is_ok_and(|intent| intent == stored.intent);
            let why = if anew {
                "asked anew in a row of its own"
            } else {
                "replaced by an edited one"
            };
            write.end(&mut stored, "replace", Some(why))?;
            write.accept(submission, "submit")
        })
    }

    fn require_space(&self) -> Result<(), OutboxError> {
        const MIB: u64 = 1024 * 1024;
        let needed = self.options.limits.free_bytes;
        let free = self.directory.free_bytes()?;
        if free < needed {
            return Err(OutboxError::DiskLow {
                free_mib: free / MIB,
                needed_mib: needed / MIB,
            });
        }
        Ok(())
    }

    /// Forgets ended rows beyond the history's bounds; the audit keeps all. Answers how many.
    pub(super) fn trim(&mut self) -> Result<u64, OutboxError> {
        const ENDED: &str = "state IN ('delivered', 'superseded', 'cancelled')";
        let limits = self.options.limits;
        let oldest = self
            .options
            .clock
            .millis()
            .saturating_sub(i64::from(limits.ended_days).saturating_mul(86_400_000));
        let kept = i64::try_from(limits.ended_rows).unwrap_or(i64::MAX);
        self.ended_since_trim = 0;
        let doomed = format!(
            "SELECT id FROM intent WHERE {ENDED} AND (updated_at < ?1 OR id <= \
             coalesce((SELECT id FROM intent WHERE {ENDED} ORDER BY id DESC LIMIT 1 OFFSET ?2), 0))"
        );
        let any: Option<i64> = self
            .connection
            .query_row(&format!("{doomed} LIMIT 1"), params![oldest, kept], |row| row.get(0))
            .optional()?;
        if any.is_none() {
            return Ok(0);
        }
        self.write(|write| {
            write
                .transaction
                .execute(&format!("DELETE FROM attempt WHERE row_id IN ({doomed})"), params![oldest, kept])?;
            let gone = write
                .transaction
                .execute(&format!("DELETE FROM intent WHERE id IN ({doomed})"), params![oldest, kept])?;
            crash::point("trim-commit");
            write.audit(
                super::audit::TRIMMED,
                None,
                (None, None),
                Some(format!("{gone} ended rows left the history")),
            )?;
            Ok(gone as u64)
        })
    }
}

impl Write<'_> {
    pub(super) fn accept(&mut self, submission: &Submission, what: &str) -> Result<OutboxRow, OutboxError> {
        let max = self.options.limits.body_bytes;
        let intent = serde_json::to_string(&submission.intent).map_err(|error| OutboxError::Store(error.to_string()))?;
        let body = (self.options.encode)(&submission.intent);
        let bytes = body.len().max(intent.len());
        if bytes > max {
            return Err(OutboxError::TooLarge { bytes, max });
        }
        let target = &submission.target;
        let wait_ms = duration_millis(submission.grace);
        let mut stored = Stored {
            id: 0,
            created_at: self.now,
            kind: submission.intent.verb().to_owned(),
            intent,
            object: submission.intent.object().0,
            service: target.service.as_str().to_owned(),
            profile: target.profile.clone(),
            origin: target.origin.clone(),
            body,
            row_hash: Vec::new(),
            state: IntentState::Queued.as_str().to_owned(),
            attempts: 0,
            first_sent_at: None,
            updated_at: self.now,
            not_before: self.now.saturating_add(wait_ms),
            wait_ms,
            detail: None,
            superseded_by: None,
            wonum: None,
            owner_epoch: 0,
            changed: 0,
            seal: Vec::new(),
        };
        if let Some(same) = self.same_as(&stored)? {
            return shown(&same);
        }
        stored.id = super::journal::last_id(&self.transaction)? + 1;
        self.require_room(stored.id)?;
        stored.row_hash = stored.row_hash_of(self.identity);
        stored.changed = self.next_change()?;
        stored.seal = stored.seal_of();
        stored.insert(&self.transaction)?;
        let detail = format!(
            "{} for {} of {} at {}, body sha256 {}",
            stored.kind,
            stored.service,
            stored.profile,
            stored.origin,
            sha256(&stored.body)
        );
        self.audit(what, Some(&stored), (None, Some(IntentState::Queued)), Some(detail))?;
        shown(&stored)
    }

    /// Refuses a row beyond the limit. Counted only where the numbers given since the oldest open row could reach it.
    fn require_room(&self, next_id: i64) -> Result<(), OutboxError> {
        let most = self.options.limits.open_rows;
        let Some(oldest) = super::listing::oldest_open_id(&self.transaction)? else {
            return if most == 0 { Err(OutboxError::TooMany { open: 0 }) } else { Ok(()) };
        };
        if u64::try_from(next_id - oldest).is_ok_and(|span| span < most) {
            return Ok(());
        }
        let open: i64 = self
            .transaction
            .query_row(&format!("SELECT count(*) FROM intent WHERE {OPEN}"), [], |row| row.get(0))?;
        let open = u64::try_from(open).unwrap_or_default();
        if open >= most {
            return Err(OutboxError::TooMany { open });
        }
        Ok(())
    }

    /// Whether one of the attempts of a row may have reached the server: it has no known end, or an end in doubt. In a
    /// database that was repaired the attempts of that time do not tell.
    pub(super) fn may_have_arrived(&self, stored: &Stored) -> Result<bool, OutboxError> {
        let repaired = meta(&self.transaction, REPAIRED)?;
        if repaired > 0 && stored.owner_epoch <= repaired {
            return Ok(true);
        }
        Ok(self.transaction.query_row(
            "SELECT EXISTS (SELECT 1 FROM attempt WHERE row_id = ?1 AND (outcome IS NULL OR outcome = 'in_doubt'))",
            [stored.id],
            |row| row.get(0),
        )?)
    }

    /// The newest open row of the object, if it asks the same: a double key press. An older one does not count,
    /// since what was asked in between would otherwise have the last word. What messages from outside ask is told apart by
    /// their ids: each has a row of its own, by which it is known when it comes again.
    fn same_as(&self, wanted: &Stored) -> Result<Option<Stored>, OutboxError> {
        let newest = self
            .transaction
            .query_row(
                &format!(
                    "SELECT {COLUMNS} FROM intent WHERE service = ?1 AND profile = ?2 AND origin = ?3 AND object = ?4 AND {OPEN} \
                     ORDER BY id DESC LIMIT 1"
                ),
                params![wanted.service, wanted.profile, wanted.origin, wanted.object],
                Stored::read,
            )
            .optional()?;
        Ok(match newest {
            Some(Ok(newest))
                if newest.kind == wanted.kind
                    && newest.body == wanted.body
                    && beyond_bytes(&newest) == beyond_bytes(wanted)
                    && newest.is_sealed(self.identity) =>
            {
                Some(newest)
            }
            _ => None,
        })
    }

    fn any(&self, id: OutboxId) -> Result<Stored, OutboxError> {
        Stored::get(&self.transaction, id.0)?
            .ok_or(OutboxError::NotFound(id))?
            .map_err(|_| OutboxError::DamagedRow(id))
    }

    /// Ends a row that has not been sent, or is parked.
    fn end(&mut self, stored: &mut Stored, what: &str, detail: Option<&str>) -> Result<(), OutboxError> {
        let id = OutboxId(stored.id);
        let state = stored.state().ok_or(OutboxError::DamagedRow(id))?;
        let rule = match state {
            IntentState::Queued | IntentState::Parked => {
                // of a parked one an earlier attempt may have arrived: it is taken out of our hands, not undone
                let arrived = (state == IntentState::Parked && self.may_have_arrived(stored)?).then_some(ARRIVED_ALL_THE_SAME);
                let words: Vec<&str> = detail.into_iter().chain(arrived).collect();
                if !words.is_empty() {
                    stored.detail = Some(words.join("; "));
                }
                return self.transit(stored, IntentState::Cancelled, what);
            }
            IntentState::Sending => "it is on its way; there is no reverse call",
            IntentState::InDoubt => "it may have arrived and is being looked up",
            IntentState::Delivered => "it has been delivered; there is no reverse call",
            IntentState::Superseded => "somebody else was there first, nothing is left to take back",
            IntentState::Cancelled => "it has already been taken back",
        };
        Err(OutboxError::State { id, state, rule })
    }
}

/// What tells two wishes apart though the same bytes are sent: the message that asked, and whom it takes an alert over from.
fn beyond_bytes(stored: &Stored) -> Option<(Option<String>, Option<String>)> {
    let intent: Intent = serde_json::from_str(&stored.intent).ok()?;
    let message = intent.message().map(str::to_owned);
    match intent {
        Intent::Acknowledge { over, .. } => Some((message, over)),
        _ => Some((message, None)),
    }
}

fn shown(stored: &Stored) -> Result<OutboxRow, OutboxError> {
    stored.to_row().ok_or(OutboxError::DamagedRow(OutboxId(stored.id)))
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest as _, Sha256};
    hex(&Sha256::digest(bytes))
}
