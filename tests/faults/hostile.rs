//! Row 15: values that would like to be syntax, in conditions, paths, queries, headers and bodies.

use nightdesk::domain::{AlertId, DeviceKey, DeviceStatus, DeviceType, Intent, IntentState};
use nightdesk::maximo::{Auth, DeviceQuery, ErrorKind, ReadingQuery};
use nightdesk::simulator::{EffectKind, Operation};
use serde_json::Value;

use super::site::{Site, acknowledge, all_delivered, create, plant, policy};

fn hostile() -> Vec<String> {
    let mut values: Vec<String> = [
        "a\"b",
        "\"",
        "\" or \"1\"=\"1",
        "'",
        "' OR 1=1 --",
        "a%b",
        "%",
        "%25",
        "%2e%2e",
        "%2F..%2F",
        "%00",
        "a\\b",
        "\\\"",
        "a/b",
        "/",
        "//evil.example/",
        "..",
        ".",
        "../..",
        "../../../../admin",
        "..;/",
        "a?limit=0",
        "?",
        "a#b",
        "#",
        "a&b=c",
        "a=b",
        "a+b",
        "a;b",
        "a,status:new",
        "a:b",
        "a\r\nX-Evil: 1",
        "\r\n\r\nGET / HTTP/1.1",
        "\n",
        "\r",
        "a\0b",
        "\u{7f}",
        "\u{9b}31m",
        "\u{1b}[2J",
        "\u{202e}abc",
        "a\u{200b}b",
        "\u{feff}",
        "Überdruck–漢字🦀",
        "e\u{301}\u{301}\u{301}\u{301}\u{301}",
        " ",
        "a b",
        " a ",
        "*",
        "a*",
        "[a]",
        "in [\"x\"]",
        "{{alert.id}}",
        "${jndi:ldap://x}",
        "<script>",
        "null",
        "true",
        "0",
        "=cmd|' /C calc'!A0",
        "@x",
        "https://x",
    ]
    .map(str::to_owned)
    .to_vec();
    values.push("x".repeat(10_000));
    values.push("\"%\\/".repeat(2_000));
    values
}

/// Path segments and query of a request, decoded.
type Address = (Vec<String>, Vec<(String, String)>);

/// The last request of an operation since `before`.
fn decoded(site: &Site, before: usize, operation: Operation) -> Option<Address> {
    let requests = site.simulator.requests();
    let request = requests
        .get(before..)?
        .iter()
        .rev()
        .find(|request| request.operation == operation)?;
    let url: url::Url = format!("https://x{}", request.path).parse().unwrap();
    let decode = |segment: &str| percent_decode(segment);
    let segments = url.path_segments().unwrap().map(decode).collect();
    // `+` is itself here: the client writes a space as %20
    let query = url.query().unwrap_or_default();
    let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap();
        (percent_decode(name), percent_decode(value))
    });
    Some((segments, pairs.collect()))
}

fn percent_decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned()
}

#[tokio::test]
async fn row_15_a_value_in_a_path_is_one_segment_and_arrives_as_it_is() {
    let site = Site::start(plant(5)).await;
    let monitor = site.gateway().monitor.interactive();
    for value in hostile() {
        let before = site.simulator.requests().len();
        let error = monitor.alert(&AlertId::new(value.as_str())).await.unwrap_err();
        match decoded(&site, before, Operation::GetAlert) {
            Some((segments, query)) => {
                assert_eq!(segments, ["api", "v1", "alerts", value.as_str()], "{value:?}");
                assert!(query.is_empty());
                assert_eq!(*error.kind(), ErrorKind::NotFound, "{value:?}: {error}");
            }
            None => {
                assert!(matches!(value.as_str(), "." | ".."), "{value:?} was not asked for: {error}");
                assert_eq!(site.simulator.requests().len(), before, "{value:?} became another request");
                assert!(matches!(error.kind(), ErrorKind::Refused { status: 400 }), "{error}");
            }
        }
        let before = site.simulator.requests().len();
        let query = ReadingQuery {
            device: DeviceKey::new("PumpStation", value.as_str()),
            start: None,
            end: None,
            metrics: vec![value.clone(), "bearing_temp".into()],
            aggregation: None,
        };
        let _ = monitor.readings(&query).await; // there is no such device: what counts is what was asked
        if let Some((segments, pairs)) = decoded(&site, before, Operation::QueryEvents) {
            assert_eq!(segments[3..], ["PumpStation", "devices", value.as_str(), "events"], "{value:?}");
            assert!(
                pairs
                    .iter()
                    .any(|(name, has)| name == "metrics" && *has == format!("{value},bearing_temp")),
                "{value:?}"
            );
            assert_eq!(pairs.iter().filter(|(name, _)| name == "limit").count(), 1, "{value:?}");
        }
    }
}

