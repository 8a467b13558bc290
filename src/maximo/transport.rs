//! One HTTPS call: limits, credentials, classification, retries of reads, and the record of each.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use jiff::Timestamp;
use reqwest::Response;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH, RETRY_AFTER};
use secrecy::ExposeSecret;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use url::Url;

use super::breaker::{Breaker, Cost, full_jitter};
use super::call::Call;
use super::failure::{classify, of_status, retry_after};
use super::keyring::{KeySource, Keyring};
use super::telemetry::Underway;
use super::token::TokenCache;
use super::{Auth, Endpoint, Error, ErrorKind, Telemetry, wire};
use crate::domain::{SafeText, Service};

/// Tries of a read (`design/delivery.md`).
const READ_ATTEMPTS: u32 = 3;
const BACKOFF_BASE: Duration = Duration::from_secs(1);
const BACKOFF_CAP: Duration = Duration::from_secs(20);
/// A read does not wait longer than this for a server that asks it to: the next refresh comes anyway.
const LONGEST_READ_WAIT: Duration = Duration::from_secs(30);
/// Places kept free for a person's reads and for writes.
const INTERACTIVE_PLACES: usize = 2;
/// Most of an error's body that is read for its words.
const ERROR_BODY: usize = 64 * 1024;
/// Answers kept for `If-None-Match`, and the longest that is kept.
const KEPT_ANSWERS: usize = 16;
const KEPT_BYTES: usize = 1024 * 1024;

/// A successful answer.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    /// Whether the body is blank.
    pub(super) empty: bool,
    /// The body as JSON, or why it is none.
    pub(super) value: Result<Value, String>,
}

/// What all clients of one service share.
#[derive(Clone)]
pub(super) struct Transport {
    inner: Arc<Inner>,
    interactive: bool,
    /// Tries of a read.
    attempts: u32,
}

struct Inner {
    endpoint: Endpoint,
    client: reqwest::Client,
    keys: Keyring,
    tokens: TokenCache,
    breaker: Breaker,
    places: Semaphore,
    background: Semaphore,
    telemetry: Telemetry,
    /// The server asked to be left alone until then; reads keep to it, writes are the outbox's to hold back.
    hold_until: Mutex<Option<Instant>>,
    kept: Mutex<VecDeque<Kept>>,
}

/// An answer that may be confirmed instead of sent again.
struct Kept {
    url: Url,
    tag: HeaderValue,
    body: Bytes,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Read,
    Write,
}

impl Transport {
    pub(super) fn new(endpoint: Endpoint, telemetry: Telemetry) -> Result<Self, Error> {
        let client = endpoint.client()?;
        let concurrent = endpoint.limits.concurrent.max(1);
        let background = concurrent.saturating_sub(INTERACTIVE_PLACES).max(1);
        Ok(Self {
            inner: Arc::new(Inner {
                client,
                keys: Keyring::resting(endpoint.limits.key_rest),
                tokens: TokenCache::new(endpoint.service, telemetry.clone()),
                breaker: Breaker::new(),
                places: Semaphore::new(concurrent),
                background: Semaphore::new(background),
                telemetry,
                endpoint,
                hold_until: Mutex::default(),
                kept: Mutex::default(),
            }),
            interactive: false,
            attempts: READ_ATTEMPTS,
        })
    }

    /// The same service for a person who waits: its reads pass before background ones.
    pub(super) fn interactive(&self) -> Self {
        Self {
            interactive: true,
            ..self.clone()
        }
    }

    /// The same service for the outbox's sender, which does all repeating itself.
    pub(super) fn single(&self) -> Self {
        Self {
            interactive: true,
            attempts: 1,
            ..self.clone()
        }
    }

