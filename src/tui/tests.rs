//! The loop with a core, an outbox, a terminal and a link made for the purpose.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use ratatui::Frame;
use ratatui::widgets::Paragraph;
use tokio::sync::{Notify, broadcast, mpsc};

use super::console::{Lines, Loop};
use super::output::Output;
use super::seat::Hold;
use super::signal::Signal;
use super::*;
use crate::domain::*;
use crate::local::{Drafts, Scope};
use crate::model::*;
use crate::worker::{Plan, Plant, Worker};

/// Answers keys with the effects of a script; `q` quits.
#[derive(Clone, Default)]
struct Script(Arc<Inner>);

#[derive(Default)]
struct Inner {
    seen: Mutex<Vec<Event>>,
    effects: Mutex<VecDeque<Effect>>,
    arrived: Notify,
    dirty: AtomicBool,
    ticking: AtomicBool,
    drawn: AtomicUsize,
}

impl Script {
    async fn until(&self, wanted: impl Fn(&Event) -> bool) -> Event {
        tokio::time::timeout(Duration::from_secs(600), async {
            loop {
                let mut arrived = std::pin::pin!(self.0.arrived.notified());
                arrived.as_mut().enable();
                if let Some(event) = self.0.seen.lock().unwrap().iter().find(|event| wanted(event)) {
                    return event.clone();
                }
                arrived.await;
            }
        })
        .await
        .expect("the event never came")
    }
}

impl Core for Script {
    fn update(&mut self, _: Timestamp, event: Event) -> Vec<Effect> {
        let effects = match &event {
            Event::Key(key) if *key == Key::char('q') => vec![Effect::Quit],
            Event::Key(_) => self.0.effects.lock().unwrap().pop_front().into_iter().collect(),
            _ => Vec::new(),
        };
        self.0.seen.lock().unwrap().push(event);
        self.0.dirty.store(true, Ordering::SeqCst);
        self.0.arrived.notify_waiters();
        effects
    }

    fn render(&mut self, frame: &mut Frame<'_>) {
        let seen = self.0.seen.lock().unwrap().len();
        frame.render_widget(Paragraph::new(format!("{seen} events")), frame.area());
        self.0.dirty.store(false, Ordering::SeqCst);
        self.0.drawn.fetch_add(1, Ordering::SeqCst);
    }

    fn needs_draw(&self) -> bool {
        self.0.dirty.load(Ordering::SeqCst)
    }

    fn wants_tick(&self) -> bool {
        self.0.ticking.load(Ordering::SeqCst)
    }
}

/// An outbox in memory.
struct Memory {
    rows: Mutex<Vec<OutboxRow>>,
    changes: broadcast::Sender<OutboxRow>,
    log: Mutex<Vec<&'static str>>,
    slow: Notify,
    is_slow: bool,
}

impl Memory {
    fn new(is_slow: bool) -> Arc<Self> {
        Arc::new(Self {
            rows: Mutex::default(),
            changes: broadcast::channel(16).0,
            log: Mutex::default(),
            slow: Notify::new(),
            is_slow,
        })
    }

    fn alerts(&self) -> Vec<String> {
        let rows = self.rows.lock().unwrap();
        rows.iter().map(|row| row.intent.alert().unwrap().raw().to_owned()).collect()
    }
}

fn row(id: i64, intent: Intent, state: IntentState) -> OutboxRow {
    OutboxRow {
        id: OutboxId(id),
        intent,
        target: Target {
            service: Service::Monitor,
            profile: "p".into(),
            origin: "o".into(),
        },
        state,
        attempts: 0,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
        not_before: Timestamp::UNIX_EPOCH,
        detail: None,
        superseded_by: None,
        wonum: None,
    }
}

impl Journal for Memory {
    async fn submit(&self, intent: Intent, _: Duration) -> Result<OutboxRow, String> {
        if self.is_slow {
            self.slow.notified().await;
        }
        let mut rows = self.rows.lock().unwrap();
        let row = row(i64::try_from(rows.len()).unwrap(), intent, IntentState::Queued);
        rows.push(row.clone());
        Ok(row)
    }

