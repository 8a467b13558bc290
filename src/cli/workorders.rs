//! `nightdesk workorders`.

use clap::Subcommand;

use super::WaitArgs;

/// `nightdesk workorders ...`
#[derive(Clone, Debug, Subcommand)]
pub enum WorkOrders {
    /// List the site's work orders
    List {
        /// Only of this asset
        #[arg(long, value_name = "ASSETNUM")]
        asset: Option<String>,
        /// Only those still to be worked on
        #[arg(long)]
        open: bool,
    },
    /// Make a work order from an alert, unless its asset has an open one
    Create {
        /// The alert's id
        #[arg(long, value_name = "ID")]
        alert: String,
        /// Priority instead of the one that the severity gives; Manage takes 0 to 999
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(0..=999))]
        priority: Option<u16>,
        /// Even though there is an open order
        #[arg(long)]
        allow_duplicate: bool,
        /// Waiting.
        #[command(flatten)]
        wait: WaitArgs,
    },
}
