//! Rows 4, 5, 8 and 11: the server is away, slow, or does not know us.

use std::time::Duration;

use nightdesk::domain::{IntentState, OutboxRow};
use nightdesk::maximo::{AlertQuery, ErrorKind, Gateway, Limits};
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
async fn row_08_a_refresh_that_fails_in_the_middle_is_one_question_and_loses_nothing() {
    let mut site = Site::start(plant(30)).await;
    let gateway = site.gateway_with(site.oauth());
    site.send_with(gateway, policy());
    let alerts: Vec<_> = site.new_alerts().into_iter().take(12).collect();
    let first = site.submit(acknowledge(&alerts[0])).await.id;
    all_delivered(&site.settled(&[first]).await);
    // the token ends and no other is to be had
    let refused = FaultAction::Status {
        status: 400,
        retry_after: None,
        when: When::Before,
    };
    site.simulator.set_faults(vec![FaultRule::on([Operation::Token], refused)]);
    site.simulator.revoke_tokens();
    let before = count(&site, Operation::Token);
    let mut changes = site.outbox.changes();
    let mut ids = Vec::new();
    for alert in &alerts[1..] {
        ids.push(site.submit(acknowledge(alert)).await.id);
    }
    loop {
        let row = changes.recv().await.unwrap();
        assert!(row.state.is_open(), "{row:?}");
        if row.state == IntentState::Queued && row.detail.is_some_and(|detail| detail.shown().contains("credential")) {
            break;
        }
    }
    assert_eq!(count(&site, Operation::Token) - before, 1, "one refresh, whoever waits for it");
    assert_eq!(site.simulator.client_effects().len(), 1);
    site.simulator.set_faults(Vec::new());
    all_delivered(&site.settled(&ids).await);
    site.judge(&alerts, &[EffectKind::Acknowledge]);
}

#[tokio::test]
async fn row_08_a_refused_key_pauses_its_own_queue_and_the_other_goes_on() {
    let mut site = Site::start(plant(30)).await;
    let refused = FaultAction::Status {
        status: 401,
        retry_after: None,
        when: When::Before,
    };
    site.simulator
        .set_faults(vec![FaultRule::on([Operation::AcknowledgeAlert, Operation::GetAlert], refused)]);
    site.send();
    let alerts: Vec<_> = site.new_alerts().into_iter().take(10).collect();
    let (mut waiting, mut going) = (Vec::new(), Vec::new());
    for alert in &alerts {
        waiting.push(site.submit(acknowledge(alert)).await.id);
        going.push(site.submit(create(alert)).await.id);
    }
    all_delivered(&site.settled(&going).await);
    let rows = site.outbox.list(RowFilter::open()).await.unwrap();
    assert_eq!(rows.len(), waiting.len());
    assert!(
        rows.iter()
            .all(|row| matches!(row.state, IntentState::Queued | IntentState::Sending)),
        "{rows:?}"
    );
    while site.outbox.lanes().await.unwrap().is_empty() {
        tokio::task::yield_now().await; // the reason is written beside the rows
    }
    let lanes = site.outbox.lanes().await.unwrap();
    assert!(lanes.iter().all(|lane| lane.reason.shown().contains("check the key")), "{lanes:?}");
    site.simulator.set_faults(Vec::new());
    all_delivered(&site.settled(&waiting).await);
    site.judge(&alerts, &KINDS);
}

fn count(site: &Site, operation: Operation) -> u64 {
    site.simulator.traffic().requests.get(operation.name()).copied().unwrap_or(0)
}

/// Rows stay queued, never in doubt, while no connection can be made; then they are delivered once.
async fn never_connected(mut site: Site, gateway: Gateway, heal: impl AsyncFn(&Site)) {
    let alerts: Vec<_> = site.new_alerts().into_iter().take(5).collect();
    let mut ids = Vec::new();
    for alert in &alerts {
        ids.push(site.submit(acknowledge(alert)).await.id);
        ids.push(site.submit(create(alert)).await.id);
    }
    let mut changes = site.outbox.changes();
    site.send_with(gateway, policy());
    let mut failed = 0;
    while failed < 4 {
        let row = changes.recv().await.unwrap();
        assert!(matches!(row.state, IntentState::Queued | IntentState::Sending), "{row:?}");
        failed += usize::from(row.state == IntentState::Queued && row.detail.is_some());
    }
    site.stop_sender().await;
    assert!(site.simulator.client_effects().is_empty());
    heal(&site).await;
    site.send();
    all_delivered(&site.settled(&ids).await);
    site.judge(&alerts, &KINDS);
}

