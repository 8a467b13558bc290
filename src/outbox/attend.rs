//! One row's turn: send it, or look it up and then perhaps send it. Every step is committed before the next.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::custody::{Begun, Entry, Outcome, Tenure};
use super::lane::Signal;
use super::plan::Memory;
use super::{Deliver, Outbox, OutboxError, Policy, Receipt, Sent, Shipment, Verified};
use crate::domain::{IntentState, SafeText};

/// What all turns share.
pub(super) struct Desk<D> {
    pub(super) outbox: Outbox,
    pub(super) deliver: Arc<D>,
    pub(super) policy: Policy,
    pub(super) tenure: Tenure,
}

/// How a turn ended.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) entry: Entry,
    pub(super) memory: Memory,
    pub(super) signal: Signal,
    /// How long the row then waits.
    pub(super) wait: Duration,
    /// Whether that is only because of failures.
    pub(super) backing_off: bool,
    /// Whether this tenure is over: another sender took over, or what was sent could not be written down as it should.
    pub(super) fenced: bool,
    /// Whether an attempt was committed in this turn.
    begun: bool,
}

/// What a step makes of the row.
struct Next {
    to: IntentState,
    detail: Option<SafeText>,
    superseded_by: Option<SafeText>,
    receipt: Option<Receipt>,
    signal: Signal,
    wait: Duration,
    backing_off: bool,
}

impl Next {
    fn new(to: IntentState, signal: Signal) -> Self {
        Self {
            to,
            detail: None,
            superseded_by: None,
            receipt: None,
            signal,
            wait: Duration::ZERO,
            backing_off: false,
        }
    }

    fn because(mut self, detail: SafeText) -> Self {
        self.detail = Some(detail);
        self
    }

    fn delivered(receipt: Receipt) -> Self {
        Self {
            detail: receipt.detail.clone(),
            receipt: Some(receipt),
            ..Self::new(IntentState::Delivered, Signal::Answered)
        }
    }

    fn superseded(by: Option<SafeText>, detail: SafeText) -> Self {
        Self {
            superseded_by: by,
            ..Self::new(IntentState::Superseded, Signal::Answered).because(detail)
        }
    }

    fn backing_off(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self.backing_off = true;
        self
    }
}

impl<D: Deliver> Desk<D> {
    /// Attends to a row once; `roll` (0 to 1) is its jitter.
    pub(super) async fn attend(&self, entry: Entry, memory: Memory, roll: f64) -> Turn {
        let mut turn = Turn {
            entry,
            memory,
            signal: Signal::Nothing,
            wait: Duration::ZERO,
            backing_off: false,
            fenced: false,
            begun: false,
        };
        let ended = match turn.entry.state {
            Some(IntentState::Queued) => self.send(&mut turn, roll).await,
            Some(IntentState::InDoubt) => self.look_up(&mut turn, roll).await,
            _ => Ok(()),
        };
        match ended {
            Ok(()) => {}
            Err(OutboxError::Fenced) => turn.fenced = true,
            // the row stands at `sending`, and only a new tenure makes of it what it is: in doubt
            Err(error) if turn.begun => {
                tracing::error!(row = turn.entry.id.0, %error, "the outcome of a request could not be written");
                turn.fenced = true;
            }
            Err(error) => turn.signal = Signal::Store(error.to_string()),
        }
        turn
    }

