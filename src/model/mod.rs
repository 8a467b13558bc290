//! The console's vocabulary: what happens (`Event`), what a key means (`Action`), what is to be done (`Effect`),
//! and the store of server data with its freshness. No I/O and no clock: times arrive with the events.

mod action;
mod bridge;
mod chord;
mod effect;
mod event;
mod health;
mod memo;
mod report;
pub mod store;

pub use action::{ACTIONS, Action, Context, Section, Spec, markdown};
pub use bridge::{BridgeJob, BridgePart, BridgeStatus};
pub use chord::KeyError;
pub use effect::{Draft, DraftKey, Effect, Fetch, Keepsake, Ticket};
pub use event::{Event, Key, Pointer};
pub use health::{ApiHealth, CallFigures, CallLine, Credential, ServerHealth};
pub use memo::{LinkedOrder, Memo, VIEW_NAME_MOST, View};
pub use report::{DeviceTrends, Fault, FaultKind, LinkState, Report, Source};
pub use store::Store;
