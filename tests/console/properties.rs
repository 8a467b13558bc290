//! Whatever happens: no panic, no action on another row, no row that slips under the cursor.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use nightdesk::domain::{Alert, AlertState, Intent, IntentState};
use nightdesk::model::{Effect, Event, Report};
use proptest::prelude::*;

use super::desk::{Desk, acknowledged, alert, fault};

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    Key(&'static str),
    Type(char),
    Paste(String),
    Resize(u16, u16),
    Alerts(Vec<(u8, u8)>),
    Fails,
    Commit,
    Settle(u8),
    Orders(bool),
    Wait(u8),
}

pub(super) const KEYS: [&str; 76] = [
    "a",
    "A",
    "x",
    "w",
    "n",
    "t",
    "z",
    "Z",
    "space",
    "v",
    "*",
    "j",
    "k",
    "down",
    "up",
    "g",
    "G",
    "home",
    "end",
    "ctrl-d",
    "ctrl-u",
    "pgdn",
    "pgup",
    "/",
    "!",
    "~",
    "O",
    "c",
    "p",
    "r",
    "m",
    "enter",
    "enter",
    "esc",
    "esc",
    "tab",
    "shift-tab",
    "h",
    "l",
    "left",
    "right",
    "1",
    "2",
    "3",
    "e",
    "J",
    "K",
    "]",
    "[",
    "Q",
    "R",
    "D",
    "E",
    "L",
    "y",
    ":",
    "?",
    "alt-enter",
    "n",
    "q",
    "ctrl-l",
    "ctrl-z",
    "backspace",
    "delete",
    "ctrl-w",
    "ctrl-k",
    "b",
    "d",
    "B",
    "f",
    "F",
    "W",
    "o",
    "T",
    "@",
    "2",
];

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => prop::sample::select(&KEYS[..]).prop_map(Step::Key),
        2 => prop::char::any().prop_map(Step::Type),
        1 => "\\PC{0,12}|[a\u{1b}\n\r\u{202e}日e\u{301}👩‍🚒]{0,6}".prop_map(Step::Paste),
        1 => (0u16..500, 0u16..200).prop_map(|(width, height)| Step::Resize(width, height)),
        1 => (30u16..140, 4u16..50).prop_map(|(width, height)| Step::Resize(width, height)),
        4 => prop::collection::vec((0u8..24, 0u8..8), 0..24).prop_map(Step::Alerts),
        1 => Just(Step::Fails),
        3 => Just(Step::Commit),
        2 => any::<u8>().prop_map(Step::Settle),
        1 => any::<bool>().prop_map(Step::Orders),
        2 => (1u8..90).prop_map(Step::Wait),
    ]
}

/// The alert of a number, in one of some states. Its device tells the number on the screen.
fn numbered(number: u8, kind: u8) -> Alert {
    let severity = ["critical", "high", "medium", "low", "odd"][usize::from(number % 5)];
    let device = format!("D{number:02}");
    let mut one = alert(
        &format!("id-{number:02}"),
        ("Pump", &device),
        "Something is wrong",
        severity,
        i64::from(number) * 3,
    );
    match kind {
        0..=3 => {}
        4 => one = acknowledged(one, "operator1", 1, Some("mine [WO 77]")),
        5 | 6 => one = acknowledged(one, "operator2", 1, Some("\u{202e}theirs")),
        _ => one.state = AlertState::Resolved,
    }
    one
}

pub(super) fn listing(numbers: &[(u8, u8)]) -> Vec<Alert> {
    let mut seen = BTreeSet::new();
    numbers
        .iter()
        .filter(|(number, _)| seen.insert(*number))
        .map(|(number, kind)| numbered(*number, *kind))
        .collect()
}

fn id_of(device: &str) -> String {
    format!("id-{}", &device[1..])
}

/// The device in a line of the screen.
fn device_in(line: &str) -> Option<String> {
    let at = line.match_indices('D').find(|(at, _)| {
        let rest = &line[*at..];
        rest.len() >= 3 && rest.as_bytes()[1..3].iter().all(u8::is_ascii_digit)
    })?;
    Some(line[at.0..at.0 + 3].to_owned())
}

