//! Row 13: redirects and links to another origin. It sees no request, no credential, not even a connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nightdesk::domain::{DeviceId, DeviceKey, DeviceType, Intent, IntentState};
use nightdesk::maximo::{AlertQuery, BulkQuery, DeviceQuery, ErrorKind, ReadingQuery};
use nightdesk::simulator::{EffectKind, FaultAction, FaultRule, Operation, SimulatorConfig, When};
use tokio::net::TcpListener;

use super::site::{Site, acknowledge, all_delivered, create, plant, policy};

/// Another origin, which counts whoever comes.
struct Foreign {
    url: String,
    connections: Arc<AtomicUsize>,
}

impl Foreign {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { url, connections }
    }

    fn saw_nothing(&self) {
        assert_eq!(self.connections.load(Ordering::SeqCst), 0, "the other origin was called");
    }
}

const REDIRECTS: [u16; 5] = [301, 302, 303, 307, 308];

#[tokio::test]
async fn row_13_no_redirect_of_a_write_is_followed() {
    let foreign = Foreign::start().await;
    for status in REDIRECTS {
        for when in [When::Before, When::After] {
            let mut site = Site::start(plant(5)).await;
            // to another host, and to another path of the same one
            let own = format!("{}/maximo/oslc/os/mxwo", site.simulator.url());
            for to in [format!("{}/api/v1/alerts/x", foreign.url), own, "//127.0.0.1:1/x".to_owned()] {
                let action = FaultAction::Redirect { status, to, when };
                site.simulator.set_faults(vec![FaultRule::on(
                    [Operation::AcknowledgeAlert, Operation::CreateWorkOrder],
                    action,
                )]);
                let alerts = site.new_alerts();
                let ids = [
                    site.submit(acknowledge(&alerts[0])).await.id,
                    site.submit(create(&alerts[1])).await.id,
                ];
                site.send();
                for row in site.settled(&ids).await {
                    assert_eq!(row.state, IntentState::Parked, "{status} {when:?}: {row:?}");
                    assert!(row.detail.unwrap().shown().contains(&status.to_string()));
                }
                site.stop_sender().await;
                if when == When::Before {
                    assert!(site.simulator.client_effects().is_empty());
                } else {
                    break; // the first one took effect: the same alerts would now be found there
                }
            }
        }
    }
    foreign.saw_nothing();
}

#[tokio::test]
async fn row_13_no_redirect_of_a_read_or_of_the_token_is_followed() {
    let foreign = Foreign::start().await;
    let site = Site::start(plant(5)).await;
    for status in REDIRECTS {
        let action = FaultAction::Redirect {
            status,
            to: format!("{}/steal", foreign.url),
            when: When::Before,
        };
        site.simulator.set_faults(vec![FaultRule::on([], action)]);
        let gateway = site.gateway();
        let device = DeviceKey::new("PumpStation", "PUMP-001");
        let alert = site.new_alerts().remove(0);
        let bulk = BulkQuery {
            device_type: DeviceType::new("PumpStation"),
            devices: vec![DeviceId::new("PUMP-001")],
            metrics: Vec::new(),
            start: jiff::Timestamp::UNIX_EPOCH,
            end: jiff::Timestamp::now(),
            aggregation: None,
        };
        let series = ReadingQuery {
            device: device.clone(),
            start: None,
            end: None,
            metrics: Vec::new(),
            aggregation: None,
        };
        let manage = gateway.manage.as_ref().unwrap();
        let monitor = &gateway.monitor;
        let errors = [
            monitor.alerts(&AlertQuery::default()).await.unwrap_err(),
            monitor.alert(&alert).await.unwrap_err(),
            monitor.list_devices(&DeviceQuery::default(), &|_, _| {}).await.unwrap_err(),
            monitor.readings(&series).await.unwrap_err(),
            monitor.bulk(&bulk).await.unwrap_err(),
            monitor.update_metadata(&device, &serde_json::Map::new()).await.unwrap_err(),
            manage.open_orders("PUMP-001", "BEDFORD").await.unwrap_err(),
            manage.find_asset("PUMP-001", "BEDFORD").await.unwrap_err(),
        ];
        for error in errors {
            assert_eq!(*error.kind(), ErrorKind::Refused { status }, "{error}");
        }
        let error = site.gateway_with(site.oauth()).monitor.alert(&alert).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Credentials, "{error}");
    }
    foreign.saw_nothing();
}

#[tokio::test]
async fn row_13_links_that_lead_elsewhere_are_not_followed() {
    let foreign = Foreign::start().await;
    let mut site = Site::start(SimulatorConfig {
        href_base: Some(foreign.url.clone()),
        manage_page_max: 10,
        ..plant(40)
    })
    .await;
    site.send();
    // `Location` of what was made, `nextPage` of a list, `href` of an asset: all say the other origin
    let alerts: Vec<_> = site.new_alerts().into_iter().take(25).collect();
    let mut ids = Vec::new();
    for alert in &alerts {
        ids.push(site.submit(create(alert)).await.id);
    }
    all_delivered(&site.settled(&ids).await);
    let orders = site.gateway().manage.unwrap().open_orders("PUMP-001", "BEDFORD").await.unwrap();
    let made = orders.iter().filter(|order| order.externalrefid.is_some()).count();
    assert!(made >= 25, "{made} of 25 orders over several pages");
    site.judge(&alerts, &[EffectKind::CreateWorkOrder]);
    let sync = Intent::SyncAsset {
        asset: "PUMP-001".into(),
        site: "BEDFORD".into(),
        description: "IoT Device PUMP-001".into(),
        status: "INACTIVE".into(),
    };
    let id = site.submit(sync).await.id;
    all_delivered(&site.settled(&[id]).await);
    let changed: Vec<_> = site.simulator.client_effects();
    let changed: Vec<_> = changed.iter().filter(|entry| entry.effect == EffectKind::UpdateAsset).collect();
    assert_eq!(changed.len(), 1, "the change went to the configured server");
    assert_eq!(changed[0].assetnum.as_deref(), Some("PUMP-001"));
    foreign.saw_nothing();
}

#[tokio::test]
async fn row_13_links_with_other_prefixes_users_and_schemes_stay_with_the_configured_server() {
    // what the links of an asset may pretend; the client joins, compares and rebuilds
    for pretended in [
        "http://127.0.0.1:1",
        "https://user:password@127.0.0.1:1",
        "https://127.0.0.1:1/other/prefix",
        "//127.0.0.1:1",
        "ftp://127.0.0.1",
        "https://manage.example.evil.example",
    ] {
        let mut site = Site::start(SimulatorConfig {
            href_base: Some(pretended.into()),
            ..plant(5)
        })
        .await;
        let gateway = site.gateway();
        site.send_with(gateway, policy());
        let sync = Intent::SyncAsset {
            asset: "PUMP-001".into(),
            site: "BEDFORD".into(),
            description: "IoT Device PUMP-001".into(),
            status: "INACTIVE".into(),
        };
        let id = site.submit(sync).await.id;
        all_delivered(&site.settled(&[id]).await);
        let effects = site.simulator.client_effects();
        let changed = effects.iter().filter(|entry| entry.effect == EffectKind::UpdateAsset).count();
        assert_eq!(changed, 1, "{pretended}: {effects:?}");
    }
}
