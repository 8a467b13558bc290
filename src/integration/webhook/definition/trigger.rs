//! What sets a webhook off.

use super::reader::{Object, Reader};
use crate::domain::{Alert, Severity};

/// What sets a webhook off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// Of these severities; empty means all.
    pub severities: Vec<Severity>,
}

impl Trigger {
    /// Whether an alert sets it off.
    pub fn matches(&self, alert: &Alert) -> bool {
        self.severities.is_empty() || self.severities.contains(&alert.severity)
    }
}

impl<'a> Reader<'a> {
    pub(super) fn trigger(&self, webhook: &Object<'a>) -> Option<Trigger> {
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
}
