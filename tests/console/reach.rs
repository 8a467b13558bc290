//! Groups, views, addresses, sites, themes and the mouse.

use nightdesk::app::Setup;
use nightdesk::config::Links;
use nightdesk::config::theme::{Depth, Theme};
use nightdesk::domain::{AlertId, Intent, IntentState};
use nightdesk::model::{Effect, Event, Memo, Pointer, View};

use super::desk::{Desk, acknowledged, alert, alerts, setup};

fn rows(desk: &Desk) -> Vec<&str> {
    desk.app.queue().rows().iter().map(AlertId::raw).collect()
}

/// What was asked for, but for the readings of what is in view.
fn asked(desk: &Desk) -> Vec<Effect> {
    let effects = desk.effects.iter();
    effects.filter(|effect| !matches!(effect, Effect::Fetch(_))).cloned().collect()
}

fn memo(desk: &Desk) -> Memo {
    let last = desk.effects.iter().rev().find_map(|effect| match effect {
        Effect::SaveMemo(memo) => Some(memo.clone()),
        _ => None,
    });
    last.expect("nothing was kept")
}

#[test]
fn a_group_is_one_row_with_its_count_and_is_shown_whole_on_demand() {
    let mut desk = Desk::night(120, 40);
    assert_eq!(rows(&desk), ["a-1001", "a-1003", "a-1005", "a-1007", "a-1006", "a-1002", "a-1004"]);
    desk.keys("b d");
    assert_eq!(rows(&desk), ["a-1001", "a-1003", "a-1005", "a-1006", "a-1002", "a-1004"]);
    assert!(desk.line(2).contains("Alerts 7 · unack 5 · 6 groups by device"), "{}", desk.line(2));
    assert!(desk.line(4).contains(" +1 "), "{}", desk.line(4));
    desk.keys("B");
    assert_eq!(rows(&desk)[..3], ["a-1001", "a-1007", "a-1003"]);
    assert!(
        desk.line(4).contains("×2") && desk.line(5).contains("  Vibration above"),
        "{}",
        desk.screen()
    );
    // folded from below, the cursor goes to the row that is left
    desk.keys("j B");
    assert_eq!(rows(&desk)[..2], ["a-1001", "a-1003"]);
    assert!(desk.cursor().unwrap().contains("Bearing"));
    desk.keys("j B");
    assert!(desk.last_line().contains("stands alone"), "{}", desk.last_line());
    desk.keys("b n");
    assert_eq!(rows(&desk).len(), 7);
    // where no column says what a group is, its row does
    desk.keys("b l");
    for line in 4..4 + rows(&desk).len() {
        let said = desk.line(line);
        assert!(said.contains(": "), "{said}");
    }
}

#[test]
fn fifty_related_alerts_take_one_note_in_six_keys() {
    let mut desk = Desk::night(120, 40);
    let flood: Vec<_> = (0..50)
        .map(|number| alert(&format!("f-{number:02}"), ("Compressor", "COMP-009"), "Air pressure low", "high", 3))
        .chain(alerts())
        .collect();
    desk.report_alerts(flood);
    desk.draw();
    desk.effects.clear();
    // group by device, the row of the compressor, mark it, note, send: the text apart
    desk.keys("b d j");
    assert!(desk.cursor().unwrap().contains("COMP-009"), "{}", desk.screen());
    desk.keys("space A");
    desk.types("compressor tripped");
    desk.keys("enter");
    let submitted = desk.submitted();
    assert_eq!(submitted.len(), 50);
    assert!(submitted.iter().all(|(_, intent)| matches!(
        intent,
        Intent::Acknowledge { alert, notes: Some(note), .. } if alert.raw().starts_with("f-") && note == "compressor tripped"
    )));
}

