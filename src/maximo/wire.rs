//! JSON as servers really send it, into our own types: leniently a record at a time, so that one that does not fit
//! is counted and the rest is shown.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::redact::redacted;
use crate::domain::{
    Alert, AlertId, AlertState, Device, DeviceId, DeviceStatus, DeviceType, MetricValue, Reading, SafeText, Severity, WorkOrder,
    WorkOrderNumber,
};

/// Longest piece of a server's words that is kept.
const WORDS_MAX: usize = 300;
/// Shortest credential that is looked for in a server's words, in bytes.
const SECRET_MIN: usize = 8;
/// Reasons kept for skipped records.
const PROBLEMS_MAX: usize = 5;

/// Parses a body; what strict JSON refuses for its text alone (invalid UTF-8, lone surrogates) is repaired with U+FFFD, and a
/// record that cannot be read at all (nested too deep, a number out of range) costs only itself.
pub(super) fn json(body: &[u8]) -> Result<Value, String> {
    let error = match serde_json::from_slice(body) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    let text = String::from_utf8_lossy(body);
    let repaired = without_lone_surrogates(text.trim_start_matches('\u{feff}'));
    serde_json::from_str(&repaired)
        .ok()
        .or_else(|| piecewise(&repaired))
        .ok_or_else(|| {
            // a name cannot be cut before its value, so a longer piece is not needed to see what is a secret
            let start: String = text.trim_start().chars().take(WORDS_MAX).collect();
            let start: String = redacted(&start).chars().take(40).collect();
            if text.trim().is_empty() {
                "the body is empty".to_owned()
            } else {
                format!("no JSON ({error}); it begins `{start}`")
            }
        })
}

/// Reads a list, or an object's members and the lists among them, each element by itself. The text must be whole: half a list is none.
fn piecewise(text: &str) -> Option<Value> {
    let list = |text: &str| {
        let records: Vec<&RawValue> = serde_json::from_str(text).ok()?;
        let read = |raw: &RawValue| serde_json::from_str(raw.get()).unwrap_or(Value::Null);
        Some(Value::Array(records.into_iter().map(read).collect()))
    };
    if text.trim_start().starts_with('[') {
        return list(text);
    }
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
    let read = |raw: &RawValue| {
        serde_json::from_str(raw.get())
            .ok()
            .or_else(|| list(raw.get()))
            .unwrap_or(Value::Null)
    };
    Some(Value::Object(members.into_iter().map(|(name, raw)| (name, read(raw))).collect()))
}

/// Replaces `\ud800`-like escapes that have no partner.
fn without_lone_surrogates(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let (taken, replaced) = match (surrogate(escape), escape.get(6..).and_then(surrogate)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => (12, None),
            (Some(_), _) => (6, Some("\\ufffd")),
            (None, _) => (escape.char_indices().nth(2).map_or(escape.len(), |(index, _)| index), None),
        };
        let (escape, after) = escape.split_at_checked(taken).unwrap_or((escape, ""));
        out.push_str(replaced.unwrap_or(escape));
        rest = after;
    }
    out.push_str(rest);
    out
}

/// The code unit of a leading `\uXXXX` if it is half of a surrogate pair.
fn surrogate(text: &str) -> Option<u16> {
    let unit = u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()?;
    (0xd800..=0xdfff).contains(&unit).then_some(unit)
}

/// Any error body at all, as one line: the message where there is one, else the beginning of the text. A server that repeats the
/// credential it refused does not get it into our outbox, logs and screens.
pub(crate) fn error_words(body: &[u8], status: u16, secrets: &[&str]) -> SafeText {
    let found = json(body).ok().and_then(|value| {
        let error = member(&value, &["error", "Error", "oslc:Error"]).unwrap_or(&value);
        let text = |names: &[&str]| member(error, names).and_then(Value::as_str).map(str::to_owned);
        let message = text(&["message", "oslc:message", "error_description", "detail"]).or_else(|| error.as_str().map(str::to_owned))?;
        Some(match text(&["reasonCode", "spi:reasonCode", "oslc:reasonCode", "code"]) {
            Some(code) if code == "BMXAA9301E" => {
                format!("{code} {message} (the key lacks a right: ask for the object structure's permission)")
            }
            Some(code) => format!("{code} {message}"),
            None => message,
        })
    });
    let words = found.unwrap_or_else(|| {
        let text = without_all(&String::from_utf8_lossy(body), secrets);
        let text: String = text.chars().take(2_000).collect();
        if text.trim().is_empty() {
            format!("status {status} without words")
        } else {
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        }
    });
    let words = redacted(&without_all(&words, secrets));
    SafeText::new(words.chars().take(WORDS_MAX).collect::<String>())
}

