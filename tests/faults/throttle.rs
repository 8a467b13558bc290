//! Row 5: a server that asks to wait is left alone for as long as it said, by the clock of the sender.

use std::sync::mpsc::{Sender as Guard, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use nightdesk::domain::AlertId;
use nightdesk::maximo::Gateway;
use nightdesk::outbox::{Deliver, Policy, Sent, Shipment, Verified};
use nightdesk::simulator::{EffectKind, FaultAction, FaultRule, Operation, When};
use tokio::time::Instant;

use super::site::{Site, acknowledge, all_delivered, create, plant};

/// tokio's paused clock stands still while a blocking task runs: a request over real sockets then takes no time at all, and what
/// is measured between two requests is what the sender decided to wait.
struct StandStill(#[expect(dead_code, reason = "dropping it ends the task")] Guard<()>);

impl StandStill {
    fn begin() -> Self {
        let (guard, dropped) = channel();
        tokio::task::spawn_blocking(move || {
            let _ = dropped.recv();
        });
        Self(guard)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Contact {
    Send,
    Verify,
}

type Contacts = Arc<Mutex<Vec<(Contact, Instant)>>>;

/// The real client, with the times at which the sender turned to it.
struct Timed {
    inner: Gateway,
    contacts: Contacts,
}

impl Timed {
    fn note(&self, contact: Contact) {
        self.contacts.lock().unwrap().push((contact, Instant::now()));
    }
}

impl Deliver for Timed {
    async fn send(&self, shipment: &Shipment) -> Sent {
        let _still = StandStill::begin();
        self.note(Contact::Send);
        self.inner.send(shipment).await
    }

    async fn verify(&self, shipment: &Shipment) -> Verified {
        let _still = StandStill::begin();
        self.note(Contact::Verify);
        self.inner.verify(shipment).await
    }
}

const DAY: Duration = Duration::from_secs(24 * 3600);

fn design() -> Policy {
    Policy {
        seed: Some(7),
        ..Policy::default()
    }
}

fn http_date(seconds_from_now: i64) -> String {
    let offset = Duration::from_secs(seconds_from_now.unsigned_abs());
    let now = SystemTime::now();
    httpdate::fmt_http_date(if seconds_from_now < 0 { now - offset } else { now + offset })
}

/// A site in a time that jumps from one thing to do to the next.
struct Bench {
    site: Site,
    operation: Operation,
    unused: Vec<AlertId>,
    used: Vec<AlertId>,
}

impl Bench {
    async fn start(operation: Operation) -> Self {
        // nobody else works on this outbox: hours of looking for them would only cost time
        let site = Site::polling(plant(80), DAY).await;
        let unused = site.new_alerts();
        tokio::time::pause();
        Self {
            site,
            operation,
            unused,
            used: Vec::new(),
        }
    }

    /// The first write is answered so; the times from there to each later contact, in seconds.
    async fn waits(&mut self, status: u16, retry_after: Option<String>) -> Vec<(Contact, f64)> {
        let action = FaultAction::Status {
            status,
            retry_after,
            when: When::Before,
        };
        self.site
            .simulator
            .set_faults(vec![FaultRule::on([self.operation], action).times(1)]);
        // two rows: the second one must leave the server alone as well
        let mut ids = Vec::new();
        for alert in self.unused.drain(..2) {
            let intent = match self.operation {
                Operation::CreateWorkOrder => create(&alert),
                _ => acknowledge(&alert),
            };
            ids.push(self.site.submit(intent).await.id);
            self.used.push(alert);
        }
        let contacts = Contacts::default();
        let gateway = Timed {
            inner: self.site.gateway(),
            contacts: contacts.clone(),
        };
        self.site.send_with(gateway, design());
        all_delivered(&self.site.outbox.wait_settled(&ids, DAY).await.unwrap());
        self.site.stop_sender().await;
        assert_eq!(self.site.simulator.faults_fired(), [1]);
        let contacts = contacts.lock().unwrap();
        let (_, first) = contacts[0];
        contacts[1..]
            .iter()
            .map(|(contact, at)| (*contact, (*at - first).as_secs_f64()))
            .collect()
    }

    /// Nothing was lost or doubled on the way.
    fn judge(&self) {
        let kind = match self.operation {
            Operation::CreateWorkOrder => EffectKind::CreateWorkOrder,
            _ => EffectKind::Acknowledge,
        };
        self.site.judge(&self.used, &[kind]);
    }
}

/// The gap between two starts after a throttle, and a little for the outbox's own timers.
const SLACK: f64 = 1.6;
/// The first back-off is a random part of one second.
const BACK_OFF: f64 = 1.0;

const WRITES: [Operation; 2] = [Operation::AcknowledgeAlert, Operation::CreateWorkOrder];

#[tokio::test]
async fn row_05_a_wait_that_means_something_is_kept_to_the_second_by_the_whole_target() {
    for operation in WRITES {
        let mut bench = Bench::start(operation).await;
        for status in [429, 503] {
            for (text, least, most) in [
                ("7".to_owned(), 7.0, 7.0),
                ("0".to_owned(), 0.0, 0.0),
                (http_date(120), 117.0, 120.0),    // whole seconds, and the time until it is read
                ("3600".to_owned(), 900.0, 900.0), // never more than 15 minutes
                (http_date(7200), 900.0, 900.0),
            ] {
                let waits = bench.waits(status, Some(text.clone())).await;
                let (contact, after) = waits[0];
                assert_eq!(contact, Contact::Send, "{operation:?} {status} {text}");
                assert!(
                    (least..=most + SLACK).contains(&after),
                    "{operation:?} {status} `{text}`: asked again after {after} s"
                );
            }
        }
        bench.judge();
        tokio::time::resume();
    }
}

fn nonsense() -> Vec<Option<String>> {
    let absurd = "9".repeat(400);
    [
        None,
        Some("-5"),
        Some(""),
        Some("soon"),
        Some("1.5"),
        Some("7 seconds"),
        Some("31536000"),
        Some("18446744073709551615"),
        Some("18446744073709551616"),
        Some(absurd.as_str()),
        Some("Thu, 01 Jan 1970 00:00:00 GMT"),
        Some("Fri, 31 Dec 9999 23:59:59 GMT"),
        Some("Thu, 99 Foo 2026 99:99:99 GMT"),
    ]
    .into_iter()
    .map(|text| text.map(str::to_owned))
    .chain([Some(http_date(-3600))])
    .collect()
}

#[tokio::test]
async fn row_05_a_429_whose_wait_is_absent_negative_or_absurd_backs_off_and_no_longer() {
    for operation in WRITES {
        let mut bench = Bench::start(operation).await;
        for text in nonsense() {
            let waits = bench.waits(429, text.clone()).await;
            let (contact, after) = waits[0];
            assert_eq!(contact, Contact::Send, "{operation:?} {text:?}");
            assert!(after <= BACK_OFF + SLACK, "{operation:?} `{text:?}`: asked again after {after} s");
        }
        bench.judge();
        tokio::time::resume();
    }
}

#[tokio::test]
async fn row_05_a_503_whose_wait_means_nothing_is_in_doubt_and_looked_up_before_it_is_sent_again() {
    for operation in WRITES {
        let mut bench = Bench::start(operation).await;
        for text in [None, Some("-5".to_owned()), Some("31536000".to_owned()), Some("soon".to_owned())] {
            let waits = bench.waits(503, text.clone()).await;
            let looked = waits.iter().find(|(contact, _)| *contact == Contact::Verify);
            let (_, after) = looked.unwrap_or_else(|| panic!("{operation:?} {text:?} was not looked up: {waits:?}"));
            assert!(*after <= BACK_OFF + 2.0 * SLACK, "{operation:?} {text:?}: {waits:?}");
            // two rows, so two sends besides the first: the other one's, and the repeat, since the server itself said that the first is over
            let sends: Vec<f64> = waits
                .iter()
                .filter(|(contact, _)| *contact == Contact::Send)
                .map(|(_, at)| *at)
                .collect();
            assert_eq!(sends.len(), 2, "{operation:?} {text:?}: {waits:?}");
            let repeat = sends[1];
            assert!(
                repeat >= *after && repeat <= BACK_OFF + 4.0 * SLACK,
                "{operation:?} {text:?}: {waits:?}"
            );
        }
        bench.judge();
        tokio::time::resume();
    }
}

#[tokio::test]
async fn row_05_a_look_up_that_is_told_to_wait_waits() {
    let mut site = Site::polling(plant(5), DAY).await;
    let told = FaultAction::Status {
        status: 429,
        retry_after: Some("9".into()),
        when: When::Before,
    };
    site.simulator.set_faults(vec![
        FaultRule::on([Operation::AcknowledgeAlert], FaultAction::Drop(When::After)).times(1),
        FaultRule::on([Operation::GetAlert], told).nth(2),
    ]);
    let alerts: Vec<_> = site.new_alerts().into_iter().take(1).collect();
    let id = site.submit(acknowledge(&alerts[0])).await.id;
    tokio::time::pause();
    let contacts = Contacts::default();
    let gateway = Timed {
        inner: site.gateway(),
        contacts: contacts.clone(),
    };
    site.send_with(gateway, design());
    all_delivered(&site.outbox.wait_settled(&[id], DAY).await.unwrap());
    site.judge(&alerts, &[EffectKind::Acknowledge]);
    let contacts = contacts.lock().unwrap();
    let [(Contact::Send, _), (Contact::Verify, first), (Contact::Verify, second)] = contacts[..] else {
        panic!("{contacts:?}")
    };
    let waited = (second - first).as_secs_f64();
    assert!((9.0..=9.0 + SLACK).contains(&waited), "looked up again after {waited} s");
}
