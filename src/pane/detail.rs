//! Everything that is known of one alert or device: the strip beside the queue, and the window.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::ask::Step;
use super::cells;
use super::metrics::{Metrics, Subject};
use super::scene::{Scene, framed};
use super::scroll::{Motion, Scroll};
use crate::config::theme::Role;
use crate::domain::{Alert, AlertId, AlertState, DeviceKey, MetricValue, SafeText, short_number};
use crate::model::store::{Asked, Progress, Verb};
use crate::model::{Action, Store};

/// A line of styled parts.
type Line = Vec<(String, Style)>;

/// Most earlier occurrences that are listed.
const HISTORY_MOST: usize = 5;

/// What the window is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// An alert.
    Alert(AlertId),
    /// A device.
    Device(DeviceKey),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Tab {
    #[default]
    Alert,
    Device,
    History,
}

impl Tab {
    const ALL: [Self; 3] = [Self::Alert, Self::Device, Self::History];

    fn title(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Device => "device",
            Self::History => "history",
        }
    }
}

/// The detail window.
#[derive(Debug)]
pub(crate) struct Detail {
    about: About,
    /// The last known form of the alert, for when it goes.
    alert: Option<Box<Alert>>,
    tab: Tab,
    scroll: Scroll,
    lines: usize,
    metrics: Metrics,
}

impl Detail {
    /// Of an alert.
    pub(crate) fn of_alert(alert: Alert) -> Self {
        Self {
            about: About::Alert(alert.id.clone()),
            alert: Some(Box::new(alert)),
            tab: Tab::Alert,
            scroll: Scroll::default(),
            lines: 0,
            metrics: Metrics::default(),
        }
    }

    /// Of a device.
    pub(crate) fn of_device(key: DeviceKey) -> Self {
        Self {
            about: About::Device(key),
            alert: None,
            tab: Tab::Device,
            scroll: Scroll::default(),
            lines: 0,
            metrics: Metrics::default(),
        }
    }

    /// What it is about.
    pub(crate) fn about(&self) -> &About {
        &self.about
    }

    /// Turns to another alert, in the same tab.
    pub(crate) fn turn_to(&mut self, alert: Alert) {
        self.about = About::Alert(alert.id.clone());
        self.alert = Some(Box::new(alert));
        self.scroll.top = 0;
    }

    /// Takes an action of the table.
    pub(crate) fn act(&mut self, action: Action) -> Step {
        if let Some(motion) = Motion::of(action) {
            self.scroll.top = motion.apply(
                self.scroll.top,
                self.lines.saturating_sub(self.scroll.height) + 1,
                self.scroll.height,
            );
            return Step::Stay;
        }
        match action {
            Action::NextTab | Action::PreviousTab if self.alert.is_some() => {
                let at = Tab::ALL.iter().position(|tab| *tab == self.tab).unwrap_or(0);
                let step = if action == Action::NextTab { 1 } else { Tab::ALL.len() - 1 };
                self.tab = Tab::ALL.get((at + step) % Tab::ALL.len()).copied().unwrap_or_default();
                self.scroll.top = 0;
                Step::Stay
            }
            Action::NextTab | Action::PreviousTab | Action::Open => Step::Stay,
            Action::Back | Action::Quit => Step::Close,
            _ => Step::Pass,
        }
    }

    /// Keeps the newest form of the alert.
    pub(crate) fn arrange(&mut self, scene: &Scene<'_>, area: Rect) {
        if let About::Alert(id) = &self.about
            && let Some(alert) = scene.store.alert(id)
        {
            self.alert = Some(Box::new(alert.clone()));
        }
        self.scroll.height = usize::from(area.height.saturating_sub(2));
        let text = self.text_area(area);
        self.lines = self.content(scene, usize::from(text.width)).len();
        self.scroll.top = self.scroll.top.min(self.lines.saturating_sub(self.scroll.height));
    }

    /// The readings stand at the right where there is room for both.
    fn has_chart(area: Rect) -> bool {
        area.width >= 96 && area.height >= 14
    }

