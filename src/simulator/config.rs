//! What a simulated plant is asked to be.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::{CertificateKind, Clock, FaultRule};

/// The story that the plant plays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scenario {
    /// An ordinary night: 18 unresolved alerts, a new one each minute or so, a second operator at work.
    #[default]
    Night,
    /// Three alerts, a new one each quarter of an hour.
    Quiet,
    /// A compressed-air failure: 200 alerts in ten minutes, one cause.
    Flood,
    /// One scripted bearing fault on a pump, from the first drifting reading to the completed order.
    Drill,
}

impl Scenario {
    /// All of them, in the order of the command line's help.
    pub const ALL: [Self; 4] = [Self::Night, Self::Quiet, Self::Flood, Self::Drill];

    /// The word of the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Night => "night",
            Self::Quiet => "quiet",
            Self::Flood => "flood",
            Self::Drill => "drill",
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// A word that names no scenario.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no scenario {0:?}: take night, quiet, flood or drill")]
pub struct UnknownScenario(String);

impl FromStr for Scenario {
    type Err = UnknownScenario;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|scenario| scenario.name() == word)
            .ok_or_else(|| UnknownScenario(word.to_owned()))
    }
}

/// The most devices that a plant may have.
pub const DEVICES_MAX: u32 = 100_000;
/// The most unresolved alerts that a plant may start with.
pub const ALERTS_MAX: usize = 20_000;

/// How the simulator is set up. Start from [`SimulatorConfig::default`] and change what matters.
#[derive(Clone, Debug)]
pub struct SimulatorConfig {
    /// The same seed and start time give the same plant.
    pub seed: u64,
    /// The story.
    pub scenario: Scenario,
    /// Devices over all types, at most [`DEVICES_MAX`].
    pub devices: u32,
    /// Unresolved alerts at the start, at most [`ALERTS_MAX`]; the scenario's own number where `None`.
    pub alerts: Option<usize>,
    /// TCP port on 127.0.0.1; 0 takes the one that the directory's plant had, else a free one.
    pub port: u16,
    /// Where the time comes from.
    pub clock: Clock,
    /// Added to every call.
    pub latency: Duration,
    /// `ledger.jsonl` and `plant.json` are written here where given; the directory must exist. Where it has them, the plant
    /// comes back as it was: the same start, keys and certificates, and what people did to it.
    pub directory: Option<PathBuf>,
    /// Faults from the start.
    pub faults: Vec<FaultRule>,
    /// Whether `operator2` works too.
    pub second_operator: bool,
    /// Monitor clamps `limit` to this.
    pub page_max: usize,
    /// Whether Monitor's lists carry `totalCount`.
    pub total_count: bool,
    /// Whether the alert list carries an `ETag` and answers `If-None-Match`.
    pub etag: bool,
    /// Whether an acknowledgement of what another person holds is taken (otherwise 409).
    pub allow_takeover: bool,
    /// Manage refuses a page size above this.
    pub manage_page_max: usize,
    /// How long Manage remembers a `transactionid`.
    pub transaction_life: Duration,
    /// False makes Manage ignore `transactionid`, as some installations do.
    pub honour_transaction_id: bool,
    /// The status code of a created work order: 201, or 200 as on some installations.
    pub created_status: u16,
    /// False makes Manage answer with `spi:` and `oslc:` names unless the request says `lean=1`.
    pub lean_by_default: bool,
    /// Scheme, host and port that Manage's hrefs name; its own where `None`. A request's `x-public-uri` comes before its own.
    pub href_base: Option<String>,
    /// How long a token lives.
    pub token_life: Duration,
    /// Whether the token answer says `expires_in`.
    pub expires_in: bool,
    /// The server certificate: good, or bad in one way.
    pub certificate: CertificateKind,
}

impl Default for SimulatorConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            scenario: Scenario::Night,
            devices: 150,
            alerts: None,
            port: 0,
            clock: Clock::system(),
            latency: Duration::ZERO,
            directory: None,
            faults: Vec::new(),
            second_operator: true,
            page_max: 1000,
            total_count: true,
            etag: true,
            allow_takeover: false,
            manage_page_max: 1000,
            transaction_life: Duration::from_secs(300),
            honour_transaction_id: true,
            created_status: 201,
            lean_by_default: true,
            href_base: None,
            token_life: Duration::from_secs(3600),
            expires_in: true,
            certificate: CertificateKind::Good,
        }
    }
}
