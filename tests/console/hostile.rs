//! Row 23 of the fault matrix, the screens' half: more than 200 hostile texts in every text field, through every view.

use nightdesk::domain::{Alert, AlertId, AlertState, Device, DeviceKey, IntentState, MetricValue, SafeText, Series, Service, Severity};
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

/// A night with the texts in everything that a server or another person wrote: three alerts, a device and an order each.
fn hostile_desk(texts: &[String], width: u16, height: u16) -> Desk {
    let mut desk = Desk::new(width, height);
    desk.links();
    let mut alerts = Vec::new();
    let mut trends = Vec::new();
    let mut orders = Vec::new();
    let mut drafts = Vec::new();
    let series = Series {
        points: (0..30).map(|minute| (ago(30 - minute), minute as f64)).collect(),
    };
    for text in texts.iter().map(String::as_str) {
        let held = hostile_alert(text);
        let mut new = held.clone();
        new.id = new_id(text);
        new.state = AlertState::New;
        (new.acknowledged_by, new.acknowledged_at) = (None, None);
        let mut past = held.clone();
        past.id = AlertId::new(format!("past {text}"));
        past.state = AlertState::Resolved;
        past.resolved_at = Some(ago(60));
        let mut made = order("1043", "INPRG", text);
        (made.status, made.lead, made.siteid, made.assetnum) = (text.into(), Some(text.into()), Some(text.into()), Some(text.into()));
        made.wonum = text.into();
        orders.push((new.id.clone(), made));
        trends.push(DeviceTrends {
            device: DeviceKey::new(text, text),
            series: [(SafeText::from(text), series.clone()), (SafeText::from("other"), series.clone())].into(),
        });
        drafts.push(Draft {
            key: DraftKey {
                form: text.to_owned(),
                profile: "bedford".into(),
                alerts: vec![held.id.clone()],
            },
            fields: vec![(text.to_owned(), text.to_owned())],
            saved_at: ago(1),
        });
        alerts.extend([held, new, past]);
    }
    desk.report_devices(texts.iter().map(|text| hostile_device(text)).collect());
    desk.report_alerts(alerts);
    let window = (ago(60), desk.now);
    desk.report(Report::Trends {
        result: Ok(trends),
        window,
    });
    desk.report(Report::OrderStatus(Ok(orders)));
    desk.send(Event::Drafts(drafts));
    desk.draw();
    desk
}

fn new_id(text: &str) -> AlertId {
    AlertId::new(format!("new {text}"))
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
        assert_eq!(
            line.iter().map(|cell| cell.width().max(1)).sum::<usize>(),
            usize::from(width),
            "{why}: {line:?}"
        );
        // joined letters of Indian scripts are one cell of up to four places
        assert!(line.iter().all(|cell| cell.width() <= 4 && !cell.is_empty()), "{why}: {line:?}");
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
const VIEWS: [&str; 22] = [
    "1 j k",
    "2",
    "3",
    "1 O",
    "esc c",
    "esc /",
    "esc !",
    "!",
    "esc *",
    "A",
    "esc",
    "x",
    "esc",
    "a",
    "esc",
    "z",
    "Q",
    "enter",
    "esc esc R",
    "esc L",
    "esc ?",
    "esc :",
];

/// The views of the alert under the cursor.
const ALERT_VIEWS: [&str; 9] = ["enter", "]", "]", "esc A", "esc n", "esc x", "esc w", "esc y", "esc D"];

#[test]
fn row_23_hostile_text_in_every_field_comes_out_of_no_view_of_a_wide_screen() {
    walk(0, (120, 40));
}

#[test]
fn row_23_hostile_text_in_every_field_comes_out_of_no_view_of_a_narrow_screen() {
    walk(1, (80, 24));
}

/// Every second of the texts on a screen of its size: the two have other panes, and the kinds of text stand side by side.
fn walk(first: usize, (width, height): (u16, u16)) {
    let texts: Vec<String> = payloads().into_iter().skip(first).step_by(2).collect();
    for texts in texts.chunks(8) {
        let mut desk = hostile_desk(texts, width, height);
        let why = |view: &str| format!("{texts:?} in {view}");
        assert_frame(&desk, width, &why("the queue"));
        for keys in VIEWS {
            desk.keys(keys);
            assert_frame(&desk, width, &why(keys));
        }
        desk.keys("esc esc esc 1 g");
        for text in texts {
            desk.report(Report::OpenOrders {
                alert: new_id(text),
                result: Ok(vec![order("7", "WAPPR", text)]),
            });
            for keys in ALERT_VIEWS {
                desk.keys(keys);
                assert_frame(&desk, width, &why(keys));
            }
            desk.keys("esc esc esc 1 j");
        }
        for text in texts {
            says(&mut desk, text, width, &why);
        }
        assert_effects(&desk, &why("an effect"));
        assert!(
            desk.effects.iter().any(|effect| matches!(effect, Effect::Copy(_))),
            "something was copied"
        );
    }
}

/// What the outbox and the servers say of an action, what is pasted, and what is copied.
fn says(desk: &mut Desk, text: &str, width: u16, why: &dyn Fn(&str) -> String) {
    desk.keys("1 g a");
    let rows = desk.commit();
    for row in &rows {
        for state in [IntentState::InDoubt, IntentState::Superseded, IntentState::Parked] {
            desk.becomes(row, state, |row| {
                row.detail = Some(text.into());
                row.superseded_by = Some(text.into());
                row.wonum = Some(text.into());
            });
            assert_frame(desk, width, &why("the notice"));
        }
    }
    desk.down(Service::Monitor, text);
    for report in [
        Report::Alerts {
            result: Err(fault(text)),
            cached: false,
        },
        Report::Devices {
            result: Err(fault(text)),
            cached: false,
        },
        Report::OpenOrders {
            alert: new_id(text),
            result: Err(fault(text)),
        },
    ] {
        desk.report(report);
    }
    desk.wait(1);
    assert_frame(desk, width, &why("the trouble line"));
    for keys in ["Q", "enter", "esc esc R", "esc L"] {
        desk.keys(keys);
        assert_frame(desk, width, &why(keys));
    }
    desk.keys("esc esc");
    for failed in [true, false] {
        let text = text.to_owned();
        desk.send(Event::Notice { text, failed });
        desk.draw();
        assert_frame(desk, width, &why("a notice"));
    }
    for form in ["1 w", "esc esc A", "esc esc /"] {
        desk.keys(form);
        desk.send(Event::Paste(text.to_owned()));
        desk.draw();
        assert_frame(desk, width, &why("a pasted field"));
    }
    desk.keys("esc esc");
    for entry in ["i", "r", "j", "c"] {
        desk.keys("1 y");
        desk.keys(entry);
        assert_frame(desk, width, &why("after a copy"));
        desk.keys("esc");
    }
}
