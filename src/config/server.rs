//! The two servers of a profile.

use std::path::PathBuf;

use jiff::civil::Date;
use url::Url;

use super::CredentialSource;
use super::section::Section;

/// `[profiles.*.monitor]`
#[derive(Clone, Debug, PartialEq)]
pub struct Monitor {
    /// Always `https`.
    pub url: Url,
    /// The certificate authority to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// How to log in.
    pub auth: MonitorAuth,
    /// When the key or client secret was made.
    pub key_created: Option<Date>,
}

/// How to log in to Monitor.
#[derive(Clone, Debug, PartialEq)]
pub enum MonitorAuth {
    /// `auth = "api-key"`
    ApiKey(CredentialSource),
    /// `auth = "oauth2"`: client credentials.
    OAuth2 {
        /// Always `https`.
        token_url: Url,
        /// The client's id.
        client_id: String,
        /// The client's secret.
        client_secret: CredentialSource,
        /// Empty asks for none.
        scope: String,
    },
}

impl MonitorAuth {
    /// The secret in it.
    pub fn credential(&self) -> &CredentialSource {
        match self {
            Self::ApiKey(source) => source,
            Self::OAuth2 { client_secret, .. } => client_secret,
        }
    }
}

/// `[profiles.*.manage]`
#[derive(Clone, Debug, PartialEq)]
pub struct Manage {
    /// Always `https`.
    pub url: Url,
    /// The certificate authority to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// The `apikey`.
    pub key: CredentialSource,
    /// When the key was made.
    pub key_created: Option<Date>,
    /// The path of the object structures.
    pub base: String,
    /// The object structure of work orders.
    pub work_order: String,
    /// The object structure of assets.
    pub asset: String,
}

const DATE: &str = "a date such as \"2026-09-01\"";

fn required_url(section: &Section<'_>, key: &str, example: &str) -> Option<Url> {
    if !section.has(key) {
        section.wrong(key, format!("is missing; for example {key} = \"{example}\""));
    }
    section.https(key)
}

impl Monitor {
    /// `None` only after a problem was noted.
    pub(super) fn read(section: Section<'_>) -> Option<Self> {
        let url = required_url(&section, "url", "https://monitor.example");
        let ca_file = section.path("ca_file");
        let key_created = section.parsed("key_created", DATE);
        let oauth2 = section.choice("auth", false, &[("api-key", false), ("oauth2", true)]);
        let auth = if oauth2 {
            let token_url = required_url(&section, "token_url", "https://monitor.example/oauth/token");
            let client_id = section.required("client_id", "nightdesk");
            let scope = section.string_or("scope", "");
            let secret = section.required_credential("client_secret");
            token_url.zip(secret).map(|(token_url, client_secret)| MonitorAuth::OAuth2 {
                token_url,
                client_id,
                client_secret,
                scope,
            })
        } else {
            section.required_credential("key").map(MonitorAuth::ApiKey)
        };
        section.finish();
        Some(Self {
            url: url?,
            ca_file,
            auth: auth?,
            key_created,
        })
    }
}

impl Manage {
    /// `None` only after a problem was noted.
    pub(super) fn read(section: Section<'_>) -> Option<Self> {
        let url = required_url(&section, "url", "https://manage.example");
        let ca_file = section.path("ca_file");
        let key_created = section.parsed("key_created", DATE);
        let key = section.required_credential("key");
        let base = section
            .value("base", |value| {
                let path = super::section::text(value)?.trim_end_matches('/');
                let plain = |char: char| char.is_ascii_alphanumeric() || "/-_.".contains(char);
                if path.starts_with('/') && path.chars().all(plain) && !path.contains("..") {
                    Ok(path.to_owned())
                } else {
                    Err("is not a path; write \"/maximo/oslc/os\" or \"/maximo/api/os\"".into())
                }
            })
            .unwrap_or_else(|| "/maximo/oslc/os".to_owned());
        let structure = |key: &str, default: &str| {
            section
                .value(key, |value| {
                    let name = super::section::text(value)?;
                    if !name.is_empty() && name.chars().all(|char| char.is_ascii_alphanumeric() || char == '_') {
                        Ok(name.to_owned())
                    } else {
                        Err(format!("is not an object structure's name; write \"{default}\""))
                    }
                })
                .unwrap_or_else(|| default.to_owned())
        };
        let work_order = structure("work_order", "mxwo");
        let asset = structure("asset", "mxasset");
        section.finish();
        Some(Self {
            url: url?,
            ca_file,
            key: key?,
            key_created,
            base,
            work_order,
            asset,
        })
    }
}
