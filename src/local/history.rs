//! The history of alerts: files to which lines are appended, a record a line, the newest file last.
//!
//! Append-only because most of what happens is one small line; files of bounded size because a whole one can be let go
//! without touching the others. A later record of an alert replaces an earlier one, so that two consoles of one account
//! may append side by side, and a line that a power cut left half costs that record alone.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::domain::{AlertId, Coverage, Occurrence};

use super::file::{self, LocalError};
use super::scope::Scope;

/// A file that has grown past this is followed by a new one.
const SEGMENT_BYTES: u64 = 2 * 1024 * 1024;
/// Most files; the oldest goes first.
const SEGMENTS_MOST: usize = 12;
/// A file whose newest record is older than this goes.
const AGE_MOST: SignedDuration = SignedDuration::from_hours(400 * 24);
/// A line is never longer.
const LINE_MOST: usize = 64 * 1024;

/// The history of one profile and server.
#[derive(Clone, Debug)]
pub struct HistoryFiles {
    dir: PathBuf,
    segment_bytes: u64,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// The newest record of each alert.
    pub occurrences: Vec<Occurrence>,
    /// How far the lists reached.
    pub coverage: Option<Coverage>,
    /// Lines that could not be read.
    pub unreadable: usize,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Line {
    Covered { covered: Coverage },
    Record(Box<Occurrence>),
}

impl HistoryFiles {
    /// Uses (and makes) a directory below the state directory.
    pub fn open(state_dir: &Path, scope: &Scope) -> Result<Self, LocalError> {
        let dir = state_dir.join("history").join(scope.directory());
        file::private_dir(&dir)?;
        Ok(Self {
            dir,
            segment_bytes: SEGMENT_BYTES,
        })
    }

    /// Appends records, and how far the lists reach.
    pub fn append(&self, records: &[Occurrence], coverage: Option<Coverage>) -> Result<(), LocalError> {
        let mut lines = Vec::new();
        let newest = self.segments()?.pop();
        let number = newest.as_ref().map_or(1, |(number, _)| *number);
        let path = self.path(number);
        let all = records
            .iter()
            .map(|record| Line::Record(Box::new(record.clone())))
            .chain(coverage.map(|covered| Line::Covered { covered }));
        for line in all {
            let text = serde_json::to_vec(&line).map_err(|_| LocalError::Corrupt {
                path: path.clone(),
                what: "the history of alerts",
            })?;
            if text.len() < LINE_MOST {
                lines.extend_from_slice(&text);
                lines.push(b'\n');
            }
        }
        if lines.is_empty() {
            return Ok(());
        }
        let length = file::append(&path, &lines)?;
        if length >= self.segment_bytes {
            self.begin(number + 1)?;
        }
        Ok(())
    }

    /// Begins a new file and lets the oldest go. The new one begins with how far the lists reach.
    fn begin(&self, number: u64) -> Result<(), LocalError> {
        let coverage = self.coverage();
        let mut first = Vec::new();
        if let Some(covered) = coverage
            && let Ok(text) = serde_json::to_vec(&Line::Covered { covered })
        {
            first = text;
            first.push(b'\n');
        }
        file::append(&self.path(number), &first)?;
        let segments = self.segments()?;
        let extra = segments.len().saturating_sub(SEGMENTS_MOST);
        for (_, path) in segments.iter().take(extra) {
            file::remove(path)?;
        }
        Ok(())
    }

    fn coverage(&self) -> Option<Coverage> {
        let (_, path) = self.segments().ok()?.pop()?;
        let mut found = Found::default();
        read_segment(&path, &mut HashMap::new(), &mut found).ok()?;
        found.coverage
    }

    /// Everything that is remembered, for somebody who only looks: nothing is made and nothing is let go. `None` where no
    /// console has kept anything yet.
    pub fn look(state_dir: &Path, scope: &Scope, now: Timestamp) -> Result<Option<Found>, LocalError> {
        let dir = state_dir.join("history").join(scope.directory());
        if !dir.is_dir() {
            return Ok(None);
        }
        let files = Self {
            dir,
            segment_bytes: SEGMENT_BYTES,
        };
        if files.segments()?.is_empty() {
            return Ok(None);
        }
        files.gather(now, |_| Ok(())).map(Some)
    }