    fn text_area(&self, area: Rect) -> Rect {
        let inner = Rect {
            x: area.x + 2,
            y: area.y + 1,
            width: area.width.saturating_sub(4),
            height: area.height.saturating_sub(2),
        };
        if Self::has_chart(area) && self.tab != Tab::History {
            Rect {
                width: inner.width * 11 / 20,
                ..inner
            }
        } else {
            inner
        }
    }

    fn is_gone(&self, scene: &Scene<'_>) -> bool {
        match &self.about {
            About::Alert(id) => scene.store.alert(id).is_none(),
            About::Device(_) => false,
        }
    }

    fn content(&self, scene: &Scene<'_>, width: usize) -> Vec<Line> {
        match (&self.about, &self.alert, self.tab) {
            (About::Alert(_), Some(alert), Tab::Alert) => alert_lines(scene, alert, self.is_gone(scene), width),
            (About::Alert(_), Some(alert), Tab::Device) => match scene.store.plant.key_of_alert(alert) {
                Some(key) => device_lines(scene, &key, Some(alert), width),
                None => vec![vec![(
                    "The alert names no device that the list has.".into(),
                    scene.style(Role::Muted),
                )]],
            },
            (About::Alert(_), Some(alert), Tab::History) => history_lines(scene, alert, width),
            (About::Alert(_), None, _) => Vec::new(),
            (About::Device(key), ..) => device_lines(scene, key, None, width),
        }
    }

    /// Draws the window.
    pub(crate) fn render(&self, scene: &Scene<'_>, buffer: &mut Buffer, area: Rect) {
        let title = scene.style(Role::Title);
        let muted = scene.style(Role::Muted);
        let name = match (&self.about, &self.alert) {
            (About::Alert(_), Some(alert)) => scene.name(alert),
            (About::Alert(id), None) => id.shown().to_owned(),
            (About::Device(key), _) => key.device_id.shown().to_owned(),
        };
        let mut aside = Vec::new();
        if self.alert.is_some() {
            for tab in Tab::ALL {
                let here = tab == self.tab;
                let text = if here {
                    format!("[{}]", tab.title())
                } else {
                    format!(" {} ", tab.title())
                };
                aside.push((text, if here { title } else { muted }));
            }
        }
        framed(scene, buffer, area, true, &[(name, title)], &aside);
        let text = self.text_area(area);
        let lines = self.content(scene, usize::from(text.width));
        for (y, line) in (text.y..text.bottom()).zip(lines.iter().skip(self.scroll.top)) {
            cells::write(buffer, text, text.x, y, line);
        }
        if let Some(place) = self.scroll.place(Some(self.scroll.top), self.lines) {
            let x = area.right().saturating_sub(3 + u16::try_from(cells::width(&place)).unwrap_or(0));
            cells::write(buffer, area, x, area.bottom().saturating_sub(1), &[(format!(" {place} "), muted)]);
        }
        if Self::has_chart(area) && self.tab != Tab::History {
            let chart = Rect {
                x: text.right() + 1,
                y: area.y + 1,
                width: (area.right() - 1).saturating_sub(text.right() + 1),
                height: area.height - 2,
            };
            self.metrics.render(scene, buffer, chart, false, self.subject(scene).as_ref());
        }
    }

    /// What its readings are shown for.
    pub(crate) fn subject(&self, scene: &Scene<'_>) -> Option<Subject> {
        match (&self.about, &self.alert) {
            (About::Alert(_), Some(alert)) => Some(Subject::Alert(alert.clone(), scene.store.plant.key_of_alert(alert))),
            (About::Alert(_), None) => None,
            (About::Device(key), _) => Some(Subject::Device(key.clone())),
        }
    }
}

