//! Where the things stand that were asked of an alert: the outbox as the queue shows it.

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};

use crate::domain::{Alert, AlertId, AlertState, Intent, IntentState, OutboxId, OutboxRow, SafeText, WorkOrderNumber};
use crate::model::Ticket;

/// Most settled rows that are remembered; open and refused ones are never forgotten.
const SETTLED_MOST: usize = 4_096;

/// How long a row of the queue goes on saying that its action arrived.
pub const SAID_FOR: SignedDuration = SignedDuration::from_mins(10);

/// What kind of wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// An acknowledgement or a note.
    Acknowledge,
    /// A resolution.
    Resolve,
    /// A work order.
    Order,
    /// Metadata of a device.
    Metadata,
    /// Something that only the bridge asks for.
    Bridge,
}

impl Verb {
    /// The verb of an intent.
    pub fn of(intent: &Intent) -> Self {
        match intent {
            Intent::Acknowledge { .. } => Self::Acknowledge,
            Intent::Resolve { .. } => Self::Resolve,
            Intent::CreateWorkOrder { .. } => Self::Order,
            Intent::SetMetadata { .. } => Self::Metadata,
            Intent::SyncAsset { .. } | Intent::ReportProduction { .. } | Intent::CallWebhook { .. } => Self::Bridge,
        }
    }

    /// `acknowledge`, ...
    pub fn shown(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Resolve => "resolve",
            Self::Order => "work order",
            Self::Metadata => "set metadata",
            Self::Bridge => "bridge",
        }
    }

    /// For narrow columns.
    pub fn short(self) -> &'static str {
        match self {
            Self::Acknowledge => "ack",
            Self::Resolve => "res",
            Self::Order => "WO",
            Self::Metadata => "set",
            Self::Bridge => "brg",
        }
    }

    /// What was done, once it was.
    pub fn done(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledged",
            Self::Resolve => "resolved",
            Self::Order => "work order made",
            Self::Metadata => "metadata set",
            Self::Bridge => "sent by the bridge",
        }
    }
}

/// How far it has come.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// Not committed yet: nothing is promised.
    Saving,
    /// Committed; not sent before this, so that it can be taken back.
    Grace(Timestamp),
    /// Committed, to be sent; after a failed attempt with the reason.
    Queued(Option<SafeText>),
    /// On its way.
    Sending,
    /// It may have arrived: being looked up.
    Checking,
    /// The server confirmed it then.
    Done(Timestamp),
    /// Somebody else was first.
    Superseded {
        /// Who, where the server says it.
        by: Option<SafeText>,
        /// When we learned of it.
        at: Timestamp,
        /// In one sentence.
        detail: Option<SafeText>,
    },
    /// The server said no for good.
    Refused(SafeText),
    /// Taken back.
    Cancelled {
        /// An earlier attempt may have arrived all the same.
        arrived: bool,
    },
}

impl Progress {
    /// Reads a row.
    pub fn of(row: &OutboxRow, now: Timestamp) -> Self {
        match row.state {
            IntentState::Queued if row.attempts == 0 && row.not_before > now => Self::Grace(row.not_before),
            IntentState::Queued => Self::Queued(row.detail.clone().filter(|_| row.attempts > 0)),
            IntentState::Sending => Self::Sending,
            IntentState::InDoubt => Self::Checking,
            IntentState::Delivered => Self::Done(row.updated_at),
            IntentState::Superseded => Self::Superseded {
                by: row.superseded_by.clone(),
                at: row.updated_at,
                detail: row.detail.clone(),
            },
            IntentState::Parked => Self::Refused(row.detail.clone().unwrap_or_else(|| SafeText::new("no reason was given"))),
            IntentState::Cancelled => Self::Cancelled {
                arrived: row.may_have_arrived(),
            },
        }
    }

