//! What outlives a moment: shelf, flood, history, load figures, handover, runbooks.

use jiff::{SignedDuration, Timestamp};
use nightdesk::app::Setup;
use nightdesk::config::BellRule;
use nightdesk::domain::{
    Alert, AlertState, Coverage, History, IntentState, Listing, Occurrence, OutboxRow, Read, Remark, Service, Severity, ShelfChange,
    Shelved,
};
use nightdesk::model::{Effect, Event, Fetch, Keepsake, Report};

use super::desk::{Desk, acknowledged, ago, alert, alerts, now, order, setup};

fn shelf_changes(desk: &Desk) -> Vec<ShelfChange> {
    desk.effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Keep(Keepsake::Shelf(change)) => Some(change.clone()),
            _ => None,
        })
        .collect()
}

fn put(desk: &Desk) -> Vec<Shelved> {
    shelf_changes(desk)
        .into_iter()
        .flat_map(|change| match change {
            ShelfChange::Put(items) => items,
            ShelfChange::Take(_) => Vec::new(),
        })
        .collect()
}

fn kept(desk: &Desk) -> Vec<Occurrence> {
    desk.effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Keep(Keepsake::History(records, _)) => Some(records.clone()),
            _ => None,
        })
        .flatten()
        .collect()
}

fn rows(desk: &Desk) -> Vec<String> {
    desk.app.queue().rows().iter().map(|id| id.raw().to_owned()).collect()
}

fn bells(desk: &Desk) -> usize {
    desk.effects.iter().filter(|effect| matches!(effect, Effect::Bell(_))).count()
}

fn go_to(desk: &mut Desk, id: &str) {
    desk.keys("g");
    while desk.app.queue().cursor().unwrap().raw() != id {
        desk.keys("j");
    }
}

/// The list is read every five seconds; devices once a minute would be, but nobody looks at them here.
fn live(desk: &mut Desk, seconds: i64, list: &[Alert]) {
    for second in 0..seconds {
        desk.now += SignedDuration::from_secs(1);
        if second % 5 == 0 {
            desk.report_alerts(list.to_vec());
        }
        desk.send(Event::Tick);
    }
    desk.draw();
}

// Shelf

#[test]
fn shelving_takes_a_time_and_a_reason_and_hides_the_alarm_until_then() {
    let mut desk = Desk::night(120, 40);
    let unack = |desk: &Desk| {
        desk.line(1)
            .split("unack ")
            .nth(1)
            .unwrap()
            .split_whitespace()
            .next()
            .unwrap()
            .to_owned()
    };
    assert_eq!(unack(&desk), "5");
    desk.keys("s down"); // the usual hour is filled in; the next choice is a quarter of an hour
    desk.keys("tab");
    desk.types("valve team at work");
    desk.keys("enter");
    let [item] = put(&desk).try_into().unwrap();
    assert_eq!(item.key.device.raw(), "PUMP-017");
    assert_eq!((item.reason.raw(), item.by.raw()), ("valve team at work", "operator1"));
    assert_eq!(item.until, desk.now + SignedDuration::from_mins(15));
    assert_eq!(item.severity, Severity::Critical);
    assert!(desk.last_line().contains("put aside until 02:29"), "{}", desk.last_line());
    // the row stays under the cursor, says so, and goes when the cursor leaves
    assert!(desk.cursor().unwrap().contains("shelf to 02:29"), "{:?}", desk.cursor());
    desk.keys("j");
    assert!(!rows(&desk).contains(&"a-1001".to_owned()));
    assert_eq!(unack(&desk), "4");
    assert!(desk.line(1).contains("shelf 1"), "{}", desk.line(1));
    // the filter shows it
    desk.keys("/");
    desk.types("is:shelved");
    desk.keys("enter");
    assert_eq!(rows(&desk), ["a-1001"]);
    // a filter that would find it says where it is
    desk.keys("esc g j /");
    desk.types("sev:critical dev:PUMP-017");
    desk.keys("enter");
    assert!(rows(&desk).is_empty(), "{:?}", rows(&desk));
    assert!(
        desk.screen().contains("One that is shelved would stand here: S shows the shelf."),
        "{}",
        desk.screen()
    );
    desk.keys("esc /");
    desk.types("NO-SUCH");
    desk.keys("enter");
    assert!(!desk.screen().contains("shelved would stand here"), "{}", desk.screen());
}

#[test]
fn end_of_shift_is_the_end_of_the_shift() {
    let mut desk = Desk::night(120, 40);
    desk.keys("s up");
    desk.keys("down down down enter");
    let [item] = put(&desk).try_into().unwrap();
    assert_eq!(item.until, "2026-11-13T06:00:00Z".parse::<Timestamp>().unwrap());
}

