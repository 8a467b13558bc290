//! Where the outbox lies: modes, links, owners, versions.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use nightdesk::outbox::{Outbox, OutboxError};

use super::support::{note, open, options, shut};

/// That of the profile `plant`: its name's hash.
const SENDER_LOCK: &str = "sender-96044d9734b60441.lock";

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn row_21_everything_in_it_is_private() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await;
    outbox.submit(note("a", "x")).await.unwrap();
    let directory = folder.path().join("outbox");
    assert_eq!(mode(&directory), 0o700);
    let mut files = 0;
    for entry in std::fs::read_dir(&directory).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        files += 1;
    }
    assert!(files >= 6, "database, log, index, identity, anchor, locks");
}

#[tokio::test]
async fn row_21_modes_that_are_too_open_are_closed() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("outbox");
    drop(open(folder.path()).await);
    std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::set_permissions(directory.join("outbox.db"), std::fs::Permissions::from_mode(0o644)).unwrap();
    drop(open(folder.path()).await);
    assert_eq!((mode(&directory), mode(&directory.join("outbox.db"))), (0o700, 0o600));
}

#[tokio::test]
async fn row_21_links_and_other_things_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()).await);
    let link = folder.path().join("link");
    symlink(folder.path().join("outbox"), &link).unwrap();
    let error = Outbox::open(&link, options()).await.unwrap_err();
    assert!(
        matches!(&error, OutboxError::Untrusted { .. }) && error.to_string().contains("symbolic link"),
        "{error}"
    );

    for name in ["outbox.db", "outbox.id", SENDER_LOCK, "users.lock", "anchor.json", "outbox.db-wal"] {
        let folder = tempfile::tempdir().unwrap();
        drop(open(folder.path()).await);
        let path = folder.path().join("outbox").join(name);
        let elsewhere = folder.path().join("elsewhere");
        if path.exists() {
            std::fs::rename(&path, &elsewhere).unwrap();
        }
        symlink(&elsewhere, &path).unwrap();
        match Outbox::open(&folder.path().join("outbox"), options()).await {
            Err(error) => assert!(matches!(error, OutboxError::Untrusted { .. }), "{name}: {error}"),
            Ok(outbox) => {
                // the sender's lock is opened by the sender
                assert_eq!(name, SENDER_LOCK);
                let sender = nightdesk::outbox::Sender::new(
                    outbox,
                    super::support::Server::new(),
                    vec![super::support::target()],
                    super::support::policy(),
                );
                let error = sender.run(std::future::pending()).await.unwrap_err();
                assert!(matches!(error, OutboxError::Untrusted { .. }), "{error}");
            }
        }
    }

    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = Outbox::open(&file, options()).await.unwrap_err();
    assert!(error.to_string().contains("not a directory"), "{error}");
}

#[tokio::test]
async fn row_21_a_foreign_owner_is_refused() {
    // needs a directory of somebody else: the root's for a user, another user's for root
    let folder = tempfile::tempdir().unwrap();
    let foreign = if rustix::process::geteuid().is_root() {
        let path = folder.path().join("theirs");
        std::fs::create_dir(&path).unwrap();
        rustix::fs::chown(&path, Some(rustix::fs::Uid::from_raw(12_345)), None).unwrap();
        path
    } else {
        "/etc".into()
    };
    let error = Outbox::open(&foreign, options()).await.unwrap_err();
    assert!(error.to_string().contains("belongs to user"), "{error}");
}

#[tokio::test]
async fn row_21_a_file_of_somebody_else_is_refused() {
    if !rustix::process::geteuid().is_root() {
        return; // only root can give a file away; a whole directory of somebody else is the test above
    }
    for name in ["outbox.db", "outbox.id", "anchor.json", "users.lock", "opening.lock"] {
        let folder = tempfile::tempdir().unwrap();
        drop(open(folder.path()).await);
        let path = folder.path().join("outbox").join(name);
        rustix::fs::chown(&path, Some(rustix::fs::Uid::from_raw(12_345)), None).unwrap();
        let before = std::fs::read(&path).unwrap();
        let error = Outbox::open(&folder.path().join("outbox"), options()).await.unwrap_err();
        assert!(error.to_string().contains("belongs to user 12345"), "{name}: {error}");
        assert_eq!(std::fs::read(&path).unwrap(), before, "{name}");
    }
}

#[tokio::test]
async fn row_20_a_newer_schema_is_refused_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await;
    outbox.submit(note("a", "x")).await.unwrap();
    shut(outbox, folder.path()).await;
    let database = folder.path().join("outbox/outbox.db");
    for checkpointed in [true, false] {
        let connection = rusqlite::Connection::open(&database).unwrap();
        connection.execute_batch("PRAGMA user_version = 99").unwrap();
        // left open, the version stands in the log only
        let kept = if checkpointed {
            connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
            connection.close().unwrap();
            None
        } else {
            Some(connection)
        };
        let before = std::fs::read(&database).unwrap();
        let error = Outbox::open(&folder.path().join("outbox"), options()).await.unwrap_err();
        assert!(matches!(error, OutboxError::NewerSchema { found: 99, .. }), "{error}");
        assert_eq!(std::fs::read(&database).unwrap(), before);
        drop(kept);
        let connection = rusqlite::Connection::open(&database).unwrap();
        connection
            .execute_batch("PRAGMA user_version = 2; PRAGMA wal_checkpoint(TRUNCATE)")
            .unwrap();
    }
    assert_eq!(open(folder.path()).await.counts().await.unwrap().queued, 1);
}

#[tokio::test]
async fn row_20_an_older_schema_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await;
    outbox.submit(note("a", "x")).await.unwrap();
    shut(outbox, folder.path()).await;
    let connection = rusqlite::Connection::open(folder.path().join("outbox/outbox.db")).unwrap();
    connection.execute_batch("DROP TABLE lane; PRAGMA user_version = 1").unwrap();
    drop(connection);
    let outbox = open(folder.path()).await;
    assert_eq!(outbox.lanes().await.unwrap(), []);
    assert_eq!(outbox.counts().await.unwrap().queued, 1);
    assert_eq!(outbox.recovery(), None);
}
