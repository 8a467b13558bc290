//! The command line's types: what `contract/cli.md` promises, as far as it works. No logic.

mod alerts;
mod assignment;
mod devices;
mod export;
mod flow;
mod handover;
mod init;
mod outbox;
mod plant;
mod readings;
mod when;
mod workorders;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

pub use alerts::Alerts;
pub use assignment::{Assignment, AssignmentError};
pub use devices::Devices;
pub use export::{ExportCommand, LakeArgs, Layout};
pub use flow::{Assets, DeliveriesArgs, Erp, Webhooks};
pub use handover::{HandoverArgs, HandoverFormat};
pub use init::{InitArgs, InitAuth};
pub use outbox::{AuditCommand, OutboxCommand, State};
pub use plant::{DemoArgs, PlantArgs, Scenario, SimulateArgs};
pub use readings::{Aggregation, Latest, ReadingsArgs, SeriesArgs};
pub use when::{When, WhenError};
pub use workorders::WorkOrders;

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

fn duration(written: &str) -> Result<Duration, String> {
    crate::config::parse_duration(written)
}

#[cfg(test)]
mod tests;
