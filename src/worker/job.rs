//! One request to a server, and what it brought.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::domain::{Alert, AlertId, Device, DeviceId, DeviceKey, DeviceType, Listing, Reading, References, Series, Service, WorkOrder};
use crate::model::{DeviceTrends, Fault, FaultKind};

use super::plant::Plant;

/// Points of one series that are kept: the newest. More than a terminal has columns for.
const POINTS_MAX: usize = 1_000;
/// Alerts that are asked after one by one with a reading of the queue; the rest with the next.
const GONE_MAX: usize = 10;

/// What a request is for: two with equal keys are the same request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum JobKey {
    Alerts,
    Resolved,
    Devices,
    Trends(DeviceType),
    Alert(AlertId),
    OpenOrders(AlertId),
    OrderStatus,
}

/// A request with its arguments.
#[derive(Clone, Debug)]
pub(super) enum Job {
    /// The queue, and what became of those that have gone from it.
    Alerts {
        known: Arc<Vec<AlertId>>,
    },
    /// What was resolved before the console started.
    Resolved {
        since: Timestamp,
    },
    Devices,
    Trends {
        device_type: DeviceType,
        devices: Vec<DeviceId>,
        window: (Timestamp, Timestamp),
    },
    Alert(AlertId),
    OpenOrders {
        alert: AlertId,
        asset: String,
        site: String,
    },
    OrderStatus {
        site: String,
        alerts: Vec<AlertId>,
    },
}

/// What a request brought.
#[derive(Debug)]
pub(super) enum Brought {
    Alerts {
        active: Result<Listing<Alert>, Fault>,
        /// Alerts that have gone from the queue, as they are now.
        gone: Vec<Alert>,
        /// Those of them that could not be asked: next time.
        unasked: Vec<AlertId>,
    },
    Resolved(Result<Listing<Alert>, Fault>),
    Devices(Result<Listing<Device>, Fault>),
    Trends {
        result: Result<Vec<DeviceTrends>, Fault>,
        window: (Timestamp, Timestamp),
    },
    Alert(Result<Alert, Fault>),
    OpenOrders(Result<Vec<WorkOrder>, Fault>),
    OrderStatus(Result<Vec<(AlertId, WorkOrder)>, Fault>),
}

/// A finished request.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) key: JobKey,
    pub(super) brought: Brought,
    pub(super) took: Duration,
}

impl Job {
    pub(super) fn key(&self) -> JobKey {
        match self {
            Self::Alerts { .. } => JobKey::Alerts,
            Self::Resolved { .. } => JobKey::Resolved,
            Self::Devices => JobKey::Devices,
            Self::Trends { device_type, .. } => JobKey::Trends(device_type.clone()),
            Self::Alert(id) => JobKey::Alert(id.clone()),
            Self::OpenOrders { alert, .. } => JobKey::OpenOrders(alert.clone()),
            Self::OrderStatus { .. } => JobKey::OrderStatus,
        }
    }

    /// Carries it out. `progress` hears of rows of a long list.
    pub(super) async fn run<P: Plant>(self, plant: Arc<P>, progress: impl Fn(usize, Option<usize>) + Send + Sync) -> Done {
        let key = self.key();
        let began = Instant::now();
        let mut took = None;
        let brought = match self {
            Self::Alerts { known } => {
                let active = plant.alerts().await;
                took = Some(began.elapsed());
                let (gone, unasked) = gone(&*plant, active.as_ref().ok(), &known).await;
                Brought::Alerts { active, gone, unasked }
            }
            Self::Resolved { since } => Brought::Resolved(plant.resolved(since).await),
            Self::Devices => Brought::Devices(plant.devices(&progress).await),
            Self::Trends {
                device_type,
                devices,
                window,
            } => {
                let result = plant.readings(&device_type, &devices, window).await;
                Brought::Trends {
                    result: result.map(|rows| trends(&device_type, devices, rows)),
                    window,
                }
            }
            Self::Alert(id) => Brought::Alert(plant.alert(&id).await),
            Self::OpenOrders { asset, site, .. } => Brought::OpenOrders(plant.open_orders(&asset, &site).await),
            Self::OrderStatus { site, alerts } => Brought::OrderStatus(order_status(&*plant, &site, alerts).await),
        };
        Done {
            key,
            brought,
            took: took.unwrap_or_else(|| began.elapsed()),
        }
    }
}

impl Brought {
    /// How the call went, for the link's state: the first failure, if any.
    pub(super) fn link(&self) -> (Service, Option<&Fault>) {
        match self {
            Self::Alerts { active, .. } => (Service::Monitor, active.as_ref().err()),
            Self::Resolved(result) => (Service::Monitor, result.as_ref().err()),
            Self::Devices(result) => (Service::Monitor, result.as_ref().err()),
            Self::Trends { result, .. } => (Service::Monitor, result.as_ref().err()),
            Self::Alert(result) => (Service::Monitor, result.as_ref().err()),
            Self::OpenOrders(result) => (Service::Manage, result.as_ref().err()),
            Self::OrderStatus(result) => (Service::Manage, result.as_ref().err()),
        }
    }
}

/// Asks after the alerts that were in the last queue and are not in this one.
async fn gone<P: Plant>(plant: &P, active: Option<&Listing<Alert>>, known: &[AlertId]) -> (Vec<Alert>, Vec<AlertId>) {
    let Some(active) = active.filter(|listing| listing.complete) else {
        return (Vec::new(), Vec::new());
    };
    let here: HashSet<_> = active.items.iter().map(|alert| &alert.id).collect();
    let mut away = known.iter().filter(|id| !here.contains(id));
    let mut found = Vec::new();
    let mut unasked = Vec::new();
    for id in away.by_ref().take(GONE_MAX) {
        match plant.alert(id).await {
            Ok(alert) => found.push(alert),
            Err(fault) if matches!(fault.kind, FaultKind::Refused) => {} // it is no more
            Err(_) => unasked.push(id.clone()),
        }
    }
    unasked.extend(away.cloned());
    (found, unasked)
}

/// A record for each device asked for, without points where the server sent none.
fn trends(device_type: &DeviceType, devices: Vec<DeviceId>, rows: Vec<Reading>) -> Vec<DeviceTrends> {
    let only = (devices.len() == 1).then(|| devices.first().cloned()).flatten();
    let mut by_device: HashMap<DeviceId, Vec<Reading>> = HashMap::new();
    for row in rows {
        if let Some(device) = row.device_id.clone().or_else(|| only.clone()) {
            by_device.entry(device).or_default().push(row);
        }
    }
    devices
        .into_iter()
        .map(|device| {
            let rows = by_device.remove(&device).unwrap_or_default();
            let mut series: BTreeMap<_, Series> = Series::from_readings(&rows);
            for one in series.values_mut() {
                let extra = one.points.len().saturating_sub(POINTS_MAX);
                one.points.drain(..extra);
            }
            DeviceTrends {
                device: DeviceKey {
                    device_type: device_type.clone(),
                    device_id: device,
                },
                series,
            }
        })
        .collect()
}

async fn order_status<P: Plant>(plant: &P, site: &str, alerts: Vec<AlertId>) -> Result<Vec<(AlertId, WorkOrder)>, Fault> {
    let references = References::of(site, &alerts);
    let orders = plant.orders(references.asked()).await?;
    Ok(orders
        .into_iter()
        .filter_map(|order| Some((references.owner(&order)?.clone(), order)))
        .collect())
}
