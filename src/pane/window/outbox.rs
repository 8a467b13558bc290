//! Everything that was asked for, and where it is.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::ask::{Ask, Step};
use super::super::cells;
use super::super::scene::{Scene, framed};
use super::super::scroll::{Motion, Scroll};
use crate::config::theme::Role;
use crate::domain::{IntentState, OutboxId, OutboxRow};
use crate::model::store::{Asked, Progress, Verb};
use crate::model::{Action, Store};

/// Lines at the foot, for the row under the cursor.
const FOOT: u16 = 3;

/// The outbox.
#[derive(Debug, Default)]
pub(crate) struct OutboxList {
    rows: Vec<OutboxId>,
    cursor: Option<OutboxId>,
    scroll: Scroll,
}

impl OutboxList {
    fn index(&self) -> Option<usize> {
        let cursor = self.cursor?;
        self.rows.iter().position(|id| *id == cursor)
    }

    /// Takes an action of the table.
    pub(crate) fn act(&mut self, action: Action, store: &Store) -> Step {
        if let Some(motion) = Motion::of(action) {
            let to = self.index().map_or(0, |at| motion.apply(at, self.rows.len(), self.scroll.height));
            self.cursor = self.rows.get(to).copied().or(self.cursor);
            return Step::Stay;
        }
        match action {
            Action::Back | Action::Quit | Action::Outbox => Step::Close,
            Action::Retry | Action::Discard | Action::Edit | Action::Undo => {
                let Some(row) = self.cursor.and_then(|id| store.ledger().row(id)) else {
                    return Step::Refuse("no row is under the cursor".into());
                };
                let state = row.state;
                let refused = state == IntentState::Parked;
                match action {
                    Action::Retry if refused => Step::Ask(Ask::Retry(row.id)),
                    Action::Edit if refused => Step::Ask(Ask::Edit(row.id)),
                    Action::Retry | Action::Edit => {
                        Step::Refuse(format!("row {} is {}: only a refused one is sent again", row.id, word(row)))
                    }
                    _ if refused || state == IntentState::Queued => Step::Ask(Ask::Discard(row.id)),
                    _ => Step::Refuse(format!("row {} is {}: it cannot be taken back", row.id, word(row))),
                }
            }
            _ => Step::Pass,
        }
    }

    pub(crate) fn arrange(&mut self, scene: &Scene<'_>, area: Rect) {
        self.scroll.height = usize::from(area.height.saturating_sub(3 + FOOT + 1));
        let before = self.index().unwrap_or(0);
        let line = before.saturating_sub(self.scroll.top);
        self.rows = scene.store.ledger().rows().map(|row| row.id).collect();
        if self.index().is_none() {
            self.cursor = self.rows.get(before.min(self.rows.len().saturating_sub(1))).copied();
        } else {
            self.scroll.top = self.index().unwrap_or(0).saturating_sub(line);
        }
        self.scroll.follow(self.index().unwrap_or(0), self.rows.len());
    }

