//! What the terminal is asked for, and the sequences that do it and take it back.

/// Alternate screen, title saved, bracketed paste, focus reports, cursor hidden. The mouse stays the terminal's unless it
/// is wanted.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[22;0t\x1b[?2004h\x1b[?1004h\x1b[?25l\x1b[5 q\x1b[?25l";
/// Clicks and wheel, in the form that has no limit of columns.
const MOUSE: &[u8] = b"\x1b[?1000h\x1b[?1006h";
/// Without a screen only pastes are told from keys.
pub(super) const ENTER_LINEAR: &[u8] = b"\x1b[?2004h";
pub(super) const LEAVE_LINEAR: &[u8] = b"\x1b[?2004l\r\n";
/// All of it back, in the opposite order; harmless where it was not set.
pub(super) const LEAVE: &[u8] = b"\x1b[?2026l\x1b[0m\x1b[0 q\x1b[?1006l\x1b[?1000l\x1b[?1004l\x1b[?2004l\x1b[23;0t\x1b[?1049l\x1b[?25h";
/// What the terminal is asked for besides its screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// Reports of clicks and the wheel.
    pub mouse: bool,
    /// Addresses as hyperlinks (OSC 8).
    pub hyperlinks: bool,
    /// No screen: lines are added, nothing is moved or drawn over.
    pub linear: bool,
}

impl Manner {
    /// What begins it.
    pub(super) fn enter(self) -> Vec<u8> {
        if self.linear {
            ENTER_LINEAR.to_vec()
        } else if self.mouse {
            [ENTER, MOUSE].concat()
        } else {
            ENTER.to_vec()
        }
    }

    /// What ends it.
    pub(super) fn leave(self) -> Vec<u8> {
        if self.linear { LEAVE_LINEAR.to_vec() } else { LEAVE.to_vec() }
    }
}
