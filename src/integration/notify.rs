//! What a supervisor wants to know: systemd's notification protocol (`sd_notify`), a datagram a word.

use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use crate::config::Env;

/// The way to the supervisor, if there is one.
#[derive(Debug)]
pub struct Notify {
    socket: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Duration>,
}

impl Notify {
    /// As `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID` say. Without them every word goes nowhere.
    pub fn from_env(env: &Env) -> Self {
        let socket = env.get("NOTIFY_SOCKET").and_then(|written| match connect(&written) {
            Ok(socket) => Some(socket),
            Err(error) => {
                tracing::warn!(%error, "NOTIFY_SOCKET cannot be used: the supervisor hears nothing");
                None
            }
        });
        let ours = env.get("WATCHDOG_PID").is_none_or(|pid| pid == std::process::id().to_string());
        let watchdog = env
            .get("WATCHDOG_USEC")
            .and_then(|micros| micros.parse().ok())
            .filter(|micros| ours && *micros > 0)
            .map(Duration::from_micros);
        Self { socket, watchdog }
    }

    /// Says a word, such as `READY=1`.
    pub fn say(&self, word: &str) {
        if let Some((socket, address)) = &self.socket
            && let Err(error) = socket.send_to_addr(word.as_bytes(), address)
        {
            tracing::debug!(%error, word, "the supervisor did not take a word");
        }
    }

    /// How often the watchdog wants to hear something: at half of its patience, as systemd advises.
    pub fn interval(&self) -> Option<Duration> {
        self.watchdog.filter(|_| self.socket.is_some()).map(|patience| patience / 2)
    }
}

fn connect(written: &str) -> io::Result<(UnixDatagram, SocketAddr)> {
    let address = match written.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(std::ffi::OsStr::new(name).as_bytes())?,
        None => SocketAddr::from_pathname(written)?,
    };
    let socket = UnixDatagram::unbound()?;
    // a supervisor that does not read must not hold us up
    socket.set_nonblocking(true)?;
    Ok((socket, address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(socket: &UnixDatagram) -> String {
        let mut bytes = [0; 256];
        let length = socket.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    }

    #[test]
    fn words_arrive_at_a_path_and_at_an_abstract_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let notify = Notify::from_env(&Env::of(&[
            ("NOTIFY_SOCKET", path.to_str().unwrap()),
            ("WATCHDOG_USEC", "10000000"),
        ]));
        notify.say("READY=1\nSTATUS=ready");
        assert_eq!(heard(&socket), "READY=1\nSTATUS=ready");
        assert_eq!(notify.interval(), Some(Duration::from_secs(5)));

        let name = format!("nightdesk-test-{}", std::process::id());
        let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        Notify::from_env(&Env::of(&[("NOTIFY_SOCKET", &format!("@{name}"))])).say("STOPPING=1");
        assert_eq!(heard(&socket), "STOPPING=1");
    }

    #[test]
    fn without_a_supervisor_nothing_happens() {
        let none = Notify::from_env(&Env::of(&[("WATCHDOG_USEC", "1000")]));
        none.say("READY=1");
        assert_eq!(none.interval(), None);
        let gone = Notify::from_env(&Env::of(&[("NOTIFY_SOCKET", "/nonexistent/notify"), ("WATCHDOG_USEC", "x")]));
        gone.say("READY=1");
        let other = Notify::from_env(&Env::of(&[("NOTIFY_SOCKET", "@x"), ("WATCHDOG_USEC", "5"), ("WATCHDOG_PID", "1")]));
        assert_eq!(other.interval(), None);
    }
}
