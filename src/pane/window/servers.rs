//! A line an endpoint: how its calls go.

use jiff::Timestamp;
use ratatui::style::Style;

use super::super::cells;
use super::super::scene::Scene;
use super::calls::duration;
use crate::config::KEY_LIFE_DAYS;
use crate::config::theme::Role;
use crate::model::{CallFigures, Credential, ServerHealth};

/// The table of servers and their operations.
pub(super) fn lines(scene: &Scene<'_>, width: usize) -> Vec<Vec<(String, Style)>> {
    let title = scene.style(Role::Title);
    let health = scene.store.health();
    let mut lines = vec![vec![("Calls since the start".to_owned(), title)]];
    if health.servers.is_empty() {
        let said = if health.who.is_empty() {
            "  being read"
        } else {
            "  none yet: no server is connected"
        };
        lines.push(vec![(said.into(), scene.style(Role::Muted))]);
        return lines;
    }
    let table = Table::of(width);
    let name = table.name;
    let head = format!(
        "{}{}",
        " ".repeat(name),
        table.row(["CALLS", table.failed, "AGAIN", "P50", "P95", "LAST OK"].map(str::to_owned))
    );
    lines.push(vec![(head, title)]);
    for server in &health.servers {
        lines.push(vec![
            (cells::left(&format!("  {}", server.service), name, ""), scene.style(Role::Text)),
            figures(scene, table, &server.all),
        ]);
        for (words, role) in state(scene, server) {
            for line in cells::wrap(&words, width.saturating_sub(4).max(8)) {
                lines.push(vec![(format!("    {line}"), scene.style(role))]);
            }
        }
        for (operation, calls) in &server.operations {
            let label = cells::left(&format!("    {operation}"), name, scene.glyphs().ellipsis);
            lines.push(vec![(label, scene.style(Role::Muted)), figures(scene, table, calls)]);
        }
    }
    lines
}

/// How wide the columns are.
#[derive(Clone, Copy)]
struct Table {
    name: usize,
    figures: [usize; 6],
    failed: &'static str,
}

impl Table {
    /// Narrow columns where the usual ones would be cut: their heads are shorter, the figures are the same.
    fn of(width: usize) -> Self {
        let usual = [7, 7, 6, 7, 7, 9];
        let narrow = [6, 5, 6, 6, 6, 8];
        let least = usual.iter().sum::<usize>() + 16;
        let (figures, failed) = if width >= least { (usual, "FAILED") } else { (narrow, "FAIL") };
        let name = width.saturating_sub(figures.iter().sum()).clamp(16, 34);
        Self { name, figures, failed }
    }

    fn row(self, texts: [String; 6]) -> String {
        let aligned = texts.iter().zip(self.figures).map(|(text, width)| format!("{text:>width$}"));
        aligned.collect()
    }
}

fn figures(scene: &Scene<'_>, table: Table, calls: &CallFigures) -> (String, Style) {
    let last = calls
        .last_success
        .map_or_else(|| scene.glyphs().none.to_owned(), |at| clock(scene, at));
    let text = table.row([
        calls.calls.to_string(),
        calls.errors.to_string(),
        calls.retries.to_string(),
        duration(calls.p50_millis),
        duration(calls.p95_millis),
        last,
    ]);
    let role = if calls.errors > 0 { Role::Warning } else { Role::Text };
    (text, scene.style(role))
}

/// Hours and minutes; the day alone where it is not today, as there is no room for both.
fn clock(scene: &Scene<'_>, at: Timestamp) -> String {
    let text = scene.clock(at);
    match text.rsplit_once(' ') {
        Some((day, _)) => day.to_owned(),
        None => text,
    }
}

/// Breaker and credential, in words.
fn state(scene: &Scene<'_>, server: &ServerHealth) -> Vec<(String, Role)> {
    let breaker = if server.resting {
        (
            "breaker open: after failed connections calls are held back, but for a try each 15 s".to_owned(),
            Role::LinkDown,
        )
    } else {
        ("breaker closed".to_owned(), Role::Muted)
    };
    let credential = match server.credential {
        Credential::Token(None) => ("no token yet".to_owned(), Role::Muted),
        Credential::Token(Some(ends)) => {
            let left = ends.duration_since(scene.now).as_mins();
            if left < 0 {
                ("the token is over: the next call asks for another".to_owned(), Role::Muted)
            } else {
                (format!("token good for {left} min more"), Role::Muted)
            }
        }
        Credential::Key(None) => (
            "age of the key unknown: key_created in the configuration tells it".to_owned(),
            Role::Muted,
        ),
        Credential::Key(Some(created)) => {
            let today = scene.now.to_zoned(scene.setup.time_zone.clone()).date();
            let days = created.until(today).map_or(0, |span| span.get_days());
            let role = if days > KEY_LIFE_DAYS { Role::Warning } else { Role::Muted };
            (format!("key {days} of {KEY_LIFE_DAYS} days old"), role)
        }
    };
    if server.resting || credential.1 == Role::Warning {
        return vec![breaker, credential];
    }
    vec![(format!("{}, {}", breaker.0, credential.0), Role::Muted)]
}
