//! How much an operator is asked to look at: figures after ISA-18.2 and EEMUA 191. A reference, not compliance.

mod figures;
mod flood;

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

pub use figures::{Activation, Figures, TOP, TopSource, WINDOWS};
pub use flood::{Flood, FloodLimits, FloodSpan, floods};

/// The window of the short figure and of flood detection (ISA-18.2 §16: per ten minutes).
pub const TEN_MINUTES: SignedDuration = SignedDuration::from_mins(10);

/// Arrivals are kept for this long at the most.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// Most arrivals kept; the oldest go first.
const KEPT_MOST: usize = 100_000;

/// When alerts were raised, in order of time.
#[derive(Clone, Debug, Default)]
pub struct Arrivals {
    times: VecDeque<Timestamp>,
}

impl Arrivals {
    /// Adds one; times may come out of order.
    pub fn add(&mut self, at: Timestamp) {
        let place = self.times.partition_point(|known| *known <= at);
        self.times.insert(place, at);
        while self.times.len() > KEPT_MOST {
            self.times.pop_front();
        }
    }

    /// All of them, in order.
    pub fn times(&self) -> impl Iterator<Item = Timestamp> + Clone {
        self.times.iter().copied()
    }

    /// Forgets what is older than a day.
    pub fn forget(&mut self, now: Timestamp) {
        while self.times.front().is_some_and(|at| now.duration_since(*at) > KEPT) {
            self.times.pop_front();
        }
    }

    /// How many were raised in the window that ends now.
    pub fn within(&self, window: SignedDuration, now: Timestamp) -> usize {
        let first = self.times.partition_point(|at| now.duration_since(*at) >= window);
        self.times.partition_point(|at| *at <= now).saturating_sub(first)
    }

    /// How many a flood brought: those of the ten minutes that made it one, too.
    pub fn of_flood(&self, start: Timestamp, end: Timestamp) -> usize {
        flood::raised_in(self.times(), start, end)
    }
}

/// The longest window of the two variants of chattering.
pub const CHATTERING_WITHIN: SignedDuration = SignedDuration::from_mins(30);

/// Whether these cycles of one device and alert name chatter: three within a minute (ISA-18.2 §16.5), or the slow
/// variant, three within half an hour, counted back from now.
pub fn is_chattering(cycles: &[Timestamp], now: Timestamp) -> bool {
    let within = |window: SignedDuration| cycles.iter().filter(|at| **at <= now && now.duration_since(**at) < window).count();
    within(CHATTERING_WITHIN) >= 3 || within(SignedDuration::from_mins(1)) >= 3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    #[test]
    fn the_window_is_half_open() {
        let mut arrivals = Arrivals::default();
        for seconds in [0, 1, 599, 600, 300] {
            arrivals.add(at(seconds));
        }
        assert_eq!(arrivals.within(TEN_MINUTES, at(600)), 4, "0 is just outside");
        assert_eq!(arrivals.within(TEN_MINUTES, at(599)), 4);
        assert_eq!(arrivals.times.front(), Some(&at(0)));
        arrivals.forget(at(86_401));
        assert_eq!(arrivals.times.front(), Some(&at(1)));
        assert_eq!(arrivals.of_flood(at(700), at(800)), 3, "300, 599 and 600 made it one");
    }

    #[test]
    fn chattering_needs_three() {
        assert!(!is_chattering(&[at(0), at(20)], at(30)));
        assert!(is_chattering(&[at(0), at(20), at(30)], at(31)));
        assert!(is_chattering(&[at(0), at(800), at(1700)], at(1701)));
        assert!(!is_chattering(&[at(0), at(800), at(1700)], at(1900)));
    }
}
