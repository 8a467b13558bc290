//! What there is to know for a first configuration: from flags, else from the person.

use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use url::Url;

use super::super::{Exit, Failure};
use super::Secret;
use super::ask::Ask;
use crate::cli::{InitArgs, InitAuth};
use crate::config::Locate;

/// All of it, checked one by one.
#[derive(Debug)]
pub(super) struct Answers {
    pub(super) profile: String,
    pub(super) site: String,
    pub(super) operator: String,
    pub(super) time_zone: Option<String>,
    pub(super) device_types: Vec<String>,
    pub(super) ca_file: Option<PathBuf>,
    pub(super) monitor: Server,
    /// Token endpoint and client id.
    pub(super) oauth2: Option<(String, String)>,
    pub(super) manage: Option<Server>,
    /// What the person entered: written to files of their own.
    pub(super) secrets: Vec<Secret>,
}

/// One server: its address and where its credential comes from.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) url: String,
    pub(super) key: Source,
    pub(super) created: Option<Date>,
}

/// Where a credential comes from; never itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    File(PathBuf),
    Env(String),
    Command(Vec<String>),
}

/// The flags that say where a credential comes from.
struct Given<'a> {
    file: Option<&'a PathBuf>,
    env: Option<&'a String>,
    command: Option<&'a String>,
}

/// Asks for everything that the flags do not say.
pub(super) fn gather(arguments: &InitArgs, locate: &Locate, folder: &Path, ask: &mut dyn Ask) -> Result<Answers, Failure> {
    let account = ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| locate.env.get(name));
    let site = checked(
        ask,
        arguments.site.clone(),
        "Site id, as in Manage (for example BEDFORD)",
        None,
        "--site",
        site,
    )?;
    let profile = match &locate.profile {
        Some(name) => checked(ask, Some(name.clone()), "Profile", None, "--profile", profile)?,
        None => {
            profile(&site.to_lowercase()).map_err(|why| Failure::new(Exit::Usage, format!("{why}: name the profile with --profile")))?
        }
    };
    let operator = checked(
        ask,
        arguments.operator.clone(),
        "Your name, as it stands in acknowledgements",
        account.as_deref().or(Some("operator")),
        "--operator",
        operator,
    )?;
    let monitor_url = checked(
        ask,
        arguments.monitor_url.clone(),
        "Address of Maximo Monitor (https://..)",
        None,
        "--monitor-url",
        https,
    )?;
    let auth = match arguments.auth {
        Some(auth) => auth,
        None => checked(
            ask,
            None,
            "Log in with api-key or oauth2",
            Some("api-key"),
            "--auth",
            |text| match text {
                "api-key" => Ok(InitAuth::ApiKey),
                "oauth2" => Ok(InitAuth::Oauth2),
                _ => Err(format!("`{text}` is neither api-key nor oauth2")),
            },
        )?,
    };
    let oauth2 = match auth {
        InitAuth::ApiKey => None,
        InitAuth::Oauth2 => {
            let token = checked(
                ask,
                arguments.token_url.clone(),
                "Token endpoint (https://..)",
                None,
                "--token-url",
                https,
            )?;
            let id = checked(
                ask,
                arguments.client_id.clone(),
                "Client id",
                Some("nightdesk"),
                "--client-id",
                one_line,
            )?;
            Some((token, id))
        }
    };
    let created = arguments.key_created.as_deref().map(date).transpose()?;
    let mut secrets = Vec::new();
    let (what, name) = if oauth2.is_some() {
        ("client secret of Monitor", "monitor.secret")
    } else {
        ("key of Monitor", "monitor.key")
    };
    let given = Given {
        file: arguments.monitor_key_file.as_ref(),
        env: arguments.monitor_key_env.as_ref(),
        command: arguments.monitor_key_command.as_ref(),
    };
    let monitor = server(ask, monitor_url, &given, (what, name, "--monitor-key"), created, &mut secrets)?;
    let manage_url = match (&arguments.manage_url, arguments.no_manage) {
        (_, true) => None,
        (Some(url), false) => Some(checked(ask, Some(url.clone()), "", None, "--manage-url", https)?),
        (None, false) if ask.is_there() => {
            let answer = checked(
                ask,
                None,
                "Address of Maximo Manage, or none: without it there are no work orders",
                Some("none"),
                "--manage-url",
                |text| if text == "none" { Ok(String::new()) } else { https(text) },
            )?;
            Some(answer).filter(|url| !url.is_empty())
        }
        (None, false) => None,
    };
    let manage = match manage_url {
        None => None,
        Some(url) => {
            let given = Given {
                file: arguments.manage_key_file.as_ref(),
                env: arguments.manage_key_env.as_ref(),
                command: arguments.manage_key_command.as_ref(),
            };
            let asked = ("key of Manage", "manage.key", "--manage-key");
            Some(server(ask, url, &given, asked, created, &mut secrets)?)
        }
    };
    let ca_file = match &arguments.ca_file {
        Some(file) => Some(file.clone()),
        None if ask.is_there() => {
            let answer = ask.line(
                "Certificate authority of the servers (a PEM file), or none for the system's",
                Some("none"),
                "--ca-file",
            )?;
            (answer != "none").then(|| PathBuf::from(answer))
        }
        None => None,
    };
    let time_zone = match (&arguments.time_zone, TimeZone::system().iana_name().map(str::to_owned)) {
        (Some(zone), _) => Some(checked(ask, Some(zone.clone()), "Time zone", None, "--time-zone", zone_name)?),
        (None, system) if ask.is_there() => {
            let default = system.unwrap_or_else(|| "UTC".to_owned());
            Some(checked(
                ask,
                None,
                "Time zone of the plant",
                Some(&default),
                "--time-zone",
                zone_name,
            )?)
        }
        (None, _) => None,
    };
    Ok(Answers {
        profile,
        site,
        operator,
        time_zone,
        device_types: arguments.device_types.clone(),
        ca_file: ca_file.map(|file| beside(&file, folder)),
        monitor,
        oauth2,
        manage,
        secrets,
    })
}

