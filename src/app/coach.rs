//! The drill's coach: from what is on the desk it works out the next step, and follows whatever the person does.

use jiff::Timestamp;
use ratatui::layout::Rect;

use super::App;
use super::layer::Layer;
use crate::domain::{Alert, AlertId, AlertState, Severity};
use crate::model::store::{Asked, Progress, Verb};
use crate::model::{Action, Context};
use crate::pane::coach::{self, Hint};
use crate::pane::form::Form;
use crate::pane::{Focus, Subject, Tone};

/// Steps of the drill.
const STEPS: usize = 8;

/// What the coach remembers; everything else it sees.
#[derive(Debug, Default)]
pub(super) struct Coach {
    hidden: bool,
    /// The drill's alert, once it has come.
    alert: Option<AlertId>,
    /// The person has seen the pump's readings before the alert came.
    saw_pump: bool,
    /// The alert's detail window has been open.
    looked: bool,
    began: Option<Timestamp>,
    ended: Option<Timestamp>,
    /// What was said last.
    said: Option<Hint>,
}

impl App {
    /// Lines at the lower end of the screen that belong to the hints.
    pub(super) fn coach_height(&self, screen: Rect) -> u16 {
        match &self.coach.said {
            Some(_) if !self.coach.hidden => coach::height(screen),
            Some(_) | None => 0,
        }
    }

    /// The hint that is to be seen.
    pub(super) fn hint(&self) -> Option<&Hint> {
        self.coach.said.as_ref().filter(|_| !self.coach.hidden)
    }

    /// Hides the hints, or shows them again.
    pub(super) fn toggle_hints(&mut self) {
        if self.setup.drill.is_none() {
            self.say(Tone::Plain, "hints belong to the drill: nightdesk demo --scenario drill".into());
            return;
        }
        self.coach.hidden = !self.coach.hidden;
        if self.coach.hidden {
            let key = self.scene().key(Action::Hints);
            self.say(Tone::Plain, format!("hints off; {key} brings them back"));
        }
    }

    /// Sees what has happened and works the next step out.
    pub(super) fn follow_drill(&mut self) {
        let Some(device) = self.setup.drill.clone() else { return };
        self.coach.began.get_or_insert(self.now);
        if self.coach.alert.is_none() {
            let is_it = |alert: &&Alert| {
                alert.device.raw() == device && alert.severity == Severity::Critical && alert.state != AlertState::Resolved
            };
            self.coach.alert = self.store.alerts().find(is_it).map(|alert| alert.id.clone());
        }
        if let Some(Layer::Detail(detail)) = self.layers.last()
            && detail.alert().is_some_and(|id| self.coach.alert.as_ref() == Some(id))
        {
            self.coach.looked = true;
        }
        self.coach.saw_pump |= self.layers.is_empty() && self.focus == Focus::Devices && self.is_on(&device);
        let hint = self.next_step(&device);
        if hint.step == STEPS {
            self.coach.ended.get_or_insert(self.now);
        }
        if self.coach.said.as_ref() != Some(&hint) {
            self.coach.said = Some(hint);
            self.dirty |= !self.coach.hidden;
        }
    }

