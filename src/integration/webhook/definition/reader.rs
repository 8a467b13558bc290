//! Reads one definition, and notes what is wrong with the line that it stands in.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::value::RawValue;

use super::super::place::{Members, Places};
use super::super::template::{Shape, Text};
use super::{Definition, LookUp};
use crate::config::nearest;

/// Members of a webhook.
const KNOWN: [&str; 10] = [
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

/// Reads one file and notes what is wrong.
pub(super) struct Reader<'a> {
    pub(super) places: &'a Places<'a>,
    pub(super) path: &'a Path,
    pub(super) look_up: LookUp<'a>,
    /// What was found.
    pub(super) secrets: RefCell<Vec<SecretString>>,
}

/// The members of an object by name.
pub(super) struct Object<'a> {
    pub(super) at: &'a RawValue,
    key: String,
    pub(super) members: Vec<(String, &'a RawValue)>,
}

impl<'a> Object<'a> {
    pub(super) fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.members.iter().find(|(key, _)| key == name).map(|(_, value)| *value)
    }

    pub(super) fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.key)
    }
}

impl<'a> Reader<'a> {
    pub(super) fn read(&self, text: &'a str) -> Option<Definition> {
        let whole: &RawValue = serde_json::from_str(text)
            .map_err(|error| self.places.unreadable(text, "", &error))
            .ok()?;
        let top = self.object(whole, "", &["webhook"])?;
        let Some(body) = top.get("webhook") else {
            self.places
                .wrong(whole, "webhook", "is missing; the file is { \"webhook\": { … } }");
            return None;
        };
        let webhook = self.object(body, "webhook", &KNOWN)?;
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
            text: text.into(),
        })
    }

    /// An object whose members are all known and stand once.
    pub(super) fn object(&self, at: &'a RawValue, key: &str, known: &[&str]) -> Option<Object<'a>> {
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

    pub(super) fn any_object(&self, at: &'a RawValue, key: &str) -> Option<Object<'a>> {
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

    pub(super) fn note(&self, object: &Object<'a>, name: &str, message: impl Into<String>) {
        self.places.wrong(object.get(name).unwrap_or(object.at), &object.key(name), message);
    }

    pub(super) fn text(&self, object: &Object<'a>, name: &str) -> Option<String> {
        let raw = object.get(name)?;
        let text = serde_json::from_str::<String>(raw.get()).ok().filter(|text| !text.is_empty());
        if text.is_none() {
            self.note(object, name, "is not a text; write \"…\"");
        }
        text
    }

    pub(super) fn required_text(&self, object: &Object<'a>, name: &str) -> Option<String> {
        if object.get(name).is_none() {
            self.note(object, name, "is missing");
        }
        self.text(object, name)
    }

    pub(super) fn flag(&self, object: &Object<'a>, name: &str) -> Option<bool> {
        let raw = object.get(name)?;
        let flag = serde_json::from_str(raw.get()).ok();
        if flag.is_none() {
            self.note(object, name, "is neither true nor false");
        }
        flag
    }

    /// A text with the `${NAME}` of the environment or the credential store filled in; what is not there is named.
    pub(super) fn secret(&self, text: &str, object: &Object<'a>, name: &str) -> Option<String> {
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
}
