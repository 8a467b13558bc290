//! What is served: the facility API, inbound webhooks, metrics, the status page.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use futures_util::StreamExt as _;
use nightdesk::domain::{IntentState, round_half_even};
use nightdesk::outbox::RowFilter;
use nightdesk::simulator::{EffectKind, Outage};
use serde_json::{Value, json};

use super::support::{API_KEY, Served, sign};
use crate::command::plant::Plant;

const DONE: &str = r#"{"type":"maintenance_complete","deviceType":"PumpStation","deviceId":"PUMP-017","timestamp":"2026-02-19T10:00:00Z","technician":"J. Ortega"}"#;
const LATER: &str = r#"{"type":"maintenance_complete","deviceType":"PumpStation","deviceId":"PUMP-017","timestamp":"2026-02-20T10:00:00Z","technician":"J. Ortega"}"#;

#[tokio::test]
async fn a_facility_status_counts_what_the_plant_has_and_says_its_age() {
    let plant = Plant::start().await;
    let served = Served::on(&plant).await;
    let devices = plant.run(&["devices", "list", "--json"]).await.expect(0).items();
    let place = devices[0]["location"].as_str().unwrap().to_owned();
    let here: Vec<&Value> = devices.iter().filter(|device| device["location"] == place.as_str()).collect();
    let ids: BTreeSet<&str> = here.iter().map(|device| device["deviceId"].as_str().unwrap()).collect();
    let is_status = |word: &str| here.iter().filter(|device| device["status"] == word).count();
    let answer = served
        .get(&format!("/api/facility/{}/status", place.replace(' ', "%20")))
        .await
        .expect(200);
    let active = plant
        .simulator
        .alerts()
        .iter()
        .filter(|alert| alert["status"] != "resolved" && ids.contains(alert["deviceId"].as_str().unwrap()))
        .count();
    assert_eq!(
        answer.json(),
        json!({"facility_id": place, "total_devices": here.len(), "online": is_status("online"), "offline": is_status("offline"), "active_alerts": active})
    );
    assert_eq!(answer.header("age"), Some("0"));
    assert!(answer.header("x-data-as-of").is_some());
    let none = served.get("/api/facility/Atlantis/status").await.expect(200).json();
    assert_eq!(
        none,
        json!({"facility_id": "Atlantis", "total_devices": 0, "online": 0, "offline": 0, "active_alerts": 0})
    );
}

#[tokio::test]
async fn while_monitor_is_away_the_last_known_answer_is_given_with_its_age() {
    let plant = Plant::start().await;
    let served = Served::on(&plant).await;
    let known = served.get("/api/facility/Hall%201/status").await.expect(200);
    plant.simulator.set_outage(Outage::Refused).await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(90)).await;
    tokio::time::resume();
    let old = served.get("/api/facility/Hall%201/status").await.expect(200);
    assert_eq!(old.json(), known.json());
    let age: u64 = old.header("age").unwrap().parse().unwrap();
    assert!(age >= 90, "{age}");
    assert!(old.header("x-data-stale").is_some());
    let unknown = served.get("/api/facility/Hall%202/status").await.expect(503);
    assert!(unknown.json()["error"].as_str().unwrap().contains("Monitor"), "{unknown:?}");
    assert!(unknown.header("retry-after").is_some());
}

#[tokio::test]
async fn an_efficiency_report_is_the_mean_of_all_readings() {
    let plant = Plant::start().await;
    let served = Served::on(&plant).await;
    let today = plant.simulator.now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let day = today.yesterday().unwrap();
    // independently, device by device through the other endpoint
    let lines = plant
        .run(&["devices", "list", "--type", "ProductionLine", "--json"])
        .await
        .expect(0)
        .items();
    assert!(!lines.is_empty());
    let mut sums = [(0.0, 0_u32); 3];
    for line in &lines {
        let id = line["deviceId"].as_str().unwrap();
        let (start, end) = (format!("{day}T00:00:00Z"), format!("{day}T23:59:59Z"));
        let rows = plant
            .run(&[
                "readings",
                id,
                "--type",
                "ProductionLine",
                "--start",
                &start,
                "--end",
                &end,
                "--json",
            ])
            .await
            .expect(0)
            .items();
        for row in rows {
            for (sum, metric) in sums.iter_mut().zip(["oee", "energy_per_unit", "scrap_rate"]) {
                if let Some(value) = row[metric].as_f64() {
                    *sum = (sum.0 + value, sum.1 + 1);
                }
            }
        }
    }
    assert!(sums.iter().all(|(_, count)| *count > 100), "{sums:?}");
    let mean = |index: usize, decimals| round_half_even(sums[index].0 / f64::from(sums[index].1), decimals);
    let report = served
        .get(&format!("/api/reports/efficiency?start={day}&end={day}"))
        .await
        .expect(200)
        .json();
    assert_eq!(
        report,
        json!({"period": {"start": day.to_string(), "end": day.to_string()},
            "avg_oee": mean(0, 1), "avg_energy_efficiency": mean(1, 2), "avg_scrap_rate": mean(2, 2)})
    );
    // what has not happened yet has no mean
    let future = served
        .get("/api/reports/efficiency?start=2999-01-01&end=2999-01-02")
        .await
        .expect(200)
        .json();
    assert_eq!(future["avg_oee"], Value::Null);
    assert!(future.as_object().unwrap().contains_key("avg_scrap_rate"));
    for query in [
        "",
        "?start=2026-02-01",
        "?start=2026-02-31&end=2026-03-01",
        "?start=2026-03-02&end=2026-03-01",
    ] {
        let refused = served.get(&format!("/api/reports/efficiency{query}")).await.expect(400).json();
        let words = refused["error"].as_str().unwrap();
        assert!(words.contains("start") || words.contains("end"), "{words}");
    }
}

