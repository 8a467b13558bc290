//! A technician's system: tells a bridge of finished work, signed as the contract's inbound webhooks are.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::json;
use sha2::Sha256;
use thiserror::Error;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::Simulator;

/// One message and its answer may take so long.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest answer that is read, in bytes.
const ANSWER_MAX: u64 = 64 * 1024;

/// Why a technician's system cannot be set up.
#[derive(Debug, Error)]
pub enum TechnicianError {
    /// Not an address that it may speak to.
    #[error("`{0}` is no address of a bridge on this machine: give the one that it prints, such as https://127.0.0.1:8443")]
    Address(String),
    /// The certificate authority cannot be used.
    #[error("the certificate authority of the bridge cannot be used: {0}")]
    Authority(String),
}

/// Speaks to one bridge over TLS.
pub struct Technician {
    authority: String,
    name: ServerName<'static>,
    tls: TlsConnector,
    secret: String,
}

impl std::fmt::Debug for Technician {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Technician")
            .field("authority", &self.authority)
            .finish_non_exhaustive()
    }
}

impl Technician {
    /// For a bridge's address on the loopback interface, trusting one certificate authority.
    pub fn new(bridge: &str, ca_pem: &str, secret: &str) -> Result<Self, TechnicianError> {
        let wrong = || TechnicianError::Address(bridge.to_owned());
        let url = url::Url::parse(bridge).map_err(|_| wrong())?;
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return Err(wrong());
        };
        if url.scheme() != "https" || !matches!(host, "127.0.0.1" | "localhost") {
            return Err(wrong());
        }
        let refused = |error: &dyn std::fmt::Display| TechnicianError::Authority(error.to_string());
        let mut roots = RootCertStore::empty();
        let certificate = CertificateDer::from_pem_slice(ca_pem.as_bytes()).map_err(|error| refused(&error))?;
        roots.add(certificate).map_err(|error| refused(&error))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| refused(&error))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            authority: format!("{host}:{port}"),
            name: ServerName::try_from(host.to_owned()).map_err(|_| wrong())?,
            tls: TlsConnector::from(Arc::new(config)),
            secret: secret.trim().to_owned(),
        })
    }

    /// Sends one message and answers with the HTTP status.
    pub async fn tell(&self, body: &str) -> io::Result<u16> {
        tokio::time::timeout(PATIENCE, self.exchange(body))
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }

    async fn exchange(&self, body: &str) -> io::Result<u16> {
        let stream = TcpStream::connect(&self.authority).await?;
        let mut stream = self.tls.connect(self.name.clone(), stream).await?;
        let request = format!(
            "POST /webhook/inbound HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nX-Webhook-Signature: {}\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.authority,
            self.signature(body)?,
            body.len()
        );
        stream.write_all(request.as_bytes()).await?;
        stream.flush().await?;
        let mut answer = Vec::new();
        match stream.take(ANSWER_MAX).read_to_end(&mut answer).await {
            // a peer that closes without a word of goodbye has answered all the same
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(error),
            _ => {}
        }
        let status = std::str::from_utf8(&answer)
            .ok()
            .and_then(|text| text.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok());
        status.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the answer is no HTTP"))
    }

    fn signature(&self, body: &str) -> io::Result<String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes()).map_err(io::Error::other)?;
        mac.update(body.as_bytes());
        Ok(crate::domain::hex(&mac.finalize().into_bytes()))
    }
}

/// The nth message of a plant: maintenance and calibration in turn, a device after the other; `None` for a plant without devices.
pub fn message(simulator: &Simulator, number: u32) -> Option<String> {
    let (device_type, device) = simulator.device(number / 2)?;
    let now = simulator.now();
    let body = if number.is_multiple_of(2) {
        json!({
            "type": "maintenance_complete",
            "deviceType": device_type,
            "deviceId": device,
            "timestamp": now.to_string(),
            "technician": "technician1",
        })
    } else {
        let day = now.to_zoned(jiff::tz::TimeZone::UTC).date();
        let next = day.checked_add(jiff::Span::new().years(1)).unwrap_or(day);
        json!({
            "type": "calibration_update",
            "deviceType": device_type,
            "deviceId": device,
            "timestamp": day.to_string(),
            "nextDue": next.to_string(),
        })
    };
    Some(body.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_speaks_to_this_machine_over_tls_only() {
        for wrong in ["http://127.0.0.1:8443", "https://bridge.example", "127.0.0.1", ""] {
            let made = Technician::new(wrong, "", "secret");
            assert!(matches!(made, Err(TechnicianError::Address(_))), "{wrong}");
        }
        let made = Technician::new("https://127.0.0.1:8443", "no certificate", "secret");
        assert!(matches!(made, Err(TechnicianError::Authority(_))));
    }
}
