//! The subcommands: each joins the rooms for one purpose and says what came of it, as text, JSON or CSV.
//!
//! [`run()`] is the one entry. Data goes to stdout and everything else to stderr; how it ended is an [`Exit`].

mod alerts;
mod around;
mod assets;
mod audit;
mod bridge;
mod connect;
mod console;
mod context;
mod delivery;
mod demo;
mod detach;
mod devices;
mod doctor;
mod erp;
mod export;
mod ground;
mod handover;
mod health;
mod ids;
mod init;
mod json;
mod kept;
mod key_notice;
mod log;
mod outbox;
mod outcome;
mod output;
mod readings;
mod rows;
mod run;
pub mod session;
mod shell;
pub mod simulate;
mod table;
mod webhooks;
mod workorders;

pub use outcome::{Exit, Failure};
pub use run::{locate, run};
pub use session::Session;
