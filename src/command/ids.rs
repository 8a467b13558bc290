//! Ids from the command line, or from stdin where it says `-`.

use std::io::Read as _;

use super::{Exit, Failure};

/// Most bytes that are read from stdin: fifty thousand ids, the outbox's own limit, are well below.
const STDIN_MAX_BYTES: u64 = 16 * 1024 * 1024;
/// Longest id.
const ID_MAX_CHARS: usize = 256;

/// The ids, each once, in their order.
pub(super) fn read(given: &[String]) -> Result<Vec<String>, Failure> {
    let mut from_stdin = String::new();
    if given.iter().any(|id| id == "-") {
        std::io::stdin()
            .lock()
            .take(STDIN_MAX_BYTES)
            .read_to_string(&mut from_stdin)
            .map_err(|error| Failure::new(Exit::Usage, format!("ids cannot be read from stdin: {error}")))?;
    }
    collect(given, &from_stdin)
}

fn collect(given: &[String], stdin: &str) -> Result<Vec<String>, Failure> {
    let mut ids = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for given in given {
        let lines: Vec<&str> = if given == "-" {
            stdin.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
        } else {
            vec![given]
        };
        for id in lines {
            check(id)?;
            if seen.insert(id.to_owned()) {
                ids.push(id.to_owned());
            }
        }
    }
    if ids.is_empty() {
        return Err(Failure::new(Exit::Usage, "stdin held no id; write one a line"));
    }
    Ok(ids)
}

/// Checks one id.
pub(super) fn check(id: &str) -> Result<(), Failure> {
    if id.is_empty() || id.chars().count() > ID_MAX_CHARS || id.chars().any(char::is_control) {
        return Err(Failure::new(
            Exit::Usage,
            format!("{id:.60?} is no id; an id has 1 to {ID_MAX_CHARS} characters and no control characters"),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(given: &[&str], stdin: &str) -> Result<Vec<String>, Exit> {
        let given: Vec<String> = given.iter().map(|&id| id.to_owned()).collect();
        collect(&given, stdin).map_err(|failure| failure.exit)
    }

    #[test]
    fn each_once_in_order_and_stdin_by_line() {
        assert_eq!(ids(&["b", "a", "b"], ""), Ok(vec!["b".into(), "a".into()]));
        assert_eq!(ids(&["x", "-"], "a\r\n\n  b \nx\n"), Ok(vec!["x".into(), "a".into(), "b".into()]));
    }

    #[test]
    fn what_cannot_be_an_id_is_a_matter_of_usage() {
        assert_eq!(ids(&["-"], "\n\n"), Err(Exit::Usage));
        assert_eq!(ids(&[""], ""), Err(Exit::Usage));
        assert_eq!(ids(&["a\u{1b}[2J"], ""), Err(Exit::Usage));
        assert_eq!(ids(&[&"x".repeat(257)], ""), Err(Exit::Usage));
    }
}
