//! Row 25 of the fault matrix: every signal that can be caught and a panic while drawing, in a real pseudo-terminal. The
//! terminal is as it was, its line discipline and its screen, and the outbox is whole.

use std::path::Path;
use std::process::Command;

use portable_pty::CommandBuilder;
use rustix::process::Signal;
use serde_json::Value;

use super::site::{Plant, console, ledger, next_effect, row};
use super::terminal::{Terminal, command};

/// The console below a line that a shell wrote before it, with which a restored screen is told from an empty one.
fn below_a_shell(site: &Path) -> CommandBuilder {
    let inner = console(site);
    let words: Vec<&str> = inner.get_argv().iter().map(|word| word.to_str().unwrap()).collect();
    let script = "echo the shell was here; exec \"$@\"";
    command("/bin/sh", &[&["-c", script, "sh"], &words[..]].concat())
}

/// A console that could not reach its plant since something was asked.
struct Asked {
    folder: tempfile::TempDir,
    terminal: Terminal,
}

impl Asked {
    fn with(change: impl FnOnce(&mut CommandBuilder)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let site = folder.path().join("site");
        let plant = Plant::start(&site, &["--scenario", "quiet"]);
        let mut builder = below_a_shell(&site);
        change(&mut builder);
        let mut terminal = Terminal::start(builder);
        terminal.until("the queue", |screen| {
            row(screen).contains("new") && screen.contents().contains("Monitor ● live")
        });
        drop(plant);
        terminal.press("a");
        terminal.until_text("outbox 1");
        Self { folder, terminal }
    }

    /// One intent is in the outbox, still to be sent, and the audit chain holds.
    fn assert_outbox_whole(&self, why: &str) {
        let run = |words: &[&str]| {
            let output = Command::new(env!("CARGO_BIN_EXE_nightdesk"))
                .args(words)
                .arg("--config")
                .arg(self.folder.path().join("site/night.toml"))
                .arg("--state-dir")
                .arg(self.folder.path().join("site/state"))
                .output()
                .unwrap();
            assert_eq!(output.status.code(), Some(0), "{why}: {}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap()
        };
        let rows: Value = serde_json::from_str(&run(&["outbox", "list", "--json"])).unwrap();
        let rows = rows["items"].as_array().unwrap_or_else(|| panic!("{rows}"));
        assert_eq!(rows.len(), 1, "{why}: {rows:#?}");
        run(&["audit", "verify"]);
    }

    fn assert_shell_screen(&self, why: &str) {
        self.terminal.assert_restored();
        let text = self.terminal.text();
        assert!(text.starts_with("the shell was here"), "{why}: {text}");
        assert!(!text.contains("Alerts"), "{why}: the console's screen stays: {text}");
    }
}

#[test]
fn row_25_every_signal_that_ends_restores_the_terminal_and_the_outbox_is_whole() {
    for signal in [
        Signal::TERM,
        Signal::INT,
        Signal::QUIT,
        Signal::USR1,
        Signal::USR2,
        Signal::ALARM,
        Signal::VTALARM,
        Signal::PROF,
        Signal::XCPU,
        Signal::IO,
    ] {
        let mut asked = Asked::with(|_| {});
        asked.terminal.signal(signal);
        assert_eq!(asked.terminal.ended(), 0, "{signal:?}");
        asked.assert_shell_screen(&format!("{signal:?}"));
        asked.assert_outbox_whole(&format!("{signal:?}"));
    }
}

#[test]
fn row_25_signals_that_do_not_end_change_nothing() {
    let mut asked = Asked::with(|_| {});
    for signal in [Signal::PIPE, Signal::WINCH, Signal::CHILD, Signal::URG, Signal::CONT] {
        asked.terminal.signal(signal);
        asked.terminal.press("?");
        asked.terminal.until_text(" Keys ");
        asked.terminal.press("\u{1b}");
        asked.terminal.until(&format!("closed the help after {signal:?}"), |screen| {
            !screen.contents().contains(" Keys ") && screen.alternate_screen() && screen.contents().contains("outbox 1")
        });
    }
    asked.terminal.press("q");
    asked.terminal.until_text(" Quit ");
    asked.terminal.press("y");
    assert_eq!(asked.terminal.ended(), 0);
    asked.assert_shell_screen("after all of them");
    asked.assert_outbox_whole("after all of them");
}

#[test]
fn row_25_stopped_from_outside_the_terminal_is_given_back_and_continued_it_is_drawn_anew() {
    let folder = tempfile::tempdir().unwrap();
    let site = folder.path().join("site");
    let _plant = Plant::start(&site, &["--scenario", "quiet"]);
    let inner = console(&site);
    let words: Vec<&str> = inner.get_argv().iter().map(|word| word.to_str().unwrap()).collect();
    // a job of a shell with job control, stopped by another process and brought back
    let script = "set -m; echo the shell was here; \"$@\"; echo back in the shell; read line; fg >/dev/null; echo the end";
    let mut terminal = Terminal::start(command("/bin/sh", &[&["-c", script, "sh"], &words[..]].concat()));
    terminal.until("the queue", |screen| screen.contents().contains("Monitor ● live"));
    terminal.signal_foreground(Signal::TSTP);
    terminal.until_text("back in the shell");
    terminal.assert_restored();
    assert!(terminal.text().starts_with("the shell was here"), "{}", terminal.text());
    terminal.press("\n");
    terminal.until("the queue again", |screen| {
        screen.alternate_screen() && screen.contents().contains("Alerts") && row(screen).contains("new")
    });
    terminal.press("q");
    terminal.until("the end", |screen| {
        !screen.alternate_screen() && screen.contents().contains("the end")
    });
    assert_eq!(terminal.ended(), 0);
    terminal.assert_restored();
}

#[test]
fn row_25_a_hangup_hands_the_open_rows_to_the_drain() {
    let folder = tempfile::tempdir().unwrap();
    let site = folder.path().join("site");
    let _plant = Plant::start(&site, &["--scenario", "quiet"]);
    let mut terminal = Terminal::start(console(&site));
    terminal.until("the queue", |screen| {
        row(screen).contains("new") && screen.contents().contains("Monitor ● live")
    });
    terminal.press("a");
    terminal.until_text("outbox 1");
    terminal.signal(Signal::HUP);
    assert_eq!(terminal.ended(), 0);
    terminal.assert_restored();
    assert_eq!(next_effect(&site)["effect"], "acknowledge");
    assert_eq!(ledger(&site).len(), 1);
}

#[cfg(debug_assertions)]
#[test]
fn row_25_a_panic_while_drawing_restores_the_terminal_and_the_outbox_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let sign = folder.path().join("panic");
    let mut asked = Asked::with(|builder| builder.env("NIGHTDESK_PANIC_WHILE_THERE", &sign));
    std::fs::write(&sign, "").unwrap();
    asked.terminal.press("?");
    assert_eq!(asked.terminal.ended(), 1);
    asked.terminal.assert_restored();
    let text = asked.terminal.text();
    assert!(
        text.starts_with("the shell was here") && text.contains("asked to by NIGHTDESK_PANIC_WHILE_THERE"),
        "{text}"
    );
    asked.assert_outbox_whole("after a panic");
}