#[test]
fn a_wrong_time_is_refused_in_the_form() {
    let mut desk = Desk::night(120, 40);
    desk.keys("s ctrl-u");
    desk.types("soon");
    desk.keys("enter");
    assert!(put(&desk).is_empty());
    assert!(desk.screen().contains("write 15m, 1h, 4h, end of shift"), "{}", desk.screen());
}

#[test]
fn several_marked_at_once_are_one_undo_and_one_redo() {
    let mut desk = Desk::night(120, 40);
    desk.keys("space space space s enter");
    assert_eq!(put(&desk).len(), 3);
    assert_eq!(desk.app.store().shelf().len(), 3);
    desk.keys("z");
    assert_eq!(desk.app.store().shelf().len(), 0);
    assert!(desk.last_line().contains("as before"), "{}", desk.last_line());
    desk.keys("Z");
    assert_eq!(desk.app.store().shelf().len(), 3);
    // what was asked of a server later is taken back earlier
    desk.keys("g a");
    desk.commit();
    desk.effects.clear();
    desk.keys("z");
    assert!(desk.effects.iter().any(|effect| matches!(effect, Effect::Cancel(_))));
    assert_eq!(desk.app.store().shelf().len(), 3);
    desk.keys("z");
    assert_eq!(desk.app.store().shelf().len(), 0);
}

#[test]
fn new_alerts_of_a_shelved_alarm_stay_aside_unless_they_are_worse() {
    let mut desk = Desk::night(120, 40);
    go_to(&mut desk, "a-1006");
    desk.keys("s enter g");
    assert_eq!(put(&desk)[0].key.device.raw(), "TEMP-007");
    desk.effects.clear();
    let mut list = alerts();
    list.push(alert("n-1", ("TemperatureSensor", "TEMP-007"), "Battery low", "low", 0));
    desk.report_alerts(list.clone());
    desk.draw();
    assert!(!rows(&desk).contains(&"n-1".to_owned()));
    list.push(alert("n-2", ("TemperatureSensor", "TEMP-007"), "Battery low", "critical", 0));
    desk.report_alerts(list);
    desk.draw();
    for id in ["a-1006", "n-1", "n-2"] {
        assert!(rows(&desk).contains(&id.to_owned()), "{id}: all of the alarm is back");
    }
    assert!(bells(&desk) > 0);
    assert!(matches!(shelf_changes(&desk).last(), Some(ShelfChange::Take(keys)) if keys.len() == 1));
}

#[test]
fn the_time_runs_out_with_a_warning_and_the_row_looks_unacknowledged_until_somebody_looks() {
    let list = alerts();
    let mut desk = Desk::night(120, 40);
    let held = "a-1002".to_owned(); // operator2 holds it
    go_to(&mut desk, &held);
    desk.keys("s down enter g");
    live(&mut desk, 9 * 60, &list);
    assert!(!desk.screen().contains("comes back from the shelf"));
    live(&mut desk, 2 * 60, &list);
    let said = |desk: &mut Desk, text: &str| {
        desk.keys("L");
        let found = desk.screen().contains(text);
        desk.keys("esc");
        found
    };
    assert!(said(&mut desk, "comes back from the shelf"));
    assert!(!rows(&desk).contains(&held));
    desk.effects.clear();
    live(&mut desk, 5 * 60, &list);
    assert!(rows(&desk).contains(&held));
    assert!(desk.screen().contains("back: time up"), "{}", desk.screen());
    assert_eq!(desk.app.store().load(desk.now).unacknowledged, 6, "five and the one that is back");
    assert_eq!(shelf_changes(&desk).len(), 1, "taken off once");
    // `!` has it, and `a` says that it was seen, without asking a server
    desk.keys("!");
    assert!(rows(&desk).contains(&held));
    go_to(&mut desk, &held);
    desk.keys("a");
    assert!(desk.submitted().is_empty());
    assert!(
        desk.last_line().contains("seen, and acknowledged as before"),
        "{}",
        desk.last_line()
    );
    assert_eq!(desk.app.store().load(desk.now).unacknowledged, 5);
}

#[test]
fn returns_come_one_after_the_other() {
    let mut list: Vec<Alert> = Vec::new();
    for number in 0..6 {
        list.push(alert(
            &format!("m-{number}"),
            ("PumpStation", &format!("PUMP-{number}")),
            "Flow low",
            "medium",
            60,
        ));
    }
    let mut desk = Desk::with(setup(), 120, 40);
    desk.links();
    desk.report_alerts(list.clone());
    desk.draw();
    desk.keys("* s down enter");
    assert_eq!(desk.app.store().shelf().len(), 6);
    live(&mut desk, 15 * 60 - 1, &list);
    assert_eq!(desk.app.store().shelf().len(), 6);
    let mut left = Vec::new();
    for _ in 0..6 {
        live(&mut desk, 10, &list);
        left.push(desk.app.store().shelf().len());
    }
    assert_eq!(left, [5, 4, 3, 2, 1, 0]);
}

