//! The pen that writes a frame: it knows where it stands and in which style, and takes the shortest way to the next cell.

use std::io::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr as _;

use super::encode::is_forbidden;
use crate::app::Hyperlink;

/// Longest run of unchanged cells that is written again because no sequence passes it in fewer bytes.
const REWRITTEN_MOST: u16 = 3;
/// What shows where nothing is written. A blank has no other use of its style than its background.
const SHOWS_ON_BLANKS: Modifier = Modifier::UNDERLINED.union(Modifier::REVERSED).union(Modifier::CROSSED_OUT);

/// The terminal's drawing state while a frame is written.
#[derive(Default)]
pub(super) struct Pen {
    pub(super) out: Vec<u8>,
    /// Columns of the terminal.
    width: u16,
    at: Option<(u16, u16)>,
    foreground: Color,
    background: Color,
    modifier: Modifier,
    link: String,
}

impl Pen {
    /// For a terminal of so many columns, of which nothing else is known.
    pub(super) fn new(width: u16) -> Self {
        Self { width, ..Self::default() }
    }

    /// What is written from here on leads to an address; the empty one ends that. Anything but printable ASCII is left out.
    fn link(&mut self, url: &str) {
        if self.link == url {
            return;
        }
        url.clone_into(&mut self.link);
        let safe: String = url.chars().filter(char::is_ascii_graphic).collect();
        let _ = write!(self.out, "\x1b]8;;{safe}\x1b\\"); // writing to a Vec cannot fail
    }

    /// Moves the cursor, in as few bytes as it takes.
    pub(super) fn go(&mut self, x: u16, y: u16) {
        if self.at == Some((x, y)) {
            return;
        }
        let absolute = format!("\x1b[{};{}H", y + 1, x + 1);
        // Past the last column terminals disagree about where they are.
        let near = self.at.filter(|(from, _)| *from < self.width);
        let relative = near.map(|(from, row)| steps(row, y, 'A', 'B') + &steps(from, x, 'D', 'C'));
        let shortest = relative.filter(|relative| relative.len() < absolute.len()).unwrap_or(absolute);
        self.out.extend_from_slice(shortest.as_bytes());
        self.at = Some((x, y));
    }

    /// Comes to a cell by writing the few before it again, where they need no other style and are fewer bytes than a move.
    pub(super) fn pass(&mut self, buffer: &Buffer, links: &[Hyperlink], x: u16, y: u16) {
        let Some((from, _)) = self.at.filter(|(from, row)| *row == y && *from < x && x - from <= REWRITTEN_MOST) else {
            return;
        };
        let mut between = String::new();
        for column in from..x {
            match buffer.cell((column, y)) {
                Some(cell) if is_ascii(cell.symbol()) && self.suits(cell) && link_at(links, column, y) == self.link => {
                    between.push_str(cell.symbol());
                }
                _ => return,
            }
        }
        if between.len() < steps(from, x, 'D', 'C').len() {
            self.out.extend_from_slice(between.as_bytes());
            self.at = Some((x, y));
        }
    }

