//! The binary: parse, call the library, turn the outcome into an exit code.

use std::process::ExitCode;

use clap::Parser as _;
use nightdesk::cli::Cli;
use nightdesk::command;

fn main() -> ExitCode {
    ExitCode::from(command::run(Cli::parse()).code())
}
