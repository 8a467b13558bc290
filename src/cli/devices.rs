//! `nightdesk devices`.

use clap::Subcommand;

use super::{Assignment, WaitArgs};

/// `nightdesk devices ...`
#[derive(Clone, Debug, Subcommand)]
pub enum Devices {
    /// List devices
    List {
        /// Only of this type
        #[arg(long = "type", value_name = "TYPE")]
        device_type: Option<String>,
        /// Only in this state, for example online or offline
        #[arg(long)]
        status: Option<String>,
        /// Only at this location
        #[arg(long)]
        location: Option<String>,
    },
    /// Show one device
    Show {
        /// Its id
        id: String,
        /// Its type, where several types have the id
        #[arg(long = "type", value_name = "TYPE")]
        device_type: Option<String>,
    },
    /// Create a device; its token is printed once and stored nowhere
    Create {
        /// Its id
        id: String,
        /// Its type
        #[arg(long = "type", value_name = "TYPE")]
        device_type: String,
        /// Serial number
        #[arg(long)]
        serial_number: Option<String>,
        /// Manufacturer
        #[arg(long)]
        manufacturer: Option<String>,
        /// Model
        #[arg(long)]
        model: Option<String>,
        /// Firmware version
        #[arg(long)]
        firmware_version: Option<String>,
        /// Location
        #[arg(long)]
        location: Option<String>,
        /// Further metadata: key=text, or key:=JSON
        #[arg(value_name = "KEY=VALUE")]
        metadata: Vec<Assignment>,
    },
    /// Set metadata of a device; other keys stay as they are
    Set {
        /// Its id
        id: String,
        /// key=text, or key:=JSON for numbers, switches and objects
        #[arg(required = true, value_name = "KEY=VALUE")]
        metadata: Vec<Assignment>,
        /// Its type, where several types have the id
        #[arg(long = "type", value_name = "TYPE")]
        device_type: Option<String>,
        /// Waiting.
        #[command(flatten)]
        wait: WaitArgs,
    },
}
