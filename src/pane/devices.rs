//! The device list.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::cells;
use super::chart;
use super::metrics::main_metric;
use super::scene::{Scene, framed, highlight};
use super::scroll::{Motion, Scroll};
use crate::config::theme::Role;
use crate::domain::{DeviceFacts, DeviceKey, DeviceStatus, Filter, SafeText, short_number};
use crate::model::store::Age;
use crate::model::{Action, Source};

/// Cells before the first column: the cursor's sign and a space.
const GUTTER: u16 = 2;

/// The device list; arranged when a frame begins, like the queue.
#[derive(Debug, Default)]
pub struct Devices {
    rows: Vec<DeviceKey>,
    cursor: Option<DeviceKey>,
    scroll: Scroll,
    filter: Filter,
    basis: Option<(u64, Filter)>,
    widest: [usize; 3],
}

impl Devices {
    /// The device under the cursor.
    pub fn cursor(&self) -> Option<&DeviceKey> {
        self.cursor.as_ref()
    }

    /// The rows in view, top down.
    pub fn in_view(&self) -> &[DeviceKey] {
        self.rows.get(self.scroll.range(self.rows.len())).unwrap_or_default()
    }

    /// The filter in force.
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    /// Shows what passes a filter.
    pub(crate) fn set_filter(&mut self, filter: Filter) {
        self.filter = filter;
    }

    /// Takes the filter away; answers whether there was one.
    pub(crate) fn clear_filter(&mut self) -> bool {
        let had = !self.filter.is_empty();
        self.filter = Filter::all();
        had
    }

    fn index(&self) -> Option<usize> {
        let cursor = self.cursor.as_ref()?;
        // Most often it is in view; a hundred thousand rows are searched only when it is not.
        let range = self.scroll.range(self.rows.len());
        let start = range.start;
        let near = self.rows.get(range)?.iter().position(|key| key == cursor);
        near.map(|at| start + at).or_else(|| self.rows.iter().position(|key| key == cursor))
    }

    /// Moves the cursor. Answers whether it moved.
    pub(crate) fn go(&mut self, motion: Motion) -> bool {
        let from = self.index();
        let to = from.map_or(0, |at| motion.apply(at, self.rows.len(), self.scroll.height));
        let Some(key) = self.rows.get(to).filter(|_| from != Some(to)) else {
            return false;
        };
        self.cursor = Some(key.clone());
        true
    }

    /// Puts the cursor on a device of the list.
    pub(crate) fn select(&mut self, key: DeviceKey) {
        if self.rows.contains(&key) {
            self.cursor = Some(key);
        }
    }

    /// Takes in what has arrived since the last frame.
    pub(crate) fn arrange(&mut self, scene: &Scene<'_>, height: usize) {
        self.scroll.height = height;
        let basis = Some((scene.store.plant.revision(), self.filter.clone()));
        if self.basis != basis {
            self.basis = basis;
            let before = self.index().unwrap_or(0);
            let line = before.saturating_sub(self.scroll.top);
            let facts = |device| DeviceFacts { device, now: scene.now };
            let devices = scene.store.plant.devices().iter();
            self.rows = if self.filter.is_empty() {
                devices.map(crate::domain::Device::key).collect()
            } else {
                devices
                    .filter(|device| self.filter.matches(&facts(device)))
                    .map(crate::domain::Device::key)
                    .collect()
            };
            self.rows
                .sort_by(|one, other| (&one.device_id, &one.device_type).cmp(&(&other.device_id, &other.device_type)));
            let there = self.cursor.as_ref().is_some_and(|cursor| self.rows.contains(cursor));
            if !there {
                self.cursor = self.rows.get(before.min(self.rows.len().saturating_sub(1))).cloned();
            }
            self.scroll.top = self.index().unwrap_or(0).saturating_sub(line);
            self.widest = scene
                .store
                .plant
                .devices()
                .iter()
                .take(10_000)
                .fold([0; 3], |[id, kind, place], device| {
                    [
                        id.max(cells::width(device.id.shown())),
                        kind.max(cells::width(device.device_type.shown())),
                        place.max(device.location.as_ref().map_or(0, |text| cells::width(text.shown()))),
                    ]
                });
        }
        self.scroll.follow(self.index().unwrap_or(0), self.rows.len());
    }

    /// Rows that fit into a pane of this height.
    pub(crate) fn height_in(area: Rect) -> usize {
        usize::from(area.height.saturating_sub(3))
    }