    async fn cancel(&self, _: OutboxId) -> Result<OutboxRow, String> {
        Err("already sent".into())
    }

    async fn retry(&self, _: OutboxId) -> Result<OutboxRow, String> {
        Err("not parked".into())
    }

    async fn replace(&self, _: OutboxId, intent: Intent) -> Result<OutboxRow, String> {
        self.submit(intent, Duration::ZERO).await
    }

    fn changes(&self) -> broadcast::Receiver<OutboxRow> {
        self.changes.subscribe()
    }

    async fn current(&self) -> Result<Vec<OutboxRow>, String> {
        Ok(self.rows.lock().unwrap().clone())
    }

    async fn release(&self) {
        self.log.lock().unwrap().push("released");
    }

    async fn acquire(&self) {
        self.log.lock().unwrap().push("acquired");
    }
}

/// Counts single alerts asked for.
#[derive(Default)]
struct Still(Mutex<Vec<String>>);

impl Plant for Still {
    async fn alerts(&self) -> Result<Listing<Alert>, Fault> {
        std::future::pending().await
    }
    async fn resolved(&self, _: Timestamp) -> Result<Listing<Alert>, Fault> {
        std::future::pending().await
    }
    async fn devices(&self, _: &(dyn Fn(usize, Option<usize>) + Send + Sync)) -> Result<Listing<Device>, Fault> {
        std::future::pending().await
    }
    async fn alert(&self, id: &AlertId) -> Result<Alert, Fault> {
        self.0.lock().unwrap().push(id.raw().to_owned());
        Err(Fault {
            kind: FaultKind::Refused,
            message: "no".into(),
        })
    }
    async fn readings(&self, _: &DeviceType, _: &[DeviceId], _: (Timestamp, Timestamp)) -> Result<Vec<Reading>, Fault> {
        std::future::pending().await
    }
    async fn open_orders(&self, _: &str, _: &str) -> Result<Vec<WorkOrder>, Fault> {
        std::future::pending().await
    }
    async fn orders(&self, _: &[Reference]) -> Result<Vec<WorkOrder>, Fault> {
        std::future::pending().await
    }
}

/// A terminal's holder that notes what is done to it.
#[derive(Clone, Default)]
struct Host {
    log: Arc<Mutex<Vec<&'static str>>>,
    dead: Arc<AtomicBool>,
    no_shell: bool,
    stopped: Option<mpsc::Sender<Signal>>,
}

impl Host {
    fn note(&self, what: &'static str) {
        self.log.lock().unwrap().push(what);
    }
}

impl Hold for Host {
    fn pause(&self) {
        self.note("pause");
    }
    fn resume(&self) -> Result<(), TuiError> {
        self.note("resume");
        Ok(())
    }
    fn abandon(&self) {
        self.note("abandon");
    }
    fn can_stop(&self) -> bool {
        !self.no_shell
    }
    fn stop(&self) {
        self.note("stop");
        if let Some(shell) = &self.stopped {
            shell.try_send(Signal::Continue).unwrap(); // `fg`
        }
    }
    fn is_alive(&self) -> bool {
        !self.dead.load(Ordering::SeqCst)
    }
    fn size(&self) -> (u16, u16) {
        (40, 4)
    }
}

