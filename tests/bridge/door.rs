//! Connections: how many, and for how long.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use nightdesk::integration::server::{Certificate, Counts, Door, TlsError, Traffic};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, ServerName};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::support::write_private;

/// A door with `GET /` behind it.
struct Opened {
    address: std::net::SocketAddr,
    traffic: Traffic,
    certificate: CertificateDer<'static>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
    dir: TempDir,
}

impl Opened {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let certificate = renew(&dir);
        let traffic = Traffic::default();
        let loaded = Certificate::load(&dir.path().join("cert"), &dir.path().join("key")).unwrap();
        let door = Door::open("127.0.0.1:0".parse().unwrap(), loaded, traffic.clone()).await.unwrap();
        let address = door.address();
        let (stop, stopped) = watch::channel(false);
        let router = Router::new().route("/", get(|| async { "here" }));
        Self {
            address,
            traffic,
            certificate,
            stop,
            task: tokio::spawn(door.keep(router, stopped)),
            dir,
        }
    }

    async fn tcp(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn tls(&self) -> TlsStream<TcpStream> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let config = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        TlsConnector::from(Arc::new(config))
            .connect(ServerName::try_from("localhost").unwrap(), self.tcp().await)
            .await
            .unwrap()
    }

    /// Waits until the door's own numbers say so.
    async fn until(&self, what: impl FnMut(&Counts) -> bool) -> Counts {
        self.traffic.follow().wait_for(what).await.unwrap().clone()
    }
}

fn renew(dir: &TempDir) -> CertificateDer<'static> {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()])
        .unwrap()
        .self_signed(&key)
        .unwrap();
    write_private(&dir.path().join("cert"), &certificate.pem());
    write_private(&dir.path().join("key"), &key.serialize_pem());
    certificate.der().clone()
}

async fn ask(stream: &mut TlsStream<TcpStream>) -> String {
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"here") {
        assert_ne!(
            stream.read_buf(&mut answer).await.unwrap(),
            0,
            "{}",
            String::from_utf8_lossy(&answer)
        );
    }
    String::from_utf8(answer).unwrap()
}

/// Whether the other side ends the connection, whichever way.
async fn ends(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> bool {
    let mut rest = Vec::new();
    match stream.read_to_end(&mut rest).await {
        Ok(_) | Err(_) => true,
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_a_handshake_is_closed_within_six_seconds() {
    let opened = Opened::new().await;
    let begun = Instant::now();
    let mut silent = opened.tcp().await;
    assert!(ends(&mut silent).await);
    let took = begun.elapsed();
    assert!(took <= Duration::from_secs(6), "{took:?}");
    assert_eq!(opened.until(|counts| counts.open == 0 && counts.accepted == 1).await.expired, 1);
}

// With a handshake the clock is stopped only after it: the paused clock would run ahead of the socket.
#[tokio::test]
async fn a_request_that_never_comes_is_not_waited_for() {
    for head in [&b""[..], b"GET / HTTP/1.1\r\nho"] {
        let opened = Opened::new().await;
        let mut slow = opened.tls().await;
        slow.write_all(head).await.unwrap();
        slow.flush().await.unwrap();
        opened.until(|counts| counts.open == 1).await;
        tokio::time::pause();
        tokio::time::advance(Duration::from_millis(5_500)).await;
        let counts = opened.until(|counts| counts.open == 0).await;
        assert_eq!((counts.accepted, counts.expired), (1, 1), "{head:?}");
        assert!(ends(&mut slow).await);
        tokio::time::resume();
    }
}

#[tokio::test]
async fn a_connection_is_kept_for_the_next_request_and_not_for_ever() {
    let opened = Opened::new().await;
    let mut stream = opened.tls().await;
    for _ in 0..3 {
        let answer = ask(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    assert_eq!(opened.traffic.counts().accepted, 1);
    tokio::time::pause();
    tokio::time::advance(Duration::from_millis(5_500)).await;
    opened.until(|counts| counts.open == 0).await;
    assert!(ends(&mut stream).await);
}

#[tokio::test]
async fn no_more_than_256_at_once_and_the_next_one_gets_the_first_free_place() {
    let opened = Opened::new().await;
    let mut silent = Vec::new();
    for _ in 0..256 {
        silent.push(opened.tcp().await);
    }
    opened.until(|counts| counts.open == 256).await;
    // the system takes it, we do not yet
    let next = opened.tcp().await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_millis(5_500)).await;
    let counts = opened.until(|counts| counts.accepted == 257).await;
    assert!(counts.expired > 0, "{counts:?}");
    assert_eq!(opened.until(|counts| counts.expired >= 256).await.most_open, 256);
    drop(next);
}

#[tokio::test]
async fn at_the_end_nobody_new_is_taken_and_the_listener_is_gone() {
    let Opened {
        address,
        stop,
        task,
        traffic: _traffic,
        dir: _dir,
        ..
    } = Opened::new().await;
    stop.send(true).unwrap();
    task.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_renewed_certificate_is_used_without_a_restart_and_a_broken_one_is_not() {
    let mut opened = Opened::new().await;
    ask(&mut opened.tls().await).await;
    let renewed = renew(&opened.dir);
    // a second stamp whatever the file system's resolution is
    let later = std::time::SystemTime::now() + Duration::from_secs(10);
    std::fs::File::open(opened.dir.path().join("cert"))
        .unwrap()
        .set_modified(later)
        .unwrap();
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(31)).await;
    tokio::time::resume();
    opened.certificate = renewed;
    ask(&mut opened.tls().await).await;
    write_private(&opened.dir.path().join("cert"), "nothing of the kind");
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(31)).await;
    tokio::time::resume();
    ask(&mut opened.tls().await).await;
}

#[test]
fn files_that_give_no_tls_are_named_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    renew(&dir);
    let (cert, key) = (dir.path().join("cert"), dir.path().join("key"));
    let error = |cert: &std::path::Path, key: &std::path::Path| Certificate::load(cert, key).unwrap_err().to_string();
    assert!(error(&dir.path().join("none"), &key).contains("bridge.cert_file:"));
    assert!(error(&key, &key).contains("holds no certificate"));
    assert!(error(&cert, &cert).contains("holds no private key"));
    let other = tempfile::tempdir().unwrap();
    renew(&other);
    assert!(matches!(
        Certificate::load(&cert, &other.path().join("key")),
        Err(TlsError::Pair(_))
    ));
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o640)).unwrap();
    assert!(error(&cert, &key).contains("can be read by others (mode 0640)"));
}
