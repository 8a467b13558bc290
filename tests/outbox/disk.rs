//! Row 18: a disk that is full, that cannot sync, that cannot be written. The failures are real ones of system calls: a
//! preloaded library makes them, a small file system, an account without the right. (`src/outbox/failing_store_tests.rs`
//! has the same with SQLite's own limits, on a paused clock.)

use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nightdesk::domain::IntentState;
use nightdesk::outbox::{Deliver, Outbox, OutboxError, RowFilter, Sender, Sent, Shipment, Verified};

use super::child::{FileServer, Job, judge, queued, said_in, say};
use super::support::{LONG, Server, note, open, options, policy, shut, start, target};

const DISK: &str = "NIGHTDESK_TEST_DISK";
const ENDING: &str = "NIGHTDESK_TEST_ENDING";
const ROLE: &str = "outbox::disk::on_a_failing_disk";

/// The library that makes the disk fail, compiled where SQLite was compiled a moment ago.
fn library(folder: &Path) -> PathBuf {
    let library = folder.join("failing_disk.so");
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/outbox/failing_disk.c");
    let status = Command::new(compiler)
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .args([&library, &source])
        .status();
    assert!(status.unwrap().success(), "the C compiler that built SQLite");
    library
}

/// Delivers, and lets the disk fail as soon as the server has done the first thing.
struct Spiteful(FileServer, Option<(PathBuf, String)>);

impl Deliver for Spiteful {
    async fn send(&self, shipment: &Shipment) -> Sent {
        let sent = self.0.send(shipment).await;
        if let Some((trigger, how)) = &self.1 {
            std::fs::write(trigger, how).unwrap();
            say("struck");
        }
        sent
    }

    async fn verify(&self, shipment: &Shipment) -> Verified {
        self.0.verify(shipment).await
    }
}

/// Not a test by itself: a console whose disk begins to fail, and is mended unless it dies of it.
#[tokio::test(start_paused = true)]
async fn on_a_failing_disk() {
    let Some(job) = Job::of_this_process() else { return };
    let trigger = PathBuf::from(std::env::var_os(DISK).unwrap());
    let (how, ending) = (job.name.clone(), std::env::var(ENDING).unwrap());
    let outbox = open(&job.folder).await;
    let submit = async |number: u64| {
        let (submission, body) = job.intent(number);
        match outbox.submit(submission).await {
            Ok(_) => say(&format!("queued {body}")),
            Err(error) => say(&format!("refused {error}")),
        }
    };
    for number in 0..5 {
        submit(number).await;
    }
    let late = (ending == "late").then(|| (trigger.clone(), how.clone()));
    if late.is_none() {
        std::fs::write(&trigger, &how).unwrap();
        for number in 5..8 {
            submit(number).await;
        }
        say(&format!("listed {}", outbox.list(RowFilter::open()).await.unwrap().len()));
    }
    let server = Spiteful(job.server(), late.clone());
    let targets = vec![target(), super::support::manage()];
    let sender = Sender::new(outbox.clone(), std::sync::Arc::new(server), targets, policy());
    let mut status = sender.control().status();
    tokio::spawn(sender.run(std::future::pending()));
    if late.is_some() {
        while !trigger.exists() {
            tokio::time::sleep(Duration::from_millis(1)).await; // on the paused clock
        }
        tokio::time::sleep(Duration::from_secs(60)).await;
    } else {
        status.wait_for(|status| status.fault.is_some()).await.unwrap();
    }
    say(&format!("effects {}", job.server().lines().len()));
    if ending == "dies" {
        std::process::exit(0); // nothing is closed
    }
    std::fs::remove_file(&trigger).unwrap();
    if late.is_some() {
        // the disk is mended for good
        let outbox = outbox.clone();
        tokio::spawn(async move {
            loop {
                let _ = std::fs::remove_file(&trigger);
                if outbox.oldest_open().await.is_ok_and(|open| open.is_none()) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(100)).await; // on the paused clock
            }
        });
    }
    assert_eq!(outbox.drain(LONG).await.unwrap().open(), 0);
    submit(8).await;
    assert_eq!(outbox.drain(LONG).await.unwrap().open(), 0);
}

