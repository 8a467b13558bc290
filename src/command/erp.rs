//! `nightdesk erp`: a line's day by hand.

use serde_json::Value;

use super::context::Context;
use super::delivery::{answer, deliver, exit_of_all, words};
use super::ground::ground;
use super::{Exit, Failure, json};
use crate::cli::Erp;
use crate::domain::{IntentState, SafeText};
use crate::integration::erp::{DayOutcome, Dispatch, METRICS, remember, report_day, window};

pub(super) async fn run(context: Context, command: Erp) -> Result<(), Failure> {
    let Erp::Sync { line, date, wait } = command;
    let Some(settings) = &context.profile.erp else {
        return Err(Failure::new(
            Exit::Configuration,
            format!(
                "profile `{0}` has no ERP; add [profiles.{0}.erp] with its url and key",
                context.profile.name
            ),
        ));
    };
    let bounds = window(date, &context.profile.day_zone).filter(|(start, _)| *start <= context.now);
    let Some((_, end)) = bounds else {
        return Err(Failure::new(Exit::Usage, format!("--date {date}: that day has not begun")));
    };
    let complete = end <= context.now;
    if !complete {
        context.out.note(&format!(
            "{line} {date}: the day is not over: readings are missing; run it later again, which sends a correction"
        ));
    }
    let ground = ground(&context).await?;
    let monitor = ground.monitor_for(settings.monitor_key.as_ref()).await?;
    let mut outcome = report_day(&ground, &monitor, &line, date).await?;
    if let Some(gaps) = outcome.gaps() {
        context
            .out
            .note(&format!("{line} {date}: {gaps}: not in the sums, and not taken as zero"));
    }
    let mut exit = Exit::Done;
    if let Dispatch::Row(row) = &outcome.dispatch {
        let row = match wait.limit() {
            Some(limit) => {
                let rows = deliver(&context, context.clients().await?, context.outbox().await?, &[row.id], limit).await?;
                rows.into_iter().next().unwrap_or_else(|| row.clone())
            }
            None => row.clone(),
        };
        if row.state == IntentState::Delivered {
            remember(&ground, &line, date, (outcome.revision, &outcome.report))?;
        }
        exit = exit_of_all(std::slice::from_ref(&row), wait.limit().is_some());
        outcome.dispatch = Dispatch::Row(row);
    }
    tell(&context, &outcome, complete)?;
    Failure::unless_done(exit)
}

fn tell(context: &Context, outcome: &DayOutcome, complete: bool) -> Result<(), Failure> {
    let mut members = match &outcome.dispatch {
        Dispatch::Row(row) => answer(row)?,
        Dispatch::Unchanged => outcome.report.body.clone(),
    };
    if outcome.dispatch == Dispatch::Unchanged {
        members.insert("state".into(), "unchanged".into());
    }
    if !complete {
        members.insert("complete".into(), false.into());
    }
    members.insert("revision".into(), outcome.revision.into());
    members.insert("readings".into(), outcome.report.readings.into());
    members.insert("unreadable".into(), outcome.unreadable.into());
    let tallies: serde_json::Map<String, Value> = METRICS
        .iter()
        .zip(&outcome.report.tallies)
        .map(|(metric, tally)| Ok(((*metric).to_owned(), json::value(tally)?)))
        .collect::<Result<_, Failure>>()?;
    members.insert("tallies".into(), Value::Object(tallies));
    context.out.object(&Value::Object(members), || {
        let metrics = outcome.report.body.get("metrics").map(ToString::to_string).unwrap_or_default();
        let line = outcome
            .report
            .body
            .get("production_line")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let date = outcome.report.body.get("date").and_then(Value::as_str).unwrap_or_default();
        let what = if outcome.revision == 0 {
            "report".to_owned()
        } else {
            format!("correction {}", outcome.revision)
        };
        let state = match &outcome.dispatch {
            Dispatch::Unchanged => format!("unchanged, {what} stands"),
            Dispatch::Row(row) => {
                let words = words(row);
                let colon = if words.is_empty() { "" } else { ": " };
                format!("{what} {}, outbox {}{colon}{words}", row.state, row.id)
            }
        };
        format!("{} {date}: {metrics}\n{state}\n", SafeText::new(line).shown())
    })
}
