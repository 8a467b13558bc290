//! Keys and reports in, effects and sentences out.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::SignedDuration;
use nightdesk::app::Setup;
use nightdesk::config::keymap::Keymap;
use nightdesk::domain::{ARRIVED_ALL_THE_SAME, AlertId, AlertState, Intent, IntentState, Listing, Service};
use nightdesk::model::{ACTIONS, Action, BridgeStatus, Context, Draft, DraftKey, Effect, Event, Fetch, Report, Ticket};

use super::desk::{Desk, acknowledged, alert, alerts, device, devices, fault, now, order, setup};

fn acknowledge(id: &str, notes: Option<&str>) -> Intent {
    Intent::Acknowledge {
        alert: AlertId::new(id),
        by: "operator1".into(),
        notes: notes.map(Into::into),
        over: None,
    }
}

#[test]
fn acknowledging_submits_the_row_under_the_cursor_with_its_grace() {
    let mut desk = Desk::night(120, 40);
    desk.keys("a");
    assert_eq!(
        desk.effects,
        [Effect::Submit {
            ticket: Ticket(1),
            intent: acknowledge("a-1001", None),
            grace: Duration::from_secs(3)
        }]
    );
    desk.keys("a");
    assert_eq!(desk.submitted_alerts(), ["a-1001"], "a second press asks for nothing");
    assert!(desk.last_line().contains("is being saved"), "{}", desk.last_line());
}

#[test]
fn with_a_note_nothing_is_sent_before_enter() {
    let mut desk = Desk::night(120, 40);
    desk.keys("A");
    desk.types("Valve: see q and a");
    desk.keys("alt-enter");
    desk.types("second line");
    assert!(desk.submitted().is_empty());
    desk.keys("enter");
    assert_eq!(
        desk.submitted(),
        [(Ticket(1), acknowledge("a-1001", Some("Valve: see q and a\nsecond line")))]
    );
    assert!(desk.app.is_plain());
}

#[test]
fn undo_reaches_a_row_before_and_after_it_is_committed_and_not_after_it_is_sent() {
    // before
    let mut desk = Desk::night(120, 40);
    desk.keys("a z");
    assert!(
        !desk.effects.iter().any(|effect| matches!(effect, Effect::Cancel(_))),
        "there is no row yet"
    );
    let rows = desk.commit();
    assert_eq!(desk.effects, [Effect::Cancel(rows[0].id)]);
    // after
    let mut desk = Desk::night(120, 40);
    desk.keys("a");
    let rows = desk.commit();
    desk.wait(1);
    assert!(desk.screen().contains("sends in 2s"));
    desk.keys("z");
    assert_eq!(desk.effects, [Effect::Cancel(rows[0].id)]);
    desk.becomes(&rows[0], IntentState::Cancelled, |_| {});
    assert!(desk.line(4).contains(" new "), "{}", desk.line(4));
    // again
    desk.effects.clear();
    desk.keys("Z");
    assert_eq!(desk.submitted_alerts(), ["a-1001"]);
    // sent
    let rows = desk.commit();
    desk.wait(4);
    desk.becomes(&rows[0], IntentState::Sending, |_| {});
    desk.effects.clear();
    desk.keys("z");
    assert!(desk.effects.is_empty());
    assert!(desk.last_line().contains("cannot be taken back"), "{}", desk.last_line());
    desk.becomes(&rows[0], IntentState::Delivered, |_| {});
    desk.keys("z");
    assert!(desk.effects.iter().all(|effect| !matches!(effect, Effect::Cancel(_))));
}

#[test]
fn acknowledged_is_shown_only_once_the_server_confirmed_it_and_no_older_list_takes_it_back() {
    let mut desk = Desk::night(120, 40);
    let older = desk.now;
    desk.keys("a");
    let rows = desk.commit();
    assert!(desk.line(4).contains("sends in 3s"));
    desk.wait(4);
    desk.becomes(&rows[0], IntentState::Sending, |_| {});
    assert!(desk.line(4).contains("sending") && !desk.line(4).contains("ack ✓"));
    desk.becomes(&rows[0], IntentState::Delivered, |_| {});
    assert!(desk.line(4).contains("ack ✓ 02:14:09"));
    // a list that was begun before the confirmation still says `new`
    desk.report(Report::Alerts {
        result: Ok(Listing::whole(alerts(), older)),
        cached: false,
    });
    desk.draw();
    assert!(desk.line(4).contains("ack ✓"), "{}", desk.line(4));
    // a newer one is believed
    desk.now += SignedDuration::from_secs(5);
    desk.report_alerts(alerts());
    desk.draw();
    assert!(desk.line(4).contains(" new "), "{}", desk.line(4));
}

#[test]
fn a_row_that_vanished_under_the_cursor_refuses_and_says_why() {
    for key in ["a", "A", "x", "w", "n", "t"] {
        let mut desk = Desk::night(120, 40);
        let mut fewer = alerts();
        fewer.remove(0);
        desk.report_alerts(fewer);
        desk.draw();
        assert!(
            desk.line(4).contains("▌") && desk.line(4).contains("gone"),
            "it keeps its place: {}",
            desk.line(4)
        );
        desk.keys(key);
        assert!(
            desk.effects
                .iter()
                .all(|effect| matches!(effect, Effect::Title(_) | Effect::Fetch(_))),
            "{key}"
        );
        assert!(desk.app.is_plain());
        let screen = desk.screen();
        assert!(screen.contains("no longer in Monitor's list"), "{key}: {}", desk.last_line());
        desk.keys("j k");
        assert!(!desk.screen().contains("gone"), "once left, it goes");
    }
}

#[test]
fn what_another_person_holds_is_taken_over_only_after_a_question() {
    let mut desk = Desk::night(120, 40);
    desk.keys("G k");
    assert!(desk.cursor().unwrap().contains("COMP-003"));
    desk.keys("a");
    assert!(
        desk.last_line().contains("operator2 acknowledged it 02:12; t takes it over"),
        "{}",
        desk.last_line()
    );
    desk.keys("t n");
    assert!(desk.submitted().is_empty());
    desk.keys("t y");
    assert_eq!(
        desk.submitted(),
        [(
            Ticket(1),
            Intent::Acknowledge {
                alert: AlertId::new("a-1002"),
                by: "operator1".into(),
                notes: Some("valve team is on the way".into()),
                over: Some("operator2".into()),
            }
        )]
    );
}

