//! What could come next while a filter is typed.

use super::term::KEYS;
use crate::domain::Trait;

/// Words that only the plant knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vocabulary {
    /// Device ids.
    pub devices: Vec<String>,
    /// Device types.
    pub types: Vec<String>,
    /// Locations.
    pub locations: Vec<String>,
    /// Alert names.
    pub names: Vec<String>,
    /// Metrics.
    pub metrics: Vec<String>,
    /// People.
    pub people: Vec<String>,
}

/// One way to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The characters from here to the cursor are replaced.
    pub from: usize,
    /// By this.
    pub text: String,
    /// What it means.
    pub about: String,
}

/// Most completions offered at once.
const MOST: usize = 50;

/// The ways to go on at `cursor` (in characters), best first; empty where nothing fits.
pub fn complete(text: &str, cursor: usize, vocabulary: &Vocabulary) -> Vec<Completion> {
    let before: Vec<char> = text.chars().take(cursor).collect();
    let mut start = before.len();
    let mut quoted = before.iter().filter(|char| **char == '"').count() % 2 == 1;
    while let Some(char) = start.checked_sub(1).and_then(|index| before.get(index)) {
        if *char == '"' {
            quoted = !quoted;
        } else if !quoted && (char.is_whitespace() || matches!(char, '(' | ')' | '|')) {
            break;
        }
        start -= 1;
    }
    if before.get(start) == Some(&'-') {
        start += 1;
    }
    let term: String = before.get(start..).unwrap_or_default().iter().collect();
    let Some(split) = term.find([':', '=', '<', '>', '!']) else {
        let lower = term.to_lowercase();
        return KEYS
            .iter()
            .filter(|(name, other, _)| name.starts_with(&lower) || other.iter().any(|word| word.starts_with(&lower)))
            .map(|(name, _, about)| Completion {
                from: start,
                text: format!("{name}{}", if *name == "age" { ">" } else { ":" }),
                about: (*about).to_owned(),
            })
            .collect();
    };
    let (key, rest) = term.split_at(split);
    let operator = rest.chars().take_while(|char| matches!(char, ':' | '=' | '<' | '>' | '!')).count();
    let values = rest.get(operator..).unwrap_or_default();
    let part = values.rsplit(',').next().unwrap_or_default();
    let from = before.len() - part.chars().count();
    let typed = part.trim_start_matches('"').to_lowercase();
    let name = KEYS
        .iter()
        .find(|(name, other, _)| *name == key || other.contains(&key))
        .map_or("", |(name, ..)| *name);
    let fixed = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let words = match name {
        "sev" => fixed(&["critical", "high", "medium", "low"]),
        "state" => fixed(&["new", "ack", "resolved", "online", "offline"]),
        "age" => fixed(&["5m", "30m", "1h", "8h", "1d"]),
        "wo" => fixed(&["none", "any"]),
        "is" => Trait::WORDS.iter().map(|(word, _)| (*word).to_owned()).collect(),
        "dev" => vocabulary.devices.clone(),
        "type" => vocabulary.types.clone(),
        "loc" => vocabulary.locations.clone(),
        "alert" => vocabulary.names.clone(),
        "metric" => vocabulary.metrics.clone(),
        "by" => vocabulary.people.clone(),
        _ => Vec::new(),
    };
    words
        .into_iter()
        .filter(|word| word.to_lowercase().starts_with(&typed) && word.to_lowercase() != typed)
        .take(MOST)
        .map(|word| Completion {
            from,
            text: quote(&word),
            about: name.to_owned(),
        })
        .collect()
}

/// Puts quotes around a value that would otherwise end early.
fn quote(word: &str) -> String {
    if word.contains(|char: char| char.is_whitespace() || matches!(char, '(' | ')' | '|' | ',' | '"' | '\\')) {
        format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        word.to_owned()
    }
}