/// A terminal in memory; `stuck` takes nothing, ever.
#[derive(Clone, Default)]
struct Screen {
    bytes: Arc<Mutex<Vec<u8>>>,
    stuck: bool,
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.stuck {
            loop {
                std::thread::park();
            }
        }
        self.bytes.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Stage {
    core: Script,
    journal: Arc<Memory>,
    plant: Arc<Still>,
    host: Host,
    input: mpsc::Sender<Event>,
    signals: mpsc::Sender<Signal>,
    output: Output,
    running: tokio::task::JoinHandle<Result<Ended, TuiError>>,
}

fn stage(effects: impl IntoIterator<Item = Effect>, screen: Screen, mut host: Host, journal: Arc<Memory>, drafts: Option<Drafts>) -> Stage {
    let core = Script::default();
    core.0.effects.lock().unwrap().extend(effects);
    let plant = Arc::new(Still::default());
    let (worker, reports) = Worker::spawn(plant.clone(), Plan::new("S"), None);
    let output = Output::start(screen, super::Manner::default()).unwrap();
    output.enter();
    let (input, input_receiver) = mpsc::channel(1024);
    let (signals, signal_receiver) = mpsc::channel(16);
    host.stopped = Some(signals.clone());
    let console = Console {
        core: core.clone(),
        worker,
        reports,
        journal: journal.clone(),
        drafts,
        archive: None,
        notify: crate::config::Notify::Off,
        memos: None,
        state: None,
        handoff: None,
        notices: vec!["the cache is damaged".into()],
        key_dates: None,
        linear: false,
    };
    let lines = Lines {
        input: input_receiver,
        signals: signal_receiver,
        output: output.clone(),
    };
    let held = host.clone();
    let running = tokio::spawn(async move { Loop::new(console, lines, &held).run().await });
    Stage {
        core,
        journal,
        plant,
        host,
        input,
        signals,
        output,
        running,
    }
}

fn simple(effects: impl IntoIterator<Item = Effect>) -> Stage {
    stage(effects, Screen::default(), Host::default(), Memory::new(false), None)
}

impl Stage {
    async fn key(&self, char: char) {
        self.input.send(Event::Key(Key::char(char))).await.unwrap();
    }

    /// Waits until everything that happened is drawn and out. The paused clock stands while the thread that writes is waited
    /// for: a blocking task holds it.
    async fn settled(&self) {
        loop {
            tokio::time::sleep(Duration::from_millis(50)).await; // of the paused clock: all that can run has run, the frame budget too
            let output = self.output.clone();
            tokio::task::spawn_blocking(move || {
                while output.is_busy() {
                    std::thread::yield_now();
                }
            })
            .await
            .unwrap();
            if !self.core.0.dirty.load(Ordering::SeqCst) && !self.output.is_busy() {
                return;
            }
        }
    }

