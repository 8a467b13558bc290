//! Who called what and when: the monitor of the monitors.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::Instant;

use super::failure::outcome_of;
use super::usage_log::UsageLog;
use super::{Error, ErrorKind};
use crate::domain::{SafeText, Service};

/// Calls kept in memory.
const KEPT_CALLS: usize = 1_000;
/// Durations kept for the percentiles of an operation.
const KEPT_DURATIONS: usize = 512;
/// Longest name of an object that is kept, in characters.
const OBJECT_MAX: usize = 200;
/// The usage log is turned over at this size.
const LOG_MAX_BYTES: u64 = 16 * 1024 * 1024;
/// Older usage logs that are kept.
const LOGS_KEPT: u32 = 4;

/// In whose name calls are made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Caller {
    /// The operator's name.
    pub operator: String,
    /// The account on this machine.
    pub os_user: String,
    /// The SSH client's address, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssh_client: Option<String>,
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CallRecord {
    /// Ascending since the start of the process.
    pub id: u64,
    /// When it began.
    pub at: Timestamp,
    /// Which system.
    pub service: Service,
    /// What, in the contract's operation ids.
    pub operation: &'static str,
    /// On which object, safe to show.
    pub object: String,
    /// The HTTP status, where an answer came.
    pub status: Option<u16>,
    /// `ok`, `cancelled` (nobody waited for the answer any more), or the kind of failure.
    pub outcome: &'static str,
    /// 1 for the first.
    pub attempt: u32,
    /// How long, in milliseconds.
    pub millis: u64,
    /// Size of the answer in bytes.
    pub bytes: u64,
}

/// Figures of one operation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OperationStats {
    /// Calls, repeats included.
    pub calls: u64,
    /// Calls that failed.
    pub errors: u64,
    /// Repeats.
    pub retries: u64,
    /// Median of the last 512 durations, in milliseconds.
    pub p50_millis: u64,
    /// 95th percentile of the last 512 durations, in milliseconds.
    pub p95_millis: u64,
    /// Time in calls since the start, in milliseconds.
    pub total_millis: u64,
    /// The last success.
    pub last_success: Option<Timestamp>,
}

/// How a service did at its last call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pulse {
    /// Not called yet.
    Unknown,
    /// It answered.
    Live {
        /// In milliseconds.
        millis: u64,
    },
    /// It did not, since then.
    Down {
        /// The first failure of the row.
        since: Timestamp,
    },
}

/// A handle on the record of all calls; cheap to clone.
#[derive(Clone)]
pub struct Telemetry {
    inner: Arc<Inner>,
}

struct Inner {
    caller: Caller,
    state: Mutex<State>,
    pulses: [watch::Sender<Pulse>; 5],
}

#[derive(Default)]
struct State {
    next_id: u64,
    calls: VecDeque<CallRecord>,
    stats: BTreeMap<(Service, &'static str), Stats>,
    log: Option<UsageLog>,
}

#[derive(Default)]
struct Stats {
    calls: u64,
    errors: u64,
    retries: u64,
    durations: VecDeque<u64>,
    total_millis: u64,
    last_success: Option<Timestamp>,
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    caller: &'a Caller,
    #[serde(flatten)]
    call: &'a CallRecord,
}

impl Telemetry {
    /// Keeps records in memory only.
    pub fn new(caller: Caller) -> Self {
        let pulse = || watch::channel(Pulse::Unknown).0;
        Self {
            inner: Arc::new(Inner {
                caller,
                state: Mutex::default(),
                pulses: [pulse(), pulse(), pulse(), pulse(), pulse()],
            }),
        }
    }

    /// Also appends a JSON line a call to this file: mode 0600, turned over at 16 MiB (`usage.jsonl.1` to `.4` are older ones), a
    /// symbolic link is refused. A thread of its own writes: a slow disk delays no call. Lines that wait are written before the
    /// last handle is gone.
    pub fn with_log(caller: Caller, path: impl AsRef<Path>) -> std::io::Result<Self> {
        let telemetry = Self::new(caller);
        telemetry.lock().log = Some(UsageLog::open(path.as_ref(), LOG_MAX_BYTES, LOGS_KEPT)?);
        Ok(telemetry)
    }

    /// Lines that the usage log could not take, because its disk is full or too slow.
    pub fn log_lines_lost(&self) -> u64 {
        self.lock().log.as_ref().map_or(0, UsageLog::lost)
    }

