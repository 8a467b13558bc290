//! The ERP sync: a production line's day as a report.
//!
//! `report` adds a day's readings up, `memory` says whether that is news, `job` reads and submits, `send` delivers. A day that the ERP
//! has is sent again only if its sums changed, as a correction with the next revision.

mod job;
mod memory;
mod report;
mod send;

pub use job::{DayOutcome, Dispatch, ErpJob, remember, report_day, window};
pub use report::{METRICS, Report, Shortfall, Tally, summed};
pub use send::Reports;
pub(crate) use send::target;
