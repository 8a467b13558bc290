//! `nightdesk assets`: the asset sync by hand.

use std::time::Duration;

use serde_json::{Map, Value};

use super::context::Context;
use super::delivery::{deliver, exit_of_all, words};
use super::ground::ground;
use super::table::{Align, Cell, Table};
use super::{Exit, Failure, json};
use crate::cli::Assets;
use crate::domain::{DeviceType, Listing, OutboxId, OutboxRow};
use crate::integration::assets::{Change, Survey, submit, survey};

pub(super) async fn run(context: Context, command: Assets) -> Result<(), Failure> {
    let Assets::Sync {
        device_type,
        dry_run,
        no_wait,
        timeout,
    } = command;
    let ground = ground(&context).await?;
    let settings = context.profile.assets.as_ref();
    let monitor = ground.monitor_for(settings.and_then(|assets| assets.monitor_key.as_ref())).await?;
    let manage = ground.manage_for(settings.and_then(|assets| assets.manage_key.as_ref())).await?;
    let out = context.out;
    let progress = move |loaded: usize, total: Option<usize>| {
        let of = total.map_or_else(String::new, |total| format!(" of {total}"));
        out.progress(&format!("{loaded}{of} devices read"));
    };
    let only = device_type.map(DeviceType::new);
    let found = survey(&ground, (&monitor, &manage), only, &progress).await?;
    out.clear();
    out.note(&summary(&found));
    for left in found.plan.left.iter().take(20) {
        out.note(&format!("  {}: {}", left.device, left.reason));
    }
    if found.plan.left.len() > 20 {
        out.note(&format!("  and {} more", found.plan.left.len() - 20));
    }
    if dry_run {
        return tell(&context, &found, &[]);
    }
    let (rows, refused) = submit(&ground, &found.plan.wishes).await?;
    let limit = (!no_wait).then_some(timeout);
    let rows = settle(&context, rows, limit).await?;
    tell(&context, &found, &rows)?;
    if refused > 0 {
        out.note(&format!(
            "{refused} were refused before and are still parked; `nightdesk outbox list --state parked` says why, `nightdesk outbox retry ID` tries one again"
        ));
    }
    let exit = match (exit_of_all(&rows, limit.is_some()), refused) {
        (exit, 0) => exit,
        (Exit::Done, _) if rows.is_empty() => Exit::Refused,
        (_, _) => Exit::Partly,
    };
    Failure::unless_done(exit)
}

async fn settle(context: &Context, rows: Vec<OutboxRow>, limit: Option<Duration>) -> Result<Vec<OutboxRow>, Failure> {
    let ids: Vec<OutboxId> = rows.iter().map(|row| row.id).collect();
    match limit {
        Some(limit) if !ids.is_empty() => deliver(context, context.clients().await?, context.outbox().await?, &ids, limit).await,
        _ => Ok(rows),
    }
}

fn summary(found: &Survey) -> String {
    let made = found.plan.wishes.iter().filter(|wish| wish.change == Change::Create).count();
    let changed = found.plan.wishes.len() - made;
    let mut text = format!(
        "{} devices: {made} assets to make, {changed} to change, {} as they should be, {} devices left out",
        found.devices,
        found.plan.unchanged,
        found.plan.left.len()
    );
    if !found.complete {
        text.push_str("; the device list is not whole");
    }
    text
}

/// A wish, and what became of it.
fn tell(context: &Context, found: &Survey, rows: &[OutboxRow]) -> Result<(), Failure> {
    let by_object: std::collections::HashMap<_, _> = rows.iter().map(|row| (row.intent.object(), row)).collect();
    let mut items: Vec<Map<String, Value>> = Vec::new();
    for wish in &found.plan.wishes {
        let Value::Object(mut members) = json::value(wish)? else { continue };
        if let Some(row) = by_object.get(&wish.intent().object()) {
            members.insert("state".into(), row.state.as_str().into());
            members.insert("outboxId".into(), row.id.0.into());
            if let Some(detail) = &row.detail {
                members.insert("detail".into(), detail.raw().into());
            }
        }
        items.push(members);
    }
    let listing = Listing {
        skipped: found.skipped,
        problems: found.problems.clone(),
        ..Listing::whole(items, context.now)
    };
    context.out.list(&listing, |_| {
        let mut table = Table::new(&[
            ("assetnum", Align::Left),
            ("action", Align::Left),
            ("from", Align::Left),
            ("status", Align::Left),
            ("state", Align::Left),
            ("detail", Align::Left),
        ]);
        for wish in &found.plan.wishes {
            let row = by_object.get(&wish.intent().object());
            let (action, from) = match &wish.change {
                Change::Create => ("create", Cell::Text(String::new())),
                Change::Update { from } => ("update", Cell::from(from.as_ref())),
            };
            table.row(vec![
                Cell::Text(crate::domain::SafeText::new(wish.assetnum.as_str()).shown().to_owned()),
                action.into(),
                from,
                wish.status.into(),
                row.map_or("", |row| row.state.as_str()).into(),
                Cell::Text(row.map(|row| words(row)).unwrap_or_default()),
            ]);
        }
        table
    })
}
