//! A day in the lake: what is in the file, and what becomes of one that is there already.

mod command;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use jiff::civil::date;
use jiff::tz::TimeZone;
use nightdesk::config::LakeLayout;
use nightdesk::integration::lake::{Day, Exported, Kind, Order, Place, Progress, State, export};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;

use crate::maximo::monitor;
use crate::maximo::server::{Request, Server, json};

const KEY: &str = "PumpStation/2026-02-19/data.parquet";

/// Rows as the server has them: device, hour, metric, JSON value.
type Plant = Vec<(&'static str, i64, &'static str, &'static str)>;

fn at(hour: i64) -> Timestamp {
    "2026-02-19T00:00:00Z".parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_hours(hour)
}

/// Monitor with these rows; the devices of the list, and those that the query no longer knows.
async fn server(plant: Plant, listed: &'static [&'static str], gone: &'static [&'static str]) -> Server {
    Server::start(move |request: &Request| {
        if request.method == "GET" {
            if request.target.contains("/events") {
                return json(404, "{}");
            }
            let devices: Vec<String> = listed.iter().map(|id| format!(r#"{{"deviceId":"{id}"}}"#)).collect();
            let offset: usize = request.query("offset").unwrap().parse().unwrap();
            let shown = if offset == 0 { devices.join(",") } else { String::new() };
            return json(200, format!(r#"{{"results":[{shown}],"totalCount":{}}}"#, devices.len()));
        }
        let body: serde_json::Value = serde_json::from_str(&request.body).unwrap();
        let asked: Vec<&str> = body["devices"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
        let time = |name: &str| body["timeRange"][name].as_str().unwrap().parse::<Timestamp>().unwrap();
        let mut rows: BTreeMap<(&str, i64), Vec<String>> = BTreeMap::new();
        for (device, hour, metric, value) in &plant {
            if asked.contains(device) && !gone.contains(device) && (time("start")..time("end")).contains(&at(*hour)) {
                rows.entry((*device, *hour)).or_default().push(format!("\"{metric}\":{value}"));
            }
        }
        let rows: Vec<String> = rows
            .into_iter()
            .map(|((device, hour), values)| format!(r#"{{"deviceId":"{device}","timestamp":"{}",{}}}"#, at(hour), values.join(",")))
            .collect();
        let unknown: Vec<String> = asked.iter().filter(|id| gone.contains(id)).map(|id| format!("{id:?}")).collect();
        json(
            200,
            format!(
                r#"{{"data":[{}],"metadata":{{"unknownDevices":[{}]}}}}"#,
                rows.join(","),
                unknown.join(",")
            ),
        )
    })
    .await
}

fn order(dir: &tempfile::TempDir) -> Order {
    Order {
        device_type: "PumpStation".into(),
        day: Day {
            date: date(2026, 2, 19),
            zone: TimeZone::UTC,
        },
        layout: LakeLayout::Flat,
        replace: false,
        spool_dir: dir.path().to_owned(),
        now: at(48),
    }
}

/// A lake in memory; objects above `single_put` bytes go through a name of their own.
fn lake(single_put: u64) -> (Place, Arc<InMemory>) {
    let store = Arc::new(InMemory::new());
    (Place::of(store.clone(), "plant-lake", single_put), store)
}

async fn run(server: &Server, place: &Place, order: &Order) -> Exported {
    export(&monitor(server), place, order, &|_| {}).await.unwrap()
}

async fn objects(store: &InMemory) -> Vec<(String, Bytes)> {
    use futures_util::TryStreamExt as _;
    let listed: Vec<_> = store.list(None).try_collect().await.unwrap();
    let mut all = Vec::new();
    for one in listed {
        let bytes = store.get(&one.location).await.unwrap().bytes().await.unwrap();
        all.push((one.location.to_string(), bytes));
    }
    all.sort();
    all
}

/// Each row's columns by name, as the Parquet library of another room of the world would show them.
fn table(bytes: Bytes) -> Vec<BTreeMap<String, Field>> {
    let reader = SerializedFileReader::new(bytes).unwrap();
    reader
        .get_row_iter(None)
        .unwrap()
        .map(|row| {
            row.unwrap()
                .get_column_iter()
                .map(|(name, field)| (name.clone(), field.clone()))
                .collect()
        })
        .collect()
}

#[tokio::test]
async fn all_devices_and_metrics_of_the_day_stand_in_typed_columns_and_what_was_mixed_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let plant: Plant = vec![
        ("P-2", 5, "flow", "118.25"),
        ("P-1", 0, "flow", "117"),
        ("P-1", 0, "running", "true"),
        ("P-1", 23, "mode", "\"auto\""),
        ("P-2", 6, "mode", "3"),
        ("P-2", 6, "flow", "null"),
        ("P-1", 24, "flow", "999"), // the next day's
        ("P-1", -1, "flow", "998"), // the day before
    ];
    let server = server(plant, &["P-2", "P-1", "P-3"], &[]).await;
    let (place, store) = lake(u64::MAX);
    let exported = run(&server, &place, &order(&dir)).await;
    assert_eq!(
        (
            exported.state,
            exported.records,
            exported.devices,
            exported.key.as_deref(),
            exported.bucket.as_str()
        ),
        (State::Written, 4, 3, Some(KEY), "plant-lake")
    );
    assert!(exported.complete);
    let kinds: Vec<(&str, Kind)> = exported.columns.iter().map(|column| (column.name.as_str(), column.kind)).collect();
    assert_eq!(kinds, [("flow", Kind::Double), ("mode", Kind::String), ("running", Kind::Boolean)]);
    let remarks = exported.remarks().join("\n");
    assert!(
        remarks.contains("column mode") && remarks.contains("1 numbers, 1 texts"),
        "{remarks}"
    );

    let [(name, bytes)] = &objects(&store).await[..] else {
        panic!("one object")
    };
    assert_eq!(name, KEY);
    let text = |text: &str| Field::Str(text.to_owned());
    let micros = |hour: i64| Field::TimestampMicros(at(hour).as_microsecond());
    let row = |device: &str, hour: i64, flow: Field, mode: Field, running: Field| {
        BTreeMap::from([
            ("device_id".to_owned(), text(device)),
            ("device_type".to_owned(), text("PumpStation")),
            ("timestamp".to_owned(), micros(hour)),
            ("flow".to_owned(), flow),
            ("mode".to_owned(), mode),
            ("running".to_owned(), running),
        ])
    };
    use Field::{Bool, Double, Null};
    assert_eq!(
        table(bytes.clone()),
        [
            row("P-1", 0, Double(117.0), Null, Bool(true)),
            row("P-1", 23, Null, text("auto"), Null),
            row("P-2", 5, Double(118.25), Null, Null),
            row("P-2", 6, Null, text("3"), Null),
        ]
    );
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "the spool leaves nothing");
}

#[tokio::test]
async fn whole_numbers_keep_their_digits_where_a_column_can_hold_them_and_what_is_rounded_is_said_once() {
    let dir = tempfile::tempdir().unwrap();
    let plant: Plant = vec![
        ("P-1", 1, "counter", "9007199254740993"),
        ("P-1", 2, "counter", "7"),
        ("P-1", 3, "counter", "-9223372036854775808"),
        ("P-1", 4, "counter", "9007199254740992"),
        ("P-1", 1, "mixed", "9007199254740993"),
        ("P-1", 2, "mixed", "0.5"),
        ("P-1", 1, "beyond", "9223372036854775807"),
        ("P-1", 2, "beyond", "18446744073709551615"),
        ("P-1", 3, "beyond", "18446744073709551613"),
        ("P-1", 1, "label", "9007199254740993"),
        ("P-1", 2, "label", "\"none\""),
        ("P-1", 1, "plain", "4"),
    ];
    let server = server(plant, &["P-1"], &[]).await;
    let (place, store) = lake(u64::MAX);
    let exported = run(&server, &place, &order(&dir)).await;
    let kinds: Vec<(&str, Kind, u64)> = exported
        .columns
        .iter()
        .map(|column| (column.name.as_str(), column.kind, column.rounded))
        .collect();
    assert_eq!(
        kinds,
        [
            ("beyond", Kind::Double, 3),
            ("counter", Kind::Int64, 0),
            ("label", Kind::String, 0),
            ("mixed", Kind::Double, 1),
            ("plain", Kind::Double, 0),
        ]
    );
    let remarks = exported.remarks();
    for (column, words) in [
        ("beyond", "3 whole numbers beyond 2^53, 2 beyond 64 bits"),
        ("beyond", "3 whole numbers have more digits"),
        ("mixed", "1 whole numbers beyond 2^53, 1 fractions), so all of them are DOUBLE"),
        ("mixed", "1 whole numbers have more digits"),
        ("label", "so all of them are text"),
    ] {
        let said = remarks
            .iter()
            .filter(|remark| remark.starts_with(&format!("column {column}:")) && remark.contains(words));
        assert_eq!(said.count(), 1, "{column}, {words}: {remarks:#?}");
    }
    assert!(
        !remarks.iter().any(|remark| remark.contains("counter") || remark.contains("plain")),
        "{remarks:#?}"
    );
    let (_, bytes) = objects(&store).await.remove(0);
    let rows = table(bytes);
    let column = |name: &str| -> Vec<Field> { rows.iter().map(|row| row[name].clone()).collect() };
    use Field::{Double, Long, Null};
    assert_eq!(
        column("counter"),
        [Long(9_007_199_254_740_993), Long(7), Long(i64::MIN), Long(9_007_199_254_740_992)]
    );
    assert_eq!(column("mixed"), [Double(9_007_199_254_740_992.0), Double(0.5), Null, Null]);
    assert_eq!(
        column("label"),
        [Field::Str("9007199254740993".into()), Field::Str("none".into()), Null, Null]
    );
    assert_eq!(column("plain"), [Double(4.0), Null, Null, Null]);
}

#[tokio::test]
async fn the_file_says_how_it_is_packed_and_what_it_holds() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(vec![("P-1", 1, "flow", "2"), ("P-1", 2, "flow", "7")], &["P-1"], &[]).await;
    let (place, store) = lake(u64::MAX);
    run(&server, &place, &order(&dir)).await;
    let (_, bytes) = objects(&store).await.remove(0);
    let reader = SerializedFileReader::new(bytes).unwrap();
    let group = reader.metadata().row_group(0);
    for column in group.columns() {
        assert!(matches!(column.compression(), parquet::basic::Compression::ZSTD(_)));
        let statistics = column.statistics().unwrap();
        assert!(
            statistics.min_bytes_opt().is_some() && statistics.max_bytes_opt().is_some(),
            "{}",
            column.column_path()
        );
    }
    let sorted: Vec<i32> = group.sorting_columns().unwrap().iter().map(|column| column.column_idx).collect();
    assert_eq!(sorted, [0, 2], "by device, then by time");
}

#[tokio::test]
async fn an_empty_day_writes_nothing_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(vec![("P-1", 30, "flow", "2")], &["P-1"], &[]).await;
    let (place, store) = lake(u64::MAX);
    let exported = run(&server, &place, &order(&dir)).await;
    assert_eq!((exported.state, exported.records, exported.key.clone()), (State::Empty, 0, None));
    assert!(exported.sentence().contains("nothing was written"), "{}", exported.sentence());
    assert!(objects(&store).await.is_empty());
}

#[tokio::test]
async fn a_device_that_vanishes_in_the_middle_is_said_and_costs_only_itself() {
    let dir = tempfile::tempdir().unwrap();
    let plant: Plant = vec![("P-1", 1, "flow", "2"), ("P-2", 1, "flow", "3"), ("P-3", 1, "flow", "4")];
    let server = server(plant, &["P-1", "P-2", "P-3"], &["P-2"]).await;
    let (place, store) = lake(u64::MAX);
    let exported = run(&server, &place, &order(&dir)).await;
    assert_eq!((exported.state, exported.records), (State::Written, 2));
    assert_eq!(exported.vanished, ["P-2".into()]);
    assert!(
        exported.remarks().iter().any(|remark| remark.contains("P-2")),
        "{:?}",
        exported.remarks()
    );
    assert_eq!(objects(&store).await.len(), 1);
}

#[tokio::test]
async fn what_is_there_is_compared_and_only_replaced_when_asked_by_either_way_of_writing() {
    // in one call, and through a name of its own
    for single_put in [u64::MAX, 10] {
        let dir = tempfile::tempdir().unwrap();
        let (place, store) = lake(single_put);
        let first = server(vec![("P-1", 1, "flow", "2")], &["P-1"], &[]).await;
        let other = server(vec![("P-1", 1, "flow", "3")], &["P-1"], &[]).await;
        let states = [
            run(&first, &place, &order(&dir)).await.state,
            run(&first, &place, &order(&dir)).await.state,
            run(&other, &place, &order(&dir)).await.state,
        ];
        assert_eq!(states, [State::Written, State::Unchanged, State::Different]);
        let [(name, kept)] = &objects(&store).await[..] else {
            panic!("one object")
        };
        assert_eq!(name, KEY);
        assert_eq!(table(kept.clone())[0]["flow"], Field::Double(2.0), "it stays as it was");
        let replacing = Order {
            replace: true,
            ..order(&dir)
        };
        assert_eq!(run(&other, &place, &replacing).await.state, State::Replaced);
        assert_eq!(run(&other, &place, &replacing).await.state, State::Unchanged);
        let [(_, bytes)] = &objects(&store).await[..] else {
            panic!("no part of an upload stays")
        };
        assert_eq!(table(bytes.clone())[0]["flow"], Field::Double(3.0));
    }
}

#[tokio::test]
async fn two_at_once_write_the_day_once() {
    for single_put in [u64::MAX, 10] {
        let dir = tempfile::tempdir().unwrap();
        let (place, store) = lake(single_put);
        let server = server(vec![("P-1", 1, "flow", "2"), ("P-2", 1, "flow", "2")], &["P-1", "P-2"], &[]).await;
        let order = order(&dir);
        let (one, two) = tokio::join!(run(&server, &place, &order), run(&server, &place, &order));
        for exported in [one, two] {
            assert!(matches!(exported.state, State::Written | State::Unchanged), "{exported:?}");
        }
        assert_eq!(objects(&store).await.len(), 1);
    }
}

#[tokio::test]
async fn an_upload_that_was_cut_off_is_finished_by_the_next_run() {
    let dir = tempfile::tempdir().unwrap();
    let (place, store) = lake(10);
    let server = server(vec![("P-1", 1, "flow", "2")], &["P-1"], &[]).await;
    run(&server, &place, &order(&dir)).await;
    let (_, bytes) = objects(&store).await.remove(0);
    // as after a kill between upload and copy: the part is there, the object is not
    use sha2::Digest as _;
    let name: String = sha2::Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    store.delete(&Path::from(KEY)).await.unwrap();
    store
        .put(&Path::from(format!("_nightdesk_uploads/{name}.part")), "half".into())
        .await
        .unwrap();
    assert_eq!(run(&server, &place, &order(&dir)).await.state, State::Written);
    assert_eq!(objects(&store).await, [(KEY.to_owned(), bytes)]);
}

#[tokio::test]
async fn a_day_that_is_not_over_is_said_and_progress_is_shown() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(vec![("P-1", 1, "flow", "2")], &["P-1"], &[]).await;
    let (place, _) = lake(u64::MAX);
    let seen = std::sync::Mutex::new(Vec::new());
    let today = Order { now: at(5), ..order(&dir) };
    let exported = export(&monitor(&server), &place, &today, &|progress| seen.lock().unwrap().push(progress))
        .await
        .unwrap();
    assert!(!exported.complete);
    assert!(exported.remarks().iter().any(|remark| remark.contains("not over")));
    let last = *seen.lock().unwrap().last().unwrap();
    assert_eq!(
        last,
        Progress {
            devices: 1,
            of: 1,
            records: 1,
            writing: true
        }
    );
}
