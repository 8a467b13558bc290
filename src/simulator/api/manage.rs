//! Manage's work orders and assets in OSLC's JSON.

use serde_json::{Map, Value, json};

use super::Answer;
use super::call::{Call, Shared, lock};
use crate::domain::hex;
use crate::simulator::world::{Caller, Clause, Refusal};

type Record = Map<String, Value>;

/// Whether names go without their prefixes: `lean=1`, or the installation's default.
pub(super) fn is_lean(shared: &Shared, call: &Call) -> bool {
    match call.query("lean") {
        Some(word) => word == "1" || word == "true",
        None => shared.config.lean_by_default,
    }
}

/// Where hrefs say that this server is.
fn href_base(shared: &Shared, call: &Call) -> String {
    let own = shared.config.href_base.as_deref().or_else(|| call.header("x-public-uri"));
    own.unwrap_or(&shared.base).trim_end_matches('/').to_owned()
}

/// `/maximo/oslc/os/mxwo` of a call to it or to one of its records.
fn collection(call: &Call) -> &str {
    match call.param("restId") {
        "" => &call.path,
        _ => call.path.rsplit_once('/').map_or(call.path.as_str(), |(collection, _)| collection),
    }
}

fn href(shared: &Shared, call: &Call, number: &str, record: &Record) -> String {
    let text = |field: &str| record.get(field).and_then(Value::as_str).unwrap_or_default();
    let id = format!("{}/{}", text("siteid"), text(number));
    format!("{}{}/_{}", href_base(shared, call), collection(call), hex(id.as_bytes()))
}

/// Site and number behind a record's id.
fn identity(call: &Call) -> Option<(String, String)> {
    let digits = call.param("restId").strip_prefix('_')?;
    let bytes = (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok())
        .collect::<Option<Vec<u8>>>()?;
    let text = String::from_utf8(bytes).ok()?;
    let (site, number) = text.split_once('/')?;
    Some((site.to_owned(), number.to_owned()))
}

/// The fields that were asked for, and the href always; without a list, the href alone, as IBM has it.
fn selected(record: &Record, href: &str, fields: Option<&str>, lean: bool) -> Value {
    let mut out = Record::new();
    let name = |field: &str| match (lean, field) {
        (true, _) | (false, "_rowstamp") => field.to_owned(),
        (false, _) => format!("spi:{field}"),
    };
    let fields: Vec<&str> = fields
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .map(|field| field.strip_prefix("spi:").unwrap_or(field))
        .collect();
    let all = fields.contains(&"*");
    for (field, value) in record {
        if !field.starts_with("_seeded") && !value.is_null() && (all || fields.contains(&field.as_str())) {
            out.insert(name(field), value.clone());
        }
    }
    out.insert(if lean { "href".into() } else { "rdf:about".into() }, json!(href));
    Value::Object(out)
}

fn page(shared: &Shared, call: &Call, number: &str, found: &[Record]) -> Result<Answer, Refusal> {
    let lean = is_lean(shared, call);
    let size = call.number("oslc.pageSize", 100.min(shared.config.manage_page_max), 1)?;
    if size > shared.config.manage_page_max {
        let message = format!(
            "BMXAA8745E - The page size {size} is above the limit of {}.",
            shared.config.manage_page_max
        );
        return Err(Refusal::new(400, "BMXAA8745E", message));
    }
    let number_of_page = call.number("pageno", 1, 1)?;
    let skipped = (number_of_page - 1).saturating_mul(size);
    let fields = call.query("oslc.select");
    let member: Vec<Value> = found
        .iter()
        .skip(skipped)
        .take(size)
        .map(|record| selected(record, &href(shared, call, number, record), fields, lean))
        .collect();
    let mut info = json!({ "totalCount": found.len(), "pagenum": number_of_page });
    if skipped.saturating_add(size) < found.len() {
        let others = url::form_urlencoded::parse(call.raw_query.as_bytes()).filter(|(name, _)| name != "pageno");
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(others)
            .append_pair("pageno", &(number_of_page + 1).to_string())
            .finish();
        let next = format!("{}{}?{query}", href_base(shared, call), call.path);
        if let Some(info) = info.as_object_mut() {
            info.insert("nextPage".into(), json!({ "href": next }));
        }
    }
    if lean {
        return Ok(Answer::json(200, &json!({ "member": member, "responseInfo": info })));
    }
    let mut prefixed = json!({ "oslc:totalCount": found.len(), "pagenum": number_of_page });
    if let (Some(next), Some(members)) = (info.pointer("/nextPage/href"), prefixed.as_object_mut()) {
        members.insert("oslc:nextPage".into(), json!({ "rdf:resource": next }));
    }
    Ok(Answer::json(200, &json!({ "rdfs:member": member, "oslc:responseInfo": prefixed })))
}

