//! The one sender of a profile's rows: takes the lock, attends to the open rows, gives the lock back.

use std::collections::{BTreeSet, HashMap};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::attend::{Desk, Turn};
use super::charge::Charge;
use super::custody::Tenure;
use super::lane::Pace;
use super::lock::FileLock;
use super::plan::Plan;
use super::{Deliver, Outbox, OutboxError, Policy};
use crate::domain::{SafeText, Target};

/// How often it is looked whether somebody sends for another profile's rows.
const FOREIGN_LOOK: Duration = Duration::from_secs(30);

/// Delivers the open rows of an outbox that belong to its targets' profiles.
pub struct Sender<D> {
    outbox: Outbox,
    deliver: Arc<D>,
    targets: Vec<Target>,
    /// What the targets belong to, each with a lock of its own; in order, so that two senders never hold half each.
    charges: Arc<[Charge]>,
    policy: Policy,
    dice: fastrand::Rng,
    control: SenderControl,
    commands: mpsc::Receiver<Command>,
    status: watch::Sender<SenderStatus>,
}

/// Steers a running sender; cheap to clone.
#[derive(Clone, Debug)]
pub struct SenderControl {
    commands: mpsc::Sender<Command>,
    status: watch::Receiver<SenderStatus>,
}

/// What the sender is doing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SenderStatus {
    /// Whether it sends.
    pub role: Role,
    /// Its targets, in the order they were given, and then those of open rows that are not configured here.
    pub lanes: Vec<LaneStatus>,
    /// Why our own store keeps it from sending, if it does.
    pub fault: Option<SafeText>,
}

/// Whether a sender sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Another process sends; this one waits for its lock.
    #[default]
    Waiting,
    /// This one sends.
    Sending,
    /// It gave its lock away and waits to be told to take it again.
    Released,
    /// It has ended.
    Stopped,
}

/// One target's queue.
#[derive(Clone, Debug, PartialEq)]
pub struct LaneStatus {
    /// Which.
    pub target: Target,
    /// Open rows.
    pub open: usize,
    /// Why it waits, where it does.
    pub waiting: Option<SafeText>,
}

#[derive(Debug)]
enum Command {
    Release(oneshot::Sender<()>),
    Acquire,
    Resume(Target),
}

impl SenderControl {
    /// Stops sending, turns what was on its way into rows in doubt and frees the lock: before the process is suspended.
    /// Answers when that is done; another process may then take over.
    pub async fn release(&self) {
        let (done, answer) = oneshot::channel();
        if self.commands.send(Command::Release(done)).await.is_ok() {
            let _ = answer.await; // it ended meanwhile: released as well
        }
    }

    /// Goes on after a release, as soon as the lock is free.
    pub async fn acquire(&self) {
        let _ = self.commands.send(Command::Acquire).await; // it ended: nothing to go on with
    }

    /// Asks a waiting target at once: after the credential was renewed, or because a person says so.
    pub async fn resume(&self, target: &Target) {
        let _ = self.commands.send(Command::Resume(target.clone())).await; // it ended: nothing to resume
    }

    /// What it is doing.
    pub fn status(&self) -> watch::Receiver<SenderStatus> {
        self.status.clone()
    }
}

/// Why a tenure ended.
enum End {
    Stopped,
    Released(oneshot::Sender<()>),
    Fenced,
}

