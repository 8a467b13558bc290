use std::time::Duration;

use serde_json::json;

use super::*;
use crate::config::ProblemKind;
use crate::domain::{MetricValue, Severity};

fn look_up(name: &str) -> Result<SecretString, String> {
    match name {
        "SERVICENOW_AUTH" => Ok("dXNlcjpwYXNz".into()),
        "SLACK_PATH" => Ok("T0/B0/x".into()),
        "RECEIVER_SIGNING_SECRET" => Ok("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into()),
        "TWO_LINES" => Ok("a\r\nX-Evil: 1".into()),
        _ => named_secret(name, &Env::of(&[]), Path::new("/nowhere")),
    }
}

fn parse(text: &str) -> Result<Definition, String> {
    Definition::parse(text, Path::new("hook.json"), &look_up).map_err(|error| error.to_string())
}

fn alert() -> Alert {
    Alert {
        value: Some(MetricValue::Number(90.5)),
        ..Alert::raised(
            "a-1".into(),
            "Bearing \"hot\"\n\u{1b}[2J".into(),
            "PUMP-1".into(),
            Severity::Critical,
            "2026-02-19T02:00:00Z".parse().unwrap(),
        )
    }
}

#[test]
fn the_missions_file_loads_as_it_stands() {
    let (_, text) = TEMPLATES[0];
    let hook = parse(text).unwrap();
    assert_eq!(hook.name, "Alert to ServiceNow");
    assert_eq!(hook.origin(), "https://instance.service-now.example");
    assert_eq!(hook.headers["authorization"], "Basic dXNlcjpwYXNz");
    assert_eq!(hook.trigger.severities, [Severity::Critical, Severity::High]);
    let waits: Vec<_> = (1..=4).map(|attempts| hook.retry.after(attempts)).collect();
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    assert_eq!(waits, [seconds(5), seconds(30), None, None], "three tries in all");
    let Intent::CallWebhook { payload, message, .. } = hook.message("BEDFORD", &alert()) else {
        unreachable!()
    };
    assert_eq!(
        payload,
        json!({
            "short_description": "Bearing \"hot\"\n\u{1b}[2J", "description": "Device: PUMP-1\nValue: 90.5", "urgency": "1",
            "category": "IoT", "assignment_group": "IoT Support", "correlation_id": message,
        })
    );
    assert!(message.starts_with("msg_") && message.len() == 36, "{message}");
    assert_eq!(hook.message("BEDFORD", &alert()), hook.message("BEDFORD", &alert()));
    assert_ne!(hook.message("BEDFORD", &alert()).object(), hook.message("LEEDS", &alert()).object());
    assert!(!format!("{hook:?}").contains("dXNlcjpwYXNz"));
}

#[test]
fn all_templates_load() {
    for (name, text) in TEMPLATES {
        let hook = parse(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(hook.correlates, name == "servicenow", "{name}");
        assert_eq!(hook.signing.is_some(), name == "generic", "{name}");
    }
    let slack = parse(TEMPLATES[1].1).unwrap();
    assert_eq!(slack.url.path(), "/services/T0/B0/x");
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    let (_, good) = TEMPLATES[0];
    for (from, to, wanted) in [
        (
            "${alertName}",
            "${alertNme}",
            "hook.json:12: webhook.payload.short_description: `${alertNme}` is no member of an alert; did you mean `${alertName}`?",
        ),
        (
            "${value}",
            "${value",
            "hook.json:13: webhook.payload.description: has a `${` without `}`",
        ),
        (
            "https://instance",
            "http://instance",
            "hook.json:4: webhook.url: `http://` is refused",
        ),
        (
            "https://instance",
            "https://user:pw@instance",
            "hook.json:4: webhook.url: holds a user name",
        ),
        (
            "https://instance.service-now.example",
            "instance",
            "hook.json:4: webhook.url: is not an https address",
        ),
        (
            "${SERVICENOW_AUTH}",
            "${SERVICENOW_KEY}",
            "hook.json:7: webhook.headers.Authorization: ${SERVICENOW_KEY} is neither in the environment",
        ),
        (
            "${SERVICENOW_AUTH}",
            "${TWO_LINES}",
            "hook.json:7: webhook.headers.Authorization: holds, after filling in, a line break",
        ),
        (
            "Basic $",
            "Basic\\r\\nX: 1 $",
            "hook.json:7: webhook.headers.Authorization: holds a line break",
        ),
        (
            "\"Authorization\"",
            "\"Autho rization\"",
            "hook.json:7: webhook.headers.Autho rization: is not a header's name",
        ),
        (
            "\"Content-Type\"",
            "\"Host\"",
            "hook.json:8: webhook.headers.Host: is set by nightdesk",
        ),
        (
            "\"method\"",
            "\"metod\"",
            "hook.json:5: webhook.metod: is unknown; did you mean `method`?",
        ),
        ("\"POST\"", "\"GET\"", "hook.json:5: webhook.method: is none of"),
        (
            "\"alert\"",
            "\"reading\"",
            "hook.json:10: webhook.trigger.type: `reading` is unknown",
        ),
        ("\"high\"", "\"hihg\"", "hook.json:10: webhook.trigger.severity: `hihg` is none of"),
        (
            "\"maxAttempts\": 3",
            "\"maxAttempts\": 0",
            "hook.json:18: webhook.retry.maxAttempts: is not a whole number",
        ),
        ("[5, 30, 120]", "[5, -1]", "hook.json:18: webhook.retry.backoffSeconds"),
        (
            "\"category\": \"IoT\"",
            "\"urgency\": \"1\"",
            "hook.json:15: webhook.payload.urgency: stands twice",
        ),
        (
            "\"name\": \"Alert to ServiceNow\"",
            "\"name\": 3",
            "hook.json:3: webhook.name: is not a text",
        ),
        ("\"category\": \"IoT\",", "\"category\": \"IoT\"", "hook.json:16: "),
        ("{\n  \"webhook\"", "[\n  \"webhook\"", "hook.json:2: "),
    ] {
        assert!(good.contains(from), "{from}");
        let error = parse(&good.replacen(from, to, 1)).unwrap_err();
        assert!(error.contains(wanted), "{from} -> {to}\n  {error}\n  {wanted}");
    }
    let clear = good.replacen("\"retry\"", "\"signingSecret\": \"abc\",\n \"retry\"", 1);
    assert!(
        parse(&clear)
            .unwrap_err()
            .contains("hook.json:18: webhook.signingSecret: stands in clear text")
    );
    for nothing in ["", "[]", "{}", "null", "\"x\""] {
        parse(nothing).unwrap_err();
    }
}

#[test]
fn an_address_without_tls_is_told_apart_for_the_exit_code() {
    let text = TEMPLATES[0].1.replacen("https://", "http://", 1);
    let error = Definition::parse(&text, Path::new("x"), &look_up).unwrap_err();
    assert!(error.is_insecure());
    let ConfigError::Invalid { problems, .. } = error else {
        unreachable!()
    };
    assert_eq!(problems[0].kind, ProblemKind::Insecure);
}
