//! Where a secret comes from, and how it is read: at the moment it is needed, never from the configuration itself.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use secrecy::SecretString;
use thiserror::Error;
use tokio::io::AsyncReadExt;

use super::Env;

/// Longest credential, in bytes: an OAuth secret is some hundred.
const MAX_BYTES: u64 = 16 * 1024;

/// How long a `*_command` may take: a vault behind a slow link answers within it, a forgotten prompt does not hang the console.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(15);

/// Whether a `*_command` may write to our stderr.
static QUIET: AtomicBool = AtomicBool::new(false);

/// From now on what a `*_command` says on stderr goes nowhere: the terminal is taken, and a word of it would stand in the picture.
/// What became of the command is still said in its error.
pub fn keep_commands_quiet() {
    QUIET.store(true, Ordering::Relaxed);
}

/// One of the four ways to a credential. `label` is the dotted setting (`profiles.bedford.monitor.key`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialSource {
    /// `*_file`: a file that only its owner can read.
    File {
        /// The setting.
        label: String,
        /// The file.
        path: PathBuf,
    },
    /// `*_env`: an environment variable.
    Env {
        /// The setting.
        label: String,
        /// Its name.
        variable: String,
    },
    /// `*_command`: a program that prints it.
    Command {
        /// The setting.
        label: String,
        /// Program and arguments; no shell.
        argv: Vec<String>,
    },
    /// `*_credential`: systemd's `LoadCredential=`.
    Systemd {
        /// The setting.
        label: String,
        /// The credential's ID: a file in `$CREDENTIALS_DIRECTORY`.
        id: String,
    },
}

/// Why a credential could not be had. Never holds a part of it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CredentialError {
    /// No such file, or not readable.
    #[error("{label}_file: {} cannot be read: {reason}", .path.display())]
    Unreadable {
        /// The setting.
        label: String,
        /// The file.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// Others can read it.
    #[error("{label}_file: {} can be read by others (mode {mode:04o}); run: chmod 600 {}", .path.display(), .path.display())]
    Exposed {
        /// The setting.
        label: String,
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The variable is not there.
    #[error("{label}_env: the environment has no {variable}")]
    NoVariable {
        /// The setting.
        label: String,
        /// Its name.
        variable: String,
    },
    /// The program failed.
    #[error("{label}_command: {program} {reason}")]
    Command {
        /// The setting.
        label: String,
        /// The program.
        program: String,
        /// What became of it. Not its output, which may hold the secret.
        reason: String,
    },
    /// Not started by systemd, or without `LoadCredential=`.
    #[error("{label}_credential: CREDENTIALS_DIRECTORY is not set; start the service with LoadCredential={id}:FILE")]
    NoDirectory {
        /// The setting.
        label: String,
        /// The credential's ID.
        id: String,
    },
    /// Nothing in it.
    #[error("{label}: the credential is empty")]
    Empty {
        /// The setting.
        label: String,
    },
    /// Not one line of text.
    #[error("{label}: the credential is not one line of plain text")]
    NotText {
        /// The setting.
        label: String,
    },
}

impl CredentialSource {
    /// The setting that it stands for.
    pub fn label(&self) -> &str {
        match self {
            Self::File { label, .. } | Self::Env { label, .. } | Self::Command { label, .. } | Self::Systemd { label, .. } => label,
        }
    }

    /// Fetches it, without its line end.
    pub async fn read(&self, env: &Env) -> Result<SecretString, CredentialError> {
        one_line(self.label(), self.fetch(env).await?)
    }

    /// Fetches several, one a line; empty lines are skipped. For a secret that is being rotated.
    pub async fn read_lines(&self, env: &Env) -> Result<Vec<SecretString>, CredentialError> {
        let bytes = self.fetch(env).await?;
        let lines: Vec<&[u8]> = bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.trim_ascii().is_empty())
            .collect();
        if lines.is_empty() {
            // with the words for one that is empty
            return one_line(self.label(), bytes).map(|only| vec![only]);
        }
        lines.into_iter().map(|line| one_line(self.label(), line.to_owned())).collect()
    }

    async fn fetch(&self, env: &Env) -> Result<Vec<u8>, CredentialError> {
        Ok(match self {
            Self::File { label, path } => read_file(label, path, true)?,
            Self::Env { label, variable } => env
                .get(variable)
                .ok_or_else(|| CredentialError::NoVariable {
                    label: label.clone(),
                    variable: variable.clone(),
                })?
                .into_bytes(),
            Self::Command { label, argv } => run(label, argv, COMMAND_TIMEOUT).await?,
            Self::Systemd { label, id } => {
                let folder = env.get("CREDENTIALS_DIRECTORY").ok_or_else(|| CredentialError::NoDirectory {
                    label: label.clone(),
                    id: id.clone(),
                })?;
                // systemd keeps that folder to the service; its files' modes are its own affair
                read_file(label, &Path::new(&folder).join(id), false)?
            }
        })
    }
}

