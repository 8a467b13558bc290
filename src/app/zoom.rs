//! How long a time the charts show.

use jiff::SignedDuration;

use super::App;
use super::layer::Layer;
use crate::model::Action;
use crate::pane::Tone;
use crate::pane::detail::About;

const MINUTE: u32 = 60;
const HOUR: u32 = 60 * MINUTE;
const DAY: u32 = 24 * HOUR;
/// The windows that can be chosen, in seconds.
const LEVELS: [u32; 9] = [15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, DAY, 3 * DAY, 7 * DAY];

impl App {
    /// The person's choice, else that of the configuration; in the detail of an alert so long that its trigger is in sight.
    pub(super) fn wanted_window(&self) -> u32 {
        if let Some(chosen) = self.zoom_seconds {
            return chosen;
        }
        let usual = self.setup.trend_window_seconds;
        let opened = self.layers.iter().rev().find_map(|layer| match layer {
            Layer::Detail(detail) => match detail.about() {
                About::Alert(id) => self.store.alert(id),
                About::Device(_) => None,
            },
            _ => None,
        });
        let Some(alert) = opened else { return usual };
        // a fifth of the window before the trigger
        let age = self.now.duration_since(alert.raised_at).as_secs().max(0);
        let needed = u32::try_from(age + age / 4).unwrap_or(u32::MAX);
        if needed <= usual {
            return usual;
        }
        let last = LEVELS.last().copied().unwrap_or(usual);
        LEVELS.into_iter().find(|level| *level >= needed).unwrap_or(last)
    }

    pub(super) fn zoom(&mut self, action: Action) {
        let now = self.wanted_window();
        let next = match action {
            Action::ZoomIn => LEVELS.into_iter().rev().find(|level| *level < now),
            _ => LEVELS.into_iter().find(|level| *level > now),
        };
        let Some(next) = next else {
            self.say(Tone::Plain, "the charts go no further".into());
            return;
        };
        self.zoom_seconds = Some(next);
        let span = self.scene().span(SignedDuration::from_secs(i64::from(next)));
        self.say(Tone::Plain, format!("charts of {span}"));
    }
}
