//! The line in which a filter is typed; the list follows while it is valid.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Clear, Widget as _};

use super::super::ask::{Ask, Focus, Step};
use super::super::cells;
use super::super::form::Field;
use super::super::scene::Scene;
use crate::config::theme::Role;
use crate::domain::filter::{Completion, Vocabulary, complete};
use crate::domain::{Filter, FilterError};
use crate::model::{Action, Key, Store};

/// Most words of each kind that are offered.
const WORDS_MOST: usize = 2_000;

/// The line.
#[derive(Debug)]
pub(crate) struct FilterLine {
    pane: Focus,
    field: Field,
    /// As it was before, for when the person leaves.
    before: Filter,
    /// What the list shows: the last that could be read.
    shown: Filter,
    error: Option<FilterError>,
    offers: Vec<Completion>,
    vocabulary: Vocabulary,
}

impl FilterLine {
    /// Opens it with the filter in force.
    pub(crate) fn new(pane: Focus, before: &Filter, store: &Store) -> Self {
        let mut line = Self {
            pane,
            field: Field::new("filter", "", 1),
            before: before.clone(),
            shown: before.clone(),
            error: None,
            offers: Vec::new(),
            vocabulary: vocabulary(store),
        };
        line.field.put(before.text());
        line
    }

    /// Lines that it takes at most.
    pub(crate) const HEIGHT: u16 = 4;

    /// Takes an action of the table.
    pub(crate) fn act(&mut self, action: Action) -> Step {
        match action {
            Action::Leave => Step::CloseAsk(Ask::Filter(self.pane, self.before.clone())),
            Action::Submit => match Filter::parse(&self.field.shown()) {
                Ok(filter) => Step::CloseAsk(Ask::Filter(self.pane, filter)),
                Err(error) => {
                    self.error = Some(error);
                    Step::Stay
                }
            },
            Action::NextField => {
                if let Some(offer) = self.offers.first().cloned() {
                    let text: Vec<char> = self.field.shown().chars().collect();
                    let cursor = self.cursor();
                    let mut whole: String = text.iter().take(offer.from).collect();
                    whole.push_str(&offer.text);
                    let after: String = text.iter().skip(cursor).collect();
                    // What follows the cursor is rare enough to be put behind.
                    self.field.put(&format!("{whole}{after}"));
                    return self.changed();
                }
                Step::Stay
            }
            _ => Step::Stay,
        }
    }

    fn cursor(&self) -> usize {
        self.field.area.cursor().1
    }

    /// Takes a key that means text.
    pub(crate) fn key(&mut self, key: Key) -> Step {
        if self.field.key(key) { self.changed() } else { Step::Stay }
    }

    /// Takes pasted text.
    pub(crate) fn paste(&mut self, text: &str) -> Step {
        if self.field.paste(text) { self.changed() } else { Step::Stay }
    }

    fn changed(&mut self) -> Step {
        let text = self.field.shown();
        self.offers = complete(&text, self.cursor(), &self.vocabulary);
        match Filter::parse(&text) {
            Ok(filter) => {
                self.error = None;
                self.shown = filter.clone();
                Step::Ask(Ask::Filter(self.pane, filter))
            }
            Err(error) => {
                self.error = Some(error);
                Step::Stay
            }
        }
    }

    /// Draws it over the last lines of an area: the text, and below it what is wrong or what could follow.
    pub(crate) fn render(&self, scene: &Scene<'_>, buffer: &mut Buffer, area: Rect) {
        let prompt = match self.pane {
            Focus::Devices => " filter devices: ",
            Focus::Queue | Focus::Metrics => " filter: ",
        };
        let start = cells::width(prompt);
        let shown = self.field.shown();
        let width = usize::from(area.width);
        let full = area;
        // A long text is shown from where its cursor is in view.
        let before: String = shown.chars().take(self.cursor()).collect();
        let skip = (start + cells::width(&before) + 2).saturating_sub(width);
        let visible: String = shown.chars().skip(skip).collect();
        let below = self.below(scene, width, start, skip);
        let height = u16::try_from(below.len() + 1).unwrap_or(Self::HEIGHT).min(full.height);
        if height == 0 {
            return;
        }
        let area = Rect {
            y: full.bottom() - height,
            height,
            ..full
        };
        Clear.render(area, buffer);
        buffer.set_style(area, scene.style(Role::Overlay));
        let mut parts = vec![(prompt.to_owned(), scene.style(Role::Key))];
        let caret = self.cursor().saturating_sub(skip);
        let (left, right): (String, String) = (visible.chars().take(caret).collect(), visible.chars().skip(caret).collect());
        let reversed = scene.style(Role::InputFocused).add_modifier(ratatui::style::Modifier::REVERSED);
        let mut rest = right.chars();
        let under = rest.next().unwrap_or(' ');
        parts.push((left, scene.style(Role::InputFocused)));
        parts.push((under.to_string(), reversed));
        parts.push((rest.collect(), scene.style(Role::InputFocused)));
        cells::write(buffer, area, area.x, area.y, &parts);
        for (y, line) in (area.y + 1..area.bottom()).zip(below) {
            cells::write(buffer, area, area.x, y, &line);
        }
    }

