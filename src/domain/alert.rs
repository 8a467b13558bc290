//! An alert as Monitor tells it.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{AlertId, DeviceId, DeviceType, MetricValue, SafeText, Severity};

/// One alert. Serialises with the contract's member names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Alert {
    /// Its identity.
    #[serde(rename = "alertId")]
    pub id: AlertId,
    /// The rule that raised it.
    #[serde(rename = "alertName")]
    pub name: SafeText,
    /// The device that it is about.
    #[serde(rename = "deviceId")]
    pub device: DeviceId,
    /// The device's type, where the server says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_type: Option<DeviceType>,
    /// How bad.
    pub severity: Severity,
    /// Where it stands.
    #[serde(rename = "status")]
    pub state: AlertState,
    /// The metric that crossed its limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<SafeText>,
    /// The value at the trigger, in the metric's own unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<MetricValue>,
    /// The limit that was crossed, in the metric's own unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// When it was raised, by the server's clock.
    #[serde(rename = "timestamp")]
    pub raised_at: Timestamp,
    /// The rule's text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<SafeText>,
    /// Who acknowledged it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged_by: Option<SafeText>,
    /// When it was acknowledged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged_at: Option<Timestamp>,
    /// The acknowledgement's note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<SafeText>,
    /// Who resolved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_by: Option<SafeText>,
    /// When it was resolved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<Timestamp>,
    /// What was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<SafeText>,
    /// Why it happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_cause: Option<SafeText>,
    /// What will keep it from happening again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preventive_action: Option<SafeText>,
}

impl Alert {
    /// A new one of which only what the contract requires is known.
    pub fn raised(id: AlertId, name: SafeText, device: DeviceId, severity: Severity, at: Timestamp) -> Self {
        Self {
            id,
            name,
            device,
            device_type: None,
            severity,
            state: AlertState::New,
            metric: None,
            value: None,
            threshold: None,
            raised_at: at,
            message: None,
            acknowledged_by: None,
            acknowledged_at: None,
            notes: None,
            resolved_by: None,
            resolved_at: None,
            resolution: None,
            root_cause: None,
            preventive_action: None,
        }
    }

    /// The order that its note links (`[WO 1043]`), the last where there are several.
    pub fn linked_order(&self) -> Option<&str> {
        linked_order(self.notes.as_ref()?.shown())
    }
}

/// The order that a note links.
pub fn linked_order(note: &str) -> Option<&str> {
    let (_, rest) = note.rsplit_once("[WO ")?;
    rest.split_once(']').map(|(number, _)| number)
}

/// Monitor's alert states; one it does not name is kept and shown as it came.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AlertState {
    /// `new`: nobody has said that they saw it.
    New,
    /// `acknowledged`
    Acknowledged,
    /// `resolved`
    Resolved,
    /// Anything else, as it came.
    Other(SafeText),
}

impl AlertState {
    /// Reads the server's word, in any case.
    pub fn parse(word: &str) -> Self {
        match word.trim().to_ascii_lowercase().as_str() {
            "new" => Self::New,
            "acknowledged" => Self::Acknowledged,
            "resolved" => Self::Resolved,
            _ => Self::Other(SafeText::new(word)),
        }
    }

    /// How far along the road new → acknowledged → resolved. An unknown state counts as new: somebody should look.
    pub fn progress(&self) -> u8 {
        match self {
            Self::New | Self::Other(_) => 0,
            Self::Acknowledged => 1,
            Self::Resolved => 2,
        }
    }

    /// The word that may be shown.
    pub fn shown(&self) -> &str {
        match self {
            Self::New => "new",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
            Self::Other(word) => word.shown(),
        }
    }

    fn raw(&self) -> &str {
        match self {
            Self::Other(word) => word.raw(),
            named => named.shown(),
        }
    }
}

impl fmt::Display for AlertState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.shown())
    }
}

impl Serialize for AlertState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.raw())
    }
}

impl<'de> Deserialize<'de> for AlertState {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|word| Self::parse(&word))
    }
}
