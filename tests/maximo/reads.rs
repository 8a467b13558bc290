//! Lists, pages, limits, refusals.

use nightdesk::domain::{AlertId, DeviceKey, Service};
use nightdesk::maximo::{Auth, Endpoint, ErrorKind, Limits, MonitorClient, ReadingQuery};

use super::server::{Reply, Server, json};
use super::{CANARY, alert_json, endpoint, monitor, telemetry};

#[tokio::test]
async fn readings_continue_at_the_seam_without_loss_or_doubling() {
    // 2,500 rows, three of each second, a server that cuts at 1,000
    let server = Server::start(|request| {
        let start: jiff::Timestamp = request.query("start").unwrap().parse().unwrap();
        let limit: usize = request.query("limit").unwrap().parse().unwrap();
        let rows: Vec<String> = (0..2_500)
            .map(|index| (jiff::Timestamp::from_second(1_770_000_000 + index / 3).unwrap(), index))
            .filter(|(at, _)| *at >= start)
            .take(limit.min(1_000))
            .map(|(at, index)| format!(r#"{{"timestamp":"{at}","temp":{index}}}"#))
            .collect();
        json(200, format!(r#"{{"data":[{}]}}"#, rows.join(",")))
    })
    .await;
    let query = ReadingQuery {
        device: DeviceKey::new("PumpStation", "PUMP-017"),
        start: jiff::Timestamp::from_second(1_770_000_000).ok(),
        end: None,
        metrics: Vec::new(),
        aggregation: None,
    };
    let rows = monitor(&server).readings(&query).await.unwrap();
    let values: Vec<f64> = rows
        .iter()
        .map(|row| row.values.values().next().unwrap().as_number().unwrap())
        .collect();
    assert_eq!(values, (0..2_500).map(f64::from).collect::<Vec<_>>());
    assert_eq!(
        server.seen()[0].target.split('?').next(),
        Some("/api/v1/deviceTypes/PumpStation/devices/PUMP-017/events")
    );
}

#[tokio::test]
async fn hostile_ids_stay_one_segment() {
    let server = Server::start(|_| json(404, r#"{"error":{"code":"x","message":"no such alert"}}"#)).await;
    let client = monitor(&server);
    for id in ["a/../../admin", "a?x=1", "a#b", "a%2f..", "é\u{202e}", "a\r\nX: y"] {
        let error = client.alert(&AlertId::new(id)).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::NotFound, "{id}");
        let target = server.seen().last().unwrap().target.clone();
        assert_eq!(target.matches('/').count(), 4, "{target}");
        assert!(!target.contains(['?', '#']), "{target}");
    }
    let requests = server.seen().len();
    for id in [".", "..", ""] {
        assert!(client.alert(&AlertId::new(id)).await.is_err());
    }
    assert_eq!(server.seen().len(), requests, "nothing is sent for an id that is a path step");
}

#[tokio::test]
async fn a_redirect_is_never_followed() {
    let other = Server::start(|_| json(200, alert_json("a", "new", ""))).await;
    let target = other.url.to_string();
    for status in [301, 302, 303, 307, 308] {
        let target = target.clone();
        let server = Server::start(move |_| Reply::Whole(status, vec![("location", target.clone())], Vec::new())).await;
        let error = monitor(&server).alert(&AlertId::new("a")).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Refused { status });
    }
    assert!(other.seen().is_empty(), "the other origin saw a request");
}

#[tokio::test]
async fn an_answer_cut_at_any_byte_is_an_error_and_never_half_a_list() {
    let whole = format!(r#"{{"results":[{}],"totalCount":1}}"#, alert_json("a", "new", ""));
    // every cut is a call without retries' waits: the bytes that came are no JSON, or the body is short
    let text = whole.clone();
    let server = Server::start(move |request| {
        let at: usize = request.target.rsplit('/').next().unwrap().parse().unwrap();
        Reply::Whole(200, Vec::new(), text.as_bytes()[..at].to_vec())
    })
    .await;
    let client = monitor(&server);
    tokio::time::pause();
    for at in 0..whole.len() {
        let result = client.alert(&AlertId::new(at.to_string())).await;
        assert!(result.is_err(), "cut at {at}: {result:?}");
    }
}

#[tokio::test]
async fn a_body_past_its_limit_is_refused_also_when_it_never_ends() {
    let server = Server::start(|_| Reply::Whole(200, Vec::new(), vec![b' '; 300_000])).await;
    let small = Limits {
        body: 100_000,
        ..Limits::default()
    };
    let client = MonitorClient::new(
        Endpoint {
            limits: small,
            ..endpoint(&server, Service::Monitor, Auth::ApiKey(CANARY.into()))
        },
        telemetry(),
    )
    .unwrap();
    tokio::time::pause();
    assert_eq!(*client.alert(&AlertId::new("a")).await.unwrap_err().kind(), ErrorKind::Malformed);
}

#[tokio::test]
async fn login_page_and_empty_success_are_malformed() {
    for body in ["<html><title>Login</title>", "", "null", "[]", "7"] {
        let server = Server::start(move |_| json(200, body)).await;
        tokio::time::pause();
        let error = monitor(&server).alert(&AlertId::new("a")).await.unwrap_err();
        tokio::time::resume();
        assert_eq!(*error.kind(), ErrorKind::Malformed, "{body:?}");
    }
}

#[tokio::test]
async fn plain_http_and_a_strangers_certificate_are_refused() {
    let server = Server::start(|_| json(200, alert_json("a", "new", ""))).await;
    let mut plain = endpoint(&server, Service::Monitor, Auth::ApiKey(CANARY.into()));
    plain.base.set_scheme("http").unwrap_or(());
    plain.base = plain.base.as_str().replace("https://", "http://").parse().unwrap();
    assert_eq!(*MonitorClient::new(plain, telemetry()).unwrap_err().kind(), ErrorKind::Insecure);
    let stranger = Server::start(|_| json(200, "{}")).await;
    let wrong_ca = Endpoint {
        ca_pem: Some(stranger.ca_pem.clone()),
        ..endpoint(&server, Service::Monitor, Auth::ApiKey(CANARY.into()))
    };
    let error = MonitorClient::new(wrong_ca, telemetry())
        .unwrap()
        .alert(&AlertId::new("a"))
        .await
        .unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Tls, "{error}");
    let other_name = Server::start_as("elsewhere.example", |_| json(200, "{}")).await;
    let error = monitor(&other_name).alert(&AlertId::new("a")).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Tls, "{error}");
    assert!(server.seen().is_empty() && other_name.seen().is_empty());
}

#[tokio::test]
async fn a_server_that_is_away_is_tried_three_times_and_then_left_alone() {
    let gone = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let server = Server::start(|_| json(200, "{}")).await;
    let mut away = endpoint(&server, Service::Monitor, Auth::ApiKey(CANARY.into()));
    away.base.set_port(Some(gone)).unwrap();
    let telemetry = telemetry();
    let client = MonitorClient::new(away, telemetry.clone()).unwrap();
    tokio::time::pause();
    assert_eq!(*client.alert(&AlertId::new("a")).await.unwrap_err().kind(), ErrorKind::Unreachable);
    assert_eq!(telemetry.calls().len(), 3);
    for _ in 0..50 {
        let _ = client.alert(&AlertId::new("a")).await;
    }
    assert!(client.is_resting());
    assert!(
        telemetry.calls().len() < 40,
        "{} calls to a server that is away",
        telemetry.calls().len()
    );
}
