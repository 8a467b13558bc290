//! One table of a TOML file under reading: each key is asked for once, what was not asked for is unknown.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use url::Url;

use super::CredentialSource;
use super::error::{ProblemKind, Problems, nearest};

/// Names under which people try to put a secret into the file.
const CLEAR_TEXT: [&str; 9] = [
    "key",
    "api_key",
    "apikey",
    "password",
    "passwd",
    "secret",
    "client_secret",
    "token",
    "access_token",
];

/// A table that is being read.
pub(crate) struct Section<'a> {
    table: &'a DeTable<'a>,
    /// Dotted path, empty at the top.
    path: String,
    /// Where it stands in the text, for keys that are missing.
    at: usize,
    /// The folder that relative paths start from.
    folder: &'a Path,
    asked: RefCell<Vec<String>>,
    problems: &'a Problems,
}

impl<'a> Section<'a> {
    /// The whole file.
    pub(crate) fn top(table: &'a DeTable<'a>, folder: &'a Path, problems: &'a Problems) -> Self {
        Self {
            table,
            path: String::new(),
            at: 0,
            folder,
            asked: RefCell::new(Vec::new()),
            problems,
        }
    }

    fn entry(&self, key: &str) -> Option<(usize, &'a Spanned<DeValue<'a>>)> {
        self.asked.borrow_mut().push(key.to_owned());
        self.table.get_key_value(key).map(|(name, value)| (name.span().start, value))
    }

