//! The sender, on a paused clock against a scripted server.

use std::sync::Arc;
use std::time::Duration;

use nightdesk::domain::{IntentState, OutboxId};
use nightdesk::outbox::{Outbox, Policy, Role, RowFilter, Sender};
use tokio::time::{Instant, sleep};

use super::support::{
    Act, Bench, LONG, Look, Server, Wall, manage, note, open, options, order, policy, settled, shut, start, start_with, target,
};

fn bodies(server: &Server) -> Vec<Vec<u8>> {
    server.ledger().into_iter().map(|(_, body)| body).collect()
}

#[tokio::test(start_paused = true)]
async fn each_answer_leads_to_its_state() {
    let cases = [
        (vec![Act::Commit], vec![], IntentState::Delivered, 1),
        (vec![Act::LoseAnswer], vec![], IntentState::Delivered, 1),
        (vec![Act::LoseRequest, Act::Commit], vec![], IntentState::Delivered, 2),
        (vec![Act::NotSent, Act::NotSent, Act::Commit], vec![], IntentState::Delivered, 3),
        (vec![Act::Throttle(None), Act::Commit], vec![], IntentState::Delivered, 2),
        (vec![Act::Unauthorized, Act::Commit], vec![], IntentState::Delivered, 2),
        (vec![Act::Hang], vec![], IntentState::Delivered, 1),
        (vec![Act::LoseAnswer], vec![Look::Unknown, Look::Unknown], IntentState::Delivered, 1),
        (vec![Act::LoseAnswer], vec![Look::Unauthorized], IntentState::Delivered, 1),
        (vec![Act::Refuse], vec![], IntentState::Parked, 1),
        (vec![Act::NeedsDecision], vec![], IntentState::Parked, 1),
        (vec![Act::Conflict], vec![], IntentState::Parked, 1),
        (vec![Act::LoseRequest], vec![Look::Gone], IntentState::Parked, 1),
        (vec![Act::Superseded], vec![], IntentState::Superseded, 1),
        (vec![Act::Conflict], vec![Look::Superseded], IntentState::Superseded, 1),
        (vec![Act::LoseRequest], vec![Look::Superseded], IntentState::Superseded, 1),
    ];
    for (acts, looks, state, attempts) in cases {
        let case = format!("{acts:?} {looks:?}");
        let bench = Bench::with(acts, looks).await;
        let row = bench.end_of(note("a", "x")).await;
        assert_eq!((row.state, row.attempts), (state, attempts), "{case}");
        assert_eq!(bodies(&bench.server).len(), usize::from(state == IntentState::Delivered), "{case}");
        assert_eq!(bench.outbox.attempts(row.id).await.unwrap().len(), attempts as usize, "{case}");
        if state == IntentState::Superseded {
            assert_eq!(row.superseded_by.unwrap().raw(), "k.lee", "{case}");
        } else if state == IntentState::Parked {
            assert!(row.detail.is_some(), "{case}: the server's words");
        }
        bench.running.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_work_orders_number_is_kept() {
    let bench = Bench::with([], []).await;
    let row = bench.end_of(order("a")).await;
    assert_eq!(row.wonum.unwrap().raw(), "1000");
}

#[tokio::test(start_paused = true)]
async fn the_attempt_is_committed_before_the_first_byte_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await;
    let server = Server::new();
    server.will([Act::Hang]);
    let mut changes = outbox.changes();
    let (_control, running) = start(&outbox, &server);
    let row = outbox.submit(note("a", "x")).await.unwrap();
    while changes.recv().await.unwrap().state != IntentState::Sending {}
    running.kill().await;
    let left = outbox.row(row.id).await.unwrap();
    assert_eq!((left.state, left.attempts), (IntentState::Sending, 1));
    let attempts = outbox.attempts(row.id).await.unwrap();
    assert_eq!((attempts.len(), attempts[0].ended_at), (1, None));
    shut(outbox, folder.path()).await;
    // whoever starts turns it into a doubt, never back
    let outbox = open(folder.path()).await;
    let [recovered] = <[_; 1]>::try_from(outbox.recovered()).unwrap();
    assert_eq!((recovered.id, recovered.state), (row.id, IntentState::InDoubt));
}

#[tokio::test(start_paused = true)]
async fn not_found_proves_nothing_while_the_request_may_still_be_running() {
    let bench = Bench::with([Act::CommitLater(Duration::from_secs(29))], []).await;
    let server = &bench.server;
    let row = bench.end_of(note("a", "x")).await;
    assert_eq!((row.state, row.attempts), (IntentState::Delivered, 1));
    assert_eq!(bodies(server).len(), 1);
    assert!(server.looked().len() >= 2, "an early look-up, and one after the request's time");
}

#[tokio::test(start_paused = true)]
async fn past_the_life_of_the_transaction_id_an_order_is_looked_up_twice() {
    // Manage cannot be asked for longer than the id's life
    let bench = Bench::with([Act::LoseRequest], vec![Look::Unknown; 60]).await;
    let server = &bench.server;
    let row = bench.end_of(order("a")).await;
    assert_eq!((row.state, row.attempts), (IntentState::Delivered, 2));
    let (looked, sent) = (server.looked(), server.sent());
    let resent = sent[1].1;
    assert!(resent - sent[0].1 > Duration::from_secs(300));
    let [.., first, second] = looked.as_slice() else {
        panic!("{looked:?}")
    };
    assert!(
        second.1 - first.1 >= Duration::from_secs(5) && resent >= second.1,
        "{looked:?} {sent:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn within_its_life_one_look_up_is_enough() {
    let bench = Bench::with([Act::LoseRequest], []).await;
    let (outbox, server) = (&bench.outbox, &bench.server);
    let row = outbox.submit(order("a")).await.unwrap();
    assert_eq!(settled(outbox, row.id).await.state, IntentState::Delivered);
    let (first, second) = (server.sent()[0].1, server.sent()[1].1);
    assert!((30..45).contains(&(second - first).as_secs()), "{:?}", second - first);
}

#[tokio::test(start_paused = true)]
async fn a_conflict_that_echoes_an_earlier_request_is_no_verdict() {
    // the server remembers the id of a request that came to nothing: 409 within its life, then it takes the order
    let bench = Bench::with([Act::LoseRequest, Act::Conflict, Act::Commit], []).await;
    let server = &bench.server;
    let row = bench.end_of(order("a")).await;
    assert_eq!((row.state, row.attempts), (IntentState::Delivered, 3));
    assert_eq!(bodies(server).len(), 1);
    let sent = server.sent();
    assert!(sent[2].1 - sent[1].1 >= Duration::from_secs(300), "{sent:?}");
}

#[tokio::test(start_paused = true)]
async fn the_order_of_an_object_is_kept_and_a_parked_row_blocks_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await;
    let server = Server::new();
    // the first one is in doubt for a while; the second is refused; the third goes on
    server.will([Act::LoseRequest]);
    for text in ["one", "two", "three"] {
        outbox.submit(note("a", text)).await.unwrap();
    }
    let other = outbox.submit(note("b", "other")).await.unwrap();
    let (_control, _running) = start(&outbox, &server);
    settled(&outbox, other.id).await;
    assert_eq!(outbox.row(OutboxId(1)).await.unwrap().state, IntentState::InDoubt);
    assert_eq!(outbox.row(OutboxId(2)).await.unwrap().state, IntentState::Queued);
    server.will([Act::Commit, Act::Refuse, Act::Commit]);
    let rows = outbox.wait_settled(&[1, 2, 3].map(OutboxId), LONG).await.unwrap();
    let states: Vec<_> = rows.iter().map(|row| row.state).collect();
    assert_eq!(states, [IntentState::Delivered, IntentState::Parked, IntentState::Delivered]);
    let order: Vec<_> = server.sent().into_iter().map(|(id, _)| id.0).collect();
    assert_eq!(order, [1, 4, 1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_parked_row_can_be_retried_edited_or_cancelled() {
    let bench = Bench::with([Act::Refuse, Act::Refuse, Act::Refuse], []).await;
    let (outbox, server) = (&bench.outbox, &bench.server);
    let mut parked = Vec::new();
    for alert in ["a", "b", "c"] {
        let row = outbox.submit(note(alert, "x")).await.unwrap();
        assert_eq!(settled(outbox, row.id).await.state, IntentState::Parked);
        parked.push(row.id);
    }
    outbox.retry(parked[0]).await.unwrap();
    assert_eq!(settled(outbox, parked[0]).await.state, IntentState::Delivered);
    let edited = outbox.replace(parked[1], note("b", "better")).await.unwrap();
    assert_eq!(settled(outbox, edited.id).await.state, IntentState::Delivered);
    assert_eq!(outbox.cancel(parked[2]).await.unwrap().state, IntentState::Cancelled);
    assert_eq!(server.ledger().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn within_its_grace_it_can_be_taken_back_and_is_not_sent() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = options();
    options.clock = Wall::at(1_780_000_000).clock(); // the paused clock does not move the system's
    let outbox = Outbox::open(&folder.path().join("outbox"), options).await.unwrap();
    let server = Server::new();
    let (_control, _running) = start(&outbox, &server);
    let mut undone = note("a", "x");
    undone.grace = Duration::from_secs(3);
    let mut kept = note("b", "x");
    kept.grace = Duration::from_secs(3);
    let began = Instant::now();
    let undone = outbox.submit(undone).await.unwrap();
    let kept = outbox.submit(kept).await.unwrap();
    sleep(Duration::from_millis(2_900)).await;
    assert!(server.sent().is_empty());
    outbox.cancel(undone.id).await.unwrap();
    settled(&outbox, kept.id).await;
    let sent = server.sent();
    assert_eq!(sent.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [kept.id]);
    assert!(sent[0].1 - began >= Duration::from_secs(3));
    assert!(outbox.cancel(kept.id).await.is_err(), "once delivered there is no reverse call");
}

#[tokio::test(start_paused = true)]
async fn a_row_with_a_schedule_of_its_own_waits_over_a_restart_and_holds_up_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let first_wall = 1_780_000_000;
    // the wall goes with the paused clock, as it does in life
    let clock = move || {
        let passed = i64::try_from(began.elapsed().as_millis()).unwrap();
        jiff::Timestamp::from_millisecond(first_wall * 1000 + passed).unwrap()
    };
    let open = || async {
        let mut options = options();
        options.clock = nightdesk::outbox::Clock::new(clock);
        Outbox::open(&folder.path().join("outbox"), options).await.unwrap()
    };
    let outbox = open().await;
    let server = Server::new();
    server.will([
        Act::Later(Duration::from_secs(30)),
        Act::Commit,
        Act::Later(Duration::from_secs(120)),
    ]);
    let (_control, running) = start(&outbox, &server);
    let waiting = outbox.submit(note("a", "x")).await.unwrap();
    while outbox.row(waiting.id).await.unwrap().detail.is_none() {
        sleep(Duration::from_millis(50)).await;
    }
    let other = outbox.submit(note("b", "x")).await.unwrap();
    assert_eq!(settled(&outbox, other.id).await.state, IntentState::Delivered);
    assert!(began.elapsed() < Duration::from_secs(10), "the other one did not wait");
    let row = outbox.row(waiting.id).await.unwrap();
    assert_eq!((row.state, row.attempts), (IntentState::Queued, 1));
    // killed and started again: the second try comes when it was due, and so does the third
    running.kill().await;
    shut(outbox, folder.path()).await;
    let outbox = open().await;
    let (_control, _running) = start(&outbox, &server);
    let row = settled(&outbox, waiting.id).await;
    assert_eq!((row.state, row.attempts), (IntentState::Delivered, 3));
    let tries: Vec<f64> = server
        .sent()
        .iter()
        .filter(|(id, _)| *id == waiting.id)
        .map(|(_, at)| (*at - began).as_secs_f64())
        .collect();
    let [first, second, third] = tries.as_slice() else {
        panic!("{tries:?}")
    };
    assert!((30.0..32.0).contains(&(second - first)), "{tries:?}");
    assert!((120.0..122.0).contains(&(third - second)), "{tries:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refused_credential_pauses_its_target_alone_until_it_is_resumed() {
    let bench = Bench::with([Act::Unauthorized], []).await;
    let (outbox, server, control) = (&bench.outbox, &bench.server, &bench.control);
    let mut status = control.status();
    let first = outbox.submit(note("a", "x")).await.unwrap();
    let waits =
        |status: &nightdesk::outbox::SenderStatus| status.lanes.iter().any(|lane| lane.target == target() && lane.waiting.is_some());
    status.wait_for(waits).await.unwrap();
    let second = outbox.submit(note("b", "x")).await.unwrap();
    let elsewhere = outbox.submit(order("a")).await.unwrap();
    settled(outbox, elsewhere.id).await;
    sleep(Duration::from_secs(20)).await;
    assert_eq!(server.sent().len(), 2, "Monitor is left alone");
    for row in outbox.list(RowFilter::open()).await.unwrap() {
        assert_eq!((row.state, row.detail.unwrap().raw()), (IntentState::Queued, "scripted"));
    }
    assert_eq!(outbox.lanes().await.unwrap()[0].target, target());
    control.resume(&target()).await;
    outbox.wait_settled(&[first.id, second.id], Duration::from_secs(10)).await.unwrap();
    assert_eq!(server.ledger().len(), 3);
    status
        .wait_for(|status| status.lanes.iter().all(|lane| lane.waiting.is_none()))
        .await
        .unwrap();
    assert_eq!(outbox.lanes().await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn without_a_person_a_paused_target_is_probed_by_one_row_a_minute() {
    let bench = Bench::with([], []).await;
    let (outbox, server) = (&bench.outbox, &bench.server);
    server.always(Act::Unauthorized);
    for number in 0..50 {
        outbox.submit(note(&number.to_string(), "x")).await.unwrap();
    }
    sleep(Duration::from_secs(600)).await;
    let sent = server.sent().len();
    assert!((8..=12).contains(&sent), "{sent} in ten minutes");
    server.heal();
    assert_eq!(outbox.drain(LONG).await.unwrap().delivered, 50);
}

#[tokio::test(start_paused = true)]
async fn throttled_it_waits_as_long_as_the_server_says_and_at_most_fifteen_minutes() {
    for (after, least, most) in [(7, 7, 9), (100_000, 900, 902)] {
        let bench = Bench::with([Act::Throttle(Some(Duration::from_secs(after)))], []).await;
        let (outbox, server) = (&bench.outbox, &bench.server);
        for alert in ["a", "b", "c"] {
            outbox.submit(note(alert, "x")).await.unwrap();
        }
        outbox.drain(LONG).await.unwrap();
        let sent = server.sent();
        assert!((least..=most).contains(&(sent[1].1 - sent[0].1).as_secs()), "{sent:?}");
        assert_eq!(sent.len(), 4);
    }
}

/// The most starts in any window of a second.
fn most_in_a_second(sent: &[(OutboxId, Instant)]) -> usize {
    sent.iter()
        .enumerate()
        .map(|(index, (_, at))| {
            sent[index..]
                .iter()
                .take_while(|(_, later)| *later - *at < Duration::from_secs(1))
                .count()
        })
        .max()
        .unwrap_or(0)
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_met_with_few_requests_and_its_end_with_no_burst() {
    for (act, name) in [
        (Act::NotSent, "no connection"),
        (Act::LoseRequest, "500"),
        (Act::Throttle(None), "503"),
    ] {
        let bench = Bench::with([], if name == "500" { vec![Look::Unknown; 100_000] } else { Vec::new() }).await;
        let (outbox, server) = (&bench.outbox, &bench.server);
        server.always(act);
        for number in 0..200 {
            outbox.submit(note(&number.to_string(), "x")).await.unwrap();
        }
        sleep(Duration::from_secs(3600)).await;
        let calls = server.sent().len() + server.looked().len();
        assert!((200..700).contains(&calls), "{name}: {calls} calls in an hour");
        assert!(server.ledger().is_empty());
        server.heal();
        let healed = Instant::now();
        assert_eq!(outbox.drain(LONG).await.unwrap().delivered, 200, "{name}");
        let took = healed.elapsed();
        assert!(took < Duration::from_secs(180), "{name}: delivered {took:?} after the return");
        let after: Vec<_> = server.sent().into_iter().filter(|(_, at)| *at >= healed).collect();
        let first_three: Vec<_> = after.iter().take(3).map(|(_, at)| *at).collect();
        assert!(
            first_three[1] - first_three[0] >= Duration::from_millis(400),
            "{name}: one first, then more"
        );
        assert!(server.most_under_way() <= 4, "{name}");
        assert_eq!(server.ledger().len(), 200, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_rate_is_bounded_whatever_waits() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await;
    for number in 0..300 {
        outbox.submit(note(&number.to_string(), "x")).await.unwrap();
    }
    let server = Server::new();
    let calm = Policy {
        shortest_gap: Duration::from_millis(100),
        ..policy()
    };
    let (_control, _running) = start_with(&outbox, &server, calm);
    assert_eq!(outbox.drain(LONG).await.unwrap().delivered, 300);
    let most = most_in_a_second(&server.sent());
    assert!(most <= 10, "{most} in a second");
}

#[tokio::test(start_paused = true)]
async fn rows_of_a_target_that_is_not_configured_stay_and_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await;
    let mut foreign = note("a", "x");
    foreign.target.origin = "https://old.example:443".into();
    let foreign = outbox.submit(foreign).await.unwrap();
    let ours = outbox.submit(note("a", "x")).await.unwrap();
    let server = Server::new();
    let (_control, _running) = start(&outbox, &server);
    settled(&outbox, ours.id).await;
    assert_eq!(server.sent().len(), 1);
    let row = outbox.row(foreign.id).await.unwrap();
    assert_eq!(row.state, IntentState::Queued);
    assert!(row.detail.unwrap().raw().contains("not configured"));
}

#[tokio::test(start_paused = true)]
async fn one_sender_at_a_time_and_the_next_one_takes_over_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (open(folder.path()).await, open(folder.path()).await);
    let server = Server::new();
    let (first, first_running) = start(&one, &server);
    first.status().wait_for(|status| status.role == Role::Sending).await.unwrap();
    let (second, _second_running) = start(&two, &server);
    sleep(Duration::from_secs(5)).await;
    assert_eq!(second.status().borrow().role, Role::Waiting);
    // submitted through the one that does not send
    let row = two.submit(note("a", "x")).await.unwrap();
    assert_eq!(settled(&two, row.id).await.state, IntentState::Delivered);
    server.will([Act::Hang]);
    let row = one.submit(note("b", "x")).await.unwrap();
    let mut changes = one.changes();
    while changes.recv().await.unwrap().state != IntentState::Sending {}
    first_running.kill().await;
    second.status().wait_for(|status| status.role == Role::Sending).await.unwrap();
    assert_eq!(settled(&two, row.id).await.state, IntentState::Delivered);
    assert_eq!(server.ledger().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn released_before_a_suspend_another_takes_over_and_the_old_one_writes_nothing_more() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (open(folder.path()).await, open(folder.path()).await);
    let server = Server::new();
    let (first, _first_running) = start(&one, &server);
    server.will([Act::Hang]);
    let row = one.submit(note("a", "x")).await.unwrap();
    let mut changes = one.changes();
    while changes.recv().await.unwrap().state != IntentState::Sending {}
    first.release().await;
    assert_eq!(one.row(row.id).await.unwrap().state, IntentState::InDoubt);
    assert_eq!(first.status().borrow().role, Role::Released);
    let (second, second_running) = start(&two, &server);
    second.status().wait_for(|status| status.role == Role::Sending).await.unwrap();
    assert_eq!(settled(&two, row.id).await.state, IntentState::Delivered);
    first.acquire().await;
    sleep(Duration::from_secs(5)).await;
    assert_eq!(first.status().borrow().role, Role::Waiting);
    second_running.stop().await;
    first.status().wait_for(|status| status.role == Role::Sending).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_old_sender_that_slept_through_a_take_over_is_fenced() {
    // its lock is gone without its knowing: the file was removed under it
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (open(folder.path()).await, open(folder.path()).await);
    let (old_server, new_server) = (Server::new(), Server::new());
    old_server.will([Act::Hang]);
    let (old, _old_running) = start(&one, &old_server);
    let row = one.submit(note("a", "x")).await.unwrap();
    let mut changes = one.changes();
    while changes.recv().await.unwrap().state != IntentState::Sending {}
    std::fs::remove_file(super::support::sender_lock(folder.path())).unwrap();
    new_server.always(Act::Refuse);
    new_server.will_look([Look::Gone]);
    let (new, _new_running) = start(&two, &new_server);
    new.status().wait_for(|status| status.role == Role::Sending).await.unwrap();
    assert_eq!(settled(&two, row.id).await.state, IntentState::Parked);
    // the old one's answer comes (its time runs out): it may not touch the row, and it stops sending
    sleep(Duration::from_secs(60)).await;
    assert_eq!(two.row(row.id).await.unwrap().state, IntentState::Parked);
    let later = one.submit(note("b", "x")).await.unwrap();
    settled(&two, later.id).await;
    assert_eq!(old_server.sent().len(), 1, "nothing more after it was fenced");
    assert_eq!(old.status().borrow().role, Role::Waiting);
    assert!(two.audit().verify().await.unwrap().is_whole());
}

#[tokio::test(start_paused = true)]
async fn a_row_whose_hash_is_wrong_is_never_sent() {
    let cases = [
        "UPDATE intent SET body = x'7b7d' WHERE id = 1",
        "UPDATE intent SET origin = 'https://evil.example:443' WHERE id = 1",
        "UPDATE intent SET intent = replace(intent, 'x', 'y') WHERE id = 1",
        "UPDATE intent SET intent = '{' WHERE id = 1",
        "UPDATE intent SET row_hash = zeroblob(32) WHERE id = 1",
    ];
    for restart in [false, true] {
        for sql in cases {
            let folder = tempfile::tempdir().unwrap();
            let mut outbox = open(folder.path()).await;
            outbox.submit(note("a", "x")).await.unwrap();
            let other = outbox.submit(note("b", "x")).await.unwrap();
            rusqlite::Connection::open(folder.path().join("outbox/outbox.db"))
                .unwrap()
                .execute_batch(sql)
                .unwrap();
            if restart {
                shut(outbox, folder.path()).await;
                outbox = open(folder.path()).await;
            }
            let server = Server::new();
            let everything = vec![
                target(),
                manage(),
                nightdesk::domain::Target {
                    origin: "https://evil.example:443".into(),
                    ..target()
                },
            ];
            let sender = Sender::new(outbox.clone(), Arc::clone(&server), everything, policy());
            let task = tokio::spawn(sender.run(std::future::pending()));
            settled(&outbox, other.id).await;
            sleep(Duration::from_secs(120)).await;
            assert!(server.sent().iter().all(|(id, _)| *id == other.id), "{sql}");
            let counts = outbox.counts().await.unwrap();
            assert_eq!((counts.parked + counts.damaged, counts.open()), (1, 0), "{sql}: {counts:?}");
            if counts.parked == 1 {
                assert!(outbox.row(OutboxId(1)).await.unwrap().detail.unwrap().raw().contains("hash"));
                outbox.retry(OutboxId(1)).await.unwrap_err();
                outbox.cancel(OutboxId(1)).await.unwrap();
            }
            task.abort();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn stopped_it_lets_requests_end_and_says_of_the_rest_that_they_are_in_doubt() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await;
    let server = Server::new();
    let (_control, running) = start(&outbox, &server);
    let mut changes = outbox.changes();
    let quick = outbox.submit(note("a", "x")).await.unwrap();
    while changes.recv().await.unwrap().state != IntentState::Sending {}
    running.stop().await;
    assert_eq!(outbox.row(quick.id).await.unwrap().state, IntentState::Delivered);
    server.will([Act::Hang]);
    let (_control, running) = start(&outbox, &server);
    let hung = outbox.submit(note("b", "x")).await.unwrap();
    while changes.recv().await.unwrap().state != IntentState::Sending {}
    while outbox.row(hung.id).await.unwrap().state != IntentState::Sending {}
    running.stop().await;
    assert_eq!(outbox.row(hung.id).await.unwrap().state, IntentState::InDoubt);
}

#[tokio::test(start_paused = true)]
async fn waiting_has_an_end_and_says_how_things_stand() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await;
    let row = outbox.submit(note("a", "x")).await.unwrap();
    let began = Instant::now();
    let rows = outbox.wait_settled(&[row.id], Duration::from_secs(30)).await.unwrap();
    assert_eq!(rows, [row]);
    assert!(began.elapsed() >= Duration::from_secs(30));
    assert_eq!(outbox.drain(Duration::from_secs(5)).await.unwrap().queued, 1);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_rows_go_out_once_each() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await;
    for number in 0..1_000 {
        outbox.submit(note(&number.to_string(), "x")).await.unwrap();
    }
    let server = Server::new();
    let (_control, _running) = start(&outbox, &server);
    let counts = outbox.drain(LONG).await.unwrap();
    assert_eq!((counts.open(), server.ledger().len()), (0, 1_000));
    assert_eq!(server.sent().len(), 1_000);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_the_server_asked_for_is_not_cut_short_by_an_answer_that_was_under_way() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await;
    let server = Server::new();
    let asked = Duration::from_secs(60);
    // the second answer widens the queue; of the next two, which are under way together, the first asks for the wait
    server.will([Act::Commit, Act::Commit, Act::Throttle(Some(asked)), Act::Commit]);
    for alert in ["a", "b", "c", "d", "e", "f"] {
        outbox.submit(note(alert, "x")).await.unwrap();
    }
    let quick = Policy {
        first_gap: Duration::from_millis(5),
        ..policy()
    };
    let (control, _running) = start_with(&outbox, &server, quick);
    assert_eq!(outbox.drain(LONG).await.unwrap().open(), 0);
    let sent: Vec<Instant> = server.sent().into_iter().map(|(_, at)| at).collect();
    assert!(server.most_under_way() >= 2, "the test needs two under way: {sent:?}");
    let throttled = sent[2] + Duration::from_millis(20);
    for at in &sent {
        assert!(
            *at <= throttled || *at >= throttled + asked,
            "{:?} after it was asked to wait",
            *at - throttled
        );
    }
    assert_eq!(
        control.status().borrow().lanes[0].waiting,
        None,
        "and then it says no more that it waits"
    );
    assert_eq!(server.ledger().len(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_refused_row_that_may_have_arrived_says_so_when_a_person_ends_it() {
    for edited in [false, true] {
        // it arrives, nobody hears of it, and then the server no longer lets us look
        let bench = Bench::with([Act::LoseAnswer], [Look::Gone]).await;
        let (outbox, server) = (&bench.outbox, &bench.server);
        let row = bench.end_of(note("a", "x")).await;
        assert_eq!((row.state, server.ledger().len()), (IntentState::Parked, 1));
        if edited {
            outbox.replace(row.id, note("a", "y")).await.unwrap();
        } else {
            outbox.cancel(row.id).await.unwrap();
        }
        let ended = outbox.list(RowFilter::of([IntentState::Cancelled])).await.unwrap().remove(0);
        assert!(ended.may_have_arrived() && ended.taken_back() == "may have arrived", "{ended:?}");
        let words = ended.detail.unwrap().shown().to_owned();
        assert!(words.contains("may have arrived"), "{words}");
        // one that certainly did not arrive says nothing of the kind
        server.always(Act::Refuse);
        let refused = outbox.submit(note("b", "x")).await.unwrap();
        let refused = settled(outbox, refused.id).await;
        let ended = outbox.cancel(refused.id).await.unwrap();
        assert_eq!(ended.state, IntentState::Cancelled);
        assert!(!ended.may_have_arrived() && ended.taken_back() == "taken back", "{ended:?}");
        assert!(!ended.detail.is_some_and(|words| words.raw().contains("may have arrived")));
    }
}
