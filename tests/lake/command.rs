//! `nightdesk export lake` on the simulated plant, into a folder.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use nightdesk::config::{Config, Env, Locate};
use nightdesk::integration::lake;
use nightdesk::simulator::{Clock, SimulatorConfig};
use parquet::file::reader::{FileReader as _, SerializedFileReader};

use crate::command::plant::Plant;
use crate::maximo::server::{Reply, Request, Server, json};

/// The plant long after the day that is exported.
async fn plant() -> Plant {
    let (clock, _) = Clock::held_at("2026-02-21T10:00:00Z".parse::<Timestamp>().unwrap());
    Plant::start_with(SimulatorConfig {
        clock,
        devices: 40,
        second_operator: false,
        ..SimulatorConfig::default()
    })
    .await
}

#[tokio::test]
async fn the_command_answers_bucket_key_and_records_and_is_the_same_the_second_time() {
    let plant = plant().await;
    let folder = plant.path("lake");
    let to = format!("file://{}", folder.display());
    let arguments = ["export", "lake", "--type", "CoolingTower", "--date", "2026-02-19", "--to", &to];
    let first = plant.run(&[&arguments[..], &["--json"]].concat()).await.expect(0);
    let answer = first.json();
    let devices = plant
        .run(&["devices", "list", "--type", "CoolingTower", "--json"])
        .await
        .expect(0)
        .items()
        .len();
    assert_eq!(answer["bucket"], folder.to_str().unwrap());
    assert_eq!(answer["key"], "CoolingTower/2026-02-19/data.parquet");
    assert_eq!(answer["records"], devices * 1_440, "{answer}");
    assert_eq!(answer["state"], "written");
    assert_eq!(answer["columns"].as_array().unwrap().len(), 3);
    let file = std::fs::File::open(folder.join("CoolingTower/2026-02-19/data.parquet")).unwrap();
    let rows = SerializedFileReader::new(file).unwrap().metadata().file_metadata().num_rows();
    assert_eq!(rows, i64::try_from(devices * 1_440).unwrap());
    let again = plant.run(&arguments).await.expect(0);
    assert!(again.stdout.contains("unchanged") && again.stderr.is_empty(), "{again:?}");
    let hive = plant
        .run(&[&arguments[..], &["--layout", "hive", "--json"]].concat())
        .await
        .expect(0);
    assert_eq!(hive.json()["key"], "device_type=CoolingTower/date=2026-02-19/part-00000.parquet");
}

#[tokio::test]
async fn other_bytes_are_refused_with_the_remedy_and_replaced_when_asked() {
    let plant = plant().await;
    let place = plant.path("lake/Boiler/2026-02-19");
    std::fs::create_dir_all(&place).unwrap();
    std::fs::write(place.join("data.parquet"), "somebody else's").unwrap();
    let to = format!("file://{}", plant.path("lake").display());
    let arguments = ["export", "lake", "--type", "Boiler", "--date", "2026-02-19", "--to", &to];
    let refused = plant.run(&arguments).await.expect(8);
    assert!(refused.stderr.contains("--replace") && refused.stdout.is_empty(), "{refused:?}");
    assert_eq!(std::fs::read(place.join("data.parquet")).unwrap(), b"somebody else's");
    let replaced = plant.run(&[&arguments[..], &["--replace", "--json"]].concat()).await.expect(0);
    assert_eq!(replaced.json()["state"], "replaced");
    assert!(std::fs::read(place.join("data.parquet")).unwrap().starts_with(b"PAR1"));
}

