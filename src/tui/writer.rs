//! What the loop and the output thread share, and the thread itself.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use tokio::sync::Notify;

use super::canvas::Picture;
use super::encode::Screen;
use super::manner::Manner;

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) slot: Mutex<Slot>,
    /// For the thread: something to do.
    pub(super) work: Condvar,
    /// For who waits: something was done.
    pub(super) done: Condvar,
    /// For the loop: a frame is out.
    pub(super) idle: Notify,
    pub(super) bytes: AtomicU64,
    pub(super) frames: AtomicU64,
    pub(super) skipped: AtomicU64,
}

#[derive(Debug)]
pub(super) struct Slot {
    pub(super) wanted: Mode,
    pub(super) actual: Mode,
    pub(super) picture: Option<Picture>,
    pub(super) redraw: bool,
    pub(super) bell: bool,
    pub(super) title: Option<String>,
    pub(super) clipboard: Option<Vec<u8>>,
    pub(super) notification: Option<Vec<u8>>,
    pub(super) lines: Vec<u8>,
    /// The last line is one that a person types.
    pub(super) typed: bool,
    pub(super) writing: bool,
    pub(super) failure: Option<String>,
    pub(super) gone: bool,
    pub(super) thread: Option<ThreadId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// The person's own screen.
    Left,
    /// Ours.
    Entered,
    /// Nothing is written any more.
    Gone,
}

/// What the thread found to do.
enum Work {
    Enter,
    Leave,
    Write {
        picture: Option<Picture>,
        redraw: bool,
        extras: Vec<u8>,
    },
    End,
}

/// Says that the thread has ended, however it ends.
pub(super) struct Ends(pub(super) Arc<Shared>);

impl Drop for Ends {
    fn drop(&mut self) {
        let mut slot = self.0.lock();
        slot.writing = false;
        if slot.wanted != Mode::Gone && slot.failure.is_none() {
            slot.failure = Some("the thread that writes to it ended".into());
        }
        drop(slot);
        self.0.done.notify_all();
        self.0.idle.notify_one();
    }
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner) // plain fields: valid after any panic
    }

    pub(super) fn write(&self, mut writer: impl Write, manner: Manner) {
        self.lock().thread = Some(thread::current().id());
        let mut screen = Screen::default();
        loop {
            let mut entered = None;
            let bytes = match self.next(manner.linear) {
                Work::End => return,
                Work::Enter => {
                    screen.forget();
                    entered = Some(Mode::Entered);
                    manner.enter()
                }
                Work::Leave => {
                    entered = Some(Mode::Left);
                    manner.leave()
                }
                Work::Write {
                    picture,
                    redraw,
                    mut extras,
                } => {
                    if redraw {
                        screen.forget();
                    }
                    if let Some(mut picture) = picture {
                        if !manner.hyperlinks {
                            picture.links.clear();
                        }
                        let frame = screen.advance(picture);
                        if !frame.is_empty() {
                            self.frames.fetch_add(1, Ordering::Relaxed);
                        }
                        extras.extend(frame);
                    }
                    extras
                }
            };
            self.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            let result = if bytes.is_empty() {
                Ok(())
            } else {
                writer.write_all(&bytes).and_then(|()| writer.flush())
            };
            let mut slot = self.lock();
            slot.writing = false;
            if let Some(mode) = entered {
                slot.actual = mode;
            }
            if let Err(error) = &result {
                slot.failure = Some(error.to_string());
                slot.gone = true;
            }
            drop(slot);
            self.done.notify_all();
            self.idle.notify_one();
            if result.is_err() {
                return;
            }
        }
    }

    /// Waits for something to do.
    fn next(&self, linear: bool) -> Work {
        let mut slot = self.lock();
        loop {
            match (slot.wanted, slot.actual) {
                (Mode::Gone, _) => return Work::End,
                (Mode::Left, Mode::Entered) => {
                    slot.writing = true;
                    return Work::Leave;
                }
                (Mode::Entered, Mode::Left) => {
                    slot.writing = true;
                    return Work::Enter;
                }
                (Mode::Entered, Mode::Entered) => {
                    let mut extras = Vec::new();
                    if std::mem::take(&mut slot.bell) {
                        extras.push(0x07);
                    }
                    if let Some(title) = slot.title.take().filter(|_| !linear) {
                        extras.extend(format!("\x1b]2;{title}\x07").into_bytes());
                    }
                    extras.extend(slot.notification.take().unwrap_or_default());
                    extras.extend(slot.clipboard.take().unwrap_or_default());
                    extras.append(&mut slot.lines);
                    let picture = slot.picture.take();
                    if picture.is_some() || !extras.is_empty() {
                        slot.writing = true;
                        let redraw = picture.is_some() && std::mem::take(&mut slot.redraw);
                        return Work::Write { picture, redraw, extras };
                    }
                }
                (Mode::Left, Mode::Left | Mode::Gone) | (Mode::Entered, Mode::Gone) => {}
            }
            slot = self.work.wait(slot).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
