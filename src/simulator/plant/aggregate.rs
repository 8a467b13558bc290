//! Rows of a time window, raw or by bucket.

use super::{DeviceRef, Episode, Plant};

/// The contract's aggregations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aggregation {
    Avg,
    Min,
    Max,
    Sum,
    Count,
    Last,
}

impl Aggregation {
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "avg" => Self::Avg,
            "min" => Self::Min,
            "max" => Self::Max,
            "sum" => Self::Sum,
            "count" => Self::Count,
            "last" => Self::Last,
            _ => return None,
        })
    }

    /// Folds a bucket's values, nulls left out. Nothing measured is null, and zero only as a count.
    fn of(self, values: &[f64]) -> Option<f64> {
        if self == Self::Count {
            return Some(values.len() as f64);
        }
        let first = *values.first()?;
        Some(match self {
            Self::Avg => values.iter().sum::<f64>() / values.len() as f64,
            Self::Min => values.iter().copied().fold(first, f64::min),
            Self::Max => values.iter().copied().fold(first, f64::max),
            Self::Sum => values.iter().sum(),
            Self::Last | Self::Count => *values.last()?,
        })
    }
}

/// A bucket's width in seconds; buckets are aligned to the epoch, so a day begins at 00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Granularity(pub(crate) i64);

impl Granularity {
    /// `30s`, `15m`, `1h`, `1d`.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        let unit = word.chars().last()?;
        let number: i64 = word.strip_suffix(unit)?.parse().ok()?;
        let seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => return None,
        };
        (1..=100_000).contains(&number).then(|| Self(number * seconds))
    }
}

/// One row: its time and the metrics in the order asked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) at: i64,
    pub(crate) values: Vec<Option<f64>>,
}

/// The rows of one device in [from, to), oldest first, made as they are taken.
pub(crate) struct Rows<'a> {
    pub(crate) plant: &'a Plant,
    pub(crate) device: DeviceRef,
    pub(crate) episodes: &'a [Episode],
    /// Indices into the type's metrics.
    pub(crate) metrics: &'a [usize],
    /// The next sample.
    pub(crate) next: i64,
    pub(crate) to: i64,
    pub(crate) aggregation: Option<(Aggregation, Option<Granularity>)>,
    pub(crate) from: i64,
}

impl<'a> Rows<'a> {
    pub(crate) fn new(
        plant: &'a Plant,
        device: DeviceRef,
        episodes: &'a [Episode],
        metrics: &'a [usize],
        (from, to): (i64, i64),
        aggregation: Option<(Aggregation, Option<Granularity>)>,
    ) -> Self {
        Self {
            plant,
            device,
            episodes,
            metrics,
            next: plant.sample_from(device, from),
            to,
            aggregation,
            from,
        }
    }

    fn raw(&mut self) -> Option<Row> {
        let interval = self.device.kind()?.interval_s;
        let dead_since = self.plant.dead_since(self.device).unwrap_or(i64::MAX);
        while self.next < self.to {
            let at = self.next;
            self.next += interval;
            if at >= dead_since {
                self.next = self.to;
                return None;
            }
            if self.episodes.iter().any(|episode| episode.is_silent_at(at)) {
                continue;
            }
            let values = if self.metrics.len() <= 2 {
                self.metrics
                    .iter()
                    .map(|metric| self.plant.measure_one(self.device, *metric, at, self.episodes))
                    .collect()
            } else {
                let all = self.plant.measure(self.device, at, self.episodes);
                self.metrics.iter().map(|metric| all.get(*metric).copied().flatten()).collect()
            };
            return Some(Row { at, values });
        }
        None
    }

    fn bucket_of(&self, at: i64, granularity: Option<Granularity>) -> i64 {
        granularity.map_or(self.from, |Granularity(width)| at - at.rem_euclid(width))
    }
}

impl Iterator for Rows<'_> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        let Some((aggregation, granularity)) = self.aggregation else {
            return self.raw();
        };
        let first = self.raw()?;
        let start = self.bucket_of(first.at, granularity);
        let end = granularity.map_or(self.to, |Granularity(width)| start + width);
        let mut columns: Vec<Vec<f64>> = first.values.iter().map(|value| value.iter().copied().collect()).collect();
        while self.next < end {
            let Some(row) = self.raw() else { break };
            if row.at >= end {
                // a gap ended in a later bucket: give the sample back
                self.next = row.at;
                break;
            }
            for (column, value) in columns.iter_mut().zip(&row.values) {
                column.extend(value);
            }
        }
        Some(Row {
            at: start,
            values: columns.iter().map(|column| aggregation.of(column)).collect(),
        })
    }
}
