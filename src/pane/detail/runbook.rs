//! The runbook of an alert: Markdown, rendered plainly.

use super::super::cells;
use super::super::scene::Scene;
use super::Line;
use crate::config::theme::Role;
use crate::domain::{Alert, SafeText, slug};

/// Most lines of a runbook that are shown.
const LINES_MOST: usize = 2_000;

/// The text, or where to put one.
pub(super) fn runbook_lines(scene: &Scene<'_>, alert: &Alert, width: usize) -> Vec<Line> {
    let name = slug(alert.name.raw());
    let sentence = |text: &str, role: Role| -> Vec<Line> {
        cells::wrap(text, width)
            .into_iter()
            .map(|line| vec![(line, scene.style(role))])
            .collect()
    };
    if name.is_empty() {
        return sentence("This alert's name makes no file name: there can be no runbook for it.", Role::Muted);
    }
    match scene.store.runbook(&name) {
        None => sentence(&format!("reading {}", scene.glyphs().ellipsis), Role::Muted),
        Some(Err(why)) => sentence(SafeText::new(why.as_str()).shown(), Role::Warning),
        Some(Ok(None)) => {
            let mut lines = sentence("There is no runbook for this alert.", Role::Text);
            lines.push(Vec::new());
            let place = format!(
                "Write one as Markdown into {}/{name}.md: it is shown here the next time that the alert is opened.",
                SafeText::new(scene.setup.runbooks.as_str()).shown()
            );
            lines.extend(sentence(&place, Role::Muted));
            lines
        }
        Some(Ok(Some(text))) => markdown(scene, text, width),
    }
}

/// Headings, lists, numbered lists, quotes and code as they read; everything else as paragraphs.
fn markdown(scene: &Scene<'_>, text: &str, width: usize) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut paragraph = String::new();
    let mut in_code = false;
    let flush = |paragraph: &mut String, lines: &mut Vec<Line>| {
        if !paragraph.is_empty() {
            let text = plain(&std::mem::take(paragraph));
            lines.extend(
                cells::wrap(&text, width)
                    .into_iter()
                    .map(|line| vec![(line, scene.style(Role::Text))]),
            );
        }
    };
    for raw in text.lines() {
        if lines.len() > LINES_MOST {
            lines.push(vec![("(cut here)".into(), scene.style(Role::Muted))]);
            return lines;
        }
        let safe = SafeText::new(raw);
        let trimmed = safe.shown().trim();
        if trimmed.starts_with("```") {
            flush(&mut paragraph, &mut lines);
            in_code = !in_code;
            continue;
        }
        if in_code {
            let line = scene.cut(safe.shown().trim_end(), width.saturating_sub(2));
            lines.push(vec![("  ".into(), scene.style(Role::Muted)), (line, scene.style(Role::Key))]);
            continue;
        }
        if trimmed.is_empty() {
            flush(&mut paragraph, &mut lines);
            if lines.last().is_some_and(|line| !line.is_empty()) {
                lines.push(Vec::new());
            }
        } else if let Some(heading) = heading(trimmed) {
            flush(&mut paragraph, &mut lines);
            for line in cells::wrap(&plain(heading), width) {
                lines.push(vec![(line, scene.style(Role::Title))]);
            }
        } else if let Some((mark, rest)) = item(trimmed) {
            flush(&mut paragraph, &mut lines);
            let deep = (safe.shown().len() - safe.shown().trim_start().len()).min(8);
            let wide = deep + cells::width(&mark) + 1;
            for (index, line) in cells::wrap(&plain(rest), width.saturating_sub(wide)).into_iter().enumerate() {
                let first = if index == 0 {
                    format!("{}{mark} ", " ".repeat(deep))
                } else {
                    " ".repeat(wide)
                };
                lines.push(vec![(first, scene.style(Role::Key)), (line, scene.style(Role::Text))]);
            }
        } else {
            if !paragraph.is_empty() {
                paragraph.push(' ');
            }
            paragraph.push_str(trimmed);
        }
    }
    flush(&mut paragraph, &mut lines);
    lines
}

fn heading(line: &str) -> Option<&str> {
    let rest = line.trim_start_matches('#');
    let level = line.len() - rest.len();
    ((1..=6).contains(&level) && rest.starts_with(' ')).then(|| rest.trim().trim_end_matches('#').trim_end())
}

/// `- `, `* `, `+ `, `> `, `3. `, with a box to tick as it is.
fn item(line: &str) -> Option<(String, &str)> {
    for mark in ["- ", "* ", "+ "] {
        if let Some(rest) = line.strip_prefix(mark) {
            return Some(("-".into(), rest));
        }
    }
    if let Some(rest) = line.strip_prefix('>') {
        return Some((">".into(), rest.trim_start()));
    }
    let (number, rest) = line.split_once(['.', ')'])?;
    let is_number = !number.is_empty() && number.len() <= 3 && number.chars().all(|char| char.is_ascii_digit());
    rest.strip_prefix(' ')
        .filter(|_| is_number)
        .map(|rest| (format!("{number}."), rest))
}

/// Without the marks of emphasis and code; a link keeps its words and its address.
fn plain(text: &str) -> String {
    let text = text.replace("**", "").replace("__", "").replace('`', "");
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once('[') {
        let link = after
            .split_once("](")
            .and_then(|(words, tail)| tail.split_once(')').map(|(address, tail)| (words, address, tail)))
            .filter(|(words, ..)| !words.contains('['));
        out.push_str(before);
        match link {
            Some((words, address, tail)) => {
                out.push_str(words);
                out.push_str(" (");
                out.push_str(address);
                out.push(')');
                rest = tail;
            }
            None => {
                out.push('[');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_go_and_words_stay() {
        assert_eq!(
            plain("**Stop** the `P-1` see [manual](https://x/y) [x] a[0]"),
            "Stop the P-1 see manual (https://x/y) [x] a[0]"
        );
        assert_eq!(heading("## Do this ##"), Some("Do this"));
        assert_eq!(heading("#hash"), None);
        assert_eq!(item("12. turn"), Some(("12.".into(), "turn")));
        assert_eq!(item("3.5 bar"), None);
        assert_eq!(item("- [ ] check"), Some(("-".into(), "[ ] check")));
    }
}