    async fn send(&self, turn: &mut Turn, roll: f64) -> Result<(), OutboxError> {
        // what may have arrived before stays in doubt whatever becomes of this attempt: it is looked up before the next one
        let back = match turn.entry.state {
            Some(IntentState::InDoubt) => IntentState::InDoubt,
            _ => IntentState::Queued,
        };
        let Begun::Go(shipment) = self.outbox.begin(self.tenure.clone(), turn.entry.id).await? else {
            return Ok(());
        };
        turn.begun = true;
        let begun = Instant::now();
        let first = shipment.attempt == 1;
        // certainly past the life of the transaction id: a conflict is then not an echo of an earlier request
        let fresh = first || turn.memory.first_sent.is_some() && self.is_past_life(&turn.memory);
        turn.memory.first_sent.get_or_insert(begun);
        let sent = timeout(self.policy.request_timeout, self.deliver.send(&shipment))
            .await
            .unwrap_or_else(|_| Sent::InDoubt {
                reason: "no answer within the request's time".into(),
            });
        match sent {
            Sent::InDoubt { .. } | Sent::Conflict { .. } => turn.memory.last_end = Some(Instant::now()), // it, or an earlier one, may still be running
            // those before it were waited for, or none would have been sent
            Sent::Failed { .. } => turn.memory.last_end = None,
            _ => {}
        }
        let failures = turn.memory.failures.saturating_add(1);
        let backoff = self.policy.backoff(failures, roll);
        turn.memory.conflict = None;
        let mut look_at_once = false;
        let next = match sent {
            Sent::Delivered(receipt) => Next::delivered(receipt),
            // the target waits, not the row: whichever is next is the probe
            Sent::NotSent { reason } => Next::new(back, Signal::Unreachable(reason.clone())).because(reason),
            Sent::InDoubt { reason } | Sent::Failed { reason } => Next::new(IntentState::InDoubt, Signal::Failed(reason.clone()))
                .because(reason)
                .backing_off(backoff),
            // neither the target's failure nor its answer: only this row waits, and no return of the target cuts that short
            Sent::Later { after, reason } => Next {
                wait: after,
                ..Next::new(back, Signal::Nothing).because(reason)
            },
            Sent::Throttled { after, reason } => Next::new(back, Signal::Throttled(after, reason.clone())).because(reason),
            Sent::Unauthorized { reason } => Next::new(back, Signal::Unauthorized(reason.clone())).because(reason),
            Sent::Refused { reason } | Sent::NeedsDecision { reason } => Next::new(IntentState::Parked, Signal::Answered).because(reason),
            Sent::Conflict { reason } => {
                look_at_once = true;
                // an echo of an earlier request, which may still be running, is no verdict on this one
                turn.memory.conflict = (fresh || !turn.entry.is_order).then(|| reason.clone());
                Next::new(IntentState::InDoubt, Signal::Answered).because(reason)
            }
            Sent::Superseded { by, detail } => Next::superseded(by, detail),
        };
        self.conclude(turn, "answer", next).await?;
        if look_at_once {
            return self.settle_conflict(turn, first, roll).await;
        }
        Ok(())
    }

    /// A conflict is looked up at once: delivered, superseded or parked, unless an earlier request may still be running.
    async fn settle_conflict(&self, turn: &mut Turn, first: bool, roll: f64) -> Result<(), OutboxError> {
        let Begun::Go(shipment) = self.outbox.shipment(self.tenure.clone(), turn.entry.id).await? else {
            return Ok(());
        };
        let next = match self.verify(&shipment).await {
            absent @ (Verified::Absent | Verified::Repeatable) => match turn.memory.conflict.clone() {
                Some(reason) if first => Next::new(IntentState::Parked, Signal::Answered).because(reason),
                Some(_) => Self::not_there_yet(&absent, self.policy.request_timeout),
                None => {
                    // the server still remembers the id of a request that came to nothing: it takes it again when it forgot
                    turn.memory.first_sent = Some(Instant::now());
                    Self::not_there_yet(&absent, self.policy.transaction_life)
                }
            },
            other => self.found(other, turn, roll),
        };
        self.conclude(turn, "look-up", next).await
    }

    async fn look_up(&self, turn: &mut Turn, roll: f64) -> Result<(), OutboxError> {
        let Begun::Go(shipment) = self.outbox.shipment(self.tenure.clone(), turn.entry.id).await? else {
            return Ok(());
        };
        let mut verified = self.verify(&shipment).await;
        let is_absent = |verified: &Verified| matches!(verified, Verified::Absent | Verified::Repeatable);
        if is_absent(&verified) {
            let running = turn.memory.last_end.map(|end| end + self.policy.request_timeout);
            let now = Instant::now();
            if let Some(ready) = running.filter(|ready| now < *ready) {
                return self.conclude(turn, "look-up", Self::not_there_yet(&verified, ready - now)).await;
            }
            if turn.entry.is_order && self.is_past_life(&turn.memory) {
                sleep(self.policy.second_look_after).await;
                verified = self.verify(&shipment).await;
            }
        }
        if is_absent(&verified) {
            if let Some(reason) = turn.memory.conflict.take() {
                let next = Next::new(IntentState::Parked, Signal::Answered).because(reason);
                return self.conclude(turn, "look-up", next).await;
            }
            if let Some(reason) = self.deliver.spent(&shipment)
                && !self.outbox.asked_again(turn.entry.id).await?
            {
                let next = Next::new(IntentState::Parked, Signal::Answered).because(reason);
                return self.conclude(turn, "look-up", next).await;
            }
            return self.send(turn, roll).await;
        }
        let next = self.found(verified, turn, roll);
        self.conclude(turn, "look-up", next).await
    }

