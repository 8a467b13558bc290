//! The loop: one task owns the core, waits for messages, and never for anything else.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use crate::config::Notify;
use crate::local::{Drafts, Memos};
use crate::model::{Event, Report};
use crate::worker::{Reports, Worker};

use super::archive::Archive;
use super::canvas::Canvas;
use super::core::Core;
use super::driver::{Driver, Places, Step};
use super::error::TuiError;
use super::handoff::Handoff;
use super::journal::Journal;
use super::keys::{KeyDates, follow_keys};
use super::neighbour::Neighbour;
use super::output::Output;
use super::pace::{Pace, Urgency};
use super::seat::Hold;
use super::signal::Signal;
use super::terminal;

/// Events of one source that are taken before a frame and the other sources have their turn.
const BURST: usize = 256;
/// Answers to answers that are taken in one go; more would be a circle.
const ANSWERS_MAX: usize = 1_000;
/// Events of the outbox and the drafts that may wait.
const EVENTS_MAX: usize = 1_024;
const TICK: Duration = Duration::from_secs(1);
/// A terminal that went without a signal is noticed after this.
const ALIVE_EVERY: Duration = Duration::from_secs(5);
/// Commands that were given are committed before the end, unless the disk takes longer: a busy one may need seconds to sync.
const COMMITTING: Duration = Duration::from_secs(10);
/// The sender has this long to let go.
const CLOSING: Duration = Duration::from_secs(2);
/// The drafts' disk has this long at the end.
const FLUSHING: Duration = Duration::from_secs(5);

/// Everything that the loop joins.
pub struct Console<C, J> {
    /// The core.
    pub core: C,
    /// The way to the worker.
    pub worker: Worker,
    /// The way back.
    pub reports: Reports,
    /// The outbox and its sender.
    pub journal: Arc<J>,
    /// Where drafts are kept; without it they live as long as the console.
    pub drafts: Option<Drafts>,
    /// Where history, shelf and remarks are kept; without it they live as long as the console.
    pub archive: Option<Archive>,
    /// How a notification reaches the person besides the bell.
    pub notify: Notify,
    /// Where views and linked orders are kept; without it likewise.
    pub memos: Option<Memos>,
    /// The state folder, where a bridge on this machine says how it is doing, and the profile whose bridge it is.
    pub state: Option<(PathBuf, String)>,
    /// What goes on when the link drops with open rows.
    pub handoff: Option<Handoff>,
    /// What was found at the start and is worth a line.
    pub notices: Vec<String>,
    /// Says when the servers' keys were made.
    pub key_dates: Option<KeyDates>,
    /// Lines of text instead of a screen.
    pub linear: bool,
}

/// How the console ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The person left.
    Quit,
    /// By a signal: its number.
    Signal(i32),
    /// The terminal went away.
    Hangup,
    /// The person wants the console of this profile.
    Switch(String),
}

/// The loop's connections to the outside.
pub(super) struct Lines {
    pub(super) input: mpsc::Receiver<Event>,
    pub(super) signals: mpsc::Receiver<Signal>,
    pub(super) output: Output,
}

/// What a turn came to.
enum Turn {
    Again,
    End(Ended),
}

pub(super) struct Loop<'h, C, J, H> {
    core: C,
    reports: Reports,
    journal: Arc<J>,
    handoff: Option<Handoff>,
    driver: Option<Driver>,
    /// Ends with us.
    _neighbour: Option<Neighbour>,
    events: mpsc::Receiver<Event>,
    pub(super) lines: Lines,
    host: &'h H,
    canvas: Canvas,
    pace: Pace,
    forced: bool,
    linear: bool,
    next_tick: Instant,
    next_look: Instant,
    first: Vec<Event>,
    frames: u64,
}

/// What woke the loop.
enum Woken {
    Signal(Signal),
    Input(Option<Event>),
    Event(Event),
    Report(Option<Report>),
    Time,
}