#[test]
fn what_arrives_in_a_folded_group_moves_the_cursor_to_no_other_alert_and_hides_nothing_worse() {
    let mut desk = Desk::night(120, 40);
    desk.keys("b d j");
    assert!(desk.cursor().unwrap().contains("TEMP-041"));
    let mut more = alerts();
    more.push(alert("n-1", ("TemperatureSensor", "TEMP-041"), "Burning", "critical", 0));
    desk.report_alerts(more);
    desk.draw();
    assert!(
        desk.cursor().unwrap().contains("Reading missing"),
        "the cursor stays on its alert: {}",
        desk.screen()
    );
    assert!(rows(&desk).contains(&"n-1"), "the worse one leads the group and is shown");
    desk.keys("k j");
    assert!(!rows(&desk).contains(&"a-1003"), "once left, the lesser one goes behind it");
    // behind an acknowledged first row the new ones are counted
    let mut desk = Desk::night(120, 40);
    let mut more = vec![acknowledged(
        alert("s-1", ("Chiller", "CHIL-009"), "Leak", "low", 9),
        "operator1",
        5,
        None,
    )];
    more.push(alert("s-2", ("Chiller", "CHIL-009"), "Leak", "critical", 1));
    desk.report_alerts(more);
    desk.keys("O d b d");
    let screen = desk.screen();
    assert!(screen.contains("+1"), "{screen}");
}

#[test]
fn a_mark_on_a_folded_group_is_on_all_of_it_and_a_range_too() {
    let mut desk = Desk::night(120, 40);
    desk.keys("b d space");
    assert!(desk.line(2).contains("2 marked"), "{}", desk.line(2));
    desk.keys("g space");
    assert!(!desk.line(2).contains("marked"), "again takes both away");
    desk.keys("g v j v");
    assert!(desk.line(2).contains("3 marked"), "{}", desk.line(2));
    desk.keys("a");
    assert_eq!(desk.submitted_alerts(), ["a-1001", "a-1007", "a-1003"]);
}

#[test]
fn a_view_keeps_filter_sort_columns_and_grouping_and_its_looks_stay_with_it() {
    let mut desk = Desk::night(120, 40);
    desk.keys("/");
    desk.types("dev:PUMP-* | dev:TEMP-*");
    desk.keys("enter O d O d b d c l esc F");
    assert!(desk.screen().contains("dev:PUMP-* | dev:TEMP-*, by device"), "{}", desk.screen());
    desk.types("pumps");
    desk.keys("enter");
    assert!(desk.last_line().contains("view pumps saved"), "{}", desk.last_line());
    let kept = memo(&desk);
    let view = kept.views[0].clone();
    assert_eq!(
        (
            view.name.as_str(),
            view.filter.as_str(),
            view.sort.as_str(),
            view.descending,
            view.group.as_str()
        ),
        ("pumps", "dev:PUMP-* | dev:TEMP-*", "device", true, "device")
    );
    assert!(view.columns.contains(&"location".to_owned()));
    // another sort stays with the view, another filter does not
    desk.keys("O a esc");
    assert_eq!(memo(&desk).views[0].sort, "age");
    assert_eq!(memo(&desk).views[0].filter, "dev:PUMP-* | dev:TEMP-*");
    // in a later run
    let mut later = Desk::night(120, 40);
    later.send(Event::Memo(memo(&desk)));
    later.draw();
    assert_eq!(later.app.queue().filter().text(), "", "a shift begins with every alert in sight");
    later.keys("f");
    assert!(later.screen().contains("pumps  dev:PUMP-*"), "{}", later.screen());
    later.keys("2");
    assert_eq!(later.app.queue().filter().text(), "dev:PUMP-* | dev:TEMP-*");
    assert!(later.last_line().contains("view pumps"));
    later.keys("f 1");
    assert_eq!(later.app.queue().filter().text(), "");
    // forgotten
    later.keys("f down delete");
    assert!(memo(&later).views.is_empty());
    assert!(!later.screen().contains("pumps  dev"));
}

#[test]
fn the_sort_without_a_view_stays_too_and_a_foreign_file_hides_nothing() {
    let mut desk = Desk::night(120, 40);
    desk.keys("O e");
    let mut kept = memo(&desk);
    assert_eq!(kept.standard.sort, "state");
    kept.standard.filter = "dev:NOTHING".into();
    kept.standard.unacknowledged = true;
    kept.views.push(View {
        name: "odd".into(),
        filter: "sev>hgih".into(),
        sort: "colour".into(),
        columns: vec!["smell".into()],
        group: "mood".into(),
        ..View::default()
    });
    let mut later = Desk::night(120, 40);
    later.send(Event::Memo(kept));
    later.draw();
    assert_eq!(rows(&later).len(), 7);
    assert!(later.line(2).contains("by STATE"), "{}", later.line(2));
    later.keys("f 2");
    assert!(later.last_line().contains("its filter is left out"), "{}", later.last_line());
    assert_eq!(rows(&later).len(), 7);
}

