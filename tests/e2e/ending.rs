//! However the console ends, the terminal is as it was and the disk is clean.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use portable_pty::CommandBuilder;
use rustix::process::Signal;

use super::terminal::{Terminal, command, leftovers, nightdesk};

/// A demo whose files go to a folder of the test.
fn demo(temporary: &Path) -> CommandBuilder {
    let mut demo = nightdesk(&["demo", "--scenario", "quiet"]);
    demo.env("TMPDIR", temporary);
    demo
}

/// A site that nobody serves.
fn site(folder: &Path) -> CommandBuilder {
    fs::write(folder.join("key"), "secret\n").unwrap();
    fs::set_permissions(folder.join("key"), Permissions::from_mode(0o600)).unwrap();
    fs::write(
        folder.join("config.toml"),
        "[profiles.bedford]\n[profiles.bedford.monitor]\nurl = \"https://127.0.0.1:9\"\nauth = \"api-key\"\nkey_file = \"key\"\n",
    )
    .unwrap();
    let mut console = nightdesk(&[]);
    console.env("USER", "maria"); // a container has none
    console.args(["--config".as_ref(), folder.join("config.toml").as_os_str()]);
    console.args(["--state-dir".as_ref(), folder.join("state").as_os_str()]);
    console
}

#[test]
fn the_person_leaves() {
    let temporary = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(demo(temporary.path()));
    terminal.until_painted();
    assert_eq!(leftovers(temporary.path()).len(), 1);
    terminal.press("q");
    assert_eq!(terminal.ended(), 0);
    terminal.assert_restored();
    assert!(leftovers(temporary.path()).is_empty());
}

#[test]
fn a_signal_ends_it() {
    for signal in [Signal::TERM, Signal::INT, Signal::QUIT] {
        let temporary = tempfile::tempdir().unwrap();
        let mut terminal = Terminal::start(demo(temporary.path()));
        terminal.until_painted();
        terminal.signal(signal);
        assert_eq!(terminal.ended(), 0, "{signal:?}");
        terminal.assert_restored();
        assert!(leftovers(temporary.path()).is_empty(), "{signal:?}");
    }
}

#[test]
fn the_link_drops() {
    let temporary = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(demo(temporary.path()));
    terminal.until_painted();
    assert_eq!(terminal.hang_up(), 0);
    assert!(leftovers(temporary.path()).is_empty());
}

#[test]
fn a_hangup_by_hand_gives_a_living_terminal_back() {
    let temporary = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(demo(temporary.path()));
    terminal.until_painted();
    terminal.signal(Signal::HUP);
    assert_eq!(terminal.ended(), 0);
    terminal.assert_restored();
    assert!(leftovers(temporary.path()).is_empty());
}

#[cfg(debug_assertions)]
#[test]
fn a_bug_restores_the_terminal_before_it_reports() {
    let temporary = tempfile::tempdir().unwrap();
    let mut demo = demo(temporary.path());
    let sign = tempfile::NamedTempFile::new().unwrap();
    demo.env("NIGHTDESK_PANIC_WHILE_THERE", sign.path());
    let mut terminal = Terminal::start(demo);
    assert_eq!(terminal.ended(), 1);
    terminal.assert_restored();
    let report = terminal.text();
    assert!(
        report.contains("asked to by NIGHTDESK_PANIC_WHILE_THERE") && report.contains("console.rs"),
        "{report}"
    );
    assert!(leftovers(temporary.path()).is_empty());
}

#[test]
fn ctrl_z_gives_the_terminal_back_and_fg_draws_it_anew() {
    let temporary = tempfile::tempdir().unwrap();
    let script = "set -m; \"$0\" demo --scenario quiet; echo back in the shell; read line; fg >/dev/null; echo the end";
    let mut shell = command("/bin/sh", &["-c", script, env!("CARGO_BIN_EXE_nightdesk")]);
    shell.env("TMPDIR", temporary.path());
    let mut terminal = Terminal::start(shell);
    terminal.until_painted();
    terminal.press("\u{1a}");
    terminal.until_text("back in the shell");
    terminal.assert_restored();
    terminal.press("\n");
    terminal.until_painted();
    terminal.press("q");
    terminal.until("the main screen", |screen| {
        !screen.alternate_screen() && screen.contents().contains("the end")
    });
    assert_eq!(terminal.ended(), 0);
    terminal.assert_restored();
    assert!(leftovers(temporary.path()).is_empty());
}

#[test]
fn a_terminal_that_takes_nothing_does_not_hold_up_the_end() {
    let temporary = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(demo(temporary.path()));
    terminal.until_painted();
    terminal.stop_reading();
    for _ in 0..2_000 {
        terminal.press("\u{c}"); // Ctrl-L: whole frames until the link is full
    }
    terminal.signal(Signal::TERM);
    assert_eq!(terminal.ended_unread(), 0);
    assert!(leftovers(temporary.path()).is_empty());
}

#[test]
fn without_a_server_it_opens_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(site(folder.path()));
    terminal.until_painted();
    terminal.until_text("cannot be reached");
    terminal.press("q");
    assert_eq!(terminal.ended(), 0);
    terminal.assert_restored();
}