#[tokio::test]
async fn without_a_known_key_nothing_is_told() {
    let plant = Plant::start().await;
    let served = Served::on(&plant).await;
    for path in [
        "/api/facility/Hall%201/status",
        "/api/reports/efficiency?start=2026-02-01&end=2026-02-01",
    ] {
        let bare = served.send(Request::get(path).body(Body::empty()).unwrap()).await.expect(401);
        assert_eq!(bare.header("www-authenticate"), Some("Bearer"));
        let wrong = Request::get(path)
            .header("authorization", "Bearer 0123456789abcdef0124")
            .body(Body::empty())
            .unwrap();
        assert!(served.send(wrong).await.expect(401).text.contains("not known"));
    }
    let bearer = Request::get("/api/facility/x/status").header("authorization", format!("Bearer {API_KEY}"));
    served.send(bearer.body(Body::empty()).unwrap()).await.expect(200);
    // ids that no plant has
    let long = "x".repeat(201);
    served.get(&format!("/api/facility/{long}/status")).await.expect(400);
    served.get("/api/facility/%FF/status").await.expect(400);
    served.get("/api/facility/a%07b/status").await.expect(400);
}

#[tokio::test]
async fn a_webhook_is_on_disk_before_it_is_answered_and_has_one_effect() {
    let plant = Plant::start().await;
    let served = Served::on(&plant).await;
    let rows = || async { served.session.outbox.list(RowFilter::default()).await.unwrap() };
    assert_eq!(served.webhook(DONE).await.expect(200).text, r#"{"status":"processed"}"#);
    // nobody sends in this test: what is there was committed before the answer
    let [row] = &rows().await[..] else { panic!("one row") };
    assert_eq!(row.state, IntentState::Queued);
    assert_eq!(
        served.post(DONE, Some(&format!("sha256={}", sign(DONE)))).await.expect(200).text,
        r#"{"status":"processed"}"#
    );
    assert_eq!(rows().await.len(), 1, "the same again");
    served.webhook(LATER).await.expect(200);
    // the first one is delivered; a replay of it must not undo the second
    served.webhook(DONE).await.expect(200);
    assert_eq!(rows().await.len(), 2);
    drop(served);
    let again = Served::on(&plant).await;
    again.webhook(DONE).await.expect(200);
    again.webhook(LATER).await.expect(200);
    assert_eq!(
        again.session.outbox.list(RowFilter::default()).await.unwrap().len(),
        2,
        "over a restart"
    );
    plant.run(&["outbox", "drain"]).await.expect(0);
    assert_eq!(plant.effects(EffectKind::UpdateMetadata).len(), 2);
    again.webhook(DONE).await.expect(200);
    again.webhook(LATER).await.expect(200);
    assert_eq!(
        again.session.outbox.list(RowFilter::open()).await.unwrap().len(),
        0,
        "after the delivery"
    );
    let device = plant.run(&["devices", "show", "PUMP-017", "--json"]).await.expect(0).json();
    assert_eq!(device["metadata"]["lastMaintenance"], "2026-02-20T10:00:00Z");
    assert_eq!(device["metadata"]["technician"], "J. Ortega");
}

fn calibration(device: &str, due: &str) -> String {
    format!(
        r#"{{"type":"calibration_update","deviceType":"PumpStation","deviceId":"{device}","timestamp":"2026-02-19","nextDue":"{due}"}}"#
    )
}

#[tokio::test]
async fn a_message_is_known_by_its_id_and_not_by_what_it_says() {
    let plant = Plant::start().await;
    let served = Served::standard(&plant).await;
    let (first, second) = (calibration("PUMP-017", "2027-02-19"), calibration("PUMP-017", "2026-08-19"));
    served.message("msg-1", &first).await.expect(200);
    plant.run(&["outbox", "drain"]).await.expect(0);
    served.message("msg-2", &second).await.expect(200);
    plant.run(&["outbox", "drain"]).await.expect(0);
    let rows = |served: &Served| {
        let outbox = served.session.outbox.clone();
        async move { outbox.list(RowFilter::default()).await.unwrap() }
    };
    // the same message again: in other words, about another device, over a restart
    served.message("msg-1", &first).await.expect(200);
    served.message("msg-1", &calibration("PUMP-017", "2030-01-01")).await.expect(200);
    served.message("msg-2", &calibration("PUMP-018", "2030-01-01")).await.expect(200);
    drop(served);
    let served = Served::standard(&plant).await;
    served.message("msg-1", &first).await.expect(200);
    assert_eq!(rows(&served).await.len(), 2);
    // another message that says the same as the first one: it has the last word
    assert_eq!(served.message("msg-3", &first).await.expect(200).text, r#"{"status":"processed"}"#);
    assert_eq!(rows(&served).await.len(), 3);
    plant.run(&["outbox", "drain"]).await.expect(0);
    let device = plant.run(&["devices", "show", "PUMP-017", "--json"]).await.expect(0).json();
    assert_eq!(device["metadata"]["nextCalibration"], "2027-02-19");
    assert_eq!(plant.effects(EffectKind::UpdateMetadata).len(), 3);
    // two messages that wait and say the same are two rows: each is known afterwards
    served.message("msg-4", &second).await.expect(200);
    served.message("msg-5", &second).await.expect(200);
    served.message("msg-5", &second).await.expect(200);
    assert_eq!(rows(&served).await.len(), 5);
    let counts = served.ground.parts.all().into_iter().find(|(part, _)| part.as_str() == "inbound");
    let counts = counts.unwrap().1.counts;
    assert_eq!((counts["processed"], counts["repeated"]), (3, 2), "since the restart: {counts:?}");
}

#[tokio::test]
async fn a_message_that_was_parked_is_sent_when_it_comes_again() {
    let plant = Plant::start().await;
    let served = Served::on(&plant).await;
    let early = calibration("PUMP-NEW", "2027-02-19");
    let states = || async {
        let rows = served.session.outbox.list(RowFilter::default()).await.unwrap();
        rows.into_iter().map(|row| row.state).collect::<Vec<_>>()
    };
    served.webhook(&early).await.expect(200);
    plant.run(&["outbox", "drain"]).await;
    assert_eq!(states().await, [IntentState::Parked], "the device is not there yet");
    plant
        .run(&["devices", "create", "PUMP-NEW", "--type", "PumpStation"])
        .await
        .expect(0);
    served.webhook(&early).await.expect(200);
    assert_eq!(states().await, [IntentState::Queued]);
    plant.run(&["outbox", "drain"]).await.expect(0);
    served.webhook(&early).await.expect(200);
    assert_eq!(states().await, [IntentState::Delivered]);
    let due = || async {
        let device = plant.run(&["devices", "show", "PUMP-NEW", "--json"]).await.expect(0).json();
        device["metadata"]["nextCalibration"].as_str().unwrap().to_owned()
    };
    assert_eq!(due().await, "2027-02-19");

    // a parked one that something later has overtaken is not brought back
    let other = calibration("PUMP-OTHER", "2027-02-19");
    let newer = calibration("PUMP-OTHER", "2028-02-19");
    served.webhook(&other).await.expect(200);
    plant.run(&["outbox", "drain"]).await;
    served.webhook(&newer).await.expect(200);
    served.webhook(&other).await.expect(200);
    assert_eq!(states().await, [IntentState::Delivered, IntentState::Parked, IntentState::Queued]);
}

#[tokio::test]
async fn a_webhook_that_is_not_right_is_refused_in_fixed_words() {
    let plant = Plant::start().await;
    let served = Served::on(&plant).await;
    for signature in [None, Some(""), Some("00"), Some(sign(LATER).as_str())] {
        let refused = served.post(DONE, signature).await.expect(401);
        assert_eq!(refused.text, r#"{"error":"Invalid signature"}"#);
    }
    // first the signature, then the sense: a stranger learns nothing
    served.post("not json", None).await.expect(401);
    assert_eq!(
        served.webhook("not json").await.expect(400).json()["error"],
        "the body is not JSON: line 1, column 2"
    );
    let without = DONE.replace("technician", "mechanic");
    assert_eq!(
        served.webhook(&without).await.expect(400).json()["error"],
        "`technician` is missing"
    );
    assert_eq!(
        served.webhook(r#"{"type":"device_retired"}"#).await.expect(200).text,
        r#"{"status":"ignored"}"#
    );
    let large = format!("{{\"type\":\"{}\"}}", "x".repeat(256 * 1024));
    served.webhook(&large).await.expect(413);
    let announced = Request::post("/webhook/inbound")
        .header("content-length", "999999999")
        .body(Body::empty())
        .unwrap();
    served.send(announced).await.expect(413);
    served
        .send(Request::get("/webhook/inbound").body(Body::empty()).unwrap())
        .await
        .expect(405);
    assert!(served.session.outbox.list(RowFilter::default()).await.unwrap().is_empty());
    let counts = &served
        .ground
        .parts
        .all()
        .into_iter()
        .find(|(part, _)| part.as_str() == "inbound")
        .unwrap()
        .1
        .counts;
    assert_eq!(counts["ignored"], 1);
    assert_eq!(counts["unsigned"], 5);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let plant = Plant::start().await;
    let served = Served::on(&plant).await;
    let drip = futures_util::stream::iter([Ok::<_, std::io::Error>("{\"type\":")]).chain(futures_util::stream::pending());
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    let request = Request::post("/webhook/inbound").body(Body::from_stream(drip)).unwrap();
    let late = served.send(request).await.expect(408);
    assert_eq!(begun.elapsed().as_secs(), 5);
    assert_eq!(late.header("connection"), Some("close"));
}

#[tokio::test]
async fn metrics_status_page_and_description_tell_the_same() {
    let plant = Plant::start().await;
    let served = Served::on(&plant).await;
    served.get("/api/facility/Hall%201/status").await.expect(200);
    served.webhook(DONE).await.expect(200);
    served.get("/nothing/here").await.expect(404);
    let figures = served.get("/metrics").await.expect(200);
    assert_eq!(figures.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    for expected in [
        "nightdesk_outbox_rows{state=\"queued\"} 1",
        "nightdesk_part_runs_total{part=\"facility\"} 1",
        "nightdesk_part_successes_total{part=\"inbound\"} 1",
        "nightdesk_part_events_total{part=\"inbound\",event=\"processed\"} 1",
        "nightdesk_part_last_success_age_seconds{part=\"inbound\"} 0",
        "nightdesk_api_calls_total{service=\"monitor\",operation=\"listAlerts\"} ",
        "nightdesk_api_call_duration_seconds{service=\"monitor\",operation=\"listAlerts\",quantile=\"0.95\"} ",
        "nightdesk_service_up{service=\"monitor\"} 1",
        "nightdesk_key_age_seconds{service=\"manage\"} ",
        "nightdesk_http_requests_total{route=\"other\",code=\"404\"} 1",
        "nightdesk_http_requests_total{route=\"/api/facility/{facility_id}/status\",code=\"200\"} 1",
    ] {
        assert!(figures.text.contains(expected), "{expected} is not in\n{}", figures.text);
    }
    assert!(!figures.text.contains("nothing/here"), "a stranger's path makes no series");

    let page = served.get("/").await.expect(200);
    for expected in ["<td class=\"n \">1</td>", "<b>inbound</b>", "in the outbox", "<b>Monitor</b>"] {
        assert!(page.text.contains(expected), "{expected} is not in\n{}", page.text);
    }
    for forbidden in ["http://", "https://", "<script", "<img", "<link", "url("] {
        assert!(!page.text.contains(forbidden), "{forbidden}");
    }
    assert!(page.header("content-security-policy").unwrap().starts_with("default-src 'none'"));
    assert_eq!(served.get("/healthz").await.expect(200).json()["status"], "ok");
    assert_eq!(
        served.get("/readyz").await.expect(200).json(),
        json!({"status": "ready", "open": 1})
    );

    // every path that the document names is there, and nothing is missing from it
    let document = served.get("/openapi.json").await.expect(200).json();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let path = path.replace("{facility_id}", "x");
            let request = Request::builder()
                .method(method.to_uppercase().as_str())
                .uri(&path)
                .body(Body::empty())
                .unwrap();
            let status = served.send(request).await.status.as_u16();
            assert!(![404, 405].contains(&status), "{method} {path}: {status}");
        }
    }
}
