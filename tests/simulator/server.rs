//! The listener, its certificates and files, and what is counted.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::{Arc, Mutex};

use nightdesk::command::simulate::{self, SimulateOptions};
use nightdesk::config::{Config, Env, Locate};
use nightdesk::simulator::{
    CertificateKind, FaultAction, FaultRule, Scenario, SimulateError, Simulator, SimulatorConfig, When, write_directory,
};
use serde_json::{Value, json};

use super::plain::{Plain, held, quiet, text};

#[tokio::test]
async fn only_the_good_certificate_is_taken() {
    for (certificate, is_taken) in [
        (CertificateKind::Good, true),
        (CertificateKind::Expired, false),
        (CertificateKind::WrongHost, false),
        (CertificateKind::SelfSigned, false),
    ] {
        let (simulator, _hand, plain) = held(|config| SimulatorConfig { certificate, ..config }).await;
        let answer = plain.http.get(simulator.url()).send().await;
        assert_eq!(answer.is_ok(), is_taken, "{certificate:?}: {answer:?}");
        let by_name = plain.http.get(simulator.url().replace("127.0.0.1", "localhost")).send().await;
        assert_eq!(by_name.is_ok(), is_taken, "{certificate:?} by name: {by_name:?}");
    }
}

#[tokio::test]
async fn nothing_is_said_without_tls() {
    let (simulator, _hand, plain) = quiet().await;
    assert!(plain.http.get(simulator.url().replace("https", "http")).send().await.is_err());
    assert!(simulator.requests().is_empty());
}

#[tokio::test]
async fn requests_are_counted_by_operation_and_at_once() {
    let (simulator, _hand, plain) = quiet().await;
    for _ in 0..3 {
        plain.get("/api/v1/alerts").await;
    }
    plain.get("/v1/devices").await;
    plain.post("/oauth/token", &json!({})).await;
    let traffic = simulator.traffic();
    let expected = [("listAlerts", 3), ("listDevicesFlat", 1), ("token", 1)];
    assert_eq!(traffic.requests, expected.into_iter().collect());
    assert_eq!((traffic.concurrent, traffic.concurrent_max, traffic.bytes_in), (0, 1, 2));
    assert!(traffic.bytes_out > 1000);
    let paths: Vec<String> = simulator.requests().into_iter().map(|record| record.path).collect();
    assert_eq!(paths[2..4], ["/api/v1/alerts", "/v1/devices"]);
    // four that wait are four at once
    simulator.set_latency(std::time::Duration::from_secs(3600));
    let waiting: Vec<_> = (0..4)
        .map(|_| {
            let plain = plain.clone();
            tokio::spawn(async move { plain.get("/v1/devices").await.status })
        })
        .collect();
    while simulator.traffic().concurrent < 4 {
        tokio::task::yield_now().await;
    }
    assert_eq!(simulator.traffic().concurrent_max, 4);
    waiting.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn the_ledgers_file_says_what_the_ledger_says() {
    let directory = tempfile::tempdir().unwrap();
    let (simulator, hand, plain) = held(|config| SimulatorConfig {
        directory: Some(directory.path().to_owned()),
        ..config
    })
    .await;
    hand.advance_secs(1200);
    let id = text(&plain.alerts("status=new").await[0], "alertId").to_owned();
    plain
        .put(
            &format!("/api/v1/alerts/{id}"),
            &json!({"status": "acknowledged", "acknowledgedBy": "operator1"}),
        )
        .await;
    let lines: Vec<Value> = fs::read_to_string(directory.path().join("ledger.jsonl"))
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let ledger = simulator.ledger();
    assert_eq!(json!(ledger), json!(lines));
    assert!(ledger.iter().enumerate().all(|(index, entry)| entry.seq == index as u64 + 1));
    let last = lines.last().unwrap();
    assert_eq!(
        (text(last, "effect"), text(last, "actor"), text(last, "alertId"), text(last, "key")),
        ("acknowledge", "operator1", id.as_str(), "api-key")
    );
    assert!(lines.iter().any(|line| line["actor"] == "operator2" && line["key"] == "simulated"));
}

#[tokio::test]
async fn the_directory_is_private_and_its_files_open_the_door() {
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("sim");
    let (simulator, _hand, plain) = quiet().await;
    write_directory(&simulator, &directory).unwrap();
    write_directory(&simulator, &directory).unwrap(); // again over the old files
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    let read = |name: &str| fs::read_to_string(directory.join(name)).unwrap();
    let mut folders = vec![directory.clone()];
    while let Some(folder) = folders.pop() {
        assert_eq!(mode(&folder), 0o700);
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                assert_eq!(mode(&path), 0o600, "{}", path.display());
            }
        }
    }
    assert_eq!(read("url").trim(), simulator.url());
    assert_eq!(read("ca.pem"), simulator.ca_pem());
    let by_files = Plain {
        monitor_key: read("monitor.key").trim().into(),
        manage_key: read("manage.key").trim().into(),
        ..plain
    };
    assert_eq!(by_files.get("/v1/devices").await.status, 200);
    assert_eq!(by_files.get("/maximo/oslc/os/mxwo").await.status, 200);
    let file = Some(directory.join("config.toml"));
    let config = Config::load(&Locate::new(file, None, Some(root.path().join("state")), Env::of(&[]))).unwrap();
    assert_eq!(config.operator.name, "operator1");
    assert_eq!(config.profile().unwrap().site, "BEDFORD");
}

