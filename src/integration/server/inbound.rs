//! Webhooks that come in: who sent them, what they ask for, and that each has its effect once.

use std::fmt;

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::domain::{DeviceKey, Intent, IntentState};
use crate::integration::{Ground, JobError, Part};
use crate::outbox::{OutboxError, RowFilter};

pub use crate::config::InboundMode;

/// Shortest secret, in bytes.
const SECRET_MIN: usize = 16;
/// How far a signed time may be from ours, either way, in seconds (Standard Webhooks).
const TOLERANCE_S: i64 = 300;
/// Longest text of a member, in characters.
const TEXT_MAX: usize = 256;

/// Why secrets cannot be used. Never holds a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SecretsError {
    /// Too few bytes to be a secret.
    #[error("bridge.inbound_secret: line {0} has fewer than 16 bytes; make one with: openssl rand -hex 32")]
    Short(usize),
    /// `whsec_` with something else than base64.
    #[error("bridge.inbound_secret: line {0} begins with whsec_ and is not base64 after it")]
    Encoding(usize),
    /// None, or too many.
    #[error("bridge.inbound_secret: {0} lines; write the secret, and a second line during a rotation")]
    Count(usize),
}

/// The secret, or two of them during a rotation.
pub struct Secrets(Vec<Hmac<Sha256>>);

impl Secrets {
    /// One a line. `whsec_` marks base64, as Standard Webhooks has it.
    pub fn new(lines: &[SecretString]) -> Result<Self, SecretsError> {
        if lines.is_empty() || lines.len() > 2 {
            return Err(SecretsError::Count(lines.len()));
        }
        lines
            .iter()
            .zip(1..)
            .map(|(line, number)| {
                let line = line.expose_secret();
                let bytes = match line.strip_prefix("whsec_") {
                    Some(encoded) => STANDARD.decode(encoded).map_err(|_| SecretsError::Encoding(number))?,
                    None => line.as_bytes().to_vec(),
                };
                if bytes.len() < SECRET_MIN {
                    return Err(SecretsError::Short(number));
                }
                Hmac::new_from_slice(&bytes).map_err(|_| SecretsError::Short(number))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether one of them made this print of the parts. Every secret is tried, and each comparison takes the same time.
    fn made(&self, parts: &[&[u8]], print: &[u8]) -> bool {
        self.0.iter().fold(false, |found, secret| {
            let mut mac = secret.clone();
            for part in parts {
                mac.update(part);
            }
            mac.verify_slice(print).is_ok() | found
        })
    }

    /// Whether a request is signed as the mode asks.
    pub(super) fn accepts(&self, mode: InboundMode, headers: &HeaderMap, body: &[u8], now: Timestamp) -> bool {
        match mode {
            InboundMode::Signature => self.accepts_signature(headers, body),
            InboundMode::Standard => self.accepts_standard(headers, body, now),
        }
    }

    /// `X-Webhook-Signature: hex(HMAC-SHA256(secret, raw body))`, with or without `sha256=`.
    fn accepts_signature(&self, headers: &HeaderMap, body: &[u8]) -> bool {
        let Some(written) = one(headers, "x-webhook-signature") else {
            return false;
        };
        let written = written.strip_prefix("sha256=").unwrap_or(written);
        unhex(written).is_some_and(|print| self.made(&[body], &print))
    }

    /// Standard Webhooks 1.0: `webhook-signature` holds `v1,base64` entries over `id.timestamp.body`.
    fn accepts_standard(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> bool {
        let (Some(id), Some(at), Some(signatures)) = (
            one(headers, "webhook-id"),
            one(headers, "webhook-timestamp"),
            one(headers, "webhook-signature"),
        ) else {
            return false;
        };
        let near = at
            .parse::<i64>()
            .is_ok_and(|at| now.as_second().checked_sub(at).is_some_and(|apart| apart.abs() <= TOLERANCE_S));
        let signed = signatures
            .split(' ')
            .take(8)
            .filter_map(|entry| entry.strip_prefix("v1,"))
            .filter_map(|encoded| STANDARD.decode(encoded).ok())
            .fold(false, |found, print| {
                self.made(&[id.as_bytes(), b".", at.as_bytes(), b".", body], &print) | found
            });
        near && signed && !id.is_empty()
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Secrets({})", self.0.len())
    }
}

/// What a sender puts into `X-Webhook-Signature`.
pub fn signature(secret: &[u8], body: &[u8]) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
    mac.update(body);
    Some(crate::domain::hex(&mac.finalize().into_bytes()))
}

/// A header that is there once, as text.
fn one<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    value.to_str().ok().map(str::trim)
}

fn unhex(written: &str) -> Option<Vec<u8>> {
    if written.len() != 64 || !written.is_ascii() {
        return None;
    }
    (0..written.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(written.get(at..at + 2)?, 16).ok())
        .collect()
}

/// What a body asks for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Asked {
    /// This.
    Intent(Intent),
    /// Nothing that we know: a type of another time or product.
    Unknown,
}

/// Reads a body. The error names what is wrong with it.
pub(super) fn read(body: &[u8]) -> Result<Asked, String> {
    let value: Value =
        serde_json::from_slice(body).map_err(|error| format!("the body is not JSON: line {}, column {}", error.line(), error.column()))?;
    let Value::Object(members) = value else {
        return Err("the body is no JSON object".into());
    };
    let metadata: &[(&str, &str)] = match text(&members, "type")? {
        "maintenance_complete" => &[("lastMaintenance", "timestamp"), ("technician", "technician")],
        "calibration_update" => &[("lastCalibration", "timestamp"), ("nextCalibration", "nextDue")],
        _ => return Ok(Asked::Unknown),
    };
    let device = DeviceKey::new(text(&members, "deviceType")?, text(&members, "deviceId")?);
    let metadata = metadata
        .iter()
        .map(|(key, member)| Ok(((*key).to_owned(), Value::from(text(&members, member)?))))
        .collect::<Result<Map<_, _>, String>>()?;
    Ok(Asked::Intent(Intent::SetMetadata {
        device,
        metadata,
        message: None,
    }))
}

fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Result<&'a str, String> {
    match members.get(name) {
        None | Some(Value::Null) => Err(format!("`{name}` is missing")),
        Some(Value::String(text)) if text.trim().is_empty() => Err(format!("`{name}` is empty")),
        Some(Value::String(text)) if text.chars().count() > TEXT_MAX || text.chars().any(char::is_control) => {
            Err(format!("`{name}` is longer than {TEXT_MAX} characters or holds control characters"))
        }
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(format!("`{name}` is not a text")),
    }
}

