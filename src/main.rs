//! The binary: parse, call the library, turn the outcome into an exit code.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    ExitCode::from(nightdesk::command::run(nightdesk::cli::Cli::parse()).code())
}
