//! A fault is booked on a device, and its alerts are found by looking at the readings.

use std::ops::RangeInclusive;

use super::{Acknowledgement, AlertRecord, Planned, Resolution, World, timestamp};
use crate::simulator::plant::{DeviceRef, Dice, Episode, Limit, Plant, Shape};

/// What becomes of the alerts of a fault. Times are seconds after the alert.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fate {
    /// Nobody touches it.
    Open,
    /// Ends by itself so long after the value is back.
    Clears { delay_s: i64 },
    /// Somebody takes it.
    Acknowledged {
        after_s: i64,
        by: &'static str,
        note: Option<&'static str>,
    },
    /// Somebody ends it.
    Resolved { after_s: i64, by: &'static str },
}

/// A fault as the story wants it.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub(super) device: DeviceRef,
    pub(super) metric: usize,
    pub(super) shape: Shape,
    /// About when the alert should come.
    pub(super) raise_at: i64,
    pub(super) ramp_s: i64,
    /// How long after the wished alert the fault lasts; `i64::MAX` until repaired.
    pub(super) lasts_s: i64,
    pub(super) echo: bool,
    /// 0 to 1: how far past the limit.
    pub(super) force: f64,
}

/// One time that the readings cross the limit for long enough.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Crossing {
    pub(super) raised_at: i64,
    pub(super) value: Option<f64>,
    /// The first reading that is within the limit again, where the fault ends.
    pub(super) cleared_at: Option<i64>,
}

/// A crossing with its fate.
#[derive(Clone, Debug)]
pub(super) struct Booked {
    pub(super) device: DeviceRef,
    pub(super) metric: usize,
    pub(super) silent: bool,
    pub(super) crossing: Crossing,
    pub(super) fate: Fate,
    pub(super) upstream: Option<String>,
    pub(super) wonum: Option<String>,
}

impl World {
    /// Books the fault where the device is free and its readings do cross the limit within the window.
    pub(super) fn book(&mut self, wish: &Wish, window: &RangeInclusive<i64>) -> Option<Vec<Crossing>> {
        if self.plant.dead_since(wish.device).is_some() {
            return None;
        }
        let interval_s = wish.device.kind()?.interval_s;
        let mut episode = self.episode_of(wish)?;
        let others = self.episodes_of(wish.device);
        let mut found = None;
        for _ in 0..4 {
            // the first onset is an estimate: moved by as much as the alert was off
            if others.iter().any(|other| other.collides_with(&episode)) {
                return None;
            }
            let mut all = others.clone();
            all.push(episode.clone());
            let crossings = crossings(&self.plant, wish.device, &episode, &all)?;
            let off_s = crossings.first()?.raised_at - wish.raise_at;
            found = Some((all, crossings));
            if off_s.abs() <= interval_s {
                break;
            }
            episode.onset -= off_s;
        }
        let (all, crossings) = found?;
        if crossings.first().is_none_or(|crossing| !window.contains(&crossing.raised_at)) {
            return None;
        }
        self.episodes.insert(wish.device, all);
        Some(crossings)
    }

    fn episode_of(&self, wish: &Wish) -> Option<Episode> {
        let kind = wish.device.kind()?;
        let spec = kind.metrics.get(wish.metric)?;
        let silent = wish.shape == Shape::Silent;
        let target = if silent {
            0.0
        } else {
            Plant::fault_target(wish.device, wish.metric, wish.force)?
        };
        // the part of the ramp that is over when the limit is reached
        let healthy = self.plant.measure_one(wish.device, wish.metric, wish.raise_at, &[])?;
        let (base, _) = spec.base;
        let part = match spec.limit.threshold() {
            Some(limit) if (target - base).abs() > (limit - base).abs() && !silent => (limit - healthy) / (target - healthy),
            _ => 0.7,
        };
        #[expect(clippy::cast_possible_truncation, reason = "a part of a ramp of at most hours")]
        let crossing_s = (part.clamp(0.0, 1.0) * wish.ramp_s as f64) as i64;
        let waits_s = match wish.shape {
            Shape::Silent => kind.interval_s + silence_s(kind.interval_s),
            Shape::Chatter { .. } => 0,
            Shape::Ramp => i64::from(spec.hold) * kind.interval_s,
        };
        let chattering = matches!(wish.shape, Shape::Chatter { .. });
        Some(Episode {
            metric: wish.metric,
            shape: wish.shape,
            onset: wish.raise_at - crossing_s - waits_s,
            ramp_s: if chattering || silent { 0 } else { wish.ramp_s },
            end: wish.raise_at.saturating_add(wish.lasts_s),
            release_s: if chattering || silent { 0 } else { 180 },
            target,
            echo: wish.echo && wish.shape == Shape::Ramp,
        })
    }

