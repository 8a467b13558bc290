//! One try of a message.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use super::{Definition, Disabled, standard_signature};
use crate::domain::{Intent, SafeText, Service, Target};
use crate::integration::exchange::{Client, Door, Reply, Request};
use crate::integration::{JobError, JobErrorKind, Part, Parts};
use crate::maximo::{Error, ErrorKind, Limits, Telemetry};
use crate::outbox::{Receipt, Sent, Shipment, Verified};

/// The receivers of a bridge.
pub struct Hooks {
    by_name: BTreeMap<String, Hook>,
    disabled: Disabled,
    parts: Parts,
}

struct Hook {
    definition: Definition,
    client: Client,
    /// How long a request without an answer may still be at work at the other side.
    patience: Duration,
}

impl fmt::Debug for Hooks {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.by_name.keys()).finish()
    }
}

/// What became of one request.
enum Outcome {
    /// It is there.
    Arrived(Option<SafeText>),
    /// The receiver is gone for good.
    Gone(SafeText),
    /// No, and it will be no the next time.
    Never(SafeText),
    /// The credential.
    Unauthorized(SafeText),
    /// Not this time.
    Again {
        reason: SafeText,
        /// At least so long.
        least: Duration,
    },
}

impl Hooks {
    /// Makes a client for each; an authority's file that cannot be used is a failure.
    pub fn new(
        definitions: Vec<Definition>,
        door: &Door,
        limits: Limits,
        telemetry: &Telemetry,
        (disabled, parts): (Disabled, Parts),
    ) -> Result<Self, JobError> {
        let mut by_name = BTreeMap::new();
        for definition in definitions {
            let wrong = |words: String| {
                let place = format!("{}: webhook.caFile: {words}", definition.path.display());
                JobError::new(JobErrorKind::Configuration, place)
            };
            let ca = definition.ca_file.as_ref().map(std::fs::read).transpose();
            let ca = ca.map_err(|error| wrong(error.to_string()))?;
            let client = Client::new(Service::Webhook, ca.as_deref(), Some(door.clone()), &limits, telemetry.clone()).map_err(wrong)?;
            let hook = Hook {
                client: client.hiding(definition.secrets.clone()),
                patience: limits.call,
                definition,
            };
            by_name.insert(hook.definition.name.clone(), hook);
        }
        parts.enable(Part::Outbound);
        Ok(Self { by_name, disabled, parts })
    }

    /// The definitions, by name.
    pub fn definitions(&self) -> impl Iterator<Item = &Definition> {
        self.by_name.values().map(|hook| &hook.definition)
    }

    /// One of them.
    pub fn get(&self, name: &str) -> Option<&Definition> {
        self.by_name.get(name).map(|hook| &hook.definition)
    }

    /// What messages are bound to, each once.
    pub fn targets(&self, profile: &str) -> Vec<Target> {
        let mut targets: Vec<Target> = Vec::new();
        for definition in self.definitions() {
            let target = definition.target(profile);
            if !targets.contains(&target) {
                targets.push(target);
            }
        }
        targets
    }

    /// Why a webhook is switched off, if it is.
    pub fn off(&self, name: &str) -> Option<SafeText> {
        let hook = self.by_name.get(name)?;
        match hook.definition.disablement(&self.disabled) {
            Ok(found) => found.map(|found| off_since(found.since, &found.words)),
            Err(error) => Some(error.to_string().into()),
        }
    }

    /// One try, with the schedule of the definition.
    pub async fn send(&self, shipment: &Shipment) -> Sent {
        let (hook, message, payload) = match self.find(shipment) {
            Ok(found) => found,
            Err(reason) => return Sent::Refused { reason },
        };
        if let Some(reason) = self.off(&hook.definition.name) {
            return Sent::Refused { reason };
        }
        let run = self.parts.begin(Part::Outbound);
        let outcome = hook.attempt(message, payload, shipment).await;
        match &outcome {
            Outcome::Arrived(_) => run.succeeded(Timestamp::now(), format!("{} told", hook.definition.name)),
            Outcome::Gone(reason) | Outcome::Never(reason) | Outcome::Unauthorized(reason) | Outcome::Again { reason, .. } => {
                run.failed(Timestamp::now(), format!("{}: {}", hook.definition.name, reason.shown()));
            }
        }
        match outcome {
            Outcome::Arrived(detail) => Sent::Delivered(Receipt { wonum: None, detail }),
            Outcome::Gone(reason) => {
                self.switch_off(&hook.definition, &reason);
                Sent::Refused { reason }
            }
            Outcome::Never(reason) => Sent::Refused { reason },
            Outcome::Unauthorized(reason) => Sent::Unauthorized { reason },
            Outcome::Again { reason, least } => match hook.definition.retry.after(shipment.attempt) {
                Some(after) => Sent::Later {
                    after: after.max(least),
                    reason,
                },
                None => Sent::Refused {
                    reason: format!(
                        "given up after {} of {} tries: {}; `nightdesk webhooks replay {}` sends it again",
                        shipment.attempt,
                        hook.definition.retry.max_attempts,
                        reason.shown(),
                        shipment.id,
                    )
                    .into(),
                },
            },
        }
    }

