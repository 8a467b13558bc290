//! OAuth 2.0 client credentials: one token, one refresh shared by all callers.

use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::failure::{classify, retry_after};
use super::keyring::Keyring;
use super::telemetry::Underway;
use super::{Auth, Error, ErrorKind, Telemetry};
use crate::domain::Service;

/// A token without `expires_in` is taken to live this long.
const DEFAULT_LIFE: Duration = Duration::from_secs(300);

/// A token is renewed this long before its end, or at nine tenths of a short life.
const EARLY: Duration = Duration::from_secs(30);

/// After a refusal nobody asks again for this long: a wrong secret must not become a storm.
const REFUSED_FOR: Duration = Duration::from_secs(5);

/// The name of the call in records and errors.
const OPERATION: &str = "token";

/// The token of one service.
pub(super) struct TokenCache {
    service: Service,
    telemetry: Telemetry,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    generation: u64,
    refused: Option<(Instant, Error)>,
}

#[derive(Clone)]
pub(super) struct Token {
    pub(super) bearer: SecretString,
    pub(super) generation: u64,
    renew_at: Instant,
    ends_at: Instant,
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    #[serde(default)]
    expires_in: Option<serde_json::Value>,
}

impl TokenCache {
    pub(super) fn new(service: Service, telemetry: Telemetry) -> Self {
        Self {
            service,
            telemetry,
            state: Mutex::default(),
        }
    }

    /// A token that is good now; `stale` names the generation that the server just refused.
    ///
    /// The lock is held over the refresh, so that however many callers wait, one request goes out.
    /// A client secret that the endpoint refuses is read anew, once for all of them.
    pub(super) async fn get(&self, client: &reqwest::Client, auth: &Auth, keys: &Keyring, stale: Option<u64>) -> Result<Token, Error> {
        let mut kept = self.state.lock().await;
        let now = Instant::now();
        if let Some(token) = &kept.token
            && now < token.renew_at
            && stale.is_none_or(|stale| token.generation > stale)
        {
            return Ok(token.clone());
        }
        if let Some((until, error)) = &kept.refused
            && now < *until
        {
            return Err(error.clone());
        }
        let (secret, generation) = keys.current(auth);
        let mut result = self.request(client, auth, &secret).await;
        if let Err((error, _)) = &result
            && *error.kind() == ErrorKind::Credentials
            && keys.renew(auth, generation).await
        {
            result = self.request(client, auth, &keys.current(auth).0).await;
        }
        match result {
            Ok((bearer, life)) => {
                kept.generation += 1;
                let early = EARLY.min(life / 10);
                let token = Token {
                    bearer,
                    generation: kept.generation,
                    renew_at: now + life - early,
                    ends_at: now + life,
                };
                kept.token = Some(token.clone());
                kept.refused = None;
                Ok(token)
            }
            Err((error, asked)) => {
                // a token that still lives goes on serving while the endpoint is away
                if let Some(token) = &kept.token
                    && stale.is_none_or(|stale| token.generation > stale)
                    && now < token.ends_at
                {
                    return Ok(token.clone());
                }
                kept.refused = Some((now + asked.unwrap_or_default().max(REFUSED_FOR), error.clone()));
                Err(error)
            }
        }
    }

    /// How long the token is good for, if there is one.
    pub(super) async fn remaining(&self) -> Option<Duration> {
        self.state
            .lock()
            .await
            .token
            .as_ref()
            .map(|token| token.ends_at.saturating_duration_since(Instant::now()))
    }

