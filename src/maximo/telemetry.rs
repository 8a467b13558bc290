//! Who called what and when: the monitor of the monitors.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::watch;

use crate::domain::Service;

/// Calls kept in memory.
const KEPT_CALLS: usize = 1_000;
/// Durations kept for the percentiles of an operation.
const KEPT_DURATIONS: usize = 512;
/// The usage log is turned over at this size; one older file is kept.
const LOG_MAX_BYTES: u64 = 16 * 1024 * 1024;

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
    /// On which object, in the raw spelling.
    pub object: String,
    /// The HTTP status, where an answer came.
    pub status: Option<u16>,
    /// `ok`, or the kind of failure.
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
    pulses: [watch::Sender<Pulse>; 2],
}

#[derive(Default)]
struct State {
    next_id: u64,
    calls: VecDeque<CallRecord>,
    stats: BTreeMap<(Service, &'static str), Stats>,
    log: Option<Log>,
}

#[derive(Default)]
struct Stats {
    calls: u64,
    errors: u64,
    retries: u64,
    durations: VecDeque<u64>,
    last_success: Option<Timestamp>,
}

struct Log {
    path: PathBuf,
    file: File,
    bytes: u64,
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
                pulses: [pulse(), pulse()],
            }),
        }
    }

    /// Also appends a JSON line a call to this file (created 0600, turned over at 16 MiB).
    pub fn with_log(caller: Caller, path: PathBuf) -> std::io::Result<Self> {
        let telemetry = Self::new(caller);
        let (file, bytes) = open_log(&path)?;
        telemetry.lock().log = Some(Log { path, file, bytes });
        Ok(telemetry)
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
            .map(|((service, operation), stats)| {
                let mut sorted: Vec<u64> = stats.durations.iter().copied().collect();
                sorted.sort_unstable();
                let percentile = |percent: usize| {
                    sorted
                        .get((sorted.len().saturating_sub(1)) * percent / 100)
                        .copied()
                        .unwrap_or_default()
                };
                let figures = OperationStats {
                    calls: stats.calls,
                    errors: stats.errors,
                    retries: stats.retries,
                    p50_millis: percentile(50),
                    p95_millis: percentile(95),
                    last_success: stats.last_success,
                };
                (*service, *operation, figures)
            })
            .collect()
    }

    pub(super) fn record(&self, call: &NewCall<'_>) {
        let NewCall {
            at,
            service,
            operation,
            object,
            status,
            outcome,
            attempt,
            duration,
            bytes,
        } = *call;
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let ok = outcome == "ok";
        let mut state = self.lock();
        state.next_id += 1;
        let record = CallRecord {
            id: state.next_id,
            at,
            service,
            operation,
            object: object.to_owned(),
            status,
            outcome,
            attempt,
            millis,
            bytes,
        };
        if let Some(log) = &mut state.log {
            log.append(&Line {
                caller: &self.inner.caller,
                call: &record,
            });
        }
        let figures = state.stats.entry((service, operation)).or_default();
        figures.calls += 1;
        figures.retries += u64::from(attempt > 1);
        if ok {
            figures.last_success = Some(at);
        } else {
            figures.errors += 1;
        }
        if figures.durations.len() == KEPT_DURATIONS {
            figures.durations.pop_front();
        }
        figures.durations.push_back(millis);
        if state.calls.len() == KEPT_CALLS {
            state.calls.pop_front();
        }
        state.calls.push_back(record);
        drop(state);
        // a refusal is an answer too: the link is live, the request was wrong
        let answered = ok || status.is_some_and(|status| (300..500).contains(&status) && status != 401 && status != 429);
        self.sender(service).send_if_modified(|pulse| {
            let next = if answered {
                Pulse::Live { millis }
            } else if let Pulse::Down { since } = pulse {
                Pulse::Down { since: *since }
            } else {
                Pulse::Down { since: at }
            };
            let changed = *pulse != next;
            *pulse = next;
            changed
        });
    }

    fn sender(&self, service: Service) -> &watch::Sender<Pulse> {
        let [monitor, manage] = &self.inner.pulses;
        match service {
            Service::Monitor => monitor,
            Service::Manage => manage,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
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

/// What the transport knows of a call that ended.
#[derive(Clone, Copy)]
pub(super) struct NewCall<'a> {
    pub(super) at: Timestamp,
    pub(super) service: Service,
    pub(super) operation: &'static str,
    pub(super) object: &'a str,
    pub(super) status: Option<u16>,
    pub(super) outcome: &'static str,
    pub(super) attempt: u32,
    pub(super) duration: Duration,
    pub(super) bytes: u64,
}

fn open_log(path: &std::path::Path) -> std::io::Result<(File, u64)> {
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    let bytes = file.metadata()?.len();
    Ok((file, bytes))
}

impl Log {
    /// A log that cannot be written must not stop the work: the failure goes to the program's own log.
    fn append(&mut self, line: &Line<'_>) {
        let Ok(mut text) = serde_json::to_vec(line) else { return };
        text.push(b'\n');
        if self.bytes + text.len() as u64 > LOG_MAX_BYTES {
            let older = self.path.with_extension("1.jsonl");
            if std::fs::rename(&self.path, older).is_ok()
                && let Ok((file, bytes)) = open_log(&self.path)
            {
                (self.file, self.bytes) = (file, bytes);
            }
        }
        match self.file.write_all(&text) {
            Ok(()) => self.bytes += text.len() as u64,
            Err(error) => tracing::warn!(%error, "the usage log cannot be written"),
        }
    }
}
