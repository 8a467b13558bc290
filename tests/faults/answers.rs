//! Rows 1 to 3 and 6: the answer is lost or spoilt after the server did what was asked.

use nightdesk::domain::{AlertId, Intent, IntentState};
use nightdesk::maximo::AlertQuery;
use nightdesk::simulator::{EffectKind, FaultAction, FaultRule, Operation, SimulatorConfig, When};

use super::site::{Site, acknowledge, all_delivered, create, plant, policy};

const WRITES: [Operation; 2] = [Operation::AcknowledgeAlert, Operation::CreateWorkOrder];
const KINDS: [EffectKind; 2] = [EffectKind::Acknowledge, EffectKind::CreateWorkOrder];

/// A hundred of each under a fault: all delivered, each effect once.
async fn hundred_of_each(config: SimulatorConfig, rule: FaultRule, policy: nightdesk::outbox::Policy) {
    let mut site = Site::start(config).await;
    site.simulator.set_faults(vec![rule]);
    let gateway = site.gateway();
    site.send_with(gateway, policy);
    let alerts: Vec<_> = site.new_alerts().into_iter().take(100).collect();
    assert_eq!(alerts.len(), 100);
    let mut ids = Vec::new();
    for alert in &alerts {
        ids.push(site.submit(acknowledge(alert)).await.id);
        ids.push(site.submit(create(alert)).await.id);
    }
    all_delivered(&site.settled(&ids).await);
    assert!(site.simulator.faults_fired().iter().sum::<u64>() > 0, "the fault never struck");
    site.judge(&alerts, &KINDS);
    site.stop_sender().await;
}

#[tokio::test]
async fn row_01_the_answer_of_every_third_write_is_lost_after_the_commit() {
    hundred_of_each(plant(140), FaultRule::on(WRITES, FaultAction::Drop(When::After)).every(3), policy()).await;
}

#[tokio::test]
async fn row_01_also_where_the_server_ignores_transaction_ids() {
    let config = SimulatorConfig {
        honour_transaction_id: false,
        ..plant(140)
    };
    hundred_of_each(config, FaultRule::on(WRITES, FaultAction::Drop(When::After)).every(3), policy()).await;
}

#[tokio::test]
async fn row_02_the_outage_outlives_the_transaction_id() {
    let life = std::time::Duration::from_millis(2);
    let config = SimulatorConfig {
        transaction_life: life,
        ..plant(140)
    };
    let short = nightdesk::outbox::Policy {
        transaction_life: life,
        ..policy()
    };
    hundred_of_each(config, FaultRule::on(WRITES, FaultAction::Drop(When::After)).every(3), short).await;
}

#[tokio::test]
async fn row_03_a_500_after_the_commit() {
    let action = FaultAction::Status {
        status: 500,
        retry_after: None,
        when: When::After,
    };
    hundred_of_each(plant(140), FaultRule::on(WRITES, action).every(3), policy()).await;
}

/// The answer to this write is cut at each of its bytes once: ended there as if it were whole, and broken off.
async fn cut_everywhere(operation: Operation, intent: fn(&AlertId) -> Intent, kind: EffectKind) {
    let mut site = Site::start(plant(1_600)).await;
    site.send();
    let mut alerts = site.new_alerts();
    // the first answer, whole, tells how long they are
    let id = site.submit(intent(&alerts[0])).await.id;
    all_delivered(&site.settled(&[id]).await);
    let calls = site.telemetry.calls();
    let answer = calls.iter().find(|call| call.operation == operation.name()).unwrap();
    let length = usize::try_from(answer.bytes).unwrap();
    assert!(length > 100, "{answer:?}");
    // a broken connection is noticed wherever it breaks; an end that looks whole is the harder case
    let cuts = (0..length)
        .map(|at| (at, false))
        .chain((0..=length).step_by(16).map(|at| (at, true)));
    let rules: Vec<_> = cuts
        .enumerate()
        .map(|(index, (at, cut))| FaultRule::on([operation], FaultAction::Truncate { at, cut }).nth(index as u64 + 1))
        .collect();
    assert!(rules.len() < alerts.len(), "{} cuts, {} alerts", rules.len(), alerts.len());
    alerts.truncate(rules.len() + 1);
    site.simulator.set_faults(rules);
    for some in alerts[1..].chunks(50) {
        let mut ids = Vec::new();
        for alert in some {
            ids.push(site.submit(intent(alert)).await.id);
        }
        all_delivered(&site.settled(&ids).await);
    }
    assert!(site.simulator.faults_fired().iter().all(|fired| *fired == 1), "a cut was not made");
    site.judge(&alerts, &[kind]);
}

#[tokio::test]
async fn row_06_the_answer_to_an_acknowledgement_cut_at_every_byte() {
    cut_everywhere(Operation::AcknowledgeAlert, acknowledge, EffectKind::Acknowledge).await;
}

#[tokio::test]
async fn row_06_the_answer_to_a_work_order_cut_at_every_byte() {
    cut_everywhere(Operation::CreateWorkOrder, create, EffectKind::CreateWorkOrder).await;
}

#[tokio::test]
async fn row_06_login_page_empty_success_and_invalid_utf8() {
    for body in [
        &b"<html>Please log in</html>"[..],
        b"",
        b"{\"alertId\":\"\xff\xfe\"}",
        b"null",
        b"[]",
    ] {
        for when in [When::Before, When::After] {
            let mut site = Site::start(plant(5)).await;
            let action = FaultAction::Replace {
                status: 200,
                content_type: "text/html".into(),
                body: body.to_vec(),
                when,
            };
            site.simulator.set_faults(vec![FaultRule::on(WRITES, action).times(2)]);
            site.send();
            let alerts: Vec<_> = site.new_alerts().into_iter().take(1).collect();
            let ids = [
                site.submit(acknowledge(&alerts[0])).await.id,
                site.submit(create(&alerts[0])).await.id,
            ];
            all_delivered(&site.settled(&ids).await);
            site.judge(&alerts, &KINDS);
        }
    }
}

