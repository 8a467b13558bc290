//! Which days were reported, and what stands in the outbox for a day: what is to be done with today's sums. Pure but for the store.

use std::collections::BTreeMap;

use jiff::ToSpan as _;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::{Intent, IntentState, OutboxId, OutboxRow};
use crate::integration::{JobError, JobErrorKind, JobStore};

/// Days that are remembered: a year's books and the month after.
const KEPT_DAYS: i32 = 400;

/// A report that the ERP has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Reported {
    pub(super) revision: u32,
    pub(super) report: Map<String, Value>,
}

/// What the ERP has, by line and date.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Memory(BTreeMap<String, BTreeMap<String, Reported>>);

impl Memory {
    pub(super) fn recall(store: &dyn JobStore, profile: &str) -> Result<Self, JobError> {
        let bytes = store.read(&name(profile))?;
        // one that cannot be read costs a report sent once more, which changes nothing at the ERP
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default())
    }

    pub(super) fn keep(&mut self, store: &dyn JobStore, profile: &str, today: Date) -> Result<(), JobError> {
        let oldest = today.saturating_sub(KEPT_DAYS.days()).to_string();
        for days in self.0.values_mut() {
            days.retain(|date, _| *date >= oldest);
        }
        let bytes = serde_json::to_vec(self).map_err(|error| JobError::new(JobErrorKind::Store, error.to_string()))?;
        Ok(store.replace(&name(profile), &bytes)?)
    }

    pub(super) fn get(&self, line: &str, date: &str) -> Option<&Reported> {
        self.0.get(line)?.get(date)
    }

    pub(super) fn set(&mut self, line: &str, date: &str, reported: Reported) {
        self.0.entry(line.to_owned()).or_default().insert(date.to_owned(), reported);
    }
}

fn name(profile: &str) -> String {
    format!("erp-{profile}.json")
}

/// What is to be done with a day's sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The ERP has exactly this.
    Unchanged { revision: u32 },
    /// This is on its way in that row.
    Underway { row: OutboxId, revision: u32 },
    /// The ERP refused exactly this in that row: it is tried once more.
    Again { row: OutboxId, revision: u32 },
    /// Nothing was sent for the day.
    First,
    /// Something else was.
    Correct { revision: u32 },
}

/// Compares a report with the newest row of its day that nobody took back, or with the memory where the outbox has forgotten.
pub(super) fn step(report: &Map<String, Value>, remembered: Option<&Reported>, rows_newest_first: &[OutboxRow]) -> Step {
    let newest = rows_newest_first.iter().find_map(|row| match &row.intent {
        Intent::ReportProduction { revision, report, .. } if row.state != IntentState::Cancelled => Some((row, *revision, report)),
        _ => None,
    });
    match (newest, remembered) {
        (Some((row, revision, sent)), _) if sent == report => match row.state {
            IntentState::Delivered | IntentState::Superseded => Step::Unchanged { revision },
            IntentState::Parked | IntentState::Cancelled => Step::Again { row: row.id, revision },
            IntentState::Queued | IntentState::Sending | IntentState::InDoubt => Step::Underway { row: row.id, revision },
        },
        (Some((_, revision, _)), _) => Step::Correct { revision: revision + 1 },
        (None, Some(reported)) if reported.report == *report => Step::Unchanged {
            revision: reported.revision,
        },
        (None, Some(reported)) => Step::Correct {
            revision: reported.revision + 1,
        },
        (None, None) => Step::First,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::{Service, Target};

    fn report(total: i64) -> Map<String, Value> {
        json!({ "metrics": { "total_output": total } }).as_object().unwrap().clone()
    }

    fn row(id: i64, state: IntentState, revision: u32, total: i64) -> OutboxRow {
        let at = jiff::Timestamp::UNIX_EPOCH;
        OutboxRow {
            id: OutboxId(id),
            intent: Intent::ReportProduction {
                line: "L".into(),
                date: "2026-02-18".into(),
                revision,
                report: report(total),
            },
            target: Target {
                service: Service::Erp,
                profile: "p".into(),
                origin: "https://erp:443".into(),
            },
            state,
            attempts: 0,
            created_at: at,
            updated_at: at,
            not_before: at,
            detail: None,
            superseded_by: None,
            wonum: None,
        }
    }

    #[test]
    fn an_unchanged_day_is_not_sent_twice_and_a_changed_one_is_a_correction() {
        use IntentState::{Cancelled, Delivered, InDoubt, Parked, Queued};
        let known = Reported {
            revision: 2,
            report: report(5),
        };
        for (total, remembered, rows, wanted) in [
            (5, None, vec![], Step::First),
            (5, Some(&known), vec![], Step::Unchanged { revision: 2 }),
            (6, Some(&known), vec![], Step::Correct { revision: 3 }),
            (5, None, vec![row(1, Delivered, 0, 5)], Step::Unchanged { revision: 0 }),
            (
                5,
                None,
                vec![row(1, Queued, 0, 5)],
                Step::Underway {
                    row: OutboxId(1),
                    revision: 0,
                },
            ),
            (
                5,
                None,
                vec![row(1, InDoubt, 0, 5)],
                Step::Underway {
                    row: OutboxId(1),
                    revision: 0,
                },
            ),
            (
                5,
                None,
                vec![row(1, Parked, 0, 5)],
                Step::Again {
                    row: OutboxId(1),
                    revision: 0,
                },
            ),
            (6, None, vec![row(1, Parked, 0, 5)], Step::Correct { revision: 1 }),
            (6, None, vec![row(1, Queued, 0, 5)], Step::Correct { revision: 1 }),
            // corrected back to what it first was: the newest counts
            (
                5,
                None,
                vec![row(2, Delivered, 1, 6), row(1, Delivered, 0, 5)],
                Step::Correct { revision: 2 },
            ),
            (
                5,
                None,
                vec![row(2, Cancelled, 1, 6), row(1, Delivered, 0, 5)],
                Step::Unchanged { revision: 0 },
            ),
            (5, Some(&known), vec![row(9, Cancelled, 0, 5)], Step::Unchanged { revision: 2 }),
        ] {
            assert_eq!(step(&report(total), remembered, &rows), wanted, "{total} {remembered:?} {rows:?}");
        }
    }
}
