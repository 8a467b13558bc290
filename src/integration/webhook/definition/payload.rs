//! What a message says: JSON with `${NAME}` of the alert in its texts.

use serde_json::Value;
use serde_json::value::RawValue;

use super::super::template::{FIELDS, Shape, Text};
use super::reader::{Object, Reader};
use crate::config::nearest;

/// Deepest payload.
const DEPTH_MAX: usize = 32;

impl<'a> Reader<'a> {
    pub(super) fn payload(&self, webhook: &Object<'a>) -> Option<Shape> {
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
}
