//! A simulated plant with the systems around it, and bridges on it: each with an outbox and a memory of its own.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use nightdesk::config::{Config, Env, Locate};
use nightdesk::domain::{OutboxRow, Service, Target};
use nightdesk::integration::{Courier, FolderStore, Ground, Job, JobError, Occasion, Parts, jobs};
use nightdesk::maximo::{Auth, Caller, Endpoint, Limits, ManageClient, ManagePaths, MonitorClient, Telemetry, encode};
use nightdesk::outbox::{Actor, OpenOptions, Outbox, RowFilter, Sender};
use nightdesk::simulator::{Clock, ClockHand, EffectKind, LedgerEntry, Scenario, Simulator, SimulatorConfig, write_directory};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::command::plant::{Plant, Ran, run_in};
use crate::faults::site::{GUARD, policy};

/// 02:13 on a February night.
pub fn start() -> Timestamp {
    "2026-02-19T02:13:00Z".parse().unwrap()
}

/// The rule that the simulator writes.
pub const RULE: &str = "when = \"sev:critical\"\nafter = \"1m\"                       # time in which a person may act first\ndo = \"work-order\"\nper_hour = 20";

/// The plant and its files.
pub struct Yard {
    pub simulator: Simulator,
    pub hand: ClockHand,
    pub dir: TempDir,
}

impl Yard {
    /// An ordinary night on a held clock, nobody else at work.
    pub async fn start() -> Self {
        Self::start_with(|config| config).await
    }

    pub async fn start_with(change: impl FnOnce(SimulatorConfig) -> SimulatorConfig) -> Self {
        let (clock, hand) = Clock::held_at(start());
        let config = change(SimulatorConfig {
            clock,
            seed: 7,
            scenario: Scenario::Night,
            second_operator: false,
            ..SimulatorConfig::default()
        });
        let simulator = Simulator::start(config).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        write_directory(&simulator, dir.path()).unwrap();
        Self { simulator, hand, dir }
    }

    /// The same with one rule, of the test's own, that makes work orders, and no webhook.
    pub async fn with_rule(rule: &str) -> Self {
        let yard = Self::start().await;
        yard.only_webhooks(&[]);
        yard.edit("bridge.toml", RULE, &format!("{rule}\ndo = \"work-order\""));
        yard
    }

    /// The same with waits of hundredths of a second between the tries of a webhook.
    pub async fn with_quick_webhooks() -> Self {
        let yard = Self::start().await;
        for file in ["servicenow", "slack", "generic"] {
            yard.edit(&format!("webhooks/{file}.json"), "[5, 30, 120]", "[0.01, 0.02]");
        }
        yard
    }

    /// Changes a file's text.
    pub fn edit(&self, file: &str, from: &str, to: &str) {
        edit(&self.dir.path().join(file), from, to);
    }

    /// Takes the definitions of webhooks away but for these.
    pub fn only_webhooks(&self, names: &[&str]) {
        let all = r#"["webhooks/servicenow.json", "webhooks/slack.json", "webhooks/generic.json"]"#;
        let kept: Vec<String> = names.iter().map(|name| format!("\"webhooks/{name}.json\"")).collect();
        self.edit("bridge.toml", all, &format!("[{}]", kept.join(", ")));
    }