    /// Everything that is remembered. Files that are too old are let go.
    pub fn read(&self, now: Timestamp) -> Result<Found, LocalError> {
        self.gather(now, file::remove)
    }

    fn gather(&self, now: Timestamp, let_go: impl Fn(&Path) -> Result<(), LocalError>) -> Result<Found, LocalError> {
        let mut found = Found::default();
        let mut newest: HashMap<AlertId, Occurrence> = HashMap::new();
        let segments = self.segments()?;
        let last = segments.last().map(|(number, _)| *number);
        for (number, path) in &segments {
            let noted = read_segment(path, &mut newest, &mut found)?;
            let is_old = noted.is_some_and(|noted| now.duration_since(noted) > AGE_MOST);
            if is_old && Some(*number) != last {
                let_go(path)?;
            }
        }
        newest.retain(|_, one| now.duration_since(one.noted_at) <= AGE_MOST);
        found.occurrences = newest.into_values().collect();
        Ok(found)
    }

    fn path(&self, number: u64) -> PathBuf {
        self.dir.join(format!("{number:08}.jsonl"))
    }

    /// The files, oldest first.
    fn segments(&self) -> Result<Vec<(u64, PathBuf)>, LocalError> {
        let entries = std::fs::read_dir(&self.dir).map_err(|source| LocalError::Io {
            path: self.dir.clone(),
            source,
        })?;
        let mut segments: Vec<(u64, PathBuf)> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|ending| ending == "jsonl"))
            .filter_map(|path| Some((path.file_stem()?.to_str()?.parse().ok()?, path)))
            .collect();
        segments.sort();
        Ok(segments)
    }
}

