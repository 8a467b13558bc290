//! What looks at every alert: the rules of the profile, and the triggers of webhooks that no rule names.

use std::sync::Arc;

use jiff::SignedDuration;

use crate::config::{Rule, RuleAction};
use crate::domain::filter::Filter;
use crate::domain::{Alert, AlertFacts};
use crate::integration::webhook::Definition;
use crate::integration::{JobError, JobErrorKind};

/// What looks at every alert.
#[derive(Clone, Debug)]
pub struct Watch {
    /// Its name, in the memory and in logs.
    pub name: String,
    /// Which alerts.
    pub matcher: Matcher,
    /// Since an alert was raised: time in which a person may act first.
    pub after: SignedDuration,
    /// What to do.
    pub act: Act,
    /// Most in an hour; `None` where nothing bounds it but the alerts themselves.
    pub per_hour: Option<u32>,
    /// Only says what it would do.
    pub dry_run: bool,
    /// Whether an alert that a person has in hand is left to them.
    pub yields: bool,
}

/// Which alerts are meant.
#[derive(Clone, Debug)]
pub enum Matcher {
    /// A rule's filter, and the severities of the webhook's own trigger where it tells one.
    Rule(Filter, Option<Arc<Definition>>),
    /// A webhook's own trigger.
    Trigger(Arc<Definition>),
}

/// What is done.
#[derive(Clone, Debug)]
pub enum Act {
    /// A work order.
    WorkOrder,
    /// A message.
    Webhook(Arc<Definition>),
}

impl Watch {
    /// Whether an alert is meant.
    pub fn matches(&self, facts: &AlertFacts<'_>) -> bool {
        let alert: &Alert = facts.alert;
        match &self.matcher {
            Matcher::Rule(filter, hook) => filter.matches(facts) && hook.as_ref().is_none_or(|hook| hook.trigger.matches(alert)),
            Matcher::Trigger(hook) => hook.trigger.matches(alert),
        }
    }

    /// Its key in the memory: what a dry run noted does not stand in the way of the real one.
    pub fn key(&self) -> String {
        let kind = match self.act {
            Act::WorkOrder => "order",
            Act::Webhook(_) => "webhook",
        };
        let dry = if self.dry_run { " (dry run)" } else { "" };
        format!("{kind}: {}{dry}", self.name)
    }
}

/// The watches of a profile. A webhook that a rule names waits for that rule; the others go by their own trigger.
pub fn watches(rules: &[Rule], hooks: &[Arc<Definition>]) -> Result<Vec<Watch>, JobError> {
    let configuration = |words: String| JobError::new(JobErrorKind::Configuration, words);
    let mut all: Vec<Watch> = Vec::new();
    let mut named = Vec::new();
    for rule in rules {
        let (act, hook) = match &rule.action {
            RuleAction::WorkOrder => (Act::WorkOrder, None),
            RuleAction::Webhook(name) => {
                let Some(hook) = hooks.iter().find(|hook| hook.name == *name) else {
                    let known: Vec<&str> = hooks.iter().map(|hook| hook.name.as_str()).collect();
                    let known = if known.is_empty() {
                        "it names no file".to_owned()
                    } else {
                        format!("there is {}", known.join(", "))
                    };
                    return Err(configuration(format!(
                        "rule `{}`: no file of [bridge].outbound has a webhook `{name}`; {known}",
                        rule.name
                    )));
                };
                named.push(hook.name.clone());
                (Act::Webhook(Arc::clone(hook)), Some(Arc::clone(hook)))
            }
        };
        let watch = Watch {
            name: rule.name.clone(),
            matcher: Matcher::Rule(rule.when.clone(), hook),
            after: SignedDuration::try_from(rule.after).unwrap_or(SignedDuration::MAX),
            act,
            per_hour: Some(rule.per_hour),
            dry_run: rule.dry_run,
            yields: true,
        };
        if all.iter().any(|other| other.key() == watch.key()) {
            return Err(configuration(format!(
                "two rules are called `{}`: their memory would be one; give each a name of its own",
                rule.name
            )));
        }
        all.push(watch);
    }
    for hook in hooks.iter().filter(|hook| !named.contains(&hook.name)) {
        all.push(Watch {
            name: format!("trigger of {}", hook.name),
            matcher: Matcher::Trigger(Arc::clone(hook)),
            after: SignedDuration::ZERO,
            act: Act::Webhook(Arc::clone(hook)),
            per_hour: None,
            dry_run: false,
            yields: false,
        });
    }
    Ok(all)
}
