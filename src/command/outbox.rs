//! `nightdesk outbox`: list, drain, retry, cancel.

use std::time::Duration;

use serde_json::{Map, Value};

use super::context::{Context, age};
use super::delivery::{self, deliver, tell_one};
use super::output::counted;
use super::rows::{self, About};
use super::table::Cell;
use super::{Exit, Failure};
use crate::cli::{OutboxCommand, State};
use crate::domain::{IntentState, Listing, OutboxId, OutboxRow, SafeText, Service};
use crate::outbox::{DamagedRow, OutboxError, RowFilter};

pub(super) async fn run(context: Context, command: OutboxCommand) -> Result<(), Failure> {
    match command {
        OutboxCommand::List { state } => {
            let filter = RowFilter::of(state.map(state_of));
            let outbox = context.outbox().await?;
            let rows = outbox.list(filter).await?;
            // they wait for a person, as what is parked does
            let damaged = match state {
                None | Some(State::Parked) => outbox.damaged().await?,
                Some(_) => Vec::new(),
            };
            if rows.is_empty() && damaged.is_empty() {
                context.out.nothing("no row of the outbox matches");
            }
            tell(&context, &rows, &damaged)?;
            if let Some(first) = damaged.first() {
                context.out.note(&format!(
                    "{} can no longer be read and {} never sent: `nightdesk outbox cancel {}` ends one, then ask again",
                    counted(damaged.len(), "row"),
                    if damaged.len() == 1 { "is" } else { "are" },
                    first.id
                ));
            }
            Ok(())
        }
        OutboxCommand::Drain { timeout, .. } => drain(&context, timeout).await,
        OutboxCommand::Retry { id, wait } => {
            let limit = wait.limit();
            let clients = match limit {
                Some(_) => Some(context.clients().await?),
                None => None,
            };
            let outbox = context.outbox().await?;
            let row = outbox.retry(OutboxId(id)).await?;
            let row = match (clients, limit) {
                (Some(clients), Some(limit)) => deliver(&context, clients, outbox, &[row.id], limit).await?.pop().unwrap_or(row),
                _ => row,
            };
            tell_one(&context, &row, limit.is_some())
        }
        OutboxCommand::Cancel { id } => {
            let outbox = context.outbox().await?;
            match outbox.cancel(OutboxId(id)).await {
                // that it is cancelled is what was asked for
                Ok(row) => tell_one(&context, &row, false),
                Err(OutboxError::DamagedRow(id)) => {
                    let row = outbox.end_damaged(id).await?;
                    let document = members(&row, IntentState::Cancelled.as_str())?;
                    context.out.object(&document, || {
                        let action = row.action.as_ref().map_or("unreadable", SafeText::shown);
                        format!("{id} cancelled ({action}): it could not be read any more\n")
                    })
                }
                Err(error) => Err(error.into()),
            }
        }
    }
}

async fn drain(context: &Context, timeout: Duration) -> Result<(), Failure> {
    let outbox = context.outbox().await?;
    let (maximo, bridged): (Vec<OutboxRow>, Vec<OutboxRow>) = outbox
        .list(RowFilter::open())
        .await?
        .into_iter()
        .partition(|row| Service::MAXIMO.contains(&row.target.service));
    if !bridged.is_empty() {
        context.out.note(&format!(
            "{} for `nightdesk bridge`: ERP or a webhook is where it goes",
            waiting(bridged.len())
        ));
    }
    let (ours, others): (Vec<OutboxRow>, Vec<OutboxRow>) = maximo.into_iter().partition(|row| row.target.profile == context.profile.name);
    if !others.is_empty() {
        let mut profiles: Vec<&str> = others.iter().map(|row| row.target.profile.as_str()).collect();
        profiles.sort_unstable();
        profiles.dedup();
        context
            .out
            .note(&format!("{} for other profiles: {}", waiting(others.len()), profiles.join(", ")));
    }
    let ids: Vec<OutboxId> = ours.iter().map(|row| row.id).collect();
    let rows = if ids.is_empty() {
        context.out.nothing("nothing waits for this profile's Maximo");
        Vec::new()
    } else {
        deliver(context, context.clients().await?, outbox, &ids, timeout).await?
    };
    tell(context, &rows, &[])?;
    delivery::say_who_was_first(context, &rows);
    let exit = if rows.iter().any(|row| row.state.is_open()) {
        Exit::NotYet
    } else {
        Exit::of_kinds(rows.iter().map(delivery::exit_of))
    };
    Failure::unless_done(exit)
}

/// Rows with the contract's names of what they are about, and all that the outbox knows.
fn tell(context: &Context, rows: &[OutboxRow], damaged: &[DamagedRow]) -> Result<(), Failure> {
    let mut items = rows
        .iter()
        .map(|row| {
            let mut members = delivery::answer(row)?;
            if let serde_json::Value::Object(whole) = super::json::value(row)? {
                members.extend(whole);
            }
            Ok(members)
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    for row in damaged {
        items.push(members(row, DAMAGED)?);
    }
    context.out.list(&Listing::whole(items, context.now), |_| {
        let mut table = rows::table(context, rows, &ABOUT);
        for row in damaged {
            table.row(vec![
                Cell::Number(row.id.to_string()),
                DAMAGED.into(),
                Cell::from(row.action.as_ref()),
                Cell::from(row.object.as_ref()),
                Cell::from(row.profile.as_ref()),
                Cell::Number(row.attempts.map_or_else(String::new, |count| count.to_string())),
                row.created_at.map_or_else(
                    || "".into(),
                    |at| Cell::Both {
                        text: age(context.now, at),
                        csv: at.to_string(),
                    },
                ),
                "it can no longer be read: kept, never sent".into(),
            ]);
        }
        table
    })
}

/// The state of a row that can no longer be read.
const DAMAGED: &str = "damaged";

/// What is left of such a row.
fn members(row: &DamagedRow, state: &str) -> Result<Map<String, Value>, Failure> {
    let mut members = match super::json::value(row)? {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    members.insert("state".into(), state.into());
    Ok(members)
}

/// `1 row waits`, `2 rows wait`.
fn waiting(count: usize) -> String {
    format!("{} {}", counted(count, "row"), if count == 1 { "waits" } else { "wait" })
}

pub(super) fn state_of(state: State) -> IntentState {
    match state {
        State::Queued => IntentState::Queued,
        State::Sending => IntentState::Sending,
        State::InDoubt => IntentState::InDoubt,
        State::Delivered => IntentState::Delivered,
        State::Superseded => IntentState::Superseded,
        State::Parked => IntentState::Parked,
        State::Cancelled => IntentState::Cancelled,
    }
}

/// What a row is about, whoever made it.
const ABOUT: [About; 4] = [
    ("state", |row| row.state.as_str().into()),
    ("action", |row| row.intent.verb().into()),
    ("object", |row| Cell::Text(delivery::object(&row.intent))),
    ("profile", |row| row.target.profile.as_str().into()),
];
