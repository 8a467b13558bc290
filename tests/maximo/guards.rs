//! What keeps a sick or hostile server, and a slow disk, from hurting.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use nightdesk::domain::{AlertId, DeviceId, DeviceType, Service};
use nightdesk::maximo::{AlertQuery, Auth, BulkQuery, Endpoint, ErrorKind, Limits, MonitorClient, Pulse, Telemetry};

use super::server::{Reply, Server, json};
use super::{CANARY, alert_json, endpoint, monitor, telemetry};

type Answer = fn() -> Reply;

fn watched(server: &Server, telemetry: &Telemetry, limits: Limits) -> MonitorClient {
    let endpoint = Endpoint {
        limits,
        ..endpoint(server, Service::Monitor, Auth::ApiKey(CANARY.into()))
    };
    MonitorClient::new(endpoint, telemetry.clone()).unwrap()
}

#[tokio::test]
async fn an_answer_that_is_no_json_is_asked_for_again() {
    let calls = AtomicUsize::new(0);
    let server = Server::start(move |_| match calls.fetch_add(1, Ordering::SeqCst) {
        0 => json(200, r#"{"alertId":"a","#),
        1 => json(502, ""),
        _ => json(200, alert_json("a", "new", "")),
    })
    .await;
    let telemetry = telemetry();
    let client = watched(&server, &telemetry, Limits::default());
    tokio::time::pause();
    assert!(client.alert(&AlertId::new("a")).await.is_ok());
    let outcomes: Vec<_> = telemetry
        .calls()
        .iter()
        .map(|call| (call.outcome, call.status, call.attempt))
        .collect();
    assert_eq!(
        outcomes,
        [("malformed", Some(200), 1), ("server", Some(502), 2), ("ok", Some(200), 3)]
    );
    assert!(
        matches!(*telemetry.pulse(Service::Monitor).borrow(), Pulse::Live { .. }),
        "a call that ends well is no outage"
    );
}

#[tokio::test]
async fn a_long_wait_that_the_server_asks_for_is_kept_by_all_reads() {
    let server = Server::start(|_| Reply::Whole(429, vec![("retry-after", "600".into())], Vec::new())).await;
    let client = monitor(&server);
    for _ in 0..10 {
        let error = client.alert(&AlertId::new("a")).await.unwrap_err();
        let ErrorKind::Throttled { after: Some(after) } = *error.kind() else {
            panic!("{error:?}")
        };
        assert!(after > Duration::from_secs(590));
    }
    assert_eq!(server.seen().len(), 1, "asked once, then left alone");
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(601)).await;
    tokio::time::resume();
    assert!(client.alert(&AlertId::new("a")).await.is_err());
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_short_wait_is_sat_out() {
    let calls = AtomicUsize::new(0);
    let server = Server::start(move |_| match calls.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::Whole(503, vec![("retry-after", "20".into())], Vec::new()),
        _ => json(200, alert_json("a", "new", "")),
    })
    .await;
    let client = monitor(&server);
    tokio::time::pause();
    let before = tokio::time::Instant::now();
    assert!(client.alert(&AlertId::new("a")).await.is_ok());
    assert!(before.elapsed() >= Duration::from_secs(20));
}

#[tokio::test]
async fn background_queries_leave_room_for_a_person() {
    let server = Server::start(|request| match request.method.as_str() {
        "POST" => Reply::Silence,
        _ => json(200, alert_json("a", "new", "")),
    })
    .await;
    let client = monitor(&server);
    let query = BulkQuery {
        device_type: DeviceType::new("PumpStation"),
        devices: vec![DeviceId::new("PUMP-017")],
        metrics: Vec::new(),
        start: jiff::Timestamp::UNIX_EPOCH,
        end: jiff::Timestamp::now(),
        aggregation: None,
    };
    let waiting: Vec<_> = (0..20)
        .map(|_| {
            let (client, query) = (client.clone(), query.clone());
            tokio::spawn(async move { client.bulk(&query).await.map(drop) })
        })
        .collect();
    while server.seen().len() < 8 {
        tokio::task::yield_now().await;
    }
    assert!(client.interactive().alert(&AlertId::new("a")).await.is_ok());
    assert_eq!(server.seen().len(), 9, "eight of ten places are for the background");
    for task in waiting {
        task.abort();
    }
}

#[tokio::test]
async fn an_answer_with_an_etag_is_confirmed_instead_of_sent_again() {
    let page = format!(r#"{{"results":[{}],"totalCount":1}}"#, alert_json("a", "new", ""));
    let server = Server::start(move |request| match request.header("if-none-match") {
        Some("\"v1\"") => Reply::Whole(304, vec![("etag", "\"v1\"".into())], Vec::new()),
        _ => Reply::Whole(200, vec![("etag", "\"v1\"".into())], page.clone().into_bytes()),
    })
    .await;
    let client = monitor(&server);
    let first = client.alerts(&AlertQuery::default()).await.unwrap();
    let second = client.alerts(&AlertQuery::default()).await.unwrap();
    assert_eq!((first.items.len(), first.items), (1, second.items));
    assert!(server.seen()[0].header("if-none-match").is_none());
    assert!(server.seen()[1].header("if-none-match").is_some());
}

#[tokio::test]
async fn a_304_that_nobody_asked_for_is_no_answer() {
    let server = Server::start(|_| Reply::Whole(304, Vec::new(), Vec::new())).await;
    let error = monitor(&server).alert(&AlertId::new("a")).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Refused { status: 304 });
}

