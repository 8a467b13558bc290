//! Monitor: devices, readings, alerts.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::paging::{Progress, sweep};
use super::transport::{Answer, Call, Transport};
use super::wire::{self, Records};
use super::{Endpoint, Error, ErrorKind, Telemetry};
use crate::domain::{
    Alert, AlertId, AlertState, Device, DeviceId, DeviceKey, DeviceStatus, DeviceType, Listing, Reading, SafeText, Severity,
};

/// Rows asked for per page of a time series (contract: `queryEvents`).
const EVENTS_LIMIT: usize = 1_000;
/// The most rows that one time series may have; more are refused with a sentence, since they would not fit in memory.
const EVENTS_MAX: usize = 2_000_000;

/// A client of Monitor; cheap to clone.
#[derive(Clone)]
pub struct MonitorClient {
    transport: Transport,
}

/// Which devices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceQuery {
    /// The types; empty asks across all (`/v1/devices`).
    pub types: Vec<DeviceType>,
    /// Only these (`status:online`).
    pub status: Option<DeviceStatus>,
    /// Only at this `metadata.location`.
    pub location: Option<String>,
}

/// Which alerts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertQuery {
    /// States; empty means all.
    pub states: Vec<AlertState>,
    /// Severities; empty means all.
    pub severities: Vec<Severity>,
    /// Only of this device.
    pub device: Option<DeviceId>,
}

/// How values of a window are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregation {
    /// The mean.
    Avg,
    /// The least.
    Min,
    /// The greatest.
    Max,
    /// The sum.
    Sum,
    /// How many.
    Count,
    /// The newest.
    Last,
}

impl Aggregation {
    /// Word and kind.
    pub const WORDS: [(&'static str, Self); 6] = [
        ("avg", Self::Avg),
        ("min", Self::Min),
        ("max", Self::Max),
        ("sum", Self::Sum),
        ("count", Self::Count),
        ("last", Self::Last),
    ];

    fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, kind)| *kind == self).map_or("avg", |(word, _)| word)
    }
}

/// A time series of one device.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadingQuery {
    /// The device.
    pub device: DeviceKey,
    /// From here on; `None` leaves it to the server.
    pub start: Option<Timestamp>,
    /// Up to here; `None` leaves it to the server.
    pub end: Option<Timestamp>,
    /// The metrics; empty means all.
    pub metrics: Vec<String>,
    /// Aggregation and granularity (`15m`), or the raw rows.
    pub aggregation: Option<(Aggregation, String)>,
}

/// Several devices of one type in one call.
#[derive(Clone, Debug, PartialEq)]
pub struct BulkQuery {
    /// The type.
    pub device_type: DeviceType,
    /// The devices.
    pub devices: Vec<DeviceId>,
    /// The metrics; empty means all.
    pub metrics: Vec<String>,
    /// From here on.
    pub start: Timestamp,
    /// Up to here.
    pub end: Timestamp,
    /// Aggregation and granularity (`15m`), or the raw rows.
    pub aggregation: Option<(Aggregation, String)>,
}

/// A device to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct NewDevice {
    /// Type and id.
    pub key: DeviceKey,
    /// Serial number, manufacturer and the like.
    pub device_info: Map<String, Value>,
    /// Location and the like.
    pub metadata: Map<String, Value>,
}

/// A device that was made, with the token that the server shows this once.
pub struct CreatedDevice {
    /// The device.
    pub device: Device,
    /// Its token; to be shown once and stored nowhere.
    pub auth_token: Option<secrecy::SecretString>,
}

impl MonitorClient {
    /// A client for one endpoint. Refuses addresses that are not `https`.
    pub fn new(endpoint: Endpoint, telemetry: Telemetry) -> Result<Self, Error> {
        Ok(Self {
            transport: Transport::new(endpoint, telemetry)?,
        })
    }

    /// The same client for a person who waits: its reads pass before background ones.
    #[must_use]
    pub fn interactive(&self) -> Self {
        Self {
            transport: self.transport.interactive(),
        }
    }

    /// The endpoint that it talks to.
    pub fn endpoint(&self) -> &Endpoint {
        self.transport.endpoint()
    }

    /// Whether calls are held back after repeated failures.
    pub fn is_resting(&self) -> bool {
        self.transport.is_resting()
    }

    /// How long the OAuth token is good for, if there is one.
    pub async fn token_remaining(&self) -> Option<Duration> {
        self.transport.token_remaining().await
    }

