//! A night shift on the real binary, judged by the simulator's ledger.

use super::site::{Plant, ledger, next_effect, row};
use super::terminal::{Terminal, leftovers, nightdesk};

/// Acknowledges the first alert, makes a work order for it and resolves it, each confirmed by the server.
fn work(terminal: &mut Terminal) {
    terminal.until("the queue", |screen| {
        row(screen).contains("new") && screen.contents().contains("live")
    });
    terminal.press("a");
    terminal.until("acknowledged", |screen| row(screen).contains('✓'));

    terminal.press("w");
    terminal.until("the open orders", |screen| {
        let text = screen.contents();
        text.contains("open orders of") && !text.contains("asking Manage")
    });
    if terminal.text().contains("make a new order all the same") {
        terminal.press("\u{1b}[B");
        terminal.until_text("(*) make a new order all the same");
    }
    terminal.press("\r");
    terminal.until("ordered", |screen| {
        !screen.contents().contains("open orders of") && !row(screen).ends_with('–') && !row(screen).is_empty()
    });

    terminal.press("x");
    terminal.until_text("Resolve ");
    terminal.press("Replaced the bearing");
    terminal.press("\t");
    terminal.press("Wear");
    terminal.until_text("Wear");
    terminal.press("\r");
    terminal.until("resolved", |screen| {
        !screen.contents().contains("Resolve ") && row(screen).contains("res ✓")
    });
}

#[test]
fn an_alert_is_acknowledged_ordered_for_and_resolved_and_the_ledger_holds_exactly_that() {
    let folder = tempfile::tempdir().unwrap();
    let site = folder.path().join("site");
    let _plant = Plant::start(&site, &["--scenario", "quiet"]);
    let mut console = nightdesk(&["--config"]);
    console.arg(site.join("config.toml"));
    console.arg("--state-dir");
    console.arg(folder.path().join("state"));
    let mut terminal = Terminal::start(console);
    work(&mut terminal);
    terminal.press("q");
    assert_eq!(terminal.ended(), 0);
    terminal.assert_restored();

    let ledger = ledger(&site);
    let effects: Vec<_> = ledger.iter().map(|entry| entry["effect"].as_str().unwrap()).collect();
    assert_eq!(effects, ["acknowledge", "create_work_order", "resolve"], "{ledger:#?}");
    let alert = ledger[0]["alertId"].as_str().unwrap();
    assert_eq!(ledger[0]["actor"], "operator1");
    assert_eq!(ledger[2]["alertId"], alert);
    assert_eq!(ledger[2]["body"]["resolution"], "Replaced the bearing");
    assert!(ledger[2]["body"]["rootCause"].as_str().unwrap().contains("Wear"));
    let order = &ledger[1]["body"];
    assert!(order["description"].as_str().unwrap().starts_with("IoT Alert: "), "{order}");
    assert!(order["description_longdescription"].as_str().unwrap().contains(alert), "{order}");
    assert_eq!(order["siteid"], "BEDFORD");
    assert!(ledger[1]["wonum"].is_string());
}

#[test]
fn the_demo_does_the_same_and_leaves_nothing_behind() {
    let temporary = tempfile::tempdir().unwrap();
    let mut demo = nightdesk(&["demo", "--scenario", "quiet"]);
    demo.env("TMPDIR", temporary.path());
    let mut terminal = Terminal::start(demo);
    work(&mut terminal);
    terminal.press("q");
    assert_eq!(terminal.ended(), 0);
    terminal.assert_restored();
    assert!(leftovers(temporary.path()).is_empty());
}

#[test]
fn what_was_queued_goes_on_when_the_link_drops() {
    let folder = tempfile::tempdir().unwrap();
    let site = folder.path().join("site");
    let _plant = Plant::start(&site, &["--scenario", "quiet"]);
    let mut console = nightdesk(&["--config"]);
    console.arg(site.join("config.toml"));
    console.arg("--state-dir");
    console.arg(folder.path().join("state"));
    let mut terminal = Terminal::start(console);
    terminal.until("the queue", |screen| {
        row(screen).contains("new") && screen.contents().contains("live")
    });
    terminal.press("a");
    terminal.until_text("outbox 1");
    assert_eq!(terminal.hang_up(), 0);
    assert_eq!(next_effect(&site)["effect"], "acknowledge");
    assert!(folder.path().join("state/drain.log").exists());
}
