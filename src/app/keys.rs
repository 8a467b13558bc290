//! From a key to an action, and from an action to whatever takes it: the top window, the focused pane, the app.

use std::fmt::Write as _;

use crossterm::event::{KeyCode, KeyModifiers};

use super::layer::Layer;
use super::{App, NOTICE_FOR};
use crate::config::theme::Role;
use crate::domain::Alert;
use crate::model::{Action, Context, Effect, Fetch, Key};
use crate::pane::detail::Detail;
use crate::pane::scroll::Motion;
use crate::pane::window::{FilterLine, Help, Menu, OutboxList, Question};
use crate::pane::{Ask, Focus, Step, Tone};

impl App {
    /// A key was pressed.
    pub(super) fn key(&mut self, key: Key) {
        self.notice = None;
        let context = self.layers.last().map_or(Context::Global, Layer::context);
        let action = self.setup.keymap.action(context, key);
        if action == Some(Action::Interrupt) {
            if self.interrupted.is_some_and(|until| self.now < until) {
                self.effects.push(Effect::Quit);
            } else {
                // as long as the sentence stands there
                self.interrupted = self.now.checked_add(NOTICE_FOR).ok();
                let again = self.scene().key(Action::Interrupt);
                self.say(
                    Tone::Plain,
                    format!("{again} again quits at once; what was asked for stays in the outbox"),
                );
            }
            return;
        }
        self.interrupted = None;
        match action {
            Some(Action::Redraw) => {
                self.spoken.again();
                self.effects.push(Effect::Redraw);
            }
            Some(Action::Suspend) => self.effects.push(Effect::Suspend),
            Some(action) => self.dispatch(action),
            None if self.is_escape_and_key(key) => {
                self.key(Key::plain(KeyCode::Esc));
                self.key(Key {
                    modifiers: key.modifiers - KeyModifiers::ALT,
                    ..key
                });
            }
            None => {
                let step = match self.layers.last_mut() {
                    Some(layer) => layer.key(key, &self.store),
                    None => Step::Pass,
                };
                if step != Step::Pass && self.setup.linear {
                    self.echo(key);
                }
                if step == Step::Pass {
                    let help = self.scene().key(Action::Help);
                    self.say(Tone::Plain, format!("{key} means nothing here; {help} shows every key"));
                } else {
                    self.take(step);
                }
            }
        }
    }

    /// Escape and a key that arrive in one packet, or within the escape time of tmux, are told as the key with Alt. Where
    /// Alt means nothing, both were meant. Not while text is typed: a letter with Alt may be an attempt at a sign of the
    /// keyboard, and must not close what was written.
    fn is_escape_and_key(&self, key: Key) -> bool {
        key.modifiers.contains(KeyModifiers::ALT) && !self.layers.last().is_some_and(Layer::takes_text)
    }

    /// What is typed into a field is shown by the terminal as it is typed, where no screen shows it.
    fn echo(&mut self, key: Key) {
        let takes_text = self.layers.last().is_some_and(Layer::takes_text);
        match key.code {
            KeyCode::Char(char) if takes_text && key.modifiers.is_empty() => self.spoken.echo.push(char),
            KeyCode::Backspace if takes_text && self.spoken.echo.pop().is_none() => self.spoken.echo.push('\u{8}'),
            _ => {}
        }
    }

    /// Text was pasted: it fills a field or nothing.
    pub(super) fn paste(&mut self, text: &str) {
        self.notice = None;
        self.interrupted = None;
        let step = match self.layers.last_mut() {
            Some(layer) => layer.paste(text, &self.store),
            None => Step::Pass,
        };
        if step == Step::Pass {
            self.say(
                Tone::Plain,
                "pasted text goes into text fields only: nothing was done with it".into(),
            );
        } else {
            self.take(step);
        }
    }

