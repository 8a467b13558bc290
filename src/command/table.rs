//! Rows and columns: aligned for people, RFC 4180 for spreadsheets.

use unicode_width::UnicodeWidthStr;

use crate::domain::SafeText;

/// A table.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

/// The head of a column.
#[derive(Clone, Debug, PartialEq)]
struct Column {
    name: String,
    /// Its name in CSV, where spreadsheets get something else than people.
    csv: Option<String>,
    align: Align,
}

/// Where a column's text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    /// Words.
    Left,
    /// Numbers and ages.
    Right,
}

/// One cell.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    /// A text; defused in CSV.
    Text(String),
    /// A number as written here: never defused, since a minus sign is its own.
    Number(String),
    /// People read the one, spreadsheets get the other.
    Both {
        /// For people.
        text: String,
        /// For spreadsheets.
        csv: String,
    },
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(SafeText::new(text).shown().to_owned())
    }
}

impl From<&SafeText> for Cell {
    fn from(text: &SafeText) -> Self {
        Self::Text(text.shown().to_owned())
    }
}

impl From<Option<&SafeText>> for Cell {
    fn from(text: Option<&SafeText>) -> Self {
        Self::Text(text.map_or_else(String::new, |text| text.shown().to_owned()))
    }
}

impl Cell {
    fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Number(text) | Self::Both { text, .. } => text,
        }
    }
}

impl Column {
    fn new(name: &str, align: Align) -> Self {
        Self {
            name: name.to_owned(),
            csv: None,
            align,
        }
    }
}

impl Table {
    /// An empty table with these columns.
    pub(super) fn new(columns: &[(&str, Align)]) -> Self {
        Self {
            columns: columns.iter().map(|(name, align)| Column::new(name, *align)).collect(),
            rows: Vec::new(),
        }
    }

    /// Names a column in CSV for what stands there: an age is one for people, spreadsheets get the time it is counted from.
    pub(super) fn in_csv(mut self, name: &str, csv: &str) -> Self {
        for column in self.columns.iter_mut().filter(|column| column.name == name) {
            column.csv = Some(csv.to_owned());
        }
        self
    }

    /// Adds a column after the others; rows follow with one cell more.
    pub(super) fn column(&mut self, name: &str, align: Align) {
        self.columns.push(Column::new(name, align));
    }

    /// Adds a row.
    pub(super) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// Aligned columns, two spaces apart, heads in capitals. A column without any text is left out.
    pub(super) fn text(&self) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let filled: Vec<(usize, Align, usize)> = self
            .columns
            .iter()
            .enumerate()
            .filter_map(|(index, column)| {
                let widest = self
                    .rows
                    .iter()
                    .filter_map(|row| row.get(index))
                    .map(|cell| cell.text().width())
                    .max();
                widest
                    .filter(|width| *width > 0)
                    .map(|width| (index, column.align, width.max(column.name.width())))
            })
            .collect();
        let mut out = String::new();
        let mut line = |cells: &dyn Fn(usize) -> String| {
            let mut line = String::new();
            for (at, (index, align, width)) in filled.iter().enumerate() {
                if at > 0 {
                    line.push_str("  ");
                }
                let cell = cells(*index);
                let space = " ".repeat(width.saturating_sub(cell.width()));
                let parts = match align {
                    Align::Left => [&cell, &space],
                    Align::Right => [&space, &cell],
                };
                line.extend(parts.map(String::as_str));
            }
            out.push_str(line.trim_end());
            out.push('\n');
        };
        line(&|index| {
            self.columns
                .get(index)
                .map_or_else(String::new, |column| column.name.to_uppercase())
        });
        for row in &self.rows {
            line(&|index| row.get(index).map_or_else(String::new, |cell| cell.text().to_owned()));
        }
        out
    }

    /// RFC 4180 with a head line.
    pub(super) fn csv(&self) -> String {
        let mut out = String::new();
        let heads: Vec<String> = self
            .columns
            .iter()
            .map(|column| quoted(column.csv.as_ref().unwrap_or(&column.name)))
            .collect();
        out.push_str(&heads.join(","));
        out.push_str("\r\n");
        for row in &self.rows {
            let cells: Vec<String> = row
                .iter()
                .map(|cell| match cell {
                    Cell::Text(text) | Cell::Both { csv: text, .. } => quoted(&defused(text)),
                    Cell::Number(number) => quoted(number),
                })
                .collect();
            out.push_str(&cells.join(","));
            out.push_str("\r\n");
        }
        out
    }
}

/// A cell that a spreadsheet would run as a formula gets an apostrophe before it.
fn defused(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

fn quoted(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&[
            ("deviceId", Align::Left),
            ("value", Align::Right),
            ("by", Align::Left),
            ("alertName", Align::Left),
        ]);
        table.row(vec![
            "PUMP-017".into(),
            Cell::Number("-98.4".into()),
            "".into(),
            "=HYPERLINK(\"x\")".into(),
        ]);
        table.row(vec!["温度-1".into(), Cell::Number("2".into()), "".into(), "a, b\u{1b}[31m".into()]);
        table
    }

    #[test]
    fn people_get_aligned_columns_by_width_on_screen() {
        assert_eq!(
            table().text(),
            "DEVICEID  VALUE  ALERTNAME\n\
             PUMP-017  -98.4  =HYPERLINK(\"x\")\n\
             温度-1        2  a, b␛[31m\n"
        );
        assert_eq!(Table::new(&[("a", Align::Left)]).text(), "");
    }

    #[test]
    fn a_column_of_which_spreadsheets_get_something_else_is_named_for_it() {
        let mut table = Table::new(&[("age", Align::Right)]).in_csv("age", "createdAt");
        table.row(vec![Cell::Both {
            text: "1d02h".into(),
            csv: "2026-11-27T01:00:00Z".into(),
        }]);
        assert_eq!(table.text(), "  AGE\n1d02h\n");
        assert_eq!(table.csv(), "createdAt\r\n2026-11-27T01:00:00Z\r\n");
    }

    #[test]
    fn spreadsheets_get_quoted_cells_and_no_formula() {
        assert_eq!(
            table().csv(),
            "deviceId,value,by,alertName\r\n\
             PUMP-017,-98.4,,\"'=HYPERLINK(\"\"x\"\")\"\r\n\
             温度-1,2,,\"a, b␛[31m\"\r\n"
        );
        for start in ["=1", "+1", "-1", "@x"] {
            let mut table = Table::new(&[("x", Align::Left)]);
            table.row(vec![start.into()]);
            assert_eq!(table.csv(), format!("x\r\n'{start}\r\n"));
        }
    }
}
