//! `nightdesk alerts`.

use clap::Subcommand;

use super::WaitArgs;

/// `nightdesk alerts ...`
#[derive(Clone, Debug, Subcommand)]
pub enum Alerts {
    /// List alerts, most urgent first; resolved ones only with --all or where the filter names a state
    List {
        /// The filter language, for example: sev>=high state:new dev:PUMP-* age>1h
        ///
        /// One that begins with a minus goes after `--`: nightdesk alerts list -- -is:stale
        filter: Vec<String>,
        /// Resolved ones too
        #[arg(long)]
        all: bool,
    },
    /// Show one alert
    Show {
        /// Its id
        id: String,
    },
    /// Acknowledge alerts in the operator's name
    Ack {
        /// Alert ids; - reads them from stdin, one a line
        #[arg(required_unless_present = "filter")]
        ids: Vec<String>,
        /// A note on each of them
        #[arg(long)]
        note: Option<String>,
        /// Every unacknowledged alert that passes this filter
        #[arg(long, allow_hyphen_values = true, conflicts_with = "ids")]
        filter: Option<String>,
        /// Waiting.
        #[command(flatten)]
        wait: WaitArgs,
    },
    /// Resolve alerts
    Resolve {
        /// Alert ids; - reads them from stdin, one a line
        #[arg(required = true)]
        ids: Vec<String>,
        /// What was done
        #[arg(long)]
        resolution: String,
        /// Why it happened
        #[arg(long)]
        root_cause: String,
        /// What will keep it from happening again
        #[arg(long)]
        preventive_action: Option<String>,
        /// Waiting.
        #[command(flatten)]
        wait: WaitArgs,
    },
}
