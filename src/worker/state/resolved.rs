//! What was resolved lately, beside the queue.

use std::sync::Arc;

use jiff::Timestamp;

use super::{RESOLVED_MAX, State};
use crate::domain::{Alert, AlertId, AlertState, Listing};

impl State {
    pub(super) fn resolved_since(&self, clock: Timestamp) -> Timestamp {
        let resolved_for = jiff::SignedDuration::try_from(self.plan.resolved_for).unwrap_or_default();
        clock.checked_sub(resolved_for).unwrap_or(clock)
    }

    /// The queue and the alerts that were resolved lately, each once; the queue is right about what is in it.
    pub(super) fn join_resolved(
        &mut self,
        mut listing: Listing<Alert>,
        gone: Vec<Alert>,
        unasked: Vec<AlertId>,
        clock: Timestamp,
    ) -> Listing<Alert> {
        let mut known: Vec<_> = listing.items.iter().map(|alert| alert.id.clone()).collect();
        for id in &known {
            self.resolved.remove(id);
        }
        for alert in gone {
            if alert.state == AlertState::Resolved {
                self.resolved.insert(alert.id.clone(), alert);
            } else {
                known.push(alert.id.clone());
                listing.items.push(alert);
            }
        }
        known.extend(unasked);
        self.known = Arc::new(known);
        let since = self.resolved_since(clock);
        let when = |alert: &Alert| alert.resolved_at.unwrap_or(alert.raised_at);
        self.resolved.retain(|_, alert| when(alert) >= since);
        let mut resolved: Vec<_> = self.resolved.values().cloned().collect();
        resolved.sort_by(|one, other| when(other).cmp(&when(one)).then_with(|| one.id.cmp(&other.id)));
        for forgotten in resolved.drain(resolved.len().min(RESOLVED_MAX)..) {
            self.resolved.remove(&forgotten.id);
        }
        listing.items.extend(resolved);
        listing
    }
}
