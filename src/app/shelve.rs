//! Putting alarms aside on this console, and what time brings back.

use std::collections::BTreeMap;

use super::App;
use super::layer::Layer;
use crate::domain::shelf::{SHELF_MOST, SHELVED_MOST};
use crate::domain::{AlarmKey, Alert, AlertId, AlertState, ShelfChange, Shelved};
use crate::model::{Action, Effect, Keepsake, Ticket};
use crate::pane::form::{Form, ShelveForm};
use crate::pane::{Span, Tone};

/// The last shelvings, which can be taken back.
const DEEDS_MOST: usize = 50;

/// A change of the shelf that can be taken back.
#[derive(Debug)]
pub(super) struct ShelfDeed {
    /// The newest ticket then: what was asked for later is taken back earlier.
    pub(super) after: Ticket,
    /// What it was called.
    name: String,
    /// What was done, to do it again.
    done: ShelfChange,
    /// How it was before: these lay there, and these did not.
    before: Vec<Shelved>,
    absent: Vec<AlarmKey>,
}

impl App {
    /// Opens the form for what is marked or under the cursor.
    pub(super) fn begin_shelving(&mut self) {
        let alerts = match self.targets() {
            Ok(alerts) => alerts,
            Err(why) => {
                self.say(Tone::Bad, why);
                return;
            }
        };
        let able: Vec<AlertId> = alerts
            .iter()
            .filter(|id| self.store.alert(id).is_some_and(|alert| alert.state != AlertState::Resolved))
            .cloned()
            .collect();
        if able.is_empty() {
            self.say(Tone::Bad, "only an open alert can be put aside".into());
            return;
        }
        let title = format!("Put aside {}", self.about(&able));
        self.open_shelve_form(title, able, "");
    }

    fn open_shelve_form(&mut self, title: String, alerts: Vec<AlertId>, reason: &str) {
        let form = ShelveForm::new(title, &self.setup.profile, alerts, reason);
        self.open_form(Form::Shelve(form), None);
    }

    /// The form for something that lies on the shelf.
    pub(super) fn shelve_again(&mut self, key: &AlarmKey) {
        let newest = self.store.history().of_alarm(key).max_by_key(|one| one.alert.raised_at);
        let (Some(id), Some(item)) = (newest.map(|one| one.alert.id.clone()), self.store.shelf().get(key)) else {
            self.say(Tone::Bad, "no alert of it is known any more: it comes back by itself".into());
            return;
        };
        let reason = item.reason.raw().to_owned();
        let title = format!("Put aside {} {}", key.device.shown(), key.name.shown());
        self.open_shelve_form(title, vec![id], &reason);
    }

    /// Puts the alarms of these alerts aside.
    pub(super) fn shelve(&mut self, alerts: &[AlertId], span: Span, reason: &str) {
        let until = match span {
            Span::For(span) => self.now.checked_add(span.min(SHELVED_MOST)).unwrap_or(self.now),
            Span::Shift => self.setup.shift.around(self.now, &self.setup.time_zone).1,
        };
        let alert_of = |id: &AlertId| -> Option<&Alert> {
            let kept = || self.store.history().get(id).map(|one| &one.alert);
            self.store.alert(id).or_else(kept)
        };
        let mut items: BTreeMap<AlarmKey, Shelved> = BTreeMap::new();
        for alert in alerts.iter().filter_map(alert_of) {
            let key = AlarmKey::of(alert);
            // The worst open alert of the alarm counts: what is there now lies on the shelf, and only worse comes back.
            let worst = self
                .store
                .alerts()
                .filter(|other| other.state != AlertState::Resolved && AlarmKey::of(other) == key)
                .map(|other| &other.severity)
                .min_by_key(|severity| severity.rank())
                .unwrap_or(&alert.severity);
            items.entry(key.clone()).or_insert_with(|| Shelved {
                key,
                severity: worst.clone(),
                since: self.now,
                until,
                reason: reason.into(),
                by: self.setup.operator.as_str().into(),
            });
        }
        if items.is_empty() {
            self.say(Tone::Bad, "no longer in the list: nothing was put aside".into());
            return;
        }
        if self.store.shelf().len() + items.len() > SHELF_MOST {
            self.say(
                Tone::Bad,
                format!("the shelf holds {SHELF_MOST} alarms at the most: nothing was put aside"),
            );
            return;
        }
        let name = match items.values().collect::<Vec<_>>().as_slice() {
            [one] => format!("{} {}", one.key.device.shown(), one.key.name.shown()),
            many => format!("{} alarms", many.len()),
        };
        let change = ShelfChange::Put(items.into_values().collect());
        self.change_shelf(change, name.clone());
        self.queue.unmark(alerts);
        let scene = self.scene();
        let text = format!(
            "{name} put aside until {}: {} takes it back, {} shows the shelf",
            scene.clock(until),
            scene.key(Action::Undo),
            scene.key(Action::Shelf)
        );
        self.say(Tone::Plain, text);
    }

    /// Takes an alarm off the shelf.
    pub(super) fn unshelve(&mut self, key: AlarmKey) {
        let name = format!("{} {}", key.device.shown(), key.name.shown());
        self.change_shelf(ShelfChange::Take(vec![key]), name.clone());
        let undo = self.scene().key(Action::Undo);
        self.say(Tone::Plain, format!("{name} is back in the list: {undo} puts it aside again"));
    }

