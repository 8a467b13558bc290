//! A device as Monitor tells it.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::{DeviceId, DeviceKey, DeviceType, SafeText};

/// One device. Serialises with the contract's member names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    /// Its id within its type.
    #[serde(rename = "deviceId")]
    pub id: DeviceId,
    /// Its type.
    pub device_type: DeviceType,
    /// Whether it is heard of.
    pub status: DeviceStatus,
    /// The last event that the server has from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_event_time: Option<Timestamp>,
    /// `metadata.location`, kept apart because it is shown and filtered by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<SafeText>,
    /// Serial number, manufacturer, model, firmware: as the server sends it. Raw: show through [`SafeText`].
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub device_info: Map<String, Value>,
    /// Everything else that is known of it. Raw: show through [`SafeText`].
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}

impl Device {
    /// Its identity over all types.
    pub fn key(&self) -> DeviceKey {
        DeviceKey {
            device_type: self.device_type.clone(),
            device_id: self.id.clone(),
        }
    }
}

/// Monitor's device states; one it does not name is kept and shown as it came.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DeviceStatus {
    /// `online`
    Online,
    /// `offline`
    Offline,
    /// Anything else, as it came.
    Other(SafeText),
}

impl DeviceStatus {
    /// Reads the server's word, in any case.
    pub fn parse(word: &str) -> Self {
        match word.trim().to_ascii_lowercase().as_str() {
            "online" => Self::Online,
            "offline" => Self::Offline,
            _ => Self::Other(SafeText::new(word)),
        }
    }

    /// The word that may be shown.
    pub fn shown(&self) -> &str {
        match self {
            Self::Online => "online",
            Self::Offline => "offline",
            Self::Other(word) => word.shown(),
        }
    }
}

impl fmt::Display for DeviceStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.shown())
    }
}

impl Serialize for DeviceStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Other(word) => word.raw(),
            named => named.shown(),
        })
    }
}

impl<'de> Deserialize<'de> for DeviceStatus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|word| Self::parse(&word))
    }
}
