//! What the console says where it could leave a person in the dark: nothing found, half a filter, a narrow screen, a command
//! for another shell.

use nightdesk::app::Setup;
use nightdesk::domain::IntentState;
use nightdesk::model::{Effect, Report};

use super::desk::{Desk, order, setup};

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
