//! Which columns a day has: found out while its rows go by.

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;

use crate::domain::{MetricValue, SafeText};

/// Columns that every row has.
pub(super) const FIXED: [&str; 3] = ["device_id", "device_type", "timestamp"];
/// More metrics than this are a mistake of the plant, not a table.
const METRICS_MAX: usize = 4_000;

/// What a metric's values were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Seen {
    /// All of them.
    numbers: u64,
    /// Those with a fraction.
    fractions: u64,
    /// Whole ones with more digits than a DOUBLE holds.
    long: u64,
    /// Whole ones, or such as look whole, that no INT64 holds.
    huge: u64,
    flags: u64,
    texts: u64,
}

/// How a column's values are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// 64-bit floating point; also where no value came at all. Whole numbers are stored so, too, as long as none of them has more digits
    /// than it holds: otherwise a metric's column would change its type with the day.
    Double,
    /// 64-bit whole numbers: all of them are, and a DOUBLE would lose digits of some.
    Int64,
    /// True or false.
    Boolean,
    /// Text; also where numbers, switches and texts came mixed.
    String,
}

/// A metric's column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Its name in the file.
    pub name: String,
    /// How its values are stored.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// The metric's own name, where the column had to be called otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric: Option<SafeText>,
    /// Why it is text although not all of it was, or DOUBLE although there are whole numbers that this does not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub widened: Option<String>,
    /// Values of which digits are lost.
    #[serde(skip_serializing_if = "is_zero")]
    pub rounded: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// 2^63: no whole number from here on is an INT64.
const BEYOND_INT64: f64 = 9_223_372_036_854_775_808.0;

/// A number as an INT64, where it is one.
pub(super) fn as_int64(value: &MetricValue) -> Option<i64> {
    match value {
        MetricValue::Integer(number) => i64::try_from(*number).ok(),
        #[expect(clippy::cast_possible_truncation, reason = "a whole number within an i64")]
        MetricValue::Number(number) if number.fract() == 0.0 && (-BEYOND_INT64..BEYOND_INT64).contains(number) => Some(*number as i64),
        _ => None,
    }
}

/// The metrics met so far, each with a number in the order of first sight.
#[derive(Debug, Default)]
pub(super) struct Columns {
    numbers: HashMap<SafeText, u16>,
    seen: Vec<(SafeText, Seen)>,
}

impl Columns {
    /// The number of a metric, noting what its value is. `None` when there are too many metrics.
    pub(super) fn note(&mut self, metric: &SafeText, value: &MetricValue) -> Option<u16> {
        let number = match self.numbers.get(metric) {
            Some(number) => *number,
            None => {
                let number = u16::try_from(self.seen.len()).ok().filter(|_| self.seen.len() < METRICS_MAX)?;
                self.numbers.insert(metric.clone(), number);
                self.seen.push((metric.clone(), Seen::default()));
                number
            }
        };
        if let Some((_, seen)) = self.seen.get_mut(usize::from(number)) {
            match value {
                MetricValue::Null => {}
                MetricValue::Number(number) => {
                    seen.numbers += 1;
                    seen.fractions += u64::from(number.fract() != 0.0);
                    seen.huge += u64::from(number.fract() == 0.0 && as_int64(value).is_none());
                }
                MetricValue::Integer(_) => {
                    seen.numbers += 1;
                    seen.long += 1;
                    seen.huge += u64::from(as_int64(value).is_none());
                }
                MetricValue::Bool(_) => seen.flags += 1,
                MetricValue::Text(_) => seen.texts += 1,
            }
        }
        Some(number)
    }

    /// The columns by name, and for each metric's number its place among them.
    pub(super) fn settle(&self) -> (Vec<Column>, Vec<usize>) {
        let mut order: Vec<usize> = (0..self.seen.len()).collect();
        let metric = |number: usize| self.seen.get(number).map_or("", |(metric, _)| metric.raw());
        order.sort_by_key(|number| metric(*number));
        // readers such as Spark and DuckDB do not tell names apart by their case
        let mut taken: BTreeSet<String> = FIXED.iter().map(|name| (*name).to_owned()).collect();
        let mut columns = Vec::with_capacity(order.len());
        let mut places = vec![0; order.len()];
        for (place, number) in order.into_iter().enumerate() {
            let Some((metric, seen)) = self.seen.get(number) else { continue };
            let wanted = if metric.raw().is_empty() { "unnamed" } else { metric.raw() };
            let mut name = wanted.to_owned();
            for copy in 2.. {
                if taken.insert(name.to_lowercase()) {
                    break;
                }
                name = format!("{wanted}_{copy}");
            }
            columns.push(Column {
                metric: (name != metric.raw()).then(|| metric.clone()),
                name,
                kind: seen.kind(),
                widened: seen.widened(),
                rounded: seen.rounded(),
            });
            if let Some(slot) = places.get_mut(number) {
                *slot = place;
            }
        }
        (columns, places)
    }
}