    /// In whose name.
    pub fn caller(&self) -> &Caller {
        &self.inner.caller
    }

    /// Follows a service.
    pub fn pulse(&self, service: Service) -> watch::Receiver<Pulse> {
        self.sender(service).subscribe()
    }

    /// The last calls, oldest first; at most 1,000.
    pub fn calls(&self) -> Vec<CallRecord> {
        self.lock().calls.iter().cloned().collect()
    }

    /// Figures by service and operation.
    pub fn stats(&self) -> Vec<(Service, &'static str, OperationStats)> {
        let state = self.lock();
        state
            .stats
            .iter()
            .map(|((service, operation), stats)| (*service, *operation, figures(&[stats])))
            .collect()
    }

    /// Figures of a service, all operations together.
    pub fn total(&self, service: Service) -> OperationStats {
        let state = self.lock();
        let of_service: Vec<&Stats> = state
            .stats
            .iter()
            .filter(|((of, _), _)| *of == service)
            .map(|(_, stats)| stats)
            .collect();
        figures(&of_service)
    }

    fn record(&self, mut record: CallRecord) {
        let mut state = self.lock();
        state.next_id += 1;
        record.id = state.next_id;
        if let Some(log) = &state.log {
            log.write(&Line {
                caller: &self.inner.caller,
                call: &record,
            });
        }
        let figures = state.stats.entry((record.service, record.operation)).or_default();
        figures.calls += 1;
        figures.retries += u64::from(record.attempt > 1);
        match record.outcome {
            "ok" => figures.last_success = Some(record.at),
            "cancelled" => {}
            _ => figures.errors += 1,
        }
        if figures.durations.len() == KEPT_DURATIONS {
            figures.durations.pop_front();
        }
        figures.durations.push_back(record.millis);
        figures.total_millis = figures.total_millis.saturating_add(record.millis);
        if state.calls.len() == KEPT_CALLS {
            state.calls.pop_front();
        }
        state.calls.push_back(record);
    }

    /// A call ended, with all its repeats: only its outcome moves the pulse, not each stumble on the way.
    pub(crate) fn settle(&self, service: Service, at: Timestamp, duration: Duration, failure: Option<&Error>) {
        let answered = match failure.map(|error| (error.kind(), error.status())) {
            // nothing was asked
            Some((ErrorKind::Configuration | ErrorKind::Refused { .. }, None)) => return,
            // a refusal is an answer too: the link is live, the request was wrong
            None | Some((ErrorKind::Refused { .. } | ErrorKind::NotFound | ErrorKind::Conflict, Some(_))) => true,
            Some(_) => false,
        };
        self.sender(service).send_if_modified(|pulse| {
            let next = match &*pulse {
                _ if answered => Pulse::Live { millis: millis(duration) },
                Pulse::Down { since } => Pulse::Down { since: *since },
                Pulse::Live { .. } | Pulse::Unknown => Pulse::Down { since: at },
            };
            let changed = *pulse != next;
            *pulse = next;
            changed
        });
    }

