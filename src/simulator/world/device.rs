//! Devices as they are listed: the plant's own, those made since, and metadata that was changed.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::booking::silence_s;
use super::{Refusal, World, timestamp};
use crate::simulator::ledger::{EffectKind, Objects};
use crate::simulator::plant::{DeviceRef, Plant, Shape};

/// A device that was made by a call.
#[derive(Clone, Debug)]
pub(crate) struct NewDevice {
    pub(crate) id: String,
    pub(crate) info: Value,
    pub(crate) metadata: Map<String, Value>,
}

/// `field:value`, joined by commas; all must hold.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeviceFilter(Vec<(String, String)>);

impl DeviceFilter {
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let pairs = parts.map(|part| {
            let (field, value) = part
                .split_once(':')
                .ok_or_else(|| Refusal::bad(format!("filter {part:?} is not field:value")))?;
            Ok((field.trim().to_owned(), value.trim().to_owned()))
        });
        pairs.collect::<Result<_, _>>().map(Self)
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A row of the list, before it is written out.
#[derive(Clone, Copy, Debug)]
enum Listed {
    Own(DeviceRef),
    /// Index into those made by calls.
    Made(usize),
}

impl World {
    /// One page of a type's devices, or of all, with the count of all that pass.
    pub(crate) fn devices(
        &self,
        kind: Option<usize>,
        filter: &DeviceFilter,
        (offset, limit): (usize, usize),
        now: Timestamp,
    ) -> (Vec<Value>, usize) {
        let made = self
            .created
            .iter()
            .enumerate()
            .filter(|(_, (of, _))| kind.is_none_or(|kind| kind == *of));
        let made = made.map(|(index, _)| Listed::Made(index));
        if filter.is_empty() {
            // by arithmetic: a page of a large plant costs a page
            let own = usize::try_from(kind.map_or_else(|| self.plant.total(), |kind| self.plant.count(kind))).unwrap_or(usize::MAX);
            let nth = |index: usize| {
                let index = u32::try_from(index).ok()?;
                match kind {
                    Some(kind) => Some(DeviceRef { kind, number: index + 1 }),
                    None => self.plant.nth(index),
                }
            };
            let page = (offset..own.min(offset.saturating_add(limit))).filter_map(nth).map(Listed::Own);
            let rest = made.clone().skip(offset.saturating_sub(own));
            let rows = page.chain(rest).take(limit).map(|row| self.written(row, now)).collect();
            return (rows, own + made.count());
        }
        let own: Box<dyn Iterator<Item = DeviceRef>> = match kind {
            Some(kind) => Box::new(self.plant.of_kind(kind)),
            None => Box::new(self.plant.all()),
        };
        let passing: Vec<Listed> = own
            .map(Listed::Own)
            .chain(made)
            .filter(|row| self.passes(*row, filter, now))
            .collect();
        let rows = passing.iter().skip(offset).take(limit).map(|row| self.written(*row, now)).collect();
        (rows, passing.len())
    }

    fn passes(&self, row: Listed, filter: &DeviceFilter, now: Timestamp) -> bool {
        filter.0.iter().all(|(field, wanted)| match (row, field.as_str()) {
            // the common ones without writing the device out
            (Listed::Own(device), "status") => {
                self.is_online(device, now.as_second()) == (wanted == "online") && (wanted == "online" || wanted == "offline")
            }
            (Listed::Own(device), "metadata.location") if !self.metadata.contains_key(&(device.kind, device.id())) => {
                self.plant.location(device) == wanted
            }
            (Listed::Own(device), "deviceId") => device.id() == *wanted,
            _ => {
                let mut value = &self.written(row, now);
                for step in field.split('.') {
                    value = value.get(step).unwrap_or(&Value::Null);
                }
                match value {
                    Value::String(text) => text == wanted,
                    Value::Null => false,
                    other => serde_json::from_str(wanted).is_ok_and(|wanted: Value| wanted == *other),
                }
            }
        })
    }

    fn written(&self, row: Listed, now: Timestamp) -> Value {
        match row {
            Listed::Own(device) => self.device(device, now),
            Listed::Made(index) => self.created.get(index).map_or(Value::Null, |(kind, device)| {
                json!({
                    "deviceId": device.id,
                    "deviceType": kind_name(*kind),
                    "status": "offline",
                    "lastEventTime": null,
                    "deviceInfo": device.info,
                    "metadata": device.metadata,
                })
            }),
        }
    }

