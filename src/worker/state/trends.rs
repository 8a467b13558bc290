//! The readings of what is in view.

use std::collections::HashSet;

use tokio::time::Instant;

use super::State;
use crate::domain::{DeviceId, DeviceType};

impl State {
    pub(super) fn of_type(&self, device_type: &DeviceType) -> Vec<DeviceId> {
        self.wanted
            .iter()
            .filter(|key| key.device_type == *device_type)
            .map(|key| key.device_id.clone())
            .collect()
    }

    /// Plans a query for each type in view whose devices were not just read.
    pub(super) fn queue_trends(&mut self, now: Instant) {
        let mut seen = HashSet::new();
        let types: Vec<_> = self
            .wanted
            .iter()
            .map(|key| key.device_type.clone())
            .filter(|name| seen.insert(name.clone()))
            .collect();
        self.trend_queue = types.into_iter().filter(|device_type| !self.is_fresh(device_type, now)).collect();
    }

    /// Whether all devices in view of this type were read in this interval, over the same window.
    pub(super) fn is_fresh(&self, device_type: &DeviceType, now: Instant) -> bool {
        self.trend_read.get(device_type).is_some_and(|(read, window, at)| {
            *window == self.window && now < *at + self.plan.metrics && self.of_type(device_type).iter().all(|id| read.contains(id))
        })
    }
}
