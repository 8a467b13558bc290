//! Views: what the list shows, kept under a name; and sort, columns and grouping, which stay with the view in force.

use super::App;
use super::layer::Layer;
use crate::domain::SafeText;
use crate::model::{Action, Effect, Memo, View};
use crate::pane::window::{Item, Menu, Prompt, Wanted};
use crate::pane::{Ask, GroupBy, Tone};

/// Views that need not be made, with the filter that each stands for.
const READY: [(&str, &str); 5] = [
    ("critical and high", "sev>=high"),
    ("mine", "is:mine"),
    ("without work order", "wo:none"),
    ("chattering or stale", "is:chattering,stale"),
    ("older than an hour", "age>1h"),
];

impl App {
    /// What an earlier run kept: the standard looks at once, views for the menu, links for the rows.
    pub(super) fn take_memo(&mut self, memo: Memo) {
        self.store
            .take_linked(memo.links.iter().map(|link| (link.alert.clone(), link.number.clone())));
        self.memo = memo;
        let standard = View {
            // whatever the file says: a list at the start of a shift hides nothing
            filter: String::new(),
            unacknowledged: false,
            noisy: false,
            ..self.memo.standard.clone()
        };
        self.queue.show_view(&standard);
        self.dirty = true;
    }

    pub(super) fn save_memo(&mut self) {
        self.effects.push(Effect::SaveMemo(self.memo.clone()));
    }

    /// The view in force has other looks now: they stay with it. A filter is kept by the person's word only.
    pub(super) fn looks_changed(&mut self) {
        let now = self.queue.view(&self.view);
        let kept = if self.view.is_empty() {
            &mut self.memo.standard
        } else {
            match self.memo.views.iter_mut().find(|view| view.name == self.view) {
                Some(view) => view,
                None => return, // a ready one: its looks are the standard ones until it is saved
            }
        };
        kept.sort = now.sort;
        kept.descending = now.descending;
        kept.columns = now.columns;
        kept.group = now.group;
        self.save_memo();
    }

    pub(super) fn view_items(&self) -> Vec<Item> {
        let letters = "123456789abcdefghilmnoprstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
        let now = |name: &str| if name == self.view { "  (now)" } else { "" };
        let standard = (String::new(), format!("all alerts{}", now("")), None);
        let saved = self.memo.views.iter().map(|view| {
            let text = format!(
                "{}{}  {}",
                SafeText::new(view.name.as_str()).shown(),
                now(&view.name),
                described(view)
            );
            (view.name.clone(), text, Some(Ask::DropView(view.name.clone())))
        });
        let ready = READY
            .iter()
            .filter(|(name, _)| !self.memo.views.iter().any(|view| view.name == *name))
            .map(|(name, filter)| ((*name).to_owned(), format!("{name}{}  {filter}", now(name)), None));
        std::iter::once(standard)
            .chain(saved)
            .chain(ready)
            .zip(letters.chars().chain(std::iter::repeat(' ')))
            .map(|((name, text, drop), key)| Item {
                drop,
                ..Item::new(key, text, Ask::ShowView(name))
            })
            .collect()
    }

    pub(super) fn show_view(&mut self, name: &str) {
        let ready = || {
            READY.iter().find(|(known, _)| *known == name).map(|(name, filter)| View {
                name: (*name).to_owned(),
                filter: (*filter).to_owned(),
                ..self.memo.standard.clone()
            })
        };
        let view = if name.is_empty() {
            Some(self.memo.standard.clone())
        } else {
            self.memo.views.iter().find(|view| view.name == name).cloned().or_else(ready)
        };
        let Some(view) = view else {
            self.say(Tone::Bad, "this view is no longer there".into());
            return;
        };
        let problem = self.queue.show_view(&view);
        name.clone_into(&mut self.view);
        match problem {
            Some(problem) => self.say(Tone::Bad, format!("view {}: {problem}", SafeText::new(name).shown())),
            None if name.is_empty() => self.say(Tone::Plain, "all alerts".into()),
            None => self.say(Tone::Plain, format!("view {}", SafeText::new(name).shown())),
        }
    }