impl<D: Deliver> Sender<D> {
    /// Makes a sender for these targets; rows of others stay queued and say so.
    pub fn new(outbox: Outbox, deliver: Arc<D>, targets: Vec<Target>, policy: Policy) -> Self {
        let (command_sender, commands) = mpsc::channel(16);
        let (status, status_receiver) = watch::channel(SenderStatus::default());
        let charges: BTreeSet<Charge> = targets.iter().map(Charge::of).collect();
        Self {
            outbox,
            charges: charges.into_iter().collect(),
            deliver,
            targets,
            dice: policy.seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed),
            policy,
            control: SenderControl {
                commands: command_sender,
                status: status_receiver,
            },
            commands,
            status,
        }
    }

    /// Its steering.
    pub fn control(&self) -> SenderControl {
        self.control.clone()
    }

    /// Sends until `stop` is ready; requests under way then have a short grace. Dropped instead, it is as if it were
    /// killed: what was on its way is looked up by the next one.
    pub async fn run(mut self, stop: impl Future<Output = ()>) -> Result<(), OutboxError> {
        let mut stop = Box::pin(stop);
        let ended = loop {
            self.set_role(Role::Waiting);
            let Some(locks) = self.wait_for_locks(stop.as_mut()).await? else {
                break Ok(());
            };
            let tenure = match self.outbox.take_over(Arc::clone(&self.charges)).await {
                Ok(tenure) => tenure,
                Err(error) if error.is_damage() => break Err(error),
                Err(error) => {
                    drop(locks);
                    self.status.send_modify(|status| status.fault = Some(error.to_string().into()));
                    tokio::select! {
                        () = stop.as_mut() => break Ok(()),
                        () = sleep(Duration::from_secs(1)) => continue,
                    }
                }
            };
            self.status.send_modify(|status| status.fault = None);
            self.set_role(Role::Sending);
            let end = self.serve(tenure, stop.as_mut()).await;
            drop(locks);
            match end {
                Ok(End::Stopped) => break Ok(()),
                Ok(End::Fenced) => tokio::select! {
                    () = stop.as_mut() => break Ok(()),
                    () = sleep(self.policy.lock_interval) => {}
                },
                Ok(End::Released(done)) => {
                    let _ = done.send(()); // whoever asked is gone: fine
                    self.set_role(Role::Released);
                    if !self.wait_to_acquire(stop.as_mut()).await {
                        break Ok(());
                    }
                }
                Err(error) => break Err(error),
            }
        };
        self.set_role(Role::Stopped);
        ended
    }

    fn set_role(&self, role: Role) {
        self.status.send_modify(|status| status.role = role);
    }

    /// All the locks, or none.
    fn try_locks(&self) -> Result<Option<Vec<FileLock>>, OutboxError> {
        let mut locks = Vec::with_capacity(self.charges.len());
        for charge in self.charges.iter() {
            match FileLock::exclusive(&self.outbox.sender_lock(charge))? {
                Some(lock) => locks.push(lock),
                None => return Ok(None),
            }
        }
        Ok(Some(locks))
    }

    /// `None` where it was stopped first.
    async fn wait_for_locks(
        &mut self,
        mut stop: Pin<&mut (impl Future<Output = ()> + ?Sized)>,
    ) -> Result<Option<Vec<FileLock>>, OutboxError> {
        loop {
            if let Some(locks) = self.try_locks()? {
                return Ok(Some(locks));
            }
            tokio::select! {
                biased;
                () = stop.as_mut() => return Ok(None),
                Some(command) = self.commands.recv() => if let Command::Release(done) = command {
                    let _ = done.send(()); // nothing is held
                    self.set_role(Role::Released);
                    if !self.wait_to_acquire(stop.as_mut()).await {
                        return Ok(None);
                    }
                    self.set_role(Role::Waiting);
                },
                () = sleep(self.policy.lock_interval) => {}
            }
        }
    }

    /// False where it was stopped first.
    async fn wait_to_acquire(&mut self, mut stop: Pin<&mut (impl Future<Output = ()> + ?Sized)>) -> bool {
        loop {
            tokio::select! {
                biased;
                () = stop.as_mut() => return false,
                Some(command) = self.commands.recv() => match command {
                    Command::Acquire => return true,
                    Command::Release(done) => { let _ = done.send(()); } // it is released already
                    Command::Resume(_) => {}
                },
            }
        }
    }

    /// One tenure.
    async fn serve(&mut self, tenure: Tenure, mut stop: Pin<&mut (impl Future<Output = ()> + ?Sized)>) -> Result<End, OutboxError> {
        let desk = Arc::new(Desk {
            outbox: self.outbox.clone(),
            deliver: Arc::clone(&self.deliver),
            policy: self.policy,
            tenure: tenure.clone(),
        });
        let mut paces: HashMap<Target, Pace> = self
            .targets
            .iter()
            .map(|target| (target.clone(), Pace::new(&self.policy)))
            .collect();
        let mut explained: HashMap<Target, Option<SafeText>> = HashMap::new();
        let mut plan = Plan::default();
        let mut turns: JoinSet<Turn> = JoinSet::new();
        let mut version = self.outbox.version();
        version.mark_changed();
        loop {
            if version.has_changed().unwrap_or(false) {
                version.borrow_and_update();
                self.learn(&mut plan).await;
            }
            self.adopt(&plan, &mut paces);
            self.start(&desk, &mut plan, &mut paces, &mut turns);
            let foreign = self.foreign(&plan, &paces);
            match self.explain(&tenure, &paces, &foreign, &mut explained).await {
                Err(OutboxError::Fenced) => return Ok(End::Fenced),
                Err(error) => tracing::warn!(%error, "the reason of a waiting queue could not be written"),
                Ok(()) => {}
            }
            self.publish(&plan, &paces, &foreign);
            let look_again = (!foreign.is_empty()).then(|| Instant::now() + FOREIGN_LOOK);
            let wake = [self.next_wake(&plan, &paces), look_again].into_iter().flatten().min();
            tokio::select! {
                biased;
                () = stop.as_mut() => {
                    self.wind_up(tenure, turns, self.policy.stop_grace).await;
                    return Ok(End::Stopped);
                }
                Some(command) = self.commands.recv() => match command {
                    Command::Release(done) => {
                        self.wind_up(tenure, turns, Duration::ZERO).await;
                        return Ok(End::Released(done));
                    }
                    Command::Acquire => {}
                    Command::Resume(target) => {
                        if let Some(pace) = paces.get_mut(&target) {
                            pace.resume();
                        }
                        plan.release(&target, Instant::now());
                    }
                },
                Some(turn) = turns.join_next() => match turn {
                    Ok(turn) if turn.fenced => return Ok(End::Fenced),
                    Ok(turn) => {
                        version.borrow_and_update();
                        self.learn(&mut plan).await;
                        self.put_back(turn, &mut plan, &mut paces);
                    }
                    // a panic in a turn: its row is `sending` or as it was; a new tenure looks it up
                    Err(error) => {
                        tracing::error!(%error, "a delivery ended in a bug");
                        return Ok(End::Fenced);
                    }
                },
                changed = version.changed() => if changed.is_ok() { version.mark_changed(); },
                () = sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => {}
            }
        }
    }

    async fn learn(&self, plan: &mut Plan) {
        match self.outbox.entries(plan.seen).await {
            Ok(entries) => plan.learn(entries, Instant::now()),
            Err(error) => {
                tracing::warn!(%error, "the outbox could not be read");
                self.status.send_modify(|status| status.fault = Some(error.to_string().into()));
            }
        }
    }

    /// Takes on targets of open rows that nobody else will ever end.
    fn adopt(&mut self, plan: &Plan, paces: &mut HashMap<Target, Pace>) {
        let adopted =
            |target: &&Target| !paces.contains_key(*target) && self.charges.contains(&Charge::of(target)) && self.deliver.adopts(target);
        let targets: Vec<Target> = plan.targets().filter(adopted).cloned().collect();
        for target in targets {
            paces.insert(target.clone(), Pace::new(&self.policy));
            if !self.targets.contains(&target) {
                self.targets.push(target);
            }
        }
    }

    /// Starts what is due and may start.
    fn start(&mut self, desk: &Arc<Desk<D>>, plan: &mut Plan, paces: &mut HashMap<Target, Pace>, turns: &mut JoinSet<Turn>) {
        for target in &self.targets {
            let Some(pace) = paces.get_mut(target) else { continue };
            loop {
                let now = Instant::now();
                if pace.next_start(now).is_none_or(|start| start > now) {
                    break;
                }
                let Some((entry, memory)) = plan.take(target, now) else { break };
                pace.started(now);
                let (desk, roll) = (Arc::clone(desk), self.dice.f64());
                turns.spawn(async move { desk.attend(entry, memory, roll).await });
            }
        }
    }

    fn put_back(&mut self, turn: Turn, plan: &mut Plan, paces: &mut HashMap<Target, Pace>) {
        let now = Instant::now();
        let target = turn.entry.target.clone();
        let mut memory = turn.memory;
        let is_back = paces
            .get_mut(&target)
            .is_some_and(|pace| pace.ended(&turn.signal, &mut memory.owed, &self.policy, now, self.dice.f64()));
        plan.put_back(&turn.entry, memory, turn.wait, turn.backing_off, now);
        if is_back {
            plan.release(&target, now);
        }
        let fault = match &turn.signal {
            super::lane::Signal::Store(error) => Some(error.as_str().into()),
            _ => None,
        };
        self.status.send_modify(|status| status.fault = fault);
    }

    fn next_wake(&self, plan: &Plan, paces: &HashMap<Target, Pace>) -> Option<Instant> {
        let now = Instant::now();
        self.targets
            .iter()
            .filter_map(|target| Some(plan.next_due(target)?.max(paces.get(target)?.next_start(now)?)))
            .min()
    }

    /// Targets that are not ours and have open rows, and why those wait: no reason where another sender has charge of them.
    fn foreign(&self, plan: &Plan, paces: &HashMap<Target, Pace>) -> Vec<(Target, Option<SafeText>)> {
        let is_served =
            |charge: &Charge| !self.charges.contains(charge) && matches!(FileLock::shared(&self.outbox.sender_lock(charge)), Ok(None));
        plan.targets()
            .filter(|target| !paces.contains_key(*target))
            .map(|target| (target.clone(), (!is_served(&Charge::of(target))).then(|| not_configured(target))))
            .collect()
    }

    /// Writes down why queues wait, so that every process can show it.
    async fn explain(
        &self,
        tenure: &Tenure,
        paces: &HashMap<Target, Pace>,
        foreign: &[(Target, Option<SafeText>)],
        explained: &mut HashMap<Target, Option<SafeText>>,
    ) -> Result<(), OutboxError> {
        let ours = paces.iter().map(|(target, pace)| (target, &pace.reason));
        for (target, reason) in ours.chain(foreign.iter().map(|(target, reason)| (target, reason))) {
            if explained.get(target).and_then(Option::as_ref) != reason.as_ref() {
                let text = reason.as_ref().map(|reason| reason.shown().to_owned());
                // of what another sender has charge of, that one writes
                if text.is_some() || self.charges.contains(&Charge::of(target)) {
                    self.outbox.explain(tenure.clone(), target.clone(), text).await?;
                }
                explained.insert(target.clone(), reason.clone());
            }
        }
        Ok(())
    }

    fn publish(&self, plan: &Plan, paces: &HashMap<Target, Pace>, foreign: &[(Target, Option<SafeText>)]) {
        let ours = self
            .targets
            .iter()
            .map(|target| (target, paces.get(target).and_then(|pace| pace.reason.as_ref())));
        let lanes: Vec<_> = ours
            .chain(foreign.iter().map(|(target, reason)| (target, reason.as_ref())))
            .map(|(target, reason)| LaneStatus {
                target: target.clone(),
                open: plan.open_of(target),
                waiting: reason.cloned(),
            })
            .collect();
        self.status.send_if_modified(|status| {
            let differs = status.lanes != lanes;
            status.lanes = lanes;
            differs
        });
    }

    /// Lets requests under way end for a while, cuts off the rest and says that they are in doubt.
    async fn wind_up(&self, tenure: Tenure, mut turns: JoinSet<Turn>, grace: Duration) {
        let deadline = Instant::now() + grace;
        while let Ok(Some(_)) = timeout_at(deadline, turns.join_next()).await {}
        turns.shutdown().await;
        if let Err(error) = self.outbox.relinquish(tenure).await {
            // the next sender finds them as they are and does the same
            tracing::warn!(%error, "rows on their way could not be marked");
        }
    }
}

fn not_configured(target: &Target) -> SafeText {
    if Charge::of(target).beyond_maximo {
        return format!(
            "made for {} of profile {} at {}, to which only the bridge delivers: start `nightdesk bridge` with that profile",
            target.service, target.profile, target.origin
        )
        .into();
    }
    format!(
        "made for {} of profile {} at {}, which is not configured here: start nightdesk with that profile",
        target.service, target.profile, target.origin
    )
    .into()
}
