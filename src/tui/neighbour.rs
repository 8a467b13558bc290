//! The bridge on the same machine: what it says of itself is looked for now and then.

use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::local::bridge_status;
use crate::model::{BridgeStatus, Event};

/// How often.
const EVERY: Duration = Duration::from_secs(BridgeStatus::EVERY_S.unsigned_abs());

/// Looks until it is dropped.
pub(super) struct Neighbour(JoinHandle<()>);

impl Neighbour {
    /// Tells what is new about the bridge of a profile.
    pub(super) fn follow(state: PathBuf, profile: String, events: mpsc::Sender<Event>) -> Self {
        Self(tokio::spawn(async move {
            let mut known: Option<BridgeStatus> = None;
            loop {
                let folder = state.clone();
                let read = tokio::task::spawn_blocking(move || bridge_status(&folder)).await;
                match read {
                    Ok(Ok(Some(status))) if status.profile == profile && known.as_ref() != Some(&status) => {
                        known = Some(status.clone());
                        if events.send(Event::Bridge(status)).await.is_err() {
                            return; // the console has ended
                        }
                    }
                    Ok(Ok(_)) => {}
                    Ok(Err(error)) => tracing::debug!(%error, "the bridge's status cannot be read"),
                    Err(error) => tracing::debug!(%error, "the bridge's status cannot be read"),
                }
                tokio::time::sleep(EVERY).await;
            }
        }))
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        self.0.abort();
    }
}
