//! The metrics of one device: the one that matters as a line, the others as sparklines.

use jiff::{SignedDuration, Timestamp};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::cells;
use super::chart::{self, Marks};
use super::scene::{Scene, framed};
use super::scroll::Motion;
use crate::config::theme::Role;
use crate::domain::{Alert, AlertState, DeviceKey, SafeText, Series, short_number};
use crate::model::Source;
use crate::model::store::Trend;

/// What the metrics are shown for.
#[derive(Clone, Debug, PartialEq)]
pub enum Subject {
    /// The device of an alert.
    Alert(Box<Alert>, Option<DeviceKey>),
    /// A device.
    Device(DeviceKey),
}

impl Subject {
    /// The device, where it can be told.
    pub fn device(&self) -> Option<&DeviceKey> {
        match self {
            Self::Alert(_, key) => key.as_ref(),
            Self::Device(key) => Some(key),
        }
    }
}

/// Which metric of the device under the cursor is drawn large.
#[derive(Debug, Default)]
pub struct Metrics {
    /// The person's choice for a device; another device forgets it.
    chosen: Option<(DeviceKey, SafeText)>,
}

/// The metric of a device that matters most: that of its worst open alert, else the first by name.
pub(crate) fn main_metric<'a>(scene: &Scene<'_>, key: &DeviceKey, trend: &'a Trend) -> Option<(&'a SafeText, &'a Series)> {
    let alarmed = scene
        .store
        .alerts()
        .filter(|alert| alert.device == key.device_id && alert.state != AlertState::Resolved)
        .filter(|alert| alert.device_type.as_ref().is_none_or(|kind| *kind == key.device_type))
        .filter_map(|alert| Some((alert.severity.rank(), std::cmp::Reverse(alert.raised_at), alert.metric.as_ref()?)))
        .min()
        .and_then(|(_, _, metric)| trend.series.get_key_value(metric));
    alarmed.or_else(|| trend.series.iter().next())
}

impl Metrics {
    /// Chooses the next or an earlier metric. Answers whether there is another.
    pub(crate) fn go(&mut self, scene: &Scene<'_>, subject: Option<&Subject>, motion: Motion) -> bool {
        let Some(key) = subject.and_then(Subject::device) else {
            return false;
        };
        let Some(trend) = scene.store.plant.trend(key) else { return false };
        let names: Vec<&SafeText> = trend.series.keys().collect();
        let current = self.metric(scene, subject).map(|(name, _)| name.clone());
        let at = names.iter().position(|name| Some(*name) == current.as_ref()).unwrap_or(0);
        let to = motion.apply(at, names.len(), names.len());
        let Some(name) = names.get(to).filter(|_| to != at) else {
            return false;
        };
        self.chosen = Some((key.clone(), (*name).clone()));
        true
    }

