//! `nightdesk handover`: what the next shift has to know, without a screen.

use std::path::Path;

use jiff::Timestamp;

use super::context::{Context, age};
use super::kept::Kept;
use super::output::{Form, write_out};
use super::{Exit, Failure};
use crate::cli::{HandoverArgs, HandoverFormat};
use crate::domain::handover::{Basis, Format};
use crate::domain::load::FloodLimits;
use crate::domain::{Alert, AlertState, Handover, History, Listing, OutboxRow, References, triage_order};
use crate::local::private;
use crate::maximo::AlertQuery;
use crate::outbox::RowFilter;

/// Most alerts whose orders are asked for: the open ones first.
const ORDERS_MOST: usize = 300;
/// Most rows of the outbox.
const ROWS_MOST: usize = 20_000;

pub(super) async fn run(context: Context, arguments: HandoverArgs) -> Result<(), Failure> {
    let (flag, fits) = match context.out.form {
        Form::Text => ("", true),
        Form::Json => ("--json", matches!(arguments.format, None | Some(HandoverFormat::Json))),
        Form::Csv => ("--csv", matches!(arguments.format, None | Some(HandoverFormat::Csv))),
    };
    if !fits {
        return Err(Failure::new(
            Exit::Usage,
            format!("{flag} and --format ask for different forms: leave one of them out"),
        ));
    }
    let zone = context.profile.time_zone.clone();
    let since = match arguments.since {
        Some(since) => since.resolve(context.now, &zone),
        None => context.config.operator.shift().around(context.now, &zone).0,
    };
    if since >= context.now {
        return Err(Failure::new(
            Exit::Usage,
            "--since is not in the past: nothing has happened since then",
        ));
    }
    let (handover, exit) = make(&context, since).await?;
    let format = match (arguments.format, context.out.form) {
        (Some(HandoverFormat::Md), _) | (None, Form::Text) => Format::Markdown,
        (Some(HandoverFormat::Text), _) => Format::Text,
        (Some(HandoverFormat::Csv), _) | (None, Form::Csv) => Format::Csv,
        (Some(HandoverFormat::Json), _) | (None, Form::Json) => Format::Json,
    };
    let text = handover.write(format, &zone);
    match &arguments.out {
        None => write_out(&text)?,
        Some(path) => {
            write_file(path, &text)?;
            context.out.note(&format!("written to {}", path.display()));
        }
    }
    Failure::unless_done(exit)
}

fn write_file(path: &Path, text: &str) -> Result<(), Failure> {
    private::replace(path, text.as_bytes()).map_err(|error| Failure::new(Exit::Store, error.to_string()))
}

/// The handover, and how the command ends: a server that could not be asked is told even though there is a document.
async fn make(context: &Context, since: Timestamp) -> Result<(Handover, Exit), Failure> {
    let kept = Kept::of(context);
    let (mut history, _) = kept.history();
    let (listing, exit) = alerts(context, &kept, since, &mut history).await?;
    for alert in &listing.items {
        history.note(alert, listing.as_of);
    }
    follow_orders(context, since, &listing, &mut history).await;
    let shelf = kept.shelf();
    let notes = kept.notes();
    let filter = RowFilter {
        profile: Some(context.profile.name.clone()),
        since: Some(since),
        newest_first: true,
        limit: Some(ROWS_MOST),
        ..RowFilter::default()
    };
    let rows = context.outbox().await?.list(filter).await?;
    for row in &rows {
        if let (Some(alert), Some(wonum)) = (row.intent.alert(), &row.wonum) {
            history.ordered(alert, wonum, None, row.updated_at);
        }
    }
    let console = &context.config.console;
    let handover = Handover::of(&Basis {
        site: &context.profile.site,
        operator: &context.config.operator.name,
        since,
        until: context.now,
        as_of: Some(listing.as_of),
        alerts: listing.items.iter().collect(),
        history: &history,
        shelf: &shelf,
        rows: rows.iter().collect::<Vec<&OutboxRow>>(),
        remarks: &notes.remarks,
        reads: &notes.reads,
        limits: FloodLimits {
            above: console.flood_start,
            below: console.flood_end,
        },
    });
    Ok((handover, exit))
}

/// Monitor's list, resolved alerts included; where Monitor is away, what the console saw last, and why it is not newer.
async fn alerts(context: &Context, kept: &Kept<'_>, since: Timestamp, history: &mut History) -> Result<(Listing<Alert>, Exit), Failure> {
    let clients = context.clients().await?;
    match clients.monitor.alerts(&AlertQuery::default()).await {
        Ok(listing) => {
            if listing.complete {
                history.covered(listing.as_of, listing.as_of.duration_since(since));
            }
            Ok((listing, Exit::Done))
        }
        Err(error) => {
            let failure = Failure::from(error);
            let Some(listing) = kept.alerts() else { return Err(failure) };
            context.out.note(&format!(
                "{}; the handover has the alerts as they were last seen, {} ({} ago)",
                failure.message,
                context.local(listing.as_of),
                age(context.now, listing.as_of)
            ));
            Ok((listing, failure.exit))
        }
    }
}

/// The orders of what is open, and of what was raised in the period. Without Manage their status stays unknown.
async fn follow_orders(context: &Context, since: Timestamp, listing: &Listing<Alert>, history: &mut History) {
    let Ok(clients) = context.clients().await else { return };
    let Some(manage) = &clients.manage else { return };
    let mut wanted: Vec<&Alert> = listing
        .items
        .iter()
        .filter(|alert| alert.state != AlertState::Resolved || alert.raised_at >= since)
        .collect();
    wanted.sort_by(|one, other| triage_order(one, other));
    wanted.truncate(ORDERS_MOST);
    let site = &context.profile.work_order.siteid;
    if wanted.is_empty() {
        return;
    }
    let references = References::of(site, wanted.into_iter().map(|alert| &alert.id));
    match manage.orders_by_reference(references.asked()).await {
        Ok(orders) => {
            for order in orders {
                if let Some(alert) = references.owner(&order) {
                    history.ordered(alert, &order.wonum, Some(&order.status), listing.as_of);
                }
            }
        }
        Err(error) => context.out.note(&format!(
            "the status of the work orders is not known: {}",
            Failure::from(error).message
        )),
    }
}
