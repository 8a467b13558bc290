//! Reminders that a key is to be replaced, before a shift stands without one.

use jiff::{Timestamp, Zoned};

use crate::config::{KeyAge, Profile};

/// What there is to say about the age of a profile's keys today: a notice from three quarters of their life on, a warning in the
/// last week, and once they are over. One sentence a key.
pub(super) fn key_notices(profile: &Profile, now: Timestamp) -> Vec<(KeyAge, String)> {
    let today = Zoned::new(now, profile.time_zone.clone()).date();
    let manage = profile.manage.as_ref().and_then(|manage| manage.key_created);
    [("monitor", profile.monitor.key_created), ("manage", manage)]
        .into_iter()
        .filter_map(|(section, created)| {
            let age = KeyAge::on(today, created?);
            let sentence = age.sentence()?;
            Some((age, format!("[profiles.{}.{section}]: {sentence}", profile.name)))
        })
        .collect()
}
