//! Lists over several types, filters, time series at their seams, groups of devices.

use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use nightdesk::domain::{DeviceId, DeviceKey, DeviceStatus, DeviceType, MetricValue};
use nightdesk::maximo::{Aggregation, BulkQuery, DeviceQuery, ErrorKind, ReadingQuery};

use super::monitor;
use super::server::{Reply, Request, Server, json};

fn page(rows: &[String], request: &Request) -> Reply {
    let number = |name: &str| request.query(name).unwrap().parse::<usize>().unwrap();
    let some: Vec<&str> = rows
        .iter()
        .skip(number("offset"))
        .take(number("limit"))
        .map(String::as_str)
        .collect();
    json(200, format!(r#"{{"results":[{}],"totalCount":{}}}"#, some.join(","), rows.len()))
}

fn types(names: &[&str]) -> DeviceQuery {
    DeviceQuery {
        types: names.iter().map(|name| DeviceType::new(*name)).collect(),
        ..DeviceQuery::default()
    }
}

#[tokio::test]
async fn types_are_read_side_by_side_and_one_that_does_not_exist_hides_no_other() {
    let server = Server::start(|request| {
        let kind = request.target.split('/').nth(4).unwrap().to_owned();
        if kind == "Slip" {
            return json(404, r#"{"error":{"message":"no such type"}}"#);
        }
        page(
            &(0..150)
                .map(|number| format!(r#"{{"deviceId":"{kind}-{number}"}}"#))
                .collect::<Vec<_>>(),
            request,
        )
    })
    .await;
    let client = monitor(&server);
    let reports = std::sync::Mutex::new(Vec::new());
    let listing = client
        .list_devices(&types(&["Pump", "Fan", "Pump"]), &|loaded, total| {
            reports.lock().unwrap().push((loaded, total));
        })
        .await
        .unwrap();
    assert_eq!((listing.items.len(), listing.complete), (300, true));
    assert_eq!(reports.lock().unwrap().last(), Some(&(300, Some(300))));
    let listing = client.list_devices(&types(&["Pump", "Slip"]), &|_, _| {}).await.unwrap();
    assert_eq!((listing.items.len(), listing.complete), (150, false));
    assert!(listing.problems[0].shown().contains("Slip"), "{:?}", listing.problems);
    for alone in [&["Slip"][..], &["Slip", "Slip"][..]] {
        let error = client.list_devices(&types(alone), &|_, _| {}).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::NotFound);
    }
}

#[tokio::test]
async fn a_filter_is_held_also_where_the_server_ignores_it_and_a_comma_adds_no_condition() {
    let server = Server::start(|request| {
        let rows = [
            r#"{"deviceId":"1","status":"online","metadata":{"location":"Hall 1, east"}}"#.to_owned(),
            r#"{"deviceId":"2","status":"offline","metadata":{"location":"Hall 1, east"}}"#.to_owned(),
            r#"{"deviceId":"3","status":"online","metadata":{"location":"Hall 2"}}"#.to_owned(),
        ];
        page(&rows, request)
    })
    .await;
    let query = DeviceQuery {
        status: Some(DeviceStatus::Online),
        location: Some("Hall 1, east".into()),
        ..types(&["Pump"])
    };
    let listing = monitor(&server).list_devices(&query, &|_, _| {}).await.unwrap();
    let ids: Vec<_> = listing.items.iter().map(|device| device.id.raw()).collect();
    assert_eq!((ids, listing.complete), (vec!["1"], true));
    assert_eq!(server.seen()[0].query("filter").as_deref(), Some("status:online"));
}

fn series(aggregation: Option<(Aggregation, String)>) -> ReadingQuery {
    ReadingQuery {
        device: DeviceKey::new("PumpStation", "PUMP-017"),
        start: Timestamp::from_second(1_770_000_000).ok(),
        end: None,
        metrics: Vec::new(),
        aggregation,
    }
}

#[tokio::test]
async fn more_rows_of_one_time_than_a_server_gives_are_an_error_and_never_a_silent_loss() {
    let server = Server::start(|request| {
        let limit: usize = request.query("limit").unwrap().parse().unwrap();
        let rows: Vec<String> = (0..1_500)
            .take(limit.min(1_000))
            .map(|number| format!(r#"{{"timestamp":1770000000,"m":{number}}}"#))
            .collect();
        json(200, format!(r#"{{"data":[{}]}}"#, rows.join(",")))
    })
    .await;
    let error = monitor(&server).readings(&series(None)).await.unwrap_err();
    assert!(error.to_string().contains("at one time"), "{error}");
}

#[tokio::test]
async fn a_server_that_ignores_start_or_gives_equal_times_in_another_order_loses_and_doubles_nothing() {
    let ignoring = Server::start(|_| {
        let rows: Vec<String> = (0..1_200)
            .map(|number| format!(r#"{{"timestamp":{},"m":{number}}}"#, 1_770_000_000 + number))
            .collect();
        json(200, format!(r#"{{"data":[{}]}}"#, rows.join(",")))
    })
    .await;
    assert_eq!(monitor(&ignoring).readings(&series(None)).await.unwrap().len(), 1_200);
    let turning = Server::start(|request| {
        let start: Timestamp = request.query("start").unwrap().parse().unwrap();
        let mut rows: Vec<i64> = (0..1_500)
            .filter(|number| 1_770_000_000 + number / 4 >= start.as_second())
            .collect();
        if start.as_second() > 1_770_000_000 {
            rows.sort_by_key(|number| (number / 4, -number));
        }
        let rows: Vec<String> = rows
            .into_iter()
            .take(998) // cut in the middle of four rows of one time
            .map(|number| format!(r#"{{"timestamp":{},"m":{number}}}"#, 1_770_000_000 + number / 4))
            .collect();
        json(200, format!(r#"{{"data":[{},{{"m":"no time"}}]}}"#, rows.join(",")))
    })
    .await;
    let listing = monitor(&turning).series(&series(None)).await.unwrap();
    let mut values: Vec<String> = listing
        .items
        .iter()
        .map(|row| row.values.values().next().unwrap().as_number().unwrap().to_string())
        .collect();
    values.sort_unstable();
    let mut all: Vec<String> = (0..1_500).map(|number| number.to_string()).collect();
    all.sort_unstable();
    assert_eq!(values, all);
    assert!(listing.skipped >= 1);
}

#[tokio::test]
async fn a_group_whose_answer_is_too_long_is_halved() {
    let server = Server::start(|request| {
        let body: serde_json::Value = serde_json::from_str(&request.body).unwrap();
        let devices = body["devices"].as_array().unwrap();
        if devices.len() > 20 {
            return json(413, r#"{"error":{"message":"too many rows"}}"#);
        }
        let rows: Vec<String> = devices
            .iter()
            .map(|device| format!(r#"{{"deviceId":{device},"timestamp":"2026-02-19T14:30:00Z","m":1}}"#))
            .collect();
        json(200, format!(r#"{{"data":[{}]}}"#, rows.join(",")))
    })
    .await;
    let query = BulkQuery {
        device_type: DeviceType::new("PumpStation"),
        devices: (0..130).map(|number| DeviceId::new(format!("P-{number}"))).collect(),
        metrics: Vec::new(),
        start: Timestamp::from_second(1_770_000_000).unwrap(),
        end: Timestamp::from_second(1_770_086_400).unwrap(),
        aggregation: None,
    };
    let rows: Vec<_> = monitor(&server).bulk_stream(query.clone()).try_concat().await.unwrap();
    let ids: Vec<_> = rows.into_iter().map(|row| row.device_id.unwrap()).collect();
    assert_eq!(ids, query.devices, "each once, in their order");
    let never = Server::start(|_| json(413, "{}")).await;
    let error = monitor(&never).bulk_stream(query).try_concat().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Refused { status: 413 });
}

#[tokio::test]
async fn the_latest_values_are_put_together_from_both_buckets() {
    let server = Server::start(|request| {
        if request.method == "GET" {
            return page(&[r#"{"deviceId":"P-1"}"#.to_owned()], request);
        }
        json(
            200,
            r#"{"data":[{"deviceId":"P-1","timestamp":"2026-02-19T15:00:00Z","b":2,"c":null},{"deviceId":"P-1","timestamp":"2026-02-19T14:00:00Z","a":1,"b":1,"c":3}]}"#,
        )
    })
    .await;
    let rows = monitor(&server).get_latest_values("PumpStation", &[]).await.unwrap();
    let value = |name: &str| rows[0].values[&name.into()].clone();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].timestamp.to_string(), "2026-02-19T15:00:00Z");
    assert_eq!([value("a"), value("b"), value("c")], [1.0, 2.0, 3.0].map(MetricValue::Number));
}
