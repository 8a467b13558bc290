//! The operations of the two contracts, by their `operationId`.

macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident = $id:literal,)+) => {
        /// An operation of the contracts (`operationId`), and what the servers have beside them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Operation {
            $($(#[$doc])* $name,)+
        }

        impl Operation {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The contract's name.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $id,)+
                }
            }
        }
    };
}

operations! {
    /// `GET /api/v1/deviceTypes/{type}/devices`
    ListDevices = "listDevices",
    /// `POST /api/v1/deviceTypes/{type}/devices`
    CreateDevice = "createDevice",
    /// `PUT /api/v1/deviceTypes/{type}/devices/{id}`
    UpdateDeviceMetadata = "updateDeviceMetadata",
    /// `GET /api/v1/deviceTypes/{type}/devices/{id}/events`
    QueryEvents = "queryEvents",
    /// `POST /api/v1/data/query`
    BulkQuery = "bulkQuery",
    /// `GET /api/v1/alerts`
    ListAlerts = "listAlerts",
    /// `GET /api/v1/alerts/{id}`
    GetAlert = "getAlert",
    /// `PUT /api/v1/alerts/{id}`
    AcknowledgeAlert = "acknowledgeAlert",
    /// `PUT /api/v1/alerts/{id}/resolve`
    ResolveAlert = "resolveAlert",
    /// `GET /v1/devices`
    ListDevicesFlat = "listDevicesFlat",
    /// `POST /oauth/token`
    Token = "token",
    /// `POST .../mxwo`
    CreateWorkOrder = "createWorkOrder",
    /// `GET .../mxwo`
    FindWorkOrders = "findWorkOrders",
    /// `GET .../mxwo/{restId}`, where a `Location` leads
    GetWorkOrder = "getWorkOrder",
    /// `GET .../mxasset`
    FindAsset = "findAsset",
    /// `POST .../mxasset`
    CreateAsset = "createAsset",
    /// `POST .../mxasset/{restId}`
    UpdateAsset = "updateAsset",
    /// `GET .../mxasset/{restId}`
    GetAsset = "getAsset",
    /// `PUT /erp/production-reports/{line}/{date}`
    PutReport = "putProductionReport",
    /// `POST /erp/production-reports`
    PostReport = "postProductionReport",
    /// `GET /api/now/table/incident`
    FindIncidents = "findIncidents",
    /// `POST /api/now/table/incident`
    CreateIncident = "createIncident",
    /// `POST /sinks/{sink}`
    ReceiveWebhook = "receiveWebhook",
    /// Any other path.
    Unknown = "unknown",
}

/// Whose errors and credentials an operation has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Monitor,
    Manage,
    Token,
    Erp,
    Incidents,
    Sink,
}

impl Operation {
    /// Finds an operation by its contract's name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|operation| operation.name() == name)
    }

    pub(crate) fn side(self) -> Side {
        match self {
            Self::Token => Side::Token,
            Self::PutReport | Self::PostReport => Side::Erp,
            Self::FindIncidents | Self::CreateIncident => Side::Incidents,
            Self::ReceiveWebhook => Side::Sink,
            Self::CreateWorkOrder
            | Self::FindWorkOrders
            | Self::GetWorkOrder
            | Self::FindAsset
            | Self::CreateAsset
            | Self::UpdateAsset
            | Self::GetAsset => Side::Manage,
            Self::ListDevices
            | Self::CreateDevice
            | Self::UpdateDeviceMetadata
            | Self::QueryEvents
            | Self::BulkQuery
            | Self::ListAlerts
            | Self::GetAlert
            | Self::AcknowledgeAlert
            | Self::ResolveAlert
            | Self::ListDevicesFlat
            | Self::Unknown => Side::Monitor,
        }
    }

    /// Whether it changes anything, and so needs a key that may.
    pub fn is_write(self) -> bool {
        match self {
            Self::CreateDevice
            | Self::UpdateDeviceMetadata
            | Self::AcknowledgeAlert
            | Self::ResolveAlert
            | Self::CreateWorkOrder
            | Self::CreateAsset
            | Self::UpdateAsset
            | Self::PutReport
            | Self::PostReport
            | Self::CreateIncident
            | Self::ReceiveWebhook => true,
            Self::ListDevices
            | Self::QueryEvents
            | Self::BulkQuery
            | Self::ListAlerts
            | Self::GetAlert
            | Self::ListDevicesFlat
            | Self::Token
            | Self::FindWorkOrders
            | Self::GetWorkOrder
            | Self::FindAsset
            | Self::GetAsset
            | Self::FindIncidents
            | Self::Unknown => false,
        }
    }
}