async fn failing(how: &str) {
    let tools = tempfile::tempdir().unwrap();
    let library = library(tools.path());
    for ending in ["mended", "dies", "late"] {
        let folder = tempfile::tempdir().unwrap();
        let job = Job::new(folder.path(), how);
        let output = job
            .command(ROLE, None)
            .env("LD_PRELOAD", &library)
            .env(DISK, folder.path().join("trigger"))
            .env(ENDING, ending)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "{how} {ending}: {text} {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let said = said_in(&text);
        let acknowledged: Vec<_> = queued(&said).collect();
        let has = |word: &str| said.iter().any(|line| line == word);
        if ending == "late" {
            assert!(
                has("effects 1") || has("effects 2"),
                "{how}: with an answer that cannot be written each of the two servers is asked no more: {said:?}"
            );
        } else {
            let refused: Vec<_> = said.iter().filter(|line| line.starts_with("refused ")).collect();
            assert_eq!(refused.len(), 3, "{how} {ending}: {said:?}");
            assert!(has("listed 5") && has("effects 0"), "{how} {ending}: {said:?}");
        }
        assert_eq!(acknowledged.len(), if ending == "dies" { 5 } else { 6 }, "{how} {ending}: {said:?}");
        let _ = std::fs::remove_file(folder.path().join("trigger"));
        judge(folder.path(), &acknowledged).await;
    }
}

#[tokio::test]
async fn row_18_a_full_disk_refuses_and_loses_nothing() {
    failing("f").await;
}

#[tokio::test]
async fn row_18_a_failed_fsync_acknowledges_nothing_and_loses_nothing() {
    failing("s").await;
}

/// A small file system in memory, where this account may mount one.
struct Small(PathBuf);

