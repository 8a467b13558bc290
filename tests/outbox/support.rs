//! A scripted server with a ledger, and what the tests of this room share.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use jiff::Timestamp;
use nightdesk::domain::{AlertId, Intent, OutboxId, OutboxRow, Service, Target, WorkOrderDraft};
use nightdesk::outbox::{
    Actor, Clock, Deliver, OpenOptions, Outbox, Policy, Receipt, Sender, SenderControl, Sent, Shipment, Submission, Verified,
};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

pub(super) fn encode(intent: &Intent) -> Vec<u8> {
    serde_json::to_vec(intent).unwrap()
}

pub(super) fn options() -> OpenOptions {
    OpenOptions::new(
        encode,
        Actor {
            operator: "j.weber".into(),
            os_user: "ops".into(),
            ssh_client: Some("192.0.2.7".into()),
        },
    )
}

pub(super) async fn open(folder: &Path) -> Outbox {
    Outbox::open(&folder.join("outbox"), options()).await.unwrap()
}

/// Lets go of an outbox, and waits until nobody in this process has it: a command that still runs for a handle that is gone
/// holds it open, and who opens meanwhile is not alone and repairs nothing. The paused clock stands meanwhile.
pub(super) async fn shut(outbox: Outbox, folder: &Path) {
    drop(outbox);
    let users = std::fs::File::open(folder.join("outbox/users.lock")).unwrap();
    tokio::task::spawn_blocking(move || rustix::fs::flock(&users, rustix::fs::FlockOperation::LockExclusive).unwrap())
        .await
        .unwrap();
}

/// The lock of the one sender in a folder.
pub(super) fn sender_lock(folder: &Path) -> std::path::PathBuf {
    let mut locks = std::fs::read_dir(folder.join("outbox")).unwrap().map(|entry| entry.unwrap().path());
    let is_senders = |path: &std::path::PathBuf| path.file_name().unwrap().to_string_lossy().starts_with("sender-");
    locks.find(is_senders).unwrap()
}

pub(super) fn target() -> Target {
    Target {
        service: Service::Monitor,
        profile: "plant".into(),
        origin: "https://monitor.example:443".into(),
    }
}

pub(super) fn manage() -> Target {
    Target {
        service: Service::Manage,
        profile: "plant".into(),
        origin: "https://manage.example:443".into(),
    }
}

pub(super) fn note(alert: &str, text: &str) -> Submission {
    Submission {
        intent: Intent::Acknowledge {
            alert: AlertId::new(alert),
            by: "j.weber".into(),
            notes: Some(text.into()),
            over: None,
        },
        target: target(),
        grace: Duration::ZERO,
    }
}

pub(super) fn order(alert: &str) -> Submission {
    Submission {
        intent: Intent::CreateWorkOrder {
            alert: AlertId::new(alert),
            generation: 0,
            seen: Vec::new(),
            allow_duplicate: false,
            draft: WorkOrderDraft {
                description: "IoT Alert: pressure".into(),
                description_longdescription: "text".into(),
                assetnum: Some("PUMP-1".into()),
                siteid: "BEDFORD".into(),
                worktype: "CM".into(),
                wopriority: 1,
                reportedby: "MONITOR".into(),
                classificationid: String::new(),
                lead: None,
            },
        },
        target: manage(),
        grace: Duration::ZERO,
    }
}

/// What the server makes of one request.
#[derive(Clone, Debug)]
pub(super) enum Act {
    /// Commits and confirms.
    Commit,
    /// Commits, and the answer is lost.
    LoseAnswer,
    /// Nothing arrives, and nobody knows.
    LoseRequest,
    /// Nothing is done, and the server says that it failed.
    Fail,
    /// Commits, and the server says that it failed.
    CommitAndFail,
    /// The connection fails.
    NotSent,
    /// Commits so much later, long after the connection broke.
    CommitLater(Duration),
    Throttle(Option<Duration>),
    /// Not this time; the row's own schedule says when.
    Later(Duration),
    Unauthorized,
    Refuse,
    Conflict,
    NeedsDecision,
    Superseded,
    /// Never answers; commits at once.
    Hang,
}

/// What it answers to a look-up.
#[derive(Clone, Debug)]
pub(super) enum Look {
    /// What the ledger says.
    Honest,
    Unknown,
    /// Nothing to find out.
    Repeatable,
    Gone,
    Superseded,
    Unauthorized,
}

#[derive(Default)]
struct State {
    ledger: Vec<(String, Vec<u8>)>,
    acts: VecDeque<Act>,
    looks: VecDeque<Look>,
    otherwise: Option<Act>,
    sent: Vec<(OutboxId, Instant)>,
    arrived: Vec<bool>,
    looked: Vec<(OutboxId, Instant)>,
    under_way: usize,
    most_under_way: usize,
    dice: Option<fastrand::Rng>,
}

