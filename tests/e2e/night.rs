//! A night shift on the real binary, judged by the simulator's ledger.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;

use serde_json::Value;

use super::terminal::{GUARD, Terminal, leftovers, nightdesk};

/// `nightdesk simulate` in a process of its own.
pub(super) struct Plant(Child);

impl Plant {
    pub(super) fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_nightdesk"))
            .arg("simulate")
            .arg("--dir")
            .arg(folder)
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        assert!(ready.starts_with("ready https://127.0.0.1:"), "{ready:?}");
        Self(child)
    }
}

impl Drop for Plant {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What people did, as the simulator committed it.
pub(super) fn ledger(folder: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join("ledger.jsonl")).unwrap_or_default();
    let entries = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    entries.filter(|entry| entry["key"] != "simulated").collect()
}

/// The row under the cursor of the alert queue, without the panes beside it.
fn row(screen: &vt100::Screen) -> String {
    let text = screen.contents();
    let row = text.lines().find(|line| line.starts_with("│▌")).unwrap_or_default();
    row.split('│').nth(1).unwrap_or_default().trim().to_owned()
}

/// Acknowledges the first alert, makes a work order for it and resolves it, each confirmed by the server.
fn work(terminal: &mut Terminal) {
    terminal.until("the queue", |screen| {
        row(screen).contains("new") && screen.contents().contains("live")
    });
    terminal.press("a");
    terminal.until("acknowledged", |screen| row(screen).contains('✓'));

    terminal.press("w");
    terminal.until_text("open orders of");
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

/// The next line of the ledger that a person's act made, as it is written.
fn next_effect(folder: &Path) -> Value {
    let mut tail = Command::new("tail")
        .args(["-n", "+1", "-F"])
        .arg(folder.join("ledger.jsonl"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    let (sender, effects) = channel();
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            let entry: Value = serde_json::from_str(&line).unwrap();
            if entry["key"] != "simulated" && sender.send(entry).is_err() {
                return;
            }
        }
    });
    let effect = effects.recv_timeout(GUARD);
    tail.kill().unwrap();
    tail.wait().unwrap();
    effect.expect("no effect was committed")
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
