//! A webhook's JSON file, checked to the last member before anything runs.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use serde_json::value::RawValue;
use url::Url;

use super::place::{Members, Places};
use super::template::{FIELDS, Shape, Text};
use super::{Disabled, Disablement};
use crate::config::{ConfigError, Env, named_secret, nearest};
use crate::domain::{Alert, AlertId, Intent, Severity, Target, hex};
use crate::integration::StoreError;

/// Longest definition, in bytes.
const MAX_BYTES: u64 = 256 * 1024;
/// Deepest payload.
const DEPTH_MAX: usize = 32;
/// Longest wait between two tries.
const BACKOFF_MAX: f64 = 86_400.0;

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
}

/// What sets a webhook off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// Of these severities; empty means all.
    pub severities: Vec<Severity>,
}

/// When a message is tried again.
#[derive(Clone, Debug, PartialEq)]
pub struct Retry {
    /// All tries, the first included.
    pub max_attempts: u32,
    /// Between the tries; the last one goes for those beyond.
    pub backoff: Vec<Duration>,
}

/// The secret of the Standard Webhooks signature.
#[derive(Clone, Debug)]
pub struct Signing(SecretString);

impl Signing {
    pub(super) fn secret(&self) -> &str {
        self.0.expose_secret()
    }
}

impl Retry {
    /// The wait after so many tries; `None` where they are used up.
    pub fn after(&self, attempts: u32) -> Option<Duration> {
        if attempts >= self.max_attempts {
            return None;
        }
        let index = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
        Some(self.backoff.get(index).or(self.backoff.last()).copied().unwrap_or_default())
    }
}

impl Trigger {
    /// Whether an alert sets it off.
    pub fn matches(&self, alert: &Alert) -> bool {
        self.severities.is_empty() || self.severities.contains(&alert.severity)
    }
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

    /// What its messages are bound to.
    pub fn target(&self, profile: &str) -> Target {
        Target {
            service: crate::domain::Service::Webhook,
            profile: profile.to_owned(),
            origin: self.origin(),
        }
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

/// Reads one file and notes what is wrong.
struct Reader<'a> {
    places: &'a Places<'a>,
    path: &'a Path,
    look_up: LookUp<'a>,
    /// What was found.
    secrets: RefCell<Vec<SecretString>>,
}

/// The members of an object by name.
struct Object<'a> {
    at: &'a RawValue,
    key: String,
    members: Vec<(String, &'a RawValue)>,
}

impl<'a> Object<'a> {
    fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.members.iter().find(|(key, _)| key == name).map(|(_, value)| *value)
    }

    fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.key)
    }
}

impl<'a> Reader<'a> {
    fn read(&self, text: &'a str) -> Option<Definition> {
        let whole: &RawValue = serde_json::from_str(text)
            .map_err(|error| self.places.unreadable(text, "", &error))
            .ok()?;
        let top = self.object(whole, "", &["webhook"])?;
        let Some(body) = top.get("webhook") else {
            self.places
                .wrong(whole, "webhook", "is missing; the file is { \"webhook\": { … } }");
            return None;
        };
        let known = [
            "name",
            "url",
            "method",
            "headers",
            "trigger",
            "payload",
            "retry",
            "caFile",
            "signingSecret",
            "correlationId",
        ];
        let webhook = self.object(body, "webhook", &known)?;
        let name = self.required_text(&webhook, "name").filter(|name| {
            let plain = !name.trim().is_empty() && name.chars().count() <= 100 && !name.chars().any(char::is_control);
            if !plain {
                self.note(&webhook, "name", "is not a name; write one line of at most 100 characters");
            }
            plain
        });
        let url = self.url(&webhook);
        let method = self.method(&webhook);
        let headers = self.headers(&webhook);
        let trigger = self.trigger(&webhook);
        let payload = self.payload(&webhook);
        let retry = self.retry(&webhook);
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let ca_file = self.text(&webhook, "caFile").map(|file| folder.join(file));
        let signing = self.signing(&webhook);
        let table = url.as_ref().is_some_and(|url| url.path().contains("/api/now/table/"));
        let correlates = self.flag(&webhook, "correlationId").unwrap_or(table);
        if correlates && payload.as_ref().is_some_and(|payload| !matches!(payload, Shape::Object(_))) {
            self.note(
                &webhook,
                "payload",
                "must be an object to carry the correlation_id; or set correlationId to false",
            );
        }
        Some(Definition {
            name: name?,
            path: self.path.to_owned(),
            trigger: trigger?,
            retry,
            ca_file,
            url: url?,
            method,
            headers,
            payload: payload?,
            signing,
            secrets: self.secrets.take(),
            correlates,
        })
    }

