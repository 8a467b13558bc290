//! Keys as people write them: `a`, `G`, `ctrl-d`, `space`, `alt-enter`, `shift-tab`, `f5`.

use std::fmt;
use std::str::FromStr;

use crossterm::event::{KeyCode, KeyModifiers};

use super::Key;

/// Names of keys that are not one character.
const NAMED: [(&str, KeyCode); 16] = [
    ("space", KeyCode::Char(' ')),
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pgup", KeyCode::PageUp),
    ("pgdn", KeyCode::PageDown),
    ("minus", KeyCode::Char('-')),
];

/// A key that nobody can press.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no key: write a character, or ctrl-, alt- or shift- before one, or space, enter, esc, tab, up, pgdn, f5 and the like")]
pub struct KeyError(
    /// As it was written.
    pub String,
);

impl FromStr for Key {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let wrong = || KeyError(text.to_owned());
        let mut modifiers = KeyModifiers::NONE;
        let mut rest = text;
        loop {
            let (modifier, after) = if let Some(after) = rest.strip_prefix("ctrl-") {
                (KeyModifiers::CONTROL, after)
            } else if let Some(after) = rest.strip_prefix("alt-") {
                (KeyModifiers::ALT, after)
            } else if let Some(after) = rest.strip_prefix("shift-") {
                (KeyModifiers::SHIFT, after)
            } else {
                break;
            };
            if after.is_empty() || modifiers.contains(modifier) {
                return Err(wrong());
            }
            modifiers |= modifier;
            rest = after;
        }
        let mut chars = rest.chars();
        let code = match (chars.next(), chars.next()) {
            (Some(char), None) if !char.is_control() => KeyCode::Char(char),
            _ => NAMED
                .iter()
                .find(|(name, _)| *name == rest)
                .map(|(_, code)| *code)
                .or_else(|| {
                    let number = rest.strip_prefix('f')?.parse::<u8>().ok()?;
                    (1..=12).contains(&number).then_some(KeyCode::F(number))
                })
                .ok_or_else(wrong)?,
        };
        // The terminal's spelling: Shift-Tab is a key of its own, a shifted character is another character.
        Ok(match code {
            KeyCode::Tab if modifiers.contains(KeyModifiers::SHIFT) => Self {
                code: KeyCode::BackTab,
                modifiers: modifiers - KeyModifiers::SHIFT,
            },
            KeyCode::Char(_) if modifiers.contains(KeyModifiers::SHIFT) => return Err(wrong()),
            code => Self { code, modifiers },
        })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        if self.modifiers.contains(KeyModifiers::CONTROL) {
            text.push_str("ctrl-");
        }
        if self.modifiers.contains(KeyModifiers::ALT) {
            text.push_str("alt-");
        }
        if self.modifiers.contains(KeyModifiers::SHIFT) || self.code == KeyCode::BackTab {
            text.push_str("shift-");
        }
        match self.code {
            KeyCode::BackTab => text.push_str("tab"),
            KeyCode::F(number) => {
                text.push('f');
                text.push_str(&number.to_string());
            }
            code => match NAMED.iter().find(|(_, named)| *named == code) {
                Some((name, _)) => text.push_str(name),
                None => match code {
                    KeyCode::Char(char) => text.push(char),
                    _ => text.push_str("other"),
                },
            },
        }
        formatter.pad(&text)
    }
}

impl Key {
    /// The same key as the terminal may also report it: Shift-Tab comes with and without SHIFT.
    #[must_use]
    pub fn normal(self) -> Self {
        match self.code {
            KeyCode::BackTab => Self {
                modifiers: self.modifiers - KeyModifiers::SHIFT,
                ..self
            },
            KeyCode::Tab if self.modifiers.contains(KeyModifiers::SHIFT) => Self {
                code: KeyCode::BackTab,
                modifiers: self.modifiers - KeyModifiers::SHIFT,
            },
            KeyCode::Char(char) if self.modifiers.contains(KeyModifiers::CONTROL) => Self {
                code: KeyCode::Char(char.to_ascii_lowercase()),
                modifiers: self.modifiers - KeyModifiers::SHIFT,
            },
            _ => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_and_written_alike() {
        for text in [
            "a",
            "G",
            "?",
            "*",
            ":",
            "space",
            "enter",
            "alt-enter",
            "ctrl-d",
            "shift-tab",
            "pgdn",
            "f5",
            "ctrl-alt-x",
            "minus",
            "shift-up",
            "[",
            "é",
        ] {
            let key: Key = text.parse().unwrap();
            assert_eq!(key.to_string(), text);
        }
        for wrong in ["", "ctrl-", "hyper-x", "f13", "shift-a", "spacebar", "ctrl-ctrl-a", "\u{1b}"] {
            assert_eq!(wrong.parse::<Key>(), Err(KeyError(wrong.to_owned())));
        }
    }
}
