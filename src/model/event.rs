//! Everything that can happen to the console.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use jiff::civil::Date;

use crate::domain::{Coverage, Occurrence, OutboxRow, Read, Remark, Service, Shelved};

use super::{BridgeStatus, Draft, Memo, Report, Ticket};

/// One occurrence; `App::update` takes it together with the time at which it happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A key press (releases and repeats are folded before).
    Key(Key),
    /// Pasted text: it fills text fields and never acts as keys.
    Paste(String),
    /// The terminal has now this many columns and rows.
    Resize(u16, u16),
    /// The terminal window gained (`true`) or lost the focus.
    Focus(bool),
    /// Time passed; sent once a second while something on the screen shows an age or a countdown.
    Tick,
    /// The worker brought something.
    Report(Report),
    /// The outbox committed an intent, or refused to; answers `Effect::Submit` with the same ticket.
    Submitted {
        /// Which submission.
        ticket: Ticket,
        /// The committed row, or one sentence why not.
        result: Result<OutboxRow, String>,
    },
    /// A row of the outbox changed, whoever changed it.
    Outbox(OutboxRow),
    /// Rows that were open when the console started, after recovery.
    Recovered(Vec<OutboxRow>),
    /// Drafts that an earlier run left behind.
    Drafts(Vec<Draft>),
    /// When the servers' keys were made, as the configuration says by now.
    KeyDates(Vec<(Service, Date)>),
    /// What earlier runs kept of alerts, and how far the lists reached.
    Remembered(Vec<Occurrence>, Option<Coverage>),
    /// What an earlier run left on the shelf.
    Shelf(Vec<Shelved>),
    /// Remarks and marks of reading of earlier runs.
    Notes(Vec<Remark>, Vec<Read>),
    /// The runbook of an alert name (answers `Effect::ReadRunbook`).
    Runbook {
        /// The name's slug.
        slug: String,
        /// Its text, `None` where there is none, or one sentence why it cannot be read.
        text: Result<Option<String>, String>,
    },
    /// Views and linked orders of an earlier run.
    Memo(Memo),
    /// The mouse, where it is wanted: it selects and scrolls, and never acts.
    Pointer(Pointer),
    /// The bridge on this machine said how it is doing.
    Bridge(BridgeStatus),
    /// Something that an effect did, worth a line to the person (`copied`, `written to …`), or its failure.
    Notice {
        /// One sentence.
        text: String,
        /// Whether it failed.
        failed: bool,
    },
}

/// What the mouse did at a cell of the screen, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pointer {
    /// A click.
    Click {
        /// Column.
        x: u16,
        /// Row.
        y: u16,
    },
    /// A step of the wheel.
    Wheel {
        /// Column.
        x: u16,
        /// Row.
        y: u16,
        /// Towards the end of the list.
        down: bool,
    },
}

/// A key with its modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Which key.
    pub code: KeyCode,
    /// Held with it. SHIFT is dropped for characters, which carry their own case.
    pub modifiers: KeyModifiers,
}

impl Key {
    /// A plain character.
    pub fn char(char: char) -> Self {
        Self {
            code: KeyCode::Char(char),
            modifiers: KeyModifiers::NONE,
        }
    }

    /// A key without modifiers.
    pub fn plain(code: KeyCode) -> Self {
        Self {
            code,
            modifiers: KeyModifiers::NONE,
        }
    }

    /// Ctrl and a character.
    pub fn ctrl(char: char) -> Self {
        Self {
            code: KeyCode::Char(char),
            modifiers: KeyModifiers::CONTROL,
        }
    }
}

impl From<KeyEvent> for Key {
    fn from(event: KeyEvent) -> Self {
        let modifiers = match event.code {
            KeyCode::Char(_) => event.modifiers - KeyModifiers::SHIFT,
            _ => event.modifiers,
        };
        Self {
            code: event.code,
            modifiers,
        }
    }
}