#[tokio::test]
async fn what_cannot_be_done_ends_with_its_code_and_the_remedy() {
    let plant = plant().await;
    let export = |rest: &[&str]| {
        let all: Vec<String> = ["export", "lake", "--type", "Boiler"]
            .iter()
            .chain(rest)
            .map(|&text| text.to_owned())
            .collect();
        let plant = &plant;
        async move { plant.run(&all.iter().map(String::as_str).collect::<Vec<_>>()).await }
    };
    // nowhere to go
    let ran = export(&["--date", "2026-02-19"]).await.expect(2);
    assert!(ran.stderr.contains("--to is missing"), "{ran:?}");
    // no day
    export(&["--date", "2026-02-30", "--to", "file:///tmp/x"]).await.expect(2);
    let ran = export(&["--date", "2999-01-01", "--to", "file:///tmp/x"]).await.expect(2);
    assert!(ran.stderr.contains("has not begun"), "{ran:?}");
    // no place
    export(&["--date", "2026-02-19", "--to", "ftp://x/y"]).await.expect(2);
    // a bucket whose service nobody named
    let ran = export(&["--date", "2026-02-19", "--to", "s3://plant-lake"]).await.expect(3);
    assert!(ran.stderr.contains("add endpoint"), "{ran:?}");
    // a folder that is a file
    std::fs::write(plant.path("file"), "").unwrap();
    let to = format!("file://{}", plant.path("file").display());
    export(&["--date", "2026-02-19", "--to", &to]).await.expect(7);
    // a bucket that nobody answers for, and a credential that is not there
    let config = std::fs::read_to_string(plant.path("config.toml")).unwrap();
    let lake = |extra: &str| {
        let section = format!("[profiles.demo.lake]\nto = \"s3://plant-lake/x\"\nendpoint = \"https://127.0.0.1:1\"\n{extra}\n");
        std::fs::write(plant.path("config.toml"), format!("{config}\n{section}")).unwrap();
    };
    lake("access_key_env = \"LAKE_ACCESS\"\nsecret_key_env = \"LAKE_SECRET\"");
    let ran = export(&["--date", "2026-02-19"]).await.expect(4);
    assert!(ran.stderr.contains("LAKE_ACCESS"), "{ran:?}");
    lake("access_key_command = [\"echo\", \"a\"]\nsecret_key_command = [\"echo\", \"s\"]");
    let ran = export(&["--date", "2026-02-19"]).await.expect(5);
    assert!(ran.stderr.contains("s3://plant-lake/x") && ran.stdout.is_empty(), "{ran:?}");
    // an unknown type is Monitor's word
    let ran = plant
        .run(&[
            "export",
            "lake",
            "--type",
            "Nothing",
            "--date",
            "2026-02-19",
            "--to",
            "file:///tmp/x",
        ])
        .await;
    ran.expect(8);
}

#[tokio::test]
async fn the_profile_s_section_is_checked_when_it_is_read() {
    let plant = plant().await;
    let config = std::fs::read_to_string(plant.path("config.toml")).unwrap();
    for (section, word) in [
        ("to = \"s3://b/p\"", "endpoint: is missing"),
        (
            "to = \"s3://b/p\"\nendpoint = \"https://s3.example\"",
            "access_key_file: is missing",
        ),
        (
            "to = \"s3://b/p\"\nendpoint = \"https://s3.example\"\naccess_key_env = \"A\"",
            "belong together",
        ),
        (
            "to = \"s3://b/p\"\nendpoint = \"https://s3.example\"\niam_key_env = \"K\"\naccess_key_env = \"A\"\nsecret_key_env = \"S\"",
            "two ways to log in",
        ),
        ("to = \"file:///srv/lake\"\nservice_instance_id = \"x\"", "iam_key_file: is missing"),
        ("to = \"file:///srv/lake\"\niam_key = \"x\"", "iam_key"),
    ] {
        std::fs::write(plant.path("config.toml"), format!("{config}\n[profiles.demo.lake]\n{section}\n")).unwrap();
        let ran = plant.run(&["devices", "list"]).await.expect(3);
        assert!(ran.stderr.contains(word), "{section}: {ran:?}");
    }
}

#[tokio::test]
async fn the_days_of_a_zone_are_exported_where_it_is_named() {
    let plant = plant().await;
    plant.edit("time_zone = \"UTC\"", "time_zone = \"UTC\"\nday_zone = \"Asia/Tokyo\"");
    let to = format!("file://{}", plant.path("lake").display());
    let arguments = ["export", "lake", "--type", "Boiler", "--date", "2026-02-19", "--to", &to];
    plant.run(&arguments).await.expect(0);
    let file = std::fs::File::open(plant.path("lake/Boiler/2026-02-19/data.parquet")).unwrap();
    let reader = SerializedFileReader::new(file).unwrap();
    let statistics = reader.metadata().row_group(0).column(2).statistics().unwrap().clone();
    let micros = |bytes: Option<&[u8]>| i64::from_le_bytes(bytes.unwrap().try_into().unwrap());
    let hour = |micros: i64| {
        Timestamp::from_microsecond(micros)
            .unwrap()
            .to_zoned(TimeZone::UTC)
            .strftime("%dT%H")
            .to_string()
    };
    assert_eq!(hour(micros(statistics.min_bytes_opt())), "18T15");
    assert_eq!(hour(micros(statistics.max_bytes_opt())), "19T14");
}

#[test]
fn the_spool_is_where_it_is_told_to_be() {
    let env = |pairs: &[(&str, &str)]| Env::of(pairs);
    assert_eq!(
        lake::spool_dir(Some("/srv/spool".as_ref()), &env(&[("TMPDIR", "/scratch")])).to_str(),
        Some("/srv/spool")
    );
    assert_eq!(lake::spool_dir(None, &env(&[("TMPDIR", "/scratch")])).to_str(), Some("/scratch"));
}

