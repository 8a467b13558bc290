//! What an action is about, and why it may not be asked for.

use super::App;
use super::layer::Layer;
use crate::domain::{Alert, AlertId, AlertState, SafeText};
use crate::model::Action;
use crate::model::store::{Progress, Verb};
use crate::pane::Focus;
use crate::pane::detail::About;

/// What an alert is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Acknowledge,
    Note,
    TakeOver,
    Resolve,
    Order,
    Link,
}

impl App {
    /// The alerts that an action is about: that of the detail window, else the marked ones, else that under the cursor.
    pub(super) fn targets(&self) -> Result<Vec<AlertId>, String> {
        for layer in self.layers.iter().rev() {
            if let Layer::Detail(detail) = layer {
                return match detail.about() {
                    About::Alert(id) => Ok(vec![id.clone()]),
                    About::Device(_) => Err("this is a device: open one of its alerts to act on it".into()),
                };
            }
        }
        if self.list() == Focus::Devices {
            return Err(format!(
                "a device is under the cursor: {} goes to the alerts",
                self.scene().key(Action::PaneAlerts)
            ));
        }
        self.queue_is_seen()?;
        let marked = self.queue.marked();
        if !marked.is_empty() {
            return Ok(marked);
        }
        self.queue
            .cursor()
            .map(|id| vec![id.clone()])
            .ok_or_else(|| "no alert is under the cursor".to_owned())
    }

    /// Nobody acts on rows that are not on the screen.
    pub(super) fn queue_is_seen(&self) -> Result<(), String> {
        if self.layout.is_some_and(|layout| layout.queue.is_some()) {
            Ok(())
        } else {
            let key = self.scene().key(Action::PaneAlerts);
            Err(format!("the alerts are not on the screen: {key} goes to them"))
        }
    }

    /// How an alert is called.
    pub(super) fn name_of(&self, id: &AlertId) -> String {
        self.queue
            .alert(&self.store, id)
            .map_or_else(|| id.shown().to_owned(), |(alert, _)| self.scene().name(alert))
    }

    /// Why an alert cannot be asked for this now.
    pub(super) fn refusal(&self, id: &AlertId, purpose: Purpose) -> Option<String> {
        let scene = self.scene();
        let name = self.name_of(id);
        let Some(alert) = self.store.alert(id) else {
            let since = self
                .store
                .gone_since(id)
                .map_or_else(String::new, |at| format!(" since {}", scene.clock(at)));
            return Some(format!("{name} is no longer in Monitor's list{since}: nothing was asked"));
        };
        let me = self.setup.operator.as_str();
        let at = |at: Option<jiff::Timestamp>| at.map_or_else(String::new, |at| format!(" {}", scene.clock(at)));
        let by = |by: &Option<SafeText>| by.as_ref().map_or("somebody", SafeText::shown).to_owned();
        let open = |verbs: &[Verb]| {
            self.store
                .ledger()
                .asked(id, verbs, self.now)
                .filter(|asked| asked.progress.is_open())
                .map(|asked| {
                    let where_it_is = match asked.progress {
                        Progress::Grace(_) => format!("is about to be sent ({} undoes)", scene.key(Action::Undo)),
                        Progress::Saving => "is being saved".to_owned(),
                        Progress::Queued(_) => "is queued".to_owned(),
                        Progress::Sending => "is being sent".to_owned(),
                        _ => "is being checked".to_owned(),
                    };
                    format!("{name}: {} {where_it_is}", asked.verb.shown())
                })
        };
        if purpose == Purpose::Order {
            if !self.setup.manage {
                return Some("Manage is not set up in this profile: no work order can be made".into());
            }
            return open(&[Verb::Order]);
        }
        let blocking: &[Verb] = if purpose == Purpose::Acknowledge {
            &[Verb::Acknowledge, Verb::Resolve]
        } else {
            &[Verb::Resolve]
        };
        if let Some(said) = open(blocking) {
            return Some(said);
        }
        let mine = alert.acknowledged_by.as_ref().map(SafeText::raw) == Some(me);
        match (&alert.state, purpose) {
            (AlertState::Resolved, _) => Some(format!(
                "{name} was resolved by {}{}: nothing was asked",
                by(&alert.resolved_by),
                at(alert.resolved_at)
            )),
            (AlertState::Acknowledged, Purpose::Acknowledge) if mine => Some(format!(
                "{name} is yours since{}: {} changes its note",
                at(alert.acknowledged_at),
                scene.key(Action::Note)
            )),
            (AlertState::Acknowledged, Purpose::Acknowledge | Purpose::Note | Purpose::Link) if !mine => Some(format!(
                "{name}: {} acknowledged it{}; {} takes it over",
                by(&alert.acknowledged_by),
                at(alert.acknowledged_at),
                scene.key(Action::TakeOver)
            )),
            (AlertState::Acknowledged, Purpose::TakeOver) if mine => Some(format!("{name} is yours already")),
            (AlertState::New | AlertState::Other(_), Purpose::TakeOver) => {
                Some(format!("{name}: nobody holds it; {} acknowledges", scene.key(Action::Acknowledge)))
            }
            _ => None,
        }
    }