/// The words about a body that is no JSON, which quote its beginning; where it repeats the credential they quote nothing.
pub(super) fn unrepeated(words: String, body: &[u8], secret: &str) -> String {
    if secret.len() >= SECRET_MIN && String::from_utf8_lossy(body).contains(secret) {
        "no JSON, and it repeats the credential".to_owned()
    } else {
        words
    }
}

/// The text with each occurrence of the secret blotted out. One that is too short to be a key would blot out words.
fn without(text: &str, secret: &str) -> String {
    if secret.len() < SECRET_MIN {
        text.to_owned()
    } else {
        text.replace(secret, "[credential]")
    }
}

/// The text without any of the secrets.
pub(crate) fn without_all(text: &str, secrets: &[&str]) -> String {
    secrets.iter().fold(text.to_owned(), |text, secret| without(&text, secret))
}

fn member<'a>(value: &'a Value, names: &[&str]) -> Option<&'a Value> {
    names.iter().find_map(|name| value.get(name)).filter(|value| !value.is_null())
}

/// A list's records with what was skipped.
#[derive(Debug)]
pub(super) struct Records<T> {
    /// In the order of the list; `None` for one that did not fit.
    pub(super) rows: Vec<Option<T>>,
    pub(super) problems: Vec<SafeText>,
    pub(super) total: Option<usize>,
}

impl<T> Records<T> {
    /// How many came, whether they fit or not.
    pub(super) fn received(&self) -> usize {
        self.rows.len()
    }

    /// What fits.
    pub(super) fn items(self) -> impl Iterator<Item = T> {
        self.rows.into_iter().flatten()
    }

    /// How many did not fit.
    pub(super) fn skipped(&self) -> usize {
        self.rows.iter().filter(|row| row.is_none()).count()
    }
}

/// Reads an envelope (`results`, `data`, `member`, or a bare array) and converts what fits.
pub(super) fn records<T>(
    value: &Value,
    names: &[&str],
    convert: impl Fn(&Map<String, Value>) -> Result<T, String>,
) -> Result<Records<T>, String> {
    let list = match value {
        Value::Array(list) => list,
        Value::Object(_) => match member(value, names) {
            Some(Value::Array(list)) => list,
            Some(_) => return Err(format!("`{}` is no list", names.first().unwrap_or(&""))),
            // an empty result without its list is what several servers answer
            None if value.get("totalCount").and_then(Value::as_u64) == Some(0) => {
                return Ok(Records {
                    rows: Vec::new(),
                    problems: Vec::new(),
                    total: Some(0),
                });
            }
            None => return Err(format!("`{}` is missing", names.first().unwrap_or(&""))),
        },
        _ => return Err("neither an object nor a list".into()),
    };
    let total = value.get("totalCount").or_else(|| value.get("responseInfo")?.get("totalCount"));
    let total = total
        .and_then(|total| total.as_u64().or_else(|| total.as_str()?.parse().ok()))
        .and_then(|total| usize::try_from(total).ok());
    let mut records = Records {
        rows: Vec::with_capacity(list.len()),
        problems: Vec::new(),
        total,
    };
    for record in list {
        let converted = match record {
            Value::Object(members) => convert(members),
            _ => Err("a record is no object, or cannot be read".into()),
        };
        if let Err(problem) = &converted
            && records.problems.len() < PROBLEMS_MAX
        {
            records
                .problems
                .push(SafeText::new(problem.chars().take(WORDS_MAX).collect::<String>()));
        }
        records.rows.push(converted.ok());
    }
    Ok(records)
}

