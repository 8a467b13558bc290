//! The environment as a value, so that what depends on it can be tested without changing the process.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Looks environment variables up. An empty variable counts as one that is not set.
#[derive(Clone)]
pub struct Env(Arc<LookUp>);

type LookUp = dyn Fn(&str) -> Option<String> + Send + Sync;

impl Env {
    /// The process's own.
    pub fn process() -> Self {
        Self(Arc::new(|name| std::env::var(name).ok()))
    }

    /// A fixed set.
    pub fn of(pairs: &[(&str, &str)]) -> Self {
        let map: BTreeMap<String, String> = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Self(Arc::new(move |name| map.get(name).cloned()))
    }

    /// The value, where there is one that is not empty.
    pub fn get(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.is_empty())
    }
}

impl fmt::Debug for Env {
    /// Values may be secrets: none is shown.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Env")
    }
}
