//! The last calls to the servers, newest first, and what narrows them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::cells;
use super::super::form::Field;
use super::super::scene::Scene;
use super::super::scroll::{Motion, Scroll};
use crate::config::theme::Role;
use crate::model::{Action, ApiHealth, CallLine, Key};

/// The list of calls.
#[derive(Debug)]
pub(super) struct Calls {
    filter: Field,
    typing: bool,
    /// Ids of the calls that the filter lets pass, newest first.
    shown: Vec<u64>,
    scroll: Scroll,
    /// The call in the first line of a list that was scrolled: newer ones do not push it away.
    held: Option<u64>,
}

impl Default for Calls {
    fn default() -> Self {
        Self {
            filter: Field::new("calls", "", 1),
            typing: false,
            shown: Vec::new(),
            scroll: Scroll::default(),
            held: None,
        }
    }
}

impl Calls {
    /// Whether keys are text.
    pub(super) fn is_typing(&self) -> bool {
        self.typing
    }

    /// Lets the person type a filter.
    pub(super) fn type_filter(&mut self) {
        self.typing = true;
    }

    /// Ends the typing; `keep` leaves the filter in force.
    pub(super) fn end_typing(&mut self, keep: bool) {
        self.typing = false;
        if !keep {
            self.clear();
        }
    }

    /// Takes the filter away; false where there was none.
    pub(super) fn clear(&mut self) -> bool {
        let had = !self.filter.shown().is_empty();
        self.filter = Field::new("calls", "", 1);
        had
    }

    pub(super) fn key(&mut self, key: Key) {
        self.filter.key(key);
    }

    pub(super) fn paste(&mut self, text: &str) {
        self.filter.paste(text);
    }

    pub(super) fn turn(&mut self, motion: Motion) {
        self.scroll.turn(motion, self.shown.len());
        self.held = if self.scroll.top == 0 {
            None
        } else {
            self.shown.get(self.scroll.top).copied()
        };
    }

    pub(super) fn arrange(&mut self, health: &ApiHealth, height: u16) {
        self.scroll.height = usize::from(height.saturating_sub(2));
        let words = self.filter.shown().to_lowercase();
        let shown = health.calls.iter().rev().filter(|call| fits(call, &words));
        self.shown = shown.map(|call| call.id).collect();
        // ids fall from line to line
        self.scroll.top = self.held.map_or(0, |held| self.shown.partition_point(|id| *id > held));
        self.scroll.top = self.scroll.top.min(self.shown.len().saturating_sub(self.scroll.height));
    }

    pub(super) fn render(&self, scene: &Scene<'_>, buffer: &mut Buffer, area: Rect, health: &ApiHealth) {
        let (muted, key) = (scene.style(Role::Muted), scene.style(Role::Key));
        let filter = self.filter.shown();
        let head = if self.typing {
            vec![
                (format!("{}: ", Action::Filter.spec().name), key),
                (format!("{filter}_"), scene.style(Role::InputFocused)),
                ("  words of the line; -word leaves out".into(), muted),
            ]
        } else {
            let narrowed = if filter.is_empty() {
                String::new()
            } else {
                format!(" that fit \"{filter}\"")
            };
            vec![
                (
                    format!(
                        "{} of {} calls{narrowed}, by {}",
                        self.shown.len(),
                        health.calls.len(),
                        health.who.shown()
                    ),
                    muted,
                ),
                (format!("  {}", scene.key(Action::Filter)), key),
                (format!(" {}", Action::Filter.spec().hint), muted),
            ]
        };
        cells::write(buffer, area, area.x, area.y, &head);
        let width = usize::from(area.width);
        cells::write(
            buffer,
            area,
            area.x,
            area.y + 1,
            &[(columns(scene, width, None), scene.style(Role::Title))],
        );
        for (y, index) in (area.y + 2..area.bottom()).zip(self.scroll.range(self.shown.len())) {
            let call = self.shown.get(index).and_then(|id| {
                let at = health.calls.binary_search_by_key(id, |call| call.id).ok()?;
                health.calls.get(at)
            });
            if let Some(call) = call {
                cells::write(buffer, area, area.x, y, &[(columns(scene, width, Some(call)), style(scene, call))]);
            }
        }
    }

    /// `12/1000` for the lower border.
    pub(super) fn place(&self) -> Option<String> {
        self.scroll.place(Some(self.scroll.top), self.shown.len())
    }
}

fn style(scene: &Scene<'_>, call: &CallLine) -> Style {
    match call.outcome {
        "ok" => scene.style(Role::Text),
        "cancelled" => scene.style(Role::Muted),
        _ => scene.style(Role::Error),
    }
}

/// The result in one word: the status, and what it meant where it went wrong.
fn result(call: &CallLine) -> String {
    let status = call.status.map_or_else(|| "-".to_owned(), |status| status.to_string());
    match call.outcome {
        "ok" => status,
        outcome => format!("{status} {outcome}"),
    }
}

