//! The query of the efficiency report, with a sentence for every way to get it wrong.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Unit};

use super::Period;

/// Longest period of a report, in days.
pub(super) const DAYS_MAX: i32 = 366;

/// `start` and `end`, both inclusive dates.
pub(super) fn period(query: Option<&str>) -> Result<Period, String> {
    let (mut start, mut end) = (None, None);
    for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        let slot = match &*name {
            "start" => &mut start,
            "end" => &mut end,
            _ => continue,
        };
        if slot.replace(value.into_owned()).is_some() {
            return Err(format!("{name} is given twice"));
        }
    }
    let (start, end) = (date("start", start)?, date("end", end)?);
    if end < start {
        return Err(format!("end ({end}) is before start ({start})"));
    }
    let days = start.until((Unit::Day, end)).map_or(i32::MAX, |span| span.get_days());
    if days >= DAYS_MAX {
        return Err(format!("the period has more than {DAYS_MAX} days: ask for a shorter one"));
    }
    Ok(Period { start, end })
}

fn date(name: &str, value: Option<String>) -> Result<Date, String> {
    let value = value.ok_or_else(|| format!("{name} is missing: a date such as {name}=2026-02-18"))?;
    let shape = value.len() == 10
        && value
            .bytes()
            .enumerate()
            .all(|(at, byte)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() });
    value.parse().ok().filter(|_| shape).ok_or_else(|| {
        format!(
            "{name}: {:?} is not a date: write YYYY-MM-DD, such as 2026-02-18",
            value.chars().take(40).collect::<String>()
        )
    })
}

/// The first moment of a day in the zone that days are counted in.
pub(super) fn start_of(day: Date, zone: &TimeZone) -> Timestamp {
    day.to_zoned(zone.clone()).map_or(Timestamp::MAX, |zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inclusive_period_of_dates() {
        let period = period(Some("end=2026-02-18&start=2026-02-01&pretty")).unwrap();
        assert_eq!(
            (period.start.to_string(), period.end.to_string()),
            ("2026-02-01".into(), "2026-02-18".into())
        );
        assert!(super::period(Some("start=2026-02-18&end=2026-02-18")).is_ok());
        assert!(super::period(Some("start=2024-01-01&end=2024-12-31")).is_ok(), "a leap year");
    }

    #[test]
    fn each_slip_has_its_sentence() {
        for (query, expected) in [
            (None, "start is missing: a date such as start=2026-02-18"),
            (Some("start=2026-02-01"), "end is missing: a date such as end=2026-02-18"),
            (
                Some("start=2026-02-30&end=2026-03-01"),
                "start: \"2026-02-30\" is not a date: write YYYY-MM-DD, such as 2026-02-18",
            ),
            (Some("start=20260201&end=2026-03-01"), "start: \"20260201\" is not a date"),
            (
                Some("start=2026-02-01T00:00:00Z&end=2026-03-01"),
                "start: \"2026-02-01T00:00:00Z\" is not a date",
            ),
            (Some("start=2026-02-01&end=yesterday"), "end: \"yesterday\" is not a date"),
            (Some("start=&end=2026-02-01"), "start: \"\" is not a date"),
            (
                Some("start=2026-02-02&end=2026-02-01"),
                "end (2026-02-01) is before start (2026-02-02)",
            ),
            (Some("start=2026-02-02&end=2027-02-03"), "the period has more than 366 days"),
            (Some("start=2026-02-02&start=2026-02-03&end=2026-02-04"), "start is given twice"),
            (Some("start=%FF&end=2026-02-04"), "start: \"\u{fffd}\" is not a date"),
        ] {
            let error = period(query).unwrap_err();
            assert!(error.starts_with(expected), "{query:?}: {error}");
        }
    }
}
