//! Out of the list: addresses, other sites, other colours; and the mouse, which selects and scrolls.

use ratatui::layout::Position;

use super::App;
use super::layer::Layer;
use crate::domain::{AlertId, DeviceKey, SafeText};
use crate::model::{Action, Context, Effect, Pointer};
use crate::pane::detail::About;
use crate::pane::scroll::Motion;
use crate::pane::window::{Address, Item, Links, Menu, Palette, Prompt, Wanted};
use crate::pane::{Ask, Focus, Hyperlink, Tone};

/// Rows that a step of the wheel moves.
const WHEEL: isize = 3;

impl App {
    /// The addresses of what is under the cursor or in the detail window.
    pub(super) fn show_links(&mut self) {
        let about = self.layers.iter().rev().find_map(|layer| match layer {
            Layer::Detail(detail) => Some(detail.about().clone()),
            _ => None,
        });
        let (alert, device) = match about {
            Some(About::Alert(id)) => (Some(id), None),
            Some(About::Device(key)) => (None, Some(key)),
            None if self.list() == Focus::Devices => (None, self.devices.cursor().cloned()),
            None => (self.queue.cursor().cloned(), None),
        };
        let addresses = self.addresses(alert.as_ref(), device);
        if addresses.is_empty() {
            self.say(Tone::Plain, "there is nothing here that has an address".into());
        } else {
            self.layers.push(Layer::Links(Links::new(addresses)));
        }
    }

    fn addresses(&self, alert: Option<&AlertId>, device: Option<DeviceKey>) -> Vec<Address> {
        let links = &self.setup.links;
        let mut addresses = Vec::new();
        let mut add = |label: String, url: Option<String>| {
            if let Some(url) = url {
                addresses.push(Address { label, url });
            }
        };
        let mut device = device;
        if let Some((alert, _)) = alert.and_then(|id| self.queue.alert(&self.store, id)) {
            add(
                format!("alert {}", alert.id.shown()),
                links.alert(alert.id.raw(), alert.device.raw()),
            );
            let number = match self.store.order(&alert.id) {
                Some((number, _)) => Some(number.raw()),
                None => self.store.linked_order(alert),
            };
            if let Some(number) = number {
                add(
                    format!("work order {}", SafeText::new(number).shown()),
                    links.work_order(number, &self.setup.work_order.siteid),
                );
            }
            device = self.store.plant.key_of_alert(alert).or_else(|| {
                let kind = alert.device_type.as_ref()?;
                Some(DeviceKey::new(kind.raw(), alert.device.raw()))
            });
        }
        if let Some(device) = device {
            add(
                format!("device {}", device.device_id.shown()),
                links.device(device.device_type.raw(), device.device_id.raw()),
            );
        }
        addresses
    }

    /// Where addresses stand on the screen as it was last drawn: the driver makes them the terminal's hyperlinks.
    pub fn hyperlinks(&self) -> Vec<Hyperlink> {
        match (self.layers.last(), self.layout) {
            (Some(Layer::Links(window)), Some(layout)) => window.hyperlinks(layout.body),
            _ => Vec::new(),
        }
    }

    /// Asks for the order to link.
    pub(super) fn ask_order_number(&mut self, alert: AlertId) {
        let Some(known) = self.store.alert(&alert) else { return };
        let begin = self.store.linked_order(known).unwrap_or_default().to_owned();
        let mut text = vec!["The number goes into the alert's note, for everybody, and is kept on this machine.".to_owned()];
        if known.state.progress() == 0 {
            text.push("With it you acknowledge the alert: a note is part of an acknowledgement.".into());
        }
        if let Some((number, _)) = self.store.order(&alert) {
            text.push(format!("Work order {} was made for this alert already.", number.shown()));
        }
        let title = format!("Link a work order to {}", self.scene().name(known));
        self.layers
            .push(Layer::Prompt(Box::new(Prompt::new(title, Wanted::Order(alert), &begin, text))));
    }

    pub(super) fn palette(&mut self, begin: &str) {
        let context = self.layers.last().map_or(Context::Global, Layer::context);
        let themes = self.setup.themes.iter().map(|theme| theme.name.clone()).collect();
        let palette = Palette::new(context, begin, themes, &self.setup.theme.name);
        self.layers.push(Layer::Palette(Box::new(palette)));
    }