    /// Asks under which name to save.
    pub(super) fn ask_view_name(&mut self) {
        let view = self.queue.view("");
        let text = vec![
            format!("Kept on this machine for {}: {}", self.setup.profile, described(&view)),
            format!(
                "{} shows it again; sort, columns and grouping then stay with it as you change them.",
                self.scene().key(Action::Views)
            ),
        ];
        let prompt = Prompt::new("Save view".into(), Wanted::ViewName, &self.view, text);
        self.layers.push(Layer::Prompt(Box::new(prompt)));
    }

    pub(super) fn save_view(&mut self, name: &str) {
        let text = match self.memo.keep_view(self.queue.view(name)) {
            Some(false) => format!("view {name} saved"),
            Some(true) => format!("view {name} replaced"),
            None => {
                let key = self.scene().key(Action::Views);
                let text = format!(
                    "not saved: there are {} views, the most that are kept; {key} forgets one",
                    self.memo.views.len()
                );
                self.say(Tone::Bad, text);
                return;
            }
        };
        name.clone_into(&mut self.view);
        self.save_memo();
        self.say(Tone::Good, text);
    }

    /// Forgets a view; the list stays as it is.
    pub(super) fn drop_view(&mut self, name: &str) {
        self.memo.views.retain(|view| view.name != name);
        if self.view == name {
            self.view.clear();
        }
        self.save_memo();
        let items = self.view_items();
        if let Some(Layer::Menu(menu)) = self.layers.last_mut() {
            menu.refill(items);
        }
        let key = self.scene().key(Action::SaveView);
        self.say(
            Tone::Plain,
            format!("view {} forgotten; {key} saves what is shown", SafeText::new(name).shown()),
        );
    }

    pub(super) fn group_items(&self) -> Vec<Item> {
        GroupBy::ALL
            .into_iter()
            .map(|by| {
                let now = if by == self.queue.grouped_by() { "  (now)" } else { "" };
                let (key, text) = match by {
                    GroupBy::Device => ('d', "by device"),
                    GroupBy::Alert => ('a', "by alert"),
                    GroupBy::Location => ('l', "by location"),
                    GroupBy::Nothing => ('n', "not at all"),
                };
                Item::new(key, format!("{text}{now}"), Ask::Group(by))
            })
            .collect()
    }

    pub(super) fn group(&mut self, by: GroupBy) {
        self.queue.set_group(by);
        self.looks_changed();
        let scene = self.scene();
        let text = if by == GroupBy::Nothing {
            "no groups".to_owned()
        } else {
            format!(
                "grouped by {}: {} shows all of a group, {} marks all of it",
                by.word(),
                scene.key(Action::Unfold),
                scene.key(Action::Mark)
            )
        };
        self.say(Tone::Plain, text);
    }

    pub(super) fn unfold(&mut self) {
        let text = match self.queue.toggle_fold() {
            Some(true) => "the whole group".to_owned(),
            Some(false) => "the group is folded".to_owned(),
            None if self.queue.grouped_by() == GroupBy::Nothing => {
                format!("there are no groups; {} makes some", self.scene().key(Action::GroupBy))
            }
            None => "this alert stands alone in its group".to_owned(),
        };
        self.say(Tone::Plain, text);
    }

    pub(super) fn views_menu(&self) -> Menu {
        Menu::new("Views (delete forgets one)", self.view_items(), false)
    }
}

/// A view in a few words.
fn described(view: &View) -> String {
    let mut parts = Vec::new();
    if !view.filter.is_empty() {
        parts.push(SafeText::new(view.filter.as_str()).shown().to_owned());
    }
    if view.unacknowledged {
        parts.push("unacknowledged".into());
    }
    if view.noisy {
        parts.push("chattering and stale".into());
    }
    if !view.sort.is_empty() {
        let down = if view.descending { " down" } else { "" };
        parts.push(format!("by {}{down}", SafeText::new(view.sort.as_str()).shown()));
    }
    if !view.group.is_empty() {
        parts.push(format!("grouped by {}", SafeText::new(view.group.as_str()).shown()));
    }
    if parts.is_empty() { "all alerts".into() } else { parts.join(", ") }
}
