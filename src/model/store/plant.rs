//! Devices and their readings.

use std::collections::{BTreeMap, HashMap, VecDeque};

use jiff::Timestamp;

use crate::domain::{Alert, Device, DeviceId, DeviceKey, DeviceStatus, Listing, SafeText, Series};
use crate::model::DeviceTrends;

/// Most devices whose series are kept; the least recently told go first.
const TRENDS_MOST: usize = 512;

/// The recent series of a device, by metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Trend {
    /// By metric.
    pub series: BTreeMap<SafeText, Series>,
    /// The window's start and end.
    pub window: (Timestamp, Timestamp),
}

/// Devices in the order of the server's list, found by key or by id.
#[derive(Debug, Default)]
pub struct Plant {
    devices: Vec<Device>,
    by_key: HashMap<DeviceKey, usize>,
    by_id: HashMap<DeviceId, usize>,
    trends: HashMap<DeviceKey, Trend>,
    told: VecDeque<DeviceKey>,
    live: bool,
    revision: u64,
    /// Records that could not be read.
    pub skipped: usize,
    /// How far a long list has been read: rows so far and, where known, of how many.
    pub progress: Option<(usize, Option<usize>)>,
    /// Devices that are not heard of.
    pub offline: usize,
}

impl Plant {
    pub(super) fn take_devices(&mut self, listing: Listing<Device>, cached: bool) {
        self.live |= !cached;
        self.progress = None;
        self.skipped = listing.skipped;
        self.offline = listing.items.iter().filter(|device| device.status == DeviceStatus::Offline).count();
        self.by_key = listing
            .items
            .iter()
            .enumerate()
            .map(|(index, device)| (device.key(), index))
            .collect();
        self.by_id = listing
            .items
            .iter()
            .enumerate()
            .map(|(index, device)| (device.id.clone(), index))
            .collect();
        self.devices = listing.items;
        self.revision += 1;
    }

    pub(super) fn take_trends(&mut self, trends: Vec<DeviceTrends>, window: (Timestamp, Timestamp)) {
        for DeviceTrends { device, series } in trends {
            self.told.retain(|known| *known != device);
            self.told.push_back(device.clone());
            self.trends.insert(device, Trend { series, window });
        }
        while self.told.len() > TRENDS_MOST {
            if let Some(oldest) = self.told.pop_front() {
                self.trends.remove(&oldest);
            }
        }
    }

    /// Whether the list came from a server in this run.
    pub fn is_live(&self) -> bool {
        self.live
    }

    /// Grows with every list.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// All devices.
    pub fn devices(&self) -> &[Device] {
        &self.devices
    }

    /// One device.
    pub fn device(&self, key: &DeviceKey) -> Option<&Device> {
        self.by_key.get(key).and_then(|index| self.devices.get(*index))
    }

    /// The device of an alert: by type and id where the alert says its type, else by id.
    pub fn of_alert(&self, alert: &Alert) -> Option<&Device> {
        match &alert.device_type {
            Some(device_type) => self.device(&DeviceKey::new(device_type.clone(), alert.device.clone())),
            None => self.by_id.get(&alert.device).and_then(|index| self.devices.get(*index)),
        }
    }

    /// The key of an alert's device, known or not, where it can be told.
    pub fn key_of_alert(&self, alert: &Alert) -> Option<DeviceKey> {
        match &alert.device_type {
            Some(device_type) => Some(DeviceKey::new(device_type.clone(), alert.device.clone())),
            None => self.of_alert(alert).map(Device::key),
        }
    }

    /// A device's recent series.
    pub fn trend(&self, key: &DeviceKey) -> Option<&Trend> {
        self.trends.get(key)
    }
}
