//! The key or client secret of one service, and where it is had again once the server refuses it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::time::{Instant, timeout};

use super::Auth;

/// A source that was just asked is not asked again for this long: a wrong key must not become a storm on a vault.
const LOOKED_FOR: Duration = Duration::from_secs(10);

/// A source that does not answer within this is given up; a `key_command` has its own, shorter limit.
const LOOK_TIMEOUT: Duration = Duration::from_secs(20);

type Look = Pin<Box<dyn Future<Output = Result<SecretString, String>> + Send>>;

/// Reads a credential anew from where it came. `Err` is a sentence without any part of it.
#[derive(Clone)]
pub struct KeySource(Arc<dyn Fn() -> Look + Send + Sync>);

impl KeySource {
    /// Of a function that reads it.
    pub fn new<F>(read: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<SecretString, String>> + Send + 'static,
    {
        Self(Arc::new(move || Box::pin(read())))
    }
}

impl fmt::Debug for KeySource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("KeySource(…)")
    }
}

/// The key of one service, shared by all its callers.
pub(super) struct Keyring {
    source: OnceLock<KeySource>,
    /// What the source gave since the start, and how often it gave another; nothing yet is generation 0, the endpoint's own.
    renewed: Mutex<(Option<SecretString>, u64)>,
    /// When the source was last asked. Held while it is asked, so that however many callers were refused, it is asked once.
    looked: tokio::sync::Mutex<Option<Instant>>,
}

impl Keyring {
    pub(super) fn new() -> Self {
        Self {
            source: OnceLock::new(),
            renewed: Mutex::default(),
            looked: tokio::sync::Mutex::default(),
        }
    }

    /// Says where the key is had again; the first word counts.
    pub(super) fn from(&self, source: KeySource) {
        let _ = self.source.set(source);
    }

    /// The key or client secret to use now, and its generation.
    pub(super) fn current(&self, auth: &Auth) -> (SecretString, u64) {
        let renewed = self.renewed.lock().unwrap_or_else(PoisonError::into_inner);
        let key = renewed.0.clone().unwrap_or_else(|| auth.secret().clone());
        (key, renewed.1)
    }

    /// After the server refused the key of this generation: whether there is another one by now.
    pub(super) async fn renew(&self, auth: &Auth, stale: u64) -> bool {
        let Some(source) = self.source.get() else { return false };
        let mut looked = self.looked.lock().await;
        let (known, generation) = self.current(auth);
        if generation > stale {
            return true; // another caller found it meanwhile
        }
        if looked.is_some_and(|at| at.elapsed() < LOOKED_FOR) {
            return false;
        }
        let found = timeout(LOOK_TIMEOUT, (source.0)()).await;
        *looked = Some(Instant::now());
        match found {
            Ok(Ok(key)) if key.expose_secret() != known.expose_secret() => {
                let mut renewed = self.renewed.lock().unwrap_or_else(PoisonError::into_inner);
                *renewed = (Some(key), generation + 1);
                tracing::info!("the server refused the key, and its source has another one by now: that is used");
                true
            }
            Ok(Ok(_)) => false,
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;

    use super::*;

    struct Vault {
        key: Mutex<Result<&'static str, String>>,
        asked: AtomicUsize,
    }

    fn ring(vault: &Arc<Vault>) -> Keyring {
        let ring = Keyring::new();
        let vault = Arc::clone(vault);
        ring.from(KeySource::new(move || {
            vault.asked.fetch_add(1, Ordering::SeqCst);
            let key = vault.key.lock().unwrap().clone();
            async move { key.map(SecretString::from) }
        }));
        ring
    }

    #[tokio::test(start_paused = true)]
    async fn however_many_are_refused_the_source_is_asked_once_and_not_again_at_once() {
        let auth = Auth::ApiKey("old".into());
        let vault = Arc::new(Vault {
            key: Mutex::new(Ok("old")),
            asked: AtomicUsize::new(0),
        });
        let ring = ring(&vault);
        let all = join_all((0..50).map(|_| ring.renew(&auth, 0))).await;
        assert!(all.iter().all(|renewed| !renewed));
        assert_eq!(vault.asked.load(Ordering::SeqCst), 1, "the same key is no news");

        *vault.key.lock().unwrap() = Ok("new");
        assert!(!ring.renew(&auth, 0).await, "not again so soon");
        tokio::time::advance(LOOKED_FOR).await;
        let all = join_all((0..50).map(|_| ring.renew(&auth, 0))).await;
        assert!(all.iter().all(|renewed| *renewed));
        assert_eq!(vault.asked.load(Ordering::SeqCst), 2);
        let (key, generation) = ring.current(&auth);
        assert_eq!((key.expose_secret(), generation), ("new", 1));

        *vault.key.lock().unwrap() = Err("the vault is sealed".to_owned());
        tokio::time::advance(LOOKED_FOR).await;
        assert!(!ring.renew(&auth, 1).await);
        assert_eq!(ring.current(&auth).1, 1, "what there is stays in use");
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_that_never_answers_is_given_up() {
        let ring = Keyring::new();
        ring.from(KeySource::new(std::future::pending));
        assert!(!ring.renew(&Auth::ManageKey("old".into()), 0).await);
    }

    #[tokio::test]
    async fn without_a_source_the_key_is_what_it_was() {
        let ring = Keyring::new();
        let auth = Auth::ManageKey("only".into());
        assert!(!ring.renew(&auth, 0).await);
        assert_eq!(ring.current(&auth).0.expose_secret(), "only");
    }
}
