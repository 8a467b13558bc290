//! The console's core: events with their time in, state change and effects out. No I/O, no clock, no await.

mod act;
mod answers;
mod asks;
mod bell;
mod coach;
mod frame;
mod group;
mod handover;
mod keys;
mod layer;
mod layout;
mod linear;
mod menus;
mod perform;
mod reach;
mod remind;
mod shelve;
mod side;
mod targets;
mod views;
mod zoom;

use std::collections::{HashMap, HashSet, VecDeque};

use jiff::{SignedDuration, Timestamp};

use crate::domain::load::FloodSpan;
use crate::domain::{AlertId, AlertState, DeviceKey, Intent, OutboxId, Read, Remark, ShelfChange};
use crate::model::store::{News, Verb};
use crate::model::{Draft, DraftKey, Effect, Event, Fetch, Memo, Store, Ticket};
use crate::pane::{Devices, Focus, Metrics, Notice, Queue, Tone};
use coach::Coach;
use frame::Visible;
use group::Group;
use layer::Layer;
use layout::Layout;
use linear::Spoken;
use shelve::ShelfDeed;
use side::Side;

pub use crate::pane::{Hyperlink, Setup};
pub use linear::Announcement;

/// How long a sentence stays that is no refusal.
const NOTICE_FOR: SignedDuration = SignedDuration::from_secs(10);
/// How long the closing note of a flood stays, unless a key is pressed; the handover has it, too.
const FLOOD_NOTE_FOR: SignedDuration = SignedDuration::from_mins(10);
/// How long stands what was recovered at the start.
const RECOVERED_FOR: SignedDuration = SignedDuration::from_secs(60);
/// Most sentences that the health window remembers.
const SAID_MOST: usize = 100;
/// Most alerts whose orders are asked for at once.
const ORDERS_MOST: usize = 200;
/// How often the health window is brought up to date.
const HEALTH_EVERY: SignedDuration = SignedDuration::from_secs(10);
/// Most drafts that are kept in memory.
const DRAFTS_MOST: usize = 200;

/// The sentence on the screen, and when it goes: a refusal only with the next key.
#[derive(Debug)]
struct Said {
    notice: Notice,
    until: Option<Timestamp>,
}

/// The console.
#[derive(Debug)]
pub struct App {
    setup: Setup,
    store: Store,
    now: Timestamp,
    size: (u16, u16),
    layout: Option<Layout>,
    queue: Queue,
    queue_height: usize,
    devices: Devices,
    devices_height: usize,
    metrics: Metrics,
    side: Side,
    focus: Focus,
    zoomed: bool,
    layers: Vec<Layer>,
    notice: Option<Said>,
    said: Vec<(Timestamp, Notice)>,
    /// The sentence about drafts, until what the outbox recovered is told with it.
    found_draft: Option<String>,
    tickets: u64,
    groups: VecDeque<Group>,
    /// Submissions to take back as soon as the outbox has answered.
    cancelling: HashSet<Ticket>,
    undone: Vec<(Verb, Vec<Intent>)>,
    shelvings: VecDeque<ShelfDeed>,
    /// The change of the shelf that was taken back last, and its name.
    unshelved: Option<(ShelfChange, String)>,
    remarks: Vec<Remark>,
    reads: Vec<Read>,
    drafts: HashMap<DraftKey, Draft>,
    /// The form whose question (how many?) is open.
    asking_form: Option<(DraftKey, Option<OutboxId>)>,
    /// Views and links that are kept on this machine.
    memo: Memo,
    /// The name of the view in force; empty for the standard one.
    view: String,
    muted: bool,
    /// Until when the interrupting key quits.
    interrupted: Option<Timestamp>,
    effects: Vec<Effect>,
    trends: Vec<DeviceKey>,
    /// The window of the charts that was asked for last, in seconds.
    trend_seconds: u32,
    /// The person's own choice of it.
    zoom_seconds: Option<u32>,
    title: String,
    orders_asked: Option<Timestamp>,
    health_asked: Option<Timestamp>,
    rung: Option<Timestamp>,
    /// The day on which the age of the keys was last looked at.
    reminded: Option<jiff::civil::Date>,
    drawn: Option<Visible>,
    coach: Coach,
    /// What the linear mode told last.
    spoken: Spoken,
    dirty: bool,
}

