//! Manage: work orders, over OSLC in lean JSON. Assets are in `asset`.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use reqwest::Method;
use reqwest::header::LOCATION;
use serde_json::Value;

use super::call::Call;
use super::transport::Transport;
use super::where_clause::Where;
use super::{Endpoint, Error, ErrorKind, KeySource, Telemetry, wire};
use crate::domain::{Listing, Reference, SafeText, WorkOrder};

const OPERATION: &str = "findWorkOrders";
/// Fields of a work order that we read.
const SELECT: &str = "wonum,siteid,status,status_maxvalue,description,assetnum,wopriority,lead,externalrefid,reportdate";
/// Rows per page; halved when a server refuses it, down to the smallest.
const PAGE_SIZE: usize = 100;
const SMALLEST_PAGE: usize = 10;
/// Pages of one look-up.
const PAGES_MAX: usize = 200;
/// A list that shifts is read again at the most this often.
const SWEEPS: usize = 3;
/// Values in one `in [..]`.
const VALUES_AT_ONCE: usize = 20;
/// Marks the problem of a record that carries a reference which is looked for.
const OURS: &str = "an order of ours cannot be read: ";

/// Where the object structures are (`[profiles.*.manage]`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagePaths {
    /// `/maximo/oslc/os` or `/maximo/api/os`.
    pub base: String,
    /// `mxwo` or `mxapiwodetail`.
    pub work_order: String,
    /// `mxasset` or `mxapiasset`.
    pub asset: String,
}

impl Default for ManagePaths {
    fn default() -> Self {
        Self {
            base: "/maximo/oslc/os".into(),
            work_order: "mxwo".into(),
            asset: "mxasset".into(),
        }
    }
}

/// A client of Manage; cheap to clone.
#[derive(Clone)]
pub struct ManageClient {
    pub(super) transport: Transport,
    pub(super) paths: Arc<ManagePaths>,
    /// Rows per page that the server takes.
    page_size: Arc<AtomicUsize>,
    /// The same for assets, which are many and small.
    pub(super) asset_page_size: Arc<AtomicUsize>,
}

/// What is listed page by page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Structure<'a> {
    pub(super) operation: &'static str,
    pub(super) path: &'a str,
    pub(super) select: &'static str,
    pub(super) page_size: &'a AtomicUsize,
}

/// Which work orders; absent parts do not narrow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkOrderQuery {
    /// `assetnum`.
    pub asset: Option<String>,
    /// `siteid`.
    pub site: Option<String>,
    /// Only those still to be worked on.
    pub open: bool,
}

/// What a server said to a new order.
pub(super) enum Created {
    /// Here it is.
    Order(Box<WorkOrder>),
    /// Confirmed without its number; `located` where a `Location` names it.
    Unnamed { located: bool },
}

impl ManageClient {
    /// A client for one endpoint. Refuses addresses that are not `https`.
    pub fn new(endpoint: Endpoint, paths: ManagePaths, telemetry: Telemetry) -> Result<Self, Error> {
        Ok(Self {
            transport: Transport::new(endpoint, telemetry)?,
            paths: Arc::new(paths),
            page_size: Arc::new(AtomicUsize::new(PAGE_SIZE)),
            asset_page_size: Arc::new(AtomicUsize::new(super::asset::PAGE_SIZE)),
        })
    }

    /// From now on a refused credential is read anew, once for all callers; without this it stays what it was at the start.
    #[must_use]
    pub fn with_key_source(self, source: KeySource) -> Self {
        self.transport.renew_from(source);
        self
    }

    /// The same client for a person who waits.
    #[must_use]
    pub fn interactive(&self) -> Self {
        Self {
            transport: self.transport.interactive(),
            ..self.clone()
        }
    }

    /// The same client for the outbox's sender: its look-ups are single attempts too, since it does all waiting and repeating.
    pub(super) fn single(&self) -> Self {
        Self {
            transport: self.transport.single(),
            ..self.clone()
        }
    }

    /// The endpoint that it talks to.
    pub fn endpoint(&self) -> &Endpoint {
        self.transport.endpoint()
    }

