//! The handle that everyone holds: asynchronous, cheap to clone.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Mutex, broadcast, watch};

use super::charge::Charge;
use super::custody::{Begun, Entry, Outcome, Tenure};
use super::directory::Directory;
use super::journal::Journal;
use super::opening::{self, Opened};
use super::{Attempt, AuditEntry, AuditReport, Counts, DamagedRow, Lane, OpenOptions, OutboxError, Recovery, RowFilter, Submission, audit};
use crate::domain::{ObjectKey, OutboxId, OutboxRow, Target};

/// Changes that a slow listener may fall behind; then it is told that it missed some and lists anew.
const CHANGES_KEPT: usize = 1024;

/// The outbox of one directory.
///
/// Commands run one after the other on tokio's blocking threads, never on the caller's; each caller has one command at
/// a time, so that what waits is bounded by the callers. (Not on a thread of its own: tokio's paused clock waits for
/// blocking tasks, and would run ahead of a foreign thread.)
#[derive(Clone)]
pub struct Outbox {
    inner: Arc<Inner>,
}

struct Inner {
    journal: Arc<Mutex<Journal>>,
    changes: broadcast::Sender<OutboxRow>,
    /// Counts up with every change, whoever made it.
    version: watch::Sender<u64>,
    directory: Directory,
    recovery: Option<Recovery>,
    recovered: Vec<OutboxRow>,
}

impl std::fmt::Debug for Outbox {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Outbox").finish_non_exhaustive()
    }
}

impl Outbox {
    /// Opens or creates the outbox of a directory, and repairs what the last run left behind.
    pub async fn open(directory: &Path, options: OpenOptions) -> Result<Self, OutboxError> {
        let directory = directory.to_owned();
        let poll_interval = options.poll_interval;
        let opened = tokio::task::spawn_blocking(move || opening::open(&directory, options))
            .await
            .map_err(|_| OutboxError::Closed)??;
        let Opened {
            journal,
            recovery,
            recovered,
        } = opened;
        let inner = Arc::new(Inner {
            directory: journal.directory.clone(),
            journal: Arc::new(Mutex::new(journal)),
            changes: broadcast::Sender::new(CHANGES_KEPT),
            version: watch::Sender::new(0),
            recovery,
            recovered,
        });
        tokio::spawn(watch_others(Arc::downgrade(&inner), poll_interval));
        Ok(Self { inner })
    }

    /// Commits an intent. It is *queued* when this answers: synced to disk. Where the newest open row of the object asks
    /// for the very same, that row is answered.
    pub async fn submit(&self, submission: Submission) -> Result<OutboxRow, OutboxError> {
        self.call(move |journal| journal.submit(&submission)).await
    }

    /// Rows, by number.
    pub async fn list(&self, filter: RowFilter) -> Result<Vec<OutboxRow>, OutboxError> {
        self.call(move |journal| journal.list(&filter)).await
    }

    /// One row.
    pub async fn row(&self, id: OutboxId) -> Result<OutboxRow, OutboxError> {
        self.call(move |journal| journal.row(id)).await
    }

    /// The attempts of a row, in order.
    pub async fn attempts(&self, id: OutboxId) -> Result<Vec<Attempt>, OutboxError> {
        self.call(move |journal| journal.attempts_of(id)).await
    }

    /// Takes back a row that has not been sent, or is parked.
    pub async fn cancel(&self, id: OutboxId) -> Result<OutboxRow, OutboxError> {
        self.call(move |journal| journal.cancel(id)).await
    }

    /// Rows that can no longer be read: no list of rows has them, and only a person ends them.
    pub async fn damaged(&self) -> Result<Vec<DamagedRow>, OutboxError> {
        self.call(|journal| journal.damaged()).await
    }

    /// Ends a row that can no longer be read.
    pub async fn end_damaged(&self, id: OutboxId) -> Result<DamagedRow, OutboxError> {
        self.call(move |journal| journal.end_damaged(id)).await
    }

    /// Sends a parked row again, or a waiting one now.
    pub async fn retry(&self, id: OutboxId) -> Result<OutboxRow, OutboxError> {
        self.call(move |journal| journal.retry(id)).await
    }

