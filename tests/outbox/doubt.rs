//! What may have arrived is looked up before it is sent once more, whatever happened in between.

use std::time::Duration;

use nightdesk::domain::IntentState;

use super::support::{Act, Bench, LONG, Look, note, order};

#[tokio::test(start_paused = true)]
async fn a_parked_row_that_may_have_arrived_is_looked_up_when_it_is_retried() {
    // the answer is lost, then reading is refused for a while: parked, though the server has it
    for submission in [note("a", "x"), order("a")] {
        let bench = Bench::with([Act::LoseAnswer], [Look::Gone]).await;
        let parked = bench.end_of(submission).await;
        assert_eq!(parked.state, IntentState::Parked);
        let retried = bench.outbox.retry(parked.id).await.unwrap();
        assert_eq!(retried.state, IntentState::InDoubt);
        assert!(retried.detail.unwrap().raw().contains("looked up before"));
        let row = bench.settled(parked.id).await;
        assert_eq!((row.state, row.attempts), (IntentState::Delivered, 1));
        assert_eq!(bench.server.ledger().len(), 1, "sent once");
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_was_refused_is_sent_again_at_once() {
    let bench = Bench::with([Act::Refuse], []).await;
    let row = bench.end_of(note("a", "x")).await;
    assert_eq!(bench.outbox.retry(row.id).await.unwrap().state, IntentState::Queued);
    assert_eq!(bench.outbox.drain(LONG).await.unwrap().delivered, 1);
    assert!(bench.server.looked().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_doubt_outlives_an_attempt_that_was_not_sent() {
    // the first request hangs at the server for longer than anybody waits; the second does not get through, or is asked
    // to wait; by then the first has taken effect
    let throttled = Act::Throttle(Some(Duration::from_secs(40)));
    for then in [vec![Act::NotSent; 7], vec![throttled], vec![Act::Unauthorized]] {
        let case = format!("{then:?}");
        let first = Act::CommitLater(Duration::from_secs(34));
        let bench = Bench::with([vec![first], then].concat(), []).await;
        let row = bench.end_of(order("a")).await;
        assert_eq!(row.state, IntentState::Delivered, "{case}");
        assert_eq!(bench.server.ledger().len(), 1, "{case}: sent again although it had arrived");
    }
}

#[tokio::test(start_paused = true)]
async fn a_look_up_after_a_servers_own_answer_is_believed_at_once() {
    for submission in [note("a", "x"), order("a")] {
        let bench = Bench::with([Act::Fail, Act::Fail], []).await;
        let row = bench.end_of(submission.clone()).await;
        assert_eq!((row.state, row.attempts), (IntentState::Delivered, 3));
        assert_eq!(bench.server.ledger().len(), 1);
        assert_eq!(bench.server.looked().len(), 2, "looked up before each repeat");
        let sent = bench.server.sent();
        // the back-offs of two failures (at most 1 s and 2 s) and the gaps of a target that failed
        let took = sent[2].1 - sent[0].1;
        assert!(
            took < Duration::from_secs(10),
            "the ordinary back-off, not a request's timeout: {took:?}"
        );

        let bench = Bench::with([Act::CommitAndFail], []).await;
        let row = bench.end_of(submission).await;
        assert_eq!((row.state, row.attempts), (IntentState::Delivered, 1));
        assert_eq!(bench.server.ledger().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_says_nothing_of_a_later_request_without_one() {
    // the first is answered, the second breaks and takes effect long afterwards
    let bench = Bench::with([Act::Fail, Act::CommitLater(Duration::from_secs(25))], []).await;
    let row = bench.end_of(order("a")).await;
    assert_eq!((row.state, row.attempts), (IntentState::Delivered, 2));
    assert_eq!(bench.server.ledger().len(), 1, "sent again while it was still running");
}

#[tokio::test(start_paused = true)]
async fn of_what_may_be_repeated_nobody_says_that_it_was_looked_up() {
    let bench = Bench::with([Act::LoseRequest], [Look::Repeatable, Look::Repeatable]).await;
    let mut changes = bench.outbox.changes();
    let begun = tokio::time::Instant::now();
    let row = bench.end_of(note("a", "x")).await;
    assert_eq!((row.state, row.attempts), (IntentState::Delivered, 2));
    assert!(
        begun.elapsed() >= Duration::from_secs(30),
        "the first request might have overwritten a later one"
    );
    let mut told = String::new();
    while let Ok(change) = changes.try_recv() {
        told += change.detail.as_ref().map_or("", |detail| detail.shown());
    }
    assert!(told.contains("it may be repeated; it is sent again"), "{told}");
    assert!(!told.contains("looked up"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn an_attempt_is_told_whether_an_earlier_one_may_have_arrived() {
    // a further work order takes what it finds under its reference for its own only then
    for (acts, told) in [
        (vec![Act::NotSent, Act::NotSent], vec![false, false, false]),
        (vec![Act::LoseRequest], vec![false, true]),
    ] {
        let bench = Bench::with(acts, []).await;
        let row = bench.end_of(order("a")).await;
        assert_eq!(row.state, IntentState::Delivered);
        assert_eq!(bench.server.may_have_arrived(), told);
    }
}
