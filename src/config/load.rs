//! Finds, reads and checks the configuration.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::Time;
use toml::de::DeTable;

use super::error::{Problems, nearest};
use super::section::Section;
use crate::domain::Shift;

use super::{Bridge, ConfigError, Console, Dirs, Env, Profile};

/// Longest configuration file, in bytes.
const MAX_BYTES: u64 = 1024 * 1024;

/// What flags and environment say about where to look.
#[derive(Clone, Debug)]
pub struct Locate {
    /// `--config`, else `NIGHTDESK_CONFIG`.
    pub config: Option<PathBuf>,
    /// `--profile`, else `NIGHTDESK_PROFILE`.
    pub profile: Option<String>,
    /// `--state-dir`, else `NIGHTDESK_STATE_DIR`.
    pub state_dir: Option<PathBuf>,
    /// The environment, for defaults.
    pub env: Env,
}

impl Locate {
    /// Flags before environment.
    pub fn new(config: Option<PathBuf>, profile: Option<String>, state_dir: Option<PathBuf>, env: Env) -> Self {
        Self {
            config: config.or_else(|| env.get("NIGHTDESK_CONFIG").map(PathBuf::from)),
            profile: profile.or_else(|| env.get("NIGHTDESK_PROFILE")),
            state_dir: state_dir.or_else(|| env.get("NIGHTDESK_STATE_DIR").map(PathBuf::from)),
            env,
        }
    }

    /// The configuration file and the folders, whether they exist or not.
    pub fn dirs(&self) -> Result<(PathBuf, Dirs), ConfigError> {
        Dirs::locate(self.config.as_deref(), self.state_dir.as_deref())
    }
}

/// A configuration without faults.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file that it was read from.
    pub path: PathBuf,
    /// Folders.
    pub dirs: Dirs,
    /// Who sits there.
    pub operator: Operator,
    /// The sites, by name; at least one.
    pub profiles: BTreeMap<String, Profile>,
    /// The console.
    pub console: Console,
    /// The bridge.
    pub bridge: Option<Bridge>,
    /// The environment that it was read in.
    pub env: Env,
    default_profile: Option<String>,
}

/// `[operator]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// In whose name actions are made.
    pub name: String,
    /// When the shift starts, in the profile's zone.
    pub shift_start: Option<Time>,
    /// How long one is.
    pub shift_length: Duration,
}

impl Operator {
    /// How the day is cut into shifts.
    pub fn shift(&self) -> Shift {
        let default = Shift::default();
        Shift {
            start: self.shift_start.unwrap_or(default.start),
            length: SignedDuration::try_from(self.shift_length).unwrap_or(default.length),
        }
    }
}

/// Three shifts a day.
const SHIFT_LENGTH: Duration = Duration::from_hours(8);

impl Config {
    /// Reads the file that [`Locate`] points to.
    pub fn load(locate: &Locate) -> Result<Self, ConfigError> {
        let (path, dirs) = locate.dirs()?;
        let text = read(&path)?;
        let mut config = Self::parse(&text, &path, dirs, &locate.env)?;
        if locate.profile.is_some() {
            config.default_profile.clone_from(&locate.profile);
        }
        Ok(config)
    }

    /// Reads a text as if it stood in the file `path`.
    pub fn parse(text: &str, path: &Path, dirs: Dirs, env: &Env) -> Result<Self, ConfigError> {
        let problems = Problems::of(text);
        let (root, errors) = DeTable::parse_recoverable(text);
        let read = if errors.is_empty() {
            Some(Read::from(&Section::top(root.get_ref(), &dirs.config, &problems), env))
        } else {
            // what follows a slip of the pen would only be noise
            for error in errors {
                problems.add(
                    error.span().map_or(0, |span| span.start),
                    "",
                    format!("not TOML: {}", error.message()),
                );
            }
            None
        };
        let problems = problems.into_sorted();
        match read {
            Some(read) if problems.is_empty() => Ok(Self {
                path: path.to_owned(),
                dirs,
                operator: read.operator,
                profiles: read.profiles,
                console: read.console,
                bridge: read.bridge,
                env: env.clone(),
                default_profile: read.default_profile,
            }),
            _ => Err(ConfigError::Invalid {
                path: path.to_owned(),
                problems,
            }),
        }
    }

