//! `nightdesk handover` against a plant: the numbers are the server's own.

use nightdesk::domain::{Alert, Listing};
use nightdesk::local::Cache;
use nightdesk::simulator::Outage;

use super::plant::Plant;

fn open_of(plant: &Plant, severity: &str) -> (u64, u64) {
    let alerts = plant.simulator.alerts();
    let open = || {
        alerts
            .iter()
            .filter(|alert| alert["status"] != "resolved" && alert["severity"].as_str().unwrap().eq_ignore_ascii_case(severity))
    };
    let new = open().filter(|alert| alert["status"] == "new").count();
    (open().count() as u64, new as u64)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_document_has_what_the_server_has_and_what_was_done_here() {
    let plant = Plant::start().await;
    let new = plant.alerts("new");
    plant.run(&["alerts", "ack", &new[0], "--note", "on my way"]).await.expect(0);
    let resolve = ["alerts", "resolve", &new[1], "--resolution", "cleaned", "--root-cause", "Blockage"];
    plant.run(&resolve).await.expect(0);
    plant
        .run(&["workorders", "create", "--alert", &new[2], "--allow-duplicate"])
        .await
        .expect(0);
    let document = plant.run(&["handover", "--since", "-8h", "--json"]).await.expect(0).json();
    for (index, severity) in ["critical", "high", "medium", "low"].into_iter().enumerate() {
        let (open, unacknowledged) = open_of(&plant, severity);
        assert_eq!(document["open"][index]["open"], open, "{severity}");
        assert_eq!(document["open"][index]["unacknowledged"], unacknowledged, "{severity}");
    }
    assert_eq!(document["unacknowledged"].as_array().unwrap().len(), plant.alerts("new").len());
    let since: jiff::Timestamp = document["since"].as_str().unwrap().parse().unwrap();
    let in_period = |alert: &serde_json::Value, member: &str| {
        alert[member]
            .as_str()
            .is_some_and(|at| at.parse::<jiff::Timestamp>().unwrap() >= since)
    };
    let alerts = plant.simulator.alerts();
    let raised = alerts.iter().filter(|alert| in_period(alert, "timestamp")).count();
    assert_eq!(document["raised"], raised);
    let resolved = alerts
        .iter()
        .filter(|alert| alert["status"] == "resolved" && in_period(alert, "resolvedAt"))
        .count();
    assert_eq!(document["resolved"], resolved);
    let verbs: Vec<&str> = document["done"]
        .as_array()
        .unwrap()
        .iter()
        .map(|deed| deed["verb"].as_str().unwrap())
        .collect();
    assert_eq!(verbs, ["acknowledge", "resolve", "work order"]);
    let order = document["orders"]
        .as_array()
        .unwrap()
        .iter()
        .find(|order| order["alertId"] == new[2].as_str())
        .unwrap();
    assert!(
        order["wonum"].is_string() && order["madeAt"].is_string() && order["status"].is_string(),
        "{order}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_formats_a_file_and_a_server_that_is_away() {
    let plant = Plant::start().await;
    let markdown = plant.run(&["handover"]).await.expect(0);
    assert!(markdown.stdout.starts_with("# Handover "), "{}", markdown.stdout);
    assert!(
        markdown.stdout.contains("The list of alerts was read at ") && markdown.stdout.contains("; open now: "),
        "{}",
        markdown.stdout
    );
    let text = plant.run(&["handover", "--format", "text"]).await.expect(0);
    assert!(text.stdout.contains("NOT ACKNOWLEDGED"));
    let csv = plant.run(&["handover", "--csv"]).await.expect(0);
    assert!(csv.stdout.starts_with("section,time,severity,device,alert,state,by,detail\r\n"));
    for two in [["--json", "--format", "md"].as_slice(), &["--csv", "--format", "json"]] {
        let ran = plant.run(&[&["handover"], two].concat()).await.expect(2);
        assert!(ran.stdout.is_empty() && ran.stderr.contains("different forms"), "{ran:?}");
    }
    let file = plant.path("shift.json");
    let written = plant
        .run(&["handover", "--format", "json", "--out", file.to_str().unwrap()])
        .await
        .expect(0);
    assert!(written.stdout.is_empty() && written.stderr.contains("shift.json"));
    let document: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert!(document["open"].is_array());
    plant.run(&["handover", "--since", "2999-01-01"]).await.expect(2);
    // nothing was ever seen by a console here: without the server there is nothing to hand over
    plant.simulator.set_outage(Outage::Refused).await;
    plant.run(&["handover"]).await.expect(5);
    // what a console kept last is better than nothing, and says so
    let listing: Vec<Alert> = vec![serde_json::from_value(plant.simulator.alerts()[0].clone()).unwrap()];
    let cache = Cache::open(&plant.path("state/cache"), plant.scope()).unwrap();
    let seen = jiff::Timestamp::now() - jiff::SignedDuration::from_mins(90);
    cache.keep_alerts(&Listing::whole(listing, seen)).unwrap();
    // the document is there, and so is the reason why it is an old one
    let last = plant.run(&["handover", "--json"]).await.expect(5);
    let about_alerts: Vec<&str> = last.stderr.lines().filter(|line| line.contains("as they were last seen")).collect();
    assert!(
        about_alerts.len() == 1 && about_alerts[0].contains("cannot be reached") && about_alerts[0].contains("(1h30 ago)"),
        "{}",
        last.stderr
    );
    let text = plant.run(&["handover", "--format", "text"]).await.expect(5);
    assert!(
        text.stdout.contains("The list of alerts is 90 min old") && text.stdout.contains("; open then: "),
        "{}",
        text.stdout
    );
    let old = plant.path("old.md");
    plant.run(&["handover", "--out", old.to_str().unwrap()]).await.expect(5);
    assert!(std::fs::read_to_string(&old).unwrap().contains("what came after it is not in here"));
    let open: u64 = last.json()["open"]
        .as_array()
        .unwrap()
        .iter()
        .map(|open| open["open"].as_u64().unwrap())
        .sum();
    assert!(open <= 1);
}
