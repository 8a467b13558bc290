//! Row 23 of the fault matrix, the screens' half: more than 200 hostile texts in every text field, through every view.

use nightdesk::domain::{Alert, AlertState, Device, DeviceKey, IntentState, MetricValue, SafeText, Series, Service, Severity};
use nightdesk::model::{DeviceTrends, Draft, DraftKey, Effect, Event, Report};
use unicode_width::UnicodeWidthStr as _;

use super::desk::{Desk, ago, alert, device, fault, order};
use crate::payloads::{assert_tame, is_raw, payloads};

/// An alert that holds the text wherever text can stand.
fn hostile_alert(text: &str) -> Alert {
    let mut one = alert(text, (text, text), text, "critical", 5);
    let held = || Some(SafeText::from(text));
    one.severity = Severity::parse(text);
    one.metric = held();
    one.value = Some(MetricValue::Text(SafeText::from(text)));
    one.threshold = Some(1.0);
    one.message = held();
    one.state = AlertState::Acknowledged;
    one.acknowledged_by = held();
    one.acknowledged_at = Some(ago(2));
    one.notes = Some(SafeText::from(format!("{text} [WO {text}]")));
    one.resolved_by = held();
    one.resolution = held();
    one.root_cause = held();
    one.preventive_action = held();
    one
}

fn hostile_device(text: &str) -> Device {
    let mut one = device(text, text, text, true, 0);
    one.metadata.insert(text.to_owned(), text.into());
    one.device_info.insert(text.to_owned(), serde_json::json!({ text: [text] }));
    one
}

/// A night with the text in everything that a server or another person wrote.
fn hostile_desk(text: &str, width: u16, height: u16) -> Desk {
    let mut desk = Desk::new(width, height);
    desk.links();
    let mut new = hostile_alert(text);
    new.id = "another".into();
    new.state = AlertState::New;
    new.acknowledged_by = None;
    new.acknowledged_at = None;
    let mut past = hostile_alert(text);
    past.id = "past".into();
    past.state = AlertState::Resolved;
    past.resolved_at = Some(ago(60));
    desk.report_devices(vec![hostile_device(text)]);
    desk.report_alerts(vec![hostile_alert(text), new, past]);
    let series = Series {
        points: (0..30).map(|minute| (ago(30 - minute), minute as f64)).collect(),
    };
    let window = (ago(60), desk.now);
    desk.report(Report::Trends {
        result: Ok(vec![DeviceTrends {
            device: DeviceKey::new(text, text),
            series: [(SafeText::from(text), series.clone()), (SafeText::from("other"), series)].into(),
        }]),
        window,
    });
    let mut made = order("1043", "INPRG", text);
    (made.status, made.lead, made.siteid, made.assetnum) = (text.into(), Some(text.into()), Some(text.into()), Some(text.into()));
    made.wonum = text.into();
    desk.report(Report::OrderStatus(Ok(vec![("another".into(), made)])));
    desk.send(Event::Drafts(vec![Draft {
        key: DraftKey {
            form: text.to_owned(),
            profile: "bedford".into(),
            alerts: vec![text.into()],
        },
        fields: vec![(text.to_owned(), text.to_owned())],
        saved_at: ago(1),
    }]));
    desk.draw();
    desk
}

/// Checks a frame: every cell is tame, every line has its width, and the frame around the panes stands where it stands for plain text.
#[track_caller]
fn assert_frame(desk: &Desk, width: u16, why: &str) {
    let screen = desk.screen();
    for line in screen.lines() {
        assert_tame(line, why);
        assert!(line.width() <= usize::from(width), "{why}: {line:?}");
    }
    for line in desk.buffer_lines() {
        // a cell is as wide as it claims: what follows a wide one is left out
        assert_eq!(line.iter().map(|cell| cell.width().max(1)).sum::<usize>(), usize::from(width), "{why}: {line:?}");
        assert!(line.iter().all(|cell| cell.width() <= 2 && !cell.is_empty()), "{why}: {line:?}");
    }
}

