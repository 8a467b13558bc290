//! The judge: every effect that was committed, in order, never changed.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The key that marks what the simulated second operator did.
pub const SIMULATED: &str = "simulated";

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectKind {
    /// An alert was acknowledged, or its note replaced.
    Acknowledge,
    /// An alert was resolved.
    Resolve,
    /// A work order was made.
    CreateWorkOrder,
    /// A device's metadata was merged.
    UpdateMetadata,
    /// A device was made.
    CreateDevice,
    /// An asset was made.
    CreateAsset,
    /// An asset was changed.
    UpdateAsset,
    /// The ERP took a production report, or a correction of one.
    ReportProduction,
    /// An incident was made.
    CreateIncident,
    /// A receiver took a message that it did not know.
    ReceiveWebhook,
}

/// One committed effect; a line of `ledger.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// From 1, without gaps.
    pub seq: u64,
    /// By the simulator's clock.
    pub at: Timestamp,
    /// Who, as the request says it.
    pub actor: String,
    /// The credential: `api-key`, `oauth2`, `manage-key`, or [`SIMULATED`].
    pub key: String,
    /// What.
    pub effect: EffectKind,
    /// The alert.
    #[serde(skip_serializing_if = "Option::is_none", rename = "alertId")]
    pub alert_id: Option<String>,
    /// The device.
    #[serde(skip_serializing_if = "Option::is_none", rename = "deviceId")]
    pub device_id: Option<String>,
    /// The device's type, where the effect is about a device alone.
    #[serde(skip_serializing_if = "Option::is_none", rename = "deviceType")]
    pub device_type: Option<String>,
    /// The work order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wonum: Option<String>,
    /// The asset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assetnum: Option<String>,
    /// The production report, as `LINE/DATE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<String>,
    /// The incident's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incident: Option<String>,
    /// The receiver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sink: Option<String>,
    /// The message's `webhook-id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The asset's site, where the effect is about an asset alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub siteid: Option<String>,
    /// The request's body.
    pub body: Value,
    /// The request's `transactionid` header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transactionid: Option<String>,
}

impl LedgerEntry {
    /// Whether a client did it, and not the simulator's own second operator.
    pub fn is_by_client(&self) -> bool {
        self.key != SIMULATED
    }
}

/// What an effect is about, before it has its number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Objects {
    pub(crate) alert_id: Option<String>,
    pub(crate) device_id: Option<String>,
    pub(crate) device_type: Option<String>,
    pub(crate) wonum: Option<String>,
    pub(crate) assetnum: Option<String>,
    pub(crate) report: Option<String>,
    pub(crate) incident: Option<String>,
    pub(crate) sink: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) siteid: Option<String>,
    pub(crate) transactionid: Option<String>,
}

/// The ledger's file: of one simulator at a time, owner only.
#[derive(Debug)]
pub(crate) struct LedgerFile(File);

impl LedgerFile {
    /// Opens or makes it, and reads what it holds. A last line without its end was cut off by a kill before its effect was
    /// answered: it is taken away. An error of kind `WouldBlock` says that another simulator has it.
    pub(crate) fn open(path: &Path) -> io::Result<(Self, Vec<LedgerEntry>)> {
        let mut file = OpenOptions::new().create(true).read(true).append(true).mode(0o600).open(path)?;
        file.try_lock()?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        if whole < text.len() {
            tracing::warn!(path = %path.display(), "the ledger's last line was cut off by a kill and is left out");
            file.set_len(whole as u64)?;
        }
        let lines = text.get(..whole).unwrap_or_default().lines();
        let entries = lines.enumerate().map(|(index, line)| {
            serde_json::from_str(line).map_err(|error| {
                let what = format!("line {}: {error}", index + 1);
                io::Error::new(io::ErrorKind::InvalidData, what)
            })
        });
        let entries = entries.collect::<io::Result<_>>()?;
        Ok((Self(file), entries))
    }

    fn write(&mut self, entry: &LedgerEntry) {
        let line = serde_json::to_string(entry).map_or_else(|error| error.to_string(), |line| line + "\n");
        if let Err(error) = self.0.write_all(line.as_bytes()) {
            tracing::error!(%error, seq = entry.seq, "the ledger's file lacks an entry");
        }
    }
}

/// Append only.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    entries: Vec<LedgerEntry>,
    file: Option<LedgerFile>,
}

impl Ledger {
    /// From now on also writes to a file, and first what it lacks: it holds `held` entries.
    pub(crate) fn write_to(&mut self, mut file: LedgerFile, held: usize) {
        for entry in self.entries.iter().skip(held) {
            file.write(entry);
        }
        self.file = Some(file);
    }

    pub(crate) fn append(&mut self, at: Timestamp, (actor, key): (&str, &str), effect: EffectKind, objects: Objects, body: Value) {
        let entry = LedgerEntry {
            seq: self.entries.len() as u64 + 1,
            at,
            actor: actor.to_owned(),
            key: key.to_owned(),
            effect,
            alert_id: objects.alert_id,
            device_id: objects.device_id,
            device_type: objects.device_type,
            wonum: objects.wonum,
            assetnum: objects.assetnum,
            report: objects.report,
            incident: objects.incident,
            sink: objects.sink,
            message: objects.message,
            siteid: objects.siteid,
            body,
            transactionid: objects.transactionid,
        };
        if let Some(file) = &mut self.file {
            file.write(&entry);
        }
        self.entries.push(entry);
    }

    pub(crate) fn entries(&self) -> &[LedgerEntry] {
        &self.entries
    }
}
