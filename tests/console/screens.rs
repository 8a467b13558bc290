//! Screens as an operator sees them, reviewed: `INSTA_UPDATE=always cargo test console::screens` writes them anew; read them then.

use jiff::SignedDuration;
use nightdesk::app::Setup;
use nightdesk::config::Charts;
use nightdesk::config::theme::{Depth, Theme};
use nightdesk::domain::{AlertState, Coverage, History, IntentState, Remark, Service};
use nightdesk::model::{Event, Report};

use super::desk::{Desk, ago, alert, fault, order, setup};

macro_rules! screen {
    ($name:literal, $desk:expr) => {
        insta::with_settings!({ prepend_module_to_snapshot => false, snapshot_path => "snapshots", omit_expression => true }, {
            insta::assert_snapshot!($name, $desk.screen());
        });
    };
}

#[test]
fn night() {
    screen!("night-120x40", Desk::night(120, 40));
    screen!("night-80x24", Desk::night(80, 24));
    screen!("night-60x20", Desk::night(60, 20));
    screen!("night-160x50", Desk::night(160, 50));
    screen!("night-100x30", Desk::night(100, 30));
}

#[test]
fn too_small() {
    screen!("small-30x5", Desk::night(30, 5));
}

#[test]
fn ascii() {
    let setup = Setup { ascii: true, ..setup() };
    let desk = Desk::night_with(setup, 120, 40);
    let screen = desk.screen();
    assert!(screen.replace("°C", "").is_ascii(), "but for what the server wrote");
    screen!("ascii-120x40", desk);
}

#[test]
fn colours() {
    let setup = Setup {
        theme: Theme::built_in("default", Depth::Ansi),
        ..setup()
    };
    let desk = Desk::night_with(setup, 120, 40);
    insta::with_settings!({ prepend_module_to_snapshot => false, snapshot_path => "snapshots", omit_expression => true }, {
        insta::assert_snapshot!("colours-120x40", format!("{}{}", desk.screen(), desk.colours()));
    });
}

#[test]
fn first_moments() {
    screen!("connecting-80x24", Desk::new(80, 24));
    let mut desk = Desk::new(80, 24);
    desk.down(Service::Monitor, "monitor.example:443 refuses the connection: is it up?");
    desk.report(Report::Alerts {
        result: Err(fault("monitor.example:443 refuses the connection: is it up?")),
        cached: false,
    });
    desk.draw();
    screen!("unreachable-80x24", desk);
    let mut desk = Desk::new(80, 24);
    desk.report(Report::Alerts {
        result: Ok(nightdesk::domain::Listing::whole(super::desk::alerts(), super::desk::ago(300))),
        cached: true,
    });
    desk.draw();
    screen!("cached-80x24", desk);
    let mut desk = Desk::new(80, 24);
    desk.links();
    desk.report_alerts(Vec::new());
    desk.draw();
    screen!("empty-80x24", desk);
}

#[test]
fn outage() {
    let mut desk = Desk::night(120, 40);
    desk.down(Service::Monitor, "monitor.example:443 does not answer within 15 s");
    desk.report(Report::Alerts {
        result: Err(fault("monitor.example:443 does not answer within 15 s")),
        cached: false,
    });
    desk.wait(150);
    desk.keys("a");
    desk.commit();
    desk.wait(4);
    screen!("outage-120x40", desk);
    desk.resize(60, 20);
    screen!("outage-60x20", desk);
}

#[test]
fn where_an_action_is() {
    let mut desk = Desk::night(120, 40);
    desk.keys("a");
    screen!("action-1-saving", desk);
    let rows = desk.commit();
    screen!("action-2-grace", desk);
    desk.wait(4);
    let row = desk.becomes(&rows[0], IntentState::Sending, |_| {});
    let row = desk.becomes(&row, IntentState::InDoubt, |row| {
        row.detail = Some("the answer did not come".into());
    });
    screen!("action-3-checking", desk);
    desk.becomes(&row, IntentState::Delivered, |row| row.detail = None);
    screen!("action-4-done", desk);
    desk.keys("j");
    screen!("action-5-left", desk);
}

