//! One HTTPS call: limits, credentials, classification, retries of reads, and the record of each.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Response};
use secrecy::ExposeSecret;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use url::Url;

use super::breaker::{Breaker, Cost, full_jitter};
use super::telemetry::NewCall;
use super::token::TokenCache;
use super::{Auth, Endpoint, Error, ErrorKind, Telemetry};
use crate::domain::SafeText;

/// Tries of a read (`design/delivery.md`).
const READ_ATTEMPTS: u32 = 3;
const BACKOFF_BASE: Duration = Duration::from_secs(1);
const BACKOFF_CAP: Duration = Duration::from_secs(20);
/// The longest wait that a server can ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
/// A read does not wait longer than this for a server that asks it to: the next refresh comes anyway.
const LONGEST_READ_WAIT: Duration = Duration::from_secs(30);
/// Places kept free for a person's reads.
const INTERACTIVE_PLACES: usize = 2;

/// RFC 3986 unreserved characters stay, everything else of a segment or value is encoded, once.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A request in our own terms: paths are built from raw segments, so that no value can add one.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) operation: &'static str,
    pub(super) object: String,
    pub(super) method: Method,
    pub(super) path: Vec<String>,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Option<Vec<u8>>,
}

impl Call {
    pub(super) fn new<'a>(operation: &'static str, method: Method, path: impl IntoIterator<Item = &'a str>) -> Self {
        let path = path.into_iter().map(str::to_owned).collect();
        Self {
            operation,
            object: String::new(),
            method,
            path,
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
        }
    }

    pub(super) fn object(mut self, object: impl Into<String>) -> Self {
        self.object = object.into();
        self
    }

    pub(super) fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn body(mut self, body: Vec<u8>) -> Self {
        self.body = Some(body);
        self
    }
}

/// A successful answer.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// What all clients of one service share.
#[derive(Clone)]
pub(super) struct Transport {
    inner: Arc<Inner>,
    interactive: bool,
}

struct Inner {
    endpoint: Endpoint,
    client: reqwest::Client,
    tokens: TokenCache,
    breaker: Breaker,
    places: Semaphore,
    background: Semaphore,
    telemetry: Telemetry,
}

impl Transport {
    pub(super) fn new(endpoint: Endpoint, telemetry: Telemetry) -> Result<Self, Error> {
        let client = endpoint.client()?;
        let concurrent = endpoint.limits.concurrent.max(1);
        let background = concurrent.saturating_sub(INTERACTIVE_PLACES).max(1);
        Ok(Self {
            inner: Arc::new(Inner {
                client,
                tokens: TokenCache::default(),
                breaker: Breaker::new(),
                places: Semaphore::new(concurrent),
                background: Semaphore::new(background),
                telemetry,
                endpoint,
            }),
            interactive: false,
        })
    }