#[test]
fn a_worse_severity_brings_back_what_somebody_holds() {
    let mut desk = Desk::night(120, 40);
    let mut list = alerts();
    assert_eq!(list[1].id.raw(), "a-1002");
    list[1].severity = Severity::Critical;
    desk.effects.clear();
    desk.report_alerts(list);
    desk.draw();
    assert!(desk.screen().contains("back: worse"), "{}", desk.screen());
    assert_eq!(bells(&desk), 1);
}

#[test]
fn the_shelf_of_an_earlier_run_hides_from_the_first_row_on_and_rings_no_bell() {
    let mut other = Desk::night(120, 40);
    other.keys("s enter");
    let items = put(&other);
    let mut desk = Desk::with(setup(), 120, 40);
    desk.send(Event::Shelf(items));
    desk.links();
    desk.report_alerts(alerts());
    desk.draw();
    assert!(!rows(&desk).contains(&"a-1001".to_owned()));
    assert_eq!(bells(&desk), 0, "the only critical lies on the shelf");
}

#[test]
fn the_shelf_window_shows_the_time_left_and_takes_things_back() {
    let mut desk = Desk::night(120, 40);
    desk.keys("s enter j s down down down enter S");
    let screen = desk.screen();
    assert!(screen.contains("60 min") && screen.contains("PUMP-017"), "{screen}");
    desk.keys("j");
    desk.effects.clear();
    desk.keys("u");
    assert_eq!(desk.app.store().shelf().len(), 1);
    assert!(matches!(shelf_changes(&desk).as_slice(), [ShelfChange::Take(_)]));
    desk.keys("s");
    desk.keys("enter");
    assert_eq!(desk.app.store().shelf().len(), 1, "put aside anew, not twice");
    desk.keys("u");
    assert!(desk.screen().contains("Nothing is put aside"), "{}", desk.screen());
}

// Flood

/// Twelve alerts in two minutes on three devices, besides the night's.
fn flood_of(desk: &mut Desk) -> Vec<Alert> {
    let mut list = alerts();
    for number in 0..12 {
        let device = format!("PUMP-1{:02}", number % 3 + 1);
        let mut one = alert(&format!("f-{number:02}"), ("PumpStation", &device), "Flow low", "medium", 0);
        one.raised_at = desk.now + SignedDuration::from_secs(number * 10);
        list.push(one);
    }
    desk.now += SignedDuration::from_secs(120);
    desk.report_alerts(list.clone());
    desk.draw();
    list
}

#[test]
fn in_a_flood_the_list_is_by_device_with_its_first_and_worst_in_sight_and_only_worse_rings() {
    let mut desk = Desk::night(120, 40);
    desk.effects.clear();
    let mut list = flood_of(&mut desk);
    assert!(desk.line(1).contains("FLOOD since 02:15, peak 1"), "{}", desk.line(1));
    let of_flood = |desk: &Desk| rows(desk).iter().filter(|id| id.starts_with("f-")).count();
    assert_eq!(of_flood(&desk), 3, "a row a device: {:?}", rows(&desk));
    let screen = desk.screen();
    assert!(
        screen.contains("first 02:1") && screen.contains("worst 02:13 CRIT PUMP-017"),
        "{screen}"
    );
    desk.keys("G");
    assert!(
        desk.screen().contains("worst 02:13 CRIT PUMP-017"),
        "in sight at the end of the list, too"
    );
    // fifty related alerts are one mark and one note: here the four of a device
    while !desk.cursor().unwrap().contains("PUMP-101") {
        desk.keys("k");
    }
    desk.keys("space A");
    desk.types("one cause");
    desk.keys("enter");
    assert_eq!(desk.submitted().len(), 4);
    desk.keys("z");
    // the bell: a critical alert waits since before, so that nothing new is worse
    assert_eq!(bells(&desk), 0);
    list.push(alert("f-90", ("PumpStation", "PUMP-109"), "Flow low", "high", 0));
    desk.report_alerts(list.clone());
    assert_eq!(bells(&desk), 0);
    list.push(alert("f-91", ("PumpStation", "PUMP-109"), "Fire", "critical", 0));
    desk.report_alerts(list.clone());
    assert_eq!(bells(&desk), 0);
    // it ends below five, with a closing note
    live(&mut desk, 11 * 60, &list);
    assert!(desk.line(1).contains("flood no"), "{}", desk.line(1));
    assert!(of_flood(&desk) >= 12, "no groups any more");
    // the high and the critical one had been raised when the flood was not one yet: with them it began earlier
    assert!(desk.last_line().contains("the flood of 02:14 is over"), "{}", desk.last_line());
    let words = desk.last_line();
    assert!(words.contains("alerts in") && words.contains("at most"), "{words}");
}

