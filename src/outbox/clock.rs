//! Wall time, injectable. It dates records; waiting goes by tokio's monotonic clock.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

/// Where the outbox reads the date. A jump of it neither releases nor stalls anything.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The system's.
    pub fn system() -> Self {
        Self(Arc::new(Timestamp::now))
    }

    /// Another one, for tests and simulations.
    pub fn new(read: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// Milliseconds since 1970: what the outbox stores.
    pub(super) fn millis(&self) -> i64 {
        (self.0)().as_millisecond()
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Clock")
    }
}

/// A stored time. Out of range only where the file is damaged: then the epoch.
pub(super) fn timestamp(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A duration as stored.
pub(super) fn duration_millis(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}
