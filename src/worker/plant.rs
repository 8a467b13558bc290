//! The reads that the worker needs: a seam between it and the clients.

use std::future::Future;

use jiff::Timestamp;

use crate::domain::{Alert, AlertId, Device, DeviceId, DeviceType, Listing, Reading, Reference, WorkOrder};
use crate::model::{ApiHealth, Fault};

/// A site as the worker reads it. Each call already keeps to the client's limits and retry classes.
pub trait Plant: Send + Sync + 'static {
    /// Every alert that is new or acknowledged.
    fn alerts(&self) -> impl Future<Output = Result<Listing<Alert>, Fault>> + Send;

    /// Alerts that were resolved since then: asked once, at the start.
    fn resolved(&self, since: Timestamp) -> impl Future<Output = Result<Listing<Alert>, Fault>> + Send;

    /// Every device of the profile's types; `progress` hears of rows received and announced.
    fn devices(
        &self,
        progress: &(dyn Fn(usize, Option<usize>) + Send + Sync),
    ) -> impl Future<Output = Result<Listing<Device>, Fault>> + Send;

    /// One alert.
    fn alert(&self, id: &AlertId) -> impl Future<Output = Result<Alert, Fault>> + Send;

    /// The readings of some devices of one type, each with its device's id.
    fn readings(
        &self,
        device_type: &DeviceType,
        devices: &[DeviceId],
        window: (Timestamp, Timestamp),
    ) -> impl Future<Output = Result<Vec<Reading>, Fault>> + Send;

    /// The open orders of an asset.
    fn open_orders(&self, asset: &str, site: &str) -> impl Future<Output = Result<Vec<WorkOrder>, Fault>> + Send;

    /// How the calls have gone so far. Asks no server; a plant that keeps no record has nothing to tell.
    fn health(&self) -> impl Future<Output = ApiHealth> + Send {
        std::future::ready(ApiHealth::default())
    }

    /// The orders that carry one of these references.
    fn orders(&self, references: &[Reference]) -> impl Future<Output = Result<Vec<WorkOrder>, Fault>> + Send;
}

/// What outlives the console: the lists of the last run. Called on a thread that may block.
pub trait Keep: Send + Sync + 'static {
    /// The alerts of the last run.
    fn alerts(&self) -> Option<Listing<Alert>>;
    /// The devices of the last run.
    fn devices(&self) -> Option<Listing<Device>>;
    /// Keeps alerts for the next one.
    fn keep_alerts(&self, listing: &Listing<Alert>);
    /// Keeps devices for the next one.
    fn keep_devices(&self, listing: &Listing<Device>);
}
