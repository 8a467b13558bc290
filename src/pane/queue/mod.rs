//! The alert queue: which rows, in which order, where the cursor is, what is marked.
//!
//! Rows are arranged when a frame begins and only then. Between two frames keys act on the rows as they were last drawn,
//! so that nothing that arrives in between can slip under the cursor.

mod column;
mod draw;
mod group;
mod looks;

use std::collections::{BTreeSet, HashMap, HashSet};

use jiff::Timestamp;

use super::scene::Scene;
use super::scroll::{Motion, Scroll};
use crate::domain::{Alert, AlertId, AlertState, Facts, Filter, Severity, Trait};
use crate::model::Store;

use column::Widest;
pub use column::{Column, Direction, Sort};
pub use group::GroupBy;
use group::{Grouped, group};

/// The queue.
#[derive(Debug)]
pub struct Queue {
    rows: Vec<AlertId>,
    /// What stands behind the rows where groups are folded.
    grouped: Grouped,
    group_by: GroupBy,
    /// By what the rows are grouped now: in a flood by device.
    grouping: GroupBy,
    /// The person took the groups of this flood away.
    ungrouped: bool,
    /// Groups that are shown whole, by their key.
    unfolded: BTreeSet<String>,
    cursor: Option<AlertId>,
    /// A person put the cursor where it is, or it stands below the top of the list by itself.
    placed: bool,
    /// The cursor's row as it was when the cursor came: it decides the row's place until the cursor leaves.
    held: Option<Alert>,
    /// The last form of rows that may vanish while they stay on the screen.
    ghosts: HashMap<AlertId, Alert>,
    scroll: Scroll,
    marks: BTreeSet<AlertId>,
    range: Option<Range>,
    filter: Filter,
    only: Only,
    sort: Sort,
    columns: Vec<Column>,
    frozen: Option<Frozen>,
    basis: Option<(u64, Timestamp, u64)>,
    generation: u64,
    /// While a filter is typed: the one before, and where the cursor was.
    preview: Option<(Filter, Option<AlertId>)>,
    /// The person changed what is shown: the cursor's row need not stay if it does not fit.
    narrowed: bool,
    widest: Widest,
    open: usize,
    /// Alerts of the kinds that are listed, whether they pass the filter or not.
    known: usize,
    /// Open alerts that pass the filter and are left out because they are put aside.
    aside: usize,
    /// Rows of the list that belong to it now; one that is kept although it went does not.
    matching: usize,
    waiting_unacknowledged: usize,
}

/// Rows from here to the cursor are marked, besides those that were.
#[derive(Debug)]
struct Range {
    anchor: AlertId,
    before: BTreeSet<AlertId>,
}

/// A quick narrowing besides the filter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Only {
    unacknowledged: bool,
    noisy: bool,
}

/// A frozen list and what waits behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frozen {
    /// Since when.
    pub since: Timestamp,
    /// Rows that would be there and are not shown.
    pub arrived: usize,
    /// Rows that are shown and no longer in the list.
    pub gone: usize,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            grouped: Grouped::default(),
            group_by: GroupBy::Nothing,
            grouping: GroupBy::Nothing,
            ungrouped: false,
            unfolded: BTreeSet::new(),
            cursor: None,
            placed: false,
            held: None,
            ghosts: HashMap::new(),
            scroll: Scroll::default(),
            marks: BTreeSet::new(),
            range: None,
            filter: Filter::all(),
            only: Only::default(),
            sort: Sort::Triage,
            columns: Column::DEFAULT.to_vec(),
            frozen: None,
            basis: None,
            generation: 0,
            preview: None,
            narrowed: false,
            widest: Widest::default(),
            open: 0,
            known: 0,
            aside: 0,
            matching: 0,
            waiting_unacknowledged: 0,
        }
    }
}

impl Queue {
    // What can be read

