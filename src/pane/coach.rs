//! The drill's hints: the lowest lines of the screen say the next step.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::cells;
use super::scene::Scene;
use crate::config::theme::Role;
use crate::model::Action;

/// On a screen of fewer lines there is no room for hints.
const LINES_LEAST: u16 = 16;
/// From these widths on a hint needs a line less.
const WIDE: u16 = 100;
const MIDDLE: u16 = 72;

/// One step of the drill, as it is to be said now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hint {
    /// Which step, from 1.
    pub(crate) step: usize,
    /// Of so many.
    pub(crate) of: usize,
    /// What the step is called.
    pub(crate) name: &'static str,
    /// What to look at and which key to press; keys stand between backticks.
    pub(crate) text: String,
}

/// Lines that hints take from the screen's lower end: always as many, so that nothing above jumps with a step.
pub(crate) fn height(screen: Rect) -> u16 {
    match (screen.width, screen.height) {
        (_, ..LINES_LEAST) => 0,
        (WIDE.., _) => 3,
        (MIDDLE.., _) => 4,
        _ => 5,
    }
}

/// Draws a hint: a rule with the step, then the text.
pub(crate) fn render(scene: &Scene<'_>, buffer: &mut Buffer, area: Rect, hint: &Hint) {
    let width = usize::from(area.width);
    let (key, title) = (scene.style(Role::Key), scene.style(Role::Title));
    let border = scene.style(Role::BorderFocused);
    let rule = scene.glyphs().border.horizontal_top;
    let hide = scene.key(Action::Hints);
    let head = format!(" Drill {}/{}: {} ", hint.step, hint.of, hint.name);
    let tail = format!(" {} ", Action::Hints.spec().hint);
    let fill = width.saturating_sub(2 + cells::width(&head) + 1 + cells::width(&hide) + cells::width(&tail) + 2);
    let parts = vec![
        (rule.repeat(2), border),
        (head, title),
        (rule.repeat(fill), border),
        (format!(" {hide}"), key),
        (tail, scene.style(Role::Muted)),
        (rule.repeat(2), border),
    ];
    cells::write(buffer, area, area.x, area.y, &parts);
    let lines = wrap(&hint.text, width.saturating_sub(2).max(1));
    for (y, line) in (area.y + 1..area.bottom()).zip(lines) {
        let parts: Vec<(String, Style)> = line
            .into_iter()
            .map(|(text, is_key)| (text, if is_key { key } else { scene.style(Role::Text) }))
            .collect();
        cells::write(buffer, area, area.x + 1, y, &parts);
    }
}

/// Breaks a text between words into lines; what stands between backticks is a key.
fn wrap(text: &str, cells: usize) -> Vec<Vec<(String, bool)>> {
    let mut lines: Vec<Vec<(String, bool)>> = vec![Vec::new()];
    let mut used = 0;
    for word in text.split(' ') {
        let parts: Vec<(String, bool)> = word
            .split('`')
            .enumerate()
            .map(|(index, part)| (part.to_owned(), index % 2 == 1))
            .filter(|(part, _)| !part.is_empty())
            .collect();
        let wide: usize = parts.iter().map(|(part, _)| cells::width(part)).sum();
        if used > 0 && used + 1 + wide > cells {
            lines.push(Vec::new());
            used = 0;
        }
        if let Some(line) = lines.last_mut() {
            if used > 0 {
                line.push((" ".into(), false));
                used += 1;
            }
            line.extend(parts);
            used += wide;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_from_words_and_lines_break_between_words() {
        let shown = |line: &Vec<(String, bool)>| line.iter().map(|(text, _)| text.as_str()).collect::<String>();
        let lines = wrap("press `a`, then wait; `esc` goes back", 16);
        assert_eq!(
            lines.iter().map(shown).collect::<Vec<_>>(),
            ["press a, then", "wait; esc goes", "back"]
        );
        let keys: Vec<&str> = lines
            .iter()
            .flatten()
            .filter(|(_, is_key)| *is_key)
            .map(|(text, _)| text.as_str())
            .collect();
        assert_eq!(keys, ["a", "esc"]);
    }
}
