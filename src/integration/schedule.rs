//! When a daily job is due: a pure function of the clock and of what is remembered, so that zones, clock changes and
//! restarts are a table of cases and not a matter of luck.

use std::collections::BTreeSet;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};

/// Most days that are caught up with: a month. Older ones are for a person (`nightdesk export`, `erp sync`).
pub(super) const DAYS_MAX: usize = 31;
/// A memory that is further ahead of the clock than this was written under a wrong clock. Below it, the clock was set
/// back a little, or `at` was changed: what is done is done.
const AHEAD_MAX: i32 = 2;

/// The times of a daily job.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Daily {
    /// The time of day.
    pub(super) at: Time,
    /// The zone of that time.
    pub(super) zone: TimeZone,
    /// The zone in which days begin and end.
    pub(super) day_zone: TimeZone,
}

/// What is remembered of a daily job between runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Days {
    /// The newest day that has become due; those before it are done, or pending.
    through: Option<Date>,
    /// Days that are due and not done.
    pending: BTreeSet<Date>,
}

/// What became due, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Advance {
    /// Days that became due.
    pub(super) due: usize,
    /// Days that were given up, being further back than [`DAYS_MAX`].
    pub(super) dropped: usize,
    /// The memory was ahead of the clock and was taken back.
    pub(super) rewound: bool,
}

impl Daily {
    /// When a day is due: at the first such time of day after its end.
    pub(super) fn due_at(&self, day: Date) -> Timestamp {
        let Some(end) = day.tomorrow().ok().and_then(|next| start_of(next, &self.day_zone)) else {
            return Timestamp::MAX; // the last day of the calendar never ends
        };
        let local = end.to_zoned(self.zone.clone()).date();
        // Where the clock skips this time of day, it is the moment after the gap; where it shows it twice, the first one.
        let on = |date: Date| {
            date.to_datetime(self.at)
                .to_zoned(self.zone.clone())
                .ok()
                .map(|zoned| zoned.timestamp())
        };
        [Some(local), local.tomorrow().ok()]
            .into_iter()
            .flatten()
            .filter_map(on)
            .find(|at| *at >= end)
            .unwrap_or(Timestamp::MAX)
    }

    /// The newest day that is due.
    fn newest_due(&self, now: Timestamp) -> Date {
        let mut day = now.to_zoned(self.day_zone.clone()).date();
        // a day lasts a day, and its time of day follows within another
        for _ in 0..4 {
            if self.due_at(day) <= now {
                break;
            }
            day = day.yesterday().unwrap_or(Date::MIN);
        }
        day
    }
}

/// A zone's first moment of a day.
fn start_of(day: Date, zone: &TimeZone) -> Option<Timestamp> {
    day.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp())
}

impl Days {
    /// Takes in what became due since the last look. The very first look takes the newest day alone: a job that is
    /// switched on shows at once whether it works, and does not dig through a year.
    pub(super) fn advance(&mut self, daily: &Daily, now: Timestamp) -> Advance {
        let newest = daily.newest_due(now);
        let mut advance = Advance::default();
        let from = match self.through {
            None => newest,
            Some(through) if through > newest.saturating_add(AHEAD_MAX.days()) => {
                advance.rewound = true;
                self.pending.retain(|day| *day < newest);
                newest
            }
            Some(through) if through >= newest => return advance,
            Some(through) => {
                let oldest = newest.saturating_sub(i64::try_from(DAYS_MAX).unwrap_or(i64::MAX).saturating_sub(1).days());
                let next = through.tomorrow().unwrap_or(Date::MAX);
                let skipped = next.until(oldest).map_or(0, |span| span.get_days());
                advance.dropped += usize::try_from(skipped).unwrap_or(0);
                next.max(oldest)
            }
        };
        let mut day = from;
        while day <= newest {
            advance.due += usize::from(self.pending.insert(day));
            match day.tomorrow() {
                Ok(next) => day = next,
                Err(_) => break,
            }
        }
        self.through = Some(newest);
        while self.pending.len() > DAYS_MAX {
            self.pending.pop_first();
            advance.dropped += 1;
        }
        advance
    }

