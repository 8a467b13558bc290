//! Devices, alerts, credentials, by the contract.

use std::collections::HashSet;
use std::time::Duration;

use nightdesk::simulator::{EffectKind, Scenario, SimulatorConfig};
use reqwest::Method;
use serde_json::{Value, json};

use super::plain::{Plain, held, quiet, text};

#[tokio::test]
async fn a_plant_has_its_devices_once_over_all_pages() {
    let (_simulator, _hand, plain) = held(|config| SimulatorConfig {
        devices: 5000,
        page_max: 100,
        ..config
    })
    .await;
    let mut seen = HashSet::new();
    let mut offset = 0;
    loop {
        let page = plain.fetch(&format!("/v1/devices?limit=1000&offset={offset}")).await;
        assert_eq!(page["totalCount"], 5000);
        let rows = page["results"].as_array().unwrap();
        if rows.is_empty() {
            break;
        }
        assert_eq!(rows.len(), 100, "the server clamps");
        offset += rows.len();
        seen.extend(
            rows.iter()
                .map(|row| (text(row, "deviceType").to_owned(), text(row, "deviceId").to_owned())),
        );
    }
    assert_eq!((offset, seen.len()), (5000, 5000));
    let kinds: HashSet<&String> = seen.iter().map(|(kind, _)| kind).collect();
    let mut by_kind = 0;
    for kind in &kinds {
        by_kind += plain.fetch(&format!("/api/v1/deviceTypes/{kind}/devices?limit=1")).await["totalCount"]
            .as_u64()
            .unwrap();
    }
    assert_eq!((kinds.len(), by_kind), (11, 5000));
}

#[tokio::test]
async fn the_total_can_be_left_out() {
    let (_simulator, _hand, plain) = held(|config| SimulatorConfig {
        total_count: false,
        etag: false,
        ..config
    })
    .await;
    assert!(plain.fetch("/v1/devices").await.get("totalCount").is_none());
    let alerts = plain.get("/api/v1/alerts").await;
    assert!(alerts.json().get("totalCount").is_none() && !alerts.headers.contains_key("etag"));
}

#[tokio::test]
async fn a_large_plant_is_asked_at_its_far_end() {
    let (_simulator, _hand, plain) = held(|config| SimulatorConfig {
        devices: 100_000,
        ..config
    })
    .await;
    let page = plain.fetch("/v1/devices?limit=10&offset=99995").await;
    assert_eq!(
        (page["totalCount"].as_u64(), page["results"].as_array().unwrap().len()),
        (Some(100_000), 5)
    );
    let online = plain.fetch("/v1/devices?limit=1&filter=status:online").await["totalCount"]
        .as_u64()
        .unwrap();
    let offline = plain.fetch("/v1/devices?limit=1&filter=status:offline").await["totalCount"]
        .as_u64()
        .unwrap();
    assert_eq!(online + offline, 100_000);
    assert!((1000..5000).contains(&offline), "{offline}");
}

