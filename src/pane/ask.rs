//! What panes and windows ask of the app.

use jiff::{SignedDuration, Timestamp};

use crate::domain::{AlarmKey, AlertId, Filter, Handover, OutboxId, WorkOrderDraft, WorkOrderNumber};
use crate::model::Action;

use super::queue::{Column, GroupBy, Sort};

/// A list or picture of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Focus {
    /// The alert queue.
    Queue,
    /// The device list.
    Devices,
    /// The metrics.
    Metrics,
}

/// For how long something is put aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// So long.
    For(SignedDuration),
    /// Until the shift ends.
    Shift,
}

/// One thing to do, with the identities that it is about.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// Acknowledge these, with a note or without; `again` for a new note or a take-over of what is acknowledged already.
    Acknowledge {
        /// Which.
        alerts: Vec<AlertId>,
        /// The note.
        note: Option<String>,
        /// True where an acknowledged alert is meant.
        again: bool,
        /// Who holds it, where it is taken over.
        over: Option<String>,
    },
    /// Resolve these.
    Resolve {
        /// Which.
        alerts: Vec<AlertId>,
        /// What was done.
        resolution: String,
        /// Why it happened.
        root_cause: String,
        /// What will keep it from happening again.
        preventive_action: Option<String>,
    },
    /// Make a work order.
    Order {
        /// For which alert.
        alert: AlertId,
        /// The open orders that the person saw.
        seen: Vec<WorkOrderNumber>,
        /// The person wants a further one whatever is open.
        allow_duplicate: bool,
        /// What it says.
        draft: WorkOrderDraft,
    },
    /// Link an existing order: in the alert's note.
    Link {
        /// Which alert.
        alert: AlertId,
        /// Which order.
        number: String,
    },
    /// Ask Manage for the open orders of another asset.
    OpenOrders {
        /// For whose form.
        alert: AlertId,
        /// `assetnum`.
        asset: String,
        /// `siteid`.
        site: String,
    },
    /// Put the alarms of these alerts on the shelf.
    Shelve {
        /// Which.
        alerts: Vec<AlertId>,
        /// For how long.
        span: Span,
        /// Why; may be empty.
        reason: String,
    },
    /// Put this alarm, which lies on the shelf, there anew: opens the form.
    ShelveAgain(AlarmKey),
    /// Take this alarm off the shelf.
    Unshelve(AlarmKey),
    /// Keep a remark for the next shift.
    Remark(String),
    /// Say that the handover that began then was read.
    MarkRead(Timestamp),
    /// Write the handover to a file: name and text.
    WriteHandover(String, String),
    /// Send the handover, whose form as JSON this is, to the webhook of the configuration.
    SendHandover(Box<Handover>),
    /// Send a refused row again.
    Retry(OutboxId),
    /// Discard a row.
    Discard(OutboxId),
    /// Edit a refused row.
    Edit(OutboxId),
    /// Filter a list.
    Filter(Focus, Filter),
    /// Sort the queue.
    Sort(Sort),
    /// Show or hide a column of the queue.
    Column(Column),
    /// Group the queue.
    Group(GroupBy),
    /// Show a saved view; the empty name is the standard one.
    ShowView(String),
    /// Save what is shown under a name.
    SaveView(String),
    /// Forget a saved view.
    DropView(String),
    /// Show the screen in a theme; keep it where that is said.
    Theme {
        /// Its name.
        name: String,
        /// False while it is only looked at.
        keep: bool,
    },
    /// Go on with another profile.
    Site(String),
    /// Run an action of the table.
    Run(Action),
    /// Put this on the clipboard; the second is what it is called.
    Copy(String, String),
    /// End the console.
    Quit,
}

/// Cells of the screen that lead to an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hyperlink {
    /// Its first column, from 0.
    pub x: u16,
    /// Its row, from 0.
    pub y: u16,
    /// How many cells.
    pub width: u16,
    /// Where to; all of it is printable ASCII.
    pub url: String,
}

/// How a window took an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// It is not for this window: the next one below may have it.
    Pass,
    /// Taken.
    Stay,
    /// Taken; the form's text changed.
    Changed,
    /// Taken; the window closes.
    Close,
    /// The window stays and asks for something.
    Ask(Ask),
    /// The window closes and asks for something.
    CloseAsk(Ask),
    /// Refused, with a sentence.
    Refuse(String),
}