#[tokio::test]
async fn row_07_wrong_types_depth_duplicates_and_monsters_are_no_confirmation_and_lose_nothing() {
    let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    let deep_member = format!(r#"{{"alertId":{deep},"wonum":{deep}}}"#);
    let long = format!(r#"{{"alertId":"{0}","wonum":"1","externalrefid":"{0}"}}"#, "x".repeat(1_000_000));
    let many = format!(
        "{{{}}}",
        (0..20_000)
            .map(|number| format!(r#""unknown{number}":[{{}}]"#))
            .collect::<Vec<_>>()
            .join(",")
    );
    for body in [
        r#"{"alertId":7,"status":{},"wonum":{},"externalrefid":[]}"#,
        r#"{"alertId":"a","status":null,"wonum":null,"externalrefid":null}"#,
        r#"{"alertId":"a","alertId":"b","status":"acknowledged","wonum":"","wonum":null}"#,
        r#"{"alertId":"\ud800","wonum":"\udc00\ud800","externalrefid":"\ud800\ud800"}"#,
        r#"{"alertId":1e999,"wonum":-1e999}"#,
        r#"{"alertId":true,"wonum":false,"status":[[],{}]}"#,
        r#""acknowledged""#,
        "7",
        "{}",
        &deep,
        &deep_member,
        &long,
        &many,
    ] {
        let mut site = Site::start(plant(5)).await;
        let rules = WRITES.map(|operation| {
            let action = FaultAction::Replace {
                status: 200,
                content_type: "application/json".into(),
                body: body.into(),
                when: When::After,
            };
            FaultRule::on([operation], action).times(1)
        });
        site.simulator.set_faults(rules.to_vec());
        site.send();
        let alerts: Vec<_> = site.new_alerts().into_iter().take(1).collect();
        let ids = [
            site.submit(acknowledge(&alerts[0])).await.id,
            site.submit(create(&alerts[0])).await.id,
        ];
        all_delivered(&site.settled(&ids).await);
        assert_eq!(site.simulator.faults_fired(), [1, 1]);
        site.judge(&alerts, &KINDS);
    }
}

#[tokio::test]
async fn row_07_one_record_that_cannot_be_read_costs_only_itself() {
    let good = |id: &str| {
        format!(
            r#"{{"alertId":"{id}","alertName":"Hot","deviceId":"P-1","severity":"high","status":"new","timestamp":"2026-02-19T02:13:00Z","unknown":{{"a":[1]}}}}"#
        )
    };
    let deep = format!(r#"{{"alertId":"deep","value":{}1{}}}"#, "[".repeat(5_000), "]".repeat(5_000));
    let long = good("long").replace("Hot", &"\\u202e<x>".repeat(100_000));
    let odd = [
        r#"{"alertId":7}"#.to_owned(),
        r#"{"alertId":null,"alertName":null,"deviceId":null}"#.to_owned(),
        good("no-time").replace("2026-02-19T02:13:00Z", "yesterday"),
        r#""text""#.to_owned(),
        "null".to_owned(),
        "[]".to_owned(),
        "-1e999".to_owned(),
        deep,
    ];
    let fine = [
        good("one"),
        good("\\ud800lone"),
        long,
        good("two").replace("\"high\"", "\"purple\""),
    ];
    let rows: Vec<_> = fine.iter().chain(&odd).cloned().collect();
    let site = Site::start(plant(5)).await;
    let action = FaultAction::Replace {
        status: 200,
        content_type: "application/json".into(),
        body: format!(
            r#"{{"results":[{}],"totalCount":{},"totalCount":{}}}"#,
            rows.join(","),
            3,
            rows.len()
        )
        .into_bytes(),
        when: When::Before,
    };
    site.simulator.set_faults(vec![FaultRule::on([Operation::ListAlerts], action)]);
    let listing = site.gateway().monitor.alerts(&AlertQuery::default()).await.unwrap();
    assert_eq!(
        (listing.items.len(), listing.skipped),
        (fine.len(), odd.len()),
        "{:?}",
        listing.problems
    );
    for alert in &listing.items {
        assert!(alert.name.shown().len() < 9_000 && !alert.name.shown().contains('\u{202e}'));
    }
    assert!(!listing.problems.is_empty() && listing.problems.len() <= 5);
}

#[tokio::test]
async fn the_sender_is_killed_again_and_again_while_answers_are_lost() {
    let mut site = Site::start(plant(140)).await;
    site.simulator
        .set_faults(vec![FaultRule::on(WRITES, FaultAction::Drop(When::After)).every(4)]);
    let alerts: Vec<_> = site.new_alerts().into_iter().take(40).collect();
    let mut ids = Vec::new();
    for alert in &alerts {
        ids.push(site.submit(acknowledge(alert)).await.id);
        ids.push(site.submit(create(alert)).await.id);
    }
    // each round lets it come a little further before it dies: the number of requests seen is the measure, no time
    for round in 1..=12_u64 {
        let before = requests(&site);
        site.send();
        while requests(&site) < before + round {
            tokio::task::yield_now().await;
        }
        site.kill_sender().await;
    }
    site.send();
    all_delivered(&site.settled(&ids).await);
    site.judge(&alerts, &KINDS);
    assert!(
        site.outbox
            .list(nightdesk::outbox::RowFilter::of([IntentState::Sending]))
            .await
            .unwrap()
            .is_empty()
    );
}

fn requests(site: &Site) -> u64 {
    site.simulator.traffic().requests.values().sum()
}
