//! Random answers and random crashes against a server that keeps a ledger: nothing lost, nothing doubled, order kept.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use nightdesk::outbox::{Outbox, Policy, Sender};
use proptest::prelude::*;

use super::support::{LONG, Server, encode, manage, note, options, order, target};

/// Drops a future at its n-th turn, or at the end of a time: a crash at any await.
async fn crash_at(turn: usize, within: Duration, future: impl Future) {
    let mut future = pin!(future);
    let mut turns = 0;
    let poll = std::future::poll_fn(|context| {
        turns += 1;
        if turns > turn || future.as_mut().poll(context).is_ready() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    });
    let _ = tokio::time::timeout(within, poll).await;
}

async fn night(seed: u64, wishes: &[(u8, bool)], crashes: &[(usize, u64)]) -> Result<(), TestCaseError> {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("outbox");
    let server = Server::sick(seed);
    let mut asked: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    let mut wishes = wishes.iter().enumerate();
    let policy = Policy {
        seed: Some(seed),
        ..Policy::default()
    };
    for (turn, seconds) in crashes {
        let outbox = Outbox::open(&directory, options()).await.unwrap();
        for (number, (alert, is_order)) in wishes.by_ref().take(3) {
            let submission = if *is_order {
                order(&format!("{alert}-{number}"))
            } else {
                note(&alert.to_string(), &number.to_string())
            };
            let (object, body) = (submission.intent.object().0, encode(&submission.intent));
            outbox.submit(submission).await.unwrap();
            asked.entry(object).or_default().push(body);
        }
        let sender = Sender::new(outbox.clone(), server.clone(), vec![target(), manage()], policy);
        crash_at(*turn, Duration::from_secs(*seconds), sender.run(std::future::pending())).await;
    }
    server.heal();
    let outbox = Outbox::open(&directory, options()).await.unwrap();
    prop_assert_eq!(outbox.recovery(), None);
    let sender = Sender::new(outbox.clone(), server.clone(), vec![target(), manage()], policy);
    let task = tokio::spawn(sender.run(std::future::pending()));
    let counts = outbox.drain(LONG).await.unwrap();
    task.abort();
    let total: usize = asked.values().map(Vec::len).sum();
    prop_assert_eq!((counts.open(), counts.parked, counts.delivered), (0, 0, total as u64));
    let mut ledger: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    for (object, body) in server.ledger() {
        ledger.entry(object).or_default().push(body);
    }
    // equal maps: each once, none missing, and each object's in the order they were asked
    prop_assert_eq!(ledger, asked);
    let report = outbox.audit().verify().await.unwrap();
    prop_assert!(report.is_whole(), "{:?}", report);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_and_nothing_doubled(
        seed: u64,
        wishes in prop::collection::vec((0_u8..4, any::<bool>()), 1..14),
        crashes in prop::collection::vec((1_usize..120, 0_u64..90), 1..7),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        // wishes that no crash left room for are simply not asked
        runtime.block_on(night(seed, &wishes, &crashes))?;
    }
}