    /// Ends a row that is parked or not yet sent, and commits an edited one, both or neither. Answers the new one.
    pub async fn replace(&self, id: OutboxId, submission: Submission) -> Result<OutboxRow, OutboxError> {
        self.call(move |journal| journal.replace(id, &submission)).await
    }

    /// How many rows stand where.
    pub async fn counts(&self) -> Result<Counts, OutboxError> {
        self.call(|journal| journal.counts()).await
    }

    /// When the oldest open row was committed.
    pub async fn oldest_open(&self) -> Result<Option<Timestamp>, OutboxError> {
        self.call(|journal| journal.oldest_open()).await
    }

    /// Targets whose queues wait, and why: paused, not reachable, or not configured here.
    pub async fn lanes(&self) -> Result<Vec<Lane>, OutboxError> {
        self.call(|journal| journal.lanes()).await
    }

    /// Forgets ended rows beyond the history's bounds, which also happens by itself. Answers how many.
    pub async fn trim(&self) -> Result<u64, OutboxError> {
        self.call(Journal::trim).await
    }

    /// Every change of a row from now on, by this or any other process. A listener that falls far behind is told so
    /// (`RecvError::Lagged`) and should list anew.
    pub fn changes(&self) -> broadcast::Receiver<OutboxRow> {
        self.inner.changes.subscribe()
    }

    /// Rows that an earlier run left open, as they were found at the start.
    pub fn recovered(&self) -> Vec<OutboxRow> {
        self.inner.recovered.clone()
    }

    /// What was repaired at the start, if anything.
    pub fn recovery(&self) -> Option<&Recovery> {
        self.inner.recovery.as_ref()
    }

    /// Waits until none of the rows is open any more, at most so long. Answers them as they then stand.
    pub async fn wait_settled(&self, ids: &[OutboxId], timeout: Duration) -> Result<Vec<OutboxRow>, OutboxError> {
        let mut version = self.inner.version.subscribe();
        let settled = async {
            loop {
                version.borrow_and_update();
                let rows = self.rows(ids).await?;
                if rows.iter().all(|row| !row.state.is_open()) || version.changed().await.is_err() {
                    return Ok(rows);
                }
            }
        };
        match tokio::time::timeout(timeout, settled).await {
            Ok(rows) => rows,
            Err(_) => self.rows(ids).await,
        }
    }

    /// Waits until nothing is open any more, at most so long. Answers how the rows then stand.
    pub async fn drain(&self, timeout: Duration) -> Result<Counts, OutboxError> {
        let mut version = self.inner.version.subscribe();
        let drained = async {
            loop {
                version.borrow_and_update();
                // cheap, since it is asked at every change; the counts are not
                if self.oldest_open().await?.is_none() || version.changed().await.is_err() {
                    return self.counts().await;
                }
            }
        };
        match tokio::time::timeout(timeout, drained).await {
            Ok(counts) => counts,
            Err(_) => self.counts().await,
        }
    }

    /// Who did what.
    pub fn audit(&self) -> Audit {
        Audit { outbox: self.clone() }
    }

    async fn rows(&self, ids: &[OutboxId]) -> Result<Vec<OutboxRow>, OutboxError> {
        let ids = ids.to_owned();
        self.call(move |journal| ids.into_iter().map(|id| journal.row(id)).collect()).await
    }