    /// Gives a booked alert its number and plans what becomes of it.
    pub(super) fn admit(&mut self, booked: &Booked, dice: &mut Dice) -> Option<String> {
        let kind = booked.device.kind()?;
        let spec = kind.metrics.get(booked.metric)?;
        let id = format!("ALR-{}", self.next_alert);
        self.next_alert += 1;
        let crossing = &booked.crossing;
        let raised_at = crossing.raised_at;
        let (alert_name, severity) = if booked.silent { ("Reading missing", "high") } else { spec.alert };
        let message = if booked.silent {
            let last = timestamp(raised_at - silence_s(kind.interval_s) - kind.interval_s);
            format!("No reading of {} since {}", booked.device.id(), last.strftime("%H:%M:%SZ"))
        } else {
            let window_s = i64::from(spec.hold) * kind.interval_s;
            let window = if window_s < 120 {
                format!("{window_s} seconds")
            } else {
                format!("{} minutes", window_s / 60)
            };
            let limit = spec.limit.threshold().unwrap_or_default();
            let unit = if spec.unit.is_empty() {
                String::new()
            } else {
                format!(" {}", spec.unit)
            };
            format!("{} {limit}{unit} for {window}", spec.limit.word())
        };
        let message = match &booked.upstream {
            Some(upstream) => format!("{message}; upstream: {upstream}"),
            None => message,
        };
        let record = AlertRecord {
            alert_id: id.clone(),
            alert_name: alert_name.to_owned(),
            device_id: booked.device.id(),
            device_type: kind.name.to_owned(),
            severity: severity.to_owned(),
            status: "new",
            metric: spec.name.to_owned(),
            value: crossing.value,
            threshold: if booked.silent { None } else { spec.limit.threshold() },
            timestamp: timestamp(raised_at),
            message,
            acknowledgement: None,
            acknowledged_at: None,
            resolution: None,
            resolved_at: None,
        };
        self.plan(raised_at, Planned::Raise(Box::new(record)));
        match booked.fate {
            Fate::Open => {}
            Fate::Clears { delay_s } => {
                if let Some(cleared_at) = crossing.cleared_at {
                    self.plan(cleared_at + delay_s, Planned::Clear(id.clone()));
                }
            }
            Fate::Acknowledged { after_s, by, note } => {
                let acknowledgement = Acknowledgement {
                    acknowledged_by: by.into(),
                    notes: note.map(str::to_owned),
                };
                self.plan(raised_at + after_s, Planned::Acknowledge(id.clone(), acknowledgement));
            }
            Fate::Resolved { after_s, by } => {
                let acknowledgement = Acknowledgement {
                    acknowledged_by: by.into(),
                    notes: None,
                };
                self.plan(raised_at + after_s / 4, Planned::Acknowledge(id.clone(), acknowledgement));
                let causes = if booked.silent { SILENCE } else { spec.causes };
                let (cause, done, prevention) = dice.pick(causes).copied().unwrap_or(("Unknown", "Reset", "None"));
                let order = booked.wonum.as_ref().map(|wonum| format!(" (WO {wonum})")).unwrap_or_default();
                let resolution = Resolution {
                    resolved_by: by.into(),
                    resolution: format!("{done}{order}"),
                    root_cause: cause.into(),
                    preventive_action: Some(prevention.into()),
                };
                self.plan(raised_at + after_s, Planned::Resolve(id.clone(), resolution));
            }
        }
        Some(id)
    }
}

const SILENCE: &[(&str, &str, &str)] = &[
    ("Battery empty", "Replaced battery", "Battery voltage alert set to 3.3 V"),
    ("Gateway restarted", "Gateway firmware updated", "Gateway watchdog switched on"),
    ("Cable damaged", "Replaced sensor cable", "Cable moved into conduit"),
];

/// How long nothing must come before a reading counts as missing.
pub(super) fn silence_s(interval_s: i64) -> i64 {
    interval_s.max(60) * 5
}

/// Reads the device sample by sample, as a rule engine would, and says when the alert is raised and cleared.
fn crossings(plant: &Plant, device: DeviceRef, episode: &Episode, all: &[Episode]) -> Option<Vec<Crossing>> {
    const SAMPLES_MAX: usize = 3000;
    let kind = device.kind()?;
    let spec = kind.metrics.get(episode.metric)?;
    if episode.shape == Shape::Silent {
        let first_missed = plant.sample_from(device, episode.onset);
        let raised_at = first_missed + silence_s(kind.interval_s);
        let cleared_at = (episode.end < i64::MAX).then(|| plant.sample_from(device, episode.end));
        let lasts = cleared_at.is_none_or(|cleared_at| cleared_at > raised_at);
        return lasts.then(|| {
            vec![Crossing {
                raised_at,
                value: None,
                cleared_at,
            }]
        });
    }
    let hold = if matches!(episode.shape, Shape::Chatter { .. }) {
        1
    } else {
        spec.hold
    };
    let mut found: Vec<Crossing> = Vec::new();
    let mut at = plant.sample_from(device, episode.onset);
    let mut beyond = 0;
    for _ in 0..SAMPLES_MAX {
        if at > episode.finish().saturating_add(kind.interval_s) {
            break;
        }
        let value = plant.measure_one(device, episode.metric, at, all);
        if value.is_some_and(|value| spec.limit.is_crossed_by(value)) {
            beyond += 1;
            if beyond == hold {
                found.push(Crossing {
                    raised_at: at,
                    value,
                    cleared_at: None,
                });
                if episode.shape == Shape::Ramp {
                    if episode.end == i64::MAX {
                        break;
                    }
                    at = at.max(plant.sample_from(device, episode.end) - kind.interval_s); // nothing ends before the fault does
                }
            }
        } else {
            if let Some(open) = found.last_mut().filter(|open| open.cleared_at.is_none() && beyond >= hold) {
                open.cleared_at = Some(at);
            }
            beyond = 0;
        }
        at += kind.interval_s;
    }
    (!found.is_empty()).then_some(found)
}

/// Metrics of a type that can raise an alert.
pub(super) fn alarming(device: DeviceRef) -> Vec<usize> {
    let metrics = device.kind().map_or(&[] as &[_], |kind| kind.metrics);
    metrics
        .iter()
        .enumerate()
        .filter(|(_, metric)| metric.limit != Limit::None)
        .map(|(index, _)| index)
        .collect()
}
