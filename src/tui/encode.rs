//! From the difference of two pictures to bytes: the only escape sequences that a frame can hold are made here.

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::{Position, Rect};
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr as _;

use super::canvas::Picture;
use super::pen::{Pen, is_ascii, is_blank, link_at};
use crate::app::Hyperlink;

/// Frames longer than this are shown at once by terminals that can (mode 2026); shorter ones do not tear.
const SYNCHRONIZED_FROM_BYTES: usize = 1_024;

/// Shortest run of blanks at a line's end that is erased instead of written: as long as the sequence that does it.
const ERASED_FROM: usize = 4;
/// What the terminal shows, as far as it was written.
#[derive(Debug, Default)]
pub(super) struct Screen {
    shown: Option<Buffer>,
    cursor: Option<Position>,
    links: Vec<Hyperlink>,
}

impl Screen {
    /// Forgets what is shown: the next picture is drawn whole.
    pub(super) fn forget(&mut self) {
        self.shown = None;
        self.cursor = None;
    }

    /// The bytes that turn what is shown into `picture`; none where nothing differs.
    pub(super) fn advance(&mut self, picture: Picture) -> Vec<u8> {
        let Picture { mut buffer, cursor, links } = picture;
        for cell in &mut buffer.content {
            if is_blank(cell) {
                // only what can be seen is a difference
                cell.fg = Color::Reset;
                cell.modifier = Modifier::empty();
            }
        }
        let before = std::mem::take(&mut self.links);
        let mut pen = Pen::new(buffer.area.width);
        let mut shown = match self.shown.take() {
            Some(shown) if shown.area == buffer.area => shown,
            _ => {
                self.cursor = None;
                pen.out.extend_from_slice(b"\x1b[0m\x1b[?25l\x1b[2J");
                Buffer::empty(Rect { ..buffer.area })
            }
        };
        if before != links {
            // where a link begins or ends the text may be the same: it is written again
            for link in before.iter().chain(&links) {
                for x in link.x..link.x.saturating_add(link.width) {
                    if let Some(cell) = shown.cell_mut(Position { x, y: link.y }) {
                        distrust(cell);
                    }
                }
            }
        }
        distrust_halves(&mut shown, &buffer);
        let changes = shown.diff(&buffer);
        if !changes.is_empty() && self.cursor.is_some() {
            pen.out.extend_from_slice(b"\x1b[?25l"); // it would run along with the writing
            self.cursor = None;
        }
        for line in changes.chunk_by(|one, next| one.1 == next.1) {
            let bare = line.first().map_or(0, |(_, y, _)| bare_from(&buffer, *y));
            let (line, tail) = line.split_at(line.partition_point(|(x, ..)| *x < bare));
            for (x, y, cell) in line {
                pen.pass(&buffer, &links, *x, *y);
                pen.cell(*x, *y, link_at(&links, *x, *y), cell);
            }
            let is_linked = tail.iter().any(|(x, y, _)| !link_at(&links, *x, *y).is_empty());
            match tail {
                [(x, y, cell), ..] if tail.len() >= ERASED_FROM && !is_linked => pen.erase_line(*x, *y, cell),
                _ => {
                    for (x, y, cell) in tail {
                        pen.pass(&buffer, &links, *x, *y);
                        pen.cell(*x, *y, link_at(&links, *x, *y), cell);
                    }
                }
            }
        }
        pen.finish();
        if cursor != self.cursor {
            match cursor {
                Some(Position { x, y }) => {
                    pen.go(x, y);
                    if self.cursor.is_none() {
                        pen.out.extend_from_slice(b"\x1b[?25h");
                    }
                }
                None => pen.out.extend_from_slice(b"\x1b[?25l"),
            }
        }
        self.cursor = cursor;
        self.links = links;
        self.shown = Some(buffer);
        let mut out = pen.out;
        if out.len() > SYNCHRONIZED_FROM_BYTES {
            out.splice(0..0, *b"\x1b[?2026h");
            out.extend_from_slice(b"\x1b[?2026l");
        }
        out
    }
}