    /// All devices of the query, every identity once.
    pub async fn list_devices(&self, query: &DeviceQuery, progress: Progress<'_>) -> Result<Listing<Device>, Error> {
        let mut whole: Option<Listing<Device>> = None;
        let types: Vec<Option<&DeviceType>> = if query.types.is_empty() {
            vec![None]
        } else {
            query.types.iter().map(Some).collect()
        };
        let (mut before, mut before_total) = (0, Some(0));
        for device_type in types {
            let report = |loaded: usize, total: Option<usize>| {
                progress(before + loaded, total.and_then(|total| Some(total + before_total?)));
            };
            let part = self.devices_of(device_type, query, &report).await?;
            before += part.items.len();
            before_total = before_total.map(|total| total + part.items.len());
            match &mut whole {
                None => whole = Some(part),
                Some(whole) => {
                    whole.items.extend(part.items);
                    whole.skipped += part.skipped;
                    whole.problems.extend(part.problems);
                    whole.complete &= part.complete;
                }
            }
        }
        Ok(whole.unwrap_or_else(|| Listing::whole(Vec::new(), Timestamp::now())))
    }

    async fn devices_of(
        &self,
        device_type: Option<&DeviceType>,
        query: &DeviceQuery,
        progress: Progress<'_>,
    ) -> Result<Listing<Device>, Error> {
        let mut filter = Vec::new();
        if let Some(status) = &query.status {
            filter.push(format!("status:{}", status.shown()));
        }
        if let Some(location) = &query.location {
            filter.push(format!("metadata.location:{location}"));
        }
        let filter = filter.join(",");
        let fetch = |offset: usize, limit: usize| {
            let mut call = match device_type {
                Some(device_type) => devices_call("listDevices", Method::GET, device_type, &[]).object(device_type.raw()),
                None => Call::new("listDevicesFlat", Method::GET, ["v1", "devices"]),
            };
            call = call.query("limit", limit.to_string()).query("offset", offset.to_string());
            if !filter.is_empty() {
                call = call.query("filter", filter.clone());
            }
            async move { self.list(&call, &["results"], |members| wire::device(members, device_type)).await }
        };
        sweep(
            self.transport.endpoint().limits.page,
            self.transport.width(),
            fetch,
            Device::key,
            progress,
        )
        .await
    }

    /// All alerts of the query, every identity once.
    pub async fn alerts(&self, query: &AlertQuery) -> Result<Listing<Alert>, Error> {
        let states = join(query.states.iter().map(AlertState::shown));
        let severities = join(query.severities.iter().map(Severity::shown));
        let fetch = |offset: usize, limit: usize| {
            let mut call = Call::new("listAlerts", Method::GET, ["api", "v1", "alerts"]);
            for (name, value) in [("status", &states), ("severity", &severities)] {
                if !value.is_empty() {
                    call = call.query(name, value.clone());
                }
            }
            if let Some(device) = &query.device {
                call = call.query("deviceId", device.raw());
            }
            let call = call.query("limit", limit.to_string()).query("offset", offset.to_string());
            async move { self.list(&call, &["results"], wire::alert).await }
        };
        sweep(
            self.transport.endpoint().limits.page,
            self.transport.width(),
            fetch,
            |alert: &Alert| alert.id.clone(),
            &|_, _| {},
        )
        .await
    }

    /// One alert.
    pub async fn alert(&self, id: &AlertId) -> Result<Alert, Error> {
        let call = alert_call("getAlert", Method::GET, id, &[]);
        let answer = self.transport.read(&call).await?;
        self.one(&call, &answer, wire::alert)
    }

    /// A time series, oldest first, however many pages it takes; no row is lost or doubled at a seam.
    pub async fn readings(&self, query: &ReadingQuery) -> Result<Vec<Reading>, Error> {
        let mut rows: Vec<Reading> = Vec::new();
        let mut limit = EVENTS_LIMIT;
        let mut start = query.start;
        loop {
            let mut call = devices_call(
                "queryEvents",
                Method::GET,
                &query.device.device_type,
                &[query.device.device_id.raw(), "events"],
            )
            .object(query.device.device_id.raw())
            .query("limit", limit.to_string());
            for (name, at) in [("start", start), ("end", query.end)] {
                if let Some(at) = at {
                    call = call.query(name, at.to_string());
                }
            }
            if !query.metrics.is_empty() {
                call = call.query("metrics", query.metrics.join(","));
            }
            if let Some((kind, granularity)) = &query.aggregation {
                call = call.query("aggregation", kind.word()).query("granularity", granularity.clone());
            }
            let records = self.list(&call, &["data", "results"], wire::reading).await?;
            let received = records.received;
            let mut page = records.items;
            page.sort_by_key(|row| row.timestamp);
            // the page begins at the last time that is known: as many rows of that time as are known come again
            if let Some(last) = rows.last().map(|row| row.timestamp) {
                let known = rows.iter().rev().take_while(|row| row.timestamp == last).count();
                let mut again = 0;
                page.retain(|row| {
                    let seen = row.timestamp < last || (row.timestamp == last && again < known);
                    again += usize::from(seen && row.timestamp == last);
                    !seen
                });
            }
            let fresh = page.len();
            rows.extend(page);
            if rows.len() > EVENTS_MAX {
                let words = format!("more than {EVENTS_MAX} rows; ask for a shorter window or a granularity");
                return Err(self.transport.error(&call, ErrorKind::Malformed, words));
            }
            if received == 0 || (fresh == 0 && received < limit) {
                return Ok(rows);
            }
            if fresh == 0 {
                limit *= 2; // a whole page of one time: only a longer page leads past it
            } else {
                start = rows.last().map(|row| row.timestamp);
            }
        }
    }

