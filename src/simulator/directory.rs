//! The files by which another process finds a simulator.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use jiff::tz::TimeZone;

use super::{SimulateError, Simulator};

/// Makes the directory with mode 0700, or takes one that is there and makes it so.
pub fn make_directory(directory: &Path) -> Result<(), SimulateError> {
    let failed = |source| SimulateError::Write {
        path: directory.to_owned(),
        source,
    };
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed)?;
    fs::set_permissions(directory, fs::Permissions::from_mode(0o700)).map_err(failed)
}

/// Writes `url`, `ca.pem`, a certificate for a bridge on the same machine (`bridge.pem`, `bridge.key`), `monitor.key`, `manage.key`, `client.secret` and a `config.toml` with the profile `demo`; all 0600.
pub fn write_directory(simulator: &Simulator, directory: &Path) -> Result<(), SimulateError> {
    make_directory(directory)?;
    let url = simulator.url();
    let created = simulator.began().to_zoned(TimeZone::UTC).strftime("%Y-%m-%d").to_string();
    let config = format!(
        r#"# written by `nightdesk simulate`; the server's keys stand in the files beside it
default_profile = "demo"

[operator]
name = "operator1"

[profiles.demo]
site = "BEDFORD"
device_types = ["*"]
time_zone = "UTC"

[profiles.demo.monitor]
url = "{url}"
ca_file = "ca.pem"
auth = "api-key"
key_file = "monitor.key"
key_created = "{created}"

[profiles.demo.manage]
url = "{url}"
ca_file = "ca.pem"
key_file = "manage.key"
key_created = "{created}"
"#
    );
    let [certificate, certificate_key] = simulator.certificate();
    let files = [
        ("bridge.pem", certificate.to_owned()),
        ("bridge.key", certificate_key.to_owned()),
        ("ca.pem", simulator.ca_pem().to_owned()),
        ("monitor.key", format!("{}\n", simulator.monitor_key())),
        ("manage.key", format!("{}\n", simulator.manage_key())),
        ("client.secret", format!("{}\n", simulator.client_secret())),
        ("config.toml", config),
        ("url", format!("{url}\n")), // last: whoever waits for it finds the others
    ];
    for (name, text) in files {
        let path = directory.join(name);
        write_private(&path, &text).map_err(|source| SimulateError::Write { path, source })?;
    }
    Ok(())
}

/// Whole or not at all, and never readable by others.
pub(super) fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let whole = path.with_extension("new");
    let _ = fs::remove_file(&whole); // left by a killed run
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&whole)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&whole, path)
}
