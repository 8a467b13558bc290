//! The queue on the screen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::cells;
use super::super::scene::{Scene, framed, highlight};
use super::column::{self, Place, Sized};
use super::{GroupBy, Queue};
use crate::config::theme::Role;
use crate::domain::AlertId;
use crate::model::store::{Age, Touch};
use crate::model::{Action, Source, Store};

/// Lines of a pane from which on something may stay in sight above its rows.
const PINS_LEAST: u16 = 8;

/// Cells before the first column: the cursor's sign, the mark, the sign of change.
const GUTTER: u16 = 3;

impl Queue {
    /// Rows that fit into a pane of this height: without its frame, its line of heads, and what stays in sight above them.
    pub(crate) fn height_in(store: &Store, area: Rect) -> usize {
        usize::from(area.height.saturating_sub(3)).saturating_sub(usize::from(Self::pinned(store, area)))
    }

    fn pinned(store: &Store, area: Rect) -> u16 {
        if area.height < PINS_LEAST {
            return 0;
        }
        u16::try_from(Self::pins(store).len()).unwrap_or(0)
    }

    /// Draws the pane.
    pub(crate) fn render(&self, scene: &Scene<'_>, buffer: &mut Buffer, area: Rect, focused: bool) {
        let inner = framed(scene, buffer, area, focused, &self.title(scene), &self.aside(scene));
        if inner.height == 0 || inner.width < GUTTER + 4 {
            return;
        }
        if self.rows.is_empty() {
            self.render_empty(scene, buffer, inner);
            return;
        }
        let pinned = Self::pinned(scene.store, area);
        for (y, (label, alert)) in (inner.y..inner.y + pinned).zip(Self::pins(scene.store)) {
            render_pin(scene, buffer, Rect { y, height: 1, ..inner }, label, alert);
        }
        let inner = Rect {
            y: inner.y + pinned,
            height: inner.height - pinned,
            ..inner
        };
        let sized = column::share(&self.columns, usize::from(inner.width - GUTTER), self.widest);
        let mut heads = String::new();
        for one in &sized {
            heads.push_str(&column::head(*one));
            heads.push(' ');
        }
        cells::write(buffer, inner, inner.x + GUTTER, inner.y, &[(heads, scene.style(Role::Title))]);
        for (line, id) in (1..inner.height).zip(self.in_view()) {
            let row = Rect {
                y: inner.y + line,
                height: 1,
                ..inner
            };
            self.render_row(scene, buffer, row, id, &sized, focused);
        }
        let index = self.index();
        if let Some(place) = self.scroll.place(index, self.rows.len()) {
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

    fn render_row(&self, scene: &Scene<'_>, buffer: &mut Buffer, row: Rect, id: &AlertId, sized: &[Sized], focused: bool) {
        let Some((alert, gone)) = self.alert(scene.store, id) else { return };
        let glyphs = scene.glyphs();
        let here = self.cursor.as_ref() == Some(id);
        let blank = scene.style(Role::Text);
        let cursor = if here { glyphs.cursor } else { " " };
        let mark = if self.marks.contains(id) { glyphs.mark } else { " " };
        let touch = match scene.store.touch(id) {
            Some(Touch::Arrived) => glyphs.arrived,
            Some(Touch::Changed) => glyphs.changed,
            None => " ",
        };
        let mut parts: Vec<(String, Style)> = vec![
            (cursor.to_owned(), scene.style(Role::Key)),
            (mark.to_owned(), scene.style(Role::Mark)),
            (touch.to_owned(), scene.style(Role::Warning)),
        ];
        let place = match self.grouped.folds.get(id) {
            Some(fold) => Place::First(fold),
            None if self.grouped.inner.contains(id) => Place::Inner,
            None => Place::Alone,
        };
        // the other groups have a column that says what they are
        let head = if self.grouping == GroupBy::Location && place != Place::Inner {
            let at = scene.store.plant.of_alert(alert).and_then(|device| device.location.as_ref());
            format!("{}: ", at.map_or("no location", crate::domain::SafeText::shown))
        } else {
            String::new()
        };
        for one in sized {
            parts.push(column::cell(scene, alert, gone, (place, &head), *one));
            parts.push((" ".to_owned(), blank));
        }
        cells::write(buffer, row, row.x, row.y, &parts);
        if gone {
            buffer.set_style(row, scene.style(Role::Muted));
        }
        if here && focused {
            let columns = sized.iter().map(|one| u16::try_from(one.width).unwrap_or(u16::MAX));
            buffer.set_style(highlight(row, GUTTER, columns), scene.style(Role::Selection));
        }
    }

    fn title(&self, scene: &Scene<'_>) -> Vec<(String, Style)> {
        let dot = scene.glyphs().dot;
        let title = scene.style(Role::Title);
        if scene.store.freshness(Source::Alerts).as_of.is_none() {
            return vec![("Alerts".into(), title)]; // a count of what is not known would be a lie
        }
        let count = if self.matching == self.known {
            format!("Alerts {}", self.known)
        } else {
            format!("Alerts {} of {}", self.matching, self.known)
        };
        let mut parts = Vec::new();
        // before all else, so that a narrow pane does not cut it off
        if let Some((severity, above)) = self.urgent_above(scene.store) {
            let (word, style) = scene.severity(&severity);
            let text = format!(
                "{} {above} {} above {dot} {}",
                scene.glyphs().rise,
                word.to_lowercase(),
                scene.key(Action::Top)
            );
            parts.extend([(text, style), (format!(" {dot} "), title)]);
        }
        parts.extend([(count, title), (format!(" {dot} unack {}", self.waiting_unacknowledged), title)]);
        if self.grouping != GroupBy::Nothing {
            let groups = if self.grouped.count == 1 { "group" } else { "groups" };
            parts.push((format!(" {dot} {} {groups} by {}", self.grouped.count, self.grouping.word()), title));
        }
        if !self.marks.is_empty() {
            parts.push((format!(" {dot} {} marked", self.marks.len()), scene.style(Role::Mark)));
        }
        let quality = scene.store.quality();
        if quality.incomplete {
            parts.push((format!(" {dot} list incomplete"), scene.style(Role::Warning)));
        }
        if quality.skipped > 0 {
            parts.push((format!(" {dot} {} unreadable", quality.skipped), scene.style(Role::Warning)));
        }
        parts
    }

    /// The right of the title: how old it is, whether it moves, what is left out. What stands last gives way where it is
    /// narrow: the words of a filter can be looked up, the age of what is shown cannot.
    fn aside(&self, scene: &Scene<'_>) -> Vec<(String, Style)> {
        let dot = scene.glyphs().dot;
        let (word, role) = scene.freshness(Source::Alerts);
        let mut parts = vec![(word, scene.style(role))];
        if let Some(frozen) = &self.frozen {
            let waits = match (frozen.arrived, frozen.gone) {
                (0, 0) => String::new(),
                (new, 0) => format!(", {new} new wait"),
                (0, gone) => format!(", {gone} gone"),
                (new, gone) => format!(", {new} new wait, {gone} gone"),
            };
            parts.push((
                format!(" {dot} FROZEN {}{waits}", scene.clock(frozen.since)),
                scene.style(Role::Warning),
            ));
        }
        if let Some(sort) = self.sort.shown() {
            parts.push((format!(" {dot} {sort}"), scene.style(Role::Muted)));
        }
        let narrowing = self.narrowing();
        if !narrowing.is_empty() {
            parts.push((format!(" {dot} {narrowing}"), scene.style(Role::Match)));
        }
        parts
    }

    /// The filter and the quick narrowings, as one line.
    fn narrowing(&self) -> String {
        let mut texts = Vec::new();
        if self.only.unacknowledged {
            texts.push("unacknowledged only".to_owned());
        }
        if self.only.noisy {
            texts.push("chattering and stale only".to_owned());
        }
        if !self.filter.is_empty() {
            texts.push(crate::domain::SafeText::new(self.filter.text()).shown().to_owned());
        }
        texts.join(", ")
    }

    /// What is put aside is not forgotten where nothing else is there.
    fn say_aside(&self, scene: &Scene<'_>, lines: &mut Vec<(String, Style)>) {
        let line = match self.aside {
            0 => return,
            1 => format!(
                "One that is shelved would stand here: {} shows the shelf.",
                scene.key(Action::Shelf)
            ),
            many => format!(
                "{many} that are shelved would stand here: {} shows the shelf.",
                scene.key(Action::Shelf)
            ),
        };
        lines.push((line, scene.style(Role::Text)));
    }

    fn render_empty(&self, scene: &Scene<'_>, buffer: &mut Buffer, inner: Rect) {
        let fresh = scene.store.freshness(Source::Alerts);
        let text = scene.style(Role::Text);
        let muted = scene.style(Role::Muted);
        let mut lines: Vec<(String, Style)> = Vec::new();
        let narrowing = self.narrowing();
        match fresh.age(scene.now) {
            Age::Connecting => lines.push((format!("connecting to Monitor {}", scene.glyphs().ellipsis), text)),
            Age::Silent(None) => {
                lines.push(("Nothing has come from Monitor yet.".into(), scene.style(Role::LinkDown)));
                if let Some((_, fault)) = &fresh.failing {
                    lines.push((fault.message.shown().to_owned(), text));
                }
                lines.push((
                    format!("It is tried again without end; {} tries now.", scene.key(Action::Refresh)),
                    muted,
                ));
            }
            _ if self.open > 0 && !narrowing.is_empty() => {
                lines.push((format!("No alert matches {narrowing}; {} are open.", self.open), text));
                lines.push((
                    format!(
                        "{} shows all, {} changes the filter.",
                        scene.key(Action::Back),
                        scene.key(Action::Filter)
                    ),
                    muted,
                ));
                self.say_aside(scene, &mut lines);
            }
            age => {
                let when = fresh
                    .as_of
                    .map_or_else(String::new, |at| format!(" Last checked {}.", scene.clock(at)));
                let what = if matches!(age, Age::Live) {
                    "No alert is open."
                } else {
                    "No alert was open."
                };
                lines.push((format!("{what}{when}"), text));
                self.say_aside(scene, &mut lines);
                lines.push((
                    format!(
                        "{} reads now, {} shows the devices, {} every key.",
                        scene.key(Action::Refresh),
                        scene.key(Action::PaneDevices),
                        scene.key(Action::Help)
                    ),
                    muted,
                ));
            }
        }
        let mut y = inner.y + inner.height.min(4) / 3;
        for (line, style) in lines {
            for part in cells::wrap(&line, usize::from(inner.width.saturating_sub(2))) {
                if y < inner.bottom() {
                    cells::write(buffer, inner, inner.x + 1, y, &[(part, style)]);
                    y += 1;
                }
            }
        }
    }
}

/// `first 02:05 CRIT PUMP-017 Bearing temperature high  new`
fn render_pin(scene: &Scene<'_>, buffer: &mut Buffer, row: Rect, label: &str, alert: &crate::domain::Alert) {
    let (word, style) = scene.severity(&alert.severity);
    let (state, state_style) = scene.state(alert, 16);
    let clock = scene.clock(alert.raised_at);
    let used = 2 + label.len() + 1 + cells::width(&clock) + 1 + 5 + 2 + cells::width(&state);
    let name = format!("{} {}", alert.device.shown(), alert.name.shown());
    let parts = [
        (format!("  {label} "), scene.style(Role::Flood)),
        (format!("{clock} "), scene.style(Role::Muted)),
        (cells::left(&word, 5, ""), style),
        (
            scene.cut(&name, usize::from(row.width).saturating_sub(used)),
            scene.style(Role::Text),
        ),
        (format!("  {state}"), state_style),
    ];
    cells::write(buffer, row, row.x, row.y, &parts);
}
