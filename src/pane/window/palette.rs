//! Find and run any action.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::ask::{Ask, Step};
use super::super::cells;
use super::super::form::Field;
use super::super::scene::Scene;
use super::super::scroll::{Motion, Scroll};
use super::Frame;
use crate::config::theme::Role;
use crate::model::{ACTIONS, Action, Context, Key};

/// Lines that it would like.
const HEIGHT: u16 = 18;

/// What the names of themes begin with.
const THEMES: &str = "theme-";

/// The palette. It runs what works in the place from where it was opened, and shows themes while they are chosen.
#[derive(Debug)]
pub(crate) struct Palette {
    field: Field,
    context: Context,
    /// The themes that there are.
    themes: Vec<String>,
    /// The one in force when it was opened, and the one that is looked at.
    theme: String,
    shown: String,
    at: usize,
    scroll: Scroll,
}

/// One line of it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    Action(Action),
    Theme(String),
}

impl Palette {
    /// Opens it over a layer of this context. `begin` stands in its line; `theme` is the one in force.
    pub(crate) fn new(context: Context, begin: &str, themes: Vec<String>, theme: &str) -> Self {
        let mut field = Field::new("palette", "", 1);
        field.put(begin);
        let mut palette = Self {
            field,
            context,
            themes,
            theme: theme.to_owned(),
            shown: theme.to_owned(),
            at: 0,
            scroll: Scroll::default(),
        };
        // among themes the cursor begins at the one in force
        if !begin.is_empty() {
            let here = Entry::Theme(palette.theme.clone());
            palette.at = palette.fitting().iter().position(|entry| *entry == here).unwrap_or(0);
        }
        palette
    }

    fn fitting(&self) -> Vec<Entry> {
        let typed = self.field.shown().trim().to_lowercase();
        let actions = ACTIONS
            .iter()
            .filter(|spec| spec.context == Context::Global || spec.context == self.context)
            .filter(|spec| spec.action != Action::Palette)
            .filter_map(|spec| score(spec.name, spec.about, &typed).map(|score| (score, Entry::Action(spec.action))));
        let themes = self.themes.iter().filter_map(|name| {
            let score = score(&format!("{THEMES}{name}"), "", &typed)?;
            Some((score, Entry::Theme(name.clone())))
        });
        let mut found: Vec<(usize, Entry)> = actions.chain(themes).collect();
        found.sort_by_key(|(score, _)| *score);
        found.into_iter().map(|(_, entry)| entry).collect()
    }

    /// The cursor or the text moved: a theme under the cursor is looked at, anything else shows the one in force.
    fn look(&mut self) -> Step {
        let wanted = match self.fitting().get(self.at) {
            Some(Entry::Theme(name)) => name.clone(),
            Some(Entry::Action(_)) | None => self.theme.clone(),
        };
        if wanted == self.shown {
            return Step::Stay;
        }
        self.shown.clone_from(&wanted);
        Step::Ask(Ask::Theme { name: wanted, keep: false })
    }

    /// Takes an action of the table.
    pub(crate) fn act(&mut self, action: Action) -> Step {
        match action {
            Action::Leave if self.shown != self.theme => Step::CloseAsk(Ask::Theme {
                name: self.theme.clone(),
                keep: false,
            }),
            Action::Leave => Step::Close,
            Action::Submit => match self.fitting().get(self.at) {
                Some(Entry::Action(action)) => Step::CloseAsk(Ask::Run(*action)),
                Some(Entry::Theme(name)) => Step::CloseAsk(Ask::Theme {
                    name: name.clone(),
                    keep: true,
                }),
                None => Step::Refuse(format!("no action fits `{}`", self.field.shown())),
            },
            Action::NextChoice | Action::PreviousChoice | Action::NextField | Action::PreviousField => {
                let by = if matches!(action, Action::NextChoice | Action::NextField) {
                    1
                } else {
                    -1
                };
                self.at = Motion::By(by).apply(self.at, self.fitting().len(), 1);
                self.look()
            }
            _ => Step::Stay,
        }
    }

