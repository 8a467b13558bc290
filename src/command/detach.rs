//! Away from the terminal that started us.

use std::process::Command;

use super::{Exit, Failure};

/// Makes this process a session of its own, so that no terminal's end reaches it. The leader of a process group cannot;
/// it starts itself once more and ends. Whether this process goes on.
pub(super) fn detach() -> Result<bool, Failure> {
    if rustix::process::setsid().is_ok() {
        return Ok(true);
    }
    let again = std::env::current_exe().and_then(|program| Command::new(program).args(std::env::args_os().skip(1)).spawn());
    match again {
        Ok(_) => Ok(false),
        Err(error) => Err(Failure::new(Exit::Bug, format!("cannot leave the terminal: {error}"))),
    }
}
