//! OAuth 2.0 client credentials: one token, one refresh shared by all callers.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::{Auth, Error, ErrorKind};
use crate::domain::Service;

/// A token without `expires_in` is taken to live this long.
const DEFAULT_LIFE: Duration = Duration::from_secs(300);

/// A token is renewed this long before its end, or at nine tenths of a short life.
const EARLY: Duration = Duration::from_secs(30);

/// After a refusal nobody asks again for this long: a wrong secret must not become a storm.
const REFUSED_FOR: Duration = Duration::from_secs(5);

/// The token of one service.
#[derive(Default)]
pub(super) struct TokenCache {
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
    /// A token that is good now; `stale` names the generation that the server just refused.
    ///
    /// The lock is held over the refresh, so that however many callers wait, one request goes out.
    pub(super) async fn get(&self, client: &reqwest::Client, auth: &Auth, stale: Option<u64>) -> Result<Token, Error> {
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
        match request(client, auth).await {
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
            Err(error) => {
                // a token that still lives goes on serving while the endpoint is away
                if let Some(token) = &kept.token
                    && stale.is_none_or(|stale| token.generation > stale)
                    && now < token.ends_at
                {
                    return Ok(token.clone());
                }
                kept.refused = Some((now + REFUSED_FOR, error.clone()));
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

async fn request(client: &reqwest::Client, auth: &Auth) -> Result<(SecretString, Duration), Error> {
    const OPERATION: &str = "token";
    let fail = |kind, words: String| Error::new(Service::Monitor, OPERATION, kind, words);
    let Auth::OAuth2 {
        token_url,
        client_id,
        client_secret,
        scope,
    } = auth
    else {
        return Err(fail(ErrorKind::Configuration, "no OAuth 2.0 client is configured".into()));
    };
    let response = client
        .post(token_url.clone())
        .header(reqwest::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(reqwest::header::ACCEPT, "application/json")
        .body(form(client_id, client_secret, scope))
        .send()
        .await
        .map_err(|error| super::transport::classify(Service::Monitor, OPERATION, &error))?;
    let status = response.status().as_u16();
    match status {
        200 | 201 => {}
        429 | 500..=599 => return Err(fail(ErrorKind::Unreachable, format!("the token endpoint answers {status}"))),
        _ => return Err(fail(ErrorKind::Credentials, format!("the token endpoint answers {status}"))),
    }
    let body = super::transport::body(Service::Monitor, OPERATION, response, 256 * 1024).await?;
    let answer: Answer = serde_json::from_slice(&body)
        .map_err(|_| fail(ErrorKind::Malformed, "the token endpoint's answer holds no access_token".into()))?;
    let life = answer
        .expires_in
        .and_then(|value| value.as_f64().or_else(|| value.as_str()?.trim().parse().ok()));
    let life = life
        .filter(|seconds| seconds.is_finite() && *seconds > 0.0)
        .map_or(DEFAULT_LIFE, |seconds| Duration::from_secs_f64(seconds.min(86_400.0 * 365.0)));
    Ok((SecretString::from(answer.access_token), life))
}
