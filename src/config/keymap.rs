//! Which key means what: the table's defaults, a preset, the person's `keymap.toml`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crossterm::event::{KeyCode, KeyModifiers};
use thiserror::Error;

use crate::model::{ACTIONS, Action, Context, Key, KeyError};

/// The default keymap as a file: what `keymap.toml` looks like. A test holds it in step with the table.
pub const DEFAULT_TOML: &str = include_str!("keymap.toml");

/// Keymaps that come with the program, by name; each changes the default one.
const PRESETS: [(&str, &str); 3] = [
    ("default", ""),
    ("vim", include_str!("keymap_vim.toml")),
    ("k9s", include_str!("keymap_k9s.toml")),
];

/// Keys of terminals, shells and multiplexers that must keep their meaning (flow control, job control, prefixes, backspace).
const RESERVED: [char; 8] = ['s', 'q', 'z', '\\', 'a', 'b', 'h', ' '];

/// Keys to actions, without clashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keymap {
    by_action: BTreeMap<Action, Vec<Key>>,
    by_key: BTreeMap<Context, Vec<(Key, Action)>>,
}

/// What is wrong with a keymap.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KeymapError {
    /// It is no TOML, or not of the shape `action = ["key", ..]`.
    #[error("keymap: {0}")]
    Syntax(String),
    /// An action that does not exist.
    #[error("keymap: there is no action `{name}`{}", hint(near.as_deref()))]
    UnknownAction {
        /// As written.
        name: String,
        /// The nearest name of the table.
        near: Option<String>,
    },
    /// A preset that does not exist.
    #[error("keymap: there is no preset `{0}`: default, vim and k9s exist")]
    UnknownPreset(String),
    /// A key that does not exist.
    #[error("keymap: {action}: {error}")]
    Key {
        /// The action's name.
        action: String,
        /// What is wrong.
        error: KeyError,
    },
    /// A key that the terminal keeps for itself.
    #[error("keymap: {action}: {key} keeps its meaning for terminals, shells and multiplexers: choose another key")]
    Reserved {
        /// The action's name.
        action: String,
        /// The key.
        key: String,
    },
    /// What changes data must not sit behind Ctrl.
    #[error("keymap: {action}: nothing that changes data sits behind ctrl: choose another key than {key}")]
    Control {
        /// The action's name.
        action: String,
        /// The key.
        key: String,
    },
    /// Two actions on one key in one place.
    #[error("keymap: {key} means both {one} and {other} ({}): give one of them another key, or [] for none", place.title())]
    Clash {
        /// The key.
        key: String,
        /// One action's name.
        one: String,
        /// The other's.
        other: String,
        /// Where.
        place: Context,
    },
    /// An action without which one cannot leave.
    #[error("keymap: {0} needs a key")]
    Missing(String),
}

impl KeymapError {
    /// The line of a person's file that it is about, from 1; `None` where the fault is not there alone.
    pub fn line(&self, text: &str) -> Option<usize> {
        let names: Vec<&str> = match self {
            Self::Syntax(_) => return None, // it says its place itself
            Self::UnknownAction { name, .. } | Self::Missing(name) => vec![name],
            Self::UnknownPreset(_) => vec!["preset"],
            Self::Key { action, .. } | Self::Reserved { action, .. } | Self::Control { action, .. } => vec![action],
            Self::Clash { one, other, .. } => vec![one, other],
        };
        let key = |line: &str| line.split_once('=').map(|(key, _)| key.trim().trim_matches('"').to_owned());
        let lines: Vec<usize> = text
            .lines()
            .enumerate()
            .filter(|(_, line)| key(line).is_some_and(|key| names.contains(&key.as_str())))
            .map(|(index, _)| index + 1)
            .collect();
        lines.last().copied()
    }
}

fn hint(near: Option<&str>) -> String {
    near.map_or_else(String::new, |near| format!(": did you mean `{near}`?"))
}

impl Default for Keymap {
    fn default() -> Self {
        Self::layered(&[]).unwrap_or_else(|_| Self {
            // the table is tested to be without fault, so that this is never built
            by_action: BTreeMap::new(),
            by_key: BTreeMap::new(),
        })
    }
}

impl Keymap {
    /// Reads a person's `keymap.toml`: `action = ["key", ..]`, and `preset = "vim"` to start from a preset.
    pub fn parse(text: &str) -> Result<Self, KeymapError> {
        let table: toml::Table = text
            .parse()
            .map_err(|error: toml::de::Error| KeymapError::Syntax(error.to_string()))?;
        match table.get("preset") {
            None => Self::layered(&[text]),
            Some(toml::Value::String(name)) => Self::with_preset(name, text),
            Some(_) => Err(KeymapError::Syntax("preset is a name: default, vim or k9s".into())),
        }
    }

