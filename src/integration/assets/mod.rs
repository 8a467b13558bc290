//! The asset sync: devices of Monitor become assets of Manage, and their status follows.

mod job;
mod plan;

pub use job::{AssetsJob, Survey, submit, survey};
pub use plan::{Change, Left, Plan, Wish, plan};
