//! Manage: work orders and assets, over OSLC in lean JSON.

use reqwest::Method;
use reqwest::header::LOCATION;
use serde_json::{Map, Value, json};
use url::Url;

use super::transport::{Answer, Call, Transport};
use super::where_clause::Where;
use super::{Endpoint, Error, ErrorKind, Telemetry, wire};
use crate::domain::{Reference, WorkOrder};

/// Fields of a work order that we read.
const SELECT: &str = "wonum,siteid,status,status_maxvalue,description,assetnum,wopriority,lead,externalrefid,reportdate";
/// Rows per page; halved when a server refuses it.
const PAGE_SIZE: usize = 100;
/// Pages of one look-up.
const PAGES_MAX: usize = 200;
/// Values in one `in [..]`.
const VALUES_AT_ONCE: usize = 20;

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
    transport: Transport,
    paths: std::sync::Arc<ManagePaths>,
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

/// An asset, as far as the bridge needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    /// Its number.
    pub assetnum: String,
    /// OPERATING, INACTIVE or a site's own.
    pub status: Option<String>,
    /// The address for updates, checked to be on the configured host.
    href: Vec<String>,
}

impl ManageClient {
    /// A client for one endpoint. Refuses addresses that are not `https`.
    pub fn new(endpoint: Endpoint, paths: ManagePaths, telemetry: Telemetry) -> Result<Self, Error> {
        Ok(Self {
            transport: Transport::new(endpoint, telemetry)?,
            paths: std::sync::Arc::new(paths),
        })
    }