#[tokio::test]
async fn filters_select_and_join() {
    let (_simulator, _hand, plain) = quiet().await;
    let ids = async |query: &str| -> Vec<String> {
        let page = plain.fetch(&format!("/v1/devices?limit=1000&{query}")).await;
        page["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| text(row, "deviceId").to_owned())
            .collect()
    };
    let all = plain.fetch("/v1/devices?limit=1000").await["results"].as_array().unwrap().clone();
    let wanted = |check: &dyn Fn(&Value) -> bool| -> Vec<String> {
        all.iter()
            .filter(|row| check(row))
            .map(|row| text(row, "deviceId").to_owned())
            .collect()
    };
    let at_a = |row: &Value| row["metadata"]["location"] == "Building A";
    let online = |row: &Value| row["status"] == "online";
    assert_eq!(ids("filter=metadata.location:Building%20A").await, wanted(&at_a));
    assert_eq!(
        ids("filter=metadata.location:Building+A,status:online").await,
        wanted(&|row| at_a(row) && online(row))
    );
    assert_eq!(
        ids("filter=deviceInfo.manufacturer:KSB").await,
        wanted(&|row| row["deviceInfo"]["manufacturer"] == "KSB")
    );
    assert!(!wanted(&at_a).is_empty() && !wanted(&|row| !online(row)).is_empty());
}

#[tokio::test]
async fn an_offline_device_has_said_nothing_since_its_last_event() {
    let (_simulator, hand, plain) = held(|config| config).await;
    let device = plain.fetch("/v1/devices?filter=deviceId:TEMP-041").await["results"][0].clone();
    assert_eq!(device["status"], "offline");
    hand.advance_secs(60);
    let later = plain.fetch("/v1/devices?filter=deviceId:TEMP-041").await["results"][0].clone();
    assert_eq!(later["lastEventTime"], device["lastEventTime"]);
    let alert = plain.alerts("deviceId=TEMP-041&status=new").await;
    assert_eq!(text(&alert[0], "alertName"), "Reading missing");
    let online = plain.fetch("/v1/devices?filter=deviceId:TEMP-040").await["results"][0].clone();
    let rows = plain.fetch("/api/v1/deviceTypes/TemperatureSensor/devices/TEMP-040/events").await;
    assert_eq!(
        rows["data"].as_array().unwrap().last().unwrap()["timestamp"],
        online["lastEventTime"]
    );
}

#[tokio::test]
async fn acknowledge_then_note_then_resolve_and_the_ledger_has_exactly_these() {
    let (simulator, _hand, plain) = quiet().await;
    let id = text(&plain.alerts("status=new").await[0], "alertId").to_owned();
    let path = format!("/api/v1/alerts/{id}");
    let acknowledge = |by: &str, notes: Option<&str>| json!({"status": "acknowledged", "acknowledgedBy": by, "notes": notes});
    let answer = plain.put(&path, &acknowledge("operator1", Some("Überdruck?"))).await;
    assert_eq!(
        (answer.status, answer.at("/status"), answer.at("/notes")),
        (200, json!("acknowledged"), json!("Überdruck?"))
    );
    assert_eq!(
        plain.put(&path, &acknowledge("operator1", Some("It was"))).await.at("/notes"),
        "It was"
    );
    assert_eq!(plain.put(&path, &acknowledge("operator9", None)).await.status, 409);
    let resolve = json!({"resolvedBy": "operator1", "resolution": "Reset", "rootCause": "Drift", "preventiveAction": "Calibrate"});
    let resolved = plain.put(&format!("{path}/resolve"), &resolve).await;
    assert_eq!(
        (resolved.status, resolved.at("/rootCause"), resolved.at("/acknowledgedBy")),
        (200, json!("Drift"), json!("operator1"))
    );
    assert_eq!(plain.put(&format!("{path}/resolve"), &resolve).await.status, 409);
    assert_eq!(plain.put(&path, &acknowledge("operator1", None)).await.status, 409);
    assert_eq!(plain.fetch(&path).await, resolved.json());
    let effects = simulator.client_effects();
    let kinds: Vec<EffectKind> = effects.iter().map(|entry| entry.effect).collect();
    assert_eq!(kinds, [EffectKind::Acknowledge, EffectKind::Acknowledge, EffectKind::Resolve]);
    assert!(
        effects
            .iter()
            .all(|entry| entry.alert_id.as_deref() == Some(&id) && entry.actor == "operator1" && entry.key == "api-key")
    );
    assert_eq!(effects[2].body, resolve);
}

#[tokio::test]
async fn incomplete_writes_are_refused_and_leave_no_trace() {
    let (simulator, _hand, plain) = quiet().await;
    let id = text(&plain.alerts("status=new").await[0], "alertId").to_owned();
    for (path, body) in [
        ("", json!({"status": "resolved", "acknowledgedBy": "a"})),
        ("", json!({"status": "acknowledged"})),
        ("", json!({"status": "acknowledged", "acknowledgedBy": " "})),
        ("", json!([1])),
        ("/resolve", json!({"resolvedBy": "a", "resolution": "b"})),
        ("/resolve", json!({"resolvedBy": "a", "resolution": "", "rootCause": "c"})),
    ] {
        let answer = plain.put(&format!("/api/v1/alerts/{id}{path}"), &body).await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.text);
    }
    assert_eq!(
        plain
            .put("/api/v1/alerts/nothing", &json!({"status": "acknowledged", "acknowledgedBy": "a"}))
            .await
            .status,
        404
    );
    let large = json!({"status": "acknowledged", "acknowledgedBy": "a", "notes": "x".repeat(2 << 20)});
    assert_eq!(plain.put(&format!("/api/v1/alerts/{id}"), &large).await.status, 413);
    assert!(simulator.client_effects().is_empty());
    assert_eq!(plain.fetch(&format!("/api/v1/alerts/{id}")).await["status"], "new");
}

