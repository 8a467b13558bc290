//! When a shift begins and ends.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};

/// How the day is cut into shifts: one begins at `start`, the others `length` after each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shift {
    /// When one begins, by the clock of the site.
    pub start: Time,
    /// How long one is.
    pub length: SignedDuration,
}

impl Default for Shift {
    /// Three shifts: 06:00, 14:00, 22:00.
    fn default() -> Self {
        Self {
            start: Time::constant(6, 0, 0, 0),
            length: SignedDuration::from_hours(8),
        }
    }
}

impl Shift {
    /// Beginning and end of the shift that `now` lies in. By the clock on the wall: the night on which the clocks are set
    /// back is an hour longer.
    pub fn around(&self, now: Timestamp, zone: &TimeZone) -> (Timestamp, Timestamp) {
        let local = now.to_zoned(zone.clone()).datetime();
        let minutes = self.length.as_mins().clamp(30, 24 * 60);
        // a day's shifts begin with the one at `start`; a day that the length does not divide begins anew with it
        let day = |back: i64| {
            local
                .date()
                .checked_sub(back.days())
                .unwrap_or(local.date())
                .to_datetime(self.start)
        };
        let mut begin = day(2);
        for back in [2, 1, 0] {
            let (first, next) = (day(back), day(back - 1));
            let mut at = first;
            while at < next {
                if at <= local {
                    begin = at;
                }
                at = at.checked_add(minutes.minutes()).unwrap_or(next);
            }
        }
        let last = day(-1);
        let next_day = [day(1), day(0), last].into_iter().find(|day| *day > begin).unwrap_or(last);
        let end = begin.checked_add(minutes.minutes()).unwrap_or(next_day).min(next_day);
        let at = |when: jiff::civil::DateTime| when.to_zoned(zone.clone()).map_or(now, |zoned| zoned.timestamp());
        (at(begin), at(end))
    }

    /// The shift before the one that `now` lies in.
    pub fn before(&self, now: Timestamp, zone: &TimeZone) -> (Timestamp, Timestamp) {
        let (start, _) = self.around(now, zone);
        let inside = start.checked_sub(SignedDuration::from_secs(1)).unwrap_or(start);
        (self.around(inside, zone).0, start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(shift: Shift, now: &str, zone: &str) -> (String, String) {
        let zone = TimeZone::get(zone).unwrap();
        let (start, end) = shift.around(now.parse().unwrap(), &zone);
        (start.to_string(), end.to_string())
    }

    #[test]
    fn a_shift_is_found_by_the_clock_on_the_wall() {
        let three = Shift::default();
        let long = Shift {
            start: Time::constant(18, 30, 0, 0),
            length: SignedDuration::from_hours(12),
        };
        for (shift, now, zone, start, end) in [
            (three, "2026-11-13T02:14:00Z", "UTC", "2026-11-12T22:00:00Z", "2026-11-13T06:00:00Z"),
            (three, "2026-11-13T06:00:00Z", "UTC", "2026-11-13T06:00:00Z", "2026-11-13T14:00:00Z"),
            (three, "2026-11-13T23:59:59Z", "UTC", "2026-11-13T22:00:00Z", "2026-11-14T06:00:00Z"),
            (long, "2026-11-13T02:14:00Z", "UTC", "2026-11-12T18:30:00Z", "2026-11-13T06:30:00Z"),
            (long, "2026-11-13T07:00:00Z", "UTC", "2026-11-13T06:30:00Z", "2026-11-13T18:30:00Z"),
            // summer time in London: 22:00 is 21:00 UTC
            (
                three,
                "2026-07-01T22:00:00Z",
                "Europe/London",
                "2026-07-01T21:00:00Z",
                "2026-07-02T05:00:00Z",
            ),
            // the clocks go back in this night: nine hours
            (
                three,
                "2026-10-25T03:00:00Z",
                "Europe/London",
                "2026-10-24T21:00:00Z",
                "2026-10-25T06:00:00Z",
            ),
        ] {
            assert_eq!(bounds(shift, now, zone), (start.to_owned(), end.to_owned()), "{now} {zone}");
        }
    }

    #[test]
    fn a_length_that_does_not_divide_the_day_begins_anew_each_day() {
        let odd = Shift {
            start: Time::constant(6, 0, 0, 0),
            length: SignedDuration::from_hours(10),
        };
        assert_eq!(
            bounds(odd, "2026-11-13T03:00:00Z", "UTC"),
            ("2026-11-13T02:00:00Z".into(), "2026-11-13T06:00:00Z".into())
        );
    }

    #[test]
    fn the_shift_before_ends_where_this_one_begins() {
        let (start, end) = Shift::default().before("2026-11-13T02:14:00Z".parse().unwrap(), &TimeZone::UTC);
        assert_eq!(start.to_string(), "2026-11-12T14:00:00Z");
        assert_eq!(end.to_string(), "2026-11-12T22:00:00Z");
    }
}
