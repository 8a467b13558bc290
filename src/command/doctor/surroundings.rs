//! What stands on this machine: colours and keys, the bridge's credentials, the store, what the console keeps, the terminal.

use super::super::Failure;
use super::super::console::{has_hyperlinks, keymap};
use super::super::context::Context;
use super::super::session::open_outbox;
use super::Checks;
use crate::config::theme::{Depth, ThemeSet};
use crate::config::{Config, Env};
use crate::local::{Cache, Drafts, Memos, Scope};

/// Theme and keys.
pub(super) fn looks(config: &Config, checks: &mut Checks) {
    theme(config, checks);
    match keymap(config) {
        Ok(_) => checks.ok("keys", format!("preset {}, no clash", config.console.keymap)),
        Err(failure) => checks.fail("keys", &failure),
    }
}

/// Whether each part of the bridge has a key of its own: with a shared one a part that runs wild shuts the console out.
pub(super) fn bridge(context: &Context, checks: &mut Checks) {
    let profile = &context.profile;
    let parts = [
        ("erp", profile.erp.as_ref().map(|erp| erp.monitor_key.is_some())),
        ("lake", profile.lake.as_ref().map(|lake| lake.monitor_key.is_some())),
        (
            "assets",
            profile
                .assets
                .as_ref()
                .map(|assets| assets.monitor_key.is_some() && assets.manage_key.is_some()),
        ),
    ];
    for (part, own) in parts {
        match own {
            None => {}
            Some(true) => checks.ok(format!("bridge {part}"), "a key of its own"),
            Some(false) => checks.warn(
                format!("bridge {part}"),
                format!(
                    "shares the profile's key, and so its rate limit and its end: give it monitor_key_file (or _env, _command, _credential){} of its own in [profiles.{}.{part}]",
                    if part == "assets" { " and manage_key_file" } else { "" },
                    profile.name
                ),
            ),
        }
    }
}

/// Last known data, drafts, views and links: nothing of it stops a shift.
pub(super) fn kept(context: &Context, checks: &mut Checks) {
    let (dirs, profile) = (&context.config.dirs, &context.profile);
    let scope = Scope {
        profile: profile.name.clone(),
        origin: profile.monitor.url.origin().ascii_serialization(),
    };
    let mut problems: Vec<String> = Vec::new();
    let mut counts = Vec::new();
    match Drafts::open(&dirs.state, &scope) {
        Ok(drafts) => {
            let (found, broken) = drafts.found();
            counts.push(format!("{} drafts", found.len()));
            problems.extend(broken.iter().map(ToString::to_string));
        }
        Err(error) => problems.push(error.to_string()),
    }
    match Memos::open(&dirs.state, &scope).and_then(|memos| memos.found()) {
        Ok(memo) => counts.push(format!("{} views, {} linked orders", memo.views.len(), memo.links.len())),
        Err(error) => problems.push(error.to_string()),
    }
    match Cache::open(&dirs.cache, scope).and_then(|cache| cache.alerts()) {
        Ok(Some(listing)) => counts.push(format!("last known alerts of {}", context.local(listing.as_of))),
        Ok(None) => counts.push("no last known alerts yet".to_owned()),
        Err(error) => problems.push(error.to_string()),
    }
    if problems.is_empty() {
        checks.ok("kept here", counts.join(", "));
    }
    for problem in problems {
        checks.warn("kept here", problem);
    }
}

fn theme(config: &Config, checks: &mut Checks) {
    let themes = ThemeSet::new(&config.dirs.config);
    match themes.load(&config.console.theme, Depth::True) {
        Ok(theme) => checks.ok("theme", theme.name),
        Err(error) => checks.fail("theme", &error.into()),
    }
}

/// The outbox.
pub(super) async fn store(config: &Config, checks: &mut Checks) {
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
                        "{} parked: `nightdesk outbox list --state parked` shows why",
                        if counts.parked == 1 {
                            "1 row is".to_owned()
                        } else {
                            format!("{} rows are", counts.parked)
                        }
                    ),
                );
            }
            if counts.damaged > 0 {
                checks.warn(
                    "outbox",
                    format!(
                        "{} damaged and never sent: `nightdesk outbox list` names them, `nightdesk outbox cancel ID` ends each; then ask again",
                        if counts.damaged == 1 {
                            "1 row is".to_owned()
                        } else {
                            format!("{} rows are", counts.damaged)
                        }
                    ),
                );
            }
        }
    }
}

/// What the console could draw on.
pub(super) fn terminal(env: &Env, checks: &mut Checks) {
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
    let links = if has_hyperlinks(env) { "hyperlinks" } else { "no hyperlinks known" };
    if utf8 {
        checks.ok("terminal", format!("{term}, {colours}, UTF-8, {links}"));
    } else {
        checks.warn(
            "terminal",
            format!("{term}, {colours}; the locale is not UTF-8, so glyphs are plain ASCII: set LANG to one that is, such as C.UTF-8"),
        );
    }
}
