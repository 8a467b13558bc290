//! `kill -9`: a child process that is this test binary again.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use nightdesk::domain::{IntentState, OutboxId};
use nightdesk::outbox::{Deliver, Outbox, Policy, Receipt, RowFilter, Sender, Sent, Shipment, Verified};

use super::support::{manage, note, open, options, target};

const FOLDER: &str = "NIGHTDESK_TEST_OUTBOX_FOLDER";

fn child(role: &str, folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([&format!("outbox::kill::{role}"), "--exact", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// What the child said of itself; the test harness writes there, too, sometimes on the same line.
fn said(line: &str) -> Option<&str> {
    line.split_once("SAID ").map(|(_, rest)| rest)
}

fn say(what: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "SAID {what}").unwrap();
    out.flush().unwrap();
}

fn folder() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}

/// Not a test by itself: submits in a loop and says each number once it is acknowledged.
#[tokio::test]
async fn child_submits() {
    let Some(folder) = folder() else { return };
    let outbox = open(&folder).await;
    for number in 0.. {
        let row = outbox.submit(note(&format!("{}-{number}", std::process::id()), "x")).await.unwrap();
        say(&row.id.0.to_string());
    }
}

#[tokio::test]
async fn whatever_was_acknowledged_is_there_after_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    for round in 0..6 {
        let mut child = child("child_submits", folder.path());
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut lines = lines.map_while(Result::ok);
        // killed right after a line, at another place of the next commit each time; lines already in the pipe count, too
        let mut seen = 0;
        for line in lines.by_ref() {
            acknowledged.extend(said(&line).map(|id| OutboxId(id.parse().unwrap())));
            seen += 1;
            if seen > 5 + 7 * round {
                break;
            }
        }
        child.kill().unwrap();
        for line in lines {
            acknowledged.extend(said(&line).and_then(|id| id.parse().ok()).map(OutboxId));
        }
        child.wait().unwrap();
    }
    assert!(acknowledged.len() > 60);
    let outbox = open(folder.path()).await;
    assert_eq!(outbox.recovery(), None);
    let rows = outbox.list(RowFilter::of([IntentState::Queued])).await.unwrap();
    let there: Vec<_> = rows.iter().map(|row| row.id).collect();
    assert!(acknowledged.iter().all(|id| there.contains(id)), "{acknowledged:?} {there:?}");
    assert!(outbox.audit().verify().await.unwrap().is_whole());
}

/// A server whose ledger is a file: it outlives the client, and its answer may be cut off by the kill.
struct FileServer(PathBuf);

impl FileServer {
    fn lines(&self) -> Vec<String> {
        std::fs::read_to_string(&self.0)
            .unwrap_or_default()
            .lines()
            .map(ToOwned::to_owned)
            .collect()
    }
}

impl Deliver for FileServer {
    async fn send(&self, shipment: &Shipment) -> Sent {
        say("sending");
        let line = format!("{}\n", String::from_utf8(shipment.body.clone()).unwrap());
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(&self.0).unwrap();
        file.write_all(line.as_bytes()).unwrap();
        say("committed");
        tokio::task::yield_now().await;
        Sent::Delivered(Receipt::default())
    }

    async fn verify(&self, shipment: &Shipment) -> Verified {
        say("looked");
        let body = String::from_utf8(shipment.body.clone()).unwrap();
        if self.lines().contains(&body) {
            Verified::Delivered(Receipt::default())
        } else {
            Verified::Absent
        }
    }
}

fn quick() -> Policy {
    Policy {
        request_timeout: Duration::from_millis(5),
        second_look_after: Duration::from_millis(1),
        first_gap: Duration::from_millis(1),
        shortest_gap: Duration::ZERO,
        lock_interval: Duration::from_millis(2),
        ..Policy::default()
    }
}

async fn console(folder: &Path) -> (Outbox, Sender<FileServer>) {
    let mut options = options();
    options.poll_interval = Duration::from_millis(5);
    let outbox = Outbox::open(&folder.join("outbox"), options).await.unwrap();
    let server = Arc::new(FileServer(folder.join("ledger")));
    let sender = Sender::new(outbox.clone(), server, vec![target(), manage()], quick());
    (outbox, sender)
}

/// Not a test by itself: submits and sends, and says each step.
#[tokio::test]
async fn child_sends() {
    let Some(folder) = folder() else { return };
    let (outbox, sender) = console(&folder).await;
    tokio::spawn(sender.run(std::future::pending()));
    for number in 0.. {
        let submission = note(&format!("{}-{number}", std::process::id()), "x");
        let body = String::from_utf8(super::support::encode(&submission.intent)).unwrap();
        let row = outbox.submit(submission).await.unwrap();
        say(&format!("queued {body}"));
        if number % 3 == 0 {
            outbox.wait_settled(&[row.id], Duration::from_secs(60)).await.unwrap();
        }
    }
}

#[tokio::test]
async fn two_consoles_killed_again_and_again_lose_nothing_and_double_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    for round in 0..8_usize {
        let mut children = [child("child_sends", folder.path()), child("child_sends", folder.path())];
        let mut pipes: Vec<_> = children
            .iter_mut()
            .map(|child| BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok))
            .collect();
        // the first one is killed after so many of its steps, the second a few steps later
        for (index, pipe) in pipes.iter_mut().enumerate() {
            for line in pipe.by_ref().take(4 + round * 5 + index * 11) {
                acknowledged.extend(said(&line).and_then(|line| line.strip_prefix("queued ")).map(ToOwned::to_owned));
            }
            children[index].kill().unwrap();
            for line in pipe {
                acknowledged.extend(said(&line).and_then(|line| line.strip_prefix("queued ")).map(ToOwned::to_owned));
            }
            children[index].wait().unwrap();
        }
    }
    let (outbox, sender) = console(folder.path()).await;
    let task = tokio::spawn(sender.run(std::future::pending()));
    let counts = outbox.drain(Duration::from_secs(120)).await.unwrap();
    task.abort();
    assert_eq!((counts.open(), counts.parked), (0, 0), "{counts:?}");
    let mut ledger: BTreeMap<String, usize> = BTreeMap::new();
    for line in FileServer(folder.path().join("ledger")).lines() {
        *ledger.entry(line).or_default() += 1;
    }
    let lost: Vec<_> = acknowledged.iter().filter(|body| !ledger.contains_key(*body)).collect();
    let doubled: Vec<_> = ledger.iter().filter(|(_, count)| **count > 1).collect();
    assert!(lost.is_empty() && doubled.is_empty(), "lost {lost:?}, doubled {doubled:?}");
    assert!(acknowledged.len() > 20);
    assert!(outbox.audit().verify().await.unwrap().is_whole());
}
