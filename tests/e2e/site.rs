//! A plant in a process of its own, and what its ledger says.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;

use portable_pty::CommandBuilder;
use serde_json::Value;

use super::terminal::{GUARD, nightdesk};

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
    /// Pulls the plug.
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The console on the plant's site, which it reads each second. Its state is kept beside the site.
pub(super) fn console(site: &Path) -> CommandBuilder {
    let own = std::fs::read_to_string(site.join("config.toml")).unwrap();
    let quick = own + "\n[profiles.demo.refresh]\nalerts = \"1s\"\n";
    let file = site.join("night.toml");
    std::fs::write(&file, quick).unwrap();
    let mut console = nightdesk(&["--config"]);
    console.arg(file);
    console.arg("--state-dir");
    console.arg(site.join("state"));
    console
}

/// What people did, as the simulator committed it.
pub(super) fn ledger(folder: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join("ledger.jsonl")).unwrap_or_default();
    let entries = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    entries.filter(|entry| entry["key"] != "simulated").collect()
}

/// The row under the cursor of the alert queue, without the panes beside it.
pub(super) fn row(screen: &vt100::Screen) -> String {
    let text = screen.contents();
    let row = text.lines().find(|line| line.starts_with("│▌")).unwrap_or_default();
    row.split('│').nth(1).unwrap_or_default().trim().to_owned()
}

/// The next line of the ledger that a person's act made, as it is written.
pub(super) fn next_effect(folder: &Path) -> Value {
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
