//! The entries of the fuzz targets in `fuzz/`: what a server's bytes meet first, each with what must hold whatever they are.
//! Compiled only with `--cfg fuzzing`, which cargo-fuzz sets. A broken promise panics.
#![allow(clippy::panic, reason = "a fuzz target reports by panicking")]

use jiff::Timestamp;
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::{Map, Value};
use std::time::Duration;
use url::Url;

use super::call::Call;
use super::failure::{of_status, retry_after};
use super::href::own_path;
use super::where_clause::Where;
use super::{token, wire};
use crate::domain::SafeText;

/// Monitor's answers: lists of alerts, devices and readings, single objects, and error bodies of any kind.
pub fn monitor_answer(body: &[u8]) {
    let Some(value) = whole(body) else { return };
    let results = ["results", "alerts", "devices"];
    if let Some(records) = list(&value, &results, wire::alert) {
        for alert in records.items() {
            assert!(!alert.id.raw().is_empty());
            safe(&alert.name);
            for text in [
                &alert.message,
                &alert.notes,
                &alert.resolution,
                &alert.acknowledged_by,
                &alert.root_cause,
            ] {
                text.iter().for_each(safe);
            }
            let _ = format!("{alert:?}");
        }
    }
    if let Some(records) = list(&value, &results, |members| wire::device(members, None)) {
        for device in records.items() {
            assert!(!device.id.raw().is_empty());
            device.location.iter().for_each(safe);
        }
    }
    if let Some(records) = list(&value, &["data", "results"], wire::reading) {
        for reading in records.items() {
            reading.values.keys().for_each(safe);
            for value in reading.values.values() {
                assert!(value.as_number().is_none_or(f64::is_finite));
            }
        }
    }
    if let Value::Object(members) = &value {
        let _ = (wire::alert(members), wire::device(members, None), wire::reading(members));
    }
}

/// Manage's answers: lists and single work orders, lean or prefixed, and the links in them.
pub fn manage_answer(body: &[u8]) {
    let Some(value) = whole(body) else { return };
    let names = ["member", "rdfs:member"];
    if let Some(records) = list(&value, &names, wire::work_order) {
        for order in records.items() {
            assert!(!order.wonum.raw().is_empty());
            safe(&order.status);
            safe(&order.description);
            let _ = (order.is_open(), format!("{order:?}"));
        }
    }
    if let Some(records) = list(&value, &names, |members| Ok(wire::unprefixed(members))) {
        for member in records.items() {
            for href in member.values().filter_map(Value::as_str) {
                link(href);
            }
        }
    }
}

/// The token endpoint's answer, and what a header may hold.
pub fn token_answer(body: &[u8]) {
    if let Some((bearer, life)) = token::parse(body) {
        let header = reqwest::header::HeaderValue::from_str(&format!("Bearer {}", bearer.expose_secret()));
        assert!(header.is_ok(), "a token that no header can hold");
        assert!(!life.is_zero());
    }
    let text = String::from_utf8_lossy(body);
    let now = Timestamp::UNIX_EPOCH
        .checked_add(jiff::SignedDuration::from_hours(490_000))
        .unwrap_or_default();
    assert!(retry_after(&text, now).is_none_or(|wait| wait <= Duration::from_secs(900)));
    for status in [100, 304, 400, 401, 404, 409, 412, 429, 500, 503, 599, 999] {
        let _ = of_status(status, retry_after(&text, now));
    }
    link(&text);
}

/// A value on its way into a condition, a path, a query and a header.
pub fn where_clause(value: &str) {
    let Ok(base) = "https://manage.example:9443/prefix".parse::<Url>() else {
        return;
    };
    let clause = Where::default()
        .equals("assetnum", value)
        .and_then(|clause| clause.any_of("status", [value, "APPR"]));
    let text = clause.as_ref().map(Where::text);
    if let Ok(text) = &text {
        let inside = text.strip_prefix("assetnum=\"").and_then(|rest| rest.strip_suffix("\",\"APPR\"]"));
        let (first, second) = inside
            .and_then(|inside| inside.split_once("\" and status in [\""))
            .unwrap_or_default();
        assert_eq!((first, second), (value, value), "{text}");
        assert!(!value.contains(['"', '\'', '\\', '%', '*', '[', ']', '<', '>', '=']) && !value.chars().any(char::is_control));
    }
    let query = text.unwrap_or_else(|_| value.to_owned());
    let call = Call::new("findWorkOrders", Method::GET, ["maximo", value]).query("oslc.where", query.clone());
    let Ok(url) = call.url(&base) else {
        assert!(matches!(value, "" | "." | ".."), "{value:?} is no segment");
        return;
    };
    let again: Url = url.as_str().parse().unwrap_or_else(|error| panic!("{url}: {error}"));
    assert_eq!(again, url);
    assert_eq!(url.origin(), base.origin());
    assert!(url.fragment().is_none() && url.username().is_empty());
    let segments: Vec<_> = url.path_segments().into_iter().flatten().collect();
    assert_eq!(segments.len(), 3, "{url}");
    let decoded = percent_encoding::percent_decode_str(segments.last().unwrap_or(&"")).decode_utf8_lossy();
    assert_eq!(decoded, value);
    let pairs: Vec<_> = url.query_pairs().collect();
    assert!(
        pairs.len() == 1 && pairs.iter().all(|(name, value)| name == "oslc.where" && *value == query),
        "{url}"
    );
    if let Ok(header) = reqwest::header::HeaderValue::from_str(value) {
        assert!(!header.as_bytes().iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)));
    }
}

/// The value of a body, if it has one; what is whole for strict JSON is taken as it is, and half of a document is none.
fn whole(body: &[u8]) -> Option<Value> {
    safe(&wire::error_words(body, 500, &["canary-key"]));
    let value = wire::json(body);
    if let Ok(strict) = serde_json::from_slice::<Value>(body) {
        assert_eq!(value.as_ref(), Ok(&strict));
        if body.first() == Some(&b'{') || body.first() == Some(&b'[') {
            let end = body.trim_ascii_end().len();
            let cut = usize::from(*body.get(end / 2).unwrap_or(&0)) % end.max(1);
            assert!(
                wire::json(body.get(..cut).unwrap_or_default()).is_err(),
                "cut at {cut} it is still an answer"
            );
        }
    }
    value.ok()
}

fn list<T>(value: &Value, names: &[&str], convert: impl Fn(&Map<String, Value>) -> Result<T, String>) -> Option<wire::Records<T>> {
    let records = wire::records(value, names, convert).ok()?;
    assert!(records.skipped() <= records.received() && records.problems.len() <= 5);
    records.problems.iter().for_each(safe);
    Some(records)
}

/// A link leads below the configured place or nowhere.
fn link(href: &str) {
    let below = ["maximo", "oslc", "os", "mxasset"].map(str::to_owned);
    let Ok(base) = "https://manage.example:9443/prefix".parse::<Url>() else {
        return;
    };
    let Some(path) = own_path(&base, &below, href) else { return };
    if let Ok(url) = Call::new("updateAsset", Method::POST, path.iter().map(String::as_str)).url(&base) {
        assert_eq!(url.origin(), base.origin());
        assert!(url.path().starts_with("/prefix/maximo/oslc/os/mxasset/"), "{href} led to {url}");
        assert_eq!(url.path_segments().map(Iterator::count), Some(6), "{href} led to {url}");
    }
}

fn safe(text: &SafeText) {
    assert!(!text.shown().chars().any(char::is_control), "{:?}", text.shown());
}
