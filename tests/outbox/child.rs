//! Child processes that are this test binary again, and a server whose ledger is a file: both outlive a `kill -9`.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use nightdesk::outbox::{Deliver, Outbox, Policy, Receipt, Role, Sender, Sent, Shipment, Submission, Verified};

use super::support::{encode, manage, note, options, order, target};

const FOLDER: &str = "NIGHTDESK_TEST_FOLDER";
const NAME: &str = "NIGHTDESK_TEST_NAME";
const INTENTS: &str = "NIGHTDESK_TEST_INTENTS";
const LOSSY: &str = "NIGHTDESK_TEST_LOSSY";

/// The longest that anything may take here: only a broken program ever waits so long.
pub(super) const GUARD: Duration = Duration::from_secs(300);

/// What a child process is to do.
#[derive(Clone, Debug)]
pub(super) struct Job {
    /// Holds the outbox and the ledger.
    pub folder: PathBuf,
    /// Makes its intents unlike those of all others.
    pub name: String,
    /// After so many it drains and ends; without it goes on until it is killed.
    pub intents: Option<u64>,
    /// Seeds which answers and requests are lost, if any.
    pub lossy: Option<u64>,
}

impl Job {
    pub(super) fn new(folder: &Path, name: impl Into<String>) -> Self {
        Self {
            folder: folder.to_owned(),
            name: name.into(),
            intents: None,
            lossy: None,
        }
    }

    /// This process's own, where it is such a child.
    pub(super) fn of_this_process() -> Option<Self> {
        let number = |name| std::env::var(name).ok().and_then(|text| text.parse().ok());
        Some(Self {
            folder: std::env::var_os(FOLDER)?.into(),
            name: std::env::var(NAME).unwrap_or_default(),
            intents: number(INTENTS),
            lossy: number(LOSSY),
        })
    }

    /// The command that runs `role`, a test of this binary; `kill_at` names a point of the journal and a passage.
    pub(super) fn command(&self, role: &str, kill_at: Option<&str>) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args([role, "--exact", "--nocapture", "--test-threads=1"])
            .env(FOLDER, &self.folder)
            .env(NAME, &self.name)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for (name, value) in [(INTENTS, self.intents), (LOSSY, self.lossy)] {
            if let Some(value) = value {
                command.env(name, value.to_string());
            }
        }
        if let Some(kill_at) = kill_at {
            command.env("NIGHTDESK_KILL_AT", kill_at);
        }
        command
    }

    pub(super) fn spawn(&self, role: &str, kill_at: Option<&str>) -> Child {
        self.command(role, kill_at).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Runs it to its end, which must be a kill by itself at that point, and answers what it said.
    pub(super) fn dies_at(&self, role: &str, kill_at: &str) -> Vec<String> {
        let output = self.command(role, Some(kill_at)).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.signal(), Some(9), "not killed at {kill_at}: {text} {errors}");
        said_in(&text)
    }

    /// Runs it to its end, which must be a good one.
    pub(super) fn ends(&self, role: &str) -> Vec<String> {
        let output = self.command(role, None).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text} {}", String::from_utf8_lossy(&output.stderr));
        said_in(&text)
    }

    pub(super) fn server(&self) -> FileServer {
        FileServer {
            ledger: self.folder.join("ledger"),
            lossy: self.lossy,
        }
    }

    /// Opens the outbox, with a sender of its own that is quick about everything.
    pub(super) async fn console(&self) -> (Outbox, Sender<FileServer>) {
        let mut options = options();
        options.poll_interval = Duration::from_millis(5);
        options.limits.ended_rows = 200; // so that the history is trimmed on the way, too
        let outbox = Outbox::open(&self.folder.join("outbox"), options).await.unwrap();
        let sender = Sender::new(outbox.clone(), Arc::new(self.server()), vec![target(), manage()], quick());
        (outbox, sender)
    }

    /// The n-th intent, and its body.
    pub(super) fn intent(&self, number: u64) -> (Submission, String) {
        let alert = format!("{}-{number}", self.name);
        let submission = if number % 3 == 2 { order(&alert) } else { note(&alert, "x") };
        let body = String::from_utf8(encode(&submission.intent)).unwrap();
        (submission, body)
    }
}

fn quick() -> Policy {
    Policy {
        request_timeout: Duration::from_millis(5),
        second_look_after: Duration::from_millis(1),
        first_gap: Duration::from_millis(1),
        shortest_gap: Duration::ZERO,
        backoff_base: Duration::from_millis(1),
        backoff_cap: Duration::from_millis(5),
        backoff_later_cap: Duration::from_millis(5),
        probe_interval: Duration::from_millis(5),
        lock_interval: Duration::from_millis(2),
        ..Policy::default()
    }
}

/// Says something of this process, if it is a child; the test harness writes there, too, sometimes on the same line.
pub(super) fn say(what: &str) {
    if std::env::var_os(FOLDER).is_none() {
        return;
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "SAID {what}").unwrap();
    out.flush().unwrap();
}

pub(super) fn said(line: &str) -> Option<&str> {
    line.split_once("SAID ").map(|(_, rest)| rest)
}

pub(super) fn said_in(text: &str) -> Vec<String> {
    text.lines().filter_map(said).map(ToOwned::to_owned).collect()
}

