//! One account, one outbox, several plants: each profile's rows have a sender of their own.

use std::sync::Arc;
use std::time::Duration;

use nightdesk::domain::{IntentState, Target};
use nightdesk::outbox::{Role, Sender};
use tokio::time::sleep;

use super::support::{Act, LONG, Server, note, open, policy, start, target};

fn elsewhere() -> Target {
    Target {
        profile: "other plant".into(),
        origin: "https://other.example:443".into(),
        ..target()
    }
}

#[tokio::test(start_paused = true)]
async fn two_consoles_on_two_plants_both_deliver() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (open(folder.path()).await, open(folder.path()).await);
    let (here, there) = (Server::new(), Server::new());
    let (_control, _running) = start(&one, &here);
    let sender = Sender::new(two.clone(), Arc::clone(&there), vec![elsewhere()], policy());
    let mut status = sender.control().status();
    let other = tokio::spawn(sender.run(std::future::pending()));
    status.wait_for(|status| status.role == Role::Sending).await.unwrap();
    let ours = one.submit(note("a", "x")).await.unwrap();
    let mut theirs = note("a", "x");
    theirs.target = elsewhere();
    let theirs = one.submit(theirs).await.unwrap();
    for row in one.wait_settled(&[ours.id, theirs.id], LONG).await.unwrap() {
        assert_eq!(row.state, IntentState::Delivered, "{row:?}");
    }
    assert_eq!((here.ledger().len(), there.ledger().len()), (1, 1));
    assert!(one.audit().verify().await.unwrap().is_whole());
    other.abort();
}

#[tokio::test(start_paused = true)]
async fn a_take_over_of_one_plant_leaves_the_others_requests_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (open(folder.path()).await, open(folder.path()).await);
    let (here, there) = (Server::new(), Server::new());
    here.will([Act::CommitLater(Duration::from_secs(9))]);
    let (_control, _running) = start(&one, &here);
    let mut changes = one.changes();
    let row = one.submit(note("a", "x")).await.unwrap();
    while changes.recv().await.unwrap().state != IntentState::Sending {}
    let sender = Sender::new(two.clone(), there, vec![elsewhere()], policy());
    let mut status = sender.control().status();
    let other = tokio::spawn(sender.run(std::future::pending()));
    status.wait_for(|status| status.role == Role::Sending).await.unwrap();
    assert_ne!(one.row(row.id).await.unwrap().state, IntentState::Queued);
    let row = one.wait_settled(&[row.id], LONG).await.unwrap().remove(0);
    assert_eq!((row.state, row.attempts), (IntentState::Delivered, 1));
    other.abort();
}

#[tokio::test(start_paused = true)]
async fn rows_of_a_plant_that_nobody_serves_say_so_and_stop_saying_so() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (open(folder.path()).await, open(folder.path()).await);
    let server = Server::new();
    let (control, _running) = start(&one, &server);
    let mut status = control.status();
    let mut theirs = note("a", "x");
    theirs.target = elsewhere();
    let theirs = one.submit(theirs).await.unwrap();
    let waits =
        |status: &nightdesk::outbox::SenderStatus| status.lanes.iter().any(|lane| lane.target == elsewhere() && lane.waiting.is_some());
    status.wait_for(waits).await.unwrap();
    assert!(one.row(theirs.id).await.unwrap().detail.unwrap().raw().contains("other plant"));
    // somebody starts with that profile and cannot reach its server: that is the reason then, and stays it
    let there = Server::new();
    there.always(Act::NotSent);
    let sender = Sender::new(two.clone(), Arc::clone(&there), vec![elsewhere()], policy());
    let other = tokio::spawn(sender.run(std::future::pending()));
    sleep(Duration::from_secs(120)).await;
    assert_eq!(one.row(theirs.id).await.unwrap().detail.unwrap().raw(), "scripted");
    assert!(!waits(&status.borrow()));
    there.heal();
    let row = one.wait_settled(&[theirs.id], LONG).await.unwrap().remove(0);
    assert_eq!(row.state, IntentState::Delivered);
    other.abort();
}

/// A webhook of the same plant.
fn webhook() -> (Target, nightdesk::domain::Intent) {
    let target = Target {
        service: nightdesk::domain::Service::Webhook,
        origin: "https://hooks.example:443".into(),
        ..target()
    };
    let intent = nightdesk::domain::Intent::CallWebhook {
        webhook: "pager".into(),
        message: "msg_1".into(),
        alert: None,
        payload: serde_json::json!({}),
    };
    (target, intent)
}

#[tokio::test(start_paused = true)]
async fn a_bridges_messages_do_not_wait_for_the_console_to_be_closed() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (open(folder.path()).await, open(folder.path()).await);
    let (maximo, pager) = (Server::new(), Server::new());
    let (control, _running) = start(&one, &maximo);
    control.status().wait_for(|status| status.role == Role::Sending).await.unwrap();
    let (target, intent) = webhook();
    let submission = nightdesk::outbox::Submission {
        intent,
        target: target.clone(),
        grace: Duration::ZERO,
    };
    let message = two.submit(submission).await.unwrap();
    // without a bridge it waits, and says for what
    let waits = |status: &nightdesk::outbox::SenderStatus| status.lanes.iter().any(|lane| lane.target == target && lane.waiting.is_some());
    control.status().wait_for(waits).await.unwrap();
    let words = one.row(message.id).await.unwrap().detail.unwrap().shown().to_owned();
    assert!(words.contains("nightdesk bridge"), "{words}");
    // an acknowledgement of the console is on its way while the bridge takes over: it is left alone
    maximo.will([Act::CommitLater(Duration::from_secs(9))]);
    let mut changes = one.changes();
    let row = one.submit(note("a", "x")).await.unwrap();
    while changes.recv().await.unwrap().state != IntentState::Sending {}
    let bridge = Sender::new(two.clone(), Arc::clone(&pager), vec![target.clone()], policy());
    let bridge = tokio::spawn(bridge.run(std::future::pending()));
    for row in one.wait_settled(&[message.id, row.id], LONG).await.unwrap() {
        assert_eq!((row.state, row.attempts), (IntentState::Delivered, 1), "{row:?}");
    }
    assert_eq!((maximo.ledger().len(), pager.ledger().len()), (1, 1));
    assert!(!waits(&control.status().borrow()));
    assert_eq!(control.status().borrow().role, Role::Sending, "the console still sends");
    bridge.abort();
}