impl<'h, C: Core, J: Journal, H: Hold> Loop<'h, C, J, H> {
    pub(super) fn new(console: Console<C, J>, lines: Lines, host: &'h H) -> Self {
        let (sender, events) = mpsc::channel(EVENTS_MAX);
        let (columns, rows) = host.size();
        let mut first = vec![Event::Resize(columns, rows)];
        let mut notices = console.notices;
        if let Some(drafts) = &console.drafts {
            let (found, problems) = drafts.found();
            first.push(Event::Drafts(found));
            notices.extend(problems.iter().map(ToString::to_string));
        }
        if let Some(archive) = &console.archive {
            first.extend(archive.first(&mut notices));
        }
        match console.memos.as_ref().map(Memos::found) {
            Some(Ok(memo)) => first.push(Event::Memo(memo)),
            Some(Err(error)) => notices.push(error.to_string()),
            None => {}
        }
        first.extend(notices.into_iter().map(|text| Event::Notice { text, failed: true }));
        if let Some(dates) = console.key_dates {
            tokio::spawn(follow_keys(dates, sender.clone()));
        }
        let neighbour = console
            .state
            .map(|(state, profile)| Neighbour::follow(state, profile, sender.clone()));
        let driver = Driver::new(
            console.worker,
            console.journal.clone(),
            Places {
                drafts: console.drafts,
                memos: console.memos,
                archive: console.archive,
                notify: console.notify,
            },
            lines.output.clone(),
            sender,
        );
        let now = Instant::now();
        Self {
            core: console.core,
            reports: console.reports,
            journal: console.journal,
            handoff: console.handoff,
            driver: Some(driver),
            _neighbour: neighbour,
            events,
            lines,
            host,
            canvas: Canvas::new(terminal::bounded(columns, rows)),
            pace: Pace::new(now),
            forced: true,
            linear: console.linear,
            next_tick: now + TICK,
            next_look: now + ALIVE_EVERY,
            first,
            frames: 0,
        }
    }

    pub(super) async fn run(&mut self) -> Result<Ended, TuiError> {
        let first = std::mem::take(&mut self.first);
        let mut turn = self.handle(first, Urgency::Key).await?;
        loop {
            if let Turn::End(ended) = turn {
                self.close(&ended).await;
                return Ok(ended);
            }
            self.draw();
            if let Some(failure) = self.lines.output.failure() {
                let is_gone = self.lines.output.is_gone();
                self.close(&Ended::Hangup).await;
                return if is_gone { Ok(Ended::Hangup) } else { Err(TuiError::Lost(failure)) };
            }
            let woken = self.wait().await;
            turn = self.take(woken).await?;
        }
    }

    async fn wait(&mut self) -> Woken {
        let busy = self.lines.output.is_busy();
        self.pace.spent(self.lines.output.written().0, Instant::now());
        let keeper_due = self.driver.as_ref().and_then(|driver| driver.keeper.as_ref()?.due());
        let wanted = self.core.wakes_at().map(|at| {
            let left = at.duration_since(Timestamp::now());
            Instant::now() + Duration::try_from(left).unwrap_or_default()
        });
        let until = [
            self.core.wants_tick().then_some(self.next_tick),
            self.pace.due(busy),
            keeper_due,
            wanted,
        ]
        .into_iter()
        .flatten()
        .fold(self.next_look, Instant::min);
        tokio::select! {
            Some(signal) = self.lines.signals.recv() => Woken::Signal(signal),
            event = self.lines.input.recv() => Woken::Input(event),
            Some(event) = self.events.recv() => Woken::Event(event),
            report = self.reports.next() => Woken::Report(report),
            () = self.lines.output.idle(), if busy => Woken::Time,
            () = sleep_until(until) => Woken::Time,
        }
    }

