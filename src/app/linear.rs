//! The console as lines of text, for screen readers and braille: what is under the cursor, what changed, what a window says.
//! Lines are only ever added. The keys are the same.

use std::collections::HashMap;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::App;
use super::layer::Layer;
use crate::domain::{Alert, AlertId, AlertState, Facts as _, MetricValue, SafeText, Trait};
use crate::model::store::{Progress, Verb};
use crate::model::{Action, View};
use crate::pane::window::FilterLine;
use crate::pane::{Focus, GroupBy, Notice, Tone, header};

/// Rows that a list tells at once; the cursor goes to the others.
const ROWS_MOST: usize = 20;
/// Changes that are told one by one; more are counted.
const CHANGES_MOST: usize = 8;
/// The page that windows are laid out on: long enough for all of the help.
const PAGE: (u16, u16) = (90, 250);
/// The page of the panes.
const PANES: Rect = Rect {
    x: 0,
    y: 0,
    width: 90,
    height: 40,
};

/// What was told last.
#[derive(Debug, Default)]
pub(super) struct Spoken {
    /// What was typed since: the terminal shows it as it is typed.
    pub(super) echo: String,
    greeted: bool,
    /// It was said that nothing has been read yet.
    waiting: bool,
    /// Windows by depth, and the lines of the top one.
    depth: usize,
    window: Vec<String>,
    notice: Option<(Notice, Option<jiff::Timestamp>)>,
    trouble: Option<String>,
    view: View,
    focus: Option<Focus>,
    cursor: Option<AlertId>,
    device: Option<crate::domain::DeviceKey>,
    marks: usize,
    flood: bool,
    rows: HashMap<AlertId, (String, String)>,
    basis: Option<(u64, i64)>,
}

impl Spoken {
    /// Everything is told once more: the list, or the window that is open.
    pub(super) fn again(&mut self) {
        self.greeted = false;
        self.waiting = false;
        self.depth = 0;
        self.window.clear();
        self.trouble = None;
        self.cursor = None;
        self.device = None;
    }
}

/// What is told now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Announcement {
    /// Goes on where the last line ended: what the person types.
    pub echo: String,
    /// Whole lines.
    pub lines: Vec<String>,
}

impl App {
    /// Takes in what has arrived and tells what is new since the last call: the counterpart of [`App::render`].
    pub fn announce(&mut self) -> Announcement {
        self.size = (PANES.width, PANES.height);
        self.arrange(PANES);
        self.drawn = Some(self.visible());
        self.dirty = false;
        let mut spoken = std::mem::take(&mut self.spoken);
        let echo = std::mem::take(&mut spoken.echo);
        let typing = !echo.is_empty();
        let mut lines = Vec::new();
        self.tell_notice(&mut spoken, &mut lines);
        self.tell_trouble(&mut spoken, &mut lines);
        self.tell_window(&mut spoken, typing, &mut lines);
        let changes = self.changes(&mut spoken);
        if self.layers.is_empty() {
            self.tell_panes(&mut spoken, changes, &mut lines);
        } else {
            lines.extend(changes);
        }
        self.spoken = spoken;
        let lines = lines.into_iter().map(|line| line.trim_end().to_owned()).collect();
        Announcement { echo, lines }
    }

    fn tell_notice(&self, spoken: &mut Spoken, lines: &mut Vec<String>) {
        let now = self.notice.as_ref().map(|said| (said.notice.clone(), said.until));
        if now != spoken.notice {
            spoken.notice.clone_from(&now);
            if let Some((notice, _)) = now {
                let sign = if notice.tone == Tone::Bad { "attention: " } else { "" };
                lines.push(format!("{sign}{}", notice.text));
            }
        }
    }

    fn tell_trouble(&self, spoken: &mut Spoken, lines: &mut Vec<String>) {
        let trouble = header::trouble(&self.scene());
        if trouble != spoken.trouble {
            match &trouble {
                Some(text) => lines.push(format!("attention: {text}")),
                None => lines.push("all sources are live again".into()),
            }
            spoken.trouble = trouble;
        }
        let flood = self.store.flood().0.is_on();
        if flood && !spoken.flood {
            let load = self.store.load(self.now);
            lines.push(format!("attention: a flood begins, {} unacknowledged alerts", load.unacknowledged));
        }
        spoken.flood = flood; // its end is a sentence of its own
    }