/// What an action may be about, by what stands on the screen: the row with the cursor's sign and all marked rows; in the detail
/// window the alert of its title. `None` where the screen does not tell.
pub(super) fn on_screen(desk: &Desk) -> Option<BTreeSet<String>> {
    let screen = desk.screen();
    if let Some(title) = screen
        .lines()
        .find(|line| line.contains("[alert]") || line.contains("[device]") || line.contains("[history]"))
    {
        return Some([id_of(&device_in(title)?)].into());
    }
    if !desk.app.is_plain() || !screen.contains(" Alerts ") {
        return None;
    }
    let mut ids = BTreeSet::new();
    for line in screen.lines() {
        // `│▌◆~`: the first cells of a row
        let signs: String = line.chars().take(3).collect();
        if signs.starts_with('│') && (signs.contains('▌') || signs.contains('◆')) {
            ids.extend(device_in(line).map(|device| id_of(&device)));
        }
    }
    // Marked rows may be out of view.
    ids.extend(desk.app.queue().marked().iter().map(|id| id.raw().to_owned()));
    Some(ids)
}

fn happen(desk: &mut Desk, step: &Step, draw: bool) {
    match step {
        Step::Key(key) => desk.key(key),
        Step::Type(char) => desk.send(Event::Key(nightdesk::model::Key::char(*char))),
        Step::Paste(text) => desk.send(Event::Paste(text.clone())),
        Step::Resize(width, height) => desk.resize(*width, *height),
        Step::Alerts(numbers) => {
            desk.now += SignedDuration::from_secs(1);
            desk.report_alerts(listing(numbers));
        }
        Step::Fails => desk.report(Report::Alerts {
            result: Err(fault("it does not answer")),
            cached: false,
        }),
        Step::Commit => {
            desk.commit();
        }
        Step::Settle(which) => {
            let rows: Vec<_> = desk.app.store().ledger().rows().cloned().collect();
            if let Some(row) = rows.get(usize::from(*which) % rows.len().max(1)) {
                let states = [
                    IntentState::Sending,
                    IntentState::InDoubt,
                    IntentState::Delivered,
                    IntentState::Superseded,
                    IntentState::Parked,
                    IntentState::Cancelled,
                ];
                desk.becomes(row, states[usize::from(*which) % states.len()], |_| {});
            }
        }
        Step::Orders(fails) => {
            let asked = desk.effects.iter().rev().find_map(|effect| match effect {
                Effect::Fetch(nightdesk::model::Fetch::OpenOrders { alert, .. }) => Some(alert.clone()),
                _ => None,
            });
            if let Some(alert) = asked {
                let result = if *fails {
                    Err(fault("Manage is away"))
                } else {
                    Ok(vec![super::desk::order("1043", "INPRG", "Replace")])
                };
                desk.report(Report::OpenOrders { alert, result });
            }
        }
        Step::Wait(seconds) => desk.wait(i64::from(*seconds)),
    }
    if draw {
        desk.draw();
    }
}