/// The connection is given up long before the whole call is.
fn patient() -> Limits {
    Limits {
        connect: Duration::from_millis(100),
        ..Limits::default()
    }
}

#[tokio::test]
async fn row_11_a_name_that_nobody_knows() {
    let site = Site::start(plant(20)).await;
    // a label of more than 63 characters is refused by the resolver itself: no question leaves this machine
    let base = format!("https://{}.invalid", "n".repeat(64));
    let gateway = site.gateway_at(&base, site.simulator.ca_pem(), patient());
    never_connected(site, gateway, async |_: &Site| {}).await;
}

#[tokio::test]
async fn row_11_a_connection_that_is_never_answered_is_not_delivered_and_never_in_doubt() {
    let site = Site::start(plant(20)).await;
    site.simulator.set_outage(Outage::BlackHole).await;
    let gateway = site.gateway_at(site.simulator.url(), site.simulator.ca_pem(), patient());
    never_connected(site, gateway, async |site: &Site| site.simulator.set_outage(Outage::None).await).await;
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
async fn row_11_a_body_without_end_and_a_bomb_cost_no_more_than_the_limit_for_each_list_and_look_up() {
    let limits = Limits {
        body: 1024 * 1024,
        ..Limits::default()
    };
    for action in [FaultAction::Endless, FaultAction::GzipBomb { bytes: 1 << 28 }] {
        let site = Site::start(plant(5)).await;
        site.simulator.set_faults(vec![FaultRule::on([], action.clone())]);
        let gateway = site.gateway_at(site.simulator.url(), site.simulator.ca_pem(), limits);
        let monitor = gateway.monitor.interactive();
        let alert = &site.new_alerts()[0];
        tokio::time::pause(); // the pauses between the tries of a read
        for error in [
            monitor.alerts(&AlertQuery::default()).await.unwrap_err(),
            monitor.alert(alert).await.unwrap_err(),
            gateway
                .manage
                .as_ref()
                .unwrap()
                .open_orders("PUMP-001", "BEDFORD")
                .await
                .unwrap_err(),
        ] {
            // cut off at the limit, or given up for its time: never taken for an answer
            assert!(matches!(error.kind(), ErrorKind::Malformed | ErrorKind::Interrupted), "{error}");
            if *error.kind() == ErrorKind::Malformed {
                assert!(error.to_string().contains("more than 1024 KiB"), "{error}");
            }
        }
        let taken: u64 = site.telemetry.calls().iter().map(|call| call.bytes).max().unwrap();
        assert!(taken <= 1024 * 1024, "{taken} bytes were kept");
        tokio::time::resume();
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_11_a_bomb_of_a_gigabyte_meets_a_program_that_may_have_half_of_it() {
    let plant = crate::command::plant::Plant::start().await;
    plant
        .simulator
        .set_faults(vec![FaultRule::on([], FaultAction::GzipBomb { bytes: 1 << 30 })]);
    // address space, in KiB: an allocation of the whole body would end the program with a signal
    let script = format!(
        "ulimit -v 524288; exec '{}' --config '{}' alerts list",
        env!("CARGO_BIN_EXE_nightdesk"),
        plant.path("config.toml").display()
    );
    let output = tokio::process::Command::new("/bin/sh")
        .args(["-c", &script])
        .env_clear()
        .env("HOME", plant.path(""))
        .env("MALLOC_ARENA_MAX", "1") // each arena reserves address space that nobody uses
        .env("NIGHTDESK_STATE_DIR", plant.path("state"))
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(said.contains("more than 16384 KiB"), "{said}");
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
