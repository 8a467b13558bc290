//! Windows over the panes; [`crate::app`] keeps them on a stack.

mod calls;
mod choices;
mod filter_line;
mod handover;
mod health;
mod help;
mod links;
mod load;
mod menu;
mod outbox;
mod palette;
mod prompt;
mod question;
mod results;
mod servers;
mod shelf;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::{Clear, Widget as _};

use super::cells;
use super::scene::{Scene, framed};
use crate::config::theme::Role;
use crate::model::Action;

pub(crate) use filter_line::FilterLine;
pub(crate) use handover::{HandoverView, Period};
pub(crate) use health::Health;
pub(crate) use help::Help;
pub(crate) use links::{Address, Links};
pub(crate) use load::LoadView;
pub(crate) use menu::{Item, Menu};
pub(crate) use outbox::OutboxList;
pub(crate) use palette::Palette;
pub(crate) use prompt::{Prompt, Wanted};
pub(crate) use question::Question;
pub(crate) use results::{Outcome, Results};
pub(crate) use shelf::ShelfList;

/// A window's frame: in the middle of the area, with a title and the keys that matter below.
pub(crate) struct Frame<'a> {
    pub(crate) title: &'a str,
    pub(crate) hints: &'a [Action],
    /// Wanted cells, the frame included.
    pub(crate) width: u16,
    /// Wanted lines, without the frame.
    pub(crate) height: u16,
}

impl Frame<'_> {
    /// Clears the place, draws the frame, answers what is inside.
    pub(crate) fn render(&self, scene: &Scene<'_>, buffer: &mut Buffer, area: Rect) -> Rect {
        self.render_submitting(scene, buffer, area, Action::Submit.spec().hint)
    }

    /// The same where the key that submits is said to do `submits`.
    pub(crate) fn render_submitting(&self, scene: &Scene<'_>, buffer: &mut Buffer, area: Rect, submits: &str) -> Rect {
        let place = self.place(area);
        Clear.render(place, buffer);
        buffer.set_style(place, scene.style(Role::Overlay));
        let title = [(self.title.to_owned(), scene.style(Role::Title))];
        let inner = framed(scene, buffer, place, true, &title, &[]);
        let mut parts: Vec<(String, Style)> = Vec::new();
        let hints: Vec<(String, &str)> = self
            .hints
            .iter()
            .map(|action| {
                let hint = if *action == Action::Submit { submits } else { action.spec().hint };
                (scene.key(*action), hint)
            })
            .collect();
        let room = usize::from(place.width.saturating_sub(5));
        for (key, hint) in fitting(&hints, room, 3) {
            parts.push((format!(" {key} "), scene.style(Role::Key)));
            parts.push((format!("{hint} "), scene.style(Role::Muted)));
        }
        if place.height > 1 {
            cells::write(buffer, place, place.x + 2, place.bottom() - 1, &parts);
        }
        Rect {
            x: inner.x + 1,
            width: inner.width.saturating_sub(2),
            ..inner
        }
    }

    /// What is inside, as [`Frame::render`] answers it.
    pub(crate) fn inner(&self, area: Rect) -> Rect {
        let place = self.place(area);
        Rect {
            x: place.x + 2,
            y: place.y + 1,
            width: place.width.saturating_sub(4),
            height: place.height.saturating_sub(2),
        }
    }

    fn place(&self, area: Rect) -> Rect {
        let width = self.width.min(area.width);
        let height = self.height.saturating_add(2).min(area.height);
        Rect {
            x: area.x + (area.width - width) / 2,
            y: area.y + (area.height - height) / 2,
            width,
            height,
        }
    }

    /// Lines inside of the frame.
    pub(crate) fn inner_height(&self, area: Rect) -> usize {
        usize::from(self.place(area).height.saturating_sub(2))
    }
}

/// The hints that fit into `room` cells, each with `around` cells about key and word. The last says how to get out: it is
/// kept, whatever else has to go.
pub(crate) fn fitting<'a>(hints: &[(String, &'a str)], room: usize, around: usize) -> Vec<(String, &'a str)> {
    let wide = |(key, hint): &(String, &str)| cells::width(key) + cells::width(hint) + around;
    let Some((out, others)) = hints.split_last() else {
        return Vec::new();
    };
    let mut left = room.saturating_sub(wide(out));
    let mut shown: Vec<(String, &str)> = Vec::new();
    for hint in others {
        if wide(hint) > left {
            break;
        }
        left -= wide(hint);
        shown.push(hint.clone());
    }
    shown.push(out.clone());
    shown
}
