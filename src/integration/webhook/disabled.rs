//! Receivers that are gone for good (410): nothing more is sent there until a test succeeds or the address changes.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::hex;
use crate::integration::{JobStore, StoreError};

/// That a webhook is switched off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disablement {
    /// Its name.
    pub webhook: String,
    /// The hash of the address that answered so: another address is another receiver. (The address itself may hold a secret.)
    pub address: String,
    /// Since when.
    pub since: Timestamp,
    /// The receiver's words.
    pub words: String,
}

/// The memory of them.
#[derive(Clone)]
pub struct Disabled(Arc<dyn JobStore>);

impl Disabled {
    /// In this store.
    pub fn new(store: Arc<dyn JobStore>) -> Self {
        Self(store)
    }

    /// Whether a webhook is switched off at an address.
    pub fn get(&self, webhook: &str, address: &str) -> Result<Option<Disablement>, StoreError> {
        let found = self.0.read(&name(webhook))?;
        let found: Option<Disablement> = found.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Ok(found.filter(|found| found.address == hashed(address)))
    }

    /// Switches it off.
    pub fn set(&self, webhook: &str, address: &str, since: Timestamp, words: &str) -> Result<(), StoreError> {
        let disablement = Disablement {
            webhook: webhook.to_owned(),
            address: hashed(address),
            since,
            words: words.to_owned(),
        };
        let bytes = serde_json::to_vec(&disablement).unwrap_or_default(); // plain texts always serialise
        self.0.replace(&name(webhook), &bytes)
    }

    /// Switches it on again.
    pub fn clear(&self, webhook: &str) -> Result<(), StoreError> {
        self.0.remove(&name(webhook))
    }
}

fn hashed(text: &str) -> String {
    use sha2::{Digest as _, Sha256};
    hex(&Sha256::digest(text.as_bytes())).chars().take(16).collect()
}

fn name(webhook: &str) -> String {
    format!("webhook-{}.disabled", hashed(webhook))
}
