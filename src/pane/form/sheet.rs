//! Several fields, one of them focused.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::widgets::Widget as _;
use tui_textarea::CursorMove;

use super::super::cells;
use super::super::scene::Scene;
use super::field::Field;
use crate::config::theme::Role;
use crate::model::{Action, Draft, DraftKey, Key};

/// Most choices that are listed below a field.
const CHOICES_MOST: u16 = 6;
/// Cells of the labels.
const LABEL: u16 = 18;
/// Most lines of what is said below the fields.
const FOOT_MOST: u16 = 2;

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Took {
    /// The text changed.
    Changed,
    /// Something else changed, or nothing.
    Stay,
    /// The person wants it sent.
    Submit,
    /// The person leaves.
    Leave,
}

/// How the fields are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// One of them is being edited.
    Focused,
    /// The focus is elsewhere.
    Resting,
    /// They do not count now, and cannot be edited.
    Unused,
}

/// The fields of a form.
#[derive(Clone, Debug)]
pub(crate) struct Sheet {
    /// Whose draft it is.
    pub(crate) key: DraftKey,
    pub(crate) fields: Vec<Field>,
    pub(crate) focus: usize,
    /// Why it was not sent: the field and a sentence.
    pub(crate) error: Option<(&'static str, String)>,
    /// What is worth knowing about a field that was left.
    aside: Option<String>,
    /// When the draft that it was filled from was written.
    pub(crate) restored: Option<Timestamp>,
}

impl Sheet {
    pub(crate) fn new(key: DraftKey, fields: Vec<Field>) -> Self {
        Self {
            key,
            fields,
            focus: 0,
            error: None,
            aside: None,
            restored: None,
        }
    }

    /// The text of a field.
    pub(crate) fn value(&self, name: &str) -> String {
        self.fields
            .iter()
            .find(|field| field.name == name)
            .map_or_else(String::new, Field::value)
    }

    /// The text of a field, where there is any.
    pub(crate) fn optional(&self, name: &str) -> Option<String> {
        Some(self.value(name)).filter(|value| !value.is_empty())
    }

    /// Puts the focus on a field with a reason.
    pub(crate) fn refuse(&mut self, name: &'static str, why: String) {
        if let Some(at) = self.fields.iter().position(|field| field.name == name) {
            self.focus = at;
        }
        self.error = Some((name, why));
    }

    /// What is to be kept of it.
    pub(crate) fn draft(&self, now: Timestamp) -> Draft {
        Draft {
            key: self.key.clone(),
            fields: self.fields.iter().map(|field| (field.name.to_owned(), field.shown())).collect(),
            saved_at: now,
        }
    }

    /// Fills it from what was kept.
    pub(crate) fn restore(&mut self, draft: &Draft) {
        for (name, text) in &draft.fields {
            if let Some(field) = self.fields.iter_mut().find(|field| field.name == name && field.shown() != *text) {
                field.put(text);
                self.restored = Some(draft.saved_at);
            }
        }
    }

    fn focused(&mut self) -> Option<&mut Field> {
        self.fields.get_mut(self.focus)
    }

    fn step(&mut self, forward: bool) {
        let count = self.fields.len().max(1);
        self.leave((self.focus + if forward { 1 } else { count - 1 }) % count);
    }

    /// Goes to another field, and says what there is to say about the one that is left.
    pub(crate) fn leave(&mut self, to: usize) {
        let parting = self.fields.get(self.focus).map(|field| (field.name, field.parting()));
        self.focus = to;
        self.aside = None;
        if let Some(field) = self.focused() {
            field.enter();
        }
        match parting {
            Some((name, Some(Err(why)))) => self.error = Some((name, why)),
            Some((_, Some(Ok(word)))) => self.aside = Some(word),
            Some((_, None)) | None => {}
        }
    }

    /// What is said when the form is left as it stands.
    pub(crate) fn parting(&self) -> Option<String> {
        let parting = self.fields.get(self.focus)?.parting()?;
        Some(parting.unwrap_or_else(|why| why))
    }