    /// Looks a message up where its receiver can be asked; others know a repeat by its id.
    pub async fn verify(&self, shipment: &Shipment) -> Verified {
        let (hook, _, payload) = match self.find(shipment) {
            Ok(found) => found,
            Err(reason) => return Verified::Refused { reason },
        };
        match hook.look_up(payload, shipment.attempt).await {
            Ok(Some(detail)) => Verified::Delivered(Receipt {
                wonum: None,
                detail: Some(detail),
            }),
            Ok(None) => Verified::Absent,
            Err(Outcome::Unauthorized(reason)) => Verified::Unauthorized { reason },
            Err(Outcome::Never(reason) | Outcome::Gone(reason)) => Verified::Refused { reason },
            Err(Outcome::Again { reason, least }) => Verified::Unknown {
                reason,
                after: (!least.is_zero()).then_some(least),
            },
            Err(Outcome::Arrived(detail)) => Verified::Delivered(Receipt { wonum: None, detail }),
        }
    }

    fn find<'a>(&'a self, shipment: &'a Shipment) -> Result<(&'a Hook, &'a str, &'a Value), SafeText> {
        let Intent::CallWebhook {
            webhook, message, payload, ..
        } = &shipment.intent
        else {
            return Err("this is no webhook".into());
        };
        let Some(hook) = self.by_name.get(webhook) else {
            return Err(format!("no file of [bridge].outbound has a webhook `{webhook}`: add it, or cancel this").into());
        };
        if hook.definition.origin() != shipment.target.origin {
            return Err(format!(
                "it was made for {}, and `{webhook}` is now at {}: replay it to send it there",
                shipment.target.origin,
                hook.definition.origin()
            )
            .into());
        }
        Ok((hook, message, payload))
    }

    fn switch_off(&self, definition: &Definition, words: &SafeText) {
        let kept = self
            .disabled
            .set(&definition.name, definition.url.as_str(), Timestamp::now(), words.shown());
        match kept {
            Ok(()) => tracing::warn!(webhook = %definition.name, "the receiver answered 410 Gone: the webhook is switched off"),
            Err(error) => tracing::error!(webhook = %definition.name, %error, "that the webhook is switched off could not be kept"),
        }
    }

    /// Switches a webhook on again.
    pub fn switch_on(&self, name: &str) -> Result<(), JobError> {
        Ok(self.disabled.clear(name)?)
    }
}

fn off_since(since: Timestamp, words: &str) -> SafeText {
    format!("switched off since {since}, when its receiver said that it is gone ({words}); `nightdesk webhooks test NAME` tries it and switches it on").into()
}

impl Hook {
    async fn attempt(&self, message: &str, payload: &Value, shipment: &Shipment) -> Outcome {
        // before the first try, too: another bridge may have told the same
        match self.look_up(payload, shipment.attempt).await {
            Ok(Some(detail)) => return Outcome::Arrived(Some(detail)),
            Ok(None) => {}
            Err(outcome) => return outcome,
        }
        let headers = match self.headers(message, &shipment.body) {
            Ok(headers) => headers,
            Err(words) => return Outcome::Never(words),
        };
        let reply = self
            .client
            .call(Request {
                operation: "callWebhook",
                object: &self.definition.name,
                method: self.definition.method.clone(),
                url: self.definition.url.clone(),
                headers,
                body: Some(shipment.body.clone()),
                attempt: shipment.attempt,
            })
            .await;
        match reply {
            Ok(reply) if reply.is_success() => Outcome::Arrived(self.definition.correlates.then(|| number(&reply)).flatten()),
            Ok(reply) => self.of_reply(&reply),
            Err(error) => self.of_error(&error),
        }
    }

