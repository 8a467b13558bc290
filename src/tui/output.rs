//! The thread that writes to the terminal. The loop leaves the newest picture in a slot of one and goes on; the
//! thread works out the difference to what it has really written. A link that stalls blocks this thread alone, and a
//! picture that was replaced before its turn costs nothing and breaks nothing.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::canvas::Picture;
use super::encode::is_forbidden;
use super::manner::Manner;
use super::writer::{Ends, Mode, Shared, Slot};
use crate::app::Announcement;

/// Longest text that waits for a link that stalls, in bytes; then the oldest lines go, and it says so.
const LINES_MOST: usize = 256 * 1024;
/// Longest title in characters.
const TITLE_MAX: usize = 120;

/// The loop's end of the thread. Clones write to the same terminal.
#[derive(Clone, Debug)]
pub(super) struct Output {
    shared: Arc<Shared>,
}

impl Output {
    /// Starts the thread on a writer. Nothing is written before [`Output::enter`].
    pub(super) fn start(writer: impl Write + Send + 'static, manner: Manner) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            slot: Mutex::new(Slot {
                wanted: Mode::Left,
                actual: Mode::Left,
                picture: None,
                redraw: false,
                bell: false,
                title: None,
                clipboard: None,
                notification: None,
                lines: Vec::new(),
                typed: false,
                writing: false,
                failure: None,
                gone: false,
                thread: None,
            }),
            work: Condvar::new(),
            done: Condvar::new(),
            idle: Notify::new(),
            bytes: AtomicU64::new(0),
            frames: AtomicU64::new(0),
            skipped: AtomicU64::new(0),
        });
        let ends = Ends(shared.clone());
        thread::Builder::new()
            .name("output".into())
            .spawn(move || ends.0.write(writer, manner))?;
        Ok(Self { shared })
    }

    /// Takes the screen, with a full redraw of the next picture.
    pub(super) fn enter(&self) {
        let mut slot = self.shared.lock();
        if slot.wanted != Mode::Gone {
            slot.wanted = Mode::Entered;
        }
        drop(slot);
        self.shared.work.notify_one();
    }

    /// Gives the screen back and waits for that, at most so long. Whether it was done.
    pub(super) fn leave(&self, at_most: Duration) -> bool {
        let mut slot = self.shared.lock();
        if slot.wanted == Mode::Entered {
            slot.wanted = Mode::Left;
        }
        slot.picture = None;
        self.shared.work.notify_one();
        if slot.thread == Some(thread::current().id()) {
            return false; // the thread itself panicked: it cannot wait for itself
        }
        let until = Instant::now() + at_most;
        while (slot.actual == Mode::Entered || slot.writing) && slot.failure.is_none() {
            let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) else {
                return false;
            };
            slot = self.shared.done.wait_timeout(slot, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        slot.actual == Mode::Left
    }

    /// Writes nothing any more, ever: the terminal is dead.
    pub(super) fn abandon(&self) {
        let mut slot = self.shared.lock();
        slot.wanted = Mode::Gone;
        slot.picture = None;
        drop(slot);
        self.shared.work.notify_one();
    }

    /// Shows a picture, in place of one that still waits.
    pub(super) fn show(&self, picture: Picture) {
        let mut slot = self.shared.lock();
        if slot.picture.replace(picture).is_some() {
            self.shared.skipped.fetch_add(1, Ordering::Relaxed);
        }
        drop(slot);
        self.shared.work.notify_one();
    }

    /// The next picture is drawn whole.
    pub(super) fn redraw(&self) {
        self.shared.lock().redraw = true;
    }

    pub(super) fn bell(&self) {
        self.shared.lock().bell = true;
        self.shared.work.notify_one();
    }

    pub(super) fn title(&self, text: &str) {
        let safe = text.chars().filter(|char| !is_forbidden(*char)).take(TITLE_MAX).collect();
        self.shared.lock().title = Some(safe);
        self.shared.work.notify_one();
    }

    /// A notification made by `clipboard`; a newer one replaces one that waits.
    pub(super) fn notification(&self, sequence: Vec<u8>) {
        self.shared.lock().notification = Some(sequence);
        self.shared.work.notify_one();
    }

    /// A sequence made by `clipboard`.
    pub(super) fn clipboard(&self, sequence: Vec<u8>) {
        self.shared.lock().clipboard = Some(sequence);
        self.shared.work.notify_one();
    }

    /// Adds text where there is no screen: what is typed goes on in its line, then come whole lines.
    pub(super) fn say(&self, announcement: &Announcement) {
        let safe = |text: &str| text.chars().filter(|char| !is_forbidden(*char)).collect::<String>();
        let mut slot = self.shared.lock();
        for char in announcement.echo.chars() {
            if char == '\u{8}' {
                slot.lines.extend_from_slice(b"\x08 \x08");
            } else {
                slot.lines.extend(safe(char.encode_utf8(&mut [0; 4])).bytes());
            }
            slot.typed = true;
        }
        for line in &announcement.lines {
            if std::mem::take(&mut slot.typed) {
                slot.lines.extend_from_slice(b"\r\n");
            }
            slot.lines.extend(safe(line).bytes());
            slot.lines.extend_from_slice(b"\r\n");
        }
        if slot.lines.len() > LINES_MOST {
            let extra = slot.lines.len() - LINES_MOST;
            let from = slot
                .lines
                .iter()
                .skip(extra)
                .position(|byte| *byte == b'\n')
                .map_or(slot.lines.len(), |at| extra + at + 1);
            slot.lines.drain(..from);
            slot.lines.splice(0..0, *b"(lines were left out: the link is too slow)\r\n");
        }
        drop(slot);
        self.shared.work.notify_one();
    }

    /// Whether an earlier picture is not out yet.
    pub(super) fn is_busy(&self) -> bool {
        let slot = self.shared.lock();
        slot.writing || slot.picture.is_some()
    }

    /// Waits until a write ended. Cancelling the wait loses nothing: ask [`Output::is_busy`].
    pub(super) async fn idle(&self) {
        self.shared.idle.notified().await;
    }

    /// Whether the terminal refused a write: it went away.
    pub(super) fn is_gone(&self) -> bool {
        self.shared.lock().gone
    }

    /// Why the thread ended, if it did.
    pub(super) fn failure(&self) -> Option<String> {
        self.shared.lock().failure.clone()
    }

    /// Bytes and frames written, and pictures that were replaced before their turn.
    pub(super) fn written(&self) -> (u64, u64, u64) {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (read(&self.shared.bytes), read(&self.shared.frames), read(&self.shared.skipped))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use ratatui::buffer::Buffer;

    use super::super::manner::{ENTER_LINEAR, LEAVE, LEAVE_LINEAR};
    use super::*;

    fn picture(text: &str) -> Picture {
        Picture {
            buffer: Buffer::with_lines([format!("{text:8}")]),
            cursor: None,
            links: Vec::new(),
        }
    }

    /// A terminal that takes each write only when the test lets it.
    struct Link {
        passes: mpsc::Receiver<()>,
        seen: mpsc::Sender<Vec<u8>>,
    }

    impl Write for Link {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.passes.recv().map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
            self.seen
                .send(bytes.to_vec())
                .map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn link() -> (Output, mpsc::Sender<()>, mpsc::Receiver<Vec<u8>>) {
        let (pass, passes) = mpsc::channel();
        let (seen, written) = mpsc::channel();
        (Output::start(Link { passes, seen }, Manner::default()).unwrap(), pass, written)
    }

    fn screen(parser: &vt100::Parser) -> String {
        parser.screen().contents()
    }

    #[test]
    fn lines_are_added_without_a_screen_and_hold_no_sequence() {
        let (pass, passes) = mpsc::channel();
        let (seen, written) = mpsc::channel();
        let manner = Manner {
            linear: true,
            mouse: true,
            ..Manner::default()
        };
        let output = Output::start(Link { passes, seen }, manner).unwrap();
        for _ in 0..8 {
            pass.send(()).unwrap();
        }
        let said = |echo: &str, lines: &[&str]| Announcement {
            echo: echo.into(),
            lines: lines.iter().map(|line| (*line).to_owned()).collect(),
        };
        output.enter();
        assert_eq!(written.recv().unwrap(), ENTER_LINEAR);
        output.say(&said("", &["one", "t\u{1b}[2Jwo"]));
        assert_eq!(written.recv().unwrap(), b"one\r\nt[2Jwo\r\n");
        output.say(&said("a\u{8}", &[]));
        assert_eq!(written.recv().unwrap(), b"a\x08 \x08");
        output.title("x");
        output.say(&said("", &["three"]));
        assert_eq!(
            written.recv().unwrap(),
            b"\r\nthree\r\n",
            "what was typed ends first, and titles are for screens"
        );
        assert!(output.leave(Duration::from_secs(60)));
        assert_eq!(written.recv().unwrap(), LEAVE_LINEAR);
    }

    #[test]
    fn a_stalled_link_skips_pictures_and_still_ends_up_right() {
        let (output, pass, written) = link();
        let mut parser = vt100::Parser::new(1, 8, 0);
        output.enter();
        pass.send(()).unwrap();
        parser.process(&written.recv().unwrap());
        output.show(picture("aaaaaaaa"));
        pass.send(()).unwrap();
        parser.process(&written.recv().unwrap());
        assert_eq!(screen(&parser), "aaaaaaaa");
        output.show(picture("bbbbaaaa")); // the thread takes it and stalls, or it is replaced: both are right
        for index in 0..100 {
            output.show(picture(&format!("{index:08}")));
        }
        output.show(picture("aaaabbbb"));
        assert!(output.is_busy());
        let _ = pass.send(());
        let _ = pass.send(());
        while screen(&parser) != "aaaabbbb" {
            parser.process(&written.recv().unwrap());
        }
        assert!(output.written().2 >= 99, "{:?}", output.written());
    }

    #[test]
    fn leaving_restores_the_terminal_once_and_a_dead_link_does_not_hold_it_up() {
        let (output, pass, written) = link();
        output.enter();
        pass.send(()).unwrap();
        let mut parser = vt100::Parser::new(1, 8, 0);
        parser.process(&written.recv().unwrap());
        assert!(parser.screen().alternate_screen() && parser.screen().hide_cursor() && parser.screen().bracketed_paste());
        pass.send(()).unwrap();
        assert!(output.leave(Duration::from_secs(60)));
        assert!(output.leave(Duration::from_secs(60)), "twice is once");
        parser.process(&written.recv().unwrap());
        assert!(!parser.screen().alternate_screen() && !parser.screen().hide_cursor() && !parser.screen().bracketed_paste());
        output.enter();
        pass.send(()).unwrap();
        written.recv().unwrap();
        assert!(!output.leave(Duration::from_millis(1)), "nothing passes: nothing is claimed");
    }

    #[test]
    fn after_it_was_abandoned_nothing_is_written() {
        let (output, pass, written) = link();
        output.abandon();
        output.enter();
        output.show(picture("x"));
        output.bell();
        drop(pass);
        assert!(written.recv().is_err(), "the thread ended without a byte");
        assert_eq!(output.written().0, 0);
        assert_eq!(output.failure(), None);
    }

    #[test]
    fn a_terminal_that_fails_is_said_to_be_gone() {
        let (output, pass, written) = link();
        drop(pass);
        output.enter();
        assert!(written.recv().is_err());
        assert!(!output.leave(Duration::from_secs(60)) || output.failure().is_some());
    }

    #[test]
    fn equal_pictures_cost_nothing_and_titles_hold_no_sequence() {
        let (output, pass, written) = link();
        for _ in 0..4 {
            pass.send(()).unwrap();
        }
        output.enter();
        written.recv().unwrap();
        output.show(picture("same"));
        written.recv().unwrap();
        let before = output.written().0;
        output.show(picture("same"));
        output.title("a\x1b]0;b\x07c");
        let title = written.recv().unwrap();
        assert_eq!(title, b"\x1b]2;a]0;bc\x07");
        assert!(output.leave(Duration::from_secs(60)));
        assert_eq!(output.written().0 - before, (title.len() + LEAVE.len()) as u64);
    }
}