    /// A bridge whose outbox and memory lie in a folder of this name.
    pub async fn bridge(&self, name: &str) -> Bridge {
        let locate = Locate::new(
            Some(self.dir.path().join("bridge.toml")),
            None,
            Some(self.dir.path().join(name)),
            Env::of(&[]),
        );
        let config = Config::load(&locate).unwrap();
        let telemetry = Telemetry::new(Caller {
            operator: "bridge".into(),
            ..Caller::default()
        });
        let endpoint = |service, auth| Endpoint {
            service,
            base: self.simulator.url().parse().unwrap(),
            ca_pem: Some(self.simulator.ca_pem().as_bytes().to_vec()),
            auth,
            limits: Limits::default(),
        };
        let monitor = endpoint(Service::Monitor, Auth::ApiKey(self.simulator.monitor_key().into()));
        let manage = endpoint(Service::Manage, Auth::ManageKey(self.simulator.manage_key().into()));
        let target = |service| Target {
            service,
            profile: "demo".into(),
            origin: self.simulator.url().into(),
        };
        let options = OpenOptions {
            poll_interval: Duration::from_millis(20),
            ..OpenOptions::new(encode, Actor::default())
        };
        let folder = self.dir.path().join(name);
        let ground = Ground {
            profile: Arc::new(config.profile().unwrap().clone()),
            bridge: config.bridge.clone().map(Arc::new),
            env: config.env.clone(),
            monitor: MonitorClient::new(monitor, telemetry.clone()).unwrap(),
            manage: Some(ManageClient::new(manage, ManagePaths::default(), telemetry.clone()).unwrap()),
            telemetry,
            outbox: Outbox::open(&folder.join("outbox"), options).await.unwrap(),
            targets: [Service::Monitor, Service::Manage, Service::Erp].map(target).to_vec(),
            store: Arc::new(FolderStore::open(&folder.join("bridge")).unwrap()),
            parts: Parts::default(),
        };
        Bridge { ground, sending: None }
    }

    /// What clients did, of one kind.
    pub fn effects(&self, kind: EffectKind) -> Vec<LedgerEntry> {
        let all = self.simulator.client_effects().into_iter();
        all.filter(|entry| entry.effect == kind).collect()
    }

    pub fn now(&self) -> Timestamp {
        self.hand.now()
    }
}

/// Runs the real binary on the configuration with the bridge's sections.
pub async fn run_bridge(plant: &Plant, arguments: &[&str]) -> Ran {
    let config = plant.path("bridge.toml");
    let all: Vec<&str> = ["--config", config.to_str().unwrap()].iter().chain(arguments).copied().collect();
    run_in(config.parent().unwrap(), &all, "").await
}

pub fn edit(path: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{from} is not in:\n{text}");
    std::fs::write(path, text.replace(from, to)).unwrap();
}

/// Parts at work.
pub struct Bridge {
    pub ground: Ground,
    sending: Option<JoinHandle<()>>,
}

impl Bridge {
    /// Starts its sender.
    pub async fn send(&mut self) {
        let limits = Limits {
            call: Duration::from_millis(1500),
            idle: Duration::from_millis(1500),
            key_rest: Duration::ZERO,
            ..Limits::default()
        };
        let courier = Courier::open_with(&self.ground, limits).await.unwrap();
        let mut targets = self.ground.targets.clone();
        for target in courier.further_targets("demo") {
            if !targets.contains(&target) {
                targets.push(target);
            }
        }
        let policy = nightdesk::outbox::Policy {
            request_timeout: Duration::from_millis(1600),
            ..policy()
        };
        let sender = Sender::new(self.ground.outbox.clone(), Arc::new(courier), targets, policy);
        self.sending = Some(tokio::spawn(async move { sender.run(std::future::pending()).await.unwrap() }));
    }

    /// Ends its sender as a killed process would: at whatever it was doing.
    pub async fn kill(&mut self) {
        if let Some(sending) = self.sending.take() {
            sending.abort();
            let _ = sending.await;
        }
    }

    /// Its job of a name.
    pub async fn job(&self, name: &str) -> Box<dyn Job> {
        let all = jobs(&self.ground).await.unwrap();
        all.into_iter()
            .find(|job| job.name() == name)
            .unwrap_or_else(|| panic!("no job {name}"))
    }

    /// One run of it.
    pub async fn run(&self, name: &str, now: Timestamp) -> Result<String, JobError> {
        let occasion = Occasion { now, day: None };
        self.job(name).await.run(occasion).await.map(|said| said.shown().to_owned())
    }

    /// Waits until nothing is open, and tells all rows.
    pub async fn drained(&self) -> Vec<OutboxRow> {
        let counts = self.ground.outbox.drain(GUARD).await.unwrap();
        let rows = self.rows().await;
        assert_eq!(counts.open(), 0, "{rows:#?}");
        rows
    }

    pub async fn rows(&self) -> Vec<OutboxRow> {
        self.ground.outbox.list(RowFilter::default()).await.unwrap()
    }
}
