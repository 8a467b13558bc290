//! What a person arranged for a site: views, and work orders that were linked by hand.

use serde::{Deserialize, Serialize};

use crate::domain::AlertId;

/// Most views that are kept.
const VIEWS_MOST: usize = 50;
/// Most links that are kept: the newest.
const LINKS_MOST: usize = 2_000;
/// Longest name of a view, in characters.
pub const VIEW_NAME_MOST: usize = 40;

/// What a list shows and how. Columns, sort and grouping are words, so that a file of another version still reads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct View {
    /// Its name; empty for the standard one.
    pub name: String,
    /// The filter, as it was typed.
    pub filter: String,
    /// Unacknowledged alerts only.
    pub unacknowledged: bool,
    /// Chattering and stale alerts only.
    pub noisy: bool,
    /// The column by which it is sorted; empty for triage.
    pub sort: String,
    /// The other end of that column first.
    pub descending: bool,
    /// The columns that are shown; empty for the usual ones.
    pub columns: Vec<String>,
    /// `device`, `alert` or `location`; empty for no grouping.
    pub group: String,
}

/// An alert and the order that a person linked to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkedOrder {
    /// The alert.
    pub alert: AlertId,
    /// The order's number.
    pub number: String,
}

/// All of it, for one profile and server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memo {
    /// Sort, columns and grouping where no view is chosen; never a filter, which would hide alerts from the next shift.
    pub standard: View,
    /// The saved views, by name.
    pub views: Vec<View>,
    /// Links, the oldest first.
    pub links: Vec<LinkedOrder>,
}

impl Memo {
    /// Keeps a view in place of the one of the same name. Answers whether there was one; `None` where there are too many.
    pub fn keep_view(&mut self, view: View) -> Option<bool> {
        if let Some(known) = self.views.iter_mut().find(|known| known.name == view.name) {
            *known = view;
            return Some(true);
        }
        if self.views.len() >= VIEWS_MOST {
            return None;
        }
        self.views.push(view);
        self.views.sort_by(|one, other| one.name.cmp(&other.name));
        Some(false)
    }

    /// Keeps a link in place of an earlier one of the same alert.
    pub fn keep_link(&mut self, alert: AlertId, number: String) {
        self.links.retain(|known| known.alert != alert);
        self.links.push(LinkedOrder { alert, number });
        self.bound();
    }

    /// Takes in what another console kept meanwhile: its links that are not known here.
    pub fn join(&mut self, other: Self) {
        let mut links: Vec<LinkedOrder> = other.links;
        links.retain(|link| !self.links.iter().any(|known| known.alert == link.alert));
        links.append(&mut self.links);
        self.links = links;
        self.bound();
    }

    /// Cuts everything to what is kept: a file is a thing from outside.
    pub fn bound(&mut self) {
        let extra = self.links.len().saturating_sub(LINKS_MOST);
        self.links.drain(..extra);
        self.views.truncate(VIEWS_MOST);
        for view in &mut self.views {
            if view.name.chars().count() > VIEW_NAME_MOST {
                view.name = view.name.chars().take(VIEW_NAME_MOST).collect();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(name: &str) -> View {
        View {
            name: name.into(),
            ..View::default()
        }
    }

    #[test]
    fn views_are_replaced_by_name_and_bounded() {
        let mut memo = Memo::default();
        assert_eq!(memo.keep_view(view("b")), Some(false));
        assert_eq!(memo.keep_view(view("a")), Some(false));
        assert_eq!(memo.keep_view(view("b")), Some(true));
        let names: Vec<&str> = memo.views.iter().map(|view| view.name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        for number in 0..VIEWS_MOST {
            let _ = memo.keep_view(view(&format!("v{number:02}")));
        }
        assert_eq!(memo.views.len(), VIEWS_MOST);
        assert_eq!(memo.keep_view(view("one more")), None);
    }

    #[test]
    fn links_are_bounded_and_two_consoles_lose_none() {
        let mut memo = Memo::default();
        for number in 0..=LINKS_MOST {
            memo.keep_link(format!("a{number}").as_str().into(), number.to_string());
        }
        assert_eq!(memo.links.len(), LINKS_MOST);
        assert_eq!(memo.links[0].number, "1", "the oldest went");
        let mut one = Memo::default();
        one.keep_link("x".into(), "1".into());
        let mut other = Memo::default();
        other.keep_link("x".into(), "2".into());
        other.keep_link("y".into(), "3".into());
        one.join(other);
        let kept: Vec<(&str, &str)> = one.links.iter().map(|link| (link.alert.raw(), link.number.as_str())).collect();
        assert_eq!(kept, [("y", "3"), ("x", "1")], "what this console knows is newer");
    }
}