/// Makes a cell differ from whatever may be drawn there: no style blinks.
fn distrust(cell: &mut Cell) {
    cell.modifier.insert(Modifier::RAPID_BLINK);
}

/// What is written over the left half of a wide character leaves in its right half whatever the terminal makes of it.
fn distrust_halves(shown: &mut Buffer, next: &Buffer) {
    for index in 1..shown.content.len() {
        let left = shown.content.get(index - 1);
        let overwritten =
            left.is_some_and(|left| !is_ascii(left.symbol()) && left.symbol().width() > 1) && left != next.content.get(index - 1);
        if let Some(half) = shown.content.get_mut(index).filter(|_| overwritten) {
            distrust(half);
        }
    }
}

/// The column from which a line holds nothing, on the terminal's own background: only that is the same on every terminal after
/// an erasure.
fn bare_from(buffer: &Buffer, y: u16) -> u16 {
    let mut from = buffer.area.right();
    while from > buffer.area.left()
        && let Some(cell) = buffer.cell((from - 1, y))
        && is_blank(cell)
        && cell.bg == Color::Reset
    {
        from -= 1;
    }
    // The right half of a wide character looks empty, too.
    let wide = from > buffer.area.left() && buffer.cell((from - 1, y)).is_some_and(|cell| cell.symbol().width() > 1);
    from + u16::from(wide)
}

