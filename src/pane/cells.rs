//! Text in cells: widths, cuts, alignment, wrapping. Counts terminal cells, never bytes.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Cells that a text takes: counted a grapheme at a time, as it is drawn. (Of some scripts the whole is narrower or
/// wider than its graphemes, and would then not stand where it was measured to.)
pub(crate) fn width(text: &str) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    text.graphemes(true).map(UnicodeWidthStr::width).sum()
}

/// As much of a text as fits, its cut marked with the ellipsis; never longer than `cells`.
pub(crate) fn cut(text: &str, cells: usize, ellipsis: &str) -> String {
    if width(text) <= cells {
        return text.to_owned();
    }
    let room = cells.saturating_sub(width(ellipsis));
    let mut out = String::new();
    let mut used = 0;
    for grapheme in text.graphemes(true) {
        let wide = width(grapheme);
        if used + wide > room {
            break;
        }
        out.push_str(grapheme);
        used += wide;
    }
    let out = out.trim_end();
    if cells == 0 { String::new() } else { format!("{out}{ellipsis}") }
}

/// A text in exactly `cells` cells, at the left.
pub(crate) fn left(text: &str, cells: usize, ellipsis: &str) -> String {
    let mut out = cut(text, cells, ellipsis);
    let pad = cells.saturating_sub(width(&out));
    out.extend(std::iter::repeat_n(' ', pad));
    out
}

/// A text in exactly `cells` cells, at the right.
pub(crate) fn right(text: &str, cells: usize, ellipsis: &str) -> String {
    let out = cut(text, cells, ellipsis);
    let pad = cells.saturating_sub(width(&out));
    format!("{}{out}", " ".repeat(pad))
}

/// Signs that belong to the word before them: no line begins with one.
fn clings(word: &str) -> bool {
    word.starts_with([
        ',', '.', ';', ':', '!', '?', ')', ']', '}', '%', '…', '’', '”', '»', '\'', '"', '、', '。', '，', '）',
    ])
}

/// A text in pieces between which a line may break: words with the signs behind them, and the spaces between.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut words = text.split_word_bound_indices().peekable();
    std::iter::from_fn(move || {
        let (start, first) = words.next()?;
        let mut end = start + first.len();
        if !first.trim().is_empty() {
            while let Some((_, sign)) = words.next_if(|(_, word)| clings(word)) {
                end += sign.len();
            }
        }
        text.get(start..end)
    })
}

/// What stands together in a line of at most `cells`: all between two spaces, so that an address or a path stays whole; where
/// that is too long, and in scripts that have no spaces, its pieces.
fn units(text: &str, cells: usize) -> impl Iterator<Item = &str> {
    let is_space = |word: &&str| word.trim().is_empty();
    let mut rest = text.split_word_bound_indices().peekable();
    let runs = std::iter::from_fn(move || {
        let (start, first) = rest.next()?;
        let mut end = start + first.len();
        if !is_space(&first) {
            while let Some((_, word)) = rest.next_if(|(_, word)| !is_space(word)) {
                end += word.len();
            }
        }
        text.get(start..end)
    });
    runs.flat_map(move |run| {
        if width(run) > cells || (!run.is_ascii() && run.graphemes(true).any(|sign| width(sign) > 1)) {
            pieces(run).collect()
        } else {
            vec![run]
        }
    })
}

/// The same in at most so many lines, one at the least; the last one ends with an ellipsis where there is more.
pub(crate) fn wrap_at_most(text: &str, cells: usize, most: usize, ellipsis: &str) -> Vec<String> {
    let mut lines = wrap(text, cells);
    let most = most.max(1);
    if lines.len() > most {
        let rest = lines.split_off(most - 1).join(" ");
        lines.push(cut(&rest, cells, ellipsis));
    }
    lines
}

/// Breaks a text between words into lines of at most `cells`; a longer word is broken where it must be.
pub(crate) fn wrap(text: &str, cells: usize) -> Vec<String> {
    if cells == 0 {
        return Vec::new();
    }
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in units(text, cells) {
        let wide = width(word);
        if used + wide > cells && word.trim().is_empty() {
            continue; // a space at the end of a line is the break
        }
        if used + wide > cells && used > 0 {
            lines.push(line.trim_end().to_owned());
            line = String::new();
            used = 0;
        }
        if wide <= cells {
            if !(used == 0 && word.trim().is_empty() && !lines.is_empty()) {
                line.push_str(word);
                used += wide;
            }
            continue;
        }
        for grapheme in word.graphemes(true) {
            // some scripts stack more into one grapheme than a narrow column has cells
            let grapheme = if width(grapheme) > cells { "\u{fffd}" } else { grapheme };
            let wide = width(grapheme);
            if used + wide > cells && used > 0 {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            line.push_str(grapheme);
            used += wide;
        }
    }
    lines.push(line.trim_end().to_owned());
    lines
}

/// Writes styled parts one after the other into one line of the area; answers the column after the last.
pub(crate) fn write(buffer: &mut Buffer, area: Rect, x: u16, y: u16, parts: &[(String, Style)]) -> u16 {
    let mut x = x.max(area.x);
    if y < area.y || y >= area.bottom() {
        return x;
    }
    for (text, style) in parts {
        if x >= area.right() {
            break;
        }
        let (next, _) = buffer.set_stringn(x, y, text, usize::from(area.right() - x), *style);
        x = next;
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_count_cells_and_say_so() {
        assert_eq!(cut("Bearing", 7, "…"), "Bearing");
        assert_eq!(cut("Bearing", 6, "…"), "Beari…");
        assert_eq!(cut("日本語", 5, "…"), "日本…");
        assert_eq!(cut("日本語", 4, "…"), "日…");
        assert_eq!(cut("abc", 0, "…"), "");
        assert_eq!(left("ab", 4, "…"), "ab  ");
        assert_eq!(right("ab", 4, "…"), "  ab");
    }

    #[test]
    fn wraps_at_words_and_breaks_only_what_is_too_long() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij kl", 4), ["abcd", "efgh", "ij", "kl"]);
        assert_eq!(wrap("", 4), [""]);
        assert!(wrap("x", 0).is_empty());
    }

    #[test]
    fn no_line_begins_with_the_sign_that_ends_a_word() {
        assert_eq!(wrap("take it back; or not", 12), ["take it", "back; or not"]);
        assert_eq!(wrap("so (that) it is", 9), ["so (that)", "it is"]);
        assert_eq!(wrap("so (that) it is", 8), ["so", "(that)", "it is"]);
        assert_eq!(wrap("abcd, ef", 4), ["abcd", ", ef"], "but for a word that fills the line");
        assert_eq!(wrap("日本、語", 5), ["日", "本、", "語"]);
        assert_eq!(
            wrap("see a.example/b-c now", 12),
            ["see", "a.example/b-", "c now"],
            "too long for a line"
        );
        assert_eq!(wrap("see a.example/b-c now", 13), ["see", "a.example/b-c", "now"]);
    }

    #[test]
    fn scripts_whose_whole_is_wider_than_its_parts_are_cut_too() {
        for line in wrap("aෘൊ", 2) {
            assert!(width(&line) <= 2, "{line}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_is_wider_than_asked(text in "\\PC{0,40}", cells in 0usize..30) {
            proptest::prop_assert!(width(&cut(&text, cells, "…")) <= cells);
            for line in wrap(&text, cells.max(2)) {
                proptest::prop_assert!(width(&line) <= cells.max(2));
            }
        }
    }
}
