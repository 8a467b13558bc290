use secrecy::ExposeSecret as _;

use super::answers::Answers;
use super::*;
use crate::cli::InitAuth;
use crate::config::{Env, MonitorAuth};

/// Answers in the order of the questions; `!` answers a question for a secret.
struct Answered(std::collections::VecDeque<String>, Vec<String>);

impl Answered {
    fn of(answers: &[&str]) -> Self {
        Self(answers.iter().map(|one| (*one).to_owned()).collect(), Vec::new())
    }
}

impl Ask for Answered {
    fn line(&mut self, question: &str, default: Option<&str>, _: &str) -> Result<String, Failure> {
        let answer = self.0.pop_front().unwrap_or_else(|| panic!("no answer to: {question}"));
        if answer.is_empty() {
            Ok(default.unwrap_or_else(|| panic!("no default for: {question}")).to_owned())
        } else {
            Ok(answer)
        }
    }

    fn secret(&mut self, _: &str) -> Result<Option<SecretString>, Failure> {
        let answer = self.0.pop_front().unwrap();
        Ok((!answer.is_empty()).then(|| SecretString::from(answer)))
    }

    fn confirm(&mut self, _: &str) -> Result<bool, Failure> {
        Ok(true)
    }

    fn wrong(&mut self, why: &str) -> Result<(), Failure> {
        self.1.push(why.to_owned());
        Ok(())
    }

    fn is_there(&self) -> bool {
        true
    }
}

fn locate() -> Locate {
    Locate::new(
        Some("/nowhere/nightdesk/config.toml".into()),
        None,
        Some("/nowhere/state".into()),
        Env::of(&[("USER", "maria")]),
    )
}

fn read(answers: &Answers) -> Config {
    let (path, dirs) = locate().dirs().unwrap();
    Config::parse(&text::written(answers), &path, dirs, &Env::of(&[])).unwrap()
}

#[test]
fn what_is_answered_is_what_the_console_reads() {
    let mut person = Answered::of(&[
        "BED FORD", // refused
        "BEDFORD",
        "",         // the account's name
        "http://m", // refused
        "https://m.example/api",
        "basic", // refused
        "",
        "s3cr\"et",
        "https://manage.example",
        "",
        "/etc/keys/manage",
        "/nowhere/nightdesk/site-ca.pem",
        "Europe/Pluto", // refused
        "Europe/London",
    ]);
    let folder = Path::new("/nowhere/nightdesk");
    let answers = answers::gather(&InitArgs::default(), &locate(), folder, &mut person).unwrap();
    assert_eq!(person.1.len(), 4, "{:?}", person.1);
    let text = text::written(&answers);
    assert!(!text.contains("s3cr"), "a key never stands in the configuration: {text}");
    assert_eq!(answers.secrets.len(), 1);
    assert_eq!(
        (answers.secrets[0].0.as_str(), answers.secrets[0].1.expose_secret()),
        ("monitor.key", "s3cr\"et")
    );
    let config = read(&answers);
    assert_eq!(config.operator.name, "maria");
    let profile = config.profile().unwrap();
    assert_eq!((profile.name.as_str(), profile.site.as_str()), ("bedford", "BEDFORD"));
    assert_eq!(profile.time_zone.iana_name(), Some("Europe/London"));
    assert_eq!(profile.monitor.url.as_str(), "https://m.example/api");
    assert!(profile.monitor.key_created.is_some(), "a key that is entered is as old as today");
    assert_eq!(
        profile.monitor.ca_file.as_deref(),
        Some(Path::new("/nowhere/nightdesk/site-ca.pem"))
    );
    assert!(text.contains("ca_file = \"site-ca.pem\""), "{text}");
    let manage = profile.manage.as_ref().unwrap();
    assert_eq!(manage.key_created, None);
    assert_eq!(profile.work_order.siteid, "BEDFORD");
}

#[test]
fn flags_answer_everything_and_a_missing_one_is_named() {
    let mut flags = InitArgs {
        site: Some("LUTON".into()),
        operator: Some("op \"7\"\\".into()),
        monitor_url: Some("https://m".into()),
        auth: Some(InitAuth::Oauth2),
        token_url: Some("https://m/token".into()),
        client_id: Some("nd".into()),
        monitor_key_command: Some("vault read monitor".into()),
        manage_url: Some("https://w".into()),
        manage_key_env: Some("MANAGE_KEY".into()),
        device_types: vec!["Pump".into(), "Fan".into()],
        key_created: Some("2026-09-01".into()),
        ..InitArgs::default()
    };
    let folder = Path::new("/nowhere/nightdesk");
    let answers = answers::gather(&flags, &locate(), folder, &mut Script).unwrap();
    let config = read(&answers);
    assert_eq!(config.operator.name, "op \"7\"\\");
    let profile = config.profile().unwrap();
    assert!(matches!(&profile.monitor.auth, MonitorAuth::OAuth2 { client_id, .. } if client_id == "nd"));
    assert_eq!(
        profile.monitor.key_created.map(|date| date.to_string()).as_deref(),
        Some("2026-09-01")
    );
    for (flag, take) in [
        ("--site", (|flags| flags.site = None) as fn(&mut InitArgs)),
        ("--monitor-url", |flags| flags.monitor_url = None),
        ("--token-url", |flags| flags.token_url = None),
        ("--manage-key-file", |flags| flags.manage_key_env = None),
    ] {
        let mut fewer = flags.clone();
        take(&mut fewer);
        let failure = answers::gather(&fewer, &locate(), folder, &mut Script).unwrap_err();
        assert!(failure.message.contains(flag), "{}", failure.message);
        assert_eq!(failure.exit, Exit::Usage);
    }
    flags.monitor_url = Some("http://m".into());
    let failure = answers::gather(&flags, &locate(), folder, &mut Script).unwrap_err();
    assert!(failure.message.contains("clear text"), "{}", failure.message);
    assert_eq!(failure.exit, Exit::Tls, "a refused insecure address has a code of its own");
    flags.monitor_url = Some("https://m".into());
    flags.key_created = Some("2999-01-01".into());
    let failure = answers::gather(&flags, &locate(), folder, &mut Script).unwrap_err();
    assert!(failure.message.contains("still to come"), "{}", failure.message);
    assert_eq!(failure.exit, Exit::Usage);
}

#[test]
fn files_of_a_run_that_failed_are_gone_and_none_is_overwritten() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let (one, other) = (dir.path().join("monitor.key"), dir.path().join("config.toml"));
    let mut written = Written::default();
    written.file(&one, "secret").unwrap();
    assert_eq!(std::fs::metadata(&one).unwrap().permissions().mode() & 0o777, 0o600);
    drop(written);
    assert!(!one.exists());
    std::fs::write(&other, "mine").unwrap();
    let mut written = Written::default();
    written.file(&one, "secret").unwrap();
    assert!(written.file(&other, "theirs").is_err());
    drop(written);
    assert_eq!(std::fs::read_to_string(&other).unwrap(), "mine");
    assert!(!one.exists());
}