#[test]
fn an_existing_order_is_linked_in_the_note_and_kept_when_the_server_has_it() {
    let mut desk = Desk::night(120, 40);
    desk.keys("W");
    assert!(desk.screen().contains("you acknowledge the alert"), "{}", desk.screen());
    desk.keys("enter");
    assert!(desk.screen().contains("number is missing"));
    desk.types("10/43");
    desk.keys("enter");
    assert!(desk.screen().contains("letters and digits") && desk.submitted().is_empty());
    desk.keys("backspace backspace backspace");
    desk.types("43");
    desk.keys("enter");
    let submitted = desk.submitted();
    assert!(
        matches!(&submitted[0].1, Intent::Acknowledge { notes: Some(note), .. } if note == "[WO 1043]"),
        "{submitted:?}"
    );
    let row = desk.commit().remove(0);
    assert!(
        !desk.effects.iter().any(|effect| matches!(effect, Effect::SaveMemo(_))),
        "not before the server has it"
    );
    desk.wait(4);
    let row = desk.becomes(&row, IntentState::Sending, |_| {});
    desk.becomes(&row, IntentState::Delivered, |_| {});
    let kept = memo(&desk);
    assert_eq!((kept.links[0].alert.raw(), kept.links[0].number.as_str()), ("a-1001", "1043"));
    // another note replaces it at the server: the link stays here
    desk.now += jiff::SignedDuration::from_mins(5);
    let mut other = alerts();
    other[0] = acknowledged(other[0].clone(), "operator1", 0, Some("other words"));
    desk.report_alerts(other);
    desk.draw();
    assert!(desk.screen().contains("→1043"), "{}", desk.screen());
    desk.keys("/");
    desk.types("wo:1043");
    desk.keys("enter");
    assert_eq!(rows(&desk), ["a-1001", "a-1004"]);
    desk.keys("esc /");
    desk.types("-wo:none");
    desk.keys("enter");
    assert_eq!(rows(&desk), ["a-1001", "a-1004"]);
    // what another person holds is not linked over
    let mut desk = Desk::night(120, 40);
    desk.keys("G k W");
    assert!(desk.last_line().contains("operator2 acknowledged it"), "{}", desk.last_line());
}

pub(super) fn linked() -> Setup {
    let url = |text: &str| text.parse().unwrap();
    Setup {
        links: Links::usual(&url("https://monitor.example"), Some(&url("https://manage.example"))),
        ..setup()
    }
}

#[test]
fn addresses_are_listed_as_hyperlinks_and_copied_whole() {
    let mut desk = Desk::night_with(linked(), 120, 40);
    desk.keys("G o");
    let screen = desk.screen();
    assert!(screen.contains("https://monitor.example/alerts/a-1004"), "{screen}");
    assert!(screen.contains("1  alert a-1004") && screen.contains("2  work order 1043") && screen.contains("3  device LINE-2"));
    let links = desk.app.hyperlinks();
    assert_eq!(links.len(), 4, "the order's address takes two lines: {links:?}");
    let line = desk.line(usize::from(links[0].y));
    let shown: String = line
        .chars()
        .skip(usize::from(links[0].x))
        .take(usize::from(links[0].width))
        .collect();
    assert_eq!(shown, links[0].url, "the link lies on its own text");
    desk.keys("2");
    assert_eq!(
        asked(&desk),
        [Effect::Copy(
            "https://manage.example/maximo/ui/?event=loadapp&value=wotrack&additionalevent=useqbe&additionaleventvalue=wonum=1043".into()
        )]
    );
    assert!(desk.app.hyperlinks().is_empty() && desk.app.is_plain());
    let mut desk = Desk::night(120, 40);
    desk.keys("o");
    assert!(desk.last_line().contains("nothing here that has an address"));
}

fn colourful() -> Setup {
    Setup {
        theme: Theme::built_in("default", Depth::Ansi),
        themes: ["default", "night", "light"]
            .map(|name| Theme::built_in(name, Depth::Ansi))
            .to_vec(),
        ..setup()
    }
}