    /// A window that opened is read out, of one that is open what changed; while a person types the terminal shows that.
    fn tell_window(&mut self, spoken: &mut Spoken, typing: bool, lines: &mut Vec<String>) {
        let depth = self.layers.len();
        let window = self.window_lines();
        if depth != spoken.depth {
            if depth > 0 {
                lines.extend(window.iter().cloned());
            }
            if depth < spoken.depth && depth == 0 {
                spoken.cursor = None; // where one is again
                spoken.device = None;
            }
            spoken.depth = depth;
        } else if typing {
            return; // what it came to is told with the next key that is no text
        } else {
            let bare = |line: &str| line.trim_start_matches(['>', ' ']).to_owned();
            let known: Vec<String> = spoken.window.iter().map(|line| bare(line)).collect();
            lines.extend(
                window
                    .iter()
                    .filter(|line| !spoken.window.contains(line))
                    .filter(|line| line.contains('>') || !known.contains(&bare(line)))
                    .cloned(),
            );
        }
        spoken.window = window;
    }

    /// The top window as text, without its frame.
    fn window_lines(&mut self) -> Vec<String> {
        let page = Rect::new(0, 0, PAGE.0, PAGE.1);
        self.arrange_handover(page);
        let scene = crate::pane::Scene {
            setup: &self.setup,
            store: &self.store,
            now: self.now,
        };
        let Some(layer) = self.layers.last_mut() else { return Vec::new() };
        if let Layer::Detail(detail) = layer {
            detail.arrange(&scene, page);
            return detail.text(&scene, usize::from(PAGE.0));
        }
        let mut buffer = Buffer::empty(page);
        match layer {
            Layer::Detail(_) => {}
            Layer::Form(form, _) => {
                form.arrange(&self.store);
                form.render(&scene, &mut buffer, Rect { height: 40, ..page });
            }
            Layer::Filter(line) => {
                let place = Rect {
                    height: FilterLine::HEIGHT,
                    ..page
                };
                line.render(&scene, &mut buffer, place);
            }
            Layer::Help(window) => {
                window.arrange(&scene, page);
                window.render(&scene, &mut buffer, page);
            }
            Layer::Palette(window) => {
                window.arrange(page);
                window.render(&scene, &mut buffer, page);
            }
            Layer::Outbox(window) => {
                window.arrange(&scene, page);
                window.render(&scene, &mut buffer, page);
            }
            Layer::Health(window) => {
                window.arrange(&scene, page, &self.said);
                window.render(&scene, &mut buffer, page, &self.said);
            }
            Layer::Question(window) => window.render(&scene, &mut buffer, page),
            Layer::Menu(window) => window.render(&scene, &mut buffer, page),
            Layer::Results(window) => {
                window.arrange(page);
                window.render(&scene, &mut buffer, page);
            }
            Layer::Prompt(window) => window.render(&scene, &mut buffer, page),
            Layer::Links(window) => window.render(&scene, &mut buffer, page),
            Layer::Shelf(window) => {
                window.arrange(&scene, page);
                window.render(&scene, &mut buffer, page);
            }
            Layer::Load(window) => {
                window.arrange(&scene, page);
                window.render(&scene, &mut buffer, page);
            }
            Layer::Handover(window) => window.render(&scene, &mut buffer, page),
        }
        text_of(&buffer)
    }

    fn tell_panes(&mut self, spoken: &mut Spoken, changes: Vec<String>, lines: &mut Vec<String>) {
        let view = self.queue.view(&self.view);
        let listed = self.queue.listed().len();
        if !spoken.greeted && self.store.freshness(crate::model::Source::Alerts).as_of.is_some() {
            spoken.greeted = true;
            let scene = self.scene();
            lines.push(format!(
                "nightdesk, {}, {}. {} shows every key, {} finds commands, {} quits.",
                self.setup.site,
                self.setup.operator,
                scene.key(Action::Help),
                scene.key(Action::Palette),
                scene.key(Action::Quit)
            ));
            self.tell_list(lines);
        } else if !spoken.greeted {
            // a count of what is not known would be a lie
            if !spoken.waiting {
                spoken.waiting = true;
                lines.push("reading alerts".into());
            }
        } else if view != spoken.view {
            self.tell_list(lines);
        } else {
            lines.extend(changes);
        }
        spoken.view = view;
        let marks = self.queue.mark_count();
        if marks != spoken.marks {
            lines.push(format!("{marks} of {listed} marked"));
            spoken.marks = marks;
        }
        let moved = spoken.focus != Some(self.focus);
        spoken.focus = Some(self.focus);
        match self.focus {
            Focus::Queue => {
                let cursor = self.queue.cursor().cloned();
                if cursor != spoken.cursor || moved {
                    match &cursor {
                        Some(id) => lines.push(self.row(id)),
                        None if spoken.greeted => lines.push("no alert in the list".into()),
                        None => {}
                    }
                    spoken.cursor = cursor;
                }
            }
            Focus::Devices => {
                let device = self.devices.cursor().cloned();
                if device != spoken.device || moved {
                    lines.push(self.device_row(device.as_ref()));
                    spoken.device = device;
                }
            }
            Focus::Metrics => {
                if moved {
                    lines.extend(self.metric_rows());
                }
            }
        }
    }