/// What no cell may hold, whatever way it came there: the last line of defence behind `SafeText`.
pub(super) fn is_forbidden(char: char) -> bool {
    crate::domain::is_hostile(char)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratatui::style::Style;

    use super::*;

    fn picture(lines: &[&str]) -> Picture {
        Picture {
            buffer: Buffer::with_lines(lines.iter().copied()),
            cursor: None,
            links: Vec::new(),
        }
    }

    fn shown(parser: &vt100::Parser) -> Vec<String> {
        let (_, columns) = parser.screen().size();
        parser.screen().rows(0, columns).collect()
    }

    #[test]
    fn nothing_changed_means_no_byte() {
        let mut screen = Screen::default();
        assert!(!screen.advance(picture(&["one", "two"])).is_empty());
        assert_eq!(screen.advance(picture(&["one", "two"])), b"");
        let mut with_cursor = picture(&["one", "two"]);
        with_cursor.cursor = Some(Position::new(1, 1));
        assert_eq!(screen.advance(with_cursor.clone()), b"\x1b[2;2H\x1b[?25h");
        assert_eq!(screen.advance(with_cursor), b"");
    }

    #[test]
    fn a_small_change_is_a_few_bytes() {
        let mut screen = Screen::default();
        screen.advance(picture(&["PUMP-017   98.4", "PUMP-018   12.0"]));
        assert_eq!(screen.advance(picture(&["PUMP-017   98.5", "PUMP-018   12.0"])), b"\x1b[1;15H5");
    }

    #[test]
    fn an_address_is_a_hyperlink_as_long_as_it_is_shown() {
        let link = |url: &str| Hyperlink {
            x: 1,
            y: 0,
            width: 2,
            url: url.into(),
        };
        let mut screen = Screen::default();
        screen.advance(picture(&["abcd"]));
        let mut linked = picture(&["abcd"]);
        linked.links = vec![link("https://m/a\u{1b}]0;x\u{7} b")];
        assert_eq!(
            String::from_utf8(screen.advance(linked.clone())).unwrap(),
            "\x1b[1;2H\x1b]8;;https://m/a]0;xb\x1b\\bc\x1b]8;;\x1b\\"
        );
        assert_eq!(screen.advance(linked), b"", "nothing changed");
        assert_eq!(String::from_utf8(screen.advance(picture(&["abcd"]))).unwrap(), "\x1b[1;2Hbc");
    }

    #[test]
    fn control_characters_and_the_like_never_leave() {
        let mut screen = Screen::default();
        let mut hostile = picture(&["abc"]);
        hostile.buffer[(0, 0)].set_symbol("\u{1b}]52;c;eA==\u{7}");
        hostile.buffer[(1, 0)].set_symbol("\u{202e}");
        hostile.buffer[(2, 0)].set_symbol("\u{9b}2J");
        let bytes = screen.advance(hostile);
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.contains('\u{7}') && !text.contains('\u{202e}') && !text.contains('\u{9b}'));
        assert_eq!(text.matches("\x1b]").count(), 0);
    }

    #[test]
    fn styles_reach_the_terminal_and_end_with_the_frame() {
        let mut parser = vt100::Parser::new(1, 6, 0);
        let mut screen = Screen::default();
        let mut plain = picture(&["abcdef"]);
        plain
            .buffer
            .set_style(Rect::new(1, 0, 2, 1), Style::new().fg(Color::LightRed).bold());
        plain.buffer.set_style(Rect::new(2, 0, 1, 1), Style::new().bg(Color::Indexed(238)));
        plain
            .buffer
            .set_style(Rect::new(4, 0, 1, 1), Style::new().fg(Color::Rgb(1, 2, 3)).reversed());
        parser.process(&screen.advance(plain));
        let cell = |column| parser.screen().cell(0, column).unwrap();
        assert_eq!((cell(0).fgcolor(), cell(0).bold()), (vt100::Color::Default, false));
        assert_eq!((cell(1).fgcolor(), cell(1).bold()), (vt100::Color::Idx(9), true));
        assert_eq!(cell(2).bgcolor(), vt100::Color::Idx(238));
        assert_eq!(
            (cell(3).fgcolor(), cell(3).bold(), cell(3).bgcolor()),
            (vt100::Color::Default, false, vt100::Color::Default)
        );
        assert!(cell(4).inverse() && cell(4).fgcolor() == vt100::Color::Rgb(1, 2, 3));
        assert_eq!(parser.screen().fgcolor(), vt100::Color::Default);
    }

    #[test]
    fn a_style_is_switched_and_not_begun_again_and_a_blank_needs_its_background_only() {
        let mut screen = Screen::default();
        let mut before = picture(&["ab cd"]);
        before
            .buffer
            .set_style(Rect::new(0, 0, 5, 1), Style::new().fg(Color::Indexed(200)).bg(Color::Indexed(17)));
        screen.advance(before.clone());
        let mut after = before.clone();
        after
            .buffer
            .set_style(Rect::new(2, 0, 1, 1), Style::new().fg(Color::Indexed(9)).bold());
        assert_eq!(screen.advance(after.clone()), b"", "nobody sees the colour of a blank");
        after.buffer.set_style(Rect::new(0, 0, 2, 1), Style::new().bold());
        after.buffer[(3, 0)].set_symbol("e");
        assert_eq!(
            String::from_utf8(screen.advance(after)).unwrap(),
            "\x1b[1;1H\x1b[1;38;5;200;48;5;17mab \x1b[22me\x1b[0m"
        );
    }

    #[test]
    fn moves_are_short_and_the_end_of_a_line_is_erased() {
        let mut screen = Screen::default();
        screen.advance(picture(&["one line of text  ", "another line      "]));
        let next = picture(&["two line of text  ", "anither           "]);
        assert_eq!(
            String::from_utf8(screen.advance(next)).unwrap(),
            "\x1b[1;1Htwo\x1b[2;3Hi\x1b[5C\x1b[K"
        );
    }

    fn look() -> impl Strategy<Value = Style> {
        let colour = || prop::sample::select(vec![Color::Reset, Color::Red, Color::Indexed(200)]);
        let modifier = prop::sample::select(vec![
            Modifier::empty(),
            Modifier::BOLD,
            Modifier::UNDERLINED,
            Modifier::REVERSED,
            Modifier::BOLD | Modifier::ITALIC,
        ]);
        (colour(), colour(), modifier).prop_map(|(fg, bg, modifier)| Style::new().fg(fg).bg(bg).add_modifier(modifier))
    }

    proptest! {
        /// Every cell looks as it was drawn, however styles and blanks follow one another.
        #[test]
        fn the_terminal_shows_the_last_styles(
            rows in proptest::collection::vec(proptest::collection::vec(("[a-c \u{6f22}é]{0,6}", look()), 1..7), 1..6)
        ) {
            let mut parser = vt100::Parser::new(2, 12, 0);
            let mut screen = Screen::default();
            for row in &rows {
                let mut buffer = Buffer::empty(Rect::new(0, 0, 12, 2));
                for (index, (text, style)) in row.iter().enumerate() {
                    let (x, y) = (u16::try_from(index * 5 % 12).unwrap(), u16::try_from(index % 2).unwrap());
                    buffer.set_stringn(x, y, text, usize::from(12 - x), *style);
                }
                parser.process(&screen.advance(Picture { buffer: buffer.clone(), cursor: None, links: Vec::new() }));
                let mut fresh = vt100::Parser::new(2, 12, 0);
                fresh.process(&Screen::default().advance(Picture { buffer: buffer.clone(), cursor: None, links: Vec::new() }));
                for (x, y) in (0..12).flat_map(|x| (0..2).map(move |y| (x, y))) {
                    let (drawn, seen, whole) = (&buffer[(x, y)], parser.screen().cell(y, x).unwrap(), fresh.screen().cell(y, x).unwrap());
                    let is_second = x > 0 && buffer[(x - 1, y)].symbol().width() > 1;
                    if is_second {
                        continue;
                    }
                    let text = |cell: &vt100::Cell| if cell.has_contents() { cell.contents().to_owned() } else { " ".to_owned() };
                    prop_assert_eq!(text(seen), drawn.symbol(), "{},{} of {:?}", x, y, &rows);
                    prop_assert_eq!(text(whole), drawn.symbol());
                    let paint = |colour| match colour {
                        Color::Red => vt100::Color::Idx(1),
                        Color::Indexed(index) => vt100::Color::Idx(index),
                        _ => vt100::Color::Default,
                    };
                    prop_assert_eq!(seen.bgcolor(), paint(drawn.bg), "{},{} of {:?}", x, y, &rows);
                    prop_assert_eq!(seen.inverse(), drawn.modifier.contains(Modifier::REVERSED), "{},{} of {:?}", x, y, &rows);
                    prop_assert_eq!(seen.underline(), drawn.modifier.contains(Modifier::UNDERLINED), "{},{} of {:?}", x, y, &rows);
                    if !is_blank(drawn) {
                        prop_assert_eq!(seen.fgcolor(), paint(drawn.fg), "{},{} of {:?}", x, y, &rows);
                        prop_assert_eq!(seen.bold(), drawn.modifier.contains(Modifier::BOLD), "{},{} of {:?}", x, y, &rows);
                        prop_assert_eq!(seen.italic(), drawn.modifier.contains(Modifier::ITALIC), "{},{} of {:?}", x, y, &rows);
                    }
                }
            }
        }

        /// However pictures follow one another, and whichever of them are skipped, the terminal shows the last.
        #[test]
        fn the_terminal_shows_the_last_picture(rows in proptest::collection::vec(proptest::collection::vec("[ -~äß漢字é]{0,10}", 3), 1..8)) {
            let mut parser = vt100::Parser::new(3, 24, 0);
            let mut screen = Screen::default();
            for row in &rows {
                let mut buffer = Buffer::empty(Rect::new(0, 0, 24, 3));
                for (y, line) in row.iter().enumerate() {
                    buffer.set_string(0, u16::try_from(y).unwrap(), line, Style::new());
                }
                parser.process(&screen.advance(Picture { buffer, cursor: None, links: Vec::new() }));
                let expected: Vec<String> = row.iter().map(|line| line.trim_end().to_owned()).collect();
                let seen: Vec<String> = shown(&parser).iter().map(|line| line.trim_end().to_owned()).collect();
                prop_assert_eq!(seen, expected);
            }
        }
    }
}
