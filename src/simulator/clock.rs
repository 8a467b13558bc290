//! The simulator's clock: real, or held by a test.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// Where the simulator takes the time from. The plant is a function of it: no timer runs.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self::new(Timestamp::now)
    }

    /// Any source of time.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// A clock that stands still until its hand is moved.
    pub fn held_at(at: Timestamp) -> (Self, ClockHand) {
        let hand = ClockHand(Arc::new(Mutex::new(at)));
        let shared = hand.clone();
        (Self::new(move || shared.now()), hand)
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Clock({})", self.now())
    }
}

/// Moves a clock made by [`Clock::held_at`].
#[derive(Clone, Debug)]
pub struct ClockHand(Arc<Mutex<Timestamp>>);

impl ClockHand {
    /// What the clock shows.
    pub fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets it; backwards too.
    pub fn set(&self, at: Timestamp) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }

    /// Moves it on by whole seconds.
    pub fn advance_secs(&self, seconds: i64) {
        let mut at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *at = at.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX);
    }
}
