//! What the sender knows of the open rows: which of each object is next, and from when on.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use tokio::time::Instant;

use super::custody::Entry;
use crate::domain::{IntentState, ObjectKey, OutboxId, SafeText, Target};

/// What the sender remembers of a row beyond the file: monotonic times, which no clock jump can move.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    /// Rows failed in a row.
    pub(super) failures: u32,
    /// What its last failure took of the target's quota: it comes back when the repeat succeeds.
    pub(super) owed: u32,
    /// When the last request without an answer ended, or this sender first saw the row: an earlier one may still be running. `None`
    /// after a server's own answer, since then none is.
    pub(super) last_end: Option<Instant>,
    /// When this sender first sent it; `None` where an earlier sender did, if any.
    pub(super) first_sent: Option<Instant>,
    /// The server's words of a conflict that is being looked up.
    pub(super) conflict: Option<SafeText>,
}

#[derive(Debug)]
struct Planned {
    entry: Entry,
    memory: Memory,
    due: Instant,
    /// Whether it waits only because of failures: the target's return ends that.
    backing_off: bool,
}

type Object = (Target, ObjectKey);

/// Open rows by object, and the next one of each in the order of their times.
#[derive(Debug, Default)]
pub(super) struct Plan {
    rows: HashMap<OutboxId, Planned>,
    objects: HashMap<Object, BTreeSet<OutboxId>>,
    heads: HashMap<Object, (Instant, OutboxId)>,
    queues: HashMap<Target, BTreeSet<(Instant, OutboxId)>>,
    under_way: HashSet<OutboxId>,
    open: HashMap<Target, usize>,
    /// The last change that is known.
    pub(super) seen: i64,
}

impl Plan {
    /// Takes in what changed.
    pub(super) fn learn(&mut self, entries: Vec<Entry>, now: Instant) {
        for entry in entries {
            self.seen = self.seen.max(entry.changed);
            let object = (entry.target.clone(), entry.object.clone());
            if entry.state.is_none() {
                if self.rows.remove(&entry.id).is_some()
                    && let Some(open) = self.open.get_mut(&entry.target)
                {
                    *open = open.saturating_sub(1);
                }
                if let Some(ids) = self.objects.get_mut(&object) {
                    ids.remove(&entry.id);
                    if ids.is_empty() {
                        self.objects.remove(&object);
                    }
                }
            } else {
                // the wait as it was when the row was read, from now on by the monotonic clock
                let due = now + Duration::from_millis(entry.remaining_ms);
                self.objects.entry(object.clone()).or_default().insert(entry.id);
                if let Some(planned) = self.rows.get_mut(&entry.id) {
                    if planned.entry.not_before != entry.not_before {
                        planned.due = due;
                        planned.backing_off = false;
                    }
                    planned.entry = entry;
                } else {
                    *self.open.entry(entry.target.clone()).or_default() += 1;
                    let memory = Memory {
                        failures: 0,
                        owed: 0,
                        last_end: Some(now),
                        first_sent: None,
                        conflict: None,
                    };
                    self.rows.insert(
                        entry.id,
                        Planned {
                            entry,
                            memory,
                            due,
                            backing_off: false,
                        },
                    );
                }
            }
            self.choose(&object);
        }
    }

    /// The row of a target to attend to, with what is known of it.
    pub(super) fn take(&mut self, target: &Target, now: Instant) -> Option<(Entry, Memory)> {
        let (due, id) = *self.queues.get(target)?.first()?;
        if due > now {
            return None;
        }
        let planned = self.rows.get(&id)?;
        let found = (planned.entry.clone(), planned.memory.clone());
        self.under_way.insert(id);
        self.choose(&(target.clone(), found.0.object.clone()));
        Some(found)
    }

    /// When the next row of a target is due.
    pub(super) fn next_due(&self, target: &Target) -> Option<Instant> {
        self.queues.get(target)?.first().map(|(due, _)| *due)
    }

    /// A row is no longer attended to. `learn` must have been called with what was committed.
    pub(super) fn put_back(&mut self, entry: &Entry, memory: Memory, wait: Duration, backing_off: bool, now: Instant) {
        self.under_way.remove(&entry.id);
        if let Some(planned) = self.rows.get_mut(&entry.id) {
            planned.memory = memory;
            planned.due = now + wait;
            planned.backing_off = backing_off;
        }
        self.choose(&(entry.target.clone(), entry.object.clone()));
    }

