//! Row 22: ten thousand queued rows. What is counted is work, not time: commits, and the steps of SQLite's machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use super::{Actor, Deliver, OpenOptions, Outbox, Policy, Receipt, RowFilter, Sender, Sent, Shipment, Submission, Verified};
use crate::domain::{AlertId, Intent, Service, Target};

const MANY: usize = 10_000;

fn target() -> Target {
    Target {
        service: Service::Monitor,
        profile: "p".into(),
        origin: "https://m:443".into(),
    }
}

fn note(number: usize) -> Submission {
    Submission {
        intent: Intent::Acknowledge {
            alert: AlertId::new(format!("alert-{number}")),
            by: "op".into(),
            notes: None,
            over: None,
        },
        target: target(),
        grace: Duration::ZERO,
    }
}

/// Where there is a file system in memory, the twenty thousand commits need not wait for a disk.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

async fn open(folder: &std::path::Path) -> Outbox {
    let encode = |intent: &Intent| serde_json::to_vec(intent).unwrap();
    Outbox::open(folder, OpenOptions::new(encode, Actor::default())).await.unwrap()
}

/// Counts the steps of SQLite's machine by the thousand, and commits.
#[derive(Clone, Default)]
struct Meter {
    thousands: Arc<AtomicU64>,
    commits: Arc<AtomicI64>,
}

impl Meter {
    async fn on(outbox: &Outbox) -> Self {
        let meter = Self::default();
        let (thousands, commits) = (Arc::clone(&meter.thousands), Arc::clone(&meter.commits));
        outbox
            .call(move |journal| {
                journal.connection.progress_handler(
                    1_000,
                    Some(move || {
                        thousands.fetch_add(1, Ordering::Relaxed);
                        false
                    }),
                )?;
                journal.connection.commit_hook(Some(move || {
                    commits.fetch_add(1, Ordering::Relaxed);
                    false
                }))?;
                Ok(())
            })
            .await
            .unwrap();
        meter
    }

    /// Thousands of steps and commits since the last time.
    fn read(&self) -> (u64, i64) {
        (self.thousands.swap(0, Ordering::Relaxed), self.commits.swap(0, Ordering::Relaxed))
    }
}

/// Fills it in one transaction, by the same way that a single intent takes.
async fn fill(outbox: &Outbox, numbers: std::ops::Range<usize>) {
    outbox
        .call(move |journal| {
            journal.write(|write| {
                for number in numbers {
                    write.accept(&note(number), "submit")?;
                }
                Ok(())
            })
        })
        .await
        .unwrap();
}

/// Confirms everything and counts.
#[derive(Default)]
struct Counter {
    sent: AtomicU64,
    looked: AtomicU64,
}

impl Deliver for Counter {
    async fn send(&self, _shipment: &Shipment) -> Sent {
        self.sent.fetch_add(1, Ordering::Relaxed);
        Sent::Delivered(Receipt::default())
    }

    async fn verify(&self, _shipment: &Shipment) -> Verified {
        self.looked.fetch_add(1, Ordering::Relaxed);
        Verified::Absent
    }
}

#[tokio::test]
async fn row_22_with_ten_thousand_rows_each_act_costs_what_it_must() {
    let folder = folder();
    let outbox = open(folder.path()).await;
    fill(&outbox, 0..MANY).await;
    let meter = Meter::on(&outbox).await;
    // one more costs the same as the first one, and a second press of a key no commit of a row
    for number in MANY..MANY + 10 {
        outbox.submit(note(number)).await.unwrap();
    }
    let (steps, commits) = meter.read();
    assert!(
        steps <= 10 && commits == 10,
        "ten submits: {steps} thousand steps, {commits} commits"
    );
    // so does a question of those that are asked at each change
    for _ in 0..10 {
        outbox.oldest_open().await.unwrap();
        outbox.row(crate::domain::OutboxId(7)).await.unwrap();
        outbox.lanes().await.unwrap();
    }
    let (steps, commits) = meter.read();
    assert!(steps <= 10 && commits == 0, "thirty questions: {steps} thousand steps");
    // a list costs its rows, a short list a few
    assert_eq!(outbox.list(RowFilter::open()).await.unwrap().len(), MANY + 10);
    let (steps, _) = meter.read();
    assert!(steps <= 100 * MANY as u64 / 1_000, "the whole list: {steps} thousand steps");
    let few = RowFilter {
        newest_first: true,
        limit: Some(20),
        ..RowFilter::default()
    };
    assert_eq!(outbox.list(few).await.unwrap().len(), 20);
    let (steps, _) = meter.read();
    assert!(steps <= 10, "the newest twenty: {steps} thousand steps");
    outbox.counts().await.unwrap();
    let (steps, _) = meter.read();
    assert!(steps <= 100 * MANY as u64 / 1_000, "the counts: {steps} thousand steps");
    drop(outbox);
    let users = std::fs::File::open(folder.path().join("users.lock")).unwrap();
    tokio::task::spawn_blocking(move || rustix::fs::flock(&users, rustix::fs::FlockOperation::LockExclusive).unwrap())
        .await
        .unwrap(); // a command that still runs for the handle holds it
    // opened again: everything is there, and nothing of it had to be written
    let outbox = open(folder.path()).await;
    assert_eq!((outbox.recovered().len(), outbox.recovery()), (MANY + 10, None));
    let entries = outbox.audit().show(None, 1).await.unwrap();
    assert_eq!(entries.last().unwrap().what.raw(), "submit", "opening writes nothing");
}

#[tokio::test(start_paused = true)]
async fn row_22_ten_thousand_rows_drain_with_one_request_and_two_commits_each() {
    let folder = folder();
    let outbox = open(folder.path()).await;
    fill(&outbox, 0..MANY).await;
    let meter = Meter::on(&outbox).await;
    let server = Arc::new(Counter::default());
    let policy = Policy {
        seed: Some(22),
        ..Policy::default()
    };
    let sender = Sender::new(outbox.clone(), Arc::clone(&server), vec![target()], policy);
    let task = tokio::spawn(sender.run(std::future::pending()));
    let counts = outbox.drain(Duration::from_secs(3600)).await.unwrap();
    task.abort();
    assert_eq!((counts.open(), counts.delivered), (0, MANY as u64));
    let many = MANY as u64;
    let requests = (server.sent.load(Ordering::Relaxed), server.looked.load(Ordering::Relaxed));
    assert_eq!(requests, (many, 0));
    let (steps, commits) = meter.read();
    // `sending`, and how it ended; the take-over, the trimming of the history
    let extra = commits - 2 * i64::try_from(MANY).unwrap();
    assert!((1..=60).contains(&extra), "{commits} commits");
    assert!(steps < 3 * many, "{steps} thousand steps for {many} rows");
}