    /// What is wrong, under its character and in its own line where that is too long, and what the list still shows; else what
    /// could follow.
    fn below(&self, scene: &Scene<'_>, width: usize, start: usize, skip: usize) -> Vec<Vec<(String, ratatui::style::Style)>> {
        let Some(error) = &self.error else {
            return vec![self.hint(scene, width)];
        };
        let style = scene.style(Role::Error);
        let before: String = self.field.shown().chars().skip(skip).take(error.at.saturating_sub(skip)).collect();
        let blank = (" ".repeat(start + cells::width(&before)), scene.style(Role::Text));
        if cells::width(&blank.0) + cells::width(&error.message) + 2 <= width {
            return vec![vec![blank, (format!("^ {}", error.message), style)], self.still(scene, width)];
        }
        vec![
            vec![blank, ("^".to_owned(), style)],
            vec![(scene.cut(&format!(" {}", error.message), width), style)],
            self.still(scene, width),
        ]
    }

    /// What the list shows while the text cannot be read.
    fn still(&self, scene: &Scene<'_>, width: usize) -> Vec<(String, ratatui::style::Style)> {
        let begin = " the list still shows: ";
        let what = if self.shown.is_empty() {
            "all, as without a filter".to_owned()
        } else {
            crate::domain::SafeText::new(self.shown.text()).shown().to_owned()
        };
        let what = scene.cut(&what, width.saturating_sub(begin.len()));
        vec![(begin.to_owned(), scene.style(Role::Warning)), (what, scene.style(Role::Match))]
    }

    fn hint(&self, scene: &Scene<'_>, width: usize) -> Vec<(String, ratatui::style::Style)> {
        let muted = scene.style(Role::Muted);
        if self.offers.is_empty() || self.field.shown().is_empty() {
            let words = match self.pane {
                Focus::Devices => "words, dev:PUMP-*, type:PumpStation, loc:\"Building A\", state:offline, -not, (a | b)",
                Focus::Queue | Focus::Metrics => "words, sev>=high, state:new, dev:PUMP-*, age>1h, is:stale, -not, (a | b)",
            };
            let text = format!(" {} keeps, {} leaves; {words}", scene.key(Action::Submit), scene.key(Action::Leave));
            return vec![(scene.cut(&text, width), muted)];
        }
        let mut parts = vec![(format!(" {} ", scene.key(Action::NextField)), scene.style(Role::Key))];
        let mut used: usize = cells::width(&parts.first().map_or(String::new(), |(text, _)| text.clone()));
        for offer in self.offers.iter().take(8) {
            let text = crate::domain::SafeText::new(offer.text.as_str()).shown().to_owned();
            let wide = cells::width(&text) + 2;
            if used + wide > width {
                break;
            }
            used += wide;
            parts.push((format!("{text}  "), if parts.len() == 1 { scene.style(Role::Match) } else { muted }));
        }
        parts
    }
}

/// The words of the plant, each once, sorted.
fn vocabulary(store: &Store) -> Vocabulary {
    use std::collections::BTreeSet;
    let collect = |words: &mut dyn Iterator<Item = String>| -> Vec<String> {
        words.take(20_000).collect::<BTreeSet<_>>().into_iter().take(WORDS_MOST).collect()
    };
    let devices = store.plant.devices();
    let text = |text: &crate::domain::SafeText| text.raw().to_owned();
    Vocabulary {
        devices: collect(
            &mut store
                .alerts()
                .map(|alert| alert.device.raw().to_owned())
                .chain(devices.iter().map(|device| device.id.raw().to_owned())),
        ),
        types: collect(&mut devices.iter().map(|device| device.device_type.raw().to_owned())),
        locations: collect(&mut devices.iter().filter_map(|device| device.location.as_ref().map(text))),
        names: collect(&mut store.alerts().map(|alert| text(&alert.name))),
        metrics: collect(&mut store.alerts().filter_map(|alert| alert.metric.as_ref().map(text))),
        people: collect(&mut store.alerts().filter_map(|alert| alert.acknowledged_by.as_ref().map(text))),
    }
}