#[test]
fn a_read_only_console_refuses_every_write() {
    for spec in ACTIONS.iter().filter(|spec| spec.writes && spec.context == Context::Global) {
        let mut desk = Desk::night_with(
            Setup {
                read_only: true,
                ..setup()
            },
            120,
            40,
        );
        desk.keys(spec.keys[0]);
        assert!(desk.effects.is_empty(), "{}", spec.name);
        assert!(desk.app.is_plain(), "{}", spec.name);
        assert!(desk.last_line().contains("read-only"), "{}: {}", spec.name, desk.last_line());
    }
}

#[test]
fn a_paste_fills_fields_and_never_acts() {
    let mut desk = Desk::night(120, 40);
    desk.send(Event::Paste("aaxq\ny\n".into()));
    desk.draw();
    assert!(desk.effects.is_empty() && desk.app.is_plain());
    assert!(desk.last_line().contains("text fields only"));
    desk.keys("A");
    desk.send(Event::Paste("from the\u{1b}[31m manual\nline 2".into()));
    assert!(desk.submitted().is_empty(), "its line break is text");
    desk.keys("enter");
    assert_eq!(
        desk.submitted(),
        [(Ticket(1), acknowledge("a-1001", Some("from the[31m manual\nline 2")))]
    );
    // a question takes no paste
    let mut desk = Desk::night(120, 40);
    desk.keys("G k t");
    desk.send(Event::Paste("y".into()));
    assert!(desk.submitted().is_empty());
}

#[test]
fn the_resolve_form_asks_for_what_is_missing_and_then_submits() {
    let mut desk = Desk::night(120, 40);
    desk.keys("x enter");
    assert!(desk.screen().contains("resolution is empty"));
    desk.types("Relubricated");
    desk.keys("enter");
    assert!(desk.screen().contains("root cause is empty"));
    desk.types("own words");
    desk.keys("tab");
    desk.types("Check weekly");
    desk.keys("enter");
    assert_eq!(
        desk.submitted(),
        [(
            Ticket(1),
            Intent::Resolve {
                alert: AlertId::new("a-1001"),
                by: "operator1".into(),
                resolution: "Relubricated".into(),
                root_cause: "own words".into(),
                preventive_action: Some("Check weekly".into()),
            }
        )]
    );
}

#[test]
fn a_draft_is_kept_until_the_outbox_has_it() {
    let mut desk = Desk::night(120, 40);
    desk.keys("x");
    desk.types("Half");
    let key = DraftKey {
        form: "resolve".into(),
        profile: "bedford".into(),
        alerts: vec![AlertId::new("a-1001")],
    };
    assert!(matches!(desk.effects.last(), Some(Effect::SaveDraft(draft)) if draft.key == key && draft.fields[0].1 == "Half"));
    desk.keys("esc x");
    assert!(desk.screen().contains("Half"), "it is offered again");
    desk.keys("tab");
    desk.types("why");
    desk.keys("enter");
    assert!(
        !desk.effects.contains(&Effect::DropDraft(key.clone())),
        "not before it is committed"
    );
    // the outbox refuses
    let (ticket, _) = desk.submitted()[0].clone();
    desk.send(Event::Submitted {
        ticket,
        result: Err("the disk is full".into()),
    });
    desk.draw();
    assert!(
        desk.last_line().contains("not saved") && desk.last_line().contains("kept as a draft"),
        "{}",
        desk.last_line()
    );
    desk.effects.clear();
    desk.keys("x enter");
    desk.commit();
    assert!(desk.effects.contains(&Effect::DropDraft(key)));
    assert!(!desk.screen().contains("not saved"));
}

#[test]
fn drafts_of_an_earlier_run_are_offered() {
    let mut desk = Desk::night(120, 40);
    let key = |profile: &str| DraftKey {
        form: "note".into(),
        profile: profile.into(),
        alerts: vec![AlertId::new("a-1001")],
    };
    let draft = |profile: &str, text: &str| Draft {
        key: key(profile),
        fields: vec![("note".into(), text.into())],
        saved_at: now() - SignedDuration::from_mins(4),
    };
    desk.send(Event::Drafts(vec![draft("bedford", "was writing"), draft("elsewhere", "not mine")]));
    desk.draw();
    assert!(desk.last_line().contains("kept as a draft: note PUMP-017"), "{}", desk.last_line());
    desk.keys("A");
    let screen = desk.screen();
    assert!(screen.contains("was writing") && screen.contains("restored from your draft of 02:10"));
}

#[test]
fn a_work_order_is_made_only_after_the_open_orders_are_known() {
    let mut desk = Desk::night(120, 40);
    desk.keys("w");
    assert_eq!(
        desk.effects,
        [Effect::Fetch(Fetch::OpenOrders {
            alert: "a-1001".into(),
            asset: "PUMP-017".into(),
            site: "BEDFORD".into()
        })]
    );
    desk.keys("enter");
    assert!(desk.submitted().is_empty(), "Manage has not answered");
    desk.report(Report::OpenOrders {
        alert: "a-1001".into(),
        result: Ok(Vec::new()),
    });
    desk.keys("enter");
    let submitted = desk.submitted();
    let Intent::CreateWorkOrder {
        alert,
        generation: 0,
        seen,
        allow_duplicate: false,
        draft,
    } = &submitted[0].1
    else {
        panic!("{submitted:?}")
    };
    assert_eq!((alert.raw(), seen.len()), ("a-1001", 0));
    assert_eq!(draft.description, "IoT Alert: Bearing temperature high");
    assert_eq!((draft.wopriority, draft.assetnum.as_deref()), (1, Some("PUMP-017")));
}

