//! Each fault, as a plain client sees it; the ledger says what was committed.

use std::time::Duration;

use nightdesk::simulator::{FaultAction, FaultRule, Operation, Outage, Simulator, When};
use reqwest::Method;
use serde_json::{Value, json};

use super::plain::{Plain, quiet, text};

async fn acknowledge(plain: &Plain, id: &str) -> Result<reqwest::Response, reqwest::Error> {
    let body = json!({"status": "acknowledged", "acknowledgedBy": "operator1"});
    plain
        .request(Method::PUT, &format!("/api/v1/alerts/{id}"))
        .body(body.to_string())
        .send()
        .await
}

fn new_alert(simulator: &Simulator) -> String {
    let alerts = simulator.alerts();
    text(alerts.iter().find(|alert| alert["status"] == "new").unwrap(), "alertId").to_owned()
}

fn on_acknowledge(action: FaultAction) -> Vec<FaultRule> {
    vec![FaultRule::on([Operation::AcknowledgeAlert], action).times(1)]
}

#[tokio::test]
async fn dropped_before_or_after_the_commit() {
    for (when, committed) in [(When::Before, 0), (When::After, 1)] {
        let (simulator, _hand, plain) = quiet().await;
        let id = new_alert(&simulator);
        simulator.set_faults(on_acknowledge(FaultAction::Drop(when)));
        assert!(acknowledge(&plain, &id).await.is_err(), "no answer comes");
        assert_eq!(simulator.client_effects().len(), committed);
        assert_eq!(simulator.requests().last().unwrap().status, 0);
        assert_eq!(acknowledge(&plain, &id).await.unwrap().status(), 200, "only once");
        assert_eq!(simulator.faults_fired(), [1]);
    }
}

#[tokio::test]
async fn error_statuses_before_and_after_the_commit_with_any_retry_after() {
    for status in [429, 500, 502, 503, 504] {
        for (when, committed) in [(When::Before, 0), (When::After, 1)] {
            for retry_after in [
                None,
                Some("7"),
                Some("Thu, 19 Feb 2026 02:15:00 GMT"),
                Some("-1"),
                Some("99999999999999999999"),
                Some("soon"),
            ] {
                let (simulator, _hand, plain) = quiet().await;
                let id = new_alert(&simulator);
                simulator.set_faults(on_acknowledge(FaultAction::Status {
                    status,
                    retry_after: retry_after.map(str::to_owned),
                    when,
                }));
                let answer = acknowledge(&plain, &id).await.unwrap();
                assert_eq!(answer.status(), status);
                assert_eq!(
                    answer.headers().get("retry-after").map(|value| value.to_str().unwrap()),
                    retry_after
                );
                assert_eq!(simulator.client_effects().len(), committed);
                if retry_after.is_none() {
                    assert!(serde_json::from_str::<Value>(&answer.text().await.unwrap()).unwrap()["error"]["message"].is_string());
                }
            }
        }
    }
}

#[tokio::test]
async fn truncated_at_every_byte_whole_or_cut() {
    let (simulator, _hand, plain) = quiet().await;
    let id = new_alert(&simulator);
    let path = format!("/api/v1/alerts/{id}");
    let whole = plain.get(&path).await.text;
    for at in (0..whole.len()).step_by(7) {
        simulator.set_faults(vec![FaultRule::on([Operation::GetAlert], FaultAction::Truncate { at, cut: false })]);
        let response = plain.request(Method::GET, &path).send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), response.bytes().await.unwrap()),
            (200, whole.as_bytes()[..at].to_vec().into())
        );
        simulator.set_faults(vec![FaultRule::on([Operation::GetAlert], FaultAction::Truncate { at, cut: true })]);
        let response = plain.request(Method::GET, &path).send().await;
        let body = match response {
            Ok(response) => response.bytes().await,
            Err(error) => Err(error),
        };
        assert!(body.is_err(), "cut at {at}");
    }
}

#[tokio::test]
async fn another_answer_takes_the_place_of_the_right_one() {
    for body in [
        b"<html>Log in</html>".to_vec(),
        Vec::new(),
        vec![0xff, 0xfe, b'{'],
        b"{\"status\":7}".to_vec(),
    ] {
        let (simulator, _hand, plain) = quiet().await;
        let id = new_alert(&simulator);
        simulator.set_faults(on_acknowledge(FaultAction::Replace {
            status: 200,
            content_type: "text/html".into(),
            body: body.clone(),
            when: When::After,
        }));
        let answer = acknowledge(&plain, &id).await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.bytes().await.unwrap().to_vec()), (200, body));
        assert_eq!(simulator.client_effects().len(), 1);
    }
}