    async fn take(&mut self, woken: Woken) -> Result<Turn, TuiError> {
        let now = Instant::now();
        let mut batch = Vec::new();
        let mut urgency = Urgency::Background;
        match woken {
            Woken::Signal(signal) => return self.obey(signal).await,
            Woken::Input(None) => return Ok(Turn::End(Ended::Hangup)),
            Woken::Input(Some(event)) => {
                urgency = Urgency::Key;
                batch.push(event);
                while batch.len() < BURST
                    && let Ok(event) = self.lines.input.try_recv()
                {
                    batch.push(event);
                }
            }
            Woken::Event(event) => {
                urgency = Urgency::Answer;
                batch.push(event);
                while batch.len() < BURST
                    && let Ok(event) = self.events.try_recv()
                {
                    batch.push(event);
                }
            }
            Woken::Report(Some(report)) => {
                batch.push(Event::Report(report));
                while batch.len() < BURST
                    && let Some(report) = self.reports.try_next()
                {
                    batch.push(Event::Report(report));
                }
            }
            Woken::Report(None) => {
                // A bug ended the worker: the outbox and what is on the screen go on, and the person knows.
                tracing::error!("the worker ended");
                return Err(TuiError::Lost("the task that reads from the servers ended".into()));
            }
            Woken::Time => {}
        }
        if self.core.wants_tick() && self.next_tick <= now {
            self.next_tick = now + TICK;
            batch.push(Event::Tick);
        } else if self.core.wakes_at().is_some_and(|at| at <= Timestamp::now()) {
            batch.push(Event::Tick);
        }
        if self.next_look <= now {
            self.next_look = now + ALIVE_EVERY;
            if !self.host.is_alive() {
                return Ok(Turn::End(Ended::Hangup));
            }
        }
        if let Some(keeper) = self.driver.as_mut().and_then(|driver| driver.keeper.as_mut()) {
            keeper.pass(now);
        }
        self.handle(batch, urgency).await
    }

    /// Gives events to the core and carries out what it asks for.
    async fn handle(&mut self, batch: Vec<Event>, urgency: Urgency) -> Result<Turn, TuiError> {
        let mut events = std::collections::VecDeque::from(batch);
        let mut taken = 0;
        while let Some(event) = events.pop_front() {
            taken += 1;
            if taken > ANSWERS_MAX {
                tracing::error!(left = events.len(), "events answer one another without end");
                break;
            }
            match &event {
                Event::Resize(columns, rows) => {
                    self.canvas.resize(terminal::bounded(*columns, *rows));
                    self.forced = true;
                }
                Event::Outbox(row) => {
                    if let Some(driver) = &self.driver {
                        driver.follow(row);
                    }
                }
                _ => {}
            }
            let mut answers = Vec::new();
            for effect in self.core.update(Timestamp::now(), event) {
                let Some(driver) = &mut self.driver else { break };
                match driver.carry_out(effect, &mut answers) {
                    Step::Nothing => {}
                    Step::Redraw => {
                        self.lines.output.redraw();
                        self.forced = true;
                    }
                    Step::Suspend => {
                        if let Turn::End(ended) = self.suspend(&mut answers).await? {
                            return Ok(Turn::End(ended));
                        }
                    }
                    Step::Switch(profile) => return Ok(Turn::End(Ended::Switch(profile))),
                    Step::Quit => return Ok(Turn::End(Ended::Quit)),
                }
            }
            events.extend(answers);
        }
        if self.forced || self.core.needs_draw() {
            self.pace.want(if self.forced { Urgency::Key } else { urgency });
        }
        Ok(Turn::Again)
    }

    fn draw(&mut self) {
        let busy = self.lines.output.is_busy(); // asked first: what an idle thread has written is counted
        self.pace.spent(self.lines.output.written().0, Instant::now());
        let due = self.pace.due(busy);
        let now = Instant::now(); // after `due`, which is the moment it is asked for the first frame
        if due.is_none_or(|due| due > now) {
            return;
        }
        if self.linear {
            let announcement = self.core.announce();
            self.lines.output.say(&announcement);
            self.pace.drawn(now);
            self.forced = false;
            return;
        }
        let core = &mut self.core;
        let mut picture = self.canvas.draw(|frame| core.render(frame));
        picture.links = core.hyperlinks();
        self.lines.output.show(picture);
        self.pace.drawn(now);
        self.forced = false;
        self.frames += 1;
        #[cfg(debug_assertions)]
        crash_on_request();
    }

    async fn obey(&mut self, signal: Signal) -> Result<Turn, TuiError> {
        match signal {
            Signal::End(number) => Ok(Turn::End(Ended::Signal(number))),
            Signal::Hangup => Ok(Turn::End(Ended::Hangup)),
            Signal::Stop => {
                let mut answers = Vec::new();
                let turn = self.suspend(&mut answers).await?;
                match turn {
                    Turn::End(_) => Ok(turn),
                    Turn::Again => Box::pin(self.handle(answers, Urgency::Key)).await,
                }
            }
            // Stopped by force and woken: the shell has used the terminal meanwhile.
            Signal::Continue => {
                self.host.pause();
                self.come_back().await
            }
        }
    }