    pub(super) fn choose_theme(&mut self) {
        if self.setup.themes.len() < 2 {
            self.say(Tone::Plain, "this terminal has no colours to choose from".into());
            return;
        }
        self.palette("theme-");
    }

    pub(super) fn show_theme(&mut self, name: &str, keep: bool) {
        let Some(theme) = self.setup.themes.iter().find(|theme| theme.name == name) else {
            return;
        };
        self.setup.theme = theme.clone();
        self.dirty = true;
        if keep {
            self.say(
                Tone::Good,
                format!("theme {name} until the end; theme = \"{name}\" under [console] of the configuration keeps it"),
            );
        }
    }

    /// The other profiles of the configuration.
    pub(super) fn show_sites(&mut self) {
        if self.setup.sites.len() < 2 {
            self.say(
                Tone::Plain,
                "the configuration has this one profile only; each [profiles.NAME] is a site".into(),
            );
            return;
        }
        let letters = "123456789abcdefghilmnoprstuvwxyz".chars().chain(std::iter::repeat(' '));
        let items = self.setup.sites.iter().zip(letters).map(|((profile, site), key)| {
            let now = if *profile == self.setup.profile { "  (here)" } else { "" };
            Item::new(key, format!("{site} - {profile}{now}"), Ask::Site(profile.clone()))
        });
        let menu = Menu::new("Go to another site", items.collect(), false);
        self.layers.push(Layer::Menu(menu));
    }

    pub(super) fn go_to_site(&mut self, profile: String) {
        if profile == self.setup.profile {
            self.say(Tone::Plain, format!("this is {profile}"));
            return;
        }
        self.effects.push(Effect::Switch(profile));
    }

    // The mouse

    /// A click puts the cursor on a row, the wheel moves it or turns a window's page. Nothing is opened, marked or sent.
    pub(super) fn pointer(&mut self, pointer: Pointer) {
        match pointer {
            Pointer::Click { x, y } if self.layers.is_empty() => self.click(Position { x, y }),
            Pointer::Click { .. } => {}
            Pointer::Wheel { x, y, down } => {
                let by = Motion::By(if down { WHEEL } else { -WHEEL });
                let Some(layer) = self.layers.last_mut() else {
                    if let Some(pane) = self.pane_at(Position { x, y }) {
                        self.focus = pane;
                        self.go(by);
                    }
                    return;
                };
                let action = match (layer.context(), down) {
                    (Context::Form | Context::Question, _) if !layer.is_list() => return,
                    (Context::Form | Context::Question, true) => Action::NextChoice,
                    (Context::Form | Context::Question, false) => Action::PreviousChoice,
                    (Context::Global | Context::Detail | Context::Outbox | Context::Shelf | Context::Handover, true) => Action::Down,
                    (Context::Global | Context::Detail | Context::Outbox | Context::Shelf | Context::Handover, false) => Action::Up,
                };
                let steps = if layer.is_list() { 1 } else { WHEEL };
                for _ in 0..steps {
                    let step = match self.layers.last_mut() {
                        Some(layer) => layer.act(action, &self.store),
                        None => return,
                    };
                    self.take(step);
                }
            }
        }
    }

    fn pane_at(&self, at: Position) -> Option<Focus> {
        let layout = self.layout?;
        [
            (layout.queue, Focus::Queue),
            (layout.devices, Focus::Devices),
            (layout.metrics, Focus::Metrics),
        ]
        .into_iter()
        .find_map(|(place, pane)| place.filter(|place| place.contains(at)).map(|_| pane))
    }

    fn click(&mut self, at: Position) {
        let (Some(pane), Some(layout)) = (self.pane_at(at), self.layout) else {
            return;
        };
        self.focus = pane;
        // below the frame and the line of heads
        let row = |place: Option<ratatui::layout::Rect>| usize::from(at.y).checked_sub(usize::from(place?.y) + 2);
        match pane {
            Focus::Queue => {
                if let Some(id) = row(layout.queue).and_then(|row| self.queue.in_view().get(row).cloned()) {
                    let left = self.queue.cursor().cloned();
                    if self.queue.select(&self.store, id)
                        && let Some(left) = left
                    {
                        self.store.looked_at(&left);
                    }
                }
            }
            Focus::Devices => {
                if let Some(key) = row(layout.devices).and_then(|row| self.devices.in_view().get(row).cloned()) {
                    self.devices.select(key);
                }
            }
            Focus::Metrics => {}
        }
    }
}
