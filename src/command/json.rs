//! JSON that is safe to look at: lossless, but without a character that could move the cursor or turn text around.

use serde::Serialize;
use serde_json::Value;

use super::{Exit, Failure};
use crate::domain::escape_json;

/// A value of our own types; they all serialise.
pub(super) fn value(value: &impl Serialize) -> Result<Value, Failure> {
    serde_json::to_value(value).map_err(|error| Failure::new(Exit::Bug, format!("the answer cannot be written as JSON: {error}")))
}

/// A document with its line end.
pub(super) fn document(value: &Value, pretty: bool) -> String {
    let text = if pretty { format!("{value:#}") } else { value.to_string() };
    let mut safe = escape_json(&text);
    safe.push('\n');
    safe
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn hostile_characters_are_escaped_and_nothing_is_lost() {
        let hostile = json!({"alertName": "a\u{1b}[2J\u{9b}b\u{202e}c\u{200b}d\u{e0041}e\u{7f}", "ok": "Überdruck e\u{301} 温度 🔥"});
        for pretty in [false, true] {
            let text = document(&hostile, pretty);
            assert!(
                text.chars().all(|char| char == '\n' || !char.is_control()) && !text.contains(['\u{202e}', '\u{200b}', '\u{e0041}']),
                "{text:?}"
            );
            assert!(text.contains("Überdruck") && text.contains("温度 🔥"), "{text}");
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), hostile);
        }
    }

    proptest::proptest! {
        #[test]
        fn every_text_comes_back(text in ".*") {
            let value = Value::from(text);
            proptest::prop_assert_eq!(serde_json::from_str::<Value>(&document(&value, false)).unwrap(), value);
        }
    }
}