/// A body's fields; a prefix `spi:` is taken off.
fn fields(call: &Call) -> Result<Record, Refusal> {
    let given = call
        .object()
        .map_err(|refusal| Refusal::new(400, "BMXAA8727E", format!("BMXAA8727E - {}", refusal.message)))?;
    let bare = |(name, value): (String, Value)| (name.strip_prefix("spi:").map_or(name.clone(), str::to_owned), value);
    Ok(given
        .into_iter()
        .map(bare)
        .filter(|(name, _)| !name.starts_with('_') && name != "href")
        .collect())
}

/// An answer with the fields that the header `properties` asks for, or empty.
fn made(shared: &Shared, call: &Call, status: u16, number: &str, record: &Record) -> Answer {
    let href = href(shared, call, number, record);
    let answer = match call.header("properties") {
        Some(wanted) => Answer::json(status, &selected(record, &href, Some(wanted), is_lean(shared, call))),
        None => Answer::empty(status),
    };
    answer.with_header("location", href)
}

fn clause(call: &Call) -> Result<Clause, Refusal> {
    Clause::parse(call.query("oslc.where").unwrap_or_default())
}

fn missing(what: &str) -> Refusal {
    Refusal::new(404, "BMXAA0024E", format!("BMXAA0024E - The {what} does not exist."))
}

pub(super) fn find_orders(shared: &Shared, call: &Call) -> Result<Answer, Refusal> {
    let found = lock(&shared.world).orders(&clause(call)?);
    page(shared, call, "wonum", &found)
}

pub(super) fn get_order(shared: &Shared, call: &Call) -> Result<Answer, Refusal> {
    let (site, wonum) = identity(call).ok_or_else(|| missing("work order"))?;
    let order = lock(&shared.world)
        .order(&site, &wonum)
        .cloned()
        .ok_or_else(|| missing("work order"))?;
    let fields = call.query("oslc.select").or(Some("*"));
    Ok(Answer::json(
        200,
        &selected(&order, &href(shared, call, "wonum", &order), fields, is_lean(shared, call)),
    ))
}

pub(super) fn create_order(shared: &Shared, call: &Call) -> Result<Answer, Refusal> {
    let caller = Caller {
        key: call.key,
        transaction: call.header("transactionid"),
    };
    let order = lock(&shared.world).create_order(fields(call)?, &caller, call.now)?;
    Ok(made(shared, call, shared.config.created_status, "wonum", &order))
}

pub(super) fn find_assets(shared: &Shared, call: &Call) -> Result<Answer, Refusal> {
    let found = lock(&shared.world).assets(&clause(call)?);
    page(shared, call, "assetnum", &found)
}

pub(super) fn get_asset(shared: &Shared, call: &Call) -> Result<Answer, Refusal> {
    let (site, number) = identity(call).ok_or_else(|| missing("asset"))?;
    let asset = lock(&shared.world).asset(&site, &number).ok_or_else(|| missing("asset"))?;
    let fields = call.query("oslc.select").or(Some("*"));
    Ok(Answer::json(
        200,
        &selected(&asset, &href(shared, call, "assetnum", &asset), fields, is_lean(shared, call)),
    ))
}

pub(super) fn create_asset(shared: &Shared, call: &Call) -> Result<Answer, Refusal> {
    let asset = lock(&shared.world).create_asset(fields(call)?, call.key, call.now)?;
    Ok(made(shared, call, 201, "assetnum", &asset))
}

pub(super) fn update_asset(shared: &Shared, call: &Call) -> Result<Answer, Refusal> {
    if call
        .header("x-method-override")
        .is_none_or(|word| !word.eq_ignore_ascii_case("PATCH"))
    {
        return Err(Refusal::new(
            400,
            "BMXAA8754E",
            "BMXAA8754E - A change needs the header x-method-override: PATCH.",
        ));
    }
    let (site, number) = identity(call).ok_or_else(|| missing("asset"))?;
    let rowstamp = call.header("if-match").map(|stamp| stamp.trim_matches('"'));
    let asset = lock(&shared.world).update_asset((&site, &number), fields(call)?, rowstamp, call.key, call.now)?;
    Ok(match call.header("properties") {
        Some(_) => made(shared, call, 200, "assetnum", &asset),
        None => Answer::empty(204),
    })
}
