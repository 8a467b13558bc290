use std::collections::BTreeSet;

use ratatui::style::{Color, Modifier};

use super::set::BUILT_IN;
use super::*;
use crate::config::Env;

const COLOURED: [&str; 5] = ["default", "night", "contrast", "light", "solarized"];
const SEVERITIES: [Role; 5] = [
    Role::SeverityCritical,
    Role::SeverityHigh,
    Role::SeverityMedium,
    Role::SeverityLow,
    Role::SeverityOther,
];

fn luminance(rgb: [u8; 3]) -> f64 {
    // WCAG 2.2, relative luminance
    let [red, green, blue] = rgb.map(|channel| {
        let part = f64::from(channel) / 255.0;
        if part <= 0.04045 {
            part / 12.92
        } else {
            ((part + 0.055) / 1.055).powf(2.4)
        }
    });
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

fn contrast(one: Color, other: Color) -> f64 {
    let [one, other] =
        [one, other].map(|colour| luminance(colour::rgb(colour).unwrap_or_else(|| panic!("{colour:?} is not a fixed colour"))));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// A role's own colours, where it leaves one out those of plain text, on a ground that may lie below it.
fn legibility(theme: &Theme, role: Role, ground: Role) -> f64 {
    let text = theme.style(Role::Text);
    let style = theme.style(role);
    let fg = style.fg.or(text.fg).unwrap();
    let bg = style.bg.or(theme.style(ground).bg).or(text.bg).unwrap();
    contrast(fg, bg)
}

#[test]
fn every_built_in_theme_loads_and_gives_each_role_a_look() {
    for (name, _) in BUILT_IN {
        let chain = ThemeSet::built_in().chain(name).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(file::ThemeFile::undefined(&chain), [], "{name}");
        let theme = ThemeSet::built_in().load(name, Depth::True).unwrap();
        assert_eq!(theme, Theme::built_in(name, Depth::True));
    }
    let themes = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/themes")).unwrap().count();
    assert_eq!(themes, BUILT_IN.len(), "a file in themes/ is not built in");
}

#[test]
fn text_and_severities_are_legible_in_full_colour_and_in_256() {
    let mut faint = Vec::new();
    for name in COLOURED {
        for depth in [Depth::True, Depth::Indexed] {
            let theme = Theme::built_in(name, depth);
            for (role, key) in Role::ALL {
                let needed = match role {
                    // a line between panes carries no words
                    Role::Border => 1.5,
                    Role::BorderFocused | Role::ChartLine | Role::ChartLimit | Role::ChartTrigger => 3.0,
                    _ => 4.5,
                };
                for ground in [Role::Text, Role::Overlay] {
                    let found = legibility(&theme, role, ground);
                    if found < needed {
                        faint.push(format!("{name} {depth:?} {key} on {}: {found:.2} of {needed}", ground.key()));
                    }
                }
            }
            // the row under the cursor
            for role in SEVERITIES.into_iter().chain([
                Role::Text,
                Role::Muted,
                Role::StateAcknowledged,
                Role::StatePending,
                Role::StateRefused,
            ]) {
                let mut style = theme.style(role);
                style.bg = None;
                let fg = style.fg.or(theme.style(Role::Text).fg).unwrap();
                let bg = if theme.style(role).bg.is_some() && role != Role::Text {
                    continue;
                } else {
                    theme.style(Role::Selection).bg.unwrap()
                };
                let found = contrast(fg, bg);
                let needed = if role == Role::Text { 4.5 } else { 3.0 };
                if found < needed {
                    faint.push(format!("{name} {depth:?} {} on selection: {found:.2} of {needed}", role.key()));
                }
            }
        }
    }
    assert!(faint.is_empty(), "{}", faint.join("\n"));
}

#[test]
fn severities_differ_and_the_selection_shows_at_every_depth() {
    for (name, _) in BUILT_IN {
        for depth in [Depth::None, Depth::Ansi, Depth::Indexed, Depth::True] {
            let theme = ThemeSet::built_in().load(name, depth).unwrap();
            let looks: BTreeSet<String> = SEVERITIES.iter().map(|role| format!("{:?}", theme.style(*role))).collect();
            assert_eq!(looks.len(), SEVERITIES.len(), "{name} {depth:?}: {looks:?}");
            let (selection, text) = (theme.style(Role::Selection), theme.style(Role::Text));
            assert!(
                selection.add_modifier.contains(Modifier::REVERSED) || selection.bg.is_some() && selection.bg != text.bg,
                "{name} {depth:?}"
            );
        }
    }
}

#[test]
fn without_colours_weight_alone_tells_severities_apart() {
    for name in ["default", "mono", "light"] {
        let theme = ThemeSet::built_in().load(name, Depth::None).unwrap();
        assert_eq!(theme.name, "mono");
        for (role, key) in Role::ALL {
            let style = theme.style(role);
            assert_eq!((style.fg, style.bg), (None, None), "{key}");
        }
    }
}

#[test]
fn contrast_orders_severities_by_brightness_too() {
    // what no kind of colour blindness takes away; the critical one is on a ground of its own
    let theme = Theme::built_in("contrast", Depth::True);
    assert!(theme.style(Role::SeverityCritical).bg.is_some());
    let shades: Vec<f64> = [Role::SeverityHigh, Role::SeverityMedium]
        .iter()
        .map(|role| contrast(theme.style(*role).fg.unwrap(), Color::Black))
        .collect();
    assert!(shades[1] / shades[0] > 1.4, "{shades:?}");
    let low = contrast(
        theme.style(Role::SeverityLow).fg.unwrap(),
        theme.style(Role::SeverityMedium).fg.unwrap(),
    );
    assert!(low > 1.6, "{low}");
}

#[test]
fn the_depth_follows_the_environment() {
    for (pairs, expected) in [
        (&[("TERM", "xterm-256color")][..], Depth::Indexed),
        (&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")], Depth::True),
        (
            &[("TERM", "xterm-256color"), ("COLORTERM", "truecolor"), ("NO_COLOR", "1")],
            Depth::None,
        ),
        (&[("TERM", "xterm-256color"), ("NO_COLOR", "")], Depth::Indexed),
        (&[("TERM", "xterm-kitty")], Depth::True),
        (&[("TERM", "xterm")], Depth::Ansi),
        (&[("TERM", "linux")], Depth::Ansi),
        (&[("TERM", "tmux-256color"), ("COLORTERM", "yes")], Depth::Indexed),
        (&[("TERM", "dumb")], Depth::None),
        (&[("TERM", "vt100")], Depth::None),
        (&[], Depth::None),
    ] {
        assert_eq!(Depth::detect(&Env::of(pairs)), expected, "{pairs:?}");
    }
}

#[test]
fn fewer_colours_take_the_nearest_or_the_chosen_one() {
    let rgb = |red, green, blue| colour::Colour {
        full: Color::Rgb(red, green, blue),
        ansi: None,
    };
    assert_eq!(rgb(255, 0, 0).at(Depth::Indexed), Some(Color::Indexed(196)));
    assert_eq!(rgb(18, 18, 18).at(Depth::Indexed), Some(Color::Indexed(233)));
    assert_eq!(rgb(250, 10, 10).at(Depth::Ansi), Some(Color::LightRed));
    assert_eq!(rgb(1, 2, 3).at(Depth::None), None);
    let chosen = colour::Colour {
        ansi: Some(Color::Yellow),
        ..rgb(255, 0, 0)
    };
    assert_eq!(chosen.at(Depth::Ansi), Some(Color::Yellow));
}

struct Own(tempfile::TempDir);

impl Own {
    fn with(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("themes")).unwrap();
        for (name, text) in files {
            std::fs::write(dir.path().join("themes").join(format!("{name}.toml")), text).unwrap();
        }
        Self(dir)
    }

    fn set(&self) -> ThemeSet {
        ThemeSet::new(self.0.path())
    }

    fn error(&self, name: &str) -> String {
        let folder = self.0.path().join("themes").display().to_string();
        self.set()
            .load(name, Depth::True)
            .unwrap_err()
            .to_string()
            .replace(&folder, "THEMES")
    }
}

#[test]
fn a_theme_of_ones_own_rests_on_another_and_goes_before_the_built_in_one() {
    let own = Own::with(&[
        (
            "amber",
            "inherits = \"night\"\n[palette]\ncritical = \"#ffcc00\"\n[roles]\nmuted = { fg = \"good\", italic = true }\n",
        ),
        ("default", "[palette]\ntext = \"#abcdef\"\n"),
    ]);
    let amber = own.set().load("amber", Depth::True).unwrap();
    assert_eq!(amber.style(Role::SeverityCritical).fg, Some(Color::Rgb(0xff, 0xcc, 0)));
    assert_eq!(
        amber.style(Role::Muted).fg,
        Theme::built_in("night", Depth::True).style(Role::Success).fg
    );
    assert!(amber.style(Role::Muted).add_modifier.contains(Modifier::ITALIC));
    // the own `default` rests on the built-in one of the same name
    assert_eq!(
        own.set().load("default", Depth::True).unwrap().style(Role::Text).fg,
        Some(Color::Rgb(0xab, 0xcd, 0xef))
    );
    assert_eq!(
        own.set().names(),
        ["default", "night", "contrast", "light", "mono", "solarized", "amber"]
    );
}

#[test]
fn what_is_wrong_with_a_theme_is_said_with_its_line() {
    let own = Own::with(&[
        (
            "wrong",
            "inherits = \"nigth\"\ncolour = 1\n[palette]\nred = \"#ff00\"\n[roles]\n\"severity.critcal\" = \"red\"\nmuted = { fg = \"acent\" }\ntitle = { bolt = true }\nborder = { bold = 1 }\n",
        ),
        ("one", "inherits = \"two\"\n"),
        ("two", "inherits = \"one\"\n"),
        ("broken", "[roles\n"),
    ]);
    assert_eq!(
        own.error("wrong"),
        "THEMES/wrong.toml:1: inherits: no theme `nigth` (did you mean `night`?); there is default, night, contrast, light, mono, solarized, broken, one, two, wrong\n\
         THEMES/wrong.toml:2: colour: is not a known key; known here: inherits, palette, roles\n\
         THEMES/wrong.toml:4: palette.red: `#ff00` is not a colour; write #rrggbb, 0 to 255, or one of black, red, green, yellow, blue, magenta, cyan, gray, dark-gray, light-red, light-green, light-yellow, light-blue, light-magenta, light-cyan, white, default\n\
         THEMES/wrong.toml:6: roles.\"severity.critcal\": is not a known key; did you mean `severity.critical`?\n\
         THEMES/wrong.toml:7: roles.muted: there is no colour `acent`; write #rrggbb or a name of [palette]\n\
         THEMES/wrong.toml:8: roles.title: `bolt` is not known; did you mean `bold`?\n\
         THEMES/wrong.toml:9: roles.border: bold is not true or false"
    );
    assert!(own.error("one").contains("leads back to itself"), "{}", own.error("one"));
    assert!(
        own.error("broken").starts_with("THEMES/broken.toml:1: not TOML:"),
        "{}",
        own.error("broken")
    );
    assert_eq!(
        own.set().load("nigt", Depth::True).unwrap_err().to_string().split(';').next(),
        Some("no theme `nigt` (did you mean `night`?)")
    );
    // a name is never a path
    assert!(own.error("../config").starts_with("no theme"));
}