/// The strip beside or below the queue: what matters most first, as much as fits.
pub(crate) fn render_strip(scene: &Scene<'_>, buffer: &mut Buffer, area: Rect, alert: Option<(&Alert, bool)>) {
    let title = scene.style(Role::Title);
    let name = alert.map_or_else(|| "Alert".to_owned(), |(alert, _)| alert.device.shown().to_owned());
    let place = alert
        .and_then(|(alert, _)| scene.store.plant.of_alert(alert))
        .map(|device| {
            let location = device
                .location
                .as_ref()
                .map_or_else(String::new, |place| format!(" {} {}", scene.glyphs().dot, place.shown()));
            vec![(format!("{}{location}", device.device_type.shown()), scene.style(Role::Muted))]
        })
        .unwrap_or_default();
    let inner = framed(scene, buffer, area, false, &[(name, title)], &place);
    let inner = Rect {
        x: inner.x + 1,
        width: inner.width.saturating_sub(2),
        ..inner
    };
    let Some((alert, gone)) = alert else {
        let text = "no alert is under the cursor".to_owned();
        cells::write(buffer, inner, inner.x, inner.y, &[(text, scene.style(Role::Muted))]);
        return;
    };
    let lines = strip_lines(scene, alert, gone, usize::from(inner.width), usize::from(inner.height));
    for (y, line) in (inner.y..inner.bottom()).zip(&lines) {
        cells::write(buffer, inner, inner.x, y, line);
    }
}

fn strip_lines(scene: &Scene<'_>, alert: &Alert, gone: bool, width: usize, height: usize) -> Vec<Line> {
    let text = scene.style(Role::Text);
    let muted = scene.style(Role::Muted);
    let (word, style) = scene.severity(&alert.severity);
    let mut lines: Vec<Line> = vec![vec![
        (format!("{word} "), style),
        (
            scene.cut(alert.name.shown(), width.saturating_sub(word.len() + 1)),
            scene.style(Role::Title),
        ),
    ]];
    let tail: Vec<Line> = raised_lines(scene, alert, width)
        .into_iter()
        .chain(state_lines(scene, alert, gone, width))
        .map(Some)
        .chain([
            order_line(scene, alert, width),
            alert.notes.as_ref().filter(|note| !note.is_empty()).map(|note| {
                vec![
                    ("note ".to_owned(), muted),
                    (scene.cut(note.shown(), width.saturating_sub(5)), text),
                ]
            }),
        ])
        .flatten()
        .collect();
    if let Some(message) = &alert.message {
        let room = height.saturating_sub(1 + tail.len()).max(1);
        let wrapped = cells::wrap(message.shown(), width);
        let cut = wrapped.len() > room;
        for (index, line) in wrapped.into_iter().take(room).enumerate() {
            let line = if cut && index + 1 == room {
                scene.cut(&format!("{line} {}", scene.glyphs().ellipsis), width)
            } else {
                line
            };
            lines.push(vec![(line, text)]);
        }
    }
    lines.extend(tail);
    // Whatever else was asked of it and is not at its end, while there is room.
    let said: Vec<_> = [&[Verb::Acknowledge, Verb::Resolve][..], &[Verb::Order][..]]
        .into_iter()
        .filter_map(|verbs| scene.store.ledger().asked(&alert.id, verbs, scene.now)?.row)
        .collect();
    for row in scene
        .store
        .ledger()
        .of_alert(&alert.id)
        .filter(|row| !said.contains(&row.id))
        .take(4)
    {
        let asked = asked_of(scene, row);
        let (sentence, style) = scene.progress_sentence(&asked);
        if lines.len() < height && !matches!(asked.progress, Progress::Done(_) | Progress::Cancelled) {
            lines.push(vec![(scene.cut(&sentence, width), style)]);
        }
    }
    let others = scene.store.others_of(alert).count();
    if others > 0 && lines.len() < height {
        let plural = if others == 1 { "alert" } else { "alerts" };
        lines.push(vec![(format!("{others} other open {plural} on this device"), muted)]);
    }
    lines
}

fn asked_of(scene: &Scene<'_>, row: &crate::domain::OutboxRow) -> Asked {
    Asked {
        verb: Verb::of(&row.intent),
        progress: Progress::of(row, scene.now),
        row: Some(row.id),
    }
}

fn value_text(alert: &Alert, scene: &Scene<'_>) -> String {
    let value = match &alert.value {
        None | Some(MetricValue::Null) => scene.glyphs().none.to_owned(),
        Some(value) => value.to_string(),
    };
    let metric = alert
        .metric
        .as_ref()
        .map_or_else(String::new, |metric| format!("{} ", metric.shown()));
    let limit = alert
        .threshold
        .map_or_else(String::new, |limit| format!(", limit {}", short_number(limit)));
    format!("{metric}{value}{limit}")
}