    /// Several devices and metrics in one call, each row with its device.
    pub async fn bulk(&self, query: &BulkQuery) -> Result<Vec<Reading>, Error> {
        let mut body = json!({
            "deviceType": query.device_type.raw(),
            "devices": query.devices.iter().map(DeviceId::raw).collect::<Vec<_>>(),
            "metrics": query.metrics,
            "timeRange": { "start": query.start.to_string(), "end": query.end.to_string() },
        });
        if let (Some((kind, granularity)), Some(body)) = (&query.aggregation, body.as_object_mut()) {
            body.insert("aggregation".into(), json!({ "type": kind.word(), "granularity": granularity }));
        }
        // a query is a read although it is a POST: repeating it changes nothing
        let call = Call::new("bulkQuery", Method::POST, ["api", "v1", "data", "query"])
            .object(query.device_type.raw())
            .body(body.to_string().into_bytes());
        Ok(self.list(&call, &["data", "results"], wire::reading).await?.items)
    }

    /// Makes a device; a single attempt. The token that the server shows this once comes back with it.
    pub async fn create_device(&self, new: &NewDevice) -> Result<CreatedDevice, Error> {
        let body = json!({
            "deviceId": new.key.device_id.raw(), "authToken": "auto-generate", "deviceInfo": new.device_info, "metadata": new.metadata,
        });
        let call = devices_call("createDevice", Method::POST, &new.key.device_type, &[])
            .object(new.key.device_id.raw())
            .body(body.to_string().into_bytes());
        let answer = self.transport.once(&call, 1).await?;
        let value = wire::json(&answer.body).map_err(|words| self.transport.error(&call, ErrorKind::Malformed, words))?;
        let auth_token = value.get("authToken").and_then(Value::as_str).map(secrecy::SecretString::from);
        let device = self.one(&call, &answer, |members| wire::device(members, Some(&new.key.device_type)))?;
        Ok(CreatedDevice { device, auth_token })
    }

    /// Merges keys into a device's metadata; a single attempt.
    pub async fn update_metadata(&self, device: &DeviceKey, metadata: &Map<String, Value>) -> Result<Device, Error> {
        self.put_metadata(device, json!({ "metadata": metadata }).to_string().into_bytes(), 1)
            .await
    }

    pub(super) async fn put_metadata(&self, device: &DeviceKey, body: Vec<u8>, attempt: u32) -> Result<Device, Error> {
        let call = devices_call("updateDeviceMetadata", Method::PUT, &device.device_type, &[device.device_id.raw()])
            .object(device.device_id.raw())
            .body(body);
        let answer = self.transport.once(&call, attempt).await?;
        self.one(&call, &answer, |members| wire::device(members, Some(&device.device_type)))
    }

    pub(super) async fn put_alert(&self, id: &AlertId, resolve: bool, body: Vec<u8>, attempt: u32) -> Result<Alert, Error> {
        let call = if resolve {
            alert_call("resolveAlert", Method::PUT, id, &["resolve"])
        } else {
            alert_call("acknowledgeAlert", Method::PUT, id, &[])
        };
        let call = call.body(body);
        let answer = self.transport.once(&call, attempt).await?;
        self.one(&call, &answer, wire::alert)
    }

    /// A time series of one device, or with `*` of all devices of a type; `metrics` empty means all.
    pub async fn get_device_data(
        &self,
        device_type: &str,
        device_id: &str,
        start: Timestamp,
        end: Timestamp,
        metrics: &[String],
    ) -> Result<Vec<Reading>, Error> {
        let device_type = DeviceType::new(device_type);
        if device_id == "*" {
            let query = DeviceQuery {
                types: vec![device_type.clone()],
                ..DeviceQuery::default()
            };
            let devices = self
                .list_devices(&query, &|_, _| {})
                .await?
                .items
                .into_iter()
                .map(|device| device.id)
                .collect();
            return self
                .bulk(&BulkQuery {
                    device_type,
                    devices,
                    metrics: metrics.to_vec(),
                    start,
                    end,
                    aggregation: None,
                })
                .await;
        }
        let device = DeviceKey::new(device_type, device_id);
        self.readings(&ReadingQuery {
            device,
            start: Some(start),
            end: Some(end),
            metrics: metrics.to_vec(),
            aggregation: None,
        })
        .await
    }

