//! All pages of a list, concurrently where the total is known, with nothing lost or doubled when it shifts meanwhile.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::future::Future;
use std::hash::Hash;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use jiff::Timestamp;

use super::Error;
use super::wire::Records;
use crate::domain::Listing;

/// A list that shifts is read again at the most this often (contract: `listDevices`).
const SWEEPS: usize = 3;
/// Most rows of one list: beyond it something is wrong with the server, or with us.
const ROWS_MAX: usize = 2_000_000;
/// A server that announces no total gets one page at a time, at the most this many.
const PAGES_MAX: usize = 20_000;
/// So far on, no list is the same as at its beginning, unless the server looks at no offset.
const FAR: usize = 1_000;

/// Told now and then: rows so far, rows announced.
pub type Progress<'a> = &'a (dyn Fn(usize, Option<usize>) + Send + Sync);

/// Reads a whole list.
///
/// Neighbouring pages overlap by one row: where the last row of one is not the first of the next, the list moved
/// under us. Such a sweep is repeated; two sweeps that agree on the identities are also taken as whole, for servers that promise no order
/// and for those that give one row a page, where nothing can overlap.
pub(super) async fn sweep<T, K, F>(
    limit: usize,
    width: usize,
    fetch: impl Fn(usize, usize) -> F,
    key: impl Fn(&T) -> K,
    progress: Progress<'_>,
) -> Result<Listing<T>, Error>
where
    K: Eq + Hash + Ord + Clone,
    F: Future<Output = Result<Records<T>, Error>>,
{
    let as_of = Timestamp::now();
    let mut merged: HashMap<K, T> = HashMap::new();
    let mut order: Vec<K> = Vec::new();
    let mut before: Option<Vec<K>> = None;
    let mut last = Pass::default();
    for _ in 0..SWEEPS {
        let pass = one_pass(limit, width, &fetch, &key, progress).await?;
        let mut keys: Vec<K> = pass.rows.iter().map(|(key, _)| key.clone()).collect();
        keys.sort_unstable();
        let agrees = pass.counted && before.as_ref() == Some(&keys);
        if pass.steady || agrees {
            let Pass {
                rows, skipped, problems, ..
            } = pass;
            return Ok(Listing {
                items: rows.into_iter().map(|(_, item)| item).collect(),
                skipped,
                problems,
                complete: true,
                as_of,
            });
        }
        for (key, item) in pass.rows {
            if merged.insert(key.clone(), item).is_none() {
                order.push(key);
            }
        }
        last = Pass { rows: Vec::new(), ..pass };
        before = Some(keys);
    }
    let items = order.into_iter().filter_map(|key| merged.remove(&key)).collect();
    Ok(Listing {
        items,
        skipped: last.skipped,
        problems: last.problems,
        complete: false,
        as_of,
    })
}

struct Pass<K, T> {
    /// Each identity once, in the order of the list.
    rows: Vec<(K, T)>,
    skipped: usize,
    problems: Vec<crate::domain::SafeText>,
    /// Every seam fitted, nothing came twice, and the count is the announced one.
    steady: bool,
    /// The count is the announced one.
    counted: bool,
}

impl<K, T> Default for Pass<K, T> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            skipped: 0,
            problems: Vec::new(),
            steady: false,
            counted: false,
        }
    }
}

async fn one_pass<T, K, F>(
    limit: usize,
    width: usize,
    fetch: &impl Fn(usize, usize) -> F,
    key: &impl Fn(&T) -> K,
    progress: Progress<'_>,
) -> Result<Pass<K, T>, Error>
where
    K: Eq + Hash + Ord + Clone,
    F: Future<Output = Result<Records<T>, Error>>,
{
    let first = fetch(0, limit).await?;
    let announced = first.total;
    // a server may clamp the limit: what came is what one page holds
    let page = first.received();
    progress(page, announced);
    let mut pages = BTreeMap::from([(0, first)]);
    if let Some(total) = announced.filter(|total| page > 0 && *total > page) {
        together(page, total, width, fetch, &mut pages, progress).await?;
    }
    let is_short = page < limit;
    let mut ended = page == 0 || follow(page.min(limit), announced, fetch, key, &mut pages, progress).await?;
    if !ended && is_short && announced.is_none() && ignores_offset(page, fetch, key, &pages).await? {
        ended = true; // what came was less than what was asked for, so it was everything
    }
    let mut pass = join(pages, key);
    pass.steady &= ended;
    pass.counted &= ended;
    Ok(pass)
}

