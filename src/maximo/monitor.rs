//! Monitor: devices, readings, alerts.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::{Stream, TryStreamExt as _};
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::call::Call;
use super::paging::{Progress, sweep};
use super::transport::Transport;
use super::wire::{self, Records};
use super::{Endpoint, Error, ErrorKind, KeySource, Telemetry};
use crate::domain::{
    Alert, AlertId, AlertState, Device, DeviceId, DeviceKey, DeviceStatus, DeviceType, Listing, Reading, SafeText, Severity,
};

/// Rows asked for per page of a time series (contract: `queryEvents`).
pub(super) const EVENTS_LIMIT: usize = 1_000;
/// The most pages of one.
pub(super) const EVENTS_PAGES: usize = 20_000;
/// Most devices that one page may hold (contract: `listDevices`).
const DEVICES_LIMIT: usize = 1_000;
/// Devices of one query over several.
const DEVICES_AT_ONCE: usize = 50;
/// The most rows that one time series may have; more are refused with a sentence, since they would not fit in memory.
const EVENTS_MAX: usize = 2_000_000;

/// A client of Monitor; cheap to clone.
#[derive(Clone)]
pub struct MonitorClient {
    pub(super) transport: Transport,
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
    /// The device; `None` where the answer has a token and does not show the device.
    pub device: Option<Device>,
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

