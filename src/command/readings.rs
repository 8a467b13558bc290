//! `nightdesk readings`: of one device over time, or the latest of a type.

use std::collections::BTreeSet;

use super::context::Context;
use super::table::{Align, Cell, Table};
use super::{Exit, Failure, devices};
use crate::cli::{Aggregation, Latest, ReadingsArgs, SeriesArgs};
use crate::domain::{Listing, MetricValue, Reading, SafeText};
use crate::maximo::{self, ReadingQuery};

pub(super) async fn run(context: Context, command: ReadingsArgs) -> Result<(), Failure> {
    // the server tells of the last value of an hour only when that hour began
    let time = if command.latest.is_some() { "windowStart" } else { "timestamp" };
    let listing = match command.latest {
        Some(Latest::Latest { device_type, metrics }) => {
            super::ids::check(&device_type)?;
            context.clients().await?.monitor.latest_values(&device_type, &metrics).await?
        }
        None => series(&context, command.series).await?,
    };
    context.out.list(&listing, |rows| table(&context, rows, time))
}

async fn series(context: &Context, arguments: SeriesArgs) -> Result<Listing<Reading>, Failure> {
    let zone = &context.profile.time_zone;
    let start = arguments.start.resolve(context.now, zone);
    let end = arguments.end.map_or(context.now, |end| end.resolve(context.now, zone));
    if end <= start {
        return Err(Failure::new(Exit::Usage, "--end is not after --start"));
    }
    let id = arguments.device.unwrap_or_default();
    let device = devices::key(context, &id, arguments.device_type.as_deref()).await?;
    let query = ReadingQuery {
        device,
        start: Some(start),
        end: Some(end),
        metrics: arguments.metrics,
        aggregation: arguments
            .aggregation
            .map(|kind| (aggregation(kind), arguments.granularity.unwrap_or_else(|| "1h".to_owned()))),
    };
    Ok(context.clients().await?.monitor.series(&query).await?)
}

fn aggregation(kind: Aggregation) -> maximo::Aggregation {
    match kind {
        Aggregation::Avg => maximo::Aggregation::Avg,
        Aggregation::Min => maximo::Aggregation::Min,
        Aggregation::Max => maximo::Aggregation::Max,
        Aggregation::Sum => maximo::Aggregation::Sum,
        Aggregation::Count => maximo::Aggregation::Count,
        Aggregation::Last => maximo::Aggregation::Last,
    }
}

fn table(context: &Context, rows: &[Reading], time: &str) -> Table {
    let metrics: BTreeSet<&SafeText> = rows.iter().flat_map(|row| row.values.keys()).collect();
    let several = rows.iter().any(|row| row.device_id.is_some());
    let mut table = Table::new(&[(time, Align::Left)]);
    if several {
        table.column("deviceId", Align::Left);
    }
    for metric in &metrics {
        table.column(metric.shown(), Align::Right);
    }
    for row in rows {
        let mut cells = vec![Cell::Both {
            text: context.local(row.timestamp),
            csv: row.timestamp.to_string(),
        }];
        if several {
            cells.push(row.device_id.as_ref().map_or_else(|| "".into(), |id| id.shown().into()));
        }
        cells.extend(metrics.iter().map(|metric| cell(row.values.get(*metric))));
        table.row(cells);
    }
    table
}

/// A metric's value, without the noise of binary fractions; nothing measured is an empty cell, not a zero.
pub(super) fn cell(value: Option<&MetricValue>) -> Cell {
    match value {
        None | Some(MetricValue::Null) => Cell::Text(String::new()),
        Some(MetricValue::Number(number)) => Cell::Number(written(*number)),
        Some(MetricValue::Integer(number)) => Cell::Number(number.to_string()),
        Some(MetricValue::Bool(flag)) => Cell::Number(flag.to_string()),
        Some(MetricValue::Text(text)) => Cell::from(text),
    }
}

/// At most six decimals; what is too small or too large for that stays as it came.
fn written(number: f64) -> String {
    if !(1e-3..1e9).contains(&number.abs()) {
        return number.to_string();
    }
    let text = format!("{number:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::written;

    #[test]
    fn numbers_are_without_the_noise_of_binary_fractions() {
        for (number, text) in [
            (61.200_000_000_000_01, "61.2"),
            (100.0, "100"),
            (-0.5, "-0.5"),
            (0.0, "0"),
            (0.000_012_5, "0.0000125"),
            (1.234_567_89, "1.234568"),
        ] {
            assert_eq!(written(number), text);
        }
    }
}