    /// Takes an action of the table.
    pub(crate) fn act(&mut self, action: Action) -> Took {
        match action {
            Action::Submit => return Took::Submit,
            Action::Leave => return Took::Leave,
            Action::NextField => self.step(true),
            Action::PreviousField => self.step(false),
            Action::BreakLine => {
                let broken = self.focused().is_some_and(Field::break_line);
                return if broken { Took::Changed } else { Took::Stay };
            }
            Action::NextChoice | Action::PreviousChoice => {
                let down = action == Action::NextChoice;
                let Some(field) = self.focused() else { return Took::Stay };
                if !field.choices.is_empty() {
                    if field.choose(down) {
                        self.error = None;
                        self.aside = None;
                        return Took::Changed;
                    }
                } else if !field.move_line(down) {
                    let at = self.focus;
                    let last = self.fields.len().saturating_sub(1);
                    self.leave(if down { (at + 1).min(last) } else { at.saturating_sub(1) });
                }
            }
            _ => {}
        }
        Took::Stay
    }

    /// Takes a key that means text.
    pub(crate) fn key(&mut self, key: Key) -> Took {
        self.edit(|field| field.key(key))
    }

    /// Takes pasted text.
    pub(crate) fn paste(&mut self, text: &str) -> Took {
        self.edit(|field| field.paste(text))
    }

    fn edit(&mut self, with: impl FnOnce(&mut Field) -> bool) -> Took {
        if self.focused().is_some_and(with) {
            self.error = None;
            self.aside = None;
            Took::Changed
        } else {
            Took::Stay
        }
    }

    /// Lines that it would like.
    pub(crate) fn wanted(&self) -> u16 {
        let choices = self.fields.iter().map(|field| field.choices.len()).max().unwrap_or(0);
        let choices = u16::try_from(choices).unwrap_or(CHOICES_MOST).min(CHOICES_MOST);
        self.fields.iter().map(|field| field.rows + u16::from(field.rows > 1)).sum::<u16>() + choices + 1
    }

    /// Draws the fields as what counts.
    pub(crate) fn render(&self, scene: &Scene<'_>, buffer: &mut Buffer, area: Rect, focused: bool) {
        self.render_as(scene, buffer, area, if focused { Manner::Focused } else { Manner::Resting });
    }

    /// Draws the fields; where they do not fit, those around the focused one.
    pub(crate) fn render_as(&self, scene: &Scene<'_>, buffer: &mut Buffer, area: Rect, manner: Manner) {
        let focused = manner == Manner::Focused;
        if area.height == 0 || area.width < LABEL + 4 {
            return;
        }
        // The last line, or two, say what is wrong, or where the text came from.
        let (foot, foot_role) = self.foot(scene, manner);
        let foot = cells::wrap(&foot, usize::from(area.width.saturating_sub(2)));
        let foot_height = u16::try_from(foot.len()).unwrap_or(1).clamp(1, FOOT_MOST);
        let body = Rect {
            height: area.height.saturating_sub(foot_height).max(1),
            ..area
        };
        let mut rows: Vec<u16> = self.fields.iter().map(|field| field.rows).collect();
        let extra = |at: usize, field: &Field| {
            if at == self.focus && focused {
                u16::try_from(field.fitting().len()).unwrap_or(CHOICES_MOST).min(CHOICES_MOST)
            } else {
                0
            }
        };
        let total = |rows: &[u16]| -> u16 {
            self.fields
                .iter()
                .enumerate()
                .zip(rows)
                .map(|((at, field), rows)| rows + extra(at, field))
                .sum()
        };
        // Tall fields shrink first, but for the focused one; then the sheet scrolls.
        while total(&rows) > body.height {
            let tallest = rows
                .iter()
                .enumerate()
                .filter(|(at, rows)| **rows > 1 && *at != self.focus)
                .max_by_key(|(_, rows)| **rows);
            let Some(at) = tallest.map(|(at, _)| at) else { break };
            if let Some(row) = rows.get_mut(at) {
                *row -= 1;
            }
        }
        let mut first = 0;
        let bottom_of_focus = |first: usize, rows: &[u16]| -> u16 {
            self.fields
                .iter()
                .enumerate()
                .zip(rows)
                .skip(first)
                .take((self.focus + 1).saturating_sub(first))
                .map(|((at, field), rows)| rows + extra(at, field))
                .sum()
        };
        while bottom_of_focus(first, &rows) > body.height && first < self.focus {
            first += 1;
        }
        let roomy = total(&rows) + u16::try_from(self.fields.len()).unwrap_or(0) <= body.height;
        let mut y = body.y;
        for (at, field) in self.fields.iter().enumerate().skip(first) {
            let height = rows.get(at).copied().unwrap_or(1).min(body.bottom().saturating_sub(y));
            if height == 0 {
                break;
            }
            let here = at == self.focus && focused;
            let label_style = scene.style(if here { Role::Title } else { Role::Muted });
            let sign = if here { scene.glyphs().cursor } else { " " };
            cells::write(
                buffer,
                body,
                body.x,
                y,
                &[
                    (format!("{sign} "), scene.style(Role::Key)),
                    (cells::left(field.label, usize::from(LABEL) - 3, "") + " ", label_style),
                ],
            );
            let input = Rect {
                x: body.x + LABEL,
                y,
                width: body.width - LABEL,
                height,
            };
            render_field(scene, buffer, input, field, here, manner);
            y += height;
            let choices = extra(at, field);
            if choices > 0 {
                y = render_choices(
                    scene,
                    buffer,
                    Rect {
                        y,
                        height: choices.min(body.bottom().saturating_sub(y)),
                        ..input
                    },
                    field,
                );
            }
            if roomy && field.rows > 1 && y < body.bottom() {
                y += 1;
            }
        }
        for (y, text) in (area.bottom().saturating_sub(foot_height).max(body.bottom())..area.bottom()).zip(foot) {
            cells::write(buffer, area, area.x + 2, y, &[(text, scene.style(foot_role))]);
        }
    }

