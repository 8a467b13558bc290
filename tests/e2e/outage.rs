//! The network goes, the console is killed, and nothing is lost or doubled.

use std::collections::BTreeMap;
use std::fs;

use rustix::process::Signal;

use super::site::{Plant, console, ledger, next_effect, row};
use super::terminal::Terminal;

fn until_live(terminal: &mut Terminal) {
    terminal.until("the queue", |screen| {
        row(screen).contains("new") && screen.contents().contains("Monitor ● live")
    });
}

/// What clients did, counted by effect and alert or text.
fn effects(site: &std::path::Path) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for entry in ledger(site) {
        *counts.entry(entry["effect"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    counts
}

#[test]
fn show_the_network_goes_in_the_middle_of_a_shift_and_what_was_asked_arrives_once() {
    let folder = tempfile::tempdir().unwrap();
    let site = folder.path().join("site");
    let plant = Plant::start(&site, &["--scenario", "quiet"]);
    let mut terminal = Terminal::start(console(&site));
    until_live(&mut terminal);

    // The second row: the first one's asset has an open order, which would rightly wait for a person.
    terminal.press("j");
    terminal.until("on the second row", |screen| row(screen).contains("HVAC-03"));
    drop(plant);
    terminal.until("told that the link is down and the data is old", |screen| {
        let text = screen.contents();
        text.contains("Monitor ○ down since") && text.contains("NO DATA: alerts since")
    });
    terminal.press("a");
    terminal.until("queued", |screen| {
        row(screen).contains("queued") && screen.contents().contains("outbox 1")
    });
    terminal.press("w");
    terminal.until_text("open orders unknown");
    terminal.press(" and half a sent");
    terminal.until_on_disk(&site.join("state/drafts"), "and half a sent");

    terminal.signal(Signal::KILL);
    terminal.ended();
    let mut terminal = Terminal::start(console(&site));
    terminal.until("told what was recovered", |screen| {
        let text = screen.contents();
        text.contains("recovered from an earlier run") && text.contains("kept as a draft: work-order")
    });
    terminal.until("the last known rows", |screen| screen.contents().contains("HVAC-03"));
    terminal.press("j");
    terminal.until("its row", |screen| {
        row(screen).contains("HVAC-03") && row(screen).contains("queued")
    });
    terminal.press("w");
    terminal.until_text("restored from your draft");
    terminal.until_text("open orders unknown");
    terminal.until_text("and half a sent");
    terminal.press("ence\r");
    terminal.until("queued with the other", |screen| {
        screen.contents().contains("outbox 2") && !screen.contents().contains("open orders unknown")
    });

    // From here on no key is pressed.
    let _plant = Plant::start(&site, &["--scenario", "quiet"]);
    terminal.until("delivered", |screen| {
        let text = screen.contents();
        text.contains("outbox 0") && text.contains("Monitor ● live") && text.contains("Manage ● live")
    });
    terminal.until("told so on the row", |screen| {
        row(screen).contains("HVAC-03") && row(screen).contains("ack ✓") && row(screen).contains("104")
    });
    terminal.press("q");
    assert_eq!(terminal.ended(), 0);
    terminal.assert_restored();

    let expected: BTreeMap<String, usize> = [("acknowledge".to_owned(), 1), ("create_work_order".to_owned(), 1)].into();
    assert_eq!(effects(&site), expected, "{:#?}", ledger(&site));
    let order = ledger(&site)
        .into_iter()
        .find(|entry| entry["effect"] == "create_work_order")
        .unwrap();
    let description = order["body"]["description"].as_str().unwrap();
    assert!(description.ends_with(" and half a sentence"), "{description}");
    let drafts = fs::read_dir(site.join("state/drafts")).unwrap().flatten();
    let left: usize = drafts.map(|scope| fs::read_dir(scope.path()).unwrap().count()).sum();
    assert_eq!(left, 0, "what was submitted is no draft any more");
}

#[test]
fn show_killed_between_the_key_and_the_answer_the_next_start_says_what_was_recovered() {
    let folder = tempfile::tempdir().unwrap();
    let site = folder.path().join("site");
    let faults = folder.path().join("faults.toml");
    // The effect is committed, and its answer never comes; nor does the answer to the question whether it did.
    fs::write(
        &faults,
        "[[fault]]\noperation = \"acknowledgeAlert\"\naction = \"stall\"\nat = 0\ntimes = 1\n\
         [[fault]]\noperation = \"getAlert\"\naction = \"status\"\nstatus = 503\nretry_after = \"3\"\ntimes = 1\n",
    )
    .unwrap();
    let faults = faults.to_str().unwrap();
    let _plant = Plant::start(&site, &["--scenario", "quiet", "--faults", faults]);
    let mut terminal = Terminal::start(console(&site));
    until_live(&mut terminal);
    terminal.press("a");
    let effect = next_effect(&site);
    assert_eq!(effect["effect"], "acknowledge");
    terminal.until("sending", |screen| row(screen).contains("sending"));
    terminal.signal(Signal::KILL);
    terminal.ended();

    let mut terminal = Terminal::start(console(&site));
    terminal.until_text("recovered from an earlier run: 1 whose answer was not seen");
    terminal.until("delivered", |screen| {
        screen.contents().contains("outbox 0") && screen.contents().contains("Monitor ● live")
    });
    terminal.press("q");
    assert_eq!(terminal.ended(), 0);
    assert_eq!(effects(&site), [("acknowledge".to_owned(), 1)].into());
}

#[test]
fn a_plant_comes_back_as_itself_and_another_is_refused_in_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let site = folder.path().join("site");
    let read = |name: &str| fs::read_to_string(site.join(name)).unwrap();
    let plant = Plant::start(&site, &["--scenario", "quiet"]);
    let before = ["url", "ca.pem", "monitor.key", "manage.key", "client.secret", "config.toml"].map(read);
    let twice = std::process::Command::new(env!("CARGO_BIN_EXE_nightdesk"))
        .args(["simulate", "--scenario", "quiet", "--dir"])
        .arg(&site)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&twice.stderr).into_owned();
    assert!(said.contains("is in use by another simulator"), "{said}");
    drop(plant);
    fs::write(site.join("ledger.jsonl"), read("ledger.jsonl") + "{\"seq\":1,\"at\":\"20").unwrap();
    let plant = Plant::start(&site, &["--scenario", "quiet"]);
    let after = ["url", "ca.pem", "monitor.key", "manage.key", "client.secret", "config.toml"].map(read);
    assert_eq!(before, after);
    assert_eq!(read("ledger.jsonl"), "", "half a line is none");
    drop(plant);
    let other = std::process::Command::new(env!("CARGO_BIN_EXE_nightdesk"))
        .args(["simulate", "--scenario", "night", "--dir"])
        .arg(&site)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&other.stderr).into_owned();
    assert_eq!(other.status.code(), Some(2), "{said}");
    assert!(
        said.contains("holds another plant (--scenario quiet --seed 1 --devices 150)"),
        "{said}"
    );
}
