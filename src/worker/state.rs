//! What is due, what waits, what is under way: decided here, without a call or a task.

mod resolved;
mod trends;

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use tokio::time::{Duration, Instant};

use crate::domain::{Alert, AlertId, DeviceId, DeviceKey, DeviceType, Service};
use crate::model::{Fault, FaultKind, Fetch, LinkState, Report, Source};

use super::backoff::Timer;
use super::job::{Brought, Done, Job, JobKey};
use super::plan::Plan;

/// Requests under way at once.
const IN_FLIGHT_MAX: usize = 4;
/// Of these for what is merely due, so that a person's request always finds a place.
const BACKGROUND_MAX: usize = 3;
/// Single alerts and forms that may wait; older ones are dropped.
const ASKED_MAX: usize = 64;
/// Devices whose metrics are read; a screen has fewer rows.
const TRENDS_MAX: usize = 200;
/// Alerts whose orders are followed.
const FOLLOWED_MAX: usize = 500;
/// With more than these followed, a look at their orders is many calls.
const FOLLOWED_FEW: usize = 20;
/// Between two such looks: a flood asks with every alert.
const ORDERS_GAP: Duration = Duration::from_secs(10);
/// Half of the first pause after those resolved meanwhile could not be read: it is a long list.
const RESOLVED_AGAIN: Duration = Duration::from_secs(15);
/// After an outage of this length those resolved meanwhile are asked for.
const SWEEP_AFTER: Duration = Duration::from_mins(1);
/// A reading of the queue that hangs is told after two of its intervals, and not before this: a slow server is not a dead one.
const OVERDUE_MIN: Duration = Duration::from_secs(10);
/// Resolved alerts that are told: the newest.
const RESOLVED_MAX: usize = 2_000;

pub(super) struct State {
    plan: Plan,
    alerts: Timer,
    devices: Timer,
    metrics: Timer,
    orders: Timer,
    /// When the last look at the orders began.
    orders_begun: Option<Instant>,
    /// What a person asked for, the oldest first.
    asked: VecDeque<Job>,
    in_flight: HashSet<JobKey>,
    /// Of those in flight, the ones that were due by time.
    background: HashSet<JobKey>,
    /// Asked again while under way: the answer may be older than the question.
    again: HashSet<JobKey>,
    wanted: Vec<DeviceKey>,
    window: Duration,
    /// Types still to be read in this round, the cursor's first.
    trend_queue: VecDeque<DeviceType>,
    trend_failed: bool,
    /// What was last read of a type, so that moving the cursor alone asks nothing.
    trend_read: HashMap<DeviceType, (BTreeSet<DeviceId>, Duration, Instant)>,
    followed: VecDeque<AlertId>,
    known: Arc<Vec<AlertId>>,
    resolved: HashMap<AlertId, Alert>,
    /// When those of before the start are to be asked for: until they came once, and after an outage, since no query narrows
    /// them by time.
    resolved_timer: Timer,
    /// The first of the failures in a row of reading the queue.
    away_since: Option<Instant>,
    links: HashMap<Service, LinkState>,
    /// When the reading of the queue that is under way began, until it is told that it hangs.
    alerts_begun: Option<Instant>,
    /// When Manage is asked early, since Monitor does not answer: once a reading.
    doubt_at: Option<Instant>,
    dropped: u64,
}

impl State {
    pub(super) fn new(plan: Plan, now: Instant) -> Self {
        let timer = |every| Timer::new(every, plan.backoff_max);
        let mut state = Self {
            alerts: timer(plan.alerts),
            devices: timer(plan.devices),
            metrics: timer(plan.metrics),
            orders: timer(plan.orders),
            orders_begun: None,
            asked: VecDeque::new(),
            in_flight: HashSet::new(),
            background: HashSet::new(),
            again: HashSet::new(),
            wanted: Vec::new(),
            window: Duration::from_hours(1),
            trend_queue: VecDeque::new(),
            trend_failed: false,
            trend_read: HashMap::new(),
            followed: VecDeque::new(),
            known: Arc::new(Vec::new()),
            resolved: HashMap::new(),
            resolved_timer: Timer::new(RESOLVED_AGAIN, plan.backoff_max),
            away_since: None,
            links: HashMap::new(),
            alerts_begun: None,
            doubt_at: None,
            dropped: 0,
            plan,
        };
        state.alerts.due = Some(now);
        state.devices.due = Some(now);
        state.resolved_timer.due = Some(now);
        state
    }

