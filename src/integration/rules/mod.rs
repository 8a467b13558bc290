//! Rules: what happens to an alert without a person.
//!
//! `watch` says which alerts are meant, `decide` what is due and what stands against it, `memory` what was done; `job` reads, asks
//! and submits. An order's reference and a message's id follow from the alert, so that restarts, lost answers and a second bridge
//! come to the same one.

mod decide;
mod job;
mod memory;
mod watch;

pub use decide::{Known, Reading, Verdict, due, judge};
pub use job::RulesJob;
pub use memory::{Cycle, Memory};
pub use watch::{Act, Watch, watches};
