//! The terminal's modes, and their way back: one `restore`, however the console ends.

use std::fmt::Write as _;
use std::io::Write as _;
use std::panic::PanicHookInfo;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use super::error::TuiError;
use super::manner::LEAVE;
use super::output::Output;

/// A terminal that takes nothing for so long is left as it is: the end of the process does not hang on it.
const LEAVE_TIMEOUT: Duration = Duration::from_millis(750);

/// The terminal that is in our hands, if one is.
static HELD: Mutex<Option<Output>> = Mutex::new(None);
/// The thread of the loop: a panic elsewhere ends a task, not the console.
static LOOP: OnceLock<ThreadId> = OnceLock::new();

/// Holds the terminal; dropping it gives it back.
#[derive(Debug)]
pub(super) struct Guard {
    output: Output,
}

impl Guard {
    /// Takes the terminal: raw mode, then the screen.
    pub(super) fn take(output: Output) -> Result<Self, TuiError> {
        LOOP.get_or_init(|| thread::current().id());
        crossterm::terminal::enable_raw_mode().map_err(TuiError::Setup)?;
        *HELD.lock().unwrap_or_else(PoisonError::into_inner) = Some(output.clone());
        output.enter();
        Ok(Self { output })
    }

    /// Takes the terminal again after [`restore`], whole.
    pub(super) fn resume(&self) -> Result<(), TuiError> {
        crossterm::terminal::enable_raw_mode().map_err(TuiError::Setup)?;
        *HELD.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.output.clone());
        self.output.enter();
        Ok(())
    }

    /// The terminal is dead: nothing is written or set any more.
    pub(super) fn abandon(&self) {
        *HELD.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.output.abandon();
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives the terminal back as it was: screen, cursor, modes. It may be called from anywhere, any number of times; it
/// takes less than a second even where the terminal takes no byte.
pub fn restore() {
    let held = HELD.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(output) = held else {
        return;
    };
    if !output.leave(LEAVE_TIMEOUT) && output.failure().is_some() {
        // The thread is gone, so nobody else writes: say it ourselves.
        let mut stdout = std::io::stdout();
        let _ = stdout.write_all(LEAVE).and_then(|()| stdout.flush());
    }
    let _ = crossterm::terminal::disable_raw_mode(); // a terminal that is gone needs none
}

/// From now on a bug in the loop restores the terminal and leaves a report on stderr; one in a task of its own goes
/// to the log, and the console lives on.
pub fn install_panic_report() {
    std::panic::set_hook(Box::new(|info| {
        let thread = thread::current();
        let ends_us = LOOP.get().is_none_or(|id| *id == thread.id()) || thread.name() == Some("output");
        let report = report(info, thread.name().unwrap_or("unnamed"));
        if ends_us {
            if thread.name() == Some("output") {
                // It cannot wait for itself; the loop notices that it is gone and restores the rest.
                let mut stdout = std::io::stdout();
                let _ = stdout.write_all(LEAVE).and_then(|()| stdout.flush());
            }
            restore();
            let _ = std::io::stderr().write_all(report.as_bytes()); // nobody left to tell
        } else {
            tracing::error!("{report}");
        }
    }));
}

fn report(info: &PanicHookInfo<'_>, thread: &str) -> String {
    let what = info
        .payload()
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| info.payload().downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".into());
    let place = info.location().map_or_else(|| "an unknown place".into(), ToString::to_string);
    let mut report = format!(
        "nightdesk {}: a bug, not your fault: {what}\n  at {place}, thread {thread}\nWhat was queued is safe in the outbox. Please report these lines.\n",
        env!("CARGO_PKG_VERSION")
    );
    let backtrace = std::backtrace::Backtrace::capture();
    if backtrace.status() == std::backtrace::BacktraceStatus::Captured {
        let _ = writeln!(report, "{backtrace}"); // writing to a String cannot fail
    }
    report
}