#[tokio::test]
async fn a_stalled_body_stays_open_without_more() {
    let (simulator, _hand, plain) = quiet().await;
    simulator.set_faults(vec![FaultRule::on([Operation::ListAlerts], FaultAction::Stall { at: 10 })]);
    let mut response = plain.request(Method::GET, "/api/v1/alerts").send().await.unwrap();
    assert_eq!(response.chunk().await.unwrap().unwrap().len(), 10);
    assert_eq!(
        plain.get("/v1/devices").await.status,
        200,
        "whatever was on its way has come by now"
    );
    tokio::select! {
        biased;
        more = response.chunk() => panic!("{more:?}"),
        () = std::future::ready(()) => {}
    }
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_body_without_end_goes_on() {
    let (simulator, _hand, plain) = quiet().await;
    simulator.set_faults(vec![FaultRule::on([Operation::ListAlerts], FaultAction::Endless)]);
    let mut response = plain.request(Method::GET, "/api/v1/alerts").send().await.unwrap();
    let mut received = 0;
    while received < 32 << 20 {
        received += response.chunk().await.unwrap().expect("it never ends").len();
    }
}

#[tokio::test]
async fn a_small_gzip_body_unpacks_to_very_much() {
    let (simulator, _hand, plain) = quiet().await;
    for bytes in [1, 257, 258, 259, 5_000_000] {
        simulator.set_faults(vec![FaultRule::on([Operation::ListAlerts], FaultAction::GzipBomb { bytes })]);
        let unpacked = plain
            .request(Method::GET, "/api/v1/alerts")
            .send()
            .await
            .unwrap()
            .bytes()
            .await
            .unwrap();
        assert_eq!((unpacked.len() as u64, unpacked.iter().all(|byte| *byte == 0)), (bytes, true));
    }
}

#[tokio::test]
async fn redirects_lead_away_before_or_after_the_commit() {
    for (status, when, committed) in [(301, When::Before, 0), (302, When::After, 1), (307, When::Before, 0)] {
        let (simulator, _hand, plain) = quiet().await;
        let id = new_alert(&simulator);
        simulator.set_faults(on_acknowledge(FaultAction::Redirect {
            status,
            to: "https://elsewhere.example/".into(),
            when,
        }));
        let answer = acknowledge(&plain, &id).await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), answer.headers()["location"].to_str().unwrap()),
            (status, "https://elsewhere.example/")
        );
        assert_eq!(simulator.client_effects().len(), committed);
    }
}

#[tokio::test]
async fn tokens_end_in_the_middle_and_a_refresh_can_be_refused() {
    let (simulator, _hand, plain) = quiet().await;
    let grant = async || {
        let body = format!(
            "grant_type=client_credentials&client_id={}&client_secret={}",
            simulator.client_id(),
            simulator.client_secret()
        );
        Plain::send(
            plain
                .http
                .post(simulator.token_url())
                .header("content-type", "application/x-www-form-urlencoded")
                .body(body),
        )
        .await
    };
    let token = grant().await.at("/access_token").as_str().unwrap().to_owned();
    let list = async || {
        Plain::send(plain.http.get(format!("{}/api/v1/alerts", plain.base)).bearer_auth(&token))
            .await
            .status
    };
    simulator.set_faults(vec![
        FaultRule::on([Operation::ListAlerts], FaultAction::ExpireTokens).nth(2),
        FaultRule::on(
            [Operation::Token],
            FaultAction::Status {
                status: 401,
                retry_after: None,
                when: When::Before,
            },
        ),
    ]);
    assert_eq!((list().await, list().await, list().await), (200, 401, 401));
    assert_eq!(grant().await.status, 401);
}

#[tokio::test]
async fn every_third_and_the_nth_are_counted_over_matching_calls_only() {
    let (simulator, _hand, plain) = quiet().await;
    let fails = || FaultAction::Status {
        status: 500,
        retry_after: None,
        when: When::Before,
    };
    simulator.set_faults(vec![
        FaultRule {
            path: Some("offset=1".into()),
            ..FaultRule::on([], fails())
        }
        .every(3)
        .times(2),
        FaultRule::on([Operation::GetAlert], fails()).nth(2),
    ]);
    let mut statuses = Vec::new();
    for _ in 0..10 {
        assert_eq!(plain.get("/api/v1/alerts").await.status, 200);
        statuses.push(plain.get("/api/v1/alerts?offset=1").await.status);
    }
    assert_eq!(statuses, [200, 200, 500, 200, 200, 500, 200, 200, 200, 200]);
    let id = new_alert(&simulator);
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(plain.get(&format!("/api/v1/alerts/{id}")).await.status);
    }
    assert_eq!(statuses, [200, 500, 200]);
    assert_eq!(simulator.faults_fired(), [2, 1]);
}

#[tokio::test]
async fn probability_is_by_seed() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let (simulator, _hand, plain) = quiet().await;
        let rule = FaultRule::on(
            [],
            FaultAction::Status {
                status: 503,
                retry_after: None,
                when: When::Before,
            },
        );
        simulator.set_faults(vec![FaultRule {
            probability: Some(0.3),
            ..rule
        }]);
        let mut statuses = Vec::new();
        for _ in 0..60 {
            statuses.push(plain.get("/api/v1/alerts?limit=1").await.status);
        }
        runs.push(statuses);
    }
    assert_eq!(runs[0], runs[1]);
    let failed = runs[0].iter().filter(|status| **status == 503).count();
    assert!((8..30).contains(&failed), "{failed}");
}

#[tokio::test]
async fn an_outage_refuses_and_ends_and_nothing_is_forgotten() {
    let (simulator, _hand, plain) = quiet().await;
    let id = new_alert(&simulator);
    assert_eq!(acknowledge(&plain, &id).await.unwrap().status(), 200);
    for _ in 0..3 {
        simulator.set_outage(Outage::Refused).await;
        let error = plain.request(Method::GET, "/api/v1/alerts").send().await.unwrap_err();
        assert!(error.is_connect(), "{error:?}");
        simulator.set_outage(Outage::None).await;
        assert_eq!(plain.get(&format!("/api/v1/alerts/{id}")).await.at("/acknowledgedBy"), "operator1");
    }
    assert_eq!(simulator.client_effects().len(), 1);
}

#[tokio::test]
async fn a_black_hole_takes_the_connection_and_says_nothing() {
    let (simulator, _hand, plain) = quiet().await;
    simulator.set_outage(Outage::BlackHole).await;
    let patience = reqwest::Client::builder()
        .timeout(Duration::from_millis(50))
        .tls_danger_accept_invalid_certs(true)
        .build()
        .unwrap();
    let error = patience.get(format!("{}/api/v1/alerts", plain.base)).send().await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    simulator.set_outage(Outage::None).await;
    assert_eq!(plain.get("/api/v1/alerts").await.status, 200);
}