/// A credential that a definition outside the configuration names as `${NAME}`: of the environment, of systemd's credentials, or
/// the file `NAME` (mode 0600) in the folder `credentials` beside that definition. `Err` is a sentence.
pub(crate) fn named_secret(name: &str, env: &Env, folder: &Path) -> Result<SecretString, String> {
    let found = if let Some(value) = env.get(name) {
        Some(value.into_bytes())
    } else {
        let systemd = env.get("CREDENTIALS_DIRECTORY").map(|folder| Path::new(&folder).join(name));
        let beside = folder.join("credentials").join(name);
        let there = |path: &Path| path.symlink_metadata().is_ok();
        match systemd.filter(|path| there(path)) {
            Some(path) => Some(read_file(name, &path, false).map_err(|error| error.to_string())?),
            None if there(&beside) => Some(read_file(name, &beside, true).map_err(|error| error.to_string())?),
            None => None,
        }
    };
    let bytes = found.ok_or_else(|| {
        format!(
            "${{{name}}} is neither in the environment nor among the credentials; set {name}, write it into {} (chmod 600), or start the service with LoadCredential={name}:FILE",
            folder.join("credentials").join(name).display()
        )
    })?;
    one_line(name, bytes).map_err(|error| error.to_string())
}

fn read_file(label: &str, path: &Path, private: bool) -> Result<Vec<u8>, CredentialError> {
    let unreadable = |error: &dyn std::fmt::Display| CredentialError::Unreadable {
        label: label.to_owned(),
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let file = std::fs::File::open(path).map_err(|error| unreadable(&error))?;
    let meta = file.metadata().map_err(|error| unreadable(&error))?;
    if !meta.is_file() {
        return Err(unreadable(&"it is not a file"));
    }
    let mode = mode_of(&meta);
    if private && mode & 0o077 != 0 {
        return Err(CredentialError::Exposed {
            label: label.to_owned(),
            path: path.to_owned(),
            mode,
        });
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(&error))?;
    Ok(bytes)
}

/// The permission bits.
#[cfg(unix)]
fn mode_of(meta: &std::fs::Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    meta.permissions().mode() & 0o7777
}

/// Elsewhere a file's readers are not told by a mode.
#[cfg(not(unix))]
fn mode_of(_meta: &std::fs::Metadata) -> u32 {
    0o600
}

async fn run(label: &str, argv: &[String], timeout: Duration) -> Result<Vec<u8>, CredentialError> {
    let (program, arguments) = argv
        .split_first()
        .ok_or_else(|| CredentialError::Empty { label: label.to_owned() })?;
    let failed = |reason: String| CredentialError::Command {
        label: label.to_owned(),
        program: program.clone(),
        reason,
    };
    let mut child = tokio::process::Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(if QUIET.load(Ordering::Relaxed) {
            Stdio::null()
        } else {
            Stdio::inherit()
        }) // a vault says there why it refuses
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed(format!("cannot be started: {error}")))?;
    let out = child.stdout.take();
    let work = async {
        let mut bytes = Vec::new();
        if let Some(out) = out {
            out.take(MAX_BYTES + 1)
                .read_to_end(&mut bytes)
                .await
                .map_err(|error| failed(format!("cannot be read: {error}")))?;
        }
        let status = child.wait().await.map_err(|error| failed(format!("was lost: {error}")))?;
        if status.success() {
            Ok(bytes)
        } else {
            Err(failed(format!("failed: {status}")))
        }
    };
    match tokio::time::timeout(timeout, work).await {
        Ok(result) => result,
        Err(_) => Err(failed(format!("did not end within {} s", timeout.as_secs()))),
    }
}

