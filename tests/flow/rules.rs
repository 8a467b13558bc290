use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use nightdesk::domain::{AlertId, Intent, IntentState, Reference};
use nightdesk::integration::Part;
use nightdesk::simulator::{EffectKind, FaultAction, FaultRule, Operation, When};

use super::support::{Bridge, RULE, Yard};

/// Orders by their reference, as the server has them.
fn orders(yard: &Yard) -> BTreeMap<String, usize> {
    let mut orders = BTreeMap::new();
    for effect in yard.effects(EffectKind::CreateWorkOrder) {
        *orders.entry(effect.body["externalrefid"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    orders
}

fn reference(alert: &str) -> String {
    Reference::of("BEDFORD", &AlertId::new(alert), 0).short()
}

/// The alerts that were raised since the bridge began, by id and device.
fn raised(yard: &Yard) -> Vec<(String, String)> {
    let text = |alert: &serde_json::Value, name: &str| alert[name].as_str().unwrap().to_owned();
    let since = super::support::start();
    let alerts = yard.simulator.alerts();
    let new = alerts.iter().filter(|alert| {
        let at: jiff::Timestamp = text(alert, "timestamp").parse().unwrap();
        at >= since && alert["status"] == "new"
    });
    new.map(|alert| (text(alert, "alertId"), text(alert, "deviceId"))).collect()
}

fn open_assets(yard: &Yard) -> BTreeSet<String> {
    let orders = yard.simulator.work_orders();
    let open = orders
        .iter()
        .filter(|order| !["COMP", "CLOSE", "CAN"].contains(&order["status"].as_str().unwrap()));
    open.filter_map(|order| Some(order["assetnum"].as_str()?.to_owned())).collect()
}

/// Lets time pass and the rule run each minute.
async fn minutes(yard: &Yard, bridge: &Bridge, count: i64) {
    for _ in 0..count {
        yard.hand.advance_secs(60);
        bridge.run("rules", yard.now()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_order_an_alert_and_none_for_what_was_there_before() {
    let yard = Yard::with_rule("when = \"sev>=low\"\nafter = \"0s\"\nper_hour = 1000").await;
    let before = yard.simulator.alerts().len();
    assert!(before > 5, "alerts stand when the bridge first starts");
    let mut bridge = yard.bridge("one").await;
    bridge.send().await;
    bridge.run("rules", yard.now()).await.unwrap();
    assert!(bridge.rows().await.is_empty(), "alerts older than the first start are left alone");
    let busy = open_assets(&yard);
    minutes(&yard, &bridge, 8).await;
    let rows = bridge.drained().await;
    assert!(rows.len() >= 3, "{rows:#?}");
    let made = orders(&yard);
    let mut assets = BTreeSet::new();
    for (alert, device) in raised(&yard) {
        let expected = usize::from(!busy.contains(&device) && assets.insert(device.clone()));
        assert_eq!(made.get(&reference(&alert)).copied().unwrap_or(0), expected, "{alert} of {device}");
    }
    let (_, health) = bridge
        .ground
        .parts
        .all()
        .into_iter()
        .find(|(part, _)| *part == Part::Rules)
        .unwrap();
    assert_eq!(health.counts["orders"], rows.len() as u64);
    // nothing more by running again
    bridge.run("rules", yard.now()).await.unwrap();
    assert_eq!(bridge.drained().await.len(), rows.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_bridges_with_outboxes_of_their_own_lost_answers_and_kills_make_one_order_an_alert() {
    let yard = Arc::new(Yard::with_rule("when = \"sev>=low\"\nafter = \"0s\"\nper_hour = 1000").await);
    let mut bridges = [yard.bridge("one").await, yard.bridge("two").await];
    for bridge in &mut bridges {
        bridge.run("rules", yard.now()).await.unwrap(); // their first start
        bridge.send().await;
    }
    // every second answer is lost after the commit, some requests before it
    yard.simulator.set_faults(vec![
        FaultRule::on([Operation::CreateWorkOrder], FaultAction::Drop(When::After)).every(2),
        FaultRule::on([Operation::CreateWorkOrder], FaultAction::Drop(When::Before)).every(3),
        FaultRule::on(
            [Operation::FindWorkOrders],
            FaultAction::Status {
                status: 500,
                retry_after: None,
                when: When::Before,
            },
        )
        .every(7),
    ]);
    let (one, two) = (Arc::clone(&yard), Arc::clone(&yard));
    for round in 0..4 {
        yard.hand.advance_secs(120);
        let now = yard.now();
        // both at once
        let (first, second) = tokio::join!(bridges[0].run("rules", now), bridges[1].run("rules", now));
        // a look-up that failed is made up for by the next run
        drop((first, second));
        // killed at whatever they do, and started again on what they left
        let name = ["one", "two"][round % 2];
        let killed = &mut bridges[round % 2];
        killed.kill().await;
        *killed = yard.bridge(name).await;
        killed.send().await;
    }
    drop((one, two));
    yard.simulator.set_faults(Vec::new());
    for bridge in &bridges {
        for _ in 0..3 {
            bridge.run("rules", yard.now()).await.unwrap();
        }
        bridge.drained().await;
    }
    let made = orders(&yard);
    assert!(made.len() >= 4, "{made:?}");
    assert!(made.values().all(|count| *count == 1), "{made:?}");
    // and all of them are for alerts of this night
    let ours: BTreeSet<String> = yard
        .simulator
        .alerts()
        .iter()
        .map(|alert| reference(alert["alertId"].as_str().unwrap()))
        .collect();
    assert!(made.keys().all(|key| ours.contains(key)), "{made:?}");
    for bridge in &bridges {
        for row in bridge.rows().await {
            let duplicate = row
                .detail
                .as_ref()
                .is_some_and(|detail| detail.shown().contains("already has an open order"));
            assert!(row.state == IntentState::Delivered || duplicate, "{row:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_who_acts_first_is_left_to_it() {
    let yard = Yard::with_rule("when = \"sev>=low\"\nafter = \"5m\"\nper_hour = 1000").await;
    let mut bridge = yard.bridge("one").await;
    bridge.send().await;
    bridge.run("rules", yard.now()).await.unwrap();
    minutes(&yard, &bridge, 3).await;
    assert!(bridge.rows().await.is_empty(), "the time of the person is not over");
    let taken = raised(&yard);
    assert!(!taken.is_empty());
    for (alert, _) in &taken {
        assert!(yard.simulator.acknowledge_as(alert, "k.lee", None));
    }
    minutes(&yard, &bridge, 6).await;
    bridge.drained().await;
    let made = orders(&yard);
    assert!(taken.iter().all(|(alert, _)| !made.contains_key(&reference(alert))), "{made:?}");
    assert!(!made.is_empty(), "the alerts that nobody took have theirs");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hourly_limit_holds_over_a_restart_and_defers_instead_of_dropping() {
    let yard = Yard::with_rule("when = \"sev>=low\"\nafter = \"0s\"\nper_hour = 2").await;
    let mut bridge = yard.bridge("one").await;
    bridge.send().await;
    bridge.run("rules", yard.now()).await.unwrap();
    minutes(&yard, &bridge, 6).await;
    assert_eq!(bridge.drained().await.len(), 2);
    bridge.kill().await;
    drop(bridge);
    let mut bridge = yard.bridge("one").await;
    bridge.send().await;
    minutes(&yard, &bridge, 2).await;
    assert_eq!(bridge.drained().await.len(), 2);
    yard.hand.advance_secs(3600);
    bridge.run("rules", yard.now()).await.unwrap();
    assert_eq!(
        bridge.drained().await.len(),
        4,
        "those that still stand get theirs in the next hour"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_says_what_it_would_do_and_does_nothing() {
    let yard = Yard::with_rule("when = \"sev>=low\"\nafter = \"0s\"\ndry_run = true\nper_hour = 1000").await;
    let mut bridge = yard.bridge("one").await;
    bridge.send().await;
    bridge.run("rules", yard.now()).await.unwrap();
    minutes(&yard, &bridge, 4).await;
    assert!(bridge.rows().await.is_empty());
    assert!(orders(&yard).is_empty());
    let (_, health) = bridge
        .ground
        .parts
        .all()
        .into_iter()
        .find(|(part, _)| *part == Part::Rules)
        .unwrap();
    assert!(health.counts["dry_run"] >= 2, "{health:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_memory_that_is_lost_costs_nothing_but_the_asking() {
    let yard = Yard::with_rule("when = \"sev>=low\"\nafter = \"0s\"\nper_hour = 1000").await;
    let mut bridge = yard.bridge("one").await;
    bridge.send().await;
    bridge.run("rules", yard.now()).await.unwrap();
    minutes(&yard, &bridge, 4).await;
    let rows = bridge.drained().await;
    assert!(!rows.is_empty());
    let mut memory: serde_json::Value = serde_json::from_slice(&bridge.ground.store.read("rules-demo.json").unwrap().unwrap()).unwrap();
    memory["done"] = serde_json::json!({});
    bridge
        .ground
        .store
        .replace("rules-demo.json", memory.to_string().as_bytes())
        .unwrap();
    bridge.run("rules", yard.now()).await.unwrap();
    assert_eq!(bridge.drained().await.len(), rows.len());
    // the same from a bridge that knows nothing: the server's orders stand against it
    let other = yard.bridge("other").await;
    other
        .ground
        .store
        .replace("rules-demo.json", memory.to_string().as_bytes())
        .unwrap();
    other.run("rules", yard.now()).await.unwrap();
    assert!(other.rows().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_tells_a_webhook_once_and_the_trigger_waits_for_the_rule() {
    let yard = Yard::start().await;
    yard.only_webhooks(&["generic"]);
    yard.edit(
        "bridge.toml",
        RULE,
        "when = \"sev>=low\"\nafter = \"3m\"\ndo = { webhook = \"Alert to another system\" }",
    );
    let mut bridge = yard.bridge("one").await;
    bridge.send().await;
    bridge.run("rules", yard.now()).await.unwrap();
    minutes(&yard, &bridge, 2).await;
    assert!(bridge.rows().await.is_empty(), "the rule's delay, although the trigger matches");
    minutes(&yard, &bridge, 6).await;
    let rows = bridge.drained().await;
    let told = yard.effects(EffectKind::ReceiveWebhook);
    assert!(told.len() >= 3 && told.len() == rows.len(), "{told:#?}");
    for entry in &told {
        let alert = entry.body["alertId"].as_str().unwrap();
        let row = rows
            .iter()
            .find(|row| matches!(&row.intent, Intent::CallWebhook { alert: Some(id), .. } if id.raw() == alert));
        assert_eq!(row.unwrap().state, IntentState::Delivered);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_that_names_no_webhook_is_refused() {
    let yard = Yard::start().await;
    yard.edit("bridge.toml", "do = \"work-order\"", "do = { webhook = \"Alert to Nobody\" }");
    let bridge = yard.bridge("one").await;
    let error = nightdesk::integration::jobs(&bridge.ground).await.err().unwrap();
    let words = error.to_string();
    assert!(
        words.contains("rule `critical`") && words.contains("`Alert to Nobody`") && words.contains("Alert to ServiceNow"),
        "{words}"
    );
}
