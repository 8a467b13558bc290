//! `nightdesk webhooks`: check, template, test, deliveries, replay.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::context::Context;
use super::delivery::{self, deliver, tell_one};
use super::ground::{courier, ground};
use super::output::{Output, lines, write_out};
use super::rows::{self, About};
use super::{Exit, Failure};
use crate::cli::{DeliveriesArgs, Webhooks};
use crate::config::Env;
use crate::domain::{Alert, Intent, IntentState, Listing, MetricValue, OutboxId, OutboxRow, SafeText, Severity};
use crate::integration::webhook::{Definition, TEMPLATES, read};
use crate::outbox::{RowFilter, Submission};

/// What needs no configuration.
pub(super) fn without_profile(command: &Webhooks, out: Output) -> Option<Result<(), Failure>> {
    match command {
        Webhooks::Check { file } => Some(check(file, out)),
        Webhooks::Template { name } => {
            let text = TEMPLATES.iter().find(|(known, _)| known == name).map(|(_, text)| *text);
            Some(text.map_or_else(
                || Err(Failure::new(Exit::Usage, format!("there is no template `{name}`"))),
                write_out,
            ))
        }
        Webhooks::Test { .. } | Webhooks::Deliveries(_) | Webhooks::Replay { .. } => None,
    }
}

pub(super) async fn run(context: Context, command: Webhooks) -> Result<(), Failure> {
    match command {
        Webhooks::Test { name, timeout } => test(&context, &name, timeout).await,
        Webhooks::Deliveries(arguments) => deliveries(&context, &arguments).await,
        Webhooks::Replay { id, wait } => replay(&context, OutboxId(id), wait.limit()).await,
        Webhooks::Check { .. } | Webhooks::Template { .. } => Ok(()), // done before
    }
}

/// An alert that never was.
fn invented(now: Timestamp) -> Alert {
    Alert {
        device_type: Some("Test".into()),
        metric: Some("test".into()),
        value: Some(MetricValue::Number(42.5)),
        threshold: Some(40.0),
        message: Some("Sent by `nightdesk webhooks test`".into()),
        ..Alert::raised(
            format!("test-{}", now.as_millisecond()).as_str().into(),
            "Test of the webhook (no real alert)".into(),
            "TEST-000".into(),
            Severity::Low,
            now,
        )
    }
}

fn check(file: &Path, out: Output) -> Result<(), Failure> {
    let definition = read(file, &Env::process())?;
    let Intent::CallWebhook { payload, .. } = definition.message("SITE", &invented(Timestamp::now())) else {
        return Err(Failure::new(Exit::Bug, "a definition makes no message"));
    };
    let severities: Vec<&str> = definition.trigger.severities.iter().map(Severity::shown).collect();
    let waits: Vec<f64> = definition.retry.backoff.iter().map(Duration::as_secs_f64).collect();
    let document = json!({
        "name": definition.name,
        "origin": definition.origin(),
        "severity": severities,
        "maxAttempts": definition.retry.max_attempts,
        "backoffSeconds": waits,
        "signed": definition.is_signed(),
        "correlationId": definition.correlates(),
        "example": payload,
    });
    out.object(&document, || {
        let listed = |words: &[&str]| if words.is_empty() { "all".to_owned() } else { words.join(", ") };
        let text = lines(&[
            ("name", Some(SafeText::new(definition.name.as_str()).shown().to_owned())),
            ("goes to", Some(definition.origin())),
            ("severities", Some(listed(&severities))),
            ("tries", Some(tries(definition.retry.max_attempts, &waits))),
            (
                "signature",
                Some(if definition.is_signed() { "Standard Webhooks" } else { "none" }.to_owned()),
            ),
            (
                "looked up",
                definition.correlates().then(|| "by correlation_id before each try".to_owned()),
            ),
        ]);
        format!("{text}example\n{payload:#}\n")
    })
}

/// How often, and what lies between.
fn tries(most: u32, waits: &[f64]) -> String {
    let between = usize::try_from(most.saturating_sub(1)).unwrap_or(usize::MAX);
    let used: Vec<String> = waits.iter().take(between).map(|wait| format!("{wait} s")).collect();
    let Some((last, before)) = used.split_last() else {
        return most.to_string();
    };
    let mut text = if before.is_empty() {
        format!("{most}, wait {last} between them")
    } else {
        format!("{most}, waits {} and {last} between them", before.join(", "))
    };
    if between > used.len() && used.len() > 1 {
        text.push_str(", the last again and again");
    }
    let never = waits.len() - used.len();
    if never > 0 {
        text = format!("{text} ({never} more of backoffSeconds never used)");
    }
    text
}

