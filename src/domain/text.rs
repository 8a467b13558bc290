//! Text that came from outside: hostile until it is a [`SafeText`].

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use unicode_width::UnicodeWidthChar;

/// Longest shown form of one field, in bytes; the rest is cut and marked with `…`.
pub const SHOWN_MAX_BYTES: usize = 8 * 1024;

/// Most combining marks that one base character keeps.
const MARKS_PER_CELL: usize = 4;

/// A string from a server, a file or another person.
///
/// It holds two forms. The **raw** one serves the wire and identity (equality, hash and order look at it
/// alone) and is never shown. The **shown** one is a single line that holds no control, bidi, zero-width or tag
/// character, so that it can neither move the cursor nor pretend to be another text.
#[derive(Clone)]
pub struct SafeText {
    raw: Arc<str>,
    /// `None` where the raw form is already safe: the common case costs nothing.
    shown: Option<Arc<str>>,
}

impl SafeText {
    /// Takes a raw string and makes its shown form.
    pub fn new(raw: impl Into<Arc<str>>) -> Self {
        let raw = raw.into();
        let shown = (!is_plain(&raw)).then(|| Arc::from(sanitize(&raw)));
        Self { raw, shown }
    }

    /// The bytes as they came: for requests and comparison, never for a screen or a log.
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// One safe line, at most [`SHOWN_MAX_BYTES`] long.
    pub fn shown(&self) -> &str {
        self.shown.as_deref().unwrap_or(&self.raw)
    }

    /// The text's own lines, each safe: for the detail view, where line breaks mean something.
    pub fn shown_lines(&self) -> impl Iterator<Item = String> + '_ {
        self.raw.split('\n').map(|line| sanitize(line.strip_suffix('\r').unwrap_or(line)))
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }
}

/// Whether `raw` can be shown as it is. Printable ASCII is decided without a table look-up.
fn is_plain(raw: &str) -> bool {
    raw.len() <= SHOWN_MAX_BYTES
        && (raw.bytes().all(|byte| (0x20..0x7f).contains(&byte))
            || raw.chars().all(|char| replacement(char).is_none() && char.width() != Some(0)))
}

/// What stands in for a character that must not reach a terminal; `None` keeps it, an empty string drops it.
fn replacement(char: char) -> Option<&'static str> {
    match char {
        '\t' => Some(" "),
        '\n' | '\u{2028}' | '\u{2029}' | '\u{85}' => Some("↵"),
        '\r' | '\u{fe0e}' | '\u{fe0f}' => Some(""),
        '\u{1b}' => Some("␛"),
        '\u{0}'..='\u{1f}'
        | '\u{7f}'..='\u{9f}'
        | '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0d}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}' => Some("\u{fffd}"),
        _ => None,
    }
}

/// Whether a character is kept from every screen, whatever stands around it.
pub fn is_hostile(char: char) -> bool {
    !matches!(char, ' '..='~') && (char.is_control() || replacement(char).is_some())
}

/// Makes a JSON document safe to look at and lossless: what is hostile becomes `\uXXXX`. It can only stand inside strings, so
/// that the document means the same; a mark that stands after a letter stays.
pub fn escape_json(document: &str) -> String {
    use fmt::Write as _;
    let mut out = String::with_capacity(document.len() + 1);
    let mut marks = 0;
    for char in document.chars() {
        marks = if char.width() == Some(0) { marks + 1 } else { 0 };
        if char == '\n' || !(is_hostile(char) || marks > MARKS_PER_CELL) {
            out.push(char);
        } else {
            for unit in char.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}"); // writing to a String cannot fail
            }
        }
    }
    out
}

fn sanitize(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len().min(SHOWN_MAX_BYTES) + 8);
    let mut marks = MARKS_PER_CELL; // a mark without a base before it is one too many
    for char in raw.chars() {
        if out.len() >= SHOWN_MAX_BYTES {
            out.push('…');
            break;
        }
        if let Some(instead) = replacement(char) {
            out.push_str(instead);
            if !instead.is_empty() {
                marks = 0;
            }
        } else if char.width() == Some(0) {
            if out.is_empty() {
                out.push('◌');
                marks = 0;
            }
            if marks < MARKS_PER_CELL {
                out.push(char);
                marks += 1;
            }
        } else {
            out.push(char);
            marks = 0;
        }
    }
    out
}

impl fmt::Display for SafeText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.shown())
    }
}

impl fmt::Debug for SafeText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.shown(), formatter)
    }
}

impl PartialEq for SafeText {
    fn eq(&self, other: &Self) -> bool {
        self.raw == other.raw
    }
}

impl Eq for SafeText {}

impl Hash for SafeText {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.raw.hash(state);
    }
}

impl PartialOrd for SafeText {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SafeText {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.raw.cmp(&other.raw)
    }
}

impl Default for SafeText {
    fn default() -> Self {
        Self::new("")
    }
}

impl From<&str> for SafeText {
    fn from(raw: &str) -> Self {
        Self::new(raw)
    }
}

impl From<String> for SafeText {
    fn from(raw: String) -> Self {
        Self::new(raw)
    }
}

impl Serialize for SafeText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.raw)
    }
}

impl<'de> Deserialize<'de> for SafeText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_shared_not_copied() {
        let text = SafeText::new("PUMP-017 Überdruck");
        assert!(text.shown.is_none());
        assert_eq!(text.shown(), text.raw());
    }

    #[test]
    fn control_bidi_zero_width_and_tags_never_survive() {
        for hostile in [
            "\u{1b}[2J",
            "\u{9b}31m",
            "a\u{202e}b",
            "a\u{2066}b",
            "x\u{200b}y",
            "x\u{200d}y",
            "\u{feff}z",
            "\u{e0041}",
            "\u{7f}",
            "\0",
            "a\u{61c}b",
            "\u{3164}",
            "a\rb",
            "a\u{85}b",
            "a\nb",
            "a\tb",
        ] {
            let text = SafeText::new(hostile);
            assert!(
                text.shown().chars().all(|char| !char.is_control() && replacement(char).is_none()),
                "{hostile:?} became {:?}",
                text.shown()
            );
            assert_eq!(text.raw(), hostile);
        }
    }

    #[test]
    fn at_most_four_marks_stay_on_a_cell() {
        let text = SafeText::new(format!("e{}", "\u{301}".repeat(40)));
        assert_eq!(text.shown().chars().count(), 5);
        assert!(SafeText::new("\u{301}").shown().starts_with('◌'));
    }

    #[test]
    fn a_field_is_cut_with_a_mark() {
        let text = SafeText::new("x".repeat(1_000_000));
        assert!(text.shown().len() < SHOWN_MAX_BYTES + 8);
        assert!(text.shown().ends_with('…'));
    }

    #[test]
    fn lines_stay_lines() {
        let lines: Vec<_> = SafeText::new("one\r\ntwo\u{1b}\nthree").shown_lines().collect();
        assert_eq!(lines, ["one", "two␛", "three"]);
    }
}
