//! Fields of forms: choices, what is said of a text that is none of them, what counts and what does not.

use nightdesk::domain::Intent;
use nightdesk::model::{Effect, Report};

use super::desk::{Desk, order};

fn resolving() -> Desk {
    let mut desk = Desk::night(120, 40);
    desk.keys("x");
    desk.types("Relubricated");
    desk.keys("tab");
    desk
}

/// The text beside a label of the form.
fn field(desk: &Desk, label: &str) -> String {
    let screen = desk.screen();
    let line = screen
        .lines()
        .find(|line| line.contains(label))
        .unwrap_or_else(|| panic!("{label}\n{screen}"));
    let after = line.split(label).nth(1).unwrap();
    after.split('│').next().unwrap().trim().to_owned()
}

fn cause(desk: &mut Desk) -> String {
    desk.effects.clear();
    desk.keys("enter");
    match &desk.submitted()[0].1 {
        Intent::Resolve { root_cause, .. } => root_cause.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn typing_on_a_chosen_cause_looks_for_another_one() {
    let mut desk = resolving();
    desk.keys("down");
    let first = field(&desk, "root cause");
    assert!(!first.is_empty(), "{}", desk.screen());
    desk.types("el");
    assert_eq!(field(&desk, "root cause"), "el", "not {first}el");
    desk.keys("down");
    assert!(field(&desk, "root cause").starts_with("ELEC"), "{}", desk.screen());
    desk.keys("backspace");
    desk.types("L");
    assert!(field(&desk, "root cause").ends_with('L'), "a deletion mends: {}", desk.screen());
    desk.keys("tab shift-tab down");
    assert!(cause(&mut desk).starts_with("ELEC"));
}

#[test]
fn a_cause_that_is_none_of_the_list_is_spoken_of_when_it_is_left() {
    let mut desk = resolving();
    desk.types("gremlins");
    assert!(!desk.screen().contains("none of the list"));
    desk.keys("tab");
    let said = "root cause is none of the list: it counts as you wrote it";
    assert!(desk.screen().contains(said), "{}", desk.screen());
    desk.types("!");
    assert!(!desk.screen().contains(said), "the next letter ends it");
    desk.keys("shift-tab esc");
    assert!(desk.last_line().contains("kept as a draft"), "{}", desk.last_line());
    assert!(desk.last_line().contains(said), "{}", desk.last_line());
    desk.keys("x");
    assert_eq!(cause(&mut desk), "gremlins", "free text stays possible");
}

#[test]
fn a_time_on_the_shelf_that_is_none_is_said_at_once() {
    let mut desk = Desk::night(80, 24);
    desk.keys("s");
    desk.types("soon");
    assert_eq!(
        field(&desk, " for "),
        "soon",
        "it takes the place of what was filled in: {}",
        desk.screen()
    );
    desk.keys("tab");
    assert!(desk.screen().contains("! write 15m, 1h, 4h"), "{}", desk.screen());
    desk.keys("shift-tab");
    desk.types("2h");
    assert_eq!(field(&desk, " for "), "soon2h", "it is no choice: it is mended");
    desk.keys("ctrl-u");
    desk.types("2h");
    desk.keys("tab");
    assert!(!desk.screen().contains("! write"), "{}", desk.screen());
}

fn ordering(width: u16, height: u16, open: &[(&str, &str)]) -> Desk {
    let mut desk = Desk::night(width, height);
    desk.keys("w");
    let orders = open
        .iter()
        .map(|(number, status)| order(number, status, "Replace coupling"))
        .collect();
    desk.report(Report::OpenOrders {
        alert: "a-1001".into(),
        result: Ok(orders),
    });
    desk.draw();
    desk.effects.clear();
    desk
}

#[test]
fn another_priority_takes_the_place_of_the_one_filled_in() {
    let mut desk = ordering(120, 40, &[]);
    desk.keys("tab tab tab tab tab");
    desk.types("2");
    desk.keys("enter");
    let submitted = desk.submitted();
    let Intent::CreateWorkOrder { draft, .. } = &submitted[0].1 else {
        panic!("{submitted:?}")
    };
    assert_eq!(draft.wopriority, 2, "not 12");

    let mut desk = ordering(120, 40, &[]);
    desk.keys("tab tab tab tab tab");
    desk.types("high");
    desk.keys("tab");
    let said = "! priority `high` is no whole number from 0 to 999";
    assert!(desk.screen().contains(said), "{}", desk.screen());
}

#[test]
fn a_form_that_links_says_so_and_its_fields_cannot_be_edited() {
    for (width, height) in [(120, 40), (80, 24), (60, 20)] {
        let mut desk = ordering(width, height, &[("1043", "INPRG")]);
        let screen = desk.screen();
        assert!(screen.contains("enter link"), "{screen}");
        assert!(screen.contains("a link uses nothing of these fields"), "{screen}");
        desk.keys("tab");
        desk.types("ignored");
        let screen = desk.screen();
        assert!(screen.contains("the fields are for a new order"), "{screen}");
        assert!(!screen.contains("ignored"), "{screen}");
        assert!(!desk.effects.iter().any(|effect| matches!(effect, Effect::SaveDraft(_))));

        desk.keys("down");
        let screen = desk.screen();
        assert!(screen.contains("enter ok") && !screen.contains("a link uses"), "{screen}");
        desk.keys("tab");
        desk.types("!");
        desk.keys("enter");
        let submitted = desk.submitted();
        assert!(
            matches!(&submitted[0].1, Intent::CreateWorkOrder { draft, .. } if draft.description.ends_with('!')),
            "{submitted:?}"
        );
    }
}

#[test]
fn how_to_leave_a_form_is_always_on_its_frame() {
    for (width, height) in [(120, 40), (80, 24), (60, 20)] {
        for keys in ["x", "w", "A", "s", "H n", ":", "y", "W"] {
            let mut desk = Desk::night(width, height);
            desk.keys(keys);
            assert!(desk.screen().contains("esc leave"), "{keys} at {width}x{height}\n{}", desk.screen());
        }
        for keys in ["L", "M", "Q", "S", "H", "L / ", "?", "2"] {
            let mut desk = Desk::night(width, height);
            desk.keys(keys);
            let said = desk.last_line();
            assert!(
                said.contains("esc back") || said.contains("esc leave"),
                "{keys} at {width}x{height}\n{}",
                desk.screen()
            );
        }
    }
}