impl Small {
    fn mount(at: &Path, size: &str) -> Option<Self> {
        std::fs::create_dir(at).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(at)
            .output();
        mounted.is_ok_and(|output| output.status.success()).then(|| Self(at.to_owned()))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test(start_paused = true)]
async fn row_18_a_file_system_that_is_really_full() {
    let folder = tempfile::tempdir().unwrap();
    let Some(small) = Small::mount(&folder.path().join("small"), "8m") else {
        let _ = writeln!(
            std::io::stderr(), // past the test's own capture
            "row 18: this account may mount no small file system: a preloaded library makes the disk full instead"
        );
        return full_by_library(folder.path());
    };
    let mut options = options();
    options.limits.free_bytes = 0;
    let ballast = small.0.join("ballast");
    std::fs::write(&ballast, vec![1; 6 << 20]).unwrap();
    let outbox = Outbox::open(&small.0.join("outbox"), options).await.unwrap();
    let mut rows = Vec::new();
    let refused = loop {
        match outbox.submit(note(&rows.len().to_string(), &"x".repeat(20_000))).await {
            Ok(row) => rows.push(row),
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, OutboxError::DiskFull | OutboxError::Io { .. }), "{refused}");
    assert!(!rows.is_empty());
    assert_eq!(outbox.list(RowFilter::default()).await.unwrap(), rows);
    // not a page is left
    let mut filler = std::fs::File::create(small.0.join("filler")).unwrap();
    while filler.write(&[1; 512]).is_ok_and(|written| written > 0) {}
    let server = Server::new();
    let (control, _running) = start(&outbox, &server);
    control.status().wait_for(|status| status.fault.is_some()).await.unwrap();
    let attempts: usize = {
        let mut sum = 0;
        for row in &rows {
            sum += outbox.attempts(row.id).await.unwrap().len();
        }
        sum
    };
    assert!(server.sent().len() <= attempts, "nothing is sent that is not committed before");
    for path in [ballast, small.0.join("filler")] {
        std::fs::remove_file(path).unwrap();
    }
    let counts = outbox.drain(Duration::from_secs(3600)).await.unwrap();
    assert_eq!(counts.open(), 0, "{counts:?} {:?}", control.status().borrow());
    assert_eq!(server.ledger().len(), rows.len());
    assert!(outbox.audit().verify().await.unwrap().is_whole());
}

/// Not a test by itself: the assertions on the file system that is really full, where a preloaded library fills it.
#[tokio::test(start_paused = true)]
async fn on_a_disk_that_fills_up() {
    let Some(job) = Job::of_this_process() else { return };
    let trigger = PathBuf::from(std::env::var_os(DISK).unwrap());
    let outbox = open(&job.folder).await;
    let mut rows = Vec::new();
    for number in 0..20 {
        rows.push(outbox.submit(note(&number.to_string(), "x")).await.unwrap());
    }
    std::fs::write(&trigger, "f").unwrap();
    let refused = outbox.submit(note("20", "x")).await.unwrap_err();
    assert!(matches!(refused, OutboxError::DiskFull | OutboxError::Io { .. }), "{refused}");
    assert_eq!(outbox.list(RowFilter::default()).await.unwrap(), rows);
    let server = Server::new();
    let (control, _running) = start(&outbox, &server);
    control.status().wait_for(|status| status.fault.is_some()).await.unwrap();
    assert_eq!(server.sent().len(), 0, "nothing is sent that is not committed before");
    std::fs::remove_file(&trigger).unwrap();
    let counts = outbox.drain(Duration::from_secs(3600)).await.unwrap();
    assert_eq!(counts.open(), 0, "{counts:?} {:?}", control.status().borrow());
    assert_eq!(server.ledger().len(), rows.len());
    assert!(outbox.audit().verify().await.unwrap().is_whole());
    say("whole");
}

fn full_by_library(folder: &Path) {
    let output = Job::new(folder, "")
        .command("outbox::disk::on_a_disk_that_fills_up", None)
        .env("LD_PRELOAD", library(folder))
        .env(DISK, folder.join("trigger"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && said_in(&text).iter().any(|line| line == "whole"),
        "{text} {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The same, whether or not something may be mounted here.
#[test]
fn row_18_a_disk_that_fills_up_is_refused_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    full_by_library(folder.path());
}

/// Not a test by itself: opens an outbox that it may not write.
#[tokio::test]
async fn without_the_right() {
    let Some(job) = Job::of_this_process() else { return };
    let outbox = match Outbox::open(&job.folder.join("outbox"), options()).await {
        Ok(outbox) => outbox,
        Err(error) => return say(&format!("closed {error}")),
    };
    say(&format!("listed {}", outbox.list(RowFilter::default()).await.unwrap().len()));
    match outbox.submit(note("new", "x")).await {
        Ok(_) => say("queued"),
        Err(error) => say(&format!("refused {error}")),
    }
}

/// Runs a role as somebody whom modes bind: as `nobody`, if this is root.
fn run_bound(folder: &Path) -> Vec<String> {
    let job = Job::new(folder, "");
    let mut command = job.command("outbox::disk::without_the_right", None);
    if rustix::process::geteuid().is_root() {
        // this binary may lie where nobody else may look
        let binary = folder.join("it");
        let own = std::env::current_exe().unwrap();
        if std::fs::hard_link(&own, &binary).is_err() {
            std::fs::copy(&own, &binary).unwrap();
        }
        let args: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
        let envs: Vec<_> = command
            .get_envs()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
            .collect();
        command = Command::new(binary);
        command.args(args).envs(envs).uid(NOBODY).gid(NOBODY).current_dir("/");
    }
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text} {}", String::from_utf8_lossy(&output.stderr));
    said_in(&text)
}

const NOBODY: u32 = 65_534;

#[tokio::test]
async fn row_18_where_it_cannot_be_written_it_says_so_and_changes_nothing() {
    for (case, directory_mode, database_mode) in [("directory", 0o500, 0o600), ("database", 0o700, 0o400), ("both", 0o500, 0o400)] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let outbox = open(folder.path()).await;
        for number in 0..3_u32 {
            outbox.submit(note(&number.to_string(), "x")).await.unwrap();
        }
        shut(outbox, folder.path()).await;
        let directory = folder.path().join("outbox");
        let database = directory.join("outbox.db");
        std::fs::set_permissions(&database, std::fs::Permissions::from_mode(database_mode)).unwrap();
        std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(directory_mode)).unwrap();
        if rustix::process::geteuid().is_root() {
            for entry in std::fs::read_dir(&directory).unwrap() {
                chown(entry.unwrap().path(), Some(NOBODY), Some(NOBODY)).unwrap();
            }
            chown(&directory, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let before = std::fs::read(&database).unwrap();
        let said = run_bound(folder.path());
        let words = said.join("\n");
        assert!(
            words.contains("cannot be written") || words.contains("Permission denied"),
            "{case}: {words}"
        );
        assert!(!words.contains("queued"), "{case}: {words}");
        assert!(words.contains("closed") || words.contains("listed 3"), "{case}: {words}");
        assert_eq!(std::fs::read(&database).unwrap(), before, "{case}");
        // given back the right, everything is there
        std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o700)).unwrap();
        std::fs::set_permissions(&database, std::fs::Permissions::from_mode(0o600)).unwrap();
        if rustix::process::geteuid().is_root() {
            for entry in std::fs::read_dir(&directory).unwrap() {
                chown(entry.unwrap().path(), Some(0), Some(0)).unwrap();
            }
            chown(&directory, Some(0), Some(0)).unwrap();
        }
        let outbox = open(folder.path()).await;
        assert_eq!((outbox.recovery(), outbox.counts().await.unwrap().queued), (None, 3), "{case}");
        assert!(outbox.list(RowFilter::of([IntentState::InDoubt])).await.unwrap().is_empty());
    }
}