    fn device(&self, device: DeviceRef, now: Timestamp) -> Value {
        let now = now.as_second();
        let id = device.id();
        let mut metadata = self.plant.metadata(device);
        if let Some(changed) = self.metadata.get(&(device.kind, id.clone())) {
            metadata.extend(changed.clone());
        }
        json!({
            "deviceId": id,
            "deviceType": kind_name(device.kind),
            "status": if self.is_online(device, now) { "online" } else { "offline" },
            "lastEventTime": timestamp(self.last_event(device, now)).to_string(),
            "deviceInfo": self.plant.device_info(device),
            "metadata": metadata,
        })
    }

    /// Since when nothing came, where it is silent now.
    fn silent_since(&self, device: DeviceRef, now: i64) -> Option<i64> {
        let dead = self.plant.dead_since(device);
        let silent = self.episodes.get(&device).and_then(|episodes| {
            let silent = episodes
                .iter()
                .find(|episode| episode.shape == Shape::Silent && episode.is_silent_at(now));
            silent.map(|episode| episode.onset)
        });
        dead.into_iter().chain(silent).min()
    }

    fn last_event(&self, device: DeviceRef, now: i64) -> i64 {
        let interval_s = device.kind().map_or(60, |kind| kind.interval_s);
        let until = self.silent_since(device, now).unwrap_or(now + 1);
        self.plant.sample_from(device, until) - interval_s
    }

    pub(crate) fn is_online(&self, device: DeviceRef, now: i64) -> bool {
        let interval_s = device.kind().map_or(60, |kind| kind.interval_s);
        self.silent_since(device, now)
            .is_none_or(|since| now - since < silence_s(interval_s))
    }

    /// Whether the type has a device of that id.
    pub(crate) fn has_device(&self, kind: usize, id: &str) -> bool {
        self.plant.find(kind, id).is_some() || self.created.iter().any(|(of, device)| *of == kind && device.id == id)
    }

    pub(crate) fn create_device(
        &mut self,
        kind: usize,
        device: NewDevice,
        who: (&str, &str),
        body: Value,
        now: Timestamp,
    ) -> Result<Value, Refusal> {
        if self.has_device(kind, &device.id) {
            return Err(Refusal::conflict(format!("device {} exists already", device.id)));
        }
        let objects = Objects {
            device_id: Some(device.id.clone()),
            device_type: Some(kind_name(kind).to_owned()),
            ..Objects::default()
        };
        self.ledger.append(now, who, EffectKind::CreateDevice, objects, body);
        self.created.push((kind, device));
        Ok(self.written(Listed::Made(self.created.len() - 1), now))
    }

    pub(crate) fn update_metadata(
        &mut self,
        kind: usize,
        id: &str,
        given: Map<String, Value>,
        who: (&str, &str),
        body: Value,
        now: Timestamp,
    ) -> Result<Value, Refusal> {
        let row = if let Some(device) = self.plant.find(kind, id) {
            self.metadata.entry((kind, id.to_owned())).or_default().extend(given);
            Listed::Own(device)
        } else {
            let found = self
                .created
                .iter_mut()
                .enumerate()
                .find(|(_, (of, device))| *of == kind && device.id == id);
            let (index, (_, device)) = found.ok_or_else(|| Refusal::not_found(&format!("device {id}")))?;
            device.metadata.extend(given);
            Listed::Made(index)
        };
        let objects = Objects {
            device_id: Some(id.to_owned()),
            device_type: Some(kind_name(kind).to_owned()),
            ..Objects::default()
        };
        self.ledger.append(now, who, EffectKind::UpdateMetadata, objects, body);
        Ok(self.written(row, now))
    }

    /// The index of a type by its name.
    pub(crate) fn kind(name: &str) -> Result<usize, Refusal> {
        Plant::kind_named(name).ok_or_else(|| Refusal::not_found(&format!("device type {name}")))
    }
}

fn kind_name(kind: usize) -> &'static str {
    DeviceRef { kind, number: 1 }.kind().map_or("", |kind| kind.name)
}
