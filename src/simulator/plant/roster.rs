//! Which devices there are: found by number, never kept in a list.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::noise::{mix, unit};
use super::{KINDS, Kind};

/// One device of the plant: its type's index and its number from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct DeviceRef {
    pub(crate) kind: usize,
    pub(crate) number: u32,
}

impl DeviceRef {
    pub(crate) fn kind(self) -> Option<&'static Kind> {
        KINDS.get(self.kind)
    }

    /// `PUMP-017`
    pub(crate) fn id(self) -> String {
        self.kind().map_or_else(String::new, |kind| {
            format!("{}-{:0width$}", kind.prefix, self.number, width = kind.width)
        })
    }
}

/// The immutable part of the plant.
#[derive(Clone, Debug)]
pub(crate) struct Plant {
    seed: u64,
    counts: Vec<u32>,
    /// Seconds since the epoch at which the story starts.
    started_at: i64,
}

const BUILDINGS: [&str; 6] = [
    "Building A",
    "Building B",
    "Building C",
    "Building D",
    "Building E",
    "Utilities Yard",
];
const AREAS: [&str; 8] = [
    "North hall",
    "South hall",
    "Basement",
    "Roof",
    "Filling",
    "Packaging",
    "Pump room",
    "Substation",
];

/// Devices of the story: always online at the start.
const STORY: [(&str, u32); 6] = [("PUMP", 17), ("COMP", 3), ("COMP", 1), ("TEMP", 41), ("VIB", 3), ("TEMP", 12)];

impl Plant {
    pub(crate) fn new(seed: u64, devices: u32, started_at: i64) -> Self {
        let whole: u32 = KINDS.iter().map(|kind| kind.share).sum();
        let portion = |share: u32| u64::from(share) * u64::from(devices) / u64::from(whole.max(1));
        let mut counts: Vec<u32> = KINDS
            .iter()
            .map(|kind| u32::try_from(portion(kind.share)).unwrap_or(u32::MAX))
            .collect();
        let mut left = devices.saturating_sub(counts.iter().sum());
        let kinds = counts.len();
        for round in 0..kinds * 2 {
            // what rounding left over goes round, one a type
            if left == 0 {
                break;
            }
            if let Some(count) = counts.get_mut(round % kinds) {
                *count += 1;
                left -= 1;
            }
        }
        Self { seed, counts, started_at }
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    pub(crate) fn started_at(&self) -> i64 {
        self.started_at
    }

    pub(crate) fn count(&self, kind: usize) -> u32 {
        self.counts.get(kind).copied().unwrap_or_default()
    }

    pub(crate) fn total(&self) -> u32 {
        self.counts.iter().sum()
    }

    pub(crate) fn kind_named(name: &str) -> Option<usize> {
        KINDS.iter().position(|kind| kind.name == name)
    }

    /// The device of a type by its id, if the plant has it.
    pub(crate) fn find(&self, kind: usize, id: &str) -> Option<DeviceRef> {
        let (_, digits) = id.rsplit_once('-')?;
        let device = DeviceRef {
            kind,
            number: digits.parse().ok()?,
        };
        let known = device.number >= 1 && device.number <= self.count(kind) && device.id() == id;
        known.then_some(device)
    }

    /// The device of any type by its id: prefixes are unique.
    pub(crate) fn find_any(&self, id: &str) -> Option<DeviceRef> {
        let (prefix, _) = id.rsplit_once('-')?;
        let kind = KINDS.iter().position(|kind| kind.prefix == prefix)?;
        self.find(kind, id)
    }

    pub(crate) fn of_kind(&self, kind: usize) -> impl Iterator<Item = DeviceRef> + use<> {
        (1..=self.count(kind)).map(move |number| DeviceRef { kind, number })
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = DeviceRef> + '_ {
        (0..KINDS.len()).flat_map(|kind| self.of_kind(kind))
    }

    /// The device at a place in the list over all types.
    pub(crate) fn nth(&self, mut index: u32) -> Option<DeviceRef> {
        for (kind, count) in self.counts.iter().enumerate() {
            if index < *count {
                return Some(DeviceRef { kind, number: index + 1 });
            }
            index -= count;
        }
        None
    }

    pub(crate) fn key(&self, device: DeviceRef) -> u64 {
        mix(&[self.seed, 0xDE, device.kind as u64, u64::from(device.number)])
    }

    /// Seconds past each interval at which the device reports.
    pub(crate) fn phase(&self, device: DeviceRef, interval_s: i64) -> i64 {
        (mix(&[self.key(device), 1]) % interval_s.max(1).cast_unsigned()).cast_signed()
    }

    /// The first report at or after a time.
    pub(crate) fn sample_from(&self, device: DeviceRef, at: i64) -> i64 {
        let interval = device.kind().map_or(60, |kind| kind.interval_s);
        let phase = self.phase(device, interval);
        let behind = (at - phase).rem_euclid(interval);
        if behind == 0 { at } else { at + interval - behind }
    }

    /// Since when a device that was down before the story is silent: one in forty.
    pub(crate) fn dead_since(&self, device: DeviceRef) -> Option<i64> {
        let kind = device.kind()?;
        if kind.name == "ProductionLine" || STORY.contains(&(kind.prefix, device.number)) {
            return None;
        }
        let hash = mix(&[self.key(device), 2]);
        let hours = 2.0 + unit(mix(&[hash, 1])) * 70.0;
        #[expect(clippy::cast_possible_truncation, reason = "between 2 and 72 hours")]
        let age_s = (hours * 3600.0) as i64;
        hash.is_multiple_of(40).then_some(self.started_at - age_s)
    }

    pub(crate) fn location(&self, device: DeviceRef) -> &'static str {
        let index = mix(&[self.key(device), 3]) % BUILDINGS.len() as u64;
        BUILDINGS
            .get(usize::try_from(index).unwrap_or_default())
            .copied()
            .unwrap_or_default()
    }

