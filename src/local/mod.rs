//! What this machine keeps for the console: last known data in the cache directory, half-written forms, views and
//! linked orders in the state directory. Both are bound to a profile and its server, so that one site never shows another's rows.

mod bridge;
mod cache;
mod drafts;
mod file;
mod memos;
mod scope;

/// Private files for the other rooms that keep something on this machine.
pub mod private {
    pub use super::file::{private_dir, read, remove, replace};
}

pub use bridge::{BridgeJob, BridgePart, BridgeStatus};
pub use cache::Cache;
pub use drafts::{DRAFTS_MAX, Drafts};
pub use file::LocalError;
pub use memos::Memos;
pub use scope::Scope;