fn one_line(label: &str, bytes: Vec<u8>) -> Result<SecretString, CredentialError> {
    let not_text = || CredentialError::NotText { label: label.to_owned() };
    if bytes.len() as u64 > MAX_BYTES {
        return Err(not_text());
    }
    let text = String::from_utf8(bytes).map_err(|_| not_text())?;
    let line = text.trim_end_matches(['\n', '\r']);
    if line.trim().is_empty() {
        return Err(CredentialError::Empty { label: label.to_owned() });
    }
    if line.chars().any(char::is_control) {
        return Err(not_text());
    }
    Ok(SecretString::from(line.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use secrecy::ExposeSecret as _;

    use super::*;

    fn file(dir: &tempfile::TempDir, content: &[u8], mode: u32) -> CredentialSource {
        let path = dir.path().join("monitor.key");
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        CredentialSource::File {
            label: "profiles.p.monitor.key".into(),
            path,
        }
    }

    fn none() -> Env {
        Env::of(&[])
    }

    #[tokio::test]
    async fn a_private_file_is_read_without_its_line_end() {
        let dir = tempfile::tempdir().unwrap();
        for content in ["s3cret", "s3cret\n", "s3cret\r\n"] {
            let secret = file(&dir, content.as_bytes(), 0o600).read(&none()).await.unwrap();
            assert_eq!(secret.expose_secret(), "s3cret");
        }
        assert!(file(&dir, b"x", 0o400).read(&none()).await.is_ok());
    }

    #[tokio::test]
    async fn a_file_that_others_can_read_is_refused_with_the_command_to_run() {
        let dir = tempfile::tempdir().unwrap();
        for mode in [0o640, 0o604, 0o644, 0o660] {
            let source = file(&dir, b"s3cret", mode);
            let error = source.read(&none()).await.unwrap_err().to_string();
            assert!(error.contains(&format!("mode {mode:04o}")), "{error}");
            assert!(
                error.ends_with(&format!("run: chmod 600 {}", dir.path().join("monitor.key").display())),
                "{error}"
            );
            assert!(!error.contains("s3cret"));
        }
    }

    #[tokio::test]
    async fn what_is_no_one_line_text_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        for (content, word) in [
            (&b""[..], "empty"),
            (b"\n", "empty"),
            (b"a\nb\n", "one line"),
            (b"\xff\xfe", "plain text"),
            ("x".repeat(20_000).as_bytes(), "plain text"),
        ] {
            let error = file(&dir, content, 0o600).read(&none()).await.unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }

    #[tokio::test]
    async fn the_other_three_ways() {
        let env = Env::of(&[("MONITOR_KEY", "from-env")]);
        let variable = |name: &str| CredentialSource::Env {
            label: "k".into(),
            variable: name.into(),
        };
        assert_eq!(variable("MONITOR_KEY").read(&env).await.unwrap().expose_secret(), "from-env");
        assert_eq!(
            variable("OTHER").read(&env).await.unwrap_err().to_string(),
            "k_env: the environment has no OTHER"
        );

        let command = |argv: &[&str]| CredentialSource::Command {
            label: "k".into(),
            argv: argv.iter().map(|&part| part.to_owned()).collect(),
        };
        assert_eq!(
            command(&["echo", "from command"]).read(&env).await.unwrap().expose_secret(),
            "from command"
        );
        let error = command(&["false"]).read(&env).await.unwrap_err().to_string();
        assert!(error.starts_with("k_command: false failed"), "{error}");
        let error = command(&["/nonexistent/vault"]).read(&env).await.unwrap_err().to_string();
        assert!(error.contains("cannot be started"), "{error}");

        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("monitor"), "from systemd\n").unwrap();
        let systemd = CredentialSource::Systemd {
            label: "k".into(),
            id: "monitor".into(),
        };
        let env = Env::of(&[("CREDENTIALS_DIRECTORY", dir.path().to_str().unwrap())]);
        assert_eq!(systemd.read(&env).await.unwrap().expose_secret(), "from systemd");
        assert!(matches!(systemd.read(&none()).await, Err(CredentialError::NoDirectory { .. })));
    }

    #[tokio::test]
    async fn a_secret_under_rotation_has_two_lines() {
        let dir = tempfile::tempdir().unwrap();
        let env = Env::of(&[]);
        let lines = file(&dir, b"new\r\n\n old\n", 0o600).read_lines(&env).await.unwrap();
        let lines: Vec<&str> = lines.iter().map(secrecy::ExposeSecret::expose_secret).collect();
        assert_eq!(lines, ["new", " old"]);
        let empty = file(&dir, b"\n\n", 0o600).read_lines(&env).await;
        assert!(matches!(empty, Err(CredentialError::Empty { .. })));
        assert!(file(&dir, b"a\x01b\n", 0o600).read_lines(&env).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_command_that_never_ends_is_given_up() {
        // the paused clock jumps to the time limit as soon as nothing else can happen
        let argv = ["tail".to_owned(), "-f".to_owned(), "/dev/null".to_owned()];
        let error = run("k", &argv, Duration::from_secs(15)).await.unwrap_err().to_string();
        assert_eq!(error, "k_command: tail did not end within 15 s");
    }
}
