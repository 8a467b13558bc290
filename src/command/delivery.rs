//! From intents to their end: commit, deliver, wait, tell.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::oneshot;

use super::context::Context;
use super::ground::{courier, ground};
use super::session::{Clients, targets};
use super::table::{Align, Cell, Table};
use super::{Exit, Failure, json};
use crate::domain::{AlertId, Intent, IntentState, Listing, OutboxId, OutboxRow, SafeText, Service, Target};
use crate::integration::Courier;
use crate::outbox::{Outbox, Policy, Sender, Submission};

/// Most rows that are named on stderr.
const ADVISED_MOST: usize = 20;

/// Where an intent of this service goes.
pub(super) fn target(context: &Context, service: Service) -> Result<Target, Failure> {
    targets(&context.profile)
        .into_iter()
        .find(|target| target.service == service)
        .ok_or_else(|| super::session::no_manage(&context.profile))
}

/// Commits intents, and where `limit` is given delivers them and waits for the servers' answers.
pub(super) async fn carry_out(context: &Context, intents: Vec<Intent>, limit: Option<Duration>) -> Result<Vec<OutboxRow>, Failure> {
    // what is needed to deliver is had before anything is committed
    let clients = match limit {
        Some(_) => Some(context.clients().await?),
        None => None,
    };
    let outbox = context.outbox().await?;
    let count = intents.len();
    let mut rows = Vec::with_capacity(count);
    for intent in intents {
        let target = target(context, intent.service())?;
        let submission = Submission {
            intent,
            target,
            grace: Duration::ZERO,
        };
        match outbox.submit(submission).await {
            Ok(row) => rows.push(row),
            Err(error) => {
                if count > 1 {
                    context
                        .out
                        .note(&format!("{} of {count} are in the outbox, the others are not", rows.len()));
                }
                return Err(error.into());
            }
        }
    }
    let (Some(clients), Some(limit)) = (clients, limit) else {
        return Ok(rows);
    };
    let ids: Vec<OutboxId> = rows.iter().map(|row| row.id).collect();
    deliver(context, clients, outbox, &ids, limit).await
}

/// Sends until these rows are settled, the time is over, or Ctrl-C. Where another process has the sender's lock, that one sends.
pub(super) async fn deliver(
    context: &Context,
    clients: &Clients,
    outbox: &Outbox,
    ids: &[OutboxId],
    limit: Duration,
) -> Result<Vec<OutboxRow>, Failure> {
    let rows = outbox.wait_settled(ids, Duration::ZERO).await?;
    // whoever only acknowledges alerts needs no key of the ERP
    let maximo_only = rows.iter().all(|row| Service::MAXIMO.contains(&row.target.service));
    let courier = if maximo_only {
        Courier::of(clients.gateway())
    } else {
        courier(&ground(context).await?).await?
    };
    let mut targets = clients.targets.clone();
    targets.extend(courier.further_targets(&context.profile.name));
    let sender = Sender::new(
        outbox.clone(),
        Arc::new(courier),
        targets,
        Policy::within(context.profile.request_timeout),
    );
    let (stop, stopped) = oneshot::channel::<()>();
    let mut sending = tokio::spawn(sender.run(async {
        let _ = stopped.await; // dropped is stopped
    }));
    let mut ended = false;
    let waiting = async {
        tokio::select! {
            rows = outbox.wait_settled(ids, limit) => rows.map_err(Failure::from),
            result = &mut sending => {
                ended = true;
                match result {
                    Ok(Err(error)) => Err(error.into()),
                    // ended without a fault although nobody stopped it
                    Ok(Ok(())) | Err(_) => Err(Failure::new(Exit::Bug, "the sender ended early; what was asked for is safe in the outbox")),
                }
            }
            _ = tokio::signal::ctrl_c() => {
                context.out.note("no longer waiting: what is not delivered stays in the outbox");
                outbox.wait_settled(ids, Duration::ZERO).await.map_err(Failure::from)
            }
            () = show_progress(context, outbox, ids) => Err(Failure::new(Exit::Bug, "the outbox no longer tells of its changes")),
        }
    };
    let settled = waiting.await;
    context.out.clear();
    drop(stop);
    if !ended && let Ok(Err(error)) = sending.await {
        context.out.note(&error.to_string());
    }
    settled?;
    // as they stand now that nothing is under way any more
    let rows = outbox.wait_settled(ids, Duration::ZERO).await?;
    if rows.iter().any(|row| row.state.is_open()) {
        for lane in outbox.lanes().await? {
            let waits = |row: &OutboxRow| row.state.is_open() && row.target == lane.target;
            if rows.iter().any(waits) {
                context.out.note(&format!("{} waits: {}", lane.target.service, lane.reason.shown()));
            }
        }
    }
    Ok(rows)
}