    /// The same service for a person who waits: its reads pass before background ones.
    pub(super) fn interactive(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            interactive: true,
        }
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.inner.endpoint
    }

    pub(super) fn is_resting(&self) -> bool {
        self.inner.breaker.is_open()
    }

    pub(super) async fn token_remaining(&self) -> Option<Duration> {
        self.inner.tokens.remaining().await
    }

    /// How many calls a sweep may have under way at once.
    pub(super) fn width(&self) -> usize {
        let all = self.inner.endpoint.limits.concurrent;
        if self.interactive {
            all
        } else {
            all.saturating_sub(INTERACTIVE_PLACES).max(1)
        }
    }

    /// A read: up to three tries with full jitter, as the quota allows.
    pub(super) async fn read(&self, call: &Call) -> Result<Answer, Error> {
        let mut retried = None;
        for attempt in 1.. {
            let error = match self.once(call, attempt).await {
                Ok(answer) => {
                    self.inner.breaker.earn(retried);
                    return Ok(answer);
                }
                Err(error) => error,
            };
            let cost = match error.kind() {
                ErrorKind::Throttled { .. } => Cost::Throttle,
                _ => Cost::Transient,
            };
            if attempt >= READ_ATTEMPTS || !error.is_transient() || !self.inner.breaker.spend(cost) {
                return Err(error);
            }
            retried = Some(cost);
            let wait = match error.kind() {
                ErrorKind::Throttled { after: Some(after) } if *after > LONGEST_READ_WAIT => return Err(error),
                ErrorKind::Throttled { after: Some(after) } => *after,
                _ => full_jitter(attempt - 1, BACKOFF_BASE, BACKOFF_CAP),
            };
            tokio::time::sleep(wait).await;
        }
        Err(self.error(call, ErrorKind::Unreachable, "no attempt was made"))
    }

    /// A single attempt (with one repeat after 401, if a fresh token can be had). Writes use this alone.
    pub(super) async fn once(&self, call: &Call, attempt: u32) -> Result<Answer, Error> {
        let _background = if self.interactive || call.body.is_some() {
            None
        } else {
            self.inner.background.acquire().await.ok()
        };
        let _place = self.inner.places.acquire().await.ok();
        let mut stale = None;
        loop {
            if !self.inner.breaker.admit() {
                return Err(self.error(call, ErrorKind::Resting, "it could not be reached five times in a row"));
            }
            let (authorization, generation) = self.authorization(call, stale).await?;
            let result = self.attempt(call, attempt, authorization).await;
            match (&result, generation) {
                (Err(error), Some(generation)) if *error.kind() == ErrorKind::Credentials && stale.is_none() => stale = Some(generation),
                _ => return result,
            }
        }
    }

    async fn attempt(&self, call: &Call, attempt: u32, authorization: (HeaderName, HeaderValue)) -> Result<Answer, Error> {
        let at = Timestamp::now();
        let started = Instant::now();
        let result = self.send(call, authorization).await;
        match &result {
            Err(error) if *error.kind() == ErrorKind::Unreachable => self.inner.breaker.connect_failed(),
            Err(error) if error.not_sent() => {}
            _ => self.inner.breaker.answered(),
        }
        let (status, outcome, bytes) = match &result {
            Ok(answer) => (Some(answer.status), "ok", answer.body.len() as u64),
            Err(error) => (status_of(error.kind()), outcome_of(error.kind()), 0),
        };
        self.inner.telemetry.record(&NewCall {
            at,
            service: self.inner.endpoint.service,
            operation: call.operation,
            object: &call.object,
            status,
            outcome,
            attempt,
            duration: started.elapsed(),
            bytes,
        });
        result
    }

    async fn send(&self, call: &Call, (name, value): (HeaderName, HeaderValue)) -> Result<Answer, Error> {
        let service = self.inner.endpoint.service;
        let mut request = self
            .inner
            .client
            .request(call.method.clone(), self.url(call)?)
            .header(ACCEPT, "application/json")
            .header(name, value);
        for (name, text) in &call.headers {
            let value = HeaderValue::from_str(text)
                .map_err(|_| self.error(call, ErrorKind::Configuration, format!("header {name} holds a control character")))?;
            request = request.header(*name, value);
        }
        if let Some(body) = &call.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.clone());
        }
        let response = request.send().await.map_err(|error| classify(service, call.operation, &error))?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let body = body(service, call.operation, response, self.inner.endpoint.limits.body).await;
        if (200..300).contains(&status) {
            return Ok(Answer {
                status,
                headers,
                body: body?,
            });
        }
        // what an error says is worth having, but the status alone decides
        let words = super::wire::error_words(&body.unwrap_or_default(), status);
        let after = headers
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| retry_after(text, Timestamp::now()));
        let kind = match status {
            401 => ErrorKind::Credentials,
            404 => ErrorKind::NotFound,
            409 | 412 => ErrorKind::Conflict,
            429 => ErrorKind::Throttled { after },
            503 if headers.contains_key(RETRY_AFTER) => ErrorKind::Throttled { after },
            500..=599 => ErrorKind::Server { status },
            _ => ErrorKind::Refused { status },
        };
        Err(self.error(call, kind, words))
    }

    async fn authorization(&self, call: &Call, stale: Option<u64>) -> Result<((HeaderName, HeaderValue), Option<u64>), Error> {
        let auth = &self.inner.endpoint.auth;
        let (name, text, generation) = match auth {
            Auth::ApiKey(key) => (AUTHORIZATION, format!("ApiKey {}", key.expose_secret()), None),
            Auth::ManageKey(key) => (HeaderName::from_static("apikey"), key.expose_secret().to_owned(), None),
            Auth::OAuth2 { .. } => {
                let token = self.inner.tokens.get(&self.inner.client, auth, stale).await?;
                (
                    AUTHORIZATION,
                    format!("Bearer {}", token.bearer.expose_secret()),
                    Some(token.generation),
                )
            }
        };
        let mut value = HeaderValue::from_str(&text).map_err(|_| {
            self.error(
                call,
                ErrorKind::Configuration,
                "the key holds a control character; check its file for line breaks",
            )
        })?;
        value.set_sensitive(true);
        Ok(((name, value), generation))
    }

    fn url(&self, call: &Call) -> Result<Url, Error> {
        let encode = |text: &str| utf8_percent_encode(text, ENCODED).to_string();
        let mut url = self.inner.endpoint.base.clone();
        let mut path = url.path().trim_end_matches('/').to_owned();
        for segment in &call.path {
            // "." and ".." would be taken as steps by every URL parser on the way
            if segment.is_empty() || segment == "." || segment == ".." {
                return Err(self.error(
                    call,
                    ErrorKind::Refused { status: 400 },
                    format!("`{segment}` cannot be part of an address"),
                ));
            }
            path.push('/');
            path.push_str(&encode(segment));
        }
        url.set_path(&path);
        if !call.query.is_empty() {
            let query: Vec<_> = call.query.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
            url.set_query(Some(&query.join("&")));
        }
        Ok(url)
    }

    pub(super) fn error(&self, call: &Call, kind: ErrorKind, words: impl Into<SafeText>) -> Error {
        Error::new(self.inner.endpoint.service, call.operation, kind, words)
    }
}

