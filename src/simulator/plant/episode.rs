//! Something that goes wrong for a while: what the readings show and the alerts follow.

/// How a fault moves its metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Rises over `ramp_s`, holds, falls over `release_s`.
    Ramp,
    /// On for half a period, off for half, until the end.
    Chatter {
        /// Seconds.
        period_s: i64,
    },
    /// No readings at all.
    Silent,
}

/// A fault of one device. Times are seconds since the epoch.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Episode {
    /// Index into the type's metrics.
    pub(crate) metric: usize,
    pub(crate) shape: Shape,
    pub(crate) onset: i64,
    pub(crate) ramp_s: i64,
    /// End of the full fault; `i64::MAX` until somebody repairs it.
    pub(crate) end: i64,
    pub(crate) release_s: i64,
    /// What the metric goes to; for a production line, the driver behind it.
    pub(crate) target: f64,
    /// Whether the device's other metrics move a little too.
    pub(crate) echo: bool,
}

impl Episode {
    /// How much of the fault is there at a time, 0 to 1.
    pub(crate) fn strength(&self, at: i64) -> f64 {
        if at < self.onset || at >= self.finish() {
            return 0.0;
        }
        if let Shape::Chatter { period_s } = self.shape {
            let on = at < self.end && (at - self.onset).rem_euclid(period_s) < period_s / 2;
            return if on { 1.0 } else { 0.0 };
        }
        let rising = if at - self.onset >= self.ramp_s {
            1.0
        } else {
            (at - self.onset) as f64 / self.ramp_s as f64
        };
        let falling = if at < self.end {
            1.0
        } else {
            1.0 - (at - self.end) as f64 / self.release_s.max(1) as f64
        };
        rising * falling
    }

    /// When nothing of it is left.
    pub(crate) fn finish(&self) -> i64 {
        self.end.saturating_add(self.release_s)
    }

    pub(crate) fn is_silent_at(&self, at: i64) -> bool {
        self.shape == Shape::Silent && at >= self.onset && at < self.end
    }

    /// Whether two faults of one device would blur each other's readings.
    pub(crate) fn collides_with(&self, other: &Self) -> bool {
        const APART_S: i64 = 300;
        let blurs = self.metric == other.metric || self.echo || other.echo || self.shape == Shape::Silent || other.shape == Shape::Silent;
        blurs && self.onset < other.finish().saturating_add(APART_S) && other.onset < self.finish().saturating_add(APART_S)
    }
}