#[test]
fn with_an_open_order_linking_is_the_proposal_and_making_another_a_choice() {
    let found = || Report::OpenOrders {
        alert: "a-1001".into(),
        result: Ok(vec![
            order("1043", "INPRG", "Replace coupling"),
            order("990", "COMP", "Done long ago"),
        ]),
    };
    let mut desk = Desk::night(120, 40);
    desk.keys("w");
    desk.report(found());
    desk.draw();
    assert!(!desk.screen().contains("990"), "a completed order is not open");
    desk.keys("enter");
    assert_eq!(desk.submitted(), [(Ticket(1), acknowledge("a-1001", Some("[WO 1043]")))]);

    let mut desk = Desk::night(120, 40);
    desk.keys("w");
    desk.report(found());
    desk.draw();
    desk.keys("down enter");
    let submitted = desk.submitted();
    assert!(
        matches!(&submitted[0].1, Intent::CreateWorkOrder { seen, allow_duplicate: true, .. } if seen.len() == 1 && seen[0].raw() == "1043"),
        "{submitted:?}"
    );

    // what was made for the alert elsewhere is counted: a further order bears a name that none of them has
    let mut desk = Desk::night(120, 40);
    desk.keys("w");
    let made = |number: &str, generation: u32| {
        let id = nightdesk::domain::Reference::of("BEDFORD", &"a-1001".into(), generation).short();
        nightdesk::domain::WorkOrder {
            externalrefid: Some(id.into()),
            ..order(number, "WAPPR", "Made elsewhere")
        }
    };
    desk.report(Report::OpenOrders {
        alert: "a-1001".into(),
        result: Ok(vec![made("1043", 0), made("1044", 1)]),
    });
    desk.draw();
    desk.keys("down down enter");
    let submitted = desk.submitted();
    assert!(
        matches!(
            &submitted[0].1,
            Intent::CreateWorkOrder {
                generation: 2,
                allow_duplicate: true,
                ..
            }
        ),
        "{submitted:?}"
    );

    // whoever is typing when the answer comes neither links nor doubles by a late Enter
    let mut desk = Desk::night(120, 40);
    desk.keys("w");
    desk.types("!");
    desk.report(found());
    desk.draw();
    desk.keys("enter");
    assert!(desk.submitted().is_empty());
    assert!(desk.screen().contains("choose whether to link"));
    desk.keys("enter");
    assert_eq!(desk.submitted_alerts(), ["a-1001"]);
}

#[test]
fn open_orders_unknown_are_said_and_the_order_is_queued_all_the_same() {
    let mut desk = Desk::night(120, 40);
    desk.keys("w");
    desk.report(Report::OpenOrders {
        alert: "a-1001".into(),
        result: Err(fault("manage.example does not answer")),
    });
    desk.draw();
    assert!(desk.screen().contains("open orders unknown: manage.example does not answer"));
    desk.keys("enter");
    assert!(matches!(&desk.submitted()[0].1, Intent::CreateWorkOrder { seen, allow_duplicate: false, .. } if seen.is_empty()));
}

#[test]
fn another_asset_has_other_orders_and_a_wrong_field_is_named() {
    let mut desk = Desk::night(120, 40);
    desk.keys("w");
    desk.report(Report::OpenOrders {
        alert: "a-1001".into(),
        result: Ok(Vec::new()),
    });
    desk.keys("tab tab");
    desk.types("-B");
    desk.effects.clear();
    desk.keys("tab");
    assert_eq!(
        desk.effects,
        [Effect::Fetch(Fetch::OpenOrders {
            alert: "a-1001".into(),
            asset: "PUMP-017-B".into(),
            site: "BEDFORD".into()
        })]
    );
    desk.report(Report::OpenOrders {
        alert: "a-1001".into(),
        result: Ok(Vec::new()),
    });
    desk.types("-FAR-TOO-LONG");
    desk.keys("tab enter");
    desk.report(Report::OpenOrders {
        alert: "a-1001".into(),
        result: Ok(Vec::new()),
    });
    desk.keys("enter");
    assert!(desk.submitted().is_empty());
    assert!(
        desk.screen().contains("siteid has 20 characters: Manage takes 8"),
        "{}",
        desk.screen()
    );
}

#[test]
fn without_manage_no_order_can_be_made() {
    let mut desk = Desk::night_with(Setup { manage: false, ..setup() }, 120, 40);
    desk.keys("w");
    assert!(desk.app.is_plain() && desk.last_line().contains("Manage is not set up"));
    assert!(desk.line(0).contains("Manage not set up"));
}

#[test]
fn quitting_asks_while_something_is_unsent() {
    let mut desk = Desk::night(120, 40);
    desk.keys("q");
    assert_eq!(desk.effects, [Effect::Quit]);
    let mut desk = Desk::night(120, 40);
    desk.keys("a");
    desk.commit();
    desk.keys("q");
    assert!(desk.screen().contains("safe in the outbox") && desk.effects.is_empty());
    desk.keys("n");
    assert!(desk.app.is_plain() && desk.effects.is_empty());
    desk.keys("q y");
    assert_eq!(desk.effects, [Effect::Quit]);
}

#[test]
fn control_c_twice_quits_from_anywhere_and_once_does_not() {
    for before in ["", "x", "/", ":", "?", "enter"] {
        let mut desk = Desk::night(120, 40);
        desk.keys(before);
        desk.effects.clear();
        desk.keys("ctrl-c");
        assert!(desk.effects.is_empty());
        desk.keys("ctrl-c");
        assert_eq!(desk.effects, [Effect::Quit], "after {before}");
    }
    let mut desk = Desk::night(120, 40);
    desk.keys("ctrl-c j ctrl-c");
    assert!(!desk.effects.contains(&Effect::Quit));
}

#[test]
fn escape_and_a_key_in_one_packet_are_both_meant_but_not_while_text_is_typed() {
    for window in ["?", "enter", "L", "Q", "f"] {
        let mut desk = Desk::night(120, 40);
        let first = desk.cursor();
        desk.keys(window);
        assert!(!desk.app.is_plain());
        desk.keys("alt-j");
        assert!(desk.app.is_plain(), "{window} is closed");
        assert_ne!(desk.cursor(), first, "and the cursor moved after {window}");
    }
    for window in ["x", "A", "/", ":"] {
        let mut desk = Desk::night(120, 40);
        desk.keys(window);
        desk.effects.clear();
        desk.keys("alt-j");
        assert!(!desk.app.is_plain() && desk.effects.is_empty(), "{window} stays, nothing is typed");
    }
    // a list of choices takes no choice for a key that came with Escape
    let mut desk = Desk::night(120, 40);
    desk.keys("f");
    desk.keys("alt-2");
    assert!(desk.app.is_plain());
    // what the keymap gives a meaning keeps it
    let keymap = Keymap::parse("help = [\"alt-j\"]").unwrap();
    let mut desk = Desk::night_with(Setup { keymap, ..setup() }, 120, 40);
    desk.keys("alt-j");
    assert!(desk.screen().contains(" Keys "));
}