/// A text, where it is one; numbers and switches are taken in their JSON spelling.
fn text(members: &Map<String, Value>, name: &str) -> Option<String> {
    match members.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn safe(members: &Map<String, Value>, name: &str) -> Option<SafeText> {
    text(members, name).filter(|text| !text.is_empty()).map(SafeText::from)
}

/// A required text that is not empty: identities are strings, anything else is not guessed at.
fn required(members: &Map<String, Value>, name: &str, what: &str) -> Result<String, String> {
    match members.get(name) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
        Some(Value::String(_)) => Err(format!("{what} with an empty `{name}`")),
        Some(Value::Null) | None => Err(format!("{what} without `{name}`")),
        Some(_) => Err(format!("{what} whose `{name}` is no text")),
    }
}

fn time(members: &Map<String, Value>, name: &str) -> Option<Timestamp> {
    members.get(name).and_then(timestamp)
}

/// RFC 3339 with `Z`, an offset (with or without colon) or fractions; without a zone UTC is meant; numbers are epoch seconds or milliseconds.
pub(super) fn timestamp(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => {
            let text = text.trim();
            text.parse::<Timestamp>().ok().or_else(|| {
                text.parse::<DateTime>()
                    .ok()?
                    .to_zoned(TimeZone::UTC)
                    .ok()
                    .map(|zoned| zoned.timestamp())
            })
        }
        Value::Number(number) => {
            #[expect(clippy::cast_possible_truncation, reason = "checked to lie far inside i64")]
            let whole = |number: f64| (number.abs() < 1e15).then_some(number as i64);
            let number = number.as_i64().or_else(|| whole(number.as_f64()?))?;
            // 10^11 seconds is the year 5138: larger numbers count milliseconds
            if number.unsigned_abs() >= 100_000_000_000 {
                Timestamp::from_millisecond(number).ok()
            } else {
                Timestamp::from_second(number).ok()
            }
        }
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn metric_value(value: &Value) -> Option<MetricValue> {
    match value {
        Value::Null => Some(MetricValue::Null),
        Value::Bool(flag) => Some(MetricValue::Bool(*flag)),
        Value::Number(number) => match number.as_i128() {
            Some(whole) => Some(MetricValue::whole(whole)),
            None => number.as_f64().filter(|number| number.is_finite()).map(MetricValue::Number),
        },
        Value::String(text) => Some(MetricValue::Text(text.as_str().into())),
        Value::Array(_) | Value::Object(_) => None,
    }
}

pub(super) fn alert(members: &Map<String, Value>) -> Result<Alert, String> {
    let id = required(members, "alertId", "an alert")?;
    let what = format!("alert {id}");
    Ok(Alert {
        name: required(members, "alertName", &what)?.into(),
        device: DeviceId::new(required(members, "deviceId", &what)?),
        device_type: text(members, "deviceType").filter(|name| !name.is_empty()).map(DeviceType::new),
        severity: Severity::parse(&required(members, "severity", &what)?),
        state: AlertState::parse(&required(members, "status", &what)?),
        metric: safe(members, "metric"),
        value: members.get("value").and_then(metric_value),
        threshold: members.get("threshold").and_then(Value::as_f64),
        raised_at: time(members, "timestamp").ok_or_else(|| format!("{what} whose `timestamp` is no time"))?,
        message: safe(members, "message"),
        acknowledged_by: safe(members, "acknowledgedBy"),
        acknowledged_at: time(members, "acknowledgedAt"),
        notes: safe(members, "notes"),
        resolved_by: safe(members, "resolvedBy"),
        resolved_at: time(members, "resolvedAt"),
        resolution: safe(members, "resolution"),
        root_cause: safe(members, "rootCause"),
        preventive_action: safe(members, "preventiveAction"),
        id: AlertId::new(id),
    })
}

/// `asked` is the type of the list, where a device does not say its own.
pub(super) fn device(members: &Map<String, Value>, asked: Option<&DeviceType>) -> Result<Device, String> {
    let id = required(members, "deviceId", "a device")?;
    let object = |name: &str| members.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
    let metadata = object("metadata");
    let device_type = text(members, "deviceType")
        .filter(|name| !name.is_empty())
        .map(DeviceType::new)
        .or_else(|| asked.cloned());
    Ok(Device {
        device_type: device_type.ok_or_else(|| format!("device {id} without `deviceType`"))?,
        status: DeviceStatus::parse(&text(members, "status").unwrap_or_else(|| "unknown".into())),
        last_event_time: time(members, "lastEventTime"),
        location: safe(&metadata, "location"),
        device_info: object("deviceInfo"),
        metadata,
        id: DeviceId::new(id),
    })
}

pub(super) fn reading(members: &Map<String, Value>) -> Result<Reading, String> {
    let timestamp = time(members, "timestamp").ok_or("a reading whose `timestamp` is no time")?;
    let values = members
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "timestamp" | "deviceId" | "deviceType"))
        .filter_map(|(name, value)| Some((SafeText::new(name.as_str()), metric_value(value)?)))
        .collect();
    Ok(Reading {
        device_id: text(members, "deviceId").map(DeviceId::new),
        timestamp,
        values,
    })
}

