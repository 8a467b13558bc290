//! The bridge: integrations that run without a person.
//!
//! Each part is a pure core (what should be sent, given what was read), a thin runner, a headless command, a
//! configuration section, and a line in [`Parts`]. What changes something at a server is an intent in the outbox.

pub mod assets;
mod board;
mod bridge;
mod claim;
mod courier;
pub mod erp;
mod exchange;
mod ground;
mod job;
mod jobs;
#[cfg(feature = "lake")]
pub mod lake;
#[cfg(not(feature = "lake"))]
#[path = "no_lake.rs"]
pub mod lake;
mod notify;
mod parts;
pub mod rules;
mod runner;
mod schedule;
pub mod server;
mod store;
pub mod webhook;

pub use board::{Board, Doing, JobState};
pub use bridge::Bridge;
pub use claim::{Claim, ClaimError};
pub use courier::Courier;
pub use exchange::{Door, Network, NetworkError};
pub use ground::Ground;
pub(crate) use ground::key_source;
pub use job::{Job, JobError, JobErrorKind, Occasion, Timing};
pub use jobs::jobs;
pub use notify::Notify;
pub use parts::{Health, Part, Parts, Run};
pub use runner::{Pass, Runner, WallClock};
pub use store::{FolderStore, JobStore, StoreError};