#[test]
fn while_monitor_is_silent_a_flood_is_held_and_what_comes_back_decides() {
    for (width, height) in [(120, 40), (80, 24), (60, 20)] {
        let mut desk = Desk::night(width, height);
        let mut list = flood_of(&mut desk);
        let since = if width == 60 { "FLOOD 02:15" } else { "FLOOD since 02:15" };
        assert!(desk.line(1).contains(since), "{}", desk.line(1));
        let count = desk.app.store().load(desk.now).ten_minutes;
        assert!(count > 10);
        desk.wait(11);
        desk.down(Service::Monitor, "it does not answer");
        desk.wait(20 * 60);
        assert!(desk.line(1).contains("02:15, known until 02:16"), "{}", desk.line(1));
        assert_eq!(desk.app.store().load(desk.now).ten_minutes, count, "nothing is known to have left");
        let held = rows(&desk).iter().filter(|id| id.starts_with("f-")).count();
        assert_eq!(held, 3, "the groups stay");
        let screen = desk.screen();
        assert!(screen.contains("first 02:1") && screen.contains("NO DATA"), "{screen}");
        assert!(!screen.contains("is over"), "{screen}");
        // it went on meanwhile, and goes on
        let back = desk.now;
        for number in 0..30 {
            let mut one = alert(&format!("g-{number:02}"), ("PumpStation", "PUMP-101"), "Flow low", "medium", 0);
            one.raised_at = back - SignedDuration::from_secs(number * 40);
            list.push(one);
        }
        desk.report_alerts(list.clone());
        desk.links();
        desk.draw();
        assert!(desk.line(1).contains(since), "the same one: {}", desk.line(1));
        assert!(!desk.screen().contains("known until"), "{}", desk.screen());
        // it falls silent once more, and it ended while nobody could know
        desk.wait(40 * 60);
        assert!(desk.line(1).contains("known until"), "{}", desk.line(1));
        desk.report_alerts(list);
        desk.draw();
        assert!(!desk.line(1).contains("FLOOD"), "{}", desk.line(1));
        assert!(desk.screen().contains("the flood of 02:15 is over"), "{}", desk.screen());
    }
}

#[test]
fn figures_from_before_a_silence_say_so_without_a_flood_too() {
    for (width, height) in [(120, 40), (80, 24), (60, 20)] {
        let mut desk = Desk::night(width, height);
        assert!(!desk.line(1).contains("known until"), "{}", desk.line(1));
        desk.wait(30 * 60);
        assert!(desk.line(1).contains("known until 02:14"), "{}", desk.line(1));
        assert!(desk.line(1).contains("10m 3/10"), "{}", desk.line(1));
        desk.keys("M");
        assert!(desk.screen().contains("to 02:14: 12 h of data"), "{}", desk.screen());
    }
}

#[test]
fn a_flood_that_goes_on_is_called_so_in_the_handover_and_the_load_window() {
    let mut desk = Desk::night(120, 40);
    flood_of(&mut desk);
    let count = desk.app.store().load(desk.now).ten_minutes;
    desk.keys("M G");
    let screen = desk.screen();
    assert!(screen.contains(&format!("since 02:15, still going on: {count} alerts")), "{screen}");
    desk.keys("esc H");
    for _ in 0..200 {
        if desk.screen().contains("still going on") {
            break;
        }
        desk.keys("j");
    }
    assert!(
        desk.screen().contains(&format!("still going on, {count} alerts")),
        "{}",
        desk.screen()
    );
    // nothing is read any more: how far it is known does not creep along
    desk.keys("esc");
    desk.wait(30 * 60);
    desk.keys("M G");
    assert!(
        desk.screen()
            .contains(&format!("since 02:15, still going on at 02:16: {count} alerts")),
        "{}",
        desk.screen()
    );
}

/// What an earlier run left: the list as it was, and the records of all of a flood, of which half is over.
fn left_by(list: &[Alert]) -> (Vec<Alert>, Vec<Occurrence>) {
    let (mut open, mut kept) = (Vec::new(), Vec::new());
    for (number, alert) in list.iter().enumerate() {
        let mut alert = alert.clone();
        if alert.id.raw().starts_with("f-") && number % 2 == 0 {
            alert.state = AlertState::Resolved;
            alert.resolved_at = Some(alert.raised_at + SignedDuration::from_secs(30));
        } else {
            open.push(alert.clone());
        }
        kept.push(occurrence(alert, None));
    }
    (open, kept)
}