#[track_caller]
fn assert_effects(desk: &Desk, why: &str) {
    for effect in &desk.effects {
        match effect {
            Effect::Title(text) => assert!(!text.chars().any(is_raw), "{why}: {text:?}"),
            Effect::Copy(text) => assert_tame(text, why),
            _ => {}
        }
    }
}

/// Every view that can be reached, by the keys that lead there from the queue and back.
const VIEWS: [&str; 26] = [
    "j k", // the queue with its strip, charts and devices
    "2", "3", "1 O", "esc c", "esc /", "esc enter", "]", "] ]", "esc A", "esc n", "esc x", "esc w", "esc y", "esc Q", "enter", "esc esc R", "esc L",
    "esc ?", "esc :", "esc space *", "a", "esc z", "D", "esc E", "esc esc ~",
];

#[test]
fn row_23_hostile_text_in_every_field_comes_out_of_no_view() {
    for (index, text) in payloads().iter().enumerate() {
        // wide screens and narrow ones have other panes; each payload sees one, each kind of payload both
        let (width, height) = if index % 2 == 0 { (120, 40) } else { (80, 24) };
        let mut desk = hostile_desk(text, width, height);
        let why = |view: &str| format!("{text:?} in {view}");
        assert_frame(&desk, width, &why("the queue"));
        desk.report(Report::OpenOrders {
            alert: "another".into(),
            result: Ok(vec![order("7", "WAPPR", text)]),
        });
        for keys in VIEWS {
            desk.keys(keys);
            assert_frame(&desk, width, &why(keys));
        }
        desk.keys("esc esc esc");

        // what the outbox and the servers say of an action
        desk.keys("1 g a");
        let rows = desk.commit();
        for row in &rows {
            for state in [IntentState::InDoubt, IntentState::Superseded, IntentState::Parked] {
                desk.becomes(row, state, |row| {
                    row.detail = Some(text.as_str().into());
                    row.superseded_by = Some(text.as_str().into());
                    row.wonum = Some(text.as_str().into());
                });
                assert_frame(&desk, width, &why("the notice"));
                desk.keys("Q");
                assert_frame(&desk, width, &why("the outbox"));
                desk.keys("enter");
                assert_frame(&desk, width, &why("a row of the outbox"));
                desk.keys("esc esc R");
                assert_frame(&desk, width, &why("the results"));
                desk.keys("esc");
            }
        }
        desk.down(Service::Monitor, text);
        desk.report(Report::Alerts {
            result: Err(fault(text)),
            cached: false,
        });
        desk.report(Report::Devices {
            result: Err(fault(text)),
            cached: false,
        });
        desk.report(Report::OpenOrders {
            alert: "another".into(),
            result: Err(fault(text)),
        });
        desk.wait(70);
        assert_frame(&desk, width, &why("the trouble line"));
        desk.send(Event::Notice {
            text: text.clone(),
            failed: index % 3 == 0,
        });
        desk.draw();
        assert_frame(&desk, width, &why("a notice"));
        desk.keys("L");
        assert_frame(&desk, width, &why("the health window"));
        desk.keys("esc w");
        assert_frame(&desk, width, &why("a form without orders"));
        desk.send(Event::Paste(text.clone()));
        desk.draw();
        assert_frame(&desk, width, &why("a pasted field"));
        desk.keys("esc /");
        desk.send(Event::Paste(text.clone()));
        desk.draw();
        assert_frame(&desk, width, &why("the filter line"));
        desk.keys("esc");

        // the clipboard: every entry of its menu
        for entry in 0..6 {
            desk.keys("1 g y");
            for _ in 0..entry {
                desk.keys("down");
            }
            desk.keys("enter");
            assert_frame(&desk, width, &why("after a copy"));
            desk.keys("esc");
        }
        assert_effects(&desk, &why("an effect"));
        assert!(desk.effects.iter().any(|effect| matches!(effect, Effect::Copy(_))), "something was copied");
    }
}
