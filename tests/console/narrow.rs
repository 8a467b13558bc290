//! At 60 x 20: whatever has no room is told in another way, and no figure is cut.

use nightdesk::domain::Service;
use nightdesk::model::{ApiHealth, CallFigures, Credential, Report, ServerHealth};

use super::desk::{Desk, ago};

/// Every text of a window, its frames left out: what its pages show one after the other.
fn pages(desk: &mut Desk) -> String {
    let mut text = String::new();
    for _ in 0..8 {
        text.push_str(&desk.screen());
        desk.keys("pgdn");
    }
    text
}

#[test]
fn no_figure_and_no_target_of_the_load_is_cut() {
    let mut desk = Desk::night(60, 20);
    desk.keys("M");
    let text = pages(&mut desk);
    for target in [
        "1 acceptable, 2 manageable",
        "6 acceptable, 12 manageable",
        "150 acceptable, 300 manageable",
        "about 5 / 15 / 80 %",
    ] {
        assert!(text.contains(target), "{target}\n{text}");
    }
    let inside = text.lines().filter(|line| line.starts_with('│'));
    for line in inside {
        assert!(!line.contains('…'), "{line}");
    }
}

#[test]
fn every_column_of_the_servers_is_whole() {
    let figures = CallFigures {
        calls: 99_999,
        errors: 9_999,
        retries: 9_999,
        p50_millis: 999,
        p95_millis: 31_000,
        last_success: Some(ago(1)),
    };
    for width in [60, 70, 80, 120] {
        let mut desk = Desk::night(width, 20);
        desk.keys("L");
        desk.report(Report::Health(Box::new(ApiHealth {
            who: "operator1".into(),
            servers: vec![ServerHealth {
                service: Service::Monitor,
                resting: false,
                credential: Credential::Key(None),
                all: figures,
                operations: vec![("acknowledgeAlert", figures)],
            }],
            calls: Vec::new(),
        })));
        desk.draw();
        let text = pages(&mut desk);
        let row = text.lines().find(|line| line.contains("99999")).unwrap_or_else(|| panic!("{text}"));
        let words: Vec<&str> = row.trim_matches(['│', ' ']).split_whitespace().collect();
        assert_eq!(words, ["Monitor", "99999", "9999", "9999", "999ms", "31s", "02:13"], "{width}");
    }
}

#[test]
fn the_readings_are_told_where_a_chart_has_no_room() {
    let mut desk = Desk::night(60, 20);
    desk.keys("enter");
    let screen = desk.screen();
    assert!(screen.contains("bearing_temp 99.1  limit 90"), "{screen}");
    assert!(screen.contains('█'), "a sparkline: {screen}");
    desk.resize(60, 16);
    desk.keys("]");
    let screen = desk.screen();
    assert!(screen.contains("bearing_temp 99.1") && screen.contains("vibration"), "{screen}");
    desk.keys("esc 2 j j j enter");
    let screen = desk.screen();
    assert!(screen.contains("PUMP-017") && screen.contains("bearing_temp 99.1"), "{screen}");
    assert!(
        !desk.last_line().contains("a ack"),
        "a device is not acknowledged: {}",
        desk.last_line()
    );
    desk.resize(120, 40);
    assert!(
        !desk.screen().contains("bearing_temp 99.1"),
        "the chart has its own: {}",
        desk.screen()
    );
}

#[test]
fn no_reading_of_the_device_list_stands_without_the_name_of_its_metric() {
    for width in 40..=120 {
        let mut desk = Desk::night(width, 20);
        desk.keys("2");
        let screen = desk.screen();
        let row = screen
            .lines()
            .find(|line| line.contains("PUMP-017"))
            .unwrap_or_else(|| panic!("{screen}"));
        assert_eq!(row.contains("99.1"), row.contains("bearing_"), "{width}: {row}");
        if width >= 60 {
            assert!(row.contains("99.1") && row.contains("Building A"), "{width}: {row}");
        }
    }
}