    /// The top window first, then the pane or the app.
    pub(super) fn dispatch(&mut self, action: Action) {
        let Some(layer) = self.layers.last_mut() else {
            self.act(action);
            return;
        };
        let is_detail = matches!(layer, Layer::Detail(_));
        if action == Action::Remark && matches!(layer, Layer::Handover(_)) {
            self.begin_remark();
            return;
        }
        let step = layer.act(action, &self.store);
        if step != Step::Pass {
            self.take(step);
        } else if is_detail {
            self.act_in_detail(action);
        } else if works_over_windows(action) {
            self.act(action);
        } else {
            let back = self.scene().key(Action::Back);
            self.say(
                Tone::Plain,
                format!("{} does nothing here; {back} closes the window", action.spec().name),
            );
        }
    }

    fn act_in_detail(&mut self, action: Action) {
        match action {
            Action::NextAlert | Action::PreviousAlert => {
                let by = if action == Action::NextAlert { 1 } else { -1 };
                if !self.queue.go(&self.store, Motion::By(by)) {
                    let end = if by > 0 { "last" } else { "first" };
                    self.say(Tone::Plain, format!("this is the {end} alert of the list"));
                    return;
                }
                let alert = self.under_cursor().cloned();
                if let Some(alert) = alert {
                    self.ask_runbook(&alert);
                    if let Some(Layer::Detail(detail)) = self.layers.last_mut() {
                        detail.turn_to(alert);
                    }
                }
            }
            Action::PaneAlerts | Action::PaneDevices | Action::PaneMetrics | Action::NextPane | Action::PreviousPane => {
                self.layers.pop();
                self.act(action);
            }
            Action::Mark
            | Action::MarkRange
            | Action::MarkAll
            | Action::Filter
            | Action::Views
            | Action::SaveView
            | Action::Sort
            | Action::Columns
            | Action::GroupBy
            | Action::Unfold
            | Action::Zoom => {
                let back = self.scene().key(Action::Back);
                self.say(
                    Tone::Plain,
                    format!("{} is for the list; {back} goes back to it", action.spec().name),
                );
            }
            _ => self.act(action),
        }
    }

    /// The alert under the queue's cursor, or what is remembered of it.
    pub(super) fn under_cursor(&self) -> Option<&Alert> {
        let id = self.queue.cursor()?;
        self.queue.alert(&self.store, id).map(|(alert, _)| alert)
    }

