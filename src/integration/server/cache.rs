//! Answers that are kept: fresh ones spare the servers, old ones stand in while the servers are away, with their age.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, timeout};

use crate::integration::{JobError, WallClock};

/// Most answers that are kept; then the one read longest ago gives way.
const ENTRIES_MAX: usize = 256;
/// After a failure nobody asks again for so long.
const REST: Duration = Duration::from_secs(5);

/// How long things are good for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// An answer younger than this is given without asking.
    pub(super) fresh: Duration,
    /// Somebody who could be given an old answer waits so long for a new one.
    pub(super) with_old: Duration,
    /// Somebody for whom there is none waits so long.
    pub(super) without: Duration,
}

/// Answers by what was asked.
pub(super) struct Cache<K, V> {
    slots: Mutex<HashMap<K, Arc<Slot<V>>>>,
    patience: Patience,
    clock: WallClock,
}

struct Slot<V> {
    known: Mutex<Known<V>>,
    /// Held by the one who asks the servers.
    turn: Arc<tokio::sync::Mutex<()>>,
}

struct Known<V> {
    answer: Option<(V, Timestamp, Instant)>,
    failure: Option<(JobError, Instant)>,
}

/// An answer with its age.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Aged<V> {
    pub(super) value: V,
    /// When its reading began.
    pub(super) as_of: Timestamp,
    pub(super) age: Duration,
    /// Why there is no younger one, where one was wanted.
    pub(super) stale: Option<String>,
}

/// Why there is no answer at all.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Nothing {
    /// The servers failed.
    Failed(JobError),
    /// It is being read, which takes longer than anybody should wait. Asking again helps.
    Underway,
}

impl<K: Eq + Hash + Clone, V: Clone + Send + 'static> Cache<K, V> {
    pub(super) fn new(patience: Patience, clock: WallClock) -> Self {
        Self {
            slots: Mutex::default(),
            patience,
            clock,
        }
    }

    /// The answer to `key`: one that is fresh, one that `read` brings now, or an old one with the reason. One reads at a time
    /// for each key, and goes on when whoever asked has left: the next one finds it done.
    pub(super) async fn get<F>(&self, key: &K, read: impl FnOnce() -> F) -> Result<Aged<V>, Nothing>
    where
        F: Future<Output = Result<V, JobError>> + Send + 'static,
    {
        let slot = self.slot(key);
        if let Some(fresh) = slot.fresh(self.patience.fresh) {
            return Ok(fresh);
        }
        let has_old = slot.lock().answer.is_some();
        if let Some(failure) = slot.resting() {
            return slot.old(failure.to_string()).ok_or(Nothing::Failed(failure));
        }
        let patience = if has_old { self.patience.with_old } else { self.patience.without };
        let result = match Arc::clone(&slot.turn).try_lock_owned() {
            Ok(turn) => {
                let (slot, began, reading) = (Arc::clone(&slot), self.clock.now(), read());
                let task = tokio::spawn(async move {
                    let result = reading.await;
                    slot.keep(result, began);
                    drop(turn);
                });
                timeout(patience, task).await.is_ok()
            }
            Err(_) => timeout(patience, slot.turn.lock()).await.is_ok(),
        };
        if !result {
            let words = "the servers take their time; a newer answer is being read".to_owned();
            return slot.old(words).ok_or(Nothing::Underway);
        }
        if let Some(fresh) = slot.fresh(self.patience.fresh) {
            return Ok(fresh);
        }
        match slot.resting() {
            Some(failure) => slot.old(failure.to_string()).ok_or(Nothing::Failed(failure)),
            None => slot.old("it was read a moment ago".to_owned()).ok_or(Nothing::Underway),
        }
    }

    fn slot(&self, key: &K) -> Arc<Slot<V>> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(key) {
            return Arc::clone(slot);
        }
        if slots.len() >= ENTRIES_MAX {
            let age = |slot: &Slot<V>| slot.lock().answer.as_ref().map(|(_, _, at)| *at);
            let oldest = slots.iter().min_by_key(|(_, slot)| age(slot)).map(|(key, _)| key.clone());
            if let Some(oldest) = oldest {
                slots.remove(&oldest);
            }
        }
        let slot = Arc::new(Slot {
            known: Mutex::new(Known {
                answer: None,
                failure: None,
            }),
            turn: Arc::default(),
        });
        slots.insert(key.clone(), Arc::clone(&slot));
        slot
    }
}

