//! A scripted shift: every number below was counted by hand from the script.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use nightdesk::domain::handover::{Basis, Format};
use nightdesk::domain::load::FloodLimits;
use nightdesk::domain::{
    ARRIVED_ALL_THE_SAME, AlarmKey, Alert, AlertId, AlertState, Handover, History, Intent, IntentState, OutboxId, OutboxRow, Read, Remark,
    Severity, Shelf, ShelfChange, Shelved, Target, WorkOrderDefaults, WorkOrderDraft,
};

/// The shift begins at 22:00 UTC; `minutes` count from then.
fn at(minutes: f64) -> Timestamp {
    let start: Timestamp = "2026-11-12T22:00:00Z".parse().unwrap();
    start + SignedDuration::from_secs((minutes * 60.0) as i64)
}

fn raised(id: &str, device: &str, name: &str, severity: &str, minutes: f64) -> Alert {
    Alert {
        message: Some("text".into()),
        ..Alert::raised(AlertId::new(id), name.into(), device.into(), Severity::parse(severity), at(minutes))
    }
}

fn held(mut alert: Alert, by: &str, minutes: f64) -> Alert {
    alert.state = AlertState::Acknowledged;
    alert.acknowledged_by = Some(by.into());
    alert.acknowledged_at = Some(at(minutes));
    alert
}

fn over(mut alert: Alert, by: &str, minutes: f64) -> Alert {
    alert.state = AlertState::Resolved;
    alert.resolved_by = Some(by.into());
    alert.resolved_at = Some(at(minutes));
    alert
}

fn script() -> Vec<Alert> {
    let mut noted = held(raised("A3", "COMP-1", "Low", "high", 30.0), "op2", 35.0);
    noted.notes = Some("valve | team".into());
    let mut alerts = vec![
        over(held(raised("A1", "PUMP-1", "Hot", "critical", 10.0), "op1", 12.0), "op1", 60.0),
        raised("A2", "PUMP-1", "Hot", "critical", 200.0),
        noted,
        held(raised("A4", "COMP-2", "Low", "high", -120.0), "op2", -100.0),
        raised("A5", "LINE-1", "Scrap", "medium", 100.0),
        raised("A6", "TEMP-1", "Battery", "low", -600.0),
        over(raised("A7", "TEMP-2", "Battery", "low", 50.0), "op2", 51.0),
        over(raised("A8", "TEMP-3", "Battery", "low", -60.0), "op2", 5.0),
        over(raised("A9", "TEMP-4", "Battery", "low", -60.0), "op2", -30.0),
    ];
    for number in 0..12 {
        // one each half minute from 03:00 on
        let minutes = 300.0 + f64::from(number) / 2.0;
        alerts.push(over(
            raised(&format!("F{number:02}"), "MILL-1", "Vibration", "medium", minutes),
            "op2",
            320.0,
        ));
    }
    alerts
}

fn row(id: i64, intent: Intent, state: IntentState, minutes: f64) -> OutboxRow {
    OutboxRow {
        id: OutboxId(id),
        target: Target {
            service: intent.service(),
            profile: "bedford".into(),
            origin: "https://monitor.example".into(),
        },
        intent,
        state,
        attempts: 1,
        created_at: at(minutes),
        updated_at: at(minutes + 1.0),
        not_before: at(minutes),
        detail: None,
        superseded_by: None,
        wonum: None,
    }
}

fn acknowledge(alert: &str, by: &str) -> Intent {
    Intent::Acknowledge {
        alert: alert.into(),
        by: by.into(),
        notes: None,
        over: None,
    }
}