#[tokio::test]
async fn row_15_a_value_in_a_condition_stays_in_its_quotes_or_is_refused() {
    let mut site = Site::start(plant(5)).await;
    site.send();
    // something to be found by a condition that says more than it should
    let alert = site.new_alerts().remove(0);
    let id = site.submit(create(&alert)).await.id;
    all_delivered(&site.settled(&[id]).await);
    site.stop_sender().await;
    let manage = site.gateway().manage.unwrap().interactive();
    assert!(!manage.open_orders("PUMP-001", "BEDFORD").await.unwrap().is_empty());
    let mut asked = 0;
    for value in hostile() {
        for (asset, at) in [(value.as_str(), "BEDFORD"), ("PUMP-001", value.as_str())] {
            let before = site.simulator.requests().len();
            let found = manage.open_orders(asset, at).await;
            match decoded(&site, before, Operation::FindWorkOrders) {
                Some((_, pairs)) => {
                    asked += 1;
                    let clause = &pairs.iter().find(|(name, _)| name == "oslc.where").unwrap().1;
                    assert!(
                        clause.starts_with(&format!("assetnum=\"{asset}\" and siteid=\"{at}\" and status!=")),
                        "{clause}"
                    );
                    assert!(!value.contains(['"', '\\', '%', '*', '\'', '\r', '\n', '\0']), "{value:?} went out");
                    assert!(found.is_ok_and(|orders| orders.is_empty()), "{value:?} found something");
                }
                None => {
                    let error = found.unwrap_err();
                    assert!(matches!(error.kind(), ErrorKind::Refused { status: 400 }), "{value:?}: {error}");
                    assert!(error.to_string().contains("looked up"), "{error}");
                }
            }
            let before = site.simulator.requests().len();
            let found = manage.find_asset(asset, at).await;
            match decoded(&site, before, Operation::FindAsset) {
                Some(_) => assert!(found.is_ok_and(|asset| asset.is_none()), "{value:?}"),
                None => assert!(matches!(found.unwrap_err().kind(), ErrorKind::Refused { status: 400 })),
            }
        }
    }
    assert!(
        asked > 10,
        "only {asked} values were asked for: the allow-list refuses ordinary names"
    );
}

#[tokio::test]
async fn row_15_a_value_in_a_filter_adds_no_condition() {
    let site = Site::start(plant(5)).await;
    let monitor = site.gateway().monitor.interactive();
    let everything = monitor.list_devices(&DeviceQuery::default(), &|_, _| {}).await.unwrap().items.len();
    assert!(everything > 0);
    for value in hostile() {
        let query = DeviceQuery {
            types: vec![DeviceType::new("PumpStation")],
            status: Some(DeviceStatus::Online),
            location: Some(value.clone()),
        };
        match monitor.list_devices(&query, &|_, _| {}).await {
            Ok(listing) => assert!(listing.items.is_empty(), "{value:?} let {} devices through", listing.items.len()),
            Err(error) => assert!(
                matches!(error.kind(), ErrorKind::Refused { .. } | ErrorKind::NotFound),
                "{value:?}: {error}"
            ),
        }
    }
}

