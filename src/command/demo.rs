//! `nightdesk demo`: the simulator in process and the console on it. Nothing to configure, nothing left behind.

use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::run::{block_on_and_wait, plant, simulated};
use super::{Exit, Failure, bridge, console};
use crate::cli::DemoArgs;
use crate::config::{Config, Env, Locate};
use crate::simulator::{Simulator, write_directory};
use crate::tui::{self, Probe};

/// The bridge's jobs have so long at the end: their plant ends too.
const ENDING: Duration = Duration::from_secs(2);

/// A bridge's thread that is writing a file has so long to end before the folder goes.
const WRITING: Duration = Duration::from_secs(10);

/// Runs the console on a plant of its own.
pub(super) fn run(arguments: DemoArgs) -> Result<(), Failure> {
    let linear = tui::Manner {
        linear: arguments.console.linear,
        ..tui::Manner::default()
    };
    tui::usable(&Probe::new().for_manner(linear))?;
    // it outlives the runtime: while anything runs, it can still be written to
    let folder = Folder::make()?;
    block_on_and_wait(play(&arguments, &folder.0), WRITING)
}

async fn play(arguments: &DemoArgs, folder: &Path) -> Result<(), Failure> {
    let simulator = Simulator::start(plant(&arguments.plant)).await.map_err(simulated)?;
    let site = folder.join("site");
    write_directory(&simulator, &site).map_err(simulated)?;
    let locate = Locate::new(
        Some(site.join("config.toml")),
        Some("demo".into()),
        Some(folder.join("state")),
        Env::process(),
    );
    if arguments.bridge {
        switch_on(&site, &folder.join("lake"))?;
    }
    // When the link drops the plant goes with it: there is nothing to go on with.
    let result = match Config::load(&locate) {
        Ok(config) => Box::pin(show(config, arguments, simulator.drill_device())).await,
        Err(error) => Err(error.into()),
    };
    simulator.shutdown().await;
    result
}

/// The console, and the bridge where it is asked for.
async fn show(config: Config, arguments: &DemoArgs, drill: Option<String>) -> Result<(), Failure> {
    let bridge = if arguments.bridge {
        Some(bridge::beside(config.clone()).await?)
    } else {
        None
    };
    let shown = console::show(config, &arguments.console, None, drill).await;
    if let Some(bridge) = bridge {
        bridge.end(ENDING).await?;
    }
    shown
}

/// Adds to the demo's configuration what the bridge does.
fn switch_on(site: &Path, lake: &Path) -> Result<(), Failure> {
    let failed =
        |path: &Path, error: &dyn std::fmt::Display| Failure::new(Exit::Store, format!("{}: cannot be written: {error}", path.display()));
    std::fs::DirBuilder::new()
        .mode(0o700)
        .create(lake)
        .map_err(|error| failed(lake, &error))?;
    let to = url::Url::from_directory_path(lake).map_err(|()| failed(lake, &"it is no absolute path"))?;
    let path = site.join("config.toml");
    let settings = format!(
        r#"
[profiles.demo.lake]
to = "{to}"

[[profiles.demo.rules]]
name = "critical alerts"
when = "sev:critical"
after = "20s"
do = "work-order"

[bridge]
listen = "127.0.0.1:0"
cert_file = "bridge.pem"
cert_key_file = "bridge.key"
"#
    );
    std::fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .and_then(|mut file| file.write_all(settings.as_bytes()))
        .map_err(|error| failed(&path, &error))
}

/// A folder that is gone when the demo ends, however it ends.
struct Folder(PathBuf);

const PREFIX: &str = "nightdesk-demo-";

impl Folder {
    fn make() -> Result<Self, Failure> {
        let base = std::env::temp_dir();
        sweep(&base);
        let path = base.join(format!("{PREFIX}{}-{:08x}", std::process::id(), fastrand::u32(..)));
        // Not recursive: a name that somebody has taken is refused, not followed.
        std::fs::DirBuilder::new().mode(0o700).create(&path).map_err(|error| {
            Failure::new(
                Exit::Store,
                format!(
                    "{} cannot be made: {error}: set TMPDIR to a folder that you may write to",
                    path.display()
                ),
            )
        })?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, "the demo's folder stays");
        }
    }
}

/// Removes what a demo that was killed left behind: our own folders whose process is no more.
fn sweep(base: &Path) {
    let Ok(entries) = std::fs::read_dir(base) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let pid = name
            .to_str()
            .and_then(|name| name.strip_prefix(PREFIX)?.split_once('-')?.0.parse().ok());
        let Some(pid) = pid.and_then(rustix::process::Pid::from_raw) else {
            continue;
        };
        let is_over = rustix::process::test_kill_process(pid) == Err(rustix::io::Errno::SRCH);
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_over && is_folder {
            let _ = std::fs::remove_dir_all(entry.path()); // somebody else's: the system refuses, and it stays
        }
    }
}
