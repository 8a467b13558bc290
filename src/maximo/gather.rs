//! The rows of many devices over a window, as a stream: all of a type's day without holding it.
//!
//! The devices come in the order in which they are asked for, and each device's rows oldest first, whatever order the
//! answers come in: whoever reads the same data twice gets the same rows in the same order. Calls are as large as
//! keeps an answer at some thousand rows; how many rows a device has is learnt on the way.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use futures_util::{Stream, StreamExt as _, TryStreamExt as _};
use jiff::{SignedDuration, Timestamp};

use super::monitor::bulk_call;
use super::{BulkQuery, Error, ErrorKind, MonitorClient, ReadingQuery, wire};
use crate::domain::{DeviceId, DeviceKey, Reading, SafeText};

/// Rows that a call should bring: some megabytes while they are read. No round number, see [`ROUND`].
const ROWS_A_CALL: u64 = 4_999;
/// Rows an hour that a device is taken to have before more are seen: who is silent first may speak later.
const RATE_MIN: u64 = 20;
/// Most devices of a call.
const DEVICES_A_CALL: u64 = 50;
/// Calls under way at once; each holds its rows.
const CALLS: usize = 4;
/// Reasons kept for rows that were left out.
const PROBLEMS_MAX: usize = 5;
/// A whole multiple of it may be a server's own limit instead of the end of the data.
const ROUND: usize = 500;

/// Some rows more.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Rows, each with its device: devices in the order asked for, each oldest first.
    pub rows: Vec<Reading>,
    /// Devices whose last row has been given with this.
    pub finished: usize,
    /// Devices that the server no longer knows.
    pub gone: Vec<DeviceId>,
    /// Rows that did not fit the contract and were left out.
    pub skipped: usize,
    /// The first few reasons.
    pub problems: Vec<SafeText>,
}

/// One call's worth: several devices over the whole window, or one device over a part of it.
#[derive(Clone, Debug)]
struct Piece {
    devices: Vec<DeviceId>,
    start: Timestamp,
    end: Timestamp,
    /// Whether it ends its devices' windows.
    last: bool,
}

/// What is learnt on the way.
#[derive(Debug, Default)]
struct Learnt {
    /// The most rows in a device's hour so far.
    rows_an_hour: AtomicU64,
    /// The query over several devices is not to be had here, or cuts its answers.
    no_bulk: AtomicBool,
}

/// What is still to be asked for.
struct Plan {
    devices: VecDeque<DeviceId>,
    window: (Timestamp, Timestamp),
    /// The first device's window is taken up to here.
    reached: Timestamp,
    /// Devices of the last piece: it may at most double.
    before: u64,
}

impl Plan {
    fn next(&mut self, learnt: &Learnt) -> Option<Piece> {
        let first = self.devices.front()?;
        let (start, end) = self.window;
        let hours = u64::try_from(end.duration_since(start).as_hours()).unwrap_or_default().max(1);
        let rate = learnt.rows_an_hour.load(Ordering::Relaxed).max(RATE_MIN);
        let a_device = rate.saturating_mul(hours);
        if self.before == 0 || a_device > ROWS_A_CALL || self.reached > start {
            // the first hour of the first device is a question: how many rows does a device have?
            let step = if self.before == 0 {
                3_600
            } else {
                (ROWS_A_CALL * 3_600 / rate).max(60)
            };
            let step = SignedDuration::from_secs(i64::try_from(step).unwrap_or(60));
            let piece_end = self.reached.saturating_add(step).unwrap_or(end).min(end);
            let piece = Piece {
                devices: vec![first.clone()],
                start: self.reached,
                end: piece_end,
                last: piece_end == end,
            };
            self.before = self.before.max(1);
            self.reached = piece_end;
            if piece.last {
                self.devices.pop_front();
                self.reached = start;
            }
            return Some(piece);
        }
        let fitting = if learnt.no_bulk.load(Ordering::Relaxed) {
            1
        } else {
            (ROWS_A_CALL / a_device).clamp(1, DEVICES_A_CALL)
        };
        self.before = fitting.min(self.before.saturating_mul(2));
        let count = usize::try_from(self.before).unwrap_or(1).min(self.devices.len());
        Some(Piece {
            devices: self.devices.drain(..count).collect(),
            start,
            end,
            last: true,
        })
    }
}

