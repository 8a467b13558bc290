//! From a day's readings to a report. Pure.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::domain::{MetricValue, Reading, SafeText, round_half_even};

/// What is read of a production line.
pub const METRICS: [&str; 4] = ["output_count", "good_count", "scrap_count", "runtime_minutes"];
/// Longest sum that a whole number of JSON's readers holds exactly: 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// How a metric's values added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Tally {
    /// The sum of the numbers.
    pub sum: f64,
    /// Readings with a number.
    pub numbers: usize,
    /// Readings that do not have the metric.
    pub missing: usize,
    /// Readings whose value is null.
    pub null: usize,
    /// Readings whose value is a text or a switch.
    pub other: usize,
}

impl Tally {
    /// Readings without a number: they are not taken for zero.
    pub fn gaps(&self) -> usize {
        self.missing + self.null + self.other
    }
}

/// A line's day.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// As it is sent (`contract/webhooks.md`).
    pub body: Map<String, Value>,
    /// How it came about, in the order of [`METRICS`].
    pub tallies: [Tally; 4],
    /// Readings of the day.
    pub readings: usize,
}

/// Why a day has no report.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Shortfall {
    /// Not one number.
    #[error("{line} has no {metric} on {date} ({readings} readings, {gaps} of them without it): nothing is sent, since that is not zero")]
    Nothing {
        /// The line.
        line: String,
        /// The day.
        date: String,
        /// Which metric.
        metric: &'static str,
        /// Readings of the day.
        readings: usize,
        /// Those without a number.
        gaps: usize,
    },
    /// A count that is none.
    #[error("{metric} of {line} on {date} adds up to {sum}, which is no whole number: nothing is sent; look at its readings")]
    NotWhole {
        /// The line.
        line: String,
        /// The day.
        date: String,
        /// Which metric.
        metric: &'static str,
        /// The sum.
        sum: String,
    },
}

/// A running sum that keeps what a plain one would lose (Neumaier).
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    sum: f64,
    lost: f64,
}

impl Sum {
    fn add(&mut self, value: f64) {
        let next = self.sum + value;
        self.lost += if self.sum.abs() >= value.abs() {
            (self.sum - next) + value
        } else {
            (value - next) + self.sum
        };
        self.sum = next;
    }

    fn total(self) -> f64 {
        self.sum + self.lost
    }
}

/// Adds up the readings of [start, end).
pub fn summed(readings: &[Reading], (start, end): (Timestamp, Timestamp)) -> ([Tally; 4], usize) {
    let mut tallies = [Tally::default(); 4];
    let mut sums = [Sum::default(); 4];
    let mut count = 0;
    for reading in readings
        .iter()
        .filter(|reading| reading.timestamp >= start && reading.timestamp < end)
    {
        count += 1;
        for ((metric, tally), sum) in METRICS.iter().zip(&mut tallies).zip(&mut sums) {
            match reading.values.get(&SafeText::from(*metric)) {
                Some(value @ (MetricValue::Number(_) | MetricValue::Integer(_))) => {
                    tally.numbers += 1;
                    sum.add(value.as_number().unwrap_or_default());
                }
                Some(MetricValue::Null) => tally.null += 1,
                Some(MetricValue::Bool(_) | MetricValue::Text(_)) => tally.other += 1,
                None => tally.missing += 1,
            }
        }
    }
    for (tally, sum) in tallies.iter_mut().zip(sums) {
        tally.sum = sum.total();
    }
    (tallies, count)
}

