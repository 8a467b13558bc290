//! A TLS server that says exactly what a test tells it, byte by byte.

use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What came in.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(has, _)| has.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// A value of the query, decoded.
    pub fn query(&self, name: &str) -> Option<String> {
        let (_, query) = self.target.split_once('?')?;
        url::form_urlencoded::parse(query.replace('+', "%2B").as_bytes())
            .find(|(has, _)| has == name)
            .map(|(_, value)| value.into_owned())
    }
}

/// What goes out.
pub enum Reply {
    /// A whole answer: status, extra headers, body.
    Whole(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// Announces `length`, sends these bytes, and closes.
    Cut { status: u16, length: usize, bytes: Vec<u8> },
    /// Closes without a byte.
    Close,
    /// Announces nothing and goes on sending for ever.
    Endless,
    /// Says nothing more, with the connection open.
    Silence,
}

pub fn json(status: u16, body: impl Into<String>) -> Reply {
    Reply::Whole(status, vec![("content-type", "application/json".into())], body.into().into_bytes())
}

pub struct Server {
    pub url: url::Url,
    pub ca_pem: Vec<u8>,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    pub async fn start(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_as("localhost", handler).await
    }

    /// With a certificate for another name.
    pub async fn start_as(name: &str, handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec![name.to_owned()])
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
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let handler = Arc::new(handler);
        let log = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, handler, log) = (acceptor.clone(), Arc::clone(&handler), Arc::clone(&log));
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let mut buffer = Vec::new();
                    while let Some(request) = read(&mut stream, &mut buffer).await {
                        log.lock().unwrap().push(request.clone());
                        if !write(&mut stream, handler(&request)).await {
                            return;
                        }
                    }
                });
            }
        });
        Self {
            url: format!("https://localhost:{port}/").parse().unwrap(),
            ca_pem: authority.pem().into_bytes(),
            seen,
        }
    }

    pub fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }
}

async fn read(stream: &mut (impl AsyncReadExt + Unpin), buffer: &mut Vec<u8>) -> Option<Request> {
    loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
            let mut lines = head.lines();
            let mut first = lines.next()?.split(' ');
            let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
            let headers: Vec<(String, String)> = lines
                .filter_map(|line| line.split_once(':'))
                .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
                .collect();
            let mut request = Request {
                method,
                target,
                headers,
                body: String::new(),
            };
            let length: usize = request.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
            if buffer.len() >= end + 4 + length {
                request.body = String::from_utf8_lossy(&buffer[end + 4..end + 4 + length]).into_owned();
                buffer.drain(..end + 4 + length);
                return Some(request);
            }
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}

/// Whether the connection goes on.
async fn write(stream: &mut (impl AsyncWriteExt + Unpin), reply: Reply) -> bool {
    match reply {
        Reply::Whole(status, headers, body) => {
            let mut head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", body.len());
            for (name, value) in headers {
                head = format!("{head}{name}: {value}\r\n");
            }
            head.push_str("\r\n");
            stream.write_all(&[head.as_bytes(), &body].concat()).await.is_ok() && stream.flush().await.is_ok()
        }
        Reply::Cut { status, length, bytes } => {
            let head = format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n");
            let _ = stream.write_all(&[head.as_bytes(), &bytes].concat()).await;
            let _ = stream.shutdown().await;
            false
        }
        Reply::Endless => {
            let head = b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n";
            let chunk = [b"1000\r\n".as_slice(), &[b' '; 0x1000], b"\r\n"].concat();
            let mut open = stream.write_all(head).await.is_ok();
            while open {
                open = stream.write_all(&chunk).await.is_ok();
            }
            false
        }
        Reply::Close => {
            let _ = stream.shutdown().await;
            false
        }
        Reply::Silence => {
            std::future::pending::<()>().await;
            false
        }
    }
}