#[test]
fn the_filter_follows_what_is_typed_and_escape_takes_it_back() {
    let mut desk = Desk::night(120, 40);
    desk.keys("/");
    desk.types("sev>=high");
    assert_eq!(desk.app.queue().rows().len(), 3);
    desk.types(" (");
    assert_eq!(desk.app.queue().rows().len(), 3, "what is not valid changes nothing");
    assert!(desk.screen().contains('^'));
    desk.keys("enter");
    assert!(!desk.app.is_plain(), "a filter with an error is not kept");
    desk.keys("backspace backspace enter");
    assert!(desk.app.is_plain());
    desk.keys("/");
    desk.types(" new");
    desk.keys("esc");
    assert_eq!(desk.app.queue().filter().text(), "sev>=high");
    desk.keys("esc");
    assert_eq!(desk.app.queue().rows().len(), 7);
}

#[test]
fn quick_filters_narrow_and_widen() {
    let mut desk = Desk::night(120, 40);
    desk.keys("!");
    assert_eq!(desk.app.queue().rows().len(), 5);
    desk.keys("! ~");
    assert_eq!(desk.app.queue().rows(), [AlertId::new("a-1006")]);
    desk.keys("~");
    assert_eq!(desk.app.queue().rows().len(), 7);
}

#[test]
fn a_frozen_list_counts_what_waits() {
    let mut desk = Desk::night(120, 40);
    desk.keys("j p");
    let before = desk.app.queue().rows().to_vec();
    let mut changed = alerts();
    changed.remove(0);
    changed.push(alert("a-2000", ("Chiller", "CHIL-009"), "Leak", "critical", 0));
    changed.push(alert("a-2001", ("Chiller", "CHIL-009"), "Leak again", "critical", 0));
    desk.report_alerts(changed);
    desk.draw();
    assert_eq!(desk.app.queue().rows(), before);
    assert!(desk.line(2).contains("FROZEN 02:14, 2 new wait, 1 gone"), "{}", desk.line(2));
    desk.keys("k a");
    assert!(desk.submitted().is_empty(), "what is gone is refused in a frozen list, too");
    desk.keys("j p");
    assert_eq!(desk.app.queue().rows().len(), 8);
    assert!(desk.cursor().unwrap().contains("TEMP-041"));
}

#[test]
fn the_count_in_the_title_is_of_what_the_list_holds() {
    let title = |desk: &Desk| desk.line(2);
    let mut desk = Desk::night(120, 40);
    assert!(title(&desk).contains("Alerts 7 · "), "{}", title(&desk));
    // the row under the cursor went, and is kept until the cursor leaves
    desk.keys("j");
    let kept = desk.app.queue().cursor().unwrap().clone();
    let mut changed = alerts();
    changed.retain(|alert| alert.id != kept);
    desk.report_alerts(changed.clone());
    desk.draw();
    assert_eq!(desk.app.queue().rows().len(), 7);
    assert!(title(&desk).contains("Alerts 6 · "), "{}", title(&desk));
    // frozen: a resolved row is gone from the list as one that went is
    let mut desk = Desk::night(120, 40);
    desk.keys("p");
    let mut changed = alerts();
    let open = changed.iter_mut().filter(|alert| alert.state != AlertState::Resolved);
    for alert in open.take(2) {
        alert.state = AlertState::Resolved;
        alert.resolved_at = Some(desk.now);
    }
    changed.push(alert("a-2000", ("Chiller", "CHIL-009"), "Leak", "critical", 0));
    desk.report_alerts(changed.clone());
    desk.draw();
    assert_eq!(desk.app.queue().rows().len(), 7);
    assert!(title(&desk).contains("1 new wait, 2 gone"), "{}", title(&desk));
    assert!(title(&desk).contains("Alerts 5 of 6 · "), "{}", title(&desk));
    desk.keys("p");
    // a filter that takes the resolved ones in counts them among all
    let resolved = changed.iter().filter(|alert| alert.state == AlertState::Resolved).count();
    desk.keys("/");
    desk.types("state:resolved");
    desk.keys("enter");
    let expected = format!("Alerts {resolved} of {} · ", changed.len());
    assert!(title(&desk).contains(&expected), "{expected}: {}", title(&desk));
}

#[test]
fn how_old_the_list_is_stands_before_what_narrows_it_and_is_never_cut() {
    for (width, height) in [(120, 40), (80, 24), (60, 20)] {
        let mut desk = Desk::night(width, height);
        desk.keys("/");
        desk.types("(dev:PUMP-* | type:Boiler | state:new) -loc:\"Building E\"");
        desk.keys("enter ! ~");
        let title = |desk: &Desk| {
            let screen = desk.screen();
            screen.lines().find(|line| line.contains("Alerts ")).unwrap().to_owned()
        };
        assert!(title(&desk).contains(" live · "), "{}", title(&desk));
        desk.keys("p");
        assert!(title(&desk).contains(" live · FROZEN 02:14"), "{}", title(&desk));
        desk.wait(3);
        desk.down(
            Service::Monitor,
            "it does not answer, and this is said in a long sentence of many words",
        );
        desk.wait(60);
        assert!(title(&desk).contains(" NO DATA since 02:14 · "), "{}", title(&desk));
        assert!(desk.line(2).contains("! NO DATA: alerts since 02:14"), "{}", desk.line(2));
    }
}

#[test]
fn all_servers_that_are_down_are_named() {
    let mut desk = Desk::night(120, 40);
    desk.down(Service::Monitor, "no route");
    desk.down(Service::Manage, "no answer");
    desk.draw();
    let screen = desk.screen();
    assert!(
        screen.contains("Monitor down since 02:14: no route") && screen.contains("Manage down since 02:14: no answer"),
        "{screen}"
    );
}

#[test]
fn marks_are_acted_on_together_and_survive_a_refresh() {
    let mut desk = Desk::night(120, 40);
    desk.keys("space j space");
    desk.now += SignedDuration::from_secs(5);
    desk.report_alerts(alerts());
    desk.draw();
    desk.keys("a");
    assert_eq!(desk.submitted_alerts(), ["a-1001", "a-1005"]);
    assert!(!desk.screen().contains('◆'), "what was acted on is no longer marked");
    assert!(desk.last_line().contains("2 alerts"));
}

