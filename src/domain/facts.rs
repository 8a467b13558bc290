//! What a filter may ask of a row.

use jiff::{SignedDuration, Timestamp};

use super::{Alert, AlertState, Device, SafeText, Severity};

/// An alert is stale when it has stood unresolved for this long (ISA-18.2 / EEMUA 191: more than 24 hours).
pub const STALE_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// A yes-or-no property of a row: the values of the filter's `is:`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trait {
    /// Comes and goes: three cycles in a minute, or three in half an hour.
    Chattering,
    /// Was gone again before anybody could act.
    Fleeting,
    /// Unresolved for more than a day.
    Stale,
    /// Put aside by this person for a while.
    Shelved,
    /// Acknowledged by this person.
    Mine,
    /// Nobody has acknowledged it.
    Unacknowledged,
    /// Something asked of it has not been confirmed yet.
    Pending,
}

impl Trait {
    /// Word and trait, in the order in which they are offered.
    pub const WORDS: [(&'static str, Self); 7] = [
        ("chattering", Self::Chattering),
        ("fleeting", Self::Fleeting),
        ("stale", Self::Stale),
        ("shelved", Self::Shelved),
        ("mine", Self::Mine),
        ("unack", Self::Unacknowledged),
        ("pending", Self::Pending),
    ];
}

/// A row as the filter sees it. Text is in the raw spelling: what is compared is identity, not looks.
pub trait Facts {
    /// Texts in which a bare word may match loosely: device and name.
    fn names(&self) -> [&str; 2];
    /// Longer text in which a bare word must stand as it is.
    fn message(&self) -> &str;
    /// `dev:`
    fn device(&self) -> &str;
    /// `type:`
    fn device_type(&self) -> Option<&str>;
    /// `loc:`
    fn location(&self) -> Option<&str>;
    /// `sev:`
    fn severity(&self) -> Option<&Severity> {
        None
    }
    /// `state:`
    fn state(&self) -> Option<&str>;
    /// `metric:`
    fn metric(&self) -> Option<&str> {
        None
    }
    /// `by:`
    fn by(&self) -> Option<&str> {
        None
    }
    /// `age`: since it was raised, or last heard of.
    fn age(&self) -> Option<SignedDuration>;
    /// `wo:`
    fn order(&self) -> Option<&str> {
        None
    }
    /// `is:`
    fn is(&self, what: Trait) -> bool;
}

/// An alert with what is known around it.
#[derive(Clone, Copy, Debug)]
pub struct AlertFacts<'a> {
    /// The alert.
    pub alert: &'a Alert,
    /// Its device's location.
    pub location: Option<&'a SafeText>,
    /// The number of the work order made for it, or linked to it.
    pub order: Option<&'a str>,
    /// See [`Trait::Chattering`].
    pub chattering: bool,
    /// See [`Trait::Fleeting`].
    pub fleeting: bool,
    /// See [`Trait::Shelved`].
    pub shelved: bool,
    /// It came back from the shelf, or became worse: somebody should look again, whoever acknowledged it.
    pub returned: bool,
    /// See [`Trait::Pending`].
    pub pending: bool,
    /// The person at the keys.
    pub me: &'a str,
    /// When the question is asked.
    pub now: Timestamp,
}

impl<'a> AlertFacts<'a> {
    /// An alert of which nothing else is known than what it says itself.
    pub fn of(alert: &'a Alert, me: &'a str, now: Timestamp) -> Self {
        Self {
            alert,
            location: None,
            order: alert.linked_order(),
            chattering: false,
            fleeting: false,
            shelved: false,
            returned: false,
            pending: false,
            me,
            now,
        }
    }
}

impl Facts for AlertFacts<'_> {
    fn names(&self) -> [&str; 2] {
        [self.alert.device.raw(), self.alert.name.raw()]
    }

    fn message(&self) -> &str {
        self.alert.message.as_ref().map_or("", SafeText::raw)
    }

    fn device(&self) -> &str {
        self.alert.device.raw()
    }

    fn device_type(&self) -> Option<&str> {
        self.alert.device_type.as_ref().map(super::DeviceType::raw)
    }

    fn location(&self) -> Option<&str> {
        self.location.map(SafeText::raw)
    }

    fn severity(&self) -> Option<&Severity> {
        Some(&self.alert.severity)
    }

    fn state(&self) -> Option<&str> {
        Some(self.alert.state.shown())
    }

    fn metric(&self) -> Option<&str> {
        self.alert.metric.as_ref().map(SafeText::raw)
    }

    fn by(&self) -> Option<&str> {
        self.alert
            .resolved_by
            .as_ref()
            .or(self.alert.acknowledged_by.as_ref())
            .map(SafeText::raw)
    }

    fn age(&self) -> Option<SignedDuration> {
        Some(self.now.duration_since(self.alert.raised_at))
    }

    fn order(&self) -> Option<&str> {
        self.order
    }

    fn is(&self, what: Trait) -> bool {
        match what {
            Trait::Chattering => self.chattering,
            Trait::Fleeting => self.fleeting,
            Trait::Stale => self.alert.state != AlertState::Resolved && self.age().is_some_and(|age| age > STALE_AFTER),
            Trait::Shelved => self.shelved,
            Trait::Mine => self.alert.acknowledged_by.as_ref().is_some_and(|by| by.raw() == self.me),
            Trait::Unacknowledged => self.alert.state.progress() == 0 || (self.returned && self.alert.state != AlertState::Resolved),
            Trait::Pending => self.pending,
        }
    }
}

/// A device; `age` is the time since its last event.
#[derive(Clone, Copy, Debug)]
pub struct DeviceFacts<'a> {
    /// The device.
    pub device: &'a Device,
    /// When the question is asked.
    pub now: Timestamp,
}

impl Facts for DeviceFacts<'_> {
    fn names(&self) -> [&str; 2] {
        [self.device.id.raw(), self.device.device_type.raw()]
    }

    fn message(&self) -> &str {
        self.location().unwrap_or_default()
    }

    fn device(&self) -> &str {
        self.device.id.raw()
    }

    fn device_type(&self) -> Option<&str> {
        Some(self.device.device_type.raw())
    }

    fn location(&self) -> Option<&str> {
        self.device.location.as_ref().map(SafeText::raw)
    }

    fn state(&self) -> Option<&str> {
        Some(self.device.status.shown())
    }

    fn age(&self) -> Option<SignedDuration> {
        self.device.last_event_time.map(|at| self.now.duration_since(at))
    }

    fn is(&self, what: Trait) -> bool {
        what == Trait::Stale && self.age().is_some_and(|age| age > STALE_AFTER)
    }
}