    /// The newest row of each device of a type within the last hour; `metrics` empty means all.
    pub async fn get_latest_values(&self, device_type: &str, metrics: &[String]) -> Result<Vec<Reading>, Error> {
        let device_type = DeviceType::new(device_type);
        let query = DeviceQuery {
            types: vec![device_type.clone()],
            ..DeviceQuery::default()
        };
        let devices: Vec<DeviceId> = self
            .list_devices(&query, &|_, _| {})
            .await?
            .items
            .into_iter()
            .map(|device| device.id)
            .collect();
        let end = Timestamp::now();
        let start = end - jiff::SignedDuration::from_hours(1);
        let aggregation = Some((Aggregation::Last, "1h".to_owned()));
        let mut newest: std::collections::BTreeMap<DeviceId, Reading> = std::collections::BTreeMap::new();
        for devices in devices.chunks(500) {
            let query = BulkQuery {
                device_type: device_type.clone(),
                devices: devices.to_vec(),
                metrics: metrics.to_vec(),
                start,
                end,
                aggregation: aggregation.clone(),
            };
            for row in self.bulk(&query).await? {
                let Some(id) = row.device_id.clone() else { continue };
                match newest.get(&id) {
                    Some(known) if known.timestamp >= row.timestamp => {}
                    _ => {
                        newest.insert(id, row);
                    }
                }
            }
        }
        Ok(newest.into_values().collect())
    }

    /// All devices of these types at one location.
    pub async fn get_devices_by_location(&self, types: &[DeviceType], location: &str) -> Result<Listing<Device>, Error> {
        let query = DeviceQuery {
            types: types.to_vec(),
            location: Some(location.to_owned()),
            status: None,
        };
        self.list_devices(&query, &|_, _| {}).await
    }

    /// All devices of a type.
    pub async fn get_all_devices(&self, device_type: &str) -> Result<Listing<Device>, Error> {
        self.list_devices(
            &DeviceQuery {
                types: vec![DeviceType::new(device_type)],
                ..DeviceQuery::default()
            },
            &|_, _| {},
        )
        .await
    }

    /// Merges keys into a device's metadata.
    pub async fn update_device_metadata(&self, device_type: &str, device_id: &str, metadata: &Map<String, Value>) -> Result<Device, Error> {
        self.update_metadata(&DeviceKey::new(device_type, device_id), metadata).await
    }

    /// The device types in use, as the flat list shows them.
    pub async fn device_types(&self) -> Result<BTreeSet<DeviceType>, Error> {
        let all = self.list_devices(&DeviceQuery::default(), &|_, _| {}).await?;
        Ok(all.items.into_iter().map(|device| device.device_type).collect())
    }

    async fn list<T>(
        &self,
        call: &Call,
        names: &[&str],
        convert: impl Fn(&Map<String, Value>) -> Result<T, String>,
    ) -> Result<Records<T>, Error> {
        let answer = self.transport.read(call).await?;
        let malformed = |words: String| self.transport.error(call, ErrorKind::Malformed, words);
        let value = wire::json(&answer.body).map_err(malformed)?;
        wire::records(&value, names, convert).map_err(|words| self.transport.error(call, ErrorKind::Malformed, words))
    }

    fn one<T>(&self, call: &Call, answer: &Answer, convert: impl Fn(&Map<String, Value>) -> Result<T, String>) -> Result<T, Error> {
        let malformed = |words: SafeText| self.transport.error(call, ErrorKind::Malformed, words);
        match wire::json(&answer.body) {
            Ok(Value::Object(members)) => convert(&members).map_err(|words| malformed(words.into())),
            Ok(_) => Err(malformed("the answer is no object".into())),
            Err(words) => Err(malformed(words.into())),
        }
    }
}

impl std::fmt::Debug for MonitorClient {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("MonitorClient").field(&self.endpoint().origin()).finish()
    }
}

fn join<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.collect::<Vec<_>>().join(",")
}

fn devices_call(operation: &'static str, method: Method, device_type: &DeviceType, rest: &[&str]) -> Call {
    Call::new(
        operation,
        method,
        ["api", "v1", "deviceTypes", device_type.raw(), "devices"]
            .into_iter()
            .chain(rest.iter().copied()),
    )
}

fn alert_call(operation: &'static str, method: Method, id: &AlertId, rest: &[&str]) -> Call {
    Call::new(
        operation,
        method,
        ["api", "v1", "alerts", id.raw()].into_iter().chain(rest.iter().copied()),
    )
    .object(id.raw())
}
