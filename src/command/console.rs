//! `nightdesk` and `nightdesk console`: joins the rooms into the console of one profile.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use super::connect::{Connection, Sending};
use super::key_notice::key_dates;
use super::session::{open_outbox, targets};
use super::{Exit, Failure};
use crate::app::{App, Setup};
use crate::cli::ConsoleArgs;
use crate::config::keymap::Keymap;
use crate::config::theme::{Depth, ThemeSet};
use crate::config::{Config, Env, Locate, Profile};
use crate::domain::Target;
use crate::domain::load::FloodLimits;
use crate::integration::webhook;
use crate::local::{Cache, Drafts, HistoryFiles, Memos, Notebook, Runbooks, Scope};
use crate::model::store::Intervals;
use crate::tui::{self, Ended, Handoff, Journal as _, Manner, Post, Probe, Seat, TuiError};
use crate::worker::{Keep, Plan, Worker};

/// Most themes that can be chosen while it runs.
const THEMES_MOST: usize = 60;

/// Runs the console until the person leaves or the terminal goes.
pub(super) async fn run(locate: &Locate, arguments: &ConsoleArgs) -> Result<(), Failure> {
    // without a terminal no configuration helps
    let lines = Manner {
        linear: true,
        ..Manner::default()
    };
    tui::usable(&Probe::new().for_manner(lines))?;
    let config = Config::load(locate).or_else(|error| {
        // a terminal that only the linear console can use, and nothing that asks for it: that comes first
        if !arguments.linear {
            tui::usable(&Probe::new().for_manner(Manner::default()))?;
        }
        Err(Failure::from(error))
    })?;
    tui::usable(&Probe::new().for_manner(manner(&config, arguments)))?;
    let handoff = handoff(&config, config.profile()?)?;
    Box::pin(show(config, arguments, Some(handoff), None)).await
}

/// A site that this run of the console has been at.
struct Visited {
    connection: Connection,
    journal: Post,
    handoff: Option<Handoff>,
}

/// The console on a configuration, one site after the other. A site and the demo go the same way. `drill` is the device whose
/// fault the drill plays.
pub(super) async fn show(config: Config, arguments: &ConsoleArgs, first: Option<Handoff>, drill: Option<String>) -> Result<(), Failure> {
    super::log::to_file(&config.dirs.state);
    crate::config::keep_commands_quiet();
    let outbox = open_outbox(&config).await?;
    let mut notices: Vec<String> = outbox.recovery().map(ToString::to_string).into_iter().collect();
    let mut profile = config.profile()?.clone();
    let mut core = core(&config, &profile, arguments, drill.clone())?;
    let detaches = first.is_some();
    let mut visited: Vec<Visited> = Vec::new();
    let mut sending: Option<Sending> = None;
    let manner = manner(&config, arguments);
    let mut seat = Seat::take(manner)?;
    let ended = loop {
        let handoff = if detaches { Some(handoff(&config, &profile)?) } else { None };
        let known = visited.iter().find(|site| site.journal.profile() == profile.name);
        let connection = known.map_or_else(|| Connection::new(config.clone(), profile.clone()), |site| site.connection.clone());
        let mut connections: Vec<Connection> = vec![connection.clone()];
        connections.extend(
            visited
                .iter()
                .filter(|site| site.journal.profile() != profile.name)
                .map(|site| site.connection.clone()),
        );
        // What was asked for at the sites before is delivered while the person is at this one.
        // One that may only look sends nothing, not even what waits from before.
        let control = if arguments.read_only || config.console.read_only {
            tokio::sync::watch::channel(None).1
        } else {
            let sender = Sending::start(connections, outbox.clone(), sending.take());
            sending.insert(sender).control.clone()
        };
        let mut targets = targets(&profile);
        targets.extend(noticed(handover_target(&config, &profile), &mut notices).flatten());
        let journal = Post::new(outbox.clone(), profile.name.clone(), targets, control);
        visited.retain(|site| site.journal.profile() != profile.name);
        visited.push(Visited {
            connection: connection.clone(),
            journal: journal.clone(),
            handoff: handoff.clone(),
        });
        let scope = Scope {
            profile: profile.name.clone(),
            origin: profile.monitor.url.origin().ascii_serialization(),
        };
        let cache = noticed(Cache::open(&config.dirs.cache, scope.clone()), &mut notices);
        let drafts = noticed(Drafts::open(&config.dirs.state, &scope), &mut notices);
        let memos = noticed(Memos::open(&config.dirs.state, &scope), &mut notices);
        let archive = tui::Archive {
            history: noticed(HistoryFiles::open(&config.dirs.state, &scope), &mut notices),
            notebook: noticed(Notebook::open(&config.dirs.state, &scope), &mut notices),
            runbooks: Runbooks::new(&config.dirs.config),
            handovers: config.dirs.state.join("handovers"),
        };
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
            memos,
            state: Some((config.dirs.state.clone(), profile.name.clone())),
            archive: Some(archive),
            notify: config.console.bell.notify,
            handoff,
            notices: std::mem::take(&mut notices),
            key_dates: Some(key_dates(&config, &profile)),
            linear: manner.linear,
        };
        match Box::pin(seat.run(console)).await {
            Ok(Ended::Switch(name)) => match config.profiles.get(&name) {
                Some(next) => {
                    profile = next.clone();
                    core = self::core(&config, &profile, arguments, drill.clone())?;
                }
                None => break Err(Failure::new(Exit::Bug, format!("there is no profile `{name}`"))),
            },
            ended => break ended.map_err(Failure::from),
        }
    };
    if let Ok(Ended::Hangup) = &ended {
        hand_over(&visited, &profile.name).await;
    }
    drop(seat);
    if let Some(sending) = sending {
        sending.stop().await;
    }
    // A signal ended it as asked: no failure of ours.
    ended.map(drop)
}

