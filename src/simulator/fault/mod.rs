//! Faults: which calls they hit, and what becomes of them.

mod answer;
mod engine;
mod file;
mod rule;

pub(crate) use answer::{Hangup, HangupBody, apply};
pub(crate) use engine::FaultEngine;
pub use file::{FaultFileError, parse_faults, read_faults};
pub use rule::{FaultAction, FaultRule, When};
