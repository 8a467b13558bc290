//! What the console says where it could leave a person in the dark: nothing found, half a filter, a narrow screen, a command
//! for another shell.

use nightdesk::app::Setup;
use nightdesk::config::theme::{Depth, Theme};
use nightdesk::domain::IntentState;
use nightdesk::model::{Effect, Report};

use super::desk::{Desk, alerts, order, setup};

#[test]
fn a_palette_without_a_match_says_what_to_do() {
    let mut desk = Desk::night(60, 20);
    desk.keys(":");
    desk.types("acknowlegde");
    assert!(desk.screen().contains("Nothing is called so."), "{}", desk.screen());
    assert!(desk.screen().contains("esc leaves"), "{}", desk.screen());
    for _ in 0..4 {
        desk.keys("backspace");
    }
    assert!(!desk.screen().contains("Nothing is called so."), "{}", desk.screen());
}

#[test]
fn while_a_filter_is_half_wrong_the_line_says_which_one_the_list_shows() {
    for (width, height) in [(120, 40), (80, 24), (60, 20)] {
        let mut desk = Desk::night(width, height);
        desk.keys("/");
        desk.types("(");
        assert!(
            desk.screen().contains("the list still shows: all, as without a filter"),
            "{}",
            desk.screen()
        );
        desk.keys("backspace");
        desk.types("dev:PUMP-*");
        assert!(!desk.screen().contains("still shows"), "{}", desk.screen());
        let rows = desk.app.queue().in_view().len();
        desk.types(" (");
        assert!(desk.screen().contains("the list still shows: dev:PUMP-*"), "{}", desk.screen());
        assert_eq!(desk.app.queue().in_view().len(), rows, "and that is true");
    }
}

/// The command that `y c` puts on the clipboard.
fn copied(setup: Setup) -> String {
    let mut desk = Desk::night_with(setup, 80, 24);
    desk.keys("y c");
    desk.effects
        .iter()
        .find_map(|effect| match effect {
            Effect::Copy(text) => Some(text.clone()),
            _ => None,
        })
        .unwrap()
}

#[test]
fn a_copied_command_finds_the_same_configuration_in_any_shell() {
    assert_eq!(copied(setup()), "nightdesk --profile bedford alerts show a-1001");
    let odd = Setup {
        profile: "it's $HOME".into(),
        locators: ["--config", "/srv/night shift/config.toml", "--state-dir", "/srv/it's; true `id`"]
            .map(str::to_owned)
            .to_vec(),
        ..setup()
    };
    let command = copied(odd);
    assert_eq!(
        command,
        "nightdesk --config '/srv/night shift/config.toml' --state-dir '/srv/it'\\''s; true `id`' --profile 'it'\\''s $HOME' alerts show a-1001"
    );
    // a shell takes it apart into the same words
    let script = command.replacen("nightdesk", "printf '%s\\n'", 1);
    let output = std::process::Command::new("sh").arg("-c").arg(script).output().unwrap();
    let words = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        words.lines().collect::<Vec<_>>(),
        [
            "--config",
            "/srv/night shift/config.toml",
            "--state-dir",
            "/srv/it's; true `id`",
            "--profile",
            "it's $HOME",
            "alerts",
            "show",
            "a-1001"
        ]
    );
}

#[test]
fn the_row_has_the_status_of_its_order_as_a_word() {
    for (width, height) in [(160, 50), (120, 40), (80, 24)] {
        let mut desk = Desk::night(width, height);
        desk.report(Report::OrderStatus(Ok(vec![(
            "a-1001".into(),
            order("1043", "INPRG", "Replace coupling"),
        )])));
        desk.draw();
        let row = desk.cursor().unwrap();
        assert!(row.contains("1043 INPRG"), "{width}: {row}");
        assert!(row.contains("Bearing temperature"), "{width}: {row}");
    }
    let mut desk = Desk::night(60, 20);
    desk.report(Report::OrderStatus(Ok(vec![(
        "a-1001".into(),
        order("1043", "INPRG", "Replace coupling"),
    )])));
    desk.draw();
    assert!(desk.cursor().unwrap().contains("1043 I"), "{}", desk.screen());
}

