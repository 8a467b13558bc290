//! The plant as pure functions of (seed, device, metric, time): nothing is stored, any window can be asked.

mod aggregate;
mod episode;
mod kind;
mod noise;
mod reading;
mod roster;

pub(crate) use aggregate::{Aggregation, Granularity, Row, Rows};
pub(crate) use episode::{Episode, Shape};
pub(crate) use kind::{KINDS, Kind, Limit, Metric};
pub(crate) use noise::{Dice, mix};
pub(crate) use roster::{DeviceRef, Plant};
