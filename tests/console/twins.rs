//! What the console does and what the command line does are the same: the same filter, the same request.

use jiff::SignedDuration;
use nightdesk::domain::{AlarmKey, Alert, AlertState, Device, History, Intent, Listing, ShelfChange, Shelved};
use nightdesk::local::{HistoryFiles, Notebook};
use nightdesk::maximo::encode;
use nightdesk::model::{Event, Report};
use nightdesk::simulator::EffectKind;
use serde_json::Value;

use super::desk::Desk;
use crate::command::plant::Plant;

/// The plant's alerts and devices, as the command line prints them, on the desk.
async fn sat_down(plant: &Plant) -> Desk {
    let listed = plant.run(&["alerts", "list", "--all", "--json"]).await.expect(0);
    let alerts: Vec<Alert> = listed
        .items()
        .into_iter()
        .map(|item| serde_json::from_value(item).unwrap())
        .collect();
    let devices = plant.run(&["devices", "list", "--json"]).await.expect(0);
    let devices: Vec<Device> = devices
        .items()
        .into_iter()
        .map(|item| serde_json::from_value(item).unwrap())
        .collect();
    let mut desk = Desk::new(120, 60);
    desk.now = listed.json()["as_of"].as_str().unwrap().parse().unwrap();
    desk.links();
    desk.report_devices(devices);
    let result = Ok(Listing::whole(alerts, desk.now));
    desk.report(Report::Alerts { result, cached: false });
    desk.draw();
    desk
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filter_shows_the_same_alerts_in_the_same_order() {
    let plant = Plant::start().await;
    let mut desk = sat_down(&plant).await;
    let place = plant.run(&["devices", "list", "--json"]).await.items()[0]["location"]
        .as_str()
        .unwrap()
        .to_owned();
    let located = format!("loc:\"{place}\"");
    let mut seen = 0;
    for filter in [
        "",
        "sev>=high",
        "state:new",
        "state:new,ack sev:critical",
        "is:mine",
        "is:unack",
        "is:chattering",
        "-is:chattering",
        "wo:none",
        "wo:any",
        "dev:PUMP-*",
        "type:PumpStation",
        "-type:PumpStation",
        "(sev:critical | sev:high) -dev:PUMP-*",
        "temperature",
        "is:pending",
        &located,
    ] {
        let headless: Vec<String> = plant
            .run(&["alerts", "list", "--json", "--", filter])
            .await
            .expect(0)
            .items()
            .iter()
            .map(|item| item["alertId"].as_str().unwrap().to_owned())
            .collect();
        desk.keys("esc /");
        desk.types(filter);
        desk.keys("enter");
        let rows: Vec<String> = desk.app.queue().rows().iter().map(|id| id.raw().to_owned()).collect();
        assert_eq!(rows, headless, "{filter}");
        seen += headless.len();
        desk.keys("esc");
    }
    assert!(seen > 50, "the filters let nothing through");
}

/// What the consoles of this machine keep is the same for both: the shelf, and what came and went.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filter_of_shelf_or_history_shows_the_same_alerts() {
    let plant = Plant::start().await;
    let mut desk = sat_down(&plant).await;
    let new: Vec<Alert> = plant
        .simulator
        .alerts()
        .into_iter()
        .filter(|alert| alert["status"] == "new")
        .map(|alert| serde_json::from_value(alert).unwrap())
        .collect();
    let shelved = Shelved {
        key: AlarmKey::of(&new[0]),
        severity: new[0].severity.clone(),
        since: desk.now,
        until: desk.now + SignedDuration::from_hours(8),
        reason: "valve".into(),
        by: "operator1".into(),
    };
    let raised_at = desk.now - SignedDuration::from_mins(40);
    let mut history = History::default();
    let gone = Alert {
        id: "gone".into(),
        state: AlertState::Resolved,
        raised_at,
        resolved_at: Some(raised_at + SignedDuration::from_secs(20)),
        ..new[1].clone()
    };
    let gone = history.note(&gone, raised_at).unwrap().clone();
    let scope = plant.scope();
    Notebook::open(&plant.path("state"), &scope)
        .unwrap()
        .change_shelf(&ShelfChange::Put(vec![shelved.clone()]))
        .unwrap();
    let kept = HistoryFiles::open(&plant.path("state"), &scope).unwrap();
    kept.append(std::slice::from_ref(&gone), None).unwrap();
    desk.send(Event::Shelf(vec![shelved]));
    desk.send(Event::Remembered(vec![gone], None));
    for (filter, holds) in [("is:shelved", &new[0]), ("is:fleeting", &new[1])] {
        let ran = plant.run(&["alerts", "list", filter, "--json"]).await.expect(0);
        let headless: Vec<String> = ran
            .items()
            .iter()
            .map(|item| item["alertId"].as_str().unwrap().to_owned())
            .collect();
        assert!(headless.contains(&holds.id.raw().to_owned()), "{filter}: {headless:?}");
        desk.keys("esc /");
        desk.types(filter);
        desk.keys("enter");
        let rows: Vec<String> = desk.app.queue().rows().iter().map(|id| id.raw().to_owned()).collect();
        assert_eq!(rows, headless, "{filter}");
        desk.keys("esc");
    }
}