    async fn ended(self) -> Ended {
        tokio::time::timeout(Duration::from_secs(600), self.running)
            .await
            .unwrap()
            .unwrap()
            .unwrap()
    }
}

fn submit(ticket: u64, alert: &str) -> Effect {
    Effect::Submit {
        ticket: Ticket(ticket),
        intent: Intent::Acknowledge {
            alert: alert.into(),
            by: "op".into(),
            notes: None,
            over: None,
        },
        grace: Duration::ZERO,
    }
}

#[tokio::test(start_paused = true)]
async fn the_core_hears_of_size_and_notices_before_anything_else_and_of_what_an_earlier_run_left() {
    let stage = simple([]);
    stage.core.until(|event| matches!(event, Event::Recovered(_))).await;
    let seen = stage.core.0.seen.lock().unwrap().clone();
    assert!(
        matches!(&seen[..2], [Event::Resize(40, 4), Event::Notice { failed: true, .. }]),
        "{seen:?}"
    );
    stage.key('q').await;
    assert_eq!(stage.ended().await, Ended::Quit);
}

#[tokio::test(start_paused = true)]
async fn commands_are_committed_in_their_order_and_even_when_the_person_leaves_at_once() {
    let stage = simple((0..50).map(|n| submit(n, &n.to_string())));
    for _ in 0..50 {
        stage.key('a').await;
    }
    stage.key('q').await;
    let journal = stage.journal.clone();
    assert_eq!(stage.ended().await, Ended::Quit);
    assert_eq!(journal.alerts(), (0..50).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_slow_disk_holds_up_no_key_and_no_frame() {
    let stage = stage([submit(1, "one")], Screen::default(), Host::default(), Memory::new(true), None);
    stage.key('a').await;
    stage.key('j').await;
    stage.core.until(|event| *event == Event::Key(Key::char('j'))).await;
    assert!(stage.journal.alerts().is_empty());
    stage.journal.slow.notify_one();
    let answer = stage.core.until(|event| matches!(event, Event::Submitted { .. })).await;
    assert!(matches!(
        answer,
        Event::Submitted {
            ticket: Ticket(1),
            result: Ok(_)
        }
    ));
    stage.key('q').await;
    stage.ended().await;
}

#[tokio::test(start_paused = true)]
async fn a_stuck_terminal_stops_neither_the_loop_nor_its_end() {
    let screen = Screen {
        stuck: true,
        ..Screen::default()
    };
    let stage = stage([submit(1, "one")], screen, Host::default(), Memory::new(false), None);
    stage.key('a').await;
    stage.core.until(|event| matches!(event, Event::Submitted { .. })).await;
    for _ in 0..500 {
        stage.key('j').await;
    }
    stage.signals.send(Signal::End(15)).await.unwrap();
    let core = stage.core.clone();
    assert_eq!(stage.ended().await, Ended::Signal(15));
    assert!(core.0.drawn.load(Ordering::SeqCst) < 50);
}

#[tokio::test(start_paused = true)]
async fn refusals_of_the_outbox_are_told() {
    let stage = simple([Effect::Cancel(OutboxId(1)), Effect::Copy("x".repeat(100_000))]);
    stage.key('z').await;
    stage
        .core
        .until(|event| matches!(event, Event::Notice { text, failed: true } if text == "already sent"))
        .await;
    stage.key('y').await;
    stage
        .core
        .until(|event| matches!(event, Event::Notice { text, failed: true } if text.starts_with("not copied")))
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_delivered_row_has_its_alert_read_again() {
    let stage = simple([]);
    stage.core.until(|event| matches!(event, Event::Recovered(_))).await;
    let Effect::Submit { intent, .. } = submit(1, "one") else {
        unreachable!()
    };
    stage.journal.changes.send(row(7, intent, IntentState::Delivered)).unwrap();
    stage.core.until(|event| matches!(event, Event::Outbox(_))).await;
    stage.core.until(|event| matches!(event, Event::Report(Report::Alert { .. }))).await;
    assert_eq!(*stage.plant.0.lock().unwrap(), ["one"]);
}

#[tokio::test(start_paused = true)]
async fn ticks_come_once_a_second_and_only_while_wanted() {
    let stage = simple([]);
    stage.core.until(|event| matches!(event, Event::Recovered(_))).await;
    let ticks = || {
        stage
            .core
            .0
            .seen
            .lock()
            .unwrap()
            .iter()
            .filter(|event| **event == Event::Tick)
            .count()
    };
    tokio::time::sleep(Duration::from_secs(30)).await; // of the paused clock
    assert_eq!(ticks(), 0);
    stage.core.0.ticking.store(true, Ordering::SeqCst);
    stage.key('j').await;
    tokio::time::sleep(Duration::from_secs(30)).await; // of the paused clock
    assert!((29..=31).contains(&ticks()), "{}", ticks());
}

#[tokio::test(start_paused = true)]
async fn suspending_frees_the_lock_and_the_terminal_and_takes_both_again() {
    let stage = simple([Effect::Suspend]);
    stage.key('z').await;
    stage.core.until(|event| matches!(event, Event::Key(_))).await;
    stage.signals.send(Signal::Stop).await.unwrap();
    stage.key('q').await;
    let (journal, host) = (stage.journal.clone(), stage.host.clone());
    assert_eq!(stage.ended().await, Ended::Quit);
    let once = |log: &[&'static str], of: &[&'static str]| log.starts_with(of);
    assert!(once(&journal.log.lock().unwrap(), &["released", "acquired"]));
    assert!(once(&host.log.lock().unwrap(), &["pause", "stop", "resume"]));
}

#[tokio::test(start_paused = true)]
async fn without_a_shell_it_is_said_and_not_done() {
    let host = Host {
        no_shell: true,
        ..Host::default()
    };
    let stage = stage([Effect::Suspend], Screen::default(), host, Memory::new(false), None);
    stage.key('z').await;
    stage
        .core
        .until(|event| matches!(event, Event::Notice { text, .. } if text.starts_with("not suspended")))
        .await;
    assert!(stage.host.log.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_dropped_link_saves_the_draft_frees_the_lock_and_leaves_the_terminal_alone() {
    let dir = tempfile::tempdir().unwrap();
    let scope = Scope {
        profile: "p".into(),
        origin: "o".into(),
    };
    let drafts = Drafts::open(dir.path(), &scope).unwrap();
    let draft = Draft {
        key: DraftKey {
            form: "note".into(),
            profile: "p".into(),
            alerts: vec!["a".into()],
        },
        fields: vec![("note".into(), "half a sen".into())],
        saved_at: Timestamp::UNIX_EPOCH,
    };
    let stage = stage(
        [Effect::SaveDraft(draft.clone())],
        Screen::default(),
        Host::default(),
        Memory::new(false),
        Some(drafts.clone()),
    );
    stage.key('n').await;
    stage.core.until(|event| matches!(event, Event::Key(_))).await;
    stage.host.dead.store(true, Ordering::SeqCst);
    stage.signals.send(Signal::Hangup).await.unwrap();
    let (journal, host) = (stage.journal.clone(), stage.host.clone());
    assert_eq!(stage.ended().await, Ended::Hangup);
    // the thread that writes goes on where the disk took longer than the end may wait
    let found = tokio::task::spawn_blocking(move || {
        loop {
            let found = drafts.found().0;
            if !found.is_empty() {
                return found;
            }
            std::thread::yield_now();
        }
    });
    assert_eq!(found.await.unwrap(), [draft]);
    assert_eq!(*journal.log.lock().unwrap(), ["released"]);
    assert_eq!(*host.log.lock().unwrap(), ["abandon"]);
}

#[tokio::test(start_paused = true)]
async fn a_hangup_by_hand_leaves_a_terminal_that_is_well_to_be_given_back() {
    let stage = simple([]);
    stage.core.until(|event| matches!(event, Event::Recovered(_))).await;
    stage.signals.send(Signal::Hangup).await.unwrap();
    let (journal, host) = (stage.journal.clone(), stage.host.clone());
    assert_eq!(stage.ended().await, Ended::Hangup);
    assert_eq!(*journal.log.lock().unwrap(), ["released"], "the rows go on as after a dropped link");
    assert!(host.log.lock().unwrap().is_empty(), "nothing keeps the guard from giving it back");
}

#[tokio::test(start_paused = true)]
async fn a_terminal_that_goes_without_a_word_is_noticed() {
    let stage = simple([]);
    stage.host.dead.store(true, Ordering::SeqCst);
    let host = stage.host.clone();
    assert_eq!(stage.ended().await, Ended::Hangup);
    assert_eq!(*host.log.lock().unwrap(), ["abandon"]);
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_keys_is_one_frame() {
    let stage = simple([]);
    stage.core.until(|event| matches!(event, Event::Recovered(_))).await;
    stage.settled().await;
    let before = stage.core.0.drawn.load(Ordering::SeqCst);
    for _ in 0..200 {
        stage.input.try_send(Event::Key(Key::char('j'))).unwrap();
    }
    let burst = |seen: &[Event]| seen.iter().filter(|event| matches!(event, Event::Key(_))).count() == 200;
    while !burst(&stage.core.0.seen.lock().unwrap()) {
        tokio::task::yield_now().await;
    }
    stage.settled().await;
    assert_eq!(stage.core.0.drawn.load(Ordering::SeqCst) - before, 1);
}
