//! The settings of the bridge. What is absent is off.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use jiff::civil::Time;
use url::Url;

use super::CredentialSource;
use super::section::{Section, text};
use crate::domain::filter::Filter;

const TIME_OF_DAY: &str = "a time of day such as \"00:30\"";
const DAY: Duration = Duration::from_secs(24 * 3600);
/// IBM Cloud's token endpoint.
const IAM_URL: &str = "https://iam.cloud.ibm.com/identity/token";

/// `[profiles.*.erp]`
#[derive(Clone, Debug, PartialEq)]
pub struct Erp {
    /// Always `https`.
    pub url: Url,
    /// The certificate authority to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// The bearer token.
    pub key: CredentialSource,
    /// How a report is sent.
    pub method: ErpMethod,
    /// The production lines.
    pub lines: Vec<String>,
    /// When, in the profile's zone.
    pub at: Time,
    /// A key of Monitor of its own.
    pub monitor_key: Option<CredentialSource>,
}

/// How a production report is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErpMethod {
    /// `PUT {url}/{line}/{date}`
    Put,
    /// `POST {url}`
    Post,
}

/// `[profiles.*.lake]`
#[derive(Clone, Debug, PartialEq)]
pub struct Lake {
    /// `s3://bucket/prefix` or `file:///folder`.
    pub to: Url,
    /// The S3 service; always `https`.
    pub endpoint: Option<Url>,
    /// The region that requests are signed for; by the endpoint's name where it is not said.
    pub region: Option<String>,
    /// The certificate authority to trust besides the system's, for `endpoint` and `iam_url`.
    pub ca_file: Option<PathBuf>,
    /// How to log in to `endpoint`.
    pub auth: Option<LakeAuth>,
    /// How objects are named.
    pub layout: LakeLayout,
    /// Larger objects are uploaded in parts, in MiB; 0 does so with all.
    pub single_put_mib: u64,
    /// When, in the profile's zone.
    pub at: Time,
    /// Where a day is put together before it is uploaded; some 60 bytes a reading. `TMPDIR`, else `/var/tmp`, where it is not said.
    pub spool_dir: Option<PathBuf>,
    /// A key of Monitor of its own.
    pub monitor_key: Option<CredentialSource>,
}

/// How to log in to an S3-compatible service.
#[derive(Clone, Debug, PartialEq)]
pub enum LakeAuth {
    /// HMAC keys: every request is signed.
    Hmac {
        /// The key's id.
        access_key: CredentialSource,
        /// Its secret.
        secret_key: CredentialSource,
    },
    /// IBM Cloud's IAM: an API key is exchanged for a bearer token.
    Iam {
        /// The API key.
        key: CredentialSource,
        /// The token endpoint; always `https`.
        url: Url,
        /// Sent as `ibm-service-instance-id`.
        service_instance_id: Option<String>,
    },
}

/// How objects of the lake are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LakeLayout {
    /// `{device_type}/{date}/data.parquet`
    Flat,
    /// `device_type=/date=/part-*.parquet`
    Hive,
}

/// `[profiles.*.assets]`
#[derive(Clone, Debug, PartialEq)]
pub struct Assets {
    /// How often.
    pub every: Duration,
    /// A key of Monitor of its own.
    pub monitor_key: Option<CredentialSource>,
    /// A key of Manage of its own.
    pub manage_key: Option<CredentialSource>,
}

/// `[[profiles.*.rules]]`
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its name in logs.
    pub name: String,
    /// Which alerts.
    pub when: Filter,
    /// Time in which a person may act first.
    pub after: Duration,
    /// What to do.
    pub action: RuleAction,
    /// Most actions in an hour.
    pub per_hour: u32,
    /// Only says what it would do.
    pub dry_run: bool,
}

/// What a rule does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleAction {
    /// `do = "work-order"`
    WorkOrder,
    /// `do = { webhook = "NAME" }`
    Webhook(String),
}

/// `[bridge]`
#[derive(Clone, Debug, PartialEq)]
pub struct Bridge {
    /// Where to listen.
    pub listen: Option<SocketAddr>,
    /// The certificate chain.
    pub cert_file: Option<PathBuf>,
    /// Its key.
    pub cert_key_file: Option<PathBuf>,
    /// `name:key` a line.
    pub api_keys_file: Option<PathBuf>,
    /// Definitions of outbound webhooks.
    pub outbound: Vec<PathBuf>,
    /// The secret of inbound webhooks; a second line during a rotation.
    pub inbound_secret: Option<CredentialSource>,
    /// How inbound webhooks are signed.
    pub inbound_mode: InboundMode,
    /// Private networks that outbound webhooks may reach, as `10.0.0.0/8`.
    pub allow_private: Vec<String>,
}

