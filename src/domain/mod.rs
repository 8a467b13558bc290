//! Pure types and rules: no I/O, no clock, no terminal, no network.

mod alert;
mod device;
mod facts;
pub mod filter;
mod ids;
mod intent;
mod listing;
pub mod load;
mod reading;
mod rounding;
mod severity;
mod text;
mod triage;
mod work_order;

pub use alert::{Alert, AlertState, linked_order};
pub use device::{Device, DeviceStatus};
pub use facts::{AlertFacts, DeviceFacts, Facts, STALE_AFTER, Trait};
pub use filter::{Filter, FilterError};
pub use ids::{AlertId, DeviceId, DeviceKey, DeviceType, WorkOrderNumber};
pub use intent::{Intent, IntentState, ObjectKey, OutboxId, OutboxRow, Service, Target};
pub use listing::Listing;
pub use reading::{MetricValue, Reading, Series, short_number};
pub use rounding::round_half_even;
pub use severity::Severity;
pub use text::{SHOWN_MAX_BYTES, SafeText};
pub use triage::triage_order;
pub use work_order::{DESCRIPTION_MAX, DraftError, PriorityMap, Reference, WorkOrder, WorkOrderDefaults, WorkOrderDraft, hex};
