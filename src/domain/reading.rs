//! What a device measured.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::{DeviceId, SafeText};

/// One row of a time series: all metrics of one device at one time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reading {
    /// The device, where the row came from a query over several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<DeviceId>,
    /// When it was measured.
    pub timestamp: Timestamp,
    /// Metric name to value, in the metric's own unit.
    #[serde(flatten)]
    pub values: BTreeMap<SafeText, MetricValue>,
}

/// A metric's value; the contract allows numbers, switches, words and nothing.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum MetricValue {
    /// Absent, or `null`: nothing was measured, which is not zero.
    Null,
    /// A switch.
    Bool(bool),
    /// A number; finite, since JSON has no other.
    Number(f64),
    /// A whole number of more digits than a 64-bit float holds (some beyond 2^53): kept as it was written. Any other is a [`Self::Number`].
    Integer(i128),
    /// A word.
    Text(SafeText),
}

impl MetricValue {
    /// A whole number, as the kind of value that holds all its digits.
    pub fn whole(number: i128) -> Self {
        let float = nearest(number);
        if exact(float) == Some(number) {
            Self::Number(float)
        } else {
            Self::Integer(number)
        }
    }

    /// The number, where it is one; the nearest float to a whole one of many digits. A text that merely looks like a number is none.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Integer(number) => Some(nearest(*number)),
            Self::Null | Self::Bool(_) | Self::Text(_) => None,
        }
    }
}

/// The nearest float.
#[expect(clippy::cast_precision_loss, reason = "the nearest one is what is asked for")]
fn nearest(number: i128) -> f64 {
    number as f64
}

/// The whole number that a float is, within the reach of 64-bit ones.
#[expect(clippy::cast_possible_truncation, reason = "a whole number far inside an i128")]
fn exact(float: f64) -> Option<i128> {
    (float.fract() == 0.0 && float.abs() <= BEYOND_64_BITS).then_some(float as i128)
}

/// 2^64.
const BEYOND_64_BITS: f64 = 18_446_744_073_709_551_616.0;

impl<'de> Deserialize<'de> for MetricValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Read)
    }
}

/// Whatever kind stands there; whole numbers with all their digits.
struct Read;

impl<'de> Visitor<'de> for Read {
    type Value = MetricValue;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a number, a switch, a text or null")
    }

    fn visit_bool<E: de::Error>(self, flag: bool) -> Result<MetricValue, E> {
        Ok(MetricValue::Bool(flag))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<MetricValue, E> {
        Ok(MetricValue::whole(number.into()))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<MetricValue, E> {
        Ok(MetricValue::whole(number.into()))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<MetricValue, E> {
        Ok(MetricValue::Number(number))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<MetricValue, E> {
        Ok(MetricValue::Text(text.into()))
    }

    fn visit_unit<E: de::Error>(self) -> Result<MetricValue, E> {
        Ok(MetricValue::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<MetricValue, E> {
        Ok(MetricValue::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<MetricValue, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl fmt::Display for MetricValue {
    /// Numbers with at most four significant decimals, `–` for nothing.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => formatter.pad("–"),
            Self::Bool(flag) => formatter.pad(if *flag { "true" } else { "false" }),
            Self::Number(number) => formatter.pad(&short_number(*number)),
            Self::Integer(number) => formatter.pad(&short_number(nearest(*number))),
            Self::Text(text) => formatter.pad(text.shown()),
        }
    }
}

/// A number as an operator reads it: enough digits to tell readings apart, no trailing zeros past one decimal.
pub fn short_number(number: f64) -> String {
    let magnitude = number.abs();
    if magnitude != 0.0 && !(1e-3..1e9).contains(&magnitude) {
        return format!("{number:.2e}");
    }
    if number.fract() == 0.0 {
        return format!("{number:.0}");
    }
    let decimals = match magnitude {
        m if m >= 1000.0 => 0,
        m if m >= 10.0 => 1,
        m if m >= 1.0 => 2,
        _ => 3,
    };
    format!("{number:.decimals$}")
}

/// One metric over time, oldest first: what a sparkline or a chart draws.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Time and value; gaps are absent points, never zeros.
    pub points: Vec<(Timestamp, f64)>,
}

impl Series {
    /// The newest value.
    pub fn last(&self) -> Option<(Timestamp, f64)> {
        self.points.last().copied()
    }

    /// Splits rows of one device into a series for each numeric metric.
    pub fn from_readings<'a>(rows: impl IntoIterator<Item = &'a Reading>) -> BTreeMap<SafeText, Self> {
        let mut all: BTreeMap<SafeText, Self> = BTreeMap::new();
        for row in rows {
            for (metric, value) in &row.values {
                if let Some(number) = value.as_number() {
                    all.entry(metric.clone()).or_default().points.push((row.timestamp, number));
                }
            }
        }
        for series in all.values_mut() {
            series.points.sort_by_key(|(at, _)| *at);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_keeps_its_digits_through_json() {
        for (text, exact) in [
            ("7", true),
            ("-9007199254740992", true),
            ("9007199254740993", false),
            ("-9223372036854775807", false),
            ("18446744073709551615", false),
            ("1.5", true),
        ] {
            let value: MetricValue = serde_json::from_str(text).unwrap();
            assert_eq!(matches!(value, MetricValue::Number(_)), exact, "{text}: {value:?}");
            let row = Reading {
                device_id: None,
                timestamp: Timestamp::UNIX_EPOCH,
                values: [("m".into(), value.clone())].into(),
            };
            let written = serde_json::to_string(&row).unwrap();
            assert_eq!(serde_json::from_str::<Reading>(&written).unwrap(), row, "{written}");
            if !exact {
                assert!(written.contains(text), "{written}");
                assert_eq!(serde_json::to_value(&value).unwrap().to_string(), text);
            }
        }
        let others: Vec<MetricValue> = serde_json::from_str(r#"[null, true, "9007199254740993"]"#).unwrap();
        assert_eq!(
            others,
            [
                MetricValue::Null,
                MetricValue::Bool(true),
                MetricValue::Text("9007199254740993".into())
            ]
        );
    }
}
