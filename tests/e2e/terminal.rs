//! A program in a pseudo-terminal, and what it shows.

use std::io::{Read as _, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};

/// Nothing waits longer; a machine that is slow is not a failure, one that hangs is.
pub(super) const GUARD: Duration = Duration::from_secs(300);

/// The terminal with the program in it.
pub(super) struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    /// `None` once it hung up.
    master: Option<Box<dyn MasterPty + Send>>,
    keyboard: Option<Box<dyn Write + Send>>,
    reader: Option<JoinHandle<()>>,
    output: Receiver<Vec<u8>>,
    parser: vt100::Parser,
    /// Every byte that came.
    raw: Vec<u8>,
    before: String,
    stopped: Arc<AtomicBool>,
    gone: Arc<AtomicBool>,
    patience: Duration,
}

/// The program under test.
pub(super) fn nightdesk(arguments: &[&str]) -> CommandBuilder {
    command(env!("CARGO_BIN_EXE_nightdesk"), arguments)
}

/// Any program, in surroundings that are always the same.
pub(super) fn command(program: &str, arguments: &[&str]) -> CommandBuilder {
    let mut command = CommandBuilder::new(program);
    command.args(arguments);
    for name in [
        "NO_COLOR",
        "TMUX",
        "STY",
        "COLORTERM",
        "LC_ALL",
        "NIGHTDESK_CONFIG",
        "NIGHTDESK_PROFILE",
        "NIGHTDESK_STATE_DIR",
        "RUST_BACKTRACE",
    ] {
        command.env_remove(name);
    }
    command.env("TERM", "xterm-256color");
    command.env("LANG", "C.UTF-8");
    command
}

impl Terminal {
    /// Starts a program on 120 × 40.
    pub(super) fn start(command: CommandBuilder) -> Self {
        Self::sized(command, 120, 40)
    }

    pub(super) fn sized(command: CommandBuilder, columns: u16, rows: u16) -> Self {
        let size = PtySize {
            rows,
            cols: columns,
            ..PtySize::default()
        };
        let pair = native_pty_system().openpty(size).unwrap();
        let before = format!("{:?}", pair.master.get_termios().unwrap());
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (sender, output) = channel();
        let stopped = Arc::new(AtomicBool::new(false));
        let gone = Arc::new(AtomicBool::new(false));
        let (stop, leave) = (stopped.clone(), gone.clone());
        let reading = std::thread::spawn(move || {
            let mut buffer = [0; 16 * 1024];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                while stop.load(Ordering::SeqCst) {
                    std::thread::park(); // for good: the other end fills up
                }
                if leave.load(Ordering::SeqCst) || sender.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            keyboard: Some(pair.master.take_writer().unwrap()),
            master: Some(pair.master),
            reader: Some(reading),
            output,
            parser: vt100::Parser::new(rows, columns, 0),
            raw: Vec::new(),
            before,
            stopped,
            gone,
            patience: GUARD,
        }
    }

    /// Waits longer for things that take their time.
    pub(super) fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    pub(super) fn screen(&self) -> &vt100::Screen {
        self.parser.screen()
    }

    fn take(&mut self, bytes: &[u8]) {
        self.raw.extend_from_slice(bytes);
        self.parser.process(bytes);
    }

    /// Every byte that came, as text.
    pub(super) fn raw(&self) -> &str {
        std::str::from_utf8(&self.raw).unwrap()
    }

    /// From now on the terminal takes nothing.
    pub(super) fn stop_reading(&self) {
        self.stopped.store(true, Ordering::SeqCst);
    }

    /// Types.
    pub(super) fn press(&mut self, keys: &str) {
        let keyboard = self.keyboard.as_mut().unwrap();
        keyboard.write_all(keys.as_bytes()).unwrap();
        keyboard.flush().unwrap();
    }

    /// Types, and takes what comes of it, if anything.
    pub(super) fn press_and_see(&mut self, keys: &str) {
        self.press(keys);
        if let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(200)) {
            self.take(&bytes);
        }
    }

