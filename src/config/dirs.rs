//! Where a person's files belong.

use std::path::{Path, PathBuf};

use directories::ProjectDirs;

use super::ConfigError;

/// The three folders, by the platform's convention or as overridden.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dirs {
    /// Configuration: `config.toml`, `keymap.toml`, `themes/`, `runbooks/`. The folder of the file that is in use.
    pub config: PathBuf,
    /// Outbox, drafts, audit, logs.
    pub state: PathBuf,
    /// Last known data: may be deleted at any time.
    pub cache: PathBuf,
}

impl Dirs {
    /// The configuration file in use, and the folders. With a state directory of one's own the cache lies in it, so that
    /// nothing is written elsewhere.
    pub(super) fn locate(config: Option<&Path>, state_dir: Option<&Path>) -> Result<(PathBuf, Self), ConfigError> {
        let project = ProjectDirs::from("", "", "nightdesk");
        let home = || project.as_ref().ok_or(ConfigError::NoHome);
        let file = match config {
            Some(file) => file.to_owned(),
            None => home()?.config_dir().join("config.toml"),
        };
        let state = match state_dir {
            Some(dir) => dir.to_owned(),
            None => home().map(|project| project.state_dir().unwrap_or_else(|| project.data_local_dir()).to_owned())?,
        };
        let cache = match state_dir {
            Some(dir) => dir.join("cache"),
            None => home()?.cache_dir().to_owned(),
        };
        let config = match file.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        Ok((file, Self { config, state, cache }))
    }
}
