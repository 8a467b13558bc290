//! The console as lines of text.

use nightdesk::app::Setup;
use nightdesk::domain::{AlertState, IntentState, Service};
use nightdesk::model::{Event, Key};

use super::desk::{Desk, alert, alerts, devices, setup};

fn desk() -> Desk {
    let mut desk = Desk::with(
        Setup {
            linear: true,
            ascii: true,
            ..setup()
        },
        90,
        40,
    );
    desk.links();
    desk.report_devices(devices());
    desk.report_alerts(alerts());
    desk
}

#[test]
fn the_list_is_told_once_a_line_an_alert_and_nothing_moves_after_that() {
    let mut desk = desk();
    let lines = desk.app.announce().lines;
    insta::with_settings!({ prepend_module_to_snapshot => false, snapshot_path => "snapshots", omit_expression => true }, {
        insta::assert_snapshot!("linear-start", lines.join("\n"));
    });
    assert_eq!(desk.app.announce().lines, Vec::<String>::new(), "what was told is not told again");
    for _ in 0..20 {
        desk.wait_unseen(5);
        desk.report_alerts(alerts());
        desk.report_devices(devices());
        desk.report_trends();
    }
    assert_eq!(desk.app.announce().lines, Vec::<String>::new(), "ages alone say nothing");
}

#[test]
fn before_the_first_list_no_number_is_told() {
    let linear = Setup {
        linear: true,
        ascii: true,
        ..setup()
    };
    let mut desk = Desk::with(linear, 90, 40);
    let mut lines = desk.app.announce().lines;
    desk.wait_unseen(2);
    lines.extend(desk.app.announce().lines);
    assert_eq!(lines.iter().filter(|line| *line == "reading alerts").count(), 1, "{lines:?}");
    assert!(!lines.iter().any(|line| line.contains("0 alerts")), "{lines:?}");
    desk.report_alerts(Vec::new());
    let lines = desk.app.announce().lines;
    assert!(lines.contains(&"0 alerts, 0 unacknowledged".to_owned()), "{lines:?}");
}

#[test]
fn the_same_keys_move_and_act_and_every_step_is_told() {
    let mut desk = desk();
    desk.app.announce();
    assert_eq!(desk.tells("j"), ["2 of 7: high, TEMP-041, Reading missing, new, 9m old"]);
    let lines = desk.tells("k a");
    assert_eq!(lines.len(), 3, "the row, the sentence, the change: {lines:?}");
    assert!(
        lines.iter().any(|line| line.contains("acknowledge: will be sent, z takes it back")),
        "{lines:?}"
    );
    let rows = desk.commit_unseen();
    desk.wait_unseen(2);
    assert_eq!(
        desk.app.announce().lines,
        Vec::<String>::new(),
        "a countdown is not read out second by second"
    );
    desk.wait_unseen(2);
    desk.becomes_unseen(&rows[0], IntentState::Sending);
    let lines = desk.app.announce().lines;
    assert!(lines.iter().any(|line| line.contains("acknowledge: sending")), "{lines:?}");
    desk.becomes_unseen(&rows[0], IntentState::Delivered);
    let lines = desk.app.announce().lines;
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("ok PUMP-017 Bearing temperature high acknowledged")),
        "{lines:?}"
    );
    assert!(
        lines
            .iter()
            .any(|line| line.contains("changed: PUMP-017 Bearing temperature high, acknowledged by operator1")),
        "{lines:?}"
    );
}

#[test]
fn what_comes_changes_and_goes_is_told_and_many_are_counted() {
    let mut desk = desk();
    desk.app.announce();
    desk.now += jiff::SignedDuration::from_secs(5);
    let mut next = alerts();
    next.remove(2);
    next[1].state = AlertState::Resolved;
    next.push(alert("n-1", ("Chiller", "CHIL-009"), "Leak", "critical", 0));
    desk.report_alerts(next.clone());
    let lines = desk.app.announce().lines;
    assert!(
        lines.contains(&"new: critical, CHIL-009, Leak, new, <1m old".to_owned()),
        "{lines:?}"
    );
    assert!(lines.contains(&"gone: a-1003".to_owned()), "{lines:?}");
    assert!(
        !lines.iter().any(|line| line.contains(" of ")),
        "the cursor did not move: {lines:?}"
    );
    for number in 0..50 {
        next.push(alert(&format!("f-{number:02}"), ("Fan", "FAN-1"), "Trip", "high", 0));
    }
    desk.now += jiff::SignedDuration::from_secs(5);
    desk.report_alerts(next);
    let lines = desk.app.announce().lines;
    assert!(lines.contains(&"and 42 more new".to_owned()), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("a flood begins")), "{lines:?}");
    assert!(lines.len() < 16, "{lines:?}");
    desk.down(Service::Monitor, "monitor.example does not answer");
    let lines = desk.app.announce().lines;
    assert!(lines[0].starts_with("attention: Monitor down since 02:14"), "{lines:?}");
}

#[test]
fn windows_are_read_out_and_what_is_typed_is_echoed() {
    let mut desk = desk();
    desk.app.announce();
    let lines = desk.tells("x");
    assert!(lines[0].starts_with("Resolve PUMP-017"), "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("> resolution")), "{lines:?}");
    assert!(
        !lines.iter().any(|line| line.contains('│') || line.contains("---")),
        "no frames: {lines:?}"
    );
    let mut echo = String::new();
    for char in "Oiled".chars() {
        desk.send(Event::Key(Key::char(char)));
        let announcement = desk.app.announce();
        assert_eq!(announcement.lines, Vec::<String>::new(), "typing is not read back line by line");
        echo.push_str(&announcement.echo);
    }
    assert_eq!(echo, "Oiled");
    let lines = desk.tells("tab");
    assert!(lines.iter().any(|line| line.starts_with("> root cause")), "{lines:?}");
    desk.tells("down");
    let lines = desk.tells("enter");
    assert!(lines.iter().any(|line| line.contains("resolve PUMP-017")), "{lines:?}");
    assert_eq!(desk.submitted_alerts(), ["a-1001"]);
    // a menu, the palette, the help
    let lines = desk.tells("O");
    assert!(lines.iter().any(|line| line.contains("s sev")), "{lines:?}");
    let lines = desk.tells("d");
    assert!(lines.iter().any(|line| line.contains("sorted by DEVICE")), "{lines:?}");
    let lines = desk.tells("?");
    assert!(lines.len() > 90, "all of the help: {}", lines.len());
    desk.tells("esc");
    let lines = desk.tells("enter");
    assert!(lines.iter().any(|line| line.contains("Check lubrication")), "{lines:?}");
}

#[test]
fn everything_is_told_once_more_on_demand() {
    let mut desk = desk();
    let first = desk.app.announce().lines;
    desk.tells("j");
    let again = desk.tells("ctrl-l");
    assert_eq!(again.len(), first.len(), "{again:?}");
    assert!(again.last().unwrap().starts_with("2 of 7: "), "{again:?}");
    let help = desk.tells("?");
    assert_eq!(desk.tells("ctrl-l"), help);
}

#[test]
fn devices_and_metrics_are_told_too() {
    let mut desk = desk();
    desk.report_trends();
    desk.app.announce();
    let lines = desk.tells("2");
    assert_eq!(lines, ["device CHIL-002, Chiller, online, Roof, seen <1m ago"]);
    let lines = desk.tells("1 3");
    assert!(lines.iter().any(|line| line.starts_with("bearing_temp 9")), "{lines:?}");
}
