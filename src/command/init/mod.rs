//! `nightdesk init`: asks, tests each server and permission, writes a commented configuration without secrets.

mod answers;
mod ask;
mod text;

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};

use super::context::Context;
use super::doctor::{self, Checks};
use super::output::{Output, write_out};
use super::{Exit, Failure};
use crate::cli::InitArgs;
use crate::config::{Config, Locate};
use ask::{Ask, Person, Script};

/// Asks, tests, writes.
pub(super) async fn run(locate: &Locate, out: Output, arguments: Box<InitArgs>) -> Result<(), Failure> {
    use std::io::IsTerminal as _;
    let (path, dirs) = locate.dirs()?;
    // before a single question: nobody likes to answer ten for nothing
    if std::fs::symlink_metadata(&path).is_ok() {
        return Err(exists(&path));
    }
    let mut person: Box<dyn Ask> = if std::io::stdin().is_terminal() {
        Box::new(Person::new())
    } else {
        Box::new(Script)
    };
    let asked = answers::gather(&arguments, locate, &dirs.config, person.as_mut())?;
    let text = text::written(&asked);
    // It is read as the console will read it: a mistake in an answer is found here, with its line.
    let config = Config::parse(&text, &path, dirs.clone(), &locate.env)?;
    let mut written = Written::default();
    private_folder(&dirs.config)?;
    for (name, secret) in &asked.secrets {
        written.file(&dirs.config.join(name), secret.expose_secret())?;
    }
    if !arguments.no_test {
        let checks = test(config, out).await?;
        out.note(checks.text().trim_end());
        let exit = checks.exit();
        if exit != Exit::Done && !arguments.keep && !person.confirm("Something does not work yet. Write the configuration all the same?")? {
            let authority = if exit == Exit::Tls && arguments.ca_file.is_none() {
                "the plant's own authority is named with --ca-file FILE; "
            } else {
                ""
            };
            return Err(Failure::new(
                exit,
                format!(
                    "{authority}nothing was written: put it right and run `nightdesk init` again, or write it all the same with --keep"
                ),
            ));
        }
    }
    written.file(&path, &text)?;
    written.stays();
    write_out(&format!("{}\n", path.display()))?;
    for (name, _) in &asked.secrets {
        out.note(&format!(
            "the key stands in {} for you alone (mode 0600)",
            dirs.config.join(name).display()
        ));
    }
    out.note("`nightdesk doctor` checks all of it again; `nightdesk` opens the console");
    Ok(())
}

fn exists(path: &Path) -> Failure {
    Failure::new(
        Exit::Configuration,
        format!(
            "{} exists and is never overwritten: edit it, move it away, or name another with --config FILE",
            path.display()
        ),
    )
}

/// Calls the servers once, with the credentials where they now are. What it records goes where the console's calls go.
async fn test(config: Config, out: Output) -> Result<Checks, Failure> {
    let context = Context::new(config, out)?;
    let mut checks = Checks::default();
    doctor::servers(&context, &mut checks).await;
    Ok(checks)
}

fn private_folder(folder: &Path) -> Result<(), Failure> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| unwritable(folder, &error))
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Exit::Configuration, format!("{}: cannot be written: {error}", path.display()))
}

/// The files of this run: gone again unless all of it came to a good end.
#[derive(Debug, Default)]
struct Written(Vec<PathBuf>);

impl Written {
    /// Writes a new file that only its owner may read; one that is there is never overwritten.
    fn file(&mut self, path: &Path, text: &str) -> Result<(), Failure> {
        let open = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let mut file = match open {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Err(exists(path)),
            Err(error) => return Err(unwritable(path, &error)),
        };
        self.0.push(path.to_owned());
        let line_end = if text.ends_with('\n') { "" } else { "\n" };
        file.write_all(format!("{text}{line_end}").as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(|error| unwritable(path, &error))
    }

    fn stays(mut self) {
        self.0.clear();
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        for path in &self.0 {
            let _ = std::fs::remove_file(path); // ours, of this run: what stays is named by the next run
        }
    }
}

/// A secret that a person entered, and the file that it goes into.
type Secret = (String, SecretString);

#[cfg(test)]
mod tests;
