//! The key or client secret of one service, and where it is had again once the server refuses it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::{Auth, Renewal};

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

    /// What it has now, where that is another one.
    pub async fn other_than(&self, known: &SecretString) -> Result<Option<SecretString>, String> {
        let key = (self.0)().await?;
        Ok((key.expose_secret() != known.expose_secret()).then_some(key))
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
    renewal: Renewal<SecretString>,
}

impl Keyring {
    /// One whose source is left alone for so long after it was asked.
    pub(super) fn resting(rest: Duration) -> Self {
        Self {
            source: OnceLock::new(),
            renewal: Renewal::resting(rest),
        }
    }

    /// Says where the key is had again; the first word counts.
    pub(super) fn from(&self, source: KeySource) {
        let _ = self.source.set(source);
    }

    /// The key or client secret to use now, and its generation.
    pub(super) fn current(&self, auth: &Auth) -> (SecretString, u64) {
        let (renewed, generation) = self.renewal.newest();
        (renewed.unwrap_or_else(|| auth.secret().clone()), generation)
    }

    /// After the server refused the key of this generation: whether there is another one by now.
    pub(super) async fn renew(&self, auth: &Auth, stale: u64) -> bool {
        let Some(source) = self.source.get() else { return false };
        let look = |known: Option<SecretString>| async move { source.other_than(&known.unwrap_or_else(|| auth.secret().clone())).await };
        self.renewal.renew(stale, look).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;

    use super::*;

    /// How long a source is left alone.
    const REST: Duration = Duration::from_secs(10);

    struct Vault {
        key: Mutex<Result<&'static str, String>>,
        asked: AtomicUsize,
    }

    fn ring(vault: &Arc<Vault>) -> Keyring {
        let ring = Keyring::resting(REST);
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
        tokio::time::advance(REST).await;
        let all = join_all((0..50).map(|_| ring.renew(&auth, 0))).await;
        assert!(all.iter().all(|renewed| *renewed));
        assert_eq!(vault.asked.load(Ordering::SeqCst), 2);
        let (key, generation) = ring.current(&auth);
        assert_eq!((key.expose_secret(), generation), ("new", 1));

        *vault.key.lock().unwrap() = Err("the vault is sealed".to_owned());
        tokio::time::advance(REST).await;
        assert!(!ring.renew(&auth, 1).await);
        assert_eq!(ring.current(&auth).1, 1, "what there is stays in use");
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_that_never_answers_is_given_up() {
        let ring = Keyring::resting(REST);
        ring.from(KeySource::new(std::future::pending));
        assert!(!ring.renew(&Auth::ManageKey("old".into()), 0).await);
    }

    #[tokio::test]
    async fn without_a_source_the_key_is_what_it_was() {
        let ring = Keyring::resting(REST);
        let auth = Auth::ManageKey("only".into());
        assert!(!ring.renew(&auth, 0).await);
        assert_eq!(ring.current(&auth).0.expose_secret(), "only");
    }
}
