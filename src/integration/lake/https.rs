//! How the store is called: over TLS as everything else here, with IAM's token where the store asks for it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use object_store::ClientOptions;
use object_store::client::{HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService};
use reqwest::StatusCode;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use super::record::{Called, Recorded};
use crate::domain::SafeText;
use crate::integration::{JobError, JobErrorKind};
use crate::maximo::{ErrorKind, Limits, Telemetry, https_client, root_cause};

/// Between two reads of an answer.
const IDLE: Duration = Duration::from_secs(60);
/// For a whole call; a part of an upload over a slow line takes a while.
const CALL: Duration = Duration::from_secs(300);
/// A token is not used in its last minute.
const MARGIN: Duration = Duration::from_secs(60);
/// Where the server does not say how long a token lives.
const LIFE: Duration = Duration::from_secs(600);
/// Longest answer of the token endpoint that is read, in bytes.
const TOKEN_BODY: usize = 64 * 1024;

/// A client for the store and the token endpoint: `https` only, no redirects, no retries of its own.
pub(super) fn client(ca_pem: Option<&[u8]>, local: bool) -> Result<reqwest::Client, JobError> {
    let wrong = |words: String| JobError::new(JobErrorKind::Configuration, format!("[profiles.*.lake]: {words}"));
    let limits = Limits {
        idle: IDLE,
        call: CALL,
        ..Limits::default()
    };
    let mut builder = https_client(ca_pem, &limits).map_err(wrong)?;
    if local {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| wrong(error.to_string()))
}

/// Gives the store our client instead of one of its own.
#[derive(Clone, Debug)]
pub(super) struct Connector {
    pub(super) client: Recorded,
    pub(super) iam: Option<Arc<Iam>>,
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(match &self.iam {
            None => HttpClient::new(self.client.clone()),
            Some(iam) => HttpClient::new(Bearer {
                client: self.client.clone(),
                iam: Arc::clone(iam),
            }),
        })
    }
}

/// IBM Cloud's IAM: an API key against a token that lives for an hour.
pub(super) struct Iam {
    client: reqwest::Client,
    url: Url,
    key: SecretString,
    token: Mutex<Option<Token>>,
    instance: Option<HeaderValue>,
    telemetry: Telemetry,
}

#[derive(Clone)]
struct Token {
    header: HeaderValue,
    until: Instant,
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    expires_in: Option<u64>,
}

impl Iam {
    pub(super) fn new(client: reqwest::Client, url: Url, key: SecretString, instance: Option<&str>, telemetry: Telemetry) -> Self {
        Self {
            client,
            url,
            key,
            token: Mutex::new(None),
            instance: instance.and_then(|instance| HeaderValue::from_str(instance).ok()),
            telemetry,
        }
    }

    /// A token that is good for a while; one call for all who wait.
    async fn token(&self) -> Result<HeaderValue, JobError> {
        let mut token = self.token.lock().await;
        if let Some(token) = token.as_ref().filter(|token| Instant::now() < token.until) {
            return Ok(token.header.clone());
        }
        let called = Called::begin(&self.telemetry, "iamToken", self.url.host_str().unwrap_or_default());
        let (mut status, mut bytes) = (None, 0);
        let fresh = self.exchange(&mut status, &mut bytes).await;
        match (&fresh, status) {
            (Ok(_), Some(status)) => called.answered(status, bytes),
            // an answer that was none, or only a part
            (Err(_), Some(status)) if status.is_success() => called.failed(ErrorKind::Malformed, Some(status)),
            (Err(_), Some(status)) => called.answered(status, bytes),
            (_, None) => called.failed(ErrorKind::Unreachable, None),
        }
        let fresh = fresh?;
        let header = fresh.header.clone();
        *token = Some(fresh);
        Ok(header)
    }

    async fn forget(&self, stale: &HeaderValue) {
        let mut token = self.token.lock().await;
        if token.as_ref().is_some_and(|token| token.header == *stale) {
            *token = None;
        }
    }

