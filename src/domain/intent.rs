//! What a person or a rule asked for: an intent, and where it stands.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{AlertId, DeviceKey, Reference, SafeText, WorkOrderDraft, WorkOrderNumber};

/// One wish to change something at a server. The outbox keeps it until it is delivered or a person ends it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Intent {
    /// Say that somebody saw it; a later note is the same again with the new text.
    Acknowledge {
        /// Which alert.
        alert: AlertId,
        /// In whose name.
        by: String,
        /// The note, if any.
        notes: Option<String>,
        /// Whose acknowledgement the person decided to take over, as the server names them; empty where it names nobody. None for
        /// an alert that nobody holds: what somebody else did first is then not written over.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        over: Option<String>,
    },
    /// End it with a cause.
    Resolve {
        /// Which alert.
        alert: AlertId,
        /// In whose name.
        by: String,
        /// What was done.
        resolution: String,
        /// Why it happened.
        root_cause: String,
        /// What will keep it from happening again.
        preventive_action: Option<String>,
    },
    /// Make a work order.
    CreateWorkOrder {
        /// The alert that it is for.
        alert: AlertId,
        /// 0 for the first order of the alert; more only by a deliberate second one.
        generation: u32,
        /// The open orders of the asset that the person saw and decided against linking; the sender asks again
        /// just before the first send and parks the row if there is one that is not in this list.
        seen: Vec<WorkOrderNumber>,
        /// True where the person said that a duplicate is wanted whatever is open.
        allow_duplicate: bool,
        /// What it says.
        draft: WorkOrderDraft,
    },
    /// Merge keys into a device's metadata.
    SetMetadata {
        /// Which device.
        device: DeviceKey,
        /// The keys to set.
        metadata: Map<String, Value>,
        /// The message from outside that asked for it, as [`Intent::message`] has it; none where a person asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// Bring an asset of Manage to a status; it is made where it is missing.
    SyncAsset {
        /// `assetnum`, at most 25 characters.
        asset: String,
        /// `siteid`.
        site: String,
        /// For an asset that has to be made.
        description: String,
        /// OPERATING or INACTIVE.
        status: String,
    },
    /// Report a production line's day to the ERP.
    ReportProduction {
        /// The line.
        line: String,
        /// The day, as `YYYY-MM-DD`.
        date: String,
        /// 0 for the first report of the day; each correction counts one up.
        #[serde(default)]
        revision: u32,
        /// The report, as it is sent.
        report: Map<String, Value>,
    },
    /// Tell an outbound webhook.
    CallWebhook {
        /// Its name in the configuration.
        webhook: String,
        /// The message's own id: the same on every try and at every bridge.
        message: String,
        /// The alert that it is about.
        alert: Option<AlertId>,
        /// The message, as it is sent.
        payload: Value,
    },
}

impl Intent {
    /// What it acts on: intents on one object keep their order.
    pub fn object(&self) -> ObjectKey {
        ObjectKey(match self {
            Self::Acknowledge { alert, .. } | Self::Resolve { alert, .. } => format!("alert/{}", alert.raw()),
            Self::CreateWorkOrder { alert, .. } => format!("order/{}", alert.raw()),
            Self::SetMetadata { device, .. } => return ObjectKey::of_device(device),
            Self::SyncAsset { asset, site, .. } => format!("asset/{site}/{asset}"),
            Self::ReportProduction { line, date, .. } => format!("report/{line}/{date}"),
            Self::CallWebhook { webhook, message, .. } => format!("webhook/{webhook}/{message}"),
        })
    }

    /// The alert that it is about, if it is about one.
    pub fn alert(&self) -> Option<&AlertId> {
        match self {
            Self::Acknowledge { alert, .. } | Self::Resolve { alert, .. } | Self::CreateWorkOrder { alert, .. } => Some(alert),
            // a webhook only tells of an alert: nothing changes on its row
            Self::SetMetadata { .. } | Self::SyncAsset { .. } | Self::ReportProduction { .. } | Self::CallWebhook { .. } => None,
        }
    }

    /// The id of the inbound message that asked for it, as a SHA-256 in hexadecimal: the same message again is the same wish.
    pub fn message(&self) -> Option<&str> {
        match self {
            Self::SetMetadata { message, .. } => message.as_deref(),
            Self::Acknowledge { .. }
            | Self::Resolve { .. }
            | Self::CreateWorkOrder { .. }
            | Self::SyncAsset { .. }
            | Self::ReportProduction { .. }
            | Self::CallWebhook { .. } => None,
        }
    }

    /// The service that it goes to.
    pub fn service(&self) -> Service {
        match self {
            Self::Acknowledge { .. } | Self::Resolve { .. } | Self::SetMetadata { .. } => Service::Monitor,
            Self::CreateWorkOrder { .. } | Self::SyncAsset { .. } => Service::Manage,
            Self::ReportProduction { .. } => Service::Erp,
            Self::CallWebhook { .. } => Service::Webhook,
        }
    }

