//! Something secret that is had again from where it came, once a server refuses it.

use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout};

/// A source that does not answer within this is given up; a `key_command` has its own, shorter limit.
const LOOK_TIMEOUT: Duration = Duration::from_secs(20);

/// What there is in place of the first one, shared by all its users. Clones of `T` should be cheap.
#[derive(Debug)]
pub struct Renewal<T> {
    /// What the source gave since the start, and how often it gave another; nothing yet is generation 0.
    newest: Mutex<(Option<T>, u64)>,
    /// When the source was last asked. Held while it is asked, so that however many callers were refused, it is asked once.
    looked: tokio::sync::Mutex<Option<Instant>>,
    rest: Duration,
}

impl<T> Renewal<T> {
    /// One whose source is left alone for so long after it was asked: a wrong key must not become a storm on a vault.
    pub fn resting(rest: Duration) -> Self {
        Self {
            newest: Mutex::new((None, 0)),
            looked: tokio::sync::Mutex::default(),
            rest,
        }
    }
}

impl<T: Clone> Renewal<T> {
    /// What to use now, where it is no longer the first one, and its generation.
    pub fn newest(&self) -> (Option<T>, u64) {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// After a server refused the one of this generation: whether there is another one by now. `look` is given what is in use (`None`:
    /// the first one), and answers what the source has instead, `None` where that is the same, or a sentence without any part of it.
    pub async fn renew<F>(&self, stale: u64, look: impl FnOnce(Option<T>) -> F) -> bool
    where
        F: Future<Output = Result<Option<T>, String>>,
    {
        let mut looked = self.looked.lock().await;
        let (known, generation) = self.newest();
        if generation > stale {
            return true; // another caller found it meanwhile
        }
        if looked.is_some_and(|at| at.elapsed() < self.rest) {
            return false;
        }
        let found = timeout(LOOK_TIMEOUT, look(known)).await;
        *looked = Some(Instant::now());
        match found {
            Ok(Ok(Some(other))) => {
                *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = (Some(other), generation + 1);
                tracing::info!("the server refused the key, and its source has another one by now: that is used");
                true
            }
            Ok(Ok(None)) => false,
            Ok(Err(reason)) => {
                tracing::warn!(reason, "the server refused the key, and it could not be read anew");
                false
            }
            Err(_) => {
                tracing::warn!("the server refused the key, and its source did not answer");
                false
            }
        }
    }
}
