//! Monitor's time series: one device's events, and the query over several.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Answer;
use super::call::{Call, Shared, lock};
use crate::simulator::plant::{Aggregation, DeviceRef, Episode, Granularity, Kind, Plant, Row, Rows};
use crate::simulator::world::{Refusal, World, timestamp};

/// A query over several devices that holds more rows is refused: cutting it in silence would leave holes.
const BULK_ROWS_MAX: usize = 100_000;
/// A row of buckets reads all samples below it; so many samples a call.
const SAMPLES_MAX: i64 = 20_000_000;

/// What is asked of the series, apart from the devices.
struct Ask {
    from: i64,
    to: i64,
    metrics: Vec<usize>,
    aggregation: Option<(Aggregation, Option<Granularity>)>,
}

fn instant(name: &str, text: &str) -> Result<Timestamp, Refusal> {
    text.parse()
        .map_err(|_| Refusal::bad(format!("{name} is not an RFC 3339 time: {text:?}")))
}

/// The seconds of [start, end): the first whole second at or after each, since samples fall on whole seconds. Nothing is known of the future.
fn window(start: Option<Timestamp>, end: Option<Timestamp>, now: Timestamp) -> Result<(i64, i64), Refusal> {
    let ceil = |at: Timestamp| at.as_second() + i64::from(at.subsec_nanosecond() > 0);
    let to = end.map_or(i64::MAX, ceil);
    let from = start.map_or_else(|| to.min(now.as_second()) - 3600, ceil);
    if from > to {
        return Err(Refusal::bad("start is after end"));
    }
    Ok((from, to.min(now.as_second() + 1)))
}

fn metrics_of(kind: &Kind, names: &[&str]) -> Result<Vec<usize>, Refusal> {
    if names.is_empty() || names == ["*"] {
        return Ok((0..kind.metrics.len()).collect());
    }
    let index = |name: &&str| {
        let found = kind.metrics.iter().position(|metric| metric.name == *name);
        found.ok_or_else(|| Refusal::bad(format!("{} has no metric {name:?}", kind.name)))
    };
    names.iter().map(index).collect()
}

fn aggregation_of(kind: Option<&str>, granularity: Option<&str>) -> Result<Option<(Aggregation, Option<Granularity>)>, Refusal> {
    let granularity = granularity
        .map(|word| Granularity::parse(word).ok_or_else(|| Refusal::bad(format!("there is no granularity {word:?}: take 1m, 15m, 1h, 1d"))))
        .transpose()?;
    match kind {
        None => Ok(granularity.map(|granularity| (Aggregation::Avg, Some(granularity)))),
        Some(word) => match Aggregation::parse(word) {
            Some(aggregation) => Ok(Some((aggregation, granularity))),
            None => Err(Refusal::bad(format!(
                "there is no aggregation {word:?}: take avg, min, max, sum, count, last"
            ))),
        },
    }
}

fn write(row: &Row, kind: &Kind, metrics: &[usize], device: Option<&str>) -> Value {
    let mut members = Map::new();
    if let Some(device) = device {
        members.insert("deviceId".into(), json!(device));
    }
    members.insert("timestamp".into(), json!(timestamp(row.at).to_string()));
    for (metric, value) in metrics.iter().zip(&row.values) {
        let name = kind.metrics.get(*metric).map_or("", |metric| metric.name);
        // counts are whole on the wire
        #[expect(clippy::cast_possible_truncation, reason = "whole and small, as just checked")]
        let value = match value {
            Some(whole) if whole.fract() == 0.0 && whole.abs() < 1e15 => json!(*whole as i64),
            other => json!(other),
        };
        members.insert(name.into(), value);
    }
    Value::Object(members)
}

/// The faults that touch the window.
fn episodes(world: &World, device: DeviceRef, ask: &Ask) -> Vec<Episode> {
    let mut episodes = world.episodes_of(device);
    episodes.retain(|episode| episode.onset < ask.to && episode.finish() > ask.from);
    episodes
}

fn rows(plant: &Plant, device: DeviceRef, ask: &Ask, episodes: &[Episode], limit: usize) -> Vec<Row> {
    Rows::new(plant, device, episodes, &ask.metrics, (ask.from, ask.to), ask.aggregation)
        .take(limit)
        .collect()
}

fn check_work(kind: &Kind, ask: &Ask, devices: usize) -> Result<(), Refusal> {
    let samples = (ask.to - ask.from).max(0) / kind.interval_s;
    if samples.saturating_mul(i64::try_from(devices).unwrap_or(i64::MAX)) > SAMPLES_MAX {
        return Err(Refusal::new(
            413,
            "too_large",
            "the window holds too many readings: ask for less at once",
        ));
    }
    Ok(())
}

