//! Rows 16 and 20: `kill -9` at each point of the journal, by the process's own hand at a counted passage, so that no
//! luck is needed. What was acknowledged is delivered once, as the server's ledger says.
//!
//! Of the points (`src/outbox/crash.rs`), the eight of the row and three more: the take-over, the history's trimming,
//! and the salvage at each of its steps.

use std::path::Path;

use super::child::{Job, break_header, downgrade, judge, queued};
use super::support::{open, shut};

const CONSOLE: &str = "outbox::child::console";
const OPENS: &str = "outbox::child::opens";
const KILLS: u64 = 25;

/// One kill of a round: at which point, and what it said before.
fn console(folder: &Path, round: u64, kill_at: &str) -> Vec<String> {
    Job::new(folder, format!("r{round}-{}", kill_at.replace(':', "-"))).dies_at(CONSOLE, kill_at)
}

fn opening(folder: &Path, kill_at: &str) {
    let said = Job::new(folder, "").dies_at(OPENS, kill_at);
    assert_eq!(said, [""; 0], "it came too far");
}

/// Kills 25 times, each time as `round` does it, and judges.
async fn killed(least: usize, mut round: impl FnMut(&Path, u64) -> Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    for number in 0..KILLS {
        acknowledged.extend(queued(&round(folder.path(), number)));
    }
    let verdict = judge(folder.path(), &acknowledged).await;
    assert!(verdict.acknowledged >= least, "{verdict:?}");
}

/// A point that every console passes again and again: killed at its first to fifth passage.
async fn killed_at(point: &str, least: usize) {
    killed(least, |folder, round| console(folder, round, &format!("{point}:{}", 1 + round % 5))).await;
}

#[tokio::test]
async fn row_16_before_an_intent_is_committed() {
    killed_at("submit-commit", 25).await;
}

#[tokio::test]
async fn row_16_after_its_commit_before_the_person_is_answered() {
    killed_at("submit-committed", 25).await;
}

#[tokio::test]
async fn row_16_after_sending_is_committed_before_a_byte_leaves() {
    killed_at("begin-committed", 25).await;
}

#[tokio::test]
async fn row_16_after_the_server_did_it_before_its_answer_is_written() {
    killed_at("answer-commit", 25).await;
}

#[tokio::test]
async fn row_16_after_the_answer_is_written() {
    killed_at("answer-committed", 25).await;
}

#[tokio::test]
async fn row_16_between_a_commit_and_the_audits_anchor() {
    killed(5, |folder, round| console(folder, round, &format!("anchor:{}", 1 + round % 9))).await;
}

#[tokio::test]
async fn row_16_in_the_repair_at_the_next_start() {
    killed(25, |folder, round| {
        let said = console(folder, round, "begin-committed:2"); // leaves something to repair
        opening(folder, "repair-commit:1");
        said
    })
    .await;
}

#[tokio::test]
async fn row_16_while_the_schema_is_brought_up_to_date() {
    killed(25, |folder, round| {
        let said = console(folder, round, "begin-committed:2");
        downgrade(folder);
        opening(folder, ["migrate-commit:1", "migrate-committed:1"][(round % 2) as usize]);
        said
    })
    .await;
}

#[tokio::test]
async fn row_16_and_while_a_sender_takes_over() {
    killed(25, |folder, round| {
        let mut said = console(folder, round, "begin-committed:2");
        said.extend(console(folder, round, "take-over-commit:1"));
        said
    })
    .await;
}

#[tokio::test]
async fn row_16_and_while_the_history_is_trimmed() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await;
    for number in 0..210_u32 {
        let row = outbox.submit(super::support::note(&number.to_string(), "x")).await.unwrap();
        outbox.cancel(row.id).await.unwrap(); // beyond the 200 that a console keeps
    }
    shut(outbox, folder.path()).await;
    let mut acknowledged = Vec::new();
    for _ in 0..KILLS {
        opening(folder.path(), "trim-commit:1");
    }
    let mut job = Job::new(folder.path(), "after");
    job.intents = Some(3);
    acknowledged.extend(queued(&job.ends(CONSOLE)));
    assert_eq!(judge(folder.path(), &acknowledged).await.effects, 3);
    let outbox = open(folder.path()).await;
    assert!(outbox.counts().await.unwrap().cancelled <= 200);
}

#[tokio::test]
async fn row_16_and_while_a_damaged_file_is_salvaged() {
    let points = ["salvage-built:1", "salvage-moving:1", "salvage-moving:2", "salvage-placing:1"];
    killed(25, |folder, round| {
        let said = console(folder, round, "begin-committed:2");
        break_header(folder);
        opening(folder, points[(round % 4) as usize]);
        // whoever comes next finishes it, and says how many
        let told = Job::new(folder, "").ends(OPENS).concat();
        let there = told.split("salvaged: ").nth(1).and_then(|rest| rest.split(',').next()).unwrap();
        assert!(there.parse::<u64>().unwrap() >= 2 && told.contains("lost: 0"), "{told}");
        said
    })
    .await;
}

#[tokio::test]
async fn row_20_a_migration_killed_at_each_step_is_completed_by_the_next_start() {
    // from nothing two steps, from the first version one
    for (old, passages) in [(false, 2), (true, 1)] {
        for passage in 1..=passages {
            for point in ["migrate-commit", "migrate-committed"] {
                let folder = tempfile::tempdir().unwrap();
                let mut rows = 0;
                if old {
                    let outbox = open(folder.path()).await;
                    outbox.submit(super::support::note("a", "x")).await.unwrap();
                    shut(outbox, folder.path()).await;
                    downgrade(folder.path());
                    rows = 1;
                }
                opening(folder.path(), &format!("{point}:{passage}"));
                let outbox = open(folder.path()).await;
                assert_eq!(outbox.recovery(), None, "{point} {passage}");
                assert_eq!(outbox.counts().await.unwrap().queued, rows, "{point} {passage}");
                assert_eq!(outbox.lanes().await.unwrap(), [], "the last step's table is there");
                outbox.submit(super::support::note("b", "x")).await.unwrap();
                assert!(outbox.audit().verify().await.unwrap().is_whole());
            }
        }
    }
}