/// A model of a server: what it committed stands in its ledger, whatever the client was told.
#[derive(Clone, Default)]
pub(super) struct Server {
    state: Arc<Mutex<State>>,
    counter: Arc<AtomicU64>,
}

impl Server {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// Answers at random, as a sick server does: nothing may be lost or doubled by it.
    pub(super) fn sick(seed: u64) -> Arc<Self> {
        let server = Self::default();
        server.state().dice = Some(fastrand::Rng::with_seed(seed));
        Arc::new(server)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(super) fn will(&self, acts: impl IntoIterator<Item = Act>) {
        self.state().acts.extend(acts);
    }

    pub(super) fn always(&self, act: Act) {
        self.state().otherwise = Some(act);
    }

    pub(super) fn heal(&self) {
        let mut state = self.state();
        state.dice = None;
        state.otherwise = None;
        state.acts.clear();
        state.looks.clear();
    }

    pub(super) fn will_look(&self, looks: impl IntoIterator<Item = Look>) {
        self.state().looks.extend(looks);
    }

    /// Bodies that took effect, in order.
    pub(super) fn ledger(&self) -> Vec<(String, Vec<u8>)> {
        self.state().ledger.clone()
    }

    /// Of each attempt, whether it was told that an earlier one may have arrived.
    pub(super) fn may_have_arrived(&self) -> Vec<bool> {
        self.state().arrived.clone()
    }

    pub(super) fn sent(&self) -> Vec<(OutboxId, Instant)> {
        self.state().sent.clone()
    }

    pub(super) fn looked(&self) -> Vec<(OutboxId, Instant)> {
        self.state().looked.clone()
    }

    pub(super) fn most_under_way(&self) -> usize {
        self.state().most_under_way
    }

    fn commit(&self, object: &str, body: &[u8]) {
        self.state().ledger.push((object.to_owned(), body.to_owned()));
    }

    fn next_act(&self) -> Act {
        let mut state = self.state();
        if let Some(act) = state.acts.pop_front() {
            return act;
        }
        if let Some(dice) = &mut state.dice {
            let later = Duration::from_millis(dice.u64(..25_000));
            return match dice.u8(..12) {
                0 => Act::LoseAnswer,
                1 => Act::LoseRequest,
                2 => Act::NotSent,
                3 => Act::CommitLater(later),
                4 => Act::Throttle(dice.bool().then_some(Duration::from_secs(7))),
                5 => Act::Hang,
                6 => Act::Unauthorized,
                10 => Act::Fail,
                11 => Act::CommitAndFail,
                _ => Act::Commit,
            };
        }
        state.otherwise.clone().unwrap_or(Act::Commit)
    }

    fn next_look(&self) -> Look {
        let mut state = self.state();
        if let Some(look) = state.looks.pop_front() {
            return look;
        }
        if state.dice.as_mut().is_some_and(|dice| dice.u8(..4) == 0) {
            Look::Unknown
        } else {
            Look::Honest
        }
    }
}

/// Counts a request as under way until it is dropped, as it would be by a client that goes away.
struct UnderWay<'a>(&'a Server);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.state().under_way -= 1;
    }
}

impl Deliver for Server {
    async fn send(&self, shipment: &Shipment) -> Sent {
        let object = shipment.intent.object().0;
        let _under_way = {
            let mut state = self.state();
            state.sent.push((shipment.id, Instant::now()));
            state.arrived.push(shipment.may_have_arrived);
            state.under_way += 1;
            state.most_under_way = state.most_under_way.max(state.under_way);
            UnderWay(self)
        };
        let act = self.next_act();
        // the server's side goes on whether or not the client is still there
        let (answer, answered) = oneshot::channel();
        let (server, body) = (self.clone(), shipment.body.clone());
        tokio::spawn(async move {
            sleep(Duration::from_millis(20)).await;
            let reason = || "scripted".into();
            let sent = match act {
                Act::Commit => {
                    server.commit(&object, &body);
                    let number = server.counter.fetch_add(1, Ordering::Relaxed);
                    Sent::Delivered(Receipt {
                        wonum: object.starts_with("order/").then(|| format!("{}", 1000 + number).as_str().into()),
                        detail: None,
                    })
                }
                Act::LoseAnswer => {
                    server.commit(&object, &body);
                    Sent::InDoubt { reason: reason() }
                }
                Act::LoseRequest => Sent::InDoubt { reason: reason() },
                Act::Fail => Sent::Failed { reason: reason() },
                Act::CommitAndFail => {
                    server.commit(&object, &body);
                    Sent::Failed { reason: reason() }
                }
                Act::NotSent => Sent::NotSent { reason: reason() },
                Act::CommitLater(after) => {
                    let _ = answer.send(Sent::InDoubt { reason: reason() });
                    sleep(after).await;
                    server.commit(&object, &body);
                    return;
                }
                Act::Throttle(after) => Sent::Throttled { after, reason: reason() },
                Act::Later(after) => Sent::Later { after, reason: reason() },
                Act::Unauthorized => Sent::Unauthorized { reason: reason() },
                Act::Refuse => Sent::Refused { reason: reason() },
                Act::Conflict => Sent::Conflict { reason: reason() },
                Act::NeedsDecision => Sent::NeedsDecision { reason: reason() },
                Act::Superseded => Sent::Superseded {
                    by: Some("k.lee".into()),
                    detail: "acknowledged by k.lee".into(),
                },
                Act::Hang => {
                    server.commit(&object, &body);
                    let _kept_open = answer;
                    return std::future::pending().await;
                }
            };
            let _ = answer.send(sent);
        });
        answered.await.unwrap_or_else(|_| Sent::InDoubt { reason: "cut".into() })
    }

