//! `nightdesk doctor`: looks at everything that a shift depends on, and says what to do.

use jiff::Zoned;
use serde::Serialize;

use super::context::Context;
use super::output::{Form, Output};
use super::session::{manage_client, monitor_endpoint, open_outbox, telemetry};
use super::{Exit, Failure};
use crate::config::theme::{Depth, ThemeSet};
use crate::config::{Config, Env, KeyAge, Locate};
use crate::domain::{AlertState, Listing};
use crate::maximo::{self, AlertQuery, MonitorClient, Telemetry};

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Check {
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
enum Status {
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
#[derive(Default)]
struct Checks(Vec<Check>);

impl Checks {
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
            with_configuration(&context, &mut checks).await;
        }
        Err(failure) => checks.fail("configuration", &failure),
    }
    terminal(&locate.env, &mut checks);
    let Checks(checks) = checks;
    let exit = Exit::of_kinds(checks.iter().map(|check| check.exit));
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

async fn with_configuration(context: &Context, checks: &mut Checks) {
    let (config, profile) = (&context.config, &context.profile);
    theme(config, checks);
    // the calls are recorded where the state folder can be written; that it cannot is said below
    let telemetry = telemetry(config).unwrap_or_else(|_| Telemetry::new(maximo::Caller::default()));
    age(checks, "Monitor key", profile.monitor.key_created, context);
    match monitor_endpoint(&profile.monitor, &config.env).await {
        Err(failure) => checks.fail("Monitor credential", &failure),
        Ok(endpoint) => {
            checks.ok(
                "Monitor credential",
                format!("read ({})", profile.monitor.auth.credential().label()),
            );
            match MonitorClient::new(endpoint, telemetry.clone()) {
                Err(error) => checks.fail("Monitor", &error.into()),
                Ok(monitor) => {
                    let query = AlertQuery {
                        states: vec![AlertState::New],
                        ..AlertQuery::default()
                    };
                    let result = monitor.interactive().alerts(&query).await;
                    let result = result.map(|listing| match listing.skipped {
                        0 => None,
                        skipped => Some(format!("{skipped} alerts do not fit the contract and are left out")),
                    });
                    server(checks, "Monitor", profile.monitor.url.as_str(), "alerts can be read", result);
                }
            }
        }
    }
    match &profile.manage {
        None => checks.warn(
            "Manage",
            format!(
                "not configured: no work orders; add [profiles.{}.manage] to have them",
                profile.name
            ),
        ),
        Some(manage) => {
            age(checks, "Manage key", manage.key_created, context);
            match manage_client(manage, &config.env, &telemetry).await {
                Err(failure) => checks.fail("Manage credential", &failure),
                Ok(client) => {
                    checks.ok("Manage credential", format!("read ({})", manage.key.label()));
                    // an asset that nobody has: the answer is short, and it says whether the key may ask
                    let result = client
                        .interactive()
                        .open_orders("NIGHTDESK-DOCTOR", &profile.work_order.siteid)
                        .await;
                    server(
                        checks,
                        "Manage",
                        manage.url.as_str(),
                        "work orders can be read",
                        result.map(|_| None),
                    );
                }
            }
        }
    }
    store(config, checks).await;
}

/// Reachability and permission, from one call.
fn server(checks: &mut Checks, name: &str, url: &str, may: &str, result: Result<Option<String>, maximo::Error>) {
    let (reached, permission) = (format!("{name} reachable"), format!("{name} permission"));
    match result {
        Ok(remark) => {
            checks.ok(reached, url);
            match remark {
                None => checks.ok(permission, may),
                Some(remark) => checks.warn(permission, remark),
            }
        }
        Err(error) => match Exit::from(&error) {
            Exit::Credentials | Exit::Refused => {
                checks.ok(reached, url);
                checks.fail(permission, &error.into());
            }
            Exit::Tls => checks.fail(format!("{name} TLS"), &error.into()),
            _ => checks.fail(reached, &error.into()),
        },
    }
}

fn age(checks: &mut Checks, name: &str, created: Option<jiff::civil::Date>, context: &Context) {
    let today = Zoned::new(context.now, context.profile.time_zone.clone()).date();
    match created {
        None => checks.warn(name, "its age is not known: set key_created to be reminded of the rotation"),
        Some(created) => match KeyAge::on(today, created).sentence() {
            None => checks.ok(name, format!("made on {created}")),
            Some(sentence) => checks.warn(name, format!("made on {created}: {sentence}")),
        },
    }
}

fn theme(config: &Config, checks: &mut Checks) {
    let themes = ThemeSet::new(&config.dirs.config);
    match themes.load(&config.console.theme, Depth::True) {
        Ok(theme) => checks.ok("theme", theme.name),
        Err(error) => checks.fail("theme", &error.into()),
    }
}

async fn store(config: &Config, checks: &mut Checks) {
    let counted = match open_outbox(config).await {
        Err(failure) => Err(failure),
        Ok(outbox) => {
            if let Some(recovery) = outbox.recovery() {
                checks.warn("store", recovery.to_string());
            }
            outbox.counts().await.map_err(Failure::from)
        }
    };
    match counted {
        Err(failure) => checks.fail("store", &failure),
        Ok(counts) => {
            let place = config.dirs.state.display();
            checks.ok("store", format!("{place}, {} rows open", counts.open()));
            if counts.parked > 0 {
                checks.warn(
                    "outbox",
                    format!(
                        "{} rows are parked: `nightdesk outbox list --state parked` shows why",
                        counts.parked
                    ),
                );
            }
            if counts.damaged > 0 {
                checks.warn(
                    "outbox",
                    format!("{} rows are damaged and are never sent: cancel them and ask again", counts.damaged),
                );
            }
        }
    }
}

fn terminal(env: &Env, checks: &mut Checks) {
    use std::io::IsTerminal as _;
    let term = env.get("TERM").unwrap_or_default();
    if term.is_empty() || term == "dumb" || !std::io::stdin().is_terminal() {
        checks.warn("terminal", "none here that the console could use; the headless commands work");
        return;
    }
    let colours = match Depth::detect(env) {
        Depth::None => "no colours",
        Depth::Ansi => "16 colours",
        Depth::Indexed => "256 colours",
        Depth::True => "true colour",
    };
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| env.get(name))
        .unwrap_or_default();
    let utf8 = locale.to_ascii_lowercase().replace('-', "").contains("utf8");
    if utf8 {
        checks.ok("terminal", format!("{term}, {colours}, UTF-8"));
    } else {
        checks.warn(
            "terminal",
            format!("{term}, {colours}; the locale is not UTF-8, so glyphs are plain ASCII: set LANG to one that is, such as C.UTF-8"),
        );
    }
}
