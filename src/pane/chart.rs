//! Lines and sparklines of a series.

use jiff::{SignedDuration, Timestamp};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::cells;
use super::scene::Scene;
use crate::config::Charts;
use crate::config::theme::Role;
use crate::domain::{Series, short_number};

/// What a chart shows besides the line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Marks {
    /// The limit, in the metric's unit.
    pub(crate) limit: Option<f64>,
    /// When the alert was raised.
    pub(crate) trigger: Option<Timestamp>,
    /// The window's start and end.
    pub(crate) window: (Timestamp, Timestamp),
}

/// A window that ended this lately ends now: readings come at intervals.
const NOW_WITHIN: SignedDuration = SignedDuration::from_mins(2);

/// Seconds between two times.
#[expect(
    clippy::cast_precision_loss,
    reason = "a chart's width is hundreds of dots; seconds are exact far beyond"
)]
fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs() as f64
}

/// A non-negative number of dots or cells, bounded.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the drawing's size before"
)]
fn whole(number: f64, most: usize) -> usize {
    if number.is_finite() {
        number.round().clamp(0.0, most as f64) as usize
    } else {
        0
    }
}

/// A sparkline of a series in exactly `width` cells: the mean of each cell's time, blank where nothing was measured.
pub(crate) fn sparkline(scene: &Scene<'_>, series: &Series, window: (Timestamp, Timestamp), width: usize) -> String {
    let span = seconds(window.0, window.1);
    if width == 0 || span <= 0.0 {
        return " ".repeat(width);
    }
    let mut sums = vec![(0.0_f64, 0_u32); width];
    for (at, value) in &series.points {
        let place = seconds(window.0, *at) / span * (width as f64);
        if place < 0.0 || place > width as f64 || !value.is_finite() {
            continue;
        }
        if let Some((sum, count)) = sums.get_mut(whole(place.floor(), width - 1)) {
            *sum += value;
            *count += 1;
        }
    }
    let means: Vec<Option<f64>> = sums
        .iter()
        .map(|(sum, count)| (*count > 0).then(|| sum / f64::from(*count)))
        .collect();
    let (mut low, mut high) = bounds(means.iter().flatten().copied());
    // Less than a twentieth of the value is the noise of a steady metric: it is drawn as the small thing that it is.
    let least = low.abs().max(high.abs()) / 20.0;
    if high - low < least {
        let middle = f64::midpoint(low, high);
        (low, high) = (middle - least / 2.0, middle + least / 2.0);
    }
    means
        .iter()
        .map(|mean| match mean {
            None => " ",
            Some(mean) => {
                let share = if high > low { (mean - low) / (high - low) } else { 0.4 };
                scene.glyphs().spark.get(whole(share * 7.0, 7)).copied().unwrap_or(" ")
            }
        })
        .collect()
}

fn bounds(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        })
}

/// Dots of a picture, two by four a cell in braille, one a cell in ASCII.
struct Dots {
    wide: usize,
    high: usize,
    set: Vec<bool>,
}

impl Dots {
    fn new(wide: usize, high: usize) -> Self {
        Self {
            wide,
            high,
            set: vec![false; wide * high],
        }
    }

    fn dot(&mut self, x: usize, y: usize) {
        if x < self.wide
            && let Some(dot) = self.set.get_mut(y * self.wide + x)
        {
            *dot = true;
        }
    }

    fn is_set(&self, x: usize, y: usize) -> bool {
        x < self.wide && y < self.high && self.set.get(y * self.wide + x).copied().unwrap_or(false)
    }

    /// One dot a column on the way from one point to the next.
    fn slope(&mut self, from: (usize, usize), to: (usize, usize)) {
        let wide = to.0.abs_diff(from.0).max(1);
        for step in 0..=wide {
            let share = step as f64 / wide as f64;
            let y = whole(from.1 as f64 + (to.1 as f64 - from.1 as f64) * share, self.high - 1);
            let x = from.0.min(to.0) + step;
            if !(0..self.high).any(|at| self.is_set(x, at)) {
                self.dot(x, y);
            }
        }
    }

