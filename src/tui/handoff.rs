//! When the link drops: what is queued goes on without us.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A log that has grown beyond this begins anew.
const LOG_MAX: u64 = 1024 * 1024;

/// How to deliver what is queued, detached from this terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handoff {
    /// The program: this one.
    pub program: PathBuf,
    /// Its arguments: `outbox drain --timeout 15m --detach` and where to find the same outbox.
    pub arguments: Vec<String>,
    /// Where it reports, after what the runs before said: those of two sites may go on at once.
    pub log: PathBuf,
}

impl Handoff {
    /// Starts it in a process group of its own, so that the terminal's end does not reach it; it makes itself a
    /// session. It is not waited for.
    pub fn start(&self) -> io::Result<()> {
        if std::fs::metadata(&self.log).is_ok_and(|found| found.len() > LOG_MAX) {
            std::fs::remove_file(&self.log)?;
        }
        let log = OpenOptions::new().create(true).append(true).mode(0o600).open(&self.log)?;
        Command::new(&self.program)
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()
            .map(drop)
    }
}
