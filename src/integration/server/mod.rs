//! The bridge's door to the network: TLS, time limits, a bounded number of connections, and what is served behind it.

mod access;
mod answer;
mod cache;
mod door;
mod edge;
mod facility;
mod inbound;
mod metrics;
mod page;
mod query;
mod tls;
mod traffic;

pub use access::{AccessError, ApiKeys};
pub use door::{Door, DoorError};
pub use edge::{Edge, EdgeSettings, router};
pub use facility::{FacilityStatus, Means, Period};
pub use inbound::{InboundMode, Secrets, SecretsError, signature};
pub use tls::{Certificate, TlsError};
pub use traffic::{Counts, Traffic};
