//! A whole site in a test: simulator, client, outbox and sender, with waits short enough to need no clock.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use nightdesk::domain::{AlertId, Intent, IntentState, OutboxId, OutboxRow, Service, Target, WorkOrderDraft};
use nightdesk::maximo::{Auth, Caller, Endpoint, Gateway, Limits, ManageClient, ManagePaths, MonitorClient, Telemetry, encode};
use nightdesk::outbox::{Actor, Deliver, OpenOptions, Outbox, Policy, Sender, Submission};
use nightdesk::simulator::{EffectKind, Scenario, Simulator, SimulatorConfig};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// The longest that a row may take to settle: only a broken program ever waits so long.
pub const GUARD: Duration = Duration::from_secs(300);

/// The design's waits, a thousand times shorter.
pub fn policy() -> Policy {
    Policy {
        request_timeout: Duration::from_millis(300),
        transaction_life: Duration::from_secs(300),
        second_look_after: Duration::from_millis(5),
        shortest_gap: Duration::ZERO,
        first_gap: Duration::from_millis(1),
        backoff_base: Duration::from_millis(1),
        backoff_cap: Duration::from_millis(20),
        backoff_later_cap: Duration::from_millis(40),
        probe_interval: Duration::from_millis(15),
        credential_interval: Duration::from_millis(60),
        lock_interval: Duration::from_millis(10),
        stop_grace: Duration::from_secs(5),
        concurrency: 4,
        seed: Some(7),
    }
}

/// A quiet plant with many alerts and nobody else at work.
pub fn plant(alerts: usize) -> SimulatorConfig {
    SimulatorConfig {
        scenario: Scenario::Quiet,
        seed: 7,
        alerts: Some(alerts),
        second_operator: false,
        ..SimulatorConfig::default()
    }
}

pub struct Site {
    pub simulator: Simulator,
    pub outbox: Outbox,
    pub telemetry: Telemetry,
    _directory: tempfile::TempDir,
    limits: Limits,
    sender: Option<Running>,
}

struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Site {
    pub async fn start(config: SimulatorConfig) -> Self {
        Self::polling(config, Duration::from_millis(20)).await
    }

    /// A site whose outbox looks for what other processes did so often.
    pub async fn polling(config: SimulatorConfig, interval: Duration) -> Self {
        let simulator = Simulator::start(config).await.unwrap();
        let directory = tempfile::tempdir().unwrap();
        let outbox = open(&directory, interval).await;
        let limits = Limits {
            connect: Duration::from_secs(2),
            idle: Duration::from_millis(250),
            call: Duration::from_millis(280),
            ..Limits::default()
        };
        Self {
            simulator,
            outbox,
            telemetry: Telemetry::new(Caller::default()),
            _directory: directory,
            limits,
            sender: None,
        }
    }

    pub fn endpoint(&self, service: Service, auth: Auth) -> Endpoint {
        Endpoint {
            service,
            base: self.simulator.url().parse().unwrap(),
            ca_pem: Some(self.simulator.ca_pem().as_bytes().to_vec()),
            auth,
            limits: self.limits,
        }
    }

    pub fn gateway(&self) -> Gateway {
        self.gateway_with(Auth::ApiKey(self.simulator.monitor_key().into()))
    }

    /// Both clients against an address of the test's choice.
    pub fn gateway_at(&self, base: &str, ca_pem: &str, limits: Limits) -> Gateway {
        let endpoint = |service, auth| Endpoint {
            base: base.parse().unwrap(),
            ca_pem: Some(ca_pem.as_bytes().to_vec()),
            limits,
            ..self.endpoint(service, auth)
        };
        let monitor = endpoint(Service::Monitor, Auth::ApiKey(self.simulator.monitor_key().into()));
        let manage = endpoint(Service::Manage, Auth::ManageKey(self.simulator.manage_key().into()));
        Gateway {
            monitor: MonitorClient::new(monitor, self.telemetry.clone()).unwrap(),
            manage: Some(ManageClient::new(manage, ManagePaths::default(), self.telemetry.clone()).unwrap()),
        }
    }

    pub fn oauth(&self) -> Auth {
        Auth::OAuth2 {
            token_url: self.simulator.token_url().parse().unwrap(),
            client_id: self.simulator.client_id().into(),
            client_secret: self.simulator.client_secret().into(),
            scope: String::new(),
        }
    }

    pub fn gateway_with(&self, auth: Auth) -> Gateway {
        let manage = self.endpoint(Service::Manage, Auth::ManageKey(self.simulator.manage_key().into()));
        Gateway {
            monitor: MonitorClient::new(self.endpoint(Service::Monitor, auth), self.telemetry.clone()).unwrap(),
            manage: Some(ManageClient::new(manage, ManagePaths::default(), self.telemetry.clone()).unwrap()),
        }
    }

    pub fn target(&self, service: Service) -> Target {
        Target {
            service,
            profile: "test".into(),
            origin: self.simulator.url().trim_end_matches('/').into(),
        }
    }

    pub fn send(&mut self) {
        let gateway = self.gateway();
        self.send_with(gateway, policy());
    }

    pub fn send_with(&mut self, gateway: impl Deliver, policy: Policy) {
        let targets = Service::ALL.map(|service| self.target(service)).to_vec();
        let sender = Sender::new(self.outbox.clone(), Arc::new(gateway), targets, policy);
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            sender
                .run(async {
                    let _ = stopped.await;
                })
                .await
                .unwrap();
        });
        self.sender = Some(Running { stop, task });
    }

    /// Ends the sender as a killed process would: at whatever it was doing.
    pub async fn kill_sender(&mut self) {
        if let Some(running) = self.sender.take() {
            running.task.abort();
            let _ = running.task.await;
        }
    }

    pub async fn stop_sender(&mut self) {
        if let Some(running) = self.sender.take() {
            let _ = running.stop.send(());
            let _ = running.task.await;
        }
    }

    /// The new alerts of the plant.
    pub fn new_alerts(&self) -> Vec<AlertId> {
        let alerts = self.simulator.alerts();
        let new = alerts.iter().filter(|alert| alert["status"] == "new");
        new.map(|alert| AlertId::new(alert["alertId"].as_str().unwrap())).collect()
    }

    pub async fn submit(&self, intent: Intent) -> OutboxRow {
        let target = self.target(intent.service());
        self.outbox
            .submit(Submission {
                intent,
                target,
                grace: Duration::ZERO,
            })
            .await
            .unwrap()
    }

    pub async fn settled(&self, ids: &[OutboxId]) -> Vec<OutboxRow> {
        self.outbox.wait_settled(ids, GUARD).await.unwrap()
    }

    /// Each of these intents had exactly one effect at the server, and nothing else had any.
    pub fn judge(&self, alerts: &[AlertId], kinds: &[EffectKind]) {
        let mut effects: BTreeMap<(EffectKind, String), usize> = BTreeMap::new();
        for entry in self.simulator.client_effects() {
            let object = match entry.effect {
                EffectKind::CreateWorkOrder => entry.body["externalrefid"].as_str().unwrap_or_default().to_owned(),
                _ => entry.alert_id.clone().unwrap_or_default(),
            };
            *effects.entry((entry.effect, object)).or_default() += 1;
        }
        let mut wanted: BTreeMap<(EffectKind, String), usize> = BTreeMap::new();
        for alert in alerts {
            for kind in kinds {
                let object = match kind {
                    EffectKind::CreateWorkOrder => create(alert).reference().unwrap().short(),
                    _ => alert.raw().to_owned(),
                };
                wanted.insert((*kind, object), 1);
            }
        }
        assert_eq!(effects, wanted, "left: what the server committed; right: what was asked, once each");
    }
}

async fn open(directory: &tempfile::TempDir, poll_interval: Duration) -> Outbox {
    let options = OpenOptions {
        poll_interval,
        ..OpenOptions::new(encode, Actor::default())
    };
    Outbox::open(&directory.path().join("state"), options).await.unwrap()
}

pub fn acknowledge(alert: &AlertId) -> Intent {
    Intent::Acknowledge {
        alert: alert.clone(),
        by: "operator1".into(),
        notes: Some("looking".into()),
        over: None,
    }
}

pub fn create(alert: &AlertId) -> Intent {
    Intent::CreateWorkOrder {
        alert: alert.clone(),
        generation: 0,
        seen: Vec::new(),
        allow_duplicate: true,
        draft: WorkOrderDraft {
            description: "IoT Alert: test".into(),
            description_longdescription: "Device: X".into(),
            assetnum: Some("PUMP-001".into()),
            siteid: "BEDFORD".into(),
            worktype: "CM".into(),
            wopriority: 2,
            reportedby: "MONITOR".into(),
            classificationid: "IOT_ALERT".into(),
            lead: None,
        },
    }
}

pub fn all_delivered(rows: &[OutboxRow]) {
    for row in rows {
        assert_eq!(
            row.state,
            IntentState::Delivered,
            "row {}: {:?} {:?}",
            row.id,
            row.detail,
            row.intent
        );
    }
}
