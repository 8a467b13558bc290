//! The configuration as it is written: what was answered, and beside it what else there is, as comments.

use std::fmt::Write as _;

use super::answers::{Answers, Server, Source};

/// A TOML string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn path(path: &std::path::Path) -> String {
    quoted(&path.display().to_string())
}

/// The whole file.
pub(super) fn written(answers: &Answers) -> String {
    let mut out = String::from(
        "# nightdesk's configuration, written by `nightdesk init`. `nightdesk doctor` checks it; no key belongs in here.\n\
         # Paths are relative to this file. Lines with a # are off and show the usual value, or an example.\n",
    );
    let name = quoted(&answers.profile);
    let profile = &answers.profile;
    // writing to a String cannot fail
    let _ = writeln!(out, "default_profile = {name}\n");
    let _ = writeln!(out, "[operator]");
    let _ = writeln!(
        out,
        "name = {}                # in whose name actions are made",
        quoted(&answers.operator)
    );
    out.push_str("# shift_start = \"22:00\"          # the handover counts from here\n\n");
    let _ = writeln!(out, "[profiles.{profile}]");
    let _ = writeln!(out, "site = {}", quoted(&answers.site));
    let types: Vec<String> = answers.device_types.iter().map(|one| quoted(one)).collect();
    if types.is_empty() {
        out.push_str("device_types = [\"*\"]             # as the server lists them; or [\"PumpStation\", ..]\n");
    } else {
        let _ = writeln!(out, "device_types = [{}]", types.join(", "));
    }
    match &answers.time_zone {
        Some(zone) => {
            let _ = writeln!(out, "time_zone = {}", quoted(zone));
        }
        None => out.push_str("# time_zone = \"Europe/London\"    # usual: the system's\n"),
    }
    let _ = writeln!(out, "\n[profiles.{profile}.monitor]");
    server(&mut out, answers, &answers.monitor, answers.oauth2.as_ref());
    match &answers.manage {
        Some(manage) => {
            let _ = writeln!(out, "\n[profiles.{profile}.manage]");
            server(&mut out, answers, manage, None);
            out.push_str(
                "# base = \"/maximo/oslc/os\"         # or \"/maximo/api/os\"\n\
                 # work_order = \"mxwo\"              # or \"mxapiwodetail\"\n\
                 # asset = \"mxasset\"                # or \"mxapiasset\"\n",
            );
            let _ = writeln!(out, "\n[profiles.{profile}.work_order]");
            let _ = writeln!(out, "siteid = {}", quoted(&answers.site));
            out.push_str(
                "# worktype = \"CM\"\n# reportedby = \"MONITOR\"\n# classificationid = \"IOT_ALERT\"\n\
                 # priority = { critical = 1, high = 2, medium = 3, low = 4 }   # some sites rank 999 highest\n",
            );
        }
        None => {
            let _ = writeln!(
                out,
                "\n# Without Manage there are no work orders:\n# [profiles.{profile}.manage]\n# url = \"https://manage.example\"\n# key_file = \"manage.key\""
            );
        }
    }
    let _ = writeln!(
        out,
        "\n# [profiles.{profile}.links]           # addresses that `o` shows; the usual ones follow from the servers' above\n\
         # alert = \"https://monitor.example/alerts/{{alert}}\"\n\
         # device = \"https://monitor.example/devices/{{type}}/{{device}}\"\n\
         # work_order = \"https://manage.example/maximo/ui/?event=loadapp&value=wotrack&additionalevent=useqbe&additionaleventvalue=wonum={{wonum}}\"\n\
         \n# [profiles.{profile}.refresh]\n# alerts = \"5s\"\n# devices = \"60s\"\n# metrics = \"30s\""
    );
    out.push_str(
        "\n[console]\n\
         # theme = \"default\"               # night, contrast, light, mono, solarized, or one of your themes folder\n\
         # keymap = \"default\"              # vim, k9s; keymap.toml beside this file changes single keys\n\
         # mouse = false                   # clicks select, the wheel scrolls; it never acts\n\
         # linear = false                  # one line an alert, announced as text, for screen readers\n\
         # read_only = false\n\
         # confirm_above = 100             # more alerts at once need their number typed\n\
         # undo_grace = { acknowledge = \"3s\", resolve = \"5s\", work_order = \"5s\" }\n\
         # root_causes = [{ code = \"SEAL\", text = \"Seal leak\" }]\n\
         \n# [console.bell]\n# critical = \"once\"               # off, once, until-acknowledged\n# quiet = [\"22:00\", \"06:00\"]\n",
    );
    out
}

fn server(out: &mut String, answers: &Answers, server: &Server, oauth2: Option<&(String, String)>) {
    // writing to a String cannot fail
    let _ = writeln!(out, "url = {}", quoted(&server.url));
    if let Some(file) = &answers.ca_file {
        let _ = writeln!(out, "ca_file = {}", path(file));
    }
    let key = match oauth2 {
        Some((token_url, client_id)) => {
            let _ = writeln!(
                out,
                "auth = \"oauth2\"\ntoken_url = {}\nclient_id = {}",
                quoted(token_url),
                quoted(client_id)
            );
            "client_secret"
        }
        None => "key",
    };
    let _ = match &server.key {
        Source::File(file) => writeln!(out, "{key}_file = {}", path(file)),
        Source::Env(name) => writeln!(out, "{key}_env = {}", quoted(name)),
        Source::Command(argv) => {
            let parts: Vec<String> = argv.iter().map(|part| quoted(part)).collect();
            writeln!(out, "{key}_command = [{}]", parts.join(", "))
        }
    };
    let _ = match server.created {
        Some(date) => writeln!(
            out,
            "key_created = \"{date}\"          # the reminder of the rotation counts from here"
        ),
        None => writeln!(
            out,
            "# key_created = \"2026-09-01\"      # the day the key was made: a reminder comes before 90 days are over"
        ),
    };
}