#[test]
fn the_section_of_the_contract_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    std::fs::write(
        &path,
        "default_profile = \"p\"\n[profiles.p.monitor]\nurl = \"https://m.example\"\nkey_env = \"K\"\n\
         [profiles.p.lake]\nto = \"s3://plant-lake/monitor\"\nendpoint = \"https://s3.eu-de.cloud-object-storage.appdomain.cloud\"\n\
         iam_key_credential = \"cos\"\nservice_instance_id = \"crn:v1:bluemix:public:cloud-object-storage:global:a/1:2::\"\nlayout = \"hive\"\n",
    )
    .unwrap();
    let locate = Locate::new(
        Some(path),
        None,
        Some(dir.path().join("state")),
        Env::of(&[("HOME", "/home/x"), ("USER", "maria")]),
    );
    let config = Config::load(&locate).unwrap();
    let lake = config.profile().unwrap().lake.clone().unwrap();
    let nightdesk::config::LakeAuth::Iam {
        url, service_instance_id, ..
    } = lake.auth.unwrap()
    else {
        panic!("IAM")
    };
    assert_eq!(url.as_str(), "https://iam.cloud.ibm.com/identity/token");
    assert!(service_instance_id.unwrap().starts_with("crn:"));
}

#[tokio::test]
async fn the_bridge_s_daily_job_exports_every_type_once() {
    let plant = Plant::start_with(SimulatorConfig {
        devices: 40,
        second_operator: false,
        ..SimulatorConfig::default()
    })
    .await;
    plant.edit("device_types = [\"*\"]", "device_types = [\"Boiler\", \"CoolingTower\"]");
    let config = std::fs::read_to_string(plant.path("config.toml")).unwrap();
    let section = format!(
        "[profiles.demo.lake]\nto = \"file://{}\"\nat = \"00:00\"\n",
        plant.path("lake").display()
    );
    std::fs::write(plant.path("config.toml"), format!("{config}\n{section}")).unwrap();
    let files = || {
        let mut found = std::collections::BTreeMap::new();
        for kind in ["Boiler", "CoolingTower"] {
            for day in std::fs::read_dir(plant.path("lake").join(kind)).unwrap() {
                let file = day.unwrap().path().join("data.parquet");
                found.insert(file.clone(), std::fs::read(file).unwrap());
            }
        }
        found
    };
    let first = plant.run(&["bridge", "--once", "--json"]).await.expect(0);
    assert_eq!(first.items()[0]["job"], "lake", "{first:?}");
    assert_eq!(first.items()[0]["result"], "done", "{first:?}");
    let written = files();
    assert_eq!(written.len(), 2, "a file each of the day before");
    plant.run(&["bridge", "--once"]).await.expect(0);
    let now = files();
    assert!(
        written.iter().all(|(file, bytes)| now.get(file) == Some(bytes)),
        "what is there stays"
    );
}

/// A daily job into a folder, in a zone where it is about noon now: the day does not turn while a test runs.
fn nightly(plant: &Plant, lake: &str) {
    let hour = i64::from(Timestamp::now().to_zoned(TimeZone::UTC).hour());
    let zone = format!("Etc/GMT{:+}", hour - 12);
    plant.edit("time_zone = \"UTC\"", &format!("time_zone = \"UTC\"\nday_zone = \"{zone}\""));
    plant.edit("device_types = [\"*\"]", "device_types = [\"Boiler\"]");
    let config = std::fs::read_to_string(plant.path("config.toml")).unwrap();
    std::fs::write(
        plant.path("config.toml"),
        format!("{config}\n[profiles.demo.lake]\nat = \"00:00\"\n{lake}\n"),
    )
    .unwrap();
}

async fn small() -> Plant {
    Plant::start_with(SimulatorConfig {
        devices: 40,
        second_operator: false,
        ..SimulatorConfig::default()
    })
    .await
}

