//! The console's vocabulary: what happens (`Event`), what a key means (`Action`), what is to be done (`Effect`),
//! and the store of server data with its freshness. No I/O and no clock: times arrive with the events.

mod effect;
mod event;
mod report;

pub use effect::{Draft, DraftKey, Effect, Fetch, Ticket};
pub use event::{Event, Key};
pub use report::{DeviceTrends, Fault, FaultKind, LinkState, Report, Source};
