//! The only room that touches the terminal: guard, input, output thread, frames, and the driver that carries out
//! what the core asks for.
//!
//! The loop (`console`) owns the core and awaits messages only. Bytes to the terminal leave from a thread of their
//! own (`output`), which draws the newest picture against what it has really written: a link that stalls costs
//! frames, never the loop. Commands go to the outbox through one task in their order (`desk`), drafts to a thread
//! (`draft`), reads to the worker.

mod archive;
mod canvas;
mod clipboard;
mod console;
mod core;
#[cfg(test)]
mod cost_tests;
mod desk;
mod draft;
mod driver;
mod encode;
mod error;
mod fragments;
mod guard;
mod handoff;
mod input;
mod journal;
mod keep;
mod keys;
mod manner;
mod neighbour;
mod output;
mod pace;
mod pen;
mod post;
mod seat;
mod signal;
mod terminal;
#[cfg(test)]
mod tests;
mod writer;

pub use self::core::Core;
pub use archive::Archive;
pub use console::{Console, Ended};
pub use error::TuiError;
pub use guard::{install_panic_report, restore};
pub use handoff::Handoff;
pub use journal::Journal;
pub use keys::KeyDates;
pub use manner::Manner;
pub use post::Post;
pub use seat::Seat;
pub use terminal::{Probe, usable};
