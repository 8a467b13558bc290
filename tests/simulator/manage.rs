//! Work orders and assets, by the contract.

use nightdesk::simulator::{EffectKind, Scenario, SimulatorConfig};
use reqwest::Method;
use serde_json::{Value, json};

use super::plain::{Answer, Plain, held, quiet, text};

const ORDERS: &str = "/maximo/oslc/os/mxwo";
const ASSETS: &str = "/maximo/oslc/os/mxasset";

async fn find(plain: &Plain, path: &str, clause: &str, select: &str) -> Value {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("oslc.where", clause), ("oslc.select", select), ("lean", "1")])
        .finish();
    let request = plain.request(Method::GET, &format!("{path}?{query}"));
    let answer = Plain::send(request).await;
    assert_eq!(answer.status, 200, "{clause}: {}", answer.text);
    answer.json()
}

async fn create(plain: &Plain, body: &Value, headers: &[(&'static str, &str)]) -> Answer {
    let mut request = plain.request(Method::POST, ORDERS).body(body.to_string());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Plain::send(request).await
}

fn draft() -> Value {
    json!({"description": "IoT Alert: Bearing temperature high", "description_longdescription": "Device: PUMP-017", "assetnum": "PUMP-017",
        "siteid": "BEDFORD", "worktype": "CM", "wopriority": 1, "reportedby": "MONITOR", "classificationid": "IOT_ALERT", "externalrefid": "0123456789"})
}

#[tokio::test]
async fn a_created_order_is_found_by_its_reference_and_its_location() {
    let (simulator, _hand, plain) = quiet().await;
    let made = create(&plain, &draft(), &[("transactionid", "t1")]).await;
    assert_eq!(
        (made.status, made.text.as_str()),
        (201, ""),
        "empty unless properties were asked for"
    );
    let location = made.headers["location"].to_str().unwrap();
    let path = location.strip_prefix(simulator.url()).unwrap();
    let order = plain.fetch(path).await;
    assert_eq!((text(&order, "wonum"), text(&order, "status")), ("1043", "WAPPR"));
    let found = find(
        &plain,
        ORDERS,
        r#"externalrefid="0123456789" and siteid="BEDFORD""#,
        "wonum,status,assetnum",
    )
    .await;
    assert_eq!(
        found["member"],
        json!([{"wonum": "1043", "assetnum": "PUMP-017", "status": "WAPPR", "href": location}])
    );
    let effects = simulator.client_effects();
    assert_eq!(effects.len(), 1);
    assert_eq!(
        (effects[0].effect, effects[0].wonum.as_deref(), effects[0].transactionid.as_deref()),
        (EffectKind::CreateWorkOrder, Some("1043"), Some("t1"))
    );
    assert_eq!((&effects[0].body, effects[0].actor.as_str()), (&draft(), "MONITOR"));
}

#[tokio::test]
async fn properties_ask_for_fields_and_numbers_go_on() {
    let (_simulator, _hand, plain) = quiet().await;
    for wonum in ["1043", "1044"] {
        let made = create(&plain, &draft(), &[("properties", "wonum,status,href,externalrefid,_rowstamp")]).await;
        let body = made.json();
        assert_eq!(
            (made.status, text(&body, "wonum"), text(&body, "externalrefid")),
            (201, wonum, "0123456789")
        );
        assert!(body["_rowstamp"].is_string() && body["href"].is_string() && body.get("description").is_none());
    }
}

#[tokio::test]
async fn a_transaction_repeats_into_409_within_its_life_only() {
    let (simulator, hand, plain) = quiet().await;
    let again = async || create(&plain, &draft(), &[("transactionid", "t1")]).await;
    assert_eq!(again().await.status, 201);
    hand.advance_secs(299);
    let refused = again().await;
    assert_eq!((refused.status, refused.at("/Error/statusCode")), (409, json!("409")));
    assert!(refused.at("/Error/reasonCode").as_str().unwrap().starts_with("BMXAA"));
    hand.advance_secs(1);
    assert_eq!(again().await.status, 201, "past its life it is new");
    assert_eq!(simulator.client_effects().len(), 2);

    let (simulator, _hand, plain) = held(|config| SimulatorConfig {
        honour_transaction_id: false,
        created_status: 200,
        ..config
    })
    .await;
    for _ in 0..2 {
        assert_eq!(
            create(&plain, &draft(), &[("transactionid", "t1")]).await.status,
            200,
            "some installations ignore it"
        );
    }
    assert_eq!(simulator.client_effects().len(), 2);
}

#[tokio::test]
async fn a_refused_order_does_not_use_up_its_transaction() {
    let (_simulator, _hand, plain) = quiet().await;
    let mut bad = draft();
    bad["worktype"] = json!("CORRECTIVE");
    assert_eq!(create(&plain, &bad, &[("transactionid", "t1")]).await.status, 400);
    assert_eq!(create(&plain, &draft(), &[("transactionid", "t1")]).await.status, 201);
}

#[tokio::test]
async fn lengths_are_those_of_manage() {
    let (simulator, _hand, plain) = quiet().await;
    for (field, max) in [
        ("description", 100),
        ("assetnum", 25),
        ("siteid", 8),
        ("worktype", 5),
        ("externalrefid", 10),
    ] {
        let mut body = draft();
        body[field] = json!("ü".repeat(max));
        assert_eq!(create(&plain, &body, &[]).await.status, 201, "{field}");
        body[field] = json!("x".repeat(max + 1));
        let refused = create(&plain, &body, &[]).await;
        assert_eq!(
            (refused.status, refused.at("/Error/reasonCode")),
            (400, json!("BMXAA4049E")),
            "{field}"
        );
        assert!(refused.at("/Error/message").as_str().unwrap().contains(&field.to_uppercase()));
    }
    assert_eq!(create(&plain, &json!({"description": "no site"}), &[]).await.status, 400);
    assert_eq!(simulator.client_effects().len(), 5);
}

#[tokio::test]
async fn pages_lead_on_and_too_large_ones_are_refused() {
    let (simulator, _hand, plain) = held(|config| SimulatorConfig {
        manage_page_max: 7,
        ..config
    })
    .await;
    let total = simulator.work_orders().len();
    assert!(total > 10);
    let mut path = format!("{ORDERS}?oslc.where=siteid%3D%22BEDFORD%22&oslc.select=wonum&oslc.pageSize=7&lean=1");
    let mut seen = Vec::new();
    loop {
        let page = plain.fetch(&path).await;
        assert_eq!(page["responseInfo"]["totalCount"], total);
        seen.extend(
            page["member"]
                .as_array()
                .unwrap()
                .iter()
                .map(|order| text(order, "wonum").to_owned()),
        );
        let Some(next) = page.pointer("/responseInfo/nextPage/href") else {
            break;
        };
        path = next.as_str().unwrap().strip_prefix(simulator.url()).unwrap().to_owned();
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), total);
    let refused = plain.get(&format!("{ORDERS}?oslc.pageSize=8")).await;
    assert_eq!((refused.status, refused.at("/Error/reasonCode")), (400, json!("BMXAA8745E")));
    assert_eq!(plain.get(&format!("{ORDERS}?oslc.where=status%20like%20x")).await.status, 400);
}

#[tokio::test]
async fn names_carry_prefixes_where_lean_is_not_said_and_hrefs_may_be_foreign() {
    let change = |config| SimulatorConfig {
        lean_by_default: false,
        href_base: Some("https://inside.example".into()),
        ..config
    };
    let (_simulator, _hand, plain) = held(change).await;
    let page = plain.fetch(&format!("{ORDERS}?oslc.select=wonum&oslc.pageSize=1")).await;
    assert!(page["rdfs:member"][0]["spi:wonum"].is_string());
    assert!(
        page["rdfs:member"][0]["rdf:about"]
            .as_str()
            .unwrap()
            .starts_with("https://inside.example/maximo/oslc/os/mxwo/_")
    );
    assert!(page["oslc:responseInfo"]["oslc:nextPage"]["rdf:resource"].is_string());
    let error = plain.get(&format!("{ORDERS}?oslc.where=x")).await;
    assert_eq!(error.at("/oslc:Error/oslc:statusCode"), "400");
    let made = create(&plain, &json!({"spi:description": "d", "spi:siteid": "BEDFORD"}), &[]).await;
    assert_eq!(made.status, 201);
    assert!(plain.fetch(&format!("{ORDERS}?lean=1")).await["member"][0]["href"].is_string());
}

#[tokio::test]
async fn the_other_base_path_serves_the_same() {
    let (_simulator, _hand, plain) = quiet().await;
    let made = Plain::send(
        plain
            .request(Method::POST, "/maximo/api/os/mxapiwodetail?lean=1")
            .header("x-public-uri", "https://proxy.example")
            .body(draft().to_string()),
    )
    .await;
    assert_eq!(made.status, 201);
    assert!(
        made.headers["location"]
            .to_str()
            .unwrap()
            .starts_with("https://proxy.example/maximo/api/os/mxapiwodetail/_")
    );
    let found = find(&plain, "/maximo/api/os/mxapiwodetail", r#"externalrefid="0123456789""#, "*").await;
    assert_eq!(found["member"][0]["description"], draft()["description"]);
    assert_eq!(
        find(&plain, "/maximo/api/os/mxapiasset", r#"assetnum="PUMP-017""#, "*").await["member"][0]["status"],
        "OPERATING"
    );
    let no_key = plain.http.get(format!("{}{ORDERS}", plain.base));
    let refused = Plain::send(no_key).await;
    assert_eq!((refused.status, refused.at("/Error/statusCode")), (401, json!("401")));
}

#[tokio::test]
async fn assets_are_found_made_and_changed_by_their_href() {
    let (simulator, _hand, plain) = quiet().await;
    let of = |id: &str| format!(r#"assetnum="{id}" and siteid="BEDFORD""#);
    let devices = plain.fetch("/v1/devices?limit=1000").await;
    let mut missing = None;
    let mut known = 0;
    for device in devices["results"].as_array().unwrap() {
        let found = find(&plain, ASSETS, &of(text(device, "deviceId")), "*").await;
        match found["member"].as_array().unwrap().len() {
            0 => missing = Some(text(device, "deviceId").to_owned()),
            1 => known += 1,
            more => panic!("{more} of {device}"),
        }
    }
    assert!((60..150).contains(&known), "{known}");
    let missing = missing.unwrap();
    let body = json!({"assetnum": missing, "description": format!("IoT Device {missing}"), "siteid": "BEDFORD", "status": "OPERATING"});
    assert_eq!(plain.post(ASSETS, &body).await.status, 201);
    assert_eq!(plain.post(ASSETS, &body).await.status, 400, "it exists now");
    let href = find(&plain, ASSETS, &of(&missing), "status").await["member"][0]["href"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = href.strip_prefix(simulator.url()).unwrap().to_owned();
    let change = async |override_method: bool, rowstamp: Option<&str>, status: &str| {
        let mut request = plain.request(Method::POST, &path).body(json!({"status": status}).to_string());
        if override_method {
            request = request.header("x-method-override", "PATCH").header("patchtype", "MERGE");
        }
        if let Some(rowstamp) = rowstamp {
            request = request.header("if-match", rowstamp);
        }
        Plain::send(request).await.status
    };
    assert_eq!(change(false, None, "INACTIVE").await, 400);
    assert_eq!(change(true, None, "INACTIVE").await, 204);
    assert_eq!(change(true, Some("1"), "OPERATING").await, 412);
    let asset = plain.fetch(&path).await;
    assert_eq!(
        (text(&asset, "status"), text(&asset, "description")),
        ("INACTIVE", format!("IoT Device {missing}").as_str())
    );
    let kinds: Vec<EffectKind> = simulator.client_effects().iter().map(|entry| entry.effect).collect();
    assert_eq!(kinds, [EffectKind::CreateAsset, EffectKind::UpdateAsset]);
}

#[tokio::test]
async fn some_assets_of_the_night_have_open_orders_already() {
    let (_simulator, _hand, plain) = held(|config| SimulatorConfig {
        scenario: Scenario::Night,
        ..config
    })
    .await;
    let open = async |asset: &str| {
        find(
            &plain,
            ORDERS,
            &format!(r#"assetnum="{asset}" and status in ["WAPPR","APPR","INPRG"]"#),
            "wonum,status",
        )
        .await["member"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!((open("COMP-003").await, open("COMP-006").await, open("PUMP-017").await), (1, 1, 0));
}
