//! `nightdesk handover`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::When;

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