#[test]
fn refused_and_superseded() {
    let mut desk = Desk::night(80, 24);
    desk.keys("a");
    let rows = desk.commit();
    desk.wait(4);
    desk.becomes(&rows[0], IntentState::Parked, |row| {
        row.detail = Some("403: this key may not acknowledge".into());
    });
    desk.keys("j a");
    let rows = desk.commit();
    desk.wait(4);
    desk.becomes(&rows[0], IntentState::Superseded, |row| {
        row.superseded_by = Some("operator2".into());
        row.detail = Some("acknowledged at 02:14:10 with another note".into());
    });
    screen!("refused-80x24", desk);
    desk.keys("Q");
    screen!("outbox-80x24", desk);
}

#[test]
fn forms() {
    let mut desk = Desk::night(120, 40);
    desk.keys("x");
    desk.types("Relubricated the bearing");
    desk.keys("tab");
    desk.types("ea");
    desk.keys("down");
    screen!("resolve-120x40", desk);
    desk.resize(80, 24);
    screen!("resolve-80x24", desk);
    desk.resize(60, 20);
    screen!("resolve-60x20", desk);
    desk.keys("esc A");
    desk.types("Looking at it");
    screen!("note-60x20", desk);
}

#[test]
fn work_order() {
    let mut desk = Desk::night(120, 40);
    desk.keys("w");
    screen!("order-1-asking", desk);
    desk.report(Report::OpenOrders {
        alert: "a-1001".into(),
        result: Ok(vec![
            order("1043", "INPRG", "Replace coupling of pump 17"),
            order("998", "WAPPR", "Quarterly lubrication"),
        ]),
    });
    desk.draw();
    screen!("order-2-found", desk);
    desk.resize(80, 24);
    screen!("order-2-found-80x24", desk);
    desk.resize(60, 20);
    screen!("order-2-found-60x20", desk);
    desk.resize(120, 40);
    desk.keys("esc w");
    desk.report(Report::OpenOrders {
        alert: "a-1001".into(),
        result: Err(fault("manage.example:443 does not answer within 15 s")),
    });
    desk.draw();
    screen!("order-3-unknown", desk);
}

#[test]
fn windows() {
    let mut desk = Desk::night(120, 40);
    desk.keys("enter");
    screen!("detail-120x40", desk);
    desk.keys("]");
    screen!("detail-device-120x40", desk);
    desk.keys("]");
    screen!("detail-history-120x40", desk);
    desk.resize(80, 24);
    desk.keys("] ]");
    screen!("detail-80x24", desk);
    desk.keys("esc ?");
    screen!("help-80x24", desk);
    desk.keys("esc :");
    desk.types("mark");
    screen!("palette-80x24", desk);
    desk.keys("esc L");
    screen!("health-80x24", desk);
    desk.keys("esc y");
    screen!("copy-80x24", desk);
    desk.keys("esc G k t");
    screen!("take-over-80x24", desk);
    desk.keys("n");
    desk.resize(120, 40);
    desk.keys("2");
    screen!("devices-120x40", desk);
    desk.resize(80, 24);
    screen!("devices-80x24", desk);
    desk.keys("3");
    screen!("metrics-80x24", desk);
}

#[test]
fn lists() {
    let mut desk = Desk::night(80, 24);
    desk.keys("space space v j j");
    screen!("marks-80x24", desk);
    desk.keys("esc /");
    desk.types("sev>=high stat");
    screen!("filter-80x24", desk);
    desk.types("e:new sev>hgih");
    screen!("filter-error-80x24", desk);
    desk.keys("esc p");
    let mut alerts = super::desk::alerts();
    alerts.remove(2);
    alerts.push(super::desk::alert(
        "a-2000",
        ("Chiller", "CHIL-009"),
        "Leak detected",
        "critical",
        0,
    ));
    desk.report_alerts(alerts);
    desk.draw();
    screen!("frozen-80x24", desk);
    desk.keys("p O");
    screen!("sort-80x24", desk);
}