    /// Takes a person's request.
    pub(super) fn ask(&mut self, fetch: Fetch, now: Instant) {
        match fetch {
            Fetch::Refresh => {
                for (key, timer) in [(JobKey::Alerts, &mut self.alerts), (JobKey::Devices, &mut self.devices)] {
                    if self.in_flight.contains(&key) {
                        self.again.insert(key);
                    } else {
                        timer.due = Some(now);
                    }
                }
                self.trend_read.clear();
                self.queue_trends(now);
                if !self.followed.is_empty() && !self.in_flight.contains(&JobKey::OrderStatus) {
                    self.orders.due = Some(now);
                }
            }
            Fetch::Trends {
                mut devices,
                window_seconds,
            } => {
                devices.truncate(TRENDS_MAX);
                self.wanted = devices;
                self.window = Duration::from_secs(u64::from(window_seconds).max(60));
                self.queue_trends(now);
            }
            Fetch::Alert(id) => self.push(Job::Alert(id)),
            Fetch::OpenOrders { alert, asset, site } => self.push(Job::OpenOrders { alert, asset, site }),
            Fetch::OrderStatus(alerts) => {
                for alert in alerts {
                    self.followed.retain(|has| *has != alert);
                    self.followed.push_back(alert);
                }
                let extra = self.followed.len().saturating_sub(FOLLOWED_MAX);
                self.followed.drain(..extra);
                if self.in_flight.contains(&JobKey::OrderStatus) {
                    self.again.insert(JobKey::OrderStatus);
                } else if !self.followed.is_empty() {
                    self.orders.due = Some(now);
                }
            }
            Fetch::Health => {} // no request: the task answers it
        }
    }

    fn push(&mut self, job: Job) {
        let key = job.key();
        self.asked.retain(|waiting| waiting.key() != key);
        self.asked.push_back(job);
        if self.asked.len() > ASKED_MAX {
            self.asked.pop_front();
            self.dropped += 1;
        }
    }

    /// The requests to begin now, with the report that says so.
    pub(super) fn begin(&mut self, now: Instant, clock: Timestamp) -> Vec<(Job, Option<Source>)> {
        let mut begun = Vec::new();
        while self.in_flight.len() < IN_FLIGHT_MAX {
            let Some((job, source, background)) = self.next(now, clock) else {
                break;
            };
            let key = job.key();
            if background {
                self.background.insert(key.clone());
            }
            if key == JobKey::Alerts {
                self.alerts_begun = Some(now);
                self.doubt_at = Some(now + self.patience() / 2);
            }
            self.in_flight.insert(key);
            begun.push((job, source));
        }
        begun
    }

    fn next(&mut self, now: Instant, clock: Timestamp) -> Option<(Job, Option<Source>, bool)> {
        if let Some(index) = self.asked.iter().position(|job| !self.in_flight.contains(&job.key())) {
            return self.asked.remove(index).map(|job| {
                let source = matches!(job, Job::OpenOrders { .. }).then_some(Source::Orders);
                (job, source, false)
            });
        }
        let reading_trends = self.in_flight.iter().any(|key| matches!(key, JobKey::Trends(_)));
        if !reading_trends && let Some(device_type) = self.trend_queue.pop_front() {
            let devices: Vec<_> = self.of_type(&device_type);
            let start = clock
                .checked_sub(jiff::SignedDuration::try_from(self.window).ok()?)
                .unwrap_or(clock);
            let job = Job::Trends {
                device_type,
                devices,
                window: (start, clock),
            };
            return Some((job, Some(Source::Metrics), false));
        }
        if self.background.len() >= BACKGROUND_MAX {
            return None;
        }
        let is_due = |timer: &Timer| timer.due.is_some_and(|due| due <= now);
        if is_due(&self.alerts) {
            self.alerts.due = None;
            let job = Job::Alerts { known: self.known.clone() };
            return Some((job, Some(Source::Alerts), true));
        }
        if is_due(&self.devices) {
            self.devices.due = None;
            return Some((Job::Devices, Some(Source::Devices), true));
        }
        let rests_until = self
            .orders_begun
            .filter(|_| self.followed.len() > FOLLOWED_FEW)
            .map(|begun| begun + ORDERS_GAP);
        if is_due(&self.orders) && rests_until.is_some_and(|until| until > now) {
            self.orders.due = rests_until;
        }
        if self.orders.due.is_some_and(|due| due <= now) {
            self.orders.due = None;
            self.orders_begun = Some(now);
            let job = Job::OrderStatus {
                site: self.plan.site.clone(),
                alerts: self.followed.iter().cloned().collect(),
            };
            return Some((job, Some(Source::Orders), true));
        }
        if is_due(&self.metrics) {
            self.metrics.due = None;
            self.trend_read.clear();
            self.queue_trends(now);
            return self.next(now, clock);
        }
        if is_due(&self.resolved_timer) && self.background.is_empty() {
            self.resolved_timer.due = None;
            let job = Job::Resolved {
                since: self.resolved_since(clock),
            };
            return Some((job, None, true));
        }
        None
    }

