//! `nightdesk outbox`: list, drain, retry, cancel.

use std::time::Duration;

use super::context::Context;
use super::delivery::{self, deliver, tell_one};
use super::rows::{self, About};
use super::table::Cell;
use super::{Exit, Failure};
use crate::cli::{OutboxCommand, State};
use crate::domain::{IntentState, Listing, OutboxId, OutboxRow, Service};
use crate::outbox::RowFilter;

pub(super) async fn run(context: Context, command: OutboxCommand) -> Result<(), Failure> {
    match command {
        OutboxCommand::List { state } => {
            let filter = RowFilter::of(state.map(state_of));
            let rows = context.outbox().await?.list(filter).await?;
            if rows.is_empty() {
                context.out.nothing("no row of the outbox matches");
            }
            tell(&context, &rows)
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
            let row = context.outbox().await?.cancel(OutboxId(id)).await?;
            // that it is cancelled is what was asked for
            tell_one(&context, &row, false)
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
            "{} rows wait for `nightdesk bridge`: they go to ERP or webhooks",
            bridged.len()
        ));
    }
    let (ours, others): (Vec<OutboxRow>, Vec<OutboxRow>) = maximo.into_iter().partition(|row| row.target.profile == context.profile.name);
    if !others.is_empty() {
        let mut profiles: Vec<&str> = others.iter().map(|row| row.target.profile.as_str()).collect();
        profiles.sort_unstable();
        profiles.dedup();
        context
            .out
            .note(&format!("{} rows wait for other profiles: {}", others.len(), profiles.join(", ")));
    }
    let ids: Vec<OutboxId> = ours.iter().map(|row| row.id).collect();
    let rows = if ids.is_empty() {
        context.out.nothing("nothing waits for this profile's Maximo");
        Vec::new()
    } else {
        deliver(context, context.clients().await?, outbox, &ids, timeout).await?
    };
    tell(context, &rows)?;
    delivery::say_who_was_first(context, &rows);
    let exit = if rows.iter().any(|row| row.state.is_open()) {
        Exit::NotYet
    } else {
        Exit::of_kinds(rows.iter().map(delivery::exit_of))
    };
    Failure::unless_done(exit)
}

/// Rows with the contract's names of what they are about, and all that the outbox knows.
fn tell(context: &Context, rows: &[OutboxRow]) -> Result<(), Failure> {
    let items = rows
        .iter()
        .map(|row| {
            let mut members = delivery::answer(row)?;
            if let serde_json::Value::Object(whole) = super::json::value(row)? {
                members.extend(whole);
            }
            Ok(members)
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    context
        .out
        .list(&Listing::whole(items, context.now), |_| rows::table(context, rows, &ABOUT))
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
