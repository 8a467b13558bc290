//! The worker's lists outlive the console in the local cache.

use crate::domain::{Alert, Device, Listing};
use crate::local::{Cache, LocalError};
use crate::worker::Keep;

impl Keep for Cache {
    fn alerts(&self) -> Option<Listing<Alert>> {
        noted(Self::alerts(self)).flatten()
    }

    fn devices(&self) -> Option<Listing<Device>> {
        noted(Self::devices(self)).flatten()
    }

    fn keep_alerts(&self, listing: &Listing<Alert>) {
        noted(Self::keep_alerts(self, listing));
    }

    fn keep_devices(&self, listing: &Listing<Device>) {
        noted(Self::keep_devices(self, listing));
    }
}

/// The cache may be deleted at any time, so its failures are for the log: live data is on its way.
fn noted<T>(result: Result<T, LocalError>) -> Option<T> {
    result.inspect_err(|error| tracing::warn!(%error, "last known data")).ok()
}