impl<V: Clone> Slot<V> {
    fn lock(&self) -> std::sync::MutexGuard<'_, Known<V>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, result: Result<V, JobError>, began: Timestamp) {
        let mut known = self.lock();
        match result {
            Ok(value) => {
                known.answer = Some((value, began, Instant::now()));
                known.failure = None;
            }
            Err(error) => known.failure = Some((error, Instant::now())),
        }
    }

    fn fresh(&self, within: Duration) -> Option<Aged<V>> {
        let known = self.lock();
        let (value, as_of, at) = known.answer.as_ref()?;
        (at.elapsed() < within).then(|| Aged {
            value: value.clone(),
            as_of: *as_of,
            age: at.elapsed(),
            stale: None,
        })
    }

    fn old(&self, why: String) -> Option<Aged<V>> {
        let known = self.lock();
        let (value, as_of, at) = known.answer.as_ref()?;
        Some(Aged {
            value: value.clone(),
            as_of: *as_of,
            age: at.elapsed(),
            stale: Some(why),
        })
    }

    fn resting(&self) -> Option<JobError> {
        let known = self.lock();
        known
            .failure
            .as_ref()
            .filter(|(_, at)| at.elapsed() < REST)
            .map(|(error, _)| error.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::integration::JobErrorKind;

    const PATIENCE: Patience = Patience {
        fresh: Duration::from_secs(15),
        with_old: Duration::from_secs(2),
        without: Duration::from_secs(20),
    };

    fn cache() -> Cache<u32, &'static str> {
        Cache::new(PATIENCE, WallClock::new(|| Timestamp::UNIX_EPOCH))
    }

    async fn slow(takes: u64, answer: Result<&'static str, JobError>) -> Result<&'static str, JobError> {
        tokio::time::sleep(Duration::from_secs(takes)).await;
        answer
    }

    fn down() -> Result<&'static str, JobError> {
        Err(JobError::new(JobErrorKind::Server, "down"))
    }

    #[tokio::test(start_paused = true)]
    async fn a_fresh_answer_is_not_asked_for_and_an_old_one_stands_in() {
        let cache = cache();
        let first = cache.get(&1, || slow(1, Ok("a"))).await.unwrap();
        assert_eq!((first.value, first.stale), ("a", None));
        tokio::time::advance(Duration::from_secs(10)).await;
        let again = cache.get(&1, || slow(1, Ok("b"))).await.unwrap();
        assert_eq!((again.value, again.age.as_secs()), ("a", 10));
        tokio::time::advance(Duration::from_secs(3600)).await;
        let old = cache.get(&1, || slow(1, down())).await.unwrap();
        assert_eq!((old.value, old.age.as_secs(), old.stale.as_deref()), ("a", 3611, Some("down")));
        // soon after a failure nobody is asked
        let old = cache.get(&1, || slow(1, Ok("never"))).await.unwrap();
        assert_eq!(old.value, "a");
        tokio::time::advance(Duration::from_secs(6)).await;
        assert_eq!(cache.get(&1, || slow(1, Ok("c"))).await.unwrap().value, "c");
        assert_eq!(cache.get(&2, || slow(1, down())).await, Err(Nothing::Failed(down().unwrap_err())));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_read_is_waited_for_within_bounds_and_goes_on_alone() {
        let cache = cache();
        assert_eq!(cache.get(&1, || slow(50, Ok("a"))).await, Err(Nothing::Underway));
        let asked = AtomicUsize::new(0);
        let count = || {
            asked.fetch_add(1, Ordering::Relaxed);
            slow(1, Ok("b"))
        };
        assert_eq!(cache.get(&1, count).await, Err(Nothing::Underway));
        assert_eq!(cache.get(&1, count).await.unwrap().value, "a", "the first read brought it");
        assert_eq!(asked.load(Ordering::Relaxed), 0);
        tokio::time::advance(Duration::from_secs(30)).await;
        let old = cache.get(&1, || slow(60, Ok("c"))).await.unwrap();
        assert_eq!(old.value, "a");
        assert!(old.stale.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_answers_are_kept_than_may_be() {
        let cache = cache();
        for key in 0..1000 {
            cache.get(&key, || slow(0, Ok("x"))).await.unwrap();
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        let slots = cache.slots.lock().unwrap();
        assert_eq!(slots.len(), ENTRIES_MAX);
        assert!(slots.contains_key(&999) && !slots.contains_key(&0));
    }
}