    /// The alert under the cursor.
    pub fn cursor(&self) -> Option<&AlertId> {
        self.cursor.as_ref()
    }

    /// The rows as they were last drawn.
    pub fn rows(&self) -> &[AlertId] {
        &self.rows
    }

    /// Every alert of the list as it was last drawn, those of folded groups with it.
    pub fn listed(&self) -> &[AlertId] {
        &self.grouped.all
    }

    /// The alerts that a row stands for: all of its group where it is folded, else itself.
    fn behind(&self, id: &AlertId) -> Vec<AlertId> {
        match self.grouped.folds.get(id) {
            Some(fold) if fold.folded => fold.members.clone(),
            _ => vec![id.clone()],
        }
    }

    /// How many alerts stand behind a folded row.
    pub fn folded_behind(&self, id: &AlertId) -> usize {
        self.behind(id).len() - 1
    }

    /// The rows in view, top down.
    pub fn in_view(&self) -> &[AlertId] {
        self.rows.get(self.scroll.range(self.rows.len())).unwrap_or_default()
    }

    /// The unacknowledged alerts above the view that are worse than all in it, or critical: their severity and how many.
    fn urgent_above(&self, store: &Store) -> Option<(Severity, usize)> {
        let waiting = |ids: &[AlertId]| -> Vec<Severity> {
            let alerts = ids.iter().filter_map(|id| store.alert(id));
            alerts
                .filter(|alert| store.progress(alert) == 0)
                .map(|alert| alert.severity.clone())
                .collect()
        };
        let above = self.rows.get(..self.scroll.range(self.rows.len()).start).unwrap_or_default();
        let above = waiting(&above.iter().flat_map(|id| self.behind(id)).collect::<Vec<_>>());
        let worst = above.iter().min_by_key(|severity| severity.rank())?;
        let in_view = waiting(self.in_view()).iter().map(Severity::rank).min();
        let tells = *worst == Severity::Critical || in_view.is_none_or(|rank| worst.rank() < rank);
        let count = above.iter().filter(|severity| severity.rank() == worst.rank()).count();
        tells.then(|| (worst.clone(), count))
    }

    /// The marked alerts, in the order of the list.
    pub fn marked(&self) -> Vec<AlertId> {
        self.listed().iter().filter(|id| self.marks.contains(*id)).cloned().collect()
    }

    /// How many are marked.
    pub fn mark_count(&self) -> usize {
        self.marks.len()
    }

    /// Whether the list is frozen, and what waits.
    pub fn frozen(&self) -> Option<&Frozen> {
        self.frozen.as_ref()
    }

    /// The filter in force.
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    /// The sort in force.
    pub fn sort(&self) -> Sort {
        self.sort
    }