fn rows() -> Vec<OutboxRow> {
    let order = Intent::CreateWorkOrder {
        alert: "A1".into(),
        generation: 0,
        seen: Vec::new(),
        allow_duplicate: false,
        draft: WorkOrderDraft::from_alert(&script()[0], &WorkOrderDefaults::default()),
    };
    let mut made = row(3, order, IntentState::Delivered, 19.0);
    made.wonum = Some("1001".into());
    let mut refused = row(5, acknowledge("A4", "op1"), IntentState::Parked, 100.0);
    refused.detail = Some("403: this key may not acknowledge".into());
    let resolve = Intent::Resolve {
        alert: "A1".into(),
        by: "op1".into(),
        resolution: "Bearing replaced".into(),
        root_cause: "BEARING: Bearing wear".into(),
        preventive_action: None,
    };
    vec![
        row(1, acknowledge("A9", "op1"), IntentState::Delivered, -30.0),
        row(2, acknowledge("A1", "op1"), IntentState::Delivered, 12.0),
        made,
        row(4, resolve, IntentState::Delivered, 59.0),
        refused,
        row(6, acknowledge("A3", "op2"), IntentState::Delivered, 35.0),
    ]
}

fn shelf() -> Shelf {
    let mut shelf = Shelf::default();
    shelf.apply(&ShelfChange::Put(vec![Shelved {
        key: AlarmKey {
            device: "LINE-1".into(),
            device_type: None,
            name: "Scrap".into(),
        },
        severity: Severity::Medium,
        since: at(105.0),
        until: at(510.0),
        reason: "line is being cleaned".into(),
        by: "op1".into(),
    }]));
    shelf
}

fn handover() -> Handover {
    made_of(&rows(), at(449.0))
}

fn made_of(rows: &[OutboxRow], as_of: Timestamp) -> Handover {
    made_until(rows, at(450.0), as_of)
}

fn made(until: Timestamp, as_of: Timestamp) -> Handover {
    made_until(&rows(), until, as_of)
}

fn made_until(rows: &[OutboxRow], until: Timestamp, as_of: Timestamp) -> Handover {
    let (alerts, shelf) = (script(), shelf());
    let mut history = History::default();
    for alert in &alerts {
        history.note(alert, at(400.0));
    }
    history.ordered(&"A1".into(), &"1001".into(), Some(&"COMP".into()), at(400.0));
    history.ordered(&"A3".into(), &"777".into(), Some(&"WAPPR".into()), at(400.0));
    history.covered(at(449.0), SignedDuration::from_hours(24));
    let remark = |minutes, text: &str| Remark {
        at: at(minutes),
        by: "op1".into(),
        text: text.into(),
    };
    let read = |since| Read {
        since,
        by: "op3".into(),
        at: at(450.0),
    };
    Handover::of(&Basis {
        site: "BEDFORD",
        operator: "op1",
        since: at(0.0),
        until,
        as_of: Some(as_of),
        alerts: alerts.iter().collect(),
        history: &history,
        shelf: &shelf,
        rows: rows.iter().collect(),
        remarks: &[remark(-5.0, "of the evening"), remark(110.0, "spare bearing in store 3")],
        reads: &[read(at(-480.0)), read(at(0.0))],
        limits: FloodLimits::default(),
    })
}

#[test]
fn what_was_taken_back_too_late_is_not_said_to_be_undone() {
    let mut doubtful = row(1, acknowledge("A2", "op1"), IntentState::Cancelled, 210.0);
    doubtful.detail = Some(format!("503 Service Unavailable; {ARRIVED_ALL_THE_SAME}").as_str().into());
    let undone = row(2, acknowledge("A6", "op1"), IntentState::Cancelled, 220.0);
    let made = made_of(&[doubtful, undone], at(449.0));
    let text = made.write(Format::Text, &TimeZone::UTC);
    let line = |about: &str| {
        let found = text.lines().find(|line| line.contains(about));
        found.unwrap_or_else(|| panic!("{text}")).to_owned()
    };
    let late = line("acknowledge PUMP-1 Hot");
    assert!(late.contains("may have arrived") && late.contains("look at the server"), "{late}");
    assert!(!late.contains("taken back"), "{late}");
    assert!(line("acknowledge TEMP-1 Battery").contains("taken back"), "{text}");
    let deeds = serde_json::to_value(&made).unwrap()["done"].clone();
    assert_eq!(deeds[0]["mayHaveArrived"], true);
    assert!(deeds[1].get("mayHaveArrived").is_none(), "{deeds}");
}

