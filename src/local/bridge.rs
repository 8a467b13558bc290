//! The file in which a bridge says how it is doing, for the console on the same machine.

use std::path::Path;

use super::file::{self, LocalError};
use crate::model::BridgeStatus;

/// A status file is never longer.
const BYTES_MAX: u64 = 256 * 1024;

/// What the bridge of a state folder last said; `None` where there was never one.
pub fn bridge_status(state: &Path) -> Result<Option<BridgeStatus>, LocalError> {
    let path = state.join(BridgeStatus::FOLDER).join(BridgeStatus::FILE);
    match file::read(&path, BYTES_MAX)? {
        None => Ok(None),
        Some(bytes) => match serde_json::from_slice::<BridgeStatus>(&bytes) {
            Ok(status) if status.version == BridgeStatus::VERSION => Ok(Some(status)),
            _ => Err(LocalError::Corrupt {
                path,
                what: "a bridge's status",
            }),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_as_it_was_written_and_another_file_is_not_taken_for_one() {
        let dir = tempfile::tempdir().unwrap();
        assert!(bridge_status(dir.path()).unwrap().is_none());
        let folder = dir.path().join(BridgeStatus::FOLDER);
        std::fs::create_dir(&folder).unwrap();
        let status = BridgeStatus {
            version: BridgeStatus::VERSION,
            at: jiff::Timestamp::UNIX_EPOCH,
            profile: "bedford".into(),
            pid: 7,
            address: None,
            ended: false,
            parts: Vec::new(),
            jobs: Vec::new(),
        };
        std::fs::write(folder.join(BridgeStatus::FILE), serde_json::to_vec(&status).unwrap()).unwrap();
        assert_eq!(bridge_status(dir.path()).unwrap(), Some(status.clone()));
        for (seconds, is_silent) in [(0, false), (15, false), (16, true)] {
            assert_eq!(status.is_silent(jiff::Timestamp::from_second(seconds).unwrap()), is_silent);
        }
        std::fs::write(folder.join(BridgeStatus::FILE), b"{}").unwrap();
        assert!(matches!(bridge_status(dir.path()), Err(LocalError::Corrupt { .. })));
    }
}
