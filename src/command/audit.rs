//! `nightdesk audit`: show, verify.

use super::context::Context;
use super::table::{Align, Cell, Table};
use super::{Exit, Failure};
use crate::cli::AuditCommand;
use crate::domain::Listing;
use crate::outbox::AuditEntry;

/// Most entries that are shown, the newest of them.
const SHOWN: usize = 10_000;

pub(super) async fn run(context: Context, command: AuditCommand) -> Result<(), Failure> {
    let audit = context.outbox().await?.audit();
    match command {
        AuditCommand::Show { since } => {
            let since = since.map(|since| since.resolve(context.now, &context.profile.time_zone));
            let entries = audit.show(since, SHOWN).await?;
            if entries.len() == SHOWN {
                context
                    .out
                    .note(&format!("only the newest {SHOWN} entries are shown; --since narrows it"));
            }
            context
                .out
                .list(&Listing::whole(entries, context.now), |entries| table(&context, entries))
        }
        AuditCommand::Verify => {
            let report = audit.verify().await?;
            context.out.object(&report, || {
                if report.is_whole() {
                    let entries = if report.entries == 1 { "entry" } else { "entries" };
                    return format!("{} {entries}, nothing altered, removed or reordered\n", report.entries);
                }
                let findings: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
                findings.join("\n") + "\n"
            })?;
            Failure::unless_done(if report.is_whole() { Exit::Done } else { Exit::Store })
        }
    }
}

fn table(context: &Context, entries: &[AuditEntry]) -> Table {
    let mut table = Table::new(&[
        ("seq", Align::Right),
        ("at", Align::Left),
        ("operator", Align::Left),
        ("osUser", Align::Left),
        ("what", Align::Left),
        ("object", Align::Left),
        ("outboxId", Align::Right),
        ("to", Align::Left),
        ("detail", Align::Left),
    ]);
    for entry in entries {
        table.row(vec![
            Cell::Number(entry.seq.to_string()),
            Cell::Both {
                text: context.local(entry.at),
                csv: entry.at.to_string(),
            },
            entry.who.operator.as_str().into(),
            entry.who.os_user.as_str().into(),
            Cell::from(&entry.what),
            Cell::from(entry.object.as_ref()),
            Cell::Number(entry.row.map_or_else(String::new, |id| id.to_string())),
            entry.to.map_or("", crate::domain::IntentState::as_str).into(),
            Cell::from(entry.detail.as_ref()),
        ]);
    }
    table
}
