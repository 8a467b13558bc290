//! Reminders that a key is to be replaced, before a shift stands without one.

use super::App;
use crate::config::KeyAge;
use crate::pane::{Tone, header};

impl App {
    /// Once a day: what there is to say about the keys. The first time that is all of it, but for what stands on the screen anyway.
    pub(super) fn remind_of_keys(&mut self) {
        if self.setup.keys.is_empty() {
            return;
        }
        let today = self.now.to_zoned(self.setup.time_zone.clone()).date();
        if self.reminded == Some(today) {
            return;
        }
        let first = self.reminded.replace(today).is_none();
        for (age, sentence) in header::ages_of_keys(&self.scene()) {
            match age {
                KeyAge::LastWeek { .. } => self.say(Tone::Bad, sentence),
                KeyAge::Notice { .. } if first || age.is_said_today() => self.say(Tone::Plain, sentence),
                KeyAge::Fresh | KeyAge::Notice { .. } | KeyAge::Over { .. } => {}
            }
        }
    }
}