    /// Due and not done, oldest first.
    pub(super) fn pending(&self) -> impl ExactSizeIterator<Item = Date> + use<> {
        self.pending.clone().into_iter()
    }

    /// A day is done.
    pub(super) fn done(&mut self, day: Date) {
        self.pending.remove(&day);
    }

    /// When the next day becomes due.
    pub(super) fn next_due(&self, daily: &Daily, now: Timestamp) -> Timestamp {
        let newest = self.through.unwrap_or_else(|| daily.newest_due(now));
        newest.tomorrow().map_or(Timestamp::MAX, |next| daily.due_at(next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn daily(at: &str, zone: &str, day_zone: &str) -> Daily {
        Daily {
            at: at.parse().unwrap(),
            zone: TimeZone::get(zone).unwrap(),
            day_zone: TimeZone::get(day_zone).unwrap(),
        }
    }

    fn ts(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn date(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn pending(days: &Days) -> Vec<String> {
        days.pending().map(|day| day.to_string()).collect()
    }

    #[test]
    fn a_day_is_due_once_at_the_first_such_time_after_its_end() {
        for (at, zone, day_zone, day, expected, why) in [
            ("00:15", "UTC", "UTC", "2026-02-18", "2026-02-19T00:15:00Z", "plain"),
            ("00:00", "UTC", "UTC", "2026-02-18", "2026-02-19T00:00:00Z", "at the very end"),
            ("00:15", "Europe/London", "UTC", "2026-01-10", "2026-01-11T00:15:00Z", "winter"),
            (
                "00:15",
                "Europe/London",
                "UTC",
                "2026-07-10",
                "2026-07-11T23:15:00Z",
                "00:15 in summer is before the UTC day's end",
            ),
            (
                "00:15",
                "Europe/London",
                "Europe/London",
                "2026-07-10",
                "2026-07-10T23:15:00Z",
                "a local day",
            ),
            (
                "02:30",
                "Europe/Berlin",
                "Europe/Berlin",
                "2026-03-28",
                "2026-03-29T01:30:00Z",
                "02:30 is skipped: 03:30 summer time",
            ),
            (
                "02:30",
                "Europe/Berlin",
                "Europe/Berlin",
                "2026-03-29",
                "2026-03-30T00:30:00Z",
                "and the day after it is there again",
            ),
            (
                "02:30",
                "Europe/Berlin",
                "Europe/Berlin",
                "2026-10-24",
                "2026-10-25T00:30:00Z",
                "02:30 comes twice: the first",
            ),
            (
                "02:30",
                "Europe/Berlin",
                "Europe/Berlin",
                "2026-10-25",
                "2026-10-26T01:30:00Z",
                "a day of 25 hours",
            ),
            (
                "00:10",
                "America/Sao_Paulo",
                "America/Sao_Paulo",
                "2018-11-03",
                "2018-11-04T03:10:00Z",
                "midnight itself is skipped",
            ),
            (
                "12:00",
                "Pacific/Apia",
                "Pacific/Apia",
                "2011-12-29",
                "2011-12-30T22:00:00Z",
                "a whole day is skipped",
            ),
            (
                "00:15",
                "Asia/Kathmandu",
                "UTC",
                "2026-02-18",
                "2026-02-19T18:30:00Z",
                "a zone of quarters",
            ),
        ] {
            assert_eq!(daily(at, zone, day_zone).due_at(date(day)), ts(expected), "{why}");
        }
    }

    #[test]
    fn over_clock_changes_every_day_is_due_exactly_once_and_in_order() {
        for (at, zone, day_zone) in [
            ("00:15", "Europe/London", "UTC"),
            ("02:30", "Europe/Berlin", "Europe/Berlin"),
            ("01:30", "America/New_York", "UTC"),
            ("23:59", "Australia/Lord_Howe", "Australia/Lord_Howe"),
        ] {
            let daily = daily(at, zone, day_zone);
            let mut days = Days::default();
            let mut seen = Vec::new();
            let (mut now, end) = (ts("2026-01-01T00:00:00Z"), ts("2027-01-01T00:00:00Z"));
            while now < end {
                days.advance(&daily, now);
                for day in days.pending() {
                    assert!(daily.due_at(day) <= now);
                    days.done(day);
                    seen.push(day);
                }
                assert!(days.next_due(&daily, now) > now, "{zone} at {now}");
                now += 20.minutes();
            }
            assert!(seen.windows(2).all(|pair| pair[0].tomorrow().unwrap() == pair[1]), "{zone}");
            assert!((364..=366).contains(&seen.len()), "{zone}: {}", seen.len());
        }
    }

    #[test]
    fn missed_days_are_caught_up_with_within_bounds() {
        let daily = daily("00:15", "UTC", "UTC");
        let mut days = Days::default();
        assert_eq!(
            days.advance(&daily, ts("2026-02-18T12:00:00Z")),
            Advance {
                due: 1,
                dropped: 0,
                rewound: false
            }
        );
        assert_eq!(pending(&days), ["2026-02-17"], "the first start takes the newest day alone");
        // a restart in the middle: it was begun and not done
        let mut days: Days = serde_json::from_str(&serde_json::to_string(&days).unwrap()).unwrap();
        assert_eq!(days.advance(&daily, ts("2026-02-18T12:01:00Z")).due, 0);
        assert_eq!(pending(&days), ["2026-02-17"]);
        days.done(date("2026-02-17"));
        assert_eq!(days.advance(&daily, ts("2026-02-19T00:14:59Z")).due, 0);
        assert_eq!(days.next_due(&daily, ts("2026-02-19T00:14:59Z")), ts("2026-02-19T00:15:00Z"));
        assert_eq!(days.advance(&daily, ts("2026-02-21T00:15:00Z")).due, 3);
        assert_eq!(pending(&days), ["2026-02-18", "2026-02-19", "2026-02-20"]);
        // off for a hundred days
        let advance = days.advance(&daily, ts("2026-06-01T00:15:00Z"));
        assert_eq!(pending(&days).len(), DAYS_MAX);
        assert_eq!(pending(&days).first().unwrap(), "2026-05-01");
        assert_eq!(
            advance.due + advance.dropped - 3,
            31 + 29 + 9 + 31,
            "3 older ones gave way, and none is lost without a count"
        );
    }

    #[test]
    fn a_clock_that_jumps_repeats_nothing_and_blocks_nothing() {
        let daily = daily("00:15", "UTC", "UTC");
        let mut days = Days::default();
        days.advance(&daily, ts("2026-02-18T12:00:00Z"));
        days.done(date("2026-02-17"));
        // an hour back over the due time, and forth again
        days.advance(&daily, ts("2026-02-19T00:15:00Z"));
        days.done(date("2026-02-18"));
        assert_eq!(days.advance(&daily, ts("2026-02-18T23:15:00Z")), Advance::default());
        assert_eq!(days.advance(&daily, ts("2026-02-19T00:16:00Z")), Advance::default());
        assert_eq!(days.pending().len(), 0);
        // far ahead, and back: what was remembered under the wrong clock does not stop the right one
        days.advance(&daily, ts("2099-01-01T00:15:00Z"));
        let advance = days.advance(&daily, ts("2026-02-20T00:15:00Z"));
        assert!(advance.rewound);
        assert_eq!(pending(&days), ["2026-02-19"]);
        days.done(date("2026-02-19"));
        assert_eq!(days.advance(&daily, ts("2026-02-21T00:15:00Z")).due, 1);
    }

    #[test]
    fn the_ends_of_the_calendar_do_no_harm() {
        let daily = daily("00:15", "UTC", "UTC");
        assert_eq!(daily.due_at(Date::MAX), Timestamp::MAX);
        let mut days = Days::default();
        days.advance(&daily, Timestamp::MAX);
        days.advance(&daily, Timestamp::MIN);
        assert!(days.pending().len() <= DAYS_MAX);
    }
}
