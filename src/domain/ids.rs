//! Identities: what an action names, so that it can never hit another row.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::SafeText;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(SafeText);

        impl $name {
            /// Takes the server's own spelling.
            pub fn new(raw: impl Into<Arc<str>>) -> Self {
                Self(SafeText::new(raw))
            }

            /// The server's spelling: for requests and comparison.
            pub fn raw(&self) -> &str {
                self.0.raw()
            }

            /// The spelling that may be shown.
            pub fn shown(&self) -> &str {
                self.0.shown()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }

        impl From<&str> for $name {
            fn from(raw: &str) -> Self {
                Self::new(raw)
            }
        }
    };
}

id! {
    /// An alert of Monitor (`alertId`).
    AlertId
}
id! {
    /// A device within its type (`deviceId`); unique only together with the type, see [`DeviceKey`].
    DeviceId
}
id! {
    /// A device type (`deviceType`).
    DeviceType
}
id! {
    /// A work order's number (`wonum`), unique within its site.
    WorkOrderNumber
}

/// What makes a device one device: two types may use the same id.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceKey {
    /// The type.
    pub device_type: DeviceType,
    /// The id within the type.
    pub device_id: DeviceId,
}

impl DeviceKey {
    /// Joins a type and an id.
    pub fn new(device_type: impl Into<DeviceType>, device_id: impl Into<DeviceId>) -> Self {
        Self {
            device_type: device_type.into(),
            device_id: device_id.into(),
        }
    }
}

impl fmt::Display for DeviceKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.device_type, self.device_id)
    }
}