/// How inbound webhooks are signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InboundMode {
    /// `inbound_mode = "signature"`: HMAC-SHA256 of the body in `X-Webhook-Signature`.
    #[default]
    Signature,
    /// `inbound_mode = "standard"`: Standard Webhooks 1.0, with id and time.
    Standard,
}

impl Erp {
    pub(super) fn read(section: Section<'_>) -> Option<Self> {
        if !section.has("url") {
            section.wrong("url", "is missing; for example url = \"https://erp.example/production-reports\"");
        }
        let url = section.https("url");
        let ca_file = section.path("ca_file");
        let key = section.required_credential("key");
        let monitor_key = section.credential("monitor_key");
        let method = section.choice("method", ErpMethod::Put, &[("PUT", ErpMethod::Put), ("POST", ErpMethod::Post)]);
        let lines = section.strings("lines").unwrap_or_default();
        if lines.is_empty() {
            section.wrong("lines", "names no production line; for example lines = [\"LINE-1\"]");
        }
        let at = section.parsed("at", TIME_OF_DAY).unwrap_or(Time::constant(0, 30, 0, 0));
        section.finish();
        Some(Self {
            url: url?,
            ca_file,
            key: key?,
            method,
            lines,
            at,
            monitor_key,
        })
    }
}

impl Lake {
    pub(super) fn read(section: Section<'_>) -> Option<Self> {
        if !section.has("to") {
            section.wrong("to", "is missing; for example to = \"s3://bucket/prefix\" or \"file:///srv/lake\"");
        }
        let to = section.value("to", |value| {
            let wrong = || "is not a place; write \"s3://bucket/prefix\" or \"file:///srv/lake\"".to_owned();
            let url = Url::parse(text(value)?).map_err(|_| wrong())?;
            match url.scheme() {
                "s3" if url.host_str().is_some_and(|bucket| !bucket.is_empty()) => Ok(url),
                "file" => Ok(url),
                _ => Err(wrong()),
            }
        });
        let endpoint = section.https("endpoint");
        let region = section.string("region");
        let ca_file = section.path("ca_file");
        let auth = LakeAuth::read(&section);
        let single_put_mib = section.number("single_put_mib", 16, 0..=1_024);
        let spool_dir = section.path("spool_dir");
        let monitor_key = section.credential("monitor_key");
        if to.as_ref().is_some_and(|to| to.scheme() == "s3") {
            if !section.has("endpoint") {
                let example = "https://s3.eu-de.cloud-object-storage.appdomain.cloud";
                section.wrong(
                    "endpoint",
                    format!("is missing: `to` is in S3; for example endpoint = \"{example}\""),
                );
            }
            if auth.is_none() {
                section.wrong(
                    "access_key_file",
                    "is missing: `to` is in S3; give access_key_* and secret_key_* (HMAC), or iam_key_*",
                );
            }
        }
        let layout = section.choice(
            "layout",
            LakeLayout::Flat,
            &[("flat", LakeLayout::Flat), ("hive", LakeLayout::Hive)],
        );
        let at = section.parsed("at", TIME_OF_DAY).unwrap_or(Time::constant(0, 15, 0, 0));
        section.finish();
        Some(Self {
            to: to?,
            endpoint,
            region,
            ca_file,
            auth,
            layout,
            single_put_mib,
            at,
            spool_dir,
            monitor_key,
        })
    }
}

impl LakeAuth {
    /// `None` where the section says nothing, or only after a problem was noted.
    fn read(section: &Section<'_>) -> Option<Self> {
        let access_key = section.credential("access_key");
        let secret_key = section.credential("secret_key");
        let iam_key = section.credential("iam_key");
        let iam_url = section.https("iam_url");
        let service_instance_id = section.value("service_instance_id", |value| match text(value)? {
            id if !id.is_empty() && id.chars().all(|char| char.is_ascii_graphic()) => Ok(id.to_owned()),
            _ => Err("is not a service instance's id; write its CRN or GUID".into()),
        });
        if access_key.is_some() != secret_key.is_some() {
            section.wrong("access_key_file", "access_key and secret_key belong together: give both or neither");
        }
        if iam_key.is_some() && (access_key.is_some() || secret_key.is_some()) {
            section.wrong("iam_key_file", "iam_key and access_key are two ways to log in: give one of them");
        }
        if iam_key.is_none() && (section.has("iam_url") || section.has("service_instance_id")) {
            section.wrong("iam_key_file", "is missing: iam_url and service_instance_id go with an API key");
        }
        if let Some(key) = iam_key {
            return Some(Self::Iam {
                key,
                url: iam_url.or_else(|| Url::parse(IAM_URL).ok())?,
                service_instance_id,
            });
        }
        access_key
            .zip(secret_key)
            .map(|(access_key, secret_key)| Self::Hmac { access_key, secret_key })
    }
}

