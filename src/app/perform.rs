//! From a wish to intents, and back while they have not been sent.

use std::time::Duration;

use super::App;
use super::group::{GROUPS_MOST, Group, Member};
use super::layer::Layer;
use super::targets::Purpose;
use crate::domain::{AlertId, Intent, OutboxId, Reference, SafeText};
use crate::model::store::Verb;
use crate::model::{Action, DraftKey, Effect};
use crate::pane::window::Question;
use crate::pane::{Ask, Tone};

impl App {
    /// Carries out what a key, form or question asked for. `form` is the draft that is done with and the row that it replaces.
    pub(super) fn perform(&mut self, ask: Ask, form: Option<(DraftKey, Option<OutboxId>)>) {
        // The number that is asked for is that of those that can be; who is left out is said beside it.
        let able = |alerts: &[AlertId], purpose| match self.able(alerts.to_vec(), purpose) {
            Ok((able, left)) => (able.len(), left),
            Err(_) => (0, None), // refused below, with its reason
        };
        let (count, left) = match &ask {
            Ask::Acknowledge { alerts, again: false, .. } => able(alerts, Purpose::Acknowledge),
            Ask::Acknowledge { alerts, .. } | Ask::Resolve { alerts, .. } => able(alerts, Purpose::Resolve),
            _ => (1, None),
        };
        if count > self.setup.bulk_limit {
            let verb = if matches!(ask, Ask::Resolve { .. }) {
                "Resolve"
            } else {
                "Acknowledge"
            };
            let mut text = vec![format!("{verb} {count} alerts at once? Type their number to go on.")];
            text.extend(left.map(|left| format!("{left}.")));
            self.asking_form = form;
            self.layers.push(Layer::Question(Box::new(Question::counted(
                format!("{verb} {count} alerts"),
                text,
                ask,
                count,
            ))));
            return;
        }
        self.perform_now(&ask, form);
    }

    /// The same, after any question.
    pub(super) fn perform_now(&mut self, ask: &Ask, form: Option<(DraftKey, Option<OutboxId>)>) {
        if let Err(why) = self.read_only() {
            self.say(Tone::Bad, why);
            return;
        }
        let (draft, replaces) = form.map_or((None, None), |(key, replaces)| (Some(key), replaces));
        // The row that is replaced is no reason to refuse its own edit.
        let (purpose, ids) = match ask {
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
        for id in &alerts {
            self.store.settle_return(id);
        }
        let by = self.setup.operator.clone();
        let graces = self.setup.graces;
        let (verb, grace): (Verb, Duration) = match ask {
            Ask::Resolve { .. } => (Verb::Resolve, graces.resolve),
            Ask::Order { .. } => (Verb::Order, graces.work_order),
            _ => (Verb::Acknowledge, graces.acknowledge),
        };
        let intents: Vec<Intent> = alerts
            .iter()
            .map(|alert| {
                let alert = alert.clone();
                match ask {
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
                        generation: self.generation(&alert, &draft.siteid),
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
                            over: None,
                        }
                    }
                    Ask::Acknowledge { note, over, .. } => Intent::Acknowledge {
                        alert,
                        by: by.clone(),
                        notes: note.clone(),
                        over: over.clone(),
                    },
                    _ => Intent::Acknowledge {
                        alert,
                        by: by.clone(),
                        notes: None,
                        over: None,
                    },
                }
            })
            .collect();
        self.submit(verb, intents, grace, draft, replaces);
        if let Some(group) = self.groups.back_mut() {
            group.left.clone_from(&left);
        }
        // those that were left out as well: the next key must not hit rows that nobody thinks of any more
        self.queue.clear_marks();
        let undo = self.scene().key(Action::Undo);
        let what = match ask {
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

    /// 0 for the first order of an alert; one more for each that is there or was asked for.
    fn generation(&self, alert: &AlertId, site: &str) -> u32 {
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
        let order = self.store.order(alert);
        let open = self.store.open_orders(alert).and_then(|open| open.result.as_ref().ok());
        let listed = open.into_iter().flatten().chain(order.and_then(|(_, told)| told));
        asked.max(u32::from(order.is_some())).max(Reference::free(site, alert, listed))
    }

    fn submit(&mut self, verb: Verb, intents: Vec<Intent>, grace: Duration, draft: Option<DraftKey>, replaces: Option<OutboxId>) {
        let ids: Vec<AlertId> = intents.iter().filter_map(|intent| intent.alert().cloned()).collect();
        let mut group = Group {
            verb,
            name: self.about(&ids),
            members: Vec::with_capacity(intents.len()),
            left: None,
            undone: false,
            told: false,
            draft,
        };
        for intent in intents {
            let ticket = self.next_ticket();
            self.store.submit(ticket, intent.clone());
            let held = verb == Verb::Acknowledge && intent.alert().is_some_and(|id| self.is_held(id, Purpose::Acknowledge));
            group.members.push(Member {
                held,
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

    /// Whether the undoing key would take something back now.
    pub(super) fn undoes(&self) -> bool {
        let last = self.groups.iter().rev().find(|group| !group.undone);
        self.undoes_shelving() || last.is_some_and(|group| group.undoable(&self.store).next().is_some())
    }

    /// Takes the last action back, as far as it has not been sent.
    pub(super) fn undo(&mut self) {
        if self.undoes_shelving() {
            self.undo_shelving();
            return;
        }
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
        self.unshelved = None;
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
        if self.redo_shelving() {
            return;
        }
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
            Verb::Acknowledge | Verb::Metadata | Verb::Bridge => graces.acknowledge,
        };
        let purpose = match verb {
            Verb::Order => Purpose::Order,
            Verb::Resolve | Verb::Acknowledge | Verb::Metadata | Verb::Bridge => Purpose::Resolve,
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
}