#[test]
fn a_restart_finds_the_flood_with_its_beginning_whatever_comes_first() {
    let mut before = Desk::night(120, 40);
    let list = flood_of(&mut before);
    let (flood, _) = before.app.store().flood();
    let (flood, first) = (*flood, before.app.store().flood_first().unwrap().id.clone());
    let read = before.now;
    let (open, kept) = left_by(&list);
    let coverage = Coverage {
        since: now() - SignedDuration::from_hours(12),
        until: read,
    };
    for remembered_first in [true, false] {
        for cached in [true, false] {
            let mut desk = Desk::with(setup(), 120, 40);
            desk.now = read + SignedDuration::from_secs(30);
            let remember = |desk: &mut Desk| desk.send(Event::Remembered(kept.clone(), Some(coverage)));
            if remembered_first {
                remember(&mut desk);
            }
            if cached {
                desk.report(Report::Alerts {
                    result: Ok(Listing::whole(open.clone(), read)),
                    cached: true,
                });
                desk.wait(3);
            }
            desk.report_alerts(open.clone());
            if !remembered_first {
                remember(&mut desk);
            }
            desk.draw();
            assert_eq!(*desk.app.store().flood().0, flood, "{remembered_first} {cached}: {}", desk.line(1));
            assert_eq!(desk.app.store().flood_first().unwrap().id, first);
            assert!(!desk.screen().contains("is over"));
        }
    }
    // Monitor is away at the start: what the earlier run knew is said with its time
    let mut desk = Desk::with(setup(), 120, 40);
    desk.now = read + SignedDuration::from_mins(60);
    desk.send(Event::Remembered(kept.clone(), Some(coverage)));
    desk.report(Report::Alerts {
        result: Ok(Listing::whole(open.clone(), read)),
        cached: true,
    });
    desk.wait(60);
    assert!(desk.line(1).contains("FLOOD since 02:15, known until 02:16"), "{}", desk.line(1));
    desk.report_alerts(open);
    desk.draw();
    assert!(desk.line(1).contains("flood no"), "{}", desk.line(1));
    assert!(desk.last_line().contains("the flood of 02:15 is over"), "{}", desk.last_line());
}

#[test]
fn in_a_flood_the_load_line_says_how_much_it_is_of_at_every_size() {
    for (width, height) in [(120, 40), (80, 24), (60, 20)] {
        let mut desk = Desk::night(width, height);
        flood_of(&mut desk);
        let line = desk.line(1);
        assert!(line.contains("FLOOD") && line.contains("02:15"), "{line}");
        assert!(line.contains("12 h of data") || line.contains("12 h data"), "{line}");
    }
}

#[test]
fn a_mean_over_less_than_its_unit_is_none() {
    let mut desk = Desk::with(setup(), 120, 40);
    desk.links();
    desk.report_alerts(alerts());
    live(&mut desk, 90, &alerts());
    desk.keys("M");
    let screen = desk.screen();
    for short in ["less than 10 min", "less than an hour", "less than a day"] {
        assert!(screen.contains(short), "{short}: {screen}");
    }
}

// Bell

#[test]
fn in_a_flood_only_a_new_top_severity_rings() {
    let mut setup = setup();
    setup.bell.high = BellRule::Once;
    let mut desk = Desk::with(setup, 120, 40);
    desk.links();
    let old = alert("o-1", ("PumpStation", "PUMP-109"), "Flow low", "critical", 60);
    let mut list = vec![acknowledged(old, "operator2", 30, None)];
    for number in 0..12 {
        list.push(alert(
            &format!("f-{number:02}"),
            ("PumpStation", "PUMP-101"),
            "Flow low",
            "medium",
            0,
        ));
    }
    desk.report_alerts(list.clone());
    assert!(desk.app.store().flood().0.is_on());
    let rings = |desk: &mut Desk, list: &mut Vec<Alert>, id: &str, severity: &str| {
        let before = bells(desk);
        list.push(alert(id, ("PumpStation", "PUMP-109"), "Trip", severity, 0));
        desk.report_alerts(list.clone());
        bells(desk) - before
    };
    assert_eq!(bells(&desk), 0);
    assert_eq!(rings(&mut desk, &mut list, "h-1", "high"), 1, "worse than all that came");
    assert_eq!(rings(&mut desk, &mut list, "h-2", "high"), 0);
    assert_eq!(
        rings(&mut desk, &mut list, "c-1", "critical"),
        1,
        "the critical one from before is acknowledged and of no flood"
    );
    assert_eq!(rings(&mut desk, &mut list, "c-2", "critical"), 0);
    // acknowledged, they still came in this flood
    for one in &mut list {
        *one = acknowledged(one.clone(), "operator1", 0, None);
    }
    desk.report_alerts(list.clone());
    assert_eq!(rings(&mut desk, &mut list, "c-3", "critical"), 0);
    assert_eq!(rings(&mut desk, &mut list, "h-3", "high"), 0);
}

#[test]
fn a_start_with_nothing_unacknowledged_is_silent() {
    let mut desk = Desk::with(setup(), 120, 40);
    desk.links();
    let list: Vec<Alert> = alerts().into_iter().map(|one| acknowledged(one, "operator2", 1, None)).collect();
    desk.report_alerts(list);
    assert_eq!(bells(&desk), 0);
    let mut desk = Desk::with(setup(), 120, 40);
    desk.links();
    desk.report_alerts(alerts());
    assert_eq!(bells(&desk), 1);
    let title = desk.effects.iter().rev().find_map(|effect| match effect {
        Effect::Title(text) => Some(text.clone()),
        _ => None,
    });
    assert_eq!(title.as_deref(), Some("nightdesk bedford 5 unack"));
}

