//! What each story brings.

use std::collections::{BTreeMap, HashSet};

use nightdesk::simulator::{Scenario, SimulatorConfig};
use serde_json::{Value, json};

use super::plain::{Plain, held, start, text};

async fn counts(plain: &Plain) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for alert in plain.unresolved().await {
        *counts.entry(text(&alert, "severity").to_owned()).or_default() += 1;
    }
    counts
}

#[tokio::test]
async fn a_night_begins_with_eighteen_over_all_severities_and_brings_about_one_a_minute() {
    for seed in 1..6 {
        let (simulator, hand, plain) = held(|config| SimulatorConfig { seed, ..config }).await;
        let at_start = counts(&plain).await;
        assert_eq!(at_start.values().sum::<usize>(), 18, "{seed}: {at_start:?}");
        assert!(
            ["critical", "high", "medium", "low"]
                .iter()
                .all(|severity| at_start.contains_key(*severity)),
            "{seed}: {at_start:?}"
        );
        assert!(plain.unresolved().await.iter().any(|alert| alert["status"] == "acknowledged"));
        assert!(simulator.ledger().is_empty(), "what was before the start is nobody's effect");
        let before: HashSet<String> = plain
            .alerts("")
            .await
            .iter()
            .map(|alert| text(alert, "alertId").to_owned())
            .collect();
        hand.advance_secs(3600);
        let after = plain.alerts("").await;
        let new = after.iter().filter(|alert| !before.contains(text(alert, "alertId"))).count();
        assert!((45..110).contains(&new), "{seed}: {new}");
        let cleared = after.iter().filter(|alert| alert["resolvedBy"] == "system").count();
        assert!(cleared > 5, "{seed}: {cleared} cleared by themselves");
        let unresolved = plain.unresolved().await.len();
        assert!(unresolved < 60, "{seed}: {unresolved}");
    }
}

#[tokio::test]
async fn a_device_chatters() {
    let (_simulator, hand, plain) = held(|config| config).await;
    hand.advance_secs(1200);
    let mut times: Vec<i64> = plain
        .alerts("deviceId=VIB-003")
        .await
        .iter()
        .map(|alert| text(alert, "timestamp").parse::<jiff::Timestamp>().unwrap().as_second())
        .filter(|at| *at > start().as_second())
        .collect();
    times.sort_unstable();
    assert!(
        times.windows(3).any(|three| three[2] - three[0] <= 60),
        "three in a minute: {times:?}"
    );
}

#[tokio::test]
async fn the_second_operator_works_and_can_be_sent_home() {
    let (simulator, hand, plain) = held(|config| config).await;
    hand.advance_secs(3600);
    let ledger = simulator.ledger();
    assert!(
        ledger.len() >= 5 && ledger.iter().all(|entry| entry.actor == "operator2" && !entry.is_by_client()),
        "{ledger:?}"
    );
    assert!(plain.alerts("").await.iter().any(|alert| alert["resolvedBy"] == "operator2"));
    let (simulator, hand, _plain) = held(|config| SimulatorConfig {
        second_operator: false,
        ..config
    })
    .await;
    hand.advance_secs(3600);
    assert_eq!(simulator.ledger(), []);
}

#[tokio::test]
async fn the_second_operator_does_not_take_what_a_client_holds() {
    let (simulator, hand, plain) = held(|config| config).await;
    for alert in plain.unresolved().await {
        let body = json!({"status": "acknowledged", "acknowledgedBy": "operator1"});
        plain.put(&format!("/api/v1/alerts/{}", text(&alert, "alertId")), &body).await;
    }
    let mine: Vec<String> = simulator.client_effects().into_iter().filter_map(|entry| entry.alert_id).collect();
    assert!(mine.len() > 10);
    hand.advance_secs(500);
    for id in mine {
        assert_eq!(plain.fetch(&format!("/api/v1/alerts/{id}")).await["acknowledgedBy"], "operator1");
    }
}

#[tokio::test]
async fn what_came_back_before_has_causes_and_orders() {
    let (_simulator, _hand, plain) = held(|config| config).await;
    let past = plain.alerts("deviceId=PUMP-017&status=resolved").await;
    let bearing: Vec<&Value> = past
        .iter()
        .filter(|alert| alert["alertName"] == "Bearing temperature high")
        .collect();
    assert_eq!(bearing.len(), 5);
    assert!(
        bearing
            .iter()
            .all(|alert| alert["rootCause"].is_string() && alert["resolution"].is_string() && alert["preventiveAction"].is_string())
    );
    assert!(
        bearing.iter().any(|alert| text(alert, "resolution").contains("(WO ")),
        "{bearing:?}"
    );
}

#[tokio::test]
async fn quiet_is_quiet() {
    let (simulator, hand, plain) = held(|config| SimulatorConfig {
        scenario: Scenario::Quiet,
        ..config
    })
    .await;
    assert_eq!(plain.unresolved().await.len(), 3);
    let before = simulator.alerts().len();
    hand.advance_secs(3600);
    let new = simulator.alerts().len() - before;
    assert!((2..=5).contains(&new), "{new}");
    assert_eq!(simulator.ledger(), []);
}

