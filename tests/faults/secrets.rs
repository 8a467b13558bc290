//! Row 26: every secret is a canary. After a shift full of errors it is in no log, no database, no output, no argument list.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use nightdesk::config::{CredentialSource, Env, Erp, ErpMethod};
use nightdesk::domain::{Intent, OutboxId, Service, Target};
use nightdesk::integration::erp::Reports;
use nightdesk::integration::webhook::{Definition, Disabled, Hooks};
use nightdesk::integration::{Door, FolderStore, Parts};
use nightdesk::maximo::{Auth, Caller, Endpoint, Limits, ManageClient, ManagePaths, MonitorClient, Telemetry};
use nightdesk::outbox::Shipment;
use nightdesk::simulator::{EffectKind, FaultAction, FaultRule, Operation, When};
use secrecy::SecretString;

use super::site::{Site, acknowledge, plant};
use crate::command::plant::{Plant, Ran};
use crate::maximo::server::{Reply, Request, Server};

/// The bytes of every file below a folder, with its name.
pub fn everything(folder: &Path, into: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            everything(&path, into);
        } else {
            into.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
}

fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let groups = bytes.chunks(3).map(|chunk| {
        let word = chunk
            .iter()
            .chain([0, 0].iter())
            .take(3)
            .fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
        let sign = |shift: u32| char::from(SIGNS[(word >> shift & 63) as usize]);
        [sign(18), sign(12), sign(6), sign(0)]
            .iter()
            .take(chunk.len() + 1)
            .collect::<String>()
    });
    groups.collect()
}

/// A secret as it is, in hexadecimal and in base64 (but for its last group, which depends on what follows).
fn spellings(secret: &str) -> Vec<String> {
    let hex = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let base64 = base64(&secret.as_bytes()[..secret.len() / 3 * 3]);
    vec![secret.to_owned(), hex, base64]
}

pub fn holds(bytes: &[u8], word: &str) -> bool {
    bytes.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
}

pub struct Canaries(Vec<String>);

impl Canaries {
    pub fn of(plant: &Plant) -> Self {
        let simulator = &plant.simulator;
        let secrets = [simulator.monitor_key(), simulator.manage_key(), simulator.client_secret()];
        Self(secrets.iter().flat_map(|secret| spellings(secret)).collect())
    }

    pub fn nowhere_in(&self, places: &[(String, Vec<u8>)]) {
        assert!(places.iter().any(|(_, bytes)| !bytes.is_empty()));
        for (place, bytes) in places {
            for word in self.0.iter().map(String::as_str).chain(["Bearer ", "ApiKey "]) {
                assert!(
                    !holds(bytes, word),
                    "`{word}` stands in {place}: {}",
                    String::from_utf8_lossy(bytes)
                );
            }
        }
    }
}

/// The search finds what it looks for.
#[test]
fn row_26_the_search_itself_works() {
    assert_eq!(base64(b"canary-1"), "Y2FuYXJ5LTE");
    for word in spellings("canary") {
        assert!(holds(format!("xx{word}yy").as_bytes(), &word));
    }
    assert!(!holds(b"cannery", "canary"));
}

