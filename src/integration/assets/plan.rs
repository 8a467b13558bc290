//! What has to change, given the devices and the assets. Pure.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use crate::domain::{Device, DeviceKey, DeviceStatus, Intent, SafeText};
use crate::maximo::Asset;

/// A device that is heard of.
pub(super) const OPERATING: &str = "OPERATING";
/// One that is not.
pub(super) const INACTIVE: &str = "INACTIVE";
/// Longest `assetnum` (contract: `Asset`).
const ASSETNUM_MAX: usize = 25;

/// What an asset has to become.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Wish {
    /// `assetnum`: the device's id.
    pub assetnum: String,
    /// `siteid`.
    pub siteid: String,
    /// For one that has to be made.
    #[serde(skip)]
    pub description: String,
    /// OPERATING or INACTIVE.
    pub status: &'static str,
    /// How far it is from that.
    #[serde(flatten)]
    pub change: Change,
}

/// How far an asset is from what it has to become.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "lowercase")]
pub enum Change {
    /// It is not there.
    Create,
    /// It has another status.
    Update {
        /// The one that it has.
        #[serde(skip_serializing_if = "Option::is_none")]
        from: Option<SafeText>,
    },
}

/// A device that no asset is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Left {
    /// Which.
    #[serde(flatten)]
    pub device: DeviceKey,
    /// Why, in one sentence.
    pub reason: String,
}

/// What has to change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// By asset number.
    pub wishes: Vec<Wish>,
    /// Assets that are as they should be.
    pub unchanged: usize,
    /// Devices that no asset is made of.
    pub left: Vec<Left>,
}

impl Wish {
    /// As it goes into the outbox.
    pub fn intent(&self) -> Intent {
        Intent::SyncAsset {
            asset: self.assetnum.clone(),
            site: self.siteid.clone(),
            description: self.description.clone(),
            status: self.status.to_owned(),
        }
    }
}

/// Compares devices with the assets of a site: one that is not online is INACTIVE. The same devices and assets give the same plan.
pub fn plan(devices: &[Device], assets: &[Asset], site: &str) -> Plan {
    let known: HashMap<&str, &Asset> = assets
        .iter()
        .filter(|asset| asset.siteid == site)
        .map(|asset| (asset.assetnum.as_str(), asset))
        .collect();
    let mut by_id: BTreeMap<&str, Vec<&Device>> = BTreeMap::new();
    for device in devices {
        by_id.entry(device.id.raw()).or_default().push(device);
    }
    let mut plan = Plan::default();
    for (id, devices) in by_id {
        let Some(device) = devices.first() else { continue };
        if let Some(reason) = objection(id, &devices) {
            plan.left.extend(devices.iter().map(|device| Left {
                device: device.key(),
                reason: reason.clone(),
            }));
            continue;
        }
        let status = match device.status {
            DeviceStatus::Online => OPERATING,
            DeviceStatus::Offline | DeviceStatus::Other(_) => INACTIVE,
        };
        let change = match known.get(id) {
            Some(asset) if asset.has_status(status) => {
                plan.unchanged += 1;
                continue;
            }
            Some(asset) => Change::Update {
                from: asset.status.as_deref().map(SafeText::from),
            },
            None => Change::Create,
        };
        plan.wishes.push(Wish {
            assetnum: id.to_owned(),
            siteid: site.to_owned(),
            description: format!("IoT Device {id}"),
            status,
            change,
        });
    }
    plan
}

/// Why no asset is made of devices with this id.
fn objection(id: &str, devices: &[&Device]) -> Option<String> {
    let length = id.chars().count();
    if devices.len() > 1 {
        let types: Vec<&str> = devices.iter().map(|device| device.device_type.shown()).collect();
        return Some(format!(
            "its id is used by several types ({}): one asset cannot stand for all",
            types.join(", ")
        ));
    }
    if length > ASSETNUM_MAX {
        return Some(format!(
            "its id has {length} characters, and an asset's number at most {ASSETNUM_MAX}"
        ));
    }
    if !Asset::can_be_looked_up(id) {
        return Some("its id holds characters that cannot be looked up in Manage".to_owned());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(id: &str, status: &str) -> Device {
        Device {
            id: id.into(),
            device_type: "PumpStation".into(),
            status: DeviceStatus::parse(status),
            last_event_time: None,
            location: None,
            device_info: serde_json::Map::new(),
            metadata: serde_json::Map::new(),
        }
    }

    fn asset(number: &str, status: Option<&str>) -> Asset {
        Asset::known(number, "BEDFORD", status)
    }

    #[test]
    fn assets_follow_the_devices() {
        let devices = [
            device("P-1", "online"),
            device("P-2", "offline"),
            device("P-3", "online"),
            device("P-4", "online"),
            device("P-5", "unknown"),
            device("P-6", "offline"),
        ];
        let assets = [
            asset("P-3", Some("operating")),
            asset("P-4", Some("INACTIVE")),
            asset("P-5", None),
            Asset::known("P-1", "LEEDS", Some("OPERATING")),
        ];
        let plan = plan(&devices, &assets, "BEDFORD");
        let seen: Vec<_> = plan
            .wishes
            .iter()
            .map(|wish| (wish.assetnum.as_str(), wish.status, wish.change.clone()))
            .collect();
        let update = |from: Option<&str>| Change::Update {
            from: from.map(SafeText::from),
        };
        assert_eq!(
            seen,
            [
                ("P-1", OPERATING, Change::Create),
                ("P-2", INACTIVE, Change::Create),
                ("P-4", OPERATING, update(Some("INACTIVE"))),
                ("P-5", INACTIVE, update(None)),
                ("P-6", INACTIVE, Change::Create),
            ]
        );
        assert_eq!(plan.unchanged, 1);
        assert_eq!(plan.wishes[0].description, "IoT Device P-1");
        assert_eq!(plan.wishes[0].intent().object().0, "asset/BEDFORD/P-1");
    }

    #[test]
    fn once_carried_out_nothing_is_left_to_do() {
        let devices: Vec<Device> = (0..50)
            .map(|number| device(&format!("D-{number}"), ["online", "offline", "odd"][number % 3]))
            .collect();
        let first = plan(&devices, &[], "BEDFORD");
        let then: Vec<Asset> = first.wishes.iter().map(|wish| asset(&wish.assetnum, Some(wish.status))).collect();
        let second = plan(&devices, &then, "BEDFORD");
        assert_eq!((second.wishes.len(), second.unchanged), (0, 50));
    }

    #[test]
    fn what_cannot_be_an_asset_is_said() {
        let two = Device {
            device_type: "Valve".into(),
            ..device("X-1", "online")
        };
        let devices = [
            device("X-1", "online"),
            two,
            device(&"long".repeat(7), "online"),
            device("a\"b", "online"),
        ];
        let plan = plan(&devices, &[], "BEDFORD");
        assert_eq!((plan.wishes.len(), plan.left.len()), (0, 4));
    }
}