// History

fn occurrence(alert: Alert, order: Option<&str>) -> Occurrence {
    let mut history = History::default();
    history.note(&alert, alert.resolved_at.unwrap_or(alert.raised_at));
    let mut one = history.get(&alert.id).unwrap().clone();
    one.wonum = order.map(Into::into);
    one.wo_status = order.map(|_| "COMP".into());
    one
}

fn earlier(id: &str, days: i64, cause: &str, order: Option<&str>) -> Occurrence {
    let minutes = days * 24 * 60;
    let mut one = alert(id, ("PumpStation", "PUMP-017"), "Bearing temperature high", "high", minutes);
    one.state = AlertState::Resolved;
    one.resolved_by = Some("operator2".into());
    one.resolved_at = Some(ago(minutes - 50));
    one.resolution = Some("Bearing replaced".into());
    one.root_cause = Some(cause.into());
    occurrence(one, order)
}

#[test]
fn nothing_is_kept_before_the_records_are_read_and_then_only_news() {
    let mut desk = Desk::night(120, 40);
    assert!(kept(&desk).is_empty());
    // three of the night's alerts are on disk already
    let on_disk: Vec<Occurrence> = alerts().into_iter().take(3).map(|one| occurrence(one, None)).collect();
    let on_disk: Vec<Occurrence> = on_disk
        .into_iter()
        .map(|mut one| {
            one.noted_at = desk.now;
            one
        })
        .collect();
    desk.send(Event::Remembered(on_disk, None));
    let ids: std::collections::BTreeSet<String> = kept(&desk).iter().map(|one| one.alert.id.raw().to_owned()).collect();
    assert!(ids.contains("a-1007") && !ids.contains("a-1001"), "{ids:?}");
    desk.effects.clear();
    desk.report_alerts(alerts());
    assert!(kept(&desk).is_empty(), "nothing new, nothing written");
    let mut list = alerts();
    list[0] = acknowledged(list.remove(0), "operator2", 0, Some("mine"));
    list.swap(0, 0);
    desk.report_alerts(list);
    assert!(
        kept(&desk)
            .iter()
            .all(|one| one.alert.acknowledged_by.is_some() || one.gone_at.is_some())
    );
    assert!(!kept(&desk).is_empty());
}

#[test]
fn what_was_open_in_an_earlier_run_and_is_no_longer_listed_is_over() {
    let mut desk = Desk::night(120, 40);
    let lost = occurrence(
        alert("old-1", ("PumpStation", "PUMP-017"), "Bearing temperature high", "high", 60 * 40),
        None,
    );
    desk.send(Event::Remembered(vec![lost], None));
    let record = desk.app.store().history().get(&"old-1".into()).unwrap().clone();
    assert_eq!(record.gone_at, Some(desk.now));
    assert!(kept(&desk).iter().any(|one| one.alert.id.raw() == "old-1" && one.gone_at.is_some()));
}

#[test]
fn the_last_five_times_come_with_cause_resolution_and_order() {
    let mut desk = Desk::night(120, 40);
    let kept: Vec<Occurrence> = (1..=7)
        .map(|days| earlier(&format!("h-{days}"), days, &format!("cause {days}"), Some(&format!("99{days}"))))
        .collect();
    let coverage = Coverage {
        since: ago(60 * 24 * 8),
        until: ago(30),
    };
    desk.send(Event::Remembered(kept, Some(coverage)));
    desk.draw();
    desk.keys("enter ] ]");
    let screen = desk.screen();
    // a-900 of this night is the newest of eight
    assert!(screen.contains("8 earlier times known, the last 5 below"), "{screen}");
    assert!(screen.contains("recorded without a gap since 5 Nov 02:14"), "{screen}");
    for wanted in ["cause 1", "cause 4", "Bearing replaced", "work order 994 COMP", "LUBE"] {
        assert!(screen.contains(wanted), "{wanted}: {screen}");
    }
    assert!(!screen.contains("cause 5"), "{screen}");
}

#[test]
fn the_window_of_the_figures_is_what_is_known() {
    let mut desk = Desk::night(120, 40);
    assert!(desk.line(1).contains("12 h of data"), "{}", desk.line(1));
    desk.send(Event::Remembered(
        Vec::new(),
        Some(Coverage {
            since: ago(60 * 24 * 30),
            until: ago(60 * 6),
        }),
    ));
    desk.draw();
    assert!(desk.line(1).contains("30 d of data"), "{}", desk.line(1));
    let mut gap = Desk::night(120, 40);
    gap.send(Event::Remembered(
        Vec::new(),
        Some(Coverage {
            since: ago(60 * 24 * 30),
            until: ago(60 * 13),
        }),
    ));
    gap.draw();
    assert!(gap.line(1).contains("12 h of data"), "an hour is missing: {}", gap.line(1));
}

