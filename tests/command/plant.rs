//! A simulated plant and a hermetic place to run the binary in.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use nightdesk::local::Scope;
use nightdesk::simulator::{EffectKind, LedgerEntry, Simulator, SimulatorConfig, write_directory};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;

/// The plant, its files, and a state folder of its own.
pub struct Plant {
    pub simulator: Simulator,
    dir: TempDir,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// The one JSON document on stdout.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The items of a list.
    pub fn items(&self) -> Vec<Value> {
        self.json()["items"].as_array().unwrap_or_else(|| panic!("{self:?}")).clone()
    }

    /// Checks the exit code, and shows everything where it is another.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }
}

impl Plant {
    /// An ordinary night, nobody else at work.
    pub async fn start() -> Self {
        Self::start_with(SimulatorConfig {
            second_operator: false,
            ..SimulatorConfig::default()
        })
        .await
    }

    pub async fn start_with(config: SimulatorConfig) -> Self {
        let simulator = Simulator::start(config).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        write_directory(&simulator, dir.path()).unwrap();
        Self { simulator, dir }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs the binary on this plant's configuration.
    pub async fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, "").await
    }

    pub async fn run_with(&self, arguments: &[&str], stdin: &str) -> Ran {
        let config = self.path("config.toml");
        let all: Vec<&str> = ["--config", config.to_str().unwrap()].iter().chain(arguments).copied().collect();
        run_in(self.dir.path(), &all, stdin).await
    }

    /// Whose files the consoles on this plant keep.
    pub fn scope(&self) -> Scope {
        let text = std::fs::read_to_string(self.path("url")).unwrap();
        Scope {
            profile: "demo".into(),
            origin: url::Url::parse(text.trim()).unwrap().origin().ascii_serialization(),
        }
    }

    /// Changes the configuration's text.
    pub fn edit(&self, from: &str, to: &str) {
        let path = self.path("config.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from} is not in:\n{text}");
        std::fs::write(path, text.replace(from, to)).unwrap();
    }

    /// The ids of alerts in a state, as the server has them.
    pub fn alerts(&self, status: &str) -> Vec<String> {
        let mut ids: Vec<String> = self
            .simulator
            .alerts()
            .iter()
            .filter(|alert| alert["status"] == status)
            .map(|alert| alert["alertId"].as_str().unwrap().to_owned())
            .collect();
        ids.sort();
        ids
    }

    /// What arrived, by kind.
    pub fn effects(&self, kind: EffectKind) -> Vec<LedgerEntry> {
        self.simulator
            .client_effects()
            .into_iter()
            .filter(|entry| entry.effect == kind)
            .collect()
    }
}

/// The binary in a folder of its own, without the surrounding environment.
pub async fn run_in(home: &Path, arguments: &[&str], stdin: &str) -> Ran {
    let mut child = command(home, arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    // a command that ends without reading breaks the pipe
    let _ = pipe.write_all(stdin.as_bytes()).await;
    drop(pipe);
    let output = child.wait_with_output().await.unwrap();
    Ran {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

pub fn command(home: &Path, arguments: &[&str]) -> tokio::process::Command {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_nightdesk"));
    command
        .args(arguments)
        .env_clear()
        .env("HOME", home)
        .env("USER", "maria")
        .env("NIGHTDESK_STATE_DIR", home.join("state"))
        .kill_on_drop(true);
    command
}