    /// The same client for a person who waits.
    #[must_use]
    pub fn interactive(&self) -> Self {
        Self {
            transport: self.transport.interactive(),
            paths: std::sync::Arc::clone(&self.paths),
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

    /// The orders of the query.
    pub async fn find_work_orders(&self, query: &WorkOrderQuery) -> Result<Vec<WorkOrder>, Error> {
        let mut clause = Where::default();
        for (field, value) in [("assetnum", &query.asset), ("siteid", &query.site)] {
            if let Some(value) = value {
                clause = clause
                    .equals(field, value)
                    .map_err(|error| self.refused("findWorkOrders", &error))?;
            }
        }
        let mut orders = self
            .orders("findWorkOrders", query.asset.as_deref().unwrap_or_default(), &clause)
            .await?;
        // `assetnum="X"` may be a pattern or fold case at the server: what is not equal is not ours
        orders.retain(|order| {
            query
                .asset
                .as_ref()
                .is_none_or(|asset| order.assetnum.as_ref().is_none_or(|has| has.raw() == asset))
                && query
                    .site
                    .as_ref()
                    .is_none_or(|site| order.siteid.as_ref().is_none_or(|has| has.raw() == site))
                && (!query.open || order.is_open())
        });
        Ok(orders)
    }

    /// The orders that carry these references, compared for equality on our side.
    pub async fn orders_by_reference(&self, references: &[Reference]) -> Result<Vec<WorkOrder>, Error> {
        let mut found = Vec::new();
        for part in references.chunks(VALUES_AT_ONCE) {
            let wanted: Vec<String> = part.iter().map(Reference::short).collect();
            let clause = match wanted.as_slice() {
                [one] => Where::default().equals("externalrefid", one),
                many => Where::default().any_of("externalrefid", many.iter().map(String::as_str)),
            };
            let clause = clause.map_err(|error| self.refused("findWorkOrders", &error))?;
            let orders = self.orders("findWorkOrders", "by reference", &clause).await?;
            found.extend(orders.into_iter().filter(|order| {
                order
                    .externalrefid
                    .as_ref()
                    .is_some_and(|id| wanted.iter().any(|wanted| wanted == id.raw()))
            }));
        }
        Ok(found)
    }

    /// One attempt to make a work order from its exact bytes. `None` where the server confirmed it without saying its number.
    pub(super) async fn post_work_order(&self, reference: &Reference, body: Vec<u8>, attempt: u32) -> Result<Option<WorkOrder>, Error> {
        let call = self
            .call("createWorkOrder", Method::POST, &self.paths.work_order, &[])
            .object(reference.short())
            .header("transactionid", reference.transaction_id())
            .header("properties", SELECT)
            .body(body);
        let answer = self.transport.once(&call, attempt).await?;
        if answer.body.iter().all(u8::is_ascii_whitespace) {
            return if answer.status == 201 {
                Ok(None)
            } else {
                Err(self
                    .transport
                    .error(&call, ErrorKind::Malformed, "success without a body or a Location"))
            };
        }
        match wire::json(&answer.body) {
            Ok(Value::Object(members)) => match wire::work_order(&members) {
                Ok(order) => Ok(Some(order)),
                // a status missing from the answer is no reason to doubt a 201
                Err(_) if answer.status == 201 && answer.headers.contains_key(LOCATION) => Ok(None),
                Err(words) => Err(self.transport.error(&call, ErrorKind::Malformed, words)),
            },
            Ok(_) => Err(self.transport.error(&call, ErrorKind::Malformed, "the answer is no object")),
            Err(words) => Err(self.transport.error(&call, ErrorKind::Malformed, words)),
        }
    }

    /// The asset of a number at a site, if there is one.
    pub async fn find_asset(&self, assetnum: &str, site: &str) -> Result<Option<Asset>, Error> {
        let clause = Where::default()
            .equals("assetnum", assetnum)
            .and_then(|clause| clause.equals("siteid", site))
            .map_err(|error| self.refused("findAsset", &error))?;
        let call = self.call("findAsset", Method::GET, &self.paths.asset, &[]).object(assetnum);
        let call = call
            .query("oslc.where", clause.text())
            .query("oslc.select", "assetnum,siteid,status")
            .query("lean", "1");
        let answer = self.transport.read(&call).await?;
        let members = self.members(&call, &answer)?;
        Ok(members.into_iter().find_map(|member| {
            let text = |name: &str| member.get(name).and_then(Value::as_str).map(str::to_owned);
            let number = text("assetnum").filter(|number| number == assetnum)?;
            Some(Asset {
                assetnum: number,
                status: text("status"),
                href: self.own_path(&text("href")?)?,
            })
        }))
    }

    /// Makes an asset; a single attempt.
    pub async fn create_asset(&self, assetnum: &str, site: &str, description: &str, status: &str) -> Result<(), Error> {
        let body = json!({ "assetnum": assetnum, "description": description, "siteid": site, "status": status });
        let call = self
            .call("createAsset", Method::POST, &self.paths.asset, &[])
            .object(assetnum)
            .body(body.to_string().into_bytes());
        self.transport.once(&call, 1).await.map(drop)
    }

    /// Sets an asset's status; a single attempt.
    pub async fn update_asset(&self, asset: &Asset, status: &str) -> Result<(), Error> {
        let mut call = Call::new("updateAsset", Method::POST, asset.href.iter().map(String::as_str)).object(asset.assetnum.clone());
        call = self
            .api_headers(call)
            .header("x-method-override", "PATCH")
            .header("patchtype", "MERGE");
        let call = call.body(json!({ "status": status }).to_string().into_bytes());
        self.transport.once(&call, 1).await.map(drop)
    }

    async fn orders(&self, operation: &'static str, object: &str, clause: &Where) -> Result<Vec<WorkOrder>, Error> {
        let mut orders: Vec<WorkOrder> = Vec::new();
        let mut page_size = PAGE_SIZE;
        let mut page = 1;
        while page <= PAGES_MAX {
            let mut call = self.call(operation, Method::GET, &self.paths.work_order, &[]).object(object);
            if !clause.text().is_empty() {
                call = call.query("oslc.where", clause.text());
            }
            // only our own page numbers are followed: a server's nextPage may name another host
            call = call
                .query("oslc.select", SELECT)
                .query("oslc.pageSize", page_size.to_string())
                .query("pageno", page.to_string())
                .query("lean", "1");
            let answer = match self.transport.read(&call).await {
                Err(error)
                    if page == 1
                        && page_size > 1
                        && matches!(error.kind(), ErrorKind::Refused { status: 400 })
                        && speaks_of_size(&error) =>
                {
                    page_size /= 2;
                    continue;
                }
                other => other?,
            };
            let more = wire::json(&answer.body).is_ok_and(|value| {
                let info = value.get("responseInfo").or_else(|| value.get("oslc:responseInfo"));
                info.and_then(|info| info.get("nextPage").or_else(|| info.get("oslc:nextPage")))
                    .is_some_and(|next| !next.is_null())
            });
            let members = self.members(&call, &answer)?;
            let received = members.len();
            for member in members {
                let order = wire::work_order(&member).map_err(|words| self.transport.error(&call, ErrorKind::Malformed, words))?;
                if !orders
                    .iter()
                    .any(|known| known.wonum == order.wonum && known.siteid == order.siteid)
                {
                    orders.push(order);
                }
            }
            if !more || received == 0 {
                return Ok(orders);
            }
            page += 1;
        }
        Err(Error::new(
            self.transport.endpoint().service,
            operation,
            ErrorKind::Malformed,
            format!("more than {PAGES_MAX} pages; narrow the look-up by asset"),
        ))
    }

    fn members(&self, call: &Call, answer: &Answer) -> Result<Vec<Map<String, Value>>, Error> {
        let malformed = |words: String| self.transport.error(call, ErrorKind::Malformed, words);
        let value = wire::json(&answer.body).map_err(malformed)?;
        let records = wire::records(&value, &["member", "rdfs:member"], |members| Ok(wire::unprefixed(members)));
        Ok(records
            .map_err(|words| self.transport.error(call, ErrorKind::Malformed, words))?
            .items)
    }

    fn call(&self, operation: &'static str, method: Method, object: &str, rest: &[&str]) -> Call {
        let path = self
            .paths
            .base
            .split('/')
            .filter(|part| !part.is_empty())
            .chain([object])
            .chain(rest.iter().copied());
        self.api_headers(Call::new(operation, method, path))
    }

    /// IBM's `/maximo/api` writes links with the name in this header.
    fn api_headers(&self, call: Call) -> Call {
        if self.paths.base.contains("/api") {
            let public = format!(
                "{}{}",
                self.transport.endpoint().base.as_str().trim_end_matches('/'),
                self.paths.base
            );
            call.header("x-public-uri", public)
        } else {
            call
        }
    }

    /// The path of a server-given link, where it leads to the configured place; a link to another host keeps only its last segment.
    fn own_path(&self, href: &str) -> Option<Vec<String>> {
        let ours = &self.transport.endpoint().base;
        let link = ours.join(href).ok()?;
        let decode = |segment: &str| {
            percent_encoding::percent_decode_str(segment)
                .decode_utf8()
                .ok()
                .map(std::borrow::Cow::into_owned)
        };
        let prefix: Vec<String> = self
            .paths
            .base
            .split('/')
            .filter(|part| !part.is_empty())
            .chain([self.paths.asset.as_str()])
            .map(str::to_owned)
            .collect();
        let id = link.path_segments()?.rfind(|segment| !segment.is_empty()).and_then(decode)?;
        let same_place = same_origin(&link, ours) && {
            let path: Option<Vec<String>> = link.path_segments()?.filter(|segment| !segment.is_empty()).map(decode).collect();
            let inside: Vec<String> = ours
                .path_segments()?
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .chain(prefix.iter().cloned())
                .collect();
            path.is_some_and(|path| path.len() == inside.len() + 1 && path.starts_with(&inside))
        };
        if !same_place {
            tracing::warn!(link = %crate::domain::SafeText::new(href), "Manage gave a link to another place; it is rebuilt from its id");
        }
        (id != *self.paths.asset).then(|| prefix.into_iter().chain([id]).collect())
    }

    fn refused(&self, operation: &'static str, error: &super::WhereError) -> Error {
        Error::new(
            self.transport.endpoint().service,
            operation,
            ErrorKind::Refused { status: 400 },
            error.to_string(),
        )
    }
}

impl std::fmt::Debug for ManageClient {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("ManageClient").field(&self.endpoint().origin()).finish()
    }
}

fn same_origin(one: &Url, other: &Url) -> bool {
    one.origin() == other.origin()
}

fn speaks_of_size(error: &Error) -> bool {
    let words = error.words().shown().to_lowercase();
    words.contains("pagesize") || words.contains("page size")
}
