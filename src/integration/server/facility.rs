//! The facility API's two answers: what they say, given what was read, and how it is read.

use std::collections::BTreeSet;

use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use super::query::start_of;
use crate::config::DeviceTypes;
use crate::domain::{Alert, AlertState, Device, DeviceId, DeviceStatus, DeviceType, Reading, round_half_even};
use crate::integration::{Ground, JobError};
use crate::maximo::{AlertQuery, BulkQuery, DeviceQuery, ErrorKind};

/// The device type whose readings the report is about, and its three metrics with their decimals.
const LINES: &str = "ProductionLine";
const METRICS: [(&str, usize); 3] = [("oee", 1), ("energy_per_unit", 2), ("scrap_rate", 2)];

/// `GET /api/facility/{id}/status`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FacilityStatus {
    /// The `metadata.location` that was asked for.
    pub facility_id: String,
    /// Devices there.
    pub total_devices: usize,
    /// Those that are online.
    pub online: usize,
    /// Those that are offline; one whose state is neither counts in the total alone.
    pub offline: usize,
    /// New and acknowledged alerts of those devices.
    pub active_alerts: usize,
}

impl FacilityStatus {
    /// Counts the devices of a facility and their alerts.
    pub fn of(facility: &str, devices: &[Device], alerts: &[Alert]) -> Self {
        let keys: BTreeSet<(&DeviceType, &DeviceId)> = devices.iter().map(|device| (&device.device_type, &device.id)).collect();
        let ids: BTreeSet<&DeviceId> = devices.iter().map(|device| &device.id).collect();
        let is_here = |alert: &&Alert| match &alert.device_type {
            Some(device_type) => keys.contains(&(device_type, &alert.device)),
            None => ids.contains(&alert.device),
        };
        let is_active = |alert: &&Alert| matches!(alert.state, AlertState::New | AlertState::Acknowledged);
        let count = |status: &DeviceStatus| devices.iter().filter(|device| device.status == *status).count();
        Self {
            facility_id: facility.to_owned(),
            total_devices: devices.len(),
            online: count(&DeviceStatus::Online),
            offline: count(&DeviceStatus::Offline),
            active_alerts: alerts.iter().filter(is_active).filter(is_here).count(),
        }
    }
}

/// Two inclusive dates; days begin and end in the profile's `day_zone`, which is UTC where none is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Period {
    /// The first day.
    pub start: Date,
    /// The last day.
    pub end: Date,
}

/// `GET /api/reports/efficiency`: means, `null` where nothing was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Efficiency {
    period: Period,
    avg_oee: Option<f64>,
    #[serde(rename = "avg_energy_efficiency")]
    avg_energy: Option<f64>,
    avg_scrap_rate: Option<f64>,
}

/// Running means of the three metrics, over readings in any order and number.
#[derive(Clone, Debug, Default)]
pub struct Means([Mean; 3]);

/// A sum that keeps what rounding would lose (Neumaier), and how many went into it.
#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    sum: f64,
    lost: f64,
    count: u64,
}

impl Mean {
    fn take(&mut self, value: f64) {
        let sum = self.sum + value;
        self.lost += if self.sum.abs() >= value.abs() {
            (self.sum - sum) + value
        } else {
            (value - sum) + self.sum
        };
        self.sum = sum;
        self.count += 1;
    }

    fn mean(self) -> Option<f64> {
        (self.count > 0)
            .then(|| (self.sum + self.lost) / self.count as f64)
            .filter(|mean| mean.is_finite())
    }
}

impl Means {
    /// Takes a reading in. What is no number was not measured.
    pub fn take(&mut self, reading: &Reading) {
        for (mean, (metric, _)) in self.0.iter_mut().zip(METRICS) {
            let value = reading.values.iter().find(|(name, _)| name.raw() == metric);
            if let Some(value) = value.and_then(|(_, value)| value.as_number()) {
                mean.take(value);
            }
        }
    }

    /// The report.
    pub fn report(&self, period: Period) -> Efficiency {
        let [oee, energy, scrap] = &self.0;
        let [(_, oee_decimals), (_, energy_decimals), (_, scrap_decimals)] = METRICS;
        let rounded = |mean: &Mean, decimals| mean.mean().map(|mean| round_half_even(mean, decimals));
        Efficiency {
            period,
            avg_oee: rounded(oee, oee_decimals),
            avg_energy: rounded(energy, energy_decimals),
            avg_scrap_rate: rounded(scrap, scrap_decimals),
        }
    }
}

/// Reads a facility's devices and alerts.
pub(super) async fn read_status(ground: &Ground, facility: String) -> Result<FacilityStatus, JobError> {
    let types = match &ground.profile.device_types {
        DeviceTypes::All => Vec::new(),
        DeviceTypes::Listed(types) => types.clone(),
    };
    let query = DeviceQuery {
        types,
        location: Some(facility.clone()),
        status: None,
    };
    let active = AlertQuery {
        states: vec![AlertState::New, AlertState::Acknowledged],
        ..AlertQuery::default()
    };
    let monitor = ground.monitor.interactive();
    let (devices, alerts) = tokio::try_join!(monitor.list_devices(&query, &|_, _| {}), monitor.alerts(&active))?;
    Ok(FacilityStatus::of(&facility, &devices.items, &alerts.items))
}

