//! The worker against a plant that answers when the test says so.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, Semaphore};

use super::job::{Brought, Done, JobKey};
use super::state::State;
use super::*;
use crate::domain::*;
use crate::model::{Fault, FaultKind, Fetch, LinkState, Report};

/// Records every call; each waits for a permit.
struct Fake {
    calls: Mutex<Vec<String>>,
    called: Notify,
    permits: Semaphore,
    queues: Mutex<VecDeque<Result<Vec<Alert>, Fault>>>,
    resolved: Mutex<Vec<Alert>>,
}

impl Fake {
    fn new(permits: usize) -> Arc<Self> {
        Arc::new(Self {
            calls: Mutex::new(Vec::new()),
            called: Notify::new(),
            permits: Semaphore::new(permits),
            queues: Mutex::new(VecDeque::new()),
            resolved: Mutex::new(Vec::new()),
        })
    }

    async fn call(&self, what: String) {
        self.calls.lock().unwrap().push(what);
        self.called.notify_waiters();
        self.permits.acquire().await.unwrap().forget();
    }

    fn count(&self, what: &str) -> usize {
        self.calls.lock().unwrap().iter().filter(|call| call.starts_with(what)).count()
    }

    /// Waits until a call has been seen so many times.
    async fn until(&self, what: &str, times: usize) {
        let seen = tokio::time::timeout(Duration::from_hours(1), self.seen(what, times)).await; // of the paused clock
        assert!(seen.is_ok(), "waited for {times} of {what}: {:?}", self.calls.lock().unwrap());
    }

    async fn seen(&self, what: &str, times: usize) {
        loop {
            let mut called = std::pin::pin!(self.called.notified());
            called.as_mut().enable();
            if self.count(what) >= times {
                return;
            }
            called.await;
        }
    }
}

fn fault() -> Fault {
    Fault {
        kind: FaultKind::Unreachable,
        message: "away".into(),
    }
}

fn alert(id: &str, state: AlertState) -> Alert {
    serde_json::from_value(serde_json::json!({
        "alertId": id, "alertName": "n", "deviceId": "d", "severity": "high", "status": state, "timestamp": "2026-01-01T00:00:00Z"
    }))
    .unwrap()
}

impl Plant for Fake {
    async fn alerts(&self) -> Result<Listing<Alert>, Fault> {
        self.call("alerts".into()).await;
        let queue = self.queues.lock().unwrap().pop_front().unwrap_or(Ok(Vec::new()))?;
        Ok(Listing::whole(queue, Timestamp::UNIX_EPOCH))
    }

    async fn resolved(&self, _: Timestamp) -> Result<Listing<Alert>, Fault> {
        self.call("resolved".into()).await;
        Ok(Listing::whole(self.resolved.lock().unwrap().clone(), Timestamp::UNIX_EPOCH))
    }

    async fn devices(&self, progress: &(dyn Fn(usize, Option<usize>) + Send + Sync)) -> Result<Listing<Device>, Fault> {
        progress(1, Some(2));
        self.call("devices".into()).await;
        Ok(Listing::whole(Vec::new(), Timestamp::UNIX_EPOCH))
    }

    async fn alert(&self, id: &AlertId) -> Result<Alert, Fault> {
        self.call(format!("alert {}", id.raw())).await;
        let resolved = self.resolved.lock().unwrap().iter().find(|alert| alert.id == *id).cloned();
        Ok(resolved.unwrap_or_else(|| alert(id.raw(), AlertState::Acknowledged)))
    }

    async fn readings(&self, device_type: &DeviceType, devices: &[DeviceId], _: (Timestamp, Timestamp)) -> Result<Vec<Reading>, Fault> {
        let ids: Vec<_> = devices.iter().map(DeviceId::raw).collect();
        self.call(format!("readings {} {}", device_type.raw(), ids.join(","))).await;
        Ok(devices
            .iter()
            .map(|id| Reading {
                device_id: Some(id.clone()),
                timestamp: Timestamp::UNIX_EPOCH,
                values: [("flow".into(), MetricValue::Number(1.0))].into(),
            })
            .collect())
    }

