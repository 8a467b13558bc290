//! `nightdesk simulate`: the simulator alone, found by files in a directory.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::simulator::{
    Scenario, SimulateError, Simulator, SimulatorConfig, Technician, make_directory, message, read_faults, write_directory,
};

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
    /// Whether one person may take over what another acknowledged.
    pub allow_takeover: bool,
    /// A rule file.
    pub faults: Option<PathBuf>,
    /// The address of a bridge that technicians tell of their work.
    pub technicians: Option<String>,
}

/// Between two messages of the technicians.
const TECHNICIANS_EVERY: Duration = Duration::from_secs(30);

/// Runs until SIGINT or SIGTERM. Writes `ready URL` once a client can connect and all files are there.
pub async fn run(options: SimulateOptions, out: &mut (dyn Write + Send)) -> Result<(), SimulateError> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(SimulateError::Signal)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(SimulateError::Signal)?;
    let faults = options.faults.as_deref().map(read_faults).transpose()?.unwrap_or_default();
    make_directory(&options.dir)?;
    let bridge = options.technicians.as_deref();
    let config = SimulatorConfig {
        seed: options.seed,
        scenario: options.scenario,
        devices: options.devices,
        alerts: options.alerts,
        allow_takeover: options.allow_takeover,
        port: options.port,
        directory: Some(options.dir.clone()),
        faults,
        ..SimulatorConfig::default()
    };
    let simulator = Simulator::start(config).await?;
    write_directory(&simulator, &options.dir)?;
    let technician = bridge
        .map(|bridge| Technician::new(bridge, simulator.ca_pem(), &simulator.inbound_secret()))
        .transpose()?;
    writeln!(out, "ready {}", simulator.url())
        .and_then(|()| out.flush())
        .map_err(|source| SimulateError::Write {
            path: "standard output".into(),
            source,
        })?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        () = technicians(&simulator, technician) => {}
    }
    simulator.shutdown().await;
    Ok(())
}

/// Tells the bridge of one piece of work after the other; never ends.
async fn technicians(simulator: &Simulator, technician: Option<Technician>) {
    let Some(technician) = technician else {
        return std::future::pending().await;
    };
    for number in 0.. {
        if let Some(body) = message(simulator, number) {
            match technician.tell(&body).await {
                Ok(status) => tracing::info!(status, body, "told the bridge"),
                Err(error) => tracing::error!(%error, "the bridge was not told; the next message follows"),
            }
        }
        tokio::time::sleep(TECHNICIANS_EVERY).await;
    }
}
