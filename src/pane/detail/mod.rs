//! Everything that is known of one alert or device: the window, and the strip beside the queue.

mod history;
mod lines;
mod runbook;
mod sentence;
mod strip;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::ask::Step;
use super::cells;
use super::metrics::{Metrics, Subject};
use super::scene::{Scene, framed};
use super::scroll::{Motion, Scroll};
use crate::config::theme::Role;
use crate::domain::{Alert, AlertId, DeviceKey};
use crate::model::Action;
use history::history_lines;
use lines::{alert_lines, device_lines};
use runbook::runbook_lines;

pub(crate) use strip::{render_device_strip, render_strip};

/// A line of styled parts.
type Line = Vec<(String, Style)>;

/// Most of the device's other metrics that stand in the text where there is no chart.
const OTHERS: usize = 3;

/// Fewest lines in which the readings are drawn below the text.
const CHART_LEAST: u16 = 8;

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
    Runbook,
}

impl Tab {
    const ALL: [Self; 4] = [Self::Alert, Self::Device, Self::History, Self::Runbook];

    fn has_chart(self) -> bool {
        matches!(self, Self::Alert | Self::Device)
    }

    fn title(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Device => "device",
            Self::History => "history",
            Self::Runbook => "runbook",
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
    /// There is no room for a chart: the readings are lines of the text.
    without_chart: bool,
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
            without_chart: false,
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
            without_chart: false,
        }
    }

    /// What it is about.
    pub(crate) fn about(&self) -> &About {
        &self.about
    }

    /// The alert that it is about.
    pub(crate) fn alert(&self) -> Option<&AlertId> {
        match &self.about {
            About::Alert(id) => Some(id),
            About::Device(_) => None,
        }
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
        let width = usize::from(text.width);
        self.without_chart = false;
        self.lines = self.content(scene, width).len();
        if self.tab.has_chart() && self.chart_area(area, text).is_none() {
            self.without_chart = true;
            self.lines = self.content(scene, width).len();
        }
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
        if Self::has_chart(area) && self.tab.has_chart() {
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
        let mut lines = self.text_lines(scene, width);
        if self.without_chart && !lines.is_empty() {
            let others = if self.tab == Tab::Device { OTHERS } else { 0 };
            let readings = self
                .metrics
                .lines(scene, self.subject(scene).as_ref(), width, lines::LABEL - 1, others);
            lines.splice(1..1, readings);
        }
        lines
    }

    fn text_lines(&self, scene: &Scene<'_>, width: usize) -> Vec<Line> {
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
            (About::Alert(_), Some(alert), Tab::Runbook) => runbook_lines(scene, alert, width),
            (About::Alert(_), None, _) => Vec::new(),
            (About::Device(key), ..) => device_lines(scene, key, None, width),
        }
    }

    /// All of the tab as plain lines, with its name first.
    pub(crate) fn text(&self, scene: &Scene<'_>, width: usize) -> Vec<String> {
        let name = match (&self.about, &self.alert) {
            (About::Alert(_), Some(alert)) => format!("{}, {}", scene.name(alert), self.tab.title()),
            (About::Alert(id), None) => id.shown().to_owned(),
            (About::Device(key), _) => key.device_id.shown().to_owned(),
        };
        let lines = self.content(scene, width).into_iter().map(|line| {
            let whole: String = line.into_iter().map(|(text, _)| text).collect();
            whole.split_whitespace().collect::<Vec<_>>().join(" ")
        });
        std::iter::once(name).chain(lines).filter(|line| !line.is_empty()).collect()
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
        if let Some(chart) = self.chart_area(area, text) {
            self.metrics.render(scene, buffer, chart, false, self.subject(scene).as_ref());
        }
    }

    /// Beside the text where there is room for both, else below it.
    fn chart_area(&self, area: Rect, text: Rect) -> Option<Rect> {
        if !self.tab.has_chart() || self.without_chart {
            return None;
        }
        if Self::has_chart(area) {
            return Some(Rect {
                x: text.right() + 1,
                y: area.y + 1,
                width: (area.right() - 1).saturating_sub(text.right() + 1),
                height: area.height - 2,
            });
        }
        let used = u16::try_from(self.lines).unwrap_or(u16::MAX).min(text.height);
        let free = text.height - used;
        (free >= CHART_LEAST).then(|| Rect {
            y: text.y + used,
            height: free,
            ..text
        })
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
