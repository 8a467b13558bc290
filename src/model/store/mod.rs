//! Server data in one place, each source with its freshness, and what was asked of it laid over.

mod asked;
mod freshness;
mod intake;
mod links;
mod load;
mod memory;
mod orders;
mod plant;
mod shelf;

use std::collections::{HashMap, HashSet, VecDeque};

use jiff::{SignedDuration, Timestamp};

use super::{ApiHealth, BridgeStatus, Fault, LinkState, Report, Source, Ticket};
use crate::domain::load::{Arrivals, Flood, FloodLimits, FloodSpan, TEN_MINUTES};
use crate::domain::{
    AlarmKey, Alert, AlertFacts, AlertId, AlertState, History, Intent, Occurrence, OutboxRow, Return, SafeText, Service, Shelf, WorkOrder,
};

pub use asked::{Asked, Ledger, Progress, SAID_FOR, Verb, seconds_left};
pub use freshness::{Age, Freshness, Latency};
pub use load::Load;
pub use plant::{Plant, Trend};
pub use shelf::Tended;

/// Most alert ids of which it is remembered that they were counted, or that they have an order.
const COUNTED_MOST: usize = 200_000;
/// Most runbooks that are kept.
const RUNBOOKS_MOST: usize = 32;
/// Most answers about open orders that are kept.
const OPEN_ORDERS_MOST: usize = 16;

/// How often each source is read; the yardstick of `NO DATA`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intervals {
    /// The alert queue.
    pub alerts: SignedDuration,
    /// The device list.
    pub devices: SignedDuration,
    /// Readings of the devices in view.
    pub metrics: SignedDuration,
}

impl Default for Intervals {
    fn default() -> Self {
        Self {
            alerts: SignedDuration::from_secs(5),
            devices: SignedDuration::from_secs(60),
            metrics: SignedDuration::from_secs(30),
        }
    }
}

/// What is wrong with a list that came, apart from its rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quality {
    /// Records left out.
    pub skipped: usize,
    /// The first reason for leaving one out.
    pub problem: Option<SafeText>,
    /// The list was still shifting: rows may be missing, so none was taken away.
    pub incomplete: bool,
}

/// Why a row carries a mark of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touch {
    /// It was not there before.
    Arrived,
    /// Its state or severity changed.
    Changed,
}

/// What a report brought that is worth more than drawing anew.
#[derive(Clone, Debug, Default)]
pub struct News {
    /// Alerts that were not there before; empty for the first list of a run. Those that became worse and so came back are
    /// among them.
    pub arrived: Vec<AlertId>,
    /// A flood that ended just now.
    pub flood_ended: Option<FloodSpan>,
    /// Whether anything that can be seen may have changed.
    pub visible: bool,
}

/// The open orders of an asset, as the form of an alert asked for them.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenOrders {
    /// For whose form.
    pub alert: AlertId,
    /// What is open, or why that is unknown.
    pub result: Result<Vec<WorkOrder>, Fault>,
}

/// All that the servers and the outbox have told.
#[derive(Debug)]
pub struct Store {
    alerts: HashMap<AlertId, Alert>,
    quality: Quality,
    seen_live: bool,
    touched: HashMap<AlertId, (Touch, Timestamp)>,
    gone: VecDeque<(AlertId, Timestamp)>,
    counted: HashSet<AlertId>,
    arrivals: Arrivals,
    /// Arrivals came of which the flood knows nothing, or time passed of which nothing was known.
    late: bool,
    flood: Flood,
    flood_limits: FloodLimits,
    chattering: HashSet<AlertId>,
    fleeting: HashSet<AlertId>,
    history: History,
    /// What was kept by earlier runs has been taken in: from then on news is kept, too.
    remembered: bool,
    /// What the history lacks on disk.
    unkept: Vec<Occurrence>,
    coverage_kept: Option<Timestamp>,
    /// A live list of this run is in the coverage.
    covered_live: bool,
    /// The list holds everything that was resolved since then.
    resolved_since: Option<Timestamp>,
    /// The minute of the last look at what changes with time alone.
    looked: Option<i64>,
    shelf: Shelf,
    returned: HashMap<AlertId, Return>,
    last_return: Option<Timestamp>,
    warned: HashSet<AlarmKey>,
    /// Alarms that became worse on the shelf.
    worse: Vec<AlarmKey>,
    runbooks: VecDeque<(String, Result<Option<String>, String>)>,
    /// Devices and their readings.
    pub plant: Plant,
    orders: HashMap<AlertId, WorkOrder>,
    open_orders: VecDeque<OpenOrders>,
    linked: HashMap<AlertId, String>,
    links: [(Service, LinkState, Latency); 2],
    fresh: [(Source, Freshness); 4],
    ledger: Ledger,
    health: ApiHealth,
    bridge: Option<BridgeStatus>,
    revision: u64,
}