/// The body of the one request that a command made at the server.
async fn by_command(plant: &Plant, arguments: &[&str], kind: EffectKind) -> Value {
    let before = plant.effects(kind).len();
    plant.run(arguments).await.expect(0);
    let effects = plant.effects(kind);
    assert_eq!(effects.len(), before + 1);
    effects.last().unwrap().body.clone()
}

/// The body of the one request that keys asked for.
fn by_keys(desk: &mut Desk, id: &str, keys: &[&str]) -> Value {
    desk.keys("g");
    while desk.app.queue().cursor().map(|cursor| cursor.raw()) != Some(id) {
        let before = desk.app.queue().cursor().cloned();
        desk.keys("j");
        assert_ne!(desk.app.queue().cursor().cloned(), before, "{id} is not in the list");
    }
    desk.effects.clear();
    for key in keys {
        match key.strip_prefix("text:") {
            Some(text) => desk.types(text),
            None if *key == "found" => {
                desk.report(Report::OpenOrders {
                    alert: id.into(),
                    result: Ok(Vec::new()),
                });
                desk.draw();
            }
            None => desk.keys(key),
        }
    }
    let submitted = desk.submitted();
    let [(_, intent)] = submitted.as_slice() else {
        panic!("{keys:?}: {submitted:?}")
    };
    if let Intent::CreateWorkOrder { alert, .. } = intent {
        assert_eq!(alert.raw(), id);
    }
    serde_json::from_slice(&encode(intent)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_action_by_key_and_its_command_ask_the_server_for_the_same() {
    let plant = Plant::start().await;
    let mut desk = sat_down(&plant).await;
    let new = plant.alerts("new");
    let cases: [(&[&str], Vec<&str>, EffectKind); 4] = [
        (&["a"], vec!["alerts", "ack", &new[0]], EffectKind::Acknowledge),
        (
            &["A", "text:on my way", "enter"],
            vec!["alerts", "ack", &new[1], "--note", "on my way"],
            EffectKind::Acknowledge,
        ),
        (
            &["x", "text:oiled", "tab", "text:own words", "tab", "text:weekly", "enter"],
            vec![
                "alerts",
                "resolve",
                &new[2],
                "--resolution",
                "oiled",
                "--root-cause",
                "own words",
                "--preventive-action",
                "weekly",
            ],
            EffectKind::Resolve,
        ),
        (
            &["w", "found", "enter"],
            vec!["workorders", "create", "--alert", &new[3], "--allow-duplicate"],
            EffectKind::CreateWorkOrder,
        ),
    ];
    for (index, (keys, arguments, kind)) in cases.iter().enumerate() {
        let keyed = by_keys(&mut desk, &new[index], keys);
        let commanded = by_command(&plant, arguments, *kind).await;
        assert_eq!(keyed, commanded, "{keys:?} and {arguments:?}");
    }
}
