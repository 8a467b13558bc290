//! The command line's types: what `contract/cli.md` promises, as far as it works. No logic.

mod assignment;
mod export;
mod flow;
mod outbox;
mod when;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use assignment::{Assignment, AssignmentError};
pub use export::{ExportCommand, LakeArgs, Layout};
pub use flow::{Assets, DeliveriesArgs, Erp, Webhooks};
pub use outbox::{AuditCommand, OutboxCommand, State};
pub use when::{When, WhenError};

/// A terminal operations console for IBM Maximo Monitor and Maximo Manage
///
/// Without a command it opens the console of the default profile. `nightdesk demo` needs no configuration.
#[derive(Clone, Debug, Parser)]
#[command(name = "nightdesk", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = EXIT_CODES)]
pub struct Cli {
    /// What goes with every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do; the console where nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
}

const EXIT_CODES: &str = "\
Exit codes:
  0 done                      6 TLS, or a refused insecure address
  1 a bug                     7 local store
  2 usage                     8 refused, or not found; what a server
  3 configuration               refused of an action is parked
  4 credentials               9 some of several failed
  5 server or network        10 waited, and it is not delivered yet
                                (safe in the outbox)
                             11 overtaken: somebody else was first, or
                                it was taken back while we waited";

/// Flags that every command takes.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Everywhere")]
pub struct Global {
    /// Configuration file [env: NIGHTDESK_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Profile of the configuration [env: NIGHTDESK_PROFILE]
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// Where outbox, audit and logs lie [env: NIGHTDESK_STATE_DIR]
    #[arg(long, global = true, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long, global = true, conflicts_with = "csv")]
    pub json: bool,
    /// Print lists as CSV
    #[arg(long, global = true)]
    pub csv: bool,
    /// Say more on stderr; twice for still more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// The commands.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// The console (needs a terminal)
    Console(ConsoleArgs),
    /// The console on a simulated plant: nothing to configure, nothing left behind
    Demo(DemoArgs),
    /// The simulated plant alone, for another terminal or for tests
    Simulate(SimulateArgs),
    /// Ask for the site and its servers, test them, and write a commented configuration
    Init(Box<InitArgs>),
    /// Check configuration, credentials, servers, store and terminal, and say what to do
    Doctor,
    /// List, show, acknowledge and resolve alerts
    #[command(subcommand)]
    Alerts(Alerts),
    /// List, show, create devices and set their metadata
    #[command(subcommand)]
    Devices(Devices),
    /// Readings of a device, or the latest of a device type
    Readings(ReadingsArgs),
    /// List and create work orders
    #[command(subcommand)]
    Workorders(WorkOrders),
    /// Make assets of devices, and keep their status
    #[command(subcommand)]
    Assets(Assets),
    /// Report production to the ERP
    #[command(subcommand)]
    Erp(Erp),
    /// Check, test and replay outbound webhooks
    #[command(subcommand)]
    Webhooks(Webhooks),
    /// What was asked for, and where it stands
    #[command(subcommand)]
    Outbox(OutboxCommand),
    /// Who did what, and whether the record is whole
    #[command(subcommand)]
    Audit(AuditCommand),
    /// What the next shift has to know: open alerts, orders, floods, what was done
    Handover(HandoverArgs),
    /// Write readings into the data lake
    #[command(subcommand)]
    Export(ExportCommand),
    /// The integrations of a profile, running without a person: rules, data lake, ERP, assets, webhooks, facility API
    ///
    /// Runs until TERM or INT whatever the configuration switches on, and prints `ready`, with the server's address where
    /// `[bridge]` says `listen`. What was begun when it ends is finished, or stays in the outbox.
    Bridge {
        /// Run each job that is due once, deliver what it asked for, and end
        #[arg(long)]
        once: bool,
    },
    /// Print a completion script
    Completions {
        /// For which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    ///
    /// It names a page for each command, such as nightdesk-alerts(1): those are written with --dir.
    Man {
        /// Write a page for each command into this folder instead, nightdesk-alerts.1 and so on, where `man` finds them
        /// if it is a man1 folder of its path
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
}

/// `nightdesk console`
#[derive(Args, Clone, Debug, Default)]
pub struct ConsoleArgs {
    /// Look only: no action is possible
    #[arg(long)]
    pub read_only: bool,
    /// One line an alert, announced as text: for screen readers and braille; lines are only ever added
    #[arg(long)]
    pub linear: bool,
    /// Clicks select and the wheel scrolls; the terminal's own selection then needs Shift
    #[arg(long)]
    pub mouse: bool,
    /// Plain ASCII glyphs
    #[arg(long)]
    pub ascii: bool,
    /// Theme: default, night, contrast, light, mono, solarized, or a file of the configuration's themes folder
    #[arg(long, value_name = "THEME")]
    pub theme: Option<String>,
    /// No colours, as with NO_COLOR
    #[arg(long, alias = "no-colour")]
    pub no_color: bool,
}

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

/// `nightdesk init`
///
/// What is not given is asked for where stdin is a terminal. Credentials never stand here: only where they come from.
#[derive(Args, Clone, Debug, Default)]
pub struct InitArgs {
    /// The plant's site id, for example BEDFORD; the profile is called the same in small letters unless --profile says otherwise
    #[arg(long, value_name = "SITE")]
    pub site: Option<String>,
    /// Your name as it stands in acknowledgements [default: the account's]
    #[arg(long, value_name = "NAME")]
    pub operator: Option<String>,
    /// Address of Maximo Monitor
    #[arg(long, value_name = "URL")]
    pub monitor_url: Option<String>,
    /// How to log in to Monitor
    #[arg(long, value_enum)]
    pub auth: Option<InitAuth>,
    /// Token endpoint, for oauth2
    #[arg(long, value_name = "URL")]
    pub token_url: Option<String>,
    /// Client id, for oauth2
    #[arg(long, value_name = "ID")]
    pub client_id: Option<String>,
    /// File with Monitor's key or client secret (mode 0600)
    #[arg(long, value_name = "FILE", group = "monitor_key")]
    pub monitor_key_file: Option<PathBuf>,
    /// Environment variable with it
    #[arg(long, value_name = "NAME", group = "monitor_key")]
    pub monitor_key_env: Option<String>,
    /// Program that prints it, with its arguments, split at spaces
    #[arg(long, value_name = "COMMAND", group = "monitor_key")]
    pub monitor_key_command: Option<String>,
    /// Address of Maximo Manage; without it there are no work orders
    #[arg(long, value_name = "URL")]
    pub manage_url: Option<String>,
    /// Do not ask for Manage
    #[arg(long, conflicts_with = "manage_url")]
    pub no_manage: bool,
    /// File with Manage's key (mode 0600)
    #[arg(long, value_name = "FILE", group = "manage_key")]
    pub manage_key_file: Option<PathBuf>,
    /// Environment variable with it
    #[arg(long, value_name = "NAME", group = "manage_key")]
    pub manage_key_env: Option<String>,
    /// Program that prints it, with its arguments, split at spaces
    #[arg(long, value_name = "COMMAND", group = "manage_key")]
    pub manage_key_command: Option<String>,
    /// Certificate authority of the servers (PEM), where the system does not know it
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Device types to watch [default: as the server lists them]
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub device_types: Vec<String>,
    /// Time zone of the plant [default: the system's]
    #[arg(long, value_name = "ZONE")]
    pub time_zone: Option<String>,
    /// When the keys were made, for the reminder of their rotation [default: today where a key is entered here]
    #[arg(long, value_name = "DATE")]
    pub key_created: Option<String>,
    /// Write the configuration even though a test fails
    #[arg(long)]
    pub keep: bool,
    /// Do not call the servers
    #[arg(long)]
    pub no_test: bool,
}

/// How to log in to Monitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum InitAuth {
    /// A key in each request
    ApiKey,
    /// Client credentials
    Oauth2,
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

/// Whether and how long a writing command waits for the servers.
#[derive(Args, Clone, Copy, Debug)]
pub struct WaitArgs {
    /// Wait until the server has confirmed it (this is so unless --no-wait is given)
    #[arg(long)]
    pub wait: bool,
    /// End as soon as it is safe in the outbox
    #[arg(long, conflicts_with = "wait")]
    pub no_wait: bool,
    /// How long to wait
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration, conflicts_with = "no_wait")]
    pub timeout: Duration,
}

impl WaitArgs {
    /// How long to wait; `None` not at all.
    pub fn limit(self) -> Option<Duration> {
        (!self.no_wait).then_some(self.timeout)
    }
}

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

/// `nightdesk handover`
#[derive(Args, Clone, Debug)]
pub struct HandoverArgs {
    /// From then on, as 2026-09-01T02:00:00Z, 22:00 or -8h [default: the beginning of the shift]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub since: Option<When>,
    /// How it is written
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<HandoverFormat>,
    /// Into this file instead of to stdout
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// How a handover is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum HandoverFormat {
    /// Markdown
    Md,
    /// Plain text
    Text,
    /// One table for a spreadsheet
    Csv,
    /// One document for programs
    Json,
}

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

fn duration(written: &str) -> Result<Duration, String> {
    crate::config::parse_duration(written)
}

#[cfg(test)]
mod tests;
