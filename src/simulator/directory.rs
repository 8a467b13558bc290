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

/// Writes `url`, `ca.pem`, a certificate for a bridge on the same machine (`bridge.pem`, `bridge.key`), the keys, the definitions of
/// webhooks, a `config.toml` with the profile `demo`, and a `bridge.toml`, which is the same with everything that a bridge can do
/// switched on; all 0600.
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

# a bridge's sections stand in bridge.toml: `nightdesk --config bridge.toml bridge`
"#
    );
    let lake_folder = directory.join("lake");
    make_directory(&lake_folder)?;
    let lake = std::path::absolute(&lake_folder)
        .ok()
        .and_then(|path| url::Url::from_directory_path(path).ok())
        .map_or_else(String::new, String::from);
    let bridge = format!(
        r#"{config}
# what `nightdesk bridge` does by itself; each part also runs by hand (`nightdesk assets sync`, `nightdesk erp sync`)
[profiles.demo.assets]
every = "15m"

[profiles.demo.erp]
url = "{url}/erp/production-reports"
ca_file = "ca.pem"
key_file = "erp.key"
lines = ["LINE-1", "LINE-2"]
at = "00:30"

[profiles.demo.lake]
to = "{lake}"
at = "00:15"

[[profiles.demo.rules]]
name = "critical"
when = "sev:critical"
after = "1m"                       # time in which a person may act first
do = "work-order"
per_hour = 20

[bridge]
listen = "127.0.0.1:0"
cert_file = "bridge.pem"
cert_key_file = "bridge.key"
inbound_secret_file = "inbound.secret"   # `nightdesk simulate --technicians URL` signs with it
outbound = ["webhooks/servicenow.json", "webhooks/slack.json", "webhooks/generic.json"]
allow_private = ["127.0.0.0/8"]    # the simulated receivers are on this machine
"#
    );
    let receiver = |name: &str, path: &str, headers: &str, trigger: &str, payload: &str, more: &str| {
        format!(
            r#"{{
  "webhook": {{
    "name": "{name}",
    "url": "{url}{path}",
    "method": "POST",
    "headers": {{ {headers}"Content-Type": "application/json" }},
    "trigger": {{ {trigger} }},
    "payload": {payload},
    "retry": {{ "maxAttempts": 3, "backoffSeconds": [5, 30, 120] }},
    "caFile": "../ca.pem"{more}
  }}
}}
"#
        )
    };
    let servicenow = receiver(
        "Alert to ServiceNow",
        "/api/now/table/incident",
        r#""Authorization": "Basic ${SERVICENOW_AUTH}", "#,
        r#""type": "alert", "severity": ["critical", "high"]"#,
        r#"{
      "short_description": "${alertName}",
      "description": "Device: ${deviceId}\nValue: ${value}",
      "urgency": "${mapSeverityToUrgency}",
      "category": "IoT",
      "assignment_group": "IoT Support"
    }"#,
        "",
    );
    let slack = receiver(
        "Alert to the shift's channel",
        "/sinks/slack",
        "",
        r#""type": "alert", "severity": ["critical"]"#,
        r#"{ "text": "*${severity}* ${alertName} at ${deviceId}: ${value}" }"#,
        "",
    );
    let generic = receiver(
        "Alert to another system",
        "/sinks/generic",
        "",
        r#""type": "alert""#,
        r#"{ "alertId": "${alertId}", "deviceId": "${deviceId}", "severity": "${severity}", "value": "${value}" }"#,
        ",\n    \"signingSecret\": \"${RECEIVER_SIGNING_SECRET}\"",
    );
    for folder in ["webhooks", "webhooks/credentials"] {
        make_directory(&directory.join(folder))?;
    }
    let [certificate, certificate_key] = simulator.certificate();
    let files = [
        ("bridge.pem", certificate.to_owned()),
        ("bridge.key", certificate_key.to_owned()),
        ("ca.pem", simulator.ca_pem().to_owned()),
        ("monitor.key", format!("{}\n", simulator.monitor_key())),
        ("manage.key", format!("{}\n", simulator.manage_key())),
        ("client.secret", format!("{}\n", simulator.client_secret())),
        ("erp.key", format!("{}\n", simulator.erp_key())),
        ("webhooks/servicenow.json", servicenow),
        ("webhooks/slack.json", slack),
        ("webhooks/generic.json", generic),
        ("webhooks/credentials/SERVICENOW_AUTH", format!("{}\n", simulator.incidents_auth())),
        (
            "webhooks/credentials/RECEIVER_SIGNING_SECRET",
            format!("{}\n", simulator.webhook_secret()),
        ),
        ("inbound.secret", format!("{}\n", simulator.inbound_secret())),
        ("bridge.toml", bridge),
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