    /// The metric that is drawn large.
    fn metric<'a>(&self, scene: &Scene<'a>, subject: Option<&Subject>) -> Option<(&'a SafeText, &'a Series)> {
        let subject = subject?;
        let key = subject.device()?;
        let trend = scene.store.plant.trend(key)?;
        let chosen = self.chosen.as_ref().filter(|(of, _)| of == key).map(|(_, metric)| metric);
        let of_alert = match subject {
            Subject::Alert(alert, _) => alert.metric.as_ref(),
            Subject::Device(_) => None,
        };
        chosen
            .or(of_alert)
            .and_then(|metric| trend.series.get_key_value(metric))
            .or_else(|| main_metric(scene, key, trend))
    }

    /// Draws the pane.
    pub(crate) fn render(&self, scene: &Scene<'_>, buffer: &mut Buffer, area: Rect, focused: bool, subject: Option<&Subject>) {
        let name = match subject {
            None => "Metrics".to_owned(),
            Some(Subject::Alert(alert, _)) => alert.device.shown().to_owned(),
            Some(Subject::Device(key)) => key.device_id.shown().to_owned(),
        };
        let metric = self.metric(scene, subject);
        let title = scene.style(Role::Title);
        let mut left = vec![(name, title)];
        if let Some((metric, _)) = metric {
            left.push((format!("  {}", metric.shown()), title));
        }
        let (word, role) = scene.freshness(Source::Metrics);
        let has_data = metric.is_some();
        let right = if has_data || role == Role::LinkDown {
            vec![(word, scene.style(role))]
        } else {
            Vec::new()
        };
        let inner = framed(scene, buffer, area, focused, &left, &right);
        if inner.height == 0 || inner.width < 8 {
            return;
        }
        let inner = Rect {
            x: inner.x + 1,
            width: inner.width.saturating_sub(2),
            ..inner
        };
        let trend = subject.and_then(Subject::device).and_then(|key| scene.store.plant.trend(key));
        let (Some((metric, series)), Some(trend)) = (metric, trend) else {
            Self::render_nothing(scene, buffer, inner, subject);
            return;
        };
        let alert = match subject {
            Some(Subject::Alert(alert, _)) if alert.metric.as_ref() == Some(metric) => Some(&**alert),
            _ => None,
        };
        let unit = scene.unit(metric.raw());
        let headline = headline(scene, series, alert, &unit, usize::from(inner.width));
        cells::write(buffer, inner, inner.x, inner.y, &headline);
        let others: Vec<(&SafeText, &Series)> = trend.series.iter().filter(|(name, _)| *name != metric).collect();
        let body = inner.height.saturating_sub(1);
        let others_high = u16::try_from(others.len())
            .unwrap_or(u16::MAX)
            .min(body.saturating_sub(4).min(body / 2));
        let chart_area = Rect {
            y: inner.y + 1,
            height: body - others_high,
            ..inner
        };
        let marks = Marks {
            limit: alert.and_then(|alert| alert.threshold),
            trigger: alert.map(|alert| alert.raised_at),
            window: trend.window,
        };
        chart::line(scene, buffer, chart_area, series, marks);
        let name_wide = others.iter().map(|(name, _)| cells::width(name.shown())).max().unwrap_or(0).min(16);
        let spark_wide = usize::from(inner.width).saturating_sub(name_wide + 9);
        for (y, (name, series)) in (chart_area.bottom()..inner.bottom()).zip(&others) {
            let parts = spark(scene, name, series, trend.window, (name_wide, spark_wide));
            cells::write(buffer, inner, inner.x, y, &parts);
        }
    }

    /// The same as a few lines of text, for where a chart has no room: the metric that matters with its limit, and as many
    /// `others` as are wanted.
    pub(crate) fn lines(
        &self,
        scene: &Scene<'_>,
        subject: Option<&Subject>,
        width: usize,
        name_wide: usize,
        others: usize,
    ) -> Vec<Vec<(String, Style)>> {
        let trend = subject.and_then(Subject::device).and_then(|key| scene.store.plant.trend(key));
        let (Some((metric, series)), Some(trend)) = (self.metric(scene, subject), trend) else {
            return Vec::new();
        };
        let alert = match subject {
            Some(Subject::Alert(alert, _)) if alert.metric.as_ref() == Some(metric) => Some(&**alert),
            _ => None,
        };
        let room = width.saturating_sub(name_wide + 1);
        let name = cells::left(metric.shown(), name_wide, scene.glyphs().ellipsis) + " ";
        let mut first = vec![(name, scene.style(Role::Muted))];
        first.extend(headline(scene, series, alert, &scene.unit(metric.raw()), room));
        let line = chart::sparkline(scene, series, trend.window, room);
        let second = vec![
            (" ".repeat(name_wide + 1), scene.style(Role::Text)),
            (line, scene.style(Role::ChartLine)),
        ];
        let others = trend.series.iter().filter(|(name, _)| *name != metric).take(others);
        let others = others.map(|(name, series)| spark(scene, name, series, trend.window, (name_wide, room.saturating_sub(8))).into());
        [first, second].into_iter().chain(others).collect()
    }

    fn render_nothing(scene: &Scene<'_>, buffer: &mut Buffer, inner: Rect, subject: Option<&Subject>) {
        let fresh = scene.store.freshness(Source::Metrics);
        let text = match subject {
            None => "Nothing under the cursor.".to_owned(),
            Some(Subject::Alert(_, None)) => "The alert does not name a device that the list has: no readings.".to_owned(),
            Some(_) => match &fresh.failing {
                Some((since, fault)) => format!("No readings since {}: {}", scene.clock(*since), fault.message.shown()),
                None if subject
                    .and_then(Subject::device)
                    .is_some_and(|key| scene.store.plant.trend(key).is_some()) =>
                {
                    format!(
                        "No numeric reading in the last {}.",
                        scene.span(SignedDuration::from_secs(i64::from(scene.setup.trend_window_seconds)))
                    )
                }
                None => format!("reading {}", scene.glyphs().ellipsis),
            },
        };
        for (y, line) in (inner.y..inner.bottom()).zip(cells::wrap(&text, usize::from(inner.width))) {
            cells::write(buffer, inner, inner.x, y, &[(line, scene.style(Role::Muted))]);
        }
    }
}

