//! Manage's assets.

use reqwest::Method;
use serde_json::{Value, json};

use super::call::Call;
use super::href::own_path;
use super::where_clause::Where;
use super::{Error, ErrorKind, ManageClient, wire};

/// An asset, as far as the bridge needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    /// Its number.
    pub assetnum: String,
    /// Its site.
    pub siteid: String,
    /// OPERATING, INACTIVE or a site's own.
    pub status: Option<String>,
    /// The path for updates below the configured address, checked.
    href: Vec<String>,
}

impl Asset {
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