#[tokio::test]
async fn a_flood_is_two_hundred_in_ten_minutes_of_one_cause() {
    for seed in 1..7 {
        let (simulator, hand, _plain) = held(|config| SimulatorConfig {
            scenario: Scenario::Flood,
            seed,
            ..config
        })
        .await;
        let before: HashSet<String> = simulator.alerts().iter().map(|alert| text(alert, "alertId").to_owned()).collect();
        hand.advance_secs(600);
        let alerts = simulator.alerts();
        let new: Vec<&Value> = alerts.iter().filter(|alert| !before.contains(text(alert, "alertId"))).collect();
        assert_eq!(new.len(), 200, "{seed}");
        assert_eq!(
            new.last().map(|first| (text(first, "deviceId"), text(first, "alertName"))),
            Some(("COMP-001", "Discharge pressure low")),
            "{seed}"
        );
        assert!(
            new[..199]
                .iter()
                .all(|alert| text(alert, "message").ends_with("upstream: COMP-001 discharge pressure low"))
        );
        hand.advance_secs(1800);
        let open = simulator.alerts().iter().filter(|alert| alert["status"] != "resolved").count();
        assert!(open < 120, "{seed}: most clear by themselves, {open} are left");
    }
}

#[tokio::test]
async fn a_drill_goes_from_the_first_drift_to_the_completed_order() {
    let (simulator, hand, plain) = held(|config| SimulatorConfig {
        scenario: Scenario::Drill,
        ..config
    })
    .await;
    let latest = async || {
        let rows = plain
            .fetch("/api/v1/deviceTypes/PumpStation/devices/PUMP-017/events?metrics=bearing_temp")
            .await;
        rows["data"].as_array().unwrap().last().unwrap()["bearing_temp"].as_f64().unwrap()
    };
    let alert = async || plain.alerts("deviceId=PUMP-017&status=new,acknowledged").await.pop();
    let all = plain
        .fetch("/api/v1/deviceTypes/PumpStation/devices/PUMP-017/events?metrics=bearing_temp")
        .await;
    let values: Vec<f64> = all["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["bearing_temp"].as_f64().unwrap())
        .collect();
    assert_eq!(simulator.drill_device().as_deref(), Some("PUMP-017"));
    let healthy = values[0];
    let drifting = latest().await;
    assert!(
        drifting > healthy + 4.0 && alert().await.is_none(),
        "{healthy} then {drifting}: it drifts before it alarms"
    );
    hand.advance_secs(39);
    assert!(alert().await.is_none(), "there is time to look at the pump");
    hand.advance_secs(71);
    let raised = alert().await.unwrap();
    assert_eq!(
        (text(&raised, "severity"), text(&raised, "alertName")),
        ("critical", "Bearing temperature high")
    );
    assert!(latest().await > 90.0);
    hand.advance_secs(3600);
    assert!(latest().await > 90.0, "nobody repairs it by itself");

    let order = json!({"description": "IoT Alert: Bearing temperature high", "siteid": "BEDFORD", "assetnum": "PUMP-017"});
    assert_eq!(plain.post("/maximo/oslc/os/mxwo", &order).await.status, 201);
    let status = || text(simulator.work_orders().last().unwrap(), "status").to_owned();
    let mut seen = vec![status()];
    for _ in 0..18 {
        hand.advance_secs(5);
        if *seen.last().unwrap() != status() {
            seen.push(status());
        }
    }
    assert_eq!(seen, ["WAPPR", "APPR", "INPRG", "COMP"]);
    hand.advance_secs(600);
    assert!(latest().await < 80.0, "repaired");
    assert_eq!(alert().await.unwrap()["status"], "new", "the alert waits for a person");
}

#[tokio::test]
async fn the_number_of_alerts_at_the_start_can_be_chosen() {
    for (scenario, alerts, devices) in [
        (Scenario::Night, 0, 150),
        (Scenario::Night, 5, 150),
        (Scenario::Night, 200, 150),
        (Scenario::Quiet, 1, 150),
        (Scenario::Quiet, 5000, 150),
        (Scenario::Night, 40, 12),
    ] {
        let (simulator, _hand, _plain) = held(|config| SimulatorConfig {
            scenario,
            alerts: Some(alerts),
            devices,
            ..config
        })
        .await;
        let open = simulator.alerts().iter().filter(|alert| alert["status"] != "resolved").count();
        assert_eq!(open, alerts, "{scenario} {devices}");
    }
}

#[tokio::test]
async fn ids_are_unique_and_times_are_not_ahead_of_the_clock() {
    let (simulator, hand, _plain) = held(|config| config).await;
    for _ in 0..30 {
        hand.advance_secs(120);
        let mut seen = HashSet::new();
        for alert in simulator.alerts() {
            assert!(text(&alert, "timestamp").parse::<jiff::Timestamp>().unwrap() <= hand.now());
            assert!(seen.insert(text(&alert, "alertId").to_owned()));
        }
    }
}

#[tokio::test]
async fn plants_of_any_size_start() {
    for devices in [0, 1, 7, 11, 100] {
        for scenario in Scenario::ALL {
            let (simulator, hand, plain) = held(|config| SimulatorConfig {
                devices,
                scenario,
                ..config
            })
            .await;
            hand.advance_secs(1200);
            assert_eq!(plain.fetch("/v1/devices?limit=1").await["totalCount"], devices, "{scenario}");
            simulator.shutdown().await;
        }
    }
}
