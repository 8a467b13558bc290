//! A frame: take in what has arrived, then draw what there is.

use jiff::Timestamp;
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::App;
use super::layer::Layer;
use super::layout::{LEAST, Layout};
use super::side::Target;
use crate::domain::{DeviceKey, OutboxId, Service};
use crate::model::store::Age;
use crate::model::{Action, Source};
use crate::pane::detail::{render_device_strip, render_strip};
use crate::pane::window::FilterLine;
use crate::pane::{Devices, Focus, Queue, Scene, Subject, Tone, bar, cells, coach, header};

/// Most devices whose readings are asked for at once.
const TRENDS_MOST: usize = 64;

/// What of the passing time can be seen. Two equal ones draw the same screen, all else being equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Visible {
    minute: i64,
    countdowns: Vec<(OutboxId, i64)>,
    ages: [Age; 4],
    unanswered: [Option<Timestamp>; 2],
    notice: bool,
    flood: bool,
}

impl App {
    /// What every pane may look at.
    pub(super) fn scene(&self) -> Scene<'_> {
        Scene {
            setup: &self.setup,
            store: &self.store,
            now: self.now,
        }
    }

    /// What of the passing time can be seen now.
    pub(super) fn visible(&self) -> Visible {
        let age = |source| self.store.freshness(source).age(self.now);
        Visible {
            minute: self.now.as_second().div_euclid(60),
            countdowns: self.store.ledger().countdowns(self.now),
            ages: [age(Source::Alerts), age(Source::Devices), age(Source::Metrics), age(Source::Orders)],
            unanswered: Service::MAXIMO.map(|service| self.store.unanswered(service, self.now)),
            notice: self.notice.is_some(),
            flood: self.store.flood().0.is_on(),
        }
    }

    /// The device whose metrics are shown.
    pub(super) fn subject(&self) -> Option<Subject> {
        for layer in self.layers.iter().rev() {
            if let Layer::Detail(detail) = layer {
                return detail.subject(&self.scene());
            }
        }
        self.target_subject()
    }

    /// The devices whose readings are wanted, the one that the chart is about first.
    pub(super) fn wanted_trends(&self) -> Vec<DeviceKey> {
        let mut wanted: Vec<DeviceKey> = self.subject().and_then(|subject| subject.device().cloned()).into_iter().collect();
        if self.layout.is_some_and(|layout| layout.devices.is_some()) {
            for key in self.devices.in_view() {
                if wanted.len() >= TRENDS_MOST {
                    break;
                }
                if wanted.first() != Some(key) {
                    wanted.push(key.clone());
                }
            }
        }
        wanted
    }

    /// Draws the screen. A frame begins by taking in what has arrived since the last one; between two frames, keys act on
    /// the rows as they were last drawn.
    pub fn render(&mut self, frame: &mut Frame<'_>) {
        let area = frame.area();
        let area = Rect { x: 0, y: 0, ..area };
        self.size = (area.width, area.height);
        let hints = self.coach_height(area);
        let desk = Rect {
            height: area.height - hints,
            ..area
        };
        self.arrange(desk);
        self.follow_drill(); // what the list shows now is known only here
        self.lead_frame();
        self.drawn = Some(self.visible());
        self.dirty = false;
        self.draw(frame.buffer_mut(), desk);
        if let Some(hint) = self.hint().filter(|_| hints > 0) {
            let place = Rect {
                y: desk.bottom(),
                height: hints,
                ..area
            };
            frame.buffer_mut().set_style(place, self.text_style());
            coach::render(&self.scene(), frame.buffer_mut(), place, hint);
        }
    }

    pub(super) fn arrange(&mut self, area: Rect) {
        let trouble = header::trouble(&self.scene()).map_or(0, |text| {
            let lines = cells::wrap(&text, usize::from(area.width.saturating_sub(4)).max(1)).len();
            u16::try_from(lines).unwrap_or(u16::MAX)
        });
        self.layout = Layout::of(area, self.focus, self.zoomed, trouble);
        let scene = Scene {
            setup: &self.setup,
            store: &self.store,
            now: self.now,
        };
        // A pane that is not on the screen keeps the height that it had: its keys do not act, but its rows stay in step.
        let queue_height = self
            .layout
            .and_then(|layout| layout.queue)
            .map_or(self.queue_height, |place| Queue::height_in(&self.store, place));
        self.queue_height = queue_height;
        let lost = self.queue.arrange(&scene, queue_height);
        let devices_height = self
            .layout
            .and_then(|layout| layout.devices)
            .map_or(self.devices_height, Devices::height_in);
        self.devices_height = devices_height;
        self.devices.arrange(&scene, devices_height);
        let windows = self.layout.map_or(area, |layout| layout.body);
        for layer in &mut self.layers {
            match layer {
                Layer::Detail(window) => window.arrange(&scene, windows),
                Layer::Form(form, _) => form.arrange(&self.store),
                Layer::Help(window) => window.arrange(&scene, windows),
                Layer::Palette(window) => window.arrange(windows),
                Layer::Outbox(window) => window.arrange(&scene, windows),
                Layer::Health(window) => window.arrange(&scene, windows, &self.said),
                Layer::Results(window) => window.arrange(windows),
                Layer::Shelf(window) => window.arrange(&scene, windows),
                Layer::Load(window) => window.arrange(&scene, windows),
                Layer::Handover(_) => {} // below: it looks at more than the scene
                Layer::Filter(_) | Layer::Question(_) | Layer::Menu(_) | Layer::Prompt(_) | Layer::Links(_) => {}
            }
        }
        self.arrange_handover(windows);
        if lost > 0 {
            let rows = if lost == 1 {
                "one mark fell away: its row is"
            } else {
                "marks fell away: their rows are"
            };
            let count = if lost == 1 { String::new() } else { format!("{lost} ") };
            self.say(Tone::Plain, format!("{count}{rows} no longer shown"));
        }
    }

    pub(super) fn arrange_handover(&mut self, area: Rect) {
        let at = self.layers.iter().position(|layer| matches!(layer, Layer::Handover(_)));
        let Some(Layer::Handover(window)) = at.and_then(|at| self.layers.get(at)) else {
            return;
        };
        let handover = self.handover(window.period);
        let scene = Scene {
            setup: &self.setup,
            store: &self.store,
            now: self.now,
        };
        if let Some(Layer::Handover(window)) = at.and_then(|at| self.layers.get_mut(at)) {
            window.arrange(&scene, area, handover);
        }
    }

    fn draw(&self, buffer: &mut Buffer, area: Rect) {
        let scene = self.scene();
        buffer.set_style(area, self.text_style());
        let Some(layout) = self.layout else {
            let text = format!(
                "nightdesk needs {} x {} cells; this terminal has {} x {}. Enlarge it, or use `nightdesk alerts list`.",
                LEAST.0, LEAST.1, area.width, area.height
            );
            for (y, line) in (area.y..area.bottom()).zip(cells::wrap(&text, usize::from(area.width))) {
                cells::write(buffer, area, area.x, y, &[(line, self.text_style())]);
            }
            return;
        };
        header::render_status(&scene, buffer, layout.status, self.muted);
        if let Some(load) = layout.load {
            header::render_load(&scene, buffer, load);
        }
        if let (Some(place), Some(text)) = (layout.trouble, header::trouble(&scene)) {
            header::render_trouble(&scene, buffer, place, &text);
        }
        let top = self.layers.is_empty();
        // The detail window covers all panes: what it hides is not drawn.
        let hidden = self.layers.iter().any(|layer| {
            matches!(
                layer,
                Layer::Detail(_) | Layer::Outbox(_) | Layer::Health(_) | Layer::Shelf(_) | Layer::Load(_) | Layer::Handover(_)
            )
        });
        if !hidden {
            if let Some(place) = layout.queue {
                self.queue.render(&scene, buffer, place, self.focus == Focus::Queue);
            }
            if let Some(place) = layout.devices {
                self.devices.render(&scene, buffer, place, top && self.focus == Focus::Devices);
            }
            let subject = self.subject();
            if let Some(place) = layout.metrics {
                self.metrics
                    .render(&scene, buffer, place, top && self.focus == Focus::Metrics, subject.as_ref());
            }
            if let Some(place) = layout.strip {
                match self.strip_target() {
                    Some(Target::Device(key)) => render_device_strip(&scene, buffer, place, &key),
                    Some(Target::Alert(id)) => render_strip(&scene, buffer, place, self.queue.alert(&self.store, &id)),
                    None => render_strip(&scene, buffer, place, None),
                }
            }
        }
        for layer in &self.layers {
            let place = layout.body;
            match layer {
                Layer::Detail(window) => window.render(&scene, buffer, place),
                Layer::Form(form, _) => form.render(&scene, buffer, place),
                Layer::Help(window) => window.render(&scene, buffer, place),
                Layer::Palette(window) => window.render(&scene, buffer, place),
                Layer::Outbox(window) => window.render(&scene, buffer, place),
                Layer::Health(window) => window.render(&scene, buffer, place, &self.said),
                Layer::Question(window) => window.render(&scene, buffer, place),
                Layer::Menu(window) => window.render(&scene, buffer, place),
                Layer::Results(window) => window.render(&scene, buffer, place),
                Layer::Shelf(window) => window.render(&scene, buffer, place),
                Layer::Load(window) => window.render(&scene, buffer, place),
                Layer::Handover(window) => window.render(&scene, buffer, place),
                Layer::Prompt(window) => window.render(&scene, buffer, place),
                Layer::Links(window) => window.render(&scene, buffer, place),
                Layer::Filter(_) => {}
            }
        }
        let notice = self.notice.as_ref().map(|said| &said.notice);
        if let Some(Layer::Filter(line)) = self.layers.last() {
            let place = Rect {
                y: layout.bar.bottom().saturating_sub(FilterLine::HEIGHT),
                height: FilterLine::HEIGHT.min(area.height),
                ..layout.bar
            };
            line.render(&scene, buffer, place);
        } else {
            let undoes = self.undoes();
            let hints: Vec<Action> = self
                .hints()
                .iter()
                .copied()
                .filter(|action| *action != Action::Undo || undoes)
                .collect();
            bar::render(&scene, buffer, area, &hints, notice);
        }
    }

    /// When something on the screen changes by itself next: a countdown's second, a minute, a source that falls silent, a
    /// notice that goes, the panes beside a cursor that rests. A driver may sleep until then instead of ticking.
    pub fn next_change(&self) -> Option<Timestamp> {
        let minute = Timestamp::from_second((self.now.as_second().div_euclid(60) + 1) * 60).ok();
        let silent = [Source::Alerts, Source::Devices, Source::Metrics]
            .into_iter()
            .filter_map(|source| self.store.freshness(source).silent_from())
            .filter_map(|at| at.checked_add(jiff::SignedDuration::from_millis(1)).ok());
        minute
            .into_iter()
            .chain(silent)
            .chain(self.store.ledger().next_second(self.now))
            .chain(self.notice_ends())
            .chain(self.wakes_at())
            .chain(self.store.shelf_changes())
            .filter(|at| *at > self.now)
            .min()
    }
}