impl Learnt {
    fn from(&self, piece: &Piece, rows: usize) {
        self.note(rows as f64 / piece.device_hours());
    }

    /// The answer was too long: as if half of the piece were a call's worth.
    fn too_much(&self, piece: &Piece) {
        self.note(2.0 * ROWS_A_CALL as f64 / piece.device_hours());
    }

    fn note(&self, rate: f64) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of rows, rounded up")]
        let rate = rate.ceil() as u64;
        self.rows_an_hour.fetch_max(rate, Ordering::Relaxed);
    }
}

impl Piece {
    fn device_hours(&self) -> f64 {
        let hours = self.end.duration_since(self.start).as_secs_f64() / 3600.0;
        (hours * self.devices.len() as f64).max(1e-3)
    }
}

impl MonitorClient {
    /// All rows of these devices in [start, end), some thousand at a time, a few calls side by side. No row is lost or doubled
    /// where calls meet; a device that the server no longer knows is named in [`Batch::gone`]. Aggregations are not for this.
    ///
    /// ```no_run
    /// # async fn example(monitor: nightdesk::maximo::MonitorClient, query: nightdesk::maximo::BulkQuery) -> Result<(), nightdesk::maximo::Error> {
    /// use futures_util::TryStreamExt as _;
    /// let mut batches = std::pin::pin!(monitor.gather(query));
    /// while let Some(batch) = batches.try_next().await? {
    ///     println!("{} rows more, {} devices gone", batch.rows.len(), batch.gone.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn gather(&self, query: BulkQuery) -> impl Stream<Item = Result<Batch, Error>> + Send + use<> {
        let learnt = Arc::new(Learnt::default());
        let plan = Plan {
            devices: query.devices.iter().cloned().collect(),
            window: (query.start, query.end),
            reached: query.start,
            before: 0,
        };
        let asks = Arc::new(Asks {
            client: self.clone(),
            query: BulkQuery {
                devices: Vec::new(),
                aggregation: None,
                ..query
            },
            learnt: Arc::clone(&learnt),
        });
        // the first call alone: it tells how large the others may be
        let mut plan = plan;
        let first = plan.next(&learnt);
        let rest = futures_util::stream::unfold((plan, learnt), |(mut plan, learnt)| async move {
            let piece = plan.next(&learnt)?;
            Some((piece, (plan, learnt)))
        });
        let fetch = move |piece| {
            let asks = Arc::clone(&asks);
            async move { asks.fetch(piece).await }
        };
        let first = futures_util::stream::iter(first).then(fetch.clone());
        first.chain(rest.map(fetch).buffered(CALLS))
    }
}

struct Asks {
    client: MonitorClient,
    query: BulkQuery,
    learnt: Arc<Learnt>,
}

/// How a call over several devices ended.
enum Answered {
    Rows(Batch),
    /// Too much at once, or one device of it is not known: ask for less.
    Halve,
    /// Not to be had, or not to be trusted: ask a device at a time.
    Singly,
}

impl Asks {
    /// One piece, cut up further where the server does not take it whole.
    async fn fetch(&self, piece: Piece) -> Result<Batch, Error> {
        let (last, whole) = (piece.last, piece.devices.len());
        let mut sum = Batch::default();
        let mut open = vec![piece];
        while let Some(mut piece) = open.pop() {
            let bulk = !self.learnt.no_bulk.load(Ordering::Relaxed);
            let answered = if bulk { self.bulk(&piece).await? } else { Answered::Singly };
            let batch = match answered {
                Answered::Rows(batch) => batch,
                Answered::Halve | Answered::Singly if piece.devices.len() > 1 => {
                    let half = piece.devices.split_off(piece.devices.len() / 2);
                    open.push(Piece {
                        devices: half,
                        ..piece.clone()
                    });
                    open.push(piece);
                    continue;
                }
                Answered::Halve | Answered::Singly => self.single(&piece).await?,
            };
            self.learnt.from(&piece, batch.rows.len());
            sum.rows.extend(batch.rows);
            sum.gone.extend(batch.gone);
            sum.skipped += batch.skipped;
            sum.problems.extend(batch.problems);
            sum.problems.truncate(PROBLEMS_MAX);
        }
        sum.finished = if last { whole } else { 0 };
        Ok(sum)
    }