#[tokio::test]
async fn devices_are_made_once_and_their_metadata_merges() {
    let (simulator, _hand, plain) = quiet().await;
    let devices = "/api/v1/deviceTypes/TemperatureSensor/devices";
    let body =
        json!({"deviceId": "TEMP-NEW", "authToken": "auto-generate", "deviceInfo": {"model": "T1"}, "metadata": {"location": "Roof"}});
    let made = plain.post(devices, &body).await;
    assert_eq!(made.status, 201);
    assert!(made.at("/authToken").as_str().unwrap().len() > 20);
    assert_eq!(plain.post(devices, &body).await.status, 409);
    assert_eq!(plain.post(devices, &json!({"deviceId": "TEMP-001"})).await.status, 409);
    assert_eq!(plain.post(devices, &json!({"deviceId": "a/b"})).await.status, 400);
    for id in ["TEMP-NEW", "TEMP-001"] {
        let answer = plain
            .put(&format!("{devices}/{id}"), &json!({"metadata": {"lastCalibration": "2026-02-19"}}))
            .await;
        assert_eq!((answer.status, answer.at("/metadata/lastCalibration")), (200, json!("2026-02-19")));
        assert!(answer.at("/metadata/location").is_string(), "other keys stay");
    }
    assert_eq!(plain.put(&format!("{devices}/TEMP-X"), &json!({"metadata": {}})).await.status, 404);
    let page = plain.fetch(&format!("{devices}?limit=1000")).await;
    assert_eq!(page["totalCount"], 43);
    assert!(
        page["results"]
            .as_array()
            .unwrap()
            .iter()
            .any(|row| row["deviceId"] == "TEMP-NEW" && row.get("authToken").is_none())
    );
    let last = plain.fetch(&format!("{devices}?limit=5&offset=42")).await;
    assert_eq!(last["results"][0]["deviceId"], "TEMP-NEW");
    let kinds: Vec<EffectKind> = simulator.client_effects().iter().map(|entry| entry.effect).collect();
    assert_eq!(
        kinds,
        [EffectKind::CreateDevice, EffectKind::UpdateMetadata, EffectKind::UpdateMetadata]
    );
    assert!(!serde_json::to_string(&simulator.ledger()).unwrap().contains("auto-generate"));
}

#[tokio::test]
async fn lists_of_alerts_filter_page_and_honour_etags() {
    let (_simulator, hand, plain) = held(|config| config).await;
    let all = plain.alerts("").await;
    let times: Vec<&str> = all.iter().map(|alert| text(alert, "timestamp")).collect();
    assert!(times.is_sorted_by(|newer, older| newer >= older), "newest first");
    let critical = plain.alerts("status=new&severity=critical,high").await;
    let wanted: Vec<&Value> = all
        .iter()
        .filter(|alert| alert["status"] == "new" && ["critical", "high"].contains(&text(alert, "severity")))
        .collect();
    assert_eq!(critical.iter().collect::<Vec<_>>(), wanted);
    assert!(!wanted.is_empty());
    let first = plain.fetch("/api/v1/alerts?limit=5").await;
    let second = plain.fetch("/api/v1/alerts?limit=5&offset=5").await;
    assert_eq!(first["totalCount"].as_u64().unwrap(), all.len() as u64);
    let joined: Vec<&Value> = first["results"]
        .as_array()
        .unwrap()
        .iter()
        .chain(second["results"].as_array().unwrap())
        .collect();
    assert_eq!(joined, all[..10].iter().collect::<Vec<_>>());
    assert_eq!(
        plain.fetch("/api/v1/alerts").await["results"].as_array().unwrap().len(),
        50.min(all.len())
    );
    let tag = plain.get("/api/v1/alerts").await.headers["etag"].to_str().unwrap().to_owned();
    let again = async || Plain::send(plain.request(Method::GET, "/api/v1/alerts").header("if-none-match", &tag)).await;
    let unchanged = again().await;
    assert_eq!((unchanged.status, unchanged.text.as_str()), (304, ""));
    hand.advance_secs(900);
    assert_eq!(again().await.status, 200);
}