/// Every read and write once, well and badly, as loudly as it can be asked.
async fn shift(plant: &Plant) -> Vec<Ran> {
    let mut all = Vec::new();
    let run = async |all: &mut Vec<Ran>, arguments: &[&str]| {
        let loud = [&["-vv"][..], arguments].concat();
        all.push(plant.run(&loud).await);
    };
    let new = plant.alerts("new");
    for arguments in [
        &["alerts", "list", "--json"][..],
        &["devices", "list", "--json"],
        &["workorders", "list", "--json"],
        &["doctor", "--json"],
        &["alerts", "ack", &new[0], "--note", "looking"],
        &["workorders", "create", "--alert", &new[0]],
    ] {
        run(&mut all, arguments).await;
    }
    assert!(all.iter().all(|ran| ran.code == 0), "{all:#?}");
    // servers that repeat the credential they refuse, in every way they can; each knows its own
    let simulator = &plant.simulator;
    const MANAGE: [Operation; 3] = [Operation::FindWorkOrders, Operation::CreateWorkOrder, Operation::FindAsset];
    type Echo = fn(&str) -> String;
    let echoes: [(u16, Echo); 6] = [
        (401, |key| format!(r#"{{"error":{{"message":"unknown key: {key}"}}}}"#)),
        (403, |key| {
            format!(r#"{{"error":{{"message":"no right for {key}","code":"{key}"}}}}"#)
        }),
        (400, str::to_owned),
        (500, |key| format!("<html>{key}</html>")),
        (200, |key| format!("<html>{key}</html>")),
        (429, |key| format!("{key}{key}")),
    ];
    for (index, (status, echo)) in echoes.into_iter().enumerate() {
        let rule = |operations: &[Operation], key: &str| {
            let action = FaultAction::Replace {
                status,
                content_type: "application/json".into(),
                body: echo(key).into_bytes(),
                when: When::Before,
            };
            FaultRule::on(operations.to_vec(), action)
        };
        // the first rule that fires counts: the last one is for Monitor's operations
        simulator.set_faults(vec![
            rule(&MANAGE, simulator.manage_key()),
            rule(&[Operation::Token], simulator.client_secret()),
            rule(&[], simulator.monitor_key()),
        ]);
        let id = &new[index + 1];
        run(&mut all, &["alerts", "list"]).await;
        run(&mut all, &["workorders", "list", "--json"]).await;
        run(&mut all, &["alerts", "ack", id, "--timeout", "1s"]).await;
    }
    assert!(all[6..].iter().all(|ran| ran.code != 0 && ran.code != 1), "{all:#?}");
    run(&mut all, &["outbox", "list", "--json"]).await;
    run(&mut all, &["outbox", "list"]).await;
    run(&mut all, &["audit", "show", "--json"]).await;
    run(&mut all, &["audit", "verify"]).await;
    simulator.set_faults(Vec::new());
    all
}

fn places(plant: &Plant, ran: Vec<Ran>) -> Vec<(String, Vec<u8>)> {
    let mut places = Vec::new();
    everything(&plant.path("state"), &mut places);
    for name in ["usage.jsonl", "outbox"] {
        assert!(
            places.iter().any(|(path, _)| path.contains(name)),
            "there is no {name}: the test looks in the wrong place"
        );
    }
    for (index, ran) in ran.into_iter().enumerate() {
        places.push((format!("stdout of {index}"), ran.stdout.into_bytes()));
        places.push((format!("stderr of {index}"), ran.stderr.into_bytes()));
    }
    places
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_26_keys_from_files_are_in_no_file_and_no_output_after_a_shift_with_errors() {
    let plant = Plant::start().await;
    let ran = shift(&plant).await;
    Canaries::of(&plant).nowhere_in(&places(&plant, ran));
    assert_eq!(plant.effects(EffectKind::Acknowledge).len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_26_oauth_secrets_and_keys_from_commands_are_in_no_output_and_no_argument_list() {
    let plant = Plant::start().await;
    // the program that fetches the key writes down the argument lists of itself and of who started it
    let script = plant.path("vault");
    let seen = plant.path("arguments");
    let text = format!(
        "#!/bin/sh\ncat /proc/$PPID/cmdline /proc/$$/cmdline >> '{}'\nexec cat '{}'\n",
        seen.display(),
        plant.path("manage.key").display()
    );
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
    plant.edit("key_file = \"manage.key\"", &format!("key_command = [\"{}\"]", script.display()));
    let secret_file = "auth = \"oauth2\"\ntoken_url = \"TOKEN\"\nclient_id = \"CLIENT\"\nclient_secret_file = \"client.secret\"";
    let secret_file = secret_file
        .replace("TOKEN", &plant.simulator.token_url())
        .replace("CLIENT", plant.simulator.client_id());
    plant.edit("auth = \"api-key\"\nkey_file = \"monitor.key\"", &secret_file);
    let ran = shift(&plant).await;
    let mut places = places(&plant, ran);
    let arguments = std::fs::read(&seen).unwrap();
    assert!(holds(&arguments, "nightdesk") && holds(&arguments, "vault"));
    places.push(("argument lists".into(), arguments));
    Canaries::of(&plant).nowhere_in(&places);
}

#[tokio::test]
async fn row_26_no_debug_text_of_what_holds_a_secret_shows_it() {
    const CANARY: &str = "canary-5d1f-debug";
    let mut site = Site::start(plant(5)).await;
    let auths = [
        Auth::ApiKey(CANARY.into()),
        Auth::ManageKey(CANARY.into()),
        Auth::OAuth2 {
            token_url: site.simulator.token_url().parse().unwrap(),
            client_id: "nightdesk".into(),
            client_secret: CANARY.into(),
            scope: String::new(),
        },
    ];
    let env = Env::of(&[("MONITOR_KEY", CANARY)]);
    let source = CredentialSource::Env {
        label: "profiles.p.monitor.key".into(),
        variable: "MONITOR_KEY".into(),
    };
    let read = source.read(&env).await.unwrap();
    let mut all = format!("{env:?} {source:?} {read:?} {:?}", SecretString::from(CANARY));
    for auth in auths {
        let endpoint = Endpoint {
            service: Service::Monitor,
            base: site.simulator.url().parse().unwrap(),
            ca_pem: Some(site.simulator.ca_pem().as_bytes().to_vec()),
            auth: auth.clone(),
            limits: Limits::default(),
        };
        let monitor = MonitorClient::new(endpoint.clone(), site.telemetry.clone()).unwrap();
        let manage = ManageClient::new(endpoint.clone(), ManagePaths::default(), site.telemetry.clone()).unwrap();
        let gateway = nightdesk::maximo::Gateway {
            monitor: monitor.clone(),
            manage: Some(manage.clone()),
        };
        let error = monitor.alert(&site.new_alerts()[0]).await.unwrap_err();
        all = format!(
            "{all} {auth:?} {endpoint:#?} {monitor:?} {manage:?} {gateway:?} {error:?} {error} {:?}",
            site.telemetry
        );
    }
    let gateway = site.gateway();
    site.send_with(gateway, super::site::policy());
    let id = site.submit(acknowledge(&site.new_alerts()[0])).await.id;
    all = format!("{all} {:?} {:?}", site.settled(&[id]).await, site.outbox);
    all = format!(
        "{all} {:?} {}",
        site.telemetry.calls(),
        serde_json::to_string(&site.telemetry.calls()).unwrap()
    );
    for secret in [CANARY, site.simulator.monitor_key(), site.simulator.manage_key()] {
        for word in spellings(secret) {
            assert!(!holds(all.as_bytes(), &word), "{word} in {all}");
        }
    }
    assert!(
        site.simulator.traffic().requests.contains_key(Operation::Token.name()),
        "no token was asked for"
    );
}

/// A receiver that repeats whatever it was given, with one status after the other.
async fn parrot() -> Server {
    const STATUSES: [u16; 8] = [401, 403, 400, 500, 429, 404, 410, 200];
    let asked = std::sync::atomic::AtomicUsize::new(0);
    Server::start(move |request: &Request| {
        let number = asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let headers: Vec<String> = request.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let text = format!("{} {} {}", request.target, headers.join(" "), request.body);
        let body = match number / STATUSES.len() % 3 {
            0 => serde_json::json!({ "error": { "message": text, "code": request.header("authorization") } }).to_string(),
            1 => serde_json::json!({ "result": [{ "number": text, "correlation_id": "night-1" }] }).to_string(),
            _ => format!("<html>{text}</html>"),
        };
        Reply::Whole(STATUSES[number % STATUSES.len()], vec![], body.into_bytes())
    })
    .await
}

#[tokio::test]
async fn row_26_what_an_erp_or_a_webhook_repeats_of_its_secret_goes_no_further() {
    const ERP: &str = "canary-erp-61c0";
    const TOKEN: &str = "canary-token-9e2f";
    const PATH: &str = "canary-path-77aa";
    const SIGNING: &str = "canary-signing-0d41";
    let folder = tempfile::tempdir().unwrap();
    let telemetry = Telemetry::new(Caller::default());
    let erp = parrot().await;
    let ca_file = folder.path().join("erp.pem");
    std::fs::write(&ca_file, &erp.ca_pem).unwrap();
    let settings = Erp {
        url: erp.url.join("reports").unwrap(),
        ca_file: Some(ca_file),
        key: CredentialSource::Env {
            label: "profiles.p.erp.key".into(),
            variable: "ERP_KEY".into(),
        },
        method: ErpMethod::Put,
        lines: Vec::new(),
        at: jiff::civil::time(6, 0, 0, 0),
        monitor_key: None,
    };
    let env = Env::of(&[("ERP_KEY", ERP)]);
    let reports = Reports::open(&settings, &env, Limits::default(), &telemetry).await.unwrap();

    let receiver = parrot().await;
    std::fs::write(folder.path().join("hook.pem"), &receiver.ca_pem).unwrap();
    let text = serde_json::json!({ "webhook": {
        "name": "parrot", "url": format!("{}hook/${{HOOK_PATH}}", receiver.url), "caFile": "hook.pem",
        "headers": { "Authorization": "Bearer ${HOOK_TOKEN}" }, "signingSecret": "${HOOK_SIGNING}",
        "trigger": { "type": "alert" }, "payload": { "correlation_id": "night-1" }, "correlationId": true,
    } });
    let look_up = |name: &str| match name {
        "HOOK_TOKEN" => Ok(SecretString::from(TOKEN)),
        "HOOK_PATH" => Ok(PATH.into()),
        _ => Ok(SIGNING.into()),
    };
    let definition = Definition::parse(&text.to_string(), &folder.path().join("hook.json"), &look_up).unwrap();
    let door = Door::of(&["127.0.0.0/8".to_owned()]).unwrap();
    let store = Arc::new(FolderStore::open(&folder.path().join("store")).unwrap());
    let hooks = Hooks::new(
        vec![definition],
        &door,
        Limits::default(),
        &telemetry,
        (Disabled::new(store), Parts::default(), env.clone()),
    )
    .unwrap();

    let shipment = |intent: Intent, origin: &Server| Shipment {
        id: OutboxId(1),
        target: Target {
            service: intent.service(),
            profile: "p".into(),
            origin: origin.url.origin().ascii_serialization(),
        },
        body: b"{}".to_vec(),
        intent,
        attempt: 1,
        tries: 1,
        first_sent_at: None,
        may_have_arrived: false,
    };
    let report = Intent::ReportProduction {
        line: "LINE-1".into(),
        date: "2026-02-18".into(),
        revision: 0,
        report: serde_json::Map::new(),
    };
    let call = Intent::CallWebhook {
        webhook: "parrot".into(),
        message: "msg_1".into(),
        alert: None,
        payload: serde_json::json!({ "correlation_id": "night-1" }),
    };
    let (report, call) = (shipment(report, &erp), shipment(call, &receiver));
    let mut all = format!("{reports:?} {hooks:?}");
    for _ in 0..24 {
        hooks.switch_on("parrot").unwrap();
        all = format!(
            "{all} {:?} {:?} {:?}",
            reports.send(&report).await,
            hooks.send(&call).await,
            hooks.verify(&call).await
        );
    }
    all = format!("{all} {}", serde_json::to_string(&telemetry.calls()).unwrap());
    let mut places = vec![("outcomes".to_owned(), all.clone().into_bytes())];
    everything(&folder.path().join("store"), &mut places);
    for (place, bytes) in places {
        for secret in [ERP, TOKEN, PATH, SIGNING] {
            assert!(!holds(&bytes, secret), "{secret} in {place}: {}", String::from_utf8_lossy(&bytes));
        }
    }
    // the servers did know them, and did say what was blotted out
    let knew = |server: &Server, word: &str| server.seen().iter().any(|request| format!("{request:?}").contains(word));
    assert!(knew(&erp, ERP) && knew(&receiver, TOKEN) && knew(&receiver, PATH));
    assert!(all.contains("[credential]"), "{all}");
}