#[test]
fn a_row_that_is_hidden_loses_its_mark_and_it_says_so() {
    let mut desk = Desk::night(120, 40);
    desk.keys("* /");
    desk.types("sev:critical");
    desk.keys("enter");
    assert_eq!(desk.app.queue().mark_count(), 1);
    let mut desk = Desk::night(120, 40);
    desk.keys("space");
    let mut fewer = alerts();
    fewer.remove(0);
    desk.report_alerts(fewer);
    desk.draw();
    assert_eq!(desk.app.queue().mark_count(), 0);
    assert!(desk.last_line().contains("mark fell away"), "{}", desk.last_line());
}

#[test]
fn those_that_others_hold_are_counted_in_the_sentence_and_in_the_results() {
    let mut list: Vec<_> = (0..8)
        .map(|number| {
            alert(
                &format!("n-{number}"),
                ("PumpStation", &format!("PUMP-00{number}")),
                "Flow low",
                "high",
                9,
            )
        })
        .collect();
    for one in list.iter_mut().take(3) {
        *one = acknowledged(one.clone(), "operator2", 4, None);
    }
    let mut desk = Desk::new(80, 24);
    desk.links();
    desk.report_alerts(list);
    desk.draw();
    desk.keys("* a");
    assert_eq!(desk.submitted_alerts().len(), 5);
    let screen = desk.screen();
    let words = screen.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains("acknowledge 5 alerts"),
        "the head of a long sentence is there, too: {screen}"
    );
    assert!(words.contains("3 of 8 left out: held by others"), "{screen}");
    for row in desk.commit() {
        desk.becomes(&row, IntentState::Delivered, |_| {});
    }
    desk.keys("R");
    assert!(desk.screen().contains("5 of 5 went well; 3 of 8 left out"), "{}", desk.screen());
    // no mark stays on what was left out: the next key must not hit it
    assert!(!desk.screen().contains("marked"), "{}", desk.screen());
    desk.keys("esc /");
    desk.types("by:operator2");
    desk.keys("enter * a");
    assert!(
        desk.screen().contains("all 3 are held by others: t takes one over"),
        "{}",
        desk.screen()
    );
}

#[test]
fn who_was_first_is_told_with_the_time_of_the_server() {
    let mut desk = Desk::night(120, 40);
    desk.keys("a");
    let rows = desk.commit();
    desk.wait(4);
    let superseded = |row: &mut nightdesk::domain::OutboxRow| {
        row.superseded_by = Some("operator2".into());
        row.detail = Some("already acknowledged by operator2 at 2026-11-13T02:07:05Z".into());
    };
    desk.becomes(&rows[0], IntentState::Superseded, superseded);
    assert!(desk.screen().contains("by operator2"), "{}", desk.screen());
    assert!(
        !desk.screen().contains("by operator2 02:14"),
        "the time of our attempt is not theirs"
    );
    let mut list = alerts();
    list[0] = acknowledged(list[0].clone(), "operator2", 7, None);
    desk.report_alerts(list);
    desk.draw();
    assert!(desk.screen().contains("acknowledge: by operator2 02:07,"), "{}", desk.screen());
}

#[test]
fn some_of_the_marked_can_be_left_out_and_are_named() {
    let mut desk = Desk::night(120, 40);
    desk.keys("* a");
    assert_eq!(desk.submitted_alerts().len(), 5);
    assert!(desk.screen().contains("2 of 7 left out"), "{}", desk.last_line());
    let rows = desk.commit();
    desk.wait(4);
    for (index, row) in rows.iter().enumerate() {
        let state = if index == 1 { IntentState::Parked } else { IntentState::Delivered };
        desk.becomes(row, state, |row| row.detail = (index == 1).then(|| "404: no such alert".into()));
    }
    assert!(
        desk.last_line().contains("4 of 5 acknowledged; 1 not: R shows which and why"),
        "{}",
        desk.last_line()
    );
    desk.keys("R");
    assert!(desk.screen().contains("refused: 404: no such alert"));
}

#[test]
fn above_the_limit_the_number_is_typed() {
    let mut desk = Desk::with(Setup { bulk_limit: 3, ..setup() }, 120, 40);
    desk.report_alerts(
        (0..5)
            .map(|at| alert(&format!("b-{at}"), ("Pump", "P"), "Many", "high", at))
            .collect(),
    );
    desk.draw();
    desk.keys("* a enter");
    assert!(desk.submitted().is_empty());
    desk.types("4");
    desk.keys("enter");
    assert!(desk.submitted().is_empty());
    desk.keys("backspace");
    desk.types("5");
    desk.keys("enter");
    assert_eq!(desk.submitted().len(), 5);
}

#[test]
fn a_tick_that_changes_nothing_draws_nothing() {
    let mut desk = Desk::night(120, 40);
    desk.wait(4);
    desk.report_alerts(alerts());
    desk.draw();
    for _ in 0..40 {
        desk.now += SignedDuration::from_secs(1);
        desk.send(Event::Tick);
        assert!(!desk.app.needs_draw(), "{}", desk.now);
        desk.report_alerts(alerts());
        assert!(!desk.app.needs_draw(), "the same list again");
    }
    let next = desk.app.next_change().unwrap();
    desk.now = next;
    desk.send(Event::Tick);
    assert!(desk.app.needs_draw(), "a minute began");
    desk.draw();
    desk.keys("a");
    desk.commit();
    desk.draw();
    desk.now += SignedDuration::from_secs(1);
    desk.send(Event::Tick);
    assert!(desk.app.needs_draw(), "a countdown is on the screen");
}

#[test]
fn silence_is_said_in_words_past_twice_the_interval() {
    let mut desk = Desk::night(120, 40);
    desk.wait(10);
    assert!(!desk.screen().contains("NO DATA"));
    desk.wait(1);
    assert!(desk.line(3).contains("NO DATA since 02:14"), "{}", desk.line(3));
    assert!(
        desk.screen().contains("PUMP-017 Bearing temperature high"),
        "the last known rows stay"
    );
    desk.keys("a");
    assert_eq!(desk.submitted().len(), 1, "and actions queue");
}