    /// The verb for screens and logs.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Acknowledge { .. } => "acknowledge",
            Self::Resolve { .. } => "resolve",
            Self::CreateWorkOrder { .. } => "work order",
            Self::SetMetadata { .. } => "set metadata",
            Self::SyncAsset { .. } => "asset",
            Self::ReportProduction { .. } => "production report",
            Self::CallWebhook { .. } => "webhook",
        }
    }

    /// The reference of a work order.
    pub fn reference(&self) -> Option<Reference> {
        match self {
            Self::CreateWorkOrder {
                alert, generation, draft, ..
            } => Some(Reference::of(&draft.siteid, alert, *generation)),
            Self::Acknowledge { .. }
            | Self::Resolve { .. }
            | Self::SetMetadata { .. }
            | Self::SyncAsset { .. }
            | Self::ReportProduction { .. }
            | Self::CallWebhook { .. } => None,
        }
    }
}

/// A remote system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// Maximo Monitor.
    Monitor,
    /// Maximo Manage.
    Manage,
    /// The ERP that takes production reports.
    Erp,
    /// Whoever an outbound webhook tells.
    Webhook,
    /// The data lake and its token service: written by the bridge, never through the outbox.
    Lake,
}

impl Service {
    /// The two that the console works on.
    pub const MAXIMO: [Self; 2] = [Self::Monitor, Self::Manage];
    /// All that something can be delivered to.
    pub const ALL: [Self; 4] = [Self::Monitor, Self::Manage, Self::Erp, Self::Webhook];

    /// The lower-case word of configuration and records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Monitor => "monitor",
            Self::Manage => "manage",
            Self::Erp => "erp",
            Self::Webhook => "webhook",
            Self::Lake => "lake",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Monitor => "Monitor",
            Self::Manage => "Manage",
            Self::Erp => "ERP",
            Self::Webhook => "webhook",
            Self::Lake => "data lake",
        })
    }
}

/// What intents on the same thing share, in the raw spelling. Never shown: [`Intent`] is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ObjectKey(pub String);

impl ObjectKey {
    /// That of a device.
    pub fn of_device(device: &DeviceKey) -> Self {
        Self(format!("device/{}/{}", device.device_type.raw(), device.device_id.raw()))
    }
}

/// A row's number in the outbox: ascending in the order of commitment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OutboxId(pub i64);

impl fmt::Display for OutboxId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

/// For which server an intent was made: a changed configuration never redirects it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Target {
    /// The system.
    pub service: Service,
    /// The profile's name.
    pub profile: String,
    /// `https://host:port`, as configured when the intent was made. A webhook's has its name behind it, after a `#`: each has a queue
    /// of its own, so that a credential that is refused holds up nobody else's messages to the same host.
    pub origin: String,
}

/// Where an intent stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntentState {
    /// Committed; not yet sent, or to be sent again because it certainly did not arrive.
    Queued,
    /// An attempt is committed and on its way.
    Sending,
    /// It may have arrived: it is looked up before anything is sent again.
    InDoubt,
    /// The server confirmed it.
    Delivered,
    /// Somebody else got there first.
    Superseded,
    /// The server said no for good: a person edits, retries or cancels.
    Parked,
    /// A person took it back before it was sent.
    Cancelled,
}

impl IntentState {
    /// Whether something is still to happen without a person.
    pub fn is_open(self) -> bool {
        match self {
            Self::Queued | Self::Sending | Self::InDoubt => true,
            Self::Delivered | Self::Superseded | Self::Parked | Self::Cancelled => false,
        }
    }

    /// The word of records and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::InDoubt => "in_doubt",
            Self::Delivered => "delivered",
            Self::Superseded => "superseded",
            Self::Parked => "parked",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads [`IntentState::as_str`]'s word.
    pub fn parse(word: &str) -> Option<Self> {
        [
            Self::Queued,
            Self::Sending,
            Self::InDoubt,
            Self::Delivered,
            Self::Superseded,
            Self::Parked,
            Self::Cancelled,
        ]
        .into_iter()
        .find(|state| state.as_str() == word)
    }
}

/// What is said in short of a row that a person took back although an earlier attempt may have arrived.
pub const MAY_HAVE_ARRIVED: &str = "may have arrived";

/// The same in the row's own words, with which its detail ends.
pub const ARRIVED_ALL_THE_SAME: &str = "an earlier attempt may have arrived all the same: look at the server";

impl OutboxRow {
    /// Whether it was taken back although an earlier attempt may have arrived: then nobody may say that nothing happened.
    pub fn may_have_arrived(&self) -> bool {
        self.state == IntentState::Cancelled
            && self
                .detail
                .as_ref()
                .is_some_and(|detail| detail.raw().ends_with(ARRIVED_ALL_THE_SAME))
    }

    /// In short how a row that a person took back stands.
    pub fn taken_back(&self) -> &'static str {
        if self.may_have_arrived() { MAY_HAVE_ARRIVED } else { "taken back" }
    }
}

impl fmt::Display for IntentState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// An intent with its history: what the outbox tells everyone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutboxRow {
    /// Its number.
    #[serde(rename = "outboxId")]
    pub id: OutboxId,
    /// What was asked.
    pub intent: Intent,
    /// For which server.
    pub target: Target,
    /// Where it stands.
    pub state: IntentState,
    /// Attempts begun.
    pub attempts: u32,
    /// When it was committed.
    pub created_at: Timestamp,
    /// When its state last changed.
    pub updated_at: Timestamp,
    /// Not sent before this: the end of the undo grace, or of a back-off.
    pub not_before: Timestamp,
    /// The server's words, or the last error, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<SafeText>,
    /// Who got there first, where it is superseded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<SafeText>,
    /// The order's number, once made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wonum: Option<WorkOrderNumber>,
}
