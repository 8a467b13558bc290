//! What the panes beside the lists are about: the row under the cursor, once the cursor rests. A chart is ten times the bytes
//! of a row, and nobody reads those that a held key passes; until the cursor rests, their titles name what they still show.

use jiff::{SignedDuration, Timestamp};

use super::App;
use crate::domain::{AlertId, DeviceKey};
use crate::pane::{Focus, Subject};

/// How long the cursor rests before the panes beside it follow: longer than a held key's repeat.
const REST: SignedDuration = SignedDuration::from_millis(150);

/// What a list's cursor points to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Alert(AlertId),
    Device(DeviceKey),
}

/// What the panes beside the lists show.
#[derive(Debug, Default)]
pub(super) struct Side {
    shown: Option<Target>,
    /// When they follow a cursor that moved away.
    rests_at: Option<Timestamp>,
    /// The list that was focused last is that of the devices.
    of_devices: bool,
}

/// Where a person stood before an event.
pub(super) struct Stood {
    focus: Focus,
    plain: bool,
    target: Option<Target>,
}

impl App {
    /// The focused list; where the metrics are focused, the one that they were reached from: they stay what they are about.
    pub(super) fn list(&self) -> Focus {
        match self.focus {
            Focus::Metrics if self.side.of_devices => Focus::Devices,
            Focus::Metrics | Focus::Queue => Focus::Queue,
            Focus::Devices => Focus::Devices,
        }
    }

    /// What the cursor of that list points to.
    fn pointed(&self) -> Option<Target> {
        match self.list() {
            Focus::Devices => self.devices.cursor().cloned().map(Target::Device),
            Focus::Queue | Focus::Metrics => self.queue.cursor().cloned().map(Target::Alert),
        }
    }

    /// Where the person stands.
    pub(super) fn stand(&self) -> Stood {
        Stood {
            focus: self.focus,
            plain: self.layers.is_empty(),
            target: self.pointed(),
        }
    }

    /// After an event: lets the side follow at once, or later where a key or the pointer only moved the cursor.
    pub(super) fn lead(&mut self, before: &Stood, by_hand: bool) {
        self.side.of_devices = self.list() == Focus::Devices;
        let there = self.pointed();
        let moved = by_hand
            && before.plain
            && self.layers.is_empty()
            && before.focus == self.focus
            && before.target.is_some()
            && before.target != there;
        if moved && there != self.side.shown {
            self.side.rests_at = self.now.checked_add(REST).ok();
        } else if by_hand || self.side.rests_at.is_none_or(|at| self.now >= at) {
            self.settle();
        }
    }

    /// A frame begins: what has gone is not shown any longer, and a cursor that nobody moved is followed.
    pub(super) fn lead_frame(&mut self) {
        if self.side.rests_at.is_none() || self.target_subject().is_none() {
            self.settle();
        }
    }

    fn settle(&mut self) {
        self.side.rests_at = None;
        let there = self.pointed();
        if self.side.shown != there {
            self.side.shown = there;
            self.dirty = true;
        }
    }

    /// What the panes beside the lists are about.
    pub(super) fn target_subject(&self) -> Option<Subject> {
        match self.side.shown.as_ref()? {
            Target::Device(key) => Some(Subject::Device(key.clone())),
            Target::Alert(id) => {
                let (alert, _) = self.queue.alert(&self.store, id)?;
                Some(Subject::Alert(Box::new(alert.clone()), self.store.plant.key_of_alert(alert)))
            }
        }
    }

    /// What the strip is about, as the metrics beside it; else the alert under the queue's cursor.
    pub(super) fn strip_target(&self) -> Option<Target> {
        self.side.shown.clone().or_else(|| self.queue.cursor().cloned().map(Target::Alert))
    }

    /// When `Event::Tick` is wanted though the second is not over: the cursor has rested then.
    pub fn wakes_at(&self) -> Option<Timestamp> {
        self.side.rests_at
    }
}
