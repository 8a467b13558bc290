//! Actions that ask a server to change something begin here: at once, with a form, or with a question.

use super::App;
use super::layer::Layer;
use super::targets::Purpose;
use crate::domain::{AlertId, Intent, OutboxId, SafeText, WorkOrderDraft};
use crate::model::{Action, Effect, Fetch};
use crate::pane::form::{Form, NoteForm, ResolveForm, ResolveText, WorkOrderForm, causes};
use crate::pane::window::Question;
use crate::pane::{Ask, Tone};

impl App {
    /// Begins an action that asks a server to change something: at once, or with its form or question.
    pub(super) fn begin(&mut self, action: Action) {
        if let Err(why) = self.try_begin(action) {
            self.say(Tone::Bad, why);
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
                let targets = self.look_at_returned(targets);
                if targets.is_empty() {
                    return Ok(());
                }
                self.able(targets.clone(), Purpose::Acknowledge)?;
                self.perform(
                    Ask::Acknowledge {
                        alerts: targets,
                        note: None,
                        again: false,
                        over: None,
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
            Action::LinkOrder => {
                let (able, _) = self.able(targets, Purpose::Link)?;
                let id = single(&able)?;
                self.ask_order_number(id);
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
                    over: Some(alert.acknowledged_by.as_ref().map_or_else(String::new, |by| by.raw().to_owned())),
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

    pub(super) fn open_form(&mut self, mut form: Form, replaces: Option<OutboxId>) {
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
            Intent::Acknowledge { alert, notes, over, .. } => {
                let title = format!("Send again: note for {}", self.name_of(&alert));
                let before = notes.map(SafeText::new);
                let form = NoteForm::new(title, &self.setup.profile, vec![alert], true, before.as_ref()).over(over);
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
            other @ (Intent::SetMetadata { .. }
            | Intent::SyncAsset { .. }
            | Intent::ReportProduction { .. }
            | Intent::CallWebhook { .. }) => {
                let retry = self.scene().key(Action::Retry);
                let text = format!("{} is not edited here: {retry} sends it again as it is", other.verb());
                self.say(Tone::Bad, text);
            }
        }
    }

    /// The open orders of another asset, for the form that is open.
    pub(super) fn ask_open_orders(&mut self, alert: AlertId, asset: String, site: String) {
        self.store.forget_open_orders(&alert);
        self.effects.push(Effect::Fetch(Fetch::OpenOrders { alert, asset, site }));
    }
}