pub(super) fn intents(effects: &[Effect]) -> Vec<&Intent> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Submit { intent, .. } => Some(intent),
            _ => None,
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics_and_every_action_is_about_what_was_on_the_screen(steps in prop::collection::vec(step(), 1..60)) {
        let mut desk = Desk::new(120, 40);
        desk.report_alerts(listing(&[(1, 0), (2, 5), (3, 4), (4, 0), (5, 1), (6, 2)]));
        desk.draw();
        let mut allowed = on_screen(&desk).unwrap_or_default();
        for step in &steps {
            if let Some(ids) = on_screen(&desk) {
                allowed = ids;
            }
            desk.effects.clear();
            // What was taken back may be asked for again, and what was refused be edited: those are about other rows by intention.
            let again = matches!(step, Step::Key("Z"));
            let key = !matches!(step, Step::Commit | Step::Orders(_));
            let before = desk.effects.len();
            happen(&mut desk, step, true);
            if key && !again {
                for intent in intents(&desk.effects[before.min(desk.effects.len())..]) {
                    let id = intent.alert().unwrap().raw().to_owned();
                    prop_assert!(allowed.contains(&id), "{id} was not among {allowed:?} on the screen");
                }
            }
        }
    }

    #[test]
    fn what_arrives_never_moves_the_cursor_to_another_alert(
        before in prop::collection::vec((0u8..24, 0u8..7), 1..20),
        moves in 0usize..10,
        reports in prop::collection::vec(prop::collection::vec((0u8..24, 0u8..8), 0..24), 1..8),
    ) {
        let mut desk = Desk::new(120, 40);
        desk.report_alerts(listing(&before));
        desk.draw();
        for _ in 0..moves {
            desk.keys("j");
        }
        let there = desk.app.queue().cursor().cloned();
        for report in reports {
            desk.now += SignedDuration::from_secs(5);
            desk.report_alerts(listing(&report));
            desk.draw();
            prop_assert_eq!(desk.app.queue().cursor().cloned(), there.clone());
            if let Some(id) = &there {
                prop_assert!(desk.app.queue().rows().contains(id), "its row stays");
                prop_assert!(desk.cursor().is_some_and(|line| line.contains(&format!("D{}", &id.raw()[3..]))), "and in view");
            }
        }
    }

    /// Keys that come in one burst act on the rows as they were last drawn, whatever has arrived in between.
    #[test]
    fn a_burst_of_keys_acts_on_the_rows_that_were_seen(
        before in prop::collection::vec((0u8..24, 0u8..4), 1..20),
        after in prop::collection::vec((0u8..24, 0u8..8), 0..24),
        moves in prop::collection::vec(prop::bool::ANY, 0..8),
    ) {
        let mut desk = Desk::new(120, 40);
        desk.report_alerts(listing(&before));
        desk.draw();
        let seen: Vec<String> = desk
            .screen()
            .lines()
            .filter(|line| line.starts_with('│'))
            .filter_map(|line| device_in(&line.chars().take(60).collect::<String>()))
            .map(|device| id_of(&device))
            .collect();
        let mut at = 0;
        desk.effects.clear();
        desk.report_alerts(listing(&after));
        for down in moves {
            desk.key(if down { "j" } else { "k" });
            at = if down { (at + 1).min(seen.len() - 1) } else { at.saturating_sub(1) };
        }
        desk.key("a");
        for intent in intents(&desk.effects) {
            prop_assert_eq!(intent.alert().unwrap().raw(), seen[at].as_str());
        }
    }

    #[test]
    fn rows_are_in_triage_order_where_nobody_holds_them(numbers in prop::collection::vec((0u8..24, 0u8..8), 1..24)) {
        let mut desk = Desk::new(120, 40);
        desk.report_alerts(listing(&numbers));
        desk.draw();
        let rows: Vec<&Alert> = desk.app.queue().rows().iter().map(|id| desk.app.store().alert(id).unwrap()).collect();
        for pair in rows.windows(2) {
            prop_assert!(nightdesk::domain::triage_order(pair[0], pair[1]).is_lt());
        }
        prop_assert!(rows.iter().all(|alert| alert.state != AlertState::Resolved));
    }
}

#[test]
fn no_size_panics() {
    let mut desk = Desk::night(120, 40);
    let layers = [
        "",
        "x",
        "esc w",
        "esc ?",
        "esc :",
        "esc Q",
        "esc L",
        "esc enter",
        "esc y",
        "esc O",
        "esc /",
        "esc 2",
        "3",
        "1 * a q",
    ];
    for keys in layers {
        desk.resize(120, 40);
        desk.keys(keys);
        for width in (0..130).step_by(7).chain([1, 2, 3, 500]) {
            for height in (0..45).step_by(4).chain([1, 2, 3, 200]) {
                desk.resize(width, height);
            }
        }
    }
}