impl Report {
    /// The report of a line's day.
    pub fn of(line: &str, date: &str, readings: &[Reading], window: (Timestamp, Timestamp)) -> Result<Self, Shortfall> {
        let (tallies, count) = summed(readings, window);
        for (metric, tally) in METRICS.iter().zip(&tallies) {
            if tally.numbers == 0 {
                return Err(Shortfall::Nothing {
                    line: line.to_owned(),
                    date: date.to_owned(),
                    metric,
                    readings: count,
                    gaps: tally.gaps(),
                });
            }
        }
        let [output, good, scrap, runtime] = tallies;
        let whole = |metric: &'static str, tally: Tally| {
            if tally.sum.fract() == 0.0 && tally.sum.abs() <= EXACT {
                #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
                Ok(tally.sum as i64)
            } else {
                Err(Shortfall::NotWhole {
                    line: line.to_owned(),
                    date: date.to_owned(),
                    metric,
                    sum: tally.sum.to_string(),
                })
            }
        };
        let metrics = json!({
            "total_output": whole("output_count", output)?,
            "good_output": whole("good_count", good)?,
            "scrap": whole("scrap_count", scrap)?,
            "runtime_hours": round_half_even(runtime.sum / 60.0, 1),
        });
        let body = [("production_line", json!(line)), ("date", json!(date)), ("metrics", metrics)];
        Ok(Self {
            body: body.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            tallies,
            readings: count,
        })
    }

    /// What is not in the sums, in one sentence; `None` where nothing is missing.
    pub fn gaps(&self) -> Option<String> {
        let told: Vec<String> = METRICS
            .iter()
            .zip(&self.tallies)
            .filter(|(_, tally)| tally.gaps() > 0)
            .map(|(metric, tally)| {
                let kinds: Vec<String> = [(tally.missing, "missing"), (tally.null, "null"), (tally.other, "not a number")]
                    .into_iter()
                    .filter(|(count, _)| *count > 0)
                    .map(|(count, word)| format!("{count} {word}"))
                    .collect();
                format!("{metric}: {}", kinds.join(", "))
            })
            .collect();
        (!told.is_empty()).then(|| format!("of {} readings, {}", self.readings, told.join("; ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window() -> (Timestamp, Timestamp) {
        ("2026-02-18T00:00:00Z".parse().unwrap(), "2026-02-19T00:00:00Z".parse().unwrap())
    }

    fn reading(at: &str, values: &[(&str, Value)]) -> Reading {
        Reading {
            device_id: None,
            timestamp: at.parse().unwrap(),
            values: values
                .iter()
                .map(|(name, value)| (SafeText::from(*name), serde_json::from_value(value.clone()).unwrap()))
                .collect(),
        }
    }

    fn full(at: &str, [output, good, scrap, minutes]: [f64; 4]) -> Reading {
        reading(
            at,
            &[
                ("output_count", json!(output)),
                ("good_count", json!(good)),
                ("scrap_count", json!(scrap)),
                ("runtime_minutes", json!(minutes)),
            ],
        )
    }

    #[test]
    fn the_contracts_report_comes_out() {
        let readings = [
            full("2026-02-17T23:59:59.999Z", [1e6, 1e6, 1e6, 1e6]),
            full("2026-02-18T00:00:00Z", [9000.0, 8900.0, 100.0, 1000.0]),
            full("2026-02-18T23:59:59.999Z", [120.0, 34.0, 86.0, 284.0]),
            full("2026-02-19T00:00:00Z", [1e6, 1e6, 1e6, 1e6]),
        ];
        let report = Report::of("LINE-1", "2026-02-18", &readings, window()).unwrap();
        assert_eq!(
            Value::Object(report.body.clone()).to_string(),
            r#"{"production_line":"LINE-1","date":"2026-02-18","metrics":{"total_output":9120,"good_output":8934,"scrap":186,"runtime_hours":21.4}}"#
        );
        assert_eq!((report.readings, report.gaps()), (2, None));
    }

    #[test]
    fn what_is_not_there_is_counted_and_never_zero() {
        let readings = [
            full("2026-02-18T01:00:00Z", [10.0, 9.0, 1.0, 5.0]),
            reading(
                "2026-02-18T01:05:00Z",
                &[
                    ("output_count", json!(null)),
                    ("good_count", json!("n/a")),
                    ("scrap_count", json!(2)),
                ],
            ),
        ];
        let report = Report::of("LINE-1", "2026-02-18", &readings, window()).unwrap();
        assert_eq!(report.body["metrics"]["total_output"], 10);
        assert_eq!(report.body["metrics"]["scrap"], 3);
        assert_eq!(
            report.gaps().unwrap(),
            "of 2 readings, output_count: 1 null; good_count: 1 not a number; runtime_minutes: 1 missing"
        );
        let none = Report::of("LINE-1", "2026-02-18", &readings[1..], window()).unwrap_err();
        assert!(
            none.to_string().starts_with("LINE-1 has no output_count on 2026-02-18 (1 readings"),
            "{none}"
        );
        assert!(Report::of("LINE-1", "2026-02-18", &[], window()).is_err());
        let half = [full("2026-02-18T01:00:00Z", [10.5, 9.0, 1.0, 5.0])];
        assert!(matches!(
            Report::of("LINE-1", "2026-02-18", &half, window()),
            Err(Shortfall::NotWhole { .. })
        ));
    }

    #[test]
    fn a_day_of_tenths_adds_up_exactly() {
        let start = window().0;
        let readings: Vec<Reading> = (0..288)
            .map(|index| {
                let at = start + jiff::SignedDuration::from_mins(index * 5);
                full(&at.to_string(), [1.0, 1.0, 0.0, 0.1])
            })
            .collect();
        let report = Report::of("L", "2026-02-18", &readings, window()).unwrap();
        assert_eq!(report.tallies[3].sum.to_bits(), 28.8_f64.to_bits());
    }
}
