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
    numbers: u64,
    flags: u64,
    texts: u64,
}

/// How a column's values are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// 64-bit floating point; also where no value came at all.
    Double,
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
    /// Why it is text although not all of it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub widened: Option<String>,
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
                MetricValue::Number(_) => seen.numbers += 1,
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
        (mixed.len() > 1).then(|| mixed.join(", "))
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