    /// An action on the panes or the app.
    fn act(&mut self, action: Action) {
        if let Some(motion) = Motion::of(action) {
            self.go(motion);
            return;
        }
        match action {
            Action::Acknowledge
            | Action::AcknowledgeNote
            | Action::Resolve
            | Action::WorkOrder
            | Action::LinkOrder
            | Action::Note
            | Action::TakeOver => {
                self.begin(action);
            }
            Action::Shelve => self.begin_shelving(),
            Action::Shelf | Action::Load | Action::Handover => self.open_shift_window(action),
            Action::ZoomIn | Action::ZoomOut => self.zoom(action),
            Action::Undo => self.undo(),
            Action::Redo => self.redo(),
            Action::Mark | Action::MarkRange | Action::MarkAll => self.mark(action),
            Action::Filter => {
                let (pane, filter) = match self.list() {
                    Focus::Devices => (Focus::Devices, self.devices.filter()),
                    Focus::Queue | Focus::Metrics => (Focus::Queue, self.queue.filter()),
                };
                let line = FilterLine::new(pane, filter, &self.store);
                self.layers.push(Layer::Filter(Box::new(line)));
            }
            Action::Unacknowledged => {
                self.queue.toggle_unacknowledged();
                self.say_narrowing();
            }
            Action::Noisy => {
                self.queue.toggle_noisy();
                self.say_narrowing();
            }
            Action::Views => {
                let menu = self.views_menu();
                self.layers.push(Layer::Menu(menu));
            }
            Action::SaveView => self.ask_view_name(),
            Action::GroupBy => self.layers.push(Layer::Menu(Menu::new("Group", self.group_items(), false))),
            Action::Unfold => self.unfold(),
            Action::Sort => self.layers.push(Layer::Menu(Menu::new("Sort by", self.sort_items(), false))),
            Action::Columns => {
                let menu = Menu::new("Columns", self.column_items(), true);
                self.layers.push(Layer::Menu(menu));
            }
            Action::Freeze => {
                let frozen = self.queue.toggle_freeze(&self.store, self.now);
                let key = self.scene().key(Action::Freeze);
                let text = if frozen {
                    format!("the list is frozen; {key} lets it go on")
                } else {
                    "the list goes on".into()
                };
                self.say(Tone::Plain, text);
            }
            Action::Refresh => {
                self.effects.push(Effect::Fetch(Fetch::Refresh));
                self.ask_order_status();
                if matches!(self.layers.last(), Some(Layer::Health(_))) {
                    self.ask_health();
                }
                self.say(Tone::Plain, "reading alerts, devices and readings".into());
            }
            Action::Mute => {
                self.muted = !self.muted;
                self.say(Tone::Plain, if self.muted { "bell off" } else { "bell on" }.into());
            }
            Action::Open => self.open(),
            Action::Back => self.back(),
            Action::NextPane | Action::PreviousPane => {
                let order = [Focus::Queue, Focus::Devices, Focus::Metrics];
                let at = order.iter().position(|pane| *pane == self.focus).unwrap_or(0);
                let step = if action == Action::NextPane { 1 } else { order.len() - 1 };
                self.focus = order.get((at + step) % order.len()).copied().unwrap_or(Focus::Queue);
            }
            Action::PaneAlerts => self.focus = Focus::Queue,
            Action::PaneDevices => self.focus = Focus::Devices,
            Action::PaneMetrics => self.focus = Focus::Metrics,
            Action::Zoom => self.zoomed = !self.zoomed,
            Action::Outbox => self.layers.push(Layer::Outbox(OutboxList::default())),
            Action::Health => {
                self.layers.push(Layer::Health(Box::default()));
                self.ask_health();
            }
            Action::Help => self.layers.push(Layer::Help(Help::default())),
            Action::Results => self.show_results(),
            Action::Copy => self.copy(),
            Action::Links => self.show_links(),
            Action::Theme => self.choose_theme(),
            Action::Site => self.show_sites(),
            Action::Palette => self.palette(""),
            Action::Hints => self.toggle_hints(),
            Action::Quit => self.quit(),
            // Reached through the palette only.
            Action::Interrupt => self.effects.push(Effect::Quit),
            Action::Redraw => {
                self.spoken.again();
                self.effects.push(Effect::Redraw);
            }
            Action::Suspend => self.effects.push(Effect::Suspend),
            // These belong to windows and fields.
            Action::NextAlert
            | Action::PreviousAlert
            | Action::NextTab
            | Action::PreviousTab
            | Action::Retry
            | Action::Discard
            | Action::Edit
            | Action::Unshelve
            | Action::Remark
            | Action::NextFormat
            | Action::WriteHandover
            | Action::SendHandover
            | Action::MarkRead
            | Action::Submit
            | Action::NextField
            | Action::PreviousField
            | Action::BreakLine
            | Action::Leave
            | Action::NextChoice
            | Action::PreviousChoice
            | Action::Yes
            | Action::No
            // These are motions.
            | Action::Down
            | Action::Up
            | Action::Top
            | Action::Bottom
            | Action::HalfDown
            | Action::HalfUp
            | Action::PageDown
            | Action::PageUp => {}
        }
    }

    /// What the list shows now: all that still narrows it.
    fn say_narrowing(&mut self) {
        let view = self.queue.view("");
        let mut text = match (view.unacknowledged, view.noisy) {
            (false, false) => "all alerts",
            (true, false) => "unacknowledged alerts only",
            (false, true) => "chattering and stale alerts only",
            (true, true) => "chattering and stale alerts only, of these the unacknowledged",
        }
        .to_owned();
        if !view.filter.is_empty() {
            let _ = write!(text, ", of these what matches {}", view.filter);
        }
        self.say(Tone::Plain, text);
    }

    pub(super) fn go(&mut self, motion: Motion) {
        match self.focus {
            Focus::Queue => {
                let before = self.queue.cursor().cloned();
                if self.queue.go(&self.store, motion)
                    && let Some(left) = before
                {
                    self.store.looked_at(&left);
                }
            }
            Focus::Devices => {
                self.devices.go(motion);
            }
            Focus::Metrics => {
                let subject = self.subject();
                let scene = crate::pane::Scene {
                    setup: &self.setup,
                    store: &self.store,
                    now: self.now,
                };
                self.metrics.go(&scene, subject.as_ref(), motion);
            }
        }
    }