    /// What stands below the fields; may be nothing.
    fn foot(&self, scene: &Scene<'_>, manner: Manner) -> (String, Role) {
        match (&self.error, &self.aside, self.restored) {
            (Some((_, why)), _, _) => (format!("! {why}"), Role::Error),
            (None, Some(word), _) => (word.clone(), Role::Warning),
            (None, None, Some(at)) => (format!("restored from your draft of {}", scene.clock(at)), Role::Warning),
            (None, None, None) if manner == Manner::Unused => ("a link uses nothing of these fields".into(), Role::Muted),
            (None, None, None) => (String::new(), Role::Muted),
        }
    }
}

fn render_field(scene: &Scene<'_>, buffer: &mut Buffer, area: Rect, field: &Field, here: bool, manner: Manner) {
    let style = scene.style(match (here, manner) {
        (true, _) => Role::InputFocused,
        (false, Manner::Unused) => Role::Muted,
        (false, Manner::Focused | Manner::Resting) => Role::Input,
    });
    // Where the focused field begins and ends is seen without colour, too.
    let style = if here { style.add_modifier(Modifier::UNDERLINED) } else { style };
    buffer.set_style(area, style);
    let mut text = field.area.clone();
    if !here {
        if field.shown().is_empty() {
            cells::write(
                buffer,
                area,
                area.x,
                area.y,
                &[(scene.glyphs().none.to_owned(), scene.style(Role::Muted))],
            );
            return;
        }
        text.move_cursor(CursorMove::Top); // a field that is not being edited is read from its beginning
        text.move_cursor(CursorMove::Head);
    }
    // A choice that the next character replaces stands out as a whole, as selected text does everywhere.
    let whole = if here && field.is_taken() {
        style.add_modifier(Modifier::REVERSED)
    } else {
        style
    };
    text.set_style(whole);
    text.set_cursor_line_style(Style::new());
    text.set_cursor_style(if here { style.add_modifier(Modifier::REVERSED) } else { style });
    text.render(area, buffer);
}

fn render_choices(scene: &Scene<'_>, buffer: &mut Buffer, area: Rect, field: &Field) -> u16 {
    let shown = field.shown();
    let fitting = field.fitting();
    let at = fitting.iter().position(|choice| **choice == shown);
    let height = usize::from(area.height);
    let top = at.map_or(0, |at| (at + 1).saturating_sub(height));
    let mut y = area.y;
    for (index, choice) in fitting.iter().enumerate().skip(top).take(height) {
        let here = Some(index) == at;
        let sign = if here { scene.glyphs().cursor } else { " " };
        let style = scene.style(if here { Role::Selection } else { Role::Text });
        let text = cells::left(&format!("{sign} {choice}"), usize::from(area.width), scene.glyphs().ellipsis);
        cells::write(buffer, area, area.x, y, &[(text, style)]);
        y += 1;
    }
    y
}