#[tokio::test]
async fn a_body_without_end_and_one_that_unpacks_to_too_much_stop_at_the_limit() {
    // 300,000 spaces, packed into some 300 bytes
    let bomb: &'static [u8] = include_bytes!("bomb.gz");
    let endless = Server::start(|_| Reply::Endless).await;
    let packed = Server::start(move |_| Reply::Whole(200, vec![("content-encoding", "gzip".into())], bomb.to_vec())).await;
    let limits = Limits {
        body: 100_000,
        ..Limits::default()
    };
    for server in [&endless, &packed] {
        let client = watched(server, &telemetry(), limits);
        tokio::time::pause();
        let error = client.alert(&AlertId::new("a")).await.unwrap_err();
        tokio::time::resume();
        assert_eq!(*error.kind(), ErrorKind::Malformed, "{error}");
        assert!(error.to_string().contains("more than"), "{error}");
    }
}

#[tokio::test]
async fn five_failed_handshakes_rest_the_server_and_the_reason_stays_visible() {
    let server = Server::start(|_| json(200, "{}")).await;
    let stranger = Server::start(|_| json(200, "{}")).await;
    let endpoint = Endpoint {
        ca_pem: Some(stranger.ca_pem.clone()),
        ..endpoint(&server, Service::Monitor, Auth::ApiKey(CANARY.into()))
    };
    let client = MonitorClient::new(endpoint, telemetry()).unwrap();
    for _ in 0..5 {
        assert_eq!(*client.alert(&AlertId::new("a")).await.unwrap_err().kind(), ErrorKind::Tls);
    }
    let error = client.alert(&AlertId::new("a")).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Resting);
    assert!(error.to_string().contains("certificate"), "{error}");
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_any_more_is_recorded() {
    let server = Server::start(|_| Reply::Silence).await;
    let telemetry = telemetry();
    let client = watched(&server, &telemetry, Limits::default());
    let task = tokio::spawn(async move { client.alert(&AlertId::new("\u{1b}[2J\u{9b}1m\u{202e}")).await.map(drop) });
    while server.seen().is_empty() {
        tokio::task::yield_now().await;
    }
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    let calls = telemetry.calls();
    assert_eq!((calls.len(), calls[0].outcome), (1, "cancelled"));
    assert!(
        calls[0].object.chars().all(|char| !char.is_control() && char != '\u{202e}'),
        "{:?}",
        calls[0].object
    );
}

#[tokio::test]
async fn the_usage_log_names_who_and_what_and_no_secret_also_of_token_calls() {
    let server = Server::start(|request| match request.target.as_str() {
        "/oauth/token" => json(200, r#"{"access_token":"canary-token"}"#),
        _ => json(200, alert_json("a", "new", "")),
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("usage.jsonl");
    let caller = nightdesk::maximo::Caller {
        operator: "operator1".into(),
        os_user: "night".into(),
        ssh_client: Some("192.0.2.7".into()),
    };
    let telemetry = Telemetry::with_log(caller, &path).unwrap();
    let auth = Auth::OAuth2 {
        token_url: server.url.join("oauth/token").unwrap(),
        client_id: "nightdesk".into(),
        client_secret: CANARY.into(),
        scope: String::new(),
    };
    let client = MonitorClient::new(endpoint(&server, Service::Monitor, auth), telemetry.clone()).unwrap();
    client.alert(&AlertId::new("a")).await.unwrap();
    assert!(client.token_remaining().await.is_some());
    assert_eq!(telemetry.log_lines_lost(), 0);
    drop((client, telemetry)); // the last handles: what waits is written
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let operations: Vec<_> = lines.iter().map(|line| line["operation"].as_str().unwrap()).collect();
    assert_eq!(operations, ["token", "getAlert"]);
    assert_eq!(
        (&lines[1]["operator"], &lines[1]["ssh_client"]),
        (&"operator1".into(), &"192.0.2.7".into())
    );
    assert!(!text.contains("canary"), "{text}");
}

#[tokio::test]
async fn a_user_in_the_address_is_refused_and_not_repeated() {
    let server = Server::start(|_| json(200, "{}")).await;
    let mut with_user = endpoint(&server, Service::Monitor, Auth::ApiKey(CANARY.into()));
    with_user.base.set_username("admin").unwrap();
    with_user.base.set_password(Some("canary-password")).unwrap();
    let error = MonitorClient::new(with_user, telemetry()).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Insecure);
    assert!(!error.to_string().contains("canary"), "{error}");
}

#[tokio::test]
async fn a_token_endpoint_in_trouble_means_that_nothing_was_sent() {
    let cases: [(&str, Answer); 6] = [
        ("breaks off", || Reply::Close),
        ("fails", || json(500, "")),
        ("has no token", || json(200, "{}")),
        ("login page", || json(200, "<html>")),
        ("a token that no header can hold", || json(200, r#"{"access_token":"a\nb"}"#)),
        ("throttles", || Reply::Whole(429, vec![("retry-after", "60".into())], Vec::new())),
    ];
    for (name, reply) in cases {
        let seen = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&seen);
        let server = Server::start(move |request| {
            count.fetch_add(usize::from(request.target != "/oauth/token"), Ordering::SeqCst);
            reply()
        })
        .await;
        let auth = Auth::OAuth2 {
            token_url: server.url.join("oauth/token").unwrap(),
            client_id: "nightdesk".into(),
            client_secret: CANARY.into(),
            scope: String::new(),
        };
        let client = MonitorClient::new(endpoint(&server, Service::Monitor, auth), telemetry()).unwrap();
        let device = nightdesk::domain::DeviceKey::new("PumpStation", "PUMP-017");
        let error = client.update_metadata(&device, &serde_json::Map::new()).await.unwrap_err();
        assert!(error.not_sent() && *error.kind() == ErrorKind::Unreachable, "{name}: {error:?}");
        assert_eq!(seen.load(Ordering::SeqCst), 0, "{name}");
    }
}