fn raised_lines(scene: &Scene<'_>, alert: &Alert, width: usize) -> Vec<Line> {
    let text = scene.style(Role::Text);
    let when = format!("raised {} ({})", scene.clock_seconds(alert.raised_at), scene.age(alert.raised_at));
    if alert.value.is_none() && alert.metric.is_none() {
        return vec![vec![(scene.cut(&when, width), text)]];
    }
    let value = value_text(alert, scene);
    let whole = format!("{when} {} {value}", scene.glyphs().dot);
    if cells::width(&whole) <= width {
        return vec![vec![(whole, text)]];
    }
    vec![vec![(scene.cut(&value, width), text)], vec![(scene.cut(&when, width), text)]]
}

/// Where an alert stands, in a sentence.
pub(crate) fn state_sentence(scene: &Scene<'_>, alert: &Alert, gone: bool) -> (String, Style) {
    if gone {
        let since = scene
            .store
            .gone_since(&alert.id)
            .map_or_else(String::new, |at| format!(" since {}", scene.clock(at)));
        return (format!("no longer in Monitor's list{since}"), scene.style(Role::Warning));
    }
    let person = |by: &Option<SafeText>| by.as_ref().map_or_else(String::new, |by| format!(" by {}", by.shown()));
    let when = |at: Option<jiff::Timestamp>| at.map_or_else(String::new, |at| format!(" {}", scene.clock_seconds(at)));
    match &alert.state {
        AlertState::New => ("new: nobody has acknowledged it".into(), scene.style(Role::StateNew)),
        AlertState::Acknowledged => (
            format!("acknowledged{}{}", person(&alert.acknowledged_by), when(alert.acknowledged_at)),
            scene.style(Role::StateAcknowledged),
        ),
        AlertState::Resolved => (
            format!("resolved{}{}", person(&alert.resolved_by), when(alert.resolved_at)),
            scene.style(Role::StateResolved),
        ),
        AlertState::Other(word) => (word.shown().to_owned(), scene.style(Role::StateNew)),
    }
}

/// Where it stands, in at most two lines.
fn state_lines(scene: &Scene<'_>, alert: &Alert, gone: bool, width: usize) -> Vec<Line> {
    let (text, style) = standing(scene, alert, gone);
    let mut lines = cells::wrap(&text, width);
    if lines.len() > 2 {
        let rest = lines.split_off(1).join(" ");
        lines.push(scene.cut(&rest, width));
    }
    lines.into_iter().map(|line| vec![(line, style)]).collect()
}

/// What was asked of an alert and is not at its end, else where it stands.
fn standing(scene: &Scene<'_>, alert: &Alert, gone: bool) -> (String, Style) {
    let asked = scene
        .store
        .ledger()
        .asked(&alert.id, &[Verb::Acknowledge, Verb::Resolve], scene.now);
    match asked {
        Some(asked) if !gone && !matches!(asked.progress, Progress::Done(_) | Progress::Cancelled) => scene.progress_sentence(&asked),
        _ => state_sentence(scene, alert, gone),
    }
}

fn order_sentence(scene: &Scene<'_>, alert: &Alert) -> Option<(String, Style)> {
    if let Some((number, told)) = scene.store.order(&alert.id) {
        let told = told.map_or_else(String::new, |order| {
            let lead = order.lead.as_ref().map_or_else(String::new, |lead| format!(", {}", lead.shown()));
            let offer = if order.is_completed() && alert.state != AlertState::Resolved {
                format!(": done, {} resolves", scene.key(Action::Resolve))
            } else {
                String::new()
            };
            format!(" {}{lead}{offer}", order.status.shown())
        });
        return Some((format!("work order {}{told}", number.shown()), scene.style(Role::Text)));
    }
    if let Some(asked) = scene.store.ledger().asked(&alert.id, &[Verb::Order], scene.now) {
        return Some(scene.progress_sentence(&asked));
    }
    Store::linked_order(alert).map(|number| (format!("linked to work order {number}"), scene.style(Role::Text)))
}

fn order_line(scene: &Scene<'_>, alert: &Alert, width: usize) -> Option<Line> {
    order_sentence(scene, alert).map(|(text, style)| vec![(scene.cut(&text, width), style)])
}

