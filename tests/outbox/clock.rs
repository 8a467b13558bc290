//! Row 12: the wall clock jumps, forward or backward, in the middle of each kind of wait.

use std::time::Duration;

use nightdesk::domain::{IntentState, OutboxId, OutboxRow};
use nightdesk::outbox::Outbox;
use tokio::time::{Instant, sleep};

use super::support::{Act, LONG, Server, Wall, note, options, order, shut, start};

const WEEK: i64 = 7 * 24 * 3600;

async fn settled(outbox: &Outbox, id: OutboxId) -> OutboxRow {
    let row = outbox.wait_settled(&[id], LONG).await.unwrap().remove(0);
    assert!(!row.state.is_open(), "{row:?}");
    row
}

#[tokio::test(start_paused = true)]
async fn row_12_a_jump_of_the_clock_neither_releases_nor_stalls_grace_and_request_time() {
    for jump in [-7 * 24 * 3600, 7 * 24 * 3600] {
        let folder = tempfile::tempdir().unwrap();
        let wall = Wall::at(1_780_000_000);
        let mut options = options();
        options.clock = wall.clock();
        let outbox = Outbox::open(&folder.path().join("outbox"), options).await.unwrap();
        let server = Server::new();
        server.will([Act::LoseRequest]);
        let (_control, running) = start(&outbox, &server);
        let mut graced = note("a", "x");
        graced.grace = Duration::from_secs(5);
        let began = Instant::now();
        let row = outbox.submit(graced).await.unwrap();
        sleep(Duration::from_secs(1)).await;
        wall.jump(jump);
        settled(&outbox, row.id).await;
        let sent = server.sent();
        let first = (sent[0].1 - began).as_secs_f64();
        assert!((5.0..6.0).contains(&first), "grace {first} s after a jump of {jump}");
        let second = (sent[1].1 - sent[0].1).as_secs_f64();
        assert!((30.0..40.0).contains(&second), "request time {second} s after a jump of {jump}");

        // found by a later start: never longer than the wait that was set
        running.stop().await;
        let mut graced = note("b", "x");
        graced.grace = Duration::from_secs(5);
        let row = outbox.submit(graced).await.unwrap();
        wall.jump(-3600);
        let began = Instant::now();
        let (_control, _running) = start(&outbox, &server);
        settled(&outbox, row.id).await;
        let waited = (server.sent()[2].1 - began).as_secs_f64();
        assert!(waited <= 5.1, "{waited} s");
    }
}

/// One row, one answer, a jump a second after it: how long it took to the next request.
async fn next_request_after(first: Act, jump: i64) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let wall = Wall::at(1_780_000_000);
    let mut options = options();
    options.clock = wall.clock();
    let outbox = Outbox::open(&folder.path().join("outbox"), options).await.unwrap();
    let server = Server::new();
    server.will([first]);
    let (_control, _running) = start(&outbox, &server);
    let row = outbox.submit(note("a", "x")).await.unwrap();
    while server.sent().is_empty() {
        sleep(Duration::from_millis(1)).await;
    }
    sleep(Duration::from_millis(1_000)).await;
    wall.jump(jump);
    // another process's change makes the sender read its rows anew
    outbox.submit(note("b", "x")).await.unwrap();
    assert_eq!(settled(&outbox, row.id).await.state, IntentState::Delivered);
    let sent = server.sent();
    let second = sent.iter().filter(|(id, _)| *id == row.id).nth(1).unwrap();
    (second.1 - sent[0].1).as_secs_f64()
}

#[tokio::test(start_paused = true)]
async fn row_12_a_jump_neither_shortens_nor_lengthens_what_the_server_asked_to_wait() {
    for jump in [-WEEK, WEEK] {
        let waited = next_request_after(Act::Throttle(Some(Duration::from_secs(60))), jump).await;
        assert!((60.0..62.0).contains(&waited), "{waited} s after a jump of {jump}");
    }
}

#[tokio::test(start_paused = true)]
async fn row_12_a_jump_neither_shortens_nor_lengthens_a_back_off() {
    let mut still = None;
    for jump in [0, -WEEK, WEEK] {
        // the same seed rolls the same jitter: a jump changes nothing of it
        let waited = next_request_after(Act::NotSent, jump).await;
        let still = *still.get_or_insert(waited);
        assert!((waited - still).abs() < 0.5, "{waited} s after a jump of {jump}, {still} s without");
    }
}

#[tokio::test(start_paused = true)]
async fn row_12_a_jump_does_not_shorten_the_life_of_a_transaction_id() {
    for jump in [-WEEK, WEEK] {
        let folder = tempfile::tempdir().unwrap();
        let wall = Wall::at(1_780_000_000);
        let mut options = options();
        options.clock = wall.clock();
        let outbox = Outbox::open(&folder.path().join("outbox"), options).await.unwrap();
        let server = Server::new();
        server.will([Act::LoseRequest, Act::Conflict, Act::Commit]);
        let (_control, _running) = start(&outbox, &server);
        let row = outbox.submit(order("a")).await.unwrap();
        while server.sent().len() < 2 {
            sleep(Duration::from_millis(10)).await;
        }
        sleep(Duration::from_secs(1)).await;
        wall.jump(jump);
        assert_eq!(settled(&outbox, row.id).await.state, IntentState::Delivered);
        let sent = server.sent();
        assert!(sent[2].1 - sent[1].1 >= Duration::from_secs(300), "{jump}: {sent:?}");
        assert_eq!(server.ledger().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn row_12_a_jump_between_two_runs_never_makes_a_wait_longer_than_it_was_set() {
    for jump in [-WEEK, -3600, 3600, WEEK] {
        let folder = tempfile::tempdir().unwrap();
        let wall = Wall::at(1_780_000_000);
        let reopen = async || {
            let mut options = options();
            options.clock = wall.clock();
            Outbox::open(&folder.path().join("outbox"), options).await.unwrap()
        };
        let outbox = reopen().await;
        let mut graced = note("a", "x");
        graced.grace = Duration::from_secs(5);
        let row = outbox.submit(graced).await.unwrap();
        shut(outbox, folder.path()).await;
        wall.jump(jump);
        let outbox = reopen().await;
        let server = Server::new();
        let began = Instant::now();
        let (_control, _running) = start(&outbox, &server);
        assert_eq!(settled(&outbox, row.id).await.state, IntentState::Delivered);
        let waited = (server.sent()[0].1 - began).as_secs_f64();
        assert!(waited <= 5.1, "{waited} s after a jump of {jump}");
        assert!(
            outbox.audit().verify().await.unwrap().is_whole(),
            "entries are chained by number, not by time"
        );
    }
}
