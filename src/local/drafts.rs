//! Half-written notes and forms, a file each.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::model::{Draft, DraftKey};

use super::file::{self, LocalError};
use super::scope::{Scope, short_hex};

const VERSION: u32 = 1;
/// A draft's file is never longer.
const BYTES_MAX: u64 = 256 * 1024;
/// Most drafts that are offered again at a start: the newest.
pub const DRAFTS_MAX: usize = 256;

/// The drafts of one profile and server.
#[derive(Clone, Debug)]
pub struct Drafts {
    dir: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    version: u32,
    draft: Draft,
}

impl Drafts {
    /// Uses (and makes) a directory below the state directory.
    pub fn open(state_dir: &Path, scope: &Scope) -> Result<Self, LocalError> {
        let dir = state_dir.join("drafts").join(scope.directory());
        file::private_dir(&dir)?;
        Ok(Self { dir })
    }

    /// Keeps a draft in place of its earlier text.
    pub fn save(&self, draft: &Draft) -> Result<(), LocalError> {
        let path = self.path(&draft.key);
        let stored = Stored {
            version: VERSION,
            draft: draft.clone(),
        };
        let bytes = serde_json::to_vec(&stored).map_err(|_| corrupt(&path))?;
        if bytes.len() as u64 > BYTES_MAX {
            return Err(LocalError::TooLarge { path, max: BYTES_MAX });
        }
        file::replace(&path, &bytes)
    }

    /// Forgets a draft.
    pub fn forget(&self, key: &DraftKey) -> Result<(), LocalError> {
        file::remove(&self.path(key))
    }

    /// Every draft that an earlier run left, the newest first, and what could not be read.
    pub fn found(&self) -> (Vec<Draft>, Vec<LocalError>) {
        let entries = match std::fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(source) => {
                let path = self.dir.clone();
                return (Vec::new(), vec![LocalError::Io { path, source }]);
            }
        };
        let (mut drafts, mut problems) = (Vec::new(), Vec::new());
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.extension().is_none_or(|ending| ending != "json") {
                continue;
            }
            match file::read(&path, BYTES_MAX) {
                Ok(None) => {}
                Ok(Some(bytes)) => match serde_json::from_slice::<Stored>(&bytes) {
                    Ok(stored) if stored.version == VERSION => drafts.push(stored.draft),
                    _ => problems.push(corrupt(&path)),
                },
                Err(error) => problems.push(error),
            }
        }
        drafts.sort_by_key(|draft| std::cmp::Reverse(draft.saved_at));
        drafts.truncate(DRAFTS_MAX);
        (drafts, problems)
    }

    fn path(&self, key: &DraftKey) -> PathBuf {
        let mut hash = Sha256::new();
        for part in [key.form.as_str(), key.profile.as_str()]
            .into_iter()
            .chain(key.alerts.iter().map(crate::domain::AlertId::raw))
        {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        self.dir.join(format!("{}.json", short_hex(&hash.finalize())))
    }
}

fn corrupt(path: &Path) -> LocalError {
    LocalError::Corrupt {
        path: path.to_owned(),
        what: "a draft",
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn draft(alert: &str, text: &str, second: i64) -> Draft {
        Draft {
            key: DraftKey {
                form: "note".into(),
                profile: "bedford".into(),
                alerts: vec![alert.into()],
            },
            fields: vec![("note".into(), text.into())],
            saved_at: Timestamp::from_second(second).unwrap(),
        }
    }

    #[test]
    fn a_draft_is_found_again_replaced_and_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let scope = Scope {
            profile: "bedford".into(),
            origin: "https://a".into(),
        };
        let drafts = Drafts::open(dir.path(), &scope).unwrap();
        drafts.save(&draft("one", "hal", 1)).unwrap();
        drafts.save(&draft("one", "half a line", 2)).unwrap();
        drafts.save(&draft("two", "other", 3)).unwrap();
        let (found, problems) = Drafts::open(dir.path(), &scope).unwrap().found();
        assert_eq!(found, [draft("two", "other", 3), draft("one", "half a line", 2)]);
        assert!(problems.is_empty());
        drafts.forget(&draft("two", "", 0).key).unwrap();
        drafts.forget(&draft("two", "", 0).key).unwrap();
        assert_eq!(drafts.found().0.len(), 1);
        let other = Scope {
            profile: "bedford".into(),
            origin: "https://b".into(),
        };
        assert!(Drafts::open(dir.path(), &other).unwrap().found().0.is_empty());
    }

    #[test]
    fn a_damaged_draft_hides_no_other_and_an_endless_one_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let scope = Scope {
            profile: "p".into(),
            origin: "o".into(),
        };
        let drafts = Drafts::open(dir.path(), &scope).unwrap();
        drafts.save(&draft("one", "text", 1)).unwrap();
        std::fs::write(drafts.dir.join("ff.json"), b"{\"version\":1").unwrap();
        let (found, problems) = drafts.found();
        assert_eq!((found.len(), problems.len()), (1, 1));
        let endless = draft("two", &"x".repeat(300 * 1024), 2);
        assert!(matches!(drafts.save(&endless), Err(LocalError::TooLarge { .. })));
    }
}
