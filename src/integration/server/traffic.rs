//! What went through the door, in numbers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

/// Numbers since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections taken.
    pub accepted: u64,
    /// Connections open now.
    pub open: u64,
    /// The most that were open at once.
    pub most_open: u64,
    /// Connections that were closed because a handshake, a request's head or its body did not come in time.
    pub expired: u64,
    /// Handshakes that failed.
    pub refused: u64,
    /// Answers by route and status.
    pub answers: BTreeMap<(&'static str, u16), u64>,
    /// Time until the answer, by route, in all.
    pub spent: BTreeMap<&'static str, Duration>,
}

/// Shared numbers that can be followed.
#[derive(Clone, Debug)]
pub struct Traffic(Arc<watch::Sender<Counts>>);

impl Default for Traffic {
    fn default() -> Self {
        Self(Arc::new(watch::channel(Counts::default()).0))
    }
}

impl Traffic {
    /// The numbers now.
    pub fn counts(&self) -> Counts {
        self.0.borrow().clone()
    }

    /// Follows them.
    pub fn follow(&self) -> watch::Receiver<Counts> {
        self.0.subscribe()
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Counts)) {
        self.0.send_modify(change);
    }

    /// One answer.
    pub(super) fn answered(&self, route: &'static str, status: u16, took: Duration) {
        self.change(|counts| {
            *counts.answers.entry((route, status)).or_default() += 1;
            *counts.spent.entry(route).or_default() += took;
        });
    }
}
