use nightdesk::simulator::{EffectKind, FaultAction, FaultRule, Operation, Outage, When};
use serde_json::json;

use super::plant::Plant;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledgement_waits_for_the_server_and_arrives_once() {
    let plant = Plant::start().await;
    let id = &plant.alerts("new")[0];
    let ran = plant.run(&["alerts", "ack", id, "--note", "on my way", "--json"]).await.expect(0);
    let [item] = ran.items().try_into().unwrap();
    assert_eq!(
        (item["alertId"].as_str(), item["state"].as_str()),
        (Some(id.as_str()), Some("delivered"))
    );
    assert!(item["outboxId"].is_i64());
    let [effect] = plant.effects(EffectKind::Acknowledge).try_into().unwrap();
    assert_eq!(effect.alert_id.as_ref(), Some(id));
    assert_eq!(effect.actor, "operator1");
    assert_eq!(effect.body["notes"], "on my way");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_come_from_stdin_and_each_counts_once() {
    let plant = Plant::start().await;
    let ids = plant.alerts("new");
    let lines = format!("{}\n{}\n\n{}\n", ids[0], ids[1], ids[0]);
    let ran = plant.run_with(&["alerts", "ack", "-", "--json"], &lines).await.expect(0);
    assert_eq!(ran.items().len(), 2);
    assert_eq!(plant.effects(EffectKind::Acknowledge).len(), 2);
    plant.run_with(&["alerts", "ack", "-"], "\n").await.expect(2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filter_acknowledges_what_is_new_and_nothing_else() {
    let plant = Plant::start().await;
    let critical: Vec<String> = plant
        .run(&["alerts", "list", "sev:critical state:new", "--json"])
        .await
        .items()
        .iter()
        .map(|item| item["alertId"].as_str().unwrap().to_owned())
        .collect();
    assert!(!critical.is_empty());
    plant.run(&["alerts", "ack", "--filter", "sev:critical"]).await.expect(0);
    let mut acknowledged: Vec<String> = plant
        .effects(EffectKind::Acknowledge)
        .into_iter()
        .filter_map(|effect| effect.alert_id)
        .collect();
    acknowledged.sort();
    let mut expected = critical;
    expected.sort();
    assert_eq!(acknowledged, expected);
    let again = plant.run(&["alerts", "ack", "--filter", "sev:critical", "--json"]).await.expect(0);
    assert_eq!(again.items().len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_resolution_carries_all_three_texts() {
    let plant = Plant::start().await;
    let id = &plant.alerts("new")[0];
    let arguments = [
        "alerts",
        "resolve",
        id,
        "--resolution",
        "bearing replaced",
        "--root-cause",
        "BEARING",
        "--preventive-action",
        "grease monthly",
    ];
    plant.run(&arguments).await.expect(0);
    let [effect] = plant.effects(EffectKind::Resolve).try_into().unwrap();
    assert_eq!(effect.body["resolution"], "bearing replaced");
    assert_eq!(effect.body["rootCause"], "BEARING");
    assert_eq!(effect.body["preventiveAction"], "grease monthly");
    plant
        .run(&["alerts", "resolve", id, "--resolution", " ", "--root-cause", "x"])
        .await
        .expect(2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_else_did_first_is_said_and_not_counted_as_ours() {
    let plant = Plant::start().await;
    let id = plant.alerts("new").remove(0);
    assert!(plant.simulator.acknowledge_as(&id, "op2", Some("mine")));
    let ran = plant.run(&["alerts", "ack", &id, "--json"]).await.expect(11);
    assert_eq!(ran.items()[0]["state"], "superseded");
    assert_eq!(ran.items()[0]["supersededBy"], "op2");
    assert_eq!(plant.effects(EffectKind::Acknowledge).len(), 0);
    let at = plant.simulator.alerts().iter().find(|alert| alert["alertId"] == *id).unwrap()["acknowledgedAt"].clone();
    let at: jiff::Timestamp = at.as_str().unwrap().parse().unwrap();
    assert!(
        ran.stderr
            .contains(&format!("{id}: already acknowledged by op2 at {at}: that counts")),
        "{}",
        ran.stderr
    );
    assert!(!ran.stderr.contains("parked"), "nothing is: {}", ran.stderr);

    assert!(plant.simulator.resolve_as(&id, "op3", "swapped", "WEAR"));
    let ran = plant
        .run(&["alerts", "resolve", &id, "--resolution", "cleaned", "--root-cause", "DIRT"])
        .await
        .expect(11);
    assert!(ran.stderr.contains(&format!("{id}: already resolved by op3 at ")), "{}", ran.stderr);
    assert_eq!(plant.effects(EffectKind::Resolve).len(), 0);

    // one of two is ours
    let other = plant.alerts("new").remove(0);
    let ran = plant.run(&["alerts", "ack", &id, &other, "--json"]).await.expect(9);
    assert_eq!(
        ran.items().iter().map(|item| item["state"].clone()).collect::<Vec<_>>(),
        ["superseded", "delivered"]
    );
    // where nobody waits nothing is known yet; whoever drains hears of it
    let next = plant.alerts("new").remove(0);
    assert!(plant.simulator.acknowledge_as(&next, "op2", None));
    plant.run(&["alerts", "ack", &next, "--no-wait"]).await.expect(0);
    let drained = plant.run(&["outbox", "drain"]).await.expect(11);
    assert!(drained.stderr.contains("by op2 at "), "{}", drained.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_taken_back_while_a_command_waits_is_overtaken_and_not_parked() {
    let plant = Plant::start().await;
    let id = plant.alerts("new").remove(0);
    plant.simulator.set_outage(Outage::Refused).await;
    let acknowledge = ["alerts", "ack", &id, "--timeout", "5m", "--json"];
    let taking_back = async {
        loop {
            let rows = plant
                .run(&["outbox", "list", "--state", "queued", "--json"])
                .await
                .expect(0)
                .items();
            if let Some(row) = rows.first()
                && plant.run(&["outbox", "cancel", &row["outboxId"].to_string()]).await.code == 0
            {
                return;
            }
        }
    };
    let (ran, ()) = tokio::join!(plant.run(&acknowledge), taking_back);
    let ran = ran.expect(11);
    assert_eq!(ran.items()[0]["state"], "cancelled");
    assert!(!ran.stderr.contains("parked"), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_priority_that_manage_does_not_take_is_refused_before_anything_is_queued() {
    let plant = Plant::start().await;
    let orders = plant.run(&["workorders", "list", "--open", "--json"]).await.expect(0).items();
    let alerts = plant.run(&["alerts", "list", "state:new", "--json"]).await.items();
    let free = |alert: &&serde_json::Value| orders.iter().all(|order| order["assetnum"] != alert["deviceId"]);
    let id = alerts.iter().find(free).unwrap()["alertId"].as_str().unwrap();
    for wrong in ["1000", "65536", "-1", "high"] {
        let ran = plant
            .run(&["workorders", "create", "--alert", id, &format!("--priority={wrong}")])
            .await
            .expect(2);
        assert!(
            ran.stderr.contains(&format!("'{wrong}'")) && ran.stderr.contains("--priority"),
            "{}",
            ran.stderr
        );
    }
    assert!(plant.run(&["outbox", "list", "--json"]).await.expect(0).items().is_empty());
    // some sites rank 999 highest: what is in range goes, with a word where the profile has another scale
    let odd = plant
        .run(&["workorders", "create", "--alert", id, "--priority", "99"])
        .await
        .expect(0);
    assert!(
        odd.stderr.contains("priority 99 is none of those") && odd.stderr.contains("1 to 4"),
        "{}",
        odd.stderr
    );
    let [effect] = plant.effects(EffectKind::CreateWorkOrder).try_into().unwrap();
    assert_eq!(effect.body["wopriority"], 99);
    // the configuration's scale is held to the same limit
    plant.edit(
        "[profiles.demo.manage]",
        "[profiles.demo.work_order]\npriority = { critical = 1000 }\n[profiles.demo.manage]",
    );
    let ran = plant.run(&["workorders", "list"]).await.expect(3);
    assert!(ran.stderr.contains("1000 is out of range; write 0 to 999"), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_waiting_it_is_safe_in_the_outbox_and_a_drain_delivers_it() {
    let plant = Plant::start().await;
    let id = plant.alerts("new").remove(0);
    let ran = plant.run(&["alerts", "ack", &id, "--no-wait", "--json"]).await.expect(0);
    assert_eq!(ran.items()[0]["state"], "queued");
    assert_eq!(plant.effects(EffectKind::Acknowledge).len(), 0);

    let [row] = plant
        .run(&["outbox", "list", "--state", "queued", "--json"])
        .await
        .expect(0)
        .items()
        .try_into()
        .unwrap();
    assert_eq!(
        (row["alertId"].as_str(), row["state"].as_str()),
        (Some(id.as_str()), Some("queued"))
    );

    let drained = plant.run(&["outbox", "drain", "--json"]).await.expect(0).items();
    assert_eq!(drained[0]["state"], "delivered");
    assert_eq!(plant.effects(EffectKind::Acknowledge).len(), 1);
    assert_eq!(plant.run(&["outbox", "drain", "--json"]).await.expect(0).items().len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queuing_needs_neither_server_nor_key() {
    let plant = Plant::start().await;
    let id = plant.alerts("new").remove(0);
    std::fs::remove_file(plant.path("monitor.key")).unwrap();
    plant.simulator.set_outage(Outage::Refused).await;
    plant.run(&["alerts", "ack", &id, "--no-wait"]).await.expect(0);
    // waiting does, and then nothing is queued
    let other = plant.alerts("new").remove(1);
    plant.run(&["alerts", "ack", &other]).await.expect(4);
    assert_eq!(plant.run(&["outbox", "list", "--json"]).await.expect(0).items().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_delivered_in_time_ends_with_ten_and_arrives_later_once() {
    let plant = Plant::start().await;
    let id = plant.alerts("new").remove(0);
    plant.simulator.set_outage(Outage::Refused).await;
    let ran = plant.run(&["alerts", "ack", &id, "--timeout", "300ms", "--json"]).await.expect(10);
    assert_eq!(ran.items()[0]["state"], "queued");
    assert!(ran.stderr.contains("safe in the outbox"), "{}", ran.stderr);
    plant.run(&["outbox", "drain", "--timeout", "300ms"]).await.expect(10);
    plant.simulator.set_outage(Outage::None).await;
    plant.run(&["outbox", "drain"]).await.expect(0);
    assert_eq!(plant.effects(EffectKind::Acknowledge).len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_is_looked_up_and_never_sent_twice() {
    let plant = Plant::start().await;
    let id = plant.alerts("new").remove(0);
    let mut lost = FaultRule::on([Operation::ResolveAlert], FaultAction::Drop(When::After));
    lost.times = Some(1);
    plant.simulator.set_faults(vec![lost]);
    let ran = plant
        .run(&[
            "alerts",
            "resolve",
            &id,
            "--resolution",
            "r",
            "--root-cause",
            "c",
            "--timeout",
            "2m",
            "--json",
        ])
        .await
        .expect(0);
    assert_eq!(ran.items()[0]["state"], "delivered");
    assert_eq!(plant.effects(EffectKind::Resolve).len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_row_is_parked_and_can_be_retried_or_cancelled() {
    let plant = Plant::start().await;
    let ran = plant.run(&["alerts", "ack", "NOPE", "--json"]).await.expect(8);
    let [item] = ran.items().try_into().unwrap();
    assert_eq!(item["state"], "parked");
    assert!(item["detail"].as_str().unwrap().contains("NOPE"), "{item}");
    assert!(ran.stderr.contains("nightdesk outbox retry"), "{}", ran.stderr);
    let row = item["outboxId"].to_string();
    plant.run(&["outbox", "retry", &row]).await.expect(8);
    let cancelled = plant.run(&["outbox", "cancel", &row, "--json"]).await.expect(0).json();
    assert_eq!(cancelled["state"], "cancelled");
    plant.run(&["outbox", "cancel", &row]).await.expect(8);
    plant.run(&["outbox", "cancel", "4711"]).await.expect(8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn some_of_several_fail_with_a_line_each() {
    let plant = Plant::start().await;
    let id = &plant.alerts("new")[0];
    let ran = plant.run(&["alerts", "ack", "NOPE", id]).await.expect(9);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[1].starts_with("NOPE") && lines[1].contains("parked"), "{lines:?}");
    assert!(lines[2].starts_with(id.as_str()) && lines[2].contains("delivered"), "{lines:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_work_order_is_made_once_and_an_open_one_stands_against_another() {
    let plant = Plant::start().await;
    // an alert whose device has no open order yet
    let orders = plant.run(&["workorders", "list", "--open", "--json"]).await.expect(0).items();
    let alerts = plant.run(&["alerts", "list", "state:new", "--json"]).await.items();
    let alert = alerts
        .iter()
        .find(|alert| orders.iter().all(|order| order["assetnum"] != alert["deviceId"]))
        .unwrap();
    let (id, device) = (alert["alertId"].as_str().unwrap(), alert["deviceId"].as_str().unwrap());

    let made = plant
        .run(&["workorders", "create", "--alert", id, "--priority", "7", "--json"])
        .await
        .expect(0)
        .json();
    assert_eq!((made["alertId"].as_str(), made["state"].as_str()), (Some(id), Some("delivered")));
    let wonum = made["wonum"].as_str().unwrap().to_owned();
    let [effect] = plant.effects(EffectKind::CreateWorkOrder).try_into().unwrap();
    assert_eq!(effect.wonum.as_deref(), Some(wonum.as_str()));
    assert_eq!(
        effect.body["description"],
        json!(format!("IoT Alert: {}", alert["alertName"].as_str().unwrap()))
    );
    assert_eq!(
        (effect.body["assetnum"].as_str(), effect.body["wopriority"].as_i64()),
        (Some(device), Some(7))
    );

    let refused = plant.run(&["workorders", "create", "--alert", id]).await.expect(8);
    assert!(
        refused.stderr.contains(&wonum) && refused.stderr.contains("nothing was queued"),
        "{}",
        refused.stderr
    );
    assert_eq!(plant.effects(EffectKind::CreateWorkOrder).len(), 1);

    let second = plant
        .run(&["workorders", "create", "--alert", id, "--allow-duplicate", "--json"])
        .await
        .expect(0)
        .json();
    assert_ne!(second["wonum"].as_str(), Some(wonum.as_str()));
    let effects = plant.effects(EffectKind::CreateWorkOrder);
    assert_eq!(effects.len(), 2);
    assert_ne!(effects[0].body["externalrefid"], effects[1].body["externalrefid"]);

    let of_asset = plant
        .run(&["workorders", "list", "--asset", device, "--open", "--json"])
        .await
        .expect(0)
        .items();
    assert_eq!(of_asset.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metadata_is_merged_and_a_new_devices_token_is_shown_once() {
    let plant = Plant::start().await;
    let ran = plant
        .run(&["devices", "set", "PUMP-017", "rack=007", "rank:=3", "--json"])
        .await
        .expect(0)
        .json();
    assert_eq!(
        (ran["deviceId"].as_str(), ran["state"].as_str()),
        (Some("PUMP-017"), Some("delivered"))
    );
    let shown = plant.run(&["devices", "show", "PUMP-017", "--json"]).await.expect(0).json();
    assert_eq!((&shown["metadata"]["rack"], &shown["metadata"]["rank"]), (&json!("007"), &json!(3)));
    assert!(shown["metadata"]["location"].is_string(), "{shown}");

    let made = plant
        .run(&[
            "devices",
            "create",
            "PUMP-999",
            "--type",
            "PumpStation",
            "--location",
            "Hall 9",
            "--json",
        ])
        .await
        .expect(0);
    let token = made.json()["authToken"].as_str().unwrap().to_owned();
    assert_eq!(plant.effects(EffectKind::CreateDevice).len(), 1);
    // stored nowhere
    for entry in walk(&plant.path("state")) {
        let bytes = std::fs::read(&entry).unwrap();
        assert!(
            !bytes.windows(token.len()).any(|part| part == token.as_bytes()),
            "{}",
            entry.display()
        );
    }
    plant
        .run(&["devices", "create", "PUMP-999", "--type", "PumpStation"])
        .await
        .expect(8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_audit_tells_who_did_what_and_is_whole() {
    let plant = Plant::start().await;
    let id = &plant.alerts("new")[0];
    plant.run(&["alerts", "ack", id]).await.expect(0);
    let entries = plant.run(&["audit", "show", "--json"]).await.expect(0).items();
    let submitted = entries.iter().find(|entry| entry["what"] == "submit").unwrap();
    assert_eq!(submitted["operator"], "operator1");
    assert!(submitted["osUser"].as_str().unwrap().starts_with("maria"), "{submitted}");
    assert!(entries.iter().any(|entry| entry["to"] == "delivered"), "{entries:?}");
    let report = plant.run(&["audit", "verify", "--json"]).await.expect(0).json();
    assert_eq!(report["findings"], json!([]));
}

fn walk(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    std::fs::read_dir(dir)
        .unwrap()
        .flat_map(|entry| {
            let path = entry.unwrap().path();
            if path.is_dir() { walk(&path) } else { vec![path] }
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_outboxes_that_ask_the_same_at_the_same_time_have_one_effect() {
    let plant = Plant::start().await;
    let other = plant.path("other-state");
    let other = other.to_str().unwrap();
    let orders = plant.run(&["workorders", "list", "--open", "--json"]).await.expect(0).items();
    let alerts = plant.run(&["alerts", "list", "state:new", "--json"]).await.items();
    let mut devices = std::collections::BTreeSet::new();
    let free: Vec<&str> = alerts
        .iter()
        .filter(|alert| orders.iter().all(|order| order["assetnum"] != alert["deviceId"]))
        .filter(|alert| devices.insert(alert["deviceId"].to_string()))
        .map(|alert| alert["alertId"].as_str().unwrap())
        .take(4)
        .collect();
    assert!(free.len() >= 2, "{alerts:?}");
    for (index, id) in free.iter().enumerate() {
        let make = ["workorders", "create", "--alert", id, "--json"];
        let there: Vec<&str> = ["--state-dir", other].into_iter().chain(make).collect();
        let (one, two) = tokio::join!(plant.run(&make), plant.run(&there));
        let made = plant.effects(EffectKind::CreateWorkOrder);
        assert_eq!(made.len(), index + 1, "{one:?} {two:?}");
        let wonum = made[index].wonum.clone().unwrap();
        for ran in [&one, &two] {
            // made, or told that it stands against another
            assert!(ran.code == 0 || ran.code == 8, "{ran:?}");
            assert!(ran.stdout.contains(&wonum) || ran.stderr.contains(&wonum), "{wonum}: {ran:?}");
        }
        let acknowledge = ["alerts", "ack", id, "--note", "looking"];
        let there: Vec<&str> = ["--state-dir", other].into_iter().chain(acknowledge).collect();
        let (one, two) = tokio::join!(plant.run(&acknowledge), plant.run(&there));
        assert_eq!((one.code, two.code), (0, 0), "{one:?} {two:?}");
        // a wanted state: the same person's same words may be written twice, and are one acknowledgement
        let written: Vec<_> = plant
            .effects(EffectKind::Acknowledge)
            .iter()
            .map(|effect| effect.body.clone())
            .collect();
        assert!(written.iter().all(|body| *body == written[0]), "{written:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_device_whose_making_is_in_doubt_that_is_said_and_the_audit_has_it() {
    let plant = Plant::start().await;
    let status = |status: u16, when: When| FaultAction::Status {
        status,
        retry_after: None,
        when,
    };
    let answer = |body: &[u8]| FaultAction::Replace {
        status: 201,
        content_type: "application/json".into(),
        body: body.to_vec(),
        when: When::After,
    };
    let cases = [
        ("A", status(500, When::After), 5, true),
        ("B", FaultAction::Drop(When::After), 5, true),
        ("C", answer(br#"{"authToken":"S3CRET-S3CRET-S3CRET","devi"#), 5, true),
        ("D", FaultAction::Truncate { at: 40, cut: true }, 5, true),
        ("E", status(400, When::Before), 8, false),
    ];
    for (name, action, code, in_doubt) in cases {
        plant.simulator.set_faults(vec![FaultRule::on([Operation::CreateDevice], action)]);
        let id = format!("NEW-{name}");
        let ran = plant.run(&["devices", "create", &id, "--type", "PumpStation"]).await.expect(code);
        let look = format!("the device may exist all the same: `nightdesk devices show {id} --type PumpStation` tells");
        assert_eq!(ran.stderr.contains(&look), in_doubt, "{name}: {}", ran.stderr);
        assert!(ran.stdout.is_empty() && !ran.stderr.contains("S3CRET"), "{name}: {ran:?}");
    }
    // a token is shown this once, whatever else the answer lacks
    plant.simulator.set_faults(vec![FaultRule::on(
        [Operation::CreateDevice],
        answer(br#"{"authToken":"S3CRET-S3CRET-S3CRET"}"#),
    )]);
    let ran = plant
        .run(&[
            "devices",
            "create",
            "NEW-F",
            "--type",
            "PumpStation",
            "--location",
            "Hall 9",
            "--json",
        ])
        .await
        .expect(0);
    assert_eq!(
        (ran.json()["authToken"].as_str(), ran.json()["deviceId"].as_str()),
        (Some("S3CRET-S3CRET-S3CRET"), Some("NEW-F"))
    );
    assert!(ran.stderr.contains("does not show the device"), "{}", ran.stderr);

    let shown = plant.run(&["audit", "show", "--json"]).await.expect(0);
    assert!(!shown.stdout.contains("S3CRET"), "{}", shown.stdout);
    let entries = shown.items();
    let of = |id: &str| -> Vec<String> {
        let of_it = entries
            .iter()
            .filter(|entry| entry["object"] == format!("device/PumpStation/{id}").as_str());
        of_it
            .map(|entry| {
                assert_eq!((&entry["what"], &entry["operator"]), (&json!("create-device"), &json!("operator1")));
                entry["detail"].as_str().unwrap().to_owned()
            })
            .collect()
    };
    for (id, end) in [
        ("NEW-A", "it is not known whether it was made"),
        ("NEW-C", "it is not known whether it was made"),
        ("NEW-E", "not made"),
        ("NEW-F", "made"),
    ] {
        let [asked, ended] = of(id).try_into().unwrap();
        assert!(asked.starts_with("asked of https://"), "{asked}");
        assert!(ended.starts_with(end), "{ended}");
    }
    assert!(of("NEW-F")[0].contains(r#""location":"Hall 9""#));
    plant.run(&["audit", "verify"]).await.expect(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_can_no_longer_be_read_is_listed_and_can_be_ended() {
    let plant = Plant::start().await;
    plant.run(&["alerts", "ack", &plant.alerts("new")[0], "--no-wait"]).await.expect(0);
    plant.run(&["alerts", "ack", &plant.alerts("new")[1], "--no-wait"]).await.expect(0);
    let file = walk(&plant.path("state"))
        .into_iter()
        .find(|path| path.ends_with("outbox.db"))
        .unwrap();
    rusqlite::Connection::open(file)
        .unwrap()
        .execute("UPDATE intent SET intent = '{' WHERE id = 1", [])
        .unwrap();
    for state in [&[][..], &["--state", "parked"]] {
        let all = [&["outbox", "list", "--json"][..], state].concat();
        let ran = plant.run(&all).await.expect(0);
        let items = ran.items();
        let row = items.iter().find(|row| row["outboxId"] == 1).unwrap();
        assert_eq!(
            (row["state"].as_str(), row["action"].as_str()),
            (Some("damaged"), Some("acknowledge")),
            "{row}"
        );
        assert!(
            row["createdAt"].is_string() && row["object"].as_str().unwrap().starts_with("alert/"),
            "{row}"
        );
        assert!(ran.stderr.contains("nightdesk outbox cancel 1"), "{}", ran.stderr);
    }
    let text = plant.run(&["outbox", "list"]).await.expect(0).stdout;
    assert!(
        text.lines().any(|line| line.contains("damaged") && line.contains("never sent")),
        "{text}"
    );
    let doctor = plant.run(&["doctor"]).await;
    assert!(doctor.stdout.contains("1 row is damaged"), "{doctor:?}");

    let ended = plant.run(&["outbox", "cancel", "1"]).await.expect(0);
    assert!(ended.stdout.contains("1 cancelled (acknowledge)"), "{ended:?}");
    let ran = plant.run(&["outbox", "list", "--json"]).await.expect(0);
    assert!(
        ran.items().iter().all(|row| row["outboxId"] == 2) && ran.stderr.is_empty(),
        "{ran:?}"
    );
    assert!(!plant.run(&["doctor"]).await.stdout.contains("damaged"));
    plant.run(&["outbox", "drain"]).await.expect(0);
    assert_eq!(plant.effects(EffectKind::Acknowledge).len(), 1);
    let entries = plant.run(&["audit", "show", "--json"]).await.expect(0).items();
    assert!(
        entries.iter().any(|entry| entry["what"] == "cancel" && entry["to"] == "cancelled"),
        "{entries:?}"
    );
    plant.run(&["audit", "verify"]).await.expect(0);
}
