//! What is committed, refused, taken back and told.

use nightdesk::domain::{IntentState, OutboxId};
use nightdesk::outbox::{Limits, Outbox, OutboxError, RowFilter};

use super::support::{note, open, options, order, shut};

#[tokio::test]
async fn what_was_queued_is_there_after_a_restart_and_is_told_as_recovered() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await;
    assert!(outbox.recovered().is_empty() && outbox.recovery().is_none());
    let one = outbox.submit(note("a", "first")).await.unwrap();
    let two = outbox.submit(order("a")).await.unwrap();
    assert_eq!((one.id, one.state, one.attempts), (OutboxId(1), IntentState::Queued, 0));
    shut(outbox, folder.path()).await;
    let outbox = open(folder.path()).await;
    assert_eq!(outbox.list(RowFilter::default()).await.unwrap(), [one.clone(), two.clone()]);
    assert_eq!(outbox.recovered(), [one, two]);
}

#[tokio::test]
async fn a_take_over_is_a_wish_of_its_own_though_the_same_bytes_are_sent() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await;
    let from = |holder: Option<&str>| {
        let mut submission = note("a", "x");
        if let nightdesk::domain::Intent::Acknowledge { over, .. } = &mut submission.intent {
            *over = holder.map(Into::into);
        }
        submission
    };
    let first = outbox.submit(from(None)).await.unwrap();
    let second = outbox.submit(from(Some("k.lee"))).await.unwrap();
    let third = outbox.submit(from(Some("m.roy"))).await.unwrap();
    assert!(first.id != second.id && second.id != third.id);
    assert_eq!(outbox.submit(from(Some("m.roy"))).await.unwrap().id, third.id, "a double press");
}

#[tokio::test]
async fn a_double_key_press_is_one_row_and_another_text_is_another() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await;
    let one = outbox.submit(note("a", "x")).await.unwrap();
    assert_eq!(outbox.submit(note("a", "x")).await.unwrap().id, one.id);
    let other = outbox.submit(note("a", "y")).await.unwrap();
    assert_ne!(other.id, one.id);
    // the last word counts: x again after y is not a double press
    let again = outbox.submit(note("a", "x")).await.unwrap();
    assert!(again.id > other.id);
    assert_ne!(outbox.submit(note("b", "x")).await.unwrap().id, one.id);
    assert_eq!(outbox.counts().await.unwrap().open(), 4);
}

#[tokio::test]
async fn cancel_retry_and_replace_keep_to_the_states() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await;
    let one = outbox.submit(note("a", "x")).await.unwrap();
    let cancelled = outbox.cancel(one.id).await.unwrap();
    assert_eq!(cancelled.state, IntentState::Cancelled);
    for error in [outbox.cancel(one.id).await.unwrap_err(), outbox.retry(one.id).await.unwrap_err()] {
        assert!(
            matches!(
                error,
                OutboxError::State {
                    state: IntentState::Cancelled,
                    ..
                }
            ),
            "{error}"
        );
    }
    let two = outbox.submit(note("a", "x")).await.unwrap();
    assert_ne!(two.id, one.id, "a cancelled row is no longer the same");
    let edited = outbox.replace(two.id, note("a", "edited")).await.unwrap();
    assert_eq!(edited.state, IntentState::Queued);
    assert_eq!(outbox.row(two.id).await.unwrap().state, IntentState::Cancelled);
    assert!(matches!(
        outbox.cancel(OutboxId(99)).await,
        Err(OutboxError::NotFound(OutboxId(99)))
    ));
    let rows = outbox.list(RowFilter::open()).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), [edited.id]);
}

#[tokio::test]
async fn a_replacement_that_is_refused_leaves_the_old_row_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = options();
    options.limits.body_bytes = 400;
    let outbox = Outbox::open(&folder.path().join("outbox"), options).await.unwrap();
    let row = outbox.submit(note("a", "x")).await.unwrap();
    let error = outbox.replace(row.id, note("a", &"y".repeat(500))).await.unwrap_err();
    assert!(matches!(error, OutboxError::TooLarge { max: 400, .. }), "{error}");
    assert_eq!(outbox.row(row.id).await.unwrap(), row);
}

#[tokio::test]
async fn at_a_limit_new_intents_are_refused_and_old_ones_stay() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("outbox");
    let mut few = options();
    few.limits = Limits {
        open_rows: 2,
        ..Limits::default()
    };
    let outbox = Outbox::open(&directory, few).await.unwrap();
    outbox.submit(note("a", "x")).await.unwrap();
    let two = outbox.submit(note("b", "x")).await.unwrap();
    assert_eq!(outbox.submit(note("c", "x")).await.unwrap_err(), OutboxError::TooMany { open: 2 });
    assert_eq!(
        outbox.submit(note("b", "x")).await.unwrap().id,
        two.id,
        "a double press adds nothing"
    );
    shut(outbox, folder.path()).await;
    let mut full = options();
    full.limits.free_bytes = u64::MAX;
    let outbox = Outbox::open(&directory, full).await.unwrap();
    let error = outbox.submit(note("c", "x")).await.unwrap_err();
    assert!(matches!(error, OutboxError::DiskLow { .. }), "{error}");
    assert_eq!(outbox.counts().await.unwrap().queued, 2);
}

