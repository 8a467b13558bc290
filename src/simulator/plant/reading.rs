//! What a device measures at a time.

use std::f64::consts::TAU;

use super::kind::Model;
use super::noise::{mix, round, signed, wander};
use super::{DeviceRef, Episode, Limit, Metric, Plant};

/// A value of a line's hidden drivers: middle, spread, wander, noise, and the metric whose fault moves it.
struct Driver {
    base: f64,
    spread: f64,
    wander: f64,
    noise: f64,
    faulted_by: &'static str,
}

const AVAILABILITY: Driver = Driver {
    base: 0.93,
    spread: 0.015,
    wander: 0.02,
    noise: 0.01,
    faulted_by: "oee",
};
const PERFORMANCE: Driver = Driver {
    base: 0.93,
    spread: 0.01,
    wander: 0.02,
    noise: 0.01,
    faulted_by: "",
};
const SCRAP: Driver = Driver {
    base: 0.018,
    spread: 0.003,
    wander: 0.003,
    noise: 0.002,
    faulted_by: "scrap_rate",
};
const ENERGY: Driver = Driver {
    base: 0.62,
    spread: 0.04,
    wander: 0.03,
    noise: 0.01,
    faulted_by: "energy_per_unit",
};

impl Plant {
    /// All metrics of a device at one of its sample times, in the type's order; `None` is a null on the wire.
    pub(crate) fn measure(&self, device: DeviceRef, at: i64, episodes: &[Episode]) -> Vec<Option<f64>> {
        let Some(kind) = device.kind() else { return Vec::new() };
        match kind.model {
            Model::Independent => (0..kind.metrics.len())
                .map(|metric| self.measure_one(device, metric, at, episodes))
                .collect(),
            Model::ProductionLine => self.measure_line(device, at, episodes),
        }
    }

    /// One metric of a device at one of its sample times.
    pub(crate) fn measure_one(&self, device: DeviceRef, metric: usize, at: i64, episodes: &[Episode]) -> Option<f64> {
        let kind = device.kind()?;
        if kind.model == Model::ProductionLine {
            return self.measure_line(device, at, episodes).get(metric).copied().flatten();
        }
        let spec = kind.metrics.get(metric)?;
        let mut value = self.healthy(device, metric, spec, at);
        for episode in episodes {
            let strength = episode.strength(at);
            if strength <= 0.0 {
                continue;
            }
            if episode.metric == metric {
                let [.., noise] = spec.motion;
                let shake = noise * signed(mix(&[self.key(device), 20, metric as u64, at.cast_unsigned()]));
                value = strength.mul_add(episode.target - value, value) + shake * strength;
            } else if let (true, Some(limit)) = (episode.echo, spec.limit.threshold()) {
                value = (0.35 * strength).mul_add(limit - value, value);
            }
        }
        Some(round(value.max(0.0), spec.decimals))
    }

    /// The value without faults; kept inside the limit, so that alerts come from faults alone.
    fn healthy(&self, device: DeviceRef, metric: usize, spec: &Metric, at: i64) -> f64 {
        let key = mix(&[self.key(device), 30, metric as u64]);
        let [daily, slow, noise] = spec.motion;
        let peak_s = (14.0 + 2.0 * signed(mix(&[key, 1]))) * 3600.0;
        let of_day = (at.rem_euclid(86_400) as f64 - peak_s) / 86_400.0;
        let (base, spread) = spec.base;
        let value = base
            + spread * signed(mix(&[key, 2]))
            + daily * (TAU * of_day).cos()
            + slow * wander(mix(&[key, 3]), at, 6 * 3600)
            + noise * signed(mix(&[key, 4, at.cast_unsigned()]));
        match spec.limit {
            Limit::High(limit) => value.min(0.05_f64.mul_add(base - limit, limit)),
            Limit::Low(limit) => value.max(0.05_f64.mul_add(base - limit, limit)),
            Limit::None => value,
        }
    }

    fn drive(&self, device: DeviceRef, driver: &Driver, at: i64, episodes: &[Episode]) -> f64 {
        let name = driver.faulted_by;
        let key = mix(&[self.key(device), 40, name.len() as u64]);
        let mut value = driver.base
            + driver.spread * signed(mix(&[key, 2]))
            + driver.wander * wander(mix(&[key, 3]), at, 4 * 3600)
            + driver.noise * signed(mix(&[key, 4, at.cast_unsigned()]));
        for episode in episodes {
            let metric = device.kind().and_then(|kind| kind.metrics.get(episode.metric));
            if metric.is_some_and(|metric| metric.name == name) {
                value = episode.strength(at).mul_add(episode.target - value, value);
            }
        }
        value
    }

    /// Counts first, ratios from the counts, so that they agree on every row.
    fn measure_line(&self, device: DeviceRef, at: i64, episodes: &[Episode]) -> Vec<Option<f64>> {
        let interval_minutes = device.kind().map_or(5.0, |kind| kind.interval_s as f64 / 60.0);
        let ideal_per_minute = 72.0 + (12.0 * signed(mix(&[self.key(device), 41]))).round();
        let runtime = round(
            self.drive(device, &AVAILABILITY, at, episodes).clamp(0.0, 1.0) * interval_minutes,
            1,
        );
        let output = (ideal_per_minute * runtime * self.drive(device, &PERFORMANCE, at, episodes).clamp(0.0, 1.0)).floor();
        let scrap = (output * self.drive(device, &SCRAP, at, episodes).clamp(0.0, 1.0)).round();
        let good = output - scrap;
        let energy = self.drive(device, &ENERGY, at, episodes).max(0.0);
        let ran = output > 0.0;
        // availability × performance × quality is good parts over the parts that the whole interval could have given
        let oee = round(100.0 * good / (ideal_per_minute * interval_minutes), 1);
        vec![
            Some(output),
            Some(good),
            Some(scrap),
            Some(runtime),
            Some(oee),
            ran.then(|| round(energy, 3)),
            ran.then(|| round(100.0 * scrap / output, 2)),
        ]
    }

    /// Where a fault sends a metric: clearly past its limit. For a line, the hidden driver's value.
    pub(crate) fn fault_target(device: DeviceRef, metric: usize, severity: f64) -> Option<f64> {
        let spec = device.kind()?.metrics.get(metric)?;
        match (device.kind()?.model, spec.name) {
            (Model::ProductionLine, "oee") => return Some(0.15_f64.mul_add(-severity, 0.5)),
            (Model::ProductionLine, "scrap_rate") => return Some(0.03_f64.mul_add(severity, 0.052)),
            (Model::ProductionLine, "energy_per_unit") => return Some(0.3_f64.mul_add(severity, 1.0)),
            _ => {}
        }
        let (base, _) = spec.base;
        let [.., noise] = spec.motion;
        let beyond = |limit: f64| (limit - base).abs().mul_add(0.4_f64.mul_add(severity, 0.15), noise * 1.5);
        match spec.limit {
            Limit::High(limit) => Some(limit + beyond(limit)),
            Limit::Low(limit) => Some((limit - beyond(limit)).max(0.0)),
            Limit::None => None,
        }
    }
}
