//! `nightdesk bridge`: the integrations of a profile, as a service or once.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::output::{Form, Output, write_out};
use super::session::Session;
use super::{Exit, Failure};
use crate::config::Config;
use crate::integration::{Bridge, Courier, JobError, JobErrorKind, Notify, Pass, WallClock};
use crate::outbox::{Policy, Role, Sender, SenderControl};

/// `--once` waits so long for what its jobs asked for.
const SETTLE: Duration = Duration::from_secs(60);
/// Longest wait for the sender at the end; what is on its way is looked up at the next start.
const STOPPING: Duration = Duration::from_secs(10);

/// A bridge that was set up, with its senders.
struct SetUp {
    session: Session,
    bridge: Bridge,
    senders: Vec<Sender<Courier>>,
}

/// A bridge at work in this process.
pub(super) struct AtWork {
    session: Session,
    address: Option<SocketAddr>,
    jobs: String,
    stop: watch::Sender<bool>,
    work: JoinHandle<()>,
    senders: JoinSet<()>,
}

/// Runs until TERM or INT, or does once what is due.
pub(super) async fn run(config: Config, out: Output, once: bool) -> Result<(), Failure> {
    let set_up = set_up(config).await?;
    if let Some(recovery) = set_up.session.outbox.recovery() {
        out.note(&recovery.to_string());
    }
    if once {
        return all_once(set_up, out).await;
    }
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| unheard(&error))?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| unheard(&error))?;
    let notify = Notify::from_env(&set_up.session.config.env);
    let at_work = begin(set_up);
    let ready = match at_work.address {
        Some(address) => format!("ready https://{address}\n"),
        None => "ready\n".to_owned(),
    };
    write_out(&ready)?;
    notify.say(&format!("READY=1\nSTATUS=jobs: {}", at_work.jobs));
    let end = async {
        tokio::select! {
            _ = interrupt.recv() => "interrupted",
            _ = terminate.recv() => "terminated",
        }
    };
    let why = tokio::select! {
        why = end => why,
        () = watchdog(&notify, &at_work.session) => "not reached: the watchdog has no end",
    };
    tracing::info!(why, "the bridge ends: what was begun is finished, or stays in the outbox");
    notify.say("STOPPING=1");
    at_work.end(Duration::MAX).await
}

/// A bridge beside something else in this process, which ends it.
pub(super) async fn beside(config: Config) -> Result<AtWork, Failure> {
    Ok(begin(set_up(config).await?))
}

async fn set_up(config: Config) -> Result<SetUp, Failure> {
    let session = Session::open(config).await?;
    let mut ground = session.ground()?;
    let courier = Arc::new(Courier::open(&ground).await?);
    // two senders: what Maximo is asked may be a console's charge at the moment, what goes to ERP and webhooks never is
    let further = courier.further_targets(&session.profile.name);
    let policy = Policy::within(session.profile.request_timeout);
    let sender = |targets| Sender::new(session.outbox.clone(), Arc::clone(&courier), targets, policy);
    let mut senders = vec![sender(ground.targets.clone())];
    if !further.is_empty() {
        senders.push(sender(further.clone()));
    }
    ground.targets.extend(further);
    let bridge = Bridge::open(ground, WallClock::system()).await?;
    if bridge.is_empty() {
        return Err(nothing_to_do(&session));
    }
    Ok(SetUp { session, bridge, senders })
}

fn begin(set_up: SetUp) -> AtWork {
    let SetUp { session, bridge, senders } = set_up;
    let (stop, stopped) = watch::channel(false);
    let jobs = bridge.jobs().join(", ");
    tracing::info!(profile = session.profile.name, jobs, "the bridge is at work");
    AtWork {
        session,
        address: bridge.address(),
        jobs,
        stop,
        senders: send(senders, &stopped),
        work: tokio::spawn(bridge.run(stopped)),
    }
}

impl AtWork {
    /// Lets what was begun end, within a time; the rest is cut off, and comes again at the next start.
    pub(super) async fn end(self, within: Duration) -> Result<(), Failure> {
        let _ = self.stop.send(true); // its receivers live until they have seen it
        let ended = tokio::time::timeout(within, self.work).await;
        let _ = tokio::time::timeout(STOPPING.min(within), all_ended(self.senders)).await; // what is on its way is looked up at the next start
        match ended {
            Ok(Err(error)) => Err(Failure::new(Exit::Bug, format!("the bridge ended in a bug: {error}"))),
            Ok(Ok(())) | Err(_) => Ok(()),
        }
    }
}

/// One that ended in a bug has said so.
async fn all_ended(mut senders: JoinSet<()>) {
    while senders.join_next().await.is_some() {}
}

