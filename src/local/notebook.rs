//! Small things of a shift that are written rarely: the shelf, remarks, who read a handover. A file each, changed under a
//! lock because another console of this account may change it, too.

use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::domain::{Read, Remark, Shelf, ShelfChange, Shelved};

use super::file::{self, LocalError};
use super::scope::Scope;

const VERSION: u32 = 1;
/// A file is never longer.
const BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Remarks and marks of reading are kept for so long.
const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Most remarks.
const REMARKS_MOST: usize = 2_000;

/// The notebook of one profile and server.
#[derive(Clone, Debug)]
pub struct Notebook {
    dir: PathBuf,
}

/// Remarks and marks of reading.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Notes {
    /// In the order in which they were written.
    pub remarks: Vec<Remark>,
    /// Which handovers were read.
    pub reads: Vec<Read>,
}

#[derive(Serialize, Deserialize)]
struct Stored<T> {
    version: u32,
    content: T,
}

impl Notebook {
    /// Uses (and makes) a directory below the state directory.
    pub fn open(state_dir: &Path, scope: &Scope) -> Result<Self, LocalError> {
        let dir = state_dir.join("shift").join(scope.directory());
        file::private_dir(&dir)?;
        Ok(Self { dir })
    }

    /// The notebook as it lies there, to read in: nothing is made, and where there is none it is empty.
    pub fn look(state_dir: &Path, scope: &Scope) -> Self {
        Self {
            dir: state_dir.join("shift").join(scope.directory()),
        }
    }

    /// What lies on the shelf.
    pub fn shelf(&self) -> Result<Vec<Shelved>, LocalError> {
        self.load("shelf.json", "the shelf").map(Option::unwrap_or_default)
    }

    /// Changes the shelf.
    pub fn change_shelf(&self, change: &ShelfChange) -> Result<(), LocalError> {
        self.change("shelf.json", "the shelf", |items: &mut Vec<Shelved>| {
            let mut shelf = Shelf::default();
            shelf.apply(&ShelfChange::Put(std::mem::take(items)));
            shelf.apply(change);
            *items = shelf.items().into_iter().cloned().collect();
        })
    }

    /// Remarks and marks of reading.
    pub fn notes(&self) -> Result<Notes, LocalError> {
        self.load("notes.json", "remarks").map(Option::unwrap_or_default)
    }

    /// Keeps a remark.
    pub fn remark(&self, remark: &Remark) -> Result<(), LocalError> {
        self.change("notes.json", "remarks", |notes: &mut Notes| {
            notes.remarks.push(remark.clone());
            notes.forget(remark.at);
        })
    }

    /// Keeps that a handover was read.
    pub fn read(&self, read: &Read) -> Result<(), LocalError> {
        self.change("notes.json", "remarks", |notes: &mut Notes| {
            notes.reads.retain(|has| !(has.since == read.since && has.by == read.by));
            notes.reads.push(read.clone());
            notes.forget(read.at);
        })
    }

    fn load<T: DeserializeOwned>(&self, name: &str, what: &'static str) -> Result<Option<T>, LocalError> {
        let path = self.dir.join(name);
        let Some(bytes) = file::read(&path, BYTES_MAX)? else {
            return Ok(None);
        };
        match serde_json::from_slice::<Stored<T>>(&bytes) {
            Ok(stored) if stored.version == VERSION => Ok(Some(stored.content)),
            _ => Err(LocalError::Corrupt { path, what }),
        }
    }

    /// A file that cannot be read is put aside under another name before it is written anew: nothing is thrown away.
    fn change<T: DeserializeOwned + Serialize + Default>(
        &self,
        name: &str,
        what: &'static str,
        change: impl FnOnce(&mut T),
    ) -> Result<(), LocalError> {
        let path = self.dir.join(name);
        let _lock = file::lock(&self.dir.join("lock"))?;
        let mut content = match self.load::<T>(name, what) {
            Ok(content) => content.unwrap_or_default(),
            Err(LocalError::Corrupt { .. }) => {
                let aside = path.with_extension("damaged");
                std::fs::rename(&path, &aside).map_err(|source| LocalError::Io { path: aside, source })?;
                T::default()
            }
            Err(error) => return Err(error),
        };
        change(&mut content);
        let bytes =
            serde_json::to_vec(&Stored { version: VERSION, content }).map_err(|_| LocalError::Corrupt { path: path.clone(), what })?;
        if bytes.len() as u64 > BYTES_MAX {
            return Err(LocalError::TooLarge { path, max: BYTES_MAX });
        }
        file::replace(&path, &bytes)
    }
}

