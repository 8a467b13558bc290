use jiff::SignedDuration;

use super::super::watch::{Act, Matcher};
use super::*;
use crate::domain::Severity;
use crate::domain::filter::Filter;

fn at(text: &str) -> Timestamp {
    format!("2026-02-19T{text}Z").parse().unwrap()
}

fn alert(id: &str, severity: Severity, raised: &str) -> Alert {
    Alert {
        device_type: Some("PumpStation".into()),
        ..Alert::raised(
            id.into(),
            "Vibration high".into(),
            format!("PUMP-{id}").as_str().into(),
            severity,
            at(raised),
        )
    }
}

fn watch(when: &str, after: i64) -> Watch {
    Watch {
        name: "critical pumps".into(),
        matcher: Matcher::Rule(Filter::parse(when).unwrap(), None),
        after: SignedDuration::from_mins(after),
        act: Act::WorkOrder,
        per_hour: Some(20),
        dry_run: false,
        yields: true,
    }
}

fn due_ids(watch: &Watch, alerts: &[Alert], memory: &Memory, now: &str) -> Vec<String> {
    let mut memory = memory.clone();
    memory.see(alerts, at(now));
    let memory = &memory;
    let locations = [("PUMP-1".into(), "Hall A".into())].into();
    let reading = Reading {
        alerts,
        locations: &locations,
        me: "bridge",
        now: at(now),
    };
    let due = due(std::slice::from_ref(watch), reading, memory);
    due.into_iter().map(|(_, alert)| alert.id.raw().to_owned()).collect()
}

#[test]
fn an_alert_is_due_when_the_time_of_the_person_is_over_and_nobody_acted() {
    let memory = Memory::begin(at("02:00:00"));
    let watch = watch("sev:critical type:PumpStation", 5);
    let alerts = [alert("1", Severity::Critical, "02:10:00")];
    assert!(due_ids(&watch, &alerts, &memory, "02:14:59").is_empty(), "a person may still act");
    assert_eq!(due_ids(&watch, &alerts, &memory, "02:15:00"), ["1"]);
    for state in [AlertState::Acknowledged, AlertState::Resolved] {
        let acted = [Alert {
            state,
            ..alerts[0].clone()
        }];
        assert!(due_ids(&watch, &acted, &memory, "02:20:00").is_empty(), "a person acted");
    }
    let unknown = [Alert {
        state: AlertState::Other("escalated".into()),
        ..alerts[0].clone()
    }];
    assert_eq!(
        due_ids(&watch, &unknown, &memory, "02:20:00"),
        ["1"],
        "an unknown state counts as new"
    );
}

#[test]
fn what_is_older_than_the_first_start_is_left_alone() {
    let memory = Memory::begin(at("02:00:00"));
    let watch = watch("sev:critical", 0);
    let alerts = [
        alert("before", Severity::Critical, "01:59:59"),
        alert("at", Severity::Critical, "02:00:00"),
    ];
    assert_eq!(due_ids(&watch, &alerts, &memory, "03:00:00"), ["at"]);
}

#[test]
fn what_was_done_is_not_done_again_and_the_worst_comes_first() {
    let mut memory = Memory::begin(at("02:00:00"));
    let watch = watch("sev>=high", 0);
    let alerts = [
        alert("1", Severity::High, "02:01:00"),
        alert("2", Severity::Critical, "02:03:00"),
        alert("3", Severity::Critical, "02:02:00"),
        alert("4", Severity::Low, "02:02:00"),
    ];
    assert_eq!(due_ids(&watch, &alerts, &memory, "02:05:00"), ["3", "2", "1"]);
    memory.remember(&watch.key(), &alerts[1].id, at("02:05:00"));
    assert_eq!(due_ids(&watch, &alerts, &memory, "02:05:00"), ["3", "1"]);
    let dry = Watch { dry_run: true, ..watch };
    assert_eq!(
        due_ids(&dry, &alerts, &memory, "02:05:00"),
        ["3", "2", "1"],
        "a dry run has its own memory"
    );
}

#[test]
fn a_filter_may_ask_for_places_and_noise() {
    let memory = Memory::begin(at("00:00:00"));
    let alerts = [alert("1", Severity::High, "02:01:00"), alert("2", Severity::High, "02:02:00")];
    assert_eq!(due_ids(&watch("loc:\"Hall A\"", 0), &alerts, &memory, "02:05:00"), ["1"]);
    let noisy: Vec<Alert> = (0..4)
        .map(|number| Alert {
            device: "PUMP-9".into(),
            ..alert(&format!("n{number}"), Severity::High, &format!("02:04:{:02}", number * 10))
        })
        .collect();
    assert!(due_ids(&watch("-is:chattering", 0), &noisy, &memory, "02:05:00").is_empty());
}

#[test]
fn an_alarm_that_comes_and_goes_chatters_though_only_its_newest_alert_stands() {
    let mut memory = Memory::begin(at("02:00:00"));
    let cycle = |number: u32| Alert {
        device: "PUMP-9".into(),
        ..alert(&format!("n{number}"), Severity::High, &format!("02:04:{:02}", number * 20))
    };
    let quiet = alert("1", Severity::High, "02:04:00");
    // each is gone before the next one comes
    for number in 0..2 {
        let standing = [cycle(number), quiet.clone()];
        memory.see(&standing, standing[0].raised_at);
        assert!(due_ids(&watch("is:chattering", 0), &standing, &memory, "02:04:30").is_empty());
    }
    let standing = [cycle(2), quiet];
    assert_eq!(due_ids(&watch("is:chattering", 0), &standing, &memory, "02:04:45"), ["n2"]);
    assert_eq!(due_ids(&watch("-is:chattering", 0), &standing, &memory, "02:04:45"), ["1"]);
    // the slow variant: three in half an hour, counted back from now
    assert_eq!(due_ids(&watch("is:chattering", 0), &standing, &memory, "02:33:59"), ["n2"]);
    assert!(due_ids(&watch("is:chattering", 0), &standing, &memory, "02:34:20").is_empty());
}

#[test]
fn the_duplicate_check() {
    let order = |number: &str| WorkOrder {
        wonum: number.into(),
        siteid: None,
        status: "WAPPR".into(),
        status_maxvalue: None,
        description: "x".into(),
        assetnum: None,
        wopriority: None,
        lead: None,
        externalrefid: None,
        reportdate: None,
    };
    assert_eq!(judge(&Known::default()), Verdict::Make);
    let pending = Known {
        pending: true,
        ..Known::default()
    };
    assert_eq!(judge(&pending), Verdict::Wait);
    let open = Known {
        open: vec![order("7")],
        ..pending
    };
    assert_eq!(judge(&open), Verdict::Leave("its asset has the open work order 7 (WAPPR)".into()));
    let own = Known {
        own: Some(order("8")),
        ..open
    };
    assert_eq!(judge(&own), Verdict::Leave("work order 8 was made for it".into()));
}