    fn sender(&self, service: Service) -> &watch::Sender<Pulse> {
        let [monitor, manage, erp, webhook, lake] = &self.inner.pulses;
        match service {
            Service::Monitor => monitor,
            Service::Manage => manage,
            Service::Erp => erp,
            Service::Webhook => webhook,
            Service::Lake => lake,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn figures(of: &[&Stats]) -> OperationStats {
    let mut sorted: Vec<u64> = of.iter().flat_map(|stats| stats.durations.iter().copied()).collect();
    sorted.sort_unstable();
    let percentile = |percent: usize| {
        sorted
            .get((sorted.len().saturating_sub(1)) * percent / 100)
            .copied()
            .unwrap_or_default()
    };
    OperationStats {
        calls: of.iter().map(|stats| stats.calls).sum(),
        errors: of.iter().map(|stats| stats.errors).sum(),
        retries: of.iter().map(|stats| stats.retries).sum(),
        p50_millis: percentile(50),
        p95_millis: percentile(95),
        total_millis: of.iter().fold(0, |sum, stats| sum.saturating_add(stats.total_millis)),
        last_success: of.iter().filter_map(|stats| stats.last_success).max(),
    }
}

impl std::fmt::Debug for Telemetry {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Telemetry")
            .field("caller", &self.inner.caller)
            .finish_non_exhaustive()
    }
}

/// A call on its way. Dropped before its end it is recorded as cancelled: the request may have reached the server all the same.
pub(crate) struct Underway {
    telemetry: Telemetry,
    record: Option<CallRecord>,
    began: Instant,
}

impl Underway {
    pub(crate) fn begin(telemetry: &Telemetry, service: Service, operation: &'static str, object: &str, attempt: u32) -> Self {
        let object = SafeText::new(object.chars().take(OBJECT_MAX).collect::<String>());
        Self {
            telemetry: telemetry.clone(),
            record: Some(CallRecord {
                id: 0,
                at: Timestamp::now(),
                service,
                operation,
                object: object.shown().to_owned(),
                status: None,
                outcome: "cancelled",
                attempt,
                millis: 0,
                bytes: 0,
            }),
            began: Instant::now(),
        }
    }

    pub(crate) fn end(mut self, outcome: &'static str, status: Option<u16>, bytes: usize) {
        if let Some(record) = &mut self.record {
            record.outcome = outcome;
            record.status = status;
            record.bytes = bytes as u64;
        }
    }

    pub(crate) fn fail(self, error: &Error) {
        self.end(outcome_of(error.kind()), error.status(), 0);
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        if let Some(mut record) = self.record.take() {
            record.millis = millis(self.began.elapsed());
            self.telemetry.record(record);
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_last_thousand_are_kept_and_percentiles_are_of_what_was_measured() {
        let telemetry = Telemetry::new(Caller::default());
        for _ in 0..1_500 {
            Underway::begin(&telemetry, Service::Monitor, "listAlerts", "x", 1).end("ok", Some(200), 10);
        }
        for millis in 1..=101 {
            let call = Underway::begin(&telemetry, Service::Monitor, "listDevices", "x", 2);
            tokio::time::advance(Duration::from_millis(millis)).await;
            call.end("server", Some(500), 0);
        }
        drop(Underway::begin(&telemetry, Service::Manage, "findWorkOrders", "PUMP\u{1b}[2J", 1));
        let calls = telemetry.calls();
        assert_eq!(calls.len(), KEPT_CALLS);
        let last = calls.last().unwrap();
        assert_eq!((last.outcome, last.object.as_str(), last.id), ("cancelled", "PUMP␛[2J", 1_602));
        let stats = telemetry.stats();
        let (_, _, devices) = stats.iter().find(|(_, operation, _)| *operation == "listDevices").unwrap();
        assert_eq!((devices.calls, devices.errors, devices.retries), (101, 101, 101));
        assert_eq!((devices.p50_millis, devices.p95_millis), (51, 96));
        assert_eq!(devices.total_millis, 101 * 102 / 2);
        let all = telemetry.total(Service::Monitor);
        assert_eq!(
            (all.calls, all.errors, all.retries),
            (1_601, 101, 101),
            "Manage's call is not among them"
        );
        assert_eq!(
            (all.p50_millis, all.p95_millis),
            (0, 70),
            "the clock stood still for the first ones"
        );
    }

    #[test]
    fn a_service_is_down_since_its_first_failure_and_a_refusal_is_an_answer() {
        let telemetry = Telemetry::new(Caller::default());
        let pulse = telemetry.pulse(Service::Monitor);
        let fail = |kind, status: Option<u16>| {
            let error = Error::new(Service::Monitor, "x", kind, "no");
            status.map_or(error.clone(), |status| error.with_status(status))
        };
        let (first, second) = (Timestamp::from_second(1).unwrap(), Timestamp::from_second(2).unwrap());
        for at in [first, second] {
            telemetry.settle(Service::Monitor, at, Duration::ZERO, Some(&fail(ErrorKind::Unreachable, None)));
            assert_eq!(*pulse.borrow(), Pulse::Down { since: first });
        }
        telemetry.settle(
            Service::Monitor,
            second,
            Duration::ZERO,
            Some(&fail(ErrorKind::Refused { status: 400 }, None)),
        );
        assert_eq!(*pulse.borrow(), Pulse::Down { since: first }, "nothing was asked");
        telemetry.settle(
            Service::Monitor,
            second,
            Duration::from_millis(3),
            Some(&fail(ErrorKind::NotFound, Some(404))),
        );
        assert_eq!(*pulse.borrow(), Pulse::Live { millis: 3 });
    }
}