    /// Whether Manage knows the device as an asset when the story starts: two in three.
    pub(crate) fn is_asset(&self, device: DeviceRef) -> bool {
        let kind = device.kind();
        kind.is_some_and(|kind| STORY.contains(&(kind.prefix, device.number))) || !mix(&[self.key(device), 9]).is_multiple_of(3)
    }

    pub(crate) fn device_info(&self, device: DeviceRef) -> Value {
        let key = self.key(device);
        let maker = device.kind().and_then(|kind| {
            let index = usize::try_from(mix(&[key, 4]) % kind.makers.len().max(1) as u64).unwrap_or_default();
            kind.makers.get(index)
        });
        let (manufacturer, model) = maker.copied().unwrap_or_default();
        let firmware = mix(&[key, 5]);
        json!({
            "serialNumber": format!("{:010}", mix(&[key, 6]) % 10_000_000_000),
            "manufacturer": manufacturer,
            "model": model,
            "firmwareVersion": format!("{}.{}.{}", 1 + firmware % 3, (firmware >> 8) % 10, (firmware >> 16) % 6),
        })
    }

    pub(crate) fn metadata(&self, device: DeviceRef) -> Map<String, Value> {
        let key = self.key(device);
        let date = |days_ago: u64| {
            let at = Timestamp::from_second(self.started_at - days_ago.cast_signed() * 86_400).unwrap_or_default();
            at.strftime("%Y-%m-%d").to_string()
        };
        let area = AREAS.get(usize::try_from(mix(&[key, 7]) % AREAS.len() as u64).unwrap_or_default());
        let mut metadata = Map::new();
        metadata.insert("location".into(), json!(self.location(device)));
        metadata.insert("facility".into(), json!("BEDFORD"));
        metadata.insert("area".into(), json!(area));
        metadata.insert("installDate".into(), json!(date(200 + mix(&[key, 8]) % 2400)));
        metadata.insert("lastCalibration".into(), json!(date(3 + mix(&[key, 10]) % 180)));
        metadata.insert("lastMaintenance".into(), json!(date(1 + mix(&[key, 11]) % 120)));
        metadata
    }
}
