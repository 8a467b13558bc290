//! All rows of many devices, from servers that differ in what they take and how they cut.

use std::collections::BTreeMap;

use futures_util::TryStreamExt as _;
use jiff::{SignedDuration, Timestamp};
use nightdesk::domain::{DeviceId, DeviceType, MetricValue, Reading};
use nightdesk::maximo::{Batch, BulkQuery, ErrorKind};
use serde_json::Value;

use super::monitor;
use super::server::{Reply, Request, Server, json};

fn at(minute: i64) -> Timestamp {
    "2026-02-19T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minute)
}

fn query(devices: usize) -> BulkQuery {
    BulkQuery {
        device_type: DeviceType::new("PumpStation"),
        devices: (0..devices).map(|number| DeviceId::new(format!("P-{number:03}"))).collect(),
        metrics: Vec::new(),
        start: at(0),
        end: at(24 * 60),
        aggregation: None,
    }
}

/// A row a minute, its value made of device and minute; minute 1440 belongs to the next day.
fn rows(device: &str, start: Timestamp, end: Timestamp, inclusive: bool) -> Vec<String> {
    (0..=24 * 60)
        .map(|minute| (minute, at(minute)))
        .filter(|(_, at)| *at >= start && (*at < end || (inclusive && *at == end)))
        .map(|(minute, at)| format!(r#"{{"deviceId":"{device}","timestamp":"{at}","m":{minute}}}"#))
        .collect()
}

struct Bulk {
    devices: Vec<String>,
    start: Timestamp,
    end: Timestamp,
}

fn bulk(request: &Request) -> Option<Bulk> {
    if request.method != "POST" {
        return None;
    }
    let body: Value = serde_json::from_str(&request.body).unwrap();
    let time = |name: &str| body["timeRange"][name].as_str().unwrap().parse().unwrap();
    Some(Bulk {
        devices: body["devices"]
            .as_array()
            .unwrap()
            .iter()
            .map(|id| id.as_str().unwrap().to_owned())
            .collect(),
        start: time("start"),
        end: time("end"),
    })
}

fn events(request: &Request) -> Reply {
    let device = request.target.split('/').nth(6).unwrap();
    let time = |name: &str| request.query(name).unwrap().parse().unwrap();
    let limit: usize = request.query("limit").unwrap().parse().unwrap();
    let all = rows(device, time("start"), time("end"), false);
    json(
        200,
        format!(r#"{{"data":[{}]}}"#, all.into_iter().take(limit).collect::<Vec<_>>().join(",")),
    )
}

async fn gather(server: &Server, query: BulkQuery) -> Vec<Batch> {
    monitor(server).gather(query).try_collect().await.unwrap()
}

/// Every device has every minute once, in order, devices in the order asked for.
fn check(batches: &[Batch], devices: &[DeviceId]) {
    let all: Vec<&Reading> = batches.iter().flat_map(|batch| &batch.rows).collect();
    let expected: Vec<(&DeviceId, Timestamp, MetricValue)> = devices
        .iter()
        .flat_map(|device| (0..24 * 60).map(move |minute| (device, at(minute), MetricValue::Number(minute as f64))))
        .collect();
    assert_eq!(all.len(), expected.len());
    for (row, (device, at, value)) in all.into_iter().zip(expected) {
        assert_eq!((row.device_id.as_ref(), row.timestamp), (Some(device), at));
        assert_eq!(row.values[&"m".into()], value);
    }
}

#[tokio::test]
async fn a_whole_type_comes_in_order_with_few_calls_and_an_end_that_is_counted_in_is_not_taken_twice() {
    let server = Server::start(|request| {
        let asked = bulk(request).unwrap();
        let all: Vec<String> = asked
            .devices
            .iter()
            .rev() // no order is promised
            .flat_map(|device| rows(device, asked.start, asked.end, true))
            .collect();
        json(200, format!(r#"{{"data":[{}]}}"#, all.join(",")))
    })
    .await;
    let query = query(40);
    let batches = gather(&server, query.clone()).await;
    check(&batches, &query.devices);
    assert_eq!(batches.iter().map(|batch| batch.finished).sum::<usize>(), 40);
    let calls = server.seen().len();
    assert!(calls < 25, "{calls} calls");
}

#[tokio::test]
async fn a_server_that_takes_no_large_query_or_none_at_all_gives_the_same_rows() {
    for most in [0, 2] {
        let server = Server::start(move |request| {
            let Some(asked) = bulk(request) else { return events(request) };
            if most == 0 {
                return json(404, r#"{"error":{"message":"no such path"}}"#);
            }
            if asked.devices.len() > most {
                return json(413, r#"{"error":{"message":"too many rows"}}"#);
            }
            let all: Vec<String> = asked
                .devices
                .iter()
                .flat_map(|device| rows(device, asked.start, asked.end, false))
                .collect();
            json(200, format!(r#"{{"data":[{}]}}"#, all.join(",")))
        })
        .await;
        let query = query(7);
        check(&gather(&server, query.clone()).await, &query.devices);
    }
}

#[tokio::test]
async fn an_answer_that_is_cut_in_silence_is_noticed() {
    let server = Server::start(|request| {
        let Some(asked) = bulk(request) else { return events(request) };
        let all: Vec<String> = asked
            .devices
            .iter()
            .flat_map(|device| rows(device, asked.start, asked.end, false))
            .take(1_000)
            .collect();
        json(200, format!(r#"{{"data":[{}]}}"#, all.join(",")))
    })
    .await;
    let query = query(5);
    check(&gather(&server, query.clone()).await, &query.devices);
}

#[tokio::test]
async fn devices_that_are_gone_are_named_and_the_others_are_whole() {
    // one server says so in the answer, the other refuses the whole query
    for refuses in [false, true] {
        let gone = |device: &str| device == "P-002";
        let server = Server::start(move |request| {
            let Some(asked) = bulk(request) else {
                return json(404, r#"{"error":{"message":"no such device"}}"#);
            };
            if refuses && asked.devices.iter().any(|device| gone(device)) {
                return json(404, r#"{"error":{"message":"no such device"}}"#);
            }
            let unknown: Vec<String> = asked
                .devices
                .iter()
                .filter(|device| gone(device))
                .map(|id| format!("{id:?}"))
                .collect();
            let all: Vec<String> = asked
                .devices
                .iter()
                .filter(|device| !gone(device))
                .flat_map(|device| rows(device, asked.start, asked.end, false))
                .collect();
            json(
                200,
                format!(
                    r#"{{"data":[{}],"metadata":{{"unknownDevices":[{}]}}}}"#,
                    all.join(","),
                    unknown.join(",")
                ),
            )
        })
        .await;
        let query = query(6);
        let batches = gather(&server, query.clone()).await;
        let left: Vec<DeviceId> = query.devices.iter().filter(|id| !gone(id.raw())).cloned().collect();
        check(&batches, &left);
        let named: Vec<&DeviceId> = batches.iter().flat_map(|batch| &batch.gone).collect();
        assert_eq!(named, [&DeviceId::new("P-002")]);
    }
}

#[tokio::test]
async fn a_device_at_a_high_rate_is_read_in_parts_of_the_day() {
    // a reading a second from one device: 86,400 rows in calls of some thousand
    let seconds = |start: Timestamp, end: Timestamp| {
        (start.as_second()..end.as_second())
            .map(|second| {
                format!(
                    r#"{{"deviceId":"P-000","timestamp":"{}","m":1}}"#,
                    Timestamp::from_second(second).unwrap()
                )
            })
            .collect::<Vec<_>>()
    };
    let server = Server::start(move |request| {
        let asked = bulk(request).unwrap();
        let all = seconds(asked.start, asked.end);
        if all.len() > 10_000 {
            return json(413, "{}");
        }
        json(200, format!(r#"{{"data":[{}]}}"#, all.join(",")))
    })
    .await;
    let mut counts: BTreeMap<Timestamp, usize> = BTreeMap::new();
    let batches = gather(&server, query(1)).await;
    for row in batches.iter().flat_map(|batch| &batch.rows) {
        *counts.entry(row.timestamp).or_default() += 1;
    }
    assert_eq!(counts.len(), 86_400);
    assert!(counts.values().all(|count| *count == 1));
    assert!(batches.iter().all(|batch| batch.rows.len() <= 5_500), "each batch fits into memory");
    assert_eq!(batches.iter().map(|batch| batch.finished).sum::<usize>(), 1);
}

#[tokio::test]
async fn a_server_that_fails_fails_the_reading() {
    let server = Server::start(|_| json(401, r#"{"error":{"message":"no"}}"#)).await;
    let error = monitor(&server).gather(query(3)).try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Credentials);
}
