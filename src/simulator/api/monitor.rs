//! Monitor's devices and alerts.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::call::{Call, Shared, lock};
use super::{Answer, Operation};
use crate::simulator::authority::secret;
use crate::simulator::plant::mix;
use crate::simulator::world::{Acknowledgement, AlertFilter, AlertRecord, DeviceFilter, NewDevice, Refusal, Resolution, World};

fn page(shared: &Shared, call: &Call, default: usize) -> Result<(usize, usize), Refusal> {
    let limit = call.number("limit", default, 1)?.min(shared.config.page_max);
    Ok((call.number("offset", 0, 0)?, limit))
}

fn envelope(shared: &Shared, results: &[Value], total: usize) -> Value {
    let mut body = json!({ "results": results });
    if let (true, Some(members)) = (shared.config.total_count, body.as_object_mut()) {
        members.insert("totalCount".into(), json!(total));
    }
    body
}

pub(super) fn list_devices(shared: &Shared, call: &Call) -> Result<Answer, Refusal> {
    let kind = match call.operation {
        Operation::ListDevices => Some(World::kind(call.param("deviceType"))?),
        _ => None,
    };
    let filter = DeviceFilter::parse(call.query("filter").unwrap_or_default())?;
    let (results, total) = lock(&shared.world).devices(kind, &filter, page(shared, call, 100)?, call.now);
    Ok(Answer::json(200, &envelope(shared, &results, total)))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewDeviceBody {
    device_id: String,
    auth_token: Option<String>,
    #[serde(default)]
    device_info: Map<String, Value>,
    #[serde(default)]
    metadata: Map<String, Value>,
}

/// A body as a type, and as it came for the ledger.
fn read<T: for<'de> Deserialize<'de>>(call: &Call) -> Result<(T, Value), Refusal> {
    let whole = Value::Object(call.object()?);
    let read = serde_json::from_value(whole.clone()).map_err(|error| Refusal::bad(format!("the body does not fit: {error}")))?;
    Ok((read, whole))
}

pub(super) fn create_device(shared: &Shared, call: &Call) -> Result<Answer, Refusal> {
    let kind = World::kind(call.param("deviceType"))?;
    let (given, mut body): (NewDeviceBody, Value) = read(call)?;
    let id = given.device_id;
    if id.is_empty() || id.len() > 128 || id.chars().any(|char| char.is_control() || char == '/') {
        return Err(Refusal::bad(
            "deviceId must have 1 to 128 characters without a slash or control character",
        ));
    }
    if let Some(members) = body.as_object_mut() {
        members.remove("authToken"); // a secret: not even the ledger keeps it
    }
    let device = NewDevice {
        id,
        info: Value::Object(given.device_info),
        metadata: given.metadata,
    };
    let token = match given.auth_token {
        Some(token) if token != "auto-generate" => token,
        _ => secret(16).map_err(|error| Refusal::new(500, "server_error", error.to_string()))?,
    };
    let mut answer = lock(&shared.world).create_device(kind, device, ("", call.key), body, call.now)?;
    if let Some(members) = answer.as_object_mut() {
        members.insert("authToken".into(), json!(token));
    }
    Ok(Answer::json(201, &answer))
}

#[derive(Deserialize)]
struct MetadataBody {
    #[serde(default)]
    metadata: Map<String, Value>,
}

pub(super) fn update_metadata(shared: &Shared, call: &Call) -> Result<Answer, Refusal> {
    let kind = World::kind(call.param("deviceType"))?;
    let (given, body): (MetadataBody, Value) = read(call)?;
    let device = lock(&shared.world).update_metadata(kind, call.param("deviceId"), given.metadata, ("", call.key), body, call.now)?;
    Ok(Answer::json(200, &device))
}

pub(super) fn list_alerts(shared: &Shared, call: &Call) -> Result<Answer, Refusal> {
    let words = |name: &str| -> Vec<String> {
        let words = call.query(name).unwrap_or_default().split(',').map(|word| word.trim().to_owned());
        words.filter(|word| !word.is_empty()).collect()
    };
    let filter = AlertFilter {
        statuses: words("status"),
        severities: words("severity"),
        device: call.query("deviceId").map(str::to_owned),
    };
    let known = |words: &[String], known: &[&str]| words.iter().find(|word| !known.contains(&word.as_str())).cloned();
    if let Some(word) = known(&filter.statuses, &["new", "acknowledged", "resolved"]) {
        return Err(Refusal::bad(format!("there is no status {word:?}")));
    }
    if let Some(word) = known(&filter.severities, &["critical", "high", "medium", "low"]) {
        return Err(Refusal::bad(format!("there is no severity {word:?}")));
    }
    let (offset, limit) = page(shared, call, 50)?;
    let world = lock(&shared.world);
    let total = world.alerts(&filter).count();
    let results: Vec<Value> = world.alerts(&filter).skip(offset).take(limit).map(|alert| json!(alert)).collect();
    drop(world);
    let answer = Answer::json(200, &envelope(shared, &results, total));
    if !shared.config.etag {
        return Ok(answer);
    }
    let tag = format!(
        "\"{:016x}\"",
        answer.body.iter().fold(0, |state, byte| mix(&[state, u64::from(*byte)]))
    );
    if call
        .header("if-none-match")
        .is_some_and(|seen| seen.split(',').any(|seen| seen.trim() == tag))
    {
        return Ok(Answer::empty(304).with_header("etag", tag));
    }
    Ok(answer.with_header("etag", tag))
}

pub(super) fn get_alert(shared: &Shared, call: &Call) -> Result<Answer, Refusal> {
    let world = lock(&shared.world);
    Ok(alert(world.alert(call.param("alertId"))?))
}

fn alert(alert: &AlertRecord) -> Answer {
    Answer::json(200, alert)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AcknowledgeBody {
    status: String,
    acknowledged_by: String,
    notes: Option<String>,
}

pub(super) fn acknowledge(shared: &Shared, call: &Call) -> Result<Answer, Refusal> {
    let (given, body): (AcknowledgeBody, Value) = read(call)?;
    if given.status != "acknowledged" {
        return Err(Refusal::bad(format!("status must be \"acknowledged\", not {:?}", given.status)));
    }
    if given.acknowledged_by.trim().is_empty() {
        return Err(Refusal::bad("acknowledgedBy is empty"));
    }
    let by = Acknowledgement {
        acknowledged_by: given.acknowledged_by,
        notes: given.notes,
    };
    let record = lock(&shared.world).acknowledge(call.param("alertId"), by, call.key, body, call.now)?;
    Ok(alert(&record))
}

pub(super) fn resolve(shared: &Shared, call: &Call) -> Result<Answer, Refusal> {
    let (given, body): (Resolution, Value) = read(call)?;
    for (name, text) in [
        ("resolvedBy", &given.resolved_by),
        ("resolution", &given.resolution),
        ("rootCause", &given.root_cause),
    ] {
        if text.trim().is_empty() {
            return Err(Refusal::bad(format!("{name} is empty")));
        }
    }
    let record = lock(&shared.world).resolve(call.param("alertId"), given, call.key, body, call.now)?;
    Ok(alert(&record))
}
