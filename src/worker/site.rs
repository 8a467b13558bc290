//! The real plant: the clients of one profile.

use jiff::{SignedDuration, Timestamp};

use crate::domain::{Alert, AlertId, AlertState, Device, DeviceId, DeviceType, Listing, Reading, Reference, WorkOrder};
use crate::maximo::{Aggregation, AlertQuery, BulkQuery, DeviceQuery, Error, ErrorKind, ManageClient, MonitorClient};
use crate::model::{Fault, FaultKind};

use super::plant::Plant;

/// Columns that the widest chart has, about: finer readings than this are put together by the server.
const POINTS: i64 = 180;

/// A profile's clients.
#[derive(Clone, Debug)]
pub struct Site {
    monitor: MonitorClient,
    manage: Option<ManageClient>,
    device_types: Vec<DeviceType>,
}

impl Site {
    /// `device_types` empty means all that the server lists.
    pub fn new(monitor: MonitorClient, manage: Option<ManageClient>, device_types: Vec<DeviceType>) -> Self {
        Self {
            monitor,
            manage,
            device_types,
        }
    }

    fn manage(&self) -> Result<ManageClient, Fault> {
        self.manage.as_ref().map(ManageClient::interactive).ok_or_else(|| Fault {
            kind: FaultKind::Refused,
            message: "this profile has no Manage: add [profiles.NAME.manage] to the configuration".into(),
        })
    }
}

impl Plant for Site {
    async fn alerts(&self) -> Result<Listing<Alert>, Fault> {
        let query = AlertQuery {
            states: vec![AlertState::New, AlertState::Acknowledged],
            ..AlertQuery::default()
        };
        self.monitor.alerts(&query).await.map_err(fault)
    }

    async fn resolved(&self, since: Timestamp) -> Result<Listing<Alert>, Fault> {
        let query = AlertQuery {
            states: vec![AlertState::Resolved],
            ..AlertQuery::default()
        };
        let mut listing = self.monitor.alerts(&query).await.map_err(fault)?;
        listing.items.retain(|alert| alert.resolved_at.unwrap_or(alert.raised_at) >= since);
        Ok(listing)
    }

    async fn devices(&self, progress: &(dyn Fn(usize, Option<usize>) + Send + Sync)) -> Result<Listing<Device>, Fault> {
        let query = DeviceQuery {
            types: self.device_types.clone(),
            ..DeviceQuery::default()
        };
        self.monitor.list_devices(&query, progress).await.map_err(fault)
    }

    async fn alert(&self, id: &AlertId) -> Result<Alert, Fault> {
        self.monitor.interactive().alert(id).await.map_err(fault)
    }

    async fn readings(
        &self,
        device_type: &DeviceType,
        devices: &[DeviceId],
        (start, end): (Timestamp, Timestamp),
    ) -> Result<Vec<Reading>, Fault> {
        let query = BulkQuery {
            device_type: device_type.clone(),
            devices: devices.to_vec(),
            metrics: Vec::new(),
            start,
            end,
            aggregation: Some((Aggregation::Avg, granularity(end.duration_since(start)))),
        };
        self.monitor.interactive().bulk(&query).await.map_err(fault)
    }

    async fn open_orders(&self, asset: &str, site: &str) -> Result<Vec<WorkOrder>, Fault> {
        self.manage()?.open_orders(asset, site).await.map_err(fault)
    }

    async fn orders(&self, references: &[Reference]) -> Result<Vec<WorkOrder>, Fault> {
        self.manage()?.orders_by_reference(references).await.map_err(fault)
    }
}

/// The contract's spelling of whole minutes, so that a window has about as many points as a chart has columns.
fn granularity(window: SignedDuration) -> String {
    let minutes = (window.as_mins() / POINTS).max(1);
    match minutes {
        60.. => format!("{}h", minutes / 60),
        _ => format!("{minutes}m"),
    }
}

fn fault(error: Error) -> Fault {
    Fault {
        kind: match error.kind() {
            ErrorKind::Unreachable
            | ErrorKind::Resting
            | ErrorKind::Interrupted
            | ErrorKind::Server { .. }
            | ErrorKind::Throttled { .. } => FaultKind::Unreachable,
            ErrorKind::Tls | ErrorKind::Insecure => FaultKind::Tls,
            ErrorKind::Credentials | ErrorKind::Configuration => FaultKind::Credentials,
            ErrorKind::Refused { .. } | ErrorKind::NotFound | ErrorKind::Conflict => FaultKind::Refused,
            ErrorKind::Malformed => FaultKind::Malformed,
        },
        message: error.to_string().into(),
    }
}
