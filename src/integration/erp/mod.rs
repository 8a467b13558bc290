//! The ERP sync: a production line's day as a report.

mod send;

pub use send::Reports;
