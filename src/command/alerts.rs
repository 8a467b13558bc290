//! `nightdesk alerts`: list, show, acknowledge, resolve.

use super::around::Around;
use super::context::{Context, age};
use super::delivery::{carry_out, tell_all};
use super::output::{lines, shown};
use super::session::Clients;
use super::table::{Align, Cell, Table};
use super::{Exit, Failure, ids};
use crate::cli::Alerts;
use crate::domain::filter::Filter;
use crate::domain::{Alert, AlertId, AlertState, Intent, Listing, triage_order};
use crate::maximo::AlertQuery;

pub(super) async fn run(context: Context, command: Alerts) -> Result<(), Failure> {
    match command {
        Alerts::List { filter, all } => list(&context, &filter.join(" "), all).await,
        Alerts::Show { id } => show(&context, &id).await,
        Alerts::Ack { ids, note, filter, wait } => {
            let limit = wait.limit();
            let ids = match filter {
                None => ids::read(&ids)?,
                Some(filter) => unacknowledged(&context, &filter).await?,
            };
            let by = context.config.operator.name.clone();
            let intents = ids
                .into_iter()
                .map(|id| Intent::Acknowledge {
                    alert: AlertId::new(id),
                    by: by.clone(),
                    notes: note.clone(),
                    over: None,
                })
                .collect();
            let rows = carry_out(&context, intents, limit).await?;
            tell_all(&context, &rows, limit.is_some())
        }
        Alerts::Resolve {
            ids,
            resolution,
            root_cause,
            preventive_action,
            wait,
        } => {
            let limit = wait.limit();
            for (flag, text) in [("--resolution", &resolution), ("--root-cause", &root_cause)] {
                if text.trim().is_empty() {
                    return Err(Failure::new(Exit::Usage, format!("{flag} is empty: say it in a few words")));
                }
            }
            let by = context.config.operator.name.clone();
            let intents = ids::read(&ids)?
                .into_iter()
                .map(|id| Intent::Resolve {
                    alert: AlertId::new(id),
                    by: by.clone(),
                    resolution: resolution.clone(),
                    root_cause: root_cause.clone(),
                    preventive_action: preventive_action.clone(),
                })
                .collect();
            let rows = carry_out(&context, intents, limit).await?;
            tell_all(&context, &rows, limit.is_some())
        }
    }
}

/// Alerts that pass, most urgent first, and how many are open in all. What the filter asks for beyond the alerts themselves is fetched.
async fn passing(context: &Context, clients: &Clients, filter: &Filter, resolved: bool) -> Result<(Listing<Alert>, usize), Failure> {
    let mut listing = clients.monitor.alerts(&AlertQuery::default()).await?;
    let around = Around::of(context, clients, filter, &listing.items).await?;
    let open = listing.items.iter().filter(|alert| alert.state != AlertState::Resolved).count();
    let me = context.config.operator.name.as_str();
    listing
        .items
        .retain(|alert| (resolved || alert.state != AlertState::Resolved) && filter.matches(&around.facts(alert, me, context.now)));
    listing.items.sort_by(triage_order);
    Ok((listing, open))
}

fn parse(text: &str) -> Result<Filter, Failure> {
    Filter::parse(text).map_err(|error| Failure::filter(text, &error))
}

async fn list(context: &Context, filter: &str, all: bool) -> Result<(), Failure> {
    let parsed = parse(filter)?;
    let names_a_state = filter.to_ascii_lowercase().contains("state:");
    let (listing, open) = passing(context, context.clients().await?, &parsed, all || names_a_state).await?;
    if listing.items.is_empty() {
        context.out.nothing(&format!("no alert matches; {open} are open"));
    }
    context.out.list(&listing, |alerts| table(context, alerts))
}

/// The ids of unacknowledged alerts that pass.
async fn unacknowledged(context: &Context, filter: &str) -> Result<Vec<String>, Failure> {
    if filter.trim().is_empty() {
        // a variable that was not set must not acknowledge the whole plant
        return Err(Failure::new(
            Exit::Usage,
            "--filter is empty: nothing was done; --filter is:unack means every alert that nobody has".to_owned(),
        ));
    }
    let filter = parse(filter)?;
    let (listing, _) = passing(context, context.clients().await?, &filter, false).await?;
    if listing.skipped > 0 {
        context
            .out
            .note(&format!("{} records did not fit the contract and are left alone", listing.skipped));
    }
    let ids: Vec<String> = listing
        .items
        .iter()
        .filter(|alert| alert.state.progress() == 0)
        .map(|alert| alert.id.raw().to_owned())
        .collect();
    if ids.is_empty() {
        context.out.note("no unacknowledged alert passes the filter");
    }
    Ok(ids)
}

async fn show(context: &Context, id: &str) -> Result<(), Failure> {
    ids::check(id)?;
    let alert = context.clients().await?.monitor.alert(&AlertId::new(id)).await?;
    context.out.object(&alert, || {
        let at = |time: Option<jiff::Timestamp>| time.map(|time| context.local(time));
        lines(&[
            ("alert", Some(alert.id.to_string())),
            ("name", Some(alert.name.to_string())),
            ("severity", Some(alert.severity.to_string())),
            ("state", Some(alert.state.to_string())),
            ("device", Some(alert.device.to_string())),
            ("type", alert.device_type.as_ref().map(ToString::to_string)),
            ("raised", Some(context.local(alert.raised_at))),
            ("metric", shown(alert.metric.as_ref())),
            ("value", alert.value.as_ref().map(ToString::to_string)),
            ("limit", alert.threshold.map(crate::domain::short_number)),
            ("message", shown(alert.message.as_ref())),
            ("acknowledged by", shown(alert.acknowledged_by.as_ref())),
            ("acknowledged at", at(alert.acknowledged_at)),
            ("notes", shown(alert.notes.as_ref())),
            ("resolved by", shown(alert.resolved_by.as_ref())),
            ("resolved at", at(alert.resolved_at)),
            ("resolution", shown(alert.resolution.as_ref())),
            ("root cause", shown(alert.root_cause.as_ref())),
            ("preventive action", shown(alert.preventive_action.as_ref())),
        ])
    })
}

fn table(context: &Context, alerts: &[Alert]) -> Table {
    let mut table = Table::new(&[
        ("age", Align::Right),
        ("severity", Align::Left),
        ("status", Align::Left),
        ("deviceId", Align::Left),
        ("alertName", Align::Left),
        ("value", Align::Right),
        ("threshold", Align::Right),
        ("acknowledgedBy", Align::Left),
        ("alertId", Align::Left),
    ])
    .in_csv("age", "timestamp");
    for alert in alerts {
        table.row(vec![
            Cell::Both {
                text: age(context.now, alert.raised_at),
                csv: alert.raised_at.to_string(),
            },
            alert.severity.shown().into(),
            alert.state.shown().into(),
            alert.device.shown().into(),
            Cell::from(&alert.name),
            super::readings::cell(alert.value.as_ref()),
            Cell::Number(alert.threshold.map_or_else(String::new, |limit| limit.to_string())),
            Cell::from(alert.acknowledged_by.as_ref()),
            alert.id.shown().into(),
        ]);
    }
    table
}