impl Store {
    /// Empty.
    pub fn new(intervals: &Intervals, flood_limits: FloodLimits) -> Self {
        Self {
            alerts: HashMap::new(),
            quality: Quality::default(),
            seen_live: false,
            touched: HashMap::new(),
            gone: VecDeque::new(),
            counted: HashSet::new(),
            arrivals: Arrivals::default(),
            late: false,
            flood: Flood::No,
            flood_limits,
            chattering: HashSet::new(),
            fleeting: HashSet::new(),
            history: History::default(),
            remembered: false,
            unkept: Vec::new(),
            coverage_kept: None,
            covered_live: false,
            resolved_since: None,
            looked: None,
            shelf: Shelf::default(),
            returned: HashMap::new(),
            last_return: None,
            warned: HashSet::new(),
            worse: Vec::new(),
            runbooks: VecDeque::new(),
            plant: Plant::default(),
            orders: HashMap::new(),
            open_orders: VecDeque::new(),
            linked: HashMap::new(),
            links: Service::MAXIMO.map(|service| (service, LinkState::Unknown, Latency::default())),
            fresh: [
                (Source::Alerts, Freshness::new(intervals.alerts)),
                (Source::Devices, Freshness::new(intervals.devices)),
                (Source::Metrics, Freshness::new(intervals.metrics)),
                (Source::Orders, Freshness::new(SignedDuration::ZERO)),
            ],
            ledger: Ledger::default(),
            health: ApiHealth::default(),
            bridge: None,
            revision: 1,
        }
    }

    /// Grows with every change of alerts, orders or what was asked: lists are sorted anew when it has.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Begins to wait: called with the time of the first event.
    pub fn start(&mut self, now: Timestamp) {
        for (_, fresh) in &mut self.fresh {
            fresh.started.get_or_insert(now);
        }
    }

    /// Takes a report in.
    pub fn report(&mut self, now: Timestamp, report: Report) -> News {
        let mut news = News {
            visible: true,
            ..News::default()
        };
        match report {
            Report::Alerts {
                result: Ok(listing),
                cached,
                ..
            } => return self.take_alerts(now, listing, cached),
            Report::Alerts { result: Err(fault), .. } => self.fail(Source::Alerts, fault, now),
            Report::ResolvedSince(since) => {
                self.resolved_since.get_or_insert(since);
                news.visible = false; // the next list brings them
            }
            Report::Devices {
                result: Ok(listing),
                cached,
            } => {
                if !(cached && self.plant.is_live()) {
                    self.freshness_mut(Source::Devices).succeeded(listing.as_of, cached);
                    self.plant.take_devices(listing, cached);
                    self.revision += 1;
                }
            }
            Report::Health(health) => self.health = *health,
            Report::Devices { result: Err(fault), .. } => {
                self.plant.progress = None;
                self.fail(Source::Devices, fault, now);
            }
            Report::DevicesProgress { loaded, total } => {
                self.freshness_mut(Source::Devices).heard(now);
                self.plant.progress = Some((loaded, total));
            }
            Report::Trends {
                result: Ok(trends),
                window,
            } => {
                self.freshness_mut(Source::Metrics).succeeded(now, false);
                self.plant.take_trends(trends, window);
            }
            Report::Trends { result: Err(fault), .. } => self.fail(Source::Metrics, fault, now),
            Report::Alert { id, result } => match *result {
                Ok(alert) if alert.id == id => {
                    self.take_alert(alert, now, now);
                    self.revision += 1;
                }
                Ok(_) => {} // an answer to another question
                Err(_) => news.visible = false,
            },
            Report::OpenOrders { alert, result } => {
                match &result {
                    Ok(_) => self.freshness_mut(Source::Orders).succeeded(now, false),
                    Err(fault) => self.fail(Source::Orders, fault.clone(), now),
                }
                self.open_orders.retain(|known| known.alert != alert);
                self.open_orders.push_back(OpenOrders { alert, result });
                while self.open_orders.len() > OPEN_ORDERS_MOST {
                    self.open_orders.pop_front();
                }
            }
            Report::OrderStatus(Ok(orders)) => {
                self.freshness_mut(Source::Orders).succeeded(now, false);
                for (alert, order) in orders {
                    let record = self.history.ordered(&alert, &order.wonum, Some(&order.status), now).cloned();
                    self.keep(record);
                    if self.orders.len() < COUNTED_MOST || self.orders.contains_key(&alert) {
                        self.orders.insert(alert, order);
                    }
                }
                self.revision += 1;
            }
            Report::OrderStatus(Err(fault)) => self.fail(Source::Orders, fault, now),
            Report::Link { service, state } => {
                for (known, link, latency) in &mut self.links {
                    if *known == service {
                        let before = (std::mem::discriminant(link), latency.shown());
                        if let LinkState::Live { millis } = state {
                            latency.add(millis);
                        }
                        *link = state.clone();
                        news.visible = before != (std::mem::discriminant(link), latency.shown()) || matches!(link, LinkState::Down { .. });
                    }
                }
            }
            Report::Began(source) => {
                self.freshness_mut(source).began(now);
                news.visible = false;
            }
        }
        news
    }

