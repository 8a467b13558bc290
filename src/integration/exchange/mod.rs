//! Calls to others than Maximo: the ERP, the receivers of webhooks.

mod address;
mod client;

pub use address::{Door, Network, NetworkError};
pub(super) use client::{Client, Reply, Request};