    fn next_step(&self, device: &str) -> Hint {
        let hint = |step, name, text| Hint {
            step,
            of: STEPS,
            name,
            text,
        };
        let key = |action| format!("`{}`", self.scene().key(action));
        let alert = self.coach.alert.as_ref().and_then(|id| self.store.alert(id));
        let Some(alert) = alert else {
            return hint(1, "the first readings", self.before_the_alert(device));
        };
        let asked = |verb| self.store.ledger().asked(&alert.id, &[verb], self.now);
        let order = self.store.order(&alert.id);
        if alert.state == AlertState::Resolved {
            return hint(STEPS, "done", self.when_done(order.is_some()));
        }
        let (step, name) = match (alert.state.progress(), order) {
            (0, _) => (4, "acknowledge"),
            (_, None) => (5, "work order"),
            (_, Some((_, Some(order)))) if !order.is_open() => (7, "resolve"),
            (_, Some(_)) => (6, "the repair"),
        };
        if let Some(text) = self.in_the_way(&alert.id) {
            return hint(step, name, text);
        }
        if self.under_cursor().map(|alert| &alert.id) != Some(&alert.id) && !self.is_form_open() {
            // whoever has acknowledged it has found it before
            let (step, name) = if alert.state.progress() == 0 {
                (2, "find the alert")
            } else {
                (step, name)
            };
            return hint(step, name, self.find(alert));
        }
        if alert.state.progress() == 0 {
            let step = asked(Verb::Acknowledge);
            if let Some(text) = step.as_ref().and_then(|asked| self.on_its_way(asked, "acknowledged")) {
                return hint(4, "acknowledge", text);
            }
            if !self.coach.looked {
                let text = format!(
                    "Here it is: CRIT, new. {} opens everything that is known of it: message, readings with the limit, what was done the last times.",
                    key(Action::Open)
                );
                return hint(3, "look", text);
            }
            if matches!(self.layers.last(), Some(Layer::Detail(_))) {
                let text = format!(
                    "{} turns the pages: alert, device, history. When you have seen enough: {} acknowledges, from here too; {} goes back.",
                    key(Action::NextTab),
                    key(Action::Acknowledge),
                    key(Action::Back)
                );
                return hint(3, "look", text);
            }
            let text = format!(
                "{} acknowledges it: from then on everybody sees that you have it. No question is asked; {} takes it back as long as the row says `sends in`.",
                key(Action::Acknowledge),
                key(Action::Undo)
            )
            .replace("`sends in`", "\"sends in\"");
            return hint(4, "acknowledge", text);
        }
        let Some((number, order)) = order else {
            let step = asked(Verb::Order);
            if let Some(text) = step.as_ref().and_then(|asked| self.on_its_way(asked, "made")) {
                return hint(5, "work order", text);
            }
            return hint(5, "work order", self.order_it());
        };
        if order.is_none_or(crate::domain::WorkOrder::is_open) {
            let status = order.map_or_else(String::new, |order| format!(" is {}:", order.status.shown()));
            let text = format!(
                "Order {}{status} WAPPR waits, APPR is approved, INPRG is being worked on, COMP is done. In this drill that takes 90 s; {} reads it now. Meanwhile {} writes a note.",
                number.shown(),
                key(Action::Refresh),
                key(Action::Note)
            );
            return hint(6, "the repair", text);
        }
        let step = asked(Verb::Resolve);
        let text = match step.as_ref().and_then(|asked| self.on_its_way(asked, "resolved")) {
            Some(text) => text,
            None => self.resolve_it(number.shown()),
        };
        hint(7, "resolve", text)
    }

    fn is_form_open(&self) -> bool {
        matches!(self.layers.last(), Some(Layer::Form(..)))
    }

    fn before_the_alert(&self, device: &str) -> String {
        let key = |action| format!("`{}`", self.scene().key(action));
        if matches!(self.layers.last(), Some(Layer::Filter(_))) {
            return format!("Type {device} and {}: the list then shows this one alone.", key(Action::Submit));
        }
        let on_pump = self.is_on(device);
        if on_pump && matches!(self.layers.last(), Some(Layer::Detail(_))) {
            return format!(
                "Look at bearing_temp: it climbs. Five readings in a row above 90 °C make the alert, within two minutes from the start. {} goes back.",
                key(Action::Back)
            );
        }
        if let Some(text) = self.in_the_way_of_panes() {
            return text;
        }
        match self.focus {
            Focus::Devices if on_pump => format!(
                "Look at bearing_temp: it climbs. {} opens the pump, with its chart; {} goes back to the alerts, to wait for the one that comes.",
                key(Action::Open),
                key(Action::PaneAlerts)
            ),
            Focus::Devices => format!("{} narrows the list: the pump is called {device}.", key(Action::Filter)),
            Focus::Queue | Focus::Metrics if self.coach.saw_pump => {
                format!(
                    "You have seen it climb. The alert of {device} comes by itself, within two minutes from the start: wait for it here."
                )
            }
            Focus::Queue | Focus::Metrics => format!(
                "A bearing of {device} runs warm; no alert says so yet. {} goes to the devices, to look at it. Its alert comes within two minutes, by itself.",
                key(Action::PaneDevices)
            ),
        }
    }

    /// Whether the person looks at this device.
    fn is_on(&self, device: &str) -> bool {
        self.subject().is_some_and(|subject| match subject {
            Subject::Device(key) => key.device_id.raw() == device,
            Subject::Alert(alert, _) => alert.device.raw() == device,
        })
    }

    fn in_the_way_of_panes(&self) -> Option<String> {
        let top = self.layers.last()?;
        let key = self.scene().key(if top.context() == Context::Form {
            Action::Leave
        } else {
            Action::Back
        });
        Some(format!("`{key}` closes this window; the drill goes on behind it."))
    }

    /// A window that has nothing to do with the next step.
    fn in_the_way(&self, id: &AlertId) -> Option<String> {
        match self.layers.last()? {
            Layer::Detail(detail) if detail.alert() == Some(id) => None,
            Layer::Form(form, _) if form.draft_key().alerts.contains(id) => None,
            Layer::Question(_) => {
                let (yes, no) = (self.scene().key(Action::Yes), self.scene().key(Action::No));
                Some(format!("A question: `{yes}` or `{no}`."))
            }
            _ => self.in_the_way_of_panes(),
        }
    }

