//! Manage's assets: most devices are some already, the rest are made.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::order::check_lengths;
use super::{Clause, Refusal, World};
use crate::simulator::ledger::{EffectKind, Objects};
use crate::simulator::plant::DeviceRef;

const SITE: &str = "BEDFORD";

impl World {
    /// The assets that a clause lets pass.
    pub(crate) fn assets(&self, clause: &Clause) -> Vec<Map<String, Value>> {
        if let Some(number) = clause.exact("assetnum") {
            let own = self.plant.find_any(number).and_then(|device| self.own_asset(device));
            let stored = self
                .assets
                .iter()
                .filter(|((_, of), _)| of == number)
                .map(|(_, asset)| asset.clone());
            return own.into_iter().chain(stored).filter(|asset| clause.holds_for(asset)).collect();
        }
        let own = self.plant.all().filter_map(|device| self.own_asset(device));
        own.chain(self.assets.values().cloned())
            .filter(|asset| clause.holds_for(asset))
            .collect()
    }

    pub(crate) fn asset(&self, site: &str, number: &str) -> Option<Map<String, Value>> {
        let stored = self.assets.get(&(site.to_owned(), number.to_owned())).cloned();
        stored.or_else(|| {
            self.plant
                .find_any(number)
                .and_then(|device| self.own_asset(device))
                .filter(|_| site == SITE)
        })
    }

    /// An asset of the beginning that nobody changed yet: not stored, since a plant may have 100,000.
    fn own_asset(&self, device: DeviceRef) -> Option<Map<String, Value>> {
        let number = device.id();
        if !self.plant.is_asset(device) || self.assets.contains_key(&(SITE.to_owned(), number.clone())) {
            return None;
        }
        let asset = json!({
            "assetnum": number,
            "siteid": SITE,
            "description": format!("IoT Device {number}"),
            "status": "OPERATING",
            "_rowstamp": (100_000 + self.plant.key(device) % 100_000).to_string(),
        });
        asset.as_object().cloned()
    }

    pub(crate) fn create_asset(&mut self, draft: Map<String, Value>, key: &str, now: Timestamp) -> Result<Map<String, Value>, Refusal> {
        check_lengths(&draft)?;
        let required = |field: &str| {
            let text = draft.get(field).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
            text.map(str::to_owned).ok_or_else(|| {
                Refusal::new(
                    400,
                    "BMXAA4195E",
                    format!("BMXAA4195E - A value is required for the {} field.", field.to_uppercase()),
                )
            })
        };
        let (number, site) = (required("assetnum")?, required("siteid")?);
        if self.asset(&site, &number).is_some() {
            let message = format!("BMXAA4129E - The record already exists: asset {number}, site {site}.");
            return Err(Refusal::new(400, "BMXAA4129E", message));
        }
        let body = Value::Object(draft.clone());
        let mut asset = draft;
        if !asset.contains_key("status") {
            asset.insert("status".into(), json!("NOT READY"));
        }
        asset.insert("_rowstamp".into(), json!(self.next_rowstamp()));
        self.assets.insert((site.clone(), number.clone()), asset.clone());
        self.record_asset((site, number), key, EffectKind::CreateAsset, body, now);
        Ok(asset)
    }

    /// Merges fields into an asset; `rowstamp` is the state that the caller last saw.
    pub(crate) fn update_asset(
        &mut self,
        (site, number): (&str, &str),
        given: Map<String, Value>,
        rowstamp: Option<&str>,
        key: &str,
        now: Timestamp,
    ) -> Result<Map<String, Value>, Refusal> {
        check_lengths(&given)?;
        let mut asset = self.asset(site, number).ok_or_else(|| {
            Refusal::new(
                404,
                "BMXAA0024E",
                format!("BMXAA0024E - The asset {number} of site {site} does not exist."),
            )
        })?;
        let actual = asset.get("_rowstamp").and_then(Value::as_str);
        if rowstamp.is_some_and(|seen| Some(seen) != actual) {
            return Err(Refusal::new(
                412,
                "BMXAA8229W",
                "BMXAA8229W - The record was changed by another user.",
            ));
        }
        let body = Value::Object(given.clone());
        asset.extend(given);
        asset.insert("_rowstamp".into(), json!(self.next_rowstamp()));
        self.assets.insert((site.to_owned(), number.to_owned()), asset.clone());
        self.record_asset((site.to_owned(), number.to_owned()), key, EffectKind::UpdateAsset, body, now);
        Ok(asset)
    }

    fn record_asset(&mut self, (site, number): (String, String), key: &str, effect: EffectKind, body: Value, now: Timestamp) {
        let objects = Objects {
            assetnum: Some(number),
            siteid: Some(site),
            ..Objects::default()
        };
        self.ledger.append(now, ("", key), effect, objects, body);
    }
}