const SIZES: [(u16, u16); 3] = [(120, 40), (80, 24), (60, 20)];

/// Everything of a shift: the shelf, a flood that is over, remarks, records of a week.
fn shift() -> Desk {
    let mut desk = Desk::night(120, 40);
    let mut kept = Vec::new();
    for (number, cause) in ["Bearing wear", "Lubrication missing or wrong"].into_iter().enumerate() {
        let minutes = 60 * 24 * (number as i64 + 3);
        let mut one = alert(
            &format!("h-{number}"),
            ("PumpStation", "PUMP-017"),
            "Bearing temperature high",
            "high",
            minutes,
        );
        one.state = AlertState::Resolved;
        one.resolved_by = Some("operator2".into());
        one.resolved_at = Some(ago(minutes - 35));
        one.resolution = Some("Bearing replaced and greased, run for an hour without rising".into());
        one.root_cause = Some(cause.into());
        let mut history = History::default();
        history.note(&one, ago(minutes - 35));
        history.ordered(&one.id, &"998".into(), Some(&"COMP".into()), ago(minutes - 35));
        kept.extend(history.get(&one.id).cloned());
    }
    for number in 0..14 {
        let mut one = alert(&format!("f-{number}"), ("PumpStation", "PUMP-101"), "Flow low", "medium", 150);
        one.raised_at = ago(150) + SignedDuration::from_secs(number * 20);
        one.state = AlertState::Resolved;
        one.resolved_at = Some(ago(120));
        let mut history = History::default();
        history.note(&one, ago(120));
        kept.extend(history.get(&one.id).cloned());
    }
    let coverage = Coverage {
        since: ago(60 * 24 * 8),
        until: ago(10),
    };
    desk.send(Event::Remembered(kept, Some(coverage)));
    desk.send(Event::Notes(
        vec![Remark {
            at: ago(40),
            by: "operator2".into(),
            text: "Pump 17 was greased at midnight; if it runs hot again, the spare bearing is in store 3.".into(),
        }],
        Vec::new(),
    ));
    desk.draw();
    desk.keys("G s down tab");
    desk.types("cell is being exchanged");
    desk.keys("enter g j a");
    let rows = desk.commit();
    desk.wait(4);
    desk.becomes(&rows[0], IntentState::Delivered, |_| {});
    desk
}

#[test]
fn shelf_load_handover_and_history() {
    for (width, height) in SIZES {
        let mut desk = shift();
        desk.resize(width, height);
        desk.keys("S");
        screen_named(&format!("shelf-{width}x{height}"), &desk);
        desk.keys("esc M");
        screen_named(&format!("load-{width}x{height}"), &desk);
        desk.keys("esc H");
        screen_named(&format!("handover-{width}x{height}"), &desk);
        desk.keys("esc g enter ] ]");
        screen_named(&format!("history-{width}x{height}"), &desk);
        desk.send(Event::Runbook {
            slug: "bearing-temperature-high".into(),
            text: Ok(Some(include_str!("runbook.md").into())),
        });
        desk.keys("]");
        screen_named(&format!("runbook-{width}x{height}"), &desk);
        desk.keys("esc s");
        screen_named(&format!("shelve-{width}x{height}"), &desk);
    }
}