#[tokio::test]
async fn filters_pick_what_they_say() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await;
    let a = outbox.submit(note("a", "x")).await.unwrap();
    let b = outbox.submit(note("b", "x")).await.unwrap();
    let order = outbox.submit(order("a")).await.unwrap();
    outbox.cancel(b.id).await.unwrap();
    let ids = async |filter: RowFilter| outbox.list(filter).await.unwrap().into_iter().map(|row| row.id).collect::<Vec<_>>();
    assert_eq!(ids(RowFilter::of([IntentState::Cancelled])).await, [b.id]);
    let about = RowFilter {
        alert: Some("a".into()),
        ..RowFilter::default()
    };
    assert_eq!(ids(about).await, [a.id, order.id]);
    let newest = RowFilter {
        newest_first: true,
        limit: Some(2),
        ..RowFilter::default()
    };
    assert_eq!(ids(newest).await, [order.id, b.id]);
    let elsewhere = RowFilter {
        profile: Some("other".into()),
        ..RowFilter::default()
    };
    assert!(ids(elsewhere).await.is_empty());
    assert_eq!(outbox.oldest_open().await.unwrap(), Some(a.created_at));
}

#[tokio::test(start_paused = true)]
async fn two_processes_see_each_others_changes() {
    let folder = tempfile::tempdir().unwrap();
    let one = open(folder.path()).await;
    let two = open(folder.path()).await;
    let mut told = two.changes();
    let row = one.submit(note("a", "x")).await.unwrap();
    assert_eq!(told.recv().await.unwrap(), row);
    let cancelled = two.cancel(row.id).await.unwrap();
    assert_eq!(told.recv().await.unwrap(), cancelled, "its own, too");
    assert_eq!(one.row(row.id).await.unwrap(), cancelled);
    assert!(two.recovered().is_empty(), "the other one is still at work on them");
}

#[tokio::test]
async fn two_processes_that_write_at_once_lose_nothing_and_keep_one_chain() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (open(folder.path()).await, open(folder.path()).await);
    let write = |outbox: Outbox, name: &'static str| async move {
        for number in 0..40 {
            outbox.submit(note(&format!("{name}{number}"), "x")).await.unwrap();
        }
    };
    tokio::join!(write(one.clone(), "one"), write(two.clone(), "two"));
    assert_eq!(one.counts().await.unwrap().queued, 80);
    let report = two.audit().verify().await.unwrap();
    assert!(report.is_whole() && report.after_anchor == 0, "{report:?}");
}

#[tokio::test]
async fn ended_rows_leave_the_history_and_stay_in_the_audit() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = options();
    options.limits.ended_rows = 3;
    let outbox = Outbox::open(&folder.path().join("outbox"), options).await.unwrap();
    for number in 0..10 {
        let row = outbox.submit(note(&number.to_string(), "x")).await.unwrap();
        outbox.cancel(row.id).await.unwrap();
    }
    let open = outbox.submit(note("open", "x")).await.unwrap();
    assert_eq!(outbox.trim().await.unwrap(), 7);
    assert_eq!(outbox.trim().await.unwrap(), 0);
    let left: Vec<_> = outbox
        .list(RowFilter::default())
        .await
        .unwrap()
        .into_iter()
        .map(|row| row.id.0)
        .collect();
    assert_eq!(left, [8, 9, 10, open.id.0]);
    let audit = outbox.audit().show(None, 1000).await.unwrap();
    assert_eq!(audit.iter().filter(|entry| entry.what.raw() == "cancel").count(), 10);
    assert!(outbox.audit().verify().await.unwrap().is_whole());
}

#[tokio::test]
async fn reading_goes_on_where_writing_is_refused() {
    // the store turned read-only under us: SQLite's own switch stands in for the mount
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await;
    let row = outbox.submit(note("a", "x")).await.unwrap();
    let blocker = rusqlite::Connection::open(folder.path().join("outbox/outbox.db")).unwrap();
    blocker.execute_batch("PRAGMA journal_mode; BEGIN IMMEDIATE").unwrap();
    shut(outbox, folder.path()).await;
    let mut impatient = options();
    impatient.busy_timeout = std::time::Duration::from_millis(1);
    let outbox = Outbox::open(&folder.path().join("outbox"), impatient).await.unwrap();
    assert_eq!(outbox.submit(note("b", "x")).await.unwrap_err(), OutboxError::Busy);
    assert_eq!(outbox.list(RowFilter::default()).await.unwrap(), [row]);
    blocker.execute_batch("COMMIT").unwrap();
    outbox.submit(note("b", "x")).await.unwrap();
}
