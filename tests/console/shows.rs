//! How few keys the common things take, and the drill's hints.

use jiff::SignedDuration;
use nightdesk::app::Setup;
use nightdesk::domain::{Alert, AlertId, AlertState, Intent, IntentState};
use nightdesk::model::Report;

use super::desk::{Desk, alert, alerts, devices, order, setup};

/// A person whose keys are counted.
struct Person {
    desk: Desk,
    keys: usize,
    text: usize,
}

impl Person {
    fn at(desk: Desk) -> Self {
        Self { desk, keys: 0, text: 0 }
    }

    fn presses(&mut self, key: &str) {
        self.desk.keys(key);
        self.keys += 1;
    }

    fn types(&mut self, text: &str) {
        self.desk.types(text);
        self.text += text.chars().count();
    }

    fn asked_for(&self) -> Intent {
        let mut submitted = self.desk.submitted();
        assert_eq!(submitted.len(), 1, "{}", self.desk.screen());
        submitted.remove(0).1
    }
}

#[test]
fn a_critical_alert_under_the_cursor_is_acknowledged_with_one_key() {
    let mut person = Person::at(Desk::night(80, 24));
    assert!(person.desk.cursor().unwrap().contains("CRIT"), "{}", person.desk.screen());
    person.presses("a");
    assert_eq!(
        person.asked_for(),
        Intent::Acknowledge {
            alert: AlertId::new("a-1001"),
            by: "operator1".into(),
            notes: None,
            over: None,
        }
    );
    assert_eq!((person.keys, person.text), (1, 0));
    assert!(person.desk.app.is_plain());
}

#[test]
fn its_work_order_takes_two_keys_where_no_order_is_open() {
    let mut person = Person::at(Desk::night(80, 24));
    person.presses("w");
    person.desk.report(Report::OpenOrders {
        alert: AlertId::new("a-1001"),
        result: Ok(Vec::new()),
    });
    person.desk.draw();
    person.presses("enter");
    let Intent::CreateWorkOrder { alert, draft, .. } = person.asked_for() else {
        panic!("{}", person.desk.screen());
    };
    assert_eq!(alert, AlertId::new("a-1001"));
    assert_eq!(draft.description, "IoT Alert: Bearing temperature high");
    assert_eq!(draft.assetnum.as_deref(), Some("PUMP-017"));
    assert_eq!((person.keys, person.text), (2, 0));
    assert!(person.desk.app.is_plain());
}

#[test]
fn resolving_takes_the_text_and_four_keys() {
    let mut person = Person::at(Desk::night(80, 24));
    person.presses("x");
    person.types("Replaced the bearing");
    person.presses("tab");
    person.types("Bearing wear");
    person.presses("tab");
    person.types("Alignment at each service");
    person.presses("enter");
    let Intent::Resolve {
        alert,
        resolution,
        root_cause,
        preventive_action,
        ..
    } = person.asked_for()
    else {
        panic!("{}", person.desk.screen());
    };
    assert_eq!(alert, AlertId::new("a-1001"));
    assert_eq!(resolution, "Replaced the bearing");
    assert!(root_cause.contains("earing wear"), "{root_cause}");
    assert_eq!(preventive_action.as_deref(), Some("Alignment at each service"));
    let text = "Replaced the bearing".len() + "Bearing wear".len() + "Alignment at each service".len();
    assert_eq!((person.keys, person.text), (4, text));
    assert!(person.desk.app.is_plain());
}

fn drill(width: u16, height: u16) -> Desk {
    let setup = Setup {
        drill: Some("PUMP-017".into()),
        ..setup()
    };
    let mut desk = Desk::with(setup, width, height);
    desk.links();
    desk.report_devices(devices());
    desk.report_alerts(without_the_fault());
    desk.report_trends();
    desk.draw();
    desk
}

fn without_the_fault() -> Vec<Alert> {
    alerts().into_iter().filter(|alert| alert.id != AlertId::new("a-1001")).collect()
}

/// The queue with the drill's alert as the story has it now.
fn with_the_fault(change: impl FnOnce(&mut Alert)) -> Vec<Alert> {
    let mut all = alerts();
    let fault = all.iter_mut().find(|alert| alert.id == AlertId::new("a-1001")).unwrap();
    change(fault);
    all
}