#[test]
fn an_old_list_says_how_old_it_is() {
    let fresh = handover().summary(&TimeZone::UTC).join("\n");
    assert!(
        fresh.contains("open now: ") && fresh.contains("The list of alerts was read at 2026-11-13 05:29."),
        "{fresh}"
    );
    let old = made_of(&rows(), at(330.0)).summary(&TimeZone::UTC).join("\n");
    assert!(
        old.contains("open then: ")
            && old.contains("The list of alerts is 2 h old, read at 2026-11-13 03:30: what came after it is not in here."),
        "{old}"
    );
}

#[test]
fn the_numbers_of_the_shift() {
    let made = handover();
    // A1 A2 A3 A5 A7 and twelve of the flood; A4 A6 A8 A9 are older
    assert_eq!(made.raised, 17);
    // A1 A7 A8 and twelve of the flood; A9 was over before
    assert_eq!(made.resolved, 15);
    assert_eq!(made.peak_ten_minutes, 12);
    assert_eq!(made.data_since, None, "the records reach back beyond the shift");
    let open: Vec<(&str, usize, usize)> = made
        .open
        .iter()
        .map(|open| (open.severity, open.open, open.unacknowledged))
        .collect();
    // A2; A3 and A4, held; A5 lies on the shelf; A6
    assert_eq!(open, [("critical", 1, 1), ("high", 2, 0), ("medium", 0, 0), ("low", 1, 1)]);
    let ids = |lines: &[nightdesk::domain::handover::Line]| -> Vec<String> { lines.iter().map(|line| line.id.raw().to_owned()).collect() };
    assert_eq!(ids(&made.unacknowledged), ["A2", "A6"]);
    assert_eq!(made.acknowledged.len(), 1);
    assert_eq!(
        (made.acknowledged[0].by.raw(), ids(&made.acknowledged[0].alerts)),
        ("op2", vec!["A3".into(), "A4".into()])
    );
    assert_eq!(made.shelved.len(), 1);
    let orders: Vec<(&str, Option<&str>, Option<Timestamp>)> = made
        .orders
        .iter()
        .map(|order| (order.wonum.raw(), order.status.as_ref().map(|status| status.raw()), order.made_at))
        .collect();
    assert_eq!(orders, [("777", Some("WAPPR"), None), ("1001", Some("COMP"), Some(at(20.0)))]);
    // the eleventh within ten minutes comes at 03:05:00; the eighth leaves at 03:13:30, and four are left
    assert_eq!(made.floods.len(), 1);
    let flood = made.floods[0];
    assert_eq!((flood.start, flood.end, flood.count, flood.peak), (at(305.0), at(313.5), 12, 12));
    let top: Vec<(&str, usize, i64)> = made
        .top
        .iter()
        .map(|top| (top.key.device.raw(), top.count, top.percent.round() as i64))
        .collect();
    assert_eq!(
        top,
        [
            ("MILL-1", 12, 71),
            ("PUMP-1", 2, 12),
            ("COMP-1", 1, 6),
            ("LINE-1", 1, 6),
            ("TEMP-2", 1, 6)
        ]
    );
    let done: Vec<(&str, &str, &str)> = made
        .done
        .iter()
        .map(|deed| (deed.verb, deed.about.raw(), deed.state.as_str()))
        .collect();
    assert_eq!(
        done,
        [
            ("acknowledge", "PUMP-1 Hot", "delivered"),
            ("work order", "PUMP-1 Hot", "delivered"),
            ("resolve", "PUMP-1 Hot", "delivered"),
            ("acknowledge", "COMP-2 Low", "parked"),
        ],
        "neither op2's nor the evening's"
    );
    assert_eq!(made.remarks.len(), 1);
    assert_eq!(made.read.len(), 1);
}

