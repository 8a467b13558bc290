//! The worker's task: starts what the state decides and hands on what comes back.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::task::{Id, JoinHandle, JoinSet};
use tokio::time::{Duration, Instant};

use crate::domain::{AlertId, DeviceType, Service};
use crate::model::{Fetch, Report, Source};

use super::job::{Done, JobKey};
use super::mailbox::Mailbox;
use super::plan::Plan;
use super::plant::{Keep, Plant};
use super::state::State;

/// Kinds of requests that may wait for the task.
const REQUESTS_MAX: usize = 64;
/// Kinds of reports that may wait for the console.
const REPORTS_MAX: usize = 256;
/// A list is written for the next run no more often.
const KEPT_EVERY: Duration = Duration::from_secs(30);

/// Which request replaces which.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Request {
    Refresh,
    Trends,
    Alert(AlertId),
    OpenOrders(AlertId),
    OrderStatus(Vec<AlertId>),
    Health,
}

/// Which report replaces which.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Alerts,
    Devices,
    Progress,
    Trends(Option<DeviceType>),
    Alert(AlertId),
    OpenOrders(AlertId),
    OrderStatus,
    Link(Service),
    Health,
    ResolvedSince,
    Began(Source),
}

impl Kind {
    fn of(report: &Report) -> Self {
        match report {
            Report::Alerts { .. } => Self::Alerts,
            Report::ResolvedSince(_) => Self::ResolvedSince,
            Report::Devices { .. } => Self::Devices,
            Report::DevicesProgress { .. } => Self::Progress,
            Report::Trends { result, .. } => Self::Trends(
                result
                    .as_ref()
                    .ok()
                    .and_then(|trends| trends.first())
                    .map(|trend| trend.device.device_type.clone()),
            ),
            Report::Alert { id, .. } => Self::Alert(id.clone()),
            Report::OpenOrders { alert, .. } => Self::OpenOrders(alert.clone()),
            Report::OrderStatus(_) => Self::OrderStatus,
            Report::Link { service, .. } => Self::Link(*service),
            Report::Health(_) => Self::Health,
            Report::Began(source) => Self::Began(*source),
        }
    }
}

type Out = Mailbox<Kind, Report>;

/// The handle by which the console asks. Dropping it ends the worker and whatever is under way.
#[derive(Debug)]
pub struct Worker {
    requests: Arc<Mailbox<Request, Fetch>>,
    task: JoinHandle<()>,
}

impl Worker {
    /// Starts the task: it tells what `keep` holds of the last run, then reads live data. Must be called in a runtime.
    pub fn spawn<P: Plant>(plant: Arc<P>, plan: Plan, keep: Option<Arc<dyn Keep>>) -> (Self, Reports) {
        let requests = Arc::new(Mailbox::new(REQUESTS_MAX));
        let out = Arc::new(Out::new(REPORTS_MAX));
        let closing = Closing(out.clone());
        let task = tokio::spawn(run(plant, plan, keep, requests.clone(), closing));
        (Self { requests, task }, Reports(out))
    }

    /// Asks for something. Never waits; a newer request of the same kind replaces one that waits.
    pub fn fetch(&self, fetch: Fetch) {
        let kind = match &fetch {
            Fetch::Refresh => Request::Refresh,
            Fetch::Trends { .. } => Request::Trends,
            Fetch::Alert(id) => Request::Alert(id.clone()),
            Fetch::OpenOrders { alert, .. } => Request::OpenOrders(alert.clone()),
            Fetch::OrderStatus(alerts) => Request::OrderStatus(alerts.clone()),
            Fetch::Health => Request::Health,
        };
        self.requests.put(kind, fetch);
    }

