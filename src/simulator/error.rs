//! Why a simulator does not start.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::config::{ALERTS_MAX, DEVICES_MAX};
use super::fault::FaultFileError;

/// Why a simulator does not start, or its files cannot be written.
#[derive(Debug, Error)]
pub enum SimulateError {
    /// The port is taken or not allowed.
    #[error("cannot listen on 127.0.0.1:{port}: {source}; take another --port, or 0 for a free one")]
    Listen {
        /// The port asked for.
        port: u16,
        /// The system's reason.
        source: io::Error,
    },
    /// The port of the plant's last run is taken.
    #[error("cannot listen on 127.0.0.1:{port}, where this plant was before: {source}; free the port, or give it another with --port")]
    Back {
        /// The port that it had.
        port: u16,
        /// The system's reason.
        source: io::Error,
    },
    /// The folder holds a plant, and it is not the one asked for.
    #[error("{} holds another plant ({kept}): ask for that one, or take another --dir", path.display())]
    Another {
        /// The folder.
        path: PathBuf,
        /// What it holds, as the command line would ask for it.
        kept: String,
    },
    /// Another simulator runs in the folder.
    #[error("{} is in use by another simulator: end that one, or take another --dir", .0.display())]
    InUse(PathBuf),
    /// What the folder holds cannot be gone on with.
    #[error("cannot go on with {}: {what}; take another --dir", path.display())]
    Kept {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A file or directory.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The certificate authority could not be made.
    #[error("cannot make the certificates: {0}")]
    Certificate(String),
    /// Too large a plant.
    #[error("{0} devices are too many: take at most {DEVICES_MAX}")]
    Devices(u32),
    /// Too many alerts.
    #[error("{0} alerts are too many: take at most {ALERTS_MAX}")]
    Alerts(usize),
    /// The technicians' system.
    #[error(transparent)]
    Technicians(#[from] super::technician::TechnicianError),
    /// The rule file.
    #[error(transparent)]
    Faults(#[from] FaultFileError),
    /// Signals cannot be waited for.
    #[error("cannot wait for signals: {0}")]
    Signal(io::Error),
}
