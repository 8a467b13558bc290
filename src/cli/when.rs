//! Points in time as people write them.

use std::str::FromStr;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan, Zoned};

/// A point in time on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// RFC 3339.
    At(Timestamp),
    /// The start of a day.
    On(Date),
    /// The last time that the clock showed this.
    Clock(Time),
    /// So long ago.
    Ago(SignedDuration),
}

/// A day on the command line.
pub(crate) fn day(written: &str) -> Result<Date, String> {
    written.parse().map_err(|_| "write a day as 2026-09-01".to_owned())
}

/// Not a point in time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write a time as 2026-09-01T02:00:00Z, 2026-09-01, 22:00 or -8h")]
pub struct WhenError;

impl FromStr for When {
    type Err = WhenError;

    fn from_str(written: &str) -> Result<Self, Self::Err> {
        let written = written.trim();
        if let Some(ago) = written.strip_prefix('-') {
            let ago: SignedDuration = ago.trim().parse().map_err(|_| WhenError)?;
            return if ago.is_negative() { Err(WhenError) } else { Ok(Self::Ago(ago)) };
        }
        if let Ok(at) = written.parse() {
            return Ok(Self::At(at));
        }
        let digits_and = |sign: char| written.chars().all(|char| char.is_ascii_digit() || char == sign);
        if digits_and('-') {
            return written.parse().map(Self::On).map_err(|_| WhenError);
        }
        if digits_and(':') && written.contains(':') {
            return written.parse().map(Self::Clock).map_err(|_| WhenError);
        }
        Err(WhenError)
    }
}

impl When {
    /// The instant that is meant, seen from `now` in a zone.
    pub fn resolve(self, now: Timestamp, zone: &TimeZone) -> Timestamp {
        let local = |when: jiff::civil::DateTime| when.to_zoned(zone.clone()).map(|zoned| zoned.timestamp());
        match self {
            Self::At(at) => at,
            Self::On(date) => local(date.at(0, 0, 0, 0)).unwrap_or(now),
            Self::Ago(ago) => now.checked_sub(ago).unwrap_or(Timestamp::MIN),
            Self::Clock(time) => {
                let today = Zoned::new(now, zone.clone()).date();
                match local(today.to_datetime(time)) {
                    Ok(at) if at <= now => at,
                    _ => today
                        .checked_sub(1.day())
                        .and_then(|yesterday| local(yesterday.to_datetime(time)))
                        .unwrap_or(now),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(written: &str) -> String {
        let zone = TimeZone::get("Europe/London").unwrap();
        let now: Timestamp = "2026-07-01T01:30:00Z".parse().unwrap(); // 02:30 in London
        written.parse::<When>().unwrap().resolve(now, &zone).to_string()
    }

    #[test]
    fn the_four_spellings() {
        for (written, expected) in [
            ("2026-06-30T22:00:00+01:00", "2026-06-30T21:00:00Z"),
            ("2026-06-30", "2026-06-29T23:00:00Z"),
            ("22:00", "2026-06-30T21:00:00Z"),
            ("02:00", "2026-07-01T01:00:00Z"),
            ("02:30", "2026-07-01T01:30:00Z"),
            ("-8h", "2026-06-30T17:30:00Z"),
            ("-90m", "2026-07-01T00:00:00Z"),
        ] {
            assert_eq!(resolve(written), expected, "{written}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for wrong in [
            "",
            "yesterday",
            "8h",
            "-",
            "--8h",
            "25:00",
            "2026-13-01",
            "22",
            "- -8h",
            "2026-06-30T22:00:00",
        ] {
            assert_eq!(wrong.parse::<When>(), Err(WhenError), "{wrong}");
        }
    }
}
