//! How the list looks: sort, columns, grouping, and views that keep them.

use super::{Column, Direction, GroupBy, Only, Queue, Sort};
use crate::domain::{AlertId, Filter};
use crate::model::View;

impl Queue {
    /// Sorts anew.
    pub(crate) fn set_sort(&mut self, sort: Sort) {
        self.sort = sort;
        self.generation += 1;
    }

    /// Shows or hides a column; the last one stays.
    pub(crate) fn toggle_column(&mut self, column: Column) {
        if self.columns.contains(&column) {
            if self.columns.len() > 1 {
                self.columns.retain(|shown| *shown != column);
            }
        } else {
            self.columns = Column::ALL
                .into_iter()
                .filter(|known| *known == column || self.columns.contains(known))
                .collect();
        }
    }

    /// By what it is grouped now: in a flood by device.
    pub fn grouped_by(&self) -> GroupBy {
        self.grouping
    }

    /// Groups anew, every group folded.
    pub(crate) fn set_group(&mut self, by: GroupBy) {
        self.group_by = by;
        self.ungrouped = by == GroupBy::Nothing;
        self.unfolded.clear();
        self.narrow();
    }

    /// Shows all of the group under the cursor, or folds it again. Answers which; `None` where the row stands alone.
    pub(crate) fn toggle_fold(&mut self) -> Option<bool> {
        let cursor = self.cursor.clone()?;
        let holds = |(_, fold): &(&AlertId, &super::group::Fold)| fold.members.contains(&cursor);
        let (lead, fold) = self.grouped.folds.iter().find(holds)?;
        let (lead, key) = (lead.clone(), fold.key.clone());
        self.narrow();
        if self.unfolded.remove(&key) {
            self.held = None; // its row goes behind the first one, and the cursor with it
            self.cursor = Some(lead);
            return Some(false);
        }
        self.unfolded.insert(key);
        Some(true)
    }

    /// Everything that a view keeps.
    pub(crate) fn view(&self, name: &str) -> View {
        let (sort, descending) = match self.sort {
            Sort::Triage => ("", false),
            Sort::By(column, direction) => (column.word(), direction == Direction::Descending),
        };
        View {
            name: name.to_owned(),
            filter: self.filter.text().to_owned(),
            unacknowledged: self.only.unacknowledged,
            noisy: self.only.noisy,
            sort: sort.to_owned(),
            descending,
            columns: self.columns.iter().map(|column| column.word().to_owned()).collect(),
            group: self.group_by.word().to_owned(),
        }
    }

    /// Shows a view. Answers what of it could not be understood: a filter of another version lets everything through.
    pub(crate) fn show_view(&mut self, view: &View) -> Option<String> {
        let (filter, problem) = match Filter::parse(&view.filter) {
            Ok(filter) => (filter, None),
            Err(error) => (Filter::all(), Some(format!("its filter is left out: {error}"))),
        };
        self.preview = None;
        self.filter = filter;
        self.only = Only {
            unacknowledged: view.unacknowledged,
            noisy: view.noisy,
        };
        let direction = if view.descending {
            Direction::Descending
        } else {
            Direction::Ascending
        };
        self.sort = Column::parse(&view.sort).map_or(Sort::Triage, |column| Sort::By(column, direction));
        let columns: Vec<Column> = Column::ALL
            .into_iter()
            .filter(|column| view.columns.iter().any(|word| word == column.word()))
            .collect();
        self.columns = if columns.is_empty() { Column::DEFAULT.to_vec() } else { columns };
        self.set_group(GroupBy::parse(&view.group));
        problem
    }
}
