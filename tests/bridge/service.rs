//! The process: how it begins, how it ends, and what it refuses to begin with.

use std::os::unix::net::UnixDatagram;
use std::process::Stdio;

use nightdesk::simulator::{EffectKind, Technician, message};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;

use super::support::{API_KEY, SECRET, configure, private, sign, with_server};
use crate::command::plant::{Plant, command};

const DONE: &str =
    r#"{"type":"calibration_update","deviceType":"PumpStation","deviceId":"PUMP-017","timestamp":"2026-02-19","nextDue":"2027-02-19"}"#;

/// A bridge at work.
struct Bridge {
    child: Child,
    url: String,
    client: reqwest::Client,
}

impl Bridge {
    async fn start(plant: &Plant, env: &[(&str, &str)]) -> Self {
        let config = plant.path("config.toml");
        let home = config.parent().unwrap();
        let mut child = command(home, &["--config", config.to_str().unwrap(), "bridge"])
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).await.unwrap();
        let url = line.trim().strip_prefix("ready ").unwrap_or_else(|| panic!("{line:?}")).to_owned();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let ca = reqwest::Certificate::from_pem(plant.simulator.ca_pem().as_bytes()).unwrap();
        let client = reqwest::Client::builder().tls_certs_only([ca]).https_only(true).build().unwrap();
        Self { child, url, client }
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().unwrap().try_into().unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    async fn post(&self, body: &'static str) -> (u16, String) {
        let answer = self
            .client
            .post(format!("{}/webhook/inbound", self.url))
            .header("x-webhook-signature", sign(body))
            .body(body)
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_tells_its_supervisor_serves_over_tls_and_ends_as_asked() {
    let plant = Plant::start().await;
    with_server(&plant);
    let path = plant.path("notify");
    let supervisor = UnixDatagram::bind(&path).unwrap();
    let heard = || {
        let mut bytes = [0; 512];
        let length = supervisor.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    };
    let mut bridge = Bridge::start(&plant, &[("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "600000000")]).await;
    assert!(heard().starts_with("READY=1\n"));
    assert_eq!(heard(), "WATCHDOG=1");
    let status = bridge
        .client
        .get(format!("{}/api/facility/Hall%201/status", bridge.url))
        .header("x-api-key", API_KEY)
        .send()
        .await
        .unwrap();
    assert_eq!(status.status().as_u16(), 200);
    assert_eq!(bridge.post(DONE).await, (200, r#"{"status":"processed"}"#.to_owned()));
    // its own sender delivers; this waits for that
    plant.run(&["outbox", "drain"]).await.expect(0);
    assert_eq!(plant.effects(EffectKind::UpdateMetadata).len(), 1);
    bridge.signal(Signal::TERM);
    assert_eq!(bridge.child.wait().await.unwrap().code(), Some(0));
    assert_eq!(heard(), "STOPPING=1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_survives_a_kill_and_has_its_effect_once() {
    let plant = Plant::start().await;
    with_server(&plant);
    let mut bridge = Bridge::start(&plant, &[]).await;
    assert_eq!(bridge.post(DONE).await.0, 200);
    bridge.signal(Signal::KILL);
    bridge.child.wait().await.unwrap();
    let mut bridge = Bridge::start(&plant, &[]).await;
    assert_eq!(bridge.post(DONE).await.0, 200);
    plant.run(&["outbox", "drain"]).await.expect(0);
    assert_eq!(bridge.post(DONE).await.0, 200);
    bridge.signal(Signal::INT);
    assert_eq!(bridge.child.wait().await.unwrap().code(), Some(0));
    let updated = plant.effects(EffectKind::UpdateMetadata);
    assert!(updated.len() <= 2, "a merge that was cut off may be repeated: {updated:?}");
    let rows = plant.run(&["outbox", "list", "--json"]).await.expect(0).items();
    assert_eq!(rows.len(), 1, "{rows:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_set_up_is_said_at_the_start_with_its_place() {
    let plant = Plant::start().await;
    let nothing = plant.run(&["bridge"]).await.expect(3);
    assert!(nothing.stderr.contains("nothing is switched on"), "{nothing:?}");

    configure(
        &plant,
        "[bridge]\nlisten = \"127.0.0.1:0\"\ncert_file = \"bridge.pem\"\ncert_key_file = \"bridge.key\"\ninbound_secret_env = \"INBOUND\"\n",
    );
    let missing = plant.run(&["bridge"]).await.expect(4);
    assert!(
        missing.stderr.contains("bridge.inbound_secret_env: the environment has no INBOUND"),
        "{missing:?}"
    );

    plant.edit("inbound_secret_env = \"INBOUND\"", "inbound_secret_file = \"inbound.secret\"");
    private(&plant, "inbound.secret", "short\n");
    let short = plant.run(&["bridge"]).await.expect(3);
    assert!(short.stderr.contains("line 1 has fewer than 16 bytes"), "{short:?}");

    private(&plant, "inbound.secret", "long-enough-for-a-secret\n");
    plant.edit("inbound_secret_file", "api_keys_file = \"api.keys\"\ninbound_secret_file");
    private(&plant, "api.keys", "portal\n");
    let keys = plant.run(&["bridge"]).await.expect(3);
    assert!(keys.stderr.contains("api.keys:1: is not `name:key`"), "{keys:?}");

    private(&plant, "api.keys", "portal:0123456789abcdef\n");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    plant.edit("127.0.0.1:0", &taken.local_addr().unwrap().to_string());
    let listen = plant.run(&["bridge"]).await.expect(3);
    assert!(listen.stderr.contains("cannot be listened on"), "{listen:?}");

    private(&plant, "bridge.pem", "no certificate");
    let certificate = plant.run(&["bridge"]).await.expect(3);
    assert!(certificate.stderr.contains("bridge.cert_file"), "{certificate:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_that_make_no_sense_together_are_refused_at_their_line() {
    let plant = Plant::start().await;
    configure(&plant, "[bridge]\napi_keys_file = \"api.keys\"\ninbound_mode = \"strict\"\n");
    let refused = plant.run(&["bridge"]).await.expect(3);
    for expected in [
        "bridge.api_keys_file: has no use without `listen`",
        "bridge.inbound_mode: `strict` is none of signature, standard",
    ] {
        assert!(refused.stderr.contains(expected), "{expected}: {refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_plants_technicians_tell_it_of_their_work() {
    let plant = Plant::start().await;
    with_server(&plant);
    let mut bridge = Bridge::start(&plant, &[]).await;
    let technician = |secret: &str| Technician::new(&bridge.url, plant.simulator.ca_pem(), secret).unwrap();
    let (maintained, calibrated) = (message(&plant.simulator, 0).unwrap(), message(&plant.simulator, 1).unwrap());
    assert_eq!(technician("not-the-secret-of-this-bridge").tell(&maintained).await.unwrap(), 401);
    for body in [&maintained, &calibrated, &maintained] {
        assert_eq!(technician(SECRET).tell(body).await.unwrap(), 200);
    }
    plant.run(&["outbox", "drain"]).await.expect(0);
    let bodies: Vec<String> = plant
        .effects(EffectKind::UpdateMetadata)
        .iter()
        .map(|effect| effect.body.to_string())
        .collect();
    assert_eq!(bodies.len(), 2, "{bodies:?}");
    assert!(
        bodies[0].contains("lastMaintenance") && bodies[1].contains("nextCalibration"),
        "{bodies:?}"
    );
    bridge.signal(Signal::TERM);
    assert_eq!(bridge.child.wait().await.unwrap().code(), Some(0));
}