    /// The profile in use: the one asked for, else `default_profile`, else the only one.
    pub fn profile(&self) -> Result<&Profile, ConfigError> {
        let known = || self.profiles.keys().cloned().collect::<Vec<_>>();
        match &self.default_profile {
            Some(name) => self.profiles.get(name).ok_or_else(|| ConfigError::NoProfile {
                path: self.path.clone(),
                name: name.clone(),
                suggestion: nearest(name, self.profiles.keys().map(String::as_str)).map(str::to_owned),
                known: known(),
            }),
            None => match self.profiles.values().collect::<Vec<_>>().as_slice() {
                [only] => Ok(only),
                _ => Err(ConfigError::WhichProfile {
                    path: self.path.clone(),
                    known: known(),
                }),
            },
        }
    }
}

fn read(path: &Path) -> Result<String, ConfigError> {
    let unreadable = |reason: String| ConfigError::Unreadable {
        path: path.to_owned(),
        reason,
    };
    let bytes = match std::fs::metadata(path) {
        Ok(meta) if meta.len() > MAX_BYTES => return Err(unreadable("it is larger than 1 MiB".into())),
        Ok(_) => std::fs::read(path).map_err(|error| unreadable(error.to_string()))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(ConfigError::Absent { path: path.to_owned() }),
        Err(error) => return Err(unreadable(error.to_string())),
    };
    String::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8 text".into()))
}

/// What was understood, perhaps in part.
struct Read {
    operator: Operator,
    profiles: BTreeMap<String, Profile>,
    console: Console,
    bridge: Option<Bridge>,
    default_profile: Option<String>,
}

impl Read {
    fn from(top: &Section<'_>, env: &Env) -> Self {
        let default_profile = top.string("default_profile");
        let operator = Operator::read(top.section("operator"), env);
        // it goes into every acknowledgement: nobody's name would be worse than none
        if operator.name.is_empty() {
            top.wrong(
                "operator",
                "has no name, and neither USER nor LOGNAME tells one; write [operator] and name = \"...\" below it",
            );
        }
        let mut profiles = BTreeMap::new();
        let mut names = Vec::new();
        if let Some(section) = top.section("profiles") {
            for (name, below) in section.each() {
                let plain = |char: char| char.is_ascii_alphanumeric() || "-_.".contains(char);
                if name.is_empty() || name.len() > 40 || !name.chars().all(plain) || name.starts_with('.') {
                    section.wrong(&name, "is not a profile's name; use letters, digits, - and _");
                }
                names.push(name.clone());
                if let Some(profile) = Profile::read(&name, below) {
                    profiles.insert(name, profile);
                }
            }
            section.finish();
        }
        if names.is_empty() {
            top.wrong("profiles", "there is no profile; add [profiles.NAME] and [profiles.NAME.monitor]");
        }
        if let Some(name) = &default_profile
            && !names.is_empty()
            && !names.contains(name)
        {
            let hint = nearest(name, names.iter().map(String::as_str)).map_or_else(
                || format!("; there is {}", names.join(", ")),
                |near| format!("; did you mean `{near}`?"),
            );
            top.wrong("default_profile", format!("there is no profile of this name{hint}"));
        }
        let console = top.section("console").map(Console::read).unwrap_or_default();
        let bridge = top.section("bridge").map(Bridge::read);
        top.unknown();
        Self {
            operator,
            profiles,
            console,
            bridge,
            default_profile,
        }
    }
}

impl Operator {
    fn read(section: Option<Section<'_>>, env: &Env) -> Self {
        let mut name = None;
        let mut shift_start = None;
        let mut shift_length = SHIFT_LENGTH;
        if let Some(section) = section {
            name = section.value("name", |value| {
                let name = super::section::text(value)?;
                // it goes into every acknowledgement and into the usage log
                if name.trim().is_empty() || name.chars().count() > 62 || name.chars().any(char::is_control) {
                    Err("is not a name; write one line of at most 62 characters".into())
                } else {
                    Ok(name.trim().to_owned())
                }
            });
            shift_start = section.parsed("shift_start", "a time of day such as \"22:00\"");
            shift_length = section.duration("shift_length", SHIFT_LENGTH, Duration::from_mins(30)..=Duration::from_hours(24));
            section.finish();
        }
        let name = name
            .or_else(|| env.get("USER"))
            .or_else(|| env.get("LOGNAME"))
            .or_else(|| env.get("USERNAME"))
            .unwrap_or_default();
        Self {
            name,
            shift_start,
            shift_length,
        }
    }
}