/// Cells of the labels.
const LABEL: usize = 13;

/// A label and a wrapped text beside it.
fn labelled(scene: &Scene<'_>, label: &str, text: &SafeText, width: usize, lines: &mut Vec<Line>) {
    let texts: Vec<String> = text.shown_lines().collect();
    labelled_text(scene, label, &texts, scene.style(Role::Text), width, lines);
}

fn labelled_text(scene: &Scene<'_>, label: &str, texts: &[String], style: Style, width: usize, lines: &mut Vec<Line>) {
    let mut label = label;
    for text in texts {
        for line in cells::wrap(text, width.saturating_sub(LABEL)) {
            lines.push(vec![(cells::left(label, LABEL, ""), scene.style(Role::Muted)), (line, style)]);
            label = "";
        }
    }
}

fn alert_lines(scene: &Scene<'_>, alert: &Alert, gone: bool, width: usize) -> Vec<Line> {
    let text = scene.style(Role::Text);
    let (word, style) = scene.severity(&alert.severity);
    let mut lines: Vec<Line> = vec![
        vec![
            (format!("{word}  "), style),
            (
                scene.cut(alert.name.shown(), width.saturating_sub(word.len() + 2)),
                scene.style(Role::Title),
            ),
        ],
        Vec::new(),
    ];
    if let Some(message) = &alert.message {
        for part in message.shown_lines() {
            lines.extend(cells::wrap(&part, width).into_iter().map(|line| vec![(line, text)]));
        }
        lines.push(Vec::new());
    }
    let plain = |label: &str, value: String, lines: &mut Vec<Line>| labelled_text(scene, label, &[value], text, width, lines);
    plain("value", value_text(alert, scene), &mut lines);
    plain(
        "raised",
        format!("{} ({} ago)", scene.clock_seconds(alert.raised_at), scene.age(alert.raised_at)),
        &mut lines,
    );
    let (state, style) = state_sentence(scene, alert, gone);
    labelled_text(scene, "state", &[state], style, width, &mut lines);
    if let Some(note) = alert.notes.as_ref().filter(|note| !note.is_empty()) {
        labelled(scene, "note", note, width, &mut lines);
    }
    if alert.state == AlertState::Resolved && alert.acknowledged_by.is_some() {
        let by = alert.acknowledged_by.as_ref().map_or("", |by| by.shown());
        let when = alert
            .acknowledged_at
            .map_or_else(String::new, |at| format!(" {}", scene.clock_seconds(at)));
        plain("acknowledged", format!("by {by}{when}"), &mut lines);
    }
    for (label, value) in [
        ("resolution", &alert.resolution),
        ("root cause", &alert.root_cause),
        ("prevention", &alert.preventive_action),
    ] {
        if let Some(value) = value.as_ref().filter(|value| !value.is_empty()) {
            labelled(scene, label, value, width, &mut lines);
        }
    }
    if let Some((order, style)) = order_sentence(scene, alert) {
        labelled_text(scene, "order", &[order], style, width, &mut lines);
        if let Some((_, Some(order))) = scene.store.order(&alert.id) {
            labelled(scene, "", &order.description, width, &mut lines);
        }
    }
    plain("id", alert.id.shown().to_owned(), &mut lines);
    let mut label = "asked here";
    for row in scene.store.ledger().of_alert(&alert.id) {
        let (sentence, style) = scene.progress_sentence(&asked_of(scene, row));
        labelled_text(
            scene,
            label,
            &[format!("{} {sentence}", scene.clock_seconds(row.created_at))],
            style,
            width,
            &mut lines,
        );
        label = "";
    }
    let others: Vec<&Alert> = scene.store.others_of(alert).collect();
    push_alerts(scene, "also open", others, width, &mut lines);
    lines
}

