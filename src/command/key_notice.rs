//! Reminders that a key is to be replaced, before a shift stands without one.

use std::sync::Arc;

use jiff::{Timestamp, Zoned};

use crate::config::{Config, KeyAge, Locate, Profile, key_ages};
use crate::tui::KeyDates;

/// What there is to say about the age of a profile's keys today: a notice from three quarters of their life on, a warning in the
/// last week, and once they are over. One sentence a key.
pub(super) fn key_notices(profile: &Profile, now: Timestamp) -> Vec<(KeyAge, String)> {
    key_ages(&profile.name, &profile.keys(), Zoned::new(now, profile.time_zone.clone()).date())
}

/// When the keys of a profile were made, as the configuration says at that moment: a rotation needs no restart to be noticed. A
/// configuration that cannot be read says nothing.
pub(super) fn key_dates(config: &Config, profile: &Profile) -> KeyDates {
    let locate = Locate {
        config: Some(config.path.clone()),
        profile: None,
        state_dir: Some(config.dirs.state.clone()),
        env: config.env.clone(),
    };
    let name = profile.name.clone();
    Arc::new(move || Some(Config::load(&locate).ok()?.profiles.get(&name)?.keys()))
}
