//! Floods: when one begins and ends, seen as it happens or found in the records.

use jiff::Timestamp;
use serde::Serialize;

use super::{Arrivals, TEN_MINUTES};

/// When a flood begins and ends, in new alerts per ten minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FloodLimits {
    /// It begins above this many (ISA-18.2: 10).
    pub above: usize,
    /// It ends below this many (ISA-18.2: 5).
    pub below: usize,
}

impl Default for FloodLimits {
    fn default() -> Self {
        Self { above: 10, below: 5 }
    }
}

/// A flood while it lasts, with hysteresis so that it does not flicker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flood {
    /// There is none.
    No,
    /// There is one.
    Since {
        /// Its beginning.
        start: Timestamp,
        /// Most new alerts per ten minutes so far.
        peak: usize,
    },
}

impl Flood {
    /// Takes the newest ten-minute count; answers what ended, if one did just now.
    pub fn step(&mut self, count: usize, now: Timestamp, limits: FloodLimits) -> Option<FloodSpan> {
        match self {
            Self::No => {
                if count > limits.above {
                    *self = Self::Since { start: now, peak: count };
                }
                None
            }
            Self::Since { start, peak } => {
                *peak = (*peak).max(count);
                if count >= limits.below {
                    return None;
                }
                let ended = FloodSpan {
                    start: *start,
                    end: now,
                    peak: *peak,
                    count: 0,
                    lasts: false,
                };
                *self = Self::No;
                Some(ended)
            }
        }
    }

    /// Takes arrivals of which some came late, as all do at a start and after a silence: it is found anew in all of them. One
    /// that lasts keeps its beginning. Answers what ended meanwhile.
    pub fn learn(&mut self, arrivals: &Arrivals, now: Timestamp, limits: FloodLimits) -> Option<FloodSpan> {
        let (over, on) = replay(arrivals.times(), now, limits);
        let Self::Since { start, peak } = *self else {
            *self = on;
            return None;
        };
        if let Some(ended) = over.into_iter().find(|flood| flood.end > start) {
            *self = on;
            return Some(FloodSpan {
                start: ended.start.min(start),
                peak: ended.peak.max(peak),
                ..ended
            });
        }
        if let Self::Since { start: found, peak: most } = on {
            *self = Self::Since {
                start: found.min(start),
                peak: most.max(peak),
            };
            return None;
        }
        // it lasts longer than arrivals are kept
        self.step(arrivals.within(TEN_MINUTES, now), now, limits)
    }

    /// Whether one lasts.
    pub fn is_on(&self) -> bool {
        matches!(self, Self::Since { .. })
    }
}

/// A flood with its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct FloodSpan {
    /// Its beginning.
    pub start: Timestamp,
    /// Its end; of one that lasts the time until which it is known.
    pub end: Timestamp,
    /// Most new alerts per ten minutes.
    pub peak: usize,
    /// Alerts that it brought, those of the ten minutes before its beginning included; filled in by who knows them.
    pub count: usize,
    /// It was not over at `end`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub lasts: bool,
}

/// The floods among these times, which are in order; the last of them may last.
pub fn floods(times: &[Timestamp], end: Timestamp, limits: FloodLimits) -> Vec<FloodSpan> {
    let (mut found, flood) = replay(times.iter().copied(), end, limits);
    if let Flood::Since { start, peak } = flood {
        found.push(FloodSpan {
            start,
            end,
            peak,
            count: 0,
            lasts: true,
        });
    }
    for one in &mut found {
        one.count = raised_in(times.iter().copied(), one.start, one.end);
    }
    found
}

