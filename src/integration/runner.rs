//! Runs one job when it is due: one runner at a time over all bridges that share a memory.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use tokio::sync::watch;
use tokio::time::Instant;

use super::board::{Board, Doing};
use super::schedule::{Daily, Days};
use super::{Claim, ClaimError, Job, JobError, JobErrorKind, JobStore, Occasion, Parts, Timing};
use crate::domain::SafeText;

/// The wall clock is looked at so often: a jump of it is noticed within this time.
const LOOK: Duration = Duration::from_secs(15);
/// A job that another bridge runs is asked for again after this.
const STAND_BY: Duration = Duration::from_secs(5);
/// The first wait after a failure; it doubles.
const AGAIN_MIN: Duration = Duration::from_secs(30);
/// The longest.
const AGAIN_MAX: Duration = Duration::from_secs(30 * 60);
/// A pass over several days ends after so many failures in a row: the cause is then not the day.
const FAILURES_IN_A_ROW: u32 = 3;
/// A run under way at the end has so long. What it asked for is in the outbox; what it has not done comes again.
const STOPPING: Duration = Duration::from_secs(20);

/// Where runners read the date; waiting goes by tokio's clock.
#[derive(Clone)]
pub struct WallClock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl WallClock {
    /// The system's.
    pub fn system() -> Self {
        Self(Arc::new(Timestamp::now))
    }

    /// Another one, for tests.
    pub fn new(read: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for WallClock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("WallClock")
    }
}

/// One job with what it needs to be run.
pub struct Runner {
    job: Box<dyn Job>,
    name: String,
    store: Arc<dyn JobStore>,
    parts: Parts,
    board: Board,
    clock: WallClock,
    /// Told to stop: no further day is begun.
    stopping: AtomicBool,
    /// A pass is under way: until what it did is remembered, it is let go on.
    busy: AtomicBool,
}

/// How one pass over a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pass {
    /// Everything that was due is done.
    Done(SafeText),
    /// Nothing was due.
    Idle,
    /// Another bridge runs it.
    Elsewhere,
    /// It failed; what is not done comes again.
    Failed(JobError),
}

impl Runner {
    /// Puts a job on the board.
    pub fn new(job: Box<dyn Job>, store: Arc<dyn JobStore>, parts: Parts, board: Board, clock: WallClock) -> Self {
        let name = job.name();
        parts.enable(job.part());
        board.note(&name, job.part(), |_| {});
        Self {
            job,
            name,
            store,
            parts,
            board,
            clock,
            stopping: AtomicBool::new(false),
            busy: AtomicBool::new(false),
        }
    }

