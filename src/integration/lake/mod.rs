//! The data lake: a device type's day, all devices and all metrics, as one Parquet file.
//!
//! The rows are read as a stream ([`MonitorClient::gather`](crate::maximo::MonitorClient::gather)), spooled to disk while
//! the columns are found out, written as row groups, and put where they belong only if nothing is there yet. The memory
//! that this takes does not depend on the day.

mod columns;
mod day;
mod export;
mod https;
mod job;
mod place;
mod publish;
mod record;
mod spool;
mod table;

pub use columns::{Column, Kind};
pub use day::{Day, key};
pub use export::{Exported, Order, Progress, State, export, frugal, spool_dir};
pub use job::job;
pub use place::Place;
