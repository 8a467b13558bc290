//! A store that cannot be written. These look inside, because a test cannot fill a disk: SQLite's own limits stand in for it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

use super::{Actor, Deliver, OpenOptions, Outbox, OutboxError, Policy, Receipt, RowFilter, Sender, Sent, Shipment, Submission, Verified};
use crate::domain::{AlertId, Intent, IntentState, Service, Target};

fn target() -> Target {
    Target {
        service: Service::Monitor,
        profile: "p".into(),
        origin: "https://m:443".into(),
    }
}

fn note(alert: &str, bytes: usize) -> Submission {
    Submission {
        intent: Intent::Acknowledge {
            alert: AlertId::new(alert),
            by: "op".into(),
            notes: Some("x".repeat(bytes)),
            over: None,
        },
        target: target(),
        grace: Duration::ZERO,
    }
}

async fn open(folder: &Path) -> Outbox {
    let encode = |intent: &Intent| serde_json::to_vec(intent).unwrap();
    Outbox::open(folder, OpenOptions::new(encode, Actor::default())).await.unwrap()
}

async fn pragma(outbox: &Outbox, sql: &'static str) {
    outbox
        .call(move |journal| {
            Ok(journal.connection.query_row(sql, [], |_| Ok(())).or_else(|error| match error {
                rusqlite::Error::QueryReturnedNoRows => Ok(()),
                other => Err(other),
            })?)
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn row_18_a_full_disk_refuses_and_leaves_everything_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await;
    let kept = outbox.submit(note("kept", 10)).await.unwrap();
    pragma(&outbox, "PRAGMA max_page_count = 20").await;
    assert_eq!(outbox.submit(note("big", 200_000)).await.unwrap_err(), OutboxError::DiskFull);
    assert_eq!(outbox.list(RowFilter::default()).await.unwrap(), std::slice::from_ref(&kept));
    assert!(outbox.audit().verify().await.unwrap().is_whole());
    pragma(&outbox, "PRAGMA max_page_count = 100000").await;
    assert_eq!(outbox.submit(note("big", 200_000)).await.unwrap().id.0, kept.id.0 + 1);
}

#[tokio::test]
async fn row_18_a_read_only_store_refuses_and_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await;
    let kept = outbox.submit(note("kept", 10)).await.unwrap();
    pragma(&outbox, "PRAGMA query_only = 1").await;
    assert_eq!(outbox.submit(note("new", 10)).await.unwrap_err(), OutboxError::ReadOnly);
    assert_eq!(outbox.cancel(kept.id).await.unwrap_err(), OutboxError::ReadOnly);
    assert_eq!(outbox.list(RowFilter::default()).await.unwrap(), [kept]);
}

/// Confirms when it is told to, and counts.
#[derive(Default)]
struct Slow {
    sent: AtomicUsize,
    arrived: Notify,
    answer: Notify,
}

impl Deliver for Slow {
    async fn send(&self, _shipment: &Shipment) -> Sent {
        self.sent.fetch_add(1, Ordering::SeqCst);
        self.arrived.notify_one();
        self.answer.notified().await;
        Sent::Delivered(Receipt::default())
    }

    async fn verify(&self, _shipment: &Shipment) -> Verified {
        Verified::Absent
    }
}

#[tokio::test(start_paused = true)]
async fn row_18_nothing_is_sent_that_could_not_be_committed_before() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await;
    let server = Arc::new(Slow::default());
    let sender = Sender::new(outbox.clone(), Arc::clone(&server), vec![target()], Policy::default());
    let mut status = sender.control().status();
    let task = tokio::spawn(sender.run(std::future::pending()));
    status.wait_for(|status| status.role == super::Role::Sending).await.unwrap();
    let row = outbox.submit(note("a", 10)).await.unwrap();
    pragma(&outbox, "PRAGMA query_only = 1").await;
    // whichever was quicker: if the attempt was committed before, it may be under way
    while status.borrow().fault.is_none() && server.sent.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await; // on the paused clock
    }
    let sent = server.sent.load(Ordering::SeqCst);
    let attempts = outbox.attempts(row.id).await.unwrap().len();
    assert!(sent <= attempts, "{sent} sent, {attempts} committed");
    pragma(&outbox, "PRAGMA query_only = 0").await;
    server.answer.notify_one();
    assert_eq!(outbox.drain(Duration::from_secs(60)).await.unwrap().delivered, 1);
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn row_18_an_answer_that_cannot_be_written_is_kept_until_it_can() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await;
    let server = Arc::new(Slow::default());
    let sender = Sender::new(outbox.clone(), Arc::clone(&server), vec![target()], Policy::default());
    let task = tokio::spawn(sender.run(std::future::pending()));
    let row = outbox.submit(note("a", 10)).await.unwrap();
    server.arrived.notified().await;
    pragma(&outbox, "PRAGMA query_only = 1").await;
    server.answer.notify_one();
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(outbox.row(row.id).await.unwrap().state, IntentState::Sending);
    pragma(&outbox, "PRAGMA query_only = 0").await;
    let rows = outbox.wait_settled(&[row.id], Duration::from_secs(60)).await.unwrap();
    assert_eq!((rows[0].state, server.sent.load(Ordering::SeqCst)), (IntentState::Delivered, 1));
    task.abort();
}