impl Assets {
    pub(super) fn read(section: Section<'_>) -> Self {
        let every = section.duration("every", Duration::from_secs(15 * 60), Duration::from_secs(60)..=DAY);
        let monitor_key = section.credential("monitor_key");
        let manage_key = section.credential("manage_key");
        section.finish();
        Self {
            every,
            monitor_key,
            manage_key,
        }
    }
}

impl Rule {
    pub(super) fn read(section: Section<'_>) -> Option<Self> {
        let name = section.required("name", "critical pumps");
        if !section.has("when") {
            section.wrong("when", "is missing; for example when = \"sev:critical type:PumpStation\"");
        }
        let when = section.value("when", |value| {
            Filter::parse(text(value)?).map_err(|error| format!("is not a filter: {error}"))
        });
        let after = section.duration("after", Duration::from_secs(5 * 60), Duration::ZERO..=DAY);
        if !section.has("do") {
            section.wrong("do", "is missing; write \"work-order\" or { webhook = \"NAME\" }");
        }
        let action = section.value("do", |value| {
            let wrong = || Err("is neither \"work-order\" nor { webhook = \"NAME\" }".to_owned());
            if let Some(table) = value.as_table() {
                return match table.get("webhook").and_then(|name| name.get_ref().as_str()) {
                    Some(name) if table.len() == 1 && !name.is_empty() => Ok(RuleAction::Webhook(name.to_owned())),
                    _ => wrong(),
                };
            }
            match value.as_str() {
                Some("work-order") => Ok(RuleAction::WorkOrder),
                _ => wrong(),
            }
        });
        let per_hour = section.number("per_hour", 20, 1..=10_000);
        let dry_run = section.flag("dry_run", false);
        section.finish();
        Some(Self {
            name,
            when: when?,
            after,
            action: action?,
            per_hour,
            dry_run,
        })
    }
}

impl Bridge {
    pub(super) fn read(section: Section<'_>) -> Self {
        let listen = section.parsed("listen", "an address and port such as \"127.0.0.1:8443\"");
        let cert_file = section.path("cert_file");
        let cert_key_file = section.path("cert_key_file");
        if cert_file.is_some() != cert_key_file.is_some() {
            section.wrong("cert_file", "cert_file and cert_key_file belong together: give both");
        }
        if listen.is_some() && cert_file.is_none() {
            section.wrong("listen", "needs cert_file and cert_key_file: the bridge speaks TLS only");
        }
        let api_keys_file = section.path("api_keys_file");
        let folder = |file: String| section.relative(&file);
        let outbound = section.strings("outbound").unwrap_or_default().into_iter().map(folder).collect();
        let inbound_secret = section.credential("inbound_secret");
        let inbound_mode = section.choice(
            "inbound_mode",
            InboundMode::default(),
            &[("signature", InboundMode::Signature), ("standard", InboundMode::Standard)],
        );
        for (key, is_set) in [
            ("api_keys_file", api_keys_file.is_some()),
            ("inbound_secret_file", inbound_secret.is_some()),
        ] {
            if is_set && listen.is_none() {
                section.wrong(key, "has no use without `listen`; for example listen = \"127.0.0.1:8443\"");
            }
        }
        let allow_private = section
            .value("allow_private", |value| {
                let networks = super::section::strings(value)?;
                match networks.iter().find(|network| !is_network(network)) {
                    None => Ok(networks),
                    Some(wrong) => Err(format!("`{wrong}` is not a network; write \"10.0.0.0/8\"")),
                }
            })
            .unwrap_or_default();
        section.finish();
        Self {
            listen,
            cert_file,
            cert_key_file,
            api_keys_file,
            outbound,
            inbound_secret,
            inbound_mode,
            allow_private,
        }
    }
}

fn is_network(written: &str) -> bool {
    let Some((address, bits)) = written.split_once('/') else {
        return false;
    };
    match (address.parse::<std::net::IpAddr>(), bits.parse::<u8>()) {
        (Ok(std::net::IpAddr::V4(_)), Ok(bits)) => bits <= 32,
        (Ok(std::net::IpAddr::V6(_)), Ok(bits)) => bits <= 128,
        _ => false,
    }
}
