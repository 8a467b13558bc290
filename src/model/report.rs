//! What the worker tells the console.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::ApiHealth;
use crate::domain::{Alert, AlertId, Device, DeviceKey, Listing, SafeText, Series, Service, WorkOrder};

/// A kind of data with a freshness of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// The alert queue.
    Alerts,
    /// The device list.
    Devices,
    /// Readings of the devices in view.
    Metrics,
    /// Work orders.
    Orders,
}

/// One message from the worker.
#[derive(Clone, Debug, PartialEq)]
pub enum Report {
    /// All alerts that are not resolved, and those resolved lately. `cached` marks last known data from disk.
    Alerts {
        /// The list or what went wrong.
        result: Result<Listing<Alert>, Fault>,
        /// True for what was kept from the last run: its age is `as_of`.
        cached: bool,
    },
    /// From now on the list of alerts holds everything that was resolved since then.
    ResolvedSince(Timestamp),
    /// All devices of the profile's types.
    Devices {
        /// The list or what went wrong.
        result: Result<Listing<Device>, Fault>,
        /// True for what was kept from the last run.
        cached: bool,
    },
    /// How far the device list has been read: shown while it is long.
    DevicesProgress {
        /// Rows received.
        loaded: usize,
        /// Rows announced by the server, where it says so.
        total: Option<usize>,
    },
    /// The recent series of some devices (answers `Fetch::Trends`), or what went wrong for all of them.
    Trends {
        /// A device each.
        result: Result<Vec<DeviceTrends>, Fault>,
        /// The window's start and end.
        window: (Timestamp, Timestamp),
    },
    /// One alert, read again.
    Alert {
        /// Which.
        id: AlertId,
        /// The alert or what went wrong.
        result: Box<Result<Alert, Fault>>,
    },
    /// The open work orders of an asset (answers `Fetch::OpenOrders`).
    OpenOrders {
        /// The alert for whose form they were asked.
        alert: AlertId,
        /// The orders or what went wrong: then the form says `open orders unknown`.
        result: Result<Vec<WorkOrder>, Fault>,
    },
    /// The orders that exist for alerts, by client reference (answers `Fetch::OrderStatus`).
    OrderStatus(Result<Vec<(AlertId, WorkOrder)>, Fault>),
    /// How a service is doing, after a call or a change.
    Link {
        /// Which.
        service: Service,
        /// How.
        state: LinkState,
    },
    /// How the calls to the servers go (answers `Fetch::Health`).
    Health(Box<ApiHealth>),
    /// A request began: the header shows that something is under way.
    Began(Source),
}

/// How a service is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// Not asked yet.
    Unknown,
    /// The last call succeeded.
    Live {
        /// Its duration in milliseconds.
        millis: u64,
    },
    /// Calls fail since then.
    Down {
        /// The first failure of the row.
        since: Timestamp,
        /// Why, in one sentence.
        fault: Fault,
    },
}

/// A failed request, as the console shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What kind, which decides the remedy.
    pub kind: FaultKind,
    /// One sentence with the remedy.
    pub message: SafeText,
}

/// Kinds of failure that differ in what a person can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// Not reachable, too slow, or answering with 5xx: it is tried again.
    Unreachable,
    /// TLS failed or the address is not https.
    Tls,
    /// The key or token was refused.
    Credentials,
    /// The server refused this request.
    Refused,
    /// The answer does not fit the contract.
    Malformed,
}

/// The recent series of one device.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceTrends {
    /// Which device.
    pub device: DeviceKey,
    /// By metric.
    pub series: BTreeMap<SafeText, Series>,
}
