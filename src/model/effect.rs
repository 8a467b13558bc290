//! Everything that the console asks of the world.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Memo;
use crate::domain::{AlertId, Coverage, DeviceKey, Intent, Occurrence, OutboxId, Read, Remark, ShelfChange};

/// Joins a submission with its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// One thing to do; the driver in `tui` carries it out and answers with events.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Commit an intent; answered by `Event::Submitted`.
    Submit {
        /// Returned in the answer.
        ticket: Ticket,
        /// What is asked.
        intent: Intent,
        /// How long `z` may take it back.
        grace: Duration,
    },
    /// Take an intent back if it has not been sent; the row's new state arrives as `Event::Outbox`, a refusal as a notice.
    Cancel(OutboxId),
    /// Send a parked intent again.
    Retry(OutboxId),
    /// Replace a parked intent by an edited one: cancel and submit in one transaction.
    Replace {
        /// The parked row.
        id: OutboxId,
        /// Returned in the answer.
        ticket: Ticket,
        /// What is asked now.
        intent: Intent,
    },
    /// Ask the worker; a newer request of the same kind replaces one that waits.
    Fetch(Fetch),
    /// Keep a half-written form (debounced by the driver).
    SaveDraft(Draft),
    /// Forget one.
    DropDraft(DraftKey),
    /// Keep something on this machine.
    Keep(Keepsake),
    /// Read the runbook of an alert name, by its slug; answered by `Event::Runbook`.
    ReadRunbook(String),
    /// Keep views and linked orders.
    SaveMemo(Memo),
    /// Put text on the person's clipboard through the terminal.
    Copy(String),
    /// Ring, and where the terminal shows notifications, with this sentence.
    Bell(String),
    /// Set the window's title.
    Title(String),
    /// Draw everything anew (Ctrl-L).
    Redraw,
    /// Stop as Ctrl-Z does.
    Suspend,
    /// End this console and go on with the one of another profile.
    Switch(String),
    /// End the console.
    Quit,
}

/// A read for the worker. Periodic refreshes of alerts and devices need no request.
#[derive(Clone, Debug, PartialEq)]
pub enum Fetch {
    /// Alerts, devices and trends now.
    Refresh,
    /// The recent series of these devices, from now on, until another list replaces it; the first is under the cursor.
    Trends {
        /// Devices in view, the one under the cursor first.
        devices: Vec<DeviceKey>,
        /// How far back, in seconds.
        window_seconds: u32,
    },
    /// One alert again.
    Alert(AlertId),
    /// The open work orders of an asset, for the form of an alert.
    OpenOrders {
        /// The alert.
        alert: AlertId,
        /// `assetnum`.
        asset: String,
        /// `siteid`.
        site: String,
    },
    /// The orders made for these alerts.
    OrderStatus(Vec<AlertId>),
    /// How the calls to the servers go; asks no server.
    Health,
}

/// Something worth keeping.
#[derive(Clone, Debug, PartialEq)]
pub enum Keepsake {
    /// News of the history, and how far the lists reach.
    History(Vec<Occurrence>, Option<Coverage>),
    /// A change of the shelf.
    Shelf(ShelfChange),
    /// A remark for the next shift.
    Remark(Remark),
    /// Somebody read a handover.
    Read(Read),
    /// A handover, as a file of this name; the answer, a notice, says where.
    Handover {
        /// Without a folder.
        name: String,
        /// Its text.
        text: String,
    },
}

/// A half-written form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// Whose and which.
    pub key: DraftKey,
    /// Field name and text, in the form's order.
    pub fields: Vec<(String, String)>,
    /// When it was last changed.
    pub saved_at: Timestamp,
}

/// What a draft is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DraftKey {
    /// The form: `note`, `resolve`, `work-order`.
    pub form: String,
    /// The profile.
    pub profile: String,
    /// The alerts that it is for.
    pub alerts: Vec<AlertId>,
}