    /// When something becomes due by itself. With no place free, the end of a request wakes the task.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        let overdue = self
            .alerts_begun
            .map(|begun| begun + self.patience())
            .into_iter()
            .chain(self.doubt_at)
            .min();
        if self.background.len() >= BACKGROUND_MAX || self.in_flight.len() >= IN_FLIGHT_MAX {
            return overdue;
        }
        // it waits until nothing else is read, and the end of that wakes the task, too
        let resolved = self.background.is_empty().then_some(&self.resolved_timer);
        [&self.alerts, &self.devices, &self.metrics, &self.orders]
            .into_iter()
            .chain(resolved)
            .filter_map(|timer| timer.due)
            .chain(overdue)
            .min()
    }

    /// A server that takes connections and never answers holds a call for as long as its tries may last; the link is said to be
    /// down long before. Told once a reading.
    pub(super) fn overdue(&mut self, now: Instant, clock: Timestamp) -> Option<Report> {
        if self.doubt_at.is_some_and(|at| now >= at) {
            self.doubt_at = None;
            self.probe_manage(now);
        }
        let begun = self.alerts_begun.filter(|begun| now >= *begun + self.patience())?;
        self.alerts_begun = None;
        let waited = now - begun;
        let fault = Fault {
            kind: FaultKind::Unreachable,
            message: format!("{} has not answered for {} s", Service::Monitor, waited.as_secs()).into(),
        };
        self.link(Service::Monitor, Some(fault), waited, clock)
    }

    /// What takes Monitor away often takes Manage along, and it is asked once a minute: its state is looked up now.
    fn probe_manage(&mut self, now: Instant) {
        let is_down = matches!(self.links.get(&Service::Manage), Some(LinkState::Down { .. }));
        if !is_down && !self.followed.is_empty() && !self.in_flight.contains(&JobKey::OrderStatus) {
            self.orders.due = Some(now);
        }
    }

    /// A service answers again: what waits out a pause because of the outage is read now. A reading under way may be from before.
    fn wake(&mut self, now: Instant) {
        for (key, timer) in [
            (JobKey::Alerts, &mut self.alerts),
            (JobKey::Devices, &mut self.devices),
            (JobKey::OrderStatus, &mut self.orders),
        ] {
            if timer.is_failing() {
                if self.in_flight.contains(&key) {
                    self.again.insert(key);
                } else {
                    timer.due = Some(now);
                }
            }
        }
        if self.metrics.is_failing() && self.trend_queue.is_empty() {
            self.metrics.due = Some(now);
        }
        if self.resolved_timer.is_failing() && !self.in_flight.contains(&JobKey::Resolved) {
            self.resolved_timer.due = Some(now);
        }
    }

    fn patience(&self) -> Duration {
        self.plan.alerts.saturating_mul(2).max(OVERDUE_MIN)
    }

    /// Takes what a request brought; returns what to tell.
    pub(super) fn finish(&mut self, done: Done, now: Instant, clock: Timestamp) -> Vec<Report> {
        self.in_flight.remove(&done.key);
        self.background.remove(&done.key);
        if done.key == JobKey::Alerts {
            self.alerts_begun = None;
            self.doubt_at = None;
        }
        let mut reports = Vec::new();
        let (service, fault) = done.brought.link();
        let is_down = |state: &Self| matches!(state.links.get(&service), Some(LinkState::Down { .. }));
        let was_down = is_down(self);
        reports.extend(self.link(service, fault.cloned(), done.took, clock));
        match (was_down, is_down(self)) {
            (false, true) if service == Service::Monitor => self.probe_manage(now),
            (true, false) => self.wake(now),
            _ => {}
        }
        let again = self.again.remove(&done.key);
        let due = |timer: &mut Timer, success: bool| {
            timer.finished(now, success);
            if again {
                timer.due = Some(now);
            }
        };
        match (done.key, done.brought) {
            (JobKey::Alerts, Brought::Alerts { active, gone, unasked }) => {
                // What came and went while the server was away stands among the resolved ones only.
                if active.is_ok() {
                    let away = self.away_since.take().map_or(Duration::ZERO, |since| now - since);
                    if away >= SWEEP_AFTER && !self.in_flight.contains(&JobKey::Resolved) {
                        self.resolved_timer.due = Some(now);
                    }
                } else {
                    self.away_since.get_or_insert(now);
                }
                due(&mut self.alerts, active.is_ok());
                reports.push(Report::Alerts {
                    result: active.map(|listing| self.join_resolved(listing, gone, unasked, clock)),
                    cached: false,
                });
            }
            // They come with the next reading of the queue.
            (JobKey::Resolved, Brought::Resolved(result)) => {
                let since = self.resolved_since(clock);
                self.resolved_timer.finished(now, result.is_ok());
                if let Ok(listing) = result {
                    self.resolved_timer.due = None;
                    for alert in listing.items {
                        self.resolved.entry(alert.id.clone()).or_insert(alert);
                    }
                    if listing.complete {
                        reports.push(Report::ResolvedSince(since));
                    }
                }
            }
            (JobKey::Devices, Brought::Devices(result)) => {
                due(&mut self.devices, result.is_ok());
                reports.push(Report::Devices { result, cached: false });
            }
            (JobKey::Trends(device_type), Brought::Trends { result, window }) => {
                match &result {
                    Ok(trends) => {
                        let devices = trends.iter().map(|trend| trend.device.device_id.clone()).collect();
                        self.trend_read.insert(device_type, (devices, self.window, now));
                    }
                    Err(_) => self.trend_failed = true,
                }
                // What was under way when the rest was planned may have brought it.
                let mut rest = std::mem::take(&mut self.trend_queue);
                rest.retain(|device_type| !self.is_fresh(device_type, now));
                self.trend_queue = rest;
                if self.trend_queue.is_empty() {
                    let failed = std::mem::take(&mut self.trend_failed);
                    self.metrics.finished(now, !failed);
                }
                reports.push(Report::Trends { result, window });
            }
            (JobKey::Alert(id), Brought::Alert(result)) => {
                let result = Box::new(result);
                reports.push(Report::Alert { id, result });
            }
            (JobKey::OpenOrders(alert), Brought::OpenOrders(result)) => reports.push(Report::OpenOrders { alert, result }),
            (JobKey::OrderStatus, Brought::OrderStatus(result)) => {
                if let Ok(orders) = &result {
                    // A finished order stays finished: it needs no more looks, unless a later one of the alert is open.
                    let open: HashSet<_> = orders.iter().filter(|(_, order)| order.is_open()).map(|(alert, _)| alert).collect();
                    let over: HashSet<_> = orders
                        .iter()
                        .map(|(alert, _)| alert)
                        .filter(|alert| !open.contains(alert))
                        .collect();
                    if !again {
                        self.followed.retain(|alert| !over.contains(alert));
                    }
                }
                due(&mut self.orders, result.is_ok());
                if self.followed.is_empty() {
                    self.orders.due = None;
                }
                reports.push(Report::OrderStatus(result));
            }
            (
                JobKey::Alerts
                | JobKey::Resolved
                | JobKey::Devices
                | JobKey::Trends(_)
                | JobKey::Alert(_)
                | JobKey::OpenOrders(_)
                | JobKey::OrderStatus,
                _,
            ) => {} // a job brings its own kind
        }
        reports
    }

    /// A job whose task died (a bug): its place is free again and it comes back after a pause.
    pub(super) fn lost(&mut self, key: &JobKey, now: Instant) {
        self.in_flight.remove(key);
        self.background.remove(key);
        if *key == JobKey::Alerts {
            self.alerts_begun = None;
            self.doubt_at = None;
        }
        match key {
            JobKey::Alerts => self.alerts.finished(now, false),
            JobKey::Devices => self.devices.finished(now, false),
            JobKey::OrderStatus => self.orders.finished(now, false),
            JobKey::Trends(_) => self.metrics.finished(now, false),
            JobKey::Resolved => self.resolved_timer.finished(now, false),
            JobKey::Alert(_) | JobKey::OpenOrders(_) => {}
        }
    }

    fn link(&mut self, service: Service, fault: Option<Fault>, took: Duration, clock: Timestamp) -> Option<Report> {
        let before = self.links.get(&service);
        let state = match fault {
            None => LinkState::Live {
                millis: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            },
            // A refusal of one request, or one odd answer, says nothing against the link.
            Some(fault) if matches!(fault.kind, FaultKind::Refused | FaultKind::Malformed) => return None,
            Some(fault) => LinkState::Down {
                since: match before {
                    Some(LinkState::Down { since, .. }) => *since,
                    _ => clock,
                },
                fault,
            },
        };
        if before == Some(&state) {
            return None;
        }
        self.links.insert(service, state.clone());
        Some(Report::Link { service, state })
    }

    /// Requests of a person that had to go because too many waited.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }
}
