//! This process's terminal, as the loop holds it.

use std::fs::File;
use std::os::fd::AsFd as _;

use super::console::{Console, Ended, Lines, Loop};
use super::core::Core;
use super::error::TuiError;
use super::guard::{Guard, restore};
use super::journal::Journal;
use super::manner::Manner;
use super::output::Output;
use super::signal;
use super::terminal::{self, Probe};
use super::{input, usable};

/// The terminal as the loop needs it: a seam for tests.
pub(super) trait Hold {
    /// Gives it back for a while.
    fn pause(&self);
    /// Takes it again.
    fn resume(&self) -> Result<(), TuiError>;
    /// It is dead.
    fn abandon(&self);
    /// Whether a shell is there to bring a stopped job back.
    fn can_stop(&self) -> bool;
    /// Stops the job.
    fn stop(&self);
    /// Whether it still answers.
    fn is_alive(&self) -> bool;
    /// Its size now, if it says so.
    fn size(&self) -> (u16, u16);
}

impl Hold for Guard {
    fn pause(&self) {
        restore();
    }

    fn resume(&self) -> Result<(), TuiError> {
        Self::resume(self)
    }

    fn abandon(&self) {
        Self::abandon(self);
    }

    fn can_stop(&self) -> bool {
        signal::can_stop()
    }

    fn stop(&self) {
        signal::stop();
    }

    fn is_alive(&self) -> bool {
        terminal::is_alive()
    }

    fn size(&self) -> (u16, u16) {
        let size = terminal::size();
        (size.width, size.height)
    }
}

/// This process's terminal, taken once: one console after the other sits at it.
pub struct Seat {
    guard: Guard,
    lines: Option<Lines>,
}

impl Seat {
    /// Takes the terminal. It is as it was when the seat is dropped. Call it from the main thread, within a runtime.
    pub fn take(manner: Manner) -> Result<Self, TuiError> {
        usable(&Probe::new().for_manner(manner))?;
        let stdout = std::io::stdout().as_fd().try_clone_to_owned().map_err(TuiError::Setup)?;
        let output = Output::start(File::from(stdout), manner).map_err(TuiError::Setup)?;
        let signals = signal::listen().map_err(TuiError::Setup)?;
        let guard = Guard::take(output.clone())?;
        let input = input::start(manner.mouse).map_err(TuiError::Setup)?;
        let lines = Some(Lines { input, signals, output });
        Ok(Self { guard, lines })
    }

    /// Runs a console until the person leaves or goes to another site, a signal ends it or the terminal goes.
    pub async fn run<C: Core, J: Journal>(&mut self, console: Console<C, J>) -> Result<Ended, TuiError> {
        let Some(lines) = self.lines.take() else { return Ok(Ended::Hangup) };
        let mut turning = Loop::new(console, lines, &self.guard);
        let ended = turning.run().await;
        self.lines = Some(turning.lines);
        ended
    }
}
