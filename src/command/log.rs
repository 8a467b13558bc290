//! The console's log: a file, since its terminal is taken.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Mutex;

/// A log that has grown beyond this begins anew.
const BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Warnings and worse to `console.log` of the state folder; `NIGHTDESK_LOG` (such as `nightdesk=debug`) asks for more. Without a
/// place to write there is no log: the console does not depend on it.
pub(super) fn to_file(state: &Path) {
    let path = state.join("console.log");
    let is_long = std::fs::metadata(&path).is_ok_and(|found| found.len() > BYTES_MAX);
    let made = std::fs::DirBuilder::new().recursive(true).create(state).and_then(|()| {
        OpenOptions::new()
            .create(true)
            .write(true)
            .append(!is_long)
            .truncate(is_long)
            .mode(0o600)
            .open(&path)
    });
    let Ok(file) = made else { return };
    let filter = tracing_subscriber::EnvFilter::try_from_env("NIGHTDESK_LOG").unwrap_or_else(|_| "warn".into());
    // whoever set a subscriber before (a test) keeps it
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(Mutex::new(file))
        .try_init();
}