/// Counts on stderr, for as long as it is polled.
async fn show_progress(context: &Context, outbox: &Outbox, ids: &[OutboxId]) {
    let mut changes = outbox.changes();
    let mut settled = std::collections::BTreeSet::new();
    loop {
        context.out.progress(&format!("{} of {} done", settled.len(), ids.len()));
        match changes.recv().await {
            Ok(row) if ids.contains(&row.id) && !row.state.is_open() => {
                settled.insert(row.id);
            }
            Ok(_) | Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {}
            Err(tokio::sync::broadcast::error::RecvError::Closed) => return std::future::pending().await,
        }
    }
}

/// How one row ends a command.
pub(super) fn exit_of(row: &OutboxRow) -> Exit {
    match row.state {
        IntentState::Delivered => Exit::Done,
        // what somebody else did is not ours, and what was taken back is parked nowhere
        IntentState::Superseded | IntentState::Cancelled => Exit::Overtaken,
        IntentState::Parked => Exit::Refused,
        IntentState::Queued | IntentState::Sending | IntentState::InDoubt => Exit::NotYet,
    }
}

/// How several rows do; where nobody waited, having them safe was all that was asked.
pub(super) fn exit_of_all(rows: &[OutboxRow], waited: bool) -> Exit {
    if waited {
        Exit::of_several(&rows.iter().map(exit_of).collect::<Vec<_>>())
    } else {
        Exit::Done
    }
}

/// A row as the answer of a writing command: the contract's names first, then ours.
pub(super) fn answer(row: &OutboxRow) -> Result<Map<String, Value>, Failure> {
    let mut members = Map::new();
    match &row.intent {
        Intent::Acknowledge { alert, .. } | Intent::Resolve { alert, .. } => {
            members.insert("alertId".into(), alert.raw().into());
        }
        Intent::CreateWorkOrder { alert, draft, .. } => {
            members.insert("alertId".into(), alert.raw().into());
            let draft = json::value(draft)?;
            for name in ["description", "assetnum", "siteid", "wopriority"] {
                if let Some(value) = draft.get(name) {
                    members.insert(name.into(), value.clone());
                }
            }
        }
        Intent::SetMetadata { device, metadata, .. } => {
            members.insert("deviceType".into(), device.device_type.raw().into());
            members.insert("deviceId".into(), device.device_id.raw().into());
            members.insert("metadata".into(), Value::Object(metadata.clone()));
        }
        Intent::SyncAsset { asset, site, status, .. } => {
            members.insert("assetnum".into(), asset.as_str().into());
            members.insert("siteid".into(), site.as_str().into());
            members.insert("status".into(), status.as_str().into());
        }
        Intent::ReportProduction { report, .. } => members.extend(report.clone()),
        Intent::CallWebhook {
            webhook, message, alert, ..
        } => {
            members.insert("webhook".into(), webhook.as_str().into());
            members.insert("messageId".into(), message.as_str().into());
            members.insert("alertId".into(), alert.as_ref().map(AlertId::raw).into());
        }
    }
    let whole = json::value(row)?;
    for name in ["outboxId", "state", "wonum", "supersededBy", "detail", "attempts"] {
        if let Some(value) = whole.get(name) {
            members.insert(name.into(), value.clone());
        }
    }
    Ok(members)
}

