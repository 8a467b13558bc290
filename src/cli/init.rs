//! `nightdesk init`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

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
