//! What a device measured.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

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

/// A metric's value; the contract allows all four kinds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum MetricValue {
    /// Absent, or `null`: nothing was measured, which is not zero.
    Null,
    /// A switch.
    Bool(bool),
    /// A number; finite, since JSON has no other.
    Number(f64),
    /// A word.
    Text(SafeText),
}

impl MetricValue {
    /// The number, where it is one. A text that merely looks like a number is none.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Null | Self::Bool(_) | Self::Text(_) => None,
        }
    }
}

impl fmt::Display for MetricValue {
    /// Numbers with at most four significant decimals, `–` for nothing.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => formatter.pad("–"),
            Self::Bool(flag) => formatter.pad(if *flag { "true" } else { "false" }),
            Self::Number(number) => formatter.pad(&short_number(*number)),
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