    /// A preset, with a person's changes on top.
    pub fn with_preset(name: &str, text: &str) -> Result<Self, KeymapError> {
        let (_, preset) = PRESETS
            .iter()
            .find(|(known, _)| *known == name)
            .ok_or_else(|| KeymapError::UnknownPreset(name.to_owned()))?;
        Self::layered(&[preset, text])
    }

    /// The names of the presets.
    pub fn presets() -> impl Iterator<Item = &'static str> {
        PRESETS.iter().map(|(name, _)| *name)
    }

    fn layered(texts: &[&str]) -> Result<Self, KeymapError> {
        let mut by_action = BTreeMap::new();
        for spec in ACTIONS {
            by_action.insert(spec.action, read_keys(spec.action, spec.keys.iter().copied())?);
        }
        for text in texts {
            let table: toml::Table = text
                .parse()
                .map_err(|error: toml::de::Error| KeymapError::Syntax(error.to_string()))?;
            for (name, value) in table.iter().filter(|(name, _)| *name != "preset") {
                let action = Action::parse(name).ok_or_else(|| KeymapError::UnknownAction {
                    name: name.clone(),
                    near: nearest(name),
                })?;
                let shape = || KeymapError::Syntax(format!("{name} = [\"key\", ..] is expected"));
                let keys = value.as_array().ok_or_else(shape)?;
                let keys: Vec<&str> = keys.iter().map(|key| key.as_str().ok_or_else(shape)).collect::<Result<_, _>>()?;
                by_action.insert(action, read_keys(action, keys)?);
            }
        }
        Self::joined(by_action)
    }

    fn joined(by_action: BTreeMap<Action, Vec<Key>>) -> Result<Self, KeymapError> {
        let mut by_key: BTreeMap<Context, Vec<(Key, Action)>> = BTreeMap::new();
        for action in [Action::Quit, Action::Leave, Action::No, Action::Back, Action::Submit] {
            if by_action.get(&action).is_none_or(Vec::is_empty) {
                return Err(KeymapError::Missing(action.spec().name.to_owned()));
            }
        }
        for (action, keys) in &by_action {
            let place = action.spec().context;
            for key in keys {
                let taken = by_key.entry(place).or_default();
                if let Some((_, other)) = taken.iter().find(|(known, _)| known == key) {
                    return Err(KeymapError::Clash {
                        key: key.to_string(),
                        one: other.spec().name.to_owned(),
                        other: action.spec().name.to_owned(),
                        place,
                    });
                }
                taken.push((*key, *action));
            }
        }
        Ok(Self { by_action, by_key })
    }

    /// What a key means in a context: the context's own meaning, and outside of text the global one.
    pub fn action(&self, context: Context, key: Key) -> Option<Action> {
        let key = key.normal();
        let find = |place: Context| {
            let keys = self.by_key.get(&place)?;
            keys.iter().find(|(known, _)| *known == key).map(|(_, action)| *action)
        };
        let global = || find(Context::Global);
        match context {
            Context::Global => global(),
            Context::Detail | Context::Outbox | Context::Shelf | Context::Handover => find(context).or_else(global),
            Context::Form | Context::Question => find(context).or_else(|| global().filter(|action| action.is_everywhere())),
        }
    }

    /// The keys of an action, the first being the one that hints show.
    pub fn keys(&self, action: Action) -> &[Key] {
        self.by_action.get(&action).map_or(&[], Vec::as_slice)
    }

    /// The first key of an action, as people write it; empty without one.
    pub fn key(&self, action: Action) -> String {
        self.keys(action).first().map_or_else(String::new, ToString::to_string)
    }

    /// The keymap as a file, with what each action does as comments.
    pub fn to_toml(&self) -> String {
        let mut out = String::from(
            "# nightdesk's keymap: action = [\"key\", ..]. Copy what you want to change into keymap.toml in the configuration folder.\n\
             # preset = \"vim\" or \"k9s\" there starts from another keymap.\n\
             # A key is a character, or ctrl-, alt- before one, or space, enter, esc, tab, shift-tab, up, down, left, right, home, end, pgup, pgdn, f1 to f12.\n",
        );
        let mut last = None;
        for spec in ACTIONS {
            if last != Some((spec.section, spec.context)) {
                let _ = writeln!(out, "\n# {}, {}", spec.section.title(), spec.context.title()); // writing to a String cannot fail
                last = Some((spec.section, spec.context));
            }
            let keys: Vec<String> = self.keys(spec.action).iter().map(|key| format!("\"{key}\"")).collect();
            let _ = writeln!(out, "{} = [{}] # {}", spec.name, keys.join(", "), spec.about);
        }
        out
    }
}

