//! Another site without another terminal, and the console as lines of text, on the real binary.

use serde_json::Value;

use super::site::{Plant, ledger};
use super::terminal::{Terminal, nightdesk};

#[test]
fn what_was_asked_for_at_one_site_is_delivered_while_the_person_is_at_another() {
    let folder = tempfile::tempdir().unwrap();
    let site = folder.path().join("site");
    let _plant = Plant::start(&site, &["--seed", "3"]);
    let config = site.join("config.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let (_, profile) = text.split_once("[profiles.demo]").unwrap();
    let other = format!("[profiles.luton]{profile}")
        .replace("profiles.demo", "profiles.luton")
        .replace("\"BEDFORD\"", "\"LUTON\"");
    std::fs::write(&config, format!("{text}\n{other}")).unwrap();
    let state = folder.path().join("state");
    let arguments = ["--config", config.to_str().unwrap(), "--state-dir", state.to_str().unwrap()];
    let mut terminal = Terminal::start(nightdesk(&arguments));
    terminal.until("live", |screen| {
        screen.contents().contains("demo · operator1") && screen.contents().contains("unack")
    });
    terminal.until_text("Alerts");
    terminal.press("a");
    terminal.until("the undo grace", |screen| screen.contents().contains("undoes"));
    terminal.press("@");
    terminal.until_text("LUTON - luton");
    terminal.press("2");
    terminal.until_text("luton · operator1");
    // the row of the first site leaves while the second is on the screen
    terminal.until("delivered", |_| {
        ledger(&site).iter().any(|entry: &Value| entry["effect"] == "acknowledge")
    });
    assert!(terminal.text().contains("luton · operator1"));
    terminal.press("q");
    assert_eq!(terminal.ended(), 0);
    terminal.assert_restored();
    assert_eq!(ledger(&site).len(), 1, "and once");
}

#[test]
fn the_linear_console_only_adds_lines() {
    let mut terminal = Terminal::start(nightdesk(&["demo", "--seed", "3", "--linear"]));
    terminal.until_text("18 of 18: ");
    terminal.press("j");
    terminal.until_text("2 of 18: critical");
    terminal.press("a");
    terminal.until_text(", acknowledged by operator1");
    terminal.until("no screen of its own", |screen| !screen.alternate_screen() && !screen.hide_cursor());
    terminal.press(":");
    terminal.until_text("enter ok esc leave");
    terminal.press("quit");
    terminal.until_text("quit");
    terminal.press("\r");
    assert_eq!(terminal.ended(), 0);
    assert!(
        terminal.text().contains("2 of 18: critical"),
        "nothing was drawn over: {}",
        terminal.text()
    );
}