#[tokio::test]
async fn a_taken_port_and_too_large_a_plant_are_said() {
    let (simulator, _hand, _plain) = quiet().await;
    let port: u16 = simulator.url().rsplit_once(':').unwrap().1.parse().unwrap();
    let error = Simulator::start(SimulatorConfig {
        port,
        ..SimulatorConfig::default()
    })
    .await
    .unwrap_err();
    assert!(
        matches!(error, SimulateError::Listen { .. }) && error.to_string().contains(&port.to_string()),
        "{error}"
    );
    let error = Simulator::start(SimulatorConfig {
        devices: 100_001,
        ..SimulatorConfig::default()
    })
    .await
    .unwrap_err();
    assert_eq!(error.to_string(), "100001 devices are too many: take at most 100000");
}

#[tokio::test]
async fn after_shutdown_nobody_answers_and_the_port_is_free() {
    let (simulator, _hand, plain) = quiet().await;
    let url = simulator.url().to_owned();
    let port: u16 = url.rsplit_once(':').unwrap().1.parse().unwrap();
    assert_eq!(plain.get("/v1/devices").await.status, 200);
    simulator.shutdown().await;
    assert!(plain.http.get(&url).send().await.is_err());
    drop(plain);
    Simulator::start(SimulatorConfig {
        port,
        ..SimulatorConfig::default()
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn another_person_can_act_past_the_network() {
    let (simulator, _hand, plain) = quiet().await;
    let id = text(&plain.alerts("status=new").await[0], "alertId").to_owned();
    assert!(simulator.acknowledge_as(&id, "operator7", Some("mine")));
    assert!(!simulator.acknowledge_as(&id, "operator8", None));
    assert!(simulator.resolve_as(&id, "operator8", "Reset", "Drift"));
    assert_eq!(plain.fetch(&format!("/api/v1/alerts/{id}")).await["resolvedBy"], "operator8");
    assert_eq!((simulator.client_effects().len(), simulator.ledger().len()), (0, 2));
    let wonum = text(&simulator.work_orders()[0], "wonum").to_owned();
    assert!(simulator.set_work_order_status(&wonum, "CAN") && !simulator.set_work_order_status("0", "CAN"));
    assert_eq!(simulator.work_orders()[0]["status"], "CAN");
}

/// Collects what is printed, and tells when the line is whole.
#[derive(Clone)]
struct Printed(Arc<Mutex<String>>, Arc<tokio::sync::Notify>);

impl std::io::Write for Printed {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().push_str(std::str::from_utf8(bytes).unwrap());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.1.notify_one();
        Ok(())
    }
}

#[tokio::test]
async fn the_command_says_ready_when_everything_is_there_and_reads_its_rules() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("D");
    let faults = root.path().join("faults.toml");
    fs::write(
        &faults,
        "[[fault]]\noperation = \"listAlerts\"\naction = \"status\"\nstatus = 503\nretry_after = \"2\"\n",
    )
    .unwrap();
    let options = SimulateOptions {
        dir: dir.clone(),
        port: 0,
        scenario: Scenario::Night,
        seed: 3,
        devices: 150,
        alerts: None,
        allow_takeover: true,
        faults: Some(faults.clone()),
        technicians: None,
    };
    let printed = Printed(Arc::default(), Arc::default());
    let mut out = printed.clone();
    let command = tokio::spawn({
        let options = options.clone();
        async move { simulate::run(options, &mut out).await }
    });
    printed.1.notified().await;
    let url = fs::read_to_string(dir.join("url")).unwrap().trim().to_owned();
    assert_eq!(*printed.0.lock().unwrap(), format!("ready {url}\n"));
    let ca = reqwest::Certificate::from_pem(&fs::read(dir.join("ca.pem")).unwrap()).unwrap();
    let http = reqwest::Client::builder().tls_certs_only([ca]).build().unwrap();
    let key = fs::read_to_string(dir.join("monitor.key")).unwrap();
    let answer = http
        .get(format!("{url}/api/v1/alerts"))
        .header("authorization", format!("ApiKey {}", key.trim()))
        .send()
        .await
        .unwrap();
    assert_eq!(
        (answer.status().as_u16(), answer.headers()["retry-after"].to_str().unwrap()),
        (503, "2")
    );
    assert!(dir.join("ledger.jsonl").exists() && dir.join("config.toml").exists());
    command.abort();

    fs::write(&faults, "[[fault]]\noperatoin = \"listAlerts\"\n").unwrap();
    let error = simulate::run(options, &mut printed.clone()).await.unwrap_err().to_string();
    assert!(error.contains("faults.toml:2: unknown field `operatoin`"), "{error}");
}

#[tokio::test]
async fn faults_can_be_there_from_the_start() {
    let rule = FaultRule::on(
        [],
        FaultAction::Status {
            status: 502,
            retry_after: None,
            when: When::Before,
        },
    );
    let (_simulator, _hand, plain) = held(|config| SimulatorConfig {
        faults: vec![rule.times(1)],
        ..config
    })
    .await;
    assert_eq!(plain.get("/v1/devices").await.status, 502);
    assert_eq!(plain.get("/v1/devices").await.status, 200);
}
