//! How many colours a terminal has.

use crate::config::Env;

/// Colour depth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// None: bold, underline and reverse only. `NO_COLOR` asks for it.
    None,
    /// The sixteen of ANSI, whose shades are the terminal's.
    Ansi,
    /// xterm's 256.
    Indexed,
    /// 24 bits.
    True,
}

/// Terminals that have 24 bits and say so by their name alone, since SSH does not carry `COLORTERM`.
const TRUE_COLOUR: [&str; 8] = [
    "-direct",
    "xterm-kitty",
    "alacritty",
    "foot",
    "ghostty",
    "wezterm",
    "iterm2",
    "contour",
];

/// Terminals without colour.
const NO_COLOUR: [&str; 6] = ["dumb", "vt100", "vt102", "vt220", "vt320", "xterm-mono"];

impl Depth {
    /// By `NO_COLOR`, `COLORTERM` and `TERM`.
    pub fn detect(env: &Env) -> Self {
        let term = env.get("TERM").unwrap_or_default();
        if env.get("NO_COLOR").is_some() || term.is_empty() || NO_COLOUR.contains(&term.as_str()) {
            return Self::None;
        }
        let said = env.get("COLORTERM").unwrap_or_default();
        if said == "truecolor" || said == "24bit" || TRUE_COLOUR.iter().any(|name| term.contains(name)) {
            Self::True
        } else if term.contains("256") {
            Self::Indexed
        } else {
            Self::Ansi
        }
    }
}
