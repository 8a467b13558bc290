//! What is offered: menus, results, the hints of the last line.

use super::App;
use super::layer::Layer;
use crate::domain::{SafeText, escape_json};
use crate::model::Action;
use crate::pane::window::{Item, Menu, Results};
use crate::pane::{Ask, Column, Direction, Focus, Sort, Tone};

impl App {
    pub(super) fn show_results(&mut self) {
        let Some(group) = self.groups.iter().rev().find(|group| group.members.len() > 1) else {
            self.say(Tone::Plain, "nothing was done to several alerts yet".into());
            return;
        };
        let outcomes = group.outcomes(&self.scene());
        let good = outcomes.iter().filter(|outcome| outcome.good).count();
        let left = group.left.as_ref().map_or_else(String::new, |left| format!("; {left}"));
        let title = format!("{}: {good} of {} went well{left}", group.verb.shown(), outcomes.len());
        self.layers.push(Layer::Results(Results::new(title, outcomes)));
    }

    pub(super) fn sort_items(&self) -> Vec<Item> {
        let columns = Column::ALL.iter().map(|column| {
            let sort = match self.queue.sort() {
                Sort::By(now, Direction::Ascending) if now == *column => Sort::By(*column, Direction::Descending),
                _ => Sort::By(*column, Direction::Ascending),
            };
            let now = match self.queue.sort() {
                Sort::By(now, _) if now == *column => " (now; again: the other way round)",
                _ => "",
            };
            Item::new(column.letter(), format!("{}{now}", column.title().to_lowercase()), Ask::Sort(sort))
        });
        let triage = Item::new('0', "unacknowledged, then severity, then age".into(), Ask::Sort(Sort::Triage));
        std::iter::once(triage).chain(columns).collect()
    }

    pub(super) fn column_items(&self) -> Vec<Item> {
        Column::ALL
            .iter()
            .map(|column| {
                let shown = if self.queue.columns().contains(column) { "[x]" } else { "[ ]" };
                Item::new(
                    column.letter(),
                    format!("{shown} {}", column.title().to_lowercase()),
                    Ask::Column(*column),
                )
            })
            .collect()
    }

    pub(super) fn copy(&mut self) {
        if self.list() == Focus::Devices && self.layers.is_empty() {
            let Some(device) = self.devices.cursor().and_then(|key| self.store.plant.device(key)) else {
                self.say(Tone::Plain, "there is nothing to copy".into());
                return;
            };
            let id = device.id.shown().to_owned();
            let json = escape_json(&serde_json::to_string_pretty(device).unwrap_or_default());
            let command = self.command(["devices", "show"], &id);
            self.copy_menu(id.clone(), id, json, command);
            return;
        }
        let Some(alert) = self.under_cursor() else {
            self.say(Tone::Plain, "there is nothing to copy".into());
            return;
        };
        let scene = self.scene();
        let id = alert.id.shown().to_owned();
        let (severity, _) = scene.severity(&alert.severity);
        let row = format!(
            "{} {severity} {} {} {} {}",
            alert.raised_at,
            alert.device.shown(),
            alert.name.shown(),
            alert.value.as_ref().map_or_else(String::new, ToString::to_string),
            alert.state
        );
        let json = escape_json(&serde_json::to_string_pretty(alert).unwrap_or_default());
        let command = self.command(["alerts", "show"], &id);
        self.copy_menu(id, row, json, command);
    }

    /// What shows the same in any other shell.
    fn command(&self, words: [&str; 2], id: &str) -> String {
        let profile = ["--profile", self.setup.profile.as_str()];
        // what begins like a flag is told apart from one
        let end = id.starts_with('-').then_some("--");
        let words: Vec<String> = std::iter::once("nightdesk")
            .chain(self.setup.locators.iter().map(String::as_str))
            .chain(profile)
            .chain(words)
            .chain(end)
            .chain([id])
            .map(quoted)
            .collect();
        words.join(" ")
    }