/// Whether the server gives its first page whatever it is asked for: a later page is the same, and so is one that is far away.
async fn ignores_offset<T, K, F>(
    page: usize,
    fetch: &impl Fn(usize, usize) -> F,
    key: &impl Fn(&T) -> K,
    pages: &BTreeMap<usize, Records<T>>,
) -> Result<bool, Error>
where
    K: Eq,
    F: Future<Output = Result<Records<T>, Error>>,
{
    let keys = |records: &Records<T>| -> Vec<Option<K>> { records.rows.iter().map(|row| row.as_ref().map(key)).collect() };
    let (Some((_, first)), Some((last, later))) = (pages.first_key_value(), pages.last_key_value()) else {
        return Ok(false);
    };
    Ok(*last > 0 && keys(first) == keys(later) && keys(&fetch(last + FAR, page).await?) == keys(first))
}

/// Pages of a single row cannot overlap.
fn overlap_of(page: usize) -> usize {
    usize::from(page > 1)
}

/// The pages up to an announced total, `width` at a time. An empty page ends it: the rest is gone.
async fn together<T, F>(
    page: usize,
    total: usize,
    width: usize,
    fetch: &impl Fn(usize, usize) -> F,
    pages: &mut BTreeMap<usize, Records<T>>,
    progress: Progress<'_>,
) -> Result<(), Error>
where
    F: Future<Output = Result<Records<T>, Error>>,
{
    let overlap = overlap_of(page);
    let step = page - overlap;
    let mut offsets = (step..total.min(ROWS_MAX).saturating_sub(overlap)).step_by(step).take(PAGES_MAX);
    let mut running = FuturesUnordered::new();
    let mut loaded = page;
    let mut ended = false;
    loop {
        while !ended && running.len() < width.max(1) {
            let Some(offset) = offsets.next() else { break };
            running.push(async move { (offset, fetch(offset, page).await) });
        }
        let Some((offset, answer)) = running.next().await else {
            return Ok(());
        };
        let records = answer?;
        ended |= records.received() == 0;
        loaded += records.received().saturating_sub(overlap);
        progress(loaded.min(total), Some(total));
        pages.insert(offset, records);
    }
}

/// Closes gaps that short pages left and reads on past the announced end, page by page. Answers whether the end was seen;
/// where there is no way forward, nobody knows what would have come.
async fn follow<T, K, F>(
    page: usize,
    announced: Option<usize>,
    fetch: &impl Fn(usize, usize) -> F,
    key: &impl Fn(&T) -> K,
    pages: &mut BTreeMap<usize, Records<T>>,
    progress: Progress<'_>,
) -> Result<bool, Error>
where
    K: Eq + Hash,
    F: Future<Output = Result<Records<T>, Error>>,
{
    let overlap = overlap_of(page);
    let mut seen: HashSet<K> = pages.values().flat_map(|records| records.rows.iter().flatten().map(key)).collect();
    for _ in 0..PAGES_MAX {
        let mut end = 0;
        let mut total = announced;
        let mut gap = None;
        for (offset, records) in &*pages {
            if *offset > end {
                gap = Some(end);
                break;
            }
            end = end.max(offset + records.received());
            total = records.total.or(total);
        }
        let finished = match total {
            Some(total) => end >= total,
            // without a total only an empty page, or a page that brings nothing beyond the overlap, is the end
            None => pages
                .last_key_value()
                .is_some_and(|(offset, records)| *offset > 0 && records.received() <= overlap),
        };
        if gap.is_none() && finished {
            return Ok(true);
        }
        if end >= ROWS_MAX {
            return Ok(false);
        }
        let at = gap.unwrap_or(end).saturating_sub(overlap);
        let mut records = fetch(at, page).await?;
        let received = records.received();
        if received <= overlap && gap.is_none() {
            // the announced rows are not there any more: the list shrank
            records.total = records.total.or(announced);
            pages.insert(at, records);
            return Ok(true);
        }
        if received == 0 || pages.contains_key(&at) {
            return Ok(false);
        }
        progress((at + received).min(total.unwrap_or(usize::MAX)), total);
        let fresh = records.rows.iter().flatten().filter(|item| seen.insert(key(item))).count();
        let known = records.skipped() == 0 && fresh == 0;
        pages.insert(at, records);
        if known {
            return Ok(false); // a page of nothing new: a server that ignores `offset` would go on for ever
        }
    }
    Ok(false)
}

