//! The daily export of the bridge.

use futures_util::future::BoxFuture;
use jiff::civil::Time;
use jiff::tz::TimeZone;

use super::day::Day;
use super::export::{Order, State, export, frugal, spool_dir};
use super::place::Place;
use crate::config::{DeviceTypes, LakeLayout};
use crate::domain::{DeviceType, SafeText};
use crate::integration::{Ground, Job, JobError, JobErrorKind, Occasion, Part, Parts, Timing};
use crate::maximo::MonitorClient;
use crate::outbox::Audit;

struct Daily {
    monitor: MonitorClient,
    place: Place,
    types: DeviceTypes,
    layout: LakeLayout,
    at: Time,
    zone: TimeZone,
    day_zone: TimeZone,
    spool_dir: std::path::PathBuf,
    parts: Parts,
    audit: Audit,
}

/// The daily job, where the profile has a lake. Reads its credentials, calls no server.
pub async fn job(ground: &Ground) -> Result<Option<Box<dyn Job>>, JobError> {
    let Some(lake) = &ground.profile.lake else { return Ok(None) };
    let monitor = ground.monitor_for(lake.monitor_key.as_ref()).await?;
    Ok(Some(Box::new(Daily {
        monitor: MonitorClient::new(frugal(monitor.endpoint().clone()), ground.telemetry.clone())?,
        place: Place::open(&lake.to, Some(lake), &ground.env, &ground.telemetry).await?,
        types: ground.profile.device_types.clone(),
        layout: lake.layout,
        at: lake.at,
        zone: ground.profile.time_zone.clone(),
        day_zone: ground.profile.day_zone.clone(),
        spool_dir: spool_dir(lake.spool_dir.as_deref(), &ground.env),
        parts: ground.parts.clone(),
        audit: ground.outbox.audit(),
    })))
}

impl Job for Daily {
    fn part(&self) -> Part {
        Part::Lake
    }

    fn name(&self) -> String {
        "lake".to_owned()
    }

    fn timing(&self) -> Timing {
        Timing::Daily {
            at: self.at,
            zone: self.zone.clone(),
            day_zone: self.day_zone.clone(),
        }
    }

    fn run(&self, occasion: Occasion) -> BoxFuture<'_, Result<SafeText, JobError>> {
        Box::pin(self.all(occasion))
    }
}

impl Daily {
    /// All types of the day. One that fails does not keep the others; one that is there already with other bytes stays as it is and is
    /// a failure: the day is not done before a person decided.
    async fn all(&self, occasion: Occasion) -> Result<SafeText, JobError> {
        let Some(date) = occasion.day else {
            return Err(JobError::new(
                JobErrorKind::Configuration,
                "the lake's job was called without a day",
            ));
        };
        let types: Vec<DeviceType> = match &self.types {
            DeviceTypes::Listed(types) => types.clone(),
            DeviceTypes::All => self.monitor.device_types().await?.into_iter().collect(),
        };
        let (mut records, mut files, mut unchanged, mut empty) = (0, 0, 0, 0);
        let mut failed: Vec<JobError> = Vec::new();
        for device_type in &types {
            let order = Order {
                device_type: device_type.clone(),
                day: Day {
                    date,
                    zone: self.day_zone.clone(),
                },
                layout: self.layout,
                replace: false,
                spool_dir: self.spool_dir.clone(),
                now: occasion.now,
            };
            match export(&self.monitor, &self.place, &order, &|_| {}).await {
                Ok(exported) => {
                    for remark in exported.remarks() {
                        tracing::warn!(device_type = device_type.shown(), %date, "{remark}");
                    }
                    if let Err(error) = exported.record(&self.audit).await {
                        failed.push(JobError::new(error.kind, format!("{device_type}: {error}")));
                    }
                    let what = match exported.state {
                        State::Written | State::Replaced => {
                            files += 1;
                            records += exported.records;
                            self.parts.count(Part::Lake, "records", exported.records);
                            "written"
                        }
                        State::Unchanged => {
                            unchanged += 1;
                            "unchanged"
                        }
                        State::Empty => {
                            empty += 1;
                            "empty"
                        }
                        State::Different => {
                            failed.push(JobError::new(JobErrorKind::Refused, exported.sentence()));
                            "refused"
                        }
                    };
                    self.parts.count(Part::Lake, what, 1);
                }
                Err(error) => failed.push(JobError::new(error.kind, format!("{device_type}: {error}"))),
            }
        }
        match failed.as_slice() {
            [] => Ok(done(files, records, unchanged, empty).into()),
            [only] if types.len() == 1 => Err(only.clone()),
            [first, ..] => {
                let kind = if failed.len() == types.len() && failed.iter().all(|error| error.kind == first.kind) {
                    first.kind
                } else {
                    JobErrorKind::Partly
                };
                let words = format!("{} of {} device types failed on {date}; {first}", failed.len(), types.len());
                Err(JobError::new(kind, words))
            }
        }
    }
}

/// What a whole day came to: `2 files with 80 records written, 1 unchanged`.
fn done(files: u64, records: u64, unchanged: u64, empty: u64) -> String {
    let many = |count: u64, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    let mut parts = Vec::new();
    if files > 0 {
        parts.push(format!("{} with {} written", many(files, "file"), many(records, "record")));
    }
    if unchanged > 0 {
        parts.push(if files == 0 {
            format!("unchanged: {} there already with the same bytes", many(unchanged, "file"))
        } else {
            format!("{unchanged} unchanged")
        });
    }
    if empty > 0 {
        parts.push(format!("{} without readings", many(empty, "device type")));
    }
    if parts.is_empty() {
        parts.push("no device types".to_owned());
    }
    parts.join(", ")
}
