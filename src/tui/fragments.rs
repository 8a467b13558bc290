//! Escape sequences that a slow link tore apart. Read in two pieces, `ESC [ < 0 ; 1 ; 2 M` arrives as Escape and then
//! as characters, any of which may be a key with a meaning. So an Escape is held for a moment: what follows it at
//! once like a sequence is swallowed whole.

use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyModifiers};

use crate::model::Key;

/// An Escape that is followed later than this was pressed by a person.
pub(super) const HOLD: Duration = Duration::from_millis(25);
/// A torn sequence that lasts longer is given up.
const SEQUENCE_MAX: Duration = Duration::from_millis(250);
/// Longest sequence that a terminal sends, in characters.
const LENGTH_MAX: usize = 32;

/// The filter between the parser and the loop.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    state: State,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Clear,
    Held(Instant),
    /// After `ESC [`.
    Sequence {
        since: Instant,
        length: usize,
    },
    /// After `ESC O`: one more character.
    Single(Instant),
}

impl Fragments {
    /// Takes a key; returns those that are certainly keys.
    pub(super) fn push(&mut self, key: Key, now: Instant) -> Vec<Key> {
        let mut keys: Vec<_> = self.flush(now).into_iter().collect();
        let plain = match key {
            Key {
                code: KeyCode::Char(char),
                modifiers: KeyModifiers::NONE,
            } => Some(char),
            _ => None,
        };
        self.state = match (&self.state, plain) {
            (State::Clear, _) if key == Key::plain(KeyCode::Esc) => State::Held(now),
            (State::Clear, _) => {
                keys.push(key);
                State::Clear
            }
            (State::Held(_), Some('[')) => State::Sequence { since: now, length: 0 },
            (State::Held(_), Some('O')) => State::Single(now),
            (State::Held(_), _) => {
                keys.push(Key::plain(KeyCode::Esc));
                if key == Key::plain(KeyCode::Esc) {
                    State::Held(now)
                } else {
                    keys.push(key);
                    State::Clear
                }
            }
            (State::Sequence { since, length }, Some(char)) if *length < LENGTH_MAX && (' '..='?').contains(&char) => State::Sequence {
                since: *since,
                length: length + 1,
            },
            // The final character ends it. Anything else was never part of one.
            (State::Sequence { .. }, Some('@'..='~')) | (State::Single(_), Some(_)) => State::Clear,
            (State::Sequence { .. } | State::Single(_), _) => {
                keys.push(key);
                State::Clear
            }
        };
        keys
    }

    /// Lets an Escape go that nothing followed.
    pub(super) fn flush(&mut self, now: Instant) -> Option<Key> {
        match self.state {
            State::Held(since) if now >= since + HOLD => {
                self.state = State::Clear;
                Some(Key::plain(KeyCode::Esc))
            }
            State::Sequence { since, .. } | State::Single(since) if now >= since + SEQUENCE_MAX => {
                self.state = State::Clear;
                None
            }
            State::Clear | State::Held(_) | State::Sequence { .. } | State::Single(_) => None,
        }
    }

    /// Whether an Escape waits to be let go.
    pub(super) fn is_holding(&self) -> bool {
        matches!(self.state, State::Held(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str, pause: Duration) -> Vec<Key> {
        let mut fragments = Fragments::default();
        let mut now = Instant::now();
        let mut keys = Vec::new();
        for char in text.chars() {
            let key = if char == '\u{1b}' {
                Key::plain(KeyCode::Esc)
            } else {
                Key::char(char)
            };
            keys.extend(fragments.push(key, now));
            now += pause;
        }
        keys.extend(fragments.flush(now + HOLD));
        keys
    }

    #[test]
    fn a_torn_sequence_presses_no_key() {
        for torn in [
            "\u{1b}[<0;17;4M",
            "\u{1b}[<35;170;40m",
            "\u{1b}[I",
            "\u{1b}OA",
            "\u{1b}[1;5C",
            "\u{1b}[200~",
        ] {
            assert_eq!(typed(&format!("{torn}a"), Duration::ZERO), [Key::char('a')], "{torn:?}");
        }
    }

    #[test]
    fn what_a_person_types_is_kept_whole() {
        let escape = Key::plain(KeyCode::Esc);
        assert_eq!(typed("\u{1b}", Duration::ZERO), [escape]);
        assert_eq!(typed("\u{1b}\u{1b}", Duration::ZERO), [escape, escape]);
        assert_eq!(typed("\u{1b}x", Duration::ZERO), [escape, Key::char('x')]);
        assert_eq!(typed("\u{1b}[", HOLD), [escape, Key::char('[')]);
        assert_eq!(typed("[]aM", Duration::ZERO), ['[', ']', 'a', 'M'].map(Key::char));
    }

    #[test]
    fn an_endless_sequence_is_given_up() {
        let keys = typed(&format!("\u{1b}[{}a", "0".repeat(100)), Duration::ZERO);
        assert_eq!(keys.last(), Some(&Key::char('a')));
    }
}
