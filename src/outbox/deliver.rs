//! The seam between the sender and the systems that it delivers to.

use std::future::Future;
use std::time::Duration;

use jiff::Timestamp;

use crate::domain::{Intent, OutboxId, SafeText, Target, WorkOrderNumber};

/// Delivers intents to one or more systems. It makes single attempts: waiting, repeating and remembering are the sender's.
pub trait Deliver: Send + Sync + 'static {
    /// One attempt to bring about what the shipment asks.
    fn send(&self, shipment: &Shipment) -> impl Future<Output = Sent> + Send;

    /// Looks up whether an earlier attempt arrived. Changes nothing at the server.
    fn verify(&self, shipment: &Shipment) -> impl Future<Output = Verified> + Send;

    /// Whether rows for a target that nobody named at the start are this one's to end: it delivers or refuses them. Asked only of targets
    /// in its sender's charge; others wait, and say for whom.
    fn adopts(&self, _target: &Target) -> bool {
        false
    }

    /// Why nothing more is sent by itself, after an attempt without an end that was looked up and is not there: its tries are used up.
    /// What was cut off counts as a try, since it was committed before its first byte left.
    fn spent(&self, _shipment: &Shipment) -> Option<SafeText> {
        None
    }
}

/// A row of the outbox on its way.
#[derive(Clone, Debug, PartialEq)]
pub struct Shipment {
    /// Its row.
    pub id: OutboxId,
    /// What is asked.
    pub intent: Intent,
    /// Of which server. A target that is not the configured one is refused by the sender before it comes here.
    pub target: Target,
    /// The exact bytes of the request body, as committed.
    pub body: Vec<u8>,
    /// 1 for the first.
    pub attempt: u32,
    /// The same without those whose credential was refused: such a refusal says nothing about the message.
    pub tries: u32,
    /// When the first attempt began, if there was one before.
    pub first_sent_at: Option<Timestamp>,
    /// Whether an earlier attempt may have reached the server: it has no known end, or one in doubt.
    pub may_have_arrived: bool,
}

/// What became of an attempt: the retry classes of `design/delivery.md`.
#[derive(Clone, Debug, PartialEq)]
pub enum Sent {
    /// The server confirmed it.
    Delivered(Receipt),
    /// No byte was sent (name look-up, connection, TLS): it is tried again after a back-off.
    NotSent {
        /// One sentence.
        reason: SafeText,
    },
    /// It may have arrived: verify before anything else.
    InDoubt {
        /// One sentence.
        reason: SafeText,
    },
    /// The server itself answered that it failed: it may have been carried out, and it no longer runs. Verify; a look-up that finds
    /// nothing is believed at once.
    Failed {
        /// The server's words.
        reason: SafeText,
    },
    /// It did not succeed, and the row's own schedule says when it is tried again: the row waits, others of its target go on.
    Later {
        /// How long it waits; kept over restarts.
        after: Duration,
        /// One sentence.
        reason: SafeText,
    },
    /// The server asked to wait (429, or 503 with `Retry-After`).
    Throttled {
        /// How long, where it said so; already bounded to 15 minutes.
        after: Option<Duration>,
        /// One sentence.
        reason: SafeText,
    },
    /// The credential was refused even after a refresh: the target's queue pauses.
    Unauthorized {
        /// One sentence.
        reason: SafeText,
    },
    /// No for good: the row is parked.
    Refused {
        /// The server's words.
        reason: SafeText,
    },
    /// 409 or 412: verify; what is neither delivered nor superseded is parked with this reason.
    Conflict {
        /// The server's words.
        reason: SafeText,
    },
    /// Not sent, because a person has to decide first (another open order appeared): the row is parked.
    NeedsDecision {
        /// What there is to decide.
        reason: SafeText,
    },
    /// Found before it was sent: somebody else was there first.
    Superseded {
        /// Who, where the server says it.
        by: Option<SafeText>,
        /// In one sentence, with the time where it is known.
        detail: SafeText,
    },
}

/// What a look-up found.
#[derive(Clone, Debug, PartialEq)]
pub enum Verified {
    /// It is there, and it is ours.
    Delivered(Receipt),
    /// Somebody else was there first.
    Superseded {
        /// Who, where the server says it.
        by: Option<SafeText>,
        /// In one sentence.
        detail: SafeText,
    },
    /// It is not there. While an earlier request may still be running this proves nothing.
    Absent,
    /// There is nothing to find out, since to ask twice has the effect of asking once: it may be sent again when no earlier request
    /// can still be running, which would overwrite what is asked later.
    Repeatable,
    /// It can never be there (the object is gone).
    Refused {
        /// The server's words.
        reason: SafeText,
    },
    /// The credential was refused.
    Unauthorized {
        /// One sentence.
        reason: SafeText,
    },
    /// It could not be asked: later.
    Unknown {
        /// One sentence.
        reason: SafeText,
        /// How long to wait, where the server said so.
        after: Option<Duration>,
    },
}

/// The server's confirmation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// The order's number, for a work order.
    pub wonum: Option<WorkOrderNumber>,
    /// One sentence worth keeping, if any.
    pub detail: Option<SafeText>,
}
