//! The wire of the systems around the plant.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use super::Answer;
use super::call::{Call, Shared, lock};
use crate::simulator::world::{Message, Refusal};

/// Refuses what does not carry the ERP's bearer token.
pub(super) fn admit_erp(shared: &Shared, call: &Call) -> Result<&'static str, Refusal> {
    let given = call.header("authorization").unwrap_or_default();
    if given.strip_prefix("Bearer ") == Some(shared.keys.erp.as_str()) {
        Ok("erp-key")
    } else {
        Err(Refusal::new(401, "unauthorized", "the ERP does not know this token"))
    }
}

/// Refuses what does not carry the incident table's user and password.
pub(super) fn admit_incidents(shared: &Shared, call: &Call) -> Result<&'static str, Refusal> {
    let given = call.header("authorization").unwrap_or_default();
    if given.strip_prefix("Basic ") == Some(shared.keys.incidents.as_str()) {
        Ok("basic")
    } else {
        Err(Refusal::new(401, "unauthorized", "User Not Authenticated"))
    }
}

pub(super) fn put_report(shared: &Shared, call: &Call) -> Result<Answer, Refusal> {
    let report = Value::Object(call.object()?);
    let is_new = lock(&shared.world).take_report(call.param("line"), call.param("date"), report, call.now)?;
    Ok(Answer::empty(if is_new { 201 } else { 204 }))
}

pub(super) fn post_report(shared: &Shared, call: &Call) -> Result<Answer, Refusal> {
    let report = Value::Object(call.object()?);
    let text = |name: &str| report.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (line, date) = (text("production_line"), text("date"));
    let is_new = lock(&shared.world).take_report(&line, &date, report, call.now)?;
    let answer = json!({ "accepted": true, "production_line": line, "date": date });
    Ok(Answer::json(if is_new { 201 } else { 200 }, &answer))
}

pub(super) fn create_incident(shared: &Shared, call: &Call) -> Result<Answer, Refusal> {
    let incident = lock(&shared.world).create_incident(call.object()?, call.now)?;
    Ok(Answer::json(201, &json!({ "result": incident })))
}

pub(super) fn find_incidents(shared: &Shared, call: &Call) -> Result<Answer, Refusal> {
    let query = call.query("sysparm_query").unwrap_or_default();
    let wanted: Vec<(String, String)> = query
        .split('^')
        .filter_map(|part| part.split_once('='))
        .map(|(field, value)| (field.to_owned(), value.to_owned()))
        .collect();
    let limit = call.number("sysparm_limit", 10_000, 1)?;
    let fields: Option<Vec<&str>> = call.query("sysparm_fields").map(|fields| fields.split(',').collect());
    let found = lock(&shared.world).incidents(&wanted);
    let shown = |mut incident: serde_json::Map<String, Value>| {
        if let Some(fields) = &fields {
            incident.retain(|name, _| fields.contains(&name.as_str()));
        }
        Value::Object(incident)
    };
    let result: Vec<Value> = found.into_iter().take(limit).map(shown).collect();
    Ok(Answer::json(200, &json!({ "result": result })))
}

/// A receiver. It knows a repeat by its `webhook-id`; where a signature stands there it must be right; the one called `slack`
/// wants a text and answers as that service does.
pub(super) fn receive(shared: &Shared, call: &Call) -> Result<Answer, Refusal> {
    let body = Value::Object(call.object()?);
    if let Some(given) = call.header("webhook-signature") {
        let signed = [
            call.header("webhook-id").unwrap_or_default().as_bytes(),
            call.header("webhook-timestamp").unwrap_or_default().as_bytes(),
            &call.body,
        ]
        .join(&b'.');
        if given != signature(&shared.keys.webhook, &signed) {
            return Err(Refusal::new(401, "unauthorized", "the signature is wrong"));
        }
    }
    let sink = call.param("sink").to_owned();
    let is_slack = sink == "slack";
    if is_slack && !body.get("text").is_some_and(Value::is_string) {
        return Err(Refusal::bad("no_text"));
    }
    let message = Message {
        sink,
        id: call.header("webhook-id").map(str::to_owned),
        body,
    };
    lock(&shared.world).take_message(message, call.now);
    if is_slack {
        return Ok(Answer {
            status: 200,
            headers: vec![("content-type", "text/html".into())],
            body: "ok".into(),
        });
    }
    Ok(Answer::json(200, &json!({ "received": true })))
}

fn signature(secret: &str, signed: &[u8]) -> String {
    let key = STANDARD.decode(secret.trim_start_matches("whsec_")).unwrap_or_default();
    Hmac::<Sha256>::new_from_slice(&key).map_or_else(
        |_| String::new(),
        |mut mac| {
            mac.update(signed);
            format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
        },
    )
}