/// Whether a byte was sent decides everything: a failed connection is certainly not delivered, anything later may be.
pub(super) fn classify(service: crate::domain::Service, operation: &'static str, error: &reqwest::Error) -> Error {
    let (words, tls) = root_cause(error);
    let (kind, words) = if error.is_builder() {
        (ErrorKind::Configuration, words)
    } else if error.is_connect() && tls {
        (ErrorKind::Tls, words)
    } else if error.is_connect() && error.is_timeout() {
        (ErrorKind::Unreachable, "no connection within the time limit".to_owned())
    } else if error.is_connect() {
        (ErrorKind::Unreachable, words)
    } else if error.is_timeout() {
        (ErrorKind::Interrupted, "no answer within the time limit".to_owned())
    } else {
        (ErrorKind::Interrupted, words)
    };
    Error::new(service, operation, kind, words)
}

/// The innermost error's words, and whether TLS is at its root. An `io::Error` hides what it wraps from `source`.
fn root_cause(error: &(dyn std::error::Error + 'static)) -> (String, bool) {
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return (tls.to_string(), true);
    }
    let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    if let Some(inner) = inner {
        return root_cause(inner);
    }
    error.source().map_or_else(|| (error.to_string(), false), root_cause)
}

/// Reads a body up to `most` bytes, counted after decompression: a gzip bomb stops at the limit.
pub(super) async fn body(
    service: crate::domain::Service,
    operation: &'static str,
    response: Response,
    most: usize,
) -> Result<Bytes, Error> {
    let mut stream = response.bytes_stream();
    let mut body = BytesMut::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| classify(service, operation, &error))?;
        if body.len() + chunk.len() > most {
            return Err(Error::new(
                service,
                operation,
                ErrorKind::Malformed,
                format!("more than {} MiB", most / (1024 * 1024)),
            ));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// Seconds or an HTTP date; what is negative, unreadable or past is no wait at all, more than 15 minutes is cut.
pub(super) fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // digits too many for a number are absurd, and cut as such
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)).min(LONGEST_WAIT));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    let date = Timestamp::try_from(date).ok()?;
    Duration::try_from(date.duration_since(now)).ok().map(|wait| wait.min(LONGEST_WAIT))
}

fn status_of(kind: &ErrorKind) -> Option<u16> {
    match kind {
        ErrorKind::Server { status } | ErrorKind::Refused { status } => Some(*status),
        ErrorKind::Throttled { .. } => Some(429),
        ErrorKind::Credentials => Some(401),
        ErrorKind::NotFound => Some(404),
        ErrorKind::Conflict => Some(409),
        ErrorKind::Insecure
        | ErrorKind::Configuration
        | ErrorKind::Tls
        | ErrorKind::Unreachable
        | ErrorKind::Resting
        | ErrorKind::Interrupted
        | ErrorKind::Malformed => None,
    }
}

fn outcome_of(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Insecure => "insecure",
        ErrorKind::Configuration => "configuration",
        ErrorKind::Tls => "tls",
        ErrorKind::Unreachable => "unreachable",
        ErrorKind::Resting => "resting",
        ErrorKind::Interrupted => "interrupted",
        ErrorKind::Server { .. } => "server",
        ErrorKind::Throttled { .. } => "throttled",
        ErrorKind::Credentials => "credentials",
        ErrorKind::NotFound => "not_found",
        ErrorKind::Conflict => "conflict",
        ErrorKind::Refused { .. } => "refused",
        ErrorKind::Malformed => "malformed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_reads_seconds_and_dates_and_ignores_nonsense() {
        let now: Timestamp = "2026-02-19T02:00:00Z".parse().unwrap();
        for (text, seconds) in [
            ("7", Some(7)),
            ("0", Some(0)),
            ("999999999999999999999999", Some(900)),
            ("-5", None),
            ("soon", None),
            ("", None),
            ("1.5", None),
            ("Thu, 19 Feb 2026 02:01:00 GMT", Some(60)),
            ("Thu, 19 Feb 2026 01:00:00 GMT", None),
            ("Thu, 19 Feb 2099 01:00:00 GMT", Some(900)),
        ] {
            assert_eq!(retry_after(text, now), seconds.map(Duration::from_secs), "{text:?}");
        }
    }
}
