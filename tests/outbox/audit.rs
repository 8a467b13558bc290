//! The audit finds an edit, a removal, a changed order and a cut tail.

use std::path::Path;

use nightdesk::domain::{IntentState, OutboxId};
use nightdesk::outbox::{AuditFinding, Outbox};

use super::support::{note, open, shut};

async fn filled(folder: &Path) -> Outbox {
    let outbox = open(folder).await;
    for number in 0..6 {
        outbox.submit(note(&number.to_string(), "x")).await.unwrap();
    }
    outbox
}

/// Somebody with an editor, while we have it open.
fn tamper(folder: &Path, sql: &str) {
    rusqlite::Connection::open(folder.join("outbox/outbox.db"))
        .unwrap()
        .execute_batch(sql)
        .unwrap();
}

#[tokio::test]
async fn an_entry_says_who_what_when_and_from_where() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await;
    let row = outbox.submit(note("a", "x")).await.unwrap();
    outbox.cancel(row.id).await.unwrap();
    let entries = outbox.audit().show(None, 100).await.unwrap();
    let words: Vec<_> = entries.iter().map(|entry| entry.what.raw()).collect();
    assert_eq!(words, ["created", "submit", "cancel"]);
    let last = entries.last().unwrap();
    assert_eq!(last.who.operator, "j.weber");
    assert_eq!(last.who.ssh_client.as_deref(), Some("192.0.2.7"));
    assert_eq!(last.object.as_ref().unwrap().raw(), "alert/a");
    assert_eq!(
        (last.row, last.from, last.to),
        (Some(OutboxId(1)), Some(IntentState::Queued), Some(IntentState::Cancelled))
    );
    assert_eq!(
        outbox.audit().show(None, 1).await.unwrap(),
        std::slice::from_ref(last),
        "the newest ones"
    );
    let later = last.at + jiff::Span::new().hours(1);
    assert!(outbox.audit().show(Some(later), 100).await.unwrap().is_empty());
}

#[tokio::test]
async fn untouched_it_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let report = filled(folder.path()).await.audit().verify().await.unwrap();
    assert_eq!((report.entries, report.last, report.after_anchor), (7, 7, 0));
    assert!(report.is_whole());
}

#[tokio::test]
async fn row_27_an_edit_a_removal_a_reorder_and_a_cut_tail_are_each_found_and_named() {
    let cases: [(&str, AuditFinding); 9] = [
        (
            "UPDATE audit SET operator = 'other' WHERE seq = 3",
            AuditFinding::Altered { seq: 3 },
        ),
        ("UPDATE audit SET at = at + 1 WHERE seq = 7", AuditFinding::Altered { seq: 7 }),
        ("UPDATE audit SET detail = NULL WHERE seq = 2", AuditFinding::Altered { seq: 2 }),
        ("UPDATE audit SET what = x'ff' WHERE seq = 4", AuditFinding::Altered { seq: 4 }),
        ("DELETE FROM audit WHERE seq = 4", AuditFinding::Removed { after: 3, before: 5 }),
        ("DELETE FROM audit WHERE seq = 1", AuditFinding::Removed { after: 0, before: 2 }),
        (
            "UPDATE audit SET seq = -1 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 4; UPDATE audit SET seq = 4 WHERE seq = -1",
            AuditFinding::Reordered { seq: 3 },
        ),
        ("DELETE FROM audit WHERE seq > 5", AuditFinding::CutTail { last: 5, anchor: 7 }),
        ("DELETE FROM audit WHERE seq > 6", AuditFinding::CutTail { last: 6, anchor: 7 }),
    ];
    for (sql, finding) in cases {
        let folder = tempfile::tempdir().unwrap();
        let outbox = filled(folder.path()).await;
        tamper(folder.path(), sql);
        let report = outbox.audit().verify().await.unwrap();
        assert!(report.findings.contains(&finding), "{sql}: {report:?}");
        assert!(!finding.to_string().is_empty());
    }
}

#[tokio::test]
async fn row_27_a_row_taken_out_moved_or_slipped_in_is_found_though_the_chain_is_whole() {
    let (row, queued) = (OutboxId(4), || "queued".to_owned());
    let copy = "created_at, kind, intent, object, service, profile, origin, body, row_hash, state, attempts, first_sent_at, updated_at, \
                not_before, wait_ms, detail, superseded_by, wonum, owner_epoch, changed, seal";
    let cases = [
        (
            "DELETE FROM intent WHERE id = 4".to_owned(),
            AuditFinding::RowGone { row, audit: queued() },
        ),
        (
            "UPDATE intent SET state = 'delivered' WHERE id = 4".to_owned(),
            AuditFinding::RowChanged {
                row,
                found: "delivered".into(),
                audit: queued(),
            },
        ),
        (
            format!("INSERT INTO intent (id, {copy}) SELECT 40, {copy} FROM intent WHERE id = 4"),
            AuditFinding::RowUnknown { row: OutboxId(40) },
        ),
    ];
    for (sql, finding) in cases {
        let folder = tempfile::tempdir().unwrap();
        let outbox = filled(folder.path()).await;
        tamper(folder.path(), &sql);
        assert_eq!(outbox.audit().verify().await.unwrap().findings, [finding], "{sql}");
    }
}