    /// Requests that had to go because too many kinds waited.
    pub fn dropped(&self) -> u64 {
        self.requests.dropped()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What the worker tells. Refreshes are latest-wins: a slow reader sees the newest, never a backlog.
#[derive(Debug)]
pub struct Reports(Arc<Out>);

impl Reports {
    /// The next report; `None` when the worker has ended. Cancelling the wait loses nothing.
    pub async fn next(&self) -> Option<Report> {
        self.0.take().await
    }

    /// The next report, if one is there.
    pub fn try_next(&self) -> Option<Report> {
        self.0.try_take()
    }
}

/// Closes the reports however the task ends.
struct Closing(Arc<Out>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close();
    }
}

fn tell(out: &Out, report: Report) {
    // What has ended is not told to have begun: in place of an older message it could come after its end.
    let ended = match &report {
        Report::Alerts { cached: false, .. } => Some(Source::Alerts),
        Report::Devices { cached: false, .. } => Some(Source::Devices),
        Report::Trends { .. } => Some(Source::Metrics),
        Report::OpenOrders { .. } | Report::OrderStatus(_) => Some(Source::Orders),
        _ => None,
    };
    if let Some(source) = ended {
        out.withdraw(&Kind::Began(source));
    }
    out.put(Kind::of(&report), report);
}

async fn run<P: Plant>(plant: Arc<P>, plan: Plan, keep: Option<Arc<dyn Keep>>, requests: Arc<Mailbox<Request, Fetch>>, closing: Closing) {
    let out = closing.0.clone();
    if let Some(keep) = keep.clone() {
        let kept = tokio::task::spawn_blocking(move || (keep.alerts(), keep.devices())).await;
        let (alerts, devices) = kept.unwrap_or_default();
        if let Some(listing) = alerts {
            let result = Ok(listing);
            tell(&out, Report::Alerts { result, cached: true });
        }
        if let Some(listing) = devices {
            let result = Ok(listing);
            tell(&out, Report::Devices { result, cached: true });
        }
    }
    let mut state = State::new(plan, Instant::now());
    let mut jobs: JoinSet<Done> = JoinSet::new();
    let mut looks: JoinSet<()> = JoinSet::new(); // ends with the task
    let mut running: HashMap<Id, JobKey> = HashMap::new();
    let mut dropped = 0;
    let mut keeper = keep.map(|keep| Keeper {
        keep,
        last: HashMap::new(),
    });
    loop {
        if let Some(report) = state.overdue(Instant::now(), Timestamp::now()) {
            tell(&out, report);
        }
        for (job, source) in state.begin(Instant::now(), Timestamp::now()) {
            if let Some(source) = source {
                tell(&out, Report::Began(source));
            }
            let key = job.key();
            let progress = {
                let out = out.clone();
                move |loaded, total| tell(&out, Report::DevicesProgress { loaded, total })
            };
            let handle = jobs.spawn(job.run(plant.clone(), progress));
            running.insert(handle.id(), key);
        }
        let wake_at = state.wake_at();
        let wake = async {
            match wake_at {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            request = requests.take() => match request {
                // It may wait for a token that is being renewed, and takes no place of a request.
                Some(Fetch::Health) if looks.is_empty() => {
                    let (plant, out) = (plant.clone(), out.clone());
                    looks.spawn(async move { tell(&out, Report::Health(Box::new(plant.health().await))) });
                }
                Some(fetch) => state.ask(fetch, Instant::now()),
                None => return,
            },
            Some(finished) = jobs.join_next_with_id() => match finished {
                Ok((id, done)) => {
                    running.remove(&id);
                    for report in state.finish(done, Instant::now(), Timestamp::now()) {
                        if let Some(keeper) = &mut keeper {
                            keeper.see(&report, Instant::now());
                        }
                        tell(&out, report);
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "a reading ended in a panic");
                    if let Some(key) = running.remove(&error.id()) {
                        state.lost(&key, Instant::now());
                    }
                }
            },
            Some(_) = looks.join_next() => {}
            () = wake => {}
        }
        if state.dropped() > dropped {
            dropped = state.dropped();
            tracing::warn!(dropped, "requests were dropped: too many waited");
        }
    }
}

/// Keeps fresh lists for the next run, away from the runtime's threads and not with every reading.
struct Keeper {
    keep: Arc<dyn Keep>,
    last: HashMap<Kind, Instant>,
}

impl Keeper {
    fn see(&mut self, report: &Report, now: Instant) {
        let fresh = matches!(
            report,
            Report::Alerts {
                result: Ok(_),
                cached: false
            } | Report::Devices {
                result: Ok(_),
                cached: false
            }
        );
        let kind = Kind::of(report);
        if !fresh || self.last.get(&kind).is_some_and(|at| now < *at + KEPT_EVERY) {
            return;
        }
        self.last.insert(kind, now);
        let (keep, report) = (self.keep.clone(), report.clone());
        tokio::task::spawn_blocking(move || match &report {
            Report::Alerts { result: Ok(listing), .. } => keep.keep_alerts(listing),
            Report::Devices { result: Ok(listing), .. } => keep.keep_devices(listing),
            _ => {}
        });
    }
}