    /// A straight line, every column or row of it set.
    fn line(&mut self, from: (usize, usize), to: (usize, usize)) {
        let steps = from.0.abs_diff(to.0).max(from.1.abs_diff(to.1)).max(1);
        for step in 0..=steps {
            let share = step as f64 / steps as f64;
            let along = |from: usize, to: usize, most: usize| whole(from as f64 + (to as f64 - from as f64) * share, most);
            self.dot(along(from.0, to.0, self.wide - 1), along(from.1, to.1, self.high - 1));
        }
    }
}

/// Draws a line chart with its scale at the left and its times below.
pub(crate) fn line(scene: &Scene<'_>, buffer: &mut Buffer, area: Rect, series: &Series, marks: Marks) {
    let (mut low, mut high) = bounds(series.points.iter().map(|(_, value)| *value).chain(marks.limit));
    let span = seconds(marks.window.0, marks.window.1);
    if area.height < 3 || area.width < 16 || low > high || span <= 0.0 {
        return;
    }
    if (high - low).abs() < f64::EPSILON * high.abs().max(1.0) {
        low -= 1.0;
        high += 1.0;
    }
    let margin = (high - low) * 0.05;
    (low, high) = (low - margin, high + margin);

    let muted = scene.style(Role::Muted);
    let scale: Vec<String> = [high, low].iter().map(|value| short_number(*value)).collect();
    let gutter = u16::try_from(scale.iter().map(|text| cells::width(text)).max().unwrap_or(0))
        .unwrap_or(0)
        .min(area.width / 3)
        + 1;
    let plot = Rect {
        x: area.x + gutter,
        width: area.width - gutter,
        height: area.height - 1,
        ..area
    };
    let labels = [(plot.y, scale.first()), (plot.bottom() - 1, scale.get(1))];
    for (y, text) in labels {
        let text = cells::right(text.map_or("", String::as_str), usize::from(gutter) - 1, "");
        cells::write(buffer, area, area.x, y, &[(text, muted)]);
    }

    let form = form(scene);
    let (across, down) = match form {
        Charts::Braille => (2, 4),
        Charts::Block => (1, 8),
        Charts::Ascii => (1, 1),
    };
    let mut dots = Dots::new(usize::from(plot.width) * across, usize::from(plot.height) * down);
    let x_of = |at: Timestamp| seconds(marks.window.0, at) / span * (dots_last(plot.width, across));
    let y_of = |value: f64| (high - value) / (high - low) * (dots_last(plot.height, down));
    let gap = typical_gap(series) * 3.0;
    let mut last: Option<(Timestamp, (usize, usize))> = None;
    for (at, value) in series
        .points
        .iter()
        .filter(|(at, value)| *at >= marks.window.0 && *at <= marks.window.1 && value.is_finite())
    {
        let here = (whole(x_of(*at), dots.wide - 1), whole(y_of(*value), dots.high - 1));
        match last {
            // a block is filled from below, so only its height counts
            Some((before, from)) if seconds(before, *at) <= gap && form == Charts::Block => dots.slope(from, here),
            Some((before, from)) if seconds(before, *at) <= gap => dots.line(from, here),
            _ => dots.dot(here.0, here.1),
        }
        last = Some((*at, here));
    }

    let limit_row = marks
        .limit
        .map(|limit| plot.y + u16::try_from(whole(y_of(limit), dots.high - 1) / down).unwrap_or(0));
    let trigger = marks.trigger.filter(|at| *at >= marks.window.0 && *at <= marks.window.1);
    let trigger_column = trigger.map(|at| plot.x + u16::try_from(whole(x_of(at), dots.wide - 1) / across).unwrap_or(0));
    for y in plot.y..plot.bottom() {
        for x in plot.x..plot.right() {
            let (left, top) = (usize::from(x - plot.x) * across, usize::from(y - plot.y) * down);
            let sign = match form {
                Charts::Braille => braille(&dots, left, top),
                Charts::Block => block(scene, &dots, left, top),
                Charts::Ascii => dots.is_set(left, top).then(|| "*".to_owned()),
            };
            let (sign, role) = if let Some(sign) = sign {
                (sign, Role::ChartLine)
            } else if trigger_column == Some(x) {
                (scene.glyphs().trigger.to_owned(), Role::ChartTrigger)
            } else if limit_row == Some(y) {
                (scene.glyphs().limit.to_owned(), Role::ChartLimit)
            } else {
                continue;
            };
            buffer.set_stringn(x, y, sign, 1, scene.style(role));
        }
    }

    let y = plot.bottom();
    let start = scene.clock(marks.window.0);
    let is_now = scene.now.duration_since(marks.window.1) <= NOW_WITHIN;
    let end = if is_now {
        format!("now {}", scene.clock(marks.window.1))
    } else {
        scene.clock(marks.window.1)
    };
    let end_wide = u16::try_from(cells::width(&end)).unwrap_or(0);
    let room = Rect {
        height: area.height,
        ..plot
    };
    let after_start = cells::write(buffer, room, plot.x, y, &[(start, muted)]);
    let before_end = plot.right().saturating_sub(end_wide);
    if before_end > after_start {
        cells::write(buffer, room, before_end, y, &[(end, muted)]);
    }
    if let (Some(column), Some(at)) = (trigger_column, trigger) {
        let text = format!("{}{}", scene.glyphs().rise, scene.clock(at));
        let wide = u16::try_from(cells::width(&text)).unwrap_or(0);
        // The mark stands under its column, its time at whichever side has room.
        let x = if column + wide < before_end {
            column
        } else {
            before_end.saturating_sub(wide + 1)
        };
        if x > after_start && x + wide < before_end {
            cells::write(buffer, room, x, y, &[(text, scene.style(Role::ChartTrigger))]);
        }
    }
}