/// By what a message is known when it comes again, as a SHA-256 in hexadecimal: its `webhook-id`, whatever it then says; where the mode
/// has no ids, its bytes.
pub(super) fn message_id(mode: InboundMode, headers: &HeaderMap, body: &[u8]) -> String {
    let (kind, id) = match mode {
        InboundMode::Signature => ("body", body),
        InboundMode::Standard => ("webhook-id", one(headers, "webhook-id").unwrap_or_default().as_bytes()),
    };
    let mut print = Sha256::new();
    print.update(kind);
    print.update([0]);
    print.update(id);
    crate::domain::hex(&print.finalize())
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It was not known: what it asks for is in the outbox.
    New,
    /// It was known, and there was nothing to do.
    Repeated,
    /// It was known and parked: it is sent again.
    AskedAgain,
}

impl Taken {
    /// In words, for the status page.
    pub(super) fn said(self) -> &'static str {
        match self {
            Self::New => "in the outbox",
            Self::Repeated => "known already",
            Self::AskedAgain => "known already and parked: it is sent again",
        }
    }

    fn event(self) -> &'static str {
        match self {
            Self::New => "processed",
            Self::Repeated => "repeated",
            Self::AskedAgain => "asked_again",
        }
    }
}

/// Commits what a message asks for, once. Its id stands in the row itself, so both are on disk or neither is, and it is known over
/// restarts and as long as the outbox's history reaches (10,000 rows, 90 days). The same content under another id is another wish.
pub(super) async fn commit(
    ground: &Ground,
    one_at_a_time: &tokio::sync::Mutex<()>,
    mut intent: Intent,
    id: String,
) -> Result<Taken, JobError> {
    let _turn = one_at_a_time.lock().await;
    let newest = |message, object| RowFilter {
        profile: Some(ground.profile.name.clone()),
        message,
        object,
        newest_first: true,
        limit: Some(1),
        ..RowFilter::default()
    };
    let known = ground.outbox.list(newest(Some(id.clone()), None)).await?.pop();
    let taken = match known {
        None => {
            if let Intent::SetMetadata { message, .. } = &mut intent {
                *message = Some(id);
            }
            ground.submit(intent).await?;
            Taken::New
        }
        Some(row) if row.state == IntentState::Parked => {
            // unless something else was asked of the device since then, which has the last word
            let last = ground.outbox.list(newest(None, Some(row.intent.object()))).await?.pop();
            if last.is_some_and(|last| last.id == row.id) {
                match ground.outbox.retry(row.id).await {
                    Ok(_) => Taken::AskedAgain,
                    // a person was faster
                    Err(OutboxError::State { .. }) => Taken::Repeated,
                    Err(error) => return Err(error.into()),
                }
            } else {
                Taken::Repeated
            }
        }
        Some(_) => Taken::Repeated,
    };
    ground.parts.count(Part::Inbound, taken.event(), 1);
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use serde_json::json;

    use super::*;

    const BODY: &[u8] = br#"{"type":"maintenance_complete"}"#;
    // printf '%s' '{"type":"maintenance_complete"}' | openssl dgst -sha256 -hmac 'a-secret-of-16-bytes-or-more'
    const SIGNED: &str = "1463d2c198f8f7d1651617b88225b5c6611a33ce87d185ecbfaea4f39e76387e";

    fn secrets(lines: &[&str]) -> Result<Secrets, SecretsError> {
        let lines: Vec<SecretString> = lines.iter().map(|line| SecretString::from(*line)).collect();
        Secrets::new(&lines)
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn a_signature_of_either_secret_is_accepted_and_one_bit_off_is_not() {
        let both = secrets(&["another-secret-of-the-past", "a-secret-of-16-bytes-or-more"]).unwrap();
        let accepts = |pairs: &[(&'static str, &str)], body: &[u8]| {
            both.accepts(InboundMode::Signature, &headers(pairs), body, Timestamp::UNIX_EPOCH)
        };
        assert!(accepts(&[("x-webhook-signature", SIGNED)], BODY));
        assert!(accepts(&[("x-webhook-signature", &format!("sha256={SIGNED}"))], BODY));
        assert!(accepts(&[("x-webhook-signature", &SIGNED.to_uppercase())], BODY));
        let old = signature(b"another-secret-of-the-past", BODY).unwrap();
        assert!(accepts(&[("x-webhook-signature", &old)], BODY));

        let mut body = BODY.to_vec();
        for bit in 0..body.len() * 8 {
            body[bit / 8] ^= 1 << (bit % 8);
            assert!(!accepts(&[("x-webhook-signature", SIGNED)], &body), "bit {bit}");
            body[bit / 8] ^= 1 << (bit % 8);
        }
        for wrong in [
            "",
            "sha256=",
            "zz",
            &SIGNED[..62],
            &format!("{SIGNED}00"),
            &format!("sha512={SIGNED}"),
        ] {
            assert!(!accepts(&[("x-webhook-signature", wrong)], BODY), "{wrong}");
        }
        assert!(!accepts(&[], BODY));
        assert!(
            !accepts(&[("x-webhook-signature", SIGNED), ("x-webhook-signature", SIGNED)], BODY),
            "twice"
        );
    }

    #[test]
    fn standard_webhooks_in_strict_mode() {
        // the example of the specification's own libraries
        let secrets = secrets(&["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]).unwrap();
        let (id, at, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", br#"{"test": 2432232314}"#);
        let good = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        let accepts = |signatures: &str, at: &str, now: i64| {
            let headers = headers(&[("webhook-id", id), ("webhook-timestamp", at), ("webhook-signature", signatures)]);
            secrets.accepts(InboundMode::Standard, &headers, body, Timestamp::from_second(now).unwrap())
        };
        assert!(accepts(good, at, 1_614_265_330));
        assert!(accepts(&format!("v1,AAAA v2,{good} {good}"), at, 1_614_265_330 + 300));
        assert!(!accepts(good, at, 1_614_265_330 + 301), "too old");
        assert!(!accepts(good, at, 1_614_265_330 - 301), "too young");
        assert!(!accepts(good, "1614265331", 1_614_265_330), "another time");
        assert!(!accepts("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OF=", at, 1_614_265_330));
        assert!(!accepts("", at, 1_614_265_330));
        let plain = headers(&[("x-webhook-signature", &signature(b"x", body).unwrap())]);
        assert!(!secrets.accepts(InboundMode::Standard, &plain, body, Timestamp::from_second(1_614_265_330).unwrap()));
    }

    #[test]
    fn secrets_that_are_none_are_refused_with_their_line() {
        assert_eq!(secrets(&[]).unwrap_err(), SecretsError::Count(0));
        assert_eq!(secrets(&["a-long-enough-secret"; 3]).unwrap_err(), SecretsError::Count(3));
        assert_eq!(secrets(&["a-long-enough-secret", "short"]).unwrap_err(), SecretsError::Short(2));
        assert_eq!(secrets(&["whsec_???"]).unwrap_err(), SecretsError::Encoding(1));
        assert_eq!(secrets(&["whsec_AAAA"]).unwrap_err(), SecretsError::Short(1));
    }

    #[test]
    fn what_a_body_asks_for() {
        let maintenance = json!({"type": "maintenance_complete", "deviceType": "PumpStation", "deviceId": "PUMP-017",
            "timestamp": "2026-02-19T10:00:00Z", "technician": "J. Ortega", "more": 1});
        let Ok(Asked::Intent(Intent::SetMetadata { device, metadata, .. })) = read(maintenance.to_string().as_bytes()) else {
            panic!()
        };
        assert_eq!(device.to_string(), "PumpStation/PUMP-017");
        assert_eq!(
            Value::Object(metadata),
            json!({"lastMaintenance": "2026-02-19T10:00:00Z", "technician": "J. Ortega"})
        );

        let calibration =
            json!({"type": "calibration_update", "deviceType": "T", "deviceId": "T-1", "timestamp": "2026-02-19", "nextDue": "2027-02-19"});
        let Ok(Asked::Intent(Intent::SetMetadata { metadata, .. })) = read(calibration.to_string().as_bytes()) else {
            panic!()
        };
        assert_eq!(
            Value::Object(metadata),
            json!({"lastCalibration": "2026-02-19", "nextCalibration": "2027-02-19"})
        );

        assert_eq!(read(br#"{"type":"device_retired","deviceId":7}"#), Ok(Asked::Unknown));
        for member in ["type", "deviceType", "deviceId", "timestamp", "technician"] {
            let mut lacking = maintenance.clone();
            lacking.as_object_mut().unwrap().remove(member);
            assert_eq!(read(lacking.to_string().as_bytes()).unwrap_err(), format!("`{member}` is missing"));
            lacking[member] = json!(5);
            assert_eq!(
                read(lacking.to_string().as_bytes()).unwrap_err(),
                format!("`{member}` is not a text")
            );
            lacking[member] = json!(" ");
            assert_eq!(read(lacking.to_string().as_bytes()).unwrap_err(), format!("`{member}` is empty"));
        }
        assert!(
            read(br#"{"type":"calibration_update","deviceType":"T","deviceId":"T","timestamp":"t"}"#)
                .unwrap_err()
                .contains("`nextDue` is missing")
        );
        for (body, expected) in [
            (&b"{\"type\":"[..], "the body is not JSON: line 1, column 8"),
            (b"[]", "the body is no JSON object"),
            (b"", "the body is not JSON"),
            (b"\xff", "the body is not JSON"),
            (&[b'['; 5000], "the body is not JSON"),
        ] {
            let error = read(body).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