impl App {
    /// A console that knows nothing yet.
    pub fn new(setup: Setup) -> Self {
        let store = Store::new(&setup.intervals, setup.flood);
        let muted = setup.muted;
        Self {
            setup,
            store,
            now: Timestamp::UNIX_EPOCH,
            size: (0, 0),
            layout: None,
            queue: Queue::default(),
            queue_height: 0,
            devices: Devices::default(),
            devices_height: 0,
            metrics: Metrics::default(),
            side: Side::default(),
            focus: Focus::Queue,
            zoomed: false,
            layers: Vec::new(),
            notice: None,
            said: Vec::new(),
            found_draft: None,
            tickets: 0,
            groups: VecDeque::new(),
            cancelling: HashSet::new(),
            undone: Vec::new(),
            shelvings: VecDeque::new(),
            unshelved: None,
            remarks: Vec::new(),
            reads: Vec::new(),
            drafts: HashMap::new(),
            asking_form: None,
            memo: Memo::default(),
            view: String::new(),
            muted,
            interrupted: None,
            effects: Vec::new(),
            trends: Vec::new(),
            trend_seconds: 0,
            zoom_seconds: None,
            title: String::new(),
            orders_asked: None,
            health_asked: None,
            rung: None,
            reminded: None,
            drawn: None,
            coach: Coach::default(),
            spoken: Spoken::default(),
            dirty: true,
        }
    }

    /// Takes one event and answers what is to be done. Total: every event is fine in every state.
    pub fn update(&mut self, now: Timestamp, event: Event) -> Vec<Effect> {
        self.now = now;
        self.store.start(now);
        let before = self.stand();
        let by_hand = matches!(event, Event::Key(_) | Event::Paste(_) | Event::Pointer(_));
        match event {
            Event::Key(key) => {
                self.dirty = true;
                self.key(key);
            }
            Event::Paste(text) => {
                self.dirty = true;
                self.paste(&text);
            }
            Event::Resize(width, height) => {
                self.dirty |= self.size != (width, height);
                self.size = (width, height);
            }
            Event::Focus(_) => {}
            Event::Tick => {
                if let Some(ended) = self.store.step(now) {
                    self.flood_ended(ended);
                }
                self.ask_order_status_each_minute();
                self.ask_health_again();
                self.ring_again();
                self.remind_of_keys();
                self.tend();
            }
            Event::Report(report) => {
                let was_live = self.store.is_live();
                let news = self.store.report(now, report);
                self.take_news(&news, was_live);
                self.tend();
            }
            Event::Remembered(kept, coverage) => {
                self.dirty = true;
                if let Some(ended) = self.store.remember(kept, coverage, now) {
                    self.flood_ended(ended);
                }
                self.tend();
            }
            Event::Shelf(items) => {
                self.dirty = true;
                self.store.shelve(&ShelfChange::Put(items));
            }
            Event::Notes(remarks, reads) => self.take_notes(remarks, reads),
            Event::Runbook { slug, text } => {
                self.dirty = true;
                self.store.take_runbook(slug, text);
            }
            Event::Submitted { ticket, result } => {
                self.dirty = true;
                self.submitted(ticket, result);
            }
            Event::Outbox(row) => self.outbox(row),
            Event::Recovered(rows) => self.recovered(rows),
            Event::Drafts(drafts) => self.take_drafts(drafts),
            Event::Memo(memo) => self.take_memo(memo),
            Event::KeyDates(dates) if dates != self.setup.keys => {
                self.setup.keys = dates;
                self.dirty = true;
            }
            Event::KeyDates(_) => {}
            Event::Bridge(status) => {
                self.store.take_bridge(status);
                // it speaks every few seconds, and is seen in one window
                self.dirty |= matches!(self.layers.last(), Some(Layer::Health(_)));
            }
            Event::Pointer(pointer) => {
                self.dirty = true;
                self.pointer(pointer);
            }
            Event::Notice { text, failed } => {
                let text = crate::domain::SafeText::new(text).shown().to_owned();
                self.say(if failed { Tone::Bad } else { Tone::Good }, text);
            }
        }
        if self.notice_ends().is_some_and(|end| now >= end) {
            self.notice = None;
        }
        self.lead(&before, by_hand);
        self.follow_cursor();
        self.follow_title();
        self.follow_drill();
        if self.drawn.as_ref() != Some(&self.visible()) {
            self.dirty = true;
        }
        std::mem::take(&mut self.effects)
    }

    /// Whether a frame would differ from the last one.
    pub fn needs_draw(&self) -> bool {
        self.dirty
    }

    /// Whether ages or countdowns are on the screen, so that `Event::Tick` is wanted each second. [`App::next_change`] says
    /// more exactly when.
    pub fn wants_tick(&self) -> bool {
        true
    }

    /// The store, for tests and the driver's questions.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The queue: its rows, cursor and marks as they were last drawn.
    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Whether no window is open.
    pub fn is_plain(&self) -> bool {
        self.layers.is_empty()
    }