#[tokio::test]
async fn row_15_texts_reach_the_server_to_the_letter_once_each() {
    let values: Vec<String> = hostile().into_iter().filter(|value| !value.trim().is_empty()).collect();
    let mut site = Site::start(plant(values.len() + 20)).await;
    site.send();
    let alerts: Vec<_> = site.new_alerts().into_iter().take(values.len()).collect();
    let mut ids = Vec::new();
    for (alert, value) in alerts.iter().zip(&values) {
        let Intent::CreateWorkOrder { mut draft, alert, .. } = create(alert) else {
            unreachable!()
        };
        draft.description = value.chars().take(100).collect();
        draft.description_longdescription = value.clone();
        let order = Intent::CreateWorkOrder {
            alert: alert.clone(),
            generation: 0,
            seen: Vec::new(),
            allow_duplicate: true,
            draft,
        };
        let Intent::Acknowledge { alert, by, .. } = acknowledge(&alert) else {
            unreachable!()
        };
        let notes = Some(value.clone());
        ids.push(
            site.submit(Intent::Acknowledge {
                alert,
                by,
                notes,
                over: None,
            })
            .await
            .id,
        );
        ids.push(site.submit(order).await.id);
    }
    let device = DeviceKey::new("PumpStation", "PUMP-001");
    let metadata: serde_json::Map<String, Value> = values.iter().map(|value| (value.clone(), Value::String(value.clone()))).collect();
    ids.push(
        site.submit(Intent::SetMetadata {
            device,
            metadata: metadata.clone(),
            message: None,
        })
        .await
        .id,
    );
    all_delivered(&site.settled(&ids).await);
    let effects = site.simulator.client_effects();
    assert_eq!(effects.len(), ids.len());
    let of = |kind| effects.iter().filter(move |entry| entry.effect == kind);
    for (alert, value) in alerts.iter().zip(&values) {
        let acknowledged: Vec<_> = of(EffectKind::Acknowledge)
            .filter(|entry| entry.alert_id.as_deref() == Some(alert.raw()))
            .collect();
        assert_eq!(
            (acknowledged.len(), &acknowledged[0].body["notes"]),
            (1, &Value::String(value.clone()))
        );
        let reference = create(alert).reference().unwrap().short();
        let made: Vec<_> = of(EffectKind::CreateWorkOrder)
            .filter(|entry| entry.body["externalrefid"] == reference.as_str())
            .collect();
        assert_eq!(made.len(), 1);
        let long = made[0].body["description_longdescription"].as_str().unwrap();
        // rich text at the server: markup is escaped, and nothing else is touched
        let escaped = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        assert!(
            long.starts_with(&escaped) && long.contains(alert.raw()),
            "{value:?} became {long:?}"
        );
        assert!(made[0].transactionid.as_ref().unwrap().bytes().all(|byte| byte.is_ascii_graphic()));
    }
    let merged = of(EffectKind::UpdateMetadata).next().unwrap();
    let body = merged.body.get("metadata").unwrap_or(&merged.body);
    assert_eq!(body, &Value::Object(metadata));
}

#[tokio::test]
async fn row_15_an_intent_with_a_hostile_identity_is_parked_and_has_no_effect() {
    let mut site = Site::start(plant(5)).await;
    site.send();
    let mut ids = Vec::new();
    for value in hostile().into_iter().filter(|value| value.len() < 1_000) {
        ids.push(site.submit(acknowledge(&AlertId::new(value.as_str()))).await.id);
        let device = DeviceKey::new("PumpStation", value.as_str());
        let metadata = [("a".to_owned(), Value::from(1))].into_iter().collect();
        let wish = Intent::SetMetadata {
            device,
            metadata,
            message: None,
        };
        ids.push(site.submit(wish).await.id);
    }
    for row in site.settled(&ids).await {
        assert_eq!(row.state, IntentState::Parked, "{row:?}");
        let detail = row.detail.unwrap();
        assert!(!detail.shown().chars().any(char::is_control), "{detail:?}");
    }
    assert!(site.simulator.client_effects().is_empty(), "{:?}", site.simulator.client_effects());
}

#[tokio::test]
async fn row_15_a_key_that_would_break_a_header_is_never_sent_and_nothing_is_lost() {
    for key in ["two\nlines", "a\r\nX-Evil: 1", "nul\0", "\u{7f}"] {
        let mut site = Site::start(plant(5)).await;
        let gateway = site.gateway_with(Auth::ApiKey(key.into()));
        let alerts: Vec<_> = site.new_alerts().into_iter().take(1).collect();
        let id = site.submit(acknowledge(&alerts[0])).await.id;
        let mut changes = site.outbox.changes();
        site.send_with(gateway, policy());
        loop {
            let row = changes.recv().await.unwrap();
            assert!(row.state.is_open(), "{row:?}");
            if row.state == IntentState::Queued && row.detail.is_some() {
                break;
            }
        }
        assert!(site.simulator.requests().is_empty(), "{key:?} was sent");
        site.stop_sender().await;
        site.send();
        all_delivered(&site.settled(&[id]).await);
        site.judge(&alerts, &[EffectKind::Acknowledge]);
    }
}