    async fn open_orders(&self, asset: &str, _: &str) -> Result<Vec<WorkOrder>, Fault> {
        self.call(format!("open {asset}")).await;
        Err(fault())
    }

    async fn orders(&self, references: &[Reference]) -> Result<Vec<WorkOrder>, Fault> {
        self.call(format!("orders {}", references.len())).await;
        let order = serde_json::json!({ "wonum": "1043", "status": "COMP", "externalrefid": references[1].short() });
        Ok(vec![serde_json::from_value(order).unwrap()])
    }
}

const MANY: usize = 1_000;

async fn wait_for(reports: &Reports, wanted: impl Fn(&Report) -> bool) -> Report {
    loop {
        let report = tokio::time::timeout(Duration::from_hours(1), reports.next())
            .await
            .unwrap()
            .unwrap();
        if wanted(&report) {
            return report;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn it_reads_at_once_and_then_by_its_intervals() {
    let plant = Fake::new(MANY);
    let (_worker, _reports) = Worker::spawn(plant.clone(), Plan::new("BEDFORD"), None);
    plant.until("alerts", 1).await;
    plant.until("devices", 1).await;
    let began = tokio::time::Instant::now();
    plant.until("alerts", 13).await;
    assert_eq!(began.elapsed().as_secs(), 60);
    plant.until("devices", 2).await;
    assert_eq!(began.elapsed().as_secs(), 60);
    assert_eq!(plant.count("resolved"), 1, "once, at the start");
}

#[tokio::test(start_paused = true)]
async fn what_came_and_went_during_an_outage_is_asked_for_when_it_is_over() {
    let plant = Fake::new(MANY);
    let (_worker, reports) = Worker::spawn(plant.clone(), Plan::new("BEDFORD"), None);
    plant.until("resolved", 1).await;
    plant.queues.lock().unwrap().extend([Err(fault())]);
    plant.until("alerts", 8).await;
    assert_eq!(plant.count("resolved"), 1, "one failure is no outage");
    plant.queues.lock().unwrap().extend((0..12).map(|_| Err(fault())));
    plant.until("resolved", 2).await;
    wait_for(&reports, |report| matches!(report, Report::ResolvedSince(_))).await;
}

#[tokio::test(start_paused = true)]
async fn nobody_reads_and_still_nothing_piles_up_and_the_newest_wins() {
    let plant = Fake::new(MANY);
    plant
        .queues
        .lock()
        .unwrap()
        .extend((1..20).map(|n| Ok(vec![alert(&format!("a{n}"), AlertState::New)])));
    let (_worker, reports) = Worker::spawn(plant.clone(), Plan::new("BEDFORD"), None);
    plant.until("alerts", 11).await; // so the tenth answer has been taken in
    let mut lists = Vec::new();
    while let Some(report) = reports.try_next() {
        if let Report::Alerts { result, .. } = report {
            lists.push(result.unwrap().items[0].id.raw().to_owned());
        }
    }
    assert!(lists == ["a10"] || lists == ["a11"], "{lists:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refresh_under_way_is_not_doubled_but_repeated_once_for_a_later_question() {
    let plant = Fake::new(0);
    let (worker, reports) = Worker::spawn(plant.clone(), Plan::new("BEDFORD"), None);
    plant.until("alerts", 1).await;
    for _ in 0..50 {
        worker.fetch(Fetch::Refresh);
        tokio::task::yield_now().await;
    }
    assert_eq!(plant.count("alerts"), 1);
    let began = tokio::time::Instant::now();
    plant.permits.add_permits(MANY);
    wait_for(&reports, |report| matches!(report, Report::Alerts { .. })).await;
    plant.until("alerts", 2).await;
    assert!(began.elapsed() < Duration::from_secs(1));
    plant.until("alerts", 3).await;
    assert_eq!(began.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn what_a_person_asks_passes_though_every_refresh_hangs() {
    let plant = Fake::new(0);
    let (worker, _reports) = Worker::spawn(plant.clone(), Plan::new("BEDFORD"), None);
    worker.fetch(Fetch::OrderStatus(vec!["x".into()]));
    plant.until("alerts", 1).await;
    plant.until("devices", 1).await;
    plant.until("orders", 1).await;
    worker.fetch(Fetch::Alert("x".into()));
    plant.until("alert x", 1).await;
    let calls = plant.calls.lock().unwrap().len();
    assert_eq!(calls, 4, "never more than four at once");
}

#[tokio::test(start_paused = true)]
async fn trends_are_one_query_a_type_the_cursors_first_and_a_newer_list_replaces_what_waits() {
    let plant = Fake::new(3); // alerts, devices, resolved; then nothing passes
    let (worker, reports) = Worker::spawn(plant.clone(), Plan::new("BEDFORD"), None);
    wait_for(&reports, |report| matches!(report, Report::Alerts { .. })).await;
    wait_for(&reports, |report| matches!(report, Report::Devices { .. })).await;
    plant.until("resolved", 1).await;
    let key = DeviceKey::new;
    worker.fetch(Fetch::Trends {
        devices: vec![key("Pump", "P2"), key("Temp", "T1"), key("Pump", "P1")],
        window_seconds: 3600,
    });
    plant.until("readings Pump P2,P1", 1).await;
    worker.fetch(Fetch::Trends {
        devices: vec![key("Line", "L1"), key("Pump", "P1")],
        window_seconds: 3600,
    });
    tokio::task::yield_now().await;
    plant.permits.add_permits(MANY);
    let report = wait_for(&reports, |report| matches!(report, Report::Trends { .. })).await;
    let Report::Trends { result, .. } = report else { unreachable!() };
    let trends = result.unwrap();
    assert_eq!(trends[0].device, key("Pump", "P2"));
    assert_eq!(trends[0].series[&SafeText::new("flow")].points.len(), 1);
    plant.until("readings Line L1", 1).await;
    assert_eq!(plant.count("readings Temp"), 0, "replaced before it was asked");
    let began = tokio::time::Instant::now();
    plant.until("readings Line L1", 2).await;
    assert_eq!(began.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn moving_the_cursor_among_devices_just_read_asks_nothing() {
    let plant = Fake::new(MANY);
    let (worker, reports) = Worker::spawn(plant.clone(), Plan::new("BEDFORD"), None);
    let key = DeviceKey::new;
    let list = |devices| Fetch::Trends {
        devices,
        window_seconds: 3600,
    };
    worker.fetch(list(vec![key("Pump", "P1"), key("Pump", "P2")]));
    wait_for(&reports, |report| matches!(report, Report::Trends { .. })).await;
    worker.fetch(list(vec![key("Pump", "P2"), key("Pump", "P1")]));
    worker.fetch(Fetch::Alert("after".into()));
    wait_for(&reports, |report| matches!(report, Report::Alert { .. })).await;
    assert_eq!(plant.count("readings"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_away_is_asked_less_and_less_and_said_to_be_down_since_the_first_failure() {
    let plant = Fake::new(MANY);
    plant.queues.lock().unwrap().extend((0..8).map(|_| Err(fault())));
    let (_worker, reports) = Worker::spawn(plant.clone(), Plan::new("BEDFORD"), None);
    let began = tokio::time::Instant::now();
    plant.until("alerts", 8).await;
    assert!(began.elapsed() > Duration::from_secs(5 * 8 * 2), "{:?}", began.elapsed());
    let report = wait_for(&reports, |report| matches!(report, Report::Alerts { .. })).await;
    assert!(matches!(report, Report::Alerts { result: Err(_), .. }));
    plant.until("alerts", 10).await;
    let report = wait_for(&reports, |report| matches!(report, Report::Link { .. })).await;
    assert!(
        matches!(
            report,
            Report::Link {
                service: Service::Monitor,
                state: LinkState::Live { .. }
            }
        ),
        "{report:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_alert_that_left_the_queue_comes_as_resolved_with_the_same_report() {
    let plant = Fake::new(MANY);
    plant.queues.lock().unwrap().push_back(Ok(vec![alert("a", AlertState::New)]));
    let (_worker, reports) = Worker::spawn(plant.clone(), Plan::new("BEDFORD"), None);
    wait_for(&reports, |report| matches!(report, Report::Alerts { .. })).await;
    plant.until("resolved", 1).await;
    let mut resolved = alert("a", AlertState::Resolved);
    resolved.resolved_at = Some(Timestamp::now());
    plant.resolved.lock().unwrap().push(resolved.clone());
    let report = wait_for(&reports, |report| matches!(report, Report::Alerts { .. })).await;
    let Report::Alerts { result: Ok(listing), .. } = report else {
        panic!("{report:?}")
    };
    assert_eq!(listing.items, [resolved]);
}

#[tokio::test(start_paused = true)]
async fn orders_are_found_by_reference_and_a_finished_one_is_not_asked_for_again() {
    let plant = Fake::new(MANY);
    let (worker, reports) = Worker::spawn(plant.clone(), Plan::new("BEDFORD"), None);
    worker.fetch(Fetch::OrderStatus(vec!["a".into()]));
    let report = wait_for(&reports, |report| matches!(report, Report::OrderStatus(_))).await;
    let Report::OrderStatus(Ok(orders)) = report else {
        panic!("{report:?}")
    };
    assert_eq!((orders[0].0.raw(), orders[0].1.wonum.raw()), ("a", "1043"));
    plant.until("alerts", 30).await;
    assert_eq!(plant.count("orders"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_flood_asks_for_its_many_orders_once_in_ten_seconds() {
    let plant = Fake::new(MANY);
    let (worker, _reports) = Worker::spawn(plant.clone(), Plan::new("BEDFORD"), None);
    for reading in 1..=13 {
        worker.fetch(Fetch::OrderStatus(
            (0..30).map(|number| format!("f{number}").as_str().into()).collect(),
        ));
        plant.until("alerts", reading).await;
    }
    // thirteen readings, five seconds apart: a minute
    assert!((6..=7).contains(&plant.count("orders")), "{}", plant.count("orders"));
}

#[tokio::test(start_paused = true)]
async fn the_last_run_is_told_first_and_a_fresh_list_is_kept() {
    struct Kept(Mutex<usize>, Notify);
    impl Keep for Kept {
        fn alerts(&self) -> Option<Listing<Alert>> {
            Some(Listing::whole(vec![alert("old", AlertState::New)], Timestamp::UNIX_EPOCH))
        }
        fn devices(&self) -> Option<Listing<Device>> {
            None
        }
        fn keep_alerts(&self, listing: &Listing<Alert>) {
            *self.0.lock().unwrap() = listing.items.len();
            self.1.notify_one();
        }
        fn keep_devices(&self, _: &Listing<Device>) {}
    }
    let plant = Fake::new(0);
    plant
        .queues
        .lock()
        .unwrap()
        .push_back(Ok(vec![alert("a", AlertState::New), alert("b", AlertState::New)]));
    let keep = Arc::new(Kept(Mutex::new(0), Notify::new()));
    let (_worker, reports) = Worker::spawn(plant.clone(), Plan::new("BEDFORD"), Some(keep.clone()));
    let first = reports.next().await.unwrap();
    assert!(matches!(first, Report::Alerts { cached: true, .. }), "{first:?}");
    plant.permits.add_permits(MANY);
    keep.1.notified().await;
    assert_eq!(*keep.0.lock().unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_handle_ends_the_reports() {
    let plant = Fake::new(0);
    let (worker, reports) = Worker::spawn(plant.clone(), Plan::new("BEDFORD"), None);
    plant.until("alerts", 1).await;
    drop(worker);
    while reports.next().await.is_some() {}
}

#[test]
fn a_full_mailbox_drops_the_oldest_kind_and_counts_it() {
    let mailbox = Mailbox::new(2);
    for key in [1, 2, 1, 3] {
        mailbox.put(key, key * 10);
    }
    assert_eq!(
        (mailbox.try_take(), mailbox.try_take(), mailbox.try_take()),
        (Some(20), Some(30), None)
    );
    assert_eq!(mailbox.dropped(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_reading_that_hangs_takes_the_link_down_after_two_intervals_and_its_answer_brings_it_back() {
    let plant = Fake::new(0);
    let (_worker, reports) = Worker::spawn(plant.clone(), Plan::new("BEDFORD"), None);
    let began = tokio::time::Instant::now();
    let link = |report: &Report| {
        matches!(
            report,
            Report::Link {
                service: Service::Monitor,
                ..
            }
        )
    };
    let Report::Link {
        state: LinkState::Down { fault, .. },
        ..
    } = wait_for(&reports, link).await
    else {
        panic!("the link is up")
    };
    assert_eq!(began.elapsed(), Duration::from_secs(10));
    assert_eq!(fault.kind, FaultKind::Unreachable);
    assert!(fault.message.shown().contains("has not answered for 10 s"), "{}", fault.message);
    plant.permits.add_permits(MANY);
    let back = wait_for(&reports, link).await;
    assert!(matches!(
        back,
        Report::Link {
            state: LinkState::Live { .. },
            ..
        }
    ));
    assert_eq!(began.elapsed(), Duration::from_secs(10));
}

fn done(key: JobKey, brought: Brought) -> Done {
    Done {
        key,
        brought,
        took: Duration::from_millis(40),
    }
}

fn begun(state: &mut State, now: tokio::time::Instant) -> Vec<JobKey> {
    state.begin(now, Timestamp::UNIX_EPOCH).iter().map(|(job, _)| job.key()).collect()
}

fn queue(active: Result<Vec<Alert>, Fault>) -> Brought {
    Brought::Alerts {
        active: active.map(|alerts| Listing::whole(alerts, Timestamp::UNIX_EPOCH)),
        gone: Vec::new(),
        unasked: Vec::new(),
    }
}

#[test]
fn one_answer_after_an_outage_ends_the_pauses_of_all() {
    let (now, clock) = (tokio::time::Instant::now(), Timestamp::UNIX_EPOCH);
    let mut state = State::new(Plan::new("BEDFORD"), now);
    assert_eq!(begun(&mut state, now), [JobKey::Alerts, JobKey::Devices]);
    state.finish(done(JobKey::Alerts, queue(Err(fault()))), now, clock);
    state.finish(done(JobKey::Devices, Brought::Devices(Err(fault()))), now, clock);
    assert_eq!(begun(&mut state, now), [JobKey::Resolved]);
    state.finish(done(JobKey::Resolved, Brought::Resolved(Err(fault()))), now, clock);
    let later = now + Duration::from_secs(1);
    assert_eq!(begun(&mut state, later), []);
    // what the console asks when the sender has delivered
    state.ask(Fetch::Alert("a".into()), later);
    assert_eq!(begun(&mut state, later), [JobKey::Alert("a".into())]);
    let answer = Brought::Alert(Ok(alert("a", AlertState::Acknowledged)));
    state.finish(done(JobKey::Alert("a".into()), answer), later, clock);
    assert_eq!(begun(&mut state, later), [JobKey::Alerts, JobKey::Devices]);
    state.finish(done(JobKey::Alerts, queue(Ok(Vec::new()))), later, clock);
    state.finish(
        done(JobKey::Devices, Brought::Devices(Ok(Listing::whole(Vec::new(), clock)))),
        later,
        clock,
    );
    assert_eq!(
        begun(&mut state, later),
        [JobKey::Resolved],
        "what could not be read at the start is owed still"
    );
    let answer = Brought::Resolved(Ok(Listing::whole(Vec::new(), clock)));
    let told = state.finish(done(JobKey::Resolved, answer), later, clock);
    assert!(told.iter().any(|report| matches!(report, Report::ResolvedSince(_))), "{told:?}");
    assert_eq!(begun(&mut state, later), [], "and then by their intervals");
}

#[test]
fn the_resolved_alerts_are_asked_for_until_they_come_and_not_without_a_pause() {
    let (now, clock) = (tokio::time::Instant::now(), Timestamp::UNIX_EPOCH);
    let after = |seconds| now + Duration::from_secs(seconds);
    let mut state = State::new(Plan::new("BEDFORD"), now);
    assert_eq!(begun(&mut state, now), [JobKey::Alerts, JobKey::Devices]);
    let quiet = |state: &mut State, at| {
        state.finish(done(JobKey::Alerts, queue(Ok(Vec::new()))), at, clock);
    };
    quiet(&mut state, now);
    let devices = Brought::Devices(Ok(Listing::whole(Vec::new(), clock)));
    state.finish(done(JobKey::Devices, devices), now, clock);
    // the queue answers, this list alone does not
    let odd = Fault {
        kind: FaultKind::Malformed,
        message: "odd".into(),
    };
    let mut asked = Vec::new();
    for second in 0..300 {
        for _ in 0..3 {
            for key in begun(&mut state, after(second)) {
                match key {
                    JobKey::Resolved => {
                        asked.push(second);
                        state.finish(done(key, Brought::Resolved(Err(odd.clone()))), after(second), clock);
                    }
                    JobKey::Alerts => quiet(&mut state, after(second)),
                    key => {
                        let devices = Brought::Devices(Ok(Listing::whole(Vec::new(), clock)));
                        state.finish(done(key, devices), after(second), clock);
                    }
                }
            }
        }
        assert!(state.wake_at().is_some_and(|at| at > after(second)), "it does not spin");
    }
    assert_eq!(asked[0], 0);
    assert!((4..=8).contains(&asked.len()), "{asked:?}");
    assert!(asked.windows(2).all(|pair| pair[1] - pair[0] >= 24), "{asked:?}");
}

#[test]
fn manage_is_asked_as_soon_as_monitor_fails_or_hangs_and_once() {
    let (now, clock) = (tokio::time::Instant::now(), Timestamp::UNIX_EPOCH);
    let after = |seconds| now + Duration::from_secs(seconds);
    let mut state = State::new(Plan::new("BEDFORD"), now);
    state.ask(Fetch::OrderStatus(vec!["a".into()]), now);
    assert_eq!(begun(&mut state, now), [JobKey::Alerts, JobKey::Devices, JobKey::OrderStatus]);
    state.finish(done(JobKey::Alerts, queue(Ok(Vec::new()))), now, clock);
    state.finish(
        done(JobKey::Devices, Brought::Devices(Ok(Listing::whole(Vec::new(), clock)))),
        now,
        clock,
    );
    state.finish(done(JobKey::OrderStatus, Brought::OrderStatus(Ok(Vec::new()))), now, clock);
    assert_eq!(begun(&mut state, now), [JobKey::Resolved]);
    state.finish(
        done(JobKey::Resolved, Brought::Resolved(Ok(Listing::whole(Vec::new(), clock)))),
        now,
        clock,
    );

    assert_eq!(begun(&mut state, after(5)), [JobKey::Alerts]);
    state.finish(done(JobKey::Alerts, queue(Err(fault()))), after(6), clock);
    assert_eq!(begun(&mut state, after(6)), [JobKey::OrderStatus], "it fails");
    state.finish(done(JobKey::OrderStatus, Brought::OrderStatus(Ok(Vec::new()))), after(6), clock);
    assert_eq!(begun(&mut state, after(6)), []);

    assert_eq!(begun(&mut state, after(18)), [JobKey::Alerts]);
    assert_eq!(state.wake_at(), Some(after(23)));
    assert_eq!(state.overdue(after(23), clock), None);
    assert_eq!(begun(&mut state, after(23)), [JobKey::OrderStatus], "it hangs");
    state.finish(done(JobKey::OrderStatus, Brought::OrderStatus(Ok(Vec::new()))), after(23), clock);
    assert_eq!(state.overdue(after(24), clock), None);
    assert_eq!(begun(&mut state, after(24)), []);
}