    /// From now on a refused credential is read anew, once for all callers; without this it stays what it was at the start.
    #[must_use]
    pub fn with_key_source(self, source: KeySource) -> Self {
        self.transport.renew_from(source);
        self
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
        let types: BTreeSet<&DeviceType> = query.types.iter().collect();
        let types: Vec<Option<&DeviceType>> = if types.is_empty() {
            vec![None]
        } else {
            types.into_iter().map(Some).collect()
        };
        let as_of = Timestamp::now();
        let counts = Mutex::new(vec![(0_usize, None::<usize>); types.len()]);
        // all types side by side: the transport's places bound what is under way
        let parts = join_all(types.iter().enumerate().map(|(index, device_type)| {
            let counts = &counts;
            async move {
                let report = move |loaded: usize, total: Option<usize>| {
                    let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
                    if let Some(count) = counts.get_mut(index) {
                        *count = (loaded, total);
                    }
                    progress(
                        counts.iter().map(|(loaded, _)| loaded).sum(),
                        counts.iter().map(|(_, total)| *total).sum(),
                    );
                };
                self.devices_of(*device_type, query, &report).await
            }
        }))
        .await;
        let alone = parts.len() == 1;
        let mut whole = Listing::whole(Vec::new(), as_of);
        let mut known: HashSet<DeviceKey> = HashSet::new();
        let mut missing = None;
        let mut found = false;
        for (part, device_type) in parts.into_iter().zip(&types) {
            match (part, device_type) {
                (Ok(part), _) => {
                    found = true;
                    whole
                        .items
                        .extend(part.items.into_iter().filter(|device| known.insert(device.key())));
                    whole.skipped += part.skipped;
                    whole.problems.extend(part.problems);
                    whole.complete &= part.complete;
                }
                // a type that does not exist (a slip in the configuration) does not hide the others
                (Err(error), Some(device_type)) if *error.kind() == ErrorKind::NotFound && !alone => {
                    whole.problems.push(format!("device type {device_type}: {error}").into());
                    whole.complete = false;
                    missing = Some(error);
                }
                (Err(error), _) => return Err(error),
            }
        }
        match missing {
            Some(error) if !found => Err(error),
            _ => Ok(whole),
        }
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
        // a comma would begin another condition: such a place is looked for on our side alone
        if let Some(location) = query.location.as_ref().filter(|location| !location.contains(',')) {
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
        let page = self.transport.endpoint().limits.page.clamp(1, DEVICES_LIMIT);
        let mut listing = sweep(page, self.transport.width(), fetch, Device::key, progress).await?;
        // a server that does not know the filter answers with everything
        listing.items.retain(|device| {
            let wanted = |has: &str, wanted: &str| has.trim().eq_ignore_ascii_case(wanted.trim());
            let status = query.status.as_ref().is_none_or(|status| device.status == *status);
            let has = device.location.as_ref().map_or("", SafeText::raw);
            status && query.location.as_ref().is_none_or(|location| wanted(has, location))
        });
        Ok(listing)
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
            let call = call
                .query("limit", limit.to_string())
                .query("offset", offset.to_string())
                .revalidate();
            async move { self.list(&call, &["results"], wire::alert).await }
        };
        sweep(
            self.transport.endpoint().limits.page.max(1),
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
        let value = self.transport.read(&call).await?;
        self.one(&call, Ok(value), wire::alert)
    }

    /// A time series, oldest first, however many pages it takes; no row is lost or doubled at a seam. Rows that do not fit are left out.
    pub async fn readings(&self, query: &ReadingQuery) -> Result<Vec<Reading>, Error> {
        Ok(self.series(query).await?.items)
    }

    /// The same with the count of rows that did not fit.
    pub async fn series(&self, query: &ReadingQuery) -> Result<Listing<Reading>, Error> {
        let mut listing: Listing<Reading> = Listing::whole(Vec::new(), Timestamp::now());
        let mut pages = std::pin::pin!(self.readings_stream(query.clone()));
        while let Some(page) = pages.try_next().await? {
            listing.items.extend(page.items);
            listing.skipped += page.skipped;
            listing.problems.extend(page.problems);
            listing.problems.truncate(5);
            if listing.items.len() > EVENTS_MAX {
                let words = format!("more than {EVENTS_MAX} rows; ask for a shorter window or a granularity");
                let call = events_call(query, query.start, EVENTS_LIMIT);
                return Err(self.transport.error(&call, ErrorKind::Malformed, words));
            }
        }
        Ok(listing)
    }

    /// Several devices and metrics in one call, each row with its device.
    pub async fn bulk(&self, query: &BulkQuery) -> Result<Vec<Reading>, Error> {
        Ok(self.bulk_listing(query).await?.items)
    }

    /// The same with the count of rows that did not fit.
    async fn bulk_listing(&self, query: &BulkQuery) -> Result<Listing<Reading>, Error> {
        let as_of = Timestamp::now();
        let records = self.list(&bulk_call(query), &["data", "results"], wire::reading).await?;
        let (skipped, problems) = (records.skipped(), records.problems.clone());
        Ok(Listing {
            skipped,
            problems,
            ..Listing::whole(records.items().collect(), as_of)
        })
    }

    /// The rows of many devices, some devices at a time, so that a day of a whole type need not fit into memory. A group whose
    /// answer would be too long (413, or past the body's limit) is halved.
    ///
    /// ```no_run
    /// # async fn example(monitor: nightdesk::maximo::MonitorClient, query: nightdesk::maximo::BulkQuery) -> Result<(), nightdesk::maximo::Error> {
    /// use futures_util::TryStreamExt as _;
    /// let mut rows = std::pin::pin!(monitor.bulk_stream(query));
    /// while let Some(some) = rows.try_next().await? {
    ///     println!("{} rows more", some.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn bulk_stream(&self, query: BulkQuery) -> impl Stream<Item = Result<Vec<Reading>, Error>> + Send + use<> {
        self.bulk_listings(query).map_ok(|listing| listing.items)
    }

    /// The same with the counts of rows that did not fit.
    pub(super) fn bulk_listings(&self, query: BulkQuery) -> impl Stream<Item = Result<Listing<Reading>, Error>> + Send + use<> {
        let groups: Vec<Vec<DeviceId>> = query.devices.chunks(DEVICES_AT_ONCE).rev().map(<[DeviceId]>::to_vec).collect();
        let begun = (self.clone(), query, groups);
        futures_util::stream::try_unfold(begun, |(client, mut query, mut groups)| async move {
            loop {
                let Some(mut devices) = groups.pop() else { return Ok(None) };
                query.devices.clone_from(&devices);
                match client.bulk_listing(&query).await {
                    Ok(rows) => return Ok(Some((rows, (client, query, groups)))),
                    Err(error) if error.status() == Some(413) || error.too_long() => {
                        let half = devices.split_off(devices.len() / 2);
                        if devices.is_empty() {
                            return Err(error);
                        }
                        groups.push(half);
                        groups.push(devices);
                    }
                    Err(error) => return Err(error),
                }
            }
        })
    }

