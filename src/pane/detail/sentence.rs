//! An alert in sentences.

use ratatui::style::Style;

use super::super::scene::Scene;
use crate::config::theme::Role;
use crate::domain::{Alert, AlertState, MetricValue, Return, SafeText, short_number};
use crate::model::Action;
use crate::model::store::{Asked, Progress, Verb};

pub(super) fn asked_of(scene: &Scene<'_>, row: &crate::domain::OutboxRow) -> Asked {
    Asked {
        verb: Verb::of(&row.intent),
        progress: Progress::of(row, scene.now),
        row: Some(row.id),
    }
}

pub(super) fn value_text(alert: &Alert, scene: &Scene<'_>) -> String {
    let value = match &alert.value {
        None | Some(MetricValue::Null) => scene.glyphs().none.to_owned(),
        Some(value) => value.to_string(),
    };
    let metric = alert
        .metric
        .as_ref()
        .map_or_else(String::new, |metric| format!("{} ", metric.shown()));
    let unit = alert.metric.as_ref().map_or_else(String::new, |metric| scene.unit(metric.raw()));
    let limit = alert
        .threshold
        .map_or_else(String::new, |limit| format!(", limit {}{unit}", short_number(limit)));
    let measured = matches!(alert.value, Some(MetricValue::Number(_) | MetricValue::Integer(_)));
    let value_unit = if measured { unit.as_str() } else { "" };
    format!("{metric}{value}{value_unit}{limit}")
}

/// Where an alert stands, in a sentence.
pub(super) fn state_sentence(scene: &Scene<'_>, alert: &Alert, gone: bool) -> (String, Style) {
    if gone {
        let since = scene
            .store
            .gone_since(&alert.id)
            .map_or_else(String::new, |at| format!(" since {}", scene.clock(at)));
        return (format!("no longer in Monitor's list{since}"), scene.style(Role::Warning));
    }
    let person = |by: &Option<SafeText>| by.as_ref().map_or_else(String::new, |by| format!(" by {}", by.shown()));
    let when = |at: Option<jiff::Timestamp>| at.map_or_else(String::new, |at| format!(" {}", scene.clock_seconds(at)));
    match &alert.state {
        AlertState::New => ("new: nobody has acknowledged it".into(), scene.style(Role::StateNew)),
        AlertState::Acknowledged => (
            format!("acknowledged{}{}", person(&alert.acknowledged_by), when(alert.acknowledged_at)),
            scene.style(Role::StateAcknowledged),
        ),
        AlertState::Resolved => (
            format!("resolved{}{}", person(&alert.resolved_by), when(alert.resolved_at)),
            scene.style(Role::StateResolved),
        ),
        AlertState::Other(word) => (word.shown().to_owned(), scene.style(Role::StateNew)),
    }
}

/// That it lies on the shelf, or why it came back.
pub(super) fn aside_sentence(scene: &Scene<'_>, alert: &Alert) -> Option<(String, Style)> {
    if let Some(item) = scene.store.shelf().hides(alert) {
        let reason = if item.reason.is_empty() {
            "no reason given"
        } else {
            item.reason.shown()
        };
        let text = format!(
            "put aside on this console by {} until {}: {reason} ({} shows the shelf)",
            item.by.shown(),
            scene.clock(item.until),
            scene.key(Action::Shelf)
        );
        return Some((text, scene.style(Role::Muted)));
    }
    let why = match scene.store.returned(&alert.id)? {
        Return::Expired => "back from the shelf: its time was over",
        Return::Worse => "back because it became worse",
        Return::Unshelved => "back from the shelf",
    };
    Some((
        format!("{why}; {} looks at it again", scene.key(Action::Acknowledge)),
        scene.style(Role::StateNew),
    ))
}

pub(super) fn order_sentence(scene: &Scene<'_>, alert: &Alert) -> Option<(String, Style)> {
    if let Some((number, told)) = scene.store.order(&alert.id) {
        let told = told.map_or_else(String::new, |order| {
            let lead = order.lead.as_ref().map_or_else(String::new, |lead| format!(", {}", lead.shown()));
            let offer = if order.is_completed() && alert.state != AlertState::Resolved {
                format!(": ready to resolve, {} does", scene.key(Action::Resolve))
            } else {
                String::new()
            };
            format!(" {}{lead}{offer}", order.status.shown())
        });
        return Some((format!("work order {}{told}", number.shown()), scene.style(Role::Text)));
    }
    if let Some(asked) = scene.store.ledger().asked(&alert.id, &[Verb::Order], scene.now) {
        return Some(scene.progress_sentence(&asked));
    }
    scene
        .store
        .linked_order(alert)
        .map(|number| (format!("linked to work order {number}"), scene.style(Role::Text)))
}
