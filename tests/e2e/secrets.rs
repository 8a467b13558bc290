//! Row 26 for the console: its log at its loudest, its files, its screen, and the argument list of the drain that it leaves behind.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;

use nightdesk::simulator::{EffectKind, FaultAction, FaultRule, Operation, When};

use super::terminal::{GUARD, Terminal, nightdesk};
use crate::command::plant::Plant;
use crate::faults::secrets::{Canaries, everything, holds};

/// Reads a file that grows until a line is as wanted.
fn until_line(path: &Path, wanted: impl Fn(&str) -> bool) {
    let mut tail = Command::new("tail")
        .args(["-n", "+1", "-F"])
        .arg(path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    let (sender, found) = channel();
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    let deadline = std::time::Instant::now() + GUARD;
    let mut before = Vec::new();
    let mut met = false;
    while let Ok(line) = found.recv_timeout(deadline.saturating_duration_since(std::time::Instant::now())) {
        met = wanted(&line);
        if met {
            break;
        }
        before.push(line);
    }
    tail.kill().unwrap();
    tail.wait().unwrap();
    assert!(met, "{} never got there: {before:#?}", path.display());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_26_the_console_and_the_drain_it_leaves_behind_keep_secrets_to_themselves() {
    let plant = Plant::start().await;
    // the program that fetches Monitor's key writes down the argument list of who started it
    let (script, seen) = (plant.path("vault"), plant.path("arguments"));
    let text = format!(
        "#!/bin/sh\ntr '\\0' ' ' < /proc/$PPID/cmdline >> '{0}'\necho >> '{0}'\necho a word on stderr >&2\nexec cat '{1}'\n",
        seen.display(),
        plant.path("monitor.key").display()
    );
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
    plant.edit("key_file = \"monitor.key\"", &format!("key_command = [\"{}\"]", script.display()));

    std::fs::create_dir(plant.path("home")).unwrap();
    let mut console = nightdesk(&["--config"]);
    console.arg(plant.path("config.toml"));
    console.arg("--state-dir");
    console.arg(plant.path("state"));
    console.env("NIGHTDESK_LOG", "trace");
    console.env("HOME", plant.path("home"));
    let mut terminal = Terminal::start(console);
    terminal.until("an alert under the cursor", |screen| {
        let text = screen.contents();
        text.contains("Monitor ● live") && text.lines().any(|line| line.starts_with("│▌"))
    });
    assert!(
        !terminal.text().contains("a word on stderr"),
        "the vault's words stand in the picture"
    );

    // a server that repeats the credential it refuses
    let key = plant.simulator.monitor_key().to_owned();
    let action = FaultAction::Replace {
        status: 401,
        content_type: "application/json".into(),
        body: format!(r#"{{"error":{{"message":"unknown key: {key}"}}}}"#).into_bytes(),
        when: When::Before,
    };
    plant
        .simulator
        .set_faults(vec![FaultRule::on(vec![Operation::AcknowledgeAlert], action)]);
    terminal.press("a");
    terminal.until_text("outbox 1");
    terminal.press("Q");
    terminal.until_text("[credential]");
    let screen = terminal.text();
    // the console leaves that server alone for a while now; who takes over does not
    plant.simulator.set_faults(Vec::new());
    assert_eq!(terminal.hang_up(), 0);
    until_line(&seen, |line| line.contains("outbox drain"));
    until_line(&plant.path("state/drain.log"), |line| line.contains("delivered"));

    let mut places = vec![("the screen".to_owned(), screen.into_bytes())];
    for name in ["state", "home"] {
        everything(&plant.path(name), &mut places);
    }
    places.push(("argument lists".to_owned(), std::fs::read(&seen).unwrap()));
    let log = std::fs::read(plant.path("state/console.log")).unwrap();
    assert!(
        holds(&log, "TRACE") || holds(&log, "DEBUG"),
        "the log is as loud as it was asked to be"
    );
    Canaries::of(&plant).nowhere_in(&places);
    assert_eq!(plant.effects(EffectKind::Acknowledge).len(), 1);
}
