//! When to ring: by severity, once or until somebody acknowledges, never in quiet hours, and little in a flood.

use jiff::{SignedDuration, Timestamp};

use super::App;
use crate::config::BellRule;
use crate::domain::{Alert, Severity};
use crate::model::Effect;

/// How often a bell that waits for an acknowledgement rings.
const AGAIN_AFTER: SignedDuration = SignedDuration::from_mins(1);

impl App {
    fn rule(&self, alert: &Alert) -> BellRule {
        let bell = &self.setup.bell;
        match alert.severity {
            Severity::Critical => bell.critical,
            Severity::High => bell.high,
            Severity::Medium | Severity::Other(_) => bell.medium,
            Severity::Low => bell.low,
        }
    }

    fn is_quiet(&self) -> bool {
        let Some((from, to)) = self.setup.bell.quiet else { return false };
        let time = self.now.to_zoned(self.setup.time_zone.clone()).time();
        if from <= to {
            from <= time && time < to
        } else {
            from <= time || time < to
        }
    }

    /// Rings for these, if any of them is worth it. In a flood only the top severity is.
    pub(super) fn ring_for<'a>(&self, alerts: impl Iterator<Item = &'a Alert>) -> bool {
        let flood = self.store.flood().0.is_on();
        !self.muted
            && !self.is_quiet()
            && alerts
                .filter(|alert| alert.state.progress() == 0)
                .filter(|alert| !flood || alert.severity == Severity::Critical)
                .any(|alert| self.rule(alert) != BellRule::Off)
    }

    /// Rings.
    pub(super) fn ring(&mut self) {
        self.rung = Some(self.now);
        self.effects.push(Effect::Bell);
    }

    /// Rings again each minute while something waits whose rule is to wait for an acknowledgement.
    pub(super) fn ring_again(&mut self) {
        let due = |rung: Timestamp| self.now.duration_since(rung) >= AGAIN_AFTER;
        if !self.rung.is_some_and(due) {
            return;
        }
        let waits = self.store.alerts().filter(|alert| self.rule(alert) == BellRule::UntilAcknowledged);
        if self.ring_for(waits) {
            self.ring();
        }
    }
}