    /// Whether calls are held back after repeated failures.
    pub fn is_resting(&self) -> bool {
        self.transport.is_resting()
    }

    /// The orders of an asset that are still to be worked on.
    pub async fn open_orders(&self, asset: &str, site: &str) -> Result<Vec<WorkOrder>, Error> {
        self.find_work_orders(&WorkOrderQuery {
            asset: Some(asset.to_owned()),
            site: Some(site.to_owned()),
            open: true,
        })
        .await
    }

    /// The orders of the query. Records that do not fit are left out.
    pub async fn find_work_orders(&self, query: &WorkOrderQuery) -> Result<Vec<WorkOrder>, Error> {
        Ok(self.work_orders(query).await?.items)
    }

    /// The same with the count of records that did not fit.
    pub async fn work_orders(&self, query: &WorkOrderQuery) -> Result<Listing<WorkOrder>, Error> {
        let mut clause = Where::default();
        for (field, value) in [("assetnum", &query.asset), ("siteid", &query.site)] {
            if let Some(value) = value {
                clause = clause.equals(field, value).map_err(|error| self.refused(OPERATION, &error))?;
            }
        }
        if query.open {
            // an asset's history may be long; a site's own words for these are told apart below
            for done in ["COMP", "CLOSE", "CAN"] {
                clause = clause.differs("status", done).map_err(|error| self.refused(OPERATION, &error))?;
            }
        }
        let mut orders = self.orders(query.asset.as_deref().unwrap_or_default(), &clause, &[]).await?;
        // `assetnum="X"` may be a pattern or fold case at the server: what is not equal is not ours
        let same = |has: &Option<SafeText>, wanted: &Option<String>| match (has, wanted) {
            (Some(has), Some(wanted)) => has.raw() == wanted,
            (None, _) | (_, None) => true,
        };
        orders
            .items
            .retain(|order| same(&order.assetnum, &query.asset) && same(&order.siteid, &query.site) && (!query.open || order.is_open()));
        Ok(orders)
    }

    /// The orders that carry these references, compared for equality on our side.
    ///
    /// Errors: besides those of any call, [`ErrorKind::Malformed`] where a record carries one of them and cannot be read: it must not pass for absent.
    pub async fn orders_by_reference(&self, references: &[Reference]) -> Result<Vec<WorkOrder>, Error> {
        let mut found = Vec::new();
        for part in references.chunks(VALUES_AT_ONCE) {
            found.extend(self.referenced(part).await?.items);
        }
        Ok(found)
    }

    /// The orders that carry one reference, before one is made: an answer that announces more than it gives proves no absence.
    pub(super) async fn orders_of(&self, reference: &Reference) -> Result<Vec<WorkOrder>, Error> {
        let listing = self.referenced(std::slice::from_ref(reference)).await?;
        if listing.items.is_empty() && !listing.complete {
            let words = "the look-up by reference announces more orders than it gives: whether ours is there cannot be told";
            return Err(Error::new(
                self.transport.endpoint().service,
                OPERATION,
                ErrorKind::Malformed,
                words,
            ));
        }
        Ok(listing.items)
    }

    async fn referenced(&self, part: &[Reference]) -> Result<Listing<WorkOrder>, Error> {
        let wanted: Vec<String> = part.iter().map(Reference::short).collect();
        let clause = match wanted.as_slice() {
            [one] => Where::default().equals("externalrefid", one),
            many => Where::default().any_of("externalrefid", many.iter().map(String::as_str)),
        };
        let clause = clause.map_err(|error| self.refused(OPERATION, &error))?;
        let mut orders = self.orders("by reference", &clause, &wanted).await?;
        orders.items.retain(|order| {
            let id = order.externalrefid.as_ref().map_or("", SafeText::raw);
            wanted.iter().any(|wanted| wanted == id)
        });
        Ok(orders)
    }

