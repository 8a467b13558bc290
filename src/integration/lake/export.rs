//! One device type's day, from Monitor into the lake.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use serde::Serialize;

use super::columns::{Column, Kind};
use super::day::{Day, key};
use super::place::Place;
use super::publish::{Published, publish};
use super::spool::{Spool, nameless};
use super::table::{self, Finished};
use crate::config::{Env, LakeLayout};
use crate::domain::{DeviceId, DeviceType, ObjectKey, SafeText};
use crate::integration::{JobError, JobErrorKind};
use crate::maximo::{BulkQuery, DeviceQuery, Endpoint, MonitorClient};
use crate::outbox::Audit;

/// Reasons kept for readings that were left out.
const PROBLEMS_MAX: usize = 5;
/// Longest answer of Monitor, in bytes: some ten times as much while it is read, and a few are under way at once.
const ANSWER_MAX: usize = 4 * 1024 * 1024;
/// Devices that are named where more than these vanished.
const NAMED_MAX: usize = 100;

/// What is to be exported.
#[derive(Clone, Debug)]
pub struct Order {
    /// The type; all its devices, all their metrics.
    pub device_type: DeviceType,
    /// The day.
    pub day: Day,
    /// How the object is named.
    pub layout: LakeLayout,
    /// Whether another content that is there already gives way.
    pub replace: bool,
    /// Where the day is put together.
    pub spool_dir: PathBuf,
    /// The time of the call.
    pub now: Timestamp,
}

/// What became of it. Serialises as the command's answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Exported {
    /// The bucket, or the folder.
    pub bucket: String,
    /// The object's name; none where nothing was written.
    pub key: Option<String>,
    /// Rows.
    pub records: u64,
    /// What became of the object.
    pub state: State,
    /// The type.
    pub device_type: DeviceType,
    /// The day.
    pub date: jiff::civil::Date,
    /// Devices of the type, heard of that day or not.
    pub devices: usize,
    /// The file's length.
    pub bytes: u64,
    /// The file's SHA-256, in hexadecimal; empty where there is none.
    pub sha256: String,
    /// The metrics' columns.
    pub columns: Vec<Column>,
    /// Devices that Monitor no longer knew when their readings were asked for; at most the first hundred.
    pub vanished: Vec<DeviceId>,
    /// Readings that did not fit the contract and were left out.
    pub skipped: usize,
    /// The first few reasons.
    pub problems: Vec<SafeText>,
    /// False where the list of devices kept shifting, or the day was not over.
    pub complete: bool,
}

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It was not there, now it is.
    Written,
    /// It was there with the same bytes.
    Unchanged,
    /// It was there with other bytes, which are gone.
    Replaced,
    /// It is there with other bytes, and stays as it is.
    Different,
    /// The day has no readings: nothing was written.
    Empty,
}

/// How far it is: shown while it runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Devices read.
    pub devices: usize,
    /// Of so many.
    pub of: usize,
    /// Readings so far.
    pub records: u64,
    /// Everything is read: the file is being written and uploaded.
    pub writing: bool,
}

/// The client that [`export`] is to be given: an answer that would not fit into its memory is asked for in parts.
pub fn frugal(mut endpoint: Endpoint) -> Endpoint {
    endpoint.limits.body = endpoint.limits.body.min(ANSWER_MAX);
    endpoint
}