async fn test(context: &Context, name: &str, timeout: Duration) -> Result<(), Failure> {
    let ground = ground(context).await?;
    let courier = courier(&ground).await?;
    let hooks = courier.hooks();
    let Some((hooks, definition)) = hooks.and_then(|hooks| Some((hooks, hooks.get(name)?))) else {
        let known: Vec<&str> = hooks
            .iter()
            .flat_map(|hooks| hooks.definitions())
            .map(|known| known.name.as_str())
            .collect();
        let known = if known.is_empty() {
            "it names none".to_owned()
        } else {
            format!("there is {}", known.join(", "))
        };
        return Err(Failure::new(
            Exit::Usage,
            format!(
                "no file of [bridge].outbound has a webhook `{}`; {known}",
                SafeText::new(name).shown()
            ),
        ));
    };
    if let Some(words) = hooks.off(name) {
        context.out.note(&format!("{name} is {}", words.shown()));
        hooks.switch_on(name)?; // a 410 switches it off again
    }
    let submission = submission(context, definition, definition.message("test", &invented(context.now)));
    let outbox = context.outbox().await?;
    let row = outbox.submit(submission).await?;
    let rows = deliver(context, context.clients().await?, outbox, &[row.id], timeout).await?;
    let mut row = rows.into_iter().next().unwrap_or(row);
    if row.state != IntentState::Queued {
        return tell_one(context, &row, true);
    }
    // a test says how it is now; it does not go on trying for hours
    let words = row.detail.clone();
    row = outbox.cancel(row.id).await?;
    row.detail = words.or(row.detail);
    tell_one(context, &row, false)?;
    Err(Failure::new(
        Exit::Server,
        format!(
            "{} took nothing in time: the test message was taken back",
            SafeText::new(name).shown()
        ),
    ))
}

fn submission(context: &Context, definition: &Definition, intent: Intent) -> Submission {
    Submission {
        target: definition.target(&context.profile.name),
        intent,
        grace: Duration::ZERO,
    }
}

async fn deliveries(context: &Context, arguments: &DeliveriesArgs) -> Result<(), Failure> {
    let filter = RowFilter {
        newest_first: true,
        profile: Some(context.profile.name.clone()),
        ..RowFilter::of(arguments.state.map(super::outbox::state_of))
    };
    let rows = context.outbox().await?.list(filter).await?;
    let is_webhook = |row: &OutboxRow| matches!(row.intent, Intent::CallWebhook { .. });
    let rows: Vec<OutboxRow> = rows.into_iter().filter(is_webhook).take(arguments.limit).collect();
    let items = rows
        .iter()
        .map(|row| {
            let mut members = delivery::answer(row)?;
            members.insert("createdAt".into(), row.created_at.to_string().into());
            if row.state.is_open() {
                members.insert("nextTry".into(), row.not_before.to_string().into());
            }
            Ok(members)
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    context
        .out
        .list(&Listing::whole(items, context.now), |_| rows::table(context, &rows, &ABOUT))
}

/// What a message is about.
const ABOUT: [About; 3] = [
    ("webhook", |row| match &row.intent {
        Intent::CallWebhook { webhook, .. } => webhook.as_str().into(),
        _ => "".into(),
    }),
    ("alertId", |row| match &row.intent {
        Intent::CallWebhook { alert: Some(alert), .. } => alert.shown().into(),
        _ => "".into(),
    }),
    ("state", |row| row.state.as_str().into()),
];

async fn replay(context: &Context, id: OutboxId, limit: Option<Duration>) -> Result<(), Failure> {
    let outbox = context.outbox().await?;
    let row = outbox.row(id).await?;
    let Intent::CallWebhook { webhook, .. } = &row.intent else {
        return Err(Failure::new(
            Exit::Usage,
            if row.state == IntentState::Parked {
                format!("row {id} is no webhook message; `nightdesk outbox retry {id}` sends it again")
            } else {
                format!("row {id} is no webhook message, and {}: there is nothing to send again", row.state)
            },
        ));
    };
    if row.state != IntentState::Parked {
        let rule = if row.state.is_open() {
            "it is still being tried"
        } else {
            "only a dead letter is sent again"
        };
        return Err(Failure::new(Exit::Refused, format!("row {id} is {}: {rule}", row.state)));
    }
    let ground = ground(context).await?;
    let courier = courier(&ground).await?;
    let Some(definition) = courier.hooks().and_then(|hooks| hooks.get(webhook)) else {
        return Err(Failure::new(
            Exit::Configuration,
            format!(
                "no file of [bridge].outbound has a webhook `{}` any more",
                SafeText::new(webhook.as_str()).shown()
            ),
        ));
    };
    // a row of its own, with all its tries, to where the webhook now is; the message keeps its id
    let row = outbox.replace(id, submission(context, definition, row.intent.clone())).await?;
    let row = match limit {
        Some(limit) => {
            let rows = deliver(context, context.clients().await?, outbox, &[row.id], limit).await?;
            rows.into_iter().next().unwrap_or(row)
        }
        None => row,
    };
    tell_one(context, &row, limit.is_some())
}

#[cfg(test)]
mod tests {
    use super::tries;

    #[test]
    fn there_is_one_wait_less_than_tries() {
        let waits = [5.0, 30.0, 120.0];
        assert_eq!(tries(1, &[]), "1");
        assert_eq!(
            tries(3, &waits),
            "3, waits 5 s and 30 s between them (1 more of backoffSeconds never used)"
        );
        assert_eq!(tries(4, &waits), "4, waits 5 s, 30 s and 120 s between them");
        assert_eq!(tries(3, &[0.5]), "3, wait 0.5 s between them");
    }
}
