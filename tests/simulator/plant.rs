//! Readings: believable, the same by seed, and what the alerts say.

use std::collections::{BTreeMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use nightdesk::simulator::{Scenario, SimulatorConfig};
use serde_json::{Value, json};

use super::plain::{Plain, held, quiet, start, text};

async fn events(plain: &Plain, kind: &str, id: &str, query: &str) -> Vec<Value> {
    plain
        .fetch(&format!("/api/v1/deviceTypes/{kind}/devices/{id}/events?{query}"))
        .await["data"]
        .as_array()
        .unwrap()
        .clone()
}

#[tokio::test]
async fn the_same_seed_gives_the_same_plant_and_another_seed_another() {
    let mut seen = Vec::new();
    for seed in [7, 7, 8] {
        let (_simulator, hand, plain) = held(|config| SimulatorConfig { seed, ..config }).await;
        hand.advance_secs(1800);
        let alerts = plain.alerts("").await;
        let devices = plain.fetch("/v1/devices?limit=1000").await;
        let readings = events(
            &plain,
            "PumpStation",
            "PUMP-017",
            "start=2026-02-19T00:00:00Z&end=2026-02-19T02:30:00Z",
        )
        .await;
        seen.push((alerts, devices, readings));
    }
    assert_eq!(seen[0], seen[1]);
    assert_ne!(seen[0].0, seen[2].0);
    assert_ne!(seen[0].1, seen[2].1);
    assert_ne!(seen[0].2, seen[2].2);
}

#[tokio::test]
async fn it_makes_no_difference_how_often_the_plant_is_looked_at() {
    let (_one, hand, often) = held(|config| config).await;
    for _ in 0..60 {
        hand.advance_secs(60);
        often.unresolved().await;
        events(&often, "PumpStation", "PUMP-004", "").await;
    }
    let (_two, other_hand, once) = held(|config| config).await;
    other_hand.advance_secs(3600);
    assert_eq!(often.alerts("").await, once.alerts("").await);
}

#[tokio::test]
async fn a_reading_once_given_never_changes() {
    let (_simulator, hand, plain) = held(|config| config).await;
    let query = json!({"deviceType": "PumpStation", "devices": ["*"], "metrics": [],
        "timeRange": {"start": "2026-02-19T01:00:00Z", "end": "2026-02-19T02:13:00Z"}});
    let before = plain.post("/api/v1/data/query", &query).await.at("/data");
    for _ in 0..20 {
        hand.advance_secs(300);
        assert!(plain.post("/api/v1/data/query", &query).await.at("/data") == before);
    }
}

/// Every alert of every scenario, over more than an hour: the reading at its time has its value, and lies beyond its threshold.
#[tokio::test]
async fn alerts_say_what_the_readings_say() {
    for scenario in Scenario::ALL {
        let (_simulator, hand, plain) = held(|config| SimulatorConfig { scenario, ..config }).await;
        hand.advance_secs(4000);
        let alerts = plain.alerts("").await;
        let mut with_value = 0;
        for alert in &alerts {
            let at: Timestamp = text(alert, "timestamp").parse().unwrap();
            let (kind, id, metric) = (text(alert, "deviceType"), text(alert, "deviceId"), text(alert, "metric"));
            let next = at + SignedDuration::from_secs(1);
            if text(alert, "alertName") == "Reading missing" {
                assert!(alert["value"].is_null() && alert["threshold"].is_null());
                let before = at - SignedDuration::from_secs(290);
                assert_eq!(
                    events(&plain, kind, id, &format!("start={before}&end={at}")).await,
                    [] as [Value; 0],
                    "{alert}"
                );
                continue;
            }
            let rows = events(&plain, kind, id, &format!("start={at}&end={next}&metrics={metric}")).await;
            assert_eq!(rows.len(), 1, "{scenario}: {alert}");
            assert_eq!(rows[0][metric].as_f64(), alert["value"].as_f64(), "{scenario}: {alert}");
            let (value, threshold) = (alert["value"].as_f64().unwrap(), alert["threshold"].as_f64().unwrap());
            let is_above = text(alert, "message").starts_with("Above");
            assert!(if is_above { value > threshold } else { value < threshold }, "{alert}");
            with_value += 1;
        }
        assert!(with_value > 30, "{scenario}: {with_value}");
    }
}

/// The other direction: where no alert is, no metric of a device is beyond its limit.
#[tokio::test]
async fn healthy_devices_stay_within_their_limits() {
    let (_simulator, _hand, plain) = quiet().await;
    let troubled: HashSet<String> = plain
        .alerts("")
        .await
        .iter()
        .map(|alert| text(alert, "deviceId").to_owned())
        .collect();
    let query = json!({"deviceType": "PumpStation", "devices": ["*"], "metrics": ["bearing_temp", "vibration", "flow"],
        "timeRange": {"start": "2026-02-18T00:00:00Z", "end": "2026-02-19T00:00:00Z"}});
    let rows = plain.post("/api/v1/data/query", &query).await.at("/data");
    let mut healthy = 0;
    for row in rows
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| !troubled.contains(text(row, "deviceId")))
    {
        assert!(
            row["bearing_temp"].as_f64().unwrap() <= 90.0 && row["vibration"].as_f64().unwrap() <= 7.1,
            "{row}"
        );
        assert!(row["flow"].as_f64().unwrap() >= 80.0, "{row}");
        healthy += 1;
    }
    assert!(healthy > 1440 * 10, "{healthy}");
}

