//! Damaged files: moved aside, what is good goes on, how much is said, and nothing is sent twice for it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use nightdesk::domain::{IntentState, OutboxRow};
use nightdesk::outbox::{Outbox, OutboxError, RowFilter};

use super::support::{LONG, Server, note, open, options, order, shut, start};

/// Rows that [`filled`] makes, and how many of them are open.
const ALL: u64 = 68;
const OPEN: u64 = 62;

/// Rows in several states, some with bodies beyond a page, some in the log only; then the files as `kill -9` would leave them.
async fn filled(folder: &Path, checkpoint: bool) -> Vec<OutboxRow> {
    let outbox = open(folder).await;
    let server = Server::new();
    let (_control, running) = start(&outbox, &server);
    let mut ids = Vec::new();
    for number in 0..6 {
        ids.push(outbox.submit(note(&format!("sent{number}"), "x")).await.unwrap().id);
    }
    outbox.wait_settled(&ids, LONG).await.unwrap();
    running.stop().await;
    for number in 0..60 {
        outbox.submit(note(&format!("open{number}"), "x")).await.unwrap();
    }
    outbox.submit(note("long", &"ä".repeat(20_000))).await.unwrap();
    outbox.submit(order("o")).await.unwrap();
    let rows = outbox.list(RowFilter::default()).await.unwrap();
    let connection = rusqlite::Connection::open(folder.join("outbox/outbox.db")).unwrap();
    if checkpoint {
        connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    }
    // the copy is what a killed process leaves: no tidy closing
    copy(&folder.join("outbox"), &folder.join("killed"));
    drop(connection);
    shut(outbox, folder).await;
    std::fs::remove_dir_all(folder.join("outbox")).unwrap();
    std::fs::rename(folder.join("killed"), folder.join("outbox")).unwrap();
    rows
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() && path.file_name().unwrap() != "outbox.db-shm" {
            std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
}

fn log(folder: &Path) -> PathBuf {
    folder.join("outbox/outbox.db-wal")
}

fn database(folder: &Path) -> PathBuf {
    folder.join("outbox/outbox.db")
}

/// Every row that is there says what was asked; an ended one stays ended; and the sender never sends an ended one again.
async fn check(outbox: &Outbox, before: &[OutboxRow], case: &str) -> u64 {
    let after: BTreeMap<_, _> = outbox
        .list(RowFilter::default())
        .await
        .unwrap()
        .into_iter()
        .map(|row| (row.id, row))
        .collect();
    let mut found = 0;
    for row in before {
        let Some(now) = after.get(&row.id) else { continue };
        if now.intent == row.intent && now.target == row.target {
            found += 1;
        } else {
            assert!(!now.state.is_open(), "{case}: an altered row must not be open: {now:?}");
            assert!(now.detail.as_ref().unwrap().raw().contains("hash"), "{case}: {now:?}");
        }
        if !row.state.is_open() && row.intent == now.intent {
            assert_ne!(
                now.state,
                IntentState::Queued,
                "{case}: what was delivered may be looked up, not sent: {now:?}"
            );
        }
    }
    assert!(
        after.keys().all(|id| before.iter().any(|row| row.id == *id)),
        "{case}: nothing is invented"
    );
    found
}

#[tokio::test(start_paused = true)]
async fn row_19_a_file_cut_to_half_or_to_nothing_or_with_a_broken_header_is_moved_aside_and_salvaged() {
    type Damage = fn(&Path);
    let cases: [(&str, bool, Damage, u64); 7] = [
        ("header", true, |path| write_at(path, 0, &[0; 16]), ALL),
        ("page size", true, |path| write_at(path, 16, &[0x20, 0]), ALL),
        ("first page", true, |path| write_at(path, 0, &[0xff; 4096]), ALL),
        ("half", true, |path| cut(path, std::fs::metadata(path).unwrap().len() / 2), 5),
        ("zero", true, |path| cut(path, 0), 0),
        ("zero with log", false, |path| cut(path, 0), ALL),
        ("removed", true, |path| std::fs::remove_file(path).unwrap(), 0),
    ];
    for (case, checkpoint, damage, at_least) in cases {
        let folder = tempfile::tempdir().unwrap();
        let before = filled(folder.path(), checkpoint).await;
        damage(&database(folder.path()));
        let outbox = open(folder.path()).await;
        let recovery = outbox.recovery().unwrap_or_else(|| panic!("{case}")).clone();
        let found = check(&outbox, &before, case).await;
        assert!(found >= at_least, "{case}: {found} rows; {recovery}");
        assert_eq!(recovery.salvaged, found, "{case}: {recovery}");
        assert!(recovery.lost >= OPEN.saturating_sub(found), "{case}: {recovery}");
        if found == ALL {
            assert_eq!((recovery.lost, recovery.audit_lost), (0, 0), "{case}: {recovery}");
            assert!(outbox.audit().verify().await.unwrap().is_whole(), "{case}");
        }
        let aside = recovery.moved_to.unwrap();
        assert!(
            case == "removed" || aside.join("outbox.db").exists(),
            "{case}: nothing is thrown away"
        );
        // numbers are not given twice, and work goes on
        let next = outbox.submit(note("next", "x")).await.unwrap();
        assert_eq!(u64::try_from(next.id.0).unwrap(), ALL + 1, "{case}");
        let server = Server::new();
        let (_control, _running) = start(&outbox, &server);
        assert_eq!(outbox.drain(LONG).await.unwrap().open(), 0, "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn row_19_what_was_salvaged_open_is_looked_up_before_it_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), true).await;
    write_at(&database(folder.path()), 0, &[0; 16]);
    let outbox = open(folder.path()).await;
    assert_eq!(outbox.counts().await.unwrap().in_doubt, OPEN);
    assert_eq!(outbox.recovered().len(), usize::try_from(OPEN).unwrap());
    let server = Server::new();
    let (_control, _running) = start(&outbox, &server);
    outbox.drain(LONG).await.unwrap();
    let (first_look, first_send) = (server.looked()[0].1, server.sent()[0].1);
    assert!(
        first_send - first_look >= std::time::Duration::from_secs(25),
        "the request of a killed sender may still be running"
    );
    assert_eq!(server.ledger().len(), usize::try_from(OPEN).unwrap());
}

#[tokio::test]
async fn row_19_a_byte_flipped_anywhere_never_alters_a_wish_and_never_goes_unsaid() {
    let origin = tempfile::tempdir().unwrap();
    let before = filled(origin.path(), true).await;
    let pristine = std::fs::read(database(origin.path())).unwrap();
    let pages = pristine.len() / 4096;
    let mut dice = fastrand::Rng::with_seed(20);
    for page in 0..pages {
        for _ in 0..4 {
            // used bytes, where there are some: a flip in free space has no meaning
            let offset = (0..64)
                .map(|_| page * 4096 + dice.usize(..4096))
                .find(|offset| pristine[*offset] != 0)
                .unwrap_or(page * 4096);
            let case = format!("page {page}, byte {offset}");
            let folder = tempfile::tempdir().unwrap();
            copy(&origin.path().join("outbox"), &folder.path().join("outbox"));
            write_at(&database(folder.path()), offset as u64, &[pristine[offset] ^ (1 << dice.u8(..8))]);
            let outbox = match Outbox::open(&folder.path().join("outbox"), options()).await {
                Ok(outbox) => outbox,
                // the version's own bytes: an honest refusal that touches nothing
                Err(OutboxError::NewerSchema { .. }) if (60..64).contains(&offset) => continue,
                Err(error) => panic!("{case}: {error}"),
            };
            let found = check(&outbox, &before, &case).await;
            let counts = outbox.counts().await.unwrap();
            let said = outbox.recovery().map_or(0, |recovery| recovery.lost) + counts.damaged + counts.parked;
            assert!(
                counts.open() + said >= OPEN,
                "{case}: {found} found, {counts:?}, {:?}",
                outbox.recovery()
            );
            outbox.submit(note("next", "x")).await.unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn row_19_a_removed_log_is_noticed_by_the_anchor_and_nothing_is_sent_without_a_look_up() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await;
    let row = outbox.submit(note("a", "x")).await.unwrap();
    let connection = rusqlite::Connection::open(database(folder.path())).unwrap();
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    let server = Server::new();
    let (_control, running) = start(&outbox, &server);
    outbox.wait_settled(&[row.id], LONG).await.unwrap();
    running.stop().await;
    outbox.submit(note("b", "lost with the log")).await.unwrap();
    copy(&folder.path().join("outbox"), &folder.path().join("killed"));
    drop(connection);
    shut(outbox, folder.path()).await;
    std::fs::remove_dir_all(folder.path().join("outbox")).unwrap();
    std::fs::rename(folder.path().join("killed"), folder.path().join("outbox")).unwrap();
    std::fs::remove_file(folder.path().join("outbox/outbox.db-wal")).unwrap();

    let outbox = open(folder.path()).await;
    let recovery = outbox.recovery().unwrap().clone();
    assert!(recovery.reason.contains("older"), "{recovery}");
    assert_eq!((recovery.lost, recovery.moved_to), (1, None));
    // queued again in the old file, though it was delivered: it is looked up
    assert_eq!(outbox.row(row.id).await.unwrap().state, IntentState::InDoubt);
    let (_control, _running) = start(&outbox, &server);
    outbox.drain(LONG).await.unwrap();
    assert_eq!(server.ledger().len(), 1);
    assert!(!outbox.audit().verify().await.unwrap().is_whole());
    assert_eq!(
        outbox.submit(note("c", "x")).await.unwrap().id.0,
        3,
        "the lost row's number is not given again"
    );
}

#[tokio::test]
async fn row_19_a_byte_flipped_in_the_log_never_alters_a_wish_and_never_goes_unsaid() {
    let origin = tempfile::tempdir().unwrap();
    let before = filled(origin.path(), false).await;
    let pristine = std::fs::read(log(origin.path())).unwrap();
    let mut dice = fastrand::Rng::with_seed(19);
    for number in 0..60 {
        // a spread over the whole log, its header included
        let offset = if number < 4 { number * 8 } else { dice.usize(32..pristine.len()) };
        let case = format!("byte {offset} of the log");
        let folder = tempfile::tempdir().unwrap();
        copy(&origin.path().join("outbox"), &folder.path().join("outbox"));
        write_at(&log(folder.path()), offset as u64, &[pristine[offset] ^ (1 << dice.u8(..8))]);
        let outbox = open(folder.path()).await;
        let found = check(&outbox, &before, &case).await;
        let counts = outbox.counts().await.unwrap();
        let said = outbox.recovery().map_or(0, |recovery| recovery.lost) + counts.damaged + counts.parked;
        assert!(
            counts.open() + said >= OPEN,
            "{case}: {found} found, {counts:?}, {:?}",
            outbox.recovery()
        );
        // the frames beyond the bad byte are read, too: hardly a row is lost
        assert!(found >= ALL - 2, "{case}: {found} found, {:?}", outbox.recovery());
        outbox.submit(note("next", "x")).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn row_19_an_older_version_of_what_was_delivered_does_not_come_back_to_life() {
    // the table is gone and an old log has the rows as they were asked: only the audit knows that they were delivered
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await;
    let row = outbox.submit(super::support::order("a")).await.unwrap();
    let taken_back = outbox.submit(note("b", "x")).await.unwrap();
    let old_log = std::fs::read(log(folder.path())).unwrap();
    outbox.cancel(taken_back.id).await.unwrap();
    let server = Server::new();
    let (_control, running) = start(&outbox, &server);
    outbox.wait_settled(&[row.id], LONG).await.unwrap();
    running.stop().await;
    shut(outbox, folder.path()).await;
    let connection = rusqlite::Connection::open(database(folder.path())).unwrap();
    let root: u64 = connection
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'intent'", [], |row| {
            row.get::<_, i64>(0)
        })
        .unwrap()
        .try_into()
        .unwrap();
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    drop(connection);
    write_at(&database(folder.path()), (root - 1) * 4096, &[0; 4096]);
    write_at(&database(folder.path()), 0, &[0; 16]);
    std::fs::write(log(folder.path()), old_log).unwrap();

    let outbox = open(folder.path()).await;
    let recovery = outbox.recovery().unwrap();
    assert_eq!((recovery.salvaged, recovery.lost), (2, 0), "{recovery}");
    assert_eq!(outbox.row(row.id).await.unwrap().state, IntentState::Delivered);
    assert_eq!(outbox.row(taken_back.id).await.unwrap().state, IntentState::Cancelled);
    // the server has long forgotten: nothing may be sent on its word
    let forgetful = Server::new();
    let (_control, _running) = start(&outbox, &forgetful);
    outbox.drain(LONG).await.unwrap();
    assert!(forgetful.sent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn row_19_a_parked_row_of_a_repaired_file_is_looked_up_when_it_is_retried() {
    // it may have been retried and delivered after the version that was found
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await;
    let server = Server::new();
    server.will([super::support::Act::Refuse]);
    let (_control, running) = start(&outbox, &server);
    let row = outbox.submit(note("a", "x")).await.unwrap();
    outbox.wait_settled(&[row.id], LONG).await.unwrap();
    running.stop().await;
    shut(outbox, folder.path()).await;
    let old = std::fs::read(database(folder.path())).unwrap();
    let outbox = open(folder.path()).await;
    let (_control, running) = start(&outbox, &server);
    outbox.retry(row.id).await.unwrap();
    outbox.drain(LONG).await.unwrap();
    running.stop().await;
    shut(outbox, folder.path()).await;
    assert_eq!(server.ledger().len(), 1);
    std::fs::write(database(folder.path()), old).unwrap();

    let outbox = open(folder.path()).await;
    assert!(outbox.recovery().unwrap().reason.contains("older"));
    assert_eq!(outbox.row(row.id).await.unwrap().state, IntentState::Parked);
    outbox.retry(row.id).await.unwrap();
    let (_control, _running) = start(&outbox, &server);
    outbox.drain(LONG).await.unwrap();
    assert_eq!(outbox.row(row.id).await.unwrap().state, IntentState::Delivered);
    assert_eq!(server.ledger().len(), 1, "not sent again");
}

#[tokio::test(start_paused = true)]
async fn row_19_what_is_written_to_a_file_removed_under_us_is_not_acknowledged_and_not_sent() {
    let cases: [&[&str]; 3] = [&["outbox.db"], &["outbox.db-wal"], &["outbox.db", "outbox.db-wal", "outbox.db-shm"]];
    for files in cases {
        let folder = tempfile::tempdir().unwrap();
        let outbox = open(folder.path()).await;
        let kept = outbox.submit(note("a", "x")).await.unwrap();
        for file in files {
            std::fs::remove_file(folder.path().join("outbox").join(file)).unwrap();
        }
        let error = outbox.submit(note("b", "x")).await.unwrap_err();
        assert!(error.to_string().contains("removed or replaced"), "{files:?}: {error}");
        let server = Server::new();
        let sender = nightdesk::outbox::Sender::new(
            outbox.clone(),
            server.clone(),
            vec![super::support::target()],
            super::support::policy(),
        );
        sender.run(std::future::pending()).await.unwrap_err();
        assert!(server.sent().is_empty(), "{files:?}");
        drop(kept);
        shut(outbox, folder.path()).await;
        // the next start finds it in what is left, or says that it is gone
        let outbox = open(folder.path()).await;
        let (lost, open) = (
            outbox.recovery().map_or(0, |recovery| recovery.lost),
            outbox.counts().await.unwrap().open(),
        );
        assert!(lost + open >= 1, "{files:?}: {lost} lost, {open} open");
    }
}

#[tokio::test]
async fn another_outboxs_database_is_not_taken_for_ours() {
    let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    filled(ours.path(), true).await;
    filled(theirs.path(), true).await;
    std::fs::copy(database(theirs.path()), database(ours.path())).unwrap();
    let outbox = open(ours.path()).await;
    let recovery = outbox.recovery().unwrap();
    assert!(recovery.reason.contains("another outbox"), "{recovery}");
    assert_eq!(recovery.salvaged, 0, "their wishes are not ours to send");
    assert!(outbox.list(RowFilter::default()).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_lost_or_garbled_identity_is_restored_from_a_database_that_the_anchor_knows() {
    for content in [None, Some(""), Some("0123456789abcdef0123456789abcdef")] {
        let folder = tempfile::tempdir().unwrap();
        let before = filled(folder.path(), true).await;
        let path = folder.path().join("outbox/outbox.id");
        let identity = std::fs::read_to_string(&path).unwrap();
        match content {
            None => std::fs::remove_file(&path).unwrap(),
            Some(content) => std::fs::write(&path, content).unwrap(),
        }
        let outbox = open(folder.path()).await;
        assert_eq!(outbox.recovery(), None, "{content:?}");
        assert_eq!(outbox.list(RowFilter::default()).await.unwrap(), before);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), identity);
    }
}

#[tokio::test]
async fn damage_found_while_another_process_uses_it_is_refused_not_moved() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await;
    outbox.submit(note("a", "x")).await.unwrap();
    write_at(&database(folder.path()), 0, &[0; 16]);
    let error = Outbox::open(&folder.path().join("outbox"), options()).await.unwrap_err();
    assert!(matches!(error, OutboxError::DamagedInUse { .. }), "{error}");
    assert!(database(folder.path()).exists());
}

#[tokio::test]
async fn a_repair_that_was_killed_is_finished_by_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), true).await;
    let directory = folder.path().join("outbox");
    // as far as it gets: the new database complete, the old set still there, the old log gone
    std::fs::copy(directory.join("outbox.db"), directory.join("outbox.db.salvaged")).unwrap();
    write_at(&directory.join("outbox.db"), 0, &[0; 16]);
    let outbox = open(folder.path()).await;
    let recovery = outbox.recovery().unwrap();
    assert!(recovery.moved_to.as_ref().unwrap().join("outbox.db").exists());
    assert_eq!(outbox.counts().await.unwrap().open(), OPEN);
    assert!(!directory.join("outbox.db.salvaged").exists());
}

fn write_at(path: &Path, offset: u64, bytes: &[u8]) {
    use std::os::unix::fs::FileExt as _;
    std::fs::OpenOptions::new()
        .write(true)
        .open(path)
        .unwrap()
        .write_all_at(bytes, offset)
        .unwrap();
}

fn cut(path: &Path, length: u64) {
    std::fs::OpenOptions::new().write(true).open(path).unwrap().set_len(length).unwrap();
}