    /// The list's head and its first rows.
    fn tell_list(&self, lines: &mut Vec<String>) {
        let queue = &self.queue;
        let load = self.store.load(self.now);
        let mut head = vec![format!("{} alerts, {} unacknowledged", queue.listed().len(), load.unacknowledged)];
        let narrowed = queue.filter();
        if !narrowed.is_empty() {
            head.push(format!("filter {}", SafeText::new(narrowed.text()).shown()));
        }
        if let Some(sort) = queue.sort().shown() {
            head.push(format!("sorted {sort}"));
        }
        if queue.grouped_by() != GroupBy::Nothing {
            head.push(format!("grouped by {}", queue.grouped_by().word()));
        }
        lines.push(head.join(", "));
        let rows = queue.rows();
        lines.extend(rows.iter().take(ROWS_MOST).map(|id| self.row(id)));
        if rows.len() > ROWS_MOST {
            lines.push(format!("and {} more", rows.len() - ROWS_MOST));
        }
    }

    /// One alert as a sentence, with its place in the list.
    fn row(&self, id: &AlertId) -> String {
        let rows = self.queue.rows();
        let place = rows
            .iter()
            .position(|row| row == id)
            .map_or_else(String::new, |at| format!("{} of {}: ", at + 1, rows.len()));
        let Some((alert, gone)) = self.queue.alert(&self.store, id) else {
            return format!("{place}{}", id.shown());
        };
        let mut parts = vec![self.sentence(alert)];
        if gone {
            parts.push("gone from Monitor's list".into());
        }
        let behind = self.queue.folded_behind(id);
        if behind > 0 {
            parts.push(format!("and {behind} more of its group"));
        }
        if self.queue.marked().contains(id) {
            parts.push("marked".into());
        }
        format!("{place}{}", parts.join(", "))
    }

    fn sentence(&self, alert: &Alert) -> String {
        let scene = self.scene();
        let mut parts = vec![
            alert.severity.shown().to_owned(),
            alert.device.shown().to_owned(),
            alert.name.shown().to_owned(),
        ];
        match (&alert.value, alert.threshold) {
            (None | Some(MetricValue::Null), _) => {}
            (Some(value), None) => parts.push(value.to_string()),
            (Some(value), Some(limit)) => parts.push(format!("{value}, limit {}", crate::domain::short_number(limit))),
        }
        parts.push(self.state_words(alert));
        match self.store.order(&alert.id) {
            Some((number, Some(order))) => parts.push(format!("work order {} {}", number.shown(), order.status.shown())),
            Some((number, None)) => parts.push(format!("work order {}", number.shown())),
            None => {
                if let Some(number) = self.store.linked_order(alert) {
                    parts.push(format!("linked to work order {}", SafeText::new(number).shown()));
                }
            }
        }
        let facts = self.store.facts(alert, &self.setup.operator, self.now);
        for (is, word) in [(Trait::Chattering, "chattering"), (Trait::Stale, "stale")] {
            if facts.is(is) {
                parts.push(word.into());
            }
        }
        parts.push(format!("{} old", scene.age(alert.raised_at)));
        parts.join(", ")
    }

    /// Where an alert stands, in words that do not change by the second.
    fn state_words(&self, alert: &Alert) -> String {
        let scene = self.scene();
        let asked = self
            .store
            .ledger()
            .asked(&alert.id, &[Verb::Acknowledge, Verb::Resolve, Verb::Order], self.now);
        let by = |by: &Option<SafeText>| by.as_ref().map_or_else(String::new, |by| format!(" by {}", by.shown()));
        match asked {
            Some(asked) if matches!(asked.progress, Progress::Saving | Progress::Grace(_)) => {
                format!("{}: will be sent, {} takes it back", asked.verb.shown(), scene.key(Action::Undo))
            }
            Some(asked) if asked.progress.is_open() || matches!(asked.progress, Progress::Refused(_)) => scene.progress_sentence(&asked).0,
            _ => match &alert.state {
                AlertState::New => "new".into(),
                AlertState::Acknowledged => format!("acknowledged{}", by(&alert.acknowledged_by)),
                AlertState::Resolved => format!("resolved{}", by(&alert.resolved_by)),
                AlertState::Other(word) => word.shown().to_owned(),
            },
        }
    }

