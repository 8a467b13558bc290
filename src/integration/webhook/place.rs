//! JSON with places: which line of the file a value stands in.

use std::cell::RefCell;
use std::fmt;
use std::path::Path;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::config::{ConfigError, Problem, ProblemKind};

/// The members of an object in their order, as they stand in the text.
pub(super) struct Members<'a>(pub(super) Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Members<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry::<String, &'de RawValue>()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Read)
    }
}

/// Collects what is wrong with a text.
pub(super) struct Places<'a> {
    text: &'a str,
    found: RefCell<Vec<Problem>>,
}

impl<'a> Places<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self {
            text,
            found: RefCell::default(),
        }
    }

    /// The line of a piece of the text, from 1.
    fn line(&self, piece: &str) -> usize {
        // where the piece begins within the text that it is borrowed from
        let at = (piece.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        1 + self.text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count()
    }

    pub(super) fn wrong(&self, at: &RawValue, key: &str, message: impl Into<String>) {
        self.add(self.line(at.get()), key, message, ProblemKind::Wrong);
    }

    pub(super) fn insecure(&self, at: &RawValue, key: &str, message: impl Into<String>) {
        self.add(self.line(at.get()), key, message, ProblemKind::Insecure);
    }

    /// What serde says of a piece, with the line in the whole text.
    pub(super) fn unreadable(&self, at: &str, key: &str, error: &serde_json::Error) {
        let words = error.to_string();
        let words = words.split(" at line ").next().unwrap_or_default().to_owned();
        let line = self.line(at) + error.line().saturating_sub(1);
        let column = if error.column() > 0 {
            format!(" (column {})", error.column())
        } else {
            String::new()
        };
        self.add(line, key, format!("{words}{column}"), ProblemKind::Wrong);
    }

    fn add(&self, line: usize, key: &str, message: impl Into<String>, kind: ProblemKind) {
        self.found.borrow_mut().push(Problem {
            line,
            key: key.to_owned(),
            message: message.into(),
            kind,
        });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.borrow().is_empty()
    }

    pub(super) fn into_error(self, path: &Path) -> ConfigError {
        let mut problems = self.found.into_inner();
        problems.sort_by_key(|problem| problem.line);
        ConfigError::Invalid {
            path: path.to_owned(),
            problems,
        }
    }
}