    pub(crate) fn render(&self, scene: &Scene<'_>, buffer: &mut Buffer, area: Rect) {
        let ledger = scene.store.ledger();
        let dot = scene.glyphs().dot;
        let title = format!("Outbox  {} to send {dot} {} refused", ledger.open(), ledger.refused());
        let inner = framed(scene, buffer, area, true, &[(title, scene.style(Role::Title))], &[]);
        if self.rows.is_empty() {
            let text = "Nothing was asked for yet. What you do here is kept on this machine until the server has confirmed it.";
            for (y, line) in (inner.y..inner.bottom()).zip(cells::wrap(text, usize::from(inner.width.saturating_sub(2)))) {
                cells::write(buffer, inner, inner.x + 1, y, &[(line, scene.style(Role::Muted))]);
            }
            return;
        }
        let width = usize::from(inner.width);
        let (verb, what) = (13, width.saturating_sub(2 + 6 + 9 + 14 + 18 + 4).max(8));
        let head = format!(
            "  {} {} {} {} STATE",
            cells::right("ROW", 6, ""),
            cells::left("ASKED", 8, ""),
            cells::left("ACTION", verb, ""),
            cells::left("ALERT", what, ""),
        );
        cells::write(buffer, inner, inner.x, inner.y, &[(head, scene.style(Role::Title))]);
        let end = inner.bottom().saturating_sub(FOOT + 1).max(inner.y + 1);
        for (y, index) in (inner.y + 1..end).zip(self.scroll.range(self.rows.len())) {
            let Some(row) = self.rows.get(index).and_then(|id| ledger.row(*id)) else {
                continue;
            };
            let here = self.cursor == Some(row.id);
            let asked = asked(scene, row);
            let state_room = width.saturating_sub(2 + 6 + 1 + 8 + 1 + verb + 1 + what + 1);
            let (state, style) = scene.progress(&asked, state_room.max(4));
            let text = scene.style(Role::Text);
            let parts: Vec<(String, Style)> = vec![
                (
                    format!("{} ", if here { scene.glyphs().cursor } else { " " }),
                    scene.style(Role::Key),
                ),
                (cells::right(&row.id.to_string(), 6, "") + " ", scene.style(Role::Muted)),
                (
                    cells::left(&scene.clock_seconds(row.created_at), 8, scene.glyphs().ellipsis) + " ",
                    text,
                ),
                (cells::left(row.intent.verb(), verb, "") + " ", text),
                (cells::left(&what_for(scene, row), what, scene.glyphs().ellipsis) + " ", text),
                (state, style),
            ];
            cells::write(buffer, inner, inner.x, y, &parts);
            if here {
                buffer.set_style(Rect { y, height: 1, ..inner }, scene.style(Role::Selection));
            }
        }
        self.render_foot(
            scene,
            buffer,
            Rect {
                y: end,
                height: inner.bottom().saturating_sub(end),
                ..inner
            },
        );
        if let Some(place) = self.scroll.place(self.index(), self.rows.len()) {
            let x = area.right().saturating_sub(4 + u16::try_from(cells::width(&place)).unwrap_or(0));
            cells::write(
                buffer,
                area,
                x,
                area.bottom().saturating_sub(1),
                &[(format!(" {place} "), scene.style(Role::Muted))],
            );
        }
    }

    /// The whole sentence of the row under the cursor, and what can be done.
    fn render_foot(&self, scene: &Scene<'_>, buffer: &mut Buffer, area: Rect) {
        let Some(row) = self.cursor.and_then(|id| scene.store.ledger().row(id)) else {
            return;
        };
        let (sentence, style) = scene.progress_sentence(&asked(scene, row));
        let attempts = match row.attempts {
            0 => String::new(),
            1 => " 1 attempt.".into(),
            many => format!(" {many} attempts."),
        };
        let can = match row.state {
            IntentState::Parked => format!(
                " {} sends it again, {} edits it, {} discards it.",
                scene.key(Action::Retry),
                scene.key(Action::Edit),
                scene.key(Action::Discard)
            ),
            IntentState::Queued => format!(" {} discards it.", scene.key(Action::Discard)),
            IntentState::Sending | IntentState::InDoubt | IntentState::Delivered | IntentState::Superseded | IntentState::Cancelled => {
                String::new()
            }
        };
        let text = format!("{sentence}.{attempts}{can}");
        let lines = cells::wrap(&text, usize::from(area.width.saturating_sub(2)));
        for (y, line) in (area.y + 1..area.bottom()).zip(lines) {
            cells::write(buffer, area, area.x + 1, y, &[(line, style)]);
        }
    }
}

fn asked(scene: &Scene<'_>, row: &OutboxRow) -> Asked {
    Asked {
        verb: Verb::of(&row.intent),
        progress: Progress::of(row, scene.now),
        row: Some(row.id),
    }
}

fn word(row: &OutboxRow) -> &'static str {
    match row.state {
        IntentState::Queued => "queued",
        IntentState::Sending => "being sent",
        IntentState::InDoubt => "being checked",
        IntentState::Delivered => "delivered",
        IntentState::Superseded => "superseded",
        IntentState::Parked => "refused",
        IntentState::Cancelled => row.taken_back(),
    }
}

/// The alert or device of a row, as people call it.
fn what_for(scene: &Scene<'_>, row: &OutboxRow) -> String {
    match row.intent.alert() {
        Some(id) => scene
            .store
            .alert(id)
            .map_or_else(|| id.shown().to_owned(), |alert| scene.name(alert)),
        None => crate::domain::SafeText::new(row.intent.object().0).shown().to_owned(),
    }
}
