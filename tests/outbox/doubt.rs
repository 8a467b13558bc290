//! What may have arrived is looked up before it is sent once more, whatever happened in between.

use std::time::Duration;

use nightdesk::domain::IntentState;

use super::support::{Act, LONG, Look, Server, note, open, order, start};

#[tokio::test(start_paused = true)]
async fn a_parked_row_that_may_have_arrived_is_looked_up_when_it_is_retried() {
    // the answer is lost, then reading is refused for a while: parked, though the server has it
    for submission in [note("a", "x"), order("a")] {
        let folder = tempfile::tempdir().unwrap();
        let outbox = open(folder.path()).await;
        let server = Server::new();
        server.will([Act::LoseAnswer]);
        server.will_look([Look::Gone]);
        let (_control, _running) = start(&outbox, &server);
        let row = outbox.submit(submission).await.unwrap();
        let parked = outbox.wait_settled(&[row.id], LONG).await.unwrap().remove(0);
        assert_eq!(parked.state, IntentState::Parked);
        let retried = outbox.retry(row.id).await.unwrap();
        assert_eq!(retried.state, IntentState::InDoubt);
        assert!(retried.detail.unwrap().raw().contains("looked up before"));
        let row = outbox.wait_settled(&[row.id], LONG).await.unwrap().remove(0);
        assert_eq!((row.state, row.attempts), (IntentState::Delivered, 1));
        assert_eq!(server.ledger().len(), 1, "sent once");
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_was_refused_is_sent_again_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await;
    let server = Server::new();
    server.will([Act::Refuse]);
    let (_control, _running) = start(&outbox, &server);
    let row = outbox.submit(note("a", "x")).await.unwrap();
    outbox.wait_settled(&[row.id], LONG).await.unwrap();
    assert_eq!(outbox.retry(row.id).await.unwrap().state, IntentState::Queued);
    assert_eq!(outbox.drain(LONG).await.unwrap().delivered, 1);
    assert!(server.looked().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_doubt_outlives_an_attempt_that_was_not_sent() {
    // the first request hangs at the server for longer than anybody waits; the second does not get through, or is asked
    // to wait; by then the first has taken effect
    let throttled = Act::Throttle(Some(Duration::from_secs(40)));
    for then in [vec![Act::NotSent; 7], vec![throttled], vec![Act::Unauthorized]] {
        let case = format!("{then:?}");
        let folder = tempfile::tempdir().unwrap();
        let outbox = open(folder.path()).await;
        let server = Server::new();
        server.will([Act::CommitLater(Duration::from_secs(34))]);
        server.will(then);
        let (_control, _running) = start(&outbox, &server);
        let row = outbox.submit(order("a")).await.unwrap();
        let row = outbox.wait_settled(&[row.id], LONG).await.unwrap().remove(0);
        assert_eq!(row.state, IntentState::Delivered, "{case}");
        assert_eq!(server.ledger().len(), 1, "{case}: sent again although it had arrived");
    }
}