    /// A target is back: rows that waited only because of its failures are due. Its pace keeps them from being a burst.
    pub(super) fn release(&mut self, target: &Target, now: Instant) {
        let mut objects = Vec::new();
        for planned in self.rows.values_mut() {
            if planned.backing_off && planned.entry.target == *target {
                planned.backing_off = false;
                planned.due = planned.due.min(now);
                objects.push((planned.entry.target.clone(), planned.entry.object.clone()));
            }
        }
        for object in objects {
            self.choose(&object);
        }
    }

    /// Targets that have open rows.
    pub(super) fn targets(&self) -> impl Iterator<Item = &Target> {
        self.queues.iter().filter(|(_, queue)| !queue.is_empty()).map(|(target, _)| target)
    }

    /// Open rows of a target.
    pub(super) fn open_of(&self, target: &Target) -> usize {
        self.open.get(target).copied().unwrap_or(0)
    }

    /// Finds the next row of an object: nothing while one is under way; what is in doubt before what is queued; else the oldest.
    fn choose(&mut self, object: &Object) {
        if let Some(old) = self.heads.remove(object)
            && let Some(queue) = self.queues.get_mut(&object.0)
        {
            queue.remove(&old);
        }
        let Some(ids) = self.objects.get(object) else { return };
        let mut head: Option<&Planned> = None;
        for id in ids {
            let Some(planned) = self.rows.get(id) else { continue };
            if self.under_way.contains(id) {
                return;
            }
            match planned.entry.state {
                Some(IntentState::Sending) => return,
                Some(IntentState::InDoubt) if head.is_none_or(|head| head.entry.state == Some(IntentState::Queued)) => head = Some(planned),
                Some(IntentState::Queued) if head.is_none() => head = Some(planned),
                _ => {}
            }
        }
        if let Some(head) = head {
            let key = (head.due, head.entry.id);
            self.heads.insert(object.clone(), key);
            self.queues.entry(object.0.clone()).or_default().insert(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Service;

    fn target() -> Target {
        Target {
            service: Service::Monitor,
            profile: "p".into(),
            origin: "https://m:443".into(),
        }
    }

    fn entry(id: i64, object: &str, state: Option<IntentState>) -> Entry {
        Entry {
            id: OutboxId(id),
            target: target(),
            object: ObjectKey(object.into()),
            state,
            is_order: false,
            not_before: id,
            remaining_ms: 0,
            changed: id,
        }
    }

    fn taken(plan: &mut Plan, now: Instant) -> Option<i64> {
        plan.take(&target(), now).map(|(entry, _)| entry.id.0)
    }

    #[test]
    fn an_object_goes_in_order_and_others_go_on() {
        let now = Instant::now();
        let mut plan = Plan::default();
        let queued = Some(IntentState::Queued);
        plan.learn(vec![entry(1, "a", queued), entry(2, "a", queued), entry(3, "b", queued)], now);
        assert_eq!(taken(&mut plan, now), Some(1));
        assert_eq!(taken(&mut plan, now), Some(3));
        assert_eq!(taken(&mut plan, now), None, "2 waits for 1");
        plan.learn(vec![entry(1, "a", None)], now);
        assert_eq!(taken(&mut plan, now), Some(2));
    }

    #[test]
    fn what_is_in_doubt_is_settled_before_what_is_queued() {
        let now = Instant::now();
        let mut plan = Plan::default();
        plan.learn(
            vec![entry(1, "a", Some(IntentState::Queued)), entry(2, "a", Some(IntentState::InDoubt))],
            now,
        );
        assert_eq!(taken(&mut plan, now), Some(2));
    }

    #[test]
    fn a_row_that_waits_holds_up_its_object_only() {
        let now = Instant::now();
        let mut plan = Plan::default();
        let mut waiting = entry(1, "a", Some(IntentState::Queued));
        waiting.remaining_ms = 5000;
        plan.learn(
            vec![
                waiting,
                entry(2, "a", Some(IntentState::Queued)),
                entry(3, "b", Some(IntentState::Queued)),
            ],
            now,
        );
        assert_eq!(taken(&mut plan, now), Some(3));
        assert_eq!(taken(&mut plan, now), None);
        assert_eq!(plan.next_due(&target()), Some(now + Duration::from_secs(5)));
        assert_eq!(taken(&mut plan, now + Duration::from_secs(5)), Some(1));
    }
}