/// `current   ▅▆██▇▅▃▂▁▂▄▆▇█    40.5`, name and sparkline as wide as is said.
fn spark(
    scene: &Scene<'_>,
    name: &SafeText,
    series: &Series,
    window: (Timestamp, Timestamp),
    (name_wide, spark_wide): (usize, usize),
) -> [(String, Style); 3] {
    let value = series
        .last()
        .map_or_else(|| scene.glyphs().none.to_owned(), |(_, value)| short_number(value));
    [
        (
            cells::left(name.shown(), name_wide, scene.glyphs().ellipsis) + " ",
            scene.style(Role::Muted),
        ),
        (
            chart::sparkline(scene, series, window, spark_wide) + " ",
            scene.style(Role::ChartLine),
        ),
        (cells::right(&value, 7, scene.glyphs().ellipsis), scene.style(Role::Text)),
    ]
}

/// `98.4  limit 90  ▲ +12.1 in 30 min`
fn headline(scene: &Scene<'_>, series: &Series, alert: Option<&Alert>, unit: &str, width: usize) -> Vec<(String, Style)> {
    let glyphs = scene.glyphs();
    let mut parts = Vec::new();
    let Some((last_at, last)) = series.last() else {
        return vec![(glyphs.none.to_owned(), scene.style(Role::Muted))];
    };
    let limit = alert.and_then(|alert| alert.threshold);
    let role = alert.map_or(Role::Title, |_| Role::Text);
    let style = match alert {
        Some(alert) => scene.severity(&alert.severity).1,
        None => scene.style(role),
    };
    parts.push((format!("{}{unit}", short_number(last)), style));
    if let Some(limit) = limit {
        parts.push((format!("  limit {}{unit}", short_number(limit)), scene.style(Role::ChartLimit)));
    }
    let moved = |(delta, span)| {
        let sign = if delta > 0.0 { glyphs.rise } else { glyphs.fall };
        let plus = if delta > 0.0 { "+" } else { "" };
        if delta == 0.0 {
            format!("  steady for {}", scene.span(span))
        } else {
            format!("  {sign} {plus}{} in {}", like(delta, last), scene.span(span))
        }
    };
    let text = match silence(series, last_at, scene.now) {
        Some(silent) => Some(format!("  last reading {} ago", scene.span(silent))),
        None => delta(series, last_at, last).map(moved),
    };
    if let Some(text) = text {
        let used: usize = parts.iter().map(|(text, _)| cells::width(text)).sum();
        if used + cells::width(&text) <= width {
            parts.push((text, scene.style(Role::Text)));
        }
    }
    parts
}

/// A difference with as many decimals as the value that it belongs to is shown with.
fn like(delta: f64, value: f64) -> String {
    let decimals = match value.abs() {
        m if m >= 1000.0 => 0,
        m if m >= 10.0 => 1,
        m if m >= 1.0 => 2,
        _ => 3,
    };
    format!("{delta:.decimals$}")
}

/// Since when nothing has been read, where that is longer than three of the usual intervals (and than three minutes): what
/// does not report is not steady.
fn silence(series: &Series, last_at: Timestamp, now: Timestamp) -> Option<SignedDuration> {
    let times = series.points.iter().map(|(at, _)| *at);
    let mut gaps: Vec<SignedDuration> = times
        .clone()
        .zip(times.skip(1))
        .map(|(one, next)| next.duration_since(one))
        .collect();
    gaps.sort_unstable();
    let usual = gaps.get(gaps.len() / 2).copied().unwrap_or_default();
    let most = usual.saturating_mul(3).max(SignedDuration::from_mins(3));
    let silent = now.duration_since(last_at);
    (silent > most).then_some(silent)
}

/// How much it moved in the last half hour (or in what there is), and in how long.
fn delta(series: &Series, last_at: Timestamp, last: f64) -> Option<(f64, SignedDuration)> {
    let half_hour = SignedDuration::from_mins(30);
    let (first_at, first) = series
        .points
        .iter()
        .find(|(at, _)| last_at.duration_since(*at) <= half_hour)
        .copied()?;
    let span = last_at.duration_since(first_at);
    (span >= SignedDuration::from_mins(1)).then_some((last - first, span))
}
