//! One colour: as written, and as a terminal of fewer colours has it.

use ratatui::style::Color;

use super::Depth;

/// A colour of a theme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Colour {
    /// As it is meant.
    pub(super) full: Color,
    /// What stands in for it among sixteen.
    pub(super) ansi: Option<Color>,
}

/// The sixteen in ANSI's order, with their names and xterm's shades.
const ANSI: [(&str, Color, [u8; 3]); 16] = [
    ("black", Color::Black, [0, 0, 0]),
    ("red", Color::Red, [205, 0, 0]),
    ("green", Color::Green, [0, 205, 0]),
    ("yellow", Color::Yellow, [205, 205, 0]),
    ("blue", Color::Blue, [0, 0, 238]),
    ("magenta", Color::Magenta, [205, 0, 205]),
    ("cyan", Color::Cyan, [0, 205, 205]),
    ("gray", Color::Gray, [229, 229, 229]),
    ("dark-gray", Color::DarkGray, [127, 127, 127]),
    ("light-red", Color::LightRed, [255, 0, 0]),
    ("light-green", Color::LightGreen, [0, 255, 0]),
    ("light-yellow", Color::LightYellow, [255, 255, 0]),
    ("light-blue", Color::LightBlue, [92, 92, 255]),
    ("light-magenta", Color::LightMagenta, [255, 0, 255]),
    ("light-cyan", Color::LightCyan, [0, 255, 255]),
    ("white", Color::White, [255, 255, 255]),
];

/// The levels of xterm's 6×6×6 cube.
const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// Reads `#rrggbb`, one of the sixteen names, `default`, or a number of xterm's 256.
pub(super) fn parse(written: &str) -> Option<Color> {
    if written == "default" {
        return Some(Color::Reset);
    }
    if let Some((_, colour, _)) = ANSI.iter().find(|(name, ..)| *name == written) {
        return Some(*colour);
    }
    if let Some(digits) = written.strip_prefix('#') {
        let value = (digits.len() == 6).then(|| u32::from_str_radix(digits, 16).ok())??;
        let [_, red, green, blue] = value.to_be_bytes();
        return Some(Color::Rgb(red, green, blue));
    }
    written.parse().ok().map(Color::Indexed)
}

/// The names that [`parse`] knows.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    ANSI.iter().map(|(name, ..)| *name).chain(["default"])
}

impl Colour {
    /// At a depth; `None` where there is no colour.
    pub(super) fn at(self, depth: Depth) -> Option<Color> {
        match depth {
            Depth::None => None,
            Depth::True => Some(self.full),
            Depth::Indexed => Some(match self.full {
                Color::Rgb(red, green, blue) => Color::Indexed(nearest_indexed([red, green, blue])),
                other => other,
            }),
            Depth::Ansi => Some(match (self.ansi, self.full) {
                (Some(chosen), _) => chosen,
                (None, Color::Rgb(red, green, blue)) => nearest_ansi([red, green, blue]),
                (None, Color::Indexed(index)) => nearest_ansi(indexed(index)),
                (None, other) => other,
            }),
        }
    }
}

/// Red, green and blue of xterm's 256.
fn indexed(index: u8) -> [u8; 3] {
    match index {
        0..=15 => ANSI.get(usize::from(index)).map_or([0; 3], |(_, _, rgb)| *rgb),
        16..=231 => {
            let at = usize::from(index - 16);
            [at / 36, at / 6 % 6, at % 6].map(|level| CUBE.get(level).copied().unwrap_or(0))
        }
        232..=255 => [8 + 10 * (index - 232); 3],
    }
}

/// Among the cube and the greys: the first sixteen are whatever the terminal makes of them.
fn nearest_indexed(rgb: [u8; 3]) -> u8 {
    (16..=255).min_by_key(|index| far(rgb, indexed(*index))).unwrap_or(16)
}

fn nearest_ansi(rgb: [u8; 3]) -> Color {
    ANSI.iter()
        .min_by_key(|(_, _, shade)| far(rgb, *shade))
        .map_or(Color::Reset, |(_, colour, _)| *colour)
}

/// How different two colours look: the low-cost weighting known as "redmean" (compuphase.com/cmetric.htm).
fn far(one: [u8; 3], other: [u8; 3]) -> i64 {
    let [red, green, blue] = std::array::from_fn(|channel| {
        let at = |rgb: [u8; 3]| i64::from(rgb.get(channel).copied().unwrap_or(0));
        at(one) - at(other)
    });
    let mean = i64::midpoint(i64::from(one[0]), i64::from(other[0]));
    (((512 + mean) * red * red) >> 8) + 4 * green * green + (((767 - mean) * blue * blue) >> 8)
}

/// Red, green and blue as an average terminal shows the colour; `None` for the terminal's own default.
#[cfg(test)]
pub(super) fn rgb(colour: Color) -> Option<[u8; 3]> {
    match colour {
        Color::Rgb(red, green, blue) => Some([red, green, blue]),
        Color::Indexed(index) => Some(indexed(index)),
        other => ANSI.iter().find(|(_, named, _)| *named == other).map(|(_, _, rgb)| *rgb),
    }
}