/// Reads one file; answers when its newest record was noted.
fn read_segment(path: &Path, newest: &mut HashMap<AlertId, Occurrence>, found: &mut Found) -> Result<Option<Timestamp>, LocalError> {
    let failed = |source| LocalError::Io {
        path: path.to_owned(),
        source,
    };
    let Some(opened) = file::open(path)? else { return Ok(None) };
    // several consoles may have grown it past its size before one of them began the next
    let mut reader = BufReader::new(opened.take(SEGMENT_BYTES * 4));
    let mut noted = None;
    let mut line = Vec::new();
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line).map_err(failed)? == 0 {
            return Ok(noted);
        }
        match serde_json::from_slice::<Line>(&line) {
            Ok(Line::Covered { covered }) => found.coverage = Some(covered),
            Ok(Line::Record(record)) => {
                noted = noted.max(Some(record.noted_at));
                let is_newer = newest.get(&record.alert.id).is_none_or(|known| known.noted_at <= record.noted_at);
                if is_newer {
                    newest.insert(record.alert.id.clone(), *record);
                }
            }
            Err(_) if line.trim_ascii().is_empty() => {}
            Err(_) => found.unreadable += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use crate::domain::{Alert, Severity};

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn record(id: &str, noted: i64) -> Occurrence {
        Occurrence {
            alert: Alert {
                device_type: Some("PumpStation".into()),
                notes: Some("line\nline".into()),
                ..Alert::raised(id.into(), "Pressure \u{1b}[31m high".into(), "PUMP-1".into(), Severity::High, at(0))
            },
            noted_at: at(noted),
            returned_at: vec![at(5)],
            gone_at: None,
            wonum: Some("1043".into()),
            wo_status: None,
        }
    }

    fn scope(origin: &str) -> Scope {
        Scope {
            profile: "bedford".into(),
            origin: origin.into(),
        }
    }

    #[test]
    fn the_newest_record_of_each_alert_comes_back_for_its_own_server() {
        let dir = tempfile::tempdir().unwrap();
        let files = HistoryFiles::open(dir.path(), &scope("https://a")).unwrap();
        assert!(files.read(at(0)).unwrap().occurrences.is_empty());
        files.append(&[record("a", 1), record("b", 1)], None).unwrap();
        let covered = Coverage {
            since: at(-9),
            until: at(2),
        };
        files.append(&[record("a", 2)], Some(covered)).unwrap();
        let mut found = HistoryFiles::open(dir.path(), &scope("https://a")).unwrap().read(at(3)).unwrap();
        found.occurrences.sort_by(|one, other| one.alert.id.cmp(&other.alert.id));
        assert_eq!(found.occurrences, [record("a", 2), record("b", 1)]);
        assert_eq!((found.coverage, found.unreadable), (Some(covered), 0));
        let other = HistoryFiles::open(dir.path(), &scope("https://b")).unwrap();
        assert!(other.read(at(3)).unwrap().occurrences.is_empty());
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&files.dir), 0o700);
        assert_eq!(mode(&files.path(1)), 0o600);
    }

    #[test]
    fn a_torn_line_costs_itself_alone() {
        let dir = tempfile::tempdir().unwrap();
        let files = HistoryFiles::open(dir.path(), &scope("https://a")).unwrap();
        files.append(&[record("a", 1), record("b", 1)], None).unwrap();
        let path = files.path(1);
        let whole = std::fs::read(&path).unwrap();
        for cut in 1..whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            files.append(&[record("c", 2)], None).unwrap();
            let found = files.read(at(3)).unwrap();
            let ids: std::collections::BTreeSet<_> = found.occurrences.iter().map(|one| one.alert.id.raw().to_owned()).collect();
            assert!(ids.contains("c"), "cut at {cut}");
            let first_line = whole.iter().position(|byte| *byte == b'\n').unwrap();
            assert_eq!(ids.contains("a"), cut >= first_line, "cut at {cut}");
            assert!(found.unreadable <= 1);
        }
    }

    #[test]
    fn the_files_are_bounded_in_number_and_age_and_know_how_far_the_lists_reached() {
        let dir = tempfile::tempdir().unwrap();
        let mut files = HistoryFiles::open(dir.path(), &scope("https://a")).unwrap();
        files.segment_bytes = 2_000;
        let covered = Coverage {
            since: at(-9),
            until: at(0),
        };
        files.append(&[], Some(covered)).unwrap();
        for number in 0..200 {
            files.append(&[record(&format!("a{number}"), number)], None).unwrap();
        }
        let segments = files.segments().unwrap();
        assert_eq!(segments.len(), SEGMENTS_MOST);
        let size: u64 = segments.iter().map(|(_, path)| std::fs::metadata(path).unwrap().len()).sum();
        assert!(size < 2_800 * SEGMENTS_MOST as u64, "{size}");
        let found = files.read(at(300)).unwrap();
        assert_eq!(found.coverage, Some(covered), "carried from file to file");
        assert!(found.occurrences.iter().any(|one| one.alert.id.raw() == "a199"));
        assert!(!found.occurrences.iter().any(|one| one.alert.id.raw() == "a0"));
        let much_later = at(500 * 86_400);
        let looked = HistoryFiles::look(dir.path(), &scope("https://a"), much_later).unwrap().unwrap();
        assert!(looked.occurrences.is_empty());
        assert_eq!(files.segments().unwrap().len(), SEGMENTS_MOST, "who only looks lets nothing go");
        assert!(files.read(much_later).unwrap().occurrences.is_empty());
        assert_eq!(files.segments().unwrap().len(), 1, "the last one stays to be written to");
    }

    #[test]
    fn who_only_looks_makes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        assert!(HistoryFiles::look(dir.path(), &scope("https://a"), at(0)).unwrap().is_none());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        let files = HistoryFiles::open(dir.path(), &scope("https://a")).unwrap();
        assert!(
            HistoryFiles::look(dir.path(), &scope("https://a"), at(0)).unwrap().is_none(),
            "nothing was kept"
        );
        files.append(&[record("a", 1)], None).unwrap();
        let found = HistoryFiles::look(dir.path(), &scope("https://a"), at(2)).unwrap().unwrap();
        assert_eq!(found.occurrences, [record("a", 1)]);
    }

    #[test]
    fn nothing_is_read_or_written_through_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let files = HistoryFiles::open(dir.path(), &scope("https://a")).unwrap();
        let target = dir.path().join("target");
        std::fs::write(&target, "").unwrap();
        std::os::unix::fs::symlink(&target, files.path(1)).unwrap();
        assert!(files.append(&[record("a", 1)], None).is_err());
        assert!(files.read(at(1)).is_err());
        assert_eq!(std::fs::read(&target).unwrap(), b"");
    }
}
