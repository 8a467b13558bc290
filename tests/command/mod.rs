//! The real binary against the simulator: data, exit codes, and what arrived.

mod doctor;
mod failures;
mod handover;
mod init;
pub mod plant;
mod reads;
mod shell;
mod writes;