/// A line of the table, or with `None` its head.
fn columns(scene: &Scene<'_>, width: usize, call: Option<&CallLine>) -> String {
    let ellipsis = scene.glyphs().ellipsis;
    let retry = |call: &CallLine| {
        if call.attempt > 1 {
            format!(" try {}", call.attempt)
        } else {
            String::new()
        }
    };
    let (id, at, server, took, outcome, what) = match call {
        None => (
            "ID".into(),
            "AT".into(),
            "SERVER".into(),
            "TOOK".into(),
            "STATUS".into(),
            "CALL".into(),
        ),
        Some(call) => (
            call.id.to_string(),
            scene.clock_seconds(call.at),
            call.service.to_string(),
            duration(call.millis),
            format!("{}{}", result(call), retry(call)),
            format!("{} {}", call.operation, call.object.shown()),
        ),
    };
    let status = if width < 80 { 12 } else { 22 };
    format!(
        "{} {} {} {} {} {}",
        cells::right(&id, 6, ""),
        cells::left(&at, 8, ellipsis),
        cells::left(&server, 7, ellipsis),
        cells::right(&took, 6, ""),
        cells::left(&outcome, status, ellipsis),
        scene.cut(&what, width.saturating_sub(6 + 8 + 7 + 6 + status + 5)),
    )
}

/// Milliseconds as people read them: `40ms`, `1.2s`, `31s`.
pub(super) fn duration(millis: u64) -> String {
    match millis {
        0..=999 => format!("{millis}ms"),
        1_000..=9_949 => format!("{}.{}s", (millis + 50) / 1_000, (millis + 50) % 1_000 / 100),
        _ => format!("{}s", (millis + 500) / 1_000),
    }
}

/// Whether each word stands in the line, and none of those with a minus.
fn fits(call: &CallLine, words: &str) -> bool {
    if words.is_empty() {
        return true;
    }
    let line = format!(
        "{} {} {} {} {} {}",
        call.id,
        call.service,
        call.operation,
        call.object.shown(),
        result(call),
        if call.attempt > 1 { "retry" } else { "" },
    )
    .to_lowercase();
    words.split_whitespace().all(|word| match word.strip_prefix('-') {
        Some("") => true,
        Some(word) => !line.contains(word),
        None => line.contains(word),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Service;

    fn call(id: u64, service: Service, operation: &'static str, outcome: &'static str, status: u16) -> CallLine {
        CallLine {
            id,
            at: jiff::Timestamp::UNIX_EPOCH,
            service,
            operation,
            object: "ALR-10001".into(),
            status: Some(status),
            outcome,
            attempt: 1,
            millis: 40,
        }
    }

    fn health(calls: Vec<CallLine>) -> ApiHealth {
        ApiHealth {
            calls,
            ..ApiHealth::default()
        }
    }

    fn filtered(health: &ApiHealth, words: &str) -> Vec<u64> {
        let mut calls = Calls::default();
        calls.paste(words);
        calls.arrange(health, 10);
        calls.shown
    }

    #[test]
    fn words_narrow_and_minus_leaves_out() {
        let health = health(vec![
            call(1, Service::Monitor, "listAlerts", "ok", 200),
            call(2, Service::Manage, "createWorkOrder", "refused", 400),
            call(3, Service::Monitor, "acknowledgeAlert", "server", 503),
        ]);
        assert_eq!(filtered(&health, ""), [3, 2, 1], "newest first");
        assert_eq!(filtered(&health, "monitor"), [3, 1]);
        assert_eq!(filtered(&health, "MONITOR -listalerts"), [3]);
        assert_eq!(filtered(&health, "refused 400"), [2]);
        assert!(filtered(&health, "nothing").is_empty());
    }

    #[test]
    fn newer_calls_do_not_move_a_list_that_was_scrolled() {
        let all: Vec<CallLine> = (1..=1_000).map(|id| call(id, Service::Monitor, "listAlerts", "ok", 200)).collect();
        let mut calls = Calls::default();
        calls.arrange(&health(all.clone()), 12);
        calls.turn(Motion::HalfPages(2));
        let first = calls.shown[calls.scroll.top];
        let later: Vec<CallLine> = (11..=1_010).map(|id| call(id, Service::Monitor, "listAlerts", "ok", 200)).collect();
        calls.arrange(&health(later.clone()), 12);
        assert_eq!(calls.shown[calls.scroll.top], first);
        calls.turn(Motion::First);
        calls.arrange(&health(later), 12);
        assert_eq!(calls.shown[calls.scroll.top], 1_010, "at the top the newest are followed");
        calls.arrange(&health(all.clone()), 12);
        calls.turn(Motion::Last);
        calls.arrange(&health(all), 12);
        assert_eq!(calls.scroll.top, 990, "all thousand can be seen");
    }

    #[test]
    fn durations_are_short() {
        let shown: Vec<String> = [0, 40, 999, 1_000, 1_249, 9_949, 9_950, 31_400].into_iter().map(duration).collect();
        assert_eq!(shown, ["0ms", "40ms", "999ms", "1.0s", "1.2s", "9.9s", "10s", "31s"]);
    }
}