/// Reads every reading of a period's production lines, a day and some lines at a time.
pub(super) async fn read_efficiency(ground: &Ground, period: Period, now: Timestamp) -> Result<Efficiency, JobError> {
    let mut means = Means::default();
    let query = DeviceQuery {
        types: vec![DeviceType::new(LINES)],
        ..DeviceQuery::default()
    };
    let devices: Vec<DeviceId> = match ground.monitor.list_devices(&query, &|_, _| {}).await {
        Ok(listing) => listing.items.into_iter().map(|device| device.id).collect(),
        // a plant without production lines has no such type: there is nothing to report
        Err(error) if *error.kind() == ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let zone = &ground.profile.day_zone;
    let mut day = period.start;
    while !devices.is_empty() && day <= period.end && start_of(day, zone) <= now {
        let Ok(next) = day.tomorrow() else { break };
        let (start, end) = (start_of(day, zone), start_of(next, zone));
        let query = BulkQuery {
            device_type: DeviceType::new(LINES),
            devices: devices.clone(),
            metrics: METRICS.iter().map(|(metric, _)| (*metric).to_owned()).collect(),
            start,
            end,
            aggregation: None,
        };
        let mut groups = std::pin::pin!(ground.monitor.bulk_stream(query));
        while let Some(rows) = groups.try_next().await? {
            // whether a server counts the end in or not, each reading belongs to one day
            for row in rows.iter().filter(|row| (start..end).contains(&row.timestamp)) {
                means.take(row);
            }
        }
        day = next;
    }
    Ok(means.report(period))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::MetricValue;

    fn period() -> Period {
        Period {
            start: "2026-02-01".parse().unwrap(),
            end: "2026-02-18".parse().unwrap(),
        }
    }

    fn reading(values: &[(&str, MetricValue)]) -> Reading {
        Reading {
            device_id: None,
            timestamp: Timestamp::UNIX_EPOCH,
            values: values.iter().map(|(name, value)| ((*name).into(), value.clone())).collect(),
        }
    }

    #[test]
    fn means_are_rounded_as_python_does_and_empty_data_is_null() {
        let empty = serde_json::to_value(Means::default().report(period())).unwrap();
        assert_eq!(
            empty,
            json!({"period": {"start": "2026-02-01", "end": "2026-02-18"}, "avg_oee": null, "avg_energy_efficiency": null, "avg_scrap_rate": null})
        );
        let mut means = Means::default();
        for (oee, energy) in [(84.0, 0.12), (84.5, 0.13)] {
            means.take(&reading(&[
                ("oee", MetricValue::Number(oee)),
                ("energy_per_unit", MetricValue::Number(energy)),
            ]));
        }
        means.take(&reading(&[
            ("oee", MetricValue::Null),
            ("scrap_rate", MetricValue::Text("2".into())),
        ]));
        let report = serde_json::to_string(&means.report(period())).unwrap();
        // 84.25 is a tie and goes to 84.2; a null and a text are not counted as zero
        assert!(
            report.ends_with(r#""avg_oee":84.2,"avg_energy_efficiency":0.12,"avg_scrap_rate":null}"#),
            "{report}"
        );
    }

    #[test]
    fn a_sum_loses_nothing_over_many_readings() {
        let mut mean = Mean::default();
        for value in [1e16, 1.0, -1e16, 1.0] {
            mean.take(value);
        }
        assert_eq!(mean.mean(), Some(0.5));
    }

    #[test]
    fn a_facility_counts_its_own_devices_and_their_open_alerts() {
        let device = |device_type: &str, id: &str, status: &str| -> Device {
            serde_json::from_value(json!({"deviceId": id, "deviceType": device_type, "status": status})).unwrap()
        };
        let alert = |device: &str, device_type: Option<&str>, status: &str| -> Alert {
            serde_json::from_value(
                json!({"alertId": format!("{device}{status}{device_type:?}"), "alertName": "n", "deviceId": device,
                "deviceType": device_type, "severity": "high", "status": status, "timestamp": "2026-02-18T00:00:00Z"}),
            )
            .unwrap()
        };
        let devices = [
            device("Pump", "P-1", "online"),
            device("Pump", "P-2", "ONLINE"),
            device("Pump", "P-3", "offline"),
            device("Pump", "P-4", "maintenance"),
        ];
        let alerts = [
            alert("P-1", Some("Pump"), "new"),
            alert("P-1", None, "acknowledged"),
            alert("P-1", Some("Pump"), "resolved"),
            alert("P-1", Some("Fan"), "new"),
            alert("P-9", Some("Pump"), "new"),
        ];
        assert_eq!(
            serde_json::to_value(FacilityStatus::of("Hall 1", &devices, &alerts)).unwrap(),
            json!({"facility_id": "Hall 1", "total_devices": 4, "online": 2, "offline": 1, "active_alerts": 2})
        );
    }
}
