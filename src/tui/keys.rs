//! Follows the dates of the servers' keys: one that was replaced is no longer warned of, without a restart.

use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use tokio::sync::mpsc;

use crate::domain::Service;
use crate::model::Event;

/// The configuration is looked at so often for a key that was replaced.
const KEYS_EVERY: Duration = Duration::from_secs(60);

/// Says when the servers' keys were made, as it is at that moment; `None` where that cannot be told. It may read files.
pub type KeyDates = Arc<dyn Fn() -> Option<Vec<(Service, Date)>> + Send + Sync>;

/// Passes on what becomes of the keys' dates, until nobody listens.
pub(super) async fn follow_keys(dates: KeyDates, events: mpsc::Sender<Event>) {
    loop {
        tokio::select! {
            () = events.closed() => return,
            () = tokio::time::sleep(KEYS_EVERY) => {}
        }
        let dates = Arc::clone(&dates);
        if let Ok(Some(found)) = tokio::task::spawn_blocking(move || dates()).await
            && events.send(Event::KeyDates(found)).await.is_err()
        {
            return;
        }
    }
}
