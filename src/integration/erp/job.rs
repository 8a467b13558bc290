//! Reads a line's day, compares it with what was sent, submits it.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use super::memory::{Memory, Reported, Step, step};
use super::report::{METRICS, Report};
use crate::domain::{DeviceKey, Intent, IntentState, OutboxId, OutboxRow, SafeText};
use crate::integration::{Ground, Job, JobError, JobErrorKind, Occasion, Part, Timing};
use crate::maximo::{MonitorClient, ReadingQuery};
use crate::outbox::RowFilter;

/// The device type of production lines.
const PRODUCTION_LINE: &str = "ProductionLine";
/// A run waits so long for the ERP; what is not delivered by then stays in the outbox.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);
/// Days before the one that is due that are added up again: late readings correct them.
const LOOK_BACK: i32 = 7;

/// What became of a line's day.
#[derive(Clone, Debug, PartialEq)]
pub struct DayOutcome {
    /// The report.
    pub report: Report,
    /// 0 for the first; each correction counts one up.
    pub revision: u32,
    /// Readings that did not fit the contract and are in no sum.
    pub unreadable: usize,
    /// What was done about it.
    pub dispatch: Dispatch,
}

impl DayOutcome {
    /// What is not in the sums, in one sentence; `None` where nothing is missing.
    pub fn gaps(&self) -> Option<String> {
        let unreadable = (self.unreadable > 0).then(|| format!("{} more readings could not be read", self.unreadable));
        let all: Vec<String> = self.report.gaps().into_iter().chain(unreadable).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }
}

/// What was done about a day.
#[derive(Clone, Debug, PartialEq)]
pub enum Dispatch {
    /// The ERP has exactly this.
    Unchanged,
    /// It goes, or went, by this row.
    Row(OutboxRow),
}

/// The instants at which a day begins and ends in a zone.
pub fn window(date: Date, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
    let start = |date: Date| Some(date.to_zoned(zone.clone()).ok()?.timestamp());
    Some((start(date)?, start(date.tomorrow().ok()?)?))
}

/// Reads a line's day and submits what the ERP does not have.
pub async fn report_day(ground: &Ground, monitor: &MonitorClient, line: &str, date: Date) -> Result<DayOutcome, JobError> {
    let window = window(date, &ground.profile.day_zone)
        .ok_or_else(|| JobError::new(JobErrorKind::Configuration, format!("{date} is out of range")))?;
    let query = ReadingQuery {
        device: DeviceKey::new(PRODUCTION_LINE, line),
        start: Some(window.0),
        end: Some(window.1),
        metrics: METRICS.map(str::to_owned).to_vec(),
        aggregation: None,
    };
    let series = monitor.series(&query).await?;
    let day = date.to_string();
    let report = Report::of(line, &day, &series.items, window).map_err(|error| JobError::new(JobErrorKind::Refused, error.to_string()))?;
    let memory = Memory::recall(&*ground.store, &ground.profile.name)?;
    let intent = |revision| Intent::ReportProduction {
        line: line.to_owned(),
        date: day.clone(),
        revision,
        report: report.body.clone(),
    };
    let filter = RowFilter {
        object: Some(intent(0).object()),
        profile: Some(ground.profile.name.clone()),
        newest_first: true,
        ..RowFilter::default()
    };
    let rows = ground.outbox.list(filter).await?;
    let (revision, dispatch) = match step(&report.body, memory.get(line, &day), &rows) {
        Step::Unchanged { revision } => {
            remember(ground, line, date, (revision, &report))?;
            (revision, Dispatch::Unchanged)
        }
        Step::Underway { row, revision } => (revision, Dispatch::Row(ground.outbox.row(row).await?)),
        Step::Again { row, revision } => (revision, Dispatch::Row(ground.outbox.retry(row).await?)),
        Step::First => (0, Dispatch::Row(ground.submit(intent(0)).await?)),
        Step::Correct { revision } => (revision, Dispatch::Row(ground.submit(intent(revision)).await?)),
    };
    Ok(DayOutcome {
        report,
        revision,
        unreadable: series.skipped,
        dispatch,
    })
}

/// Notes that the ERP has a report: the outbox forgets ended rows in time.
pub fn remember(ground: &Ground, line: &str, date: Date, (revision, report): (u32, &Report)) -> Result<(), JobError> {
    let mut memory = Memory::recall(&*ground.store, &ground.profile.name)?;
    let reported = Reported {
        revision,
        report: report.body.clone(),
    };
    let day = date.to_string();
    if memory.get(line, &day) == Some(&reported) {
        return Ok(());
    }
    memory.set(line, &day, reported);
    memory.keep(&*ground.store, &ground.profile.name, date)
}

/// Whether a day was ever reported from here.
fn is_known(ground: &Ground, line: &str, date: Date) -> Result<bool, JobError> {
    Ok(Memory::recall(&*ground.store, &ground.profile.name)?
        .get(line, &date.to_string())
        .is_some())
}

