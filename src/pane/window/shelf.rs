//! What is put aside on this console, with the time left.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::ask::{Ask, Step};
use super::super::cells;
use super::super::scene::{Scene, framed};
use super::super::scroll::{Motion, Scroll};
use crate::config::theme::Role;
use crate::domain::{AlarmKey, AlertState, Shelved};
use crate::model::{Action, Store};

/// Lines at the foot, for the row under the cursor.
const FOOT: u16 = 3;

/// The shelf window.
#[derive(Debug, Default)]
pub(crate) struct ShelfList {
    rows: Vec<AlarmKey>,
    cursor: Option<AlarmKey>,
    scroll: Scroll,
}

impl ShelfList {
    fn index(&self) -> Option<usize> {
        let cursor = self.cursor.as_ref()?;
        self.rows.iter().position(|key| key == cursor)
    }

    /// Takes an action of the table.
    pub(crate) fn act(&mut self, action: Action, store: &Store) -> Step {
        if let Some(motion) = Motion::of(action) {
            let to = self.index().map_or(0, |at| motion.apply(at, self.rows.len(), self.scroll.height));
            self.cursor = self.rows.get(to).cloned().or(self.cursor.take());
            return Step::Stay;
        }
        match action {
            Action::Back | Action::Quit | Action::Shelf => Step::Close,
            Action::Unshelve | Action::Shelve => {
                let Some(item) = self.cursor.as_ref().and_then(|key| store.shelf().get(key)) else {
                    return Step::Refuse("nothing is under the cursor".into());
                };
                let key = item.key.clone();
                Step::Ask(if action == Action::Unshelve {
                    Ask::Unshelve(key)
                } else {
                    Ask::ShelveAgain(key)
                })
            }
            _ => Step::Pass,
        }
    }

    pub(crate) fn arrange(&mut self, scene: &Scene<'_>, area: Rect) {
        self.scroll.height = usize::from(area.height.saturating_sub(3 + FOOT + 1));
        let before = self.index().unwrap_or(0);
        self.rows = scene.store.shelf().items().into_iter().map(|item| item.key.clone()).collect();
        if self.index().is_none() {
            self.cursor = self.rows.get(before.min(self.rows.len().saturating_sub(1))).cloned();
        }
        self.scroll.follow(self.index().unwrap_or(0), self.rows.len());
    }

    pub(crate) fn render(&self, scene: &Scene<'_>, buffer: &mut Buffer, area: Rect) {
        let muted = scene.style(Role::Muted);
        let title = format!("Shelf  {} put aside on this console", self.rows.len());
        let inner = framed(scene, buffer, area, true, &[(title, scene.style(Role::Title))], &[]);
        let width = usize::from(inner.width);
        if self.rows.is_empty() {
            let text = format!(
                "Nothing is put aside. {} in the queue puts the alarm under the cursor aside for a while; Monitor and the other consoles know nothing of it.",
                scene.key(Action::Shelve)
            );
            for (y, line) in (inner.y..inner.bottom()).zip(cells::wrap(&text, width.saturating_sub(2))) {
                cells::write(buffer, inner, inner.x + 1, y, &[(line, muted)]);
            }
            return;
        }
        let device = self
            .rows
            .iter()
            .map(|key| cells::width(key.device.shown()))
            .max()
            .unwrap_or(0)
            .clamp(6, 16);
        let head = format!(
            "  {} {} {} {} ALERT",
            cells::right("LEFT", 8, ""),
            cells::left("BACK AT", 12, ""),
            cells::left("SEV", 4, ""),
            cells::left("DEVICE", device, ""),
        );
        cells::write(
            buffer,
            inner,
            inner.x,
            inner.y,
            &[(scene.cut(&head, width), scene.style(Role::Title))],
        );
        let end = inner.bottom().saturating_sub(FOOT + 1).max(inner.y + 1);
        for (y, index) in (inner.y + 1..end).zip(self.scroll.range(self.rows.len())) {
            let Some(item) = self.rows.get(index).and_then(|key| scene.store.shelf().get(key)) else {
                continue;
            };
            let here = self.cursor.as_ref() == Some(&item.key);
            let (word, style) = scene.severity(&item.severity);
            let left_style = if item.warn_at() <= scene.now {
                scene.style(Role::Warning)
            } else {
                scene.style(Role::Text)
            };
            let room = width.saturating_sub(2 + 9 + 13 + 5 + device + 1);
            let parts: Vec<(String, Style)> = vec![
                (
                    format!("{} ", if here { scene.glyphs().cursor } else { " " }),
                    scene.style(Role::Key),
                ),
                (cells::right(&time_left(scene, item.until), 8, "") + " ", left_style),
                (cells::left(&scene.clock(item.until), 12, "") + " ", scene.style(Role::Text)),
                (cells::left(&word, 4, "") + " ", style),
                (
                    cells::left(item.key.device.shown(), device, scene.glyphs().ellipsis) + " ",
                    scene.style(Role::Text),
                ),
                (scene.cut(item.key.name.shown(), room), scene.style(Role::Text)),
            ];
            cells::write(buffer, inner, inner.x, y, &parts);
            if here {
                buffer.set_style(Rect { y, height: 1, ..inner }, scene.style(Role::Selection));
            }
        }
        if let Some(item) = self.cursor.as_ref().and_then(|key| scene.store.shelf().get(key)) {
            let lines = cells::wrap(&foot(scene, item), width.saturating_sub(2));
            for (y, line) in (end + 1..inner.bottom()).zip(lines) {
                cells::write(buffer, inner, inner.x + 1, y, &[(line, scene.style(Role::Text))]);
            }
        }
        if let Some(place) = self.scroll.place(self.index(), self.rows.len()) {
            let x = area.right().saturating_sub(4 + u16::try_from(cells::width(&place)).unwrap_or(0));
            cells::write(buffer, area, x, area.bottom().saturating_sub(1), &[(format!(" {place} "), muted)]);
        }
    }
}

/// Minutes, rounded up: `0 min` only when it is over.
fn time_left(scene: &Scene<'_>, until: Timestamp) -> String {
    let minute = |at: Timestamp| at.as_second().div_euclid(60);
    let minutes = (minute(until) - minute(scene.now)).max(0);
    if minutes == 0 {
        "<1 min".into()
    } else if minutes < 120 {
        format!("{minutes} min")
    } else {
        format!("{}h{:02}", minutes / 60, minutes % 60)
    }
}

fn foot(scene: &Scene<'_>, item: &Shelved) -> String {
    let reason = if item.reason.is_empty() {
        "no reason given"
    } else {
        item.reason.shown()
    };
    let open = scene
        .store
        .history()
        .of_alarm(&item.key)
        .filter(|one| one.alert.state != AlertState::Resolved && one.ended_at().is_none())
        .count();
    let since = scene
        .store
        .history()
        .of_alarm(&item.key)
        .flat_map(crate::domain::Occurrence::cycles)
        .filter(|at| *at > item.since)
        .count();
    format!(
        "{reason} ({}, {}). Open: {open}; raised again since: {since}. {} takes it back, {} puts it aside anew.",
        item.by.shown(),
        scene.clock(item.since),
        scene.key(Action::Unshelve),
        scene.key(Action::Shelve)
    )
}