/// Delivers the outbox until told to stop.
fn send(senders: Vec<Sender<Courier>>, stopped: &watch::Receiver<bool>) -> JoinSet<()> {
    senders
        .into_iter()
        .map(|sender| {
            let mut stopped = stopped.clone();
            async move {
                let stop = async move {
                    let _ = stopped.wait_for(|stop| *stop).await; // its sender being gone means the same
                };
                if let Err(error) = sender.run(std::pin::pin!(stop)).await {
                    tracing::error!(%error, "the sender ended: what is queued waits for the next start");
                }
            }
        })
        .collect()
}

/// Tells the supervisor that we live, as long as the outbox answers: a bridge that can keep nothing is to be started anew.
async fn watchdog(notify: &Notify, session: &Session) {
    let Some(interval) = notify.interval() else {
        return std::future::pending().await;
    };
    loop {
        match session.outbox.oldest_open().await {
            Ok(_) => notify.say("WATCHDOG=1"),
            Err(error) => tracing::error!(%error, "the outbox does not answer"),
        }
        tokio::time::sleep(interval).await;
    }
}

async fn all_once(set_up: SetUp, out: Output) -> Result<(), Failure> {
    let SetUp { session, bridge, senders } = set_up;
    let (stop, stopped) = watch::channel(false);
    let controls: Vec<SenderControl> = senders.iter().map(Sender::control).collect();
    let senders = send(senders, &stopped);
    let passes = bridge.once().await;
    let mut exits: Vec<Exit> = Vec::new();
    let mut text = String::new();
    let mut items = Vec::new();
    for (name, pass) in &passes {
        let (word, said, exit) = match pass {
            Pass::Done(said) => ("done", said.shown().to_owned(), Exit::Done),
            Pass::Idle => ("idle", "nothing is due".to_owned(), Exit::Done),
            Pass::Elsewhere => ("elsewhere", "another bridge runs it".to_owned(), Exit::Done),
            Pass::Failed(error) => ("failed", error.to_string(), Exit::from(error.kind)),
        };
        let _ = writeln!(text, "{name}: {word}: {said}"); // a String takes it
        items.push(serde_json::json!({ "job": name, "result": word, "said": said, "exit": exit.code() }));
        exits.push(exit);
    }
    if passes.is_empty() {
        out.note("there is no job to run once: the server and the sender only work while the bridge runs");
    }
    // people read what was done before they wait for its delivery
    if out.form != Form::Json {
        write_out(&text)?;
    }
    if session.outbox.oldest_open().await?.is_some() && controls.iter().any(|control| control.status().borrow().role == Role::Waiting) {
        out.note(&format!(
            "another nightdesk sends from {}: it delivers what was asked for, which is waited for; --state-dir gives this one an outbox of its own",
            session.config.dirs.state.display()
        ));
    }
    let counts = session.outbox.drain(SETTLE).await?;
    let _ = stop.send(true); // its receiver lives until it has seen it
    let _ = tokio::time::timeout(STOPPING, all_ended(senders)).await;
    if out.form == Form::Json {
        out.object(&serde_json::json!({ "items": items, "open": counts.open() }), String::new)?;
    }
    let mut exit = exit_of_jobs(&exits);
    if counts.open() > 0 {
        let rows = if counts.open() == 1 { "row is" } else { "rows are" };
        out.note(&format!("{} {rows} not delivered yet: safe in the outbox", counts.open()));
        // what failed says more than what waits for the same reason
        if exit == Exit::Done {
            exit = Exit::NotYet;
        }
    }
    Failure::unless_done(exit)
}

/// Failures of one kind keep its code; a job that failed beside others that did not is one of several, whether or not those had
/// anything to do.
fn exit_of_jobs(each: &[Exit]) -> Exit {
    let kind = Exit::of_kinds(each.iter().copied());
    let failed = each.iter().filter(|exit| **exit != Exit::Done).count();
    if failed == 0 || failed == each.len() { kind } else { Exit::Partly }
}

fn nothing_to_do(session: &Session) -> Failure {
    Failure::new(
        Exit::Configuration,
        format!(
            "{0}: nothing is switched on for the bridge; add [[profiles.{1}.rules]], [profiles.{1}.assets], [profiles.{1}.lake], [profiles.{1}.erp], or listen in [bridge]",
            session.config.path.display(),
            session.profile.name
        ),
    )
}

fn unheard(error: &std::io::Error) -> Failure {
    Failure::new(Exit::Bug, format!("signals cannot be heard: {error}"))
}

impl From<JobErrorKind> for Exit {
    fn from(kind: JobErrorKind) -> Self {
        match kind {
            JobErrorKind::Configuration => Self::Configuration,
            JobErrorKind::Credentials => Self::Credentials,
            JobErrorKind::Server => Self::Server,
            JobErrorKind::Tls => Self::Tls,
            JobErrorKind::Store => Self::Store,
            JobErrorKind::Refused => Self::Refused,
            JobErrorKind::Partly => Self::Partly,
        }
    }
}

impl From<JobError> for Failure {
    fn from(error: JobError) -> Self {
        Self::new(error.kind.into(), error.to_string())
    }
}