fn read_keys<'a>(action: Action, keys: impl IntoIterator<Item = &'a str>) -> Result<Vec<Key>, KeymapError> {
    let name = || action.spec().name.to_owned();
    keys.into_iter()
        .map(|text| {
            let key: Key = text.parse().map_err(|error| KeymapError::Key { action: name(), error })?;
            if key.modifiers.contains(KeyModifiers::CONTROL) {
                let reserved = matches!(key.code, KeyCode::Char(char) if RESERVED.contains(&char.to_ascii_lowercase()));
                if reserved && !(action == Action::Suspend && key == Key::ctrl('z')) {
                    return Err(KeymapError::Reserved {
                        action: name(),
                        key: key.to_string(),
                    });
                }
                if action.spec().writes {
                    return Err(KeymapError::Control {
                        action: name(),
                        key: key.to_string(),
                    });
                }
            }
            Ok(key.normal())
        })
        .collect()
}

/// The table's name with the fewest letters to change, if those are few.
fn nearest(name: &str) -> Option<String> {
    let (distance, best) = ACTIONS.iter().map(|spec| (distance(name, spec.name), spec.name)).min()?;
    (distance * 3 <= name.chars().count().max(3)).then(|| best.to_owned())
}

/// Letters to put in, take out or change until one word is the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (at, char) in one.chars().enumerate() {
        let mut corner = at;
        let mut left = at + 1;
        for (has, cell) in other.chars().zip(row.iter_mut().skip(1)) {
            let above = *cell;
            *cell = (corner + usize::from(char != has)).min(above + 1).min(left + 1);
            corner = above;
            left = *cell;
        }
        if let Some(first) = row.first_mut() {
            *first = at + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_no_fault_and_every_preset_loads() {
        assert!(!Keymap::layered(&[]).unwrap().by_key.is_empty());
        for name in Keymap::presets() {
            Keymap::with_preset(name, "").unwrap();
        }
        let mut names: Vec<&str> = ACTIONS.iter().map(|spec| spec.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ACTIONS.len(), "each name once");
    }

    #[test]
    fn the_default_file_is_the_table() {
        assert_eq!(
            DEFAULT_TOML,
            Keymap::default().to_toml(),
            "write Keymap::default().to_toml() to src/config/keymap.toml"
        );
        assert_eq!(Keymap::parse(DEFAULT_TOML).unwrap(), Keymap::default());
    }

    #[test]
    fn faults_are_named() {
        let wrong = [
            (
                "acknowledge = [\"x\"]",
                "keymap: x means both acknowledge and resolve (everywhere but in text): give one of them another key, or [] for none",
            ),
            (
                "aknowledge = [\"a\"]",
                "keymap: there is no action `aknowledge`: did you mean `acknowledge`?",
            ),
            (
                "help = [\"ctrl-s\"]",
                "keymap: help: ctrl-s keeps its meaning for terminals, shells and multiplexers: choose another key",
            ),
            (
                "resolve = [\"ctrl-x\"]",
                "keymap: resolve: nothing that changes data sits behind ctrl: choose another key than ctrl-x",
            ),
            ("quit = []", "keymap: quit needs a key"),
            (
                "preset = \"emacs\"",
                "keymap: there is no preset `emacs`: default, vim and k9s exist",
            ),
            ("help = \"?\"", "keymap: help = [\"key\", ..] is expected"),
        ];
        for (text, message) in wrong {
            assert_eq!(Keymap::parse(text).unwrap_err().to_string(), message);
        }
        assert!(matches!(Keymap::parse("help = [\"F 1\"]"), Err(KeymapError::Key { .. })));
        assert!(matches!(Keymap::parse("help = ["), Err(KeymapError::Syntax(_))));
    }

    #[test]
    fn a_fault_has_its_line() {
        let line = |text: &str| Keymap::parse(text).unwrap_err().line(text);
        assert_eq!(line("# mine\nhelp = [\"f1\"]\nacknowledge = [\"x\"]\n"), Some(3));
        assert_eq!(
            line("help = [\"x\"]\n\nacknowledge = [\"x\"]\nresolve = [\"X\"]"),
            Some(3),
            "the later of two"
        );
        assert_eq!(line("preset = \"emacs\""), Some(1));
        assert_eq!(line("\naknowledge = [\"a\"]"), Some(2));
        assert_eq!(line("help = ["), None);
    }

    #[test]
    fn a_context_comes_before_the_global_keys_and_text_stays_text() {
        let keymap = Keymap::parse("help = [\"f1\"]").unwrap();
        assert_eq!(keymap.action(Context::Global, Key::plain(KeyCode::F(1))), Some(Action::Help));
        assert_eq!(keymap.action(Context::Global, Key::char('?')), None);
        assert_eq!(keymap.action(Context::Detail, Key::plain(KeyCode::Tab)), Some(Action::NextTab));
        assert_eq!(keymap.action(Context::Detail, Key::char('a')), Some(Action::Acknowledge));
        assert_eq!(keymap.action(Context::Form, Key::char('a')), None);
        assert_eq!(keymap.action(Context::Form, Key::ctrl('c')), Some(Action::Interrupt));
    }
}
