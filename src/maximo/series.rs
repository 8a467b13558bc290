//! A time series page by page: what is kept of it is one page and the rows of its last moment.

use futures_util::Stream;
use jiff::Timestamp;

use super::monitor::{EVENTS_LIMIT, EVENTS_PAGES, events_call};
use super::{Error, ErrorKind, MonitorClient, ReadingQuery, wire};
use crate::domain::{Listing, Reading};

/// Where the reading of a series stands.
struct Place {
    client: MonitorClient,
    query: ReadingQuery,
    /// The next page begins here.
    start: Option<Timestamp>,
    limit: usize,
    pages: usize,
    /// The rows of the newest known moment: what the next page may repeat.
    seam: Vec<Reading>,
    over: bool,
}

impl MonitorClient {
    /// A time series of one device as a stream of pages, oldest first, however many there are; no row is lost or doubled at a seam.
    ///
    /// ```no_run
    /// # async fn example(monitor: nightdesk::maximo::MonitorClient, query: nightdesk::maximo::ReadingQuery) -> Result<(), nightdesk::maximo::Error> {
    /// use futures_util::TryStreamExt as _;
    /// let mut pages = std::pin::pin!(monitor.readings_stream(query));
    /// while let Some(page) = pages.try_next().await? {
    ///     println!("{} rows more, {} left out", page.items.len(), page.skipped);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn readings_stream(&self, query: ReadingQuery) -> impl Stream<Item = Result<Listing<Reading>, Error>> + Send + use<> {
        let place = Place {
            client: self.clone(),
            start: query.start,
            query,
            limit: EVENTS_LIMIT,
            pages: 0,
            seam: Vec::new(),
            over: false,
        };
        futures_util::stream::try_unfold(place, |mut place| async move {
            let page = place.next().await?;
            Ok(page.map(|page| (page, place)))
        })
    }
}

impl Place {
    async fn next(&mut self) -> Result<Option<Listing<Reading>>, Error> {
        while !self.over {
            let call = events_call(&self.query, self.start, self.limit);
            if self.pages == EVENTS_PAGES {
                let words = format!("more than {EVENTS_PAGES} pages; ask for a shorter window or a granularity");
                return Err(self.client.transport.error(&call, ErrorKind::Malformed, words));
            }
            self.pages += 1;
            let mut listing = Listing::whole(Vec::new(), Timestamp::now());
            let records = self.client.list(&call, &["data", "results"], wire::reading).await?;
            let (received, skipped) = (records.received(), records.skipped());
            let problems = records.problems.clone();
            let mut page: Vec<Reading> = records.items().collect();
            page.sort_by_key(|row| row.timestamp);
            let known_to = self.seam.last().map(|row| row.timestamp);
            let stuck = page.iter().all(|row| Some(row.timestamp) == known_to);
            let fresh = super::seam::fresh(&self.seam, page, self.query.aggregation.is_some());
            let none_new = fresh.is_empty();
            // the last page repeats the one before: its misfits are those that are known
            if !none_new || received == skipped {
                listing.skipped = skipped;
                listing.problems = problems;
            }
            if received == 0 || (none_new && (received < EVENTS_LIMIT || !stuck)) {
                self.over = true;
            } else if let Some(newest) = fresh.last().map(|row| row.timestamp) {
                if known_to != Some(newest) {
                    self.seam.clear();
                }
                let of_newest = fresh.iter().rev().take_while(|row| row.timestamp == newest);
                self.seam.extend(of_newest.cloned());
                self.start = Some(newest);
            } else if received < self.limit {
                // it gives no longer page than this one, and this one does not lead past its own time: what follows cannot be had
                let words = format!("{received} rows at one time; ask for a granularity");
                return Err(self.client.transport.error(&call, ErrorKind::Malformed, words));
            } else {
                self.limit *= 2; // a whole page of one time: only a longer page leads past it
            }
            listing.items = fresh;
            if !listing.items.is_empty() || listing.skipped > 0 {
                return Ok(Some(listing));
            }
        }
        Ok(None)
    }
}