fn join<T, K: Eq + Hash + Ord + Clone>(pages: BTreeMap<usize, Records<T>>, key: &impl Fn(&T) -> K) -> Pass<K, T> {
    let mut pass = Pass {
        steady: true,
        ..Pass::default()
    };
    let mut places: HashMap<K, usize> = HashMap::new();
    let mut misfits: BTreeSet<usize> = BTreeSet::new(); // by position: one that lies on a seam is one, though it came twice
    let mut totals: Vec<usize> = Vec::new();
    // one row a page: no seam would show that the list moved
    let seamless = pages.len() > 1 && pages.values().all(|records| records.received() <= 1);
    let mut end = 0_usize;
    let mut last: Option<K> = None;
    for (offset, records) in pages {
        totals.extend(records.total);
        let received = records.received();
        let overlap = end.saturating_sub(offset).min(received);
        pass.problems.extend(records.problems);
        let before = last.take();
        for (index, row) in records.rows.into_iter().enumerate() {
            let Some(item) = row else {
                misfits.insert(offset + index);
                last = None;
                continue;
            };
            let id = key(&item);
            // a row that did not fit has no identity: a seam that falls on one cannot be judged
            if index == 0 && overlap == 1 && before.as_ref().is_some_and(|before| *before != id) {
                pass.steady = false;
            }
            last = Some(id.clone());
            if let Some(place) = places.get(&id) {
                pass.steady &= index < overlap;
                if let Some(row) = pass.rows.get_mut(*place) {
                    row.1 = item; // the later answer is the newer one
                }
            } else {
                places.insert(id.clone(), pass.rows.len());
                pass.rows.push((id, item));
            }
        }
        end = end.max(offset + received);
    }
    pass.problems.truncate(5);
    pass.skipped = misfits.len();
    pass.counted = totals
        .last()
        .is_none_or(|total| pass.rows.len() + pass.skipped >= *total && pass.rows.len() <= *total);
    pass.steady &= pass.counted && !seamless && totals.windows(2).all(|pair| pair.first() == pair.last());
    pass
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use proptest::prelude::*;

    use super::*;

    /// A server whose list changes between requests as told.
    struct Plant {
        rows: RefCell<Vec<u32>>,
        changes: RefCell<Vec<(bool, usize)>>,
        clamp: usize,
        totals: bool,
        /// Every thousandth record does not fit.
        misfits: bool,
        requests: Cell<usize>,
    }

    impl Plant {
        fn page(&self, offset: usize, limit: usize) -> Records<u32> {
            self.requests.set(self.requests.get() + 1);
            let rows = self.rows.borrow().clone();
            let items: Vec<u32> = rows.iter().copied().skip(offset).take(limit.min(self.clamp)).collect();
            if let Some((insert, at)) = self.changes.borrow_mut().pop() {
                let mut rows = self.rows.borrow_mut();
                if insert {
                    let at = at % (rows.len() + 1);
                    rows.insert(at, 1_000_000 + u32::try_from(self.requests.get()).unwrap());
                } else if !rows.is_empty() {
                    let at = at % rows.len();
                    // only visitors go: the stable rows are those below a million
                    if rows[at] >= 1_000_000 {
                        rows.remove(at);
                    }
                }
            }
            Records {
                rows: items
                    .into_iter()
                    .map(|row| (row % 1_000 != 13 || !self.misfits).then_some(row))
                    .collect(),
                problems: Vec::new(),
                total: self.totals.then_some(rows.len()),
            }
        }
    }

    fn read(plant: &Plant, limit: usize, width: usize) -> Listing<u32> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime
            .block_on(sweep(
                limit,
                width,
                |offset, limit| std::future::ready(Ok(plant.page(offset, limit))),
                |row| *row,
                &|_, _| {},
            ))
            .unwrap()
    }

    proptest! {
        #[test]
        fn no_stable_row_is_lost_or_doubled(
            stable in 0usize..300,
            limit in 1usize..120,
            clamp in 1usize..60,
            width in 1usize..9,
            totals in any::<bool>(),
            changes in proptest::collection::vec((any::<bool>(), any::<usize>()), 0..12),
        ) {
            let quiet = changes.is_empty();
            let plant = Plant {
                rows: RefCell::new((0..u32::try_from(stable).unwrap()).collect()),
                changes: RefCell::new(changes), clamp, totals, misfits: false, requests: Cell::new(0),
            };
            let listing = read(&plant, limit, width);
            let mut got = listing.items.clone();
            got.sort_unstable();
            let unique = got.len();
            got.dedup();
            prop_assert_eq!(got.len(), unique, "doubled");
            if quiet { prop_assert!(listing.complete); }
            if listing.complete {
                let stable_got = got.iter().filter(|row| **row < 1_000_000).count();
                prop_assert_eq!(stable_got, stable, "lost");
            }
        }
    }

    #[test]
    fn one_row_a_page_without_a_total_is_read_twice_for_no_seam_shows_what_slipped_by() {
        // a visitor comes to the place that is read next, and goes once it was read: the row behind it slips by
        let plant = Plant {
            rows: RefCell::new((0..5).collect()),
            changes: RefCell::new(vec![(false, 1), (true, 1)]), // from the end
            clamp: 1,
            totals: false,
            misfits: false,
            requests: Cell::new(0),
        };
        let listing = read(&plant, 100, 4);
        assert_eq!((listing.items, listing.complete), ((0..5).collect::<Vec<_>>(), true));
    }

    #[test]
    fn five_thousand_rows_take_fifty_one_requests() {
        let plant = Plant {
            rows: RefCell::new((0..5000).collect()),
            changes: RefCell::default(),
            clamp: 1000,
            totals: true,
            misfits: false,
            requests: Cell::new(0),
        };
        assert_eq!(read(&plant, 100, 6).items.len(), 5000);
        assert_eq!(plant.requests.get(), 51);
    }

    #[test]
    fn a_record_that_does_not_fit_is_counted_once_and_costs_no_second_sweep() {
        for (limit, totals) in [(7, true), (7, false), (13, true), (14, true), (14, false), (100, true)] {
            let plant = Plant {
                rows: RefCell::new((0..40).collect()),
                changes: RefCell::default(),
                clamp: 1000,
                totals,
                misfits: true,
                requests: Cell::new(0),
            };
            let listing = read(&plant, limit, 4);
            assert_eq!(
                (listing.items.len(), listing.skipped, listing.complete),
                (39, 1, true),
                "limit {limit}"
            );
            assert!(
                plant.requests.get() <= 40 / (limit - 1) + 3,
                "limit {limit}: {}",
                plant.requests.get()
            );
        }
    }

    fn sweep_of(answer: impl Fn(usize, usize) -> (Vec<u32>, Option<usize>)) -> (Listing<u32>, usize) {
        let requests = Cell::new(0);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let fetch = |offset, limit| {
            requests.set(requests.get() + 1);
            let (rows, total) = answer(offset, limit);
            let rows = rows.into_iter().map(Some).collect();
            std::future::ready(Ok(Records {
                rows,
                problems: Vec::new(),
                total,
            }))
        };
        let listing = runtime.block_on(sweep(100, 8, fetch, |row| *row, &|_, _| {})).unwrap();
        (listing, requests.get())
    }

    #[test]
    fn a_server_that_ignores_offset_is_not_asked_for_ever() {
        let (listing, requests) = sweep_of(|_, _| ((0..100).collect(), None));
        assert_eq!(listing.items.len(), 100);
        assert!(!listing.complete, "who knows what stands on the pages that it does not give");
        assert!(requests <= 6, "{requests}");
    }

    #[test]
    fn a_server_that_ignores_offset_and_gives_less_than_was_asked_for_gave_everything() {
        for count in [1, 2, 60] {
            let (listing, requests) = sweep_of(|_, _| ((0..count).collect(), None));
            assert_eq!((listing.items, listing.complete), ((0..count).collect(), true));
            assert!(requests <= 6, "{requests}");
        }
    }

    #[test]
    fn a_total_that_is_a_lie_is_not_paid_for_row_by_row() {
        let (listing, requests) = sweep_of(|offset, _| (if offset == 0 { vec![1] } else { Vec::new() }, Some(1_000_000_000)));
        assert_eq!((listing.items, listing.complete), (vec![1], false));
        assert!(requests <= 40, "{requests}");
    }
}