#[tokio::test]
async fn a_day_that_cannot_be_written_is_not_done_before_a_person_decided() {
    let plant = small().await;
    nightly(&plant, &format!("to = \"file://{}\"", plant.path("lake").display()));
    let ran = plant.run(&["bridge", "--once"]).await.expect(0);
    assert!(ran.stdout.contains("1 file with "), "{ran:?}");
    let [day] = std::fs::read_dir(plant.path("lake/Boiler"))
        .unwrap()
        .collect::<Vec<_>>()
        .try_into()
        .unwrap();
    let day = day.unwrap();
    let (date, file) = (day.file_name().into_string().unwrap(), day.path().join("data.parquet"));
    let right = std::fs::read(&file).unwrap();
    // somebody else's file, and a bridge that does not know of the day yet
    std::fs::write(&file, "somebody else's").unwrap();
    std::fs::remove_file(plant.path("state/bridge/lake.days.json")).unwrap();
    for _ in 0..2 {
        let ran = plant.run(&["bridge", "--once", "--json"]).await.expect(8);
        assert_eq!(ran.items()[0]["result"], "failed", "{ran:?}");
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(said.contains(&format!("Boiler/{date}/data.parquet")), "{ran:?}");
        assert!(
            said.contains(&format!("nightdesk export lake --type Boiler --date {date} --replace")),
            "{ran:?}"
        );
        assert_eq!(std::fs::read(&file).unwrap(), b"somebody else's");
    }
    plant
        .run(&["export", "lake", "--type", "Boiler", "--date", &date, "--replace"])
        .await
        .expect(0);
    assert!(std::fs::read(&file).unwrap() == right, "the same bytes as the first time");
    let ran = plant.run(&["bridge", "--once"]).await.expect(0);
    assert!(ran.stdout.contains("unchanged: 1 file there already"), "{ran:?}");
    // and now it is settled
    let ran = plant.run(&["bridge", "--once"]).await.expect(0);
    assert!(!ran.stdout.contains("unchanged"), "{ran:?}");
    // who put what there stands in the audit, with the file's own print
    let audit = plant.run(&["audit", "show", "--json"]).await.expect(0).items();
    let files: Vec<&serde_json::Value> = audit.iter().filter(|entry| entry["what"] == "lake-file").collect();
    let [written, replaced, unchanged] = files[..] else {
        panic!("{audit:#?}")
    };
    let print: String = sha2::Digest::finalize(sha2::Digest::chain_update(<sha2::Sha256 as sha2::Digest>::new(), &right))
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    for (entry, how) in [
        (written, "written"),
        (replaced, "written in place of another"),
        (unchanged, "there already with the same bytes"),
    ] {
        let detail = entry["detail"].as_str().unwrap();
        assert!(detail.starts_with(&format!("Boiler on {date}: ")), "{detail}");
        assert!(detail.contains(&print) && detail.ends_with(how), "{detail}");
        assert!(
            entry["object"].as_str().unwrap().ends_with(&format!("/Boiler/{date}/data.parquet")),
            "{entry}"
        );
    }
    plant.run(&["audit", "verify"]).await.expect(0);
}

#[tokio::test]
async fn every_call_of_the_store_and_of_its_tokens_is_in_the_usage_log() {
    let plant = small().await;
    let store = Server::start(|request: &Request| match request.method.as_str() {
        "POST" => json(200, r#"{"access_token":"a-token-that-nobody-logs","expires_in":3600}"#),
        "HEAD" => Reply::Whole(404, Vec::new(), Vec::new()),
        _ => Reply::Whole(200, vec![("etag", "\"1\"".into())], Vec::new()),
    })
    .await;
    std::fs::write(plant.path("lake-ca.pem"), &store.ca_pem).unwrap();
    nightly(
        &plant,
        &format!(
            "to = \"s3://plant-lake/x\"\nendpoint = \"{0}\"\nca_file = \"lake-ca.pem\"\niam_url = \"{0}identity/token\"\niam_key_command = [\"echo\", \"an-api-key\"]",
            store.url
        ),
    );
    plant.run(&["bridge", "--once"]).await.expect(0);
    let log = std::fs::read_to_string(plant.path("state/usage.jsonl")).unwrap();
    let calls: Vec<(String, u64, String)> = log
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|call| call["service"] == "lake")
        .map(|call| {
            assert!(call["millis"].is_u64() && call["operator"].is_string(), "{call}");
            (
                call["operation"].as_str().unwrap().to_owned(),
                call["status"].as_u64().unwrap(),
                call["outcome"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    let ok = |operation: &str, status: u64| (operation.to_owned(), status, "ok".to_owned());
    assert_eq!(calls, [ok("iamToken", 200), ok("headObject", 404), ok("putObject", 200)]);
    assert!(!log.contains("a-token-that-nobody-logs") && !log.contains("an-api-key"));
    let audit = plant.run(&["audit", "show", "--json"]).await.expect(0).items();
    let entry = audit.iter().find(|entry| entry["what"] == "lake-file").unwrap();
    assert!(
        entry["object"].as_str().unwrap().starts_with("lake/plant-lake/x/Boiler/"),
        "{entry}"
    );
}
