//! `nightdesk doctor`: looks at everything that a shift depends on, and says what to do.

mod servers;
mod surroundings;

use serde::Serialize;

use super::context::Context;
use super::output::{Form, Output};
use super::{Exit, Failure};
use crate::config::{Config, Locate};
use crate::domain::Listing;

pub(super) use servers::servers;

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    /// What was looked at.
    #[serde(rename = "check")]
    subject: String,
    /// How it is.
    status: Status,
    /// In one sentence, with what to do where it is not well.
    detail: String,
    #[serde(skip)]
    exit: Exit,
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    /// Well.
    Ok,
    /// Works, but somebody should look.
    Warn,
    /// Does not work.
    Fail,
}

impl Status {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// The checks so far.
#[derive(Debug, Default)]
pub(super) struct Checks(Vec<Check>);

impl Checks {
    /// The worst of the exit codes.
    pub(super) fn exit(&self) -> Exit {
        Exit::of_kinds(self.0.iter().map(|check| check.exit))
    }

    /// A line a check.
    pub(super) fn text(&self) -> String {
        text(&self.0)
    }

    fn add(&mut self, subject: impl Into<String>, status: Status, detail: impl Into<String>, exit: Exit) {
        self.0.push(Check {
            subject: subject.into(),
            status,
            detail: detail.into(),
            exit,
        });
    }

    fn ok(&mut self, subject: impl Into<String>, detail: impl Into<String>) {
        self.add(subject, Status::Ok, detail, Exit::Done);
    }

    fn warn(&mut self, subject: impl Into<String>, detail: impl Into<String>) {
        self.add(subject, Status::Warn, detail, Exit::Done);
    }

    fn fail(&mut self, subject: impl Into<String>, failure: &Failure) {
        for line in failure.message.lines() {
            self.add("", Status::Fail, line, failure.exit);
        }
        let subject = subject.into();
        for entry in self.0.iter_mut().filter(|entry| entry.subject.is_empty()) {
            entry.subject.clone_from(&subject);
        }
    }
}

pub(super) async fn run(locate: &Locate, out: Output) -> Result<(), Failure> {
    let mut checks = Checks::default();
    match Config::load(locate)
        .map_err(Failure::from)
        .and_then(|config| Context::new(config, out))
    {
        Ok(context) => {
            checks.ok(
                "configuration",
                format!("{}, profile {}", context.config.path.display(), context.profile.name),
            );
            surroundings::looks(&context.config, &mut checks);
            servers(&context, &mut checks).await;
            surroundings::bridge(&context, &mut checks);
            surroundings::store(&context.config, &mut checks).await;
            surroundings::kept(&context, &mut checks);
        }
        Err(failure) => checks.fail("configuration", &failure),
    }
    surroundings::terminal(&locate.env, &mut checks);
    let exit = checks.exit();
    let Checks(checks) = checks;
    if out.form == Form::Text {
        super::output::write_out(&text(&checks))?;
    } else {
        out.list(&Listing::whole(checks, jiff::Timestamp::now()), |checks| {
            use super::table::{Align, Table};
            let mut table = Table::new(&[("check", Align::Left), ("status", Align::Left), ("detail", Align::Left)]);
            for check in checks {
                table.row(vec![
                    check.subject.as_str().into(),
                    check.status.as_str().into(),
                    check.detail.as_str().into(),
                ]);
            }
            table
        })?;
    }
    Failure::unless_done(exit)
}

fn text(checks: &[Check]) -> String {
    let width = checks.iter().map(|check| check.subject.len()).max().unwrap_or(0);
    let lines: Vec<String> = checks
        .iter()
        .map(|check| format!("{:<4}  {:width$}  {}", check.status.as_str(), check.subject, check.detail))
        .collect();
    lines.join("\n") + "\n"
}
