//! An embedded Monitor, Manage and token endpoint over TLS on loopback, and around them an ERP, a table of incidents and receivers of webhooks.
//!
//! The plant is a pure function of seed and time (room `plant`); what people and programs change lies over it (room `world`) and every
//! committed effect stands in the ledger. The wire is written after the two OpenAPI files and shares nothing with the client.
//!
//! ```no_run
//! # async fn example() -> Result<(), nightdesk::simulator::SimulateError> {
//! use nightdesk::simulator::{Simulator, SimulatorConfig};
//! let simulator = Simulator::start(SimulatorConfig { seed: 7, ..SimulatorConfig::default() }).await?;
//! println!("{}", simulator.url());
//! simulator.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod api;
mod authority;
mod clock;
mod config;
mod directory;
mod error;
mod fault;
mod kept;
mod ledger;
mod plant;
mod server;
mod technician;
mod world;

pub use api::{Operation, RequestRecord, Traffic};
pub use authority::CertificateKind;
pub use clock::{Clock, ClockHand};
pub use config::{ALERTS_MAX, DEVICES_MAX, Scenario, SimulatorConfig, UnknownScenario};
pub use directory::{make_directory, write_directory};
pub use error::SimulateError;
pub use fault::{FaultAction, FaultFileError, FaultRule, When, parse_faults, read_faults};
pub use ledger::{EffectKind, LedgerEntry, SIMULATED};
pub use server::{Outage, Simulator};
pub use technician::{Technician, TechnicianError, message};