fn dots_last(cells: u16, per_cell: usize) -> f64 {
    (usize::from(cells) * per_cell).saturating_sub(1) as f64
}

/// The usual time between two points, in seconds: where three times as much is missing, the line is not drawn through.
fn typical_gap(series: &Series) -> f64 {
    let mut gaps: Vec<f64> = series
        .points
        .windows(2)
        .filter_map(|pair| Some(seconds(pair.first()?.0, pair.last()?.0)))
        .collect();
    gaps.sort_by(f64::total_cmp);
    gaps.get(gaps.len() / 2).copied().unwrap_or(f64::MAX)
}

/// What the terminal and the configuration allow.
fn form(scene: &Scene<'_>) -> Charts {
    if scene.setup.ascii { Charts::Ascii } else { scene.setup.charts }
}

/// A column filled from below up to its dot, in eighths; `None` above it and where nothing was measured.
fn block(scene: &Scene<'_>, dots: &Dots, left: usize, top: usize) -> Option<String> {
    let highest = (0..dots.high).find(|y| dots.is_set(left, *y))?;
    if highest >= top + 8 {
        return None;
    }
    let eighths = if highest <= top { 8 } else { 8 - (highest - top) };
    scene.glyphs().spark.get(eighths - 1).map(|sign| (*sign).to_owned())
}

/// The braille sign of the dots of one cell; `None` where none is set.
fn braille(dots: &Dots, left: usize, top: usize) -> Option<String> {
    const BITS: [[u32; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
    let mut bits = 0;
    for (y, row) in BITS.iter().enumerate() {
        for (x, bit) in row.iter().enumerate() {
            if dots.is_set(left + x, top + y) {
                bits |= bit;
            }
        }
    }
    (bits != 0).then(|| char::from_u32(0x2800 + bits).unwrap_or(' ').to_string())
}
