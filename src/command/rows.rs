//! Rows of the outbox as a table.

use super::context::{Context, age};
use super::delivery;
use super::table::{Align, Cell, Table};
use crate::domain::OutboxRow;

/// A column of what rows are about.
pub(super) type About = (&'static str, fn(&OutboxRow) -> Cell);

/// Each row's number, what it is about, and how it fares.
pub(super) fn table<'a>(context: &Context, rows: impl IntoIterator<Item = &'a OutboxRow>, about: &[About]) -> Table {
    let mut columns = vec![("outboxId", Align::Right)];
    columns.extend(about.iter().map(|(name, _)| (*name, Align::Left)));
    columns.extend([("attempts", Align::Right), ("age", Align::Right), ("detail", Align::Left)]);
    let mut table = Table::new(&columns).in_csv("age", "createdAt");
    for row in rows {
        let mut cells = vec![Cell::Number(row.id.to_string())];
        cells.extend(about.iter().map(|(_, cell)| cell(row)));
        cells.extend([
            Cell::Number(row.attempts.to_string()),
            Cell::Both {
                text: age(context.now, row.created_at),
                csv: row.created_at.to_string(),
            },
            Cell::Text(delivery::words(row)),
        ]);
        table.row(cells);
    }
    table
}
