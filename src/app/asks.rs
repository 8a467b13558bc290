//! What windows ask for, once they have taken an event.

use super::App;
use super::layer::Layer;
use crate::domain::OutboxId;
use crate::model::{DraftKey, Effect, Keepsake};
use crate::pane::{Ask, Focus, Step, Tone};

impl App {
    /// What a window made of an event.
    pub(super) fn take(&mut self, step: Step) {
        match step {
            Step::Pass | Step::Stay => {}
            Step::Refuse(why) => self.say(Tone::Bad, why),
            Step::Changed => {
                if let Some(Layer::Form(form, _)) = self.layers.last() {
                    let draft = form.draft(self.now);
                    self.drafts.insert(draft.key.clone(), draft.clone());
                    self.effects.push(Effect::SaveDraft(draft));
                }
            }
            Step::Close => {
                if let Some(Layer::Form(form, _)) = self.layers.pop()
                    && self.drafts.contains_key(form.draft_key())
                {
                    let about = form.parting().map_or_else(String::new, |word| format!(" ({word})"));
                    self.say(Tone::Plain, format!("left; what you wrote is kept as a draft{about}"));
                }
                self.asking_form = None;
            }
            Step::Ask(Ask::Filter(Focus::Queue | Focus::Metrics, filter)) => self.queue.preview_filter(filter),
            Step::Ask(ask) => self.ask(ask, None),
            Step::CloseAsk(ask) => {
                let closed = self.layers.pop();
                match closed {
                    Some(Layer::Form(form, replaces)) => self.ask(ask, Some((form.draft_key().clone(), replaces))),
                    Some(Layer::Question(_)) if matches!(ask, Ask::Acknowledge { .. } | Ask::Resolve { .. }) => {
                        let form = self.asking_form.take();
                        self.perform_now(&ask, form);
                    }
                    _ => self.ask(ask, None),
                }
            }
        }
    }

    fn ask(&mut self, ask: Ask, form: Option<(DraftKey, Option<OutboxId>)>) {
        match ask {
            Ask::Acknowledge { .. } | Ask::Resolve { .. } | Ask::Order { .. } | Ask::Link { .. } => self.perform(ask, form),
            Ask::OpenOrders { alert, asset, site } => self.ask_open_orders(alert, asset, site),
            Ask::Retry(id) if self.setup.read_only => {
                self.say(Tone::Bad, format!("this console is read-only: row {id} stays as it is"));
            }
            Ask::Retry(id) => {
                self.effects.push(Effect::Retry(id));
                self.say(Tone::Plain, format!("row {id} is sent again"));
            }
            Ask::Discard(id) if self.setup.read_only => {
                self.say(Tone::Bad, format!("this console is read-only: row {id} stays as it is"));
            }
            Ask::Discard(id) => {
                self.effects.push(Effect::Cancel(id));
                self.say(Tone::Plain, format!("discarding row {id}"));
            }
            Ask::Edit(id) => self.edit(id),
            Ask::Shelve { alerts, span, reason } => {
                self.drop_draft_of(form);
                self.shelve(&alerts, span, &reason);
            }
            Ask::ShelveAgain(key) => self.shelve_again(&key),
            Ask::Unshelve(key) => self.unshelve(key),
            Ask::Remark(text) => {
                self.drop_draft_of(form);
                self.remark(&text);
            }
            Ask::MarkRead(since) => self.mark_read(since),
            Ask::SendHandover(handover) => self.send_handover(&handover),
            Ask::WriteHandover(name, text) => self.effects.push(Effect::Keep(Keepsake::Handover { name, text })),
            Ask::Filter(Focus::Devices, filter) => self.devices.set_filter(filter),
            Ask::Filter(Focus::Queue | Focus::Metrics, filter) => self.queue.set_filter(filter),
            Ask::Sort(sort) => {
                self.queue.set_sort(sort);
                self.looks_changed();
            }
            Ask::Group(by) => self.group(by),
            Ask::ShowView(name) => self.show_view(&name),
            Ask::SaveView(name) => self.save_view(&name),
            Ask::DropView(name) => self.drop_view(&name),
            Ask::Theme { name, keep } => self.show_theme(&name, keep),
            Ask::Site(profile) => self.go_to_site(profile),
            Ask::Column(column) => {
                self.queue.toggle_column(column);
                self.looks_changed();
                let items = self.column_items();
                if let Some(Layer::Menu(menu)) = self.layers.last_mut() {
                    menu.refill(items);
                }
            }
            Ask::Run(action) => self.dispatch(action),
            Ask::Copy(text, what) => {
                self.effects.push(Effect::Copy(text));
                self.say(Tone::Plain, format!("{what} goes to the clipboard"));
            }
            Ask::Quit => self.effects.push(Effect::Quit),
        }
    }

    fn drop_draft_of(&mut self, form: Option<(DraftKey, Option<OutboxId>)>) {
        if let Some((key, _)) = form {
            self.drop_draft(key);
        }
    }
}