    /// Runs a command and tells everyone what it changed.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        command: impl FnOnce(&mut Journal) -> Result<T, OutboxError> + Send + 'static,
    ) -> Result<T, OutboxError> {
        self.inner.call(command).await
    }

    pub(super) fn version(&self) -> watch::Receiver<u64> {
        self.inner.version.subscribe()
    }

    pub(super) fn sender_lock(&self, charge: &Charge) -> PathBuf {
        self.inner.directory.sender_lock(&charge.name())
    }

    pub(super) async fn take_over(&self, charges: Arc<[Charge]>) -> Result<Tenure, OutboxError> {
        self.call(move |journal| journal.take_over(&charges)).await
    }

    pub(super) async fn relinquish(&self, tenure: Tenure) -> Result<(), OutboxError> {
        self.call(move |journal| journal.relinquish(&tenure)).await
    }

    pub(super) async fn begin(&self, tenure: Tenure, id: OutboxId) -> Result<Begun, OutboxError> {
        self.call(move |journal| journal.begin(&tenure, id)).await
    }

    pub(super) async fn shipment(&self, tenure: Tenure, id: OutboxId) -> Result<Begun, OutboxError> {
        self.call(move |journal| journal.shipment(&tenure, id)).await
    }

    pub(super) async fn asked_again(&self, id: OutboxId) -> Result<bool, OutboxError> {
        self.call(move |journal| journal.asked_again(id)).await
    }

    pub(super) async fn conclude(&self, tenure: Tenure, id: OutboxId, what: &'static str, outcome: Outcome) -> Result<(), OutboxError> {
        self.call(move |journal| journal.conclude(&tenure, id, what, &outcome)).await
    }

    pub(super) async fn explain(&self, tenure: Tenure, target: Target, reason: Option<String>) -> Result<(), OutboxError> {
        self.call(move |journal| journal.explain(&tenure, &target, reason.as_deref())).await
    }

    pub(super) async fn entries(&self, since: i64) -> Result<Vec<Entry>, OutboxError> {
        self.call(move |journal| journal.entries(since)).await
    }
}

impl Inner {
    async fn call<T: Send + 'static>(
        &self,
        command: impl FnOnce(&mut Journal) -> Result<T, OutboxError> + Send + 'static,
    ) -> Result<T, OutboxError> {
        let mut journal = Arc::clone(&self.journal).lock_owned().await;
        let (changes, version) = (self.changes.clone(), self.version.clone());
        // once begun it runs to its end, even if the caller is dropped: a commit is never half known
        tokio::task::spawn_blocking(move || {
            let told = journal.told;
            let value = command(&mut journal);
            match journal.changed_rows() {
                Ok(rows) => {
                    for row in rows {
                        let _ = changes.send(row); // nobody listens: fine
                    }
                }
                Err(error) => tracing::warn!(%error, "changes of the outbox could not be read"),
            }
            if journal.told != told {
                version.send_modify(|version| *version += 1);
            }
            value
        })
        .await
        .map_err(|_| OutboxError::Closed)?
    }
}

/// Looks for what other processes committed, until the last handle is gone.
async fn watch_others(inner: Weak<Inner>, interval: Duration) {
    loop {
        tokio::time::sleep(interval).await;
        let Some(inner) = inner.upgrade() else { return };
        if let Err(error) = inner.call(|journal| journal.changed_elsewhere().map(|_| ())).await {
            tracing::warn!(%error, "changes of other processes could not be read");
        }
    }
}

/// The audit of an outbox.
#[derive(Clone, Debug)]
pub struct Audit {
    outbox: Outbox,
}

impl Audit {
    /// Entries since then, oldest first; at most `limit`, the newest of them.
    pub async fn show(&self, since: Option<Timestamp>, limit: usize) -> Result<Vec<AuditEntry>, OutboxError> {
        let since = since.map(Timestamp::as_millisecond);
        self.outbox
            .call(move |journal| audit::show(&journal.connection, since, limit))
            .await
    }

    /// Appends an entry about what is done without a row of the outbox: synced to disk when this answers. `what` is one of the words
    /// of [`AuditEntry::what`].
    pub async fn record(&self, what: &'static str, object: ObjectKey, detail: String) -> Result<(), OutboxError> {
        self.outbox.call(move |journal| journal.record(what, object, detail)).await
    }

    /// Walks the whole chain and compares its end with the anchor.
    pub async fn verify(&self) -> Result<AuditReport, OutboxError> {
        self.outbox
            .call(|journal| {
                // the anchor first: what is committed meanwhile only lies beyond it
                let anchor = journal.anchor.read()?;
                audit::verify(&journal.connection, &journal.identity, anchor.as_ref())
            })
            .await
    }
}
