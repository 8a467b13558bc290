//! What a headless command starts from: the configuration, the clock, the streams.

use jiff::{Timestamp, Zoned};
use tokio::sync::OnceCell;

use super::Failure;
use super::key_notice::key_notices;
use super::output::Output;
use super::session::{Clients, open_outbox};
use crate::config::{Config, KeyAge, Profile};
use crate::maximo::ManageClient;
use crate::outbox::Outbox;

/// One run of a headless command.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) config: Config,
    pub(super) profile: Profile,
    pub(super) out: Output,
    pub(super) now: Timestamp,
    /// Made once: a `key_command` may ask a person.
    clients: OnceCell<Clients>,
    outbox: OnceCell<Outbox>,
}

impl Context {
    pub(super) fn new(config: Config, out: Output) -> Result<Self, Failure> {
        let profile = config.profile()?.clone();
        Ok(Self {
            config,
            profile,
            out,
            now: Timestamp::now(),
            clients: OnceCell::new(),
            outbox: OnceCell::new(),
        })
    }

    /// Clients for a person who waits.
    pub(super) async fn clients(&self) -> Result<&Clients, Failure> {
        let make = || async {
            let clients = Clients::new(&self.config, &self.profile).await?;
            for (age, sentence) in key_notices(&self.profile, self.now) {
                if matches!(age, KeyAge::LastWeek { .. } | KeyAge::Over { .. }) {
                    self.out.note(&sentence);
                }
            }
            Ok(Clients {
                monitor: clients.monitor.interactive(),
                manage: clients.manage.as_ref().map(ManageClient::interactive),
                ..clients
            })
        };
        self.clients.get_or_try_init(make).await
    }

    /// The outbox; what was repaired in it is said.
    pub(super) async fn outbox(&self) -> Result<&Outbox, Failure> {
        let open = || async {
            let outbox = open_outbox(&self.config).await?;
            if let Some(recovery) = outbox.recovery() {
                self.out.note(&recovery.to_string());
            }
            Ok(outbox)
        };
        self.outbox.get_or_try_init(open).await
    }

    /// A time as people at the site read it.
    pub(super) fn local(&self, at: Timestamp) -> String {
        Zoned::new(at, self.profile.time_zone.clone())
            .strftime("%Y-%m-%d %H:%M:%S")
            .to_string()
    }
}

/// An age in one short word: `40s`, `12m`, `3h05`, `1d02h`.
pub(super) fn age(now: Timestamp, at: Timestamp) -> String {
    let seconds = now.duration_since(at).as_secs().max(0);
    match seconds {
        0..=59 => format!("{seconds}s"),
        60..=3599 => format!("{}m", seconds / 60),
        3600..=86_399 => format!("{}h{:02}", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{}d{:02}h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_tells_the_shift_from_the_day_before() {
        let at = Timestamp::UNIX_EPOCH;
        for (seconds, word) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (3600, "1h00"),
            (86_399, "23h59"),
            (86_400, "1d00h"),
            (26 * 3600, "1d02h"),
            (41 * 3600, "1d17h"),
            (400 * 86_400, "400d00h"),
        ] {
            assert_eq!(age(Timestamp::from_second(seconds).unwrap(), at), word);
        }
        assert_eq!(age(at, Timestamp::from_second(5).unwrap()), "0s", "a clock that is behind");
    }
}
