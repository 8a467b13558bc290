//! Rows 9 and 10: the server says no, or somebody else was first.

use nightdesk::domain::{AlertId, IntentState};
use nightdesk::simulator::{EffectKind, FaultAction, FaultRule, Operation, When};

use super::site::{Site, acknowledge, all_delivered, create, plant};

#[tokio::test]
async fn row_09_refused_ones_are_parked_among_good_ones() {
    for status in [400, 403, 404, 422] {
        let mut site = Site::start(plant(30)).await;
        let action = FaultAction::Status {
            status,
            retry_after: None,
            when: When::Before,
        };
        site.simulator
            .set_faults(vec![FaultRule::on([Operation::AcknowledgeAlert], action).every(3)]);
        let alerts: Vec<_> = site.new_alerts().into_iter().take(12).collect();
        let mut ids = Vec::new();
        for alert in &alerts {
            ids.push(site.submit(acknowledge(alert)).await.id);
        }
        site.send();
        let rows = site.settled(&ids).await;
        let parked: Vec<_> = rows.iter().filter(|row| row.state == IntentState::Parked).collect();
        assert_eq!(parked.len(), 4);
        assert!(parked.iter().all(|row| row.detail.is_some()), "a parked row says why");
        let good: Vec<AlertId> = rows
            .iter()
            .filter(|row| row.state == IntentState::Delivered)
            .filter_map(|row| row.intent.alert().cloned())
            .collect();
        assert_eq!(good.len(), 8);
        site.judge(&good, &[EffectKind::Acknowledge]);
        // a person looks, the server is mended, and sends them again
        site.simulator.set_faults(Vec::new());
        for row in parked {
            site.outbox.retry(row.id).await.unwrap();
        }
        all_delivered(&site.settled(&ids).await);
        site.judge(&alerts, &[EffectKind::Acknowledge]);
    }
}

#[tokio::test]
async fn row_10_who_came_first_is_named_and_never_written_over() {
    let mut site = Site::start(plant(30)).await;
    let alerts: Vec<_> = site.new_alerts().into_iter().take(4).collect();
    assert!(site.simulator.acknowledge_as(alerts[0].raw(), "operator2", Some("mine")));
    assert!(site.simulator.resolve_as(alerts[1].raw(), "operator2", "done", "worn"));
    let mut ids = Vec::new();
    for alert in &alerts {
        ids.push(site.submit(acknowledge(alert)).await.id);
    }
    site.send();
    let rows = site.settled(&ids).await;
    for row in &rows[..2] {
        assert_eq!(row.state, IntentState::Superseded, "{row:?}");
        assert_eq!(row.superseded_by.as_ref().unwrap().raw(), "operator2");
    }
    all_delivered(&rows[2..]);
    site.judge(&alerts[2..], &[EffectKind::Acknowledge]);
}

#[tokio::test]
async fn row_10_412_and_409_without_a_cause_are_parked() {
    for status in [409, 412] {
        let mut site = Site::start(plant(5)).await;
        let action = FaultAction::Status {
            status,
            retry_after: None,
            when: When::Before,
        };
        site.simulator.set_faults(vec![FaultRule::on(
            [Operation::AcknowledgeAlert, Operation::CreateWorkOrder],
            action,
        )]);
        let alerts: Vec<_> = site.new_alerts().into_iter().take(1).collect();
        let ids = [
            site.submit(acknowledge(&alerts[0])).await.id,
            site.submit(create(&alerts[0])).await.id,
        ];
        site.send();
        for row in site.settled(&ids).await {
            assert_eq!(row.state, IntentState::Parked, "{row:?}");
        }
        assert!(site.simulator.client_effects().is_empty());
    }
}