    /// Reads until the screen is as wanted.
    pub(super) fn until(&mut self, what: &str, wanted: impl Fn(&vt100::Screen) -> bool) {
        let deadline = Instant::now() + self.patience;
        while !wanted(self.parser.screen()) {
            match self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.take(&bytes),
                Err(RecvTimeoutError::Timeout) => panic!("never {what}; the last screen:\n{}", self.text()),
                Err(RecvTimeoutError::Disconnected) => panic!("ended before {what}; the last screen:\n{}", self.text()),
            }
        }
    }

    /// Reads until this text is on the screen.
    pub(super) fn until_text(&mut self, text: &str) {
        self.until(&format!("showed {text:?}"), |screen| screen.contents().contains(text));
    }

    /// Reads until a whole screen has been painted.
    pub(super) fn until_painted(&mut self) {
        self.until("painted", |screen| {
            screen.alternate_screen() && !screen.contents().trim().is_empty()
        });
    }

    /// What is on the screen.
    pub(super) fn text(&self) -> String {
        self.parser.screen().contents()
    }

    /// Whether a text comes to stand in a file below a folder.
    pub(super) fn until_on_disk(&mut self, folder: &Path, text: &str) {
        let deadline = Instant::now() + GUARD;
        while !is_below(folder, text.as_bytes()) {
            assert!(
                Instant::now() < deadline,
                "never on the disk: {text:?}; the screen:\n{}",
                self.text()
            );
            // nothing tells of a write: look again after each piece of output, or after a moment without
            if let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(50)) {
                self.take(&bytes);
            }
        }
    }

    pub(super) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.process_id().unwrap()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }

    /// Signals the job that has the terminal.
    pub(super) fn signal_foreground(&self, signal: Signal) {
        let leader = self.master.as_ref().unwrap().process_group_leader().unwrap();
        rustix::process::kill_process_group(Pid::from_raw(leader).unwrap(), signal).unwrap();
    }

    /// Makes it another size, as a window does.
    pub(super) fn resize(&mut self, columns: u16, rows: u16) {
        let size = PtySize {
            rows,
            cols: columns,
            ..PtySize::default()
        };
        self.master.as_ref().unwrap().resize(size).unwrap();
        self.parser.screen_mut().set_size(rows, columns);
    }

    /// Reads to the end; the exit code.
    pub(super) fn ended(&mut self) -> u32 {
        let deadline = Instant::now() + GUARD;
        loop {
            match self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.take(&bytes),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it does not end; the last screen:\n{}", self.text()),
            }
        }
        self.child.wait().unwrap().exit_code()
    }

    /// Waits for the end without reading: the terminal takes nothing any more.
    pub(super) fn ended_unread(&mut self) -> u32 {
        self.child.wait().unwrap().exit_code()
    }

    /// The terminal's other end goes away, as when a link drops. The exit code.
    pub(super) fn hang_up(mut self) -> u32 {
        self.gone.store(true, Ordering::SeqCst);
        self.press("\u{c}"); // a frame, with which the reader ends
        self.reader.take().unwrap().join().unwrap();
        self.keyboard = None;
        self.master = None;
        self.child.wait().unwrap().exit_code()
    }

    /// Checks that nothing of the console stays: screen, cursor, modes, line discipline.
    pub(super) fn assert_restored(&self) {
        let screen = self.parser.screen();
        assert!(!screen.alternate_screen(), "the alternate screen stays");
        assert!(!screen.hide_cursor(), "the cursor stays hidden");
        assert!(!screen.bracketed_paste(), "bracketed paste stays on");
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
        assert_eq!(screen.fgcolor(), vt100::Color::Default);
        let after = format!("{:?}", self.master.as_ref().unwrap().get_termios().unwrap());
        assert_eq!(after, self.before, "the line discipline is another");
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it has ended, mostly
    }
}

fn is_below(folder: &Path, text: &[u8]) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    entries.flatten().map(|entry| entry.path()).any(|path| {
        if path.is_dir() {
            is_below(&path, text)
        } else {
            std::fs::read(&path).is_ok_and(|bytes| bytes.windows(text.len()).any(|window| window == text))
        }
    })
}

/// What demos leave in the folder for temporary files.
pub(super) fn leftovers(folder: &Path) -> Vec<String> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect()
}