#[test]
fn fleeting_and_chattering_alarms_carry_a_badge() {
    let mut desk = Desk::night(120, 40);
    let mut list = alerts();
    let mut gone = alert("q-1", ("Chiller", "CHIL-002"), "Supply temperature high", "medium", 90);
    gone.state = AlertState::Resolved;
    gone.resolved_at = Some(ago(90) + SignedDuration::from_secs(40));
    list.push(gone);
    for (id, minutes) in [("c-1", 20), ("c-2", 10), ("c-3", 1)] {
        list.push(alert(id, ("PumpStation", "PUMP-105"), "Flow low", "medium", minutes));
    }
    desk.report_alerts(list.clone());
    desk.draw();
    let screen = desk.screen();
    let line = |name: &str| screen.lines().find(|line| line.contains(name)).unwrap().to_owned();
    assert!(line("CHIL-002").contains("·fleet"), "{screen}");
    assert!(line("PUMP-105").contains("·chat"), "{screen}");
    assert!(line("TEMP-007").contains("·stale"), "{screen}");
    // half an hour after the first of three cycles it does not chatter any more, without any news
    live(&mut desk, 12 * 60, &list);
    assert!(!desk.screen().contains("·chat"), "{}", desk.screen());
}

// Load

#[test]
fn the_load_window_counts_what_the_records_have() {
    let mut desk = Desk::night(120, 40);
    desk.keys("M");
    let screen = desk.screen();
    let figure = |label: &str| {
        let line = screen
            .lines()
            .find(|line| line.contains(label))
            .unwrap_or_else(|| panic!("{label}: {screen}"));
        line.split(label)
            .nth(1)
            .unwrap()
            .trim()
            .split("  ")
            .next()
            .unwrap()
            .trim()
            .to_owned()
    };
    // of the eight alerts one was raised 26 hours ago: seven in the twelve hours that are known
    assert_eq!(figure("alerts raised"), "7");
    assert_eq!(figure("per hour, mean"), "0.6");
    assert_eq!(figure("per day, mean"), "less than a day");
    assert_eq!(figure("last 10 min"), "3");
    assert_eq!(figure("stale now (over 24 h)"), "1");
    assert!(screen.contains("12 h of data, 24 h asked for"), "{screen}");
    desk.keys("shift-tab");
    assert!(desk.screen().contains("8 h of data, 8 h asked for"), "{}", desk.screen());
}

// Handover

