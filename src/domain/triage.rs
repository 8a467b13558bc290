//! In which order alerts are looked at.

use std::cmp::{Ordering, Reverse};

use super::Alert;

/// Unacknowledged first, then the worst, then the newest; the id decides the rest so that the order is total.
pub fn triage_order(one: &Alert, other: &Alert) -> Ordering {
    let key = |alert: &Alert| (alert.state.progress(), alert.severity.rank(), Reverse(alert.raised_at));
    key(one).cmp(&key(other)).then_with(|| one.id.cmp(&other.id))
}