    /// Draws the pane.
    pub(crate) fn render(&self, scene: &Scene<'_>, buffer: &mut Buffer, area: Rect, focused: bool) {
        let inner = framed(scene, buffer, area, focused, &self.title(scene), &self.aside(scene));
        if inner.height == 0 || inner.width < 12 {
            return;
        }
        if self.rows.is_empty() {
            let text = self.empty(scene);
            for (y, line) in (inner.y..inner.bottom()).zip(cells::wrap(&text, usize::from(inner.width - 2))) {
                cells::write(buffer, inner, inner.x + 1, y, &[(line, scene.style(Role::Muted))]);
            }
            return;
        }
        let columns = self.share(usize::from(inner.width - GUTTER));
        let [id, kind, place, seen, metric, spark, value] = columns;
        let head = |text: &str, width: usize| {
            if width == 0 {
                String::new()
            } else {
                cells::left(text, width, "") + " "
            }
        };
        let heads = format!(
            "  {}{}{}{}{}{}{}",
            head("DEVICE", id),
            head("TYPE", kind),
            head("LOCATION", place),
            if seen == 0 {
                String::new()
            } else {
                cells::right("SEEN", seen, "") + " "
            },
            head("METRIC", metric),
            head("", spark),
            if value == 0 {
                String::new()
            } else {
                cells::right("VALUE", value, "")
            },
        );
        cells::write(buffer, inner, inner.x + GUTTER, inner.y, &[(heads, scene.style(Role::Title))]);
        for (y, key) in (inner.y + 1..inner.bottom()).zip(self.in_view()) {
            let row = Rect { y, height: 1, ..inner };
            self.render_row(scene, buffer, row, key, columns, focused);
        }
        if let Some(place) = self.scroll.place(self.index(), self.rows.len()) {
            let text = format!(" {place} ");
            let x = area.right().saturating_sub(2 + u16::try_from(cells::width(&text)).unwrap_or(0));
            cells::write(
                buffer,
                area,
                x,
                area.bottom().saturating_sub(1),
                &[(text, scene.style(Role::Muted))],
            );
        }
    }

    /// Widths of id, type, location, last seen, metric name, sparkline and value; zero leaves one out.
    fn share(&self, width: usize) -> [usize; 7] {
        let [id, kind, place] = self.widest;
        let mut widths = [id.clamp(6, 18), kind.clamp(4, 18), place.clamp(8, 18), 4, 14, 10, 7];
        let total = |widths: &[usize; 7]| 2 + widths.iter().filter(|width| **width > 0).map(|width| width + 1).sum::<usize>();
        // What can be told from elsewhere goes first: the type, the location, the sparkline. A number says nothing without
        // the name of its metric: they go together.
        for (column, least) in [(1, 0), (5, 6), (4, 10), (2, 0), (5, 0), (3, 0), (6, 0), (4, 0)] {
            let over = total(&widths).saturating_sub(width + 1);
            if over == 0 {
                break;
            }
            if let Some(width) = widths.get_mut(column) {
                *width = if least == 0 { 0 } else { width.saturating_sub(over).max(least) };
            }
        }
        let spare = (width + 1).saturating_sub(total(&widths));
        if let Some(spark) = widths.get_mut(5).filter(|spark| **spark > 0) {
            *spark += spare.min(30);
        }
        widths
    }

