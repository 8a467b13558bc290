//! The four forms on paper.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use unicode_width::UnicodeWidthStr as _;

use super::Handover;
use super::section::{Entry, Section, clock, moment};
use crate::domain::escape_json;

/// How a handover is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Markdown.
    #[default]
    Markdown,
    /// Plain text.
    Text,
    /// One table for a spreadsheet.
    Csv,
    /// One document for programs.
    Json,
}

impl Format {
    /// All.
    pub const ALL: [Self; 4] = [Self::Markdown, Self::Text, Self::Csv, Self::Json];

    /// The word of the command line, which is also a file's ending.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Markdown => "md",
            Self::Text => "text",
            Self::Csv => "csv",
            Self::Json => "json",
        }
    }

    /// The ending of a file.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Text => "txt",
            Self::Markdown | Self::Csv | Self::Json => self.as_str(),
        }
    }

    /// The next one.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Markdown => Self::Text,
            Self::Text => Self::Csv,
            Self::Csv => Self::Json,
            Self::Json => Self::Markdown,
        }
    }
}

impl Handover {
    /// Writes it, times as the site's clocks show them (JSON: RFC 3339).
    pub fn write(&self, format: Format, zone: &TimeZone) -> String {
        match format {
            Format::Markdown => self.markdown(zone),
            Format::Text => self.text(zone),
            Format::Csv => self.csv(zone),
            Format::Json => {
                let mut text = escape_json(&serde_json::to_string_pretty(self).unwrap_or_default());
                text.push('\n');
                text
            }
        }
    }

    fn markdown(&self, zone: &TimeZone) -> String {
        let when = |at| clock(at, self.until, zone);
        let mut out = format!("# Handover {}\n\n", escaped(&self.site));
        for line in self.summary(zone) {
            let _ = writeln!(out, "{}  ", escaped(&line)); // writing to a String cannot fail
        }
        for section in self.sections(zone) {
            let _ = write!(out, "\n## {}\n\n", section.title);
            if section.entries.is_empty() {
                let _ = writeln!(out, "{}", section.empty);
                continue;
            }
            let columns = columns(&section, &when);
            let heads: Vec<&str> = columns.iter().map(|column| column.head(&section)).collect();
            let _ = writeln!(out, "| {} |\n|{}", heads.join(" | "), "---|".repeat(heads.len()));
            for entry in &section.entries {
                let cells: Vec<String> = columns.iter().map(|column| escaped(&column.of(entry, &when))).collect();
                let _ = writeln!(out, "| {} |", cells.join(" | "));
            }
        }
        out
    }

    fn text(&self, zone: &TimeZone) -> String {
        let when = |at| clock(at, self.until, zone);
        let mut out = format!("HANDOVER {}\n\n", self.site);
        for line in self.summary(zone) {
            let _ = writeln!(out, "{line}");
        }
        for section in self.sections(zone) {
            let _ = write!(out, "\n{}\n", section.title.to_uppercase());
            if section.entries.is_empty() {
                let _ = writeln!(out, "  {}", section.empty);
                continue;
            }
            let columns = columns(&section, &when);
            let rows: Vec<Vec<String>> = section
                .entries
                .iter()
                .map(|entry| columns.iter().map(|column| column.of(entry, &when)).collect())
                .collect();
            for row in &rows {
                let mut line = String::from(" ");
                for (at, cell) in row.iter().enumerate() {
                    let wide = rows
                        .iter()
                        .filter_map(|row| row.get(at))
                        .map(|cell| cell.width())
                        .max()
                        .unwrap_or(0);
                    let _ = write!(line, " {cell}{}", " ".repeat(wide.saturating_sub(cell.width()) + 1));
                }
                let _ = writeln!(out, "{}", line.trim_end());
            }
        }
        out
    }

    /// RFC 4180, one table for all sections.
    fn csv(&self, zone: &TimeZone) -> String {
        let mut out = String::from("section,time,severity,device,alert,state,by,detail\r\n");
        for line in self.summary(zone) {
            let _ = write!(out, "Summary,,,,,,,{}\r\n", csv_cell(&line));
        }
        for section in self.sections(zone) {
            for entry in &section.entries {
                let time = entry.time.map_or_else(String::new, |at| moment(at, zone));
                let cells = [
                    section.title,
                    &time,
                    &entry.severity,
                    &entry.device,
                    &entry.alert,
                    &entry.state,
                    &entry.by,
                    &entry.detail,
                ];
                let cells: Vec<String> = cells.iter().map(|cell| csv_cell(cell)).collect();
                let _ = write!(out, "{}\r\n", cells.join(","));
            }
        }
        out
    }
}

/// A part of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Time,
    Severity,
    Device,
    Alert,
    State,
    By,
    Detail,
}

impl Column {
    const ALL: [Self; 7] = [
        Self::Time,
        Self::Severity,
        Self::Device,
        Self::Alert,
        Self::State,
        Self::By,
        Self::Detail,
    ];

    fn head(self, section: &Section) -> &'static str {
        match self {
            Self::Time => section.time,
            Self::Severity => "severity",
            Self::Device => "device",
            Self::Alert => "alert",
            Self::State => "state",
            Self::By => "by",
            Self::Detail => "",
        }
    }

    fn of(self, entry: &Entry, when: &dyn Fn(Timestamp) -> String) -> String {
        match self {
            Self::Time => entry.time.map_or_else(String::new, when),
            Self::Severity => entry.severity.clone(),
            Self::Device => entry.device.clone(),
            Self::Alert => entry.alert.clone(),
            Self::State => entry.state.clone(),
            Self::By => entry.by.clone(),
            Self::Detail => entry.detail.clone(),
        }
    }
}

/// Those that any entry has.
fn columns(section: &Section, when: &dyn Fn(Timestamp) -> String) -> Vec<Column> {
    Column::ALL
        .into_iter()
        .filter(|column| section.entries.iter().any(|entry| !column.of(entry, when).is_empty()))
        .collect()
}

/// Text that Markdown shows as it is.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        if matches!(char, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '~') {
            out.push('\\');
        }
        out.push(char);
    }
    out
}

/// A cell that a spreadsheet would run as a formula gets an apostrophe before it.
fn csv_cell(text: &str) -> String {
    let text = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if text.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_a_server_is_markup_or_a_formula() {
        assert_eq!(escaped("a|b <script> [x](y) *z*"), "a\\|b \\<script\\> \\[x\\](y) \\*z\\*");
        assert_eq!(csv_cell("=1+1"), "'=1+1");
        assert_eq!(csv_cell("say \"a\", b"), "\"say \"\"a\"\", b\"");
    }
}
