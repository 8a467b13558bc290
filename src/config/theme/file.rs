//! A theme's file.

use std::collections::BTreeMap;
use std::path::Path;

use ratatui::style::{Modifier, Style};
use toml::de::{DeTable, DeValue};

use super::colour::{self, Colour};
use super::{Depth, Role};
use crate::config::ConfigError;
use crate::config::error::{Problems, nearest};
use crate::config::section::{Section, text};

/// A file as read; names of colours are resolved once the whole inheritance is known.
pub(super) struct ThemeFile {
    palette: BTreeMap<String, Colour>,
    roles: BTreeMap<Role, Look>,
}

/// A role's style with colours by name.
#[derive(Clone, Default)]
struct Look {
    fg: Option<String>,
    bg: Option<String>,
    modifiers: Modifier,
}

const MODIFIERS: [(&str, Modifier); 6] = [
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("italic", Modifier::ITALIC),
    ("underline", Modifier::UNDERLINED),
    ("reversed", Modifier::REVERSED),
    ("crossed", Modifier::CROSSED_OUT),
];

impl ThemeFile {
    /// The theme that a text says it rests on; its faults come out in [`ThemeFile::parse`].
    pub(super) fn inherits(written: &str) -> Option<String> {
        let (root, _) = DeTable::parse_recoverable(written);
        root.get_ref().get("inherits")?.get_ref().as_str().map(str::to_owned)
    }

    /// Reads a file's text. `known` are the palette names of its ancestors, `broken` says what is wrong with `inherits`.
    pub(super) fn parse(written: &str, path: &Path, known: &[String], broken: Option<&str>) -> Result<Self, ConfigError> {
        let problems = Problems::of(written);
        let (root, errors) = DeTable::parse_recoverable(written);
        let mut file = Self {
            palette: BTreeMap::new(),
            roles: BTreeMap::new(),
        };
        if errors.is_empty() {
            let top = Section::top(root.get_ref(), Path::new(""), &problems);
            top.string("inherits");
            if let Some(message) = broken {
                top.wrong("inherits", message);
            }
            file.read(&top, known);
            top.finish();
        }
        for error in errors {
            problems.add(
                error.span().map_or(0, |span| span.start),
                "",
                format!("not TOML: {}", error.message()),
            );
        }
        let problems = problems.into_sorted();
        if problems.is_empty() {
            Ok(file)
        } else {
            Err(ConfigError::Invalid {
                path: path.to_owned(),
                problems,
            })
        }
    }

    fn read(&mut self, top: &Section<'_>, known: &[String]) {
        if let Some(palette) = top.section("palette") {
            for name in palette.keys() {
                if let Some(colour) = palette.value(&name, read_colour) {
                    self.palette.insert(name, colour);
                }
            }
        }
        let is_colour = |name: &str| {
            if self.palette.contains_key(name) || known.iter().any(|own| own == name) || colour::parse(name).is_some() {
                return Ok(());
            }
            let mut candidates: Vec<&str> = self.palette.keys().chain(known).map(String::as_str).collect();
            for named in colour::names() {
                candidates.push(named);
            }
            let hint = nearest(name, candidates).map_or_else(
                || "; write #rrggbb or a name of [palette]".to_owned(),
                |near| format!("; did you mean `{near}`?"),
            );
            Err(format!("there is no colour `{name}`{hint}"))
        };
        let Some(roles) = top.section("roles") else {
            return;
        };
        for (role, key) in Role::ALL {
            if let Some(look) = roles.value(key, |value| read_look(value, &is_colour)) {
                self.roles.insert(role, look);
            }
        }
        roles.finish();
    }

    /// The names of its palette.
    pub(super) fn colours(&self) -> impl Iterator<Item = &String> {
        self.palette.keys()
    }

    /// Lays `chain` (this file's ancestors, the oldest first, itself last) on top of one another.
    pub(super) fn styles(chain: &[Self], depth: Depth) -> [Style; Role::COUNT] {
        let mut palette = BTreeMap::new();
        let mut looks = BTreeMap::new();
        for file in chain {
            palette.extend(file.palette.iter());
            looks.extend(file.roles.iter());
        }
        let resolve = |name: &Option<String>| {
            let name = name.as_deref()?;
            let colour = palette.get(&name.to_owned()).map(|colour| **colour);
            let colour = colour.or_else(|| colour::parse(name).map(|full| Colour { full, ansi: None }))?;
            colour.at(depth)
        };
        std::array::from_fn(|index| {
            let look = Role::ALL.get(index).and_then(|(role, _)| looks.get(role));
            look.map_or_else(Style::new, |look| {
                let mut style = Style::new().add_modifier(look.modifiers);
                style.fg = resolve(&look.fg);
                style.bg = resolve(&look.bg);
                style
            })
        })
    }

    /// Roles that neither it nor its ancestors define.
    #[cfg(test)]
    pub(super) fn undefined(chain: &[Self]) -> Vec<Role> {
        Role::ALL
            .iter()
            .map(|(role, _)| *role)
            .filter(|role| !chain.iter().any(|file| file.roles.contains_key(role)))
            .collect()
    }
}

fn read_colour(value: &DeValue<'_>) -> Result<Colour, String> {
    let wrong = |written: &str| {
        format!(
            "`{written}` is not a colour; write #rrggbb, 0 to 255, or one of {}",
            colour::names().collect::<Vec<_>>().join(", ")
        )
    };
    let one = |value: &DeValue<'_>| {
        let written = text(value)?;
        colour::parse(written).ok_or_else(|| wrong(written))
    };
    let Some(table) = value.as_table() else {
        return Ok(Colour {
            full: one(value)?,
            ansi: None,
        });
    };
    let part = |key: &str| table.get(key).map(|value| one(value.get_ref())).transpose();
    match (part("rgb")?, part("ansi")?, table.len()) {
        (Some(full), Some(ansi), 2) => Ok(Colour { full, ansi: Some(ansi) }),
        _ => Err("is not a colour; write \"#rrggbb\" or { rgb = \"#rrggbb\", ansi = \"light-red\" }".into()),
    }
}

fn read_look(value: &DeValue<'_>, is_colour: &impl Fn(&str) -> Result<(), String>) -> Result<Look, String> {
    let colour = |value: &DeValue<'_>| {
        let name = text(value)?;
        is_colour(name).map(|()| Some(name.to_owned()))
    };
    let Some(table) = value.as_table() else {
        return Ok(Look {
            fg: colour(value)?,
            ..Look::default()
        });
    };
    let mut look = Look::default();
    for (key, value) in table {
        let (key, value) = (key.get_ref().as_ref(), value.get_ref());
        match key {
            "fg" => look.fg = colour(value)?,
            "bg" => look.bg = colour(value)?,
            _ => {
                let Some((_, modifier)) = MODIFIERS.iter().find(|(name, _)| *name == key) else {
                    let candidates = MODIFIERS.iter().map(|(name, _)| *name).chain(["fg", "bg"]);
                    let hint = nearest(key, candidates).map_or_else(
                        || "; it takes fg, bg, bold, dim, italic, underline, reversed, crossed".to_owned(),
                        |near| format!("; did you mean `{near}`?"),
                    );
                    return Err(format!("`{key}` is not known{hint}"));
                };
                look.modifiers
                    .set(*modifier, value.as_bool().ok_or_else(|| format!("{key} is not true or false"))?);
            }
        }
    }
    Ok(look)
}
