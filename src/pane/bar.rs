//! The last line: what the keys do here, and what just happened.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::{Clear, Widget as _};

use super::cells;
use super::scene::Scene;
use crate::config::theme::Role;
use crate::model::Action;

/// One sentence to the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What.
    pub text: String,
    /// Its meaning.
    pub tone: Tone,
}

/// What kind of sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// It went well.
    Good,
    /// Good to know.
    Plain,
    /// Refused or failed: it stays until a key is pressed.
    Bad,
}

impl Tone {
    /// The meaning of its colour.
    pub fn role(self) -> Role {
        match self {
            Self::Good => Role::Success,
            Self::Plain => Role::Text,
            Self::Bad => Role::Error,
        }
    }
}

/// Most lines that a long notice takes.
const LINES_MOST: usize = 3;

/// Draws hints at the left and the notice at the right, in the last line of the screen. A notice that needs the room takes the
/// place of the hints, and where one line is not enough, the lines above.
pub(crate) fn render(scene: &Scene<'_>, buffer: &mut Buffer, screen: Rect, actions: &[Action], notice: Option<&Notice>) {
    let area = Rect {
        y: screen.bottom().saturating_sub(1),
        height: screen.height.min(1),
        ..screen
    };
    let width = usize::from(area.width);
    let text = notice.map(|notice| format!("{}{}", if notice.tone == Tone::Bad { "! " } else { "" }, notice.text));
    if let (Some(text), Some(notice)) = (&text, notice)
        && cells::width(text) + 2 > width
    {
        render_long(scene, buffer, screen, text, notice.tone);
        return;
    }
    let taken = text.as_ref().map_or(0, |text| cells::width(text) + 3);
    let mut room = width.saturating_sub(taken + 1);
    let mut parts: Vec<(String, Style)> = vec![(" ".to_owned(), scene.style(Role::Text))];
    let wide = |action: Action| cells::width(&scene.key(action)) + 1 + cells::width(action.spec().hint) + 2;
    // How to get out keeps its room, whatever else has to go.
    let mut kept = actions
        .last()
        .filter(|action| matches!(action, Action::Back | Action::Leave))
        .map_or(0, |action| wide(*action));
    for (at, action) in actions.iter().enumerate() {
        let (key, hint) = (scene.key(*action), action.spec().hint);
        if at + 1 == actions.len() {
            kept = 0;
        }
        let wide = wide(*action);
        if key.is_empty() || hint.is_empty() || wide + kept > room + 2 {
            continue;
        }
        room = room.saturating_sub(wide);
        parts.push((key, scene.style(Role::Key)));
        parts.push((format!(" {hint}  "), scene.style(Role::Muted)));
    }
    cells::write(buffer, area, area.x, area.y, &parts);
    if let (Some(text), Some(notice)) = (text, notice) {
        let x = width.saturating_sub(cells::width(&text) + 1);
        let x = area.x + u16::try_from(x).unwrap_or(0);
        cells::write(buffer, area, x, area.y, &[(text, scene.style(notice.tone.role()))]);
    }
}

fn render_long(scene: &Scene<'_>, buffer: &mut Buffer, screen: Rect, text: &str, tone: Tone) {
    let width = usize::from(screen.width.saturating_sub(2));
    let mut lines = cells::wrap(text, width);
    if lines.len() > LINES_MOST {
        let rest = lines.split_off(LINES_MOST - 1).join(" ");
        lines.push(scene.cut(&rest, width));
    }
    let height = u16::try_from(lines.len()).unwrap_or(0).min(screen.height);
    let place = Rect {
        y: screen.bottom() - height,
        height,
        ..screen
    };
    Clear.render(place, buffer);
    buffer.set_style(place, scene.style(Role::Overlay));
    for (y, line) in (place.y..place.bottom()).zip(lines) {
        cells::write(buffer, place, place.x + 1, y, &[(line, scene.style(tone.role()))]);
    }
}