    async fn bulk(&self, piece: &Piece) -> Result<Answered, Error> {
        let query = BulkQuery {
            devices: piece.devices.clone(),
            start: piece.start,
            end: piece.end,
            ..self.query.clone()
        };
        let call = bulk_call(&query);
        let alone = piece.devices.len() == 1;
        let value = match self.client.transport.read(&call).await {
            Ok(value) => value,
            Err(error) if error.status() == Some(413) || error.too_long() => {
                self.learnt.too_much(piece);
                return Ok(Answered::Halve);
            }
            Err(error) if matches!(error.status(), Some(400 | 404 | 405 | 501)) => {
                // a server without this query says the same of one device; the events of that device decide what it meant
                if alone && matches!(error.status(), Some(404 | 405 | 501)) && self.has_events(piece).await? {
                    self.learnt.no_bulk.store(true, Ordering::Relaxed);
                }
                return Ok(Answered::Halve);
            }
            Err(error) => return Err(error),
        };
        let records = wire::records(&value, &["data", "results"], wire::reading)
            .map_err(|words| self.client.transport.error(&call, ErrorKind::Malformed, words))?;
        let received = records.received();
        if received > 0 && received.is_multiple_of(ROUND) && self.is_cut(piece, received).await? {
            self.learnt.no_bulk.store(true, Ordering::Relaxed);
            return Ok(Answered::Singly);
        }
        let places: HashMap<&DeviceId, usize> = piece.devices.iter().enumerate().map(|(place, id)| (id, place)).collect();
        let mut batch = Batch {
            skipped: records.skipped(),
            problems: records.problems.clone(),
            ..Batch::default()
        };
        let unknown = value
            .get("metadata")
            .and_then(|metadata| metadata.get("unknownDevices")?.as_array());
        let unknown = unknown.into_iter().flatten().filter_map(|id| id.as_str());
        batch.gone.extend(unknown.map(DeviceId::from).filter(|id| places.contains_key(id)));
        let mut rows: Vec<(usize, Reading)> = Vec::with_capacity(received);
        for mut row in records.items() {
            if row.device_id.is_none() && alone {
                row.device_id = piece.devices.first().cloned();
            }
            match row.device_id.as_ref().and_then(|id| places.get(id)) {
                // a server may count the end in, or give more than was asked for
                Some(place) if (piece.start..piece.end).contains(&row.timestamp) => rows.push((*place, row)),
                Some(_) => {}
                None => {
                    batch.skipped += 1;
                    batch.problems.push("a reading of a device that was not asked for".into());
                }
            }
        }
        rows.sort_by_key(|(place, row)| (*place, row.timestamp));
        batch.rows = rows.into_iter().map(|(_, row)| row).collect();
        Ok(Answered::Rows(batch))
    }

    /// Whether there is more than a round number of rows: the two halves of the window tell.
    async fn is_cut(&self, piece: &Piece, received: usize) -> Result<bool, Error> {
        let half = piece.start + piece.end.duration_since(piece.start) / 2;
        let mut sum = 0;
        for (start, end) in [(piece.start, half), (half, piece.end)] {
            let query = BulkQuery {
                devices: piece.devices.clone(),
                start,
                end,
                ..self.query.clone()
            };
            sum += self.client.bulk(&query).await?.len();
        }
        // more than a few more: one at the middle may be counted twice
        Ok(sum > received + piece.devices.len())
    }

