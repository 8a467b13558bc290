//! What a folder keeps of a plant, so that it comes back as the same one: how it began, its keys and certificates, its port.
//! What was done to it since stands in the ledger beside it.

use std::io;
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::api::Keys;
use super::authority::Papers;
use super::directory::write_private;
use super::ledger::{LedgerEntry, LedgerFile};
use super::{SimulateError, SimulatorConfig};

const FILE: &str = "plant.json";
const LEDGER: &str = "ledger.jsonl";
/// What this version writes; another one is refused.
const VERSION: u32 = 1;

/// `plant.json`
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    version: u32,
    pub(super) began: Timestamp,
    seed: u64,
    scenario: String,
    devices: u32,
    alerts: Option<usize>,
    pub(super) port: u16,
    pub(super) keys: Keys,
    /// `None` where the certificate was bad on purpose.
    pub(super) papers: Option<Papers>,
}

impl Kept {
    pub(super) fn of(config: &SimulatorConfig, began: Timestamp, port: u16, keys: Keys, papers: Option<Papers>) -> Self {
        Self {
            version: VERSION,
            began,
            seed: config.seed,
            scenario: config.scenario.name().to_owned(),
            devices: config.devices,
            alerts: config.alerts,
            port,
            keys,
            papers,
        }
    }

    /// What the folder holds, if anything; it must be the plant that is asked for.
    pub(super) fn read(folder: &Path, asked: &SimulatorConfig) -> Result<Option<Self>, SimulateError> {
        let path = folder.join(FILE);
        let failed = |what: String| SimulateError::Kept { path: path.clone(), what };
        let text = match std::fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error.to_string())),
            Ok(text) => text,
        };
        let kept: Self = serde_json::from_str(&text).map_err(|error| failed(error.to_string()))?;
        if kept.version != VERSION {
            return Err(failed(format!(
                "it has version {}, and this program writes {VERSION}",
                kept.version
            )));
        }
        let same = (kept.seed, kept.scenario.as_str(), kept.devices, kept.alerts)
            == (asked.seed, asked.scenario.name(), asked.devices, asked.alerts);
        if !same {
            let alerts = kept.alerts.map_or_else(String::new, |alerts| format!(" --alerts {alerts}"));
            return Err(SimulateError::Another {
                path: folder.to_owned(),
                kept: format!(
                    "--scenario {} --seed {} --devices {}{alerts}",
                    kept.scenario, kept.seed, kept.devices
                ),
            });
        }
        Ok(Some(kept))
    }

    pub(super) fn write(&self, folder: &Path) -> Result<(), SimulateError> {
        let path = folder.join(FILE);
        let text = serde_json::to_string_pretty(self).map_err(io::Error::from);
        text.and_then(|text| write_private(&path, &(text + "\n")))
            .map_err(|source| SimulateError::Write { path, source })
    }
}

/// Takes the folder's ledger for this simulator alone, with what it holds.
pub(super) fn open_ledger(folder: &Path) -> Result<(LedgerFile, Vec<LedgerEntry>), SimulateError> {
    let path = folder.join(LEDGER);
    LedgerFile::open(&path).map_err(|source| match source.kind() {
        io::ErrorKind::WouldBlock => SimulateError::InUse(folder.to_owned()),
        io::ErrorKind::InvalidData => SimulateError::Kept {
            path,
            what: source.to_string(),
        },
        _ => SimulateError::Write { path, source },
    })
}

/// A line of the ledger does not follow from the plant.
pub(super) fn misfit(folder: &Path, seq: u64) -> SimulateError {
    SimulateError::Kept {
        path: folder.join(LEDGER),
        what: format!("its line {seq} cannot happen to the plant of {FILE}, so the two do not belong together"),
    }
}