/// The link dropped: what is open at the sites before goes on as what is open at this one does.
async fn hand_over(visited: &[Visited], here: &str) {
    for site in visited.iter().filter(|site| site.journal.profile() != here) {
        let open = match site.journal.current().await {
            Ok(rows) => rows.iter().any(|row| row.state.is_open()),
            Err(_) => true,
        };
        if let Some(handoff) = site.handoff.as_ref().filter(|_| open)
            && let Err(error) = handoff.start()
        {
            tracing::error!(%error, profile = site.journal.profile(), "what is queued waits for the next start");
        }
    }
}

/// Where a handover goes, if a webhook is named for it. The console only commits it: the bridge delivers.
fn handover_target(config: &Config, profile: &Profile) -> Result<Option<Target>, String> {
    let (Some(name), Some(bridge)) = (&config.console.handover_webhook, &config.bridge) else {
        return Ok(None);
    };
    let definitions = webhook::load(&bridge.outbound, &config.env).map_err(|error| error.to_string())?;
    let named = definitions.iter().find(|definition| definition.name == *name);
    Ok(named.map(|definition| definition.target(&profile.name)))
}

/// What the terminal is asked for.
fn manner(config: &Config, arguments: &ConsoleArgs) -> Manner {
    Manner {
        mouse: arguments.mouse || config.console.mouse,
        hyperlinks: config.console.hyperlinks.unwrap_or_else(|| has_hyperlinks(&config.env)),
        linear: is_linear(config, arguments),
    }
}

/// Lines of text, where they are asked for.
fn is_linear(config: &Config, arguments: &ConsoleArgs) -> bool {
    arguments.linear || config.console.linear
}