#[test]
fn flood() {
    for (width, height) in SIZES {
        let mut desk = Desk::night(width, height);
        let mut list = super::desk::alerts();
        for number in 0..30 {
            let mut one = alert(
                &format!("f-{number:02}"),
                ("PumpStation", &format!("PUMP-1{:02}", number % 5 + 1)),
                ["Flow low", "Suction pressure low"][number % 2],
                ["medium", "high"][number % 2],
                0,
            );
            one.raised_at = ago(4) + SignedDuration::from_secs(number as i64 * 7);
            list.push(one);
        }
        desk.report_alerts(list);
        desk.draw();
        screen_named(&format!("flood-{width}x{height}"), &desk);
    }
}

/// A long list, and six critical alerts that arrive above it once the keys were pressed.
fn critical_above(setup: Setup, width: u16, height: u16, keys: &str) -> Desk {
    let mut desk = Desk::with(setup, width, height);
    desk.links();
    let many = |name: &str, severity: &str, count: usize| -> Vec<_> {
        (0..count)
            .map(|number| {
                let device = format!("{name}-{number:03}");
                alert(&device, ("PumpStation", &device), "Flow low", severity, 3)
            })
            .collect()
    };
    let mut list = many("PUMP", "high", 40);
    desk.report_alerts(list.clone());
    desk.draw();
    desk.keys(keys);
    list.extend(many("LINE", "critical", 6));
    desk.report_alerts(list);
    desk.draw();
    desk
}

#[test]
fn what_is_urgent_is_in_sight_or_said_to_be_above() {
    for (width, height) in SIZES {
        let mut desk = critical_above(setup(), width, height, "");
        let queue = desk.app.queue();
        assert_eq!(
            queue.in_view()[0].raw(),
            "LINE-000",
            "nobody moved the cursor: the top stays in sight"
        );
        assert_eq!(queue.cursor().unwrap().raw(), "PUMP-000", "and the cursor on its alert");
        assert!(queue.in_view().contains(queue.cursor().unwrap()), "{}", desk.screen());
        assert!(!desk.screen().contains("above"), "{}", desk.screen());
        desk.keys("a");
        assert_eq!(desk.submitted_alerts(), ["PUMP-000"]);

        let mut desk = critical_above(setup(), width, height, "j");
        assert!(!desk.app.queue().in_view().iter().any(|id| id.raw().starts_with("LINE")));
        assert!(desk.screen().contains("▲ 6 crit above · g"), "{}", desk.screen());
        screen_named(&format!("urgent-above-{width}x{height}"), &desk);
        desk.keys("g");
        assert_eq!(desk.app.queue().in_view()[0].raw(), "LINE-000");
        assert!(!desk.screen().contains("above"), "{}", desk.screen());
    }
    let ascii = Setup { ascii: true, ..setup() };
    let desk = critical_above(ascii, 80, 24, "j");
    assert!(desk.screen().contains("^ 6 crit above - g"), "{}", desk.screen());
}

#[test]
fn a_sensor_that_fell_silent_is_not_steady() {
    let mut desk = Desk::night(120, 40);
    desk.keys("enter");
    assert!(!desk.screen().contains("last reading"), "{}", desk.screen());
    desk.now += SignedDuration::from_mins(15);
    desk.send(Event::Tick);
    desk.draw();
    assert!(desk.screen().contains("last reading 15 min ago"), "{}", desk.screen());
}

#[test]
fn forms_of_the_charts() {
    for (name, charts, ascii) in [("block", Charts::Block, false), ("ascii", Charts::Braille, true)] {
        let mut units = std::collections::BTreeMap::new();
        units.insert("bearing_temp".to_owned(), "°C".to_owned());
        let setup = Setup {
            charts,
            ascii,
            units,
            ..setup()
        };
        let mut desk = Desk::night_with(setup, 120, 40);
        desk.keys("enter");
        screen_named(&format!("chart-{name}-120x40"), &desk);
    }
}

fn screen_named(name: &str, desk: &Desk) {
    insta::with_settings!({ prepend_module_to_snapshot => false, snapshot_path => "snapshots", omit_expression => true }, {
        insta::assert_snapshot!(name, desk.screen());
    });
}
