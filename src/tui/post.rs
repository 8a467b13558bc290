//! The real journal: the outbox, with the sender of this console where it runs.

use std::future::Future;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{broadcast, watch};

use crate::domain::{AlertId, Intent, IntentState, OutboxId, OutboxRow, Service, Target};
use crate::outbox::{Outbox, OutboxError, RowFilter, SenderControl, Submission};

use super::journal::Journal;

/// Rows that are read at the start.
const ROWS_MAX: usize = 5_000;
/// How far back what is settled is read at the start: two shifts.
const LATELY: SignedDuration = SignedDuration::from_hours(32);
/// Alerts whose orders are followed from the start.
const ORDERED_MAX: usize = 200;

/// The outbox of one profile.
#[derive(Clone, Debug)]
pub struct Post {
    outbox: Outbox,
    profile: String,
    targets: Vec<Target>,
    /// Filled when the sender runs: it needs the credentials first.
    sender: watch::Receiver<Option<SenderControl>>,
}

impl Post {
    /// `targets` are the servers of the profile, to which every intent is bound.
    pub fn new(outbox: Outbox, profile: String, targets: Vec<Target>, sender: watch::Receiver<Option<SenderControl>>) -> Self {
        Self {
            outbox,
            profile,
            targets,
            sender,
        }
    }

    /// Whose it is.
    pub fn profile(&self) -> &str {
        &self.profile
    }

    /// Alerts for which an order was made from here lately: their orders are worth following.
    pub async fn ordered(&self) -> Result<Vec<AlertId>, String> {
        let filter = RowFilter {
            newest_first: true,
            limit: Some(ROWS_MAX),
            ..RowFilter::of([IntentState::Delivered])
        };
        let rows = told(self.outbox.list(filter).await)?;
        let ours = rows
            .iter()
            .filter(|row| self.is_ours(row) && matches!(row.intent, Intent::CreateWorkOrder { .. }));
        Ok(ours.filter_map(|row| row.intent.alert().cloned()).take(ORDERED_MAX).collect())
    }

    fn submission(&self, intent: Intent, grace: Duration) -> Result<Submission, String> {
        let service = intent.service();
        let target = self.targets.iter().find(|target| target.service == service).cloned();
        let target = target.ok_or_else(|| match service {
            Service::Manage => "not queued: this profile has no Manage; add its [manage] section to the configuration".to_owned(),
            Service::Monitor => "not queued: this profile has no Monitor".to_owned(),
            Service::Webhook => "not queued: no file of [bridge].outbound has the webhook of [console.handover]".to_owned(),
            Service::Erp | Service::Lake => "not queued: only the bridge delivers this".to_owned(),
        })?;
        Ok(Submission { intent, target, grace })
    }

    fn control(&self) -> Option<SenderControl> {
        self.sender.borrow().clone()
    }
}

fn told<T>(result: Result<T, OutboxError>) -> Result<T, String> {
    result.map_err(|error| error.to_string())
}

impl Journal for Post {
    async fn submit(&self, intent: Intent, grace: Duration) -> Result<OutboxRow, String> {
        told(self.outbox.submit(self.submission(intent, grace)?).await)
    }

    async fn cancel(&self, id: OutboxId) -> Result<OutboxRow, String> {
        told(self.outbox.cancel(id).await)
    }

    async fn retry(&self, id: OutboxId) -> Result<OutboxRow, String> {
        let row = told(self.outbox.retry(id).await)?;
        if let Some(control) = self.control() {
            control.resume(&row.target).await; // a lane that waits for a person goes on
        }
        Ok(row)
    }

    async fn replace(&self, id: OutboxId, intent: Intent) -> Result<OutboxRow, String> {
        told(self.outbox.replace(id, self.submission(intent, Duration::ZERO)?).await)
    }

    fn changes(&self) -> broadcast::Receiver<OutboxRow> {
        self.outbox.changes()
    }

    fn is_ours(&self, row: &OutboxRow) -> bool {
        self.targets.contains(&row.target)
    }

    async fn current(&self) -> Result<Vec<OutboxRow>, String> {
        let filter = RowFilter {
            limit: Some(ROWS_MAX),
            ..RowFilter::of([IntentState::Queued, IntentState::Sending, IntentState::InDoubt, IntentState::Parked])
        };
        let mut rows = told(self.outbox.list(filter).await)?;
        // What was done lately belongs to the handover, whoever was at the console.
        let lately = RowFilter {
            since: Timestamp::now().checked_sub(LATELY).ok(),
            newest_first: true,
            limit: Some(ROWS_MAX),
            ..RowFilter::of([IntentState::Delivered, IntentState::Superseded, IntentState::Cancelled])
        };
        rows.extend(told(self.outbox.list(lately).await)?);
        rows.sort_by_key(|row| row.id);
        Ok(rows.into_iter().filter(|row| self.is_ours(row)).collect())
    }

    fn release(&self) -> impl Future<Output = ()> + Send {
        let control = self.control();
        async move {
            if let Some(control) = control {
                control.release().await;
            }
        }
    }

    fn acquire(&self) -> impl Future<Output = ()> + Send {
        let control = self.control();
        async move {
            if let Some(control) = control {
                control.acquire().await;
            }
        }
    }
}