#[test]
fn the_handover_has_remarks_deeds_and_the_mark_of_reading_and_goes_to_file_and_clipboard() {
    let mut desk = Desk::night(120, 40);
    desk.keys("a");
    let rows = desk.commit();
    desk.wait(4);
    desk.becomes(&rows[0], IntentState::Delivered, |_| {});
    desk.keys("H n");
    desk.types("Pump 17 runs hot, watch it");
    desk.keys("enter");
    let remark = desk.effects.iter().find_map(|effect| match effect {
        Effect::Keep(Keepsake::Remark(remark)) => Some(remark.clone()),
        _ => None,
    });
    assert_eq!(remark.unwrap().text.raw(), "Pump 17 runs hot, watch it");
    let screen = desk.screen();
    assert!(screen.contains("Pump 17 runs hot"), "{screen}");
    desk.keys("G");
    assert!(desk.screen().contains("acknowledge PUMP-017"), "{}", desk.screen());
    desk.effects.clear();
    desk.keys("w y f f f w");
    let files: Vec<(String, String)> = desk
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Keep(Keepsake::Handover { name, text }) => Some((name.clone(), text.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(files[0].0, "handover-bedford-20261113T021409Z.md");
    assert!(files[0].1.starts_with("# Handover BEDFORD"), "{}", files[0].1);
    assert!(files[1].0.ends_with(".json"));
    let document: serde_json::Value = serde_json::from_str(&files[1].1).unwrap();
    assert_eq!(document["done"][0]["verb"], "acknowledge");
    assert_eq!(document["remarks"][0]["text"], "Pump 17 runs hot, watch it");
    assert!(
        desk.effects
            .iter()
            .any(|effect| matches!(effect, Effect::Copy(text) if text.starts_with("# Handover")))
    );
    // the shift before is what the incoming person reads
    desk.keys("tab R");
    let read = desk.effects.iter().find_map(|effect| match effect {
        Effect::Keep(Keepsake::Read(read)) => Some(read.clone()),
        _ => None,
    });
    let read = read.unwrap();
    assert_eq!(
        (read.since.to_string().as_str(), read.by.raw()),
        ("2026-11-12T14:00:00Z", "operator1")
    );
    assert!(desk.screen().contains("Read by operator1 at 2026-11-13 02:14"), "{}", desk.screen());
    desk.effects.clear();
    desk.keys("R");
    assert!(desk.effects.is_empty(), "once is enough");
}

#[test]
fn remarks_and_reads_of_earlier_runs_stand_in_the_handover() {
    let mut desk = Desk::night(120, 40);
    let remark = Remark {
        at: ago(60),
        by: "operator2".into(),
        text: "spare bearing in store 3".into(),
    };
    let read = Read {
        since: "2026-11-12T22:00:00Z".parse().unwrap(),
        by: "operator3".into(),
        at: now(),
    };
    desk.send(Event::Notes(vec![remark], vec![read]));
    desk.keys("H");
    let screen = desk.screen();
    assert!(
        screen.contains("spare bearing in store 3") && screen.contains("Read by operator3"),
        "{screen}"
    );
}

// Knowing

#[test]
fn the_runbook_is_read_by_name_and_its_absence_says_where_to_put_one() {
    let mut desk = Desk::night_with(
        Setup {
            runbooks: "/etc/nightdesk/runbooks".into(),
            ..setup()
        },
        120,
        40,
    );
    desk.keys("enter");
    assert!(desk.effects.contains(&Effect::ReadRunbook("bearing-temperature-high".into())));
    desk.keys("[");
    assert!(desk.screen().contains("reading"));
    let answer = |text: Option<&str>| Event::Runbook {
        slug: "bearing-temperature-high".into(),
        text: Ok(text.map(Into::into)),
    };
    desk.send(answer(None));
    desk.draw();
    assert!(
        desk.screen().contains("/etc/nightdesk/runbooks/bearing-temperature-high.md"),
        "{}",
        desk.screen()
    );
    desk.send(answer(Some(
        "# Hot bearing\n\n1. **Stop** the pump\n2. Look at the `oil`\n\nThen call \u{1b}[31mmaintenance.\n",
    )));
    desk.draw();
    let screen = desk.screen();
    for wanted in ["Hot bearing", "1. Stop the pump", "2. Look at the oil", "Then call"] {
        assert!(screen.contains(wanted), "{wanted}: {screen}");
    }
    assert!(!screen.contains("**"));
    desk.effects.clear();
    desk.keys("J");
    assert!(
        desk.effects
            .iter()
            .any(|effect| matches!(effect, Effect::ReadRunbook(slug) if slug != "bearing-temperature-high"))
    );
}

#[test]
fn the_charts_go_back_to_the_trigger_and_their_time_is_chosen_by_key() {
    let windows = |desk: &Desk| -> Vec<u32> {
        desk.effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Fetch(Fetch::Trends { window_seconds, .. }) => Some(*window_seconds),
                _ => None,
            })
            .collect()
    };
    let mut desk = Desk::night(120, 40);
    go_to(&mut desk, "a-1006");
    desk.effects.clear();
    desk.keys("enter");
    assert_eq!(windows(&desk), [3 * 86_400], "raised 26 hours ago");
    desk.effects.clear();
    desk.keys("esc +");
    assert_eq!(windows(&desk), [7_200, 3_600]);
    desk.keys("minus minus");
    assert_eq!(windows(&desk), [7_200, 3_600, 7_200, 14_400]);
    assert!(desk.last_line().contains("charts of 4 h"), "{}", desk.last_line());
}

#[test]
fn a_completed_order_offers_to_resolve_on_the_row() {
    let mut desk = Desk::night(120, 40);
    desk.report(Report::OrderStatus(Ok(vec![(
        "a-1001".into(),
        order("1043", "COMP", "Replace coupling"),
    )])));
    desk.draw();
    let row = desk.cursor().unwrap();
    assert!(row.contains("ready") && row.contains("1043 C"), "{row}");
    let mut wide = Desk::night(200, 40);
    wide.report(Report::OrderStatus(Ok(vec![(
        "a-1001".into(),
        order("1043", "COMP", "Replace coupling"),
    )])));
    wide.draw();
    let row = wide.cursor().unwrap();
    assert!(row.contains("ready to resolve") && row.contains("1043 COMP"), "{row}");
    desk.keys("enter");
    assert!(desk.screen().contains("ready to resolve, x does"), "{}", desk.screen());
}

/// A row of the outbox that somebody else's console of this account made earlier in the shift.
#[test]
fn what_was_done_before_this_run_is_in_the_handover() {
    let mut desk = Desk::night(120, 40);
    let intent = nightdesk::domain::Intent::Resolve {
        alert: "a-900".into(),
        by: "operator1".into(),
        resolution: "ok".into(),
        root_cause: "LUBE".into(),
        preventive_action: None,
    };
    let mut row: OutboxRow = desk.row(intent, std::time::Duration::ZERO);
    row.state = IntentState::Delivered;
    row.created_at = ago(120);
    row.updated_at = ago(119);
    desk.send(Event::Recovered(vec![row]));
    assert!(!desk.last_line().contains("earlier run"));
    desk.keys("H G");
    let screen = desk.screen();
    assert!(
        screen.contains("resolve PUMP-017 Bearing temperature high") && screen.contains("LUBE"),
        "{screen}"
    );
}
