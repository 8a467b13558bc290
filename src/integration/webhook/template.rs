//! `${name}` in texts: parsed once with every name checked, filled in as text inside JSON values, never as raw JSON.

use serde_json::{Map, Value};

use crate::domain::{Alert, MetricValue, SafeText, Severity};

/// Names that a payload may use: every member of the contract's alert, and the urgency.
pub const FIELDS: [&str; 20] = [
    "alertId",
    "alertName",
    "deviceId",
    "deviceType",
    "severity",
    "status",
    "metric",
    "value",
    "threshold",
    "timestamp",
    "message",
    "acknowledgedBy",
    "acknowledgedAt",
    "notes",
    "resolvedBy",
    "resolvedAt",
    "resolution",
    "rootCause",
    "preventiveAction",
    "mapSeverityToUrgency",
];

/// Stands for what an alert does not say.
const ABSENT: &str = "N/A";
/// Longest text that is filled in, in bytes: an alert must not grow past what the outbox takes.
const TEXT_MAX: usize = 8 * 1024;

/// ServiceNow's urgency: 1 is the highest.
pub fn urgency(severity: &Severity) -> u8 {
    match severity {
        Severity::Critical => 1,
        Severity::High => 2,
        Severity::Medium | Severity::Low | Severity::Other(_) => 3,
    }
}

/// A text with names to be filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Name(String),
}

impl Text {
    /// `Err` is a sentence about a `${` that is not closed or holds no name.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, behind) = after
                .split_once('}')
                .ok_or_else(|| format!("has a `${{` without `}}`: `${{{}`", after.chars().take(20).collect::<String>()))?;
            let plain = |char: char| char.is_ascii_alphanumeric() || char == '_';
            if name.is_empty() || !name.chars().all(plain) {
                return Err(format!("`${{{name}}}` is no name; write letters, digits and _ between the braces"));
            }
            if !before.is_empty() {
                pieces.push(Piece::Literal(before.to_owned()));
            }
            pieces.push(Piece::Name(name.to_owned()));
            rest = behind;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Literal(rest.to_owned()));
        }
        Ok(Self(pieces))
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Name(name) => Some(name.as_str()),
            Piece::Literal(_) => None,
        })
    }

    pub(super) fn fill(&self, look_up: impl Fn(&str) -> Option<String>) -> String {
        self.0
            .iter()
            .map(|piece| match piece {
                Piece::Literal(text) => text.clone(),
                Piece::Name(name) => look_up(name).unwrap_or_else(|| ABSENT.to_owned()),
            })
            .collect()
    }
}

/// A payload's shape.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    /// Numbers, switches, null: as they stand.
    Plain(Value),
    Text(Text),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl Shape {
    /// The payload for an alert: the same alert always gives the same value.
    pub(super) fn fill(&self, alert: &Alert) -> Value {
        match self {
            Self::Plain(value) => value.clone(),
            Self::Text(text) => Value::String(text.fill(|name| field(alert, name))),
            Self::List(list) => list.iter().map(|shape| shape.fill(alert)).collect(),
            Self::Object(members) => {
                let members = members.iter().map(|(name, shape)| (name.clone(), shape.fill(alert)));
                Value::Object(members.collect::<Map<_, _>>())
            }
        }
    }
}

/// A member of the contract's alert as text; `None` where the alert does not have it.
fn field(alert: &Alert, name: &str) -> Option<String> {
    let text = |text: &Option<SafeText>| text.as_ref().map(|text| text.raw().to_owned());
    let time = |time: &Option<jiff::Timestamp>| time.map(|time| time.to_string());
    let found = match name {
        "alertId" => Some(alert.id.raw().to_owned()),
        "alertName" => Some(alert.name.raw().to_owned()),
        "deviceId" => Some(alert.device.raw().to_owned()),
        "deviceType" => alert.device_type.as_ref().map(|kind| kind.raw().to_owned()),
        // as the server wrote it
        "severity" => match &alert.severity {
            Severity::Other(word) => Some(word.raw().to_owned()),
            named => Some(named.shown().to_owned()),
        },
        "status" => Some(alert.state.shown().to_owned()),
        "metric" => text(&alert.metric),
        "value" => match alert.value.as_ref()? {
            MetricValue::Null => None,
            MetricValue::Bool(flag) => Some(flag.to_string()),
            MetricValue::Number(number) => Some(number.to_string()),
            MetricValue::Integer(number) => Some(number.to_string()),
            MetricValue::Text(text) => Some(text.raw().to_owned()),
        },
        "threshold" => alert.threshold.map(|number| number.to_string()),
        "timestamp" => Some(alert.raised_at.to_string()),
        "message" => text(&alert.message),
        "acknowledgedBy" => text(&alert.acknowledged_by),
        "acknowledgedAt" => time(&alert.acknowledged_at),
        "notes" => text(&alert.notes),
        "resolvedBy" => text(&alert.resolved_by),
        "resolvedAt" => time(&alert.resolved_at),
        "resolution" => text(&alert.resolution),
        "rootCause" => text(&alert.root_cause),
        "preventiveAction" => text(&alert.preventive_action),
        "mapSeverityToUrgency" => Some(urgency(&alert.severity).to_string()),
        _ => None,
    };
    found.map(|mut text| {
        let end = text.floor_char_boundary(TEXT_MAX.min(text.len()));
        text.truncate(end);
        text
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn alert(name: &str) -> Alert {
        Alert {
            metric: Some("vibration".into()),
            value: Some(MetricValue::Number(11.5)),
            ..Alert::raised(
                "a-1".into(),
                name.into(),
                "PUMP-1".into(),
                Severity::Critical,
                "2026-02-19T02:00:00Z".parse().unwrap(),
            )
        }
    }

    #[test]
    fn every_field_has_a_value_and_absent_ones_say_so() {
        let alert = alert("Vibration");
        for name in FIELDS {
            let known = field(&alert, name).is_some();
            let text = Text::parse(&format!("<${{{name}}}>")).unwrap().fill(|name| field(&alert, name));
            assert_eq!(text == "<N/A>", !known, "{name}: {text}");
        }
        let text = Text::parse("${alertName} at ${deviceId}: ${value} > ${threshold}, ${mapSeverityToUrgency}").unwrap();
        assert_eq!(text.fill(|name| field(&alert, name)), "Vibration at PUMP-1: 11.5 > N/A, 1");
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for wrong in ["${", "a ${b", "${}", "${a b}", "${a.b}", "${${x}}"] {
            assert!(Text::parse(wrong).is_err(), "{wrong}");
        }
        assert_eq!(Text::parse("$ {x} $$").unwrap().names().count(), 0);
    }

    proptest! {
        #[test]
        fn whatever_an_alert_says_stays_inside_its_string(name in "\\PC{0,30}|.*") {
            let shape = Shape::Object(vec![("text".into(), Shape::Text(Text::parse("<${alertName}>").unwrap())), ("n".into(), Shape::Plain(json!(1)))]);
            let filled = shape.fill(&alert(&name));
            let again: Value = serde_json::from_str(&filled.to_string()).unwrap();
            prop_assert_eq!(again, json!({"text": format!("<{name}>"), "n": 1}));
        }
    }
}