#[test]
fn a_flood_that_lasts_is_handed_over_as_one_that_lasts() {
    let floods = |handover: &Handover| -> Vec<String> {
        let sections = handover.sections(&TimeZone::UTC);
        let floods = sections.iter().find(|section| section.title == "Floods").unwrap();
        floods.entries.iter().map(|entry| entry.detail.clone()).collect()
    };
    let now = made(at(310.0), at(309.9));
    assert_eq!(floods(&now), ["still going on, 12 alerts, at most 12 in 10 min"]);
    let json: serde_json::Value = serde_json::from_str(&now.write(Format::Json, &TimeZone::UTC)).unwrap();
    assert_eq!(json["floods"][0]["lasts"], true);
    // Monitor fell silent in it: nobody knows whether it is over
    let silent = made(at(400.0), at(310.0));
    assert_eq!(floods(&silent), ["still going on at 03:10, 12 alerts, at most 12 in 10 min"]);
    // the period ends in it
    let before = made(at(310.0), at(449.0));
    assert_eq!(floods(&before), ["still going on at 03:10, 12 alerts, at most 12 in 10 min"]);
    let over = made(at(450.0), at(449.0));
    assert_eq!(floods(&over), ["until 03:13 (8 min), 12 alerts, at most 12 in 10 min"]);
    assert!(!over.write(Format::Json, &TimeZone::UTC).contains("lasts"));
}

fn check(name: &str, format: Format) {
    insta::with_settings!({ prepend_module_to_snapshot => false, snapshot_path => "console/snapshots", omit_expression => true }, {
        insta::assert_snapshot!(name, handover().write(format, &TimeZone::UTC));
    });
}

#[test]
fn what_was_raised_on_another_day_says_which() {
    for form in [Format::Markdown, Format::Text] {
        let mut handover = handover();
        let line = handover.unacknowledged.first_mut().unwrap();
        line.raised_at = "2026-01-02T13:40:00Z".parse().unwrap();
        assert!(handover.write(form, &TimeZone::UTC).contains("02 Jan 13:40"));
    }
}

#[test]
fn the_four_forms_on_paper() {
    check("handover-md", Format::Markdown);
    check("handover-text", Format::Text);
    check("handover-csv", Format::Csv);
    let json: serde_json::Value = serde_json::from_str(&handover().write(Format::Json, &TimeZone::UTC)).unwrap();
    assert_eq!(json["raised"], 17);
    assert_eq!(json["unacknowledged"][0]["alertId"], "A2");
    assert_eq!(json["unacknowledged"][0]["alertName"], "Hot");
    assert_eq!(json["acknowledged"][0]["alerts"][0]["note"], "valve | team");
    assert_eq!(json["shelved"][0]["deviceId"], "LINE-1");
    assert_eq!(json["floods"][0]["count"], 12);
}

#[test]
fn every_row_of_the_table_is_in_the_csv_once_and_every_line_has_eight_cells() {
    let text = handover().write(Format::Csv, &TimeZone::UTC);
    let mut reader = Vec::new();
    for line in text.split("\r\n").filter(|line| !line.is_empty()) {
        let mut cells = 1;
        let mut quoted = false;
        for char in line.chars() {
            match char {
                '"' => quoted = !quoted,
                ',' if !quoted => cells += 1,
                _ => {}
            }
        }
        assert_eq!(cells, 8, "{line}");
        reader.push(line.to_owned());
    }
    let rows = handover()
        .sections(&TimeZone::UTC)
        .iter()
        .map(|section| section.entries.len())
        .sum::<usize>();
    let summary = handover().summary(&TimeZone::UTC).len();
    assert_eq!(reader.len(), 1 + summary + rows);
}

#[test]
fn what_happened_before_the_records_begin_is_said_to_be_missing() {
    let (alerts, history, shelf) = (script(), History::default(), Shelf::default());
    let mut history = history;
    history.covered(at(449.0), SignedDuration::from_hours(1));
    let made = Handover::of(&Basis {
        site: "BEDFORD",
        operator: "op1",
        since: at(0.0),
        until: at(450.0),
        as_of: Some(at(449.0)),
        alerts: alerts.iter().collect(),
        history: &history,
        shelf: &shelf,
        rows: Vec::new(),
        remarks: &[],
        reads: &[],
        limits: FloodLimits::default(),
    });
    assert_eq!(made.data_since, Some(at(389.0)));
    assert!(
        made.write(Format::Text, &TimeZone::UTC)
            .contains("The records begin at 2026-11-13 04:29")
    );
}
