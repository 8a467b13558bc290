//! A webhook's JSON file, checked to the last member before anything runs.

mod address;
mod headers;
mod payload;
mod reader;
mod retry;
mod signing;
mod trigger;

use std::cell::RefCell;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use reqwest::Method;
use reqwest::header::HeaderMap;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::Url;

pub use self::retry::Retry;
pub use self::signing::Signing;
pub use self::trigger::Trigger;

use self::reader::Reader;
use super::place::Places;
use super::template::Shape;
use super::{Disabled, Disablement};
use crate::config::{ConfigError, Env, named_secret};
use crate::domain::{Alert, AlertId, Intent, Target, hex};
use crate::integration::StoreError;

/// Longest definition, in bytes.
const MAX_BYTES: u64 = 256 * 1024;

/// Definitions to begin with, by name.
pub const TEMPLATES: [(&str, &str); 3] = [
    ("servicenow", include_str!("templates/servicenow.json")),
    ("slack", include_str!("templates/slack.json")),
    ("generic", include_str!("templates/generic.json")),
];

/// Finds a named secret, or says why there is none.
pub type LookUp<'a> = &'a dyn Fn(&str) -> Result<SecretString, String>;

/// A definition without faults. Its `Debug` shows no secret.
#[derive(Clone)]
pub struct Definition {
    /// Its name, in rules and commands.
    pub name: String,
    /// The file it stands in.
    pub path: PathBuf,
    /// What sets it off.
    pub trigger: Trigger,
    /// When it is tried again.
    pub retry: Retry,
    /// An authority of one's own to trust.
    pub ca_file: Option<PathBuf>,
    pub(super) url: Url,
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
    pub(super) payload: Shape,
    pub(super) signing: Option<Signing>,
    /// All that was filled in for `${NAME}` of address, headers and signature.
    pub(super) secrets: Vec<SecretString>,
    /// Whether the payload carries an id of ours that is looked up before anything is sent.
    pub(super) correlates: bool,
    /// The file's text, as it was read.
    text: Arc<str>,
}

impl fmt::Debug for Definition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Definition")
            .field("name", &self.name)
            .field("origin", &self.origin())
            .field("trigger", &self.trigger)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

impl Definition {
    /// `https://host:port`. The rest of the address may hold a secret and is not shown.
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// Whether its messages are signed.
    pub fn is_signed(&self) -> bool {
        self.signing.is_some()
    }

    /// Whether its messages carry a `correlation_id` that is looked up before each try.
    pub fn correlates(&self) -> bool {
        self.correlates
    }

    /// That its receiver said that it is gone, if it did.
    pub fn disablement(&self, disabled: &Disabled) -> Result<Option<Disablement>, StoreError> {
        disabled.get(&self.name, self.url.as_str())
    }

    /// What its messages are bound to: its address, and a queue of its own there.
    pub fn target(&self, profile: &str) -> Target {
        Target {
            service: crate::domain::Service::Webhook,
            profile: profile.to_owned(),
            origin: format!("{}#{}", self.origin(), self.name),
        }
    }

    /// Whether a message was made for the address at which it is now. From before each webhook had a queue of its own there may be some
    /// in an outbox that were made for the host alone.
    pub(super) fn is_at(&self, target: &Target) -> bool {
        target.origin == self.origin() || target.origin == self.target(&target.profile).origin
    }

    /// The same definition with the secrets that there are now, `None` where those are the same ones. What else was changed in the file
    /// counts from the next start on. `Err` is a sentence without any part of them.
    pub(super) fn renewed(&self, env: &Env) -> Result<Option<Self>, String> {
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let other = Self::parse(&self.text, &self.path, &|name| named_secret(name, env, folder)).map_err(|error| error.to_string())?;
        let same = |(one, other): (&SecretString, &SecretString)| one.expose_secret() == other.expose_secret();
        if other.secrets.len() == self.secrets.len() && other.secrets.iter().zip(&self.secrets).all(same) {
            return Ok(None);
        }
        if other.origin() != self.origin() {
            return Err(format!(
                "{}: webhook.url: it now names another host: start the bridge again to send there",
                self.path.display()
            ));
        }
        Ok(Some(other))
    }

    /// The message about an alert: the same id and payload at every bridge of the site.
    pub fn message(&self, site: &str, alert: &Alert) -> Intent {
        let id = message_id(&self.name, site, &alert.id);
        let mut payload = self.payload.fill(alert);
        if self.correlates
            && let Some(members) = payload.as_object_mut()
            && !members.contains_key("correlation_id")
        {
            members.insert("correlation_id".into(), Value::from(id.as_str()));
        }
        Intent::CallWebhook {
            webhook: self.name.clone(),
            message: id,
            alert: Some(alert.id.clone()),
            payload,
        }
    }

    /// Reads a definition. `look_up` finds `${NAME}` of headers, address and signature, or says in a sentence why it does not, which is a fault.
    pub fn parse(text: &str, path: &Path, look_up: LookUp<'_>) -> Result<Self, ConfigError> {
        let places = Places::of(text);
        let read = Reader {
            places: &places,
            path,
            look_up,
            secrets: RefCell::default(),
        }
        .read(text);
        match read {
            Some(definition) if places.is_empty() => Ok(definition),
            _ => Err(places.into_error(path)),
        }
    }
}

/// Follows from webhook, site and alert alone. Each part is preceded by its length, so that no two triples run together.
fn message_id(webhook: &str, site: &str, alert: &AlertId) -> String {
    use sha2::{Digest as _, Sha256};
    let mut hash = Sha256::new();
    for part in [webhook, site, alert.raw()] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let digest = hex(&hash.finalize());
    format!("msg_{}", digest.get(..32).unwrap_or_default())
}

/// Reads a definition's file, with `${NAME}` from the environment and the credentials.
pub fn read(path: &Path, env: &Env) -> Result<Definition, ConfigError> {
    let unreadable = |reason: String| ConfigError::Unreadable {
        path: path.to_owned(),
        reason,
    };
    let size = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?.len();
    if size > MAX_BYTES {
        return Err(unreadable(format!("it is larger than {} KiB", MAX_BYTES / 1024)));
    }
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    Definition::parse(&text, path, &|name| named_secret(name, env, folder))
}

/// Reads the files of `[bridge].outbound`. Two of one name are a fault.
pub fn load(paths: &[PathBuf], env: &Env) -> Result<Vec<Definition>, ConfigError> {
    let mut all: Vec<Definition> = Vec::new();
    for path in paths {
        let definition = read(path, env)?;
        if let Some(other) = all.iter().find(|other| other.name == definition.name) {
            return Err(ConfigError::Unreadable {
                path: path.clone(),
                reason: format!(
                    "its name `{}` is that of {}: give each webhook a name of its own",
                    definition.name,
                    other.path.display()
                ),
            });
        }
        all.push(definition);
    }
    Ok(all)
}

#[cfg(test)]
mod tests;