    /// The columns that are shown.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// A row's alert, and whether it is only remembered.
    pub fn alert<'a>(&'a self, store: &'a Store, id: &AlertId) -> Option<(&'a Alert, bool)> {
        store
            .alert(id)
            .map(|alert| (alert, false))
            .or_else(|| self.ghosts.get(id).map(|alert| (alert, true)))
    }

    fn index(&self) -> Option<usize> {
        let cursor = self.cursor.as_ref()?;
        self.rows.iter().position(|id| id == cursor)
    }

    // What a person does

    /// Moves the cursor over the rows as they were last drawn. Answers whether it moved.
    pub(crate) fn go(&mut self, store: &Store, motion: Motion) -> bool {
        let from = self.index();
        let to = from.map_or(0, |at| motion.apply(at, self.rows.len(), self.scroll.height));
        let Some(id) = self.rows.get(to).cloned() else { return false };
        if from == Some(to) {
            return false;
        }
        self.place(store, id);
        self.extend_range();
        true
    }

    /// Puts the cursor on a row that is shown. Answers whether it moved.
    pub(crate) fn select(&mut self, store: &Store, id: AlertId) -> bool {
        if self.cursor.as_ref() == Some(&id) || !self.rows.contains(&id) {
            return false;
        }
        self.place(store, id);
        self.extend_range();
        true
    }

    /// Puts the cursor on an alert of the list.
    fn place(&mut self, store: &Store, id: AlertId) {
        let left = self.held.take();
        // the row that was left may belong behind a folded one
        let folds = self.cursor.as_ref().is_some_and(|cursor| self.grouped.inner.contains(cursor));
        let is_changed = |left: &Alert| store.alert(&left.id) != Some(left) || store.shelf().hides(left).is_some();
        if folds || left.as_ref().is_none_or(is_changed) {
            self.generation += 1; // the row that was left may go to its place now
        }
        self.held = store.alert(&id).cloned().or_else(|| self.ghosts.get(&id).cloned());
        self.remember_held();
        self.placed = true;
        self.cursor = Some(id);
    }

    /// The cursor's row may vanish while it stays on the screen.
    fn remember_held(&mut self) {
        if let Some(held) = &self.held {
            self.ghosts.entry(held.id.clone()).or_insert_with(|| held.clone());
        }
    }

    /// Marks the row, or takes its mark away, and goes on to the next. A folded group is marked whole.
    pub(crate) fn mark(&mut self, store: &Store) -> Option<usize> {
        let ids = self.behind(self.cursor.as_ref()?);
        self.range = None;
        if ids.iter().all(|id| self.marks.contains(id)) {
            for id in &ids {
                self.marks.remove(id);
            }
        } else {
            self.marks.extend(ids);
        }
        self.go(store, Motion::By(1));
        Some(self.marks.len())
    }

    /// Begins or ends a range. Answers whether one began.
    pub(crate) fn mark_range(&mut self) -> Option<bool> {
        if self.range.take().is_some() {
            return Some(false);
        }
        let anchor = self.cursor.clone()?;
        self.range = Some(Range {
            anchor,
            before: self.marks.clone(),
        });
        self.extend_range();
        Some(true)
    }

    /// Whether moving marks rows.
    pub fn is_ranging(&self) -> bool {
        self.range.is_some()
    }

    fn extend_range(&mut self) {
        let Some(range) = &self.range else { return };
        let position = |wanted: &AlertId| self.rows.iter().position(|id| id == wanted);
        let (Some(from), Some(to)) = (position(&range.anchor), self.cursor.as_ref().and_then(position)) else {
            return;
        };
        let rows = self.rows.get(from.min(to)..=from.max(to)).unwrap_or_default();
        let rows = rows.iter().flat_map(|id| self.behind(id));
        self.marks = range.before.iter().cloned().chain(rows).collect();
    }

    /// Marks all rows, or none where all are. Answers how many are marked now.
    pub(crate) fn mark_all(&mut self) -> usize {
        self.range = None;
        if self.listed().iter().all(|id| self.marks.contains(id)) {
            self.marks.clear();
        } else {
            self.marks = self.listed().iter().cloned().collect();
        }
        self.marks.len()
    }

    /// Takes these marks away.
    pub(crate) fn unmark(&mut self, ids: &[AlertId]) {
        self.range = None;
        for id in ids {
            self.marks.remove(id);
        }
    }

    /// Takes all marks away; answers whether there were any.
    pub(crate) fn clear_marks(&mut self) -> bool {
        let ranging = self.range.take().is_some();
        let had = !self.marks.is_empty();
        self.marks.clear();
        had || ranging
    }

    /// Shows what passes a filter that is still being typed: no mark falls away yet.
    pub(crate) fn preview_filter(&mut self, filter: Filter) {
        if self.preview.is_none() {
            self.preview = Some((self.filter.clone(), self.cursor.clone()));
        }
        self.filter = filter;
        self.narrow();
    }

    /// Shows what passes a filter. Where a preview ends with the filter from before, the cursor goes back to where it was.
    pub(crate) fn set_filter(&mut self, filter: Filter) {
        if let Some((before, cursor)) = self.preview.take()
            && before == filter
        {
            self.held = None;
            self.cursor = cursor;
        }
        self.filter = filter;
        self.narrow();
    }

    /// Unacknowledged only, or all again. Answers which.
    pub(crate) fn toggle_unacknowledged(&mut self) -> bool {
        self.only.unacknowledged = !self.only.unacknowledged;
        self.narrow();
        self.only.unacknowledged
    }

    /// Chattering and stale only, or all again. Answers which.
    pub(crate) fn toggle_noisy(&mut self) -> bool {
        self.only.noisy = !self.only.noisy;
        self.narrow();
        self.only.noisy
    }

    /// Takes every narrowing away; answers whether there was one.
    pub(crate) fn clear_filter(&mut self) -> bool {
        let had = !self.filter.is_empty() || self.only != Only::default();
        if had {
            self.filter = Filter::all();
            self.only = Only::default();
            self.narrow();
        }
        had
    }

    fn narrow(&mut self) {
        self.generation += 1;
        self.narrowed = true;
    }

    /// Freezes the list, or lets it go on. Answers whether it is frozen now.
    pub(crate) fn toggle_freeze(&mut self, store: &Store, now: Timestamp) -> bool {
        self.generation += 1;
        if self.frozen.take().is_some() {
            return false;
        }
        self.ghosts.extend(
            self.rows
                .iter()
                .filter_map(|id| store.alert(id).cloned())
                .map(|alert| (alert.id.clone(), alert)),
        );
        self.frozen = Some(Frozen {
            since: now,
            arrived: 0,
            gone: 0,
        });
        true
    }

    // A frame begins

    /// Takes in what has arrived since the last frame. Answers how many marks fell away because their rows did.
    pub(crate) fn arrange(&mut self, scene: &Scene<'_>, height: usize) -> usize {
        let minute = if self.filter.is_empty() && !self.only.noisy {
            Timestamp::MIN
        } else {
            scene.minute()
        };
        let basis = Some((scene.store.revision(), minute, self.generation));
        self.scroll.height = height;
        let mut lost = 0;
        if self.basis != basis {
            self.basis = basis;
            lost = self.rebuild(scene);
        }
        self.scroll.follow(self.index().unwrap_or(0), self.rows.len());
        lost
    }

    fn rebuild(&mut self, scene: &Scene<'_>) -> usize {
        let store = scene.store;
        let line = self.index().map_or(0, |at| at.saturating_sub(self.scroll.top));
        let wants_resolved = self.filter.text().contains("state:");
        let wants_shelved = self.filter.text().contains("is:shelved");
        let is_put_aside = |alert: &Alert| store.shelf().hides(alert).is_some();
        let shown = |alert: &&Alert| (wants_resolved || alert.state != AlertState::Resolved) && (wants_shelved || !is_put_aside(alert));
        self.open = store
            .alerts()
            .filter(|alert| alert.state != AlertState::Resolved && !is_put_aside(alert))
            .count();
        self.known = store.alerts().filter(shown).count();
        self.aside = store
            .alerts()
            .filter(|alert| alert.state != AlertState::Resolved && !shown(alert) && self.passes(scene, alert))
            .count();
        let mut fresh: Vec<&Alert> = store.alerts().filter(shown).filter(|alert| self.passes(scene, alert)).collect();
        self.matching = fresh.len();
        self.waiting_unacknowledged = fresh.iter().filter(|alert| store.progress(alert) == 0).count();
        // Remember the rows that could vanish while they stay.
        for id in self.cursor.iter().chain(self.rows.iter().filter(|_| self.frozen.is_some())) {
            if let Some(alert) = store.alert(id) {
                self.ghosts.insert(id.clone(), alert.clone());
            }
        }
        if let Some(frozen) = &mut self.frozen
            && !self.narrowed
        {
            let there: HashSet<&AlertId> = self.grouped.all.iter().collect();
            frozen.arrived = fresh.iter().filter(|alert| !there.contains(&alert.id)).count();
            // those that were resolved or put aside meanwhile are gone from the list as well
            self.matching = fresh.len() - frozen.arrived;
            frozen.gone = self.grouped.all.len() - self.matching;
            self.measure(scene);
            return 0;
        }
        if self.narrowed {
            self.frozen = None; // another list was asked for
        }
        let held = self.cursor.clone().and_then(|cursor| {
            let held = self.held.clone().or_else(|| self.ghosts.get(&cursor).cloned())?;
            let present = fresh.iter().any(|alert| alert.id == cursor);
            (present || !self.narrowed).then_some(held)
        });
        if let Some(held) = &held {
            fresh.retain(|alert| alert.id != held.id);
            fresh.push(held);
        }
        fresh.sort_by(|one, other| self.sort.order(one, other, store));
        let before = self.index();
        let flood = store.flood().0.is_on();
        self.ungrouped &= flood;
        // In a flood the devices stand together, unless the person wants it otherwise.
        self.grouping = match self.group_by {
            GroupBy::Nothing if flood && !self.ungrouped => GroupBy::Device,
            chosen => chosen,
        };
        let mut grouped = group(self.grouping, &fresh, store, &self.unfolded, self.cursor.as_ref());
        self.rows = std::mem::take(&mut grouped.rows);
        self.grouped = grouped;
        self.narrowed = false;
        self.cursor = self.cursor.take().filter(|id| self.rows.contains(id));
        if self.cursor.is_none() {
            let at = before.unwrap_or(0).min(self.rows.len().saturating_sub(1));
            self.cursor = self.rows.get(at).cloned();
            self.held = self.cursor.as_ref().and_then(|id| store.alert(id).cloned());
            self.placed = at > 0;
        }
        let cursor = self.cursor.clone();
        self.ghosts.retain(|id, _| Some(id) == cursor.as_ref());
        self.remember_held();
        // The cursor's row stays on its line of the screen; one that nobody put there gives way to what is more urgent,
        // as long as it fits.
        self.scroll.top = if self.placed || self.scroll.top > 0 {
            self.index().unwrap_or(0).saturating_sub(line)
        } else {
            0
        };
        let had = self.marks.len();
        let there: HashSet<&AlertId> = self.grouped.all.iter().collect();
        let previewing = self.preview.is_some();
        self.marks
            .retain(|id| (previewing || there.contains(id)) && store.alert(id).is_some());
        let lost = had - self.marks.len();
        if lost > 0 {
            self.range = None;
        }
        self.measure(scene);
        lost
    }

    /// Lines above the rows that stay in sight however far the list is scrolled: in a flood its first alert and the worst.
    pub(crate) fn pins(store: &Store) -> Vec<(&'static str, &Alert)> {
        if !store.flood().0.is_on() {
            return Vec::new();
        }
        let first = store.flood_first().map(|alert| ("first", alert));
        first.into_iter().chain(store.worst().map(|alert| ("worst", alert))).collect()
    }

    fn measure(&mut self, scene: &Scene<'_>) {
        let mut widest = Widest::default();
        for id in &self.rows {
            if let Some((alert, _)) = self.alert(scene.store, id) {
                widest.add(scene, alert);
            }
        }
        self.widest = widest;
    }

    fn passes(&self, scene: &Scene<'_>, alert: &Alert) -> bool {
        if self.filter.is_empty() && self.only == Only::default() {
            return true;
        }
        let facts = scene.store.facts(alert, &scene.setup.operator, scene.now);
        (!self.only.unacknowledged || facts.is(Trait::Unacknowledged))
            && (!self.only.noisy || facts.is(Trait::Chattering) || facts.is(Trait::Stale))
            && self.filter.matches(&facts)
    }
}