    fn next_ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }

    /// Says one sentence. A refusal is not talked over by what goes well; the next key ends it.
    fn say(&mut self, tone: Tone, text: String) {
        self.say_for(tone, text, NOTICE_FOR);
    }

    /// Says one sentence that is true for so long.
    fn say_for(&mut self, tone: Tone, text: String, span: SignedDuration) {
        // A sentence may carry words of a server, of a file or of another person.
        let text = crate::domain::SafeText::new(text).shown().to_owned();
        let notice = Notice { text, tone };
        self.said.push((self.now, notice.clone()));
        if self.said.len() > SAID_MOST {
            self.said.remove(0);
        }
        let talks_over = tone != Tone::Bad && self.notice.as_ref().is_some_and(|said| said.notice.tone == Tone::Bad);
        if !talks_over {
            let until = if tone == Tone::Bad { None } else { self.now.checked_add(span).ok() };
            self.notice = Some(Said { notice, until });
        }
        self.dirty = true;
    }

    /// When the sentence on the screen goes.
    fn notice_ends(&self) -> Option<Timestamp> {
        self.notice.as_ref()?.until
    }

    fn take_news(&mut self, news: &News, was_live: bool) {
        self.dirty |= news.visible;
        if let Some(ended) = news.flood_ended {
            self.flood_ended(ended);
        }
        let begins = !was_live && self.store.is_live();
        let rings = if begins {
            self.worth_ringing(self.store.alerts())
        } else {
            self.worth_ringing(news.arrived.iter().filter_map(|id| self.store.alert(id)))
        };
        if let Some(text) = rings {
            self.ring(text);
        }
        if !news.arrived.is_empty() || begins {
            self.ask_order_status();
        }
    }

    fn flood_ended(&mut self, ended: FloodSpan) {
        let scene = self.scene();
        let text = format!(
            "the flood of {} is over: {} alerts in {}, at most {} in 10 min",
            scene.clock(ended.start),
            ended.count,
            scene.span(ended.end.duration_since(ended.start)),
            ended.peak
        );
        self.say_for(Tone::Plain, text, FLOOD_NOTE_FOR);
    }

    /// Asks Manage for the orders of the open alerts.
    fn ask_order_status(&mut self) {
        if !self.setup.manage {
            return;
        }
        let mut open: Vec<_> = self.store.alerts().filter(|alert| alert.state != AlertState::Resolved).collect();
        open.sort_by(|one, other| crate::domain::triage_order(one, other));
        let ids: Vec<AlertId> = open.into_iter().take(ORDERS_MOST).map(|alert| alert.id.clone()).collect();
        if !ids.is_empty() {
            self.orders_asked = Some(self.now);
            self.effects.push(Effect::Fetch(Fetch::OrderStatus(ids)));
        }
    }

    fn ask_order_status_each_minute(&mut self) {
        let due = self
            .orders_asked
            .is_some_and(|at| self.now.duration_since(at) >= SignedDuration::from_mins(1));
        if due {
            self.ask_order_status();
        }
    }

    /// How the calls go is asked when somebody looks, and again as long as they do.
    fn ask_health(&mut self) {
        self.health_asked = Some(self.now);
        self.effects.push(Effect::Fetch(Fetch::Health));
    }

    fn ask_health_again(&mut self) {
        let looks = matches!(self.layers.last(), Some(Layer::Health(_)));
        let due = self.health_asked.is_none_or(|at| self.now.duration_since(at) >= HEALTH_EVERY);
        if looks && due {
            self.ask_health();
        }
    }

    fn take_drafts(&mut self, drafts: Vec<Draft>) {
        let mut names = Vec::new();
        let mut mine: Vec<Draft> = drafts.into_iter().filter(|draft| draft.key.profile == self.setup.profile).collect();
        mine.sort_by_key(|draft| std::cmp::Reverse(draft.saved_at));
        mine.truncate(DRAFTS_MOST);
        for draft in mine {
            let first = draft.key.alerts.first().map_or_else(String::new, |id| self.name_of(id));
            names.push(format!("{} {first}", draft.key.form));
            self.drafts.insert(draft.key.clone(), draft);
        }
        if let Some(first) = names.first() {
            let more = if names.len() > 1 {
                format!(" and {} more", names.len() - 1)
            } else {
                String::new()
            };
            let text = format!("kept as a draft: {first}{more}; opening the form goes on with it");
            self.found_draft = Some(text.clone());
            self.say_for(Tone::Plain, text, RECOVERED_FOR);
        }
    }

    /// Asks for the readings of what the side shows and of what is in view, when that has changed.
    fn follow_cursor(&mut self) {
        let wanted = self.wanted_trends();
        let window_seconds = self.wanted_window();
        if wanted != self.trends || window_seconds != self.trend_seconds {
            self.trends.clone_from(&wanted);
            self.trend_seconds = window_seconds;
            if !wanted.is_empty() {
                self.effects.push(Effect::Fetch(Fetch::Trends {
                    devices: wanted,
                    window_seconds,
                }));
            }
        }
    }

    fn follow_title(&mut self) {
        if !self.store.is_live() {
            return;
        }
        let load = self.store.load(self.now);
        let title = format!("nightdesk {} {} unack", self.setup.profile, load.unacknowledged);
        if title != self.title {
            self.title.clone_from(&title);
            self.effects.push(Effect::Title(title));
        }
    }
}
