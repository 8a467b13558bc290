//! How old a key is, and when it is to be replaced.

use jiff::civil::Date;

use crate::domain::Service;

/// A key's life in days (`design/delivery.md`, Security).
pub const KEY_LIFE_DAYS: i32 = 90;

/// A notice at 75 % of the life: 67.5 days, so the 68th.
const NOTICE_DAYS: i32 = 68;

/// Days left when the notice is due for the first time.
const NOTICE_LEFT: i32 = KEY_LIFE_DAYS - NOTICE_DAYS;

/// Where a key stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAge {
    /// Young enough.
    Fresh,
    /// Past three quarters: plan the rotation.
    Notice {
        /// Days left.
        left: i32,
    },
    /// In its last week: said each day.
    LastWeek {
        /// Days left.
        left: i32,
    },
    /// Past its life.
    Over {
        /// Days over.
        by: i32,
    },
}

impl KeyAge {
    /// The age on a day of a key made on another.
    pub fn on(today: Date, created: Date) -> Self {
        let age = created.until(today).map_or(0, |span| span.get_days());
        let left = KEY_LIFE_DAYS - age;
        if left < 0 {
            Self::Over { by: -left }
        } else if left <= 7 {
            Self::LastWeek { left }
        } else if age >= NOTICE_DAYS {
            Self::Notice { left }
        } else {
            Self::Fresh
        }
    }

    /// Whether a console that runs for days says it on this day: the notice once, the warning each day of the last week. What is
    /// over stands on the screen all the time.
    pub fn is_said_today(self) -> bool {
        match self {
            Self::Notice { left } => left == NOTICE_LEFT,
            Self::LastWeek { .. } => true,
            Self::Fresh | Self::Over { .. } => false,
        }
    }

    /// One sentence for a person, where there is something to say.
    pub fn sentence(self) -> Option<String> {
        match self {
            Self::Fresh => None,
            Self::LastWeek { left: 0 } => Some("the key is to be replaced today".to_owned()),
            Self::LastWeek { left: 1 } => Some("the key is to be replaced within 1 day".to_owned()),
            Self::Notice { left } | Self::LastWeek { left } => Some(format!("the key is to be replaced within {left} days")),
            Self::Over { by: 1 } => Some(format!("the key is 1 day past its {KEY_LIFE_DAYS}: replace it and set key_created")),
            Self::Over { by } => Some(format!(
                "the key is {by} days past its {KEY_LIFE_DAYS}: replace it and set key_created"
            )),
        }
    }
}

/// What there is to say on a day about the keys of a profile's servers, made on these days: one sentence a key, with its place.
pub fn key_ages(profile: &str, keys: &[(Service, Date)], today: Date) -> Vec<(KeyAge, String)> {
    keys.iter()
        .filter_map(|(service, created)| {
            let age = KeyAge::on(today, *created);
            Some((age, format!("[profiles.{profile}.{}]: {}", service.as_str(), age.sentence()?)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stages_of_a_key() {
        let created = jiff::civil::date(2026, 9, 1);
        let after = |days: i64| KeyAge::on(created.checked_add(jiff::Span::new().days(days)).unwrap(), created);
        for (days, expected) in [
            (-3, KeyAge::Fresh),
            (0, KeyAge::Fresh),
            (67, KeyAge::Fresh),
            (68, KeyAge::Notice { left: 22 }),
            (82, KeyAge::Notice { left: 8 }),
            (83, KeyAge::LastWeek { left: 7 }),
            (90, KeyAge::LastWeek { left: 0 }),
            (91, KeyAge::Over { by: 1 }),
        ] {
            assert_eq!(after(days), expected, "after {days} days");
        }
    }
}
