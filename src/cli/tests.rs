use clap::{CommandFactory as _, error::ErrorKind};

use super::*;

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(line.split(' '))
}

#[test]
fn the_definition_holds_together() {
    Cli::command().debug_assert();
}

#[test]
fn the_contracts_lines_are_understood() {
    for line in [
        "nightdesk",
        "nightdesk console --profile p --read-only --ascii --theme night --no-color",
        "nightdesk demo --scenario flood --seed 7 --devices 5000 --alerts 20",
        "nightdesk simulate --dir d --port 0 --scenario drill --seed 7 --devices 5000 --alerts 20 --faults f.toml",
        "nightdesk doctor --json",
        "nightdesk alerts list",
        "nightdesk alerts list sev>=high state:new --json",
        "nightdesk alerts list --json -- -is:stale",
        "nightdesk alerts show alert-1 --config c.toml --state-dir s",
        "nightdesk alerts ack a b --note seen --no-wait",
        "nightdesk alerts ack - --wait",
        "nightdesk alerts ack --filter sev:low",
        "nightdesk alerts resolve a --resolution r --root-cause c --preventive-action p",
        "nightdesk devices list --type T --status online --location L --csv",
        "nightdesk devices show PUMP-1 --type T",
        "nightdesk devices create PUMP-9 --type T --location L rack=3",
        "nightdesk devices set PUMP-1 a=b c:=1",
        "nightdesk readings PUMP-1 --type T --metrics a,b --start -8h --end 22:00 --aggregation avg --granularity 1h",
        "nightdesk readings latest --type T --metrics a,b",
        "nightdesk workorders list --asset A --open",
        "nightdesk workorders create --alert a --priority 1 --allow-duplicate --no-wait",
        "nightdesk outbox list --state in_doubt",
        "nightdesk outbox drain --timeout 60s",
        "nightdesk outbox retry 3",
        "nightdesk outbox cancel 3",
        "nightdesk audit show --since 22:00",
        "nightdesk audit verify",
        "nightdesk completions bash",
        "nightdesk man",
        "nightdesk -vv --json alerts list",
    ] {
        if let Err(error) = parse(line) {
            panic!("{line}: {error}");
        }
    }
}

#[test]
fn what_is_wrong_is_a_matter_of_usage() {
    for (line, kind) in [
        ("nightdesk alert list", ErrorKind::InvalidSubcommand),
        ("nightdesk alerts", ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand),
        ("nightdesk alerts ack", ErrorKind::MissingRequiredArgument),
        ("nightdesk alerts ack a --filter x", ErrorKind::ArgumentConflict),
        ("nightdesk alerts ack a --wait --no-wait", ErrorKind::ArgumentConflict),
        ("nightdesk alerts resolve a --resolution r", ErrorKind::MissingRequiredArgument),
        ("nightdesk alerts list --json --csv", ErrorKind::ArgumentConflict),
        ("nightdesk readings", ErrorKind::MissingRequiredArgument),
        ("nightdesk readings P --start soon", ErrorKind::ValueValidation),
        ("nightdesk readings P --granularity 1h", ErrorKind::MissingRequiredArgument),
        ("nightdesk workorders create --alert a --priority 1000", ErrorKind::ValueValidation),
        ("nightdesk outbox drain --timeout soon", ErrorKind::ValueValidation),
        ("nightdesk outbox list --state lost", ErrorKind::InvalidValue),
        ("nightdesk devices set PUMP-1", ErrorKind::MissingRequiredArgument),
        ("nightdesk devices set PUMP-1 x", ErrorKind::ValueValidation),
        ("nightdesk hand-over", ErrorKind::InvalidSubcommand),
    ] {
        let error = parse(line).unwrap_err();
        assert_eq!((error.kind(), error.exit_code()), (kind, 2), "{line}: {error}");
    }
}

#[test]
fn a_filter_is_words_and_flags_stay_flags() {
    let cli = parse("nightdesk alerts list sev>=high age>1h --json").unwrap();
    let Some(Command::Alerts(Alerts::List { filter, .. })) = cli.command else {
        panic!("{:?}", cli.command)
    };
    assert_eq!(filter, ["sev>=high", "age>1h"]);
    assert!(cli.global.json);
}

#[test]
fn writing_commands_wait_half_a_minute_unless_told() {
    let wait = |line: &str| match parse(line).unwrap().command {
        Some(Command::Alerts(Alerts::Ack { wait, .. })) => wait.limit(),
        other => panic!("{other:?}"),
    };
    assert_eq!(wait("nightdesk alerts ack a"), Some(Duration::from_secs(30)));
    assert_eq!(wait("nightdesk alerts ack a --timeout 5s"), Some(Duration::from_secs(5)));
    assert_eq!(wait("nightdesk alerts ack a --no-wait"), None);
}
