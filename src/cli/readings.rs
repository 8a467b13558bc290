//! `nightdesk readings`.

use clap::{Args, Subcommand, ValueEnum};

use super::When;

/// `nightdesk readings ...`
#[derive(Args, Clone, Debug)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct ReadingsArgs {
    /// `latest`, where it is asked for.
    #[command(subcommand)]
    pub latest: Option<Latest>,
    /// One device's.
    #[command(flatten)]
    pub series: SeriesArgs,
}

/// `nightdesk readings latest`
#[derive(Clone, Debug, Subcommand)]
pub enum Latest {
    /// The newest reading of each device of a type, within the last hour
    ///
    /// The server tells of each only the beginning of the hour that it falls into: that is `windowStart`.
    Latest {
        /// The type
        #[arg(long = "type", value_name = "TYPE")]
        device_type: String,
        /// Only these metrics
        #[arg(long, value_delimiter = ',', value_name = "A,B")]
        metrics: Vec<String>,
    },
}

/// `nightdesk readings DEVICE`
#[derive(Args, Clone, Debug)]
pub struct SeriesArgs {
    /// The device's id
    #[arg(required = true)]
    pub device: Option<String>,
    /// Its type, where several types have the id
    #[arg(long = "type", value_name = "TYPE")]
    pub device_type: Option<String>,
    /// Only these metrics
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    pub metrics: Vec<String>,
    /// From then on: 2026-09-01T02:00:00Z, 2026-09-01, 22:00 or -8h
    #[arg(long, allow_hyphen_values = true, value_name = "TIME", default_value = "-1h")]
    pub start: When,
    /// Up to then [default: now]
    #[arg(long, allow_hyphen_values = true, value_name = "TIME")]
    pub end: Option<When>,
    /// How the values of a window are put together
    #[arg(long, value_enum)]
    pub aggregation: Option<Aggregation>,
    /// The window's length, for example 15m or 1h
    #[arg(long, value_name = "TIME", requires = "aggregation")]
    pub granularity: Option<String>,
}

/// How the values of a window are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Aggregation {
    /// The mean
    Avg,
    /// The least
    Min,
    /// The greatest
    Max,
    /// The sum
    Sum,
    /// How many
    Count,
    /// The newest
    Last,
}
