//! Where a service is and how we prove who we are.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use secrecy::SecretString;
use url::{Host, Url};

use super::{Error, ErrorKind};
use crate::domain::Service;

/// Shorter than servers keep idle connections, so that a write seldom meets one that is just being closed.
const POOL_IDLE: Duration = Duration::from_secs(20);

/// One configured service.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Which system.
    pub service: Service,
    /// `https://host[:port][/prefix]`.
    pub base: Url,
    /// A private certificate authority, PEM; it is trusted besides the system's own.
    pub ca_pem: Option<Vec<u8>>,
    /// How we prove who we are.
    pub auth: Auth,
    /// Waits and sizes.
    pub limits: Limits,
}

/// Credentials of one service. Its `Debug` shows no secret.
#[derive(Clone)]
pub enum Auth {
    /// Monitor: `Authorization: ApiKey KEY`.
    ApiKey(SecretString),
    /// Manage: `apikey: KEY`.
    ManageKey(SecretString),
    /// Monitor: OAuth 2.0 client credentials.
    OAuth2 {
        /// Where tokens are had; `https` only.
        token_url: Url,
        /// Our name there.
        client_id: String,
        /// Our secret there.
        client_secret: SecretString,
        /// The scope; empty sends none.
        scope: String,
    },
}

impl Auth {
    /// The key or client secret.
    pub(super) fn secret(&self) -> &SecretString {
        match self {
            Self::ApiKey(secret) | Self::ManageKey(secret) => secret,
            Self::OAuth2 { client_secret, .. } => client_secret,
        }
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::ApiKey(_) => "ApiKey(…)",
            Self::ManageKey(_) => "ManageKey(…)",
            Self::OAuth2 { .. } => "OAuth2(…)",
        })
    }
}

/// Waits and sizes; the defaults are those of `design/delivery.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Until a connection stands.
    pub connect: Duration,
    /// Between two reads of an answer.
    pub idle: Duration,
    /// For a whole call.
    pub call: Duration,
    /// Largest body, after decompression, in bytes.
    pub body: usize,
    /// Calls under way at once; two of them are kept free for a person's reads and for writes.
    pub concurrent: usize,
    /// Rows asked for per page; a server may give fewer.
    pub page: usize,
    /// Where a key comes from is left alone for so long after it was asked for another one.
    pub key_rest: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            idle: Duration::from_secs(15),
            call: Duration::from_secs(30),
            body: 16 * 1024 * 1024,
            concurrent: 10,
            page: 100,
            key_rest: Duration::from_secs(10),
        }
    }
}

impl Limits {
    /// The defaults with another time for a whole call.
    pub fn within(call: Duration) -> Self {
        let default = Self::default();
        Self {
            call,
            idle: default.idle.min(call),
            ..default
        }
    }
}

impl Endpoint {
    /// `https://host:port`, which an intent is bound to.
    pub fn origin(&self) -> String {
        self.base.origin().ascii_serialization()
    }

    pub(super) fn require_https(&self, url: &Url) -> Result<(), Error> {
        let wrong = |kind, words: String| Err(Error::new(self.service, "configuration", kind, words));
        if url.scheme() != "https" || url.host_str().is_none() {
            return wrong(ErrorKind::Insecure, format!("{}:// is not https", url.scheme()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return wrong(ErrorKind::Insecure, "it holds a user or a password; use key_file".into());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return wrong(
                ErrorKind::Configuration,
                "the url holds `?` or `#`; write https://host[:port][/prefix]".into(),
            );
        }
        Ok(())
    }

    /// The HTTP client: TLS 1.2 or later with ring, no redirects, no Referer, no retries of its own.
    pub(super) fn client(&self) -> Result<reqwest::Client, Error> {
        self.require_https(&self.base)?;
        if let Auth::OAuth2 { token_url, .. } = &self.auth {
            self.require_https(token_url)?;
        }
        let wrong = |words: String| Error::new(self.service, "configuration", ErrorKind::Configuration, words);
        let mut builder = https_client(self.ca_pem.as_deref(), &self.limits).map_err(wrong)?;
        if is_loopback(&self.base) {
            builder = builder.no_proxy(); // HTTPS_PROXY of the environment is for the world outside; its loopback is another machine
        }
        builder.build().map_err(|error| wrong(error.to_string()))
    }
}

/// What every HTTPS client of the program begins with: TLS 1.2 or later with ring, the system's authorities and perhaps one of one's
/// own (PEM), no redirects, no Referer, no retries of its own, bounded waits. `Err` says in a sentence what is wrong with the authority.
pub(crate) fn https_client(ca_pem: Option<&[u8]>, limits: &Limits) -> Result<reqwest::ClientBuilder, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let roots: Vec<CertificateDer<'static>> = match ca_pem {
        None => Vec::new(),
        Some(pem) => CertificateDer::pem_slice_iter(pem)
            .collect::<Result<_, _>>()
            .map_err(|error| format!("ca_file holds no readable certificate ({error})"))?,
    };
    if ca_pem.is_some() && roots.is_empty() {
        return Err("ca_file holds no certificate".into());
    }
    let verifier: Arc<dyn ServerCertVerifier> = Arc::new(
        rustls_platform_verifier::Verifier::new_with_extra_roots(roots, Arc::clone(&provider))
            .map_err(|error| format!("no certificate authority is known here ({error}); install ca-certificates or set ca_file"))?,
    );
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous() // the name of the door, not of what goes through it: this is the platform's own verifier
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .https_only(true)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .connect_timeout(limits.connect)
        .read_timeout(limits.idle)
        .timeout(limits.call)
        .pool_max_idle_per_host(limits.concurrent)
        .pool_idle_timeout(POOL_IDLE)
        .user_agent(concat!("nightdesk/", env!("CARGO_PKG_VERSION"))))
}

/// Whether an address is this machine's own: a proxy's loopback would be another machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