#[tokio::test]
async fn row_27_what_was_done_by_hand_is_found_also_after_the_next_start_has_mended_it() {
    let row = OutboxId(4);
    let copy = "created_at, kind, intent, object, service, profile, origin, body, row_hash, state, attempts, first_sent_at, updated_at, \
                not_before, wait_ms, detail, superseded_by, wonum, owner_epoch, changed, seal";
    let changed = |found: &str| AuditFinding::RowChanged {
        row,
        found: found.into(),
        audit: "queued".into(),
    };
    let cases = [
        ("UPDATE intent SET state = 'parked' WHERE id = 4".to_owned(), changed("parked")),
        ("UPDATE intent SET state = 'sending' WHERE id = 4".to_owned(), changed("sending")),
        ("UPDATE intent SET state = 'in_doubt' WHERE id = 4".to_owned(), changed("in_doubt")),
        (
            "UPDATE intent SET state = 'delivered' WHERE id = 4".to_owned(),
            changed("delivered"),
        ),
        (
            "DELETE FROM intent WHERE id = 4".to_owned(),
            AuditFinding::RowGone {
                row,
                audit: "queued".into(),
            },
        ),
        (
            format!("INSERT INTO intent (id, {copy}) SELECT 40, {copy} FROM intent WHERE id = 4"),
            AuditFinding::RowUnknown { row: OutboxId(40) },
        ),
    ];
    for (sql, finding) in cases {
        let folder = tempfile::tempdir().unwrap();
        shut(filled(folder.path()).await, folder.path()).await;
        tamper(folder.path(), &sql);
        for _ in 0..2 {
            let outbox = open(folder.path()).await;
            let findings = outbox.audit().verify().await.unwrap().findings;
            assert!(findings.contains(&finding), "{sql}: {findings:?}");
            shut(outbox, folder.path()).await;
        }
    }
}

#[tokio::test]
async fn row_27_a_state_that_is_no_text_is_a_finding_and_not_the_end_of_the_check() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = filled(folder.path()).await;
    tamper(folder.path(), "UPDATE intent SET state = CAST(x'ff00' AS TEXT) WHERE id = 4");
    let findings = outbox.audit().verify().await.unwrap().findings;
    assert!(
        matches!(findings.as_slice(), [AuditFinding::RowChanged { row: OutboxId(4), .. }]),
        "{findings:?}"
    );
}

#[tokio::test]
async fn row_27_an_ended_row_leaves_the_history_by_its_bounds_and_not_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = super::support::options();
    options.limits.ended_rows = 1;
    let outbox = Outbox::open(&folder.path().join("outbox"), options).await.unwrap();
    for number in 0..4 {
        let row = outbox.submit(note(&number.to_string(), "x")).await.unwrap();
        outbox.cancel(row.id).await.unwrap();
    }
    assert_eq!(outbox.trim().await.unwrap(), 3);
    assert!(outbox.audit().verify().await.unwrap().is_whole());
    tamper(folder.path(), "DELETE FROM intent");
    let findings = outbox.audit().verify().await.unwrap().findings;
    assert_eq!(findings, [AuditFinding::EndedGone { count: 1 }]);
}

#[tokio::test]
async fn row_27_a_removal_that_renumbers_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = filled(folder.path()).await;
    tamper(
        folder.path(),
        "DELETE FROM audit WHERE seq = 4; UPDATE audit SET seq = 4 WHERE seq = 5; UPDATE audit SET seq = 5 WHERE seq = 6;
         UPDATE audit SET seq = 6 WHERE seq = 7",
    );
    let report = outbox.audit().verify().await.unwrap();
    assert!(report.findings.contains(&AuditFinding::Reordered { seq: 4 }), "{report:?}");
}

#[tokio::test]
async fn row_27_a_lost_anchor_is_said_now_and_ever_after() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = filled(folder.path()).await;
    std::fs::remove_file(folder.path().join("outbox/anchor.json")).unwrap();
    assert_eq!(outbox.audit().verify().await.unwrap().findings, [AuditFinding::NoAnchor]);
    shut(outbox, folder.path()).await;
    let report = open(folder.path()).await.audit().verify().await.unwrap();
    assert!(
        matches!(report.findings.as_slice(), [AuditFinding::Lost { seq: 8, .. }]),
        "{report:?}"
    );
}

#[tokio::test]
async fn row_27_an_anchor_that_is_behind_is_no_finding_and_catches_up() {
    let folder = tempfile::tempdir().unwrap();
    let anchor = folder.path().join("outbox/anchor.json");
    let outbox = filled(folder.path()).await;
    let old = std::fs::read(&anchor).unwrap();
    outbox.submit(note("late", "x")).await.unwrap();
    std::fs::write(&anchor, old).unwrap(); // as if killed between commit and anchor
    let report = outbox.audit().verify().await.unwrap();
    assert!(report.is_whole() && report.after_anchor == 1, "{report:?}");
    outbox.submit(note("later", "x")).await.unwrap();
    assert_eq!(outbox.audit().verify().await.unwrap().after_anchor, 0);
}

