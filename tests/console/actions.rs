//! The table of actions, line by line: by its key and by the palette, each does the same, and does something.

use nightdesk::app::Setup;
use nightdesk::config::theme::{Depth, Theme};
use nightdesk::domain::IntentState;
use nightdesk::model::{ACTIONS, Action, Context, Effect, Spec};

use super::desk::{Desk, setup};
use super::reach::linked;

/// Actions that need something to have happened before.
fn prepared(spec: &Spec) -> Desk {
    let setup = Setup {
        theme: Theme::built_in("default", Depth::Ansi),
        themes: ["default", "night"].map(|name| Theme::built_in(name, Depth::Ansi)).to_vec(),
        sites: vec![("bedford".into(), "BEDFORD".into()), ("luton".into(), "LUTON".into())],
        links: linked().links,
        handover_webhook: Some("Handover to chat".into()),
        ..setup()
    };
    let mut desk = Desk::night_with(setup, 120, 40);
    desk.keys("j j"); // there is a row before and after
    match spec.action {
        Action::Undo => {
            desk.keys("a");
            desk.commit();
        }
        Action::Redo => {
            desk.keys("a");
            desk.commit();
            desk.keys("z");
        }
        Action::TakeOver => desk.keys("G k"),
        Action::Results => {
            desk.keys("space space a");
        }
        Action::Unfold => desk.keys("b d g"),
        Action::Back => desk.keys("space"),
        Action::PaneAlerts => desk.keys("2"),
        _ => {}
    }
    match spec.context {
        Context::Detail => desk.keys("enter"),
        Context::Outbox => {
            desk.keys("a");
            let row = desk.commit().remove(0);
            desk.wait(4);
            desk.becomes(&row, IntentState::Parked, |row| row.detail = Some("403: not allowed".into()));
            desk.keys("Q");
        }
        Context::Shelf => desk.keys("s enter S"),
        Context::Handover => desk.keys("H"),
        Context::Global | Context::Form | Context::Question => {}
    }
    desk.effects.clear();
    desk
}

fn by_key(spec: &Spec) -> Desk {
    let mut desk = prepared(spec);
    desk.keys(spec.keys[0]);
    if spec.action == Action::Interrupt {
        desk.keys(spec.keys[0]); // twice quits
    }
    desk
}

fn by_palette(spec: &Spec) -> Desk {
    let mut desk = prepared(spec);
    desk.keys(":");
    desk.types(spec.name);
    desk.keys("enter");
    desk
}

/// Keys of forms and questions are text elsewhere, and the palette is a form itself.
fn reachable() -> impl Iterator<Item = &'static Spec> {
    ACTIONS
        .iter()
        .filter(|spec| !matches!(spec.context, Context::Form | Context::Question) && spec.action != Action::Palette)
}

#[test]
fn every_action_does_the_same_by_key_and_by_palette_and_does_something() {
    let mut seen = 0;
    for spec in reachable() {
        let (key, palette) = (by_key(spec), by_palette(spec));
        assert_eq!(key.effects, palette.effects, "{}", spec.name);
        if spec.action != Action::Interrupt {
            assert_eq!(key.screen(), palette.screen(), "{}", spec.name);
            assert_eq!(key.colours(), palette.colours(), "{}", spec.name);
        }
        let before = prepared(spec);
        let changed = !key.effects.is_empty() || key.screen() != before.screen() || key.colours() != before.colours();
        assert!(changed, "{} does nothing", spec.name);
        seen += 1;
    }
    assert!(seen > 50, "the table was not found");
}

#[test]
fn every_key_of_an_action_means_the_same() {
    for spec in reachable() {
        let first = by_key(spec);
        for other in &spec.keys[1..] {
            let mut desk = prepared(spec);
            desk.keys(other);
            assert_eq!(desk.effects, first.effects, "{} by {other}", spec.name);
            assert_eq!(desk.screen(), first.screen(), "{} by {other}", spec.name);
        }
    }
}

#[test]
fn a_read_only_console_refuses_by_palette_and_in_the_outbox_too() {
    for spec in reachable().filter(|spec| spec.writes || spec.action == Action::Discard) {
        let mut desk = Desk::night_with(
            Setup {
                read_only: true,
                ..setup()
            },
            120,
            40,
        );
        if spec.context == Context::Outbox {
            let intent = nightdesk::domain::Intent::Acknowledge {
                alert: "a-1001".into(),
                by: "operator1".into(),
                notes: None,
                over: None,
            };
            let mut row = desk.row(intent, std::time::Duration::ZERO);
            row.state = IntentState::Parked;
            desk.send(nightdesk::model::Event::Recovered(vec![row]));
            desk.keys("Q");
        }
        if spec.context == Context::Handover {
            desk.keys("H");
        }
        desk.effects.clear();
        for keys in [spec.keys[0], ":"] {
            desk.keys(keys);
            if keys == ":" {
                desk.types(spec.name);
                desk.keys("enter");
            }
            let asked = desk
                .effects
                .iter()
                .any(|effect| !matches!(effect, Effect::Title(_) | Effect::Fetch(_)));
            assert!(!asked, "{} by {keys}: {:?}", spec.name, desk.effects);
            assert!(
                desk.last_line().contains("read-only"),
                "{} by {keys}: {}",
                spec.name,
                desk.last_line()
            );
        }
    }
}
