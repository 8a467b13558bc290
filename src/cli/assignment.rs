//! `key=text` and `key:=JSON`.

use std::str::FromStr;

use serde_json::Value;

/// One metadata key and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    /// The key.
    pub key: String,
    /// The value; a text unless `:=` says otherwise, so that a serial number of digits stays a text.
    pub value: Value,
}

/// Not an assignment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssignmentError {
    /// Without a sign, or without a key.
    #[error("write key=text, or key:=JSON")]
    Form,
    /// After `:=`.
    #[error("what follows := is not JSON ({0}); write key=text for a text")]
    Json(String),
}

impl FromStr for Assignment {
    type Err = AssignmentError;

    fn from_str(written: &str) -> Result<Self, Self::Err> {
        let (key, value) = written.split_once('=').ok_or(AssignmentError::Form)?;
        let (key, value) = match key.strip_suffix(':') {
            Some(key) => (
                key,
                serde_json::from_str(value).map_err(|error| AssignmentError::Json(error.to_string()))?,
            ),
            None => (key, Value::String(value.to_owned())),
        };
        if key.is_empty() || key.chars().any(|char| char.is_control() || char.is_whitespace()) {
            return Err(AssignmentError::Form);
        }
        Ok(Self {
            key: key.to_owned(),
            value,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_stays_text_and_json_is_json() {
        for (written, key, value) in [
            ("serial=00123", "serial", json!("00123")),
            ("note=a=b", "note", json!("a=b")),
            ("empty=", "empty", json!("")),
            ("limit:=90.5", "limit", json!(90.5)),
            ("on:=true", "on", json!(true)),
            ("where:={\"hall\":\"A\"}", "where", json!({"hall": "A"})),
        ] {
            let read: Assignment = written.parse().unwrap();
            assert_eq!((read.key.as_str(), read.value), (key, value), "{written}");
        }
        for wrong in ["key", "=x", ":=1", "a b=1", "on:=yes"] {
            assert!(wrong.parse::<Assignment>().is_err(), "{wrong}");
        }
    }
}