    /// The job's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs it whenever it is due, until told to stop. A run under way is let end, within bounds.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let stopped = async {
            let _ = stop.wait_for(|stop| *stop).await; // its sender being gone means the same
        };
        tokio::pin!(stopped);
        let work = async {
            match self.job.timing() {
                Timing::Every(interval) => self.repeat(interval).await,
                Timing::Daily { at, zone, day_zone } => self.follow(&Daily { at, zone, day_zone }).await,
            }
        };
        tokio::pin!(work);
        tokio::select! {
            () = &mut work => {}
            () = &mut stopped => {
                self.stopping.store(true, Ordering::Relaxed);
                let idle = self.idle();
                tokio::pin!(idle);
                tokio::select! {
                    () = &mut work => {}
                    () = &mut idle => {}
                    () = tokio::time::sleep(STOPPING) => tracing::warn!(job = self.name, "cut off at the end: it comes again"),
                }
            }
        }
        self.note(|state| state.doing = Doing::Stopped);
    }

    /// Does what is due now, once.
    pub async fn once(&self) -> Pass {
        match self.job.timing() {
            Timing::Every(_) => match self.claim().await {
                Err(error) => self.refuse(error.into()),
                Ok(None) => Pass::Elsewhere,
                Ok(Some(_claim)) => match self.call(None).await {
                    Ok(said) => Pass::Done(said),
                    Err(error) => Pass::Failed(error),
                },
            },
            Timing::Daily { at, zone, day_zone } => self.pass(&Daily { at, zone, day_zone }).await,
        }
    }

    /// Waits until no pass is under way.
    async fn idle(&self) {
        while self.busy.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Does something that is let end at a stop.
    async fn busy<T>(&self, work: impl Future<Output = T>) -> T {
        self.busy.store(true, Ordering::Relaxed);
        let value = work.await;
        self.busy.store(false, Ordering::Relaxed);
        value
    }

    /// A job that is run again and again keeps its claim: the other bridges stand by.
    async fn repeat(&self, interval: Duration) {
        let _claim = loop {
            match self.claim().await {
                Ok(Some(claim)) => break claim,
                Ok(None) => self.note(|state| state.doing = Doing::StandingBy),
                Err(error) => drop(self.refuse(error.into())),
            }
            tokio::time::sleep(STAND_BY).await;
        };
        let mut failures = 0;
        loop {
            let wait = match self.busy(self.call(None)).await {
                Ok(_) => {
                    failures = 0;
                    interval
                }
                Err(_) => {
                    failures += 1;
                    self.note(|state| state.doing = Doing::TryingAgain);
                    // a short interval is its own back-off
                    interval.min(again_after(failures))
                }
            };
            let next = self.clock.now().checked_add(wait).ok();
            self.note(|state| state.next = next);
            tokio::time::sleep(wait).await;
        }
    }

    /// A daily job: looks at the clock, and passes over the days that are due.
    async fn follow(&self, daily: &Daily) {
        let mut failures = 0;
        let mut not_before = Instant::now();
        loop {
            if Instant::now() >= not_before {
                match self.busy(self.pass(daily)).await {
                    // a person has to decide: to ask soon again is of no use
                    Pass::Failed(error) if error.kind == JobErrorKind::Refused => not_before = Instant::now() + AGAIN_MAX,
                    Pass::Failed(_) => {
                        failures += 1;
                        not_before = Instant::now() + again_after(failures);
                    }
                    Pass::Elsewhere => not_before = Instant::now() + STAND_BY,
                    Pass::Done(_) | Pass::Idle => failures = 0,
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Everything that is due, oldest first, under the claim.
    async fn pass(&self, daily: &Daily) -> Pass {
        let now = self.clock.now();
        // without the claim first: most looks find nothing, and should not be in another's way
        let quiet = match self.recall().await {
            Ok(mut days) => {
                let fresh = days.clone();
                days.advance(daily, now);
                self.note(|state| state.next = Some(days.next_due(daily, now)));
                days == fresh && days.pending().len() == 0
            }
            Err(error) => return self.refuse(error),
        };
        if quiet {
            return Pass::Idle;
        }
        let _claim = match self.claim().await {
            Ok(Some(claim)) => claim,
            Ok(None) => {
                self.note(|state| state.doing = Doing::StandingBy);
                return Pass::Elsewhere;
            }
            Err(error) => return self.refuse(error.into()),
        };
        match self.work_off(daily, now).await {
            Ok(pass) => pass,
            Err(error) => self.refuse(error),
        }
    }

    async fn work_off(&self, daily: &Daily, now: Timestamp) -> Result<Pass, JobError> {
        // again, now that nobody else changes it
        let mut days = self.recall().await?;
        let advance = days.advance(daily, now);
        if advance.dropped > 0 || advance.rewound {
            let remark = if advance.rewound {
                "the clock had been ahead: days are counted anew from the newest".to_owned()
            } else {
                format!(
                    "{} days were further back than {} and were given up",
                    advance.dropped,
                    super::schedule::DAYS_MAX
                )
            };
            tracing::warn!(job = self.name, remark);
            self.note(|state| state.remark = Some(remark.into()));
        }
        self.remember(&days).await?;
        let (mut said, mut failed, mut in_a_row) = (Vec::new(), None, 0);
        for day in days.pending() {
            if self.stopping.load(Ordering::Relaxed) {
                break; // it stays pending
            }
            match self.call(Some(day)).await {
                Ok(words) => {
                    in_a_row = 0;
                    days.done(day);
                    // before the next day begins: a restart then goes on there
                    self.remember(&days).await?;
                    said.push(format!("{day}: {words}"));
                }
                Err(error) => {
                    // what is refused is the day's own matter: the days behind it have nothing to do with it
                    in_a_row += u32::from(error.kind != JobErrorKind::Refused);
                    // of several, one that may pass says when to ask again
                    if failed.as_ref().is_none_or(|first: &JobError| first.kind == JobErrorKind::Refused) {
                        failed = Some(error);
                    }
                    if in_a_row >= FAILURES_IN_A_ROW {
                        break;
                    }
                }
            }
        }
        let left = days.pending().len();
        self.note(|state| {
            state.pending = left;
            state.doing = if failed.is_some() { Doing::TryingAgain } else { Doing::Waiting };
        });
        Ok(match failed {
            Some(error) if said.is_empty() => Pass::Failed(error),
            Some(error) => Pass::Failed(JobError::new(JobErrorKind::Partly, error.message)),
            None if said.is_empty() => Pass::Idle,
            None => Pass::Done(said.join("; ").into()),
        })
    }

    /// One run, with its figures.
    async fn call(&self, day: Option<Date>) -> Result<SafeText, JobError> {
        let run = self.parts.begin(self.job.part());
        self.note(|state| state.doing = Doing::Running);
        let now = self.clock.now();
        let result = self.job.run(Occasion { now, day }).await;
        self.note(|state| state.doing = Doing::Waiting);
        match &result {
            Ok(said) => run.succeeded(self.clock.now(), said.clone()),
            Err(error) => {
                tracing::warn!(job = self.name, error = %error, "a run failed");
                run.failed(self.clock.now(), error.message.clone());
            }
        }
        result
    }

    /// A failure before the job itself was called counts as one of it.
    fn refuse(&self, error: JobError) -> Pass {
        tracing::warn!(job = self.name, error = %error, "a run could not begin");
        self.parts.begin(self.job.part()).failed(self.clock.now(), error.message.clone());
        self.note(|state| state.doing = Doing::TryingAgain);
        Pass::Failed(error)
    }

    fn note(&self, change: impl FnOnce(&mut super::board::JobState)) {
        self.board.note(&self.name, self.job.part(), change);
    }

    async fn claim(&self) -> Result<Option<Claim>, ClaimError> {
        let (store, name) = (Arc::clone(&self.store), self.name.clone());
        // a panic in there is a bug that the caller's task should share
        blocking(move || store.claim(&name)).await
    }

    async fn recall(&self) -> Result<Days, JobError> {
        let (store, name) = (Arc::clone(&self.store), self.memory());
        match blocking(move || store.read(&name)).await? {
            None => Ok(Days::default()),
            Some(bytes) => serde_json::from_slice(&bytes).or_else(|error| {
                // the days are idempotent: to begin anew is better than to stand still
                tracing::warn!(job = self.name, %error, "what was remembered of its days cannot be read: it begins anew");
                Ok(Days::default())
            }),
        }
    }

    async fn remember(&self, days: &Days) -> Result<(), JobError> {
        let bytes = serde_json::to_vec(days).map_err(|error| JobError::new(JobErrorKind::Store, error.to_string()))?;
        let (store, name) = (Arc::clone(&self.store), self.memory());
        blocking(move || store.replace(&name, &bytes)).await?;
        Ok(())
    }

    fn memory(&self) -> String {
        format!("{}.days.json", self.name)
    }
}

impl fmt::Debug for Runner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Runner").field("job", &self.name).finish_non_exhaustive()
    }
}

/// Off the event loop.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // only at the runtime's end: nobody waits for the answer
        Err(_) => std::future::pending().await,
    }
}

fn again_after(failures: u32) -> Duration {
    AGAIN_MIN.saturating_mul(1 << failures.saturating_sub(1).min(10)).min(AGAIN_MAX)
}

#[cfg(test)]
mod tests;