    /// The dotted name of a key in here.
    pub(crate) fn dotted(&self, key: &str) -> String {
        let quoted = key
            .chars()
            .any(|char| !(char.is_ascii_alphanumeric() || char == '_' || char == '-'));
        let key = if quoted { format!("{key:?}") } else { key.to_owned() };
        if self.path.is_empty() {
            key
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// Whether the key is there; does not count as asking for it.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.get(key).is_some()
    }

    /// Notes a problem at a key, or at the section where the key is absent.
    pub(crate) fn wrong(&self, key: &str, message: impl Into<String>) {
        let at = self.table.get_key_value(key).map_or(self.at, |(name, _)| name.span().start);
        self.problems.add(at, &self.dotted(key), message);
    }

    /// Any value, through a conversion that says in a sentence what is wrong.
    pub(crate) fn value<T>(&self, key: &str, convert: impl FnOnce(&DeValue<'a>) -> Result<T, String>) -> Option<T> {
        let (at, value) = self.entry(key)?;
        match convert(value.get_ref()) {
            Ok(value) => Some(value),
            Err(message) => {
                self.problems.add(at, &self.dotted(key), message);
                None
            }
        }
    }

    /// A string that is not empty.
    pub(crate) fn string(&self, key: &str) -> Option<String> {
        self.value(key, |value| match text(value)? {
            "" => Err("is empty; give a value or leave the key out".into()),
            text => Ok(text.to_owned()),
        })
    }

    /// A string that may be empty, with its default.
    pub(crate) fn string_or(&self, key: &str, default: &str) -> String {
        self.value(key, |value| text(value).map(str::to_owned))
            .unwrap_or_else(|| default.to_owned())
    }

    /// A string that must be there. The empty string stands in for one that is not: the file is refused anyway.
    pub(crate) fn required(&self, key: &str, example: &str) -> String {
        if !self.has(key) {
            self.wrong(key, format!("is missing; for example {key} = \"{example}\""));
        }
        self.string(key).unwrap_or_default()
    }

    /// `true` or `false`.
    pub(crate) fn flag(&self, key: &str, default: bool) -> bool {
        self.optional_flag(key).unwrap_or(default)
    }

    /// `true`, `false` or absent.
    pub(crate) fn optional_flag(&self, key: &str) -> Option<bool> {
        self.value(key, |value| {
            value.as_bool().ok_or_else(|| format!("is {}; write true or false", kind(value)))
        })
    }

    /// A whole number within bounds.
    pub(crate) fn number<T>(&self, key: &str, default: T, range: std::ops::RangeInclusive<T>) -> T
    where
        T: TryFrom<i64> + PartialOrd + std::fmt::Display + Copy,
    {
        self.value(key, |value| {
            let number = value
                .as_integer()
                .ok_or_else(|| format!("is {}; write a whole number", kind(value)))
                .and_then(|number| i64::from_str_radix(number.as_str(), number.radix()).map_err(|_| "is too large".to_owned()))?;
            T::try_from(number)
                .ok()
                .filter(|number| range.contains(number))
                .ok_or_else(|| format!("{number} is out of range; write {} to {}", range.start(), range.end()))
        })
        .unwrap_or(default)
    }

    /// A count within bounds.
    pub(crate) fn count(&self, key: &str, default: u16, range: std::ops::RangeInclusive<u32>) -> usize {
        usize::try_from(self.number(key, u32::from(default), range)).unwrap_or(usize::MAX)
    }

    /// A duration as `5s`, `30m`, `1h 30m`.
    pub(crate) fn duration(&self, key: &str, default: Duration, range: std::ops::RangeInclusive<Duration>) -> Duration {
        self.value(key, |value| {
            let written = text(value).map_err(|wrong| format!("{wrong} such as \"5s\" or \"30m\""))?;
            let duration = parse_duration(written)?;
            if range.contains(&duration) {
                Ok(duration)
            } else {
                Err(format!(
                    "`{}` is out of range; write {} to {}",
                    written.trim(),
                    shown(*range.start()),
                    shown(*range.end())
                ))
            }
        })
        .unwrap_or(default)
    }

    /// Anything that parses from a string: a date, a time of day. `expected` says what to write.
    pub(crate) fn parsed<T: FromStr>(&self, key: &str, expected: &str) -> Option<T> {
        self.value(key, |value| {
            // TOML has dates and times of its own: both spellings are good
            let written = value
                .as_datetime()
                .map_or_else(|| text(value).map(str::to_owned), |datetime| Ok(datetime.to_string()))
                .map_err(|_| format!("is {}; write {expected}", kind(value)))?;
            written
                .trim()
                .parse()
                .map_err(|_| format!("`{}` is not {expected}", safe(&written)))
        })
    }

    /// One of some words.
    pub(crate) fn choice<T: Copy>(&self, key: &str, default: T, words: &[(&str, T)]) -> T {
        self.value(key, |value| {
            let written = text(value)?;
            words
                .iter()
                .find(|(word, _)| *word == written)
                .map(|(_, choice)| *choice)
                .ok_or_else(|| {
                    let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                    format!("`{}` is none of {}", safe(written), known.join(", "))
                })
        })
        .unwrap_or(default)
    }

    /// A list of strings.
    pub(crate) fn strings(&self, key: &str) -> Option<Vec<String>> {
        self.value(key, strings)
    }

    /// A path; a relative one starts at the file's own folder.
    pub(crate) fn path(&self, key: &str) -> Option<PathBuf> {
        self.string(key).map(|path| self.folder.join(path))
    }

    /// A path out of a list of paths.
    pub(crate) fn relative(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    /// An `https` address.
    pub(crate) fn https(&self, key: &str) -> Option<Url> {
        let (at, value) = self.entry(key)?;
        let (message, kind) = match text(value.get_ref()).map(|written| (written.to_owned(), Url::parse(written.trim()))) {
            Err(wrong) => (wrong, ProblemKind::Wrong),
            Ok((_, Ok(url))) if url.scheme() == "https" => {
                if !url.username().is_empty() || url.password().is_some() {
                    (
                        "holds a user name or password; credentials never stand in the configuration, use the key_* settings".to_owned(),
                        ProblemKind::Wrong,
                    )
                } else if url.query().is_some() || url.fragment().is_some() {
                    ("has a `?` or `#`; write the address without them".to_owned(), ProblemKind::Wrong)
                } else {
                    return Some(url);
                }
            }
            Ok((_, Ok(url))) if url.scheme() == "http" => (
                format!(
                    "`http://` is refused: keys would travel in clear text; write https://{}",
                    // without the user name and password that it may hold
                    url[url::Position::BeforeHost..].trim_end_matches('/')
                ),
                ProblemKind::Insecure,
            ),
            Ok((written, Ok(_) | Err(url::ParseError::RelativeUrlWithoutBase))) => (
                format!("`{}` is not an https address; write https://host", safe(&written)),
                ProblemKind::Wrong,
            ),
            Ok((_, Err(error))) => (format!("is not an address: {error}"), ProblemKind::Wrong),
        };
        self.problems.add_kind(at, &self.dotted(key), message, kind);
        None
    }

    /// A credential in one of the four ways: `{name}_file`, `{name}_env`, `{name}_command`, `{name}_credential`.
    pub(crate) fn credential(&self, name: &str) -> Option<CredentialSource> {
        if self.has(name) {
            self.clear_text(name, name);
        }
        self.asked.borrow_mut().push(name.to_owned());
        let label = self.dotted(name);
        let file = self.path(&format!("{name}_file")).map(|path| CredentialSource::File {
            label: label.clone(),
            path,
        });
        let env = self.string(&format!("{name}_env")).map(|variable| CredentialSource::Env {
            label: label.clone(),
            variable,
        });
        let command = self
            .value(&format!("{name}_command"), |value| match strings(value)? {
                argv if argv.first().is_none_or(String::is_empty) => {
                    Err("is empty; write the program and its arguments, for example [\"vault\", \"read\", \"monitor\"]".into())
                }
                argv => Ok(argv),
            })
            .map(|argv| CredentialSource::Command {
                label: label.clone(),
                argv,
            });
        let systemd = self
            .value(&format!("{name}_credential"), |value| match text(value)? {
                id if id.is_empty() || id.starts_with('.') || id.contains('/') => {
                    Err("is not a credential's name; write the ID of LoadCredential=, without a path".into())
                }
                id => Ok(id.to_owned()),
            })
            .map(|id| CredentialSource::Systemd { label, id });
        let mut ways: Vec<CredentialSource> = [file, env, command, systemd].into_iter().flatten().collect();
        if ways.len() > 1 {
            let given: Vec<String> = ["file", "env", "command", "credential"]
                .iter()
                .map(|way| format!("{name}_{way}"))
                .filter(|key| self.has(key))
                .collect();
            let first = given.first().map_or(name, String::as_str);
            self.wrong(first, format!("only one way may be given, not {}", given.join(" and ")));
        }
        ways.drain(..).next()
    }

    /// A credential that must be there; `None` only after a problem was noted.
    pub(crate) fn required_credential(&self, name: &str) -> Option<CredentialSource> {
        let given = ["", "_file", "_env", "_command", "_credential"]
            .iter()
            .any(|way| self.has(&format!("{name}{way}")));
        if !given {
            self.wrong(
                &format!("{name}_file"),
                format!("is missing; set {name}_file = \"FILE\", {name}_env = \"NAME\", {name}_command = [\"PROGRAM\"] or {name}_credential = \"ID\""),
            );
        }
        self.credential(name)
    }

    /// A table below.
    pub(crate) fn section(&self, key: &str) -> Option<Section<'a>> {
        let (at, value) = self.entry(key)?;
        let Some(table) = value.get_ref().as_table() else {
            self.problems
                .add(at, &self.dotted(key), format!("is {}; write a table", kind(value.get_ref())));
            return None;
        };
        Some(self.below(table, self.dotted(key), at))
    }

    /// Every table below, whatever it is called.
    pub(crate) fn each(&self) -> Vec<(String, Section<'a>)> {
        self.keys()
            .into_iter()
            .filter_map(|name| self.section(&name).map(|section| (name, section)))
            .collect()
    }

    /// Every key, whatever it is called.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.table.keys().map(|key| key.get_ref().clone().into_owned()).collect()
    }

    /// The tables of an array of tables.
    pub(crate) fn list(&self, key: &str) -> Vec<Section<'a>> {
        let Some((at, value)) = self.entry(key) else {
            return Vec::new();
        };
        let Some(array) = value.get_ref().as_array() else {
            self.problems.add(
                at,
                &self.dotted(key),
                format!("is {}; write [[{}]]", kind(value.get_ref()), self.dotted(key)),
            );
            return Vec::new();
        };
        let mut sections = Vec::new();
        for (index, item) in array.iter().enumerate() {
            let path = format!("{}[{}]", self.dotted(key), index + 1);
            match item.get_ref().as_table() {
                Some(table) => {
                    // an array's table has its header's place only through its first key
                    let start = table.keys().map(|key| key.span().start).min().unwrap_or(item.span().start);
                    sections.push(self.below(table, path, start));
                }
                None => self
                    .problems
                    .add(item.span().start, &path, format!("is {}; write a table", kind(item.get_ref()))),
            }
        }
        sections
    }