    /// Takes a key that means text.
    pub(crate) fn key(&mut self, key: Key) -> Step {
        if self.field.key(key) {
            self.at = 0;
        }
        self.look()
    }

    /// Takes pasted text.
    pub(crate) fn paste(&mut self, text: &str) -> Step {
        if self.field.paste(text) {
            self.at = 0;
        }
        self.look()
    }

    /// Among themes it is no higher than they need: what they change is what lies around the window.
    fn frame(&self) -> Frame<'static> {
        let is_themes = self.field.shown().starts_with(THEMES);
        let themes = u16::try_from(self.themes.len()).unwrap_or(HEIGHT);
        Frame {
            title: "Commands",
            hints: &[Action::Submit, Action::Leave],
            width: 90,
            height: if is_themes {
                themes.max(1).saturating_add(1).min(HEIGHT)
            } else {
                HEIGHT
            },
        }
    }

    pub(crate) fn arrange(&mut self, area: Rect) {
        self.scroll.height = self.frame().inner_height(area).saturating_sub(1);
        self.scroll.follow(self.at, self.fitting().len());
    }

    pub(crate) fn render(&self, scene: &Scene<'_>, buffer: &mut Buffer, area: Rect) {
        let inner = self.frame().render(scene, buffer, area);
        let input = [
            (": ".to_owned(), scene.style(Role::Key)),
            (format!("{}_", self.field.shown()), scene.style(Role::InputFocused)),
        ];
        cells::write(buffer, inner, inner.x, inner.y, &input);
        let fitting = self.fitting();
        if fitting.is_empty() {
            let said = format!(
                "Nothing is called so. {} deletes, {} leaves; {} in the list shows every key.",
                crate::model::Key::plain(crossterm::event::KeyCode::Backspace),
                scene.key(Action::Leave),
                scene.key(Action::Help)
            );
            let room = usize::from(inner.width.saturating_sub(2));
            for (y, line) in (inner.y + 2..inner.bottom()).zip(cells::wrap(&said, room)) {
                cells::write(buffer, inner, inner.x + 2, y, &[(line, scene.style(Role::Muted))]);
            }
        }
        for (y, index) in (inner.y + 1..inner.bottom()).zip(self.scroll.range(fitting.len())) {
            let Some(entry) = fitting.get(index) else { break };
            let here = index == self.at;
            let sign = if here { scene.glyphs().cursor } else { " " };
            let (name, key, about) = match entry {
                Entry::Action(action) => (action.spec().name.to_owned(), scene.key(*action), action.spec().about.to_owned()),
                Entry::Theme(name) if *name == self.theme => {
                    (format!("theme {name}"), String::new(), "colours of the screen, these now".into())
                }
                Entry::Theme(name) => (format!("theme {name}"), String::new(), "colours of the screen".into()),
            };
            let name_wide = 18;
            let about_wide = usize::from(inner.width).saturating_sub(2 + name_wide + 1 + 12);
            let parts = [
                (format!("{sign} "), scene.style(Role::Key)),
                (
                    cells::left(&name, name_wide, scene.glyphs().ellipsis) + " ",
                    scene.style(Role::Title),
                ),
                (cells::left(&key, 10, "") + "  ", scene.style(Role::Key)),
                (scene.cut(&about, about_wide), scene.style(Role::Text)),
            ];
            cells::write(buffer, inner, inner.x, y, &parts);
            if here {
                buffer.set_style(Rect { y, height: 1, ..inner }, scene.style(Role::Selection));
            }
        }
    }
}

/// How well an action fits what is typed, the less the better: the whole name, its beginning, its inside, the description,
/// letters in order.
fn score(name: &str, about: &str, typed: &str) -> Option<usize> {
    let typed = typed.replace(' ', "-");
    if typed.is_empty() || name == typed {
        return Some(0);
    }
    if name.starts_with(&typed) {
        return Some(1);
    }
    if name.contains(&typed) {
        return Some(2);
    }
    if about.to_lowercase().replace(' ', "-").contains(&typed) {
        return Some(3);
    }
    let mut rest = name.chars();
    typed.chars().all(|char| rest.any(|has| has == char)).then_some(4)
}
