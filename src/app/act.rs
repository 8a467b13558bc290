//! From a wish to intents: what may be asked of which alert, and what is said when it may not.

use std::time::Duration;

use super::App;
use super::group::{GROUPS_MOST, Group, Member};
use super::layer::Layer;
use crate::domain::{AlertId, AlertState, Intent, OutboxId, SafeText, WorkOrderDraft};
use crate::model::store::{Progress, Verb};
use crate::model::{Action, DraftKey, Effect, Fetch, Store};
use crate::pane::detail::About;
use crate::pane::form::{Form, NoteForm, ResolveForm, ResolveText, WorkOrderForm, causes};
use crate::pane::window::Question;
use crate::pane::{Ask, Focus, Tone};

/// What an alert is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Acknowledge,
    Note,
    TakeOver,
    Resolve,
    Order,
    Link,
}

impl App {
    /// The alerts that an action is about: that of the detail window, else the marked ones, else that under the cursor.
    fn targets(&self) -> Result<Vec<AlertId>, String> {
        for layer in self.layers.iter().rev() {
            if let Layer::Detail(detail) = layer {
                return match detail.about() {
                    About::Alert(id) => Ok(vec![id.clone()]),
                    About::Device(_) => Err("this is a device: open one of its alerts to act on it".into()),
                };
            }
        }
        if self.focus == Focus::Devices {
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
    fn refusal(&self, id: &AlertId, purpose: Purpose) -> Option<String> {
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

    /// Those of the targets that can be asked for this, and what is said about the others.
    fn able(&self, ids: Vec<AlertId>, purpose: Purpose) -> Result<(Vec<AlertId>, Option<String>), String> {
        let all = ids.len();
        let mut refused = Vec::new();
        let able: Vec<AlertId> = ids
            .into_iter()
            .filter(|id| match self.refusal(id, purpose) {
                None => true,
                Some(why) => {
                    refused.push(why);
                    false
                }
            })
            .collect();
        match (able.is_empty(), refused.len()) {
            (true, 0) => Err("no alert is under the cursor".into()),
            (true, 1) => Err(refused.remove(0)),
            (true, many) => Err(format!("none of the {many} can be: {}", refused.remove(0))),
            (false, 0) => Ok((able, None)),
            (false, left) => Ok((able, Some(format!("{left} of {all} left out: {}", refused.remove(0))))),
        }
    }

    /// Begins an action that asks a server to change something: at once, or with its form or question.
    pub(super) fn begin(&mut self, action: Action) {
        if let Err(why) = self.try_begin(action) {
            self.say(Tone::Bad, why);
        }
    }

    fn read_only(&self) -> Result<(), String> {
        if self.setup.read_only {
            Err("this console is read-only: start it without --read-only to act".into())
        } else {
            Ok(())
        }
    }

    fn try_begin(&mut self, action: Action) -> Result<(), String> {
        self.read_only()?;
        let targets = self.targets()?;
        let single = |able: &[AlertId]| match able {
            [one] => Ok(one.clone()),
            many => Err(format!("{} are marked: this is done for one alert at a time", many.len())),
        };
        match action {
            Action::Acknowledge => {
                let (alerts, _) = self.able(targets.clone(), Purpose::Acknowledge)?;
                let _ = alerts; // `perform` looks again and says what was left out
                self.perform(
                    Ask::Acknowledge {
                        alerts: targets,
                        note: None,
                        again: false,
                    },
                    None,
                );
            }
            Action::AcknowledgeNote => {
                let (alerts, left) = self.able(targets, Purpose::Acknowledge)?;
                let title = format!("Acknowledge {} with a note", self.about(&alerts));
                self.say_left(left);
                self.open_form(Form::Note(NoteForm::new(title, &self.setup.profile, alerts, false, None)), None);
            }
            Action::Note => {
                let (alerts, left) = self.able(targets, Purpose::Note)?;
                let new = alerts
                    .iter()
                    .any(|id| self.store.alert(id).is_some_and(|alert| alert.state.progress() == 0));
                let before = match alerts.as_slice() {
                    [one] => self.store.alert(one).and_then(|alert| alert.notes.clone()),
                    _ => None,
                };
                let verb = if new { "Acknowledge" } else { "Note for" };
                let tail = if new { " with a note" } else { "" };
                let title = format!("{verb} {}{tail}", self.about(&alerts));
                self.say_left(left);
                self.open_form(
                    Form::Note(NoteForm::new(title, &self.setup.profile, alerts, !new, before.as_ref())),
                    None,
                );
            }
            Action::TakeOver => {
                let (able, _) = self.able(targets, Purpose::TakeOver)?;
                let id = single(&able)?;
                let Some(alert) = self.store.alert(&id) else { return Ok(()) };
                let scene = self.scene();
                let by = alert.acknowledged_by.as_ref().map_or("somebody", SafeText::shown);
                let when = alert
                    .acknowledged_at
                    .map_or_else(String::new, |at| format!(" at {}", scene.clock(at)));
                let mut text = vec![
                    format!("{by} acknowledged {}{when}.", scene.name(alert)),
                    "Acknowledge it in your own name? The note stays.".to_owned(),
                ];
                if let Some(note) = alert.notes.as_ref().filter(|note| !note.is_empty()) {
                    text.insert(1, format!("Note: {}", note.shown()));
                }
                let ask = Ask::Acknowledge {
                    note: alert.notes.as_ref().map(|note| note.raw().to_owned()),
                    alerts: vec![id],
                    again: true,
                };
                self.layers.push(Layer::Question(Box::new(Question::new("Take over", text, ask))));
            }
            Action::Resolve => {
                let (alerts, left) = self.able(targets, Purpose::Resolve)?;
                let title = format!("Resolve {}", self.about(&alerts));
                let causes = causes(&self.store, &self.setup.root_causes);
                self.say_left(left);
                let form = ResolveForm::new(title, &self.setup.profile, alerts, causes, &ResolveText::default());
                self.open_form(Form::Resolve(form), None);
            }
            Action::WorkOrder => {
                let (able, _) = self.able(targets, Purpose::Order)?;
                let id = single(&able)?;
                let Some(alert) = self.store.alert(&id) else { return Ok(()) };
                let draft = WorkOrderDraft::from_alert(alert, &self.setup.work_order);
                let title = format!("Work order for {}", self.scene().name(alert));
                self.open_order_form(title, id, draft, None);
            }
            _ => {}
        }
        Ok(())
    }

    fn say_left(&mut self, left: Option<String>) {
        if let Some(left) = left {
            self.say(Tone::Plain, left);
        }
    }

    /// One alert by name, several by number and the first names.
    fn about(&self, ids: &[AlertId]) -> String {
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

    fn open_order_form(&mut self, title: String, alert: AlertId, draft: WorkOrderDraft, replaces: Option<OutboxId>) {
        self.store.forget_open_orders(&alert);
        let form = WorkOrderForm::new(title, &self.setup.profile, alert, draft);
        self.open_form(Form::WorkOrder(Box::new(form)), replaces);
        let Some(Layer::Form(form, _)) = self.layers.last() else { return };
        if let Form::WorkOrder(form) = &**form {
            let (alert, asset, site) = form.asked_for();
            let fetch = Fetch::OpenOrders {
                alert: alert.clone(),
                asset: asset.to_owned(),
                site: site.to_owned(),
            };
            self.effects.push(Effect::Fetch(fetch));
        }
    }

    fn open_form(&mut self, mut form: Form, replaces: Option<OutboxId>) {
        if let Some(draft) = self.drafts.get(form.draft_key()) {
            form.restore(draft);
        }
        self.layers.push(Layer::Form(Box::new(form), replaces));
    }

    /// Opens the form of a refused row, filled with what it asked for.
    pub(super) fn edit(&mut self, id: OutboxId) {
        if let Err(why) = self.read_only() {
            self.say(Tone::Bad, why);
            return;
        }
        let Some(row) = self.store.ledger().row(id) else { return };
        match row.intent.clone() {
            Intent::Acknowledge { alert, notes, .. } => {
                let title = format!("Send again: note for {}", self.name_of(&alert));
                let before = notes.map(SafeText::new);
                let form = NoteForm::new(title, &self.setup.profile, vec![alert], true, before.as_ref());
                self.open_form(Form::Note(form), Some(id));
            }
            Intent::Resolve {
                alert,
                resolution,
                root_cause,
                preventive_action,
                ..
            } => {
                let title = format!("Send again: resolve {}", self.name_of(&alert));
                let text = ResolveText {
                    resolution,
                    root_cause,
                    preventive_action: preventive_action.unwrap_or_default(),
                };
                let causes = causes(&self.store, &self.setup.root_causes);
                let form = ResolveForm::new(title, &self.setup.profile, vec![alert], causes, &text);
                self.open_form(Form::Resolve(form), Some(id));
            }
            Intent::CreateWorkOrder { alert, draft, .. } => {
                let title = format!("Send again: work order for {}", self.name_of(&alert));
                self.open_order_form(title, alert, draft, Some(id));
            }
            Intent::SetMetadata { .. } => {
                let retry = self.scene().key(Action::Retry);
                self.say(Tone::Bad, format!("metadata is not edited here: {retry} sends it again as it is"));
            }
        }
    }

    /// Carries out what a key, form or question asked for. `form` is the draft that is done with and the row that it replaces.
    pub(super) fn perform(&mut self, ask: Ask, form: Option<(DraftKey, Option<OutboxId>)>) {
        let count = match &ask {
            Ask::Acknowledge { alerts, .. } | Ask::Resolve { alerts, .. } => alerts.len(),
            _ => 1,
        };
        if count > self.setup.bulk_limit {
            let verb = if matches!(ask, Ask::Resolve { .. }) {
                "Resolve"
            } else {
                "Acknowledge"
            };
            let text = vec![format!("{verb} {count} alerts at once? Type their number to go on.")];
            self.asking_form = form;
            self.layers.push(Layer::Question(Box::new(Question::counted(
                format!("{verb} {count} alerts"),
                text,
                ask,
                count,
            ))));
            return;
        }
        self.perform_now(ask, form);
    }

    /// The same, after any question.
    pub(super) fn perform_now(&mut self, ask: Ask, form: Option<(DraftKey, Option<OutboxId>)>) {
        if let Err(why) = self.read_only() {
            self.say(Tone::Bad, why);
            return;
        }
        let (draft, replaces) = form.map_or((None, None), |(key, replaces)| (Some(key), replaces));
        // The row that is replaced is no reason to refuse its own edit.
        let (purpose, ids) = match &ask {
            Ask::Acknowledge { alerts, again: true, .. } => (None, alerts.clone()),
            Ask::Acknowledge { alerts, .. } => (Some(Purpose::Acknowledge), alerts.clone()),
            Ask::Resolve { alerts, .. } => (Some(Purpose::Resolve), alerts.clone()),
            Ask::Order { alert, .. } => (Some(Purpose::Order), vec![alert.clone()]),
            Ask::Link { alert, .. } => (Some(Purpose::Link), vec![alert.clone()]),
            _ => return,
        };
        let able = match purpose {
            Some(purpose) => self.able(ids, purpose),
            None => self.able_again(ids),
        };
        let (alerts, left) = match able {
            Ok(able) => able,
            Err(why) => {
                let kept = if draft.is_some() {
                    "; what you wrote is kept as a draft"
                } else {
                    ""
                };
                self.say(Tone::Bad, format!("{why}{kept}"));
                return;
            }
        };
        let by = self.setup.operator.clone();
        let graces = self.setup.graces;
        let (verb, grace): (Verb, Duration) = match &ask {
            Ask::Resolve { .. } => (Verb::Resolve, graces.resolve),
            Ask::Order { .. } => (Verb::Order, graces.work_order),
            _ => (Verb::Acknowledge, graces.acknowledge),
        };
        let intents: Vec<Intent> = alerts
            .iter()
            .map(|alert| {
                let alert = alert.clone();
                match &ask {
                    Ask::Resolve {
                        resolution,
                        root_cause,
                        preventive_action,
                        ..
                    } => Intent::Resolve {
                        alert,
                        by: by.clone(),
                        resolution: resolution.clone(),
                        root_cause: root_cause.clone(),
                        preventive_action: preventive_action.clone(),
                    },
                    Ask::Order {
                        seen,
                        allow_duplicate,
                        draft,
                        ..
                    } => Intent::CreateWorkOrder {
                        generation: self.generation(&alert),
                        alert,
                        seen: seen.clone(),
                        allow_duplicate: *allow_duplicate,
                        draft: draft.clone(),
                    },
                    Ask::Link { number, .. } => {
                        let before = self
                            .store
                            .alert(&alert)
                            .and_then(|known| known.notes.as_ref())
                            .map_or("", SafeText::raw);
                        let notes = format!("{before} [WO {number}]").trim_start().to_owned();
                        Intent::Acknowledge {
                            alert,
                            by: by.clone(),
                            notes: Some(notes),
                        }
                    }
                    Ask::Acknowledge { note, .. } => Intent::Acknowledge {
                        alert,
                        by: by.clone(),
                        notes: note.clone(),
                    },
                    _ => Intent::Acknowledge {
                        alert,
                        by: by.clone(),
                        notes: None,
                    },
                }
            })
            .collect();
        self.submit(verb, intents, grace, draft, replaces);
        self.queue.unmark(&alerts);
        let undo = self.scene().key(Action::Undo);
        let what = match &ask {
            Ask::Link { number, .. } => format!(
                "link {} to work order {}",
                self.about(&alerts),
                SafeText::new(number.as_str()).shown()
            ),
            Ask::Order { .. } => format!("work order for {}", self.about(&alerts)),
            _ => format!("{} {}", verb.shown(), self.about(&alerts)),
        };
        let left = left.map_or_else(String::new, |left| format!(" ({left})"));
        let seconds = grace.as_secs();
        if seconds > 0 {
            let span = jiff::SignedDuration::try_from(grace).unwrap_or_default();
            self.say_for(Tone::Plain, format!("{what}{left}: {undo} undoes for {seconds} s"), span);
        } else {
            self.say(Tone::Plain, format!("{what}{left}"));
        }
    }

    /// For a note or a take-over of what is acknowledged: only what is gone or resolved is left out.
    fn able_again(&self, ids: Vec<AlertId>) -> Result<(Vec<AlertId>, Option<String>), String> {
        self.able(ids, Purpose::Resolve)
    }

    /// 0 for the first order of an alert; one more for each that is there or was asked for.
    fn generation(&self, alert: &AlertId) -> u32 {
        let asked = self
            .store
            .ledger()
            .of_alert(alert)
            .filter_map(|row| match (&row.intent, row.state) {
                (Intent::CreateWorkOrder { generation, .. }, crate::domain::IntentState::Delivered) => Some(generation + 1),
                _ => None,
            })
            .max()
            .unwrap_or(0);
        let there = u32::from(self.store.order(alert).is_some());
        asked.max(there)
    }

    fn submit(&mut self, verb: Verb, intents: Vec<Intent>, grace: Duration, draft: Option<DraftKey>, replaces: Option<OutboxId>) {
        let ids: Vec<AlertId> = intents.iter().filter_map(|intent| intent.alert().cloned()).collect();
        let mut group = Group {
            verb,
            name: self.about(&ids),
            members: Vec::with_capacity(intents.len()),
            undone: false,
            told: false,
            draft,
        };
        for intent in intents {
            let ticket = self.next_ticket();
            self.store.submit(ticket, intent.clone());
            group.members.push(Member {
                ticket,
                intent: intent.clone(),
                row: None,
                failed: None,
            });
            self.effects.push(match replaces {
                Some(id) => Effect::Replace { id, ticket, intent },
                None => Effect::Submit { ticket, intent, grace },
            });
        }
        self.undone.clear();
        self.groups.push_back(group);
        while self.groups.len() > GROUPS_MOST {
            self.groups.pop_front();
        }
    }

    /// Takes the last action back, as far as it has not been sent.
    pub(super) fn undo(&mut self) {
        let Some(at) = self.groups.iter().rposition(|group| !group.undone) else {
            self.say(Tone::Plain, "there is nothing to take back".into());
            return;
        };
        let Some(group) = self.groups.get_mut(at) else { return };
        let takes: Vec<(Option<OutboxId>, crate::model::Ticket, Intent)> = group
            .undoable(&self.store)
            .map(|member| (member.row, member.ticket, member.intent.clone()))
            .collect();
        let (verb, name, all) = (group.verb, group.name.clone(), group.members.len());
        if takes.is_empty() {
            let sent = if group.is_settled(&self.store) {
                "is over"
            } else {
                "has been sent"
            };
            self.say(Tone::Bad, format!("{} {name} {sent}: it cannot be taken back here", verb.shown()));
            return;
        }
        group.undone = true;
        let count = takes.len();
        for (row, ticket, _) in &takes {
            match row {
                Some(id) => self.effects.push(Effect::Cancel(*id)),
                None => {
                    self.cancelling.insert(*ticket);
                }
            }
        }
        self.undone.push((verb, takes.into_iter().map(|(_, _, intent)| intent).collect()));
        let part = if count < all {
            format!(" ({count} of {all}; the others have been sent)")
        } else {
            String::new()
        };
        let redo = self.scene().key(Action::Redo);
        self.say(Tone::Plain, format!("taken back: {} {name}{part}; {redo} asks again", verb.shown()));
    }

    /// Asks again for what was taken back last.
    pub(super) fn redo(&mut self) {
        if let Err(why) = self.read_only() {
            self.say(Tone::Bad, why);
            return;
        }
        let Some((verb, intents)) = self.undone.pop() else {
            self.say(Tone::Plain, "nothing was taken back".into());
            return;
        };
        let graces = self.setup.graces;
        let grace = match verb {
            Verb::Resolve => graces.resolve,
            Verb::Order => graces.work_order,
            Verb::Acknowledge | Verb::Metadata => graces.acknowledge,
        };
        let purpose = match verb {
            Verb::Order => Purpose::Order,
            Verb::Resolve | Verb::Acknowledge | Verb::Metadata => Purpose::Resolve,
        };
        let refused = intents.iter().filter_map(Intent::alert).find_map(|id| self.refusal(id, purpose));
        if let Some(why) = refused {
            self.say(Tone::Bad, why);
            return;
        }
        let rest = std::mem::take(&mut self.undone);
        self.submit(verb, intents, grace, None, None);
        self.undone = rest;
        let name = self.groups.back().map_or_else(String::new, |group| group.name.clone());
        let undo = self.scene().key(Action::Undo);
        self.say(
            Tone::Plain,
            format!("{} {name}: {undo} undoes for {} s", verb.shown(), grace.as_secs()),
        );
    }

    /// The open orders of another asset, for the form that is open.
    pub(super) fn ask_open_orders(&mut self, alert: AlertId, asset: String, site: String) {
        self.store.forget_open_orders(&alert);
        self.effects.push(Effect::Fetch(Fetch::OpenOrders { alert, asset, site }));
    }

    /// The store, for tests and the driver's questions.
    pub fn store(&self) -> &Store {
        &self.store
    }
}
