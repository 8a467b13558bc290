//! Where a command's words go: data to stdout in one of three forms, everything else to stderr.

use std::io::{IsTerminal as _, Write as _};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::Failure;
use super::json;
use super::table::Table;
use crate::cli::Global;
use crate::domain::{Listing, SafeText};

/// The form of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// For people.
    Text,
    /// One document.
    Json,
    /// RFC 4180; lists only, the rest is text.
    Csv,
}

/// The two streams of a command.
#[derive(Clone, Copy, Debug)]
pub(super) struct Output {
    /// The form asked for.
    pub(super) form: Form,
    /// Whether a person watches stderr, so that progress may be shown there.
    progress: bool,
}

impl Output {
    /// As the flags say.
    pub(super) fn new(global: &Global) -> Self {
        Self {
            form: match (global.json, global.csv) {
                (true, _) => Form::Json,
                (false, true) => Form::Csv,
                (false, false) => Form::Text,
            },
            progress: std::io::stderr().is_terminal(),
        }
    }

    /// One object: as JSON, or as the lines that `text` makes of it.
    pub(super) fn object(self, value: &impl Serialize, text: impl FnOnce() -> String) -> Result<(), Failure> {
        match self.form {
            Form::Json => print(&json::value(value)?),
            Form::Text | Form::Csv => write_out(&text()),
        }
    }

    /// A list: as `{"items":[..],"skipped":N,"as_of":".."}`, CSV, or an aligned table. What was left out is said on stderr.
    pub(super) fn list<T: Serialize>(self, listing: &Listing<T>, table: impl FnOnce(&[T]) -> Table) -> Result<(), Failure> {
        match self.form {
            Form::Json => {
                let mut document = serde_json::Map::new();
                document.insert("items".into(), json::value(&listing.items)?);
                document.insert("skipped".into(), Value::from(listing.skipped));
                document.insert("as_of".into(), Value::from(as_of(listing.as_of)));
                if !listing.complete {
                    document.insert("complete".into(), Value::from(false));
                }
                print(&Value::Object(document))?;
            }
            Form::Csv => write_out(&table(&listing.items).csv())?,
            Form::Text => write_out(&table(&listing.items).text())?,
        }
        if listing.skipped > 0 {
            self.note(&format!(
                "{} did not fit the contract and {} left out",
                counted(listing.skipped, "record"),
                if listing.skipped == 1 { "was" } else { "were" }
            ));
            for problem in &listing.problems {
                self.note(&format!("  {}", problem.shown()));
            }
        }
        if !listing.complete {
            self.note("the list kept shifting while it was read, or the server did not give it to its end: rows may be missing");
        }
        Ok(())
    }

    /// A line on stderr.
    pub(super) fn note(self, line: &str) {
        self.clear();
        let _ = writeln!(std::io::stderr().lock(), "{line}"); // nobody reads: nothing to be done
    }

    /// That a list has no rows, said to people only: programs see it.
    pub(super) fn nothing(self, line: &str) {
        if self.form == Form::Text {
            self.note(line);
        }
    }

    /// A line on stderr that the next one replaces; only where a person watches.
    pub(super) fn progress(self, line: &str) {
        if self.progress {
            let mut stderr = std::io::stderr().lock();
            let _ = write!(stderr, "\r\x1b[K{line}").and_then(|()| stderr.flush());
        }
    }

    /// Takes the progress line away.
    pub(super) fn clear(self) {
        if self.progress {
            let _ = write!(std::io::stderr().lock(), "\r\x1b[K");
        }
    }
}

/// `1 row`, `2 rows`.
pub(super) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// To the millisecond: more would only be noise.
fn as_of(at: Timestamp) -> String {
    at.round(jiff::Unit::Millisecond).unwrap_or(at).to_string()
}

fn print(value: &Value) -> Result<(), Failure> {
    write_out(&json::document(value, std::io::stdout().is_terminal()))
}

/// Writes to stdout as a whole.
pub(super) fn write_out(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(Failure::from)
}

/// `name: value` lines with aligned values; absent values are left out.
pub(super) fn lines(pairs: &[(&str, Option<String>)]) -> String {
    let width = pairs
        .iter()
        .filter(|(_, value)| value.is_some())
        .map(|(name, _)| name.len())
        .max()
        .unwrap_or(0);
    pairs
        .iter()
        .filter_map(|(name, value)| value.as_ref().map(|value| format!("{name:width$}  {value}\n")))
        .collect()
}

/// The shown form of an optional text.
pub(super) fn shown(text: Option<&SafeText>) -> Option<String> {
    text.map(|text| text.shown().to_owned())
}