    fn fail(&mut self, source: Source, fault: Fault, now: Timestamp) {
        self.freshness_mut(source).failed(fault, now);
    }

    /// Lets time pass: marks of change fade, and while it is known what is raised, chattering calms down and a flood may end.
    /// Answers a flood that did. While nothing is known nothing is over.
    pub fn step(&mut self, now: Timestamp) -> Option<FloodSpan> {
        self.touched.retain(|_, (_, at)| now.duration_since(*at) < SAID_FOR);
        let at = self.known_at(now)?;
        let held = self.known_until(now).is_some();
        self.arrivals.forget(at);
        let minute = at.as_second().div_euclid(60);
        if self.looked.replace(minute).is_some_and(|looked| looked != minute) {
            self.find_noise(at);
        }
        let was_on = self.flood.is_on();
        let ended = if self.late && (!held || self.freshness(Source::Alerts).cached) {
            self.late = false;
            self.flood.learn(&self.arrivals, at, self.flood_limits)
        } else if held {
            None
        } else {
            self.flood.step(self.arrivals.within(TEN_MINUTES, at), at, self.flood_limits)
        };
        if was_on != self.flood.is_on() {
            self.revision += 1; // the list is ordered otherwise
        }
        ended.map(|ended| FloodSpan {
            count: self.arrivals.of_flood(ended.start, ended.end),
            ..ended
        })
    }

    // What the outbox tells

    /// A submission is on its way to the outbox.
    pub fn submit(&mut self, ticket: Ticket, intent: Intent) {
        self.ledger.submit(ticket, intent);
        self.revision += 1;
    }

    /// The outbox answered a submission; the intent comes back.
    pub fn answered(&mut self, ticket: Ticket) -> Option<Intent> {
        self.revision += 1;
        self.ledger.answered(ticket)
    }

    /// A row of the outbox changed. Answers whether it was news.
    pub fn outbox(&mut self, row: OutboxRow, now: Timestamp) -> bool {
        let alert = row.intent.alert().cloned();
        let made = row.wonum.clone();
        if !self.ledger.take(row) {
            return false;
        }
        self.revision += 1;
        if let (Some(id), Some(number)) = (&alert, &made) {
            let record = self.history.ordered(id, number, None, now).cloned();
            self.keep(record);
        }
        let as_of = self.freshness(Source::Alerts).as_of.unwrap_or(Timestamp::MIN);
        if let Some(mut alert) = alert.and_then(|id| self.alerts.get(&id).cloned()) {
            // The server's confirmation is as good as its list, and newer.
            self.ledger.confirm(&mut alert, as_of);
            if self.alerts.get(&alert.id) != Some(&alert) {
                self.touched.insert(alert.id.clone(), (Touch::Changed, now));
                self.compare_with_before(&alert);
                let record = self.history.note(&alert, now).cloned();
                self.keep(record);
                self.alerts.insert(alert.id.clone(), alert);
            }
        }
        true
    }

    /// Everything that was asked.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    // What can be read

    /// One alert.
    pub fn alert(&self, id: &AlertId) -> Option<&Alert> {
        self.alerts.get(id)
    }

