//! The listener's certificate, read from files, and read again when they change: a renewal needs no restart.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

/// The files are looked at so often, when somebody connects.
const LOOK: Duration = Duration::from_secs(30);

/// Why there is no TLS to be had from the files.
#[derive(Debug, Error)]
pub enum TlsError {
    /// Not readable, or not what it should be.
    #[error("bridge.{setting}: {path}: {reason}")]
    File {
        /// Which setting.
        setting: &'static str,
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The two do not belong together, or the key is of a kind that TLS has no use for.
    #[error("bridge.cert_file and bridge.cert_key_file cannot be used together: {0}")]
    Pair(#[from] rustls::Error),
}

/// A certificate chain and its key.
pub struct Certificate {
    chain: PathBuf,
    key: PathBuf,
    state: Mutex<State>,
}

struct State {
    acceptor: TlsAcceptor,
    stamps: [Option<SystemTime>; 2],
    looked: Instant,
}

impl Certificate {
    /// Reads both files.
    pub fn load(chain: &Path, key: &Path) -> Result<Self, TlsError> {
        let stamps = stamps(chain, key);
        Ok(Self {
            chain: chain.to_owned(),
            key: key.to_owned(),
            state: Mutex::new(State {
                acceptor: read(chain, key)?,
                stamps,
                looked: Instant::now(),
            }),
        })
    }

    /// The acceptor for a new connection. Files that were changed and cannot be used leave the old certificate in place.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.looked.elapsed() >= LOOK {
            state.looked = Instant::now();
            let now = stamps(&self.chain, &self.key);
            if now != state.stamps {
                match read(&self.chain, &self.key) {
                    Ok(acceptor) => {
                        tracing::info!("the certificate was renewed");
                        state.acceptor = acceptor;
                        state.stamps = now;
                    }
                    // perhaps one file is new and the other not yet: asked again at the next look
                    Err(error) => tracing::warn!(%error, "the changed certificate cannot be used; the old one stays"),
                }
            }
        }
        state.acceptor.clone()
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Certificate")
            .field("chain", &self.chain)
            .finish_non_exhaustive()
    }
}

fn stamps(chain: &Path, key: &Path) -> [Option<SystemTime>; 2] {
    [chain, key].map(|path| std::fs::metadata(path).and_then(|found| found.modified()).ok())
}

fn read(chain: &Path, key: &Path) -> Result<TlsAcceptor, TlsError> {
    let wrong = |setting, path: &Path, reason: String| TlsError::File {
        setting,
        path: path.to_owned(),
        reason,
    };
    let bytes = |setting, path: &Path| std::fs::read(path).map_err(|error| wrong(setting, path, format!("cannot be read: {error}")));
    let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&bytes("cert_file", chain)?)
        .collect::<Result<_, _>>()
        .map_err(|error| wrong("cert_file", chain, format!("is not PEM: {error}")))?;
    if certificates.is_empty() {
        return Err(wrong(
            "cert_file",
            chain,
            "holds no certificate (-----BEGIN CERTIFICATE-----)".into(),
        ));
    }
    private(key).map_err(|reason| wrong("cert_key_file", key, reason))?;
    let private_key = PrivateKeyDer::from_pem_slice(&bytes("cert_key_file", key)?)
        .map_err(|error| wrong("cert_key_file", key, format!("holds no private key in PEM: {error}")))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificates, private_key)?;
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(server)))
}

/// A key that others can read is no key.
pub(super) fn private(path: &Path) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt as _;
    // systemd keeps that folder to the service; its files' modes are its own affair
    if path.starts_with("/run/credentials") {
        return Ok(());
    }
    let mode = std::fs::metadata(path)
        .map_err(|error| format!("cannot be read: {error}"))?
        .permissions()
        .mode()
        & 0o7777;
    if mode & 0o077 != 0 {
        return Err(format!(
            "can be read by others (mode {mode:04o}); run: chmod 600 {}",
            path.display()
        ));
    }
    Ok(())
}