/// The bodies among what was said that were acknowledged to the person.
pub(super) fn queued(said: &[String]) -> impl Iterator<Item = String> + '_ {
    said.iter().filter_map(|line| line.strip_prefix("queued ")).map(ToOwned::to_owned)
}

/// A server that appends each request to a file: what stands there took effect, whatever the client was told.
pub(super) struct FileServer {
    ledger: PathBuf,
    lossy: Option<u64>,
}

impl FileServer {
    pub(super) fn lines(&self) -> Vec<String> {
        let text = std::fs::read_to_string(&self.ledger).unwrap_or_default();
        text.lines().map(ToOwned::to_owned).collect()
    }

    /// What happens to this attempt: of a lossy one every fifth answer and every fifth request is lost, by the seed alone.
    fn luck(&self, body: &str, attempt: u32) -> u64 {
        let Some(seed) = self.lossy else { return 4 };
        let mut hasher = DefaultHasher::new();
        (seed, body, attempt).hash(&mut hasher);
        hasher.finish() % 5
    }
}

impl Deliver for FileServer {
    async fn send(&self, shipment: &Shipment) -> Sent {
        say("sending");
        let body = String::from_utf8(shipment.body.clone()).unwrap();
        let luck = self.luck(&body, shipment.attempt);
        let lost = |what: &str| Sent::InDoubt {
            reason: format!("the {what} was lost").into(),
        };
        if luck == 0 {
            return lost("request");
        }
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(&self.ledger).unwrap();
        file.write_all(format!("{body}\n").as_bytes()).unwrap();
        say("committed");
        tokio::task::yield_now().await;
        if luck == 1 {
            return lost("answer");
        }
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

/// What the ledger says in the end.
#[derive(Debug)]
pub(super) struct Verdict {
    pub acknowledged: usize,
    pub effects: usize,
    pub lost: Vec<String>,
    pub doubled: Vec<String>,
}

/// Delivers what is left and judges: of all that was acknowledged nothing is lost, and nothing at all is doubled.
pub(super) async fn judge(folder: &Path, acknowledged: &[String]) -> Verdict {
    let job = Job::new(folder, "judge");
    let (outbox, sender) = job.console().await;
    let task = tokio::spawn(sender.run(std::future::pending()));
    let counts = outbox.drain(GUARD).await.unwrap();
    task.abort();
    assert_eq!((counts.open(), counts.parked, counts.damaged), (0, 0, 0), "{counts:?}");
    let report = outbox.audit().verify().await.unwrap();
    assert!(report.is_whole(), "{report:?}");
    let mut ledger: BTreeMap<String, usize> = BTreeMap::new();
    for line in job.server().lines() {
        *ledger.entry(line).or_default() += 1;
    }
    let verdict = Verdict {
        acknowledged: acknowledged.len(),
        effects: ledger.len(),
        lost: acknowledged.iter().filter(|body| !ledger.contains_key(*body)).cloned().collect(),
        doubled: ledger
            .iter()
            .filter(|(_, count)| **count > 1)
            .map(|(body, _)| body.clone())
            .collect(),
    };
    assert!(verdict.lost.is_empty() && verdict.doubled.is_empty(), "{verdict:?}");
    verdict
}

/// Breaks the first bytes of the database, as a bad sector would.
pub(super) fn break_header(folder: &Path) {
    use std::os::unix::fs::FileExt as _;
    let database = std::fs::OpenOptions::new().write(true).open(folder.join("outbox/outbox.db"));
    database.unwrap().write_all_at(&[0; 16], 0).unwrap();
}

/// Takes the database back to the first version of its schema.
pub(super) fn downgrade(folder: &Path) {
    rusqlite::Connection::open(folder.join("outbox/outbox.db"))
        .unwrap()
        .execute_batch("DROP TABLE lane; PRAGMA user_version = 1")
        .unwrap();
}

fn tell_role(sender: &Sender<FileServer>) {
    let mut status = sender.control().status();
    tokio::spawn(async move {
        if status.wait_for(|status| status.role == Role::Sending).await.is_ok() {
            say("sender");
        }
    });
}

/// Not a test by itself: a console. Submits, sends if it is the one, and says each step.
#[tokio::test]
async fn console() {
    let Some(job) = Job::of_this_process() else { return };
    let (outbox, sender) = job.console().await;
    say("open");
    tell_role(&sender);
    tokio::spawn(sender.run(std::future::pending()));
    for number in 0..job.intents.unwrap_or(u64::MAX) {
        let (submission, body) = job.intent(number);
        let row = outbox.submit(submission).await.unwrap();
        say(&format!("queued {body}"));
        if number % 2 == 1 {
            outbox.wait_settled(&[row.id], GUARD).await.unwrap();
        }
    }
    assert_eq!(outbox.drain(GUARD).await.unwrap().open(), 0);
}

/// Not a test by itself: a headless drain that never has enough.
#[tokio::test]
async fn drain() {
    let Some(job) = Job::of_this_process() else { return };
    let (outbox, sender) = job.console().await;
    tell_role(&sender);
    tokio::spawn(sender.run(std::future::pending()));
    loop {
        outbox.drain(GUARD).await.unwrap();
        say("idle");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Not a test by itself: opens the outbox and ends.
#[tokio::test]
async fn opens() {
    let Some(job) = Job::of_this_process() else { return };
    let (outbox, _sender) = job.console().await;
    say(&format!("recovery {:?}", outbox.recovery()));
}