#[tokio::test]
async fn credentials_open_what_they_should() {
    let (simulator, hand, plain) = held(|config| SimulatorConfig {
        scenario: Scenario::Quiet,
        token_life: Duration::from_secs(60),
        ..config
    })
    .await;
    let with = async |authorization: String| {
        let request = plain.http.get(format!("{}/v1/devices", plain.base));
        Plain::send(if authorization.is_empty() {
            request
        } else {
            request.header("authorization", authorization)
        })
        .await
        .status
    };
    assert_eq!(with(String::new()).await, 401);
    assert_eq!(with("ApiKey wrong".into()).await, 401);
    assert_eq!(with("Bearer wrong".into()).await, 401);
    assert_eq!(with(format!("ApiKey {}", plain.monitor_key)).await, 200);
    assert_eq!(with(format!("ApiKey {}", plain.manage_key)).await, 401);
    let form = async |secret: &str| {
        let body = format!(
            "grant_type=client_credentials&client_id={}&client_secret={secret}",
            simulator.client_id()
        );
        let request = plain
            .http
            .post(simulator.token_url())
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        Plain::send(request).await
    };
    assert_eq!(form("wrong").await.status, 401);
    let granted = form(simulator.client_secret()).await;
    assert_eq!((granted.status, granted.at("/expires_in")), (200, json!(60)));
    let bearer = format!("Bearer {}", granted.at("/access_token").as_str().unwrap());
    assert_eq!(with(bearer.clone()).await, 200);
    hand.advance_secs(60);
    assert_eq!(with(bearer).await, 401, "its life is over");
    let bearer = format!(
        "Bearer {}",
        form(simulator.client_secret()).await.at("/access_token").as_str().unwrap()
    );
    assert_eq!(with(bearer.clone()).await, 200);
    simulator.revoke_tokens();
    assert_eq!(with(bearer).await, 401);

    let reader = Plain {
        monitor_key: simulator.monitor_read_only_key().into(),
        manage_key: simulator.manage_read_only_key().into(),
        ..plain.clone()
    };
    let id = text(&reader.alerts("status=new").await[0], "alertId").to_owned();
    let write = reader
        .put(
            &format!("/api/v1/alerts/{id}"),
            &json!({"status": "acknowledged", "acknowledgedBy": "a"}),
        )
        .await;
    assert_eq!((write.status, write.at("/error/code")), (403, json!("forbidden")));
    let order = reader
        .post("/maximo/oslc/os/mxwo", &json!({"description": "d", "siteid": "BEDFORD"}))
        .await;
    assert_eq!((order.status, order.at("/Error/reasonCode")), (400, json!("BMXAA9301E")));
    assert!(simulator.client_effects().is_empty());
}

#[tokio::test]
async fn expires_in_can_be_absent() {
    let (simulator, _hand, plain) = held(|config| SimulatorConfig {
        expires_in: false,
        ..config
    })
    .await;
    let body = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}",
        simulator.client_id(),
        simulator.client_secret()
    );
    let request = plain
        .http
        .post(simulator.token_url())
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body);
    assert!(Plain::send(request).await.json().get("expires_in").is_none());
}

fn acknowledgement(by: &str) -> Value {
    json!({"status": "acknowledged", "acknowledgedBy": by, "notes": "mine"})
}

#[tokio::test]
async fn what_one_person_holds_another_takes_over_where_that_is_allowed_and_it_stays_so_when_the_plant_comes_back() {
    let directory = tempfile::tempdir().unwrap();
    let kept = |allow_takeover| {
        let directory = Some(directory.path().to_owned());
        move |config| SimulatorConfig {
            scenario: Scenario::Quiet,
            directory,
            allow_takeover,
            ..config
        }
    };
    let (simulator, _hand, plain) = held(kept(true)).await;
    let id = text(&plain.alerts("status=new").await[0], "alertId").to_owned();
    let path = format!("/api/v1/alerts/{id}");
    for by in ["operator1", "operator9"] {
        let answer = plain.put(&path, &acknowledgement(by)).await;
        assert_eq!((answer.status, answer.at("/acknowledgedBy")), (200, json!(by)));
    }
    simulator.shutdown().await;
    // this time nothing may be taken over; what was, was
    let (_simulator, _hand, plain) = held(kept(false)).await;
    assert_eq!(plain.fetch(&path).await["acknowledgedBy"], "operator9");
    assert_eq!(plain.put(&path, &acknowledgement("operator1")).await.status, 409);
}

#[tokio::test]
async fn nobody_of_the_story_takes_over_what_a_person_holds() {
    let open = |allow_takeover| move |config| SimulatorConfig { allow_takeover, ..config };
    // what the second operator acknowledges of the alerts of the start when nobody else is there
    let (simulator, hand, plain) = held(open(true)).await;
    let ids: Vec<String> = plain
        .alerts("status=new")
        .await
        .iter()
        .map(|alert| text(alert, "alertId").to_owned())
        .collect();
    hand.advance_secs(1200);
    let theirs = |entry: &nightdesk::simulator::LedgerEntry| {
        entry.actor == "operator2" && entry.effect == EffectKind::Acknowledge && entry.alert_id.as_ref().is_some_and(|id| ids.contains(id))
    };
    assert!(simulator.ledger().iter().any(theirs), "the story has a second operator at work");
    let (simulator, hand, plain) = held(open(true)).await;
    for id in &ids {
        let path = format!("/api/v1/alerts/{id}");
        assert_eq!(plain.put(&path, &acknowledgement("operator1")).await.status, 200);
    }
    hand.advance_secs(1200);
    assert!(!simulator.ledger().iter().any(theirs), "they are held by operator1");
}