    /// Whether somebody else acknowledged it and keeps it by that.
    pub(super) fn is_held(&self, id: &AlertId, purpose: Purpose) -> bool {
        let mine = |alert: &Alert| alert.acknowledged_by.as_ref().map(SafeText::raw) == Some(self.setup.operator.as_str());
        matches!(purpose, Purpose::Acknowledge | Purpose::Note | Purpose::Link)
            && self
                .store
                .alert(id)
                .is_some_and(|alert| alert.state == AlertState::Acknowledged && !mine(alert))
    }

    /// Those of the targets that can be asked for this, and what is said about the others.
    pub(super) fn able(&self, ids: Vec<AlertId>, purpose: Purpose) -> Result<(Vec<AlertId>, Option<String>), String> {
        let all = ids.len();
        let mut refused = Vec::new();
        let mut held = 0;
        let able: Vec<AlertId> = ids
            .into_iter()
            .filter(|id| match self.refusal(id, purpose) {
                None => true,
                Some(why) => {
                    held += usize::from(self.is_held(id, purpose));
                    refused.push(why);
                    false
                }
            })
            .collect();
        if held > 1 && held == refused.len() {
            let take_over = self.scene().key(Action::TakeOver);
            return if able.is_empty() {
                Err(format!("all {held} are held by others: {take_over} takes one over"))
            } else {
                Ok((able, Some(format!("{held} of {all} left out: held by others"))))
            };
        }
        match (able.is_empty(), refused.len()) {
            (true, 0) => Err("no alert is under the cursor".into()),
            (true, 1) => Err(refused.remove(0)),
            (true, many) => Err(format!("none of the {many} can be: {}", refused.remove(0))),
            (false, 0) => Ok((able, None)),
            (false, left) => Ok((able, Some(format!("{left} of {all} left out: {}", refused.remove(0))))),
        }
    }

    pub(super) fn read_only(&self) -> Result<(), String> {
        if self.setup.read_only {
            Err("this console is read-only: start it without --read-only to act".into())
        } else {
            Ok(())
        }
    }

    /// One alert by name, several by number and the first names.
    pub(super) fn about(&self, ids: &[AlertId]) -> String {
        match ids {
            [one] => self.name_of(one),
            many => {
                let devices: Vec<String> = many
                    .iter()
                    .filter_map(|id| self.store.alert(id))
                    .map(|alert| alert.device.shown().to_owned())
                    .take(3)
                    .collect();
                let more = if many.len() > devices.len() { ", .." } else { "" };
                format!("{} alerts ({}{more})", many.len(), devices.join(", "))
            }
        }
    }

    /// For a note or a take-over of what is acknowledged: only what is gone or resolved is left out.
    pub(super) fn able_again(&self, ids: Vec<AlertId>) -> Result<(Vec<AlertId>, Option<String>), String> {
        self.able(ids, Purpose::Resolve)
    }
}
