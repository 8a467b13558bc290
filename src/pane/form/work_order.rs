//! The form that makes a work order, or links an alert to one that is open.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::ask::{Ask, Step};
use super::super::cells;
use super::super::scene::Scene;
use super::super::window::Frame;
use super::field::Field;
use super::sheet::{Manner, Sheet, Took};
use crate::config::theme::Role;
use crate::domain::{AlertId, DraftError, WorkOrder, WorkOrderDraft, WorkOrderNumber};
use crate::model::store::OpenOrders;
use crate::model::{Action, Draft, DraftKey, Key, Store};

/// Most open orders that are listed.
const LISTED_MOST: usize = 5;

/// Cells that the window would like, and those of them that are its frame.
const WIDTH: u16 = 96;
const FRAME: u16 = 4;

/// Most lines of the reason why the open orders are not known.
const REASON_MOST: usize = 4;

/// Said where Enter comes before the answer; it goes when the answer is there.
const ASKING: &str = "Manage is still being asked for the open orders of this asset: a moment";

/// A work order for an alert.
#[derive(Clone, Debug)]
pub(crate) struct WorkOrderForm {
    title: String,
    alert: AlertId,
    base: WorkOrderDraft,
    pub(super) sheet: Sheet,
    /// The asset and site whose open orders were asked for.
    asked_for: (String, String),
    /// The focus is on the choice between linking and making.
    choosing: bool,
    /// The order to link; `None` makes a new one.
    link: Option<WorkOrderNumber>,
    /// The answer about the open orders was taken in: a later one takes no choice out of the person's hands.
    offered: bool,
    /// The person has been at the choice, so that Enter cannot link or make what they did not see.
    decided: bool,
    typed: bool,
}

/// The orders to choose from: that of the alert itself first.
fn orders<'a>(store: &'a Store, alert: &AlertId) -> Option<Result<Vec<&'a WorkOrder>, &'a str>> {
    let OpenOrders { result, .. } = store.open_orders(alert)?;
    Some(match result {
        Err(fault) => Err(fault.message.shown()),
        Ok(told) => {
            let own = store.order(alert).and_then(|(_, order)| order).filter(|order| order.is_open());
            let others = told
                .iter()
                .filter(|order| order.is_open() && own.is_none_or(|own| own.wonum != order.wonum));
            Ok(own.into_iter().chain(others).collect())
        }
    })
}

impl WorkOrderForm {
    /// Opens it with the mission's mapping filled in.
    pub(crate) fn new(title: String, profile: &str, alert: AlertId, draft: WorkOrderDraft) -> Self {
        let key = DraftKey {
            form: "work-order".into(),
            profile: profile.to_owned(),
            alerts: vec![alert.clone()],
        };
        let asset = draft.assetnum.clone().unwrap_or_default();
        let fields = vec![
            Field::new("description", "description", 1).filled(&draft.description),
            Field::new("long", "long text", 5).filled(&draft.description_longdescription),
            Field::new("asset", "asset", 1).filled(&asset),
            Field::new("site", "site", 1).filled(&draft.siteid),
            Field::new("worktype", "work type", 1).filled(&draft.worktype).with_code(),
            Field::new("priority", "priority", 1)
                .filled(&draft.wopriority.to_string())
                .with_code()
                .with_check(|text| priority(text).map(drop)),
            Field::new("classification", "classification", 1).filled(&draft.classificationid),
            Field::new("lead", "technician", 1).filled(draft.lead.as_deref().unwrap_or_default()),
        ];
        Self {
            title,
            alert,
            asked_for: (asset, draft.siteid.clone()),
            base: draft,
            sheet: Sheet::new(key, fields),
            choosing: false,
            link: None,
            offered: false,
            decided: false,
            typed: false,
        }
    }

    /// The asset and site whose open orders are to be asked for.
    pub(crate) fn asked_for(&self) -> (&AlertId, &str, &str) {
        (&self.alert, &self.asked_for.0, &self.asked_for.1)
    }

