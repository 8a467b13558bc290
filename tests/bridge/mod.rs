//! The bridge: its door, what it serves, and the process as a service.

mod door;
mod edge;
mod service;
mod support;