/// Terminals that are known to make OSC 8 a link: by their name, which SSH carries, or by what they set locally. tmux does
/// so from 3.4 on; screen never.
pub(super) fn has_hyperlinks(env: &Env) -> bool {
    let term = env.get("TERM").unwrap_or_default();
    let program = env.get("TERM_PROGRAM").unwrap_or_default();
    if program == "tmux" || env.get("TMUX").is_some() {
        let version = env.get("TERM_PROGRAM_VERSION").unwrap_or_default();
        let numbers: String = version.chars().take_while(|char| char.is_ascii_digit() || *char == '.').collect();
        return program == "tmux" && numbers.parse::<f32>().is_ok_and(|number| number >= 3.4);
    }
    if term.starts_with("screen") {
        return false;
    }
    let named = ["xterm-kitty", "alacritty", "foot", "ghostty", "wezterm", "iterm2", "contour"];
    let vte = env.get("VTE_VERSION").and_then(|version| version.parse::<u32>().ok());
    named.iter().any(|name| term.contains(name))
        || ["iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper"].contains(&program.as_str())
        || vte.is_some_and(|version| version >= 5_000)
        || env.get("WT_SESSION").is_some()
        || env.get("KONSOLE_VERSION").is_some()
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
fn handoff(config: &Config, profile: &Profile) -> Result<Handoff, Failure> {
    let absolute = |path: &std::path::Path| std::path::absolute(path).map(|path| path.display().to_string());
    let unknown = |error: std::io::Error| Failure::new(Exit::Bug, format!("this program's own place is unknown: {error}"));
    let mut arguments: Vec<String> = ["outbox", "drain", "--timeout", "15m", "--detach", "--config"]
        .map(str::to_owned)
        .into();
    arguments.push(absolute(&config.path).map_err(unknown)?);
    arguments.extend(["--state-dir".to_owned(), absolute(&config.dirs.state).map_err(unknown)?]);
    arguments.extend(["--profile".to_owned(), profile.name.clone()]);
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

fn core(config: &Config, profile: &Profile, arguments: &ConsoleArgs, drill: Option<String>) -> Result<App, Failure> {
    let depth = if arguments.no_color {
        Depth::None
    } else {
        Depth::detect(&config.env)
    };
    let name = arguments.theme.as_deref().unwrap_or(&config.console.theme);
    let console = &config.console;
    let set = ThemeSet::new(&config.dirs.config);
    // one's own theme that is broken is named by the doctor, and by the start where it is the one in use
    let themes = match depth {
        Depth::None => Vec::new(),
        _ => set
            .names()
            .iter()
            .take(THEMES_MOST)
            .filter_map(|name| set.load(name, depth).ok())
            .collect(),
    };
    Ok(App::new(Setup {
        operator: config.operator.name.clone(),
        profile: profile.name.clone(),
        locators: locators(config)?,
        site: profile.site.clone(),
        time_zone: profile.time_zone.clone(),
        work_order: profile.work_order.clone(),
        graces: console.undo_grace,
        read_only: arguments.read_only || console.read_only,
        linear: is_linear(config, arguments),
        ascii: is_linear(config, arguments) || is_ascii(arguments, config),
        theme: set.load(name, depth)?,
        themes,
        links: profile.links.clone(),
        sites: config
            .profiles
            .values()
            .map(|profile| (profile.name.clone(), profile.site.clone()))
            .collect(),
        keymap: keymap(config)?,
        root_causes: console.root_causes.clone(),
        shift: config.operator.shift(),
        handover_webhook: console.handover_webhook.clone(),
        runbooks: Runbooks::new(&config.dirs.config).dir().display().to_string(),
        charts: console.charts,
        units: console.units.clone(),
        intervals: Intervals {
            alerts: signed(profile.refresh.alerts),
            devices: signed(profile.refresh.devices),
            metrics: signed(profile.refresh.metrics),
        },
        manage: profile.manage.is_some(),
        keys: profile.keys(),
        bulk_limit: console.confirm_above,
        trend_window_seconds: u32::try_from(console.trend_window.as_secs()).unwrap_or(u32::MAX),
        flood: FloodLimits {
            above: console.flood_start,
            below: console.flood_end,
        },
        bell: console.bell,
        muted: false,
        drill,
    }))
}

/// The arguments that lead another start to this configuration and this outbox, where the usual places do not.
fn locators(config: &Config) -> Result<Vec<String>, Failure> {
    let bare = Locate::new(None, None, None, Env::of(&[]));
    let usual = bare.dirs().ok(); // a place that only a home has is named where there is no home
    let mut arguments = Vec::new();
    for (flag, here, usual) in [
        ("--config", &config.path, usual.as_ref().map(|(path, _)| path)),
        ("--state-dir", &config.dirs.state, usual.as_ref().map(|(_, dirs)| &dirs.state)),
    ] {
        if usual != Some(here) {
            let unknown = |error: std::io::Error| Failure::new(Exit::Bug, format!("{}: {error}", here.display()));
            let here = std::path::absolute(here).map_err(unknown)?;
            arguments.extend([flag.to_owned(), here.display().to_string()]);
        }
    }
    Ok(arguments)
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

/// `keymap.toml` of the configuration folder over the preset; without the file the preset alone.
pub(super) fn keymap(config: &Config) -> Result<Keymap, Failure> {
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
    // the file's own `preset` goes before the configuration's
    let own = text.parse::<toml::Table>().ok().is_some_and(|table| table.contains_key("preset"));
    let read = if own {
        Keymap::parse(&text)
    } else {
        Keymap::with_preset(&config.console.keymap, &text)
    };
    read.map_err(|error| {
        let line = error.line(&text).map_or_else(String::new, |line| format!(":{line}"));
        Failure::new(Exit::Configuration, format!("{}{line}: {error}", path.display()))
    })
}