#[test]
fn manage_is_not_called_live_for_an_answer_from_before_monitors_outage() {
    let mut desk = Desk::night(120, 40);
    desk.report(Report::OrderStatus(Ok(Vec::new())));
    desk.wait(3);
    assert!(desk.line(0).contains("Manage ● live"), "{}", desk.line(0));
    desk.down(Service::Monitor, "it does not answer");
    desk.draw();
    assert!(desk.line(0).contains("Manage ◌ last answer 02:14"), "{}", desk.line(0));
    desk.wait(1);
    desk.report(Report::OrderStatus(Ok(Vec::new())));
    desk.draw();
    assert!(
        desk.line(0).contains("Manage ● live"),
        "it answers while Monitor does not: {}",
        desk.line(0)
    );
}

#[test]
fn what_was_first_by_another_is_shown_with_who_and_when() {
    let mut desk = Desk::night(120, 40);
    let mut changed = alerts();
    changed[0] = acknowledged(changed[0].clone(), "operator2", 0, Some("mine"));
    desk.report_alerts(changed);
    desk.draw();
    assert!(
        desk.line(4).contains("▌") && desk.line(4).contains("ack operator2"),
        "in its place: {}",
        desk.line(4)
    );
    desk.keys("a");
    assert!(desk.submitted().is_empty());
    assert!(desk.screen().contains("operator2 acknowledged it 02:14"));
}

#[test]
fn every_key_of_the_table_does_something_in_its_place() {
    for spec in ACTIONS {
        for key in spec.keys {
            let mut desk = Desk::night(120, 40);
            match spec.context {
                Context::Global => desk.keys("j"),
                Context::Detail => desk.keys("j enter"),
                Context::Outbox => {
                    desk.keys("a");
                    let rows = desk.commit();
                    desk.becomes(&rows[0], IntentState::Parked, |_| {});
                    desk.keys("Q");
                }
                Context::Shelf => {
                    desk.keys("s enter S");
                }
                Context::Handover => desk.keys("H"),
                Context::Form => {
                    desk.keys("x");
                    desk.types("b");
                }
                Context::Question => desk.keys("G k t"),
            }
            desk.effects.clear();
            let before = desk.screen();
            let colours = desk.colours();
            desk.keys(key);
            let after = desk.screen();
            assert!(!after.contains("means nothing here"), "{} {key}", spec.name);
            let nothing = before == after && colours == desk.colours() && desk.effects.is_empty();
            // Some are at their end here: the first row, the only line of a field.
            let at_rest = matches!(
                spec.action,
                Action::PaneAlerts
                    | Action::Mute
                    | Action::Submit
                    | Action::NextChoice
                    | Action::PreviousChoice
                    | Action::HalfUp
                    | Action::PageUp
            );
            assert!(!nothing || at_rest, "{} {key} changed nothing", spec.name);
        }
    }
}

#[test]
fn keys_can_be_changed_and_hints_follow() {
    let keymap = Keymap::parse("acknowledge = [\"f2\"]\nhelp = [\"f1\"]").unwrap();
    let mut desk = Desk::night_with(Setup { keymap, ..setup() }, 120, 40);
    assert!(desk.last_line().starts_with(" f2 ack"), "{}", desk.last_line());
    desk.keys("a");
    assert!(desk.submitted().is_empty());
    desk.keys("f2");
    assert_eq!(desk.submitted_alerts(), ["a-1001"]);
}

#[test]
fn the_palette_runs_what_it_finds() {
    let mut desk = Desk::night(120, 40);
    desk.keys(":");
    desk.types("acknow");
    desk.keys("enter");
    assert_eq!(desk.submitted_alerts(), ["a-1001"]);
}

#[test]
fn a_window_over_the_rows_keeps_actions_from_them() {
    for window in ["?", "Q", "L"] {
        let mut desk = Desk::night(120, 40);
        desk.keys(window);
        desk.keys("a x w");
        assert!(desk.submitted().is_empty() && !desk.screen().contains("Resolve PUMP"), "{window}");
        desk.keys("esc a");
        assert_eq!(desk.submitted_alerts(), ["a-1001"]);
    }
}

#[test]
fn the_detail_window_acts_on_the_alert_that_it_shows() {
    let mut desk = Desk::night(120, 40);
    desk.keys("enter J a");
    assert_eq!(desk.submitted_alerts(), ["a-1003"]);
    desk.keys("K K x");
    assert!(desk.screen().contains("Resolve PUMP-017 Bearing temperature high"));
}

#[test]
fn devices_are_not_acted_on_by_alert_keys() {
    let mut desk = Desk::night(120, 40);
    desk.keys("2 a");
    assert!(desk.submitted().is_empty());
    assert!(desk.last_line().contains("a device is under the cursor"));
}

#[test]
fn the_cursor_asks_for_the_readings_of_its_device() {
    let mut desk = Desk::night(60, 20);
    desk.keys("j");
    assert_eq!(
        desk.effects,
        [Effect::Fetch(Fetch::Trends {
            devices: vec![nightdesk::domain::DeviceKey::new("TemperatureSensor", "TEMP-041")],
            window_seconds: 7_200
        })]
    );
}

#[test]
fn the_side_follows_a_cursor_that_rests_and_asks_once_for_a_held_key() {
    let mut desk = Desk::night(120, 40);
    let side = |desk: &Desk| desk.line(2).chars().skip(78).collect::<String>();
    assert!(side(&desk).contains("PUMP-017"), "{}", side(&desk));
    desk.key("j");
    desk.draw();
    desk.key("j");
    desk.draw();
    assert!(
        desk.screen().contains("▌   48m MED  CHIL-002"),
        "the cursor is there at once: {}",
        desk.screen()
    );
    assert!(side(&desk).contains("PUMP-017"), "it says what it shows: {}", side(&desk));
    assert_eq!(desk.effects, [], "nothing is asked for on the way");
    desk.rest();
    assert!(side(&desk).contains("CHIL-002"), "{}", side(&desk));
    assert_eq!(desk.effects.len(), 1, "{:?}", desk.effects);
    desk.key("j");
    desk.key("enter");
    desk.draw();
    assert!(
        desk.screen().contains("Vibration above warning"),
        "what is opened is under the cursor: {}",
        desk.screen()
    );
    assert_eq!(desk.app.wakes_at(), None);
}

