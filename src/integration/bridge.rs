//! The bridge as a whole: jobs, server and status file of one profile, begun together and ended together.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::server::{AccessError, ApiKeys, DoorError, SecretsError, TlsError};
use super::server::{Certificate, Door, Edge, EdgeSettings, InboundMode, Secrets, Traffic, router};
use super::{Board, Ground, JobError, JobErrorKind, Pass, Runner, WallClock, jobs};
use crate::local::{BridgeJob, BridgePart, BridgeStatus};

/// The status file is written so often.
const STATUS_EVERY: Duration = Duration::from_secs(BridgeStatus::EVERY_S.unsigned_abs());

/// Everything that the configuration switches on, set up and not yet begun.
#[derive(Debug)]
pub struct Bridge {
    ground: Ground,
    board: Board,
    runners: Vec<Runner>,
    door: Option<(Door, Router)>,
    clock: WallClock,
}

impl Bridge {
    /// Reads credentials, certificates and keys, and begins to listen. Whatever cannot be had is a failure now.
    pub async fn open(ground: Ground, clock: WallClock) -> Result<Self, JobError> {
        let board = Board::default();
        let runners: Vec<Runner> = jobs(&ground)
            .await?
            .into_iter()
            .map(|job| Runner::new(job, Arc::clone(&ground.store), ground.parts.clone(), board.clone(), clock.clone()))
            .collect();
        let door = open_door(&ground, &board, &clock).await?;
        Ok(Self {
            ground,
            board,
            runners,
            door,
            clock,
        })
    }

    /// Whether nothing is switched on.
    pub fn is_empty(&self) -> bool {
        self.runners.is_empty() && self.door.is_none()
    }

    /// Where it listens, if it does.
    pub fn address(&self) -> Option<SocketAddr> {
        self.door.as_ref().map(|(door, _)| door.address())
    }

    /// The names of its jobs.
    pub fn jobs(&self) -> Vec<&str> {
        self.runners.iter().map(Runner::name).collect()
    }

    /// Does once what is due now, one job after the other.
    pub async fn once(&self) -> Vec<(String, Pass)> {
        let mut passes = Vec::new();
        for runner in &self.runners {
            passes.push((runner.name().to_owned(), runner.once().await));
        }
        passes
    }

    /// Runs until told to stop: what was begun is finished, or stays in the outbox.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        let mut tasks = JoinSet::new();
        let writer = StatusWriter {
            ground: self.ground.clone(),
            board: self.board.clone(),
            clock: self.clock.clone(),
            address: self.address(),
        };
        for runner in self.runners {
            tasks.spawn(runner.run(stop.clone()));
        }
        if let Some((door, router)) = self.door {
            tasks.spawn(door.keep(router, stop.clone()));
        }
        let mut stopped = stop;
        let mut next = tokio::time::interval(STATUS_EVERY);
        loop {
            tokio::select! {
                () = async { drop(stopped.wait_for(|stop| *stop).await) } => break,
                _ = next.tick() => writer.write(false).await,
                // the others go on; the figures show it as cut off
                Some(ended) = tasks.join_next() => said(ended),
            }
        }
        while let Some(ended) = tasks.join_next().await {
            said(ended);
        }
        writer.write(true).await;
    }
}

/// Nothing ends before it is told to.
fn said(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a part of the bridge ended in a bug: it does nothing until the next start");
    }
}

/// Keeps the status file for the console's health screen.
struct StatusWriter {
    ground: Ground,
    board: Board,
    clock: WallClock,
    address: Option<SocketAddr>,
}

impl StatusWriter {
    async fn write(&self, ended: bool) {
        let status = BridgeStatus {
            version: BridgeStatus::VERSION,
            at: self.clock.now(),
            profile: self.ground.profile.name.clone(),
            pid: std::process::id(),
            address: self.address.map(|address| format!("https://{address}")),
            ended,
            parts: self
                .ground
                .parts
                .all()
                .into_iter()
                .map(|(part, health)| BridgePart {
                    name: part.as_str().to_owned(),
                    runs: health.runs,
                    failures: health.failures,
                    last_success: health.last_success,
                    last_failure: health.last_failure,
                    said: health.said,
                })
                .collect(),
            jobs: self
                .board
                .all()
                .into_iter()
                .map(|(name, state)| BridgeJob {
                    name,
                    doing: state.doing.as_str().to_owned(),
                    next: state.next,
                    pending: state.pending,
                })
                .collect(),
        };
        let store = Arc::clone(&self.ground.store);
        let written = tokio::task::spawn_blocking(move || {
            let bytes = serde_json::to_vec(&status).map_err(|error| error.to_string())?;
            store.replace(BridgeStatus::FILE, &bytes).map_err(|error| error.to_string())
        })
        .await;
        match written {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(error, "the status file cannot be written"),
            Err(error) => tracing::error!(%error, "the status file cannot be written"),
        }
    }
}

/// The server, where `listen` asks for one.
async fn open_door(ground: &Ground, board: &Board, clock: &WallClock) -> Result<Option<(Door, Router)>, JobError> {
    let Some(bridge) = &ground.bridge else { return Ok(None) };
    let (Some(listen), Some(chain), Some(key)) = (bridge.listen, &bridge.cert_file, &bridge.cert_key_file) else {
        return Ok(None);
    };
    let traffic = Traffic::default();
    let api_keys = bridge.api_keys_file.as_deref().map(ApiKeys::load).transpose()?;
    let inbound: Option<(InboundMode, Secrets)> = match &bridge.inbound_secret {
        None => None,
        Some(source) => Some((bridge.inbound_mode, Secrets::new(&source.read_lines(&ground.env).await?)?)),
    };
    let settings = EdgeSettings { api_keys, inbound };
    let door = Door::open(listen, Certificate::load(chain, key)?, traffic.clone()).await?;
    let edge = Edge::new(ground.clone(), board.clone(), traffic, clock.clone(), settings);
    Ok(Some((door, router(edge))))
}

impl From<AccessError> for JobError {
    fn from(error: AccessError) -> Self {
        Self::new(JobErrorKind::Configuration, error.to_string())
    }
}

impl From<SecretsError> for JobError {
    fn from(error: SecretsError) -> Self {
        Self::new(JobErrorKind::Configuration, error.to_string())
    }
}

impl From<TlsError> for JobError {
    fn from(error: TlsError) -> Self {
        Self::new(JobErrorKind::Configuration, error.to_string())
    }
}

impl From<DoorError> for JobError {
    fn from(error: DoorError) -> Self {
        Self::new(JobErrorKind::Configuration, error.to_string())
    }
}
