//! Runbooks: Markdown files in the configuration folder, one for each alert name.

use std::path::{Path, PathBuf};

use super::file::{self, LocalError};
use crate::domain::slug;

/// A runbook is never longer.
const BYTES_MAX: u64 = 256 * 1024;
/// Most files that are looked through.
const FILES_MOST: usize = 5_000;

/// The folder.
#[derive(Clone, Debug)]
pub struct Runbooks {
    dir: PathBuf,
}

impl Runbooks {
    /// `runbooks/` of the configuration folder, which need not be there.
    pub fn new(config_dir: &Path) -> Self {
        Self {
            dir: config_dir.join("runbooks"),
        }
    }

    /// Where they belong.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The text for an alert name, by its slug: `Bearing temperature high` is `bearing-temperature-high.md`, in any case.
    pub fn read(&self, alert_slug: &str) -> Result<Option<String>, LocalError> {
        let Ok(entries) = std::fs::read_dir(&self.dir) else {
            return Ok(None);
        };
        let found = entries.flatten().take(FILES_MOST).map(|entry| entry.path()).find(|path| {
            path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("md"))
                && path
                    .file_stem()
                    .and_then(|stem| stem.to_str())
                    .is_some_and(|stem| slug(stem) == alert_slug)
        });
        let Some(path) = found else { return Ok(None) };
        // the person's own folder: a link there is their own doing
        let path = std::fs::canonicalize(&path).map_err(|source| LocalError::Io { path, source })?;
        let bytes = file::read(&path, BYTES_MAX)?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runbook_is_found_by_the_slug_of_the_alert_name() {
        let dir = tempfile::tempdir().unwrap();
        let runbooks = Runbooks::new(dir.path());
        assert_eq!(runbooks.read("bearing-temperature-high").unwrap(), None);
        std::fs::create_dir(runbooks.dir()).unwrap();
        std::fs::write(runbooks.dir().join("Bearing temperature high.md"), "# Do\n").unwrap();
        std::fs::write(runbooks.dir().join("notes.txt"), "no").unwrap();
        assert_eq!(runbooks.read("bearing-temperature-high").unwrap().as_deref(), Some("# Do\n"));
        assert_eq!(runbooks.read("notes").unwrap(), None);
        std::fs::write(runbooks.dir().join("huge.md"), vec![b'x'; 300 * 1024]).unwrap();
        assert!(matches!(runbooks.read("huge"), Err(LocalError::TooLarge { .. })));
    }
}
