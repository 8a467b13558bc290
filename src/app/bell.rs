//! When to ring: by severity, once or until somebody acknowledges, never in quiet hours, and little in a flood.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};

use super::App;
use crate::config::BellRule;
use crate::domain::{Alert, AlertId, Severity};
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

    /// The sentence to ring with for these new ones, if any of them is worth it. In a flood only a new top severity is: one
    /// above all that wait or came in it.
    pub(super) fn worth_ringing<'a>(&self, new: impl Iterator<Item = &'a Alert>) -> Option<String> {
        let new: Vec<&Alert> = new.collect();
        let alert = self.loudest(new.iter().copied())?;
        if self.store.flood().0.is_on() {
            let new: HashSet<&AlertId> = new.iter().map(|alert| &alert.id).collect();
            let before = self.store.alerts().filter(|alert| !new.contains(&alert.id));
            if self.flood_top(before).is_some_and(|top| alert.severity.rank() >= top) {
                return None;
            }
        }
        Some(self.ringing(alert))
    }

    /// The worst of these that would ring by its rule, now. What lies on the shelf would not.
    fn loudest<'a>(&self, alerts: impl Iterator<Item = &'a Alert>) -> Option<&'a Alert> {
        if self.muted || self.is_quiet() {
            return None;
        }
        alerts
            .filter(|alert| self.is_waiting(alert) && self.rule(alert) != BellRule::Off)
            .min_by(|one, other| crate::domain::triage_order(one, other))
    }

    fn is_waiting(&self, alert: &Alert) -> bool {
        self.store.progress(alert) == 0 && self.store.shelf().hides(alert).is_none()
    }

    /// While a flood lasts: the worst severity among those of these that wait or came in it.
    fn flood_top<'a>(&self, alerts: impl Iterator<Item = &'a Alert>) -> Option<u8> {
        let counts = |alert: &&Alert| self.is_waiting(alert) || self.store.is_of_flood(alert);
        alerts.filter(counts).map(|alert| alert.severity.rank()).min()
    }

    fn ringing(&self, alert: &Alert) -> String {
        format!("{} {}", self.scene().severity(&alert.severity).0, self.scene().name(alert))
    }

    /// Rings.
    pub(super) fn ring(&mut self, text: String) {
        self.rung = Some(self.now);
        self.effects.push(Effect::Bell(text));
    }

    /// Rings again each minute while something waits whose rule is to wait for an acknowledgement; in a flood only for the
    /// worst that there is.
    pub(super) fn ring_again(&mut self) {
        let due = |rung: Timestamp| self.now.duration_since(rung) >= AGAIN_AFTER;
        if !self.rung.is_some_and(due) {
            return;
        }
        let waits = self.store.alerts().filter(|alert| self.rule(alert) == BellRule::UntilAcknowledged);
        let Some(alert) = self.loudest(waits) else { return };
        let worst = self
            .store
            .alerts()
            .filter(|alert| self.is_waiting(alert))
            .map(|alert| alert.severity.rank())
            .min();
        if !self.store.flood().0.is_on() || worst == Some(alert.severity.rank()) {
            self.ring(self.ringing(alert));
        }
    }
}