    /// One attempt to make a work order from its exact bytes.
    pub(super) async fn post_work_order(&self, reference: &Reference, body: Vec<u8>, attempt: u32) -> Result<Created, Error> {
        let call = self
            .call("createWorkOrder", Method::POST, &self.paths.work_order)
            .object(reference.short())
            .header("transactionid", reference.transaction_id())
            .header("properties", SELECT)
            .body(body);
        let answer = self.transport.write(&call, attempt).await?;
        let located = answer.status == 201 && answer.headers.contains_key(LOCATION);
        if answer.empty {
            return match answer.status {
                201 => Ok(Created::Unnamed { located }),
                _ => Err(self.transport.error(&call, ErrorKind::Malformed, "success without a body")),
            };
        }
        let order = match answer.value {
            Ok(Value::Object(members)) => wire::work_order(&members),
            Ok(_) => Err("the answer is no object".into()),
            Err(words) => return Err(self.transport.error(&call, ErrorKind::Malformed, words)),
        };
        match order {
            Ok(order) if order.externalrefid.as_ref().is_none_or(|id| id.raw() == reference.short()) => Ok(Created::Order(Box::new(order))),
            Ok(_) => Err(self
                .transport
                .error(&call, ErrorKind::Malformed, "the answer speaks of another order")),
            Err(_) if located => Ok(Created::Unnamed { located }),
            Err(words) => Err(self.transport.error(&call, ErrorKind::Malformed, words)),
        }
    }

    /// All pages of a look-up, each order once. A list that shifts meanwhile (the count changes, or fewer orders come than announced) is read again, three times at most.
    async fn orders(&self, object: &str, clause: &Where, wanted: &[String]) -> Result<Listing<WorkOrder>, Error> {
        let mut listing = Listing::whole(Vec::new(), Timestamp::now());
        for _ in 0..SWEEPS {
            let pass = self.sweep(object, clause, wanted).await?;
            listing.skipped = pass.skipped;
            listing.problems = pass.problems;
            if pass.complete {
                listing.items = pass.items;
                listing.complete = true;
                return Ok(listing);
            }
            for order in pass.items {
                if !listing.items.iter().any(|known| same_order(known, &order)) {
                    listing.items.push(order);
                }
            }
            listing.complete = false;
        }
        Ok(listing)
    }

    async fn sweep(&self, object: &str, clause: &Where, wanted: &[String]) -> Result<Listing<WorkOrder>, Error> {
        let mut listing = Listing::whole(Vec::new(), Timestamp::now());
        let mut known: HashSet<(String, String)> = HashSet::new();
        let mut total = None;
        let mut received = 0;
        for page in 1..=PAGES_MAX {
            let structure = Structure {
                operation: OPERATION,
                path: &self.paths.work_order,
                select: SELECT,
                page_size: &self.page_size,
            };
            let (value, call) = self.page(structure, object, clause, page).await?;
            let (count, more) = announced(&value);
            let count = count.or(total);
            // another count than before: rows moved over the seams
            listing.complete &= page == 1 || count == total;
            total = count;
            let records = wire::records(&value, &["member", "rdfs:member"], |members| {
                wire::work_order(members).map_err(|words| {
                    let members = wire::unprefixed(members);
                    let ours = members.get("externalrefid").and_then(Value::as_str);
                    format!(
                        "{}{words}",
                        if ours.is_some_and(|id| wanted.iter().any(|wanted| wanted == id)) {
                            OURS
                        } else {
                            ""
                        }
                    )
                })
            })
            .map_err(|words| self.transport.error(&call, ErrorKind::Malformed, words))?;
            if let Some(ours) = records.problems.iter().find(|problem| problem.raw().starts_with(OURS)) {
                return Err(self.transport.error(&call, ErrorKind::Malformed, ours.clone()));
            }
            let rows = records.received();
            received += rows;
            listing.skipped += records.skipped();
            listing.problems.extend(records.problems.iter().cloned());
            let before = listing.items.len();
            for order in records.items() {
                let site = order.siteid.as_ref().map_or("", SafeText::raw).to_owned();
                if known.insert((site, order.wonum.raw().to_owned())) {
                    listing.items.push(order);
                }
            }
            // only our own page numbers are followed: a server's nextPage may name another host
            let ended = !more && total.is_none_or(|total| received >= total);
            // a page of nothing new: a server that ignores `pageno` would go on for ever
            let stuck = page > 1 && listing.items.len() == before;
            if rows == 0 || ended || stuck {
                listing.problems.truncate(5);
                listing.complete &= total.is_none_or(|total| listing.items.len() + listing.skipped >= total);
                return Ok(listing);
            }
        }
        let words = format!("more than {PAGES_MAX} pages; narrow the look-up by asset");
        Err(Error::new(
            self.transport.endpoint().service,
            OPERATION,
            ErrorKind::Malformed,
            words,
        ))
    }