#[test]
fn the_bell_rings_for_what_is_new_and_critical_and_only_then() {
    let ring = |desk: &mut Desk, severity: &str, id: &str| {
        desk.effects.clear();
        let mut more = alerts();
        more.push(alert(id, ("Chiller", "C"), "New one", severity, 0));
        desk.report_alerts(more);
        desk.effects.iter().any(|effect| matches!(effect, Effect::Bell(_)))
    };
    let mut desk = Desk::night(120, 40);
    assert!(ring(&mut desk, "critical", "n-1"));
    assert!(!ring(&mut desk, "critical", "n-1"), "it is not new any more");
    assert!(!ring(&mut desk, "low", "n-2"));
    desk.keys("m");
    assert!(!ring(&mut desk, "critical", "n-3"));
}

#[test]
fn an_incomplete_list_takes_no_row_away_and_unreadable_records_are_counted() {
    let mut desk = Desk::night(120, 40);
    let mut listing = Listing::whole(vec![alerts().remove(0)], desk.now);
    listing.complete = false;
    listing.skipped = 3;
    desk.report(Report::Alerts {
        result: Ok(listing),
        cached: false,
    });
    desk.draw();
    assert_eq!(desk.app.queue().rows().len(), 7);
    assert!(desk.line(2).contains("list incomplete · 3 unreadable"), "{}", desk.line(2));
}

#[test]
fn unknown_severities_and_states_are_shown_as_they_come() {
    let mut desk = Desk::with(setup(), 120, 40);
    let mut odd = alert("o-1", ("Pump", "P-1"), "Odd\u{1b}[31m one", "urgent", 3);
    odd.state = AlertState::parse("escalated");
    desk.report_alerts(vec![odd]);
    desk.draw();
    let line = desk.line(4);
    assert!(
        line.contains("URG") && line.contains("escalated") && line.contains("Odd␛[31m one"),
        "{line}"
    );
}

#[test]
fn a_hundred_thousand_devices_are_listed_counted_and_moved_through() {
    let mut desk = Desk::night(120, 40);
    desk.report_devices(
        (0..100_000)
            .map(|number| device("Pump", &format!("P-{number:06}"), "Hall", number % 7 != 0, 0))
            .collect(),
    );
    desk.draw();
    desk.keys("2 G");
    let screen = desk.screen();
    assert!(
        screen.contains("Devices 100000 · 14286 offline") && screen.contains("P-099999"),
        "{screen}"
    );
    let wanted = desk.effects.iter().rev().find_map(|effect| match effect {
        Effect::Fetch(Fetch::Trends { devices, .. }) => Some(devices.len()),
        _ => None,
    });
    assert!(wanted.is_none_or(|wanted| wanted <= 64));
    desk.report_devices(devices());
    desk.draw();
    assert!(desk.screen().contains("Devices 30"));
}

#[test]
fn the_outbox_window_sends_again_edits_and_discards() {
    let mut desk = Desk::night(120, 40);
    desk.keys("A");
    desk.types("note");
    desk.keys("enter");
    let rows = desk.commit();
    desk.wait(4);
    let row = desk.becomes(&rows[0], IntentState::Parked, |row| row.detail = Some("403: no".into()));
    desk.effects.clear();
    desk.keys("Q R");
    assert_eq!(desk.effects, [Effect::Retry(row.id)]);
    desk.effects.clear();
    desk.keys("E");
    desk.types(" again");
    desk.keys("enter");
    let replaced: Vec<&Effect> = desk
        .effects
        .iter()
        .filter(|effect| matches!(effect, Effect::Replace { .. }))
        .collect();
    assert_eq!(
        replaced,
        [&Effect::Replace {
            id: row.id,
            ticket: Ticket(2),
            intent: acknowledge("a-1001", Some("note again"))
        }]
    );
    desk.effects.clear();
    desk.keys("D");
    assert_eq!(desk.effects, [Effect::Cancel(row.id)]);
}

#[test]
fn a_row_that_is_discarded_though_it_may_have_arrived_is_not_said_to_be_undone() {
    let mut desk = Desk::night(120, 40);
    desk.keys("A");
    desk.types("note");
    desk.keys("enter");
    let rows = desk.commit();
    desk.wait(4);
    let row = desk.becomes(&rows[0], IntentState::Parked, |row| row.detail = Some("403: no".into()));
    desk.keys("Q D");
    desk.becomes(&row, IntentState::Cancelled, |row| row.detail = Some(ARRIVED_ALL_THE_SAME.into()));
    desk.draw();
    let screen = desk.screen();
    assert!(screen.contains("? may have arrived"), "{screen}");
    assert!(screen.contains("taken back, but an earlier attempt may have arrived"), "{screen}");
    // one that certainly did not is plainly taken back
    desk.becomes(&row, IntentState::Cancelled, |row| row.detail = None);
    desk.draw();
    let screen = desk.screen();
    assert!(
        screen.contains("acknowledge: taken back.") && !screen.contains("? may have arrived"),
        "{screen}"
    );
}

#[test]
fn rows_of_an_earlier_run_are_told() {
    let mut desk = Desk::night(120, 40);
    let row = desk.row(acknowledge("a-1003", None), Duration::ZERO);
    desk.send(Event::Recovered(vec![row]));
    desk.draw();
    assert!(desk.line(0).contains("outbox 1"));
    assert!(desk.line(5).contains("ack queued"), "{}", desk.line(5));
    assert!(desk.last_line().contains("earlier run"));
}

#[test]
fn without_colour_severity_and_state_are_words() {
    let mut desk = Desk::night(120, 40);
    desk.keys("a");
    desk.commit();
    let screen = desk.screen();
    for word in [
        "CRIT",
        "HIGH",
        "MED",
        "LOW",
        "new",
        "ack operator2",
        "sends in 3s",
        "offline",
        "live",
        "·stale",
    ] {
        assert!(screen.contains(word), "{word}");
    }
    desk.down(Service::Monitor, "no answer");
    desk.draw();
    assert!(desk.line(0).contains("down since"));
}

#[test]
fn the_readme_table_lists_every_action_once() {
    let table = nightdesk::model::markdown();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for spec in ACTIONS {
        let count = table
            .lines()
            .filter(|line| line.split('|').nth(2).is_some_and(|name| name.trim() == spec.name))
            .count();
        seen.insert(spec.name, count);
    }
    assert!(seen.values().all(|count| *count == 1), "{seen:?}");
}

