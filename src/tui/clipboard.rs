//! Text for the clipboard of the terminal at the other end of the link: OSC 52, wrapped where a multiplexer stands between.

use std::fmt::Write as _;

use crate::config::Notify;

/// Longest text in bytes: terminals cut or refuse more (xterm's limit on the encoded form is 100,000).
pub(super) const TEXT_MAX_BYTES: usize = 64 * 1024;
/// Longest notification in characters: desktops cut more.
const NOTIFICATION_MOST: usize = 200;
/// screen passes at most so many bytes of a device control string.
const SCREEN_CHUNK: usize = 512;

/// What stands between us and the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrap {
    Plain,
    Tmux,
    Screen,
}

impl Wrap {
    /// By the variables that the multiplexers set.
    pub(super) fn detect(variable: impl Fn(&str) -> Option<String>) -> Self {
        if variable("TMUX").is_some() {
            Self::Tmux
        } else if variable("STY").is_some() || variable("TERM").is_some_and(|term| term.starts_with("screen")) {
            Self::Screen
        } else {
            Self::Plain
        }
    }
}

/// The sequence that sets the clipboard; `None` where the text is too long.
pub(super) fn sequence(text: &str, wrap: Wrap) -> Option<Vec<u8>> {
    if text.len() > TEXT_MAX_BYTES {
        return None;
    }
    Some(wrapped(&format!("\x1b]52;c;{}\x07", base64(text.as_bytes())), wrap))
}

/// A notification of the desktop at the other end of the link.
pub(super) fn notification(text: &str, notify: Notify, wrap: Wrap) -> Option<Vec<u8>> {
    let text: String = text
        .chars()
        .filter(|char| !char.is_control() && *char != ';')
        .take(NOTIFICATION_MOST)
        .collect();
    match notify {
        Notify::Off => None,
        Notify::Osc9 => Some(wrapped(&format!("\x1b]9;{text}\x07"), wrap)),
        Notify::Osc777 => Some(wrapped(&format!("\x1b]777;notify;nightdesk;{text}\x07"), wrap)),
    }
}

/// A sequence past the multiplexer.
fn wrapped(plain: &str, wrap: Wrap) -> Vec<u8> {
    let wrapped = match wrap {
        Wrap::Plain => plain.to_owned(),
        Wrap::Tmux => format!("\x1bPtmux;{}\x1b\\", plain.replace('\x1b', "\x1b\x1b")),
        Wrap::Screen => plain.as_bytes().chunks(SCREEN_CHUNK).fold(String::new(), |mut out, chunk| {
            let _ = write!(out, "\x1bP{}\x1b\\", String::from_utf8_lossy(chunk)); // all ASCII; writing to a String cannot fail
            out
        }),
    };
    wrapped.into_bytes()
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let mut three = [0; 3];
        for (to, from) in three.iter_mut().zip(chunk) {
            *to = *from;
        }
        let bits = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        for place in 0..4 {
            let index = (bits >> (18 - 6 * place)) & 63;
            let char = ALPHABET.get(index as usize).copied().unwrap_or(b'=');
            out.push(if place <= chunk.len() { char::from(char) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notification_is_one_sequence_and_its_text_cannot_end_it() {
        let osc9 = notification("CRIT PUMP-1 \u{7}\u{1b}]0;x high; \u{9c}now", Notify::Osc9, Wrap::Plain);
        assert_eq!(osc9.unwrap(), b"\x1b]9;CRIT PUMP-1 ]0x high now\x07");
        let osc777 = notification("CRIT", Notify::Osc777, Wrap::Tmux);
        assert_eq!(osc777.unwrap(), b"\x1bPtmux;\x1b\x1b]777;notify;nightdesk;CRIT\x07\x1b\\");
        assert_eq!(notification("CRIT", Notify::Off, Wrap::Plain), None);
    }

    #[test]
    fn base64_is_the_standards() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("Ü\n>?", "w5wKPj8="),
        ] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn multiplexers_are_passed_through() {
        let text = |wrap| String::from_utf8(sequence("foo", wrap).unwrap()).unwrap();
        assert_eq!(text(Wrap::Plain), "\x1b]52;c;Zm9v\x07");
        assert_eq!(text(Wrap::Tmux), "\x1bPtmux;\x1b\x1b]52;c;Zm9v\x07\x1b\\");
        assert_eq!(text(Wrap::Screen), "\x1bP\x1b]52;c;Zm9v\x07\x1b\\");
        let long = String::from_utf8(sequence(&"x".repeat(2_000), Wrap::Screen).unwrap()).unwrap();
        assert!(long.split("\x1b\\").all(|part| part.len() <= SCREEN_CHUNK + 2));
        let joined: String = long
            .split("\x1b\\")
            .map(|part| part.strip_prefix("\x1bP").unwrap_or(part))
            .collect();
        assert_eq!(joined.as_bytes(), sequence(&"x".repeat(2_000), Wrap::Plain).unwrap());
    }

    #[test]
    fn the_surroundings_decide() {
        let has = |name: &'static str, value: &'static str| move |asked: &str| (asked == name).then(|| value.to_owned());
        assert_eq!(Wrap::detect(has("TMUX", "/tmp/x")), Wrap::Tmux);
        assert_eq!(Wrap::detect(has("STY", "1.x")), Wrap::Screen);
        assert_eq!(Wrap::detect(has("TERM", "screen.xterm")), Wrap::Screen);
        assert_eq!(Wrap::detect(has("TERM", "xterm")), Wrap::Plain);
    }

    #[test]
    fn too_long_a_text_is_refused() {
        assert_eq!(sequence(&"x".repeat(TEXT_MAX_BYTES + 1), Wrap::Plain), None);
    }
}