/// Exports a day. The memory that it takes does not depend on the day; the spool takes some 60 bytes a reading.
pub async fn export(
    monitor: &MonitorClient,
    place: &Place,
    order: &Order,
    progress: &(dyn Fn(Progress) + Send + Sync),
) -> Result<Exported, JobError> {
    let Some((start, end)) = order.day.bounds() else {
        return Err(JobError::new(JobErrorKind::Configuration, format!("{} is no day", order.day.date)));
    };
    let query = DeviceQuery {
        types: vec![order.device_type.clone()],
        ..DeviceQuery::default()
    };
    let listing = monitor
        .list_devices(&query, &|loaded, of| {
            progress(Progress {
                of: of.unwrap_or(loaded),
                ..Progress::default()
            });
        })
        .await?;
    let mut exported = Exported {
        bucket: place.bucket.clone(),
        key: None,
        records: 0,
        state: State::Empty,
        device_type: order.device_type.clone(),
        date: order.day.date,
        devices: listing.items.len(),
        bytes: 0,
        sha256: String::new(),
        columns: Vec::new(),
        vanished: Vec::new(),
        skipped: listing.skipped,
        problems: listing.problems,
        complete: listing.complete && end <= order.now,
    };
    // by their ids: the list promises no order, the file has one
    let devices: BTreeSet<DeviceId> = listing.items.into_iter().map(|device| device.id).collect();
    let query = BulkQuery {
        device_type: order.device_type.clone(),
        devices: devices.into_iter().collect(),
        metrics: Vec::new(),
        start,
        end,
        aggregation: None,
    };
    let spool = collect(monitor, query, order, &mut exported, progress).await?;
    if exported.records == 0 {
        return Ok(exported);
    }
    progress(Progress {
        devices: exported.devices,
        of: exported.devices,
        records: exported.records,
        writing: true,
    });
    let file = Arc::new(written(spool, order).await?);
    let key = key(order.layout, &order.device_type, order.day.date);
    let published = publish(place, &key, &file, order.replace).await?;
    exported.state = match published {
        Published::Written => State::Written,
        Published::Unchanged => State::Unchanged,
        Published::Replaced => State::Replaced,
        Published::Different => State::Different,
    };
    exported.key = Some(place.path(&key)?.to_string());
    exported.bytes = file.bytes;
    exported.sha256.clone_from(&file.sha256);
    exported.columns.clone_from(&file.columns);
    Ok(exported)
}

async fn collect(
    monitor: &MonitorClient,
    query: BulkQuery,
    order: &Order,
    exported: &mut Exported,
    progress: &(dyn Fn(Progress) + Send + Sync),
) -> Result<Spool, JobError> {
    let of = query.devices.len();
    let mut spool = Spool::new(&order.spool_dir)?;
    let mut devices = 0;
    let mut vanished = BTreeSet::new();
    let mut batches = std::pin::pin!(monitor.gather(query));
    while let Some(batch) = batches.try_next().await? {
        devices += batch.finished;
        exported.skipped += batch.skipped;
        exported.problems.extend(batch.problems);
        exported.problems.truncate(PROBLEMS_MAX);
        vanished.extend(batch.gone);
        let rows = batch.rows;
        spool = blocking(move || spool.extend(rows).map(|()| spool)).await?;
        progress(Progress {
            devices,
            of,
            records: spool.rows(),
            writing: false,
        });
    }
    exported.records = spool.rows();
    exported.vanished = vanished.into_iter().take(NAMED_MAX).collect();
    Ok(spool)
}

async fn written(spool: Spool, order: &Order) -> Result<Finished, JobError> {
    let (device_type, date, folder) = (order.device_type.clone(), order.day.date, order.spool_dir.clone());
    blocking(move || {
        let failed = |words: String| {
            let words = format!("{}: the day's file cannot be written: {words}", folder.display());
            JobError::new(JobErrorKind::Store, words)
        };
        let rows = spool.finish().map_err(|error| failed(error.to_string()))?;
        table::write(rows, &device_type, date, nameless(&folder)?).map_err(|error| failed(error.to_string()))
    })
    .await
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, JobError> + Send + 'static) -> Result<T, JobError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(JobError::new(JobErrorKind::Store, format!("the spool's thread ended: {error}"))),
    }
}

