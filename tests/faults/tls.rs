//! Row 14: a server that cannot be trusted. Nothing is sent to it, what was queued stays queued, and everyone says why.

use std::sync::{Arc, Mutex};

use nightdesk::domain::{IntentState, Service};
use nightdesk::maximo::{ErrorKind, Limits};
use nightdesk::model::{FaultKind, LinkState, Report};
use nightdesk::outbox::RowFilter;
use nightdesk::simulator::{CertificateKind, EffectKind, Simulator, SimulatorConfig};
use nightdesk::worker::{Plan, Site as Readings, Worker};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::site::{Site, acknowledge, all_delivered, create, plant, policy};
use crate::command::plant::Plant;

/// A server that is not what it should be, and every byte that it was told.
struct Impostor {
    address: String,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Impostor {
    /// Answers the first bytes of each connection with these.
    async fn start(answer: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&heard);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (answer, log) = (answer.clone(), Arc::clone(&log));
                tokio::spawn(async move {
                    let mut buffer = [0; 4096];
                    let mut answered = false;
                    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
                        log.lock().unwrap().extend(&buffer[..count]);
                        if !std::mem::replace(&mut answered, true) && stream.write_all(&answer).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { address, heard }
    }

    /// A web server without TLS.
    async fn plain_http() -> Self {
        Self::start(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_vec()).await
    }

    /// Speaks TLS 1.1 and nothing later: its ServerHello, with a suite of that time.
    async fn tls_1_1() -> Self {
        let mut hello = vec![0x03, 0x02];
        hello.extend([7; 32]); // its random number
        hello.extend([0, 0xc0, 0x13, 0]); // no session, ECDHE-RSA with AES-128-CBC, no compression
        let length = u8::try_from(hello.len()).unwrap();
        let mut record = vec![0x16, 0x03, 0x02, 0, length + 4, 0x02, 0, 0, length];
        record.extend(hello);
        Self::start(record).await
    }

    /// It was offered TLS and told nothing beside it: no request line, no header, no key.
    fn heard_no_request(&self, secrets: &[&str]) {
        let heard = self.heard.lock().unwrap();
        assert!(!heard.is_empty(), "nobody called: the test shows nothing");
        assert!(matches!(heard[0], 0x15 | 0x16), "a handshake or an alert, not {:?}", heard[0]);
        let text = String::from_utf8_lossy(&heard);
        for word in ["HTTP/", "Authorization", "authorization", "apikey", "ApiKey"]
            .iter()
            .chain(secrets)
        {
            assert!(!text.contains(word), "it heard {word}");
        }
    }
}

/// Exit code 6 without a screen, the row stays queued with the reason, and the server saw no request.
async fn refused(plant: &Plant) {
    let id = plant.alerts("new").remove(0);
    let ran = plant.run(&["alerts", "list", "--json"]).await.expect(6);
    assert!(ran.stdout.is_empty() && ran.stderr.contains("nightdesk: "), "{ran:?}");
    plant.run(&["alerts", "ack", &id, "--no-wait"]).await.expect(0);
    plant.run(&["outbox", "drain", "--timeout", "1s"]).await.expect(10);
    let rows = plant.run(&["outbox", "list", "--json"]).await.expect(0).items();
    assert_eq!((rows.len(), &rows[0]["state"]), (1, &"queued".into()), "{rows:?}");
    assert!(rows[0]["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{rows:?}");
    assert!(plant.simulator.requests().is_empty(), "a request was sent");
    assert!(plant.simulator.client_effects().is_empty());
}

async fn refused_with(certificate: CertificateKind) {
    refused(
        &Plant::start_with(SimulatorConfig {
            certificate,
            second_operator: false,
            ..SimulatorConfig::default()
        })
        .await,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_14_self_signed_exits_with_6_and_what_was_queued_stays() {
    refused_with(CertificateKind::SelfSigned).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_14_expired_exits_with_6_and_what_was_queued_stays() {
    refused_with(CertificateKind::Expired).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_14_for_another_host_exits_with_6_and_what_was_queued_stays() {
    refused_with(CertificateKind::WrongHost).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_14_by_an_unknown_authority_and_delivered_once_it_is_known() {
    let plant = Plant::start().await;
    let stranger = Simulator::start(SimulatorConfig::default()).await.unwrap();
    std::fs::write(plant.path("ca.pem"), stranger.ca_pem()).unwrap();
    refused(&plant).await;
    std::fs::write(plant.path("ca.pem"), plant.simulator.ca_pem()).unwrap();
    plant.run(&["outbox", "drain", "--timeout", "60s"]).await.expect(0);
    assert_eq!(plant.effects(EffectKind::Acknowledge).len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_14_plain_http_and_tls_1_1_hear_no_request() {
    for impostor in [Impostor::plain_http().await, Impostor::tls_1_1().await] {
        let plant = Plant::start().await;
        let url = plant.simulator.url().trim_end_matches('/').to_owned();
        plant.edit(&url, &format!("https://{}", impostor.address));
        refused(&plant).await;
        impostor.heard_no_request(&[plant.simulator.monitor_key(), plant.simulator.manage_key()]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_14_an_http_address_is_refused_before_anything_else() {
    let plant = Plant::start().await;
    let impostor = Impostor::plain_http().await;
    let id = plant.alerts("new").remove(0);
    plant.run(&["alerts", "ack", &id, "--no-wait"]).await.expect(0);
    let url = plant.simulator.url().trim_end_matches('/').to_owned();
    plant.edit(&url, &format!("http://{}", impostor.address));
    for arguments in [
        &["alerts", "list"][..],
        &["alerts", "ack", &id],
        &["outbox", "drain", "--timeout", "1s"],
        &["workorders", "list"],
    ] {
        let ran = plant.run(arguments).await.expect(6);
        assert!(ran.stderr.contains("`http://` is refused"), "{}", ran.stderr);
    }
    assert!(impostor.heard.lock().unwrap().is_empty(), "a byte was sent in the clear");
    // what was queued waits for the right address and is delivered there
    plant.edit(&format!("http://{}", impostor.address), &url);
    plant.run(&["outbox", "drain", "--timeout", "60s"]).await.expect(0);
    assert_eq!(plant.effects(EffectKind::Acknowledge).len(), 1);
}

#[tokio::test]
async fn row_14_the_sender_never_takes_it_for_doubt_and_goes_on_by_itself() {
    let mut site = Site::start(plant(20)).await;
    let stranger = Simulator::start(plant(1)).await.unwrap();
    let impostors = [Impostor::plain_http().await, Impostor::tls_1_1().await];
    let alerts: Vec<_> = site.new_alerts().into_iter().take(5).collect();
    let mut ids = Vec::new();
    for alert in &alerts {
        ids.push(site.submit(acknowledge(alert)).await.id);
        ids.push(site.submit(create(alert)).await.id);
    }
    let mut changes = site.outbox.changes();
    let bad = [
        (site.simulator.url().to_owned(), stranger.ca_pem().to_owned()),
        (format!("https://{}", impostors[0].address), site.simulator.ca_pem().to_owned()),
        (format!("https://{}", impostors[1].address), site.simulator.ca_pem().to_owned()),
    ];
    for (base, ca) in bad {
        let gateway = site.gateway_at(&base, &ca, Limits::default());
        site.send_with(gateway, policy());
        let mut failed = 0;
        while failed < 8 {
            let row = changes.recv().await.unwrap();
            assert!(matches!(row.state, IntentState::Queued | IntentState::Sending), "{row:?}");
            failed += usize::from(row.state == IntentState::Queued && row.detail.is_some());
        }
        let lanes = site.outbox.lanes().await.unwrap();
        assert!(!lanes.is_empty(), "no queue says why it waits");
        site.stop_sender().await;
    }
    assert_eq!(site.outbox.list(RowFilter::open()).await.unwrap().len(), ids.len());
    assert!(site.simulator.client_effects().is_empty() && site.simulator.requests().is_empty());
    site.send();
    all_delivered(&site.settled(&ids).await);
    site.judge(&alerts, &[EffectKind::Acknowledge, EffectKind::CreateWorkOrder]);
}

#[tokio::test]
async fn row_14_the_consoles_link_says_that_it_is_the_certificate() {
    for certificate in [CertificateKind::SelfSigned, CertificateKind::Expired, CertificateKind::WrongHost] {
        let site = Site::start(SimulatorConfig { certificate, ..plant(5) }).await;
        let gateway = site.gateway();
        let error = gateway.monitor.alert(&site.new_alerts()[0]).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Tls, "{error}");
        let readings = Readings::new(gateway.monitor, gateway.manage, Vec::new());
        let (_worker, reports) = Worker::spawn(Arc::new(readings), Plan::new("BEDFORD"), None);
        let fault = loop {
            match reports.next().await.unwrap() {
                Report::Link {
                    service: Service::Monitor,
                    state: LinkState::Down { fault, .. },
                } => break fault,
                Report::Link { state, .. } => panic!("{certificate:?}: {state:?}"),
                _ => {}
            }
        };
        assert_eq!(fault.kind, FaultKind::Tls);
        assert!(fault.message.shown().contains("certificate"), "{}", fault.message);
        assert!(site.simulator.requests().is_empty());
    }
}
