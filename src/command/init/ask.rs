//! Questions to a person at a terminal; where nobody sits, the flags have to say it.

use std::io::{BufRead as _, Write as _};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::SecretString;

use super::super::{Exit, Failure};

/// Longest answer, in bytes: a pasted document is no answer.
const ANSWER_MOST: usize = 4_096;
/// Wrong answers to one question before it is given up.
const TRIES: usize = 5;

/// Somebody to ask.
pub(super) trait Ask {
    /// One line; the default where it is empty. `flag` is what answers it without a person.
    fn line(&mut self, question: &str, default: Option<&str>, flag: &str) -> Result<String, Failure>;
    /// One line that is not shown; `None` where it is left empty, and where nobody sits.
    fn secret(&mut self, question: &str) -> Result<Option<SecretString>, Failure>;
    /// Yes or no; no where nobody sits.
    fn confirm(&mut self, question: &str) -> Result<bool, Failure>;
    /// Why an answer does not do. Gives up where it cannot be asked again.
    fn wrong(&mut self, why: &str) -> Result<(), Failure>;
    /// Whether there is somebody: what has a usual answer is not asked otherwise.
    fn is_there(&self) -> bool;
}

/// Nobody: each question that is left is a flag that is missing.
#[derive(Debug)]
pub(super) struct Script;

impl Ask for Script {
    fn line(&mut self, question: &str, default: Option<&str>, flag: &str) -> Result<String, Failure> {
        default.map(str::to_owned).ok_or_else(|| {
            Failure::new(
                Exit::Usage,
                format!("{flag} is missing ({question}): stdin is no terminal, so nobody can be asked"),
            )
        })
    }

    fn secret(&mut self, _: &str) -> Result<Option<SecretString>, Failure> {
        Ok(None)
    }

    fn confirm(&mut self, _: &str) -> Result<bool, Failure> {
        Ok(false)
    }

    fn wrong(&mut self, why: &str) -> Result<(), Failure> {
        Err(Failure::new(Exit::Usage, why.to_owned()))
    }

    fn is_there(&self) -> bool {
        false
    }
}

/// The person at the terminal. Questions go to stderr: stdout is for data.
#[derive(Debug)]
pub(super) struct Person {
    wrong: usize,
}

impl Person {
    pub(super) fn new() -> Self {
        Self { wrong: 0 }
    }

    fn put(text: &str) {
        let mut stderr = std::io::stderr().lock();
        let _ = write!(stderr, "{text}").and_then(|()| stderr.flush()); // nobody reads: the answer will be missing
    }

    fn read() -> Result<String, Failure> {
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line);
        match read {
            Ok(0) => Err(Failure::new(Exit::Usage, "the questions were left: nothing was written")),
            Ok(_) if line.len() > ANSWER_MOST => Err(Failure::new(Exit::Usage, format!("an answer has at most {ANSWER_MOST} bytes"))),
            Ok(_) => Ok(line.trim().to_owned()),
            Err(error) => Err(Failure::new(Exit::Usage, format!("the answer cannot be read: {error}"))),
        }
    }
}

impl Ask for Person {
    fn line(&mut self, question: &str, default: Option<&str>, _: &str) -> Result<String, Failure> {
        for _ in 0..TRIES {
            let shown = default.map_or_else(String::new, |default| format!(" [{default}]"));
            Self::put(&format!("{question}{shown}: "));
            let answer = Self::read()?;
            if !answer.is_empty() {
                return Ok(answer);
            }
            if let Some(default) = default {
                return Ok(default.to_owned());
            }
            Self::put("an answer is needed\n");
        }
        Err(Failure::new(Exit::Usage, "no answer: nothing was written"))
    }

    fn secret(&mut self, question: &str) -> Result<Option<SecretString>, Failure> {
        Self::put(&format!("{question} (it is not shown): "));
        let silent = Silent::begin();
        let answer = Self::read();
        drop(silent);
        Self::put("\n");
        let answer = answer?;
        Ok((!answer.is_empty()).then(|| SecretString::from(answer)))
    }

    fn confirm(&mut self, question: &str) -> Result<bool, Failure> {
        Self::put(&format!("{question} [y/N]: "));
        Ok(matches!(Self::read()?.to_lowercase().as_str(), "y" | "yes"))
    }

    fn wrong(&mut self, why: &str) -> Result<(), Failure> {
        self.wrong += 1;
        if self.wrong > TRIES * 2 {
            return Err(Failure::new(Exit::Usage, why.to_owned()));
        }
        Self::put(&format!("{why}\n"));
        Ok(())
    }

    fn is_there(&self) -> bool {
        true
    }
}

/// The terminal without echo, until it is dropped.
struct Silent(Option<Termios>);

impl Silent {
    fn begin() -> Self {
        let stdin = std::io::stdin();
        let Ok(before) = tcgetattr(&stdin) else { return Self(None) };
        let mut silent = before.clone();
        silent.local_modes -= LocalModes::ECHO;
        let set = tcsetattr(&stdin, OptionalActions::Flush, &silent);
        Self(set.is_ok().then_some(before))
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, before); // the terminal is gone: nothing to restore
        }
    }
}