/// What is over and what lasts at `end`, found as the console finds it while it happens: at each alert, and at each moment at
/// which one leaves the ten minutes that are counted.
fn replay(times: impl Iterator<Item = Timestamp> + Clone, end: Timestamp, limits: FloodLimits) -> (Vec<FloodSpan>, Flood) {
    let mut flood = Flood::No;
    let mut over = Vec::new();
    let mut within = 0_usize;
    let mut arrive = times.clone().take_while(|at| *at <= end).peekable();
    let mut leave = times
        .filter_map(|at| at.checked_add(TEN_MINUTES).ok())
        .take_while(|at| *at <= end)
        .peekable();
    while let Some(now) = arrive.peek().into_iter().chain(leave.peek()).min().copied() {
        while arrive.next_if(|at| *at <= now).is_some() {
            within += 1;
        }
        while leave.next_if(|at| *at <= now).is_some() {
            within = within.saturating_sub(1);
        }
        over.extend(flood.step(within, now, limits));
    }
    (over, flood)
}

/// How many alerts a flood brought: those of the ten minutes that made it one, too.
pub(super) fn raised_in(times: impl Iterator<Item = Timestamp>, start: Timestamp, end: Timestamp) -> usize {
    let from = start.checked_sub(TEN_MINUTES).unwrap_or(start);
    times.filter(|at| *at > from && *at <= end).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn arrived(seconds: impl Iterator<Item = i64>) -> Arrivals {
        let mut arrivals = Arrivals::default();
        seconds.for_each(|seconds| arrivals.add(at(seconds)));
        arrivals
    }

    #[test]
    fn it_begins_above_ten_and_ends_below_five() {
        let mut flood = Flood::No;
        let steps = [(10, false), (11, true), (40, true), (5, true), (4, false), (10, false)];
        let mut ended = Vec::new();
        for (seconds, (count, on)) in (0..).zip(steps) {
            ended.extend(flood.step(count, at(seconds), FloodLimits::default()));
            assert_eq!(flood.is_on(), on, "after {count}");
        }
        assert_eq!(
            ended,
            [FloodSpan {
                start: at(1),
                end: at(4),
                peak: 40,
                count: 0,
                lasts: false,
            }]
        );
    }

    #[test]
    fn what_came_late_gives_the_beginning_and_the_end_that_were() {
        let limits = FloodLimits::default();
        // one each 10 s: the eleventh at 100 s; the sixteenth of twenty leaves at 750 s, and four are left
        let arrivals = arrived((0..20).map(|number| number * 10));
        let mut flood = Flood::No;
        assert_eq!(flood.learn(&arrivals, at(600), limits), None);
        assert_eq!(flood, Flood::Since { start: at(100), peak: 20 });
        // what was seen before begins earlier and had more: it is the same one
        let mut seen = Flood::Since { start: at(90), peak: 21 };
        assert_eq!(seen.learn(&arrivals, at(600), limits), None);
        assert_eq!(seen, Flood::Since { start: at(90), peak: 21 });
        let ended = seen.learn(&arrivals, at(2_000), limits).unwrap();
        assert_eq!((ended.start, ended.end, ended.peak), (at(90), at(750), 21));
        assert_eq!(seen, Flood::No);
    }

    #[test]
    fn one_that_ended_and_another_that_began_are_two() {
        let limits = FloodLimits::default();
        let arrivals = arrived((0..20).chain(3_000..3_020));
        let mut flood = Flood::Since { start: at(10), peak: 20 };
        let ended = flood.learn(&arrivals, at(3_100), limits).unwrap();
        assert_eq!((ended.start, ended.end), (at(10), at(615)));
        assert_eq!(
            flood,
            Flood::Since {
                start: at(3_010),
                peak: 20
            }
        );
    }

    #[test]
    fn one_that_lasts_longer_than_arrivals_are_kept_lasts() {
        let arrivals = arrived((0..7).map(|number| number * 60));
        let mut flood = Flood::Since {
            start: at(-100_000),
            peak: 30,
        };
        assert_eq!(flood.learn(&arrivals, at(400), FloodLimits::default()), None);
        assert_eq!(
            flood,
            Flood::Since {
                start: at(-100_000),
                peak: 30
            }
        );
    }
}
