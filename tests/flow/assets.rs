use nightdesk::domain::IntentState;
use nightdesk::simulator::{EffectKind, FaultAction, FaultRule, Operation, SimulatorConfig, When};

use super::support::Yard;

fn status(yard: &Yard, number: &str) -> Option<String> {
    let assets = yard.simulator.assets();
    let found = assets.iter().find(|asset| asset["assetnum"] == number)?;
    Some(found["status"].as_str().unwrap().to_owned())
}

/// Devices that are not online, and those that are.
async fn devices(yard: &Yard) -> Vec<(String, bool)> {
    let bridge = yard.bridge("reader").await;
    let listing = bridge.ground.monitor.list_devices(&Default::default(), &|_, _| {}).await.unwrap();
    let online = |device: &nightdesk::domain::Device| device.status == nightdesk::domain::DeviceStatus::Online;
    listing
        .items
        .iter()
        .map(|device| (device.id.raw().to_owned(), online(device)))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_device_becomes_an_asset_with_its_status_and_a_second_run_writes_nothing() {
    let yard = Yard::start().await;
    let mut bridge = yard.bridge("one").await;
    bridge.send().await;
    let said = bridge.run("assets", yard.now()).await.unwrap();
    assert!(said.starts_with("150 devices: "), "{said}");
    let all = devices(&yard).await;
    assert!(all.iter().any(|(_, online)| !online), "the plant has devices that are offline");
    for (device, online) in &all {
        let wanted = if *online { "OPERATING" } else { "INACTIVE" };
        assert_eq!(status(&yard, device).as_deref(), Some(wanted), "{device}");
    }
    let created = yard.effects(EffectKind::CreateAsset);
    assert!(created.len() > 10);
    for entry in &created {
        let number = entry.assetnum.as_ref().unwrap();
        assert_eq!(
            entry.body["status"], "OPERATING",
            "made as working; what is offline is set inactive after it"
        );
        assert_eq!(entry.body["description"], format!("IoT Device {number}"));
        assert_eq!(entry.body["siteid"], "BEDFORD");
    }
    let written = yard.simulator.client_effects().len();
    let said = bridge.run("assets", yard.now()).await.unwrap();
    assert_eq!(said, "150 devices: 0 assets written, 150 unchanged");
    assert_eq!(yard.simulator.client_effects().len(), written, "nothing was written");
    assert!(bridge.rows().await.iter().all(|row| row.state == IntentState::Delivered));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_answers_kills_and_a_second_bridge_make_each_asset_once() {
    let yard = Yard::start().await;
    yard.simulator.set_faults(vec![
        FaultRule::on([Operation::CreateAsset], FaultAction::Drop(When::After)).every(3),
        FaultRule::on([Operation::UpdateAsset], FaultAction::Drop(When::After)).every(2),
        FaultRule::on(
            [Operation::CreateAsset],
            FaultAction::Status {
                status: 500,
                retry_after: None,
                when: When::After,
            },
        )
        .every(5),
    ]);
    let mut one = yard.bridge("one").await;
    let mut two = yard.bridge("two").await;
    one.send().await;
    two.send().await;
    // both at once; the first one is killed in the middle
    {
        let (first, second) = (one.job("assets").await, two.job("assets").await);
        let occasion = nightdesk::integration::Occasion {
            now: yard.now(),
            day: None,
        };
        let running = first.run(occasion);
        let killed = async {
            while yard.effects(EffectKind::CreateAsset).len() < 5 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            _ = running => {}
            () = killed => {}
        }
        one.kill().await;
        let _ = second.run(occasion).await;
    }
    drop(one);
    let mut one = yard.bridge("one").await;
    one.send().await;
    one.drained().await;
    two.drained().await;
    yard.simulator.set_faults(Vec::new());
    let said = one.run("assets", yard.now()).await.unwrap();
    assert!(said.ends_with("150 unchanged"), "{said}");
    let mut made: Vec<String> = yard
        .effects(EffectKind::CreateAsset)
        .into_iter()
        .filter_map(|entry| entry.assetnum)
        .collect();
    let count = made.len();
    made.sort();
    made.dedup();
    assert_eq!(made.len(), count, "no asset was made twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_thousand_devices_are_compared_with_a_few_pages() {
    let yard = Yard::start_with(|config| SimulatorConfig { devices: 5_000, ..config }).await;
    let bridge = yard.bridge("one").await;
    let manage = bridge.ground.manage.clone().unwrap();
    let found = nightdesk::integration::assets::survey(&bridge.ground, (&bridge.ground.monitor, &manage), None, &|_, _| {})
        .await
        .unwrap();
    assert_eq!(found.devices, 5_000);
    assert_eq!(found.plan.wishes.len() + found.plan.unchanged, 5_000);
    let requests = yard.simulator.requests();
    let pages = requests.iter().filter(|request| request.operation == Operation::FindAsset).count();
    assert!(pages <= 10, "{pages} requests for the assets");
    assert!(requests.len() <= 110, "{} requests in all", requests.len());
    assert!(yard.simulator.client_effects().is_empty(), "a survey writes nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_manage_refuses_is_parked_once_and_said_at_every_run() {
    let yard = Yard::start().await;
    yard.simulator.set_faults(vec![
        FaultRule::on(
            [Operation::CreateAsset],
            FaultAction::Status {
                status: 400,
                retry_after: None,
                when: When::Before,
            },
        )
        .times(1),
    ]);
    let mut bridge = yard.bridge("one").await;
    bridge.send().await;
    let error = bridge.run("assets", yard.now()).await.unwrap_err();
    assert!(error.message.shown().contains("1 refused by Manage"), "{error}");
    let rows = bridge.rows().await.len();
    let error = bridge.run("assets", yard.now()).await.unwrap_err();
    assert!(error.message.shown().contains("1 refused by Manage"), "{error}");
    assert_eq!(bridge.rows().await.len(), rows, "not asked for again by itself");
    let parked = bridge
        .rows()
        .await
        .into_iter()
        .find(|row| row.state == IntentState::Parked)
        .unwrap();
    bridge.ground.outbox.retry(parked.id).await.unwrap();
    bridge.drained().await;
    let said = bridge.run("assets", yard.now()).await.unwrap();
    assert!(said.ends_with("150 unchanged"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_type_that_vanished_does_not_hide_the_others() {
    let yard = Yard::start().await;
    yard.edit(
        "bridge.toml",
        "device_types = [\"*\"]",
        "device_types = [\"PumpStation\", \"GoneType\"]",
    );
    let mut bridge = yard.bridge("one").await;
    bridge.send().await;
    let error = bridge.run("assets", yard.now()).await.unwrap_err();
    assert!(error.message.shown().contains("GoneType"), "{error}");
    assert!(!yard.simulator.client_effects().is_empty(), "the pumps were synced all the same");
}