    /// Says the status and the length of the answer as soon as they are known.
    async fn exchange(&self, answered: &mut Option<StatusCode>, bytes: &mut usize) -> Result<Token, JobError> {
        let asked = Instant::now();
        let failed = |kind, words: String| JobError::new(kind, format!("IAM at {}: {words}", self.url));
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "urn:ibm:params:oauth:grant-type:apikey")
            .append_pair("apikey", self.key.expose_secret())
            .finish();
        let request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json")
            .body(form);
        let mut response = request.send().await.map_err(|error| failed(kind_of(&error), deepest(&error)))?;
        let status = response.status();
        *answered = Some(status);
        let mut body = Vec::new();
        while let Some(some) = response
            .chunk()
            .await
            .map_err(|error| failed(JobErrorKind::Server, deepest(&error)))?
        {
            if body.len() + some.len() > TOKEN_BODY {
                return Err(failed(JobErrorKind::Server, "an answer of more than 64 KiB".into()));
            }
            body.extend_from_slice(&some);
            *bytes = body.len();
        }
        if matches!(status, StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            let words = format!("refused the API key ({}); check iam_key_* of [profiles.*.lake]", status.as_u16());
            return Err(failed(JobErrorKind::Credentials, words));
        }
        if !status.is_success() {
            return Err(failed(JobErrorKind::Server, format!("status {}", status.as_u16())));
        }
        let answer: Answer =
            serde_json::from_slice(&body).map_err(|_| failed(JobErrorKind::Server, "an answer without `access_token`".into()))?;
        let mut header = HeaderValue::from_str(&format!("Bearer {}", answer.access_token))
            .map_err(|_| failed(JobErrorKind::Server, "a token with control characters".into()))?;
        header.set_sensitive(true);
        let life = answer.expires_in.map_or(LIFE, Duration::from_secs);
        Ok(Token {
            header,
            until: asked + life.saturating_sub(MARGIN),
        })
    }
}

/// Calls the store with a token.
struct Bearer {
    client: Recorded,
    iam: Arc<Iam>,
}

impl Bearer {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let again = request.clone();
        let token = self.token().await?;
        let response = self.with(request, token.clone()).await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        // revoked before its time: once more with a fresh one
        self.iam.forget(&token).await;
        let token = self.token().await?;
        self.with(again, token).await
    }

    async fn token(&self) -> Result<HeaderValue, HttpError> {
        self.iam
            .token()
            .await
            .map_err(|error| HttpError::new(HttpErrorKind::Unknown, error))
    }

    async fn with(&self, mut request: HttpRequest, token: HeaderValue) -> Result<HttpResponse, HttpError> {
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, token);
        if let Some(instance) = &self.iam.instance {
            headers.insert(HeaderName::from_static("ibm-service-instance-id"), instance.clone());
        }
        HttpService::call(&self.client, request).await
    }
}

// the trait is made by `async_trait`; this is what it expands to
impl HttpService for Bearer {
    fn call<'service, 'call>(&'service self, request: HttpRequest) -> BoxFuture<'call, Result<HttpResponse, HttpError>>
    where
        'service: 'call,
        Self: 'call,
    {
        Box::pin(self.send(request))
    }
}

impl std::fmt::Debug for Bearer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Bearer(…)")
    }
}

impl std::fmt::Debug for Iam {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Iam").field(&self.url.as_str()).finish()
    }
}

/// What kind of failure an error of the HTTP client is.
pub(super) fn kind_of(error: &(dyn std::error::Error + 'static)) -> JobErrorKind {
    let mut next = Some(error);
    while let Some(error) = next {
        // IAM's own failure, inside the store's
        if let Some(known) = error.downcast_ref::<JobError>() {
            return known.kind;
        }
        next = error.source();
    }
    let (_, tls) = root_cause(error);
    if tls { JobErrorKind::Tls } else { JobErrorKind::Server }
}

/// The innermost reason, which is the one that helps.
pub(super) fn deepest(error: &(dyn std::error::Error + 'static)) -> String {
    let (words, _) = root_cause(error);
    SafeText::new(words).shown().chars().take(300).collect()
}
