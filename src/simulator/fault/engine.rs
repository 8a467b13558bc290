//! Which rule hits a call: counted, and by the seed.

use std::time::Duration;

use super::{FaultAction, FaultRule};
use crate::simulator::Operation;
use crate::simulator::plant::mix;

#[derive(Debug)]
struct Armed {
    rule: FaultRule,
    matched: u64,
    fired: u64,
}

/// The rules with their counts.
#[derive(Debug)]
pub(crate) struct FaultEngine {
    seed: u64,
    rules: Vec<Armed>,
}

impl FaultEngine {
    pub(crate) fn new(seed: u64, rules: Vec<FaultRule>) -> Self {
        Self {
            seed,
            rules: rules
                .into_iter()
                .map(|rule| Armed {
                    rule,
                    matched: 0,
                    fired: 0,
                })
                .collect(),
        }
    }

    /// Counts the call at every rule that matches it; the first that fires decides.
    pub(crate) fn decide(&mut self, operation: Operation, method: &str, path: &str) -> Option<(Duration, FaultAction)> {
        let mut decided = None;
        for (index, armed) in self.rules.iter_mut().enumerate() {
            let rule = &armed.rule;
            let hit = (rule.operations.is_empty() || rule.operations.contains(&operation))
                && rule.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
                && rule.path.as_deref().is_none_or(|part| path.contains(part));
            if !hit {
                continue;
            }
            armed.matched += 1;
            let draw = || (mix(&[self.seed, 0xFA, index as u64, armed.matched]) >> 11) as f64 / (1_u64 << 53) as f64;
            let fires = rule.nth.is_none_or(|nth| armed.matched == nth)
                && rule.every.is_none_or(|every| every > 0 && armed.matched.is_multiple_of(every))
                && rule.probability.is_none_or(|probability| draw() < probability)
                && rule.times.is_none_or(|times| armed.fired < times)
                && decided.is_none();
            if fires {
                armed.fired += 1;
                decided = Some((rule.latency, rule.action.clone()));
            }
        }
        decided
    }

    /// How often each rule fired, in the order given.
    pub(crate) fn fired(&self) -> Vec<u64> {
        self.rules.iter().map(|armed| armed.fired).collect()
    }
}
