//! The simulated plant: on its own, or under a console.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::ConsoleArgs;

/// What the simulated plant is to be.
#[derive(Args, Clone, Copy, Debug)]
pub struct PlantArgs {
    /// The story that it plays
    #[arg(long, value_enum, default_value_t = Scenario::Night)]
    pub scenario: Scenario,
    /// The same seed gives the same plant
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Devices over all types
    #[arg(long, value_name = "N", default_value_t = 150, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub devices: u32,
    /// Unresolved alerts at the start [default: the scenario's]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=20_000))]
    pub alerts: Option<u32>,
    /// Refuse to hand an alert to another person once somebody has acknowledged it (409), as some servers do
    #[arg(long)]
    pub no_takeover: bool,
}

/// Stories of the simulated plant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    /// An ordinary night with a second operator at work
    #[default]
    Night,
    /// Few alerts
    Quiet,
    /// 200 alerts in ten minutes from one cause
    Flood,
    /// One scripted fault from the first drift to the completed order
    Drill,
}

impl Scenario {
    /// The word of the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Night => "night",
            Self::Quiet => "quiet",
            Self::Flood => "flood",
            Self::Drill => "drill",
        }
    }
}

/// `nightdesk demo`
#[derive(Args, Clone, Debug)]
pub struct DemoArgs {
    /// A bridge beside the console: orders appear by rule, files in a folder lake; L shows how it is doing
    #[arg(long)]
    pub bridge: bool,
    /// The plant.
    #[command(flatten)]
    pub plant: PlantArgs,
    /// The console.
    #[command(flatten)]
    pub console: ConsoleArgs,
}

/// `nightdesk simulate`
#[derive(Args, Clone, Debug)]
pub struct SimulateArgs {
    /// Where url, ca.pem, config.toml, keys, plant.json and ledger.jsonl are written. A folder that has them comes back as
    /// the same plant: its keys, certificates, port and start, and all that the ledger says was done to it
    #[arg(long, value_name = "DIR")]
    pub dir: PathBuf,
    /// TCP port on the loopback address; 0 takes the plant's last one, or a free one for a new plant
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    /// The plant.
    #[command(flatten)]
    pub plant: PlantArgs,
    /// Rules of faults to play
    #[arg(long, value_name = "FILE")]
    pub faults: Option<PathBuf>,
    /// Tell the bridge at this address (the one that it prints) of a finished maintenance or calibration twice a minute
    #[arg(long, value_name = "URL")]
    pub technicians: Option<String>,
}
