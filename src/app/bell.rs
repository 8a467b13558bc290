//! When to ring: by severity, once or until somebody acknowledges, never in quiet hours, and little in a flood.

use jiff::{SignedDuration, Timestamp};

use super::App;
use crate::config::BellRule;
use crate::domain::{Alert, AlertState, Severity};
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

    /// The sentence to ring with for these, if any of them is worth it. What lies on the shelf is not. In a flood only a new
    /// top severity is.
    pub(super) fn worth_ringing<'a>(&self, alerts: impl Iterator<Item = &'a Alert>) -> Option<String> {
        if self.muted || self.is_quiet() {
            return None;
        }
        let top = self.flood_top();
        let alert = alerts
            .filter(|alert| self.store.progress(alert) == 0 && self.store.shelf().hides(alert).is_none())
            .filter(|alert| top.is_none_or(|top| alert.severity == Severity::Critical || alert.severity.rank() < top))
            .filter(|alert| self.rule(alert) != BellRule::Off)
            .min_by(|one, other| crate::domain::triage_order(one, other))?;
        Some(format!("{} {}", self.scene().severity(&alert.severity).0, self.scene().name(alert)))
    }

    /// While a flood lasts: the worst severity among the open alerts that were there before these. A new one that is worse
    /// still rings.
    fn flood_top(&self) -> Option<u8> {
        if !self.store.flood().0.is_on() {
            return None;
        }
        let known = self.store.alerts().filter(|alert| alert.state != AlertState::Resolved);
        known.map(|alert| alert.severity.rank()).min()
    }

    /// Rings.
    pub(super) fn ring(&mut self, text: String) {
        self.rung = Some(self.now);
        self.effects.push(Effect::Bell(text));
    }

    /// Rings again each minute while something waits whose rule is to wait for an acknowledgement.
    pub(super) fn ring_again(&mut self) {
        let due = |rung: Timestamp| self.now.duration_since(rung) >= AGAIN_AFTER;
        if !self.rung.is_some_and(due) {
            return;
        }
        let waits = self.store.alerts().filter(|alert| self.rule(alert) == BellRule::UntilAcknowledged);
        if let Some(text) = self.worth_ringing(waits) {
            self.ring(text);
        }
    }
}