#[test]
fn times_in_what_a_server_says_are_those_of_the_screen() {
    let zone = Setup {
        time_zone: jiff::tz::TimeZone::fixed(jiff::tz::offset(-5)),
        ..setup()
    };
    let mut desk = Desk::night_with(zone, 120, 40);
    desk.keys("space j space a");
    let rows = desk.commit();
    desk.wait(4);
    assert_eq!(rows.len(), 2);
    desk.becomes(&rows[0], IntentState::Superseded, |row| {
        row.superseded_by = Some("operator2".into());
        row.detail = Some("already acknowledged by operator2 at 2026-11-13T02:07:05Z".into());
    });
    desk.becomes(&rows[1], IntentState::Parked, |row| {
        row.detail = Some("409: changed (2026-11-13T02:08:00.5+00:00), read it again".into());
    });
    desk.keys("R");
    let screen = desk.screen();
    assert!(screen.contains("already acknowledged by operator2 at 21:07:05"), "{screen}");
    assert!(!screen.contains("02:07:05Z"), "{screen}");
    assert!(screen.contains("(21:08:00), read it again"), "{screen}");
    desk.resize(60, 20);
    let screen = desk.screen();
    assert!(
        screen.contains("21:07:05") && screen.contains("(21:08:00), read it"),
        "told to the end: {screen}"
    );
    desk.keys("esc Q");
    let screen = desk.screen();
    assert!(!screen.contains("T02:0"), "{screen}");
}

#[test]
fn no_line_of_the_help_begins_with_a_sign() {
    for width in 60..=120 {
        let mut desk = Desk::new(width, 250);
        desk.keys("?");
        for line in desk.screen().lines() {
            let text = line.trim_start_matches(['│', ' ']);
            assert!(!text.starts_with([';', ',', '.', ')']), "{width}: {line}");
        }
    }
}

#[test]
fn what_still_narrows_the_list_is_said_when_a_part_of_it_goes() {
    let mut desk = Desk::night(120, 40);
    for (key, said) in [
        ("!", "unacknowledged alerts only"),
        ("~", "chattering and stale alerts only, of these the unacknowledged"),
        ("~", "unacknowledged alerts only"),
        ("~", "chattering and stale alerts only, of these the unacknowledged"),
        ("!", "chattering and stale alerts only"),
        ("~", "all alerts"),
    ] {
        desk.keys(key);
        assert!(desk.last_line().ends_with(said), "{key}: {}", desk.last_line());
    }
    desk.keys("/");
    desk.types("dev:PUMP-*");
    desk.keys("enter !");
    assert!(
        desk.last_line()
            .ends_with("unacknowledged alerts only, of these what matches dev:PUMP-*"),
        "{}",
        desk.last_line()
    );
    desk.keys("!");
    assert!(
        desk.last_line().ends_with("all alerts, of these what matches dev:PUMP-*"),
        "{}",
        desk.last_line()
    );
}

/// What stands in the title of the pane whose frame begins in this column, each pane once from the top.
fn titles(desk: &Desk, column: usize) -> Vec<String> {
    let lines = desk.screen();
    let cell = |line: &str| line.chars().nth(column) == Some('┌');
    let title = |line: &str| line.chars().skip(column + 2).take_while(|char| *char != ' ').collect();
    lines.lines().filter(|line| cell(line)).map(title).collect()
}

