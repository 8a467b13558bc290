//! The README's pictures, made from real runs: `cargo test --test it pictures -- --ignored` writes them anew. The drill is
//! played whole, in its own five minutes, by nothing but what its hints say.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use vt100::{Cell, Color, Screen};

use super::terminal::{Terminal, nightdesk};

/// A picture is never larger.
const BYTES_MAX: usize = 60 * 1024;
/// A cell in units of the picture, and the base of its text.
const CELL: (usize, usize) = (9, 19);
const BASE: usize = 14;
/// The default theme's text and background.
const TEXT: (u8, u8, u8) = (0xd5, 0xdb, 0xe3);
const BACKGROUND: (u8, u8, u8) = (0x12, 0x16, 0x1c);

fn demo(scenario: &str, (columns, rows): (u16, u16)) -> Terminal {
    let mut demo = nightdesk(&["demo", "--scenario", scenario, "--seed", "7"]);
    demo.env("COLORTERM", "truecolor");
    Terminal::sized(demo, columns, rows).with_patience(Duration::from_secs(240))
}

#[test]
#[ignore = "writes .assets/console.svg"]
fn the_console() {
    let mut terminal = demo("night", (120, 40));
    terminal.until("live", |screen| {
        let text = screen.contents();
        text.contains("▌") && text.matches("live").count() >= 4 && text.contains('⣀')
    });
    save(terminal.screen(), "console");
    terminal.press("q");
    assert_eq!(terminal.ended(), 0);
}

#[test]
#[ignore = "plays the drill in its own five minutes, and writes .assets/drill-*.svg"]
fn the_drill() {
    let mut terminal = demo("drill", (100, 30));
    terminal.until_text("goes to the devices");
    terminal.press("2");
    terminal.until_text("narrows the list");
    terminal.press("/");
    terminal.until_text("Type PUMP-017");
    terminal.press("PUMP-017\r");
    terminal.until("on the pump", |screen| {
        let text = screen.contents();
        text.contains("it climbs") && text.contains("▁▁")
    });
    save(terminal.screen(), "drill-1-readings");
    terminal.press("1");
    terminal.until_text("Drill 2/8");
    terminal.press("g");
    terminal.until_text("Drill 3/8");
    terminal.press("\r");
    terminal.until("open", |screen| {
        let text = screen.contents();
        text.contains("turns the pages") && text.contains('╌')
    });
    save(terminal.screen(), "drill-2-alert");
    terminal.press("\u{1b}");
    terminal.until_text("Drill 4/8");
    terminal.press("a");
    terminal.until_text("Drill 5/8");
    terminal.press("w");
    terminal.until_text("open orders of PUMP-017: none");
    save(terminal.screen(), "drill-3-order");
    terminal.press("\r");
    terminal.until_text("Drill 6/8");
    terminal.until_text("Drill 7/8");
    terminal.press("x");
    terminal.until_text("goes to the cause");
    terminal.press("Replaced the bearing\tWear");
    terminal.until_text("Wear");
    terminal.press("\r");
    terminal.until_text("Drill 8/8");
    save(terminal.screen(), "drill-4-done");
    terminal.press("q");
    assert_eq!(terminal.ended(), 0);
    terminal.assert_restored();
}

fn save(screen: &Screen, name: &str) {
    let picture = svg(screen);
    assert!(picture.len() <= BYTES_MAX, "{name}: {} bytes", picture.len());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".assets");
    std::fs::write(folder.join(format!("{name}.svg")), picture).unwrap();
}

/// What a run of cells looks like: colours, bold, italic, underline.
type Look = ((u8, u8, u8), bool, bool, bool);

