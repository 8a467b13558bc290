//! `nightdesk` and `nightdesk console`: joins the rooms into the console of one profile.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use super::connect::{Connection, Sending};
use super::session::{open_outbox, targets};
use super::{Exit, Failure};
use crate::app::{App, Setup};
use crate::cli::ConsoleArgs;
use crate::config::keymap::Keymap;
use crate::config::theme::{Depth, ThemeSet};
use crate::config::{Config, Env, Locate, Profile};
use crate::domain::load::FloodLimits;
use crate::local::{Cache, Drafts, HistoryFiles, Notebook, Runbooks, Scope};
use crate::model::store::Intervals;
use crate::tui::{self, Handoff, Post, Probe, TuiError};
use crate::worker::{Keep, Plan, Worker};

/// Runs the console until the person leaves or the terminal goes.
pub(super) async fn run(locate: &Locate, arguments: &ConsoleArgs) -> Result<(), Failure> {
    tui::usable(&Probe::new())?;
    let config = Config::load(locate)?;
    let handoff = handoff(&config)?;
    Box::pin(show(config, arguments, Some(handoff))).await
}

/// The console on a configuration. A site and the demo go the same way.
pub(super) async fn show(config: Config, arguments: &ConsoleArgs, handoff: Option<Handoff>) -> Result<(), Failure> {
    super::log::to_file(&config.dirs.state);
    let profile = config.profile()?.clone();
    let core = core(&config, &profile, arguments)?;
    let outbox = open_outbox(&config).await?;
    let mut notices: Vec<String> = outbox.recovery().map(ToString::to_string).into_iter().collect();
    let scope = Scope {
        profile: profile.name.clone(),
        origin: profile.monitor.url.origin().ascii_serialization(),
    };
    let cache = noticed(Cache::open(&config.dirs.cache, scope.clone()), &mut notices);
    let drafts = noticed(Drafts::open(&config.dirs.state, &scope), &mut notices);
    let archive = tui::Archive {
        history: noticed(HistoryFiles::open(&config.dirs.state, &scope), &mut notices),
        notebook: noticed(Notebook::open(&config.dirs.state, &scope), &mut notices),
        runbooks: Runbooks::new(&config.dirs.config),
        handovers: config.dirs.state.join("handovers"),
    };
    let notify = config.console.bell.notify;
    let connection = Connection::new(config, profile.clone());
    let sending = Sending::start(connection.clone(), outbox.clone());
    let journal = Post::new(outbox, targets(&profile), sending.control.clone());
    let keep = cache.map(|cache| Arc::new(cache) as Arc<dyn Keep>);
    let (worker, reports) = Worker::spawn(Arc::new(connection), plan(&profile), keep);
    match journal.ordered().await {
        Ok(alerts) if !alerts.is_empty() => worker.fetch(crate::model::Fetch::OrderStatus(alerts)),
        Ok(_) => {}
        Err(sentence) => notices.push(sentence),
    }
    let console = tui::Console {
        core,
        worker,
        reports,
        journal: Arc::new(journal),
        drafts,
        archive: Some(archive),
        notify,
        handoff,
        notices,
    };
    let ended = tui::run(console).await;
    sending.stop().await;
    // A signal ended it as asked: no failure of ours.
    ended.map(drop).map_err(Failure::from)
}

fn plan(profile: &Profile) -> Plan {
    Plan {
        alerts: profile.refresh.alerts,
        devices: profile.refresh.devices,
        metrics: profile.refresh.metrics,
        ..Plan::new(profile.work_order.siteid.clone())
    }
}

/// What goes on after a dropped link: the same outbox, drained by a process of its own.
fn handoff(config: &Config) -> Result<Handoff, Failure> {
    let absolute = |path: &std::path::Path| std::path::absolute(path).map(|path| path.display().to_string());
    let unknown = |error: std::io::Error| Failure::new(Exit::Bug, format!("this program's own place is unknown: {error}"));
    let mut arguments: Vec<String> = ["outbox", "drain", "--timeout", "15m", "--detach", "--config"]
        .map(str::to_owned)
        .into();
    arguments.push(absolute(&config.path).map_err(unknown)?);
    arguments.extend(["--state-dir".to_owned(), absolute(&config.dirs.state).map_err(unknown)?]);
    arguments.extend(["--profile".to_owned(), config.profile()?.name.clone()]);
    Ok(Handoff {
        program: std::env::current_exe().map_err(unknown)?,
        arguments,
        log: config.dirs.state.join("drain.log"),
    })
}

fn noticed<T, E: std::fmt::Display>(result: Result<T, E>, notices: &mut Vec<String>) -> Option<T> {
    result.map_err(|error| notices.push(error.to_string())).ok()
}

impl From<TuiError> for Failure {
    fn from(error: TuiError) -> Self {
        let exit = match error {
            TuiError::NoTerminal { .. } | TuiError::Setup(_) => Exit::Usage,
            TuiError::Lost(_) => Exit::Bug,
        };
        Self::new(exit, error.to_string())
    }
}

/// ASCII where it is asked for, and where the locale cannot show more.
fn is_ascii(arguments: &ConsoleArgs, config: &Config) -> bool {
    let locale = |env: &Env| {
        ["LC_ALL", "LC_CTYPE", "LANG"]
            .into_iter()
            .find_map(|name| env.get(name).filter(|value| !value.is_empty()))
    };
    let is_utf8 = || locale(&config.env).is_some_and(|name| name.to_ascii_lowercase().replace('-', "").contains("utf8"));
    arguments.ascii || config.console.ascii.unwrap_or_else(|| !is_utf8())
}

fn core(config: &Config, profile: &Profile, arguments: &ConsoleArgs) -> Result<App, Failure> {
    let depth = if arguments.no_color {
        Depth::None
    } else {
        Depth::detect(&config.env)
    };
    let name = arguments.theme.as_deref().unwrap_or(&config.console.theme);
    let console = &config.console;
    Ok(App::new(Setup {
        operator: config.operator.name.clone(),
        profile: profile.name.clone(),
        site: profile.site.clone(),
        time_zone: profile.time_zone.clone(),
        work_order: profile.work_order.clone(),
        graces: console.undo_grace,
        read_only: arguments.read_only || console.read_only,
        ascii: is_ascii(arguments, config),
        theme: ThemeSet::new(&config.dirs.config).load(name, depth)?,
        keymap: keymap(config)?,
        root_causes: console.root_causes.clone(),
        shift: config.operator.shift(),
        runbooks: Runbooks::new(&config.dirs.config).dir().display().to_string(),
        charts: console.charts,
        units: console.units.clone(),
        intervals: Intervals {
            alerts: signed(profile.refresh.alerts),
            devices: signed(profile.refresh.devices),
            metrics: signed(profile.refresh.metrics),
        },
        manage: profile.manage.is_some(),
        bulk_limit: console.confirm_above,
        trend_window_seconds: u32::try_from(console.trend_window.as_secs()).unwrap_or(u32::MAX),
        flood: FloodLimits {
            above: console.flood_start,
            below: console.flood_end,
        },
        bell: console.bell,
        muted: false,
    }))
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

/// `keymap.toml` of the configuration folder over the preset; without the file the preset alone.
fn keymap(config: &Config) -> Result<Keymap, Failure> {
    let path = config.dirs.config.join("keymap.toml");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => {
            return Err(Failure::new(
                Exit::Configuration,
                format!("{}: cannot be read: {error}", path.display()),
            ));
        }
    };
    Keymap::with_preset(&config.console.keymap, &text)
        .map_err(|error| Failure::new(Exit::Configuration, format!("{}: {error}", path.display())))
}
