//! All integration tests in one binary, a module a room.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails should stop where it fails"
)]
#![allow(
    clippy::pedantic,
    reason = "tests read as prose; what pedantic asks of a library does not make them clearer"
)]
#![allow(unreachable_pub, missing_docs, reason = "nobody uses a test from outside")]

mod bridge;
mod command;
mod console;
mod e2e;
mod faults;
mod flow;
mod handover;
#[cfg(feature = "lake")]
mod lake;
mod maximo;
mod outbox;
mod payloads;
mod readme;
mod rooms;
mod simulator;