/// A screen as a picture: a rectangle a run of background, a text a run of one look. Each text is as wide as its cells,
/// whatever font the reader has.
fn svg(screen: &Screen) -> String {
    let (rows, columns) = screen.size();
    let (width, height) = (usize::from(columns) * CELL.0, usize::from(rows) * CELL.1);
    let mut looks: BTreeMap<Look, usize> = BTreeMap::new();
    let mut grounds = String::new();
    let mut texts = String::new();
    for row in 0..rows {
        let cells: Vec<&Cell> = (0..columns).filter_map(|column| screen.cell(row, column)).collect();
        let y = usize::from(row) * CELL.1;
        for (from, to) in runs(&cells, |cell| (colours(cell).1 != BACKGROUND).then_some(colours(cell).1)) {
            let (x, wide) = (from * CELL.0, (to - from) * CELL.0);
            let fill = hex(colours(cells[from]).1);
            writeln!(grounds, r#"<path fill="{fill}" d="M{x} {y}h{wide}v{}h-{wide}z"/>"#, CELL.1).unwrap();
        }
        for (from, to) in runs(&cells, |cell| {
            cell.has_contents().then(|| look(cell)).filter(|_| cell.contents() != " ")
        }) {
            let count = looks.len();
            let class = *looks.entry(look(cells[from])).or_insert(count);
            let text: String = cells[from..to].iter().map(|cell| cell.contents()).collect();
            let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            let (x, wide) = (from * CELL.0, (to - from) * CELL.0);
            writeln!(
                texts,
                r#"<text class="c{class}" x="{x}" y="{}" textLength="{wide}">{text}</text>"#,
                y + BASE
            )
            .unwrap();
        }
    }
    let mut style = String::from("text{white-space:pre}");
    for ((colour, bold, italic, underline), class) in looks {
        write!(style, ".c{class}{{fill:{}", hex(colour)).unwrap();
        for (is, rule) in [
            (bold, ";font-weight:bold"),
            (italic, ";font-style:italic"),
            (underline, ";text-decoration:underline"),
        ] {
            style.push_str(if is { rule } else { "" });
        }
        style.push('}');
    }
    let font = "ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace";
    let ground = hex(BACKGROUND);
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" font-family="{font}" font-size="15"><style>{style}</style><rect width="100%" height="100%" fill="{ground}"/>
{grounds}{texts}</svg>
"#
    )
}

/// Neighbouring cells of which `key` says the same, those without one left out.
fn runs<K: PartialEq>(cells: &[&Cell], key: impl Fn(&Cell) -> Option<K>) -> Vec<(usize, usize)> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    let mut last: Option<K> = None;
    for (at, cell) in cells.iter().enumerate() {
        let here = key(cell);
        match found.last_mut() {
            Some((_, to)) if *to == at && here.is_some() && here == last => *to = at + 1,
            _ if here.is_some() => found.push((at, at + 1)),
            _ => {}
        }
        last = here;
    }
    found
}

fn colours(cell: &Cell) -> ((u8, u8, u8), (u8, u8, u8)) {
    let (fg, bg) = (rgb(cell.fgcolor(), TEXT), rgb(cell.bgcolor(), BACKGROUND));
    if cell.inverse() { (bg, fg) } else { (fg, bg) }
}

fn look(cell: &Cell) -> Look {
    (colours(cell).0, cell.bold(), cell.italic(), cell.underline())
}

fn rgb(colour: Color, default: (u8, u8, u8)) -> (u8, u8, u8) {
    match colour {
        Color::Rgb(red, green, blue) => (red, green, blue),
        Color::Default | Color::Idx(_) => default, // the themes have 24 bits here
    }
}

fn hex((red, green, blue): (u8, u8, u8)) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

#[test]
fn a_screen_becomes_a_small_picture_with_its_words_and_colours() {
    let mut parser = vt100::Parser::new(2, 12, 0);
    parser.process(b"ab \x1b[1;38;2;255;0;0mc<\x1b[0m\r\n\x1b[48;2;1;2;3mx y\x1b[0m");
    let picture = svg(parser.screen());
    assert!(picture.contains(r##".c1{fill:#ff0000;font-weight:bold}"##), "{picture}");
    assert!(picture.contains(r#"x="0" y="14" textLength="18">ab</text>"#), "{picture}");
    assert!(
        picture.contains(r#"class="c1" x="27" y="14" textLength="18">c&lt;</text>"#),
        "{picture}"
    );
    assert!(picture.contains(r##"<path fill="#010203" d="M0 19h27v19h-27z"/>"##), "{picture}");
}