    /// Whether something is still to happen without a person.
    pub fn is_open(&self) -> bool {
        match self {
            Self::Saving | Self::Grace(_) | Self::Queued(_) | Self::Sending | Self::Checking => true,
            Self::Done(_) | Self::Superseded { .. } | Self::Refused(_) | Self::Cancelled { .. } => false,
        }
    }
}

/// The newest thing that was asked of an alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// What.
    pub verb: Verb,
    /// How far.
    pub progress: Progress,
    /// Its row, once committed.
    pub row: Option<OutboxId>,
}

/// Submissions and outbox rows, by alert.
#[derive(Debug, Default)]
pub struct Ledger {
    rows: BTreeMap<OutboxId, OutboxRow>,
    by_alert: HashMap<AlertId, Vec<OutboxId>>,
    saving: BTreeMap<Ticket, Intent>,
    settled: usize,
}

impl Ledger {
    /// A submission is on its way to the outbox.
    pub(super) fn submit(&mut self, ticket: Ticket, intent: Intent) {
        self.saving.insert(ticket, intent);
    }

    /// The outbox answered it.
    pub(super) fn answered(&mut self, ticket: Ticket) -> Option<Intent> {
        self.saving.remove(&ticket)
    }

    /// Takes a row's newest form; answers whether it was news.
    pub(super) fn take(&mut self, row: OutboxRow) -> bool {
        if let Some(known) = self.rows.get(&row.id) {
            if known.updated_at > row.updated_at || *known == row {
                return false;
            }
            self.settled -= usize::from(is_settled(known));
        } else if let Some(alert) = row.intent.alert() {
            let ids = self.by_alert.entry(alert.clone()).or_default();
            let place = ids.partition_point(|id| *id < row.id);
            ids.insert(place, row.id);
        }
        self.settled += usize::from(is_settled(&row));
        self.rows.insert(row.id, row);
        while self.settled > SETTLED_MOST {
            let Some(oldest) = self.rows.values().find(|row| is_settled(row)).map(|row| row.id) else {
                break;
            };
            self.forget(oldest);
        }
        true
    }

    fn forget(&mut self, id: OutboxId) {
        let Some(row) = self.rows.remove(&id) else { return };
        self.settled -= usize::from(is_settled(&row));
        if let Some(alert) = row.intent.alert()
            && let Some(ids) = self.by_alert.get_mut(alert)
        {
            ids.retain(|has| *has != id);
            if ids.is_empty() {
                self.by_alert.remove(alert);
            }
        }
    }

    /// One row.
    pub fn row(&self, id: OutboxId) -> Option<&OutboxRow> {
        self.rows.get(&id)
    }

    /// All rows, newest first.
    pub fn rows(&self) -> impl Iterator<Item = &OutboxRow> {
        self.rows.values().rev()
    }

    /// Rows of an alert, newest first.
    pub fn of_alert(&self, alert: &AlertId) -> impl Iterator<Item = &OutboxRow> {
        self.by_alert
            .get(alert)
            .into_iter()
            .flat_map(|ids| ids.iter().rev())
            .filter_map(|id| self.rows.get(id))
    }

    /// Things that have not been confirmed and need no person yet, those not committed yet included.
    pub fn open(&self) -> usize {
        self.saving.len() + self.rows.values().filter(|row| row.state.is_open()).count()
    }

    /// Things that the server refused and a person must look at.
    pub fn refused(&self) -> usize {
        self.rows.values().filter(|row| row.state == IntentState::Parked).count()
    }

    /// The newest of these verbs that was asked of an alert and not taken back.
    pub fn asked(&self, alert: &AlertId, verbs: &[Verb], now: Timestamp) -> Option<Asked> {
        let saving = self
            .saving
            .values()
            .rev()
            .find(|intent| intent.alert() == Some(alert) && verbs.contains(&Verb::of(intent)));
        if let Some(intent) = saving {
            return Some(Asked {
                verb: Verb::of(intent),
                progress: Progress::Saving,
                row: None,
            });
        }
        self.of_alert(alert)
            .find(|row| verbs.contains(&Verb::of(&row.intent)) && row.state != IntentState::Cancelled)
            .map(|row| Asked {
                verb: Verb::of(&row.intent),
                progress: Progress::of(row, now),
                row: Some(row.id),
            })
    }