/// Where a day is put together: as configured, else `TMPDIR`, else a folder that is on a disk and not in memory.
pub fn spool_dir(configured: Option<&Path>, env: &Env) -> PathBuf {
    let disk = Path::new("/var/tmp");
    match (configured, env.get("TMPDIR")) {
        (Some(path), _) => path.to_owned(),
        (None, Some(path)) if !path.is_empty() => path.into(),
        (None, _) if disk.is_dir() => disk.to_owned(),
        (None, _) => std::env::temp_dir(),
    }
}

impl State {
    /// The word of the JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Unchanged => "unchanged",
            Self::Replaced => "replaced",
            Self::Different => "different",
            Self::Empty => "empty",
        }
    }
}

impl Exported {
    /// What a person should know besides, one sentence each.
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        for column in &self.columns {
            if let Some(mixed) = &column.widened {
                let stored = match column.kind {
                    Kind::String => "text",
                    Kind::Double | Kind::Int64 | Kind::Boolean => "DOUBLE",
                };
                remarks.push(format!(
                    "column {}: the values are mixed ({mixed}), so all of them are {stored}",
                    SafeText::new(column.name.as_str()).shown()
                ));
            }
            if column.rounded > 0 {
                remarks.push(format!(
                    "column {}: {} whole numbers have more digits than its values hold: they are the nearest that do",
                    SafeText::new(column.name.as_str()).shown(),
                    column.rounded
                ));
            }
            if let Some(metric) = &column.metric {
                remarks.push(format!(
                    "metric {}: its column is called {}, since the name is taken",
                    metric.shown(),
                    SafeText::new(column.name.as_str()).shown()
                ));
            }
        }
        if !self.vanished.is_empty() {
            let names: Vec<&str> = self.vanished.iter().take(5).map(DeviceId::shown).collect();
            remarks.push(format!(
                "{} devices were listed and then gone, their readings are missing where they were not read yet: {}",
                self.vanished.len(),
                names.join(", ")
            ));
        }
        if self.skipped > 0 {
            remarks.push(format!("{} records did not fit the contract and were left out", self.skipped));
            remarks.extend(self.problems.iter().map(|problem| format!("  {}", problem.shown())));
        }
        if !self.complete {
            remarks.push(
                "the day was not over, or the list of devices kept shifting: rows may be missing; run it later with --replace".into(),
            );
        }
        remarks
    }

    /// Records in the audit which file is in the lake by this run. One that was there with the same bytes is recorded too: a run that was
    /// killed between the write and its entry has it at the next.
    pub async fn record(&self, audit: &Audit) -> Result<(), JobError> {
        let what = match self.state {
            State::Written => "written",
            State::Replaced => "written in place of another",
            State::Unchanged => "there already with the same bytes",
            State::Different | State::Empty => return Ok(()),
        };
        let Self {
            bucket,
            records,
            device_type,
            date,
            bytes,
            sha256,
            ..
        } = self;
        let object = format!("lake/{bucket}/{}", self.key.as_deref().unwrap_or_default());
        let detail = format!("{device_type} on {date}: {records} records, {bytes} bytes, sha256 {sha256}, {what}");
        Ok(audit.record("lake-file", ObjectKey(object), detail).await?)
    }

    /// The answer in one sentence.
    pub fn sentence(&self) -> String {
        let Self {
            bucket,
            records,
            device_type,
            date,
            ..
        } = self;
        let at = format!("{bucket}/{}", self.key.as_deref().unwrap_or_default());
        match self.state {
            State::Written => format!("{records} records of {device_type} on {date} written to {at}"),
            State::Unchanged => format!("{records} records of {device_type} on {date} are at {at} already"),
            State::Replaced => format!("{records} records of {device_type} on {date} written to {at}, in place of what was there"),
            State::Different => format!(
                "{at} holds other bytes than the {records} records of {device_type} on {date}; it stays as it is; to put these there: nightdesk export lake --type {device_type} --date {date} --replace"
            ),
            State::Empty => format!("{device_type} has no readings on {date}: nothing was written"),
        }
    }
}
