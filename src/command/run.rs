//! From the command line to an exit code.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::context::Context;
use super::detach::detach;
use super::output::Output;
use super::{
    Exit, Failure, alerts, assets, audit, bridge, console, demo, devices, doctor, erp, export, handover, init, outbox, readings, shell,
    simulate, webhooks, workorders,
};
use crate::cli::{self, Cli, Command, ConsoleArgs, Global, OutboxCommand, PlantArgs, SimulateArgs};
use crate::config::{Config, Env, Locate};
use crate::simulator::{Scenario, SimulateError, SimulatorConfig};
use crate::tui;

/// Carries a command out and says on stderr why it failed, if it did. Never panics.
pub fn run(cli: Cli) -> Exit {
    let out = Output::new(&cli.global);
    let result = catch_unwind(AssertUnwindSafe(|| dispatch(cli, out)))
        // the panic's own words stand on stderr already
        .unwrap_or_else(|_| {
            Err(Failure::new(
                Exit::Bug,
                "this is a bug in nightdesk; please report it with the lines above",
            ))
        });
    match result {
        Ok(()) => Exit::Done,
        Err(failure) => {
            if !failure.message.is_empty() {
                out.note(&prefixed(&failure.message));
            }
            failure.exit
        }
    }
}

/// `nightdesk: ` before the message; where it has a line a problem, the lines stand below.
fn prefixed(message: &str) -> String {
    let first_is_whole = message.lines().nth(1).is_none_or(|second| second.starts_with(' '));
    if first_is_whole {
        format!("nightdesk: {message}")
    } else {
        format!("nightdesk: {} problems\n{message}", message.lines().count())
    }
}

/// Where configuration and state are, by flags and environment.
pub fn locate(global: &Global) -> Locate {
    Locate::new(
        global.config.clone(),
        global.profile.clone(),
        global.state_dir.clone(),
        Env::process(),
    )
}

fn dispatch(cli: Cli, out: Output) -> Result<(), Failure> {
    let Cli { global, command } = cli;
    no_core_dumps();
    let command = command.unwrap_or_else(|| Command::Console(ConsoleArgs::default()));
    if matches!(command, Command::Console(_) | Command::Demo(_)) {
        tui::install_panic_report();
    } else {
        // a service's log is its only voice
        let more = u8::from(matches!(command, Command::Bridge { once: false }));
        log_to_stderr(global.verbose.saturating_add(more));
    }
    let locate = locate(&global);
    let context = || Context::new(Config::load(&locate)?, out);
    match command {
        Command::Completions { shell } => shell::completions(shell),
        Command::Man { dir } => shell::man(dir.as_deref()),
        Command::Init(arguments) => block_on(init::run(&locate, out, arguments)),
        Command::Doctor => block_on(doctor::run(&locate, out)),
        Command::Alerts(command) => block_on(alerts::run(context()?, command)),
        Command::Devices(command) => block_on(devices::run(context()?, command)),
        Command::Readings(command) => block_on(readings::run(context()?, command)),
        Command::Workorders(command) => block_on(workorders::run(context()?, command)),
        Command::Assets(command) => block_on(assets::run(context()?, command)),
        Command::Erp(command) => block_on(erp::run(context()?, command)),
        Command::Webhooks(command) => match webhooks::without_profile(&command, out) {
            Some(done) => done,
            None => block_on(webhooks::run(context()?, command)),
        },
        Command::Outbox(OutboxCommand::Drain { detach: true, .. }) if !detach()? => Ok(()),
        Command::Outbox(command) => block_on(outbox::run(context()?, command)),
        Command::Handover(arguments) => block_on(handover::run(context()?, arguments)),
        Command::Audit(command) => block_on(audit::run(context()?, command)),
        Command::Export(command) => block_on(export::run(context()?, command)),
        Command::Bridge { once } => block_on(bridge::run(Config::load(&locate)?, out, once)),
        Command::Simulate(arguments) => block_on(simulate(arguments)),
        Command::Console(arguments) => block_on(console::run(&locate, &arguments)),
        Command::Demo(arguments) => demo::run(arguments),
    }
}

