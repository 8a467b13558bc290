//! 5,000 devices at limit=100 and 20 ms a call: one request at a time against the client as it is. `cargo bench --bench paging`
//!
//! The yardstick of issue A: at least four times as fast.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench stops at the first surprise and says its figures"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::Query;
use axum::routing::get;
use axum::{Json, Router};
use nightdesk::domain::Service;
use nightdesk::maximo::{Auth, Caller, DeviceQuery, Endpoint, Limits, MonitorClient, Telemetry};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

const DEVICES: usize = 5_000;
const PAGE: usize = 100;
/// Loads of each kind, one after the other in turns; the medians are compared.
const ROUNDS: usize = 7;
const LATENCY: Duration = Duration::from_millis(20);

#[derive(serde::Deserialize)]
struct Window {
    limit: usize,
    offset: usize,
}

async fn devices(Query(window): Query<Window>) -> Json<Value> {
    tokio::time::sleep(LATENCY).await;
    let rows: Vec<Value> = (0..DEVICES)
        .skip(window.offset)
        .take(window.limit)
        .map(|number| json!({ "deviceId": format!("TEMP-{number:05}"), "deviceType": "TemperatureSensor", "status": "online", "metadata": { "location": "Building A" } }))
        .collect();
    Json(json!({ "results": rows, "totalCount": DEVICES }))
}

/// A TLS server on loopback with an authority of its own; its address and that authority.
async fn serve() -> (String, Vec<u8>) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["localhost".to_owned()])
        .unwrap()
        .signed_by(&key, &authority)
        .unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let routes = Router::new().route("/v1/devices", get(devices));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(acceptor.clone(), stream, routes.clone()));
        }
    });
    (address, authority.pem().into_bytes())
}

async fn answer(acceptor: tokio_rustls::TlsAcceptor, stream: TcpStream, routes: Router) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let service = hyper_util::service::TowerToHyperService::new(routes);
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(hyper_util::rt::TokioIo::new(stream), service)
        .await; // a client that goes away ends it
}

/// The time that loading all devices takes with so many calls under way at once.
async fn load(address: &str, ca_pem: &[u8], concurrent: usize) -> Duration {
    let endpoint = Endpoint {
        service: Service::Monitor,
        base: address.parse().unwrap(),
        ca_pem: Some(ca_pem.to_vec()),
        auth: Auth::ApiKey("bench".into()),
        limits: Limits {
            concurrent,
            page: PAGE,
            ..Limits::default()
        },
    };
    let client = MonitorClient::new(endpoint, Telemetry::new(Caller::default())).unwrap();
    let started = Instant::now();
    let listing = client.list_devices(&DeviceQuery::default(), &|_, _| {}).await.unwrap();
    let took = started.elapsed();
    assert!(listing.complete && listing.items.len() == DEVICES);
    took
}

fn median(mut durations: Vec<Duration>) -> Duration {
    durations.sort_unstable();
    durations.get(durations.len() / 2).copied().unwrap()
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (address, ca_pem) = serve().await;
        let (mut one, mut many) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            one.push(load(&address, &ca_pem, 1).await);
            many.push(load(&address, &ca_pem, Limits::default().concurrent).await);
        }
        let (one, many) = (median(one), median(many));
        println!(
            "{DEVICES} devices, limit={PAGE}, {} ms a call, medians of {ROUNDS} loads",
            LATENCY.as_millis()
        );
        println!("one request at a time: {:>7.0} ms", one.as_secs_f64() * 1000.0);
        println!("as the client does it: {:>7.0} ms", many.as_secs_f64() * 1000.0);
        println!("ratio:                 {:>7.1}", one.as_secs_f64() / many.as_secs_f64());
    });
}