    /// Asks for a token. Whatever goes wrong here, the call for which it is wanted was not sent.
    async fn request(
        &self,
        client: &reqwest::Client,
        auth: &Auth,
        client_secret: &SecretString,
    ) -> Result<(SecretString, Duration), (Error, Option<Duration>)> {
        let Auth::OAuth2 {
            token_url,
            client_id,
            scope,
            ..
        } = auth
        else {
            return Err((self.fail(ErrorKind::Configuration, "no OAuth 2.0 client is configured"), None));
        };
        let underway = Underway::begin(&self.telemetry, self.service, OPERATION, client_id, 1);
        let request = client
            .post(token_url.clone())
            .header(reqwest::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(reqwest::header::ACCEPT, "application/json")
            .body(form(client_id, client_secret, scope));
        let result = self.ask(request).await;
        match &result {
            Ok((_, _, status, bytes)) => underway.end("ok", Some(*status), *bytes),
            Err((error, _)) => underway.fail(error),
        }
        result.map(|(bearer, life, _, _)| (bearer, life))
    }

    async fn ask(&self, request: reqwest::RequestBuilder) -> Result<(SecretString, Duration, u16, usize), (Error, Option<Duration>)> {
        let lost = |error: Error| match error.kind() {
            ErrorKind::Tls => error,
            _ => self.fail(
                ErrorKind::Unreachable,
                format!("the token endpoint cannot be asked: {}", error.words()),
            ),
        };
        let response = request
            .send()
            .await
            .map_err(|error| (lost(classify(self.service, OPERATION, &error)), None))?;
        let status = response.status().as_u16();
        if !response.status().is_success() {
            let after = response.headers().get(reqwest::header::RETRY_AFTER);
            let after = after.and_then(|value| retry_after(value.to_str().ok()?, Timestamp::now()));
            let kind = match status {
                429 | 500..=599 => ErrorKind::Unreachable,
                _ => ErrorKind::Credentials,
            };
            // its words are left out: an endpoint that repeats the form repeats the secret
            let error = self.fail(kind, format!("the token endpoint answers {status}")).with_status(status);
            return Err((error, after));
        }
        let body = super::transport::body(self.service, OPERATION, response, 256 * 1024)
            .await
            .map_err(|error| (lost(error), None))?;
        let (bearer, life) = parse(&body).ok_or_else(|| {
            let words = "the token endpoint's answer holds no usable access_token; check token_url";
            (self.fail(ErrorKind::Unreachable, words).with_status(status), None)
        })?;
        Ok((bearer, life, status, body.len()))
    }

    fn fail(&self, kind: ErrorKind, words: impl Into<crate::domain::SafeText>) -> Error {
        Error::new(self.service, OPERATION, kind, words)
    }
}

fn form(client_id: &str, client_secret: &SecretString, scope: &str) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials")
        .append_pair("client_id", client_id);
    form.append_pair("client_secret", client_secret.expose_secret());
    if !scope.is_empty() {
        form.append_pair("scope", scope);
    }
    form.finish()
}

/// `access_token`, if it can stand in a header, and its life.
pub(super) fn parse(body: &[u8]) -> Option<(SecretString, Duration)> {
    let answer: Answer = serde_json::from_slice(body).ok()?;
    let bearer = SecretString::from(answer.access_token);
    if bearer.expose_secret().is_empty() || !bearer.expose_secret().bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let life = answer
        .expires_in
        .and_then(|value| value.as_f64().or_else(|| value.as_str()?.trim().parse().ok()))
        .filter(|seconds| seconds.is_finite() && *seconds > 0.0)
        .map_or(DEFAULT_LIFE, |seconds| Duration::from_secs_f64(seconds.min(86_400.0 * 365.0)));
    Some((bearer, life))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_life_is_read_leniently_and_an_unusable_token_is_none() {
        let life = |body: &str| parse(body.as_bytes()).map(|(_, life)| life.as_secs());
        assert_eq!(life(r#"{"access_token":"t","expires_in":"60"}"#), Some(60));
        for odd in ["null", "-1", "0", "\"soon\"", "[]"] {
            assert_eq!(life(&format!(r#"{{"access_token":"t","expires_in":{odd}}}"#)), Some(300), "{odd}");
        }
        for bad in [
            "",
            "[]",
            "{}",
            r#"{"access_token":""}"#,
            r#"{"access_token":"a\nb"}"#,
            r#"{"access_token":"\u00e9"}"#,
            "<html>",
        ] {
            assert_eq!(life(bad), None, "{bad}");
        }
    }
}
