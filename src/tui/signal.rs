//! Signals as messages.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// What the system asks of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    /// TERM, INT, QUIT, or one that would kill us with the terminal in our hands: end now. Its number.
    End(i32),
    /// HUP: the terminal is gone, or somebody wants us to believe so.
    Hangup,
    /// TSTP: stop as Ctrl-Z does.
    Stop,
    /// CONT: we were stopped and go on.
    Continue,
}

/// Listens. In raw mode Ctrl-C, Ctrl-Z and Ctrl-\ are keys; these come from outside.
pub(super) fn listen() -> std::io::Result<mpsc::Receiver<Signal>> {
    use rustix::process::Signal as Raw;
    let (sender, receiver) = mpsc::channel(16);
    let stop = Raw::TSTP.as_raw();
    let go_on = Raw::CONT.as_raw();
    // Nobody has a reason to send these, and by default each of them ends a process where it stands.
    let stray = [Raw::USR1, Raw::USR2, Raw::ALARM, Raw::VTALARM, Raw::PROF, Raw::XCPU, Raw::IO].map(|signal| {
        let number = signal.as_raw();
        (SignalKind::from_raw(number), Signal::End(number))
    });
    let expected = [
        (SignalKind::terminate(), Signal::End(15)),
        (SignalKind::interrupt(), Signal::End(2)),
        (SignalKind::quit(), Signal::End(3)),
        (SignalKind::hangup(), Signal::Hangup),
        (SignalKind::from_raw(stop), Signal::Stop),
        (SignalKind::from_raw(go_on), Signal::Continue),
    ];
    for (kind, meaning) in expected.into_iter().chain(stray) {
        let mut stream = signal(kind)?;
        let sender = sender.clone();
        tokio::spawn(async move {
            while stream.recv().await.is_some() {
                if sender.send(meaning).await.is_err() {
                    return;
                }
            }
        });
    }
    Ok(receiver)
}

/// Whether a shell with job control is there to bring us back: then it gave us a process group of our own.
pub(super) fn can_stop() -> bool {
    rustix::process::getsid(None).is_ok_and(|session| session != rustix::process::getpgrp())
}

/// Stops the whole job, as the terminal would. It cannot be caught, so it comes after everything is put away; it may
/// take effect a moment later, so the loop waits for [`Signal::Continue`].
pub(super) fn stop() {
    let _ = rustix::process::kill_current_process_group(rustix::process::Signal::STOP); // our own group: it can be signalled
}
