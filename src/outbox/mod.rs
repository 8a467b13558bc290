//! The durable journal of what people and rules asked for.

mod deliver;

pub use deliver::{Deliver, Receipt, Sent, Shipment, Verified};