    async fn verify(&self, shipment: &Shipment) -> Verified {
        timeout(self.policy.request_timeout, self.deliver.verify(shipment))
            .await
            .unwrap_or_else(|_| Verified::Unknown {
                reason: "no answer to the look-up within the request's time".into(),
                after: None,
            })
    }

    /// Whether the server may have forgotten the transaction id. What an earlier sender sent counts as long ago.
    fn is_past_life(&self, memory: &Memory) -> bool {
        memory
            .first_sent
            .is_none_or(|first| first.elapsed() >= self.policy.transaction_life)
    }

    fn not_there_yet(verified: &Verified, wait: Duration) -> Next {
        let words = match verified {
            Verified::Repeatable => "it may be repeated; it is sent again when the request can no longer be running",
            _ => "looked up and not there yet; looked up again when the request can no longer be running",
        };
        let mut next = Next::new(IntentState::InDoubt, Signal::Answered).because(words.into());
        next.wait = wait;
        next
    }

    fn found(&self, verified: Verified, turn: &Turn, roll: f64) -> Next {
        let failures = turn.memory.failures.saturating_add(1);
        match verified {
            Verified::Delivered(receipt) => Next::delivered(receipt),
            Verified::Superseded { by, detail } => Next::superseded(by, detail),
            Verified::Refused { reason } => Next::new(IntentState::Parked, Signal::Answered).because(reason),
            Verified::Unauthorized { reason } => Next::new(IntentState::InDoubt, Signal::Unauthorized(reason.clone())).because(reason),
            Verified::Unknown {
                reason,
                after: Some(after),
            } => Next::new(IntentState::InDoubt, Signal::Throttled(Some(after), reason.clone())).because(reason),
            Verified::Unknown { reason, after: None } => Next::new(IntentState::InDoubt, Signal::Failed(reason.clone()))
                .because(reason)
                .backing_off(self.policy.backoff(failures, roll)),
            // asked only where something else was found
            Verified::Absent | Verified::Repeatable => Self::not_there_yet(&verified, self.policy.request_timeout),
        }
    }

    /// Commits it. What the server said must not be forgotten because our disk is full: it is tried until it is written,
    /// or until this sender is no longer the one. Killed meanwhile, the row is `sending` and will be looked up.
    async fn conclude(&self, turn: &mut Turn, what: &'static str, next: Next) -> Result<(), OutboxError> {
        let shown = |text: SafeText| text.shown().to_owned();
        let outcome = Outcome {
            to: next.to,
            detail: next.detail.map(shown),
            superseded_by: next.superseded_by.map(shown),
            wonum: next.receipt.and_then(|receipt| receipt.wonum).map(|number| number.raw().to_owned()),
            wait: next.wait,
            paused: matches!(next.signal, Signal::Unauthorized(_)),
        };
        let id = turn.entry.id;
        loop {
            match self.outbox.conclude(self.tenure.clone(), id, what, outcome.clone()).await {
                Ok(()) => break,
                Err(error @ (OutboxError::DiskFull | OutboxError::Busy | OutboxError::ReadOnly | OutboxError::Io { .. })) => {
                    tracing::warn!(row = id.0, %error, "the outcome of a request waits to be written");
                    sleep(Duration::from_secs(1)).await;
                }
                Err(error) => return Err(error),
            }
        }
        if next.backing_off {
            turn.memory.failures = turn.memory.failures.saturating_add(1);
        } else if matches!(next.signal, Signal::Answered) {
            turn.memory.failures = 0;
        }
        turn.signal = next.signal;
        turn.wait = next.wait;
        turn.backing_off = next.backing_off;
        Ok(())
    }
}
