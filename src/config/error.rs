//! What is wrong with a configuration, where, and what to do.

use std::cell::RefCell;
use std::fmt;
use std::path::PathBuf;

use thiserror::Error;

/// One thing that is wrong in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Line in the file, from 1.
    pub line: usize,
    /// The dotted key, or empty where the file is not TOML at that line.
    pub key: String,
    /// One sentence with the remedy. Never holds the value of a key that may be a secret.
    pub message: String,
    /// What kind, which decides the exit code.
    pub kind: ProblemKind,
}

/// Kinds of problem that differ in the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// Anything that is spelled or valued wrongly.
    Wrong,
    /// An address that is not `https`.
    Insecure,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.key.is_empty() {
            write!(formatter, "{}: {}", self.line, self.message)
        } else {
            write!(formatter, "{}: {}: {}", self.line, self.key, self.message)
        }
    }
}

/// Why there is no configuration to work with.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// There is no file.
    #[error(
        "{}: there is no configuration: `nightdesk init` writes one (`nightdesk demo` needs none), or name another with --config or NIGHTDESK_CONFIG",
        .path.display()
    )]
    Absent {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// It cannot be read.
    #[error("{}: cannot be read: {reason}", .path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// It says something wrong: all of it, a line each.
    #[error("{}", lines(.path, .problems))]
    Invalid {
        /// Which file.
        path: PathBuf,
        /// In the file's order; never empty.
        problems: Vec<Problem>,
    },
    /// The profile asked for is not in the file.
    #[error("{}: no profile `{name}`{}; it has {}", .path.display(), did_you_mean(.suggestion.as_deref()), .known.join(", "))]
    NoProfile {
        /// Which file.
        path: PathBuf,
        /// The name asked for.
        name: String,
        /// A name that is near.
        suggestion: Option<String>,
        /// Those that there are.
        known: Vec<String>,
    },
    /// Several profiles and nothing that says which.
    #[error("{}: which profile: {}? set default_profile, or name one with --profile or NIGHTDESK_PROFILE", .path.display(), .known.join(", "))]
    WhichProfile {
        /// Which file.
        path: PathBuf,
        /// Those that there are.
        known: Vec<String>,
    },
    /// The theme asked for is neither built in nor in the folder `themes`.
    #[error("no theme `{name}`{}; there is {}", did_you_mean(.suggestion.as_deref()), .known.join(", "))]
    NoTheme {
        /// The name asked for.
        name: String,
        /// A name that is near.
        suggestion: Option<String>,
        /// Those that there are.
        known: Vec<String>,
    },
    /// The system does not say where a person's files belong.
    #[error("no home directory: set HOME, or name both --config FILE and --state-dir DIR")]
    NoHome,
}

impl ConfigError {
    /// Whether the only thing wrong is an address without TLS, which has an exit code of its own.
    pub fn is_insecure(&self) -> bool {
        match self {
            Self::Invalid { problems, .. } => problems.iter().all(|problem| problem.kind == ProblemKind::Insecure),
            Self::Absent { .. }
            | Self::Unreadable { .. }
            | Self::NoProfile { .. }
            | Self::WhichProfile { .. }
            | Self::NoTheme { .. }
            | Self::NoHome => false,
        }
    }
}

fn lines(path: &std::path::Path, problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(|problem| format!("{}:{problem}", path.display())).collect();
    lines.join("\n")
}

fn did_you_mean(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"))
}

/// Collects problems while a file is read.
pub(crate) struct Problems {
    line_starts: Vec<usize>,
    found: RefCell<Vec<Problem>>,
}

impl Problems {
    /// For this text.
    pub(crate) fn of(text: &str) -> Self {
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self {
            line_starts,
            found: RefCell::new(Vec::new()),
        }
    }

    /// Notes one at a byte of the text.
    pub(crate) fn add(&self, at: usize, key: &str, message: impl Into<String>) {
        self.add_kind(at, key, message, ProblemKind::Wrong);
    }

    /// Notes one of a kind.
    pub(crate) fn add_kind(&self, at: usize, key: &str, message: impl Into<String>, kind: ProblemKind) {
        self.found.borrow_mut().push(Problem {
            line: self.line_starts.partition_point(|start| *start <= at).max(1),
            key: key.to_owned(),
            message: message.into(),
            kind,
        });
    }

    /// All of them in the file's order.
    pub(crate) fn into_sorted(self) -> Vec<Problem> {
        let mut found = self.found.into_inner();
        found.sort_by_key(|problem| problem.line);
        found
    }
}

/// The candidate that is nearest to a misspelled word, if one is near enough to be meant.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (distance(&word, &candidate.to_lowercase()), candidate))
        .filter(|(far, candidate)| *far <= (candidate.chars().count() / 3).max(1))
        .min_by_key(|(far, _)| *far)
        .map(|(_, candidate)| candidate)
}

/// Edits (insert, remove, replace, swap of neighbours) between two words: optimal string alignment.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=other.len()).collect();
    let mut last = None;
    for (row, char) in one.chars().enumerate() {
        let mut line = vec![row + 1];
        for (column, to) in other.iter().enumerate() {
            let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX / 2);
            let mut best = (at(&above, column) + usize::from(char != *to))
                .min(at(&above, column + 1) + 1)
                .min(at(&line, column) + 1);
            let swapped = column > 0 && last == Some(*to) && other.get(column - 1) == Some(&char);
            if swapped {
                best = best.min(at(&before, column - 1) + 1);
            }
            line.push(best);
        }
        before = std::mem::replace(&mut above, line);
        last = Some(char);
    }
    above.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        let keys = ["url", "ca_file", "key_file", "key_env"];
        assert_eq!(nearest("ulr", keys), Some("url"));
        assert_eq!(nearest("keyfile", keys), Some("key_file"));
        assert_eq!(nearest("CA_FILE", keys), Some("ca_file"));
        assert_eq!(nearest("colour", keys), None);
    }

    #[test]
    fn the_distance_counts_edits() {
        for (one, other, edits) in [
            ("", "abc", 3),
            ("abc", "abc", 0),
            ("abc", "acb", 1),
            ("kitten", "sitting", 3),
            ("abc", "", 3),
        ] {
            assert_eq!(distance(one, other), edits, "{one} -> {other}");
        }
    }
}