    fn below(&self, table: &'a DeTable<'a>, path: String, at: usize) -> Section<'a> {
        Section {
            table,
            path,
            at,
            folder: self.folder,
            asked: RefCell::new(Vec::new()),
            problems: self.problems,
        }
    }

    fn clear_text(&self, key: &str, name: &str) {
        self.wrong(
            key,
            format!(
                "a credential in clear text is refused: write it into a file of its own (chmod 600) and set {name}_file, or use {name}_env, {name}_command or {name}_credential; treat the one that stood here as known"
            ),
        );
    }

    /// Ends the reading: every key that nobody asked for is unknown.
    pub(crate) fn finish(self) {
        self.unknown();
    }

    /// The same, where the section is still borrowed.
    pub(crate) fn unknown(&self) {
        let asked = self.asked.borrow();
        for (key, _) in self.table {
            let name = key.get_ref().as_ref();
            if asked.iter().any(|known| known == name) {
                continue;
            }
            if CLEAR_TEXT.contains(&name) {
                let way = asked.iter().find_map(|known| known.strip_suffix("_credential")).unwrap_or("key");
                self.clear_text(name, way);
                continue;
            }
            let candidates: BTreeSet<&str> = asked
                .iter()
                .map(String::as_str)
                .filter(|known| !CLEAR_TEXT.contains(known))
                .collect();
            let hint = nearest(name, candidates.iter().copied()).map_or_else(
                || format!("; known here: {}", candidates.iter().copied().collect::<Vec<_>>().join(", ")),
                |near| format!("; did you mean `{near}`?"),
            );
            self.problems
                .add(key.span().start, &self.dotted(name), format!("is not a known key{hint}"));
        }
    }
}

