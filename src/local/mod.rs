//! What this machine keeps for the console: last known data in the cache directory; half-written forms, views, linked
//! orders, the history of alerts, the shelf and the shift's remarks in the state directory. All are bound to a profile and
//! its server, so that one site never shows another's rows.

mod bridge;
mod cache;
mod drafts;
mod file;
mod history;
mod memos;
mod notebook;
mod runbooks;
mod scope;

/// Private files for the other rooms that keep something on this machine.
pub mod private {
    pub use super::file::{private_dir, read, remove, replace};
}

pub use crate::model::{BridgeJob, BridgePart, BridgeStatus};
pub use bridge::bridge_status;
pub use cache::Cache;
pub use drafts::{DRAFTS_MAX, Drafts};
pub use file::LocalError;
pub use history::{Found, HistoryFiles};
pub use memos::Memos;
pub use notebook::{Notebook, Notes};
pub use runbooks::Runbooks;
pub use scope::Scope;
