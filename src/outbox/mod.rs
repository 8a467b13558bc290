//! The durable journal of what people and rules asked for, and its sender.
//!
//! [`Outbox::submit`] answers when the intent is synced to disk. A [`Sender`] (one at a time of each profile, over all
//! processes that share the directory) commits each attempt before its first byte leaves, and looks up whatever may
//! have arrived before it sends again. The rules are those of the design's page on delivery:
//!
//! - `queued → sending → delivered | in_doubt | superseded | parked | cancelled` (`transition`);
//! - whoever starts or takes over turns `sending` into `in_doubt`, never back (`opening`, `custody`);
//! - every write checks the sender's epoch, every row its hash, every state change stands in the audit's chain;
//! - a damaged file is moved aside and what is good in it goes on (`salvage`, `carve`).

mod account;
mod anchor;
mod attend;
mod audit;
mod carve;
mod charge;
mod clock;
mod crash;
mod custody;
mod damaged;
mod deliver;
mod directory;
mod error;
mod handle;
mod intake;
mod journal;
mod lane;
mod listing;
mod lock;
mod opening;
mod options;
mod plan;
mod policy;
mod salvage;
mod schema;
mod sender;
mod stored;
mod transition;

#[cfg(test)]
mod failing_store_tests;
#[cfg(test)]
mod large_outbox_tests;

pub use audit::{AuditEntry, AuditFinding, AuditReport};
pub use clock::Clock;
pub use damaged::DamagedRow;
pub use deliver::{Deliver, Receipt, Sent, Shipment, Verified};
pub use error::OutboxError;
pub use handle::{Audit, Outbox};
pub use lane::Lane;
pub use listing::{Attempt, Counts, RowFilter};
pub use options::{Actor, Limits, OpenOptions, Submission};
pub use policy::Policy;
pub use salvage::Recovery;
pub use sender::{LaneStatus, Role, Sender, SenderControl, SenderStatus};