#[test]
fn the_metrics_and_the_strip_stay_with_the_device_from_whose_list_they_were_reached() {
    let mut desk = Desk::night(120, 40);
    let right = 78;
    assert_eq!(titles(&desk, right), ["PUMP-017", "PUMP-017"], "those of the alert");
    desk.keys("2 j j");
    assert_eq!(titles(&desk, right), ["LINE-2", "LINE-2"], "{}", desk.screen());
    assert!(desk.screen().contains("Scrap rate high"));
    desk.keys("3");
    assert_eq!(titles(&desk, right), ["LINE-2", "LINE-2"], "{}", desk.screen());
    // the alert under the other list's cursor is not what is looked at: nothing is done to it
    for key in ["a", "x", "t", "space"] {
        desk.keys(key);
        assert!(desk.app.is_plain() && desk.submitted().is_empty(), "{key}");
        assert_eq!(desk.app.queue().mark_count(), 0, "{key}");
    }
    desk.keys("enter");
    assert!(desk.screen().contains("┌ LINE-2 "), "the device is opened: {}", desk.screen());
    desk.keys("esc 1 3");
    assert_eq!(titles(&desk, right), ["PUMP-017", "PUMP-017"], "from the alerts, that of the alert");
    // one pane at a time
    let mut desk = Desk::night(60, 20);
    desk.keys("2 j j 3");
    assert!(desk.screen().contains("┌ LINE-2  scrap_rate"), "{}", desk.screen());
}

#[test]
fn the_strip_of_a_device_says_what_is_open_on_it_and_what_has_no_room() {
    let mut desk = Desk::night(120, 40);
    desk.keys("2");
    assert!(desk.screen().contains("● online · heard 02:1"), "{}", desk.screen());
    let mut list = alerts();
    for index in 0..12 {
        list.push(super::desk::alert(
            &format!("b-{index}"),
            ("Chiller", "CHIL-002"),
            "Leak detected",
            "low",
            5,
        ));
    }
    desk.report_alerts(list);
    desk.draw();
    let screen = desk.screen();
    assert!(screen.contains("MED  48m  Supply temperature"), "the worst first: {screen}");
    assert!(screen.contains("5 more open on it"), "{screen}");
    desk.keys("j j j j j j j j j j j j");
    assert!(desk.screen().contains("no alert is open on it"), "{}", desk.screen());
}

#[test]
fn the_strip_tells_a_refusal_to_its_end() {
    let reason = "the site of this alert is closed for maintenance until the morning shift has signed the permit to work; ask its \
                  lead, who is reached by radio on channel nine";
    let mut desk = Desk::night(120, 40);
    desk.keys("a");
    let row = desk.commit().remove(0);
    desk.becomes(&row, IntentState::Parked, |row| row.detail = Some(reason.into()));
    desk.keys("k"); // the sentence of the last line is gone
    let strip: String = desk
        .screen()
        .lines()
        .filter_map(|line| line.split("││ ").nth(1))
        .map(|part| part.trim_end_matches(['│', ' ']).trim_end().to_owned() + " ")
        .collect();
    assert!(strip.contains("channel nine (Q opens the outbox)"), "{strip}\n{}", desk.screen());
    assert!(
        strip.contains("Bearing temperature of"),
        "something of the message is left: {strip}"
    );
}

#[test]
fn the_undoing_key_is_offered_where_it_takes_something_back() {
    let mut desk = Desk::night(160, 50);
    desk.keys("j space");
    assert!(!desk.last_line().contains("undo"), "{}", desk.last_line());
    desk.keys("a");
    let row = desk.commit().remove(0);
    desk.keys("k space"); // no sentence stands in the line
    desk.keys("space space");
    desk.wait(11);
    let hinted = |desk: &Desk| desk.last_line().contains("undo");
    assert!(hinted(&desk), "{}", desk.last_line());
    desk.becomes(&row, IntentState::Delivered, |_| {});
    desk.wait(11);
    assert!(!hinted(&desk), "it is over: {}", desk.last_line());
}

#[test]
fn the_themes_are_chosen_in_a_window_that_leaves_room_to_see_them() {
    let mut desk = Desk::with(
        Setup {
            themes: ["default", "night", "light"]
                .into_iter()
                .map(|name| Theme::built_in(name, Depth::Ansi))
                .collect(),
            ..setup()
        },
        60,
        20,
    );
    desk.report_alerts(alerts());
    desk.keys("T");
    let screen = desk.screen();
    assert!(screen.contains("theme light") && screen.contains("Bearing temper"), "{screen}");
}