    /// The next moment at which a countdown on the screen ends or changes its second.
    pub fn next_second(&self, now: Timestamp) -> Option<Timestamp> {
        self.rows
            .values()
            .filter(|row| matches!(Progress::of(row, now), Progress::Grace(_)))
            .filter_map(|row| {
                let left = row.not_before.duration_since(now);
                let whole = SignedDuration::from_secs(left.as_secs() - i64::from(left.subsec_nanos() == 0));
                row.not_before.checked_sub(whole).ok()
            })
            .min()
    }

    /// Seconds left of every countdown: what of them is visible.
    pub(crate) fn countdowns(&self, now: Timestamp) -> Vec<(OutboxId, i64)> {
        self.rows
            .values()
            .filter_map(|row| match Progress::of(row, now) {
                Progress::Grace(until) => Some((row.id, seconds_left(until, now))),
                Progress::Saving
                | Progress::Queued(_)
                | Progress::Sending
                | Progress::Checking
                | Progress::Done(_)
                | Progress::Superseded { .. }
                | Progress::Refused(_)
                | Progress::Cancelled { .. } => None,
            })
            .collect()
    }

    /// The order that our own delivered rows made for an alert.
    pub fn order_made(&self, alert: &AlertId) -> Option<&WorkOrderNumber> {
        self.of_alert(alert)
            .find_map(|row| row.wonum.as_ref().filter(|_| row.state == IntentState::Delivered))
    }

    /// Carries over what the server has confirmed to us since this list of alerts was begun.
    pub(super) fn confirm(&self, alert: &mut Alert, as_of: Timestamp) {
        let Some(ids) = self.by_alert.get(&alert.id) else { return };
        for row in ids.iter().filter_map(|id| self.rows.get(id)) {
            if row.state != IntentState::Delivered || row.updated_at < as_of {
                continue;
            }
            match &row.intent {
                Intent::Acknowledge { by, notes, .. } => {
                    if alert.state.progress() <= 1 {
                        alert.state = AlertState::Acknowledged;
                        alert.acknowledged_by = Some(SafeText::new(by.as_str()));
                        alert.acknowledged_at = Some(row.updated_at);
                        if let Some(notes) = notes {
                            alert.notes = Some(SafeText::new(notes.as_str()));
                        }
                    }
                }
                Intent::Resolve {
                    by,
                    resolution,
                    root_cause,
                    preventive_action,
                    ..
                } => {
                    alert.state = AlertState::Resolved;
                    alert.resolved_by = Some(SafeText::new(by.as_str()));
                    alert.resolved_at = Some(row.updated_at);
                    alert.resolution = Some(SafeText::new(resolution.as_str()));
                    alert.root_cause = Some(SafeText::new(root_cause.as_str()));
                    alert.preventive_action = preventive_action.as_deref().map(SafeText::new);
                }
                Intent::CreateWorkOrder { .. }
                | Intent::SetMetadata { .. }
                | Intent::SyncAsset { .. }
                | Intent::ReportProduction { .. }
                | Intent::CallWebhook { .. } => {}
            }
        }
    }
}

fn is_settled(row: &OutboxRow) -> bool {
    match row.state {
        IntentState::Delivered | IntentState::Superseded | IntentState::Cancelled => true,
        IntentState::Queued | IntentState::Sending | IntentState::InDoubt | IntentState::Parked => false,
    }
}

/// Whole seconds until then, rounded up: `3` while three seconds have begun.
pub fn seconds_left(until: Timestamp, now: Timestamp) -> i64 {
    let left = until.duration_since(now);
    (left.as_secs() + i64::from(left.subsec_nanos() > 0)).max(0)
}
