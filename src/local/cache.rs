//! Last known alerts and devices, for the first paint and for nights on which the server is away.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::domain::{Alert, Device, Listing};

use super::file::{self, LocalError};
use super::scope::Scope;

const VERSION: u32 = 1;
/// A list's file is never longer.
const BYTES_MAX: u64 = 32 * 1024 * 1024;
/// A list's rows that are kept; the rest comes with the first refresh.
const ROWS_MAX: usize = 20_000;

/// The store of last known data of one profile.
#[derive(Clone, Debug)]
pub struct Cache {
    dir: PathBuf,
    scope: Scope,
}

#[derive(Serialize)]
struct Written<'a, T> {
    version: u32,
    scope: &'a Scope,
    as_of: Timestamp,
    items: &'a [T],
}

#[derive(Deserialize)]
struct Stored<T> {
    version: u32,
    scope: Scope,
    as_of: Timestamp,
    items: Vec<T>,
}

impl Cache {
    /// Uses (and makes) a directory of its own below the cache directory.
    pub fn open(cache_dir: &Path, scope: Scope) -> Result<Self, LocalError> {
        let dir = cache_dir.join(scope.directory());
        file::private_dir(&dir)?;
        Ok(Self { dir, scope })
    }

    /// The alerts of the last run, with the time at which they were read.
    pub fn alerts(&self) -> Result<Option<Listing<Alert>>, LocalError> {
        self.load("alerts.json")
    }

    /// The devices of the last run.
    pub fn devices(&self) -> Result<Option<Listing<Device>>, LocalError> {
        self.load("devices.json")
    }

    /// Keeps alerts.
    pub fn keep_alerts(&self, listing: &Listing<Alert>) -> Result<(), LocalError> {
        self.store("alerts.json", listing)
    }

    /// Keeps devices.
    pub fn keep_devices(&self, listing: &Listing<Device>) -> Result<(), LocalError> {
        self.store("devices.json", listing)
    }

    fn load<T: DeserializeOwned>(&self, name: &str) -> Result<Option<Listing<T>>, LocalError> {
        let path = self.dir.join(name);
        let Some(bytes) = file::read(&path, BYTES_MAX)? else {
            return Ok(None);
        };
        match serde_json::from_slice::<Stored<T>>(&bytes) {
            Ok(stored) if stored.version == VERSION && stored.scope == self.scope => Ok(Some(Listing::whole(stored.items, stored.as_of))),
            _ => Err(LocalError::Corrupt {
                path,
                what: "last known data",
            }),
        }
    }

    fn store<T: Serialize>(&self, name: &str, listing: &Listing<T>) -> Result<(), LocalError> {
        let path = self.dir.join(name);
        let written = Written {
            version: VERSION,
            scope: &self.scope,
            as_of: listing.as_of,
            items: listing.items.get(..ROWS_MAX).unwrap_or(&listing.items),
        };
        let bytes = serde_json::to_vec(&written).map_err(|_| LocalError::Corrupt {
            path: path.clone(),
            what: "last known data",
        })?;
        if bytes.len() as u64 > BYTES_MAX {
            return Err(LocalError::TooLarge { path, max: BYTES_MAX });
        }
        file::replace(&path, &bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use crate::domain::Severity;

    use super::*;

    fn scope(origin: &str) -> Scope {
        Scope {
            profile: "bedford".into(),
            origin: origin.into(),
        }
    }

    fn listing() -> Listing<Alert> {
        let alert = Alert::raised(
            "alert-1".into(),
            "Bearing \u{1b}[31m".into(),
            "PUMP-017".into(),
            Severity::Critical,
            Timestamp::UNIX_EPOCH,
        );
        Listing::whole(vec![alert], Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn what_was_kept_comes_back_with_its_time_for_its_own_server_only() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::open(dir.path(), scope("https://a")).unwrap();
        assert!(cache.alerts().unwrap().is_none());
        cache.keep_alerts(&listing()).unwrap();
        assert_eq!(cache.alerts().unwrap().unwrap(), listing());
        assert!(Cache::open(dir.path(), scope("https://b")).unwrap().alerts().unwrap().is_none());
    }

    #[test]
    fn files_are_private_and_no_temporary_stays() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::open(dir.path(), scope("https://a")).unwrap();
        cache.keep_alerts(&listing()).unwrap();
        cache.keep_alerts(&listing()).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&cache.dir), 0o700);
        assert_eq!(mode(&cache.dir.join("alerts.json")), 0o600);
        assert_eq!(std::fs::read_dir(&cache.dir).unwrap().count(), 1);
    }

    #[test]
    fn damaged_foreign_or_linked_files_are_named_and_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::open(dir.path(), scope("https://a")).unwrap();
        let path = cache.dir.join("alerts.json");
        for bytes in [
            &b""[..],
            b"{",
            br#"{"version":9,"scope":{"profile":"bedford","origin":"https://a"},"as_of":"2026-01-01T00:00:00Z","items":[]}"#,
            br#"{"version":1,"scope":{"profile":"x","origin":"https://a"},"as_of":"2026-01-01T00:00:00Z","items":[]}"#,
        ] {
            std::fs::write(&path, bytes).unwrap();
            let error = cache.alerts().unwrap_err();
            assert!(error.to_string().contains("alerts.json"), "{error}");
        }
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/etc/hostname", &path).unwrap();
        assert!(matches!(cache.alerts(), Err(LocalError::Io { .. })));
    }
}