/// A flag or an answer, asked again until it does.
fn checked<T>(
    ask: &mut dyn Ask,
    flag: Option<String>,
    question: &str,
    default: Option<&str>,
    name: &str,
    check: impl Fn(&str) -> Result<T, String>,
) -> Result<T, Failure> {
    if let Some(text) = flag {
        let insecure = Url::parse(text.trim()).is_ok_and(|url| url.scheme() == "http");
        let exit = if insecure { Exit::Tls } else { Exit::Usage };
        return check(text.trim()).map_err(|why| Failure::new(exit, format!("{name}: {why}")));
    }
    loop {
        let answer = ask.line(question, default, name)?;
        match check(&answer) {
            Ok(value) => return Ok(value),
            Err(why) => ask.wrong(&why)?,
        }
    }
}

fn server(
    ask: &mut dyn Ask,
    url: String,
    given: &Given<'_>,
    (what, file, flag): (&str, &str, &str),
    created: Option<Date>,
    secrets: &mut Vec<Secret>,
) -> Result<Server, Failure> {
    let key = match (given.file, given.env, given.command) {
        (Some(file), ..) => Source::File(std::path::absolute(file).unwrap_or_else(|_| file.clone())),
        (_, Some(name), _) => Source::Env(name.clone()),
        (.., Some(command)) => Source::Command(command.split_whitespace().map(str::to_owned).collect()),
        (None, None, None) => {
            if !ask.is_there() {
                return Err(Failure::new(
                    Exit::Usage,
                    format!("{flag}-file, {flag}-env or {flag}-command is missing: where does the {what} come from?"),
                ));
            }
            match ask.secret(&format!("The {what}; leave it empty to name a file instead"))? {
                Some(secret) => {
                    secrets.push((file.to_owned(), secret));
                    Source::File(PathBuf::from(file))
                }
                None => {
                    let path = ask.line(
                        &format!("File with the {what} (only you may read it)"),
                        None,
                        &format!("{flag}-file"),
                    )?;
                    let path = PathBuf::from(path);
                    Source::File(std::path::absolute(&path).unwrap_or(path))
                }
            }
        }
    };
    let entered = secrets.iter().any(|(name, _)| name == file);
    let today = || jiff::Zoned::now().date();
    Ok(Server {
        url,
        key,
        created: created.or_else(|| entered.then(today)),
    })
}

/// A path as it is written: relative to the configuration's folder where it lies there.
fn beside(file: &Path, folder: &Path) -> PathBuf {
    let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let home = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    absolute.strip_prefix(&home).map(Path::to_owned).unwrap_or(absolute)
}

fn one_line(text: &str) -> Result<String, String> {
    if text.is_empty() || text.chars().any(char::is_control) {
        Err("write one line".into())
    } else {
        Ok(text.to_owned())
    }
}

fn site(text: &str) -> Result<String, String> {
    let length = text.chars().count();
    if length == 0 || length > 8 || !text.chars().all(|char| char.is_ascii_alphanumeric() || "-_".contains(char)) {
        Err(format!("`{text}` is no site id: at most 8 letters and digits, as Manage has it"))
    } else {
        Ok(text.to_owned())
    }
}

fn profile(text: &str) -> Result<String, String> {
    let plain = |char: char| char.is_ascii_alphanumeric() || "-_".contains(char);
    if text.is_empty() || text.len() > 40 || !text.chars().all(plain) {
        Err(format!("`{text}` is no profile's name: letters, digits, - and _"))
    } else {
        Ok(text.to_owned())
    }
}

fn operator(text: &str) -> Result<String, String> {
    if text.is_empty() || text.chars().count() > 62 || text.chars().any(char::is_control) {
        Err("a name is one line of at most 62 characters".into())
    } else {
        Ok(text.to_owned())
    }
}

fn https(text: &str) -> Result<String, String> {
    match Url::parse(text) {
        Ok(url) if url.scheme() == "https" && url.username().is_empty() && url.password().is_none() => Ok(text.to_owned()),
        Ok(url) if url.scheme() == "https" => Err("an address holds no user name and no password".into()),
        Ok(url) if url.scheme() == "http" => Err("http:// is refused: keys would travel in clear text; write https://".into()),
        _ => Err(format!("`{text}` is not an https address")),
    }
}

fn zone_name(text: &str) -> Result<String, String> {
    TimeZone::get(text)
        .map(|_| text.to_owned())
        .map_err(|_| format!("`{text}` is no time zone: write one such as Europe/London or UTC"))
}

fn date(text: &str) -> Result<Date, Failure> {
    let date: Date = text.parse().map_err(|_| {
        Failure::new(
            Exit::Usage,
            format!("--key-created: `{text}` is no date: write one such as 2026-09-01"),
        )
    })?;
    // a day of grace: it may be tomorrow already where the key was made
    if date > jiff::Zoned::now().date().saturating_add(jiff::Span::new().days(1)) {
        return Err(Failure::new(
            Exit::Usage,
            format!("--key-created: {date} is still to come: write the day on which the key was made"),
        ));
    }
    Ok(date)
}
