//! The rooms of `src/lib.rs` keep to their own: who may use whom, who may touch what.

use std::fs;
use std::path::{Path, PathBuf};

/// Room, the rooms that it may use besides itself.
const MAY_USE: [(&str, &[&str]); 14] = [
    ("domain", &[]),
    ("outbox", &["domain"]),
    ("maximo", &["domain", "outbox"]),
    ("model", &["domain"]),
    ("config", &["domain", "model"]),
    ("local", &["domain", "model"]),
    ("worker", &["domain", "model", "maximo"]),
    ("pane", &["domain", "model", "config"]),
    ("app", &["domain", "model", "config", "pane"]),
    ("tui", &["domain", "model", "config", "app", "worker", "outbox", "local"]),
    ("integration", &["domain", "config", "local", "outbox", "maximo"]),
    ("simulator", &["domain"]),
    ("cli", &["config", "domain"]),
    (
        "command",
        &[
            "cli",
            "domain",
            "model",
            "config",
            "app",
            "worker",
            "outbox",
            "local",
            "maximo",
            "integration",
            "simulator",
            "tui",
        ],
    ),
];

/// Who writes to the terminal.
const SPEAKERS: &[&str] = &["command", "main"];
/// Who does so, or holds it.
const STREAMS: &[&str] = &["command", "tui", "main"];
/// Who reads files.
const READERS: &[&str] = &["outbox", "maximo", "config", "local", "command", "simulator", "tui", "integration"];
/// Who has a clock of the wall.
const CLOCKED: &[&str] = &[
    "outbox",
    "maximo",
    "worker",
    "tui",
    "command",
    "simulator",
    "config",
    "local",
    "integration",
];
/// Who measures time.
const TIMED: &[&str] = &["outbox", "maximo", "worker", "tui", "command", "simulator", "integration"];

const TERMINAL: &str = "only `command` and `tui` write to the terminal";
const MODES: &str = "only `tui` changes the terminal's modes";
const SOCKETS: &str = "only rooms that call or serve open sockets";
const CLOCK: &str = "the core has no clock: times arrive with events";

/// A spelling, the rooms that may write it, and why.
const ONLY: [(&str, &[&str], &str); 14] = [
    ("println!", SPEAKERS, TERMINAL),
    ("print!", SPEAKERS, TERMINAL),
    ("stdout()", STREAMS, TERMINAL),
    ("stderr()", STREAMS, TERMINAL),
    ("crossterm::terminal", &["tui"], MODES),
    ("crossterm::execute", &["tui"], MODES),
    ("rusqlite", &["outbox"], "only `outbox` opens its database"),
    ("reqwest", &["maximo", "integration"], "only rooms that speak to servers call them"),
    ("TcpListener", &["simulator", "integration"], SOCKETS),
    ("TcpStream", &["simulator", "maximo", "integration"], SOCKETS),
    ("Timestamp::now", CLOCKED, CLOCK),
    ("SystemTime::now", CLOCKED, CLOCK),
    ("Instant::now", TIMED, CLOCK),
    ("std::fs", READERS, "the core reads no files"),
];

fn sources(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            into.push(path);
        }
    }
}

/// Every source file with its room.
fn files() -> Vec<(String, PathBuf)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    assert!(files.len() > 50, "the sources were not found");
    files.into_iter().map(|path| (room_of(&path, &src), path)).collect()
}

fn room_of(path: &Path, src: &Path) -> String {
    let inside = path.strip_prefix(src).unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
    first.strip_suffix(".rs").map_or(first.clone(), str::to_owned)
}

/// The code of a file: unit tests and comments may name whatever they like.
fn code(path: &Path) -> Vec<(usize, String)> {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    if name == "tests.rs" || name.ends_with("_tests.rs") || path.components().any(|part| part.as_os_str() == "tests") {
        return Vec::new();
    }
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .take_while(|line| line.trim() != "#[cfg(test)]")
        .enumerate()
        .map(|(index, line)| (index + 1, line.split("//").next().unwrap_or_default().to_owned()))
        .collect()
}

/// The rooms that a line names after `crate::`, braces included.
fn named(line: &str) -> Vec<String> {
    let word = |text: &str| {
        text.chars()
            .take_while(|char| char.is_alphanumeric() || *char == '_')
            .collect::<String>()
    };
    let mut rooms = Vec::new();
    for (index, _) in line.match_indices("crate::") {
        let rest = &line[index + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(list) => rooms.extend(list.split(',').map(|part| word(part.trim_start()))),
            None => rooms.push(word(rest)),
        }
    }
    rooms
}

#[test]
fn rooms_use_only_whom_they_may() {
    let known = |room: &str| MAY_USE.iter().find(|(name, _)| *name == room);
    let mut wrong = Vec::new();
    for (room, path) in &files() {
        if room == "lib" || room == "main" {
            continue;
        }
        let Some((_, may)) = known(room) else {
            wrong.push(format!(
                "{}: `{room}` is a new room: add it to the table here and to the map in src/lib.rs",
                path.display()
            ));
            continue;
        };
        for (number, line) in code(path) {
            for used in named(&line).into_iter().filter(|used| known(used).is_some()) {
                if used != *room && !may.contains(&used.as_str()) {
                    wrong.push(format!("{}:{number}: `{room}` may not use `{used}`", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn rooms_touch_only_what_is_theirs() {
    let mut wrong = Vec::new();
    for (room, path) in &files() {
        for (number, line) in code(path) {
            for (spelling, rooms, why) in ONLY {
                if line.contains(spelling) && !rooms.contains(&room.as_str()) {
                    wrong.push(format!("{}:{number}: {spelling} in `{room}`: {why}", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_map_names_every_room() {
    let map = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    for (room, _) in MAY_USE {
        assert!(map.contains(&format!("pub mod {room};")), "src/lib.rs does not declare `{room}`");
        assert!(
            map.contains(&format!("[`{room}`]")),
            "the map in src/lib.rs says nothing of `{room}`"
        );
    }
}
