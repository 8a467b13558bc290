use nightdesk::domain::{AlarmKey, Alert, AlertState, History, ShelfChange, Shelved};
use nightdesk::local::{HistoryFiles, Notebook};
use nightdesk::simulator::{FaultAction, FaultRule, Operation, SimulatorConfig, When};
use serde_json::{Value, json};

use super::plant::Plant;

fn replaced(operation: Operation, body: &Value) -> FaultRule {
    FaultRule::on(
        [operation],
        FaultAction::Replace {
            status: 200,
            content_type: "application/json".into(),
            body: body.to_string().into_bytes(),
            when: When::Before,
        },
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn alerts_are_listed_with_the_contracts_names_most_urgent_first() {
    let plant = Plant::start().await;
    let ran = plant.run(&["alerts", "list", "--json"]).await.expect(0);
    let document = ran.json();
    let keys: Vec<&String> = document.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["items", "skipped", "as_of"]);
    assert_eq!(document["skipped"], 0);
    assert!(document["as_of"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());

    let items = ran.items();
    let mut ids: Vec<String> = items.iter().map(|item| item["alertId"].as_str().unwrap().to_owned()).collect();
    let first = &items[0];
    assert_eq!(
        (first["status"].as_str(), first["severity"].as_str()),
        (Some("new"), Some("critical"))
    );
    for name in ["alertName", "deviceId", "timestamp"] {
        assert!(first[name].is_string(), "{first}");
    }
    ids.sort();
    let mut expected = plant.alerts("new");
    expected.extend(plant.alerts("acknowledged"));
    expected.sort();
    assert_eq!(ids, expected);

    let some = plant
        .run(&["alerts", "list", "sev:critical", "state:new", "--json"])
        .await
        .expect(0)
        .items();
    assert!(!some.is_empty() && some.len() < items.len());
    assert!(some.iter().all(|item| item["severity"] == "critical" && item["status"] == "new"));

    let resolved = plant.run(&["alerts", "list", "state:resolved", "--json"]).await.expect(0).items();
    assert_eq!(resolved.len(), plant.alerts("resolved").len());

    let nothing = plant.run(&["alerts", "list", "dev:NOBODY", "--json"]).await.expect(0);
    assert_eq!(nothing.items(), Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_alert_is_shown_as_the_server_has_it() {
    let plant = Plant::start().await;
    let id = &plant.alerts("new")[0];
    let shown = plant.run(&["alerts", "show", id, "--json"]).await.expect(0).json();
    let server = plant.simulator.alerts().into_iter().find(|alert| alert["alertId"] == **id).unwrap();
    for name in ["alertId", "alertName", "deviceId", "severity", "status", "metric", "threshold"] {
        assert_eq!(shown[name], server[name], "{name}");
    }
    let text = plant.run(&["alerts", "show", id]).await.expect(0).stdout;
    assert!(text.lines().next().unwrap().ends_with(id.as_str()), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_and_csv_say_the_same() {
    let plant = Plant::start().await;
    let text = plant.run(&["alerts", "list"]).await.expect(0).stdout;
    let csv = plant.run(&["alerts", "list", "--csv"]).await.expect(0).stdout;
    assert!(
        text.starts_with(" AGE  SEVERITY  STATUS") || text.starts_with("AGE  SEVERITY  STATUS") || text.contains("SEVERITY"),
        "{text}"
    );
    // an age is for people; spreadsheets get the time, under its name
    assert!(
        csv.starts_with("timestamp,severity,status,deviceId,alertName,value,threshold,acknowledgedBy,alertId\r\n"),
        "{csv}"
    );
    assert_eq!(text.lines().count(), csv.lines().count());
    let raised: Vec<&str> = csv.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    assert!(
        raised.iter().all(|at| at.parse::<jiff::Timestamp>().is_ok()),
        "the contract's timestamp: {raised:?}"
    );
    // no colour and no movement where nobody watches
    assert!(!text.contains('\u{1b}'));
    plant.run(&["alerts", "ack", &plant.alerts("new")[0], "--no-wait"]).await.expect(0);
    let rows = plant.run(&["outbox", "list", "--csv"]).await.expect(0).stdout;
    let mut lines = rows.lines();
    assert_eq!(lines.next(), Some("outboxId,state,action,object,profile,attempts,createdAt,detail"));
    let created = lines.next().unwrap().split(',').nth(6).unwrap().parse::<jiff::Timestamp>();
    assert!(created.is_ok(), "{rows}");
    let text = plant.run(&["outbox", "list"]).await.expect(0).stdout;
    assert!(text.starts_with("OUTBOXID  STATE ") && text.contains("  AGE"), "{text}");
}

async fn ids(plant: &Plant, filter: &str) -> (Vec<String>, String) {
    let ran = plant.run(&["alerts", "list", filter, "--json"]).await.expect(0);
    let ids = ran
        .items()
        .iter()
        .map(|item| item["alertId"].as_str().unwrap().to_owned())
        .collect();
    (ids, ran.stderr)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_shelf_of_a_console_answers_a_filter() {
    let plant = Plant::start().await;
    assert_eq!(ids(&plant, "is:shelved").await, (Vec::new(), String::new()));
    assert!(!plant.path("state/shift").exists(), "who only looks makes nothing");
    let alerts = plant.simulator.alerts();
    let alert = alerts.iter().find(|alert| alert["status"] == "new").unwrap();
    let alert: Alert = serde_json::from_value(alert.clone()).unwrap();
    let now = jiff::Timestamp::now();
    let item = |key: AlarmKey, hours: i64| Shelved {
        key,
        severity: alert.severity.clone(),
        since: now - jiff::SignedDuration::from_hours(2),
        until: now + jiff::SignedDuration::from_hours(hours),
        reason: "valve".into(),
        by: "operator1".into(),
    };
    let book = Notebook::open(&plant.path("state"), &plant.scope()).unwrap();
    let over = AlarmKey {
        device: "OTHER".into(),
        ..AlarmKey::of(&alert)
    };
    book.change_shelf(&ShelfChange::Put(vec![item(AlarmKey::of(&alert), 1), item(over, -1)]))
        .unwrap();
    let (shelved, said) = ids(&plant, "is:shelved").await;
    assert!(
        shelved.contains(&alert.id.raw().to_owned()) && said.is_empty(),
        "{shelved:?} {said}"
    );
    let others = plant
        .run(&["alerts", "list", "--json", "--", "-is:shelved"])
        .await
        .expect(0)
        .items();
    let all = plant.alerts("new").len() + plant.alerts("acknowledged").len();
    assert_eq!(shelved.len() + others.len(), all);
    // its time is over: it is back
    book.change_shelf(&ShelfChange::Put(vec![item(AlarmKey::of(&alert), -1)])).unwrap();
    assert!(ids(&plant, "is:shelved").await.0.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_history_of_a_console_answers_what_is_fleeting_and_without_one_it_is_said() {
    let plant = Plant::start().await;
    let (before, said) = ids(&plant, "is:fleeting").await;
    assert!(said.contains("no console has kept a history on this machine"), "{said}");
    assert!(!plant.path("state/history").exists(), "who only looks makes nothing");
    let alerts = plant.simulator.alerts();
    let alert = alerts
        .iter()
        .find(|alert| alert["status"] == "new" && !before.iter().any(|id| alert["alertId"] == **id))
        .unwrap();
    let alert: Alert = serde_json::from_value(alert.clone()).unwrap();
    // the same alarm came and went twenty minutes ago, untouched; the server no longer tells of it
    let raised_at = jiff::Timestamp::now() - jiff::SignedDuration::from_mins(20);
    let mut gone = Alert {
        id: "gone".into(),
        raised_at,
        resolved_at: Some(raised_at + jiff::SignedDuration::from_secs(30)),
        ..alert.clone()
    };
    gone.state = AlertState::Resolved;
    let mut history = History::default();
    let record = history.note(&gone, raised_at).unwrap().clone();
    HistoryFiles::open(&plant.path("state"), &plant.scope())
        .unwrap()
        .append(&[record], None)
        .unwrap();
    let (fleeting, said) = ids(&plant, "is:fleeting").await;
    assert!(fleeting.contains(&alert.id.raw().to_owned()), "{fleeting:?}");
    assert!(said.is_empty(), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_device_is_listed_and_one_is_shown() {
    let plant = Plant::start_with(SimulatorConfig {
        devices: 1234,
        ..SimulatorConfig::default()
    })
    .await;
    let all = plant.run(&["devices", "list", "--json"]).await.expect(0).items();
    assert_eq!(all.len(), 1234);
    let pumps = plant
        .run(&["devices", "list", "--type", "PumpStation", "--json"])
        .await
        .expect(0)
        .items();
    assert_eq!(
        pumps.len(),
        all.iter().filter(|device| device["deviceType"] == "PumpStation").count()
    );
    let offline = plant
        .run(&["devices", "list", "--status", "offline", "--json"])
        .await
        .expect(0)
        .items();
    assert_eq!(offline.len(), all.iter().filter(|device| device["status"] == "offline").count());

    let pump = pumps[0]["deviceId"].as_str().unwrap();
    let shown = plant.run(&["devices", "show", pump, "--json"]).await.expect(0).json();
    assert_eq!(shown["deviceType"], "PumpStation");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_that_two_types_share_needs_its_type() {
    let plant = Plant::start().await;
    let device = |device_type: &str| json!({"deviceId": "X-1", "deviceType": device_type, "status": "online"});
    let body = json!({"results": [device("PumpStation"), device("Compressor")], "totalCount": 2});
    plant.simulator.set_faults(vec![replaced(Operation::ListDevicesFlat, &body)]);
    let ran = plant.run(&["devices", "show", "X-1"]).await.expect(2);
    assert!(
        ran.stderr.contains("--type") && ran.stderr.contains("Compressor") && ran.stderr.contains("PumpStation"),
        "{ran:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readings_come_as_rows_of_metrics() {
    let plant = Plant::start().await;
    let ran = plant
        .run(&["readings", "PUMP-017", "--metrics", "bearing_temp", "--start", "-30m", "--json"])
        .await
        .expect(0);
    let rows = ran.items();
    assert!(rows.len() >= 10, "{rows:?}");
    assert!(
        rows.iter()
            .all(|row| row["bearing_temp"].is_number() && row["timestamp"].is_string())
    );

    let hourly = plant
        .run(&[
            "readings",
            "PUMP-017",
            "--type",
            "PumpStation",
            "--start",
            "-8h",
            "--aggregation",
            "avg",
            "--granularity",
            "1h",
            "--json",
        ])
        .await
        .expect(0)
        .items();
    assert!((8..=9).contains(&hourly.len()), "{hourly:?}");

    let latest = plant
        .run(&["readings", "latest", "--type", "PumpStation", "--csv"])
        .await
        .expect(0)
        .stdout;
    assert!(latest.starts_with("windowStart,deviceId,"), "{latest}");
    let pumps = plant
        .run(&["devices", "list", "--type", "PumpStation", "--json"])
        .await
        .expect(0)
        .items();
    assert!(latest.lines().count() > pumps.len() / 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_text_is_safe_in_every_form_and_lossless_in_json() {
    let plant = Plant::start().await;
    let hostile = "=cmd\u{1b}]0;x\u{7}\u{9b}2J\u{202e}gnp\u{200b}";
    let alert = json!({"alertId": "A-1", "alertName": hostile, "deviceId": "D-1", "severity": "dire", "status": "new",
        "timestamp": "2026-11-24T02:00:00Z", "message": "a\nb"});
    plant
        .simulator
        .set_faults(vec![replaced(Operation::ListAlerts, &json!({"results": [alert], "totalCount": 1}))]);
    for form in [&["--json"][..], &["--csv"], &[]] {
        let arguments = [&["alerts", "list"][..], form].concat();
        let ran = plant.run(&arguments).await.expect(0);
        let unsafe_left: Vec<char> = ran
            .stdout
            .chars()
            .filter(|char| (char.is_control() && !"\r\n".contains(*char)) || "\u{202e}\u{200b}".contains(*char))
            .collect();
        assert!(unsafe_left.is_empty(), "{form:?}: {unsafe_left:?} in {:?}", ran.stdout);
        match form {
            ["--json"] => {
                assert_eq!(ran.items()[0]["alertName"], hostile);
                assert_eq!(ran.items()[0]["severity"], "dire");
            }
            ["--csv"] => assert!(ran.stdout.contains(",'=cmd"), "{}", ran.stdout),
            _ => assert!(ran.stdout.contains("dire"), "{}", ran.stdout),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_does_not_fit_is_left_out_counted_and_said() {
    let plant = Plant::start().await;
    let good = json!({"alertId": "A-1", "alertName": "n", "deviceId": "D-1", "severity": "low", "status": "new", "timestamp": "2026-11-24T02:00:00Z"});
    let body = json!({"results": [good, {"alertName": "without an id"}], "totalCount": 2});
    plant.simulator.set_faults(vec![replaced(Operation::ListAlerts, &body)]);
    let ran = plant.run(&["alerts", "list", "--json"]).await.expect(0);
    assert_eq!((ran.items().len(), ran.json()["skipped"].as_u64()), (1, Some(1)));
    assert!(
        ran.stderr.contains("1 record did not fit the contract and was left out"),
        "{}",
        ran.stderr
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readings_and_orders_that_do_not_fit_are_counted_too() {
    let plant = Plant::start().await;
    let (at, end) = ("2026-11-24T02:00:00Z", "2026-11-24T03:00:00Z");
    let one_of_four = |list: &str, good: Value, bad: Value| json!({ list: [good, bad, "no object", null], "totalCount": 4 });
    let rows = one_of_four(
        "data",
        json!({"timestamp": at, "flow": 1.5}),
        json!({"timestamp": "soon", "flow": 2}),
    );
    let latest = json!({ "data": [
        {"timestamp": at, "deviceId": "PUMP-001", "flow": 1.5}, {"deviceId": "PUMP-002", "flow": 2}, {"timestamp": at, "flow": 3}, 7,
    ] });
    let orders = one_of_four(
        "member",
        json!({"wonum": "1001", "siteid": "BEDFORD", "status": "WAPPR"}),
        json!({"status": "WAPPR"}),
    );
    plant.simulator.set_faults(vec![
        replaced(Operation::QueryEvents, &rows),
        replaced(Operation::BulkQuery, &latest),
        replaced(Operation::FindWorkOrders, &orders),
    ]);
    for arguments in [
        &[
            "readings",
            "PUMP-017",
            "--type",
            "PumpStation",
            "--start",
            at,
            "--end",
            end,
            "--json",
        ][..],
        &["readings", "latest", "--type", "PumpStation", "--json"],
        &["workorders", "list", "--json"],
    ] {
        let ran = plant.run(arguments).await.expect(0);
        assert_eq!((ran.items().len(), ran.json()["skipped"].as_u64()), (1, Some(3)), "{ran:?}");
        assert!(
            ran.stderr.contains("3 records did not fit the contract and were left out"),
            "{}",
            ran.stderr
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_asked_is_a_matter_of_the_command_line_and_nobody_is_asked() {
    let plant = Plant::start().await;
    for arguments in [&["workorders", "list", "--asset", "PUMP%"][..], &["alerts", "show", ".."]] {
        let ran = plant.run(arguments).await.expect(2);
        assert!(!ran.stderr.contains("refused"), "{}", ran.stderr);
    }
}
