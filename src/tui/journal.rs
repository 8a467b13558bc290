//! The outbox as the driver needs it.

use std::future::Future;
use std::time::Duration;

use tokio::sync::broadcast;

use crate::domain::{Intent, OutboxId, OutboxRow};

/// Commits what people ask for and tells what becomes of it. Errors are one sentence with the remedy.
pub trait Journal: Send + Sync + 'static {
    /// Commits an intent; answers when it is safe on disk.
    fn submit(&self, intent: Intent, grace: Duration) -> impl Future<Output = Result<OutboxRow, String>> + Send;
    /// Takes one back that was not sent.
    fn cancel(&self, id: OutboxId) -> impl Future<Output = Result<OutboxRow, String>> + Send;
    /// Sends a parked one again.
    fn retry(&self, id: OutboxId) -> impl Future<Output = Result<OutboxRow, String>> + Send;
    /// Replaces a parked one by an edited one, both or neither.
    fn replace(&self, id: OutboxId, intent: Intent) -> impl Future<Output = Result<OutboxRow, String>> + Send;
    /// Every change of a row from now on, whoever made it.
    fn changes(&self) -> broadcast::Receiver<OutboxRow>;
    /// Whether a row belongs to this console's site: an outbox is shared by all of them.
    fn is_ours(&self, _: &OutboxRow) -> bool {
        true
    }
    /// The rows that are still open or parked, and those settled lately: at the start, and after a listener fell behind.
    fn current(&self) -> impl Future<Output = Result<Vec<OutboxRow>, String>> + Send;
    /// Stops sending and frees the sender's lock, for another process.
    fn release(&self) -> impl Future<Output = ()> + Send;
    /// Goes on sending.
    fn acquire(&self) -> impl Future<Output = ()> + Send;
}
