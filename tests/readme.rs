//! What the README says of keys and commands is what the program does.

use clap::CommandFactory as _;

const README: &str = include_str!("../README.md");

#[test]
fn the_key_table_is_the_action_table() {
    let table = nightdesk::model::markdown();
    assert!(
        README.contains(&table),
        "the README's key table differs from the action table, which is now:\n\n{table}"
    );
}

#[test]
fn every_command_that_the_readme_names_exists() {
    let program = nightdesk::cli::Cli::command();
    let mut named = 0;
    // what stands between two fences: every second part
    let code = README.split("```").skip(1).step_by(2).flat_map(str::lines);
    for line in code.map(str::trim).filter(|line| line.starts_with("nightdesk ")) {
        let words = line
            .split_whitespace()
            .skip(1)
            .take_while(|word| !word.starts_with(['-', '#', '\'', '"', '$', '/']));
        let mut command = &program;
        for word in words {
            match command.find_subcommand(word) {
                Some(found) => (command, named) = (found, named + 1),
                None => {
                    let takes_values = command.get_positionals().next().is_some();
                    assert!(takes_values, "`{line}`: there is no `{word}`");
                    break;
                }
            }
        }
    }
    assert!(named > 15, "the README's commands were not found");
}
