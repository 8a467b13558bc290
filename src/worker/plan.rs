//! How often what is read.

use std::time::Duration;

/// The worker's intervals and what it needs to know of the site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Between two readings of the alert queue.
    pub alerts: Duration,
    /// Between two readings of the device list.
    pub devices: Duration,
    /// Between two readings of the metrics in view.
    pub metrics: Duration,
    /// Between two looks at the orders of alerts that have one.
    pub orders: Duration,
    /// How long a resolved alert stays in the report.
    pub resolved_for: Duration,
    /// Longest pause while a server is away.
    pub backoff_max: Duration,
    /// `siteid` of the orders that this console makes: it is part of their references.
    pub site: String,
}

impl Plan {
    /// The defaults of the configuration for a site.
    pub fn new(site: impl Into<String>) -> Self {
        Self {
            alerts: Duration::from_secs(5),
            devices: Duration::from_mins(1),
            metrics: Duration::from_secs(30),
            orders: Duration::from_mins(1),
            resolved_for: Duration::from_hours(12),
            backoff_max: Duration::from_mins(1),
            site: site.into(),
        }
    }
}
