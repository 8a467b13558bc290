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
use crate::model::{ACTIONS, Action, Context, Key, Spec};

/// The palette. It runs what works in the place from where it was opened.
#[derive(Debug)]
pub(crate) struct Palette {
    field: Field,
    context: Context,
    at: usize,
    scroll: Scroll,
}

impl Palette {
    /// Opens it over a layer of this context.
    pub(crate) fn new(context: Context) -> Self {
        Self {
            field: Field::new("palette", "", 1),
            context,
            at: 0,
            scroll: Scroll::default(),
        }
    }

    fn fitting(&self) -> Vec<&'static Spec> {
        let typed = self.field.shown().trim().to_lowercase();
        let mut found: Vec<(usize, &'static Spec)> = ACTIONS
            .iter()
            .filter(|spec| spec.context == Context::Global || spec.context == self.context)
            .filter(|spec| spec.action != Action::Palette)
            .filter_map(|spec| score(spec, &typed).map(|score| (score, spec)))
            .collect();
        found.sort_by_key(|(score, _)| *score);
        found.into_iter().map(|(_, spec)| spec).collect()
    }

    /// Takes an action of the table.
    pub(crate) fn act(&mut self, action: Action) -> Step {
        match action {
            Action::Leave => Step::Close,
            Action::Submit => match self.fitting().get(self.at) {
                Some(spec) => Step::CloseAsk(Ask::Run(spec.action)),
                None => Step::Refuse(format!("no action fits `{}`", self.field.shown())),
            },
            Action::NextChoice | Action::PreviousChoice | Action::NextField | Action::PreviousField => {
                let by = if matches!(action, Action::NextChoice | Action::NextField) {
                    1
                } else {
                    -1
                };
                self.at = Motion::By(by).apply(self.at, self.fitting().len(), 1);
                Step::Stay
            }
            _ => Step::Stay,
        }
    }

    /// Takes a key that means text.
    pub(crate) fn key(&mut self, key: Key) -> Step {
        if self.field.key(key) {
            self.at = 0;
        }
        Step::Stay
    }

    /// Takes pasted text.
    pub(crate) fn paste(&mut self, text: &str) -> Step {
        if self.field.paste(text) {
            self.at = 0;
        }
        Step::Stay
    }

    fn frame() -> Frame<'static> {
        Frame {
            title: "Commands",
            hints: &[Action::Submit, Action::Leave],
            width: 90,
            height: 18,
        }
    }

    pub(crate) fn arrange(&mut self, area: Rect) {
        self.scroll.height = Self::frame().inner_height(area).saturating_sub(1);
        self.scroll.follow(self.at, self.fitting().len());
    }

    pub(crate) fn render(&self, scene: &Scene<'_>, buffer: &mut Buffer, area: Rect) {
        let inner = Self::frame().render(scene, buffer, area);
        let input = [
            (": ".to_owned(), scene.style(Role::Key)),
            (format!("{}_", self.field.shown()), scene.style(Role::InputFocused)),
        ];
        cells::write(buffer, inner, inner.x, inner.y, &input);
        let fitting = self.fitting();
        for (y, index) in (inner.y + 1..inner.bottom()).zip(self.scroll.range(fitting.len())) {
            let Some(spec) = fitting.get(index) else { break };
            let here = index == self.at;
            let sign = if here { scene.glyphs().cursor } else { " " };
            let key = scene.key(spec.action);
            let name_wide = 18;
            let about_wide = usize::from(inner.width).saturating_sub(2 + name_wide + 1 + 12);
            let parts = [
                (format!("{sign} "), scene.style(Role::Key)),
                (
                    cells::left(spec.name, name_wide, scene.glyphs().ellipsis) + " ",
                    scene.style(Role::Title),
                ),
                (cells::left(&key, 10, "") + "  ", scene.style(Role::Key)),
                (scene.cut(spec.about, about_wide), scene.style(Role::Text)),
            ];
            cells::write(buffer, inner, inner.x, y, &parts);
            if here {
                buffer.set_style(Rect { y, height: 1, ..inner }, scene.style(Role::Selection));
            }
        }
    }
}

/// How well an action fits what is typed, the less the better: the name's beginning, its inside, the description, letters in order.
fn score(spec: &Spec, typed: &str) -> Option<usize> {
    let typed = typed.replace(' ', "-");
    if typed.is_empty() || spec.name.starts_with(&typed) {
        return Some(0);
    }
    if spec.name.contains(&typed) {
        return Some(1);
    }
    if spec.about.to_lowercase().replace(' ', "-").contains(&typed) {
        return Some(2);
    }
    let mut rest = spec.name.chars();
    typed.chars().all(|char| rest.any(|has| has == char)).then_some(3)
}