    /// Takes in the open orders once they are told: linking the first is the proposal.
    pub(crate) fn arrange(&mut self, store: &Store) {
        let told = orders(store, &self.alert);
        if told.is_some() && self.sheet.error.as_ref().is_some_and(|(_, why)| why == ASKING) {
            self.sheet.error = None;
        }
        if let Some(Ok(orders)) = told {
            if !self.offered {
                self.offered = true;
                if let Some(first) = orders.first() {
                    self.link = Some(first.wonum.clone());
                    // Whoever is typing already goes on typing.
                    self.choosing = !self.typed && self.sheet.focus == 0;
                    self.decided = self.choosing;
                }
            }
            if let Some(link) = &self.link
                && !orders.iter().any(|order| order.wonum == *link)
            {
                self.link = None;
            }
        }
    }

    /// Whether Enter links: the fields then count for nothing.
    fn links(&self) -> bool {
        self.choosing && self.link.is_some()
    }

    fn listed<'a>(&self, store: &'a Store) -> Vec<&'a WorkOrder> {
        match orders(store, &self.alert) {
            Some(Ok(orders)) => orders.into_iter().take(LISTED_MOST).collect(),
            Some(Err(_)) | None => Vec::new(),
        }
    }

    /// Takes an action of the table.
    pub(crate) fn act(&mut self, action: Action, store: &Store) -> Step {
        if self.choosing {
            self.sheet.error = None;
            match action {
                Action::NextField | Action::PreviousField if self.links() => {
                    let why = "the fields are for a new order: choose to make one, then edit them";
                    self.sheet.error = Some(("", why.into()));
                    return Step::Stay;
                }
                Action::NextChoice | Action::PreviousChoice => {
                    self.choose(store, action == Action::NextChoice);
                    return Step::Stay;
                }
                Action::NextField => {
                    self.choosing = false;
                    self.sheet.focus = 0;
                    return Step::Stay;
                }
                Action::PreviousField => {
                    self.choosing = false;
                    self.sheet.focus = self.sheet.fields.len().saturating_sub(1);
                    return Step::Stay;
                }
                _ => {}
            }
        } else if !self.listed(store).is_empty() {
            let at = (self.sheet.focus, action);
            let last = self.sheet.fields.len().saturating_sub(1);
            if matches!(at, (0, Action::PreviousField | Action::PreviousChoice)) || (at.0 == last && action == Action::NextField) {
                self.choosing = true;
                self.decided = true;
                return Step::Stay;
            }
        }
        let took = self.sheet.act(action);
        self.took(took, store)
    }

    fn choose(&mut self, store: &Store, down: bool) {
        let numbers: Vec<Option<WorkOrderNumber>> = self
            .listed(store)
            .iter()
            .map(|order| Some(order.wonum.clone()))
            .chain([None])
            .collect();
        let at = numbers.iter().position(|number| *number == self.link).unwrap_or(0);
        let to = if down {
            (at + 1).min(numbers.len() - 1)
        } else {
            at.saturating_sub(1)
        };
        self.link = numbers.get(to).cloned().flatten();
    }

    /// Takes a key that means text.
    pub(crate) fn key(&mut self, key: Key, store: &Store) -> Step {
        if self.choosing {
            return Step::Stay;
        }
        let took = self.sheet.key(key);
        self.took(took, store)
    }

    /// Takes pasted text.
    pub(crate) fn paste(&mut self, text: &str, store: &Store) -> Step {
        if self.choosing {
            return Step::Stay;
        }
        let took = self.sheet.paste(text);
        self.took(took, store)
    }

    fn took(&mut self, took: Took, store: &Store) -> Step {
        let (asset, site) = (self.sheet.value("asset"), self.sheet.value("site"));
        // Another asset has other orders: they are asked for as soon as its field is left, and before anything is sent.
        let focus = self.sheet.fields.get(self.sheet.focus).map(|field| field.name);
        let left = |name: &str, now: &str, asked: &str| now != asked && (took == Took::Submit || focus != Some(name));
        let moved = left("asset", &asset, &self.asked_for.0) || left("site", &site, &self.asked_for.1);
        match took {
            Took::Leave => Step::Close,
            Took::Changed => {
                self.typed = true;
                Step::Changed
            }
            Took::Stay | Took::Submit if moved => {
                self.asked_for = (asset.clone(), site.clone());
                self.offered = false;
                self.decided = false;
                self.link = None;
                Step::Ask(Ask::OpenOrders {
                    alert: self.alert.clone(),
                    asset,
                    site,
                })
            }
            Took::Stay => Step::Stay,
            Took::Submit => self.submit(store),
        }
    }

    fn submit(&mut self, store: &Store) -> Step {
        let Some(orders) = orders(store, &self.alert) else {
            self.sheet.error = Some(("", ASKING.into()));
            return Step::Stay;
        };
        if !self.decided && orders.as_ref().is_ok_and(|orders| !orders.is_empty()) {
            self.choosing = true;
            self.decided = true;
            self.sheet.error = Some((
                "",
                "this asset has open orders: choose whether to link one or to make another".into(),
            ));
            return Step::Stay;
        }
        if let Some(number) = &self.link {
            return Step::CloseAsk(Ask::Link {
                alert: self.alert.clone(),
                number: number.raw().to_owned(),
            });
        }
        let draft = match self.read() {
            Ok(draft) => draft,
            Err((field, why)) => {
                self.choosing = false;
                self.sheet.refuse(field, why);
                return Step::Stay;
            }
        };
        let seen: Vec<WorkOrderNumber> = orders.unwrap_or_default().iter().map(|order| order.wonum.clone()).collect();
        Step::CloseAsk(Ask::Order {
            alert: self.alert.clone(),
            allow_duplicate: !seen.is_empty(),
            seen,
            draft,
        })
    }

    /// What the fields say, checked.
    fn read(&self) -> Result<WorkOrderDraft, (&'static str, String)> {
        let wopriority = priority(&self.sheet.value("priority")).map_err(|why| ("priority", why))?;
        WorkOrderDraft {
            description: self.sheet.value("description"),
            description_longdescription: self.sheet.value("long"),
            assetnum: self.sheet.optional("asset"),
            siteid: self.sheet.value("site"),
            worktype: self.sheet.value("worktype"),
            wopriority,
            reportedby: self.base.reportedby.clone(),
            classificationid: self.sheet.value("classification"),
            lead: self.sheet.optional("lead"),
        }
        .validated()
        .map_err(|error| {
            let field = match &error {
                DraftError::Priority(_) => "priority",
                DraftError::Empty { field } | DraftError::TooLong { field, .. } | DraftError::Control { field } => match *field {
                    "assetnum" => "asset",
                    "siteid" => "site",
                    "worktype" => "worktype",
                    "classificationid" => "classification",
                    "lead" => "lead",
                    _ => "description",
                },
            };
            (field, error.to_string())
        })
    }

    /// What is to be kept of it.
    pub(crate) fn draft(&self, now: jiff::Timestamp) -> Draft {
        self.sheet.draft(now)
    }

    /// Whose draft it is.
    pub(crate) fn draft_key(&self) -> &DraftKey {
        &self.sheet.key
    }

    /// Fills it from what was kept.
    pub(crate) fn restore(&mut self, draft: &Draft) {
        self.sheet.restore(draft);
        self.typed = self.sheet.restored.is_some();
        self.asked_for = (self.sheet.value("asset"), self.sheet.value("site"));
    }

    pub(super) fn render(&self, scene: &Scene<'_>, buffer: &mut Buffer, area: Rect) {
        let lines = self.order_lines(scene, usize::from(WIDTH.min(area.width).saturating_sub(FRAME)));
        let listed = u16::try_from(lines.len()).unwrap_or(0);
        let frame = Frame {
            title: &self.title,
            hints: &[Action::Submit, Action::NextField, Action::BreakLine, Action::Leave],
            width: WIDTH,
            height: self.sheet.wanted() + listed + 2,
        };
        let submits = if self.links() { "link" } else { Action::Submit.spec().hint };
        let inner = frame.render_submitting(scene, buffer, area, submits);
        let width = usize::from(inner.width);
        // The choice gives way to the fields only where the window is very low.
        let listed = listed.min(inner.height.saturating_sub(3));
        for (y, (text, role)) in (inner.y..inner.y + listed).zip(&lines) {
            cells::write(
                buffer,
                inner,
                inner.x,
                y,
                &[(cells::left(text, width, scene.glyphs().ellipsis), scene.style(*role))],
            );
        }
        let gap = u16::from(inner.height > listed + self.sheet.wanted());
        let rest = Rect {
            y: inner.y + listed + gap,
            height: inner.height.saturating_sub(listed + gap),
            ..inner
        };
        let manner = match (self.choosing, self.links()) {
            (false, _) => Manner::Focused,
            (true, false) => Manner::Resting,
            (true, true) => Manner::Unused,
        };
        self.sheet.render_as(scene, buffer, rest, manner);
    }

    /// What is open, and the choice that follows from it, in lines of this width.
    fn order_lines(&self, scene: &Scene<'_>, width: usize) -> Vec<(String, Role)> {
        let asset = crate::domain::SafeText::new(self.asked_for.0.as_str());
        let asset = if asset.is_empty() {
            "no asset".to_owned()
        } else {
            asset.shown().to_owned()
        };
        let found = match orders(scene.store, &self.alert) {
            None => {
                let text = format!("open orders of {asset}: asking Manage {}", scene.glyphs().ellipsis);
                return vec![(text, Role::StatePending)];
            }
            Some(Err(reason)) => {
                let wrapped = |text: &str, role| {
                    let lines = cells::wrap_at_most(text, width, REASON_MOST, scene.glyphs().ellipsis);
                    lines.into_iter().map(move |line| (line, role))
                };
                let queued = "It is queued all the same; the sender asks again before it makes the order.";
                return wrapped(&format!("open orders unknown: {reason}"), Role::Warning)
                    .chain(wrapped(queued, Role::Muted))
                    .collect();
            }
            Some(Ok(found)) => found,
        };
        if found.is_empty() {
            return vec![(format!("open orders of {asset}: none"), Role::Success)];
        }
        let more = found.len().saturating_sub(LISTED_MOST);
        let more = if more > 0 { format!(", {more} not listed") } else { String::new() };
        let mut lines = vec![(format!("open orders of {asset}: {}{more}", found.len()), Role::Title)];
        let own = scene.store.order(&self.alert).map(|(number, _)| number.clone());
        let choice = |chosen: bool, text: String| {
            let here = if chosen && self.choosing { scene.glyphs().cursor } else { " " };
            let sign = if chosen { "(*)" } else { "( )" };
            let role = match (chosen, self.choosing) {
                (true, true) => Role::Selection,
                (true, false) => Role::Title,
                (false, _) => Role::Text,
            };
            (format!("{here} {sign} {text}"), role)
        };
        for order in found.iter().take(LISTED_MOST) {
            let lead = order.lead.as_ref().map_or_else(String::new, |lead| format!(", {}", lead.shown()));
            let whose = if own.as_ref() == Some(&order.wonum) {
                " (made for this alert)"
            } else {
                ""
            };
            lines.push(choice(
                self.link.as_ref() == Some(&order.wonum),
                format!(
                    "link {} {}{lead}: {}{whose}",
                    order.wonum.shown(),
                    order.status.shown(),
                    order.description.shown()
                ),
            ));
        }
        lines.push(choice(self.link.is_none(), "make a new order all the same".into()));
        lines
    }
}

fn priority(text: &str) -> Result<u16, String> {
    let number = text.parse::<u16>().ok().filter(|number| *number <= 999);
    number.ok_or_else(|| format!("priority `{text}` is no whole number from 0 to 999"))
}
