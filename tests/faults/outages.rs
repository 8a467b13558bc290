//! Rows 4, 5, 8 and 11: the server is away, slow, or asks to wait.

use nightdesk::domain::{IntentState, OutboxRow};
use nightdesk::outbox::RowFilter;
use nightdesk::simulator::{EffectKind, FaultAction, FaultRule, Operation, Outage, When};

use super::site::{Site, acknowledge, all_delivered, create, plant, policy};

const WRITES: [Operation; 2] = [Operation::AcknowledgeAlert, Operation::CreateWorkOrder];
const KINDS: [EffectKind; 2] = [EffectKind::Acknowledge, EffectKind::CreateWorkOrder];

#[tokio::test]
async fn row_04_each_5xx_before_the_commit() {
    for status in [500, 502, 503, 504] {
        let mut site = Site::start(plant(30)).await;
        let action = FaultAction::Status {
            status,
            retry_after: None,
            when: When::Before,
        };
        site.simulator.set_faults(vec![FaultRule::on(WRITES, action).times(15)]);
        let alerts: Vec<_> = site.new_alerts().into_iter().take(10).collect();
        let mut ids = Vec::new();
        for alert in &alerts {
            ids.push(site.submit(acknowledge(alert)).await.id);
            ids.push(site.submit(create(alert)).await.id);
        }
        site.send();
        all_delivered(&site.settled(&ids).await);
        site.judge(&alerts, &KINDS);
    }
}

#[tokio::test]
async fn row_05_retry_after_in_every_spelling() {
    for status in [429, 503] {
        for after in ["0", "-5", "soon", "", "Thu, 01 Jan 1970 00:00:00 GMT"] {
            let mut site = Site::start(plant(5)).await;
            let action = FaultAction::Status {
                status,
                retry_after: Some(after.into()),
                when: When::Before,
            };
            site.simulator.set_faults(vec![FaultRule::on(WRITES, action).times(2)]);
            let alerts: Vec<_> = site.new_alerts().into_iter().take(1).collect();
            let ids = [
                site.submit(acknowledge(&alerts[0])).await.id,
                site.submit(create(&alerts[0])).await.id,
            ];
            site.send();
            all_delivered(&site.settled(&ids).await);
            site.judge(&alerts, &KINDS);
        }
    }
}

#[tokio::test]
async fn row_08_tokens_expire_in_the_middle() {
    let mut site = Site::start(plant(60)).await;
    site.simulator.set_faults(vec![
        FaultRule::on([Operation::AcknowledgeAlert], FaultAction::ExpireTokens).every(5),
    ]);
    let gateway = site.gateway_with(site.oauth());
    site.send_with(gateway, policy());
    let alerts: Vec<_> = site.new_alerts().into_iter().take(40).collect();
    let mut ids = Vec::new();
    for alert in &alerts {
        ids.push(site.submit(acknowledge(alert)).await.id);
    }
    all_delivered(&site.settled(&ids).await);
    site.judge(&alerts, &[EffectKind::Acknowledge]);
}

#[tokio::test]
async fn row_08_while_no_token_can_be_had_the_rows_stay_queued_and_say_why() {
    let mut site = Site::start(plant(5)).await;
    let action = FaultAction::Status {
        status: 401,
        retry_after: None,
        when: When::Before,
    };
    site.simulator.set_faults(vec![FaultRule::on([Operation::Token], action)]);
    let gateway = site.gateway_with(site.oauth());
    let mut changes = site.outbox.changes();
    let alerts: Vec<_> = site.new_alerts().into_iter().take(1).collect();
    let id = site.submit(acknowledge(&alerts[0])).await.id;
    site.send_with(gateway, policy());
    let said = loop {
        let row = changes.recv().await.unwrap();
        assert!(row.state.is_open(), "{row:?}");
        if let (IntentState::Queued, Some(detail)) = (row.state, row.detail.filter(|_| row.attempts > 0)) {
            break detail;
        }
    };
    assert!(said.shown().contains("credential"), "{said}");
    // the credential is renewed: no key is pressed, it goes on by itself
    site.simulator.set_faults(Vec::new());
    all_delivered(&site.settled(&[id]).await);
    site.judge(&alerts, &[EffectKind::Acknowledge]);
}

#[tokio::test]
async fn row_11_refused_connections_and_black_holes() {
    for outage in [Outage::Refused, Outage::BlackHole] {
        let mut site = Site::start(plant(30)).await;
        site.simulator.set_outage(outage).await;
        let alerts: Vec<_> = site.new_alerts().into_iter().take(10).collect();
        let mut ids = Vec::new();
        for alert in &alerts {
            ids.push(site.submit(acknowledge(alert)).await.id);
            ids.push(site.submit(create(alert)).await.id);
        }
        site.send();
        // an attempt has failed when the network comes back: known not to have arrived, or in doubt
        let failed = |row: &OutboxRow| row.state == IntentState::InDoubt || (row.state == IntentState::Queued && row.attempts > 0);
        while !site.outbox.list(RowFilter::open()).await.unwrap().iter().any(failed) {
            tokio::task::yield_now().await;
        }
        site.simulator.set_outage(Outage::None).await;
        all_delivered(&site.settled(&ids).await);
        site.judge(&alerts, &KINDS);
    }
}

#[tokio::test]
async fn row_11_stalled_and_endless_answers_and_a_gzip_bomb() {
    for action in [
        FaultAction::Stall { at: 10 },
        FaultAction::Endless,
        FaultAction::GzipBomb { bytes: 1 << 30 },
    ] {
        let mut site = Site::start(plant(5)).await;
        site.simulator
            .set_faults(vec![FaultRule::on([Operation::AcknowledgeAlert], action).times(1)]);
        let alerts: Vec<_> = site.new_alerts().into_iter().take(1).collect();
        let id = site.submit(acknowledge(&alerts[0])).await.id;
        site.send();
        all_delivered(&site.settled(&[id]).await);
        site.judge(&alerts, &[EffectKind::Acknowledge]);
    }
}

#[tokio::test]
async fn row_04_the_end_of_an_outage_is_no_burst() {
    let mut site = Site::start(plant(140)).await;
    let action = FaultAction::Status {
        status: 503,
        retry_after: None,
        when: When::Before,
    };
    site.simulator.set_faults(vec![FaultRule::on([], action)]);
    let alerts: Vec<_> = site.new_alerts().into_iter().take(100).collect();
    let mut ids = Vec::new();
    for alert in &alerts {
        ids.push(site.submit(acknowledge(alert)).await.id);
    }
    site.send();
    let gauge = |site: &Site| site.simulator.traffic().requests.values().sum::<u64>();
    while gauge(&site) < 20 {
        tokio::task::yield_now().await;
    }
    site.simulator.set_faults(Vec::new());
    all_delivered(&site.settled(&ids).await);
    site.judge(&alerts, &[EffectKind::Acknowledge]);
    assert!(
        site.simulator.traffic().concurrent_max <= 4,
        "a burst of {}",
        site.simulator.traffic().concurrent_max
    );
}
