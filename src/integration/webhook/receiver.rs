//! One receiver: a single request to it, and the look-ups around that.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use super::{Definition, standard_signature};
use crate::domain::SafeText;
use crate::integration::exchange::{Client, Reply, Request};
use crate::maximo::{Error, ErrorKind};
use crate::outbox::Shipment;

/// Where messages of a webhook go, with the secrets that are used now.
pub(super) struct Receiver {
    pub(super) definition: Definition,
    pub(super) client: Client,
    /// How long a request without an answer may still be at work at the other side.
    pub(super) patience: Duration,
}

/// What became of one request.
pub(super) enum Outcome {
    /// It is there; more than once, where two bridges made it in the same instant.
    Arrived(Option<Arrival>),
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

/// What the receiver says of a message that it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Arrival {
    /// One sentence.
    pub(super) words: SafeText,
    /// Whether a person has to close what was made twice.
    pub(super) doubled: bool,
}

impl Receiver {
    pub(super) async fn attempt(&self, message: &str, payload: &Value, shipment: &Shipment) -> Outcome {
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
            Ok(reply) if reply.is_success() => Outcome::Arrived(self.made(&reply, payload, shipment.attempt).await),
            Ok(reply) => match self.of_reply(&reply) {
                // a table with a unique index refuses the second one of two bridges
                Outcome::Never(reason) => match self.look_up(payload, shipment.attempt).await {
                    Ok(Some(found)) => Outcome::Arrived(Some(found)),
                    Ok(None) | Err(_) => Outcome::Never(reason),
                },
                outcome => outcome,
            },
            Err(error) => self.of_error(&error),
        }
    }

    /// What became of a message that was just taken. Two bridges that look up in the same instant find nothing and both make a record:
    /// no look-up before the request can see that, so there is one after it. The later bridge always sees both.
    async fn made(&self, reply: &Reply, payload: &Value, attempt: u32) -> Option<Arrival> {
        if !self.definition.correlates {
            return None;
        }
        match self.look_up(payload, attempt).await {
            Ok(Some(found)) => Some(found),
            // it was made all the same, and its own answer says so
            Ok(None) | Err(_) => number(reply),
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

    /// The records that carry our id, where the receiver keeps such: a sentence with their numbers.
    pub(super) async fn look_up(&self, payload: &Value, attempt: u32) -> Result<Option<Arrival>, Outcome> {
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
            .append_pair("sysparm_fields", "number,sys_id,sys_created_on,correlation_id")
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
            .filter(|record| record.get("correlation_id").and_then(Value::as_str) == Some(id));
        Ok(arrival(ours.collect()))
    }
}

fn number(reply: &Reply) -> Option<Arrival> {
    let answer: Value = serde_json::from_slice(&reply.body).ok()?;
    arrival(answer.get("result").into_iter().collect())
}

/// The words about records under one id, the same at every bridge: the first of them is the one to keep.
fn arrival(mut records: Vec<&Value>) -> Option<Arrival> {
    let text = |record: &Value, name: &str| record.get(name).and_then(Value::as_str).map(str::to_owned);
    records.sort_by_cached_key(|record| ["sys_created_on", "number", "sys_id"].map(|name| text(record, name)));
    let (first, later) = records.split_first()?;
    let name = |record: &Value| text(record, "number").map_or_else(|| "without a number".to_owned(), |number| format!("incident {number}"));
    if later.is_empty() {
        let words = text(first, "number").map_or_else(|| "it is there".to_owned(), |number| format!("incident {number}"));
        return Some(Arrival {
            words: words.into(),
            doubled: false,
        });
    }
    let later: Vec<String> = later.iter().map(|record| name(record)).collect();
    let words = format!(
        "{}; another bridge told of the same alert in the same instant: close {} as its duplicate",
        name(first),
        later.join(", ")
    );
    Some(Arrival {
        words: words.into(),
        doubled: true,
    })
}
