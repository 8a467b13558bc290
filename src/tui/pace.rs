//! When the next frame is drawn: a key's at once, the background's a few times a second, none twice.

use std::time::Duration;

use tokio::time::Instant;

/// Frames that follow a key keep this distance.
const KEY_INTERVAL: Duration = Duration::from_millis(33);
/// Frames that nobody asked for keep this one.
const BACKGROUND_INTERVAL: Duration = Duration::from_millis(100);

/// What the background may cost a link that does not tell how slow it is, in bytes a second: well below the 20 kB/s of a poor
/// one. SSH takes megabytes into its buffers before a write stalls; by then the screen would be a minute old.
const BYTES_A_SECOND: u32 = 8_000;
/// So many bytes are always free: a row that changes is seen at once.
const BYTES_FREE: u32 = 2_000;

/// Why something is to be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Urgency {
    /// Data or time.
    Background,
    /// The outbox answers to what a person asked for.
    Answer,
    /// A person waits.
    Key,
}

/// The frame budget.
#[derive(Debug)]
pub(super) struct Pace {
    start: Instant,
    last: Option<Instant>,
    wanted: Option<Urgency>,
    /// Bytes written so far, as they were last told.
    written: u64,
    /// From then on what was written so far is paid for.
    paid_at: Instant,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            start: now,
            last: None,
            wanted: None,
            written: 0,
            paid_at: now,
        }
    }

    /// Something visible changed.
    pub(super) fn want(&mut self, urgency: Urgency) {
        self.wanted = self.wanted.max(Some(urgency));
    }

    /// Takes in how many bytes went to the terminal in all: what a frame cost is known after it was drawn.
    pub(super) fn spent(&mut self, written: u64, now: Instant) {
        let new = u32::try_from(written.saturating_sub(self.written)).unwrap_or(u32::MAX);
        self.written = written;
        if new > 0 {
            self.paid_at = self.paid_at.max(now) + Duration::from_secs(1) * new / BYTES_A_SECOND;
        }
    }

    /// When to draw. While the link is `busy` with an earlier frame, all but keys wait for it, and they keep to a budget of
    /// bytes: a slow link gets fewer frames, not older ones.
    pub(super) fn due(&self, busy: bool) -> Option<Instant> {
        let interval = match self.wanted? {
            Urgency::Background | Urgency::Answer if busy => return None,
            Urgency::Background => BACKGROUND_INTERVAL,
            Urgency::Answer | Urgency::Key => KEY_INTERVAL,
        };
        let at = self.last.map_or(self.start, |last| last + interval);
        if self.wanted == Some(Urgency::Key) || self.last.is_none() {
            return Some(at);
        }
        let free = Duration::from_secs(1) * BYTES_FREE / BYTES_A_SECOND;
        Some(self.paid_at.checked_sub(free).map_or(at, |paid| at.max(paid)))
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

    /// A link of so many bytes a second, and what waits in it.
    struct Line {
        a_second: u64,
        waits: u64,
        most: u64,
    }

    impl Line {
        fn passes(&mut self, millis: u64) {
            self.waits = self.waits.saturating_sub(self.a_second * millis / 1_000);
        }

        fn takes(&mut self, bytes: u64) {
            self.waits += bytes;
            self.most = self.most.max(self.waits);
        }
    }

    /// Ten minutes in which every look finds something new to draw, on a link that never stalls a write, as SSH does not.
    /// Answers the most bytes that waited in the link and all that were written.
    async fn ten_busy_minutes(frame: u64, urgency: Urgency) -> (u64, u64) {
        let mut pace = Pace::new(Instant::now());
        let mut line = Line {
            a_second: 20_000,
            waits: 0,
            most: 0,
        };
        let mut written = 0;
        for _ in 0..60_000 {
            pace.spent(written, Instant::now());
            pace.want(urgency);
            if pace.due(false).is_some_and(|due| due <= Instant::now()) {
                written += frame;
                line.takes(frame);
                pace.drawn(Instant::now());
            }
            tokio::time::advance(Duration::from_millis(10)).await;
            line.passes(10);
        }
        (line.most, written)
    }

    #[tokio::test(start_paused = true)]
    async fn whatever_a_frame_costs_no_backlog_grows_on_twenty_kilobytes_a_second() {
        for frame in [40, 200, 1_000, 4_000, 10_000] {
            for urgency in [Urgency::Background, Urgency::Answer] {
                let (most, written) = ten_busy_minutes(frame, urgency).await;
                assert!(most <= frame + 2 * u64::from(BYTES_FREE), "{frame}: {most} bytes waited");
                assert!(
                    written <= 600 * u64::from(BYTES_A_SECOND) + u64::from(BYTES_FREE) + frame,
                    "{frame}: {written}"
                );
                assert!(
                    written >= 600 * frame.min(300),
                    "{frame}: {written} is too little to follow what happens"
                );
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_is_drawn_at_once_however_much_was_written() {
        let mut pace = Pace::new(Instant::now());
        pace.drawn(Instant::now());
        pace.spent(1_000_000, Instant::now());
        pace.want(Urgency::Background);
        assert!(pace.due(false).unwrap() > Instant::now() + Duration::from_secs(60));
        pace.want(Urgency::Key);
        assert_eq!(pace.due(true), Some(Instant::now() + KEY_INTERVAL));
    }
}