    /// What came, went or changed among the alerts of the list since it was told last.
    fn changes(&self, spoken: &mut Spoken) -> Vec<String> {
        let basis = Some((self.store.revision(), self.now.as_second()));
        if spoken.basis == basis {
            return Vec::new();
        }
        spoken.basis = basis;
        let first = !spoken.greeted;
        let mut rows = HashMap::new();
        let (mut came, mut changed) = (Vec::new(), Vec::new());
        for id in self.queue.listed() {
            let Some((alert, gone)) = self.queue.alert(&self.store, id) else {
                continue;
            };
            if gone {
                continue;
            }
            let state = (alert.severity.shown().to_owned(), self.state_words(alert));
            match spoken.rows.get(id) {
                None => came.push(format!("new: {}", self.sentence(alert))),
                Some(known) if *known != state => {
                    let worse = if known.0 == state.0 {
                        String::new()
                    } else {
                        format!("{}, ", state.0)
                    };
                    changed.push(format!("changed: {}, {worse}{}", self.scene().name(alert), state.1));
                }
                Some(_) => {}
            }
            rows.insert(id.clone(), state);
        }
        let went: Vec<String> = spoken
            .rows
            .keys()
            .filter(|id| !rows.contains_key(*id) && self.store.gone_since(id).is_some())
            .map(|id| format!("gone: {}", id.shown()))
            .collect();
        spoken.rows = rows;
        if first {
            return Vec::new();
        }
        let mut lines = Vec::new();
        for (mut some, word) in [(came, "new"), (changed, "changed"), (went, "gone")] {
            some.sort();
            let more = some.len().saturating_sub(CHANGES_MOST);
            some.truncate(CHANGES_MOST);
            lines.append(&mut some);
            if more > 0 {
                lines.push(format!("and {more} more {word}"));
            }
        }
        lines
    }

    fn device_row(&self, key: Option<&crate::domain::DeviceKey>) -> String {
        let Some(device) = key.and_then(|key| self.store.plant.device(key)) else {
            return "no device in the list".into();
        };
        let mut parts = vec![
            device.id.shown().to_owned(),
            device.device_type.shown().to_owned(),
            device.status.shown().to_owned(),
        ];
        parts.extend(device.location.as_ref().map(|place| place.shown().to_owned()));
        parts.extend(device.last_event_time.map(|at| format!("seen {} ago", self.scene().age(at))));
        format!("device {}", parts.join(", "))
    }

    /// The last value of each metric of the device under the cursor.
    fn metric_rows(&self) -> Vec<String> {
        let subject = self.subject();
        let Some(key) = subject.as_ref().and_then(crate::pane::Subject::device) else {
            return vec!["no device, no metrics".into()];
        };
        let mut lines = vec![format!("metrics of {}", key.device_id.shown())];
        let Some(trend) = self.store.plant.trend(key) else {
            lines.push("no readings yet".into());
            return lines;
        };
        for (metric, series) in &trend.series {
            let (Some((_, first)), Some((at, last))) = (series.points.first(), series.points.last()) else {
                continue;
            };
            let way = match last.total_cmp(first) {
                std::cmp::Ordering::Greater => "rising from",
                std::cmp::Ordering::Less => "falling from",
                std::cmp::Ordering::Equal => "steady at",
            };
            lines.push(format!(
                "{} {}, {way} {}, {}",
                metric.shown(),
                crate::domain::short_number(*last),
                crate::domain::short_number(*first),
                self.scene().clock(*at)
            ));
        }
        lines
    }
}

/// The lines of a page, without frames and empty lines.
fn text_of(buffer: &Buffer) -> Vec<String> {
    let mut lines = Vec::new();
    for y in 0..buffer.area.height {
        let mut line = String::new();
        for x in 0..buffer.area.width {
            line.push_str(buffer.cell((x, y)).map_or(" ", ratatui::buffer::Cell::symbol));
        }
        let line = line.trim().trim_matches(['|', '+']).trim_matches(['-']).trim();
        if !line.is_empty() {
            lines.push(line.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }
    lines
}
