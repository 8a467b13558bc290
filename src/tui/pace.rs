//! When the next frame is drawn: a key's at once, the background's a few times a second, none twice.

use std::time::Duration;

use tokio::time::Instant;

/// Frames that follow a key keep this distance.
const KEY_INTERVAL: Duration = Duration::from_millis(33);
/// Frames that nobody asked for keep this one.
const BACKGROUND_INTERVAL: Duration = Duration::from_millis(100);

/// Why something is to be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Urgency {
    /// Data or time.
    Background,
    /// A person waits.
    Key,
}

/// The frame budget.
#[derive(Debug)]
pub(super) struct Pace {
    start: Instant,
    last: Option<Instant>,
    wanted: Option<Urgency>,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            start: now,
            last: None,
            wanted: None,
        }
    }

    /// Something visible changed.
    pub(super) fn want(&mut self, urgency: Urgency) {
        self.wanted = self.wanted.max(Some(urgency));
    }

    /// When to draw. While the link is `busy` with an earlier frame, the background waits for it: a slow link gets
    /// fewer frames, not older ones.
    pub(super) fn due(&self, busy: bool) -> Option<Instant> {
        let interval = match self.wanted? {
            Urgency::Background if busy => return None,
            Urgency::Background => BACKGROUND_INTERVAL,
            Urgency::Key => KEY_INTERVAL,
        };
        Some(self.last.map_or(self.start, |last| last + interval))
    }

    /// A frame was drawn.
    pub(super) fn drawn(&mut self, now: Instant) {
        self.last = Some(now);
        self.wanted = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_first_is_at_once_and_a_burst_becomes_one() {
        let mut pace = Pace::new(Instant::now());
        assert_eq!(pace.due(false), None);
        pace.want(Urgency::Background);
        assert_eq!(pace.due(false), Some(Instant::now()));
        pace.drawn(Instant::now());
        assert_eq!(pace.due(false), None);
        let drawn = Instant::now();
        for _ in 0..1000 {
            pace.want(Urgency::Background);
        }
        assert_eq!(pace.due(false), Some(drawn + BACKGROUND_INTERVAL));
        pace.want(Urgency::Key);
        assert_eq!(pace.due(false), Some(drawn + KEY_INTERVAL));
        pace.want(Urgency::Background);
        assert_eq!(pace.due(false), Some(drawn + KEY_INTERVAL), "a key stays urgent");
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_pause_a_key_is_drawn_at_once() {
        let mut pace = Pace::new(Instant::now());
        pace.drawn(Instant::now());
        tokio::time::advance(Duration::from_secs(5)).await;
        pace.want(Urgency::Key);
        assert!(pace.due(true).unwrap() <= Instant::now());
    }

    #[tokio::test(start_paused = true)]
    async fn on_a_stalled_link_the_background_waits_and_keys_do_not() {
        let mut pace = Pace::new(Instant::now());
        pace.want(Urgency::Background);
        assert_eq!(pace.due(true), None);
        pace.want(Urgency::Key);
        assert!(pace.due(true).is_some());
    }
}
