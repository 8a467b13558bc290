//! The token endpoint: client credentials, form-encoded.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::Answer;
use super::call::{Call, Shared, lock};
use crate::simulator::authority::secret;
use crate::simulator::world::Refusal;

/// Tokens given and not yet ended.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    until: HashMap<String, Timestamp>,
}

impl Tokens {
    pub(crate) fn is_valid(&self, token: &str, now: Timestamp) -> bool {
        self.until.get(token).is_some_and(|until| now < *until)
    }

    pub(crate) fn revoke_all(&mut self) {
        self.until.clear();
    }
}

pub(super) fn grant(shared: &Shared, call: &Call) -> Result<Answer, Refusal> {
    let form: HashMap<String, String> = url::form_urlencoded::parse(&call.body).into_owned().collect();
    let given = |name: &str| form.get(name).map_or("", String::as_str);
    if !call
        .header("content-type")
        .unwrap_or_default()
        .starts_with("application/x-www-form-urlencoded")
    {
        return Err(Refusal::new(400, "invalid_request", "the body must be form-encoded"));
    }
    if given("grant_type") != "client_credentials" {
        return Err(Refusal::new(400, "unsupported_grant_type", "grant_type must be client_credentials"));
    }
    if given("client_id") != shared.keys.client_id || given("client_secret") != shared.keys.client_secret {
        return Err(Refusal::new(401, "invalid_client", "client_id or client_secret is wrong"));
    }
    let token = secret(24).map_err(|error| Refusal::new(500, "server_error", error.to_string()))?;
    let life = SignedDuration::try_from(shared.config.token_life).unwrap_or(SignedDuration::MAX);
    let until = call.now.saturating_add(life).unwrap_or(Timestamp::MAX);
    let mut tokens = lock(&shared.tokens);
    tokens.until.retain(|_, until| call.now < *until);
    tokens.until.insert(token.clone(), until);
    let mut body = json!({ "access_token": token, "token_type": "Bearer" });
    if let (true, Some(members)) = (shared.config.expires_in, body.as_object_mut()) {
        members.insert("expires_in".into(), json!(shared.config.token_life.as_secs()));
    }
    Ok(Answer::json(200, &body).with_header("cache-control", "no-store"))
}
