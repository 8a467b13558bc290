use nightdesk::simulator::Outage;
use serde_json::Value;

use super::plant::{Plant, Ran};

fn status(ran: &Ran, check: &str) -> Option<String> {
    ran.items()
        .iter()
        .find(|item| item["check"] == check)
        .and_then(|item| item["status"].as_str().map(str::to_owned))
}

fn failed(ran: &Ran) -> Vec<String> {
    ran.items()
        .iter()
        .filter(|item| item["status"] == "fail")
        .filter_map(|item| item["check"].as_str().map(str::to_owned))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_is_well() {
    let plant = Plant::start().await;
    let ran = plant.run(&["doctor", "--json"]).await.expect(0);
    assert_eq!(failed(&ran), Vec::<String>::new());
    for check in [
        "configuration",
        "Monitor reachable",
        "Monitor permission",
        "Manage permission",
        "store",
    ] {
        assert_eq!(status(&ran, check).as_deref(), Some("ok"), "{check}: {ran:?}");
    }
    // there is no terminal here, which is worth a word and no failure
    assert_eq!(status(&ran, "terminal").as_deref(), Some("warn"));
    let text = plant.run(&["doctor"]).await.expect(0).stdout;
    assert!(
        text.lines().all(|line| line.starts_with("ok  ") || line.starts_with("warn")),
        "{text}"
    );
    // it looked and changed nothing
    assert_eq!(plant.simulator.client_effects(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_fault_is_found_with_its_exit_code_and_what_to_do() {
    let plant = Plant::start().await;
    std::fs::write(plant.path("monitor.key"), "wrong").unwrap();
    let ran = plant.run(&["doctor", "--json"]).await.expect(4);
    assert_eq!(failed(&ran), ["Monitor permission"]);

    plant.simulator.set_outage(Outage::Refused).await;
    let ran = plant.run(&["doctor", "--json"]).await.expect(5);
    assert_eq!(failed(&ran), ["Monitor reachable", "Manage reachable"]);

    std::fs::remove_file(plant.path("monitor.key")).unwrap();
    let ran = plant.run(&["doctor", "--json"]).await.expect(9);
    assert_eq!(failed(&ran), ["Monitor credential", "Manage reachable"]);

    plant.edit("time_zone = \"UTC\"", "time_zone = \"Mars\"\nsiet = 1");
    let ran = plant.run(&["doctor", "--json"]).await.expect(3);
    assert_eq!(failed(&ran), ["configuration", "configuration"]);
    let details: Vec<Value> = ran.items().iter().map(|item| item["detail"].clone()).collect();
    assert!(details[1].as_str().unwrap().contains("did you mean `site`?"), "{details:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_key_and_parked_rows_are_worth_a_look() {
    let plant = Plant::start().await;
    let text = std::fs::read_to_string(plant.path("config.toml")).unwrap();
    let (line, _) = text
        .split_once("key_created = \"")
        .map(|(_, rest)| rest.split_once('"').unwrap())
        .unwrap();
    plant.edit(line, "2020-01-01");
    let ran = plant.run(&["alerts", "list"]).await.expect(0);
    assert!(
        ran.stderr.contains("[profiles.demo.monitor]: the key is ") && ran.stderr.contains("replace it"),
        "{ran:?}"
    );
    plant.run(&["alerts", "ack", "NOPE"]).await.expect(8);
    let ran = plant.run(&["doctor", "--json"]).await.expect(0);
    assert_eq!(status(&ran, "Monitor key").as_deref(), Some("warn"));
    assert_eq!(status(&ran, "outbox").as_deref(), Some("warn"));
}
