//! The usage log: every call as one JSON line, in files of bounded size that only their owner can read.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use serde::Serialize;

/// Lines that may wait for a slow disk.
const WAITING_MAX: usize = 4096;

/// A handle on the log, cheap to clone. Lines are written by a thread of its own: a full or slow disk delays no call. When the last handle
/// is gone, what waits is written first.
#[derive(Clone, Debug)]
pub(super) struct UsageLog(Arc<Writer>);

#[derive(Debug)]
struct Writer {
    lines: Mutex<Option<SyncSender<Vec<u8>>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    lost: Arc<AtomicU64>,
}

impl UsageLog {
    /// Opens `path` for appending. At `max_bytes` it becomes `path.1`, that `path.2`, and so on; `keep` old ones stay.
    ///
    /// Errors: the file cannot be opened with mode 0600, or is a symbolic link.
    pub(super) fn open(path: &Path, max_bytes: u64, keep: u32) -> io::Result<Self> {
        let mut file = RotatingFile::open(path.to_owned(), max_bytes, keep)?;
        let (sender, receiver): (_, Receiver<Vec<u8>>) = sync_channel(WAITING_MAX);
        let lost = Arc::new(AtomicU64::new(0));
        let unwritten = Arc::clone(&lost);
        let thread = std::thread::Builder::new().name("usage-log".into()).spawn(move || {
            for line in receiver {
                if file.write(&line).is_err() {
                    unwritten.fetch_add(1, Ordering::Relaxed);
                }
            }
        })?;
        Ok(Self(Arc::new(Writer {
            lines: Mutex::new(Some(sender)),
            thread: Mutex::new(Some(thread)),
            lost,
        })))
    }

    /// Lines that could not be written.
    pub(super) fn lost(&self) -> u64 {
        self.0.lost.load(Ordering::Relaxed)
    }

    pub(super) fn write(&self, record: &impl Serialize) {
        let lines = self.0.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = match (serde_json::to_vec(record), lines.as_ref()) {
            (Ok(mut line), Some(lines)) => {
                line.push(b'\n');
                lines.try_send(line).is_ok()
            }
            _ => false,
        };
        if !sent {
            self.0.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = thread.join(); // it has no result; a panic in it was reported by the hook
        }
    }
}

struct RotatingFile {
    path: PathBuf,
    file: File,
    length: u64,
    max_bytes: u64,
    keep: u32,
}

impl RotatingFile {
    fn open(path: PathBuf, max_bytes: u64, keep: u32) -> io::Result<Self> {
        let file = open_private(&path)?;
        let length = file.metadata()?.len();
        Ok(Self {
            path,
            file,
            length,
            max_bytes: max_bytes.max(1),
            keep,
        })
    }

    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        if self.length > 0 && self.length + line.len() as u64 > self.max_bytes {
            self.rotate()?;
        }
        self.file.write_all(line)?;
        self.length += line.len() as u64;
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        if self.keep == 0 {
            fs::remove_file(&self.path)?;
        }
        for number in (1..=self.keep).rev() {
            let from = if number == 1 {
                self.path.clone()
            } else {
                self.numbered(number - 1)
            };
            match fs::rename(from, self.numbered(number)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        self.file = open_private(&self.path)?;
        self.length = self.file.metadata()?.len(); // another process may have rotated it just now
        Ok(())
    }

    fn numbered(&self, number: u32) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{number}"));
        PathBuf::from(name)
    }
}

fn open_private(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or_default())
        .open(path)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_json_files_are_private_and_old_ones_go() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("usage.jsonl");
        let log = UsageLog::open(&path, 2_000, 2).unwrap();
        for number in 0..300 {
            log.write(&serde_json::json!({ "operation": "getAlert", "object": format!("alert-{number}") }));
        }
        assert_eq!(log.lost(), 0);
        drop(log); // waits for what is not written yet
        let mut names: Vec<_> = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["usage.jsonl", "usage.jsonl.1", "usage.jsonl.2"]);
        for name in names {
            let path = dir.path().join(name);
            let meta = fs::metadata(&path).unwrap();
            assert_eq!(meta.permissions().mode() & 0o777, 0o600);
            assert!(meta.len() <= 2_000);
            for line in fs::read_to_string(&path).unwrap().lines() {
                let line: serde_json::Value = serde_json::from_str(line).unwrap();
                assert_eq!(line["operation"], "getAlert");
            }
        }
        assert!(fs::read_to_string(&path).unwrap().contains("alert-299"));
    }

    #[test]
    fn a_symbolic_link_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("usage.jsonl");
        std::os::unix::fs::symlink(dir.path().join("elsewhere"), &path).unwrap();
        assert!(UsageLog::open(&path, 1_000, 1).is_err());
    }
}