    /// Stops as Ctrl-Z does, the terminal and the sender's lock given back; returns when somebody continued us.
    async fn suspend(&mut self, answers: &mut Vec<Event>) -> Result<Turn, TuiError> {
        if !self.host.can_stop() {
            answers.push(Event::Notice {
                text: "not suspended: no shell with job control started this console, so nothing could bring it back".into(),
                failed: true,
            });
            return Ok(Turn::Again);
        }
        if let Some(keeper) = self.driver.as_mut().and_then(|driver| driver.keeper.as_mut()) {
            keeper.flush(FLUSHING);
        }
        if let Some(archivist) = self.driver.as_ref().and_then(|driver| driver.archivist.as_ref()) {
            archivist.flush(FLUSHING);
        }
        let _ = timeout(CLOSING, self.journal.release()).await; // the kernel keeps the lock then: the others wait
        self.host.pause();
        while let Ok(signal) = self.lines.signals.try_recv() {
            if let Signal::End(number) = signal {
                return Ok(Turn::End(Ended::Signal(number)));
            }
        }
        self.host.stop();
        loop {
            match self.lines.signals.recv().await {
                Some(Signal::Continue) | None => break,
                Some(Signal::Stop) => {}
                Some(Signal::End(number)) => return Ok(Turn::End(Ended::Signal(number))),
                Some(Signal::Hangup) => return Ok(Turn::End(Ended::Hangup)),
            }
        }
        let _ = timeout(CLOSING, self.journal.acquire()).await; // the sender has ended: the rows stay queued
        self.come_back().await
    }

    async fn come_back(&mut self) -> Result<Turn, TuiError> {
        self.host.resume()?;
        let (columns, rows) = self.host.size();
        self.next_tick = Instant::now();
        self.forced = true;
        Box::pin(self.handle(vec![Event::Resize(columns, rows)], Urgency::Key)).await
    }

    /// Puts everything away, within bounds: drafts and given commands first, then the sender's lock.
    async fn close(&mut self, ended: &Ended) {
        // a HUP that somebody sent by hand leaves a terminal that is well: it is given back as at any other end
        if *ended == Ended::Hangup && (self.lines.output.failure().is_some() || !self.host.is_alive()) {
            self.host.abandon();
        }
        if let Some(driver) = self.driver.take() {
            let Driver {
                desk,
                mut keeper,
                archivist,
                ..
            } = driver;
            if let Some(keeper) = &mut keeper {
                keeper.flush(FLUSHING);
            }
            if let Some(archivist) = &archivist {
                archivist.flush(FLUSHING);
            }
            let events = &mut self.events;
            let drain = async { while events.recv().await.is_some() {} };
            let _ = timeout(COMMITTING, async {
                tokio::select! {
                    () = desk.close() => {}
                    () = drain => {}
                }
            })
            .await; // what is not committed by then was never shown as queued
        }
        if *ended == Ended::Hangup {
            let open = match timeout(CLOSING, self.journal.current()).await {
                Ok(Ok(rows)) => rows.iter().any(|row| row.state.is_open()),
                Ok(Err(_)) | Err(_) => true,
            };
            let _ = timeout(CLOSING, self.journal.release()).await; // our end frees it in any case
            if let Some(handoff) = self.handoff.as_ref().filter(|_| open)
                && let Err(error) = handoff.start()
            {
                tracing::error!(%error, "what is queued waits for the next start: the detached drain could not begin");
            }
        }
        let (bytes, frames, skipped) = self.lines.output.written();
        tracing::debug!(bytes, frames, skipped, drawn = self.frames, size = ?self.canvas.size(), "the console ended");
    }
}

/// For the tests of the terminal's way back, in debug builds only: a frame is a bug while this file is there.
#[cfg(debug_assertions)]
fn crash_on_request() {
    let asked = std::env::var_os("NIGHTDESK_PANIC_WHILE_THERE").is_some_and(|path| std::path::Path::new(&path).exists());
    assert!(!asked, "asked to by NIGHTDESK_PANIC_WHILE_THERE");
}