async fn simulate(arguments: SimulateArgs) -> Result<(), Failure> {
    let SimulateArgs {
        dir,
        port,
        plant: of,
        faults,
        technicians,
    } = arguments;
    let SimulatorConfig {
        scenario,
        seed,
        devices,
        alerts,
        allow_takeover,
        ..
    } = plant(&of);
    let options = simulate::SimulateOptions {
        dir,
        port,
        scenario,
        seed,
        devices,
        alerts,
        allow_takeover,
        faults,
        technicians,
    };
    simulate::run(options, &mut std::io::stdout()).await.map_err(simulated)
}

/// The simulated plant that the command line asks for.
pub(super) fn plant(arguments: &PlantArgs) -> SimulatorConfig {
    SimulatorConfig {
        scenario: match arguments.scenario {
            cli::Scenario::Night => Scenario::Night,
            cli::Scenario::Quiet => Scenario::Quiet,
            cli::Scenario::Flood => Scenario::Flood,
            cli::Scenario::Drill => Scenario::Drill,
        },
        seed: arguments.seed,
        devices: arguments.devices,
        alerts: arguments.alerts.map(|count| count as usize),
        allow_takeover: !arguments.no_takeover,
        ..SimulatorConfig::default()
    }
}

/// Why the simulator could not run.
#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
pub(super) fn simulated(error: SimulateError) -> Failure {
    let exit = match error {
        SimulateError::Listen { .. }
        | SimulateError::Technicians(_)
        | SimulateError::Back { .. }
        | SimulateError::Another { .. }
        | SimulateError::Devices(_)
        | SimulateError::Alerts(_) => Exit::Usage,
        SimulateError::Faults(_) => Exit::Configuration,
        SimulateError::Write { .. } | SimulateError::InUse(_) | SimulateError::Kept { .. } => Exit::Store,
        SimulateError::Certificate(_) | SimulateError::Signal(_) => Exit::Bug,
    };
    Failure::new(exit, error.to_string())
}

/// Runs a headless command to its end. What is left on threads ends with the process.
fn block_on(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    block_on_and_wait(command, Duration::ZERO)
}

/// Runs a command to its end, and waits so long for what still goes on on threads of its own, such as writing a file.
pub(super) fn block_on_and_wait(command: impl Future<Output = Result<(), Failure>>, wait: Duration) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2) // calls wait for servers, not for a processor
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Bug, format!("the runtime cannot start: {error}")))?;
    let result = runtime.block_on(command);
    runtime.shutdown_timeout(wait);
    result
}

/// Headless commands log to stderr; the console has a file of its own.
fn log_to_stderr(verbose: u8) {
    let level = match verbose {
        0 => tracing::Level::ERROR,
        1 => tracing::Level::INFO,
        _ => tracing::Level::DEBUG,
    };
    // whoever set a subscriber before (a test) keeps it
    let _ = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(false)
        .with_writer(std::io::stderr)
        .try_init();
}

/// A core dump would hold the credentials.
fn no_core_dumps() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let none = Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        let _ = setrlimit(Resource::Core, none); // a sandbox may forbid it: then it is as it was
    }
    // a core that is piped to a collector knows no limit
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_problem_stands_beside_the_name_and_several_below() {
        assert_eq!(prefixed("a"), "nightdesk: a");
        assert_eq!(prefixed("a\n  sev:x\n  ^"), "nightdesk: a\n  sev:x\n  ^");
        assert_eq!(prefixed("f:1: a\nf:2: b"), "nightdesk: 2 problems\nf:1: a\nf:2: b");
    }

    #[test]
    fn the_plant_lets_alerts_be_taken_over_unless_it_is_told_not_to() {
        use clap::Parser as _;
        for (line, allowed) in [
            ("nightdesk demo", true),
            ("nightdesk demo --no-takeover", false),
            ("nightdesk simulate --dir d", true),
            ("nightdesk simulate --dir d --no-takeover", false),
        ] {
            let of = match Cli::try_parse_from(line.split(' ')).unwrap().command {
                Some(Command::Demo(arguments)) => arguments.plant,
                Some(Command::Simulate(arguments)) => arguments.plant,
                other => panic!("{other:?}"),
            };
            assert_eq!(plant(&of).allow_takeover, allowed, "{line}");
        }
    }
}
