//! A bounded channel in which a newer message replaces an older one of the same kind.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Latest-wins by key, oldest key first, at most `capacity` keys. Putting never waits, so that a slow reader holds
/// nobody up; what had to go is counted.
#[derive(Debug)]
pub struct Mailbox<K, V> {
    slots: Mutex<Slots<K, V>>,
    arrived: Notify,
    capacity: usize,
}

#[derive(Debug)]
struct Slots<K, V> {
    order: VecDeque<K>,
    values: HashMap<K, V>,
    dropped: u64,
    closed: bool,
}

impl<K: Clone + Eq + Hash, V> Mailbox<K, V> {
    /// An empty one for at most `capacity` kinds.
    pub fn new(capacity: usize) -> Self {
        Self {
            slots: Mutex::new(Slots {
                order: VecDeque::new(),
                values: HashMap::new(),
                dropped: 0,
                closed: false,
            }),
            arrived: Notify::new(),
            capacity: capacity.max(1),
        }
    }

    /// Leaves a message; returns the one of the same kind that it replaced.
    pub fn put(&self, key: K, value: V) -> Option<V> {
        let mut slots = self.lock();
        let replaced = slots.values.insert(key.clone(), value);
        if replaced.is_none() {
            slots.order.push_back(key);
            if slots.order.len() > self.capacity
                && let Some(oldest) = slots.order.pop_front()
            {
                slots.values.remove(&oldest);
                slots.dropped += 1;
            }
        }
        drop(slots);
        self.arrived.notify_one();
        replaced
    }

    /// Takes a waiting message back.
    pub fn withdraw(&self, key: &K) {
        let mut slots = self.lock();
        if slots.values.remove(key).is_some() {
            slots.order.retain(|waiting| waiting != key);
        }
    }

    /// The oldest message, if there is one.
    pub fn try_take(&self) -> Option<V> {
        let mut slots = self.lock();
        let key = slots.order.pop_front()?;
        slots.values.remove(&key)
    }

    /// The oldest message; waits for one. `None` once it is closed and empty. Cancelling the wait loses nothing.
    pub async fn take(&self) -> Option<V> {
        loop {
            let arrived = self.arrived.notified();
            if let Some(value) = self.try_take() {
                return Some(value);
            }
            if self.lock().closed {
                return None;
            }
            arrived.await;
        }
    }

    /// No more messages come.
    pub fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_one();
    }

    /// How many messages had to go because more than `capacity` kinds waited.
    pub fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    fn lock(&self) -> MutexGuard<'_, Slots<K, V>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner) // plain collections: valid after any panic
    }
}
