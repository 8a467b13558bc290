//! How a command ends: one sentence and the exit code of `contract/cli.md`.

use std::fmt;

use crate::config::{ConfigError, CredentialError};
use crate::domain::DraftError;
use crate::domain::filter::FilterError;
use crate::maximo;
use crate::outbox::OutboxError;

/// The exit codes: the stable surface for scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// A bug.
    Bug = 1,
    /// The command line.
    Usage = 2,
    /// The configuration.
    Configuration = 3,
    /// A credential that cannot be had, or that a server refused.
    Credentials = 4,
    /// Server or network, after retries.
    Server = 5,
    /// TLS, or a refused insecure address.
    Tls = 6,
    /// The local store.
    Store = 7,
    /// Refused, or not found. What a server refused of an action is parked; where one object that was named does not take what
    /// was asked of it, nothing is.
    Refused = 8,
    /// Some of several failed.
    Partly = 9,
    /// Waited, and it is not delivered yet: safe in the outbox.
    NotYet = 10,
    /// Over, and not ours: somebody else was first, or it was taken back while we waited. Nothing is left to do.
    Overtaken = 11,
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// Of several things done in one command: all well, all not yet delivered, all overtaken, or some failed.
    pub fn of_several(each: &[Self]) -> Self {
        match each {
            [] => Self::Done,
            [only] => *only,
            [first, rest @ ..] if matches!(first, Self::Done | Self::NotYet | Self::Overtaken) && rest.iter().all(|exit| exit == first) => {
                *first
            }
            [..] => Self::Partly,
        }
    }

    /// Of several checks: one kind of failure keeps its code.
    pub fn of_kinds(each: impl IntoIterator<Item = Self>) -> Self {
        each.into_iter()
            .filter(|exit| *exit != Self::Done)
            .fold(Self::Done, |sum, exit| match sum {
                Self::Done => exit,
                same if same == exit => same,
                _ => Self::Partly,
            })
    }
}

/// Why a command did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// How it ends.
    pub exit: Exit,
    /// What stands on stderr: a sentence with the remedy, or a line each. Empty says nothing.
    pub message: String,
}

impl Failure {
    /// A failure of this kind.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
        }
    }

    /// The lines are written already, or nobody reads any more.
    pub fn silent(exit: Exit) -> Self {
        Self::new(exit, "")
    }

    /// Where `exit` is `Done` all is well, otherwise everything was said already.
    pub fn unless_done(exit: Exit) -> Result<(), Self> {
        if exit == Exit::Done { Ok(()) } else { Err(Self::silent(exit)) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let exit = if error.is_insecure() { Exit::Tls } else { Exit::Configuration };
        Self::new(exit, error.to_string())
    }
}

impl From<CredentialError> for Failure {
    fn from(error: CredentialError) -> Self {
        Self::new(Exit::Credentials, error.to_string())
    }
}

impl From<&maximo::Error> for Exit {
    fn from(error: &maximo::Error) -> Self {
        use maximo::ErrorKind;
        match error.kind() {
            ErrorKind::Insecure | ErrorKind::Tls => Self::Tls,
            ErrorKind::Configuration => Self::Configuration,
            ErrorKind::Credentials => Self::Credentials,
            ErrorKind::Refused { .. } if error.is_unasked() => Self::Usage,
            ErrorKind::NotFound | ErrorKind::Conflict | ErrorKind::Refused { .. } => Self::Refused,
            ErrorKind::Unreachable
            | ErrorKind::Resting
            | ErrorKind::Interrupted
            | ErrorKind::Server { .. }
            | ErrorKind::Throttled { .. }
            | ErrorKind::Malformed => Self::Server,
        }
    }
}

impl From<maximo::Error> for Failure {
    fn from(error: maximo::Error) -> Self {
        Self::new(Exit::from(&error), error.to_string())
    }
}

impl From<OutboxError> for Failure {
    fn from(error: OutboxError) -> Self {
        let exit = match error {
            // the row is named on the command line
            OutboxError::NotFound(_) | OutboxError::State { .. } => Exit::Refused,
            _ => Exit::Store,
        };
        Self::new(exit, error.to_string())
    }
}

impl From<DraftError> for Failure {
    fn from(error: DraftError) -> Self {
        Self::new(Exit::Usage, error.to_string())
    }
}

impl Failure {
    /// A filter that cannot be read, with a mark under the place.
    pub fn filter(text: &str, error: &FilterError) -> Self {
        let text: String = text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect();
        let before = text.chars().take(error.at).collect::<String>();
        let indent = unicode_width::UnicodeWidthStr::width(before.as_str());
        Self::new(Exit::Usage, format!("{}\n  {text}\n  {:indent$}^", error.message, ""))
    }
}

impl From<std::io::Error> for Failure {
    /// Writing to stdout: a reader that went away is no failure.
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            Self::silent(Exit::Done)
        } else {
            Self::new(Exit::Store, format!("the output cannot be written: {error}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_the_contracts() {
        let all = [
            Exit::Done,
            Exit::Bug,
            Exit::Usage,
            Exit::Configuration,
            Exit::Credentials,
            Exit::Server,
            Exit::Tls,
            Exit::Store,
            Exit::Refused,
            Exit::Partly,
            Exit::NotYet,
            Exit::Overtaken,
        ];
        for (code, exit) in (0_u8..).zip(all) {
            assert_eq!(exit.code(), code);
        }
    }

    #[test]
    fn several_end_as_one() {
        use Exit::{Done, NotYet, Overtaken, Partly, Refused};
        for (each, expected) in [
            (&[][..], Done),
            (&[Refused], Refused),
            (&[NotYet], NotYet),
            (&[Done, Done], Done),
            (&[NotYet, NotYet], NotYet),
            (&[Overtaken, Overtaken], Overtaken),
            (&[Done, Overtaken], Partly),
            (&[Done, Refused], Partly),
            (&[Refused, Refused], Partly),
            (&[Done, NotYet], Partly),
        ] {
            assert_eq!(Exit::of_several(each), expected, "{each:?}");
        }
        assert_eq!(Exit::of_kinds([Done, Exit::Server, Exit::Server]), Exit::Server);
        assert_eq!(Exit::of_kinds([Exit::Credentials, Exit::Server]), Partly);
    }

    #[test]
    fn a_wrong_filter_is_marked_under_the_character() {
        let text = "sev:high (state:new";
        let error = crate::domain::filter::Filter::parse(text).unwrap_err();
        let failure = Failure::filter(text, &error);
        assert_eq!(failure.exit, Exit::Usage);
        let lines: Vec<&str> = failure.message.lines().collect();
        assert_eq!(lines[1], format!("  {text}"));
        assert_eq!(lines[2].len(), 2 + error.at + 1);
    }
}