    /// One page; on the first one a page size that the server refuses is halved, and remembered for the next look-up.
    pub(super) async fn page(&self, of: Structure<'_>, object: &str, clause: &Where, page: usize) -> Result<(Value, Call), Error> {
        let mut size = of.page_size.load(Ordering::Relaxed);
        let mut first_refusal = None;
        loop {
            let mut call = self.call(of.operation, Method::GET, of.path).object(object);
            if !clause.text().is_empty() {
                call = call.query("oslc.where", clause.text());
            }
            call = call
                .query("oslc.select", of.select)
                .query("oslc.pageSize", size.to_string())
                .query("pageno", page.to_string());
            if !self.speaks_api() {
                call = call.query("lean", "1");
            }
            match self.transport.read(&call).await {
                Ok(value) => {
                    if first_refusal.is_some() {
                        of.page_size.store(size, Ordering::Relaxed);
                    }
                    return Ok((value, call));
                }
                // the words for it differ by version and language, so any bad request is tried with less
                Err(error)
                    if page == 1
                        && size > SMALLEST_PAGE
                        && *error.kind() == (ErrorKind::Refused { status: 400 })
                        && !error.words().raw().starts_with("BMXAA9301E") =>
                {
                    size = (size / 2).max(SMALLEST_PAGE);
                    first_refusal.get_or_insert(error);
                }
                Err(error) => return Err(first_refusal.unwrap_or(error)),
            }
        }
    }

    pub(super) fn call(&self, operation: &'static str, method: Method, object: &str) -> Call {
        let path = self.paths.base.split('/').filter(|part| !part.is_empty()).chain([object]);
        self.api_headers(Call::new(operation, method, path))
    }

    fn speaks_api(&self) -> bool {
        self.paths.base.split('/').any(|part| part == "api")
    }

    /// IBM's `/maximo/api` wants `lean=1` on every call and writes links with the name in this header.
    pub(super) fn api_headers(&self, call: Call) -> Call {
        if !self.speaks_api() {
            return call;
        }
        let base = self.transport.endpoint().base.as_str().trim_end_matches('/');
        let public = format!("{base}{}", self.paths.base);
        call.query("lean", "1").header("x-public-uri", public)
    }

    pub(super) fn refused(&self, operation: &'static str, error: &super::WhereError) -> Error {
        let kind = ErrorKind::Refused { status: 400 };
        Error::new(self.transport.endpoint().service, operation, kind, error.to_string()).never_asked()
    }
}

impl std::fmt::Debug for ManageClient {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("ManageClient").field(&self.endpoint().origin()).finish()
    }
}

/// The count that a page announces, and whether it names a next one.
pub(super) fn announced(page: &Value) -> (Option<usize>, bool) {
    let info = ["responseInfo", "oslc:responseInfo"].iter().find_map(|name| page.get(name));
    let info = info.and_then(Value::as_object).map(wire::unprefixed).unwrap_or_default();
    let count = info
        .get("totalCount")
        .and_then(|count| count.as_u64().or_else(|| count.as_str()?.trim().parse().ok()));
    let more = info.get("nextPage").is_some_and(|next| !next.is_null());
    (count.and_then(|count| usize::try_from(count).ok()), more)
}

fn same_order(one: &WorkOrder, other: &WorkOrder) -> bool {
    one.wonum == other.wonum && one.siteid == other.siteid
}
