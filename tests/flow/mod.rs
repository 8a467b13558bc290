//! The bridge's parts that deliver through the outbox, against the simulator: its ledger is the judge.

mod assets;
mod commands;
mod erp;
mod kill;
mod rules;
pub(crate) mod support;
mod webhooks;
