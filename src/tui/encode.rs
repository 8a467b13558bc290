//! From the difference of two pictures to bytes: the only escape sequences that a frame can hold are made here.

use std::io::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::{Position, Rect};
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr as _;

use super::canvas::Picture;
use crate::app::Hyperlink;

/// Frames longer than this are shown at once by terminals that can (mode 2026); shorter ones do not tear.
const SYNCHRONIZED_FROM_BYTES: usize = 1_024;

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
        let Picture { buffer, cursor, links } = picture;
        let before = std::mem::take(&mut self.links);
        let mut pen = Pen::default();
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
                        cell.modifier.toggle(Modifier::HIDDEN); // nothing of ours is hidden: it differs
                    }
                }
            }
        }
        let mut moved = false;
        for (x, y, cell) in shown.diff(&buffer) {
            if !moved && self.cursor.is_some() {
                pen.out.extend_from_slice(b"\x1b[?25l"); // it would run along with the writing
                self.cursor = None;
            }
            moved = true;
            pen.link(link_at(&links, x, y));
            pen.cell(x, y, cell);
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

/// The terminal's drawing state while a frame is written.
#[derive(Default)]
struct Pen {
    out: Vec<u8>,
    at: Option<(u16, u16)>,
    foreground: Color,
    background: Color,
    modifier: Modifier,
    link: String,
}

/// The address behind a cell.
fn link_at(links: &[Hyperlink], x: u16, y: u16) -> &str {
    links
        .iter()
        .find(|link| link.y == y && (link.x..link.x.saturating_add(link.width)).contains(&x))
        .map_or("", |link| link.url.as_str())
}

impl Pen {
    /// What is written from here on leads to an address; the empty one ends that. Anything but printable ASCII is left out.
    fn link(&mut self, url: &str) {
        if self.link == url {
            return;
        }
        url.clone_into(&mut self.link);
        let safe: String = url.chars().filter(char::is_ascii_graphic).collect();
        let _ = write!(self.out, "\x1b]8;;{safe}\x1b\\"); // writing to a Vec cannot fail
    }

    fn go(&mut self, x: u16, y: u16) {
        let _ = match self.at {
            Some(at) if at == (x, y) => Ok(()),
            Some((from, row)) if row == y && x > from => match x - from {
                1 => write!(self.out, "\x1b[C"),
                columns => write!(self.out, "\x1b[{columns}C"),
            },
            _ => write!(self.out, "\x1b[{};{}H", y + 1, x + 1),
        }; // writing to a Vec cannot fail
        self.at = Some((x, y));
    }

    fn cell(&mut self, x: u16, y: u16, cell: &Cell) {
        self.go(x, y);
        self.style(cell);
        let symbol = cell.symbol();
        if symbol.len() == 1 && symbol.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
            self.out.extend_from_slice(symbol.as_bytes());
            self.at = Some((x + 1, y));
            return;
        }
        let safe: String = symbol.chars().filter(|char| !is_forbidden(*char)).collect();
        if safe.is_empty() {
            self.out.push(b' ');
            self.at = Some((x + 1, y));
            return;
        }
        self.out.extend_from_slice(safe.as_bytes());
        // Terminals disagree about the width of anything out of the ordinary: say where we are.
        self.at = (safe.width() == 1 && safe.chars().count() == 1).then_some((x + 1, y));
    }

    fn style(&mut self, cell: &Cell) {
        let mut codes: Vec<String> = Vec::new();
        if !cell.modifier.contains(self.modifier) {
            codes.push("0".into());
            (self.foreground, self.background, self.modifier) = (Color::Reset, Color::Reset, Modifier::empty());
        }
        let added = cell.modifier - self.modifier;
        for (flag, code) in [
            (Modifier::BOLD, "1"),
            (Modifier::DIM, "2"),
            (Modifier::ITALIC, "3"),
            (Modifier::UNDERLINED, "4"),
            (Modifier::SLOW_BLINK, "5"),
            (Modifier::RAPID_BLINK, "6"),
            (Modifier::REVERSED, "7"),
            (Modifier::HIDDEN, "8"),
            (Modifier::CROSSED_OUT, "9"),
        ] {
            if added.contains(flag) {
                codes.push(code.into());
            }
        }
        if cell.fg != self.foreground {
            codes.push(colour(cell.fg, 30));
        }
        if cell.bg != self.background {
            codes.push(colour(cell.bg, 40));
        }
        if !codes.is_empty() {
            let _ = write!(self.out, "\x1b[{}m", codes.join(";")); // writing to a Vec cannot fail
        }
        (self.foreground, self.background, self.modifier) = (cell.fg, cell.bg, cell.modifier);
    }

    /// Leaves nothing behind in which another program's line could appear.
    fn finish(&mut self) {
        self.link("");
        if (self.foreground, self.background, self.modifier) != (Color::Reset, Color::Reset, Modifier::empty()) {
            self.out.extend_from_slice(b"\x1b[0m");
        }
    }
}

/// The SGR code of a colour; `base` is 30 for the foreground and 40 for the background. The sixteen named ones have
/// their short codes, which every terminal knows.
fn colour(colour: Color, base: u8) -> String {
    let named = |index: u8| if index < 8 { base + index } else { base + 52 + index }.to_string();
    match colour {
        Color::Reset => (base + 9).to_string(),
        Color::Black => named(0),
        Color::Red => named(1),
        Color::Green => named(2),
        Color::Yellow => named(3),
        Color::Blue => named(4),
        Color::Magenta => named(5),
        Color::Cyan => named(6),
        Color::Gray => named(7),
        Color::DarkGray => named(8),
        Color::LightRed => named(9),
        Color::LightGreen => named(10),
        Color::LightYellow => named(11),
        Color::LightBlue => named(12),
        Color::LightMagenta => named(13),
        Color::LightCyan => named(14),
        Color::White => named(15),
        Color::Indexed(index) => format!("{};5;{index}", base + 8),
        Color::Rgb(red, green, blue) => format!("{};2;{red};{green};{blue}", base + 8),
    }
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
            "\x1b]8;;https://m/a]0;xb\x1b\\\x1b[1;2Hbc\x1b]8;;\x1b\\"
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

    proptest! {
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