#[tokio::test]
async fn a_production_lines_figures_agree_with_one_another() {
    let (_simulator, _hand, plain) = quiet().await;
    for line in ["LINE-1", "LINE-2"] {
        let rows = events(
            &plain,
            "ProductionLine",
            line,
            "start=2026-02-18T00:00:00Z&end=2026-02-19T00:00:00Z",
        )
        .await;
        assert_eq!(rows.len(), 288, "each five minutes of a day");
        for row in rows {
            let number = |name: &str| row[name].as_f64().unwrap_or_else(|| panic!("{name} of {row}"));
            assert!(
                (number("output_count") - number("good_count") - number("scrap_count")).abs() < f64::EPSILON,
                "{row}"
            );
            assert!((0.0..=5.0).contains(&number("runtime_minutes")), "{row}");
            let scrap_rate = 100.0 * number("scrap_count") / number("output_count");
            assert!((number("scrap_rate") - scrap_rate).abs() <= 0.005_001, "{row}");
            assert!((20.0..=100.0).contains(&number("oee")) && number("energy_per_unit") > 0.3, "{row}");
            // good parts by the quickest that the line can do never exceed its run time
            assert!(number("oee") <= 100.0 * number("runtime_minutes") / 5.0 + 0.05, "{row}");
        }
    }
}

