//! `nightdesk simulate`: the simulator alone, found by files in a directory.

use std::io::Write;
use std::path::PathBuf;

use tokio::signal::unix::{SignalKind, signal};

use crate::simulator::{Scenario, SimulateError, Simulator, SimulatorConfig, make_directory, read_faults, write_directory};

/// What the command line asks for.
#[derive(Clone, Debug)]
pub struct SimulateOptions {
    /// Where `url`, `ca.pem`, `config.toml`, the keys and `ledger.jsonl` go.
    pub dir: PathBuf,
    /// 0 takes a free one.
    pub port: u16,
    /// The story.
    pub scenario: Scenario,
    /// The same seed gives the same plant.
    pub seed: u64,
    /// Devices over all types.
    pub devices: u32,
    /// Unresolved alerts at the start; the scenario's own number where `None`.
    pub alerts: Option<usize>,
    /// A rule file.
    pub faults: Option<PathBuf>,
}

/// Runs until SIGINT or SIGTERM. Writes `ready URL` once a client can connect and all files are there.
pub async fn run(options: SimulateOptions, out: &mut (dyn Write + Send)) -> Result<(), SimulateError> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(SimulateError::Signal)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(SimulateError::Signal)?;
    let faults = options.faults.as_deref().map(read_faults).transpose()?.unwrap_or_default();
    make_directory(&options.dir)?;
    let config = SimulatorConfig {
        seed: options.seed,
        scenario: options.scenario,
        devices: options.devices,
        alerts: options.alerts,
        port: options.port,
        directory: Some(options.dir.clone()),
        faults,
        ..SimulatorConfig::default()
    };
    let simulator = Simulator::start(config).await?;
    write_directory(&simulator, &options.dir)?;
    writeln!(out, "ready {}", simulator.url())
        .and_then(|()| out.flush())
        .map_err(|source| SimulateError::Write {
            path: "standard output".into(),
            source,
        })?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    simulator.shutdown().await;
    Ok(())
}