impl Notes {
    fn forget(&mut self, now: Timestamp) {
        self.remarks.retain(|remark| now.duration_since(remark.at) <= KEPT);
        self.reads.retain(|read| now.duration_since(read.at) <= KEPT);
        let extra = self.remarks.len().saturating_sub(REMARKS_MOST);
        self.remarks.drain(..extra);
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::{AlarmKey, Severity};

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn item(device: &str) -> Shelved {
        Shelved {
            key: AlarmKey {
                device: device.into(),
                device_type: None,
                name: "Pressure high".into(),
            },
            severity: Severity::Low,
            since: at(0),
            until: at(900),
            reason: "valve".into(),
            by: "op1".into(),
        }
    }

    fn notebook(dir: &Path, origin: &str) -> Notebook {
        let scope = Scope {
            profile: "bedford".into(),
            origin: origin.into(),
        };
        Notebook::open(dir, &scope).unwrap()
    }

    #[test]
    fn two_consoles_change_one_shelf() {
        let dir = tempfile::tempdir().unwrap();
        let (one, other) = (notebook(dir.path(), "https://a"), notebook(dir.path(), "https://a"));
        one.change_shelf(&ShelfChange::Put(vec![item("A")])).unwrap();
        other.change_shelf(&ShelfChange::Put(vec![item("B")])).unwrap();
        assert_eq!(one.shelf().unwrap(), [item("A"), item("B")]);
        one.change_shelf(&ShelfChange::Take(vec![item("A").key])).unwrap();
        assert_eq!(other.shelf().unwrap(), [item("B")]);
        assert!(notebook(dir.path(), "https://b").shelf().unwrap().is_empty());
    }

    #[test]
    fn who_only_looks_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let scope = Scope {
            profile: "bedford".into(),
            origin: "https://a".into(),
        };
        let looked = Notebook::look(dir.path(), &scope);
        assert!(looked.shelf().unwrap().is_empty());
        assert_eq!(looked.notes().unwrap(), Notes::default());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        notebook(dir.path(), "https://a")
            .change_shelf(&ShelfChange::Put(vec![item("A")]))
            .unwrap();
        assert_eq!(looked.shelf().unwrap(), [item("A")]);
    }

    #[test]
    fn remarks_and_reads_are_kept_for_a_season() {
        let dir = tempfile::tempdir().unwrap();
        let book = notebook(dir.path(), "https://a");
        let remark = |text: &str, seconds| Remark {
            at: at(seconds),
            by: "op1".into(),
            text: text.into(),
        };
        let read = Read {
            since: at(0),
            by: "op2".into(),
            at: at(100),
        };
        book.remark(&remark("old", 0)).unwrap();
        book.read(&read).unwrap();
        book.read(&Read {
            at: at(200),
            ..read.clone()
        })
        .unwrap();
        book.remark(&remark("new", 91 * 86_400)).unwrap();
        let notes = book.notes().unwrap();
        assert_eq!(notes.remarks, [remark("new", 91 * 86_400)]);
        assert!(notes.reads.is_empty());
    }

    #[test]
    fn a_damaged_file_is_named_and_put_aside() {
        let dir = tempfile::tempdir().unwrap();
        let book = notebook(dir.path(), "https://a");
        let path = book.dir.join("shelf.json");
        std::fs::write(&path, "{").unwrap();
        assert!(book.shelf().unwrap_err().to_string().contains("shelf.json"));
        book.change_shelf(&ShelfChange::Put(vec![item("A")])).unwrap();
        assert_eq!(book.shelf().unwrap(), [item("A")]);
        assert_eq!(std::fs::read(path.with_extension("damaged")).unwrap(), b"{");
    }
}