    async fn verify(&self, shipment: &Shipment) -> Verified {
        self.state().looked.push((shipment.id, Instant::now()));
        sleep(Duration::from_millis(10)).await;
        match self.next_look() {
            Look::Honest => {
                if self.state().ledger.iter().any(|(_, body)| *body == shipment.body) {
                    Verified::Delivered(Receipt::default())
                } else {
                    Verified::Absent
                }
            }
            Look::Unknown => Verified::Unknown {
                reason: "scripted".into(),
                after: None,
            },
            Look::Repeatable => Verified::Repeatable,
            Look::Gone => Verified::Refused { reason: "gone".into() },
            Look::Superseded => Verified::Superseded {
                by: Some("k.lee".into()),
                detail: "resolved by k.lee".into(),
            },
            Look::Unauthorized => Verified::Unauthorized { reason: "scripted".into() },
        }
    }
}

pub(super) fn policy() -> Policy {
    Policy {
        seed: Some(7),
        ..Policy::default()
    }
}

/// An outbox with a sender on a scripted server, in a folder of its own: all of it goes with this.
pub(super) struct Bench {
    pub(super) outbox: Outbox,
    pub(super) server: Arc<Server>,
    pub(super) control: SenderControl,
    pub(super) running: Running,
    _folder: tempfile::TempDir,
}

impl Bench {
    /// With a server that first acts and answers look-ups like this.
    pub(super) async fn with(acts: impl IntoIterator<Item = Act>, looks: impl IntoIterator<Item = Look>) -> Self {
        let server = Server::new();
        server.will(acts);
        server.will_look(looks);
        let folder = tempfile::tempdir().unwrap();
        let outbox = open(folder.path()).await;
        let (control, running) = start(&outbox, &server);
        Self {
            outbox,
            server,
            control,
            running,
            _folder: folder,
        }
    }

    /// A row once nothing happens to it any more by itself.
    pub(super) async fn settled(&self, id: OutboxId) -> OutboxRow {
        settled(&self.outbox, id).await
    }

    /// Asks for something, and answers how it ended.
    pub(super) async fn end_of(&self, submission: Submission) -> OutboxRow {
        let row = self.outbox.submit(submission).await.unwrap();
        self.settled(row.id).await
    }
}

/// A row once nothing happens to it any more by itself.
pub(super) async fn settled(outbox: &Outbox, id: OutboxId) -> OutboxRow {
    let row = outbox.wait_settled(&[id], LONG).await.unwrap().remove(0);
    assert!(!row.state.is_open(), "{row:?}");
    row
}

/// Starts a sender for both targets; it ends with the returned task.
pub(super) fn start(outbox: &Outbox, server: &Arc<Server>) -> (SenderControl, Running) {
    start_with(outbox, server, policy())
}

pub(super) fn start_with(outbox: &Outbox, server: &Arc<Server>, policy: Policy) -> (SenderControl, Running) {
    let sender = Sender::new(outbox.clone(), Arc::clone(server), vec![target(), manage()], policy);
    let control = sender.control();
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(async move {
        sender
            .run(async {
                let _ = stopped.await;
            })
            .await
    });
    (control, Running { stop: Some(stop), task })
}

/// A sender in a task.
pub(super) struct Running {
    stop: Option<oneshot::Sender<()>>,
    task: tokio::task::JoinHandle<Result<(), nightdesk::outbox::OutboxError>>,
}

impl Running {
    pub(super) async fn stop(mut self) {
        self.stop.take();
        (&mut self.task).await.unwrap().unwrap();
    }

    /// As `kill -9` would: nothing is tidied up.
    pub(super) async fn kill(mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A wall clock that a test moves.
#[derive(Clone, Default)]
pub(super) struct Wall(Arc<AtomicI64>);

impl Wall {
    pub(super) fn at(seconds: i64) -> Self {
        Self(Arc::new(AtomicI64::new(seconds)))
    }

    pub(super) fn jump(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    pub(super) fn clock(&self) -> Clock {
        let seconds = Arc::clone(&self.0);
        Clock::new(move || Timestamp::from_second(seconds.load(Ordering::SeqCst)).unwrap())
    }
}

pub(super) const LONG: Duration = Duration::from_secs(24 * 3600);