    /// All alerts, in no order.
    pub fn alerts(&self) -> impl Iterator<Item = &Alert> {
        self.alerts.values()
    }

    /// Alerts of a device that are not resolved, but this one.
    pub fn others_of<'a>(&'a self, alert: &'a Alert) -> impl Iterator<Item = &'a Alert> {
        self.alerts
            .values()
            .filter(|other| other.device == alert.device && other.id != alert.id && other.state != AlertState::Resolved)
    }

    /// When an alert was found to be no longer in the list.
    pub fn gone_since(&self, id: &AlertId) -> Option<Timestamp> {
        self.gone.iter().rev().find(|(gone, _)| gone == id).map(|(_, at)| *at)
    }

    /// What is wrong with the list of alerts.
    pub fn quality(&self) -> &Quality {
        &self.quality
    }

    /// Whether the list came from a server in this run.
    pub fn is_live(&self) -> bool {
        self.seen_live
    }

    /// Why a row carries a mark of change, while it does.
    pub fn touch(&self, id: &AlertId) -> Option<Touch> {
        self.touched.get(id).map(|(touch, _)| *touch)
    }

    /// The person has looked at it.
    pub fn looked_at(&mut self, id: &AlertId) {
        self.touched.remove(id);
    }

    /// Takes a runbook, or that there is none.
    pub fn take_runbook(&mut self, slug: String, text: Result<Option<String>, String>) {
        self.runbooks.retain(|(known, _)| *known != slug);
        self.runbooks.push_back((slug, text));
        while self.runbooks.len() > RUNBOOKS_MOST {
            self.runbooks.pop_front();
        }
    }

    /// The runbook of an alert name, once it was read.
    pub fn runbook(&self, slug: &str) -> Option<&Result<Option<String>, String>> {
        self.runbooks.iter().find(|(known, _)| known == slug).map(|(_, text)| text)
    }

    /// Whether an alert came in the flood that lasts, those of the ten minutes that made it one included.
    pub fn is_of_flood(&self, alert: &Alert) -> bool {
        match self.flood {
            Flood::No => false,
            Flood::Since { start, .. } => alert.raised_at > start.checked_sub(TEN_MINUTES).unwrap_or(start),
        }
    }

    /// The first alert of the flood that lasts.
    pub fn flood_first(&self) -> Option<&Alert> {
        self.alerts
            .values()
            .filter(|alert| self.is_of_flood(alert) && self.shelf.hides(alert).is_none())
            .min_by_key(|alert| (alert.raised_at, alert.id.clone()))
    }

    /// The worst open alert, the newest of them; one that nobody has acknowledged before others.
    pub fn worst(&self) -> Option<&Alert> {
        self.alerts
            .values()
            .filter(|alert| alert.state != AlertState::Resolved && self.shelf.hides(alert).is_none())
            .min_by(|one, other| {
                let key = |alert: &Alert| (alert.severity.rank(), self.progress(alert), std::cmp::Reverse(alert.raised_at));
                key(one).cmp(&key(other)).then_with(|| one.id.cmp(&other.id))
            })
    }

    /// An alert as the filter sees it.
    pub fn facts<'a>(&'a self, alert: &'a Alert, me: &'a str, now: Timestamp) -> AlertFacts<'a> {
        AlertFacts {
            location: self.plant.of_alert(alert).and_then(|device| device.location.as_ref()),
            order: match self.order(&alert.id) {
                Some((number, _)) => Some(number.raw()),
                None => self.linked_order(alert),
            },
            chattering: self.chattering.contains(&alert.id),
            fleeting: self.fleeting.contains(&alert.id),
            shelved: self.shelf.hides(alert).is_some(),
            returned: self.returned.contains_key(&alert.id),
            pending: self
                .ledger
                .asked(&alert.id, &[Verb::Acknowledge, Verb::Resolve, Verb::Order], now)
                .is_some_and(|asked| asked.progress.is_open()),
            ..AlertFacts::of(alert, me, now)
        }
    }

    /// How the calls to the servers went, when that was last looked at.
    pub fn health(&self) -> &ApiHealth {
        &self.health
    }

    /// What the bridge on this machine last said, if there is one.
    pub fn bridge(&self) -> Option<&BridgeStatus> {
        self.bridge.as_ref()
    }

    /// The bridge said something.
    pub fn take_bridge(&mut self, status: BridgeStatus) {
        self.bridge = Some(status);
    }
}