    fn render_row(&self, scene: &Scene<'_>, buffer: &mut Buffer, row: Rect, key: &DeviceKey, columns: [usize; 7], focused: bool) {
        let Some(device) = scene.store.plant.device(key) else { return };
        let [id, kind, place, seen, metric, spark, value] = columns;
        let glyphs = scene.glyphs();
        let text = scene.style(Role::Text);
        let muted = scene.style(Role::Muted);
        let here = self.cursor.as_ref() == Some(key);
        let (sign, status) = scene.device_status(&device.status);
        let offline = device.status != DeviceStatus::Online;
        let mut parts: Vec<(String, Style)> = vec![
            (format!("{} ", if here { glyphs.cursor } else { " " }), scene.style(Role::Key)),
            (format!("{sign} "), status),
            (
                cells::left(device.id.shown(), id, glyphs.ellipsis) + " ",
                if offline { status } else { text },
            ),
        ];
        if kind > 0 {
            parts.push((cells::left(device.device_type.shown(), kind, glyphs.ellipsis) + " ", muted));
        }
        if place > 0 {
            let shown = device.location.as_ref().map_or(glyphs.none, |text| text.shown());
            parts.push((cells::left(shown, place, glyphs.ellipsis) + " ", text));
        }
        if seen > 0 {
            let shown = device.last_event_time.map_or_else(|| glyphs.none.to_owned(), |at| scene.age(at));
            parts.push((
                cells::right(&shown, seen, glyphs.ellipsis) + " ",
                if offline { status } else { text },
            ));
        }
        if offline {
            // The state in a word where the readings would be: nothing is measured by what is not heard of.
            parts.push((device.status.shown().to_owned(), status));
        } else if let Some(trend) = scene.store.plant.trend(key) {
            if let Some((name, series)) = main_metric(scene, key, trend) {
                if metric > 0 {
                    parts.push((cells::left(name.shown(), metric, glyphs.ellipsis) + " ", muted));
                }
                if spark > 0 {
                    parts.push((
                        chart::sparkline(scene, series, trend.window, spark) + " ",
                        scene.style(Role::ChartLine),
                    ));
                }
                if value > 0 {
                    let shown = series
                        .last()
                        .map_or_else(|| glyphs.none.to_owned(), |(_, value)| short_number(value));
                    parts.push((cells::right(&shown, value, glyphs.ellipsis), text));
                }
            }
        } else {
            parts.push((cells::left(glyphs.none, metric.max(1), ""), muted));
        }
        cells::write(buffer, row, row.x, row.y, &parts);
        if here && focused {
            let columns = [id, kind, place].into_iter().filter(|width| *width > 0);
            let columns = columns.map(|width| u16::try_from(width).unwrap_or(u16::MAX));
            buffer.set_style(highlight(row, GUTTER + 2, columns), scene.style(Role::Selection));
        }
    }

    fn title(&self, scene: &Scene<'_>) -> Vec<(String, Style)> {
        let dot = scene.glyphs().dot;
        let plant = &scene.store.plant;
        let all = plant.devices().len();
        let count = if scene.store.freshness(Source::Devices).as_of.is_none() {
            "Devices".to_owned()
        } else if self.filter.is_empty() {
            format!("Devices {all}")
        } else {
            format!("Devices {} of {all}", self.rows.len())
        };
        let mut parts = vec![(count, scene.style(Role::Title))];
        if plant.offline > 0 {
            parts.push((format!(" {dot} {} offline", plant.offline), scene.style(Role::DeviceOffline)));
        }
        if plant.skipped > 0 {
            parts.push((format!(" {dot} {} unreadable", plant.skipped), scene.style(Role::Warning)));
        }
        if let Some((loaded, total)) = plant.progress {
            let of = total.map_or_else(String::new, |total| format!(" of {total}"));
            parts.push((format!(" {dot} reading {loaded}{of}"), scene.style(Role::Muted)));
        }
        parts
    }

    fn aside(&self, scene: &Scene<'_>) -> Vec<(String, Style)> {
        let mut parts = Vec::new();
        if !self.filter.is_empty() {
            let text = SafeText::new(self.filter.text());
            parts.push((format!("{} {} ", text.shown(), scene.glyphs().dot), scene.style(Role::Match)));
        }
        let (word, role) = scene.freshness(Source::Devices);
        parts.push((word, scene.style(role)));
        parts
    }

    fn empty(&self, scene: &Scene<'_>) -> String {
        let fresh = scene.store.freshness(Source::Devices);
        match fresh.age(scene.now) {
            Age::Connecting => match scene.store.plant.progress {
                Some((loaded, _)) => format!("reading devices: {loaded} so far"),
                None => format!("connecting to Monitor {}", scene.glyphs().ellipsis),
            },
            Age::Silent(None) => {
                let reason = fresh.failing.as_ref().map_or("no answer", |(_, fault)| fault.message.shown());
                format!("No device list has come yet: {reason}")
            }
            Age::Cached(_) | Age::Live | Age::Silent(Some(_)) if !self.filter.is_empty() => {
                format!(
                    "No device matches {}; {} clears the filter.",
                    self.filter.text(),
                    scene.key(Action::Back)
                )
            }
            Age::Cached(_) | Age::Live | Age::Silent(Some(_)) => {
                "Monitor lists no device of this profile's types: see device_types in the configuration.".to_owned()
            }
        }
    }
}
