//! How often a message is tried, and what lies between.

use std::time::Duration;

use super::reader::{Object, Reader};

/// Longest wait between two tries.
const BACKOFF_MAX: f64 = 86_400.0;

/// When a message is tried again.
#[derive(Clone, Debug, PartialEq)]
pub struct Retry {
    /// All tries, the first included.
    pub max_attempts: u32,
    /// Between the tries; the last one goes for those beyond.
    pub backoff: Vec<Duration>,
}

impl Retry {
    /// The wait after so many tries; `None` where they are used up.
    pub fn after(&self, attempts: u32) -> Option<Duration> {
        if attempts >= self.max_attempts {
            return None;
        }
        let index = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
        Some(self.backoff.get(index).or(self.backoff.last()).copied().unwrap_or_default())
    }
}

impl<'a> Reader<'a> {
    pub(super) fn retry(&self, webhook: &Object<'a>) -> Retry {
        let mut retry = Retry {
            max_attempts: 3,
            backoff: [5, 30, 120].map(Duration::from_secs).to_vec(),
        };
        let Some(object) = webhook
            .get("retry")
            .and_then(|raw| self.object(raw, "webhook.retry", &["maxAttempts", "backoffSeconds"]))
        else {
            return retry;
        };
        if let Some(raw) = object.get("maxAttempts") {
            match serde_json::from_str::<u32>(raw.get()) {
                Ok(number @ 1..=100) => retry.max_attempts = number,
                _ => self.note(&object, "maxAttempts", "is not a whole number from 1 to 100; it counts all tries"),
            }
        }
        if let Some(raw) = object.get("backoffSeconds") {
            match serde_json::from_str::<Vec<f64>>(raw.get()) {
                Ok(seconds) if !seconds.is_empty() && seconds.iter().all(|second| (0.0..=BACKOFF_MAX).contains(second)) => {
                    retry.backoff = seconds.into_iter().map(Duration::from_secs_f64).collect();
                }
                _ => self.note(
                    &object,
                    "backoffSeconds",
                    "is not a list of seconds up to a day; write [5, 30, 120]",
                ),
            }
        }
        retry
    }
}