    /// Where the credential is had again when the server refuses it.
    pub(super) fn renew_from(&self, source: KeySource) {
        self.inner.keys.from(source);
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

    /// A read: up to three tries with full jitter, as the quota allows. An answer that is no JSON is a failed try.
    pub(super) async fn read(&self, call: &Call) -> Result<Value, Error> {
        let (at, began) = (Timestamp::now(), Instant::now());
        let result = self.repeat(call).await;
        self.inner
            .telemetry
            .settle(self.inner.endpoint.service, at, began.elapsed(), result.as_ref().err());
        result
    }

    async fn repeat(&self, call: &Call) -> Result<Value, Error> {
        let mut retried = None;
        for attempt in 1.. {
            let held = self.held();
            if held > LONGEST_READ_WAIT || (self.attempts == 1 && !held.is_zero()) {
                let kind = ErrorKind::Throttled { after: Some(held) };
                return Err(self.error(call, kind, "it asked for this wait before"));
            }
            if !held.is_zero() {
                tokio::time::sleep(held).await;
            }
            let error = match self.attempt(call, attempt, Class::Read).await {
                Ok(Answer { value: Ok(value), .. }) => {
                    self.inner.breaker.earn(retried);
                    return Ok(value);
                }
                Ok(Answer {
                    value: Err(words), status, ..
                }) => self.error(call, ErrorKind::Malformed, words).with_status(status),
                Err(error) => error,
            };
            let (cost, asked) = match error.kind() {
                ErrorKind::Throttled { after } => (Cost::Throttle, *after),
                _ => (Cost::Transient, None),
            };
            if let Some(asked) = asked {
                self.hold(asked);
            }
            if attempt >= self.attempts
                || !error.is_transient()
                || asked.is_some_and(|asked| asked > LONGEST_READ_WAIT)
                || !self.inner.breaker.spend(cost)
            {
                return Err(error);
            }
            retried = Some(cost);
            // a wait that the server asked for is sat out above, with all others who read from it
            if asked.is_none() {
                tokio::time::sleep(full_jitter(attempt - 1, BACKOFF_BASE, BACKOFF_CAP)).await;
            }
        }
        Err(self.error(call, ErrorKind::Unreachable, "no attempt was made"))
    }

    /// A single attempt of a write (with one repeat after 401, if a fresh token or another key can be had).
    pub(super) async fn write(&self, call: &Call, attempt: u32) -> Result<Answer, Error> {
        let (at, began) = (Timestamp::now(), Instant::now());
        let result = self.attempt(call, attempt, Class::Write).await;
        self.inner
            .telemetry
            .settle(self.inner.endpoint.service, at, began.elapsed(), result.as_ref().err());
        result
    }

    async fn attempt(&self, call: &Call, attempt: u32, class: Class) -> Result<Answer, Error> {
        let _background = if self.interactive || class == Class::Write {
            None
        } else {
            self.inner.background.acquire().await.ok()
        };
        let _place = self.inner.places.acquire().await.ok();
        let mut stale = None;
        loop {
            if let Err(last) = self.inner.breaker.admit() {
                return Err(self.error(call, ErrorKind::Resting, last));
            }
            let (authorization, generation) = self.authorization(call, stale).await?;
            let result = self.exchange(call, attempt, authorization).await;
            match &result {
                Err(error) if *error.kind() == ErrorKind::Credentials && stale.is_none() && self.can_renew(generation).await => {
                    stale = Some(generation);
                }
                _ => return result,
            }
        }
    }

    async fn exchange(&self, call: &Call, attempt: u32, authorization: (HeaderName, HeaderValue)) -> Result<Answer, Error> {
        let service = self.inner.endpoint.service;
        let url = call.url(&self.inner.endpoint.base).map_err(|segment| {
            let words = format!("`{segment}` cannot be part of an address");
            self.error(call, ErrorKind::Refused { status: 400 }, words).never_asked()
        })?;
        let underway = Underway::begin(&self.inner.telemetry, service, call.operation, &call.object, attempt);
        let result = self.send(call, url, authorization).await;
        match &result {
            Err(error) if matches!(error.kind(), ErrorKind::Unreachable | ErrorKind::Tls) => {
                self.inner.breaker.connect_failed(error.words());
            }
            Err(error) if error.not_sent() => {}
            _ => self.inner.breaker.answered(),
        }
        match &result {
            Ok((answer, bytes)) => {
                let outcome = if answer.value.is_err() && !answer.empty {
                    "malformed"
                } else {
                    "ok"
                };
                underway.end(outcome, Some(answer.status), *bytes);
            }
            Err(error) => underway.fail(error),
        }
        result.map(|(answer, _)| answer)
    }

    async fn send(&self, call: &Call, url: Url, (name, value): (HeaderName, HeaderValue)) -> Result<(Answer, usize), Error> {
        let endpoint = &self.inner.endpoint;
        let secret = secret_of(&value).to_owned();
        let mut request = self
            .inner
            .client
            .request(call.method.clone(), url.clone())
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
        let known = call.revalidate.then(|| self.kept(&url)).flatten();
        if let Some((tag, _)) = &known {
            request = request.header(IF_NONE_MATCH, tag);
        }
        let response = request
            .send()
            .await
            .map_err(|error| classify(endpoint.service, call.operation, &error))?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let most = if response.status().is_success() {
            endpoint.limits.body
        } else {
            ERROR_BODY.min(endpoint.limits.body)
        };
        let received = body(endpoint.service, call.operation, response, most).await;
        let (status, body) = match (status, known) {
            (304, Some((_, body))) => (200, body),
            (200..=299, _) => (status, received?),
            _ => {
                // what an error says is worth having, but the status alone decides
                let words = wire::error_words(&received.unwrap_or_default(), status, &[&secret]);
                let after = headers
                    .get(RETRY_AFTER)
                    .and_then(|value| value.to_str().ok())
                    .and_then(|text| retry_after(text, Timestamp::now()));
                return Err(self.error(call, of_status(status, after), words).with_status(status));
            }
        };
        if call.revalidate {
            self.keep(&url, &headers, &body);
        }
        let answer = Answer {
            status,
            empty: body.iter().all(u8::is_ascii_whitespace),
            value: wire::json(&body).map_err(|words| wire::unrepeated(words, &body, &secret)),
            headers,
        };
        Ok((answer, body.len()))
    }

    /// After a 401 on a credential of this generation: whether a repeat could have another one. A token always; a key where its
    /// source has another by now.
    async fn can_renew(&self, generation: u64) -> bool {
        let Inner { endpoint, keys, .. } = &*self.inner;
        match endpoint.auth {
            Auth::OAuth2 { .. } => true,
            Auth::ApiKey(_) | Auth::ManageKey(_) => keys.renew(&endpoint.auth, generation).await,
        }
    }

    /// The header that proves who we are, and the generation of token or key.
    async fn authorization(&self, call: &Call, stale: Option<u64>) -> Result<((HeaderName, HeaderValue), u64), Error> {
        let Inner {
            endpoint,
            keys,
            tokens,
            client,
            ..
        } = &*self.inner;
        let auth = &endpoint.auth;
        let (name, text, generation) = match auth {
            Auth::ApiKey(_) => {
                let (key, generation) = keys.current(auth);
                (AUTHORIZATION, format!("ApiKey {}", key.expose_secret()), generation)
            }
            Auth::ManageKey(_) => {
                let (key, generation) = keys.current(auth);
                (HeaderName::from_static("apikey"), key.expose_secret().to_owned(), generation)
            }
            Auth::OAuth2 { .. } => {
                let token = tokens.get(client, auth, keys, stale).await?;
                (AUTHORIZATION, format!("Bearer {}", token.bearer.expose_secret()), token.generation)
            }
        };
        // not a matter of this request: what waits must wait for a better key, not be given up
        let mut value = HeaderValue::from_str(&text).map_err(|_| {
            let words = "the key holds a control character; check its file for line breaks";
            self.error(call, ErrorKind::Credentials, words)
        })?;
        value.set_sensitive(true);
        Ok(((name, value), generation))
    }

    pub(super) fn error(&self, call: &Call, kind: ErrorKind, words: impl Into<SafeText>) -> Error {
        Error::new(self.inner.endpoint.service, call.operation, kind, words)
    }

    /// How long reads still have to wait because the server asked for it.
    fn held(&self) -> Duration {
        let until = *self.inner.hold_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
    }

    fn hold(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut hold = self.inner.hold_until.lock().unwrap_or_else(PoisonError::into_inner);
        *hold = Some(hold.map_or(until, |known| known.max(until)));
    }

    fn kept(&self, url: &Url) -> Option<(HeaderValue, Bytes)> {
        let kept = self.inner.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().find(|kept| kept.url == *url)?;
        Some((found.tag.clone(), found.body.clone()))
    }

    fn keep(&self, url: &Url, headers: &HeaderMap, body: &Bytes) {
        let Some(tag) = headers.get(ETAG).filter(|_| body.len() <= KEPT_BYTES) else {
            return;
        };
        let mut kept = self.inner.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|kept| kept.url != *url);
        if kept.len() == KEPT_ANSWERS {
            kept.pop_front();
        }
        kept.push_back(Kept {
            url: url.clone(),
            tag: tag.clone(),
            body: body.clone(),
        });
    }
}

/// The key or token of an `Authorization` or `apikey` header.
fn secret_of(value: &HeaderValue) -> &str {
    let text = value.to_str().unwrap_or_default();
    text.rsplit(' ').next().unwrap_or(text)
}

/// Reads a body up to `most` bytes, counted after decompression: a gzip bomb stops at the limit.
pub(super) async fn body(service: Service, operation: &'static str, mut response: Response, most: usize) -> Result<Bytes, Error> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| classify(service, operation, &error))? {
        if body.len() + chunk.len() > most {
            let words = format!("more than {} KiB", most / 1024);
            return Err(Error::new(service, operation, ErrorKind::Malformed, words).past_the_limit());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}