/// Alerts one a line, worst first.
fn push_alerts(scene: &Scene<'_>, label: &str, mut alerts: Vec<&Alert>, width: usize, lines: &mut Vec<Line>) {
    alerts.sort_by(|one, other| crate::domain::triage_order(one, other));
    let mut label = label;
    for alert in alerts {
        let (word, style) = scene.severity(&alert.severity);
        let (state, _) = scene.state(alert, 20);
        let room = width.saturating_sub(LABEL + 5 + 7 + cells::width(&state));
        lines.push(vec![
            (cells::left(label, LABEL, ""), scene.style(Role::Muted)),
            (cells::left(&word, 5, ""), style),
            (cells::left(&scene.age(alert.raised_at), 5, ""), scene.style(Role::Text)),
            (scene.cut(alert.name.shown(), room), scene.style(Role::Text)),
            (format!("  {state}"), scene.style(Role::Muted)),
        ]);
        label = "";
    }
}

fn device_lines(scene: &Scene<'_>, key: &DeviceKey, but: Option<&Alert>, width: usize) -> Vec<Line> {
    let text = scene.style(Role::Text);
    let Some(device) = scene.store.plant.device(key) else {
        return vec![vec![(
            format!("{} is not in the device list.", key.device_id.shown()),
            scene.style(Role::Warning),
        )]];
    };
    let (sign, style) = scene.device_status(&device.status);
    let mut lines: Vec<Line> = vec![vec![
        (format!("{sign} {} ", device.status.shown()), style),
        (scene.cut(device.id.shown(), width.saturating_sub(12)), scene.style(Role::Title)),
    ]];
    let plain = |label: &str, value: String, lines: &mut Vec<Line>| labelled_text(scene, label, &[value], text, width, lines);
    plain("type", device.device_type.shown().to_owned(), &mut lines);
    if let Some(location) = &device.location {
        plain("location", location.shown().to_owned(), &mut lines);
    }
    if let Some(at) = device.last_event_time {
        plain(
            "last event",
            format!("{} ({} ago)", scene.clock_seconds(at), scene.age(at)),
            &mut lines,
        );
    }
    for (name, value) in device
        .device_info
        .iter()
        .chain(&device.metadata)
        .filter(|(name, _)| *name != "location")
    {
        let value = match value {
            serde_json::Value::String(text) => SafeText::new(text.as_str()),
            other => SafeText::new(other.to_string()),
        };
        let name = SafeText::new(name.as_str());
        let label = scene.cut(name.shown(), LABEL - 1);
        labelled(scene, &label, &value, width, &mut lines);
    }
    let open = scene.store.alerts().filter(|alert| {
        alert.device == key.device_id
            && alert.state != AlertState::Resolved
            && alert.device_type.as_ref().is_none_or(|kind| *kind == key.device_type)
            && but.is_none_or(|but| but.id != alert.id)
    });
    let open: Vec<&Alert> = open.collect();
    if !open.is_empty() {
        lines.push(Vec::new());
    }
    push_alerts(scene, if but.is_some() { "also open" } else { "open" }, open, width, &mut lines);
    lines
}

/// The last times that this happened on this device, as far as the list goes back.
fn history_lines(scene: &Scene<'_>, alert: &Alert, width: usize) -> Vec<Line> {
    let mut before: Vec<&Alert> = scene
        .store
        .alerts()
        .filter(|other| other.device == alert.device && other.name == alert.name && other.id != alert.id)
        .collect();
    before.sort_by_key(|other| std::cmp::Reverse(other.raised_at));
    let mut lines: Vec<Line> = Vec::new();
    for other in before.iter().take(HISTORY_MOST) {
        let (state, style) = state_sentence(scene, other, false);
        lines.push(vec![
            (format!("{}  ", scene.clock(other.raised_at)), scene.style(Role::Title)),
            (state, style),
        ]);
        for (label, value) in [
            ("  cause", &other.root_cause),
            ("  resolution", &other.resolution),
            ("  note", &other.notes),
        ] {
            if let Some(value) = value.as_ref().filter(|value| !value.is_empty()) {
                labelled(scene, label, value, width, &mut lines);
            }
        }
        if let Some((order, style)) = order_sentence(scene, other) {
            labelled_text(scene, "  order", &[order], style, width, &mut lines);
        }
        lines.push(Vec::new());
    }
    if lines.is_empty() {
        lines.push(vec![(
            "Monitor's list has no earlier occurrence of this alert on this device.".into(),
            scene.style(Role::Muted),
        )]);
    }
    lines
}
