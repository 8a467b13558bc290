//! The one task through which commands reach the outbox, in the order in which they were given.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinHandle;

use crate::domain::{Intent, OutboxId, OutboxRow};
use crate::model::{Event, Ticket};

use super::journal::Journal;

/// Commands that may wait for the disk: far more than one action on everything that is marked.
const WAITING_MAX: usize = 4_096;

/// One command.
#[derive(Debug)]
pub(super) enum Order {
    Submit { ticket: Ticket, intent: Intent, grace: Duration },
    Replace { id: OutboxId, ticket: Ticket, intent: Intent },
    Cancel(OutboxId),
    Retry(OutboxId),
}

/// The way to the task.
#[derive(Debug)]
pub(super) struct Desk {
    orders: mpsc::Sender<Order>,
    clerk: JoinHandle<()>,
    messenger: JoinHandle<()>,
}

impl Desk {
    /// Starts it; answers and changes of rows come as events.
    pub(super) fn open<J: Journal>(journal: Arc<J>, events: mpsc::Sender<Event>) -> Self {
        let (orders, receiver) = mpsc::channel(WAITING_MAX);
        let messenger = tokio::spawn(carry(journal.clone(), journal.changes(), events.clone()));
        let clerk = tokio::spawn(serve(journal, receiver, events));
        Self { orders, clerk, messenger }
    }

    /// Hands a command over without waiting. Gives back the event that says so if it cannot be taken: a command is
    /// refused, never dropped.
    pub(super) fn take(&self, order: Order) -> Option<Event> {
        let (mpsc::error::TrySendError::Full(order) | mpsc::error::TrySendError::Closed(order)) = self.orders.try_send(order).err()?;
        let sentence = format!("not queued: {WAITING_MAX} commands already wait for the disk; try again when they are through");
        Some(match order {
            Order::Submit { ticket, .. } | Order::Replace { ticket, .. } => Event::Submitted {
                ticket,
                result: Err(sentence),
            },
            Order::Cancel(_) | Order::Retry(_) => Event::Notice {
                text: sentence,
                failed: true,
            },
        })
    }

    /// Takes no more commands and waits until those given are committed. Read the events meanwhile.
    pub(super) async fn close(self) {
        drop(self.orders);
        let _ = self.clerk.await; // a panic in it has been reported
        self.messenger.abort();
    }
}

async fn serve<J: Journal>(journal: Arc<J>, mut orders: mpsc::Receiver<Order>, events: mpsc::Sender<Event>) {
    while let Some(order) = orders.recv().await {
        let event = match order {
            Order::Submit { ticket, intent, grace } => Event::Submitted {
                ticket,
                result: journal.submit(intent, grace).await,
            },
            Order::Replace { id, ticket, intent } => Event::Submitted {
                ticket,
                result: journal.replace(id, intent).await,
            },
            Order::Cancel(id) => told(journal.cancel(id).await),
            Order::Retry(id) => told(journal.retry(id).await),
        };
        let _ = events.send(event).await; // the loop has ended: the commands are carried out all the same
    }
}

fn told(result: Result<OutboxRow, String>) -> Event {
    match result {
        Ok(row) => Event::Outbox(row),
        Err(text) => Event::Notice { text, failed: true },
    }
}

/// First the rows that an earlier run left, then every change of one.
async fn carry<J: Journal>(journal: Arc<J>, mut changes: broadcast::Receiver<OutboxRow>, events: mpsc::Sender<Event>) {
    let first = match journal.current().await {
        Ok(rows) => Event::Recovered(rows),
        Err(text) => Event::Notice { text, failed: true },
    };
    if events.send(first).await.is_err() {
        return;
    }
    loop {
        let rows = match changes.recv().await {
            Ok(row) => vec![row],
            Err(broadcast::error::RecvError::Lagged(_)) => journal.current().await.unwrap_or_default(),
            Err(broadcast::error::RecvError::Closed) => return,
        };
        // a row of another site is neither shown nor acted on here
        for row in rows.into_iter().filter(|row| journal.is_ours(row)) {
            if events.send(Event::Outbox(row)).await.is_err() {
                return;
            }
        }
    }
}
