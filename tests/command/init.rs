use std::os::unix::fs::PermissionsExt as _;

use nightdesk::simulator::Outage;

use super::plant::{Plant, run_in};

fn flags(plant: &Plant) -> Vec<String> {
    let url = plant.simulator.url().to_string();
    let file = |name: &str| plant.path(name).to_str().unwrap().to_owned();
    [
        "init",
        "--site",
        "BEDFORD",
        "--operator",
        "operator1",
        "--monitor-url",
        &url,
        "--auth",
        "api-key",
        "--monitor-key-file",
        &file("monitor.key"),
        "--manage-url",
        &url,
        "--manage-key-file",
        &file("manage.key"),
        "--ca-file",
        &file("ca.pem"),
        "--time-zone",
        "UTC",
    ]
    .map(str::to_owned)
    .to_vec()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_configuration_is_tested_written_and_never_overwritten() {
    let plant = Plant::start().await;
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("etc/nightdesk.toml");
    let run = async |more: &[&str]| {
        let mut all = vec!["--config".to_owned(), config.to_str().unwrap().to_owned()];
        all.extend(flags(&plant));
        all.extend(more.iter().map(|one| (*one).to_owned()));
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        run_in(home.path(), &all, "").await
    };
    // a server that does not answer: nothing is written
    plant.simulator.set_outage(Outage::Refused).await;
    let ran = run(&[]).await.expect(5);
    assert!(
        ran.stderr.contains("fail") && ran.stderr.contains("Monitor reachable"),
        "{}",
        ran.stderr
    );
    assert!(!config.exists());
    plant.simulator.set_outage(Outage::None).await;

    let ran = run(&[]).await.expect(0);
    assert_eq!(ran.stdout.trim(), config.to_str().unwrap());
    assert!(
        ran.stderr.contains("alerts can be read") && ran.stderr.contains("work orders can be read"),
        "{}",
        ran.stderr
    );
    let text = std::fs::read_to_string(&config).unwrap();
    let key = std::fs::read_to_string(plant.path("monitor.key")).unwrap();
    assert!(!text.contains(key.trim()), "the key itself is not in it");
    assert_eq!(std::fs::metadata(&config).unwrap().permissions().mode() & 0o777, 0o600);
    // what was written works as it is
    let config_name = config.to_str().unwrap();
    run_in(home.path(), &["--config", config_name, "doctor"], "").await.expect(0);
    run_in(home.path(), &["--config", config_name, "alerts", "list"], "")
        .await
        .expect(0);
    assert_eq!(plant.simulator.client_effects(), [], "init and doctor only look");

    let ran = run(&[]).await.expect(3);
    assert!(ran.stderr.contains("never overwritten"), "{}", ran.stderr);
    assert_eq!(std::fs::read_to_string(&config).unwrap(), text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_may_not_is_found_and_kept_only_on_demand() {
    let plant = Plant::start().await;
    std::fs::write(plant.path("manage.key"), "wrong\n").unwrap();
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("nightdesk.toml");
    let mut all = vec!["--config".to_owned(), config.to_str().unwrap().to_owned()];
    all.extend(flags(&plant));
    let refs: Vec<&str> = all.iter().map(String::as_str).collect();
    let ran = run_in(home.path(), &refs, "").await.expect(4);
    assert!(ran.stderr.contains("Manage permission") && !config.exists(), "{}", ran.stderr);
    let kept: Vec<&str> = refs.iter().copied().chain(["--keep"]).collect();
    run_in(home.path(), &kept, "").await.expect(0);
    assert!(config.exists());
}