/// The string in a value, or what stands there instead.
pub(crate) fn text<'v>(value: &'v DeValue<'_>) -> Result<&'v str, String> {
    value.as_str().ok_or_else(|| format!("is {}; write a string", kind(value)))
}

/// The strings in a list.
pub(crate) fn strings(value: &DeValue<'_>) -> Result<Vec<String>, String> {
    let wrong = || "is not a list of strings; write [\"one\", \"two\"]".to_owned();
    value
        .as_array()
        .ok_or_else(wrong)?
        .iter()
        .map(|item| item.get_ref().as_str().map(str::to_owned).ok_or_else(wrong))
        .collect()
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// A value as it may stand in a message: one line, no control characters, not endless.
fn safe(written: &str) -> String {
    let text = crate::domain::SafeText::new(written);
    text.shown().chars().take(60).collect()
}

/// Reads `5s`, `30m`, `1h 30m`; the error is a sentence that says what to write.
pub fn parse_duration(written: &str) -> Result<Duration, String> {
    let wrong = || format!("`{}` is not a duration; write \"5s\", \"30m\" or \"1h 30m\"", safe(written));
    let written = written.trim();
    if written == "0" {
        return Ok(Duration::ZERO);
    }
    let signed: SignedDuration = written.parse().map_err(|_| wrong())?;
    Duration::try_from(signed).map_err(|_| wrong())
}

fn shown(duration: Duration) -> String {
    SignedDuration::try_from(duration).map_or_else(|_| format!("{duration:?}"), |signed| format!("{signed:#}"))
}