#[tokio::test]
async fn row_27_a_tail_cut_between_two_runs_is_told_at_the_start_and_by_every_later_check() {
    let folder = tempfile::tempdir().unwrap();
    shut(filled(folder.path()).await, folder.path()).await;
    tamper(folder.path(), "DELETE FROM audit WHERE seq > 5");
    let outbox = open(folder.path()).await;
    assert_eq!(outbox.recovery().unwrap().audit_lost, 2);
    shut(outbox, folder.path()).await;
    let outbox = open(folder.path()).await;
    assert_eq!(outbox.recovery(), None, "said once");
    let report = outbox.audit().verify().await.unwrap();
    assert!(matches!(report.findings.as_slice(), [AuditFinding::Lost { .. }]), "{report:?}");
}

#[tokio::test]
async fn row_27_an_edited_or_garbled_anchor_is_found() {
    type Edit = fn(&str) -> String;
    let cases: [(Edit, AuditFinding); 4] = [
        (
            |text| text.replace("\"seq\":7", "\"seq\":9"),
            AuditFinding::CutTail { last: 7, anchor: 9 },
        ),
        (|text| text.replace("\"seq\":7", "\"seq\":6"), AuditFinding::Rewritten { seq: 6 }),
        (|text| text.chars().take(20).collect(), AuditFinding::NoAnchor),
        (|_| String::new(), AuditFinding::NoAnchor),
    ];
    for (edit, finding) in cases {
        let folder = tempfile::tempdir().unwrap();
        let outbox = filled(folder.path()).await;
        let path = folder.path().join("outbox/anchor.json");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, edit(&text)).unwrap();
        let report = outbox.audit().verify().await.unwrap();
        assert_eq!(report.findings, [finding], "{text}");
    }
}

#[tokio::test]
async fn row_27_a_whole_folder_put_back_to_an_older_copy_is_found_by_an_anchor_kept_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("outbox");
    let mut options = super::support::options();
    options.anchor = Some(folder.path().join("elsewhere.json"));
    let outbox = Outbox::open(&directory, options.clone()).await.unwrap();
    let kept = outbox.submit(note("a", "x")).await.unwrap();
    shut(outbox, folder.path()).await;
    let copy = folder.path().join("copy");
    std::fs::create_dir(&copy).unwrap();
    for entry in std::fs::read_dir(&directory).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, copy.join(path.file_name().unwrap())).unwrap();
    }
    let outbox = Outbox::open(&directory, options.clone()).await.unwrap();
    outbox.cancel(kept.id).await.unwrap();
    outbox.submit(note("b", "x")).await.unwrap();
    shut(outbox, folder.path()).await;
    std::fs::remove_dir_all(&directory).unwrap();
    std::fs::rename(&copy, &directory).unwrap();
    let outbox = Outbox::open(&directory, options).await.unwrap();
    let recovery = outbox.recovery().unwrap();
    assert_eq!((recovery.lost, recovery.audit_lost), (1, 2), "{recovery}");
    // what was taken back in the meantime stands there again: it is not sent without a look
    assert_eq!(outbox.row(kept.id).await.unwrap().state, IntentState::InDoubt);
    let report = outbox.audit().verify().await.unwrap();
    assert!(matches!(report.findings.as_slice(), [AuditFinding::Lost { .. }]), "{report:?}");
}

#[tokio::test]
async fn row_27_an_edit_of_any_column_of_any_entry_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = filled(folder.path()).await;
    for column in [
        "at",
        "operator",
        "os_user",
        "ssh_client",
        "what",
        "object",
        "row_id",
        "from_state",
        "to_state",
        "detail",
        "prev_hash",
        "hash",
    ] {
        for seq in 1..=7 {
            let connection = rusqlite::Connection::open(folder.path().join("outbox/outbox.db")).unwrap();
            let value: rusqlite::types::Value = connection
                .query_row(&format!("SELECT {column} FROM audit WHERE seq = {seq}"), [], |row| row.get(0))
                .unwrap();
            let other = match &value {
                rusqlite::types::Value::Blob(bytes) => rusqlite::types::Value::Blob(bytes.iter().map(|byte| byte ^ 1).collect()),
                rusqlite::types::Value::Integer(number) => rusqlite::types::Value::Integer(number + 1),
                rusqlite::types::Value::Text(text) => rusqlite::types::Value::Text(format!("{text}.")),
                _ => rusqlite::types::Value::Text("x".into()),
            };
            let set = |value: &rusqlite::types::Value| {
                connection
                    .execute(&format!("UPDATE audit SET {column} = ?1 WHERE seq = {seq}"), [value])
                    .unwrap()
            };
            set(&other);
            let report = outbox.audit().verify().await.unwrap();
            assert!(!report.is_whole(), "{column} of {seq}");
            set(&value);
        }
    }
    assert!(outbox.audit().verify().await.unwrap().is_whole());
}
