//! Grouping: alerts that belong together stand together, and a group can be folded into one row with its count.

use std::collections::{BTreeSet, HashMap};

use crate::domain::{Alert, AlertId, Severity};
use crate::model::Store;

/// By what the queue is grouped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum GroupBy {
    /// Not at all.
    #[default]
    Nothing,
    /// A group a device.
    Device,
    /// A group an alert's name.
    Alert,
    /// A group a location; devices without one stand together.
    Location,
}

impl GroupBy {
    /// All, in the order in which they are offered.
    pub const ALL: [Self; 4] = [Self::Device, Self::Alert, Self::Location, Self::Nothing];

    /// The word for it, also in saved views; empty for none.
    pub fn word(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::Device => "device",
            Self::Alert => "alert",
            Self::Location => "location",
        }
    }

    /// Reads a word; one that is not known groups nothing.
    pub fn parse(word: &str) -> Self {
        Self::ALL.into_iter().find(|by| by.word() == word).unwrap_or_default()
    }

    /// What alerts of one group have in common.
    fn key(self, alert: &Alert, store: &Store) -> Option<String> {
        match self {
            Self::Nothing => None,
            Self::Device => Some(alert.device.raw().to_owned()),
            Self::Alert => Some(alert.name.raw().to_owned()),
            Self::Location => Some(
                store
                    .plant
                    .of_alert(alert)
                    .and_then(|device| device.location.as_ref())
                    .map_or_else(String::new, |location| location.raw().to_owned()),
            ),
        }
    }
}

/// A group of more than one alert, as it stands in the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fold {
    /// Its key, for unfolding.
    pub(super) key: String,
    /// All of it, the first row first.
    pub(super) members: Vec<AlertId>,
    /// Whether only its first row is shown.
    pub(super) folded: bool,
    /// The worst of those behind the first row, where it is worse than the first.
    pub(super) worse: Option<Severity>,
    /// Unacknowledged ones behind a first row that is acknowledged.
    pub(super) new: usize,
}

/// What is drawn of the sorted alerts.
#[derive(Debug, Default)]
pub(super) struct Grouped {
    /// The rows on the screen.
    pub(super) rows: Vec<AlertId>,
    /// Every alert of the list, also those behind a folded row.
    pub(super) all: Vec<AlertId>,
    /// Groups by their first row.
    pub(super) folds: HashMap<AlertId, Fold>,
    /// Rows below the first of an unfolded group.
    pub(super) inner: BTreeSet<AlertId>,
    /// How many groups there are.
    pub(super) count: usize,
}

/// Groups alerts that are sorted already: a group stands where its first alert does. The cursor's row is always shown,
/// so that a group that folds under it never takes it away.
pub(super) fn group(by: GroupBy, sorted: &[&Alert], store: &Store, unfolded: &BTreeSet<String>, cursor: Option<&AlertId>) -> Grouped {
    let mut groups: Vec<(String, Vec<&Alert>)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for alert in sorted {
        let Some(key) = by.key(alert, store) else {
            let rows: Vec<AlertId> = sorted.iter().map(|alert| alert.id.clone()).collect();
            return Grouped {
                all: rows.clone(),
                rows,
                ..Grouped::default()
            };
        };
        let place = *places.entry(key.clone()).or_insert_with(|| {
            groups.push((key, Vec::new()));
            groups.len() - 1
        });
        if let Some((_, members)) = groups.get_mut(place) {
            members.push(alert);
        }
    }
    let mut grouped = Grouped {
        count: groups.len(),
        ..Grouped::default()
    };
    for (key, members) in groups {
        let ids: Vec<AlertId> = members.iter().map(|alert| alert.id.clone()).collect();
        grouped.all.extend(ids.iter().cloned());
        let Some((first, behind)) = members.split_first() else { continue };
        grouped.rows.push(first.id.clone());
        if behind.is_empty() {
            continue;
        }
        let folded = !unfolded.contains(&key);
        for alert in behind {
            if !folded || cursor == Some(&alert.id) {
                grouped.rows.push(alert.id.clone());
                grouped.inner.insert(alert.id.clone());
            }
        }
        let worst = behind.iter().map(|alert| &alert.severity).min_by_key(|severity| severity.rank());
        let new = behind.iter().filter(|alert| store.progress(alert) == 0).count();
        grouped.folds.insert(
            first.id.clone(),
            Fold {
                key,
                members: ids,
                folded,
                worse: worst.filter(|severity| severity.rank() < first.severity.rank()).cloned(),
                new: if store.progress(first) == 0 { 0 } else { new },
            },
        );
    }
    grouped
}