#[test]
fn row_25_any_size_down_to_one_cell_is_borne_and_the_frame_fits_again() {
    let mut asked = Asked::with(|_| {});
    for (columns, rows) in [(1, 1), (500, 200), (2, 1), (1, 50), (40, 8), (39, 7)] {
        asked.terminal.resize(columns, rows);
    }
    asked.terminal.resize(80, 24);
    asked.terminal.until("a frame of 80 x 24", |screen| {
        let text = screen.contents();
        screen.size() == (24, 80) && text.contains("Alerts") && text.lines().next().is_some_and(|line| line.trim_end().ends_with("UTC"))
    });
    asked.terminal.press("q");
    asked.terminal.until_text(" Quit ");
    asked.terminal.press("y");
    assert_eq!(asked.terminal.ended(), 0);
    asked.terminal.assert_restored();
    asked.assert_outbox_whole("after resizes");
}

#[test]
fn row_25_without_a_real_terminal_it_ends_with_2_and_names_the_headless_commands() {
    for words in [&["demo"][..], &["console"], &[]] {
        let mut dumb = super::terminal::nightdesk(words);
        dumb.env("TERM", "dumb");
        let mut terminal = Terminal::start(dumb);
        assert_eq!(terminal.ended(), 2, "{words:?}");
        assert!(terminal.text().contains("nightdesk alerts list"), "{}", terminal.text());
        terminal.assert_restored();
        let output = Command::new(env!("CARGO_BIN_EXE_nightdesk"))
            .args(words)
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(output.stdout.is_empty());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("nightdesk alerts list"), "{said}");
    }
}