    fn of_reply(&self, reply: &Reply) -> Outcome {
        let reason = reply.words();
        match reply.status {
            410 => Outcome::Gone(reason),
            401 => Outcome::Unauthorized(
                format!(
                    "{}; check the credential in the headers of {}",
                    reason.shown(),
                    self.definition.path.display()
                )
                .into(),
            ),
            408 | 425 | 429 => Outcome::Again {
                reason,
                least: reply.retry_after.unwrap_or_default(),
            },
            300..=399 => Outcome::Never(format!("{}; redirects are not followed: write the final address", reason.shown()).into()),
            _ => match reply.kind() {
                ErrorKind::Server { .. } | ErrorKind::Throttled { .. } => Outcome::Again {
                    reason,
                    least: reply.retry_after.unwrap_or_default(),
                },
                _ => Outcome::Never(reason),
            },
        }
    }

    fn of_error(&self, error: &Error) -> Outcome {
        let reason: SafeText = error.words().shown().into();
        match error.kind() {
            ErrorKind::Insecure | ErrorKind::Configuration => Outcome::Never(reason),
            // the request may still be at work there: a look-up would find nothing yet, and the repeat would double it
            ErrorKind::Interrupted if self.definition.correlates => Outcome::Again {
                reason,
                least: self.patience,
            },
            _ => Outcome::Again {
                reason,
                least: Duration::ZERO,
            },
        }
    }

    fn headers(&self, message: &str, body: &[u8]) -> Result<HeaderMap, SafeText> {
        let now = Timestamp::now().as_second();
        let mut headers = self.definition.headers.clone();
        let mut set = |name: &'static str, text: String| {
            let value = HeaderValue::from_str(&text).map_err(|_| SafeText::from(format!("{name} cannot be a header: {text}")))?;
            headers.insert(HeaderName::from_static(name), value);
            Ok::<(), SafeText>(())
        };
        set("webhook-id", message.to_owned())?;
        set("webhook-timestamp", now.to_string())?;
        if let Some(signing) = &self.definition.signing {
            set("webhook-signature", standard_signature(signing.secret(), message, now, body))?;
        }
        Ok(headers)
    }

    /// The record that carries our id, where the receiver keeps such: a sentence with its number.
    async fn look_up(&self, payload: &Value, attempt: u32) -> Result<Option<SafeText>, Outcome> {
        let Some(id) = payload
            .get("correlation_id")
            .and_then(Value::as_str)
            .filter(|_| self.definition.correlates)
        else {
            return Ok(None);
        };
        // `^` would add a condition to the query
        if !id.chars().all(|char| char.is_ascii_alphanumeric() || "-_.:".contains(char)) {
            return Err(Outcome::Never(
                format!("the correlation_id `{id}` cannot be looked up: use letters, digits and -_.: only").into(),
            ));
        }
        let mut url = self.definition.url.clone();
        url.query_pairs_mut()
            .append_pair("sysparm_query", &format!("correlation_id={id}"))
            .append_pair("sysparm_fields", "number,sys_id,correlation_id")
            .append_pair("sysparm_limit", "10");
        let reply = self
            .client
            .call(Request {
                operation: "findIncident",
                object: &self.definition.name,
                method: Method::GET,
                url,
                headers: self.definition.headers.clone(),
                body: None,
                attempt,
            })
            .await
            .map_err(|error| match error.kind() {
                ErrorKind::Insecure | ErrorKind::Configuration => Outcome::Never(error.words().shown().into()),
                _ => Outcome::Again {
                    reason: format!("the look-up before sending failed: {}", error.words().shown()).into(),
                    least: Duration::ZERO,
                },
            })?;
        if !reply.is_success() {
            return Err(self.of_reply(&reply));
        }
        let records: Value = serde_json::from_slice(&reply.body).map_err(|_| Outcome::Again {
            reason: "the look-up before sending was answered with no JSON".into(),
            least: Duration::ZERO,
        })?;
        let Some(records) = records.get("result").and_then(Value::as_array) else {
            return Err(Outcome::Again {
                reason: "the look-up before sending was answered without `result`".into(),
                least: Duration::ZERO,
            });
        };
        // compared on our side, whatever the server takes for equal
        let ours = records
            .iter()
            .find(|record| record.get("correlation_id").and_then(Value::as_str) == Some(id));
        Ok(ours.map(named))
    }
}

fn number(reply: &Reply) -> Option<SafeText> {
    let answer: Value = serde_json::from_slice(&reply.body).ok()?;
    answer.get("result").map(named)
}

fn named(record: &Value) -> SafeText {
    match record.get("number").and_then(Value::as_str) {
        Some(number) => format!("incident {number}").into(),
        None => "it is there".into(),
    }
}
