//! Each exit code has a way to it.

use std::os::unix::fs::PermissionsExt as _;

use nightdesk::simulator::{CertificateKind, FaultAction, FaultRule, Operation, Outage, SimulatorConfig, When};

use super::plant::{Plant, run_in};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_is_usage() {
    let plant = Plant::start().await;
    let ran = plant.run(&["alerts", "list", "sev:high (state:new"]).await.expect(2);
    let lines: Vec<&str> = ran.stderr.lines().collect();
    assert_eq!(lines[1], "  sev:high (state:new");
    assert!(lines[2].trim_start() == "^", "{lines:?}");
    plant.run(&["alerts", "lisst"]).await.expect(2);
    plant.run(&["alerts", "ack", ""]).await.expect(2);
    // a variable that was not set, and a slip behind a minus, must not mean the whole plant
    let ran = plant.run(&["alerts", "ack", "--filter", " "]).await.expect(2);
    assert!(ran.stderr.contains("--filter is:unack means every alert"), "{}", ran.stderr);
    plant.run(&["alerts", "ack", "--filter=-state:akc"]).await.expect(2);
    let ran = plant
        .run(&["export", "lake", "--type", "Compressor", "--date", "yesterday"])
        .await
        .expect(2);
    assert!(ran.stderr.contains("write a day as 2026-09-01"), "{}", ran.stderr);
    plant
        .run(&["readings", "PUMP-017", "--start", "-1h", "--end", "-2h"])
        .await
        .expect(2);
    assert_eq!(plant.simulator.client_effects(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_is_configuration() {
    let plant = Plant::start().await;
    plant.edit("time_zone", "time_zoen");
    let ran = plant.run(&["alerts", "list"]).await.expect(3);
    assert!(
        ran.stderr
            .contains("config.toml:10: profiles.demo.time_zoen: is not a known key; did you mean `time_zone`?"),
        "{}",
        ran.stderr
    );
    assert!(ran.stdout.is_empty());

    let home = tempfile::tempdir().unwrap();
    let ran = run_in(home.path(), &["alerts", "list"], "").await.expect(3);
    assert!(
        ran.stderr.contains("there is no configuration") && ran.stderr.contains("nightdesk demo"),
        "{}",
        ran.stderr
    );

    let plant = Plant::start().await;
    plant.run(&["--profile", "demmo", "alerts", "list"]).await.expect(3);
    plant.edit("ca_file = \"ca.pem\"", "ca_file = \"none.pem\"");
    plant.run(&["alerts", "list"]).await.expect(3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_manage_a_work_order_says_what_to_configure() {
    let plant = Plant::start().await;
    let text = std::fs::read_to_string(plant.path("config.toml")).unwrap();
    let (before, _) = text.split_once("[profiles.demo.manage]").unwrap();
    std::fs::write(plant.path("config.toml"), before).unwrap();
    let ran = plant.run(&["workorders", "list"]).await.expect(3);
    assert!(ran.stderr.contains("[profiles.demo.manage]"), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_is_credentials() {
    let plant = Plant::start().await;
    let key = plant.path("monitor.key");
    std::fs::write(&key, "wrong\n").unwrap();
    let ran = plant.run(&["alerts", "list"]).await.expect(4);
    assert!(ran.stderr.contains("refused the credential"), "{}", ran.stderr);

    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let ran = plant.run(&["alerts", "list"]).await.expect(4);
    assert!(ran.stderr.contains(&format!("chmod 600 {}", key.display())), "{}", ran.stderr);

    std::fs::remove_file(&key).unwrap();
    plant.run(&["alerts", "list"]).await.expect(4);
    // the secret is in no message
    let real = plant.simulator.monitor_key();
    assert!(!ran.stderr.contains(real));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_is_server_or_network() {
    let plant = Plant::start().await;
    plant.simulator.set_outage(Outage::Refused).await;
    let ran = plant.run(&["alerts", "list", "--json"]).await.expect(5);
    assert!(ran.stdout.is_empty() && ran.stderr.contains("cannot be reached"), "{ran:?}");
    plant.simulator.set_outage(Outage::None).await;
    plant.simulator.set_faults(vec![FaultRule::on(
        [Operation::ListAlerts],
        FaultAction::Status {
            status: 503,
            retry_after: Some("0".into()),
            when: When::Before,
        },
    )]);
    plant.run(&["alerts", "list"]).await.expect(5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn six_is_tls() {
    let plant = Plant::start_with(SimulatorConfig {
        certificate: CertificateKind::WrongHost,
        ..SimulatorConfig::default()
    })
    .await;
    plant.run(&["alerts", "list"]).await.expect(6);
    plant.edit("url = \"https:", "url = \"http:");
    let ran = plant.run(&["alerts", "list"]).await.expect(6);
    assert!(ran.stderr.contains("`http://` is refused"), "{}", ran.stderr);
    assert!(ran.stderr.contains("write https://127.0.0.1:"), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seven_is_the_local_store() {
    let plant = Plant::start().await;
    let file = plant.path("occupied");
    std::fs::write(&file, "not a folder").unwrap();
    let id = &plant.alerts("new")[0];
    for arguments in [&["alerts", "ack", id, "--no-wait"][..], &["outbox", "list"], &["audit", "verify"]] {
        let all = [&["--state-dir", file.to_str().unwrap()][..], arguments].concat();
        let ran = plant.run(&all).await.expect(7);
        assert!(ran.stderr.contains("occupied"), "{}", ran.stderr);
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "not a folder");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_is_refused_or_not_found() {
    let plant = Plant::start().await;
    plant.run(&["alerts", "show", "NOPE"]).await.expect(8);
    plant.run(&["devices", "show", "NOPE"]).await.expect(8);
    plant.run(&["workorders", "create", "--alert", "NOPE"]).await.expect(8);
}