    fn mark(&mut self, action: Action) {
        if self.list() == Focus::Devices {
            self.say(Tone::Plain, "alerts are marked, not devices".into());
            return;
        }
        if let Err(why) = self.queue_is_seen() {
            self.say(Tone::Bad, why);
            return;
        }
        let none = "no alert is under the cursor";
        let text = match action {
            Action::MarkRange => match self.queue.mark_range() {
                Some(true) => {
                    let key = self.scene().key(Action::MarkRange);
                    format!("moving marks; {key} ends the range")
                }
                Some(false) => format!("{} marked", self.queue.mark_count()),
                None => none.into(),
            },
            Action::MarkAll => match self.queue.mark_all() {
                0 => "no marks".into(),
                count => format!("{count} marked"),
            },
            _ => match self.queue.mark(&self.store) {
                Some(0) => "no marks".into(),
                Some(count) => format!("{count} marked"),
                None => none.into(),
            },
        };
        self.say(Tone::Plain, text);
    }

    fn open(&mut self) {
        let detail = match self.list() {
            Focus::Queue | Focus::Metrics => self.under_cursor().cloned().map(Detail::of_alert),
            Focus::Devices => self.devices.cursor().cloned().map(Detail::of_device),
        };
        match detail {
            Some(detail) => {
                if let Some(id) = self.queue.cursor().cloned() {
                    self.store.looked_at(&id);
                }
                if let crate::pane::detail::About::Alert(id) = detail.about()
                    && let Some(alert) = self.store.alert(id).cloned()
                {
                    self.ask_runbook(&alert);
                }
                self.layers.push(Layer::Detail(Box::new(detail)));
            }
            None => self.say(Tone::Plain, "there is nothing to open".into()),
        }
    }

    /// The runbook may have been written since it was read last: it is read anew each time.
    fn ask_runbook(&mut self, alert: &Alert) {
        let slug = crate::domain::slug(alert.name.raw());
        if !slug.is_empty() {
            self.effects.push(Effect::ReadRunbook(slug));
        }
    }

    /// One thing after the other: marks, narrowing, enlargement, focus.
    fn back(&mut self) {
        if self.queue.clear_marks() {
            self.say(Tone::Plain, "no marks".into());
            return;
        }
        let cleared = match self.list() {
            Focus::Devices => self.devices.clear_filter(),
            Focus::Queue | Focus::Metrics => self.queue.clear_filter(),
        };
        if cleared {
            self.say(Tone::Plain, "no filter".into());
        } else if self.zoomed {
            self.zoomed = false;
        } else if self.focus != Focus::Queue {
            self.focus = Focus::Queue;
        } else {
            let quit = self.scene().key(Action::Quit);
            self.say(Tone::Plain, format!("nothing to go back from; {quit} quits"));
        }
    }

    fn quit(&mut self) {
        let open = self.store.ledger().open();
        if open == 0 {
            self.effects.push(Effect::Quit);
            return;
        }
        let (what, safe, them) = if open == 1 {
            ("One action has".to_owned(), "It is", "it")
        } else {
            (format!("{open} actions have"), "They are", "them")
        };
        let text = vec![
            format!("{what} not been confirmed by the server yet."),
            format!("{safe} safe in the outbox: the next start goes on with {them}, and so does `nightdesk outbox drain`. Quit?"),
        ];
        self.layers.push(Layer::Question(Box::new(Question::new("Quit", text, Ask::Quit))));
    }

    /// The colour of plain text.
    pub(super) fn text_style(&self) -> ratatui::style::Style {
        self.setup.theme.style(Role::Text)
    }
}

/// What is not about the rows below, and so may be asked for while a window hides them.
fn works_over_windows(action: Action) -> bool {
    matches!(
        action,
        Action::Help
            | Action::Palette
            | Action::Outbox
            | Action::Health
            | Action::Refresh
            | Action::Mute
            | Action::Shelf
            | Action::Load
            | Action::Handover
            | Action::Undo
            | Action::Hints
            | Action::Redraw
            | Action::Suspend
            | Action::Interrupt
    )
}
