//! The bridge's parts by hand.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use jiff::civil::Date;

use super::{WaitArgs, duration};

/// `nightdesk assets ...`
#[derive(Clone, Debug, Subcommand)]
pub enum Assets {
    /// Make an asset of each device, and set its status: OPERATING where the device is online, INACTIVE where not
    Sync {
        /// Only devices of this type
        #[arg(long = "type", value_name = "TYPE")]
        device_type: Option<String>,
        /// Only say what would be written
        #[arg(long)]
        dry_run: bool,
        /// End as soon as it is safe in the outbox
        #[arg(long)]
        no_wait: bool,
        /// How long to wait
        #[arg(long, value_name = "TIME", default_value = "10m", value_parser = duration, conflicts_with = "no_wait")]
        timeout: Duration,
    },
}

/// `nightdesk erp ...`
#[derive(Clone, Debug, Subcommand)]
pub enum Erp {
    /// Report a production line's day; a day that the ERP has already is sent only if its sums changed, as a correction
    Sync {
        /// The production line
        #[arg(long, value_name = "ID")]
        line: String,
        /// The day
        #[arg(long, value_name = "YYYY-MM-DD", value_parser = super::when::day)]
        date: Date,
        /// Waiting.
        #[command(flatten)]
        wait: WaitArgs,
    },
}

/// `nightdesk webhooks ...`
#[derive(Clone, Debug, Subcommand)]
pub enum Webhooks {
    /// Check a definition and show what it would send
    Check {
        /// The JSON file
        file: PathBuf,
    },
    /// Print a definition to begin with
    Template {
        /// Which
        #[arg(value_parser = ["servicenow", "slack", "generic"])]
        name: String,
    },
    /// Send one message about an invented alert; if it arrives, a webhook that was switched off is on again
    Test {
        /// The webhook's name
        name: String,
        /// How long to wait
        #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
        timeout: Duration,
    },
    /// List messages, newest first: what waits, what arrived, and the dead letters (parked)
    Deliveries(DeliveriesArgs),
    /// Send a dead letter again, with all its tries
    Replay {
        /// The row's number
        id: i64,
        /// Waiting.
        #[command(flatten)]
        wait: WaitArgs,
    },
}

/// `nightdesk webhooks deliveries`
#[derive(Args, Clone, Debug)]
pub struct DeliveriesArgs {
    /// Only those in this state
    #[arg(long, value_enum)]
    pub state: Option<super::State>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub limit: usize,
}
