//! Where each job of the bridge stands: for the status page, the metrics and the console.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde::Serialize;

use super::Part;
use crate::domain::SafeText;

/// Where one job stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobState {
    /// The part that it belongs to.
    pub part: Part,
    /// What it is doing.
    pub doing: Doing,
    /// When it is due next, as far as that is known.
    pub next: Option<Timestamp>,
    /// Days that are due and not done.
    pub pending: usize,
    /// Something that a person should know: days given up, a clock that was wrong.
    pub remark: Option<SafeText>,
}

/// What a job is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doing {
    /// It waits until it is due.
    Waiting,
    /// It runs.
    Running,
    /// Another bridge does it; this one takes over if that one ends.
    StandingBy,
    /// It failed and is tried again.
    TryingAgain,
    /// It has ended.
    Stopped,
}

impl Doing {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::StandingBy => "another bridge does it",
            Self::TryingAgain => "failed, tried again",
            Self::Stopped => "stopped",
        }
    }
}

/// All jobs by name. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Board(Arc<Mutex<BTreeMap<String, JobState>>>);

impl Board {
    /// Where every job stands.
    pub fn all(&self) -> Vec<(String, JobState)> {
        let jobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.iter().map(|(name, state)| (name.clone(), state.clone())).collect()
    }

    pub(super) fn note(&self, name: &str, part: Part, change: impl FnOnce(&mut JobState)) {
        let mut jobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(jobs.entry(name.to_owned()).or_insert(JobState {
            part,
            doing: Doing::Waiting,
            next: None,
            pending: 0,
            remark: None,
        }));
    }
}