    pub(super) fn cell(&mut self, x: u16, y: u16, link: &str, cell: &Cell) {
        self.go(x, y);
        self.link(link);
        self.style(cell);
        let symbol = cell.symbol();
        if is_ascii(symbol) {
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

    /// Empties a line from a column on; `bare` is a cell as they all are then.
    pub(super) fn erase_line(&mut self, x: u16, y: u16, bare: &Cell) {
        self.go(x, y);
        self.link("");
        self.style(bare);
        self.out.extend_from_slice(b"\x1b[K");
    }

    /// What a cell needs: foreground, background, modifiers. A blank takes what is there, as long as it does not show.
    fn needs(&self, cell: &Cell) -> (Color, Color, Modifier) {
        if is_blank(cell) {
            (self.foreground, cell.bg, self.modifier - SHOWS_ON_BLANKS)
        } else {
            (cell.fg, cell.bg, cell.modifier)
        }
    }

    fn suits(&self, cell: &Cell) -> bool {
        self.needs(cell) == (self.foreground, self.background, self.modifier)
    }

    /// Changes the style by switching off and on what differs, or from the start where that is shorter.
    fn style(&mut self, cell: &Cell) {
        let now = (self.foreground, self.background, self.modifier);
        let wanted = self.needs(cell);
        if now == wanted {
            return;
        }
        let change = change(now, wanted);
        let plain = (Color::Reset, Color::Reset, Modifier::empty());
        // a blank needs nothing of what a reset takes away
        let afresh = if is_blank(cell) {
            (Color::Reset, cell.bg, Modifier::empty())
        } else {
            wanted
        };
        let again = [vec!["0".to_owned()], self::change(plain, afresh)].concat().join(";");
        let change = change.join(";");
        let (codes, then) = if again.len() < change.len() {
            (again, afresh)
        } else {
            (change, wanted)
        };
        let _ = write!(self.out, "\x1b[{codes}m"); // writing to a Vec cannot fail
        (self.foreground, self.background, self.modifier) = then;
    }

    /// Leaves nothing behind in which another program's line could appear.
    pub(super) fn finish(&mut self) {
        self.link("");
        if (self.foreground, self.background, self.modifier) != (Color::Reset, Color::Reset, Modifier::empty()) {
            self.out.extend_from_slice(b"\x1b[0m");
        }
    }
}

/// Whether a symbol is one printable ASCII character, whose width nobody doubts.
pub(super) fn is_ascii(symbol: &str) -> bool {
    symbol.len() == 1 && symbol.bytes().all(|byte| (0x20..0x7f).contains(&byte))
}

/// The sequence that moves from one line or column to another; empty where they are the same.
fn steps(from: u16, to: u16, back: char, forth: char) -> String {
    let way = if to < from { back } else { forth };
    match from.abs_diff(to) {
        0 => String::new(),
        1 => format!("\x1b[{way}"),
        count => format!("\x1b[{count}{way}"),
    }
}

/// The SGR codes from one style (foreground, background, modifiers) to another.
fn change(now: (Color, Color, Modifier), wanted: (Color, Color, Modifier)) -> Vec<String> {
    const BLINK: Modifier = Modifier::SLOW_BLINK.union(Modifier::RAPID_BLINK);
    const WEIGHT: Modifier = Modifier::BOLD.union(Modifier::DIM);
    let mut codes: Vec<String> = Vec::new();
    let mut has = now.2;
    // one code ends both of a group
    for (group, off) in [
        (WEIGHT, "22"),
        (Modifier::ITALIC, "23"),
        (Modifier::UNDERLINED, "24"),
        (BLINK, "25"),
        (Modifier::REVERSED, "27"),
        (Modifier::HIDDEN, "28"),
        (Modifier::CROSSED_OUT, "29"),
    ] {
        if (has - wanted.2).intersects(group) {
            codes.push(off.into());
            has -= group;
        }
    }
    for (flag, on) in [
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
        if (wanted.2 - has).contains(flag) {
            codes.push(on.into());
        }
    }
    if wanted.0 != now.0 {
        codes.push(colour(wanted.0, 30));
    }
    if wanted.1 != now.1 {
        codes.push(colour(wanted.1, 40));
    }
    codes
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

/// The address behind a cell.
pub(super) fn link_at(links: &[Hyperlink], x: u16, y: u16) -> &str {
    links
        .iter()
        .find(|link| link.y == y && (link.x..link.x.saturating_add(link.width)).contains(&x))
        .map_or("", |link| link.url.as_str())
}

/// Whether nothing of a cell's style is seen but its background.
pub(super) fn is_blank(cell: &Cell) -> bool {
    cell.symbol() == " " && !cell.modifier.intersects(SHOWS_ON_BLANKS)
}
