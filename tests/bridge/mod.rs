//! The bridge: its door, what it serves, and the process as a service.

mod door;
mod edge;
mod once;
mod service;
mod support;