/// Hours pass, and the servers are still there.
fn later(desk: &mut Desk, hours: i64) {
    desk.now += SignedDuration::from_hours(hours);
    desk.links();
    desk.report_devices(devices());
    desk.report_alerts(alerts());
    desk.report_trends();
    desk.send(Event::Tick);
    desk.draw();
}

#[test]
fn a_key_is_warned_of_each_day_of_its_last_week_and_stands_in_a_banner_once_it_is_over() {
    let created = |day: &str| vec![(Service::Monitor, day.parse().unwrap())];
    // the 83rd day: seven are left
    let setup = Setup {
        keys: created("2026-08-22"),
        ..setup()
    };
    let mut desk = Desk::night_with(setup, 120, 40);
    for left in (0..=7).rev() {
        let within = match left {
            0 => "today".to_owned(),
            1 => "within 1 day".to_owned(),
            days => format!("within {days} days"),
        };
        let words = format!("[profiles.bedford.monitor]: the key is to be replaced {within}");
        assert!(desk.last_line().contains(&words), "{left}: {}", desk.last_line());
        desk.keys("j");
        desk.wait(1);
        assert!(
            !desk.screen().contains("to be replaced"),
            "{left}: seen, it is gone until the next day"
        );
        later(&mut desk, 24);
    }
    let over = "[profiles.bedford.monitor]: the key is 1 day past its 90";
    assert!(desk.screen().contains(over), "{}", desk.screen());
    desk.keys("j k");
    later(&mut desk, 1);
    assert!(desk.screen().contains(over), "it stays");
    // rotated, and the configuration says so: no restart
    desk.send(Event::KeyDates(created("2026-11-21")));
    desk.draw();
    assert!(!desk.screen().contains("the key is"), "{}", desk.screen());
    // three quarters of the new one's life: said once, and not again the day after
    later(&mut desk, 68 * 24);
    assert!(desk.last_line().contains("within 22 days"), "{}", desk.last_line());
    later(&mut desk, 24);
    assert!(!desk.screen().contains("to be replaced"));
}

#[test]
fn the_health_window_shows_the_bridge_of_this_machine_and_whether_it_still_speaks() {
    let mut desk = Desk::night(120, 40);
    desk.keys("L");
    assert!(!desk.screen().contains("Bridge"), "there is none");
    let mut status: BridgeStatus = serde_json::from_value(serde_json::json!({
        "version": 1, "at": now(), "profile": "bedford", "pid": 7, "address": "https://127.0.0.1:8443", "ended": false,
        "parts": [
            {"name": "rules", "runs": 12, "failures": 0, "lastSuccess": now(), "lastFailure": null, "said": "2 orders"},
            {"name": "lake", "runs": 2, "failures": 2, "lastSuccess": null, "lastFailure": now(), "said": "no bucket\u{1b}[2J"}
        ],
        "jobs": [{"name": "lake", "doing": "failed, tried again", "next": null, "pending": 3}]
    }))
    .unwrap();
    desk.send(Event::Bridge(status.clone()));
    desk.draw();
    let screen = desk.screen();
    for expected in [
        "at work, said at",
        "https://127.0.0.1:8443",
        "12 runs, 0 failed, last success",
        "2 runs, 2 failed, none has succeeded yet: no bucket␛[2J",
        "failed, tried again, 3 days to catch up with",
    ] {
        assert!(screen.contains(expected), "{expected} is not in\n{screen}");
    }
    desk.wait(16);
    desk.draw();
    assert!(desk.screen().contains("silent since"), "{}", desk.screen());
    status.ended = true;
    desk.send(Event::Bridge(status));
    desk.draw();
    assert!(desk.screen().contains("ended at"), "{}", desk.screen());
}

#[test]
fn an_enter_that_came_before_the_answer_about_open_orders_is_no_error_once_it_is_there() {
    let mut desk = Desk::night(60, 20);
    desk.keys("w enter");
    assert!(desk.screen().contains("still being asked"), "{}", desk.screen());
    desk.report(Report::OpenOrders {
        alert: "a-1001".into(),
        result: Err(fault(
            "manage.example:443 does not answer within 15 s, and the breaker holds further calls back until 02:16",
        )),
    });
    desk.draw();
    let screen = desk.screen();
    assert!(!screen.contains("still being asked"), "{screen}");
    assert!(screen.contains("until 02:16"), "the reason is told to its end: {screen}");
    assert!(screen.contains("it makes the order."), "{screen}");
    assert!(desk.submitted().is_empty());
    desk.keys("enter");
    assert_eq!(desk.submitted_alerts(), ["a-1001"]);
}

#[test]
fn what_the_server_does_not_let_be_taken_over_is_said_with_who_holds_it_since_when() {
    let mut desk = Desk::night(120, 40);
    desk.keys("G k t y");
    let row = desk.commit().remove(0);
    desk.wait(4);
    desk.becomes(&row, IntentState::Superseded, |row| {
        row.superseded_by = Some("operator2".into());
        row.detail = Some("already acknowledged by operator2 at 2026-11-13T02:12:05Z".into());
    });
    let screen = desk.screen();
    assert!(
        screen.contains("does not let it be taken over: operator2 holds it since") && desk.last_line().trim() == "02:12",
        "{screen}"
    );
    // whoever meant to be the first is told who was
    let mut desk = Desk::night(120, 40);
    desk.keys("a");
    let row = desk.commit().remove(0);
    desk.wait(4);
    desk.becomes(&row, IntentState::Superseded, |row| row.superseded_by = Some("operator2".into()));
    let screen = desk.screen();
    assert!(screen.contains("operator2 was first") && !screen.contains("taken over"), "{screen}");
}

#[test]
fn the_interrupting_key_quits_only_as_long_as_it_is_said() {
    let mut desk = Desk::night(120, 40);
    desk.keys("ctrl-c");
    assert!(desk.last_line().contains("ctrl-c again quits at once"), "{}", desk.last_line());
    desk.wait(11);
    assert!(!desk.last_line().contains("quits at once"), "{}", desk.last_line());
    desk.keys("ctrl-c");
    assert!(!desk.effects.contains(&Effect::Quit));
    desk.wait(9);
    desk.keys("ctrl-c");
    assert_eq!(desk.effects, [Effect::Quit]);
}