/// Manage answers lean (`wonum`) or prefixed (`spi:wonum`); both are read.
pub(super) fn work_order(members: &Map<String, Value>) -> Result<WorkOrder, String> {
    let lean = unprefixed(members);
    let members = &lean;
    let wonum = text(members, "wonum")
        .filter(|text| !text.is_empty())
        .ok_or("a work order without `wonum`")?;
    Ok(WorkOrder {
        siteid: safe(members, "siteid"),
        // an order without a status counts as open: better asked about once too often than made twice
        status: safe(members, "status").unwrap_or_else(|| "unknown".into()),
        status_maxvalue: safe(members, "status_maxvalue"),
        description: safe(members, "description").unwrap_or_default(),
        assetnum: safe(members, "assetnum"),
        wopriority: members
            .get("wopriority")
            .and_then(|value| value.as_i64().or_else(|| value.as_str()?.parse().ok())),
        lead: safe(members, "lead"),
        externalrefid: safe(members, "externalrefid"),
        reportdate: safe(members, "reportdate"),
        wonum: WorkOrderNumber::new(wonum),
    })
}

/// Member names without their namespace.
pub(super) fn unprefixed(members: &Map<String, Value>) -> Map<String, Value> {
    members
        .iter()
        .map(|(name, value)| (name.rsplit(':').next().unwrap_or(name).to_owned(), value.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn timestamps_in_every_spelling() {
        for text in [
            "2026-02-19T14:30:00Z",
            "2026-02-19T15:30:00+01:00",
            "2026-02-19T14:30:00.000Z",
            "2026-02-19T14:30:00",
            "2026-02-19T15:30:00+0100",
        ] {
            assert_eq!(
                timestamp(&Value::from(text)),
                Some("2026-02-19T14:30:00Z".parse().unwrap()),
                "{text}"
            );
        }
        assert_eq!(
            timestamp(&Value::from(1_771_511_400)),
            timestamp(&Value::from(1_771_511_400_000_i64))
        );
        assert_eq!(timestamp(&Value::from("yesterday")), None);
    }

    #[test]
    fn a_credential_that_a_server_repeats_is_blotted_out_before_anything_is_cut() {
        let key = "c4n4ry/key+0123456789";
        let long = format!("{}{key}", "word ".repeat(57));
        for body in [
            format!(r#"{{"error":{{"message":"the key {key} is unknown","code":"{key}"}}}}"#),
            format!(r#"{{"error":"{}"}}"#, key.replace('/', "\\/")),
            format!("<html>{key}</html>"),
            format!(r#"{{"message":"{long}"}}"#),
            long.clone(),
            format!("{}{key}", "x".repeat(1_990)),
        ] {
            let words = error_words(body.as_bytes(), 401, &[key]);
            assert!(!words.raw().contains("c4n4ry"), "{words}");
        }
        assert!(error_words(b"a cab", 401, &["a"]).raw().contains("cab"), "one letter is no key");
        assert!(!unrepeated("it begins `c4n4ry".into(), format!("{key}x").as_bytes(), key).contains("c4n4ry"));
        assert_eq!(unrepeated("it begins `x`".into(), b"x", key), "it begins `x`");
    }

    #[test]
    fn half_an_answer_is_no_answer_wherever_it_is_cut() {
        let alert = r#"{"alertId":"a","alertName":"b","deviceId":"c","severity":"high","status":"new","timestamp":"2026-02-19T02:13:00Z","message":"\ud83e\udd80 \\ \"q\" é"}"#;
        for whole in [
            alert.to_owned(),
            format!(r#"{{"results":[{alert},{alert}],"totalCount":2}}"#),
            format!("[{alert},{alert}]"),
            format!(
                r#"{{"member":[{{"spi:wonum":"1044","deep":{}1{}}}]}}"#,
                "[".repeat(200),
                "]".repeat(200)
            ),
        ] {
            assert!(json(whole.as_bytes()).is_ok());
            for at in 0..whole.len() {
                assert!(
                    json(&whole.as_bytes()[..at]).is_err(),
                    "cut at {at}: {}",
                    &whole[..whole.floor_char_boundary(at)]
                );
            }
        }
    }

    #[test]
    fn a_record_that_does_not_fit_is_counted_and_the_rest_is_kept() {
        let good = r#"{"alertId":"1","alertName":"n","deviceId":"d","severity":"odd","status":"held","timestamp":"2026-02-19T14:30:00Z","unknown":{"a":[1]},"metric":null}"#;
        let body = format!(r#"{{"results":[{good},{{"alertId":2}},7,{{"alertId":"3"}}],"totalCount":"4"}}"#);
        let records = records(&json(body.as_bytes()).unwrap(), &["results"], alert).unwrap();
        assert_eq!((records.received(), records.skipped(), records.total), (4, 3, Some(4)));
        assert_eq!(records.problems.len(), 3);
        let items: Vec<Alert> = records.items().collect();
        assert_eq!((items[0].severity.shown(), items[0].state.shown()), ("odd", "held"));
    }

    #[test]
    fn lone_surrogates_and_bad_utf8_are_repaired() {
        assert_eq!(json(br#"{"a":"x\ud800y\ud83d\ude00"}"#).unwrap()["a"], "x\u{fffd}y\u{1f600}");
        assert_eq!(json(b"{\"a\":\"\xff\"}").unwrap()["a"], "\u{fffd}");
        assert!(json(b"<html>Login").unwrap_err().contains("<html>Login"));
        assert!(json(b"").unwrap_err().contains("empty"));
        assert!(json("[".repeat(100_000).as_bytes()).is_err());
    }

    #[test]
    fn a_record_that_cannot_even_be_read_costs_only_itself() {
        let good = r#"{"alertId":"1","alertName":"n","deviceId":"d","severity":"low","status":"new","timestamp":1771511400.0,"message":"cut \ud83d"}"#;
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        let long = "x".repeat(1_000_000);
        let body = format!(
            r#"{{"results":[{{"alertId":"2","x":{deep}}},{good},{{"alertId":"3","value":1e999}},{{"alertId":"1","alertId":"{long}"}}],"totalCount":9,"totalCount":4,"more":{deep}}}"#
        );
        let read = records(&json(body.as_bytes()).unwrap(), &["results"], alert).unwrap();
        assert_eq!((read.received(), read.skipped(), read.total), (4, 3, Some(4)));
        assert!(read.problems.iter().all(|problem| problem.shown().len() < 500));
        assert_eq!(read.items().next().unwrap().message.unwrap().raw(), "cut \u{fffd}");
        for cut in [body.len() - 1, body.len() / 2, 100_050] {
            assert!(json(&body.as_bytes()[..cut]).is_err(), "half a list is none");
        }
    }

    proptest! {
        #[test]
        fn a_moment_is_the_same_in_every_offset(second in 0_i64..4_000_000_000, nanos in 0_i32..1_000_000_000, minutes in -840_i32..=840) {
            let at = Timestamp::new(second, nanos).unwrap();
            let offset = jiff::tz::Offset::from_seconds(minutes * 60).unwrap();
            prop_assert_eq!(timestamp(&Value::from(at.display_with_offset(offset).to_string())), Some(at));
        }

        #[test]
        fn any_text_or_number_is_a_time_or_none(text in "\\PC{0,40}", number in any::<f64>(), whole in any::<i64>()) {
            let _ = (timestamp(&Value::from(text)), timestamp(&Value::from(number)), timestamp(&Value::from(whole)));
        }

        #[test]
        fn any_bytes_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = error_words(&body, 500, &["canary-key"]);
            if let Ok(value) = json(&body) { let _ = records(&value, &["results"], alert); }
        }
    }
}