    fn find(&self, alert: &Alert) -> String {
        let key = |action| format!("`{}`", self.scene().key(action));
        if self.focus != Focus::Queue {
            return format!(
                "The alert of {} has come. {} goes to the alerts.",
                alert.device.shown(),
                key(Action::PaneAlerts)
            );
        }
        if !self.queue.listed().contains(&alert.id) {
            return format!(
                "The list hides the alert of {}: {} takes the filter away.",
                alert.device.shown(),
                key(Action::Back)
            );
        }
        let listed = self.queue.listed();
        let end = if listed.first() == Some(&alert.id) {
            format!(", {} goes to the top", key(Action::Top))
        } else if listed.last() == Some(&alert.id) {
            format!(", {} goes to the end", key(Action::Bottom))
        } else {
            String::new()
        };
        let (device, up, down) = (alert.device.shown(), key(Action::Up), key(Action::Down));
        if alert.state.progress() == 0 {
            format!(
                "The alert of {device} stands in the list as CRIT; your cursor has stayed where it was, as it always does. {up} and {down} move it{end}."
            )
        } else {
            format!("Your cursor is not on the alert of {device}, which is acknowledged: {up} and {down} move it there{end}.")
        }
    }

    /// What a row says while its action is under way; `None` where the step is still to be done.
    fn on_its_way(&self, asked: &Asked, done: &str) -> Option<String> {
        let key = |action| format!("`{}`", self.scene().key(action));
        let sign = self.scene().glyphs().done;
        Some(match &asked.progress {
            Progress::Saving | Progress::Grace(_) => format!(
                "It is on the disk and goes out when its seconds are over; {} takes it back until then. Look at the row.",
                key(Action::Undo)
            ),
            Progress::Queued(_) | Progress::Sending | Progress::Checking => {
                format!("It is on its way. It is called {done} when the server has confirmed it, with {sign} and the time, and not before.")
            }
            Progress::Refused(_) => format!("The server refused it: {} shows why, and what can be done.", key(Action::Outbox)),
            Progress::Done(_) => format!("{sign}: the server has confirmed it. The list shows it with its next reading."),
            Progress::Superseded { .. } | Progress::Cancelled { .. } => return None,
        })
    }

    fn order_it(&self) -> String {
        let key = |action| format!("`{}`", self.scene().key(action));
        match self.layers.last() {
            Some(Layer::Form(form, _)) if matches!(**form, Form::WorkOrder(_)) => format!(
                "All is filled in from the alert, and open orders of the pump are listed first. {} sends it as it is; {} goes through the fields.",
                key(Action::Submit),
                key(Action::NextField)
            ),
            Some(Layer::Form(..)) => format!("{} sends it, {} leaves.", key(Action::Submit), key(Action::Leave)),
            _ => format!(
                "The server knows that you have it. {} makes the work order: the form comes filled in.",
                key(Action::WorkOrder)
            ),
        }
    }

    fn resolve_it(&self, order: &str) -> String {
        let key = |action| format!("`{}`", self.scene().key(action));
        match self.layers.last() {
            Some(Layer::Form(form, _)) if matches!(**form, Form::Resolve(_)) => format!(
                "Type what was done, for example Replaced the bearing; {} goes to the cause: {} chooses one, or type it. {} sends.",
                key(Action::NextField),
                key(Action::NextChoice),
                key(Action::Submit)
            ),
            Some(Layer::Form(..)) => format!("{} sends it, {} leaves.", key(Action::Submit), key(Action::Leave)),
            _ => format!(
                "Order {order} is completed: the bearing is repaired. {} resolves the alert.",
                key(Action::Resolve)
            ),
        }
    }

    fn when_done(&self, ordered: bool) -> String {
        let key = |action| format!("`{}`", self.scene().key(action));
        let took = match (self.coach.began, self.coach.ended.or(Some(self.now))) {
            (Some(began), Some(ended)) => {
                let seconds = ended.duration_since(began).as_secs().max(0);
                format!("{}:{:02}", seconds / 60, seconds % 60)
            }
            _ => String::new(),
        };
        let order = if ordered {
            "completed order"
        } else {
            "resolved alert, without an order"
        };
        format!(
            "From the first reading to the {order} in {took}. {} shows what you asked for, {} every call to the servers, {} every key. {} leaves.",
            key(Action::Outbox),
            key(Action::Health),
            key(Action::Help),
            key(Action::Quit)
        )
    }
}
