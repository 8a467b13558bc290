//! All themes: those built in, and a person's own, which go before.

use std::path::{Path, PathBuf};

use super::file::ThemeFile;
use super::{Depth, Theme};
use crate::config::ConfigError;
use crate::config::error::nearest;

/// What every theme rests on that names no other.
const ROOT: &str = "default";

/// The themes in the binary.
pub(super) const BUILT_IN: [(&str, &str); 6] = [
    ("default", include_str!("../../../themes/default.toml")),
    ("night", include_str!("../../../themes/night.toml")),
    ("contrast", include_str!("../../../themes/contrast.toml")),
    ("light", include_str!("../../../themes/light.toml")),
    ("mono", include_str!("../../../themes/mono.toml")),
    ("solarized", include_str!("../../../themes/solarized.toml")),
];

/// Longest line of inheritance.
const MAX_CHAIN: usize = 8;

/// Where themes come from.
#[derive(Clone, Debug)]
pub struct ThemeSet {
    own: Option<PathBuf>,
}

impl ThemeSet {
    /// The built-in ones and those in `{config}/themes/*.toml`.
    pub fn new(config: &Path) -> Self {
        Self {
            own: Some(config.join("themes")),
        }
    }

    /// The built-in ones alone.
    pub fn built_in() -> Self {
        Self { own: None }
    }

    /// Every name, the built-in ones first.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = BUILT_IN.iter().map(|(name, _)| (*name).to_owned()).collect();
        let mut own: Vec<String> = self
            .own
            .iter()
            .filter_map(|folder| std::fs::read_dir(folder).ok())
            .flatten()
            .filter_map(|entry| entry.ok()?.path().file_name()?.to_str()?.strip_suffix(".toml").map(str::to_owned))
            .filter(|name| is_name(name) && !names.contains(name))
            .collect();
        own.sort();
        names.extend(own);
        names
    }

    /// A theme for a terminal. One without colours gets `mono`, whatever the name: it alone tells things apart without.
    pub fn load(&self, name: &str, depth: Depth) -> Result<Theme, ConfigError> {
        let chain = self.chain(name)?;
        if depth == Depth::None && name != "mono" {
            return Ok(Theme {
                name: "mono".to_owned(),
                ..built_in("mono", depth)
            });
        }
        Ok(Theme {
            name: name.to_owned(),
            styles: ThemeFile::styles(&chain, depth),
        })
    }

    /// A theme's file with its ancestors before it.
    pub(super) fn chain(&self, name: &str) -> Result<Vec<ThemeFile>, ConfigError> {
        // youngest first, until one rests on nothing
        let mut sources: Vec<(PathBuf, String)> = Vec::new();
        let mut broken = None;
        let mut next = Some(name.to_owned());
        while let Some(name) = next {
            let found = match self.source(&name, &sources)? {
                Some(found) if sources.len() < MAX_CHAIN => found,
                None if sources.is_empty() => return Err(self.unknown(&name)),
                None if self.names().contains(&name) => {
                    broken = Some("leads back to itself; inherit from another theme".to_owned());
                    break;
                }
                None => {
                    broken = Some(self.unknown(&name).to_string());
                    break;
                }
                Some(_) => {
                    broken = Some(format!("is the end of a chain of more than {MAX_CHAIN} themes"));
                    break;
                }
            };
            next = ThemeFile::inherits(&found.1).or_else(|| (found.0 != root_path()).then(|| ROOT.to_owned()));
            sources.push(found);
        }
        let mut chain: Vec<ThemeFile> = Vec::new();
        for (path, text) in sources.iter().rev() {
            let known: Vec<String> = chain.iter().flat_map(ThemeFile::colours).cloned().collect();
            chain.push(ThemeFile::parse(text, path, &known, broken.take().as_deref())?);
        }
        Ok(chain)
    }

    /// A theme's text and where it stands: a person's own before the built-in one, each at most once in a chain.
    fn source(&self, name: &str, seen: &[(PathBuf, String)]) -> Result<Option<(PathBuf, String)>, ConfigError> {
        let is_new = |path: &PathBuf| !seen.iter().any(|(other, _)| other == path);
        let own = self
            .own
            .as_ref()
            .filter(|_| is_name(name))
            .map(|folder| folder.join(format!("{name}.toml")));
        if let Some(path) = own.filter(is_new).filter(|path| path.is_file()) {
            return match std::fs::read_to_string(&path) {
                Ok(text) => Ok(Some((path, text))),
                Err(error) => Err(ConfigError::Unreadable {
                    path,
                    reason: error.to_string(),
                }),
            };
        }
        Ok(BUILT_IN
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, text)| (built_in_path(name), (*text).to_owned()))
            .filter(|(path, _)| is_new(path)))
    }

    fn unknown(&self, name: &str) -> ConfigError {
        let known = self.names();
        ConfigError::NoTheme {
            suggestion: nearest(name, known.iter().map(String::as_str)).map(str::to_owned),
            name: name.to_owned(),
            known,
        }
    }
}

/// How a built-in theme is called where it is wrong.
fn built_in_path(name: &str) -> PathBuf {
    PathBuf::from(format!("(built in)/themes/{name}.toml"))
}

fn root_path() -> PathBuf {
    built_in_path(ROOT)
}

/// A theme's name never leads out of its folder.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|char| char.is_ascii_alphanumeric() || char == '-' || char == '_')
}

/// A built-in theme; an unknown name is the first. That they all load is a test, so nothing can fail here.
pub(super) fn built_in(name: &str, depth: Depth) -> Theme {
    let (name, _) = BUILT_IN.iter().find(|(known, _)| *known == name).unwrap_or(&(ROOT, ""));
    let chain = ThemeSet::built_in().chain(name).unwrap_or_default();
    Theme {
        name: (*name).to_owned(),
        styles: ThemeFile::styles(&chain, depth),
    }
}
