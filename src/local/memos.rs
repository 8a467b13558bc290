//! Views and linked orders, in one file of the state directory.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::model::Memo;

use super::file::{self, LocalError};
use super::scope::Scope;

const VERSION: u32 = 1;
/// The file is never longer.
const BYTES_MAX: u64 = 1024 * 1024;

/// The memo of one profile and server.
#[derive(Clone, Debug)]
pub struct Memos {
    path: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    version: u32,
    memo: Memo,
}

impl Memos {
    /// Uses (and makes) a directory below the state directory.
    pub fn open(state_dir: &Path, scope: &Scope) -> Result<Self, LocalError> {
        let dir = state_dir.join("desk").join(scope.directory());
        file::private_dir(&dir)?;
        Ok(Self {
            path: dir.join("memo.json"),
        })
    }

    /// What was kept; nothing where there is none yet.
    pub fn found(&self) -> Result<Memo, LocalError> {
        let Some(bytes) = file::read(&self.path, BYTES_MAX)? else {
            return Ok(Memo::default());
        };
        match serde_json::from_slice::<Stored>(&bytes) {
            Ok(Stored {
                version: VERSION,
                mut memo,
            }) => {
                memo.bound();
                Ok(memo)
            }
            _ => Err(LocalError::Corrupt {
                path: self.path.clone(),
                what: "views and linked orders",
            }),
        }
    }

    /// Keeps it. Links that another console of this site kept meanwhile stay.
    pub fn save(&self, memo: &Memo) -> Result<(), LocalError> {
        let mut memo = memo.clone();
        if let Ok(before) = self.found() {
            memo.join(before);
        }
        let stored = Stored { version: VERSION, memo };
        let bytes = serde_json::to_vec(&stored).map_err(|_| LocalError::Corrupt {
            path: self.path.clone(),
            what: "views and linked orders",
        })?;
        if bytes.len() as u64 > BYTES_MAX {
            return Err(LocalError::TooLarge {
                path: self.path.clone(),
                max: BYTES_MAX,
            });
        }
        file::replace(&self.path, &bytes)
    }
}

#[cfg(test)]
mod tests {
    use crate::model::View;

    use super::*;

    fn memos(dir: &tempfile::TempDir, origin: &str) -> Memos {
        let scope = Scope {
            profile: "bedford".into(),
            origin: origin.into(),
        };
        Memos::open(dir.path(), &scope).unwrap()
    }

    #[test]
    fn what_was_kept_comes_back_for_its_own_site_only_and_links_of_two_consoles_join() {
        let dir = tempfile::tempdir().unwrap();
        let memos_here = memos(&dir, "https://a");
        assert_eq!(memos_here.found().unwrap(), Memo::default());
        let mut memo = Memo::default();
        memo.keep_view(View {
            name: "pumps".into(),
            filter: "dev:PUMP-*".into(),
            ..View::default()
        });
        memo.keep_link("one".into(), "1043".into());
        memos_here.save(&memo).unwrap();
        assert_eq!(memos(&dir, "https://a").found().unwrap(), memo);
        assert_eq!(memos(&dir, "https://b").found().unwrap(), Memo::default());
        let mut other = Memo::default();
        other.keep_link("two".into(), "998".into());
        memos_here.save(&other).unwrap();
        assert_eq!(memos_here.found().unwrap().links.len(), 2);
    }

    #[test]
    fn a_damaged_file_is_named_and_a_later_one_replaces_it() {
        let dir = tempfile::tempdir().unwrap();
        let memos = memos(&dir, "https://a");
        std::fs::write(&memos.path, b"{\"version\":7}").unwrap();
        assert!(matches!(memos.found(), Err(LocalError::Corrupt { .. })));
        memos.save(&Memo::default()).unwrap();
        assert_eq!(memos.found().unwrap(), Memo::default());
    }
}
