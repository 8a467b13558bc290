//! One HTTPS call to a system that is not Maximo: bounded, recorded, never redirected.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use jiff::Timestamp;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;
use url::{Host, Url};

use super::Door;
use super::address::ClosedAddress;
use crate::domain::{SafeText, Service};
use crate::maximo::{
    Error, ErrorKind, Limits, Telemetry, Underway, classify, error_words, https_client, of_status, retry_after, without_all,
};

/// Most of an answer that is read. The status decides; the body is only worth its words, or a look-up's one record.
const BODY_MAX: usize = 256 * 1024;

/// A client of one system.
#[derive(Clone)]
pub(in crate::integration) struct Client {
    http: reqwest::Client,
    service: Service,
    telemetry: Telemetry,
    /// Where only certain addresses may be called.
    door: Option<Door>,
    /// What is blotted out of an answer.
    secrets: Arc<[SecretString]>,
}

/// One request.
#[derive(Debug)]
pub(in crate::integration) struct Request<'a> {
    pub(in crate::integration) operation: &'static str,
    /// What it is about, for the record of calls.
    pub(in crate::integration) object: &'a str,
    pub(in crate::integration) method: Method,
    pub(in crate::integration) url: Url,
    pub(in crate::integration) headers: HeaderMap,
    pub(in crate::integration) body: Option<Vec<u8>>,
    /// 1 for the first.
    pub(in crate::integration) attempt: u32,
}

/// An answer, whatever its status.
#[derive(Clone, Debug)]
pub(in crate::integration) struct Reply {
    pub(in crate::integration) status: u16,
    pub(in crate::integration) retry_after: Option<Duration>,
    words: SafeText,
    /// As far as it came: an answer is no less an answer where its body is cut or too long. Our own secrets are blotted out.
    pub(in crate::integration) body: Bytes,
}

impl Reply {
    pub(in crate::integration) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// What the other side said, in one sentence.
    pub(in crate::integration) fn words(&self) -> SafeText {
        SafeText::from(format!("{}: {}", self.status, self.words.shown()))
    }

    /// The retry class of the status.
    pub(in crate::integration) fn kind(&self) -> ErrorKind {
        of_status(self.status, self.retry_after)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Client")
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// A client that trusts an authority of one's own (PEM) besides the system's; with a door it connects only to what that lets
    /// through, and then through no proxy, which would look the name up by itself. `Err` is a sentence about the authority.
    pub(in crate::integration) fn new(
        service: Service,
        ca_pem: Option<&[u8]>,
        door: Option<Door>,
        limits: &Limits,
        telemetry: Telemetry,
    ) -> Result<Self, String> {
        let mut builder = https_client(ca_pem, limits)?;
        if let Some(door) = &door {
            builder = builder.dns_resolver(Arc::new(door.clone())).no_proxy();
        }
        Ok(Self {
            http: builder.build().map_err(|error| error.to_string())?,
            service,
            telemetry,
            door,
            secrets: Arc::default(),
        })
    }

    /// The same client, which does not let a server that repeats one of these get it into our outbox, logs and screens.
    pub(in crate::integration) fn hiding(self, secrets: impl IntoIterator<Item = SecretString>) -> Self {
        Self {
            secrets: secrets.into_iter().collect(),
            ..self
        }
    }

    /// One attempt. `Err` where no answer came: [`ErrorKind::Insecure`] for an address that is not to be called,
    /// [`ErrorKind::Tls`] and [`ErrorKind::Unreachable`] where certainly no byte was sent, [`ErrorKind::Interrupted`] where one may have been.
    pub(in crate::integration) async fn call(&self, request: Request<'_>) -> Result<Reply, Error> {
        let (at, began) = (Timestamp::now(), Instant::now());
        let underway = Underway::begin(&self.telemetry, self.service, request.operation, request.object, request.attempt);
        let result = self.send(request).await;
        match &result {
            Ok(reply) => {
                let outcome = if reply.is_success() { "ok" } else { "refused" };
                underway.end(outcome, Some(reply.status), reply.body.len());
                self.telemetry.settle(self.service, at, began.elapsed(), None);
            }
            Err(error) => {
                underway.fail(error);
                self.telemetry.settle(self.service, at, began.elapsed(), Some(error));
            }
        }
        result
    }

    async fn send(&self, request: Request<'_>) -> Result<Reply, Error> {
        let Request {
            operation,
            method,
            url,
            mut headers,
            body,
            ..
        } = request;
        self.check_literal(operation, &url)?;
        if body.is_some() {
            headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
        }
        let mut call = self.http.request(method, url).headers(headers);
        if let Some(body) = body {
            call = call.body(body);
        }
        let mut response = call.send().await.map_err(|error| self.judge(operation, &error))?;
        let status = response.status().as_u16();
        let after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let after = after.and_then(|text| retry_after(text, Timestamp::now()));
        let mut body = BytesMut::new();
        while let Ok(Some(chunk)) = response.chunk().await {
            body.extend_from_slice(&chunk);
            if body.len() > BODY_MAX {
                body.truncate(BODY_MAX);
                break;
            }
        }
        let secrets: Vec<&str> = self.secrets.iter().map(ExposeSecret::expose_secret).collect();
        let words = error_words(&body, status, &secrets);
        let text = String::from_utf8_lossy(&body);
        let clean = without_all(&text, &secrets);
        let body = if clean == text { body.freeze() } else { Bytes::from(clean) };
        Ok(Reply {
            status,
            retry_after: after,
            words,
            body,
        })
    }

    /// An address that stands in the URL itself is never looked up, so that the resolver does not see it.
    fn check_literal(&self, operation: &'static str, url: &Url) -> Result<(), Error> {
        let Some(door) = &self.door else { return Ok(()) };
        let closed = match url.host() {
            Some(Host::Ipv4(address)) => door.admits(address.into()),
            Some(Host::Ipv6(address)) => door.admits(address.into()),
            Some(Host::Domain(_)) | None => Ok(()),
        };
        closed.map_err(|closed| Error::new(self.service, operation, ErrorKind::Insecure, closed.to_string()))
    }

    fn judge(&self, operation: &'static str, error: &reqwest::Error) -> Error {
        let mut source: Option<&(dyn StdError + 'static)> = Some(error);
        while let Some(inner) = source {
            if let Some(closed) = inner.downcast_ref::<ClosedAddress>() {
                return Error::new(self.service, operation, ErrorKind::Insecure, closed.to_string());
            }
            source = inner.source();
        }
        // a URL may hold a secret (Slack's does): the error's own text names it, its root does not
        classify(self.service, operation, error)
    }
}