#[test]
fn a_theme_is_looked_at_while_it_is_chosen_and_escape_takes_it_back() {
    let shown = |desk: &Desk| desk.colours();
    let mut desk = Desk::night_with(colourful(), 120, 40);
    let before = shown(&desk);
    desk.keys("T");
    assert!(desk.screen().contains("theme light"), "{}", desk.screen());
    desk.keys("down down");
    let mut light = Desk::night_with(
        Setup {
            theme: Theme::built_in("light", Depth::Ansi),
            ..colourful()
        },
        120,
        40,
    );
    light.keys("T down down");
    assert_eq!(
        shown(&desk).lines().take(12).collect::<Vec<_>>(),
        shown(&light).lines().take(12).collect::<Vec<_>>(),
        "the screen behind the palette is in its colours"
    );
    desk.keys("esc");
    assert_eq!(shown(&desk), before);
    desk.keys("T down down enter");
    assert!(desk.last_line().contains("theme light until the end"), "{}", desk.last_line());
    desk.wait(11);
    assert_eq!(
        shown(&desk),
        shown(&{
            let mut light = Desk::night_with(
                Setup {
                    theme: Theme::built_in("light", Depth::Ansi),
                    ..colourful()
                },
                120,
                40,
            );
            light.wait(11);
            light
        })
    );
}

#[test]
fn another_site_is_a_console_of_its_own() {
    let sites = vec![
        ("bedford".to_owned(), "BEDFORD".to_owned()),
        ("luton".to_owned(), "LUTON".to_owned()),
    ];
    let mut desk = Desk::night_with(Setup { sites, ..setup() }, 120, 40);
    desk.keys("@");
    assert!(desk.screen().contains("BEDFORD - bedford  (here)"), "{}", desk.screen());
    desk.keys("1");
    assert!(asked(&desk).is_empty() && desk.last_line().contains("this is bedford"));
    desk.keys("@ 2");
    assert_eq!(asked(&desk), [Effect::Switch("luton".into())]);
    let mut alone = Desk::night(120, 40);
    alone.keys("@");
    assert!(alone.app.is_plain() && alone.last_line().contains("this one profile only"));
}

#[test]
fn the_mouse_selects_and_scrolls_and_never_acts() {
    let mut desk = Desk::night(120, 40);
    let click = |desk: &mut Desk, x, y| {
        desk.send(Event::Pointer(Pointer::Click { x, y }));
        desk.draw();
    };
    click(&mut desk, 20, 6);
    assert_eq!(desk.app.queue().cursor().unwrap().raw(), "a-1005");
    click(&mut desk, 20, 6);
    assert!(desk.app.is_plain(), "a second click opens nothing");
    for (x, y) in [(0, 0), (119, 39), (20, 2), (20, 3), (20, 20), (500, 500)] {
        click(&mut desk, x, y);
        assert_eq!(desk.app.queue().cursor().unwrap().raw(), "a-1005", "{x} {y}");
    }
    let wheel = |desk: &mut Desk, down| {
        desk.send(Event::Pointer(Pointer::Wheel { x: 20, y: 6, down }));
        desk.draw();
    };
    wheel(&mut desk, true);
    assert_eq!(desk.app.queue().cursor().unwrap().raw(), "a-1002");
    wheel(&mut desk, false);
    assert_eq!(desk.app.queue().cursor().unwrap().raw(), "a-1005");
    // a question, a form and a menu take no click for an answer
    for keys in ["G k t", "A", "x", "y", "O", ":", "q"] {
        desk.effects.clear();
        desk.keys("esc esc");
        desk.keys(keys);
        let before = asked(&desk);
        for y in 0..40 {
            click(&mut desk, 60, y);
        }
        wheel(&mut desk, true);
        assert_eq!(asked(&desk), before, "{keys}");
    }
    assert!(desk.submitted().is_empty());
    // a device
    let mut desk = Desk::night(120, 40);
    click(&mut desk, 20, 30);
    desk.keys("enter");
    assert!(
        desk.line(2).contains("Building") || desk.screen().contains("Building"),
        "{}",
        desk.screen()
    );
}