/// What a row is about, for people.
pub(super) fn object(intent: &Intent) -> String {
    match intent {
        Intent::Acknowledge { alert, .. } | Intent::Resolve { alert, .. } | Intent::CreateWorkOrder { alert, .. } => alert.to_string(),
        Intent::SetMetadata { device, .. } => device.to_string(),
        Intent::SyncAsset { asset, .. } => SafeText::from(asset.as_str()).shown().to_owned(),
        Intent::ReportProduction { line, date, .. } => SafeText::new(format!("{line} {date}")).shown().to_owned(),
        Intent::CallWebhook { webhook, message, .. } => SafeText::new(format!("{webhook} {message}")).shown().to_owned(),
    }
}

/// What came of it, in one phrase.
pub(super) fn words(row: &OutboxRow) -> String {
    let mut words = match (&row.wonum, &row.superseded_by) {
        (Some(wonum), _) => format!("work order {wonum}"),
        (None, Some(by)) => format!("{} was first", by.shown()),
        (None, None) => String::new(),
    };
    if let Some(detail) = row.detail.as_ref().filter(|detail| !detail.is_empty()) {
        if !words.is_empty() {
            words.push_str(": ");
        }
        words.push_str(detail.shown());
    }
    words
}

/// The answer of a command on several objects, and how it ends.
pub(super) fn tell_all(context: &Context, rows: &[OutboxRow], waited: bool) -> Result<(), Failure> {
    let items = rows.iter().map(answer).collect::<Result<Vec<_>, _>>()?;
    context.out.list(&Listing::whole(items, context.now), |_| {
        let mut table = Table::new(&[
            ("alertId", Align::Left),
            ("state", Align::Left),
            ("outboxId", Align::Right),
            ("detail", Align::Left),
        ]);
        for row in rows {
            table.row(vec![
                Cell::Text(object(&row.intent)),
                row.state.as_str().into(),
                Cell::Number(row.id.to_string()),
                Cell::Text(words(row)),
            ]);
        }
        table
    })?;
    advise(context, rows, waited);
    Failure::unless_done(exit_of_all(rows, waited))
}

/// The answer of a command on one object, and how it ends.
pub(super) fn tell_one(context: &Context, row: &OutboxRow, waited: bool) -> Result<(), Failure> {
    context.out.object(&Value::Object(answer(row)?), || {
        let words = words(row);
        let colon = if words.is_empty() { "" } else { ": " };
        format!("{} {}, outbox {}{colon}{words}\n", object(&row.intent), row.state, row.id)
    })?;
    advise(context, std::slice::from_ref(row), waited);
    Failure::unless_done(exit_of_all(std::slice::from_ref(row), waited))
}

/// Who was first, and when, where somebody was.
pub(super) fn say_who_was_first(context: &Context, rows: &[OutboxRow]) {
    for row in rows.iter().filter(|row| row.state == IntentState::Superseded).take(ADVISED_MOST) {
        let by = row.superseded_by.as_ref().map_or("somebody else", SafeText::shown);
        let how = match row.detail.as_ref().filter(|detail| !detail.is_empty()) {
            Some(detail) => detail.shown().to_owned(),
            None => format!("{by} was first"),
        };
        context.out.note(&format!(
            "{}: {how}: that counts, and what was asked here does not (outbox {})",
            object(&row.intent),
            row.id
        ));
    }
}

/// What a person can do about rows that did not arrive.
fn advise(context: &Context, rows: &[OutboxRow], waited: bool) {
    let list = |state: fn(IntentState) -> bool| {
        let ids: Vec<String> = rows
            .iter()
            .filter(|row| state(row.state))
            .map(|row| row.id.to_string())
            .take(ADVISED_MOST)
            .collect();
        ids.join(" ")
    };
    say_who_was_first(context, rows);
    let parked = list(|state| state == IntentState::Parked);
    if !parked.is_empty() {
        context.out.note(&format!(
            "parked: {parked}; `nightdesk outbox retry ID` sends one again, `nightdesk outbox cancel ID` ends it"
        ));
    }
    let open = list(IntentState::is_open);
    if waited && !open.is_empty() {
        context.out.note(&format!(
            "not delivered yet, safe in the outbox: {open}; `nightdesk outbox drain` goes on"
        ));
    }
}