pub(super) fn events(shared: &Shared, call: &Call) -> Result<Answer, Refusal> {
    let kind_index = World::kind(call.param("deviceType"))?;
    let id = call.param("deviceId");
    let world = lock(&shared.world);
    if !world.has_device(kind_index, id) {
        return Err(Refusal::not_found(&format!("device {id}")));
    }
    let plant = world.plant().clone();
    let device = plant.find(kind_index, id);
    let kind = DeviceRef {
        kind: kind_index,
        number: 1,
    }
    .kind()
    .ok_or_else(|| Refusal::not_found("device type"))?;
    let time = |name: &str| call.query(name).map(|text| instant(name, text)).transpose();
    let (from, to) = window(time("start")?, time("end")?, call.now)?;
    let names: Vec<&str> = call
        .query("metrics")
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    let ask = Ask {
        from,
        to,
        metrics: metrics_of(kind, &names)?,
        aggregation: aggregation_of(call.query("aggregation"), call.query("granularity"))?,
    };
    let limit = call.number("limit", 1000, 1)?;
    if ask.aggregation.is_some() {
        check_work(kind, &ask, 1)?;
    }
    let data: Vec<Value> = match device {
        None => Vec::new(), // made by a call: it has not sent anything
        Some(device) => {
            let episodes = episodes(&world, device, &ask);
            drop(world);
            rows(&plant, device, &ask, &episodes, limit.min(BULK_ROWS_MAX))
                .iter()
                .map(|row| write(row, kind, &ask.metrics, None))
                .collect()
        }
    };
    let mut metadata = Map::new();
    metadata.insert("deviceId".into(), json!(id));
    metadata.insert("count".into(), json!(data.len()));
    for name in ["aggregation", "granularity"] {
        if let Some(word) = call.query(name) {
            metadata.insert(name.into(), json!(word));
        }
    }
    Ok(Answer::json(200, &json!({ "data": data, "metadata": metadata })))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BulkBody {
    device_type: String,
    devices: Vec<String>,
    metrics: Vec<String>,
    time_range: TimeRange,
    aggregation: Option<BulkAggregation>,
}

#[derive(Deserialize)]
struct TimeRange {
    start: String,
    end: String,
}

#[derive(Deserialize)]
struct BulkAggregation {
    #[serde(rename = "type")]
    kind: Option<String>,
    granularity: Option<String>,
}

pub(super) fn bulk(shared: &Shared, call: &Call) -> Result<Answer, Refusal> {
    let given: BulkBody = serde_json::from_slice(&call.body).map_err(|error| Refusal::bad(format!("the body does not fit: {error}")))?;
    let kind_index = World::kind(&given.device_type)?;
    let kind = DeviceRef {
        kind: kind_index,
        number: 1,
    }
    .kind()
    .ok_or_else(|| Refusal::not_found("device type"))?;
    let start = instant("timeRange.start", &given.time_range.start)?;
    let end = instant("timeRange.end", &given.time_range.end)?;
    let (from, to) = window(Some(start), Some(end), call.now)?;
    let names: Vec<&str> = given.metrics.iter().map(String::as_str).collect();
    let (asked_for, granularity) = given
        .aggregation
        .as_ref()
        .map_or((None, None), |asked| (asked.kind.as_deref(), asked.granularity.as_deref()));
    let ask = Ask {
        from,
        to,
        metrics: metrics_of(kind, &names)?,
        aggregation: aggregation_of(asked_for, granularity)?,
    };
    let world = lock(&shared.world);
    let plant = world.plant().clone();
    let devices: Vec<DeviceRef> = if given.devices == ["*"] {
        plant.of_kind(kind_index).collect()
    } else {
        given.devices.iter().filter_map(|id| plant.find(kind_index, id)).collect()
    };
    let unknown: Vec<&String> = given
        .devices
        .iter()
        .filter(|id| *id != "*" && !world.has_device(kind_index, id))
        .collect();
    check_work(kind, &ask, devices.len())?;
    let asked: Vec<(DeviceRef, Vec<Episode>)> = devices.into_iter().map(|device| (device, episodes(&world, device, &ask))).collect();
    drop(world);
    let mut data = Vec::new();
    for (device, episodes) in asked {
        let id = device.id();
        let room = BULK_ROWS_MAX + 1 - data.len();
        data.extend(
            rows(&plant, device, &ask, &episodes, room)
                .iter()
                .map(|row| write(row, kind, &ask.metrics, Some(&id))),
        );
        if data.len() > BULK_ROWS_MAX {
            return Err(Refusal::new(
                413,
                "too_large",
                format!("more than {BULK_ROWS_MAX} rows: ask for fewer devices or less time"),
            ));
        }
    }
    let metadata = json!({ "count": data.len(), "unknownDevices": unknown });
    Ok(Answer::json(200, &json!({ "data": data, "metadata": metadata })))
}