    /// Makes a device; a single attempt. The token that the server shows this once comes back with it.
    pub async fn create_device(&self, new: &NewDevice) -> Result<CreatedDevice, Error> {
        let body = json!({
            "deviceId": new.key.device_id.raw(), "authToken": "auto-generate", "deviceInfo": new.device_info, "metadata": new.metadata,
        });
        let call = devices_call("createDevice", Method::POST, &new.key.device_type, &[])
            .object(new.key.device_id.raw())
            .body(body.to_string().into_bytes());
        let answer = self.transport.write(&call, 1).await?;
        let auth_token = answer.value.as_ref().ok().and_then(|value| value.get("authToken")?.as_str());
        let auth_token = auth_token.map(secrecy::SecretString::from);
        let device = match self.one(&call, answer.value, |members| wire::device(members, Some(&new.key.device_type))) {
            Ok(device) => Some(device),
            // it is shown this once: whatever else the answer lacks, the token is not thrown away with it
            Err(_) if auth_token.is_some() => None,
            Err(error) => return Err(error),
        };
        Ok(CreatedDevice { device, auth_token })
    }

    /// Merges keys into a device's metadata; a single attempt. `None` where the server confirmed it without showing the device.
    pub async fn update_metadata(&self, device: &DeviceKey, metadata: &Map<String, Value>) -> Result<Option<Device>, Error> {
        self.put_metadata(device, json!({ "metadata": metadata }).to_string().into_bytes(), 1)
            .await
    }

    pub(super) async fn put_metadata(&self, device: &DeviceKey, body: Vec<u8>, attempt: u32) -> Result<Option<Device>, Error> {
        let call = devices_call("updateDeviceMetadata", Method::PUT, &device.device_type, &[device.device_id.raw()])
            .object(device.device_id.raw())
            .body(body);
        let answer = self.transport.write(&call, attempt).await?;
        match answer.value {
            Ok(Value::Object(members)) => Ok(wire::device(&members, Some(&device.device_type)).ok()),
            Err(_) if answer.empty && answer.status == 204 => Ok(None),
            Ok(_) => Err(self.transport.error(&call, ErrorKind::Malformed, "the answer is no object")),
            Err(words) => Err(self.transport.error(&call, ErrorKind::Malformed, words)),
        }
    }

    pub(super) async fn put_alert(&self, id: &AlertId, resolve: bool, body: Vec<u8>, attempt: u32) -> Result<Alert, Error> {
        let call = if resolve {
            alert_call("resolveAlert", Method::PUT, id, &["resolve"])
        } else {
            alert_call("acknowledgeAlert", Method::PUT, id, &[])
        };
        let call = call.body(body);
        let answer = self.transport.write(&call, attempt).await?;
        self.one(&call, answer.value, wire::alert)
    }

    /// The same client for the outbox's sender: its look-ups are single attempts too, since it does all waiting and repeating.
    pub(super) fn single(&self) -> Self {
        Self {
            transport: self.transport.single(),
        }
    }

    /// The device types in use, as the flat list shows them.
    pub async fn device_types(&self) -> Result<BTreeSet<DeviceType>, Error> {
        let all = self.list_devices(&DeviceQuery::default(), &|_, _| {}).await?;
        Ok(all.items.into_iter().map(|device| device.device_type).collect())
    }

    pub(super) async fn list<T>(
        &self,
        call: &Call,
        names: &[&str],
        convert: impl Fn(&Map<String, Value>) -> Result<T, String>,
    ) -> Result<Records<T>, Error> {
        let value = self.transport.read(call).await?;
        wire::records(&value, names, convert).map_err(|words| self.transport.error(call, ErrorKind::Malformed, words))
    }

    fn one<T>(
        &self,
        call: &Call,
        value: Result<Value, String>,
        convert: impl Fn(&Map<String, Value>) -> Result<T, String>,
    ) -> Result<T, Error> {
        let malformed = |words: SafeText| self.transport.error(call, ErrorKind::Malformed, words);
        match value {
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

pub(super) fn events_call(query: &ReadingQuery, start: Option<Timestamp>, limit: usize) -> Call {
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
    call
}

pub(super) fn bulk_call(query: &BulkQuery) -> Call {
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
    Call::new("bulkQuery", Method::POST, ["api", "v1", "data", "query"])
        .object(query.device_type.raw())
        .body(body.to_string().into_bytes())
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
