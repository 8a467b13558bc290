use std::path::{Path, PathBuf};
use std::time::Duration;

use super::*;
use crate::domain::DeviceType;

const EXAMPLE: &str = include_str!("example.toml");

/// As small as a configuration can be.
const SMALL: &str = "[profiles.p.monitor]\nurl = \"https://monitor.example\"\nkey_file = \"monitor.key\"\n";

fn dirs() -> Dirs {
    Dirs {
        config: "/etc/nightdesk".into(),
        state: "/state".into(),
        cache: "/cache".into(),
    }
}

fn parse(text: &str) -> Result<Config, ConfigError> {
    let env = Env::of(&[("USER", "maria")]);
    Config::parse(text, Path::new("/etc/nightdesk/config.toml"), dirs(), &env)
}

/// The problems of a text, without the file's name.
fn problems(text: &str) -> Vec<String> {
    match parse(text) {
        Err(ConfigError::Invalid { problems, .. }) => problems.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

fn with(addition: &str) -> Vec<String> {
    problems(&format!("{SMALL}{addition}"))
}

#[test]
fn the_contracts_example_is_read_in_full() {
    let config = parse(EXAMPLE).unwrap();
    assert_eq!(config.operator.name, "operator1");
    let profile = config.profile().unwrap();
    assert_eq!((profile.name.as_str(), profile.site.as_str()), ("bedford", "BEDFORD"));
    assert_eq!(
        profile.device_types,
        DeviceTypes::Listed(vec![DeviceType::new("TemperatureSensor"), DeviceType::new("PumpStation")])
    );
    assert_eq!(profile.time_zone.iana_name(), Some("Europe/London"));
    assert_eq!(profile.monitor.url.as_str(), "https://monitor.example/");
    assert_eq!(profile.monitor.ca_file, Some(PathBuf::from("/etc/nightdesk/site-ca.pem")));
    assert_eq!(profile.monitor.key_created, Some(jiff::civil::date(2026, 9, 1)));
    assert_eq!(
        profile.monitor.auth,
        MonitorAuth::ApiKey(CredentialSource::File {
            label: "profiles.bedford.monitor.key".into(),
            path: "/etc/nightdesk/monitor.key".into()
        })
    );
    let manage = profile.manage.as_ref().unwrap();
    assert_eq!(
        (manage.base.as_str(), manage.work_order.as_str(), manage.asset.as_str()),
        ("/maximo/oslc/os", "mxwo", "mxasset")
    );
    assert_eq!(profile.work_order, crate::domain::WorkOrderDefaults::default());
    assert_eq!(profile.refresh, Refresh::default());
    assert_eq!(profile.request_timeout, Duration::from_secs(30));
    assert_eq!(config.console, Console::default());
    let erp = profile.erp.as_ref().unwrap();
    assert_eq!(
        (erp.lines.len(), erp.at, erp.method),
        (2, jiff::civil::time(0, 30, 0, 0), ErpMethod::Put)
    );
    let lake = profile.lake.as_ref().unwrap();
    assert_eq!((lake.to.scheme(), lake.layout), ("s3", LakeLayout::Flat));
    assert_eq!(profile.assets.as_ref().unwrap().every, Duration::from_secs(900));
    let [rule] = profile.rules.as_slice() else {
        panic!("{:?}", profile.rules)
    };
    assert_eq!(
        (rule.name.as_str(), rule.after, &rule.action, rule.per_hour, rule.dry_run),
        ("critical pumps", Duration::from_secs(300), &RuleAction::WorkOrder, 20, false)
    );
    let bridge = config.bridge.unwrap();
    assert_eq!(bridge.listen, Some("127.0.0.1:8443".parse().unwrap()));
    assert_eq!(bridge.outbound, [PathBuf::from("/etc/nightdesk/webhooks/servicenow.json")]);
    assert_eq!(bridge.allow_private, ["10.0.0.0/8"]);
}

#[test]
fn what_the_file_leaves_out_has_a_default() {
    let config = parse(SMALL).unwrap();
    let profile = config.profile().unwrap();
    assert_eq!(
        (profile.name.as_str(), profile.site.as_str(), profile.work_order.siteid.as_str()),
        ("p", "P", "P")
    );
    assert_eq!(profile.device_types, DeviceTypes::All);
    assert_eq!(config.operator.name, "maria");
    assert!(profile.manage.is_none() && config.bridge.is_none());
}

#[test]
fn oauth2_takes_its_secret_in_the_same_four_ways() {
    let config = parse(
        "[profiles.p.monitor]\nurl = \"https://m.example/base/\"\nauth = \"oauth2\"\ntoken_url = \"https://m.example/oauth/token\"\nclient_id = \"nightdesk\"\nclient_secret_env = \"SECRET\"\n",
    )
    .unwrap();
    let MonitorAuth::OAuth2 {
        client_id,
        client_secret,
        scope,
        ..
    } = &config.profile().unwrap().monitor.auth
    else {
        panic!()
    };
    assert_eq!((client_id.as_str(), scope.as_str()), ("nightdesk", ""));
    assert_eq!(
        *client_secret,
        CredentialSource::Env {
            label: "profiles.p.monitor.client_secret".into(),
            variable: "SECRET".into()
        }
    );
}

#[test]
fn an_unknown_key_is_said_with_line_and_suggestion() {
    assert_eq!(
        with("ca_fille = \"x\"\n[console]\nthem = \"night\"\ncolour = 1\n[conssole]\n"),
        [
            "4: profiles.p.monitor.ca_fille: is not a known key; did you mean `ca_file`?",
            "6: console.them: is not a known key; did you mean `theme`?",
            "7: console.colour: is not a known key; known here: ascii, bell, charts, confirm_above, flood, handover, hyperlinks, keymap, linear, mouse, read_only, root_causes, theme, trend_window, undo_grace, units",
            "8: conssole: is not a known key; did you mean `console`?",
        ]
    );
}

#[test]
fn a_request_may_take_as_long_as_the_profile_says_within_bounds() {
    let with = |timeout: &str| {
        parse(&format!(
            "default_profile = \"p\"\n[profiles.p]\nrequest_timeout = \"{timeout}\"\n\
             [profiles.p.monitor]\nurl = \"https://m.example\"\nkey_env = \"K\"\n"
        ))
    };
    let seconds = |config: Config| config.profile().unwrap().request_timeout.as_secs();
    assert_eq!(["5s", "1m 30s", "5m"].map(|timeout| seconds(with(timeout).unwrap())), [5, 90, 300]);
    for timeout in ["4s", "6m"] {
        let words = with(timeout).unwrap_err().to_string();
        assert!(
            words.contains(":3: profiles.p.request_timeout: ") && words.contains("out of range; write 5s to 5m"),
            "{words}"
        );
    }
}

#[test]
fn every_problem_of_a_file_comes_at_once() {
    let text = "default_profile = \"bedfrod\"\n\
                [operator]\n\
                shift_start = \"25:00\"\n\
                [profiles.bedford]\n\
                time_zone = \"Europe/Lodnon\"\n\
                device_types = [\"*\", \"PumpStation\"]\n\
                [profiles.bedford.monitor]\n\
                url = \"monitor.example\"\n\
                auth = \"basic\"\n\
                [profiles.bedford.manage]\n\
                url = \"https://user:pw@manage.example\"\n\
                key_file = \"a\"\n\
                key_env = \"B\"\n\
                base = \"maximo\"\n\
                [profiles.bedford.work_order]\n\
                worktype = \"CORRECTIVE\"\n\
                priority = { critical = 1000 }\n\
                [profiles.bedford.refresh]\n\
                alerts = \"fast\"\n\
                devices = 60\n\
                metrics = \"1ms\"\n";
    let error = parse(text).unwrap_err();
    assert!(!error.is_insecure());
    assert_eq!(
        error.to_string().replace("/etc/nightdesk/config.toml:", ""),
        "1: default_profile: there is no profile of this name; did you mean `bedford`?\n\
         3: operator.shift_start: `25:00` is not a time of day such as \"22:00\"\n\
         5: profiles.bedford.time_zone: is not a time zone's name; write one such as \"Europe/London\" or \"UTC\"\n\
         6: profiles.bedford.device_types: has `*` beside others; write [\"*\"] for all, or the list alone\n\
         7: profiles.bedford.monitor.key_file: is missing; set key_file = \"FILE\", key_env = \"NAME\", key_command = [\"PROGRAM\"] or key_credential = \"ID\"\n\
         8: profiles.bedford.monitor.url: `monitor.example` is not an https address; write https://host\n\
         9: profiles.bedford.monitor.auth: `basic` is none of api-key, oauth2\n\
         11: profiles.bedford.manage.url: holds a user name or password; credentials never stand in the configuration, use the key_* settings\n\
         12: profiles.bedford.manage.key_file: only one way may be given, not key_file and key_env\n\
         14: profiles.bedford.manage.base: is not a path; write \"/maximo/oslc/os\" or \"/maximo/api/os\"\n\
         16: profiles.bedford.work_order.worktype: has 10 characters; Manage takes 5\n\
         17: profiles.bedford.work_order.priority.critical: 1000 is out of range; write 0 to 999\n\
         19: profiles.bedford.refresh.alerts: `fast` is not a duration; write \"5s\", \"30m\" or \"1h 30m\"\n\
         20: profiles.bedford.refresh.devices: is a number; write a string such as \"5s\" or \"30m\"\n\
         21: profiles.bedford.refresh.metrics: `1ms` is out of range; write 1s to 24h"
    );
}

#[test]
fn a_secret_in_the_file_is_refused_and_not_repeated() {
    for key in ["key", "api_key", "password", "token"] {
        let found = problems(&format!(
            "[profiles.p.monitor]\nurl = \"https://m.example\"\n{key} = \"hunter2\"\nkey_env = \"K\"\n"
        ));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with(&format!("3: profiles.p.monitor.{key}: a credential in clear text is refused")),
            "{found:?}"
        );
        assert!(
            found[0].contains("set key_file, or use key_env, key_command or key_credential"),
            "{found:?}"
        );
        assert!(!found[0].contains("hunter2"));
    }
    // nor by a slip of the pen in its line
    let found = problems("[profiles.p.monitor]\nkey = \"hunter2\n");
    assert!(found.iter().all(|line| !line.contains("hunter2")), "{found:?}");
}

#[test]
fn an_address_without_tls_is_a_kind_of_its_own() {
    let insecure = parse("[profiles.p.monitor]\nurl = \"http://monitor.example:8080/x\"\nkey_env = \"K\"\n").unwrap_err();
    assert!(insecure.is_insecure());
    assert_eq!(
        insecure.to_string(),
        "/etc/nightdesk/config.toml:2: profiles.p.monitor.url: `http://` is refused: keys would travel in clear text; write https://monitor.example:8080/x"
    );
    for text in [
        format!("{SMALL}[profiles.p.manage]\nurl = \"HTTP://manage.example\"\nkey_env = \"K\"\n"),
        format!("{SMALL}[profiles.p.erp]\nurl = \"http://erp.example\"\nkey_env = \"K\"\nlines = [\"L\"]\n"),
        format!(
            "{SMALL}[profiles.p.lake]\nto = \"s3://b/p\"\nendpoint = \"http://cos.example\"\naccess_key_env = \"A\"\nsecret_key_env = \"S\"\n"
        ),
    ] {
        assert!(parse(&text).unwrap_err().is_insecure(), "{text}");
    }
}

#[test]
fn what_is_not_toml_is_said_with_its_line() {
    let found = problems("[profiles.p.monitor]\nurl = https://monitor.example\n");
    assert!(found[0].starts_with("2: not TOML: "), "{found:?}");
    assert!(problems("a = 1\na = 2\n")[0].starts_with("2: not TOML: "));
}

#[test]
fn a_file_without_a_profile_says_what_to_add() {
    assert_eq!(
        problems(""),
        ["1: profiles: there is no profile; add [profiles.NAME] and [profiles.NAME.monitor]"]
    );
    assert_eq!(
        problems("[profiles.p]\n"),
        ["1: profiles.p.monitor: is missing; add its url and key"]
    );
    assert!(problems("[profiles.\"../x\".monitor]\nurl=\"https://m.example\"\nkey_env=\"K\"\n")[0].contains("is not a profile's name"));
}

#[test]
fn the_bridge_is_checked_too() {
    assert_eq!(
        with(
            "[[profiles.p.rules]]\nname = \"a\"\nwhen = \"sev>=\"\ndo = \"workorder\"\n[[profiles.p.rules]]\nname = \"b\"\nwhen = \"sev:critical\"\ndo = { webhook = \"x\" }\nper_hours = 3\n[bridge]\nlisten = \"8443\"\nallow_private = [\"10.0.0.0\"]\n"
        )
        .iter()
        .map(|line| line.split(" (").next().unwrap().to_owned())
        .collect::<Vec<_>>()
        .iter()
        .map(|line| line.chars().take(60).collect::<String>())
        .collect::<Vec<_>>(),
        [
            "6: profiles.p.rules[1].when: is not a filter: ".to_owned() + &crate::domain::filter::Filter::parse("sev>=").unwrap_err().message.chars().take(14).collect::<String>(),
            "7: profiles.p.rules[1].do: is neither \"work-order\" nor { webh".to_owned(),
            "12: profiles.p.rules[2].per_hours: is not a known key; did you".to_owned(),
            "14: bridge.listen: `8443` is not an address and port such as \"".to_owned(),
            "15: bridge.allow_private: `10.0.0.0` is not a network; write \"".to_owned(),
        ]
        .map(|line| line.chars().take(60).collect::<String>())
    );
}

#[test]
fn root_causes_are_a_list_of_codes() {
    let config = parse(&format!(
        "{SMALL}[console]\nroot_causes = [{{ code = \"SEAL\", text = \"Seal leak\" }}]\nundo_grace = {{ acknowledge = \"0\" }}\n"
    ))
    .unwrap();
    assert_eq!(
        config.console.root_causes,
        [RootCause {
            code: "SEAL".into(),
            text: "Seal leak".into()
        }]
    );
    assert_eq!(config.console.undo_grace.acknowledge, Duration::ZERO);
    assert!(with("[console]\nroot_causes = [\"SEAL\"]\n")[0].starts_with("5: console.root_causes: is not a list of causes"));
}

#[test]
fn flags_go_before_environment_before_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, default: &str| {
        let path = dir.path().join(name);
        let both = ["a", "b", "c"]
            .map(|profile| format!("[profiles.{profile}.monitor]\nurl = \"https://{profile}.example\"\nkey_env = \"K\"\n"))
            .concat();
        std::fs::write(&path, format!("{default}{both}")).unwrap();
        path
    };
    let one = file("one.toml", "default_profile = \"a\"\n");
    let two = file("two.toml", "");
    let env = Env::of(&[
        ("USER", "maria"),
        ("NIGHTDESK_CONFIG", one.to_str().unwrap()),
        ("NIGHTDESK_PROFILE", "b"),
        ("NIGHTDESK_STATE_DIR", "/from/env"),
    ]);
    let name = |locate: &Locate| Config::load(locate).unwrap().profile().unwrap().name.clone();

    let from_env = Locate::new(None, None, None, env.clone());
    assert_eq!(name(&from_env), "b");
    assert_eq!(Config::load(&from_env).unwrap().dirs.state, PathBuf::from("/from/env"));
    assert_eq!(Config::load(&from_env).unwrap().dirs.config, dir.path());

    let from_flags = Locate::new(Some(two.clone()), Some("c".into()), Some("/from/flag".into()), env);
    assert_eq!(name(&from_flags), "c");
    let dirs = Config::load(&from_flags).unwrap().dirs;
    assert_eq!(
        (dirs.state, dirs.cache),
        (PathBuf::from("/from/flag"), PathBuf::from("/from/flag/cache"))
    );

    let from_file = Locate::new(Some(one.clone()), None, Some("/s".into()), Env::of(&[("USER", "maria")]));
    assert_eq!(name(&from_file), "a");

    let which = Locate::new(
        Some(two.clone()),
        None,
        Some("/s".into()),
        Env::of(&[("USER", "maria"), ("NIGHTDESK_PROFILE", "")]),
    );
    let error = Config::load(&which).unwrap().profile().unwrap_err().to_string();
    assert!(
        error.ends_with("which profile: a, b, c? set default_profile, or name one with --profile or NIGHTDESK_PROFILE"),
        "{error}"
    );

    let unknown = Locate::new(Some(two), Some("A".into()), Some("/s".into()), Env::of(&[("USER", "maria")]));
    let error = Config::load(&unknown).unwrap().profile().unwrap_err().to_string();
    assert!(error.ends_with("no profile `A` (did you mean `a`?); it has a, b, c"), "{error}");

    let absent = Locate::new(
        Some(dir.path().join("none.toml")),
        None,
        Some("/s".into()),
        Env::of(&[("USER", "maria")]),
    );
    assert!(matches!(Config::load(&absent), Err(ConfigError::Absent { .. })));
}

#[test]
fn an_operator_without_a_name_is_asked_for_one() {
    let nobody = |text: &str| Config::parse(text, Path::new("/etc/nightdesk/config.toml"), dirs(), &Env::of(&[]));
    let error = nobody(SMALL).unwrap_err();
    assert!(!error.is_insecure());
    let words = error.to_string();
    assert!(
        words.contains("operator: has no name, and neither USER nor LOGNAME tells one"),
        "{words}"
    );
    let named = nobody(&format!("{SMALL}[operator]\nname = \"r.osei\"\n")).unwrap();
    assert_eq!(named.operator.name, "r.osei");
}
