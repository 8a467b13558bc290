//! Whether there is a terminal at all, and how large.

use std::io::IsTerminal as _;

use ratatui::layout::Size;

use super::error::TuiError;
use super::manner::Manner;

/// Larger pictures are cut: a size is a number from outside.
const COLUMNS_MAX: u16 = 1_000;
const ROWS_MAX: u16 = 500;

/// What is known of the surroundings before anything is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Probe {
    /// Standard input is a terminal.
    pub input: bool,
    /// Standard output is one.
    pub output: bool,
    /// `TERM`.
    pub term: Option<String>,
}

impl Probe {
    /// What a manner asks of the terminal: lines of text need none that can move its cursor.
    #[must_use]
    pub fn for_manner(self, manner: Manner) -> Self {
        Self {
            term: self.term.filter(|_| !manner.linear),
            ..self
        }
    }

    /// Looks around.
    pub fn new() -> Self {
        Self {
            input: std::io::stdin().is_terminal(),
            output: std::io::stdout().is_terminal(),
            term: std::env::var("TERM").ok(),
        }
    }
}

/// Refuses where no full screen can be shown.
pub fn usable(probe: &Probe) -> Result<(), TuiError> {
    let reason = match probe {
        Probe { input: false, .. } => "standard input is none",
        Probe { output: false, .. } => "standard output is none",
        Probe { term, .. } if term.as_deref() == Some("dumb") => "TERM says `dumb`",
        Probe { .. } => return Ok(()),
    };
    Err(TuiError::NoTerminal { reason })
}

/// The terminal's size now; 80 × 24 where it does not say.
pub(super) fn size() -> Size {
    let (columns, rows) = crossterm::terminal::size().unwrap_or_default();
    bounded(columns, rows)
}

/// A size that a picture may have.
pub(super) fn bounded(columns: u16, rows: u16) -> Size {
    let or = |number: u16, default| if number == 0 { default } else { number };
    Size::new(or(columns, 80).min(COLUMNS_MAX), or(rows, 24).min(ROWS_MAX))
}

/// Whether the terminal still answers, where keys come from and where the picture goes. It does not wait.
pub(super) fn is_alive() -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let (input, output) = (std::io::stdin(), std::io::stdout());
    if rustix::termios::tcgetattr(&input).is_err() || rustix::termios::tcgetattr(&output).is_err() {
        return false;
    }
    let mut ends = [PollFd::new(&input, PollFlags::empty()), PollFd::new(&output, PollFlags::empty())];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    // a look that fails says nothing against it
    poll(&mut ends, Some(&now)).is_err() || !ends.iter().any(|end| end.revents().intersects(PollFlags::HUP | PollFlags::ERR))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_terminal_the_headless_commands_are_named() {
        let fine = Probe {
            input: true,
            output: true,
            term: Some("xterm-256color".into()),
        };
        assert!(usable(&fine).is_ok());
        let unset = Probe {
            term: None,
            ..fine.clone()
        };
        assert!(usable(&unset).is_ok());
        for probe in [
            Probe {
                input: false,
                ..fine.clone()
            },
            Probe {
                output: false,
                ..fine.clone()
            },
            Probe {
                term: Some("dumb".into()),
                ..fine
            },
        ] {
            let sentence = usable(&probe).unwrap_err().to_string();
            assert!(sentence.contains("nightdesk alerts list"), "{sentence}");
        }
    }

    #[test]
    fn sizes_are_bounded() {
        assert_eq!(bounded(0, 0), Size::new(80, 24));
        assert_eq!(bounded(u16::MAX, u16::MAX), Size::new(COLUMNS_MAX, ROWS_MAX));
    }
}
