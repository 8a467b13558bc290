//! Manage's assets.

use std::collections::HashSet;

use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::call::Call;
use super::href::own_path;
use super::manage::{Structure, announced};
use super::where_clause::Where;
use super::{Error, ErrorKind, ManageClient, wire};
use crate::domain::Listing;

const LIST: &str = "findAsset";
/// Rows asked for per page; halved when a server refuses it.
pub(super) const PAGE_SIZE: usize = 500;
/// Pages of one list: a million assets.
const PAGES_MAX: usize = 2_000;

/// An asset, as far as the bridge needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    /// Its number.
    pub assetnum: String,
    /// Its site.
    pub siteid: String,
    /// OPERATING, INACTIVE or a site's own.
    pub status: Option<String>,
    /// The path for updates below the configured address, checked; empty where the server gave none.
    href: Vec<String>,
}

impl Asset {
    /// Whether an asset's number can stand in a look-up.
    pub fn can_be_looked_up(number: &str) -> bool {
        Where::default().equals("assetnum", number).is_ok()
    }

    #[cfg(test)]
    pub(crate) fn known(assetnum: &str, siteid: &str, status: Option<&str>) -> Self {
        Self {
            assetnum: assetnum.to_owned(),
            siteid: siteid.to_owned(),
            status: status.map(str::to_owned),
            href: Vec::new(),
        }
    }

    /// Whether it has this status, in whatever case.
    pub fn has_status(&self, status: &str) -> bool {
        self.status.as_deref().is_some_and(|now| now.eq_ignore_ascii_case(status))
    }
}

impl ManageClient {
    /// The asset of a number at a site, if there is one.
    pub async fn find_asset(&self, assetnum: &str, site: &str) -> Result<Option<Asset>, Error> {
        let clause = Where::default()
            .equals("assetnum", assetnum)
            .and_then(|clause| clause.equals("siteid", site))
            .map_err(|error| self.refused("findAsset", &error))?;
        let mut call = self
            .call("findAsset", Method::GET, &self.paths.asset)
            .object(assetnum)
            .query("oslc.where", clause.text())
            .query("oslc.select", "assetnum,siteid,status");
        if call.query.iter().all(|(name, _)| *name != "lean") {
            call = call.query("lean", "1");
        }
        let value = self.transport.read(&call).await?;
        let malformed = |words: String| self.transport.error(&call, ErrorKind::Malformed, words);
        let records = wire::records(&value, &["member", "rdfs:member"], |members| Ok(wire::unprefixed(members))).map_err(malformed)?;
        // compared on our side: `=` may be a pattern at the server
        let found = records.items().find(|member| {
            let is = |name: &str, wanted: &str| member.get(name).and_then(Value::as_str).is_none_or(|has| has == wanted);
            member.get("assetnum").and_then(Value::as_str) == Some(assetnum) && is("siteid", site)
        });
        let Some(member) = found else { return Ok(None) };
        let text = |name: &str| member.get(name).and_then(Value::as_str);
        // not `None`: that would have it made a second time
        let href = text("href").or_else(|| text("about")).and_then(|href| self.own_path(href));
        Ok(Some(Asset {
            assetnum: assetnum.to_owned(),
            siteid: site.to_owned(),
            status: text("status").map(str::to_owned),
            href: href.ok_or_else(|| malformed("an asset without a usable `href`".into()))?,
        }))
    }

