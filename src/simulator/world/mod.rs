//! What changes: alerts as they come and go, what people did to them, orders, assets. Evolved lazily, to the clock's time, when asked.

mod alert;
mod asset;
mod booking;
mod clause;
mod device;
mod emergency;
mod office;
mod order;
mod refusal;
mod replay;
mod steady;
mod story;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

pub(crate) use alert::{Acknowledgement, AlertFilter, AlertRecord, Resolution};
pub(crate) use clause::Clause;
pub(crate) use device::{DeviceFilter, NewDevice};
pub(crate) use office::Message;
pub(crate) use order::Caller;
pub(crate) use refusal::Refusal;

use super::Scenario;
use super::ledger::{Ledger, LedgerEntry, SIMULATED};
use super::plant::{DeviceRef, Episode, Plant};

/// A clock that jumps by months must not fill the memory.
const PLANNED_ALERTS_MAX: u64 = 100_000;

/// Something that will happen at a set time, whatever the clients do.
#[derive(Clone, Debug)]
enum Planned {
    Raise(Box<AlertRecord>),
    /// The value is back within its limit: an alert that nobody holds ends.
    Clear(String),
    Acknowledge(String, Acknowledgement),
    Resolve(String, Resolution),
    /// A work order's next status.
    Order(usize, &'static str),
}

/// The mutable half of the plant. One lock holds it.
#[derive(Debug)]
pub(crate) struct World {
    plant: Arc<Plant>,
    scenario: Scenario,
    second_operator: bool,
    allow_takeover: bool,
    transaction_life_s: i64,
    honour_transaction_id: bool,
    episodes: HashMap<DeviceRef, Vec<Episode>>,
    alerts: Vec<AlertRecord>,
    alert_index: HashMap<String, usize>,
    queue: BTreeMap<(i64, u64), Planned>,
    planned: u64,
    next_alert: u64,
    next_slot: i64,
    /// False while the state before the story is set up: it is no effect of anybody.
    recording: bool,
    metadata: HashMap<(usize, String), Map<String, Value>>,
    created: Vec<(usize, NewDevice)>,
    orders: Vec<Map<String, Value>>,
    assets: BTreeMap<(String, String), Map<String, Value>>,
    transactions: HashMap<String, i64>,
    rowstamp: u64,
    drill_pump: Option<DeviceRef>,
    office: office::Office,
    pub(crate) ledger: Ledger,
}

/// How a [`World`] begins.
#[derive(Debug)]
pub(crate) struct Beginning {
    pub(crate) scenario: Scenario,
    pub(crate) alerts: Option<usize>,
    pub(crate) second_operator: bool,
    pub(crate) allow_takeover: bool,
    pub(crate) transaction_life_s: i64,
    pub(crate) honour_transaction_id: bool,
}

impl World {
    pub(crate) fn new(plant: Arc<Plant>, beginning: &Beginning) -> Self {
        let mut world = Self {
            plant,
            scenario: beginning.scenario,
            second_operator: beginning.second_operator,
            allow_takeover: beginning.allow_takeover,
            transaction_life_s: beginning.transaction_life_s,
            honour_transaction_id: beginning.honour_transaction_id,
            episodes: HashMap::new(),
            alerts: Vec::new(),
            alert_index: HashMap::new(),
            queue: BTreeMap::new(),
            planned: 0,
            next_alert: 10_001,
            next_slot: 1,
            recording: false,
            metadata: HashMap::new(),
            created: Vec::new(),
            orders: Vec::new(),
            assets: BTreeMap::new(),
            transactions: HashMap::new(),
            rowstamp: 400_000,
            drill_pump: None,
            office: office::Office::default(),
            ledger: Ledger::default(),
        };
        world.begin(beginning.alerts);
        world.settle(world.plant.started_at());
        world.recording = true;
        world
    }

    pub(crate) fn plant(&self) -> &Arc<Plant> {
        &self.plant
    }

    /// The device whose fault the drill plays.
    pub(crate) fn drill_device(&self) -> Option<String> {
        self.drill_pump.map(DeviceRef::id)
    }

    /// Type and id of the device at a place of the list over all types, which begins anew after the last.
    pub(crate) fn device_at(&self, place: u32) -> Option<(String, String)> {
        let total = self.plant.total();
        let device = self.plant.nth(place.checked_rem(total)?)?;
        Some((device.kind()?.name.to_owned(), device.id()))
    }

    pub(crate) fn episodes_of(&self, device: DeviceRef) -> Vec<Episode> {
        self.episodes.get(&device).cloned().unwrap_or_default()
    }

    pub(crate) fn ledger_entries(&self) -> &[LedgerEntry] {
        self.ledger.entries()
    }

    /// Lets everything happen that was due by now, in the order of its time.
    pub(crate) fn evolve(&mut self, now: Timestamp) {
        // faults begin up to three quarters of an hour before their alert: what is asked of the past may never change later
        const AHEAD_S: i64 = 3600;
        let now_s = now.as_second();
        while self.next_alert < PLANNED_ALERTS_MAX && self.plan_slot(now_s + AHEAD_S) {}
        self.settle(now_s);
    }

    fn settle(&mut self, now_s: i64) {
        while let Some(entry) = self.queue.first_entry() {
            let (at, _) = *entry.key();
            if at > now_s {
                break;
            }
            let planned = entry.remove();
            self.happen(at, planned);
        }
    }

    fn happen(&mut self, at: i64, planned: Planned) {
        let time = timestamp(at);
        // an action on what a client already changed is refused like any other, and then simply does not happen
        match planned {
            Planned::Raise(alert) => {
                self.alert_index.insert(alert.alert_id.clone(), self.alerts.len());
                self.alerts.push(*alert);
            }
            Planned::Clear(id) => self.clear_alert(&id, time),
            // nobody of the story takes over what another person holds, whether or not the server would let them
            Planned::Acknowledge(id, by) if self.is_held_by_another(&id, &by) => {}
            Planned::Acknowledge(id, acknowledgement) => {
                let _ = self.acknowledge(&id, acknowledgement, SIMULATED, Value::Null, time);
            }
            Planned::Resolve(id, resolution) => {
                let _ = self.resolve(&id, resolution, SIMULATED, Value::Null, time);
            }
            Planned::Order(index, status) => self.advance_order(index, status, at),
        }
    }

    fn plan(&mut self, at: i64, planned: Planned) {
        self.planned += 1;
        self.queue.insert((at, self.planned), planned);
    }

    fn next_rowstamp(&mut self) -> String {
        self.rowstamp += 1;
        self.rowstamp.to_string()
    }
}

/// Whole seconds as a time; out of range is the epoch, which no clock shows.
pub(crate) fn timestamp(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or_default()
}