impl Seen {
    fn kind(&self) -> Kind {
        match (self.numbers, self.flags, self.texts) {
            (_, 0, 0) if self.long > 0 && self.fractions == 0 && self.huge == 0 => Kind::Int64,
            (_, 0, 0) => Kind::Double,
            (0, _, 0) => Kind::Boolean,
            _ => Kind::String,
        }
    }

    fn widened(&self) -> Option<String> {
        let mixed: Vec<String> = [(self.numbers, "numbers"), (self.flags, "switches"), (self.texts, "texts")]
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        if mixed.len() > 1 {
            return Some(mixed.join(", "));
        }
        let beside: Vec<String> = [(self.fractions, "fractions"), (self.huge, "beyond 64 bits")]
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        (self.long > 0 && !beside.is_empty()).then(|| format!("{} whole numbers beyond 2^53, {}", self.long, beside.join(", ")))
    }

    /// Values of which the column does not hold all digits. What looks whole and is beyond 64 bits came as the nearest float: among
    /// fractions that is what it was, among whole numbers it is likely to be a rounded one.
    fn rounded(&self) -> u64 {
        match self.kind() {
            Kind::Double if self.fractions == 0 => self.long.max(self.huge),
            Kind::Double => self.long,
            Kind::Int64 | Kind::Boolean | Kind::String => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(values: &[(&str, MetricValue)]) -> (Vec<Column>, Vec<usize>) {
        let mut columns = Columns::default();
        for (metric, value) in values {
            columns.note(&(*metric).into(), value).unwrap();
        }
        columns.settle()
    }

    #[test]
    fn a_column_has_the_type_of_its_values_and_is_text_where_they_are_mixed() {
        let number = MetricValue::Number(1.5);
        let (found, places) = columns(&[
            ("speed", number.clone()),
            ("state", MetricValue::Text("open".into())),
            ("state", number),
            ("running", MetricValue::Bool(true)),
            ("empty", MetricValue::Null),
            ("speed", MetricValue::Null),
        ]);
        let short: Vec<(&str, Kind, Option<&str>)> = found
            .iter()
            .map(|column| (column.name.as_str(), column.kind, column.widened.as_deref()))
            .collect();
        assert_eq!(
            short,
            [
                ("empty", Kind::Double, None),
                ("running", Kind::Boolean, None),
                ("speed", Kind::Double, None),
                ("state", Kind::String, Some("1 numbers, 1 texts")),
            ]
        );
        assert_eq!(places, [2, 3, 1, 0]);
    }

    #[test]
    fn whole_numbers_of_many_digits_are_int64_unless_something_stands_beside_them_that_is_none() {
        let (whole, long) = (MetricValue::Number(7.0), MetricValue::whole(9_007_199_254_740_993));
        let (found, _) = columns(&[
            ("beyond", long.clone()),
            ("beyond", MetricValue::whole(i128::from(u64::MAX))),
            ("counter", long.clone()),
            ("counter", whole.clone()),
            ("huge", MetricValue::Number(1e20)),
            ("huge", whole.clone()),
            ("measured", MetricValue::Number(1e20)),
            ("measured", MetricValue::Number(0.5)),
            ("mixed", long.clone()),
            ("mixed", MetricValue::Number(0.5)),
            ("plain", whole),
            ("serial", long),
            ("serial", MetricValue::Text("A1".into())),
        ]);
        let short: Vec<(&str, Kind, Option<&str>, u64)> = found
            .iter()
            .map(|column| (column.name.as_str(), column.kind, column.widened.as_deref(), column.rounded))
            .collect();
        assert_eq!(
            short,
            [
                ("beyond", Kind::Double, Some("2 whole numbers beyond 2^53, 1 beyond 64 bits"), 2),
                ("counter", Kind::Int64, None, 0),
                ("huge", Kind::Double, None, 1),
                ("measured", Kind::Double, None, 0),
                ("mixed", Kind::Double, Some("1 whole numbers beyond 2^53, 1 fractions"), 1),
                ("plain", Kind::Double, None, 0),
                ("serial", Kind::String, Some("1 numbers, 1 texts"), 0),
            ]
        );
    }

    #[test]
    fn names_are_told_apart_whatever_their_case() {
        let number = MetricValue::Number(1.0);
        let (found, _) = columns(&[
            ("temp", number.clone()),
            ("Temp", number.clone()),
            ("Device_ID", number.clone()),
            ("", number),
        ]);
        let names: Vec<(&str, Option<&str>)> = found
            .iter()
            .map(|column| (column.name.as_str(), column.metric.as_ref().map(SafeText::raw)))
            .collect();
        assert_eq!(
            names,
            [
                ("unnamed", Some("")),
                ("Device_ID_2", Some("Device_ID")),
                ("Temp", None),
                ("temp_2", Some("temp"))
            ]
        );
    }

    #[test]
    fn there_is_an_end_to_metrics() {
        let mut columns = Columns::default();
        for number in 0..METRICS_MAX {
            assert!(columns.note(&format!("m{number}").into(), &MetricValue::Null).is_some());
        }
        assert!(columns.note(&"one more".into(), &MetricValue::Null).is_none());
        assert!(columns.note(&"m0".into(), &MetricValue::Null).is_some());
    }
}