    fn change_shelf(&mut self, change: ShelfChange, name: String) {
        let keys: Vec<AlarmKey> = match &change {
            ShelfChange::Put(items) => items.iter().map(|item| item.key.clone()).collect(),
            ShelfChange::Take(keys) => keys.clone(),
        };
        let before = self.store.shelve(&change);
        let absent = keys.into_iter().filter(|key| !before.iter().any(|item| item.key == *key)).collect();
        self.effects.push(Effect::Keep(Keepsake::Shelf(change.clone())));
        self.shelvings.push_back(ShelfDeed {
            after: Ticket(self.tickets),
            name,
            done: change,
            before,
            absent,
        });
        while self.shelvings.len() > DEEDS_MOST {
            self.shelvings.pop_front();
        }
        self.unshelved = None;
    }

    /// Whether the last thing that can be taken back is a shelving.
    pub(super) fn undoes_shelving(&self) -> bool {
        let Some(deed) = self.shelvings.back() else { return false };
        let asked = self
            .groups
            .iter()
            .rev()
            .find(|group| !group.undone)
            .and_then(|group| group.members.iter().map(|member| member.ticket).max());
        asked.is_none_or(|asked| asked <= deed.after)
    }

    /// Puts the shelf back as it was before the last change.
    pub(super) fn undo_shelving(&mut self) {
        let Some(deed) = self.shelvings.pop_back() else { return };
        for change in [ShelfChange::Take(deed.absent.clone()), ShelfChange::Put(deed.before.clone())] {
            let is_empty = match &change {
                ShelfChange::Put(items) => items.is_empty(),
                ShelfChange::Take(keys) => keys.is_empty(),
            };
            if !is_empty {
                self.store.shelve(&change);
                self.effects.push(Effect::Keep(Keepsake::Shelf(change)));
            }
        }
        let redo = self.scene().key(Action::Redo);
        self.say(Tone::Plain, format!("the shelf is as before: {}; {redo} does it again", deed.name));
        self.unshelved = Some((deed.done, deed.name));
    }

    /// Does again what was taken back last. Answers whether there was something.
    pub(super) fn redo_shelving(&mut self) -> bool {
        let Some((change, name)) = self.unshelved.take() else {
            return false;
        };
        self.change_shelf(change, name.clone());
        self.say(Tone::Plain, format!("done again: {name}"));
        true
    }

    /// Lets time pass on the shelf, and hands over what is to be kept.
    pub(super) fn tend(&mut self) {
        let tended = self.store.tend_shelf(self.now);
        if !tended.taken.is_empty() {
            self.effects.push(Effect::Keep(Keepsake::Shelf(ShelfChange::Take(tended.taken))));
        }
        if let Some(first) = tended.warn.first() {
            let more = match tended.warn.len() {
                1 => " comes".to_owned(),
                many => format!(" and {} more come", many - 1),
            };
            let scene = self.scene();
            let text = format!(
                "{} {}{more} back from the shelf at {} ({} shows it)",
                first.key.device.shown(),
                first.key.name.shown(),
                scene.clock(first.until),
                scene.key(Action::Shelf)
            );
            self.say(Tone::Plain, text);
        }
        if let Some(first) = tended.back.first() {
            let why = self.store.returned(first).map_or("back", crate::pane::returned);
            let more = match tended.back.len() {
                1 => String::new(),
                many => format!(" and {} more", many - 1),
            };
            let text = format!("{}{more} {why}", self.name_of(first));
            self.say(Tone::Plain, text);
            let rung = self.worth_ringing(tended.back.iter().filter_map(|id| self.store.alert(id)));
            if let Some(text) = rung {
                self.ring(text);
            }
            self.dirty = true;
        }
        let (records, coverage) = self.store.take_unkept();
        if !records.is_empty() || coverage.is_some() {
            self.effects.push(Effect::Keep(Keepsake::History(records, coverage)));
        }
    }

    /// Alerts that came back although somebody holds them are looked at, not acknowledged again. Answers the others.
    pub(super) fn look_at_returned(&mut self, ids: Vec<AlertId>) -> Vec<AlertId> {
        let (held, rest): (Vec<AlertId>, Vec<AlertId>) = ids.into_iter().partition(|id| {
            self.store.returned(id).is_some() && self.store.alert(id).is_some_and(|alert| alert.state == AlertState::Acknowledged)
        });
        for id in &held {
            self.store.settle_return(id);
        }
        if !held.is_empty() {
            self.queue.unmark(&held);
            let text = format!("{}: seen, and acknowledged as before", self.about(&held));
            self.say(Tone::Plain, text);
        }
        rest
    }

    /// The windows of this part.
    pub(super) fn open_shift_window(&mut self, action: Action) {
        self.layers.push(match action {
            Action::Shelf => Layer::Shelf(crate::pane::window::ShelfList::default()),
            Action::Load => Layer::Load(crate::pane::window::LoadView::default()),
            _ => Layer::Handover(Box::default()),
        });
    }
}