    async fn has_events(&self, piece: &Piece) -> Result<bool, Error> {
        let mut pages = std::pin::pin!(self.events(piece));
        match pages.try_next().await {
            Ok(_) => Ok(true),
            Err(error) if *error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn events(&self, piece: &Piece) -> impl Stream<Item = Result<crate::domain::Listing<Reading>, Error>> + Send + use<> {
        let device = piece.devices.first().cloned().unwrap_or_else(|| DeviceId::new(""));
        self.client.readings_stream(ReadingQuery {
            device: DeviceKey::new(self.query.device_type.clone(), device),
            start: Some(piece.start),
            end: Some(piece.end),
            metrics: self.query.metrics.clone(),
            aggregation: None,
        })
    }

    /// One device by its own events, page by page.
    async fn single(&self, piece: &Piece) -> Result<Batch, Error> {
        let mut batch = Batch::default();
        let mut pages = std::pin::pin!(self.events(piece));
        loop {
            match pages.try_next().await {
                Ok(Some(page)) => {
                    let inside = page
                        .items
                        .into_iter()
                        .filter(|row| (piece.start..piece.end).contains(&row.timestamp));
                    batch.rows.extend(inside.map(|mut row| {
                        row.device_id = piece.devices.first().cloned();
                        row
                    }));
                    batch.skipped += page.skipped;
                    batch.problems.extend(page.problems);
                    batch.problems.truncate(PROBLEMS_MAX);
                }
                Ok(None) => return Ok(batch),
                Err(error) if *error.kind() == ErrorKind::NotFound => {
                    batch.gone.extend(piece.devices.first().cloned());
                    return Ok(batch);
                }
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(devices: usize, hours: i64) -> Plan {
        let start = Timestamp::UNIX_EPOCH;
        Plan {
            devices: (0..devices).map(|n| DeviceId::new(format!("D-{n:04}"))).collect(),
            window: (start, start + SignedDuration::from_hours(hours)),
            reached: start,
            before: 0,
        }
    }

    /// Plays the plan against a plant where each device has so many rows an hour.
    fn play(devices: usize, rate: u64) -> Vec<Piece> {
        let (mut plan, learnt) = (plan(devices, 24), Learnt::default());
        let mut pieces = Vec::new();
        while let Some(piece) = plan.next(&learnt) {
            let seconds = u64::try_from(piece.end.duration_since(piece.start).as_secs()).unwrap();
            learnt.from(&piece, usize::try_from(rate * seconds / 3_600).unwrap() * piece.devices.len());
            pieces.push(piece);
        }
        pieces
    }

    #[test]
    fn every_device_has_its_whole_window_once_and_no_call_is_large() {
        for (devices, rate) in [(1, 0), (1, 60), (230, 60), (7, 3_600), (3, 36_000), (40, 1)] {
            let pieces = play(devices, rate);
            let mut reached: HashMap<DeviceId, Timestamp> = HashMap::new();
            let mut order = Vec::new();
            for piece in &pieces {
                for device in &piece.devices {
                    let from = reached.insert(device.clone(), piece.end).unwrap_or(Timestamp::UNIX_EPOCH);
                    assert_eq!(from, piece.start, "{devices} devices at {rate} an hour: {device}");
                    order.push(device.clone());
                }
            }
            // the first call is a question
            for piece in pieces.iter().skip(1) {
                let seconds = u64::try_from(piece.end.duration_since(piece.start).as_secs()).unwrap();
                let rows = rate * seconds / 3_600 * piece.devices.len() as u64;
                assert!(rows <= ROWS_A_CALL, "{rows} rows in one call");
            }
            let end = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24);
            assert_eq!(reached.len(), devices);
            assert!(reached.values().all(|to| *to == end));
            assert!(order.is_sorted(), "devices keep their order");
            assert_eq!(
                pieces
                    .iter()
                    .filter(|piece| piece.last)
                    .map(|piece| piece.devices.len())
                    .sum::<usize>(),
                devices
            );
        }
    }

    #[test]
    fn calls_are_saved_where_devices_say_little() {
        let calls = play(5_000, 60).len();
        assert!((1_660..1_750).contains(&calls), "{calls} calls for 7.2 million rows");
        assert!(play(5_000, 0).len() < 520);
    }
}
