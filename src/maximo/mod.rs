//! The client of Monitor and Manage: the only room that knows a path, a header or a wire field.
//!
//! Reads retry by themselves (three tries, full jitter, a quota and a breaker per service); writes are single
//! attempts with an exact classification, since repeating them is the outbox's business. The library names of the
//! integration guide ([`MonitorClient::get_device_data`] and its sisters) are thin layers over the typed queries.
//!
//! ```no_run
//! use nightdesk::maximo::{Auth, Caller, Endpoint, Limits, MonitorClient, Telemetry};
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let endpoint = Endpoint {
//!     service: nightdesk::domain::Service::Monitor,
//!     base: "https://monitor.example".parse()?,
//!     ca_pem: None,
//!     auth: Auth::ApiKey(std::env::var("MONITOR_KEY")?.into()),
//!     limits: Limits::default(),
//! };
//! let monitor = MonitorClient::new(endpoint, Telemetry::new(Caller::default()))?;
//! let pumps = monitor.get_all_devices("PumpStation").await?;
//! println!("{} pumps, {} records left out", pumps.items.len(), pumps.skipped);
//! # Ok(())
//! # }
//! ```

mod asset;
mod breaker;
mod call;
mod encode;
mod endpoint;
mod error;
mod failure;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod gateway;
mod gather;
mod href;
mod keyring;
mod library;
mod manage;
mod monitor;
mod paging;
mod redact;
mod renewal;
mod seam;
mod series;
mod telemetry;
mod token;
mod transport;
mod usage_log;
mod where_clause;
mod wire;

pub use asset::Asset;
pub use breaker::full_jitter;
pub use encode::encode;
pub(crate) use endpoint::https_client;
#[cfg(feature = "lake")]
pub(crate) use endpoint::is_loopback;
pub use endpoint::{Auth, Endpoint, Limits};
pub use error::{Error, ErrorKind};
#[cfg(feature = "lake")]
pub(crate) use failure::root_cause;
pub(crate) use failure::{classify, of_status, retry_after};
pub use gateway::Gateway;
pub use gather::Batch;
pub use keyring::KeySource;
pub use manage::{ManageClient, ManagePaths, WorkOrderQuery};
pub use monitor::{Aggregation, AlertQuery, BulkQuery, CreatedDevice, DeviceQuery, MonitorClient, NewDevice, ReadingQuery};
pub use paging::Progress;
pub use renewal::Renewal;
pub(crate) use telemetry::Underway;
pub use telemetry::{CallRecord, Caller, OperationStats, Pulse, Telemetry};
pub use where_clause::WhereError;
pub(crate) use wire::{error_words, without_all};
