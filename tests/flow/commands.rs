//! The same by hand: the real binary.

use nightdesk::simulator::{EffectKind, FaultAction, FaultRule, Operation, When};

use super::support::run_bridge as run;
use crate::command::plant::{Plant, run_in};

fn status(status: u16) -> FaultAction {
    FaultAction::Status {
        status,
        retry_after: None,
        when: When::Before,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn assets_are_planned_then_written_then_left_alone() {
    let plant = Plant::start().await;
    let plan = run(&plant, &["assets", "sync", "--dry-run", "--json"]).await.expect(0);
    let planned = plan.items();
    assert!(planned.len() > 10 && plan.stderr.contains("150 devices: "), "{plan:?}");
    assert!(planned.iter().all(|item| item.get("state").is_none()));
    assert!(plant.simulator.client_effects().is_empty());

    let pumps = run(&plant, &["assets", "sync", "--type", "PumpStation", "--json"]).await.expect(0);
    assert!(
        pumps
            .items()
            .iter()
            .all(|item| item["assetnum"].as_str().unwrap().starts_with("PUMP-"))
    );
    let synced = run(&plant, &["assets", "sync", "--json"]).await.expect(0);
    assert_eq!(synced.items().len() + pumps.items().len(), planned.len());
    assert!(synced.items().iter().all(|item| item["state"] == "delivered"), "{synced:?}");
    let written = plant.simulator.client_effects().len();
    let again = run(&plant, &["assets", "sync"]).await.expect(0);
    assert!(
        again.stderr.contains("0 assets to make, 0 to change, 150 as they should be"),
        "{again:?}"
    );
    assert_eq!(plant.simulator.client_effects().len(), written);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_days_production_is_sent_once() {
    let plant = Plant::start().await;
    let yesterday = plant
        .simulator
        .now()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .date()
        .yesterday()
        .unwrap()
        .to_string();
    let arguments = ["erp", "sync", "--line", "LINE-1", "--date", &yesterday, "--json"];
    let first = run(&plant, &arguments).await.expect(0).json();
    assert_eq!((first["state"].as_str(), first["revision"].as_i64()), (Some("delivered"), Some(0)));
    assert_eq!(first["metrics"], plant.simulator.reports()[0]["metrics"]);
    let again = run(&plant, &arguments).await.expect(0).json();
    assert_eq!(again["state"], "unchanged");
    assert_eq!(plant.effects(EffectKind::ReportProduction).len(), 1);
    run(&plant, &["erp", "sync", "--line", "LINE-1", "--date", "2026-02-30"])
        .await
        .expect(2);
    let none = run(&plant, &["erp", "sync", "--line", "NO-LINE", "--date", &yesterday]).await;
    assert_eq!(none.code, 8, "{none:?}");
    let future = run(&plant, &["erp", "sync", "--line", "LINE-1", "--date", "2999-01-01"])
        .await
        .expect(2);
    assert!(future.stderr.contains("has not begun"), "{future:?}");
    let without = plant.run(&arguments).await.expect(3);
    assert!(without.stderr.contains("add [profiles.demo.erp]"), "{without:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn definitions_are_checked_with_their_line() {
    let home = tempfile::tempdir().unwrap();
    let write = |text: &str| {
        let path = home.path().join("hook.json");
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let template = run_in(home.path(), &["webhooks", "template", "servicenow"], "")
        .await
        .expect(0)
        .stdout;
    let path = write(&template);
    let missing = run_in(home.path(), &["webhooks", "check", &path], "").await.expect(3);
    assert!(
        missing
            .stderr
            .contains("hook.json:7: webhook.headers.Authorization: ${SERVICENOW_AUTH} is neither"),
        "{missing:?}"
    );
    // a credential beside the definition
    let folder = home.path().join("credentials");
    std::fs::create_dir(&folder).unwrap();
    let secret = folder.join("SERVICENOW_AUTH");
    std::fs::write(&secret, "dXNlcjpwYXNz\n").unwrap();
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o644)).unwrap();
    let exposed = run_in(home.path(), &["webhooks", "check", &path], "").await.expect(3);
    assert!(exposed.stderr.contains("chmod 600"), "{exposed:?}");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    let good = run_in(home.path(), &["webhooks", "check", &path, "--json"], "")
        .await
        .expect(0)
        .json();
    assert_eq!(good["name"], "Alert to ServiceNow");
    assert_eq!(good["correlationId"], true);
    assert_eq!(good["example"]["urgency"], "3");
    assert!(!good.to_string().contains("dXNlcjpwYXNz"));
    for (from, to, code, wanted) in [
        (
            "${alertName}",
            "${alertname}",
            3,
            "hook.json:12: webhook.payload.short_description: `${alertname}`",
        ),
        ("https://", "http://", 6, "hook.json:4: webhook.url: `http://` is refused"),
        ("\"retry\": {", "\"retry\": [", 3, "hook.json:"),
    ] {
        let path = write(&template.replacen(from, to, 1));
        let ran = run_in(home.path(), &["webhooks", "check", &path], "").await.expect(code);
        assert!(ran.stderr.contains(wanted), "{ran:?}");
    }
    run_in(home.path(), &["webhooks", "check", "/nowhere.json"], "").await.expect(3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_is_tested_listed_and_replayed() {
    let plant = Plant::start().await;
    let name = "Alert to another system";
    let tested = run(&plant, &["webhooks", "test", name, "--json"]).await.expect(0).json();
    assert_eq!(
        (tested["state"].as_str(), tested["webhook"].as_str()),
        (Some("delivered"), Some(name))
    );
    assert_eq!(plant.effects(EffectKind::ReceiveWebhook).len(), 1);
    let unknown = run(&plant, &["webhooks", "test", "nobody"]).await.expect(2);
    assert!(
        unknown.stderr.contains("there is Alert to ServiceNow") || unknown.stderr.contains(name),
        "{unknown:?}"
    );

    // refused for good: a dead letter
    plant
        .simulator
        .set_faults(vec![FaultRule::on([Operation::ReceiveWebhook], status(400)).times(1)]);
    run(&plant, &["webhooks", "test", name]).await.expect(8);
    let [dead] = run(&plant, &["webhooks", "deliveries", "--state", "parked", "--json"])
        .await
        .expect(0)
        .items()
        .try_into()
        .unwrap();
    assert!(dead["detail"].as_str().unwrap().starts_with("400"), "{dead}");
    let id = dead["outboxId"].to_string();
    let replayed = run(&plant, &["webhooks", "replay", &id, "--json"]).await.expect(0).json();
    assert_eq!(replayed["state"], "delivered");
    assert_eq!(replayed["messageId"], dead["messageId"], "the receiver knows it by its id");
    assert_eq!(plant.effects(EffectKind::ReceiveWebhook).len(), 2);
    let rows = run(&plant, &["outbox", "list", "--json"]).await.expect(0).items();
    let first = rows.iter().find(|row| row["outboxId"] == dead["outboxId"]).unwrap();
    assert!(
        first["detail"].as_str().unwrap().starts_with("asked anew in a row of its own"),
        "{first}"
    );
    run(&plant, &["webhooks", "replay", &id]).await.expect(8);
    // a receiver that never answers is no refusal: nothing is parked, and nothing goes on being tried
    plant
        .simulator
        .set_faults(vec![FaultRule::on([Operation::ReceiveWebhook], status(503))]);
    let silent = run(&plant, &["webhooks", "test", name, "--timeout", "300ms", "--json"])
        .await
        .expect(5);
    assert_eq!(silent.json()["state"], "cancelled");
    assert!(silent.stderr.contains("was taken back"), "{silent:?}");
    for state in ["parked", "queued", "in_doubt"] {
        let left = run(&plant, &["outbox", "list", "--state", state, "--json"]).await.expect(0).items();
        assert!(left.is_empty(), "{state}: {left:?}");
    }
    plant.simulator.set_faults(Vec::new());
    assert_eq!(run(&plant, &["webhooks", "deliveries", "--json"]).await.expect(0).items().len(), 4);

    // gone: off until a test succeeds
    plant
        .simulator
        .set_faults(vec![FaultRule::on([Operation::ReceiveWebhook], status(410)).times(1)]);
    run(&plant, &["webhooks", "test", name]).await.expect(8);
    let on = run(&plant, &["webhooks", "test", name]).await.expect(0);
    assert!(on.stderr.contains("switched off since"), "{on:?}");
    let quiet = run(&plant, &["webhooks", "test", name]).await.expect(0);
    assert!(!quiet.stderr.contains("switched off"), "{quiet:?}");
}