    /// The assets of a site whose number is wanted, page by page: memory holds those and one page. A list that shifts meanwhile may
    /// lack one: whoever then means to make it looks for it first.
    pub async fn assets(&self, site: &str, wanted: &(dyn Fn(&str) -> bool + Send + Sync)) -> Result<Listing<Asset>, Error> {
        let clause = Where::default()
            .equals("siteid", site)
            .map_err(|error| self.refused(LIST, &error))?;
        let structure = Structure {
            operation: LIST,
            path: &self.paths.asset,
            select: "assetnum,siteid,status",
            page_size: &self.asset_page_size,
        };
        let mut listing = Listing::whole(Vec::new(), Timestamp::now());
        let mut known: HashSet<String> = HashSet::new();
        let mut received = 0;
        for page in 1..=PAGES_MAX {
            let (value, call) = self.page(structure, site, &clause, page).await?;
            let (total, more) = announced(&value);
            let records = wire::records(&value, &["member", "rdfs:member"], |members| self.asset(&wire::unprefixed(members)))
                .map_err(|words| self.transport.error(&call, ErrorKind::Malformed, words))?;
            let rows = records.received();
            received += rows;
            listing.skipped += records.skipped();
            listing.problems.extend(records.problems.iter().cloned());
            listing.problems.truncate(5);
            let mut news = false;
            for asset in records.items() {
                if known.insert(asset.assetnum.clone()) {
                    news = true;
                    // compared on our side: `=` may be a pattern at the server
                    if asset.siteid == site && wanted(&asset.assetnum) {
                        listing.items.push(asset);
                    }
                }
            }
            let ended = !more && total.is_none_or(|total| received >= total);
            // a page of nothing new: a server that ignores `pageno` would go on for ever
            if rows == 0 || ended || !news {
                listing.complete = total.is_none_or(|total| known.len() + listing.skipped >= total);
                return Ok(listing);
            }
        }
        let words = format!("more than {PAGES_MAX} pages of assets");
        Err(Error::new(self.transport.endpoint().service, LIST, ErrorKind::Malformed, words))
    }

    fn asset(&self, members: &Map<String, Value>) -> Result<Asset, String> {
        let text = |name: &str| members.get(name).and_then(Value::as_str).map(str::to_owned);
        let href = text("href").or_else(|| text("about")).and_then(|href| self.own_path(&href));
        Ok(Asset {
            assetnum: text("assetnum").ok_or("an asset without `assetnum`")?,
            siteid: text("siteid").ok_or("an asset without `siteid`")?,
            status: text("status"),
            href: href.unwrap_or_default(),
        })
    }

    /// Makes an asset; a single attempt.
    pub async fn create_asset(&self, assetnum: &str, site: &str, description: &str, status: &str) -> Result<(), Error> {
        let body = json!({ "assetnum": assetnum, "description": description, "siteid": site, "status": status });
        let call = self
            .call("createAsset", Method::POST, &self.paths.asset)
            .object(assetnum)
            .body(body.to_string().into_bytes());
        self.transport.write(&call, 1).await.map(drop)
    }

    /// Sets an asset's status; a single attempt, read back: servers confirm changes that they did not carry out.
    pub async fn update_asset(&self, asset: &Asset, status: &str) -> Result<(), Error> {
        if asset.href.is_empty() {
            let kind = ErrorKind::Malformed;
            return Err(Error::new(
                self.transport.endpoint().service,
                "updateAsset",
                kind,
                "an asset without a usable `href`",
            ));
        }
        let call = Call::new("updateAsset", Method::POST, asset.href.iter().map(String::as_str)).object(asset.assetnum.clone());
        let call = self
            .api_headers(call)
            .header("x-method-override", "PATCH")
            .header("patchtype", "MERGE")
            .body(json!({ "status": status }).to_string().into_bytes());
        let answer = self.transport.write(&call, 1).await?;
        match self.find_asset(&asset.assetnum, &asset.siteid).await? {
            Some(now) if now.status.as_deref().is_none_or(|now| now.eq_ignore_ascii_case(status)) => Ok(()),
            now => {
                let now = now.and_then(|now| now.status).unwrap_or_else(|| "gone".into());
                let words = format!(
                    "it was confirmed, but {} is {now} and not {status}: see its status rules in Manage",
                    asset.assetnum
                );
                let kind = ErrorKind::Refused { status: answer.status };
                Err(self.transport.error(&call, kind, words).with_status(answer.status))
            }
        }
    }

    /// The path of a server-given link to an asset, below the configured address.
    fn own_path(&self, href: &str) -> Option<Vec<String>> {
        let parts = self.paths.base.split('/').filter(|part| !part.is_empty());
        let below: Vec<String> = parts.chain([self.paths.asset.as_str()]).map(str::to_owned).collect();
        own_path(&self.transport.endpoint().base, &below, href)
    }
}