/// The daily sync of the configured lines.
pub struct ErpJob {
    ground: Ground,
    monitor: MonitorClient,
    lines: Vec<String>,
    at: jiff::civil::Time,
}

impl ErpJob {
    /// With the section's own key of Monitor, where it has one.
    pub async fn open(ground: &Ground) -> Result<Option<Self>, JobError> {
        let Some(erp) = &ground.profile.erp else { return Ok(None) };
        Ok(Some(Self {
            monitor: ground.monitor_for(erp.monitor_key.as_ref()).await?,
            lines: erp.lines.clone(),
            at: erp.at,
            ground: ground.clone(),
        }))
    }

    async fn once(&self, day: Date) -> Result<SafeText, JobError> {
        let mut said = Vec::new();
        let mut failures: Vec<JobError> = Vec::new();
        for line in &self.lines {
            match self.settle(line, day).await {
                Ok(words) => said.push(words),
                Err(error) => failures.push(error),
            }
            // late readings: only days that the ERP has already, so that the first run does not report a week
            for back in 1..=LOOK_BACK {
                let Ok(earlier) = day.checked_sub(back.days()) else { break };
                if !is_known(&self.ground, line, earlier)? {
                    continue;
                }
                match self.settle(line, earlier).await {
                    Ok(words) if words.contains("correction") => said.push(words),
                    Ok(_) => {}
                    Err(error) => failures.push(error),
                }
            }
        }
        let Some(first) = failures.first() else {
            return Ok(said.join("; ").into());
        };
        // where nothing went well for one and the same reason, that is the reason
        let kind = if said.is_empty() && failures.iter().all(|error| error.kind == first.kind) {
            first.kind
        } else {
            JobErrorKind::Partly
        };
        let more = match failures.len() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        let words = std::iter::once(format!("{}{more}", first.message.shown())).chain(said);
        Err(JobError::new(kind, words.collect::<Vec<_>>().join("; ")))
    }

    async fn settle(&self, line: &str, day: Date) -> Result<String, JobError> {
        let outcome = report_day(&self.ground, &self.monitor, line, day).await?;
        let parts = &self.ground.parts;
        let gaps: usize = outcome.report.tallies.iter().map(super::Tally::gaps).sum();
        parts.count(Part::Erp, "gaps", (gaps + outcome.unreadable) as u64);
        let told = outcome.gaps();
        if let Some(words) = &told {
            tracing::warn!(line, %day, "{words}: not in the sums");
        }
        let row = match outcome.dispatch {
            Dispatch::Unchanged => {
                parts.count(Part::Erp, "unchanged", 1);
                return Ok(format!("{line} {day} unchanged"));
            }
            Dispatch::Row(row) => self.wait(row.id).await?,
        };
        let what = if outcome.revision == 0 { "report" } else { "correction" };
        match row.state {
            IntentState::Delivered | IntentState::Superseded => {
                remember(&self.ground, line, day, (outcome.revision, &outcome.report))?;
                parts.count(Part::Erp, if outcome.revision == 0 { "reports" } else { "corrections" }, 1);
                let gaps = told.map(|words| format!(" ({words}: not in the sums)")).unwrap_or_default();
                Ok(format!("{line} {day}: {what} sent{gaps}"))
            }
            // it is safe: the sender goes on with it
            IntentState::Queued | IntentState::Sending | IntentState::InDoubt => {
                Ok(format!("{line} {day}: {what} in the outbox, row {}", row.id))
            }
            IntentState::Parked | IntentState::Cancelled => Err(JobError::new(
                JobErrorKind::Refused,
                format!("{line} {day}: {}", row.detail.as_ref().map_or("taken back", |words| words.shown())),
            )),
        }
    }

    async fn wait(&self, id: OutboxId) -> Result<OutboxRow, JobError> {
        let mut rows = self.ground.outbox.wait_settled(&[id], PATIENCE).await?;
        rows.pop()
            .ok_or_else(|| JobError::new(JobErrorKind::Store, format!("row {id} of the outbox is gone")))
    }
}

impl Job for ErpJob {
    fn part(&self) -> Part {
        Part::Erp
    }

    fn name(&self) -> String {
        "erp".into()
    }

    fn timing(&self) -> Timing {
        Timing::Daily {
            at: self.at,
            zone: self.ground.profile.time_zone.clone(),
            day_zone: self.ground.profile.day_zone.clone(),
        }
    }

    fn run(&self, occasion: Occasion) -> BoxFuture<'_, Result<SafeText, JobError>> {
        async move {
            let day = match occasion.day {
                Some(day) => day,
                // run by hand without a day: the one that is over
                None => occasion
                    .now
                    .to_zoned(self.ground.profile.day_zone.clone())
                    .date()
                    .yesterday()
                    .map_err(|error| JobError::new(JobErrorKind::Configuration, error.to_string()))?,
            };
            self.once(day).await
        }
        .boxed()
    }
}