/// The rule of the hints and the text below it, in one line.
fn hint(desk: &Desk) -> String {
    let screen = desk.screen();
    let lines: Vec<&str> = screen.lines().collect();
    let rule = lines
        .iter()
        .position(|line| line.contains(" Drill "))
        .unwrap_or_else(|| panic!("{screen}"));
    lines[rule..].join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn says(desk: &mut Desk, step: usize, words: &str) {
    desk.draw();
    let said = hint(desk);
    assert!(said.contains(&format!("Drill {step}/8:")) && said.contains(words), "{said}");
    // It is never cut, whatever the size, and never moves what is above it.
    let text = said.split("hides hints").nth(1).unwrap().trim_matches(['─', ' ']).to_owned();
    for (width, height) in [(60, 20), (80, 24), (200, 50), (120, 40)] {
        desk.resize(width, height);
        let here = hint(desk);
        assert!(here.ends_with(&text), "{width} x {height}: {here}\nnot: {text}");
    }
}

#[test]
fn the_drill_is_played_from_the_first_reading_to_the_completed_order_by_its_hints() {
    let mut desk = drill(120, 40);
    says(&mut desk, 1, "2 goes to the devices");
    desk.keys("2");
    says(&mut desk, 1, "/ narrows the list");
    desk.keys("/");
    says(&mut desk, 1, "Type PUMP-017 and enter");
    desk.types("PUMP-017");
    desk.keys("enter");
    says(&mut desk, 1, "enter opens the pump");
    desk.keys("enter");
    says(&mut desk, 1, "Five readings in a row");
    desk.keys("esc ?");
    says(&mut desk, 1, "esc closes this window");
    desk.keys("esc 1");
    says(&mut desk, 1, "wait for it here");

    desk.wait(60);
    desk.report_alerts(with_the_fault(|_| {}));
    says(&mut desk, 2, "CRIT; your cursor has stayed where it was");
    desk.keys("g");
    says(&mut desk, 3, "enter opens everything");
    desk.keys("enter");
    says(&mut desk, 3, "a acknowledges, from here too");
    desk.keys("esc");
    says(&mut desk, 4, "a acknowledges it");
    desk.keys("a");
    says(&mut desk, 4, "z takes it back");
    let row = desk.commit().remove(0);
    desk.keys("z");
    desk.becomes(&row, IntentState::Cancelled, |_| {});
    says(&mut desk, 4, "a acknowledges it");
    desk.keys("a");
    let row = desk.commit().remove(0);
    says(&mut desk, 4, "z takes it back");
    desk.wait(4);
    let row = desk.becomes(&row, IntentState::Sending, |_| {});
    says(&mut desk, 4, "and not before");
    desk.becomes(&row, IntentState::Delivered, |_| {});
    let acknowledged = |alert: &mut Alert| {
        alert.state = AlertState::Acknowledged;
        alert.acknowledged_by = Some("operator1".into());
    };
    desk.report_alerts(with_the_fault(acknowledged));

    says(&mut desk, 5, "w makes the work order");
    // whoever has found it before is not told that it is at the top
    desk.keys("G");
    says(&mut desk, 5, "Your cursor is not on the alert of PUMP-017, which is acknowledged");
    for _ in 0..desk.app.queue().listed().len() {
        if desk.cursor().unwrap().contains("Bearing") {
            break;
        }
        desk.keys("k");
    }
    says(&mut desk, 5, "w makes the work order");
    desk.keys("w");
    desk.report(Report::OpenOrders {
        alert: AlertId::new("a-1001"),
        result: Ok(Vec::new()),
    });
    says(&mut desk, 5, "enter sends it as it is");
    desk.keys("enter");
    let row = desk.commit().remove(0);
    desk.becomes(&row, IntentState::Delivered, |row| row.wonum = Some("1043".into()));
    says(&mut desk, 6, "Order 1043");
    let status = |status: &str| Report::OrderStatus(Ok(vec![(AlertId::new("a-1001"), order("1043", status, "IoT Alert"))]));
    desk.report(status("INPRG"));
    says(&mut desk, 6, "Order 1043 is INPRG");
    desk.report(status("COMP"));
    says(&mut desk, 7, "x resolves");
    desk.keys("x");
    says(&mut desk, 7, "Replaced the bearing; tab goes to the cause");
    desk.types("Replaced the bearing");
    desk.keys("tab");
    desk.types("Bearing wear");
    desk.keys("enter");
    let row = desk.commit().remove(0);
    desk.becomes(&row, IntentState::Delivered, |_| {});
    let now = desk.now;
    desk.report_alerts(with_the_fault(|alert| {
        acknowledged(alert);
        alert.state = AlertState::Resolved;
        alert.resolved_by = Some("operator1".into());
        alert.resolved_at = Some(now);
    }));
    says(&mut desk, 8, "completed order in 1:04");
    desk.now += SignedDuration::from_secs(90);
    says(&mut desk, 8, "completed order in 1:04");
}

#[test]
fn hints_are_hidden_with_a_key_and_belong_to_the_drill_alone() {
    let mut desk = drill(80, 24);
    assert!(desk.screen().contains("Drill 1/8"));
    desk.keys("i");
    assert!(!desk.screen().contains("Drill 1/8"));
    assert!(desk.last_line().contains("hints off; i brings them back"), "{}", desk.last_line());
    desk.keys("i");
    assert!(desk.screen().contains("Drill 1/8"));
    let mut desk = Desk::night(80, 24);
    desk.keys("i");
    assert!(!desk.screen().contains("Drill"));
    assert!(desk.last_line().contains("demo --scenario drill"), "{}", desk.last_line());
}

#[test]
fn an_acknowledgement_that_was_refused_is_said_and_so_is_a_filter_that_hides_the_alert() {
    let mut desk = drill(80, 24);
    desk.report_alerts(with_the_fault(|_| {}));
    desk.keys("/");
    desk.types("LINE-2");
    desk.keys("enter");
    says(&mut desk, 2, "esc takes the filter away");
    desk.keys("esc");
    desk.keys("g a");
    let row = desk.commit().remove(0);
    desk.becomes(&row, IntentState::Parked, |row| row.detail = Some("no such alert".into()));
    says(&mut desk, 4, "Q shows why");
    desk.keys("Q");
    says(&mut desk, 4, "esc closes this window");
}

/// Two hundred alerts in ten minutes of one cause: one each three seconds, each ninth of them critical.
fn flood_until(desk: &Desk, begun: jiff::Timestamp) -> Vec<Alert> {
    let seconds = desk.now.duration_since(begun).as_secs();
    let arrived = usize::try_from(seconds / 3 + 1).unwrap().min(200);
    (0..arrived)
        .map(|index| {
            let device = match index {
                0 => "COMP-001".to_owned(),
                index => format!("{}-{:03}", ["TEMP", "PUMP", "FLOW", "VIB"][index % 4], index / 4),
            };
            let severity = if index % 9 == 5 { "critical" } else { "medium" };
            let mut one = alert(&format!("f-{index}"), ("Machine", &device), "Air pressure low", severity, 0);
            one.raised_at = begun + SignedDuration::from_secs(3 * i64::try_from(index).unwrap());
            one.message = Some("Below 3.5 bar; upstream: COMP-001 discharge pressure low".into());
            one
        })
        .collect()
}

fn flooded(width: u16, height: u16) -> (Desk, jiff::Timestamp) {
    let mut desk = Desk::new(width, height);
    desk.links();
    desk.report_devices(devices());
    desk.report_alerts(Vec::new());
    desk.wait(30);
    let begun = desk.now;
    (desk, begun)
}

#[test]
fn a_flood_is_seen_from_its_first_alert_to_its_closing_note() {
    for (width, height) in [(120, 40), (80, 24)] {
        let (mut desk, begun) = flooded(width, height);
        let (mut entered, mut left) = (None, None);
        // Each five seconds a reading, as the console asks for it: ten minutes of flood, and the quiet after it.
        for step in 0..300 {
            let alerts = flood_until(&desk, begun);
            let count = alerts.len();
            desk.report_alerts(alerts);
            desk.draw();
            let screen = desk.screen();
            let on = screen.contains("FLOOD since");
            if on && entered.is_none() {
                entered = Some(count);
            }
            if entered.is_some() && !on && left.is_none() {
                left = Some(step);
                assert!(screen.contains("is over: 200 alerts in"), "{screen}");
            }
            if on {
                assert!(
                    screen.contains("first 02:14 MED  COMP-001") || screen.contains("first 02:14 MED COMP-001"),
                    "{screen}"
                );
                if count > 6 {
                    assert!(screen.contains("worst") && screen.contains("CRIT"), "{screen}");
                }
            }
            desk.wait(5);
        }
        assert_eq!(entered, Some(11), "above ten in ten minutes, at the reading that brought them");
        let left = left.expect("it ends") * 5;
        // the last four are left in the window when it is over: 200 alerts, the last raised at 597 s
        assert!((1180..=1200).contains(&left), "{left} s");
    }
}

#[test]
fn fifty_alerts_of_one_cause_take_five_keys_and_one_note_and_one_form() {
    let (mut desk, begun) = flooded(80, 24);
    for _ in 0..45 {
        let alerts = flood_until(&desk, begun);
        desk.report_alerts(alerts);
        desk.wait(5);
    }
    let mut person = Person::at(desk);
    person.presses("/");
    person.types("dev:TEMP-*|dev:PUMP-*|dev:FLOW-0*|dev:VIB-00*");
    person.presses("enter");
    person.presses("*");
    person.presses("A");
    person.types("Air failure, COMP-001 is being repaired");
    person.presses("enter");
    assert_eq!(person.keys, 5, "at the most six");
    let asked = person.desk.submitted();
    assert!(asked.len() >= 50, "{}", asked.len());
    for (_, intent) in &asked {
        let Intent::Acknowledge { notes, .. } = intent else {
            panic!("{intent:?}")
        };
        assert_eq!(notes.as_deref(), Some("Air failure, COMP-001 is being repaired"));
    }
    let rows = person.desk.commit();
    for row in &rows {
        person.desk.becomes(row, IntentState::Delivered, |_| {});
    }
    assert!(
        person.desk.last_line().contains("alerts acknowledged"),
        "{}",
        person.desk.last_line()
    );

    person.keys = 0;
    person.presses("*");
    person.presses("x");
    person.types("Air supply restored");
    person.presses("tab");
    person.types("Leak at dryer drain");
    person.presses("enter");
    assert_eq!(person.keys, 4, "one form for all");
    let resolved = person.desk.submitted();
    assert_eq!(resolved.len(), asked.len());
    assert!(resolved.iter().all(|(_, intent)| matches!(intent, Intent::Resolve { .. })));
}
