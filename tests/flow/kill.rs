//! `kill -9` in the middle of every part at once, again and again: the real binary, judged by what the servers hold.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use jiff::SignedDuration;
use nightdesk::simulator::{EffectKind, FaultAction, FaultRule, Operation, Scenario, SimulatorConfig, When};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;

use super::support::run_bridge as run;
use crate::command::plant::{Plant, command};
use crate::faults::site::GUARD;

/// What there is least of comes first: a bridge that is killed for one of them goes on with all of them meanwhile.
const KINDS: [EffectKind; 5] = [
    EffectKind::CreateIncident,
    EffectKind::CreateAsset,
    EffectKind::CreateWorkOrder,
    EffectKind::ReceiveWebhook,
    EffectKind::ReportProduction,
];
/// More than a few of them have no asset yet.
const DEVICES: u32 = 60;

async fn start(plant: &Plant) -> Child {
    let config = plant.path("bridge.toml");
    let mut child = command(config.parent().unwrap(), &["--config", config.to_str().unwrap(), "bridge"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).await.unwrap();
    assert!(line.starts_with("ready"), "{line:?}");
    child
}

/// Waits for something that other processes bring about.
async fn until(plant: &Plant, what: &str, holds: impl Fn() -> bool) {
    let looking = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    if tokio::time::timeout(GUARD, looking).await.is_err() {
        let rows = run(plant, &["outbox", "list"]).await;
        panic!("never came: {what}; the outbox:\n{}{}", rows.stdout, rows.stderr);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_in_every_parts_middle_each_effect_is_there_once() {
    let plant = Plant::start_with(SimulatorConfig {
        devices: DEVICES,
        // as many stand as orders and messages do not run out of before their turn, and others come
        alerts: Some(60),
        scenario: Scenario::Flood,
        second_operator: false,
        ..SimulatorConfig::default()
    })
    .await;
    let edit = |from: &str, to: &str| super::support::edit(&plant.path("bridge.toml"), from, to);
    edit("when = \"sev:critical\"\nafter = \"1m\"", "when = \"sev>=low\"\nafter = \"0s\"");
    edit("per_hour = 20", "per_hour = 1000");
    // what a kill leaves in doubt is settled when its request can no longer be running
    edit("time_zone = \"UTC\"", "time_zone = \"UTC\"\nrequest_timeout = \"5s\"");
    edit(
        "[profiles.demo.erp]",
        "[profiles.demo.refresh]\nalerts = \"1s\"\n\n[profiles.demo.erp]",
    );
    // the lake has its own tests
    let text = std::fs::read_to_string(plant.path("bridge.toml")).unwrap();
    let (before, after) = text.split_once("[profiles.demo.lake]").unwrap();
    let (_, after) = after.split_once("[[profiles.demo.rules]]").unwrap();
    std::fs::write(plant.path("bridge.toml"), format!("{before}[[profiles.demo.rules]]{after}")).unwrap();
    // a bridge that has been at work for a day: the alerts of this night are its to deal with
    let since = plant.simulator.now() - SignedDuration::from_hours(24);
    let folder = plant.path("state").join("bridge");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(
        folder.join("rules-demo.json"),
        json!({ "firstStart": since.to_string() }).to_string(),
    )
    .unwrap();

    // slow enough that a kill meets requests on their way; some answers are lost besides
    let writes = [
        Operation::CreateWorkOrder,
        Operation::CreateIncident,
        Operation::ReceiveWebhook,
        Operation::PutReport,
        Operation::CreateAsset,
        Operation::UpdateAsset,
    ];
    plant.simulator.set_faults(
        std::iter::once(FaultRule::on([Operation::CreateWorkOrder], FaultAction::Drop(When::After)).times(1))
            .chain(writes.map(|operation| FaultRule {
                latency: Duration::from_millis(40),
                ..FaultRule::on([operation], FaultAction::Delay)
            }))
            .collect(),
    );
    let count = |kind| plant.effects(kind).len();
    for kind in KINDS {
        let before = count(kind);
        let mut bridge = start(&plant).await;
        // its middle: one more of these than at the start, and others on their way
        let all_there = || match kind {
            EffectKind::ReportProduction => count(kind) >= 2,
            // a slow machine may see the last of them before it comes to look
            EffectKind::CreateAsset => count(kind) > before || plant.simulator.assets().len() >= DEVICES as usize,
            _ => count(kind) > before,
        };
        until(&plant, &format!("{kind:?} beyond {before}"), all_there).await;
        bridge.kill().await.unwrap();
    }
    plant.simulator.set_faults(Vec::new());
    let mut bridge = start(&plant).await;
    until(&plant, "an asset for each device", || {
        plant.simulator.assets().len() >= DEVICES as usize
    })
    .await;
    let settled = run(&plant, &["outbox", "drain", "--timeout", "110s", "--json"]).await;
    assert!(settled.code == 0 || settled.code == 8 || settled.code == 9, "{settled:?}");
    bridge.kill().await.unwrap();

    let rows = run(&plant, &["outbox", "list", "--json"]).await.expect(0).items();
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    for row in &rows {
        let state = text(row, "state");
        // a second alert of one machine, whose order was not there yet when the first look was taken: a person decides
        let duplicate = text(row, "detail").contains("already has an open order");
        // what came up while the drain ended
        let late = ["queued", "sending", "in_doubt"].contains(&state.as_str());
        assert!(state == "delivered" || duplicate || late, "{row}");
    }
    let mut seen: BTreeMap<(EffectKind, String), usize> = BTreeMap::new();
    for entry in plant.simulator.client_effects() {
        let identity = match entry.effect {
            EffectKind::CreateWorkOrder => text(&entry.body, "externalrefid"),
            EffectKind::CreateIncident => text(&entry.body, "correlation_id"),
            EffectKind::ReceiveWebhook => format!("{:?} {:?}", entry.sink, entry.message),
            EffectKind::ReportProduction => entry.report.clone().unwrap(),
            EffectKind::CreateAsset => entry.assetnum.clone().unwrap(),
            _ => continue,
        };
        *seen.entry((entry.effect, identity)).or_default() += 1;
    }
    for kind in KINDS {
        assert!(seen.keys().any(|(seen, _)| *seen == kind), "nothing of {kind:?}");
    }
    let doubled: Vec<_> = seen.iter().filter(|(_, count)| **count > 1).collect();
    assert!(doubled.is_empty(), "{doubled:?}");
    // and nothing is lost: each message and order that was asked for and confirmed is there
    for row in rows.iter().filter(|row| text(row, "state") == "delivered") {
        let (kind, identity) = match text(&row["intent"], "kind").as_str() {
            "call-webhook" if text(row, "webhook") == "Alert to ServiceNow" => (EffectKind::CreateIncident, text(row, "messageId")),
            "report-production" => (
                EffectKind::ReportProduction,
                format!("{}/{}", text(row, "production_line"), text(row, "date")),
            ),
            _ => continue,
        };
        assert_eq!(seen.get(&(kind, identity)), Some(&1), "{row}");
    }
}
