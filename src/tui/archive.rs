//! What outlives the console besides drafts: history, shelf, remarks. One thread reads and writes them, so that a slow disk
//! stalls no key.

use std::path::PathBuf;
use std::sync::mpsc as blocking;
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::local::{HistoryFiles, LocalError, Notebook, Runbooks, private};
use crate::model::{Event, Keepsake};

/// Jobs that may wait for the disk.
const WAITING_MAX: usize = 4_096;

/// Where things are kept; what is `None` lives as long as the console.
#[derive(Clone, Debug)]
pub struct Archive {
    /// The history of alerts.
    pub history: Option<HistoryFiles>,
    /// Shelf and remarks.
    pub notebook: Option<Notebook>,
    /// Runbooks.
    pub runbooks: Runbooks,
    /// The folder for handovers.
    pub handovers: PathBuf,
}

#[derive(Debug)]
enum Job {
    Keep(Keepsake),
    Runbook(String),
    Flush(blocking::SyncSender<()>),
}

/// The way to the thread.
#[derive(Debug)]
pub(super) struct Archivist {
    jobs: blocking::SyncSender<Job>,
}

impl Archive {
    /// What has to be known before the first row is shown: the shelf, the remarks. Small files.
    pub(super) fn first(&self, notices: &mut Vec<String>) -> Vec<Event> {
        let Some(notebook) = &self.notebook else { return Vec::new() };
        let mut events = Vec::new();
        match notebook.shelf() {
            Ok(items) => events.push(Event::Shelf(items)),
            Err(error) => notices.push(format!("nothing is on the shelf: {error}")),
        }
        match notebook.notes() {
            Ok(notes) => events.push(Event::Notes(notes.remarks, notes.reads)),
            Err(error) => notices.push(error.to_string()),
        }
        events
    }

    fn remembered(&self) -> Vec<Event> {
        let Some(history) = &self.history else { return Vec::new() };
        match history.read(Timestamp::now()) {
            Ok(found) => {
                if found.unreadable > 0 {
                    tracing::warn!(lines = found.unreadable, "the history has lines that cannot be read");
                }
                vec![Event::Remembered(found.occurrences, found.coverage)]
            }
            Err(error) => vec![notice(format!("the history of alerts is not used: {error}"))],
        }
    }

    fn keep(&self, keepsake: Keepsake) -> Result<Option<String>, LocalError> {
        match keepsake {
            Keepsake::History(records, coverage) => match &self.history {
                Some(history) => history.append(&records, coverage).map(|()| None),
                None => Ok(None),
            },
            Keepsake::Shelf(change) => match &self.notebook {
                Some(notebook) => notebook.change_shelf(&change).map(|()| None),
                None => Ok(None),
            },
            Keepsake::Remark(remark) => match &self.notebook {
                Some(notebook) => notebook.remark(&remark).map(|()| None),
                None => Ok(None),
            },
            Keepsake::Read(read) => match &self.notebook {
                Some(notebook) => notebook.read(&read).map(|()| None),
                None => Ok(None),
            },
            Keepsake::Handover { name, text } => {
                private::private_dir(&self.handovers)?;
                let path = self.handovers.join(name);
                private::replace(&path, text.as_bytes())?;
                Ok(Some(format!("the handover is in {}", path.display())))
            }
        }
    }
}

fn notice(text: String) -> Event {
    Event::Notice { text, failed: true }
}

impl Archivist {
    /// Starts the thread; it begins with what earlier runs kept. Failures come as notices, one in a row.
    pub(super) fn start(archive: Archive, events: mpsc::Sender<Event>) -> std::io::Result<Self> {
        let (jobs, receiver) = blocking::sync_channel(WAITING_MAX);
        thread::Builder::new().name("archive".into()).spawn(move || {
            for event in archive.remembered() {
                if events.blocking_send(event).is_err() {
                    return;
                }
            }
            let mut failing = false;
            for job in receiver {
                let answer = match job {
                    Job::Keep(keepsake) => match archive.keep(keepsake) {
                        Ok(said) => {
                            failing = false;
                            said.map(|text| Event::Notice { text, failed: false })
                        }
                        Err(error) => (!std::mem::replace(&mut failing, true)).then(|| notice(format!("not kept: {error}"))),
                    },
                    Job::Runbook(slug) => Some(Event::Runbook {
                        text: archive.runbooks.read(&slug).map_err(|error| error.to_string()),
                        slug,
                    }),
                    Job::Flush(done) => {
                        let _ = done.send(()); // nobody waits any more
                        None
                    }
                };
                if let Some(event) = answer {
                    let _ = events.try_send(event); // a full loop hears of the next one
                }
            }
        })?;
        Ok(Self { jobs })
    }

    /// Hands something over without waiting.
    pub(super) fn keep(&self, keepsake: Keepsake) -> Option<Event> {
        self.hand(Job::Keep(keepsake))
    }

    /// Asks for a runbook.
    pub(super) fn runbook(&self, slug: String) -> Option<Event> {
        self.hand(Job::Runbook(slug))
    }

    fn hand(&self, job: Job) -> Option<Event> {
        let full = || notice("not kept: the disk is too slow; the history has a hole here".into());
        self.jobs.try_send(job).err().map(|_| full())
    }

    /// Waits until everything that was handed over is on disk, at most so long.
    pub(super) fn flush(&self, at_most: Duration) {
        let (done, wait) = blocking::sync_channel(1);
        if self.jobs.try_send(Job::Flush(done)).is_ok() {
            let _ = wait.recv_timeout(at_most); // the disk is slower than we may wait
        }
    }
}
