//! A day as instants, and the name of its object.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::config::LakeLayout;
use crate::domain::DeviceType;

/// What stands as it is in a name: nothing that a store, a shell, a file system or Hive reads as more than a letter.
const NAMED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// A calendar day in the zone in which days begin and end.
#[derive(Clone, Debug, PartialEq)]
pub struct Day {
    /// The date.
    pub date: Date,
    /// The zone.
    pub zone: TimeZone,
}

impl Day {
    /// [start, end): 23 or 25 hours where the clock is put.
    pub fn bounds(&self) -> Option<(Timestamp, Timestamp)> {
        let midnight = |date: Date| self.zone.to_zoned(date.at(0, 0, 0, 0)).ok().map(|zoned| zoned.timestamp());
        let (start, end) = (midnight(self.date)?, midnight(self.date.tomorrow().ok()?)?);
        (start < end).then_some((start, end))
    }
}

/// The object of a device type's day, below the lake's prefix. The same day has the same name, whoever exports it.
pub fn key(layout: LakeLayout, device_type: &DeviceType, date: Date) -> String {
    let name = match device_type.raw() {
        // steps of a path, not names
        "." => "%2E".to_owned(),
        ".." => "%2E%2E".to_owned(),
        raw => utf8_percent_encode(raw, NAMED).to_string(),
    };
    match layout {
        LakeLayout::Flat => format!("{name}/{date}/data.parquet"),
        LakeLayout::Hive => format!("device_type={name}/date={date}/part-00000.parquet"),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn day(date: Date, zone: &str) -> (String, String, i64) {
        let day = Day {
            date,
            zone: TimeZone::get(zone).unwrap(),
        };
        let (start, end) = day.bounds().unwrap();
        (start.to_string(), end.to_string(), end.duration_since(start).as_hours())
    }

    #[test]
    fn a_day_is_utc_unless_a_zone_is_named_and_may_have_23_or_25_hours() {
        let utc = day(date(2026, 3, 29), "UTC");
        assert_eq!(utc, ("2026-03-29T00:00:00Z".into(), "2026-03-30T00:00:00Z".into(), 24));
        let spring = day(date(2026, 3, 29), "Europe/London");
        assert_eq!(spring, ("2026-03-29T00:00:00Z".into(), "2026-03-29T23:00:00Z".into(), 23));
        let autumn = day(date(2026, 10, 25), "Europe/London");
        assert_eq!(autumn, ("2026-10-24T23:00:00Z".into(), "2026-10-26T00:00:00Z".into(), 25));
        // midnight does not exist there on that day
        let gap = day(date(2018, 11, 4), "America/Sao_Paulo");
        assert_eq!(gap, ("2018-11-04T03:00:00Z".into(), "2018-11-05T02:00:00Z".into(), 23));
    }

    #[test]
    fn names_cannot_leave_their_place() {
        let on = date(2026, 2, 19);
        let flat = |name: &str| key(LakeLayout::Flat, &name.into(), on);
        assert_eq!(flat("PumpStation"), "PumpStation/2026-02-19/data.parquet");
        assert_eq!(flat("../x/y"), "..%2Fx%2Fy/2026-02-19/data.parquet");
        assert_eq!(flat(".."), "%2E%2E/2026-02-19/data.parquet");
        assert_eq!(flat("Ü 1%"), "%C3%9C%201%25/2026-02-19/data.parquet");
        assert_eq!(
            key(LakeLayout::Hive, &"a=b".into(), on),
            "device_type=a%3Db/date=2026-02-19/part-00000.parquet"
        );
    }
}