    /// An object whose members are all known and stand once.
    fn object(&self, at: &'a RawValue, key: &str, known: &[&str]) -> Option<Object<'a>> {
        let object = self.any_object(at, key)?;
        for (name, value) in &object.members {
            if !known.contains(&name.as_str()) {
                let hint = nearest(name, known.iter().copied()).map_or_else(
                    || format!("there is {}", known.join(", ")),
                    |near| format!("did you mean `{near}`?"),
                );
                let dotted = if key.is_empty() { name.clone() } else { object.key(name) };
                self.places.wrong(value, &dotted, format!("is unknown; {hint}"));
            }
        }
        Some(object)
    }

    fn any_object(&self, at: &'a RawValue, key: &str) -> Option<Object<'a>> {
        let read: Result<Members<'a>, _> = serde_json::from_str(at.get());
        let members = match read {
            Ok(Members(members)) => members,
            Err(error) => {
                if at.get().starts_with('{') {
                    self.places.unreadable(at.get(), key, &error);
                } else {
                    self.places.wrong(at, key, "is not an object; write { … }");
                }
                return None;
            }
        };
        let mut seen = BTreeSet::new();
        for (name, value) in &members {
            if !seen.insert(name.as_str()) {
                self.places
                    .wrong(value, &format!("{key}.{name}"), "stands twice; one of them would be lost");
            }
        }
        Some(Object {
            at,
            key: key.to_owned(),
            members,
        })
    }

    fn note(&self, object: &Object<'a>, name: &str, message: impl Into<String>) {
        self.places.wrong(object.get(name).unwrap_or(object.at), &object.key(name), message);
    }

    fn text(&self, object: &Object<'a>, name: &str) -> Option<String> {
        let raw = object.get(name)?;
        let text = serde_json::from_str::<String>(raw.get()).ok().filter(|text| !text.is_empty());
        if text.is_none() {
            self.note(object, name, "is not a text; write \"…\"");
        }
        text
    }

    fn required_text(&self, object: &Object<'a>, name: &str) -> Option<String> {
        if object.get(name).is_none() {
            self.note(object, name, "is missing");
        }
        self.text(object, name)
    }

    fn flag(&self, object: &Object<'a>, name: &str) -> Option<bool> {
        let raw = object.get(name)?;
        let flag = serde_json::from_str(raw.get()).ok();
        if flag.is_none() {
            self.note(object, name, "is neither true nor false");
        }
        flag
    }

    /// A text with the `${NAME}` of the environment or the credential store filled in; what is not there is named.
    fn secret(&self, text: &str, object: &Object<'a>, name: &str) -> Option<String> {
        let parsed = match Text::parse(text) {
            Ok(parsed) => parsed,
            Err(message) => {
                self.note(object, name, message);
                return None;
            }
        };
        let mut found = BTreeMap::new();
        for variable in parsed.names().collect::<BTreeSet<_>>() {
            match (self.look_up)(variable) {
                Ok(secret) => {
                    self.secrets.borrow_mut().push(secret.clone());
                    found.insert(variable, secret);
                }
                Err(words) => self.note(object, name, words),
            }
        }
        let whole = parsed.names().all(|variable| found.contains_key(variable));
        whole.then(|| parsed.fill(|variable| found.get(variable).map(|secret| secret.expose_secret().to_owned())))
    }

    fn url(&self, webhook: &Object<'a>) -> Option<Url> {
        let written = self.required_text(webhook, "url")?;
        let filled = self.secret(&written, webhook, "url")?;
        let place = webhook.get("url").unwrap_or(webhook.at);
        let key = webhook.key("url");
        match Url::parse(filled.trim()) {
            Ok(url) if url.scheme() == "https" && url.host_str().is_some() => {
                if !url.username().is_empty() || url.password().is_some() {
                    self.places
                        .wrong(place, &key, "holds a user name or password; write them as ${NAME} into a header");
                    return None;
                }
                if url.fragment().is_some() {
                    self.places.wrong(place, &key, "has a `#`; write the address without it");
                    return None;
                }
                Some(url)
            }
            Ok(url) if url.scheme() == "http" => {
                self.places.insecure(
                    place,
                    &key,
                    "`http://` is refused: secrets and alerts would travel in clear text; write https://",
                );
                None
            }
            Ok(_) | Err(_) => {
                // not the text itself: it may hold a secret
                self.places.wrong(place, &key, "is not an https address; write https://host/path");
                None
            }
        }
    }

    fn method(&self, webhook: &Object<'a>) -> Method {
        let Some(word) = self.text(webhook, "method") else {
            return Method::POST;
        };
        match word.as_str() {
            "POST" => Method::POST,
            "PUT" => Method::PUT,
            "PATCH" => Method::PATCH,
            _ => {
                self.note(webhook, "method", "is none of POST, PUT, PATCH");
                Method::POST
            }
        }
    }

    fn headers(&self, webhook: &Object<'a>) -> HeaderMap {
        // what the connection itself says, and what we sign with
        const OURS: [&str; 9] = [
            "host",
            "content-length",
            "transfer-encoding",
            "connection",
            "referer",
            "expect",
            "webhook-id",
            "webhook-timestamp",
            "webhook-signature",
        ];
        let mut headers = HeaderMap::new();
        let Some(object) = webhook.get("headers").and_then(|raw| self.any_object(raw, "webhook.headers")) else {
            return headers;
        };
        for (name, _) in &object.members {
            let Ok(header) = HeaderName::from_bytes(name.as_bytes()) else {
                self.note(&object, name, "is not a header's name");
                continue;
            };
            if OURS.contains(&header.as_str()) {
                self.note(&object, name, "is set by nightdesk; leave it out");
                continue;
            }
            let Some(written) = self.text(&object, name) else { continue };
            if written.chars().any(char::is_control) {
                self.note(
                    &object,
                    name,
                    "holds a line break or another control character, with which it could begin a header of its own",
                );
                continue;
            }
            let Some(filled) = self.secret(&written, &object, name) else {
                continue;
            };
            match HeaderValue::from_str(filled.trim_end_matches(['\r', '\n'])) {
                Ok(mut value) => {
                    value.set_sensitive(true);
                    headers.insert(header, value);
                }
                Err(_) => self.note(
                    &object,
                    name,
                    "holds, after filling in, a line break or a character that no header may have",
                ),
            }
        }
        headers
    }

    fn trigger(&self, webhook: &Object<'a>) -> Option<Trigger> {
        let Some(raw) = webhook.get("trigger") else {
            self.note(
                webhook,
                "trigger",
                "is missing; write { \"type\": \"alert\", \"severity\": [\"critical\"] }",
            );
            return None;
        };
        let trigger = self.object(raw, "webhook.trigger", &["type", "severity"])?;
        let kind = self.required_text(&trigger, "type")?;
        if kind != "alert" {
            self.note(
                &trigger,
                "type",
                format!("`{}` is unknown; there is \"alert\"", kind.escape_default()),
            );
        }
        let mut severities = Vec::new();
        if let Some(raw) = trigger.get("severity") {
            let words =
                serde_json::from_str::<Vec<String>>(raw.get()).or_else(|_| serde_json::from_str(raw.get()).map(|word: String| vec![word]));
            match words {
                Ok(words) if !words.is_empty() => {
                    for word in words {
                        let severity = Severity::parse(&word);
                        if Severity::NAMED.contains(&severity) {
                            severities.push(severity);
                        } else {
                            let words = format!(
                                "`{}` is none of critical, high, medium, low; leave `severity` out for all",
                                word.escape_default()
                            );
                            self.note(&trigger, "severity", words);
                        }
                    }
                }
                Ok(_) => self.note(&trigger, "severity", "is empty; leave it out for all"),
                Err(_) => self.note(&trigger, "severity", "is not a list of texts; write [\"critical\", \"high\"]"),
            }
        }
        Some(Trigger { severities })
    }

    fn payload(&self, webhook: &Object<'a>) -> Option<Shape> {
        let Some(raw) = webhook.get("payload") else {
            self.note(webhook, "payload", "is missing");
            return None;
        };
        self.shape(raw, "webhook.payload", DEPTH_MAX)
    }

    fn shape(&self, raw: &'a RawValue, key: &str, depth: usize) -> Option<Shape> {
        if depth == 0 {
            self.places.wrong(raw, key, format!("is nested more than {DEPTH_MAX} deep"));
            return None;
        }
        let text = raw.get();
        if text.starts_with('{') {
            let object = self.any_object(raw, key)?;
            let mut members = Vec::new();
            for (name, value) in &object.members {
                if name.contains("${") {
                    self.places
                        .wrong(value, &object.key(name), "is a template in a name; only values are filled in");
                }
                if let Some(shape) = self.shape(value, &object.key(name), depth - 1) {
                    members.push((name.clone(), shape));
                }
            }
            return Some(Shape::Object(members));
        }
        if text.starts_with('[') {
            let items: Vec<&'a RawValue> = serde_json::from_str(text)
                .map_err(|error| self.places.unreadable(text, key, &error))
                .ok()?;
            let shapes = items
                .iter()
                .enumerate()
                .filter_map(|(index, item)| self.shape(item, &format!("{key}[{}]", index + 1), depth - 1));
            return Some(Shape::List(shapes.collect()));
        }
        match serde_json::from_str(text)
            .map_err(|error| self.places.unreadable(text, key, &error))
            .ok()?
        {
            Value::String(text) => match Text::parse(&text) {
                Ok(parsed) => {
                    for name in parsed.names().filter(|name| !FIELDS.contains(name)) {
                        let hint = nearest(name, FIELDS).map_or_else(
                            || format!("there is {}", FIELDS.join(", ")),
                            |near| format!("did you mean `${{{near}}}`?"),
                        );
                        self.places
                            .wrong(raw, key, format!("`${{{name}}}` is no member of an alert; {hint}"));
                    }
                    Some(Shape::Text(parsed))
                }
                Err(message) => {
                    self.places.wrong(raw, key, message);
                    None
                }
            },
            plain => Some(Shape::Plain(plain)),
        }
    }

    fn retry(&self, webhook: &Object<'a>) -> Retry {
        let mut retry = Retry {
            max_attempts: 3,
            backoff: [5, 30, 120].map(Duration::from_secs).to_vec(),
        };
        let Some(object) = webhook
            .get("retry")
            .and_then(|raw| self.object(raw, "webhook.retry", &["maxAttempts", "backoffSeconds"]))
        else {
            return retry;
        };
        if let Some(raw) = object.get("maxAttempts") {
            match serde_json::from_str::<u32>(raw.get()) {
                Ok(number @ 1..=100) => retry.max_attempts = number,
                _ => self.note(&object, "maxAttempts", "is not a whole number from 1 to 100; it counts all tries"),
            }
        }
        if let Some(raw) = object.get("backoffSeconds") {
            match serde_json::from_str::<Vec<f64>>(raw.get()) {
                Ok(seconds) if !seconds.is_empty() && seconds.iter().all(|second| (0.0..=BACKOFF_MAX).contains(second)) => {
                    retry.backoff = seconds.into_iter().map(Duration::from_secs_f64).collect();
                }
                _ => self.note(
                    &object,
                    "backoffSeconds",
                    "is not a list of seconds up to a day; write [5, 30, 120]",
                ),
            }
        }
        retry
    }

    fn signing(&self, webhook: &Object<'a>) -> Option<Signing> {
        use base64::Engine as _;
        let written = self.text(webhook, "signingSecret")?;
        if Text::parse(&written).is_ok_and(|text| text.names().count() == 0) {
            self.note(
                webhook,
                "signingSecret",
                "stands in clear text; write ${NAME} and treat the one that stood here as known",
            );
            return None;
        }
        let secret = self.secret(&written, webhook, "signingSecret")?;
        let secret = secret.trim().to_owned();
        if let Some(encoded) = secret.strip_prefix("whsec_")
            && base64::engine::general_purpose::STANDARD.decode(encoded).is_err()
        {
            self.note(webhook, "signingSecret", "begins with whsec_ and is not base64 behind it");
            return None;
        }
        Some(Signing(secret.into()))
    }
}

#[cfg(test)]
mod tests;
