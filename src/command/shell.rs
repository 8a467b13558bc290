//! `nightdesk completions` and `nightdesk man`, both made from the command line's own definition.

use std::path::Path;

use clap::CommandFactory as _;

use super::output::write_out;
use super::{Exit, Failure};
use crate::cli::Cli;

pub(super) fn completions(shell: clap_complete::Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "nightdesk", &mut script);
    write_out(&String::from_utf8_lossy(&script))
}

/// The page names those of the commands, which a reader of this one alone does not have.
const SEE_ALSO: &[u8] = b".SH \"SEE ALSO\"
The pages of the commands, such as \\fBnightdesk\\-alerts\\fR(1), are written by \\fBnightdesk man \\-\\-dir\\fR \\fIDIR\\fR; \
\\fBnightdesk\\fR \\fICOMMAND\\fR \\fB\\-\\-help\\fR says the same.
";

pub(super) fn man(dir: Option<&Path>) -> Result<(), Failure> {
    match dir {
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page)?;
            page.extend_from_slice(SEE_ALSO);
            write_out(&String::from_utf8_lossy(&page))
        }
        Some(dir) => std::fs::create_dir_all(dir)
            .and_then(|()| clap_mangen::generate_to(Cli::command(), dir))
            .map_err(|error| Failure::new(Exit::Usage, format!("{}: cannot be written: {error}", dir.display()))),
    }
}