#[tokio::test]
async fn aggregation_is_what_an_independent_sum_gives() {
    let (_simulator, _hand, plain) = quiet().await;
    let window = "start=2026-02-18T03:07:00Z&end=2026-02-18T09:22:30Z&metrics=flow,current";
    let raw = events(&plain, "PumpStation", "PUMP-003", window).await;
    for (granularity, width) in [("1m", 60), ("5m", 300), ("15m", 900), ("1h", 3600), ("1d", 86_400)] {
        for aggregation in ["avg", "min", "max", "sum", "count", "last"] {
            let rows = events(
                &plain,
                "PumpStation",
                "PUMP-003",
                &format!("{window}&aggregation={aggregation}&granularity={granularity}"),
            )
            .await;
            for metric in ["flow", "current"] {
                let mut buckets: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
                for row in &raw {
                    let at = text(row, "timestamp").parse::<Timestamp>().unwrap().as_second();
                    buckets.entry(at - at % width).or_default().push(row[metric].as_f64().unwrap());
                }
                let wanted: Vec<(i64, f64)> = buckets
                    .into_iter()
                    .map(|(at, values)| {
                        let sum: f64 = values.iter().sum();
                        let value = match aggregation {
                            "avg" => sum / values.len() as f64,
                            "min" => values.iter().copied().reduce(f64::min).unwrap(),
                            "max" => values.iter().copied().reduce(f64::max).unwrap(),
                            "sum" => sum,
                            "count" => values.len() as f64,
                            _ => *values.last().unwrap(),
                        };
                        (at, value)
                    })
                    .collect();
                let given: Vec<(i64, f64)> = rows
                    .iter()
                    .map(|row| {
                        (
                            text(row, "timestamp").parse::<Timestamp>().unwrap().as_second(),
                            row[metric].as_f64().unwrap(),
                        )
                    })
                    .collect();
                assert_eq!(given.len(), wanted.len(), "{aggregation} {granularity}");
                for (given, wanted) in given.iter().zip(&wanted) {
                    assert_eq!(given.0, wanted.0);
                    assert!(
                        (given.1 - wanted.1).abs() < 1e-9,
                        "{aggregation} {granularity}: {given:?} {wanted:?}"
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn more_rows_than_the_limit_are_cut_and_the_seam_loses_and_doubles_nothing() {
    let (_simulator, _hand, plain) = quiet().await;
    let whole = events(
        &plain,
        "PumpStation",
        "PUMP-003",
        "start=2026-02-18T00:00:00Z&end=2026-02-19T00:00:00Z&limit=5000",
    )
    .await;
    assert_eq!(whole.len(), 1440);
    let first = events(
        &plain,
        "PumpStation",
        "PUMP-003",
        "start=2026-02-18T00:00:00Z&end=2026-02-19T00:00:00Z",
    )
    .await;
    assert_eq!(first, whole[..1000], "oldest first, a thousand by default");
    let mut collected = first;
    loop {
        let from = text(collected.last().unwrap(), "timestamp").to_owned();
        let more = events(
            &plain,
            "PumpStation",
            "PUMP-003",
            &format!("start={from}&end=2026-02-19T00:00:00Z&limit=100"),
        )
        .await;
        assert_eq!(more.first(), collected.last(), "the start is part of the window");
        if more.len() == 1 {
            break;
        }
        collected.extend_from_slice(&more[1..]);
    }
    assert_eq!(collected, whole);
}

#[tokio::test]
async fn bulk_and_events_agree_and_the_future_is_not_known() {
    let (_simulator, _hand, plain) = quiet().await;
    let query = json!({"deviceType": "Compressor", "devices": ["COMP-001", "COMP-002", "COMP-999"], "metrics": ["oil_temp"],
        "timeRange": {"start": "2026-02-19T01:00:00Z", "end": "2026-02-20T00:00:00Z"}});
    let answer = plain.post("/api/v1/data/query", &query).await.json();
    let rows = answer["data"].as_array().unwrap();
    for id in ["COMP-001", "COMP-002"] {
        let bulk: Vec<Value> = rows
            .iter()
            .filter(|row| text(row, "deviceId") == id)
            .map(|row| json!([row["timestamp"], row["oil_temp"]]))
            .collect();
        let single = events(
            &plain,
            "Compressor",
            id,
            "start=2026-02-19T01:00:00Z&end=2026-02-20T00:00:00Z&metrics=oil_temp",
        )
        .await;
        let single: Vec<Value> = single.iter().map(|row| json!([row["timestamp"], row["oil_temp"]])).collect();
        assert_eq!(bulk, single);
        assert_eq!(bulk.len(), 73);
    }
    assert!(
        rows.iter()
            .all(|row| text(row, "timestamp").parse::<Timestamp>().unwrap() <= start())
    );
    assert_eq!(answer["metadata"]["unknownDevices"], json!(["COMP-999"]));
}

#[tokio::test]
async fn bad_questions_are_400_and_unknown_things_404() {
    let (_simulator, _hand, plain) = quiet().await;
    for (path, status) in [
        ("/api/v1/deviceTypes/Teapot/devices", 404),
        ("/api/v1/deviceTypes/PumpStation/devices/PUMP-999/events", 404),
        ("/api/v1/deviceTypes/PumpStation/devices/PUMP-17/events", 404),
        ("/api/v1/deviceTypes/PumpStation/devices/PUMP-017/events?start=yesterday", 400),
        ("/api/v1/deviceTypes/PumpStation/devices/PUMP-017/events?aggregation=median", 400),
        ("/api/v1/deviceTypes/PumpStation/devices/PUMP-017/events?granularity=1w", 400),
        ("/api/v1/deviceTypes/PumpStation/devices/PUMP-017/events?metrics=colour", 400),
        (
            "/api/v1/deviceTypes/PumpStation/devices/PUMP-017/events?start=2026-02-19T00:00:00Z&end=2026-02-18T00:00:00Z",
            400,
        ),
        ("/api/v1/deviceTypes/PumpStation/devices?limit=0", 400),
        ("/api/v1/deviceTypes/PumpStation/devices?filter=online", 400),
        ("/api/v1/alerts?severity=urgent", 400),
        ("/api/v1/alerts/ALR-1", 404),
        ("/nowhere", 404),
    ] {
        let answer = plain.get(path).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text);
        assert!(answer.at("/error/code").is_string() && answer.at("/error/message").is_string());
    }
}
