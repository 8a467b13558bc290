//! The simulator's own certificate authority, made when a plant begins.

use std::sync::Arc;

use jiff::{Timestamp, ToSpan, tz::TimeZone};
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde::{Deserialize, Serialize};

use super::SimulateError;

/// What the server shows a client in the handshake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CertificateKind {
    /// Signed by the authority, for 127.0.0.1 and localhost, for 30 days.
    #[default]
    Good,
    /// Ended yesterday.
    Expired,
    /// For `monitor.example` only.
    WrongHost,
    /// Signed by itself.
    SelfSigned,
}

/// The authority's certificate and the server's side of TLS.
pub(crate) struct Authority {
    pub(crate) ca_pem: String,
    /// The server's own certificate and key, for another listener on the same machine.
    pub(crate) leaf_pem: String,
    pub(crate) leaf_key_pem: String,
    pub(crate) server: Arc<ServerConfig>,
    pub(crate) papers: Papers,
}

/// What a plant that comes back shows again. The authority's own key is not kept: it signs once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Papers {
    ca: String,
    certificate: String,
    key: String,
    /// After this they are made anew: clients would soon refuse them.
    good_until: Timestamp,
}

impl Authority {
    pub(crate) fn new(kind: CertificateKind) -> Result<Self, SimulateError> {
        let failed = |error: &dyn std::fmt::Display| SimulateError::Certificate(error.to_string());
        let mut ca = params(Vec::new(), "nightdesk simulator CA", (-1, 30)).map_err(|error| failed(&error))?;
        ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let ca_key = KeyPair::generate().map_err(|error| failed(&error))?;
        let ca_certificate = ca.self_signed(&ca_key).map_err(|error| failed(&error))?;
        let ca_pem = ca_certificate.pem();
        let issuer = Issuer::new(ca, ca_key);

        let names = match kind {
            CertificateKind::WrongHost => vec!["monitor.example".to_owned()],
            CertificateKind::Good | CertificateKind::Expired | CertificateKind::SelfSigned => {
                vec!["127.0.0.1".to_owned(), "localhost".to_owned()]
            }
        };
        let days = if kind == CertificateKind::Expired { (-30, -1) } else { (-1, 30) };
        let mut leaf = params(names, "nightdesk simulator", days).map_err(|error| failed(&error))?;
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        leaf.use_authority_key_identifier_extension = true;
        let leaf_key = KeyPair::generate().map_err(|error| failed(&error))?;
        let certificate = if kind == CertificateKind::SelfSigned {
            leaf.self_signed(&leaf_key)
        } else {
            leaf.signed_by(&leaf_key, &issuer)
        }
        .map_err(|error| failed(&error))?;

        let papers = Papers {
            ca: ca_pem,
            certificate: certificate.pem(),
            key: leaf_key.serialize_pem(),
            good_until: Timestamp::now() + jiff::SignedDuration::from_hours(24 * 28),
        };
        Self::with(papers)
    }

    /// The one of an earlier start; `None` where its papers end soon.
    pub(crate) fn again(papers: &Papers) -> Option<Result<Self, SimulateError>> {
        (Timestamp::now() < papers.good_until).then(|| Self::with(papers.clone()))
    }

    fn with(papers: Papers) -> Result<Self, SimulateError> {
        let failed = |error: &dyn std::fmt::Display| SimulateError::Certificate(error.to_string());
        let certificate = CertificateDer::from_pem_slice(papers.certificate.as_bytes()).map_err(|error| failed(&error))?;
        let key = PrivatePkcs8KeyDer::from_pem_slice(papers.key.as_bytes()).map_err(|error| failed(&error))?;
        let key = PrivateKeyDer::Pkcs8(key);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(&error))?
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .map_err(|error| failed(&error))?;
        server.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            ca_pem: papers.ca.clone(),
            leaf_pem: papers.certificate.clone(),
            leaf_key_pem: papers.key.clone(),
            server: Arc::new(server),
            papers,
        })
    }
}

/// `days` are the validity's ends, counted from today by the system's clock: TLS stacks know no other.
fn params(names: Vec<String>, common_name: &str, days: (i64, i64)) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, common_name);
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let date = |days: i64| {
        let date = today.saturating_add(days.days());
        rcgen::date_time_ymd(date.year().into(), date.month().unsigned_abs(), date.day().unsigned_abs())
    };
    params.not_before = date(days.0);
    params.not_after = date(days.1);
    Ok(params)
}

/// Fresh random characters, for keys and tokens.
pub(crate) fn secret(bytes: usize) -> Result<String, SimulateError> {
    let mut buffer = vec![0; bytes];
    rustls::crypto::ring::default_provider()
        .secure_random
        .fill(&mut buffer)
        .map_err(|_| SimulateError::Certificate("the system gives no random numbers".into()))?;
    Ok(crate::domain::hex(&buffer))
}
