//! Rows 1 to 3 and 6: the answer is lost or spoilt after the server did what was asked.

use nightdesk::domain::IntentState;
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

#[tokio::test]
async fn row_06_success_answers_cut_at_every_byte() {
    let mut site = Site::start(plant(40)).await;
    site.send();
    let alerts: Vec<_> = site.new_alerts().into_iter().take(20).collect();
    let mut ids = Vec::new();
    // each write's answer is cut at another byte, from none to past its end
    for (index, alert) in alerts.iter().enumerate() {
        let rules = WRITES.map(|operation| {
            FaultRule::on(
                [operation],
                FaultAction::Truncate {
                    at: index * 23,
                    cut: index % 2 == 0,
                },
            )
            .times(1)
        });
        site.simulator.set_faults(rules.to_vec());
        let both = [site.submit(acknowledge(alert)).await.id, site.submit(create(alert)).await.id];
        all_delivered(&site.settled(&both).await);
        ids.extend(both);
    }
    site.judge(&alerts, &KINDS);
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
async fn row_07_wrong_types_in_an_answer_are_no_confirmation() {
    let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    let long = format!(r#"{{"alertId":"{}"}}"#, "x".repeat(1_000_000));
    for body in [
        r#"{"alertId":7,"status":{}}"#,
        r#"{"alertId":"a","status":null}"#,
        r#"{"alertId":"a","alertId":"b","status":"acknowledged"}"#,
        r#"{"alertId":"\ud800"}"#,
        &deep,
        &long,
    ] {
        let mut site = Site::start(plant(5)).await;
        let action = FaultAction::Replace {
            status: 200,
            content_type: "application/json".into(),
            body: body.into(),
            when: When::After,
        };
        site.simulator
            .set_faults(vec![FaultRule::on([Operation::AcknowledgeAlert], action).times(1)]);
        site.send();
        let alerts: Vec<_> = site.new_alerts().into_iter().take(1).collect();
        let id = site.submit(acknowledge(&alerts[0])).await.id;
        all_delivered(&site.settled(&[id]).await);
        site.judge(&alerts, &[EffectKind::Acknowledge]);
    }
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
