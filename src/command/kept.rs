//! What the consoles of this account have kept on this machine: read, never changed. What cannot be read is said, and the
//! command goes on without it.

use std::fmt::Display;

use super::context::Context;
use crate::domain::{Alert, History, Listing, Shelf, ShelfChange};
use crate::local::{Cache, HistoryFiles, Notebook, Notes, Scope};

/// The files of one profile and server.
pub(super) struct Kept<'c> {
    context: &'c Context,
    scope: Scope,
}

impl<'c> Kept<'c> {
    /// Those of the command's profile.
    pub(super) fn of(context: &'c Context) -> Self {
        Self {
            context,
            scope: Scope {
                profile: context.profile.name.clone(),
                origin: context.profile.monitor.url.origin().ascii_serialization(),
            },
        }
    }

    /// The history, and whether there was one to read.
    pub(super) fn history(&self) -> (History, bool) {
        let mut history = History::default();
        let looked = HistoryFiles::look(&self.context.config.dirs.state, &self.scope, self.context.now);
        let found = self.noted(looked).flatten();
        let has = found.is_some();
        if let Some(found) = found {
            history.remember(found.occurrences, found.coverage);
        }
        (history, has)
    }

    /// What lies on the shelf and is not over.
    pub(super) fn shelf(&self) -> Shelf {
        let items = self.noted(self.notebook().shelf()).unwrap_or_default();
        let mut shelf = Shelf::default();
        shelf.apply(&ShelfChange::Put(
            items.into_iter().filter(|item| item.until > self.context.now).collect(),
        ));
        shelf
    }

    /// Remarks, and who read which handover.
    pub(super) fn notes(&self) -> Notes {
        self.noted(self.notebook().notes()).unwrap_or_default()
    }

    /// The list of alerts as a console saw it last.
    pub(super) fn alerts(&self) -> Option<Listing<Alert>> {
        let last = Cache::open(&self.context.config.dirs.cache, self.scope.clone()).and_then(|cache| cache.alerts());
        self.noted(last).flatten()
    }

    fn notebook(&self) -> Notebook {
        Notebook::look(&self.context.config.dirs.state, &self.scope)
    }

    fn noted<T, E: Display>(&self, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.context.out.note(&error.to_string())).ok()
    }
}