    fn copy_menu(&mut self, id: String, row: String, json: String, command: String) {
        let item = |key: char, text: &str, content: String, what: &str| {
            let begin: String = SafeText::new(content.as_str()).shown().chars().take(60).collect();
            Item::new(key, format!("{text}: {begin}"), Ask::Copy(content, what.to_owned()))
        };
        let items = vec![
            item('i', "id", id, "the id"),
            item('r', "row", row, "the row"),
            Item::new('j', "JSON".into(), Ask::Copy(json, "the JSON".into())),
            item('c', "command", command, "the command"),
        ];
        self.layers.push(Layer::Menu(Menu::new("Copy", items, false)));
    }

    /// What the last line offers, most useful first.
    pub(super) fn hints(&self) -> &'static [Action] {
        const QUEUE: &[Action] = &[
            Action::Acknowledge,
            Action::AcknowledgeNote,
            Action::Resolve,
            Action::WorkOrder,
            Action::Help,
            Action::Filter,
            Action::Palette,
            Action::Open,
            Action::Note,
            Action::TakeOver,
            Action::Mark,
            Action::Shelve,
            Action::Undo,
            Action::Freeze,
        ];
        const MARKED: &[Action] = &[
            Action::Acknowledge,
            Action::AcknowledgeNote,
            Action::Resolve,
            Action::Mark,
            Action::Help,
            Action::Palette,
            Action::Undo,
        ];
        const DETAIL: &[Action] = &[
            Action::Acknowledge,
            Action::Resolve,
            Action::WorkOrder,
            Action::NextTab,
            Action::Note,
            Action::NextAlert,
            Action::Help,
            Action::TakeOver,
            Action::Copy,
            Action::Back,
        ];
        const DEVICE: &[Action] = &[Action::Copy, Action::Palette, Action::Help, Action::Back];
        const LISTS: &[Action] = &[Action::Open, Action::Filter, Action::Palette, Action::Help, Action::Back];
        const OUTBOX: &[Action] = &[Action::Retry, Action::Edit, Action::Discard, Action::Help, Action::Back];
        const SHELF: &[Action] = &[Action::Unshelve, Action::Shelve, Action::Undo, Action::Help, Action::Back];
        const HANDOVER: &[Action] = &[
            Action::Remark,
            Action::WriteHandover,
            Action::Copy,
            Action::NextFormat,
            Action::SendHandover,
            Action::MarkRead,
            Action::Back,
        ];
        const WINDOW: &[Action] = &[Action::Back];
        const TEXT: &[Action] = &[Action::Submit, Action::Leave];
        const HEALTH: &[Action] = &[Action::NextPane, Action::Filter, Action::Refresh, Action::Back];
        match self.layers.last() {
            None if self.focus == Focus::Queue && self.queue.mark_count() > 0 => MARKED,
            None if self.focus == Focus::Queue => QUEUE,
            None => LISTS,
            Some(Layer::Detail(detail)) if detail.alert().is_none() => DEVICE,
            Some(Layer::Detail(_)) => DETAIL,
            Some(Layer::Outbox(_)) => OUTBOX,
            Some(Layer::Shelf(_)) => SHELF,
            Some(Layer::Handover(_)) => HANDOVER,
            Some(Layer::Help(_) | Layer::Results(_) | Layer::Load(_)) => WINDOW,
            Some(Layer::Health(window)) if window.takes_text() => TEXT,
            Some(Layer::Health(_)) => HEALTH,
            Some(
                Layer::Form(..)
                | Layer::Filter(_)
                | Layer::Palette(_)
                | Layer::Question(_)
                | Layer::Menu(_)
                | Layer::Prompt(_)
                | Layer::Links(_),
            ) => &[],
        }
    }
}

/// A word as a POSIX shell takes it.
fn quoted(word: &str) -> String {
    let plain = |char: char| char.is_ascii_alphanumeric() || "-_./:@".contains(char);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
