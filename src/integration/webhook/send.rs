//! The receivers of a bridge: a try of a message with the schedule of its definition, and what is known of earlier ones.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::receiver::{Arrival, Outcome, Receiver};
use super::{Definition, Disabled};
use crate::config::Env;
use crate::domain::{Intent, SafeText, Service, Target};
use crate::integration::exchange::{Client, Door};
use crate::integration::{JobError, JobErrorKind, Part, Parts};
use crate::maximo::{Limits, Renewal, Telemetry};
use crate::outbox::{Receipt, Sent, Shipment, Verified};

/// The receivers of a bridge.
pub struct Hooks {
    by_name: BTreeMap<String, Hook>,
    disabled: Disabled,
    parts: Parts,
    env: Env,
}

struct Hook {
    /// As it was at the start.
    first: Arc<Receiver>,
    renewal: Renewal<Arc<Receiver>>,
}

impl Hook {
    /// The receiver with the secrets to use now, and their generation.
    fn current(&self) -> (Arc<Receiver>, u64) {
        let (newest, generation) = self.renewal.newest();
        (newest.unwrap_or_else(|| Arc::clone(&self.first)), generation)
    }

    /// After the receiver refused the secrets of this generation: whether there are others by now, in the environment or its files.
    async fn renew(&self, stale: u64, env: &Env) -> bool {
        let look = |known: Option<Arc<Receiver>>| async move {
            let known = known.unwrap_or_else(|| Arc::clone(&self.first));
            let other = known.definition.renewed(env)?;
            Ok(other.map(|definition| {
                // a server may still repeat the old ones
                let all = known
                    .definition
                    .secrets
                    .iter()
                    .chain(&definition.secrets)
                    .cloned()
                    .collect::<Vec<_>>();
                Arc::new(Receiver {
                    client: known.client.clone().hiding(all),
                    patience: known.patience,
                    definition,
                })
            }))
        };
        self.renewal.renew(stale, look).await
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.by_name.keys()).finish()
    }
}

impl Hooks {
    /// Makes a client for each; an authority's file that cannot be used is a failure.
    pub fn new(
        definitions: Vec<Definition>,
        door: &Door,
        limits: Limits,
        telemetry: &Telemetry,
        (disabled, parts, env): (Disabled, Parts, Env),
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
            let name = definition.name.clone();
            let first = Receiver {
                client: client.hiding(definition.secrets.clone()),
                patience: limits.call,
                definition,
            };
            let hook = Hook {
                first: Arc::new(first),
                renewal: Renewal::resting(limits.key_rest),
            };
            by_name.insert(name, hook);
        }
        parts.enable(Part::Outbound);
        Ok(Self {
            by_name,
            disabled,
            parts,
            env,
        })
    }

    /// The definitions by name, as they were at the start.
    pub fn definitions(&self) -> impl Iterator<Item = &Definition> {
        self.by_name.values().map(|hook| &hook.first.definition)
    }

    /// One of them.
    pub fn get(&self, name: &str) -> Option<&Definition> {
        self.by_name.get(name).map(|hook| &hook.first.definition)
    }

    /// What messages are bound to: a queue a webhook.
    pub fn targets(&self, profile: &str) -> Vec<Target> {
        self.definitions().map(|definition| definition.target(profile)).collect()
    }

    /// Why a webhook is switched off, if it is.
    pub fn off(&self, name: &str) -> Option<SafeText> {
        let (receiver, _) = self.by_name.get(name)?.current();
        match receiver.definition.disablement(&self.disabled) {
            Ok(found) => found.map(|found| off_since(found.since, &found.words)),
            Err(error) => Some(error.to_string().into()),
        }
    }

    /// One try, with the schedule of the definition. A credential that is refused is read anew once, and where there is another one by
    /// now, that is the try.
    pub async fn send(&self, shipment: &Shipment) -> Sent {
        let (hook, message, payload) = match self.find(shipment) {
            Ok(found) => found,
            Err(reason) => return Sent::Refused { reason },
        };
        let (mut receiver, generation) = hook.current();
        let name = &receiver.definition.name.clone();
        if let Some(reason) = self.off(name) {
            return Sent::Refused { reason };
        }
        let run = self.parts.begin(Part::Outbound);
        let mut outcome = receiver.attempt(message, payload, shipment).await;
        if matches!(outcome, Outcome::Unauthorized(_)) && hook.renew(generation, &self.env).await {
            (receiver, _) = hook.current();
            outcome = receiver.attempt(message, payload, shipment).await;
        }
        match &outcome {
            Outcome::Arrived(_) => run.succeeded(Timestamp::now(), format!("{name} told")),
            Outcome::Gone(reason) | Outcome::Never(reason) | Outcome::Unauthorized(reason) | Outcome::Again { reason, .. } => {
                run.failed(Timestamp::now(), format!("{name}: {}", reason.shown()));
            }
        }
        match outcome {
            Outcome::Arrived(arrival) => Sent::Delivered(self.receipt(name, arrival)),
            Outcome::Gone(reason) => {
                self.switch_off(&receiver.definition, &reason);
                Sent::Refused { reason }
            }
            Outcome::Never(reason) => Sent::Refused { reason },
            Outcome::Unauthorized(reason) => Sent::Unauthorized { reason },
            Outcome::Again { reason, least } => match receiver.definition.retry.after(shipment.tries) {
                Some(after) => Sent::Later {
                    after: after.max(least),
                    reason,
                },
                None => Sent::Refused {
                    reason: given_up(&receiver.definition, shipment, reason.shown()),
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
        let (receiver, generation) = hook.current();
        let mut found = receiver.look_up(payload, shipment.attempt).await;
        if matches!(found, Err(Outcome::Unauthorized(_))) && hook.renew(generation, &self.env).await {
            found = hook.current().0.look_up(payload, shipment.attempt).await;
        }
        match found {
            Ok(Some(arrival)) => Verified::Delivered(self.receipt(&receiver.definition.name, Some(arrival))),
            Ok(None) => Verified::Absent,
            Err(Outcome::Unauthorized(reason)) => Verified::Unauthorized { reason },
            Err(Outcome::Never(reason) | Outcome::Gone(reason)) => Verified::Refused { reason },
            Err(Outcome::Again { reason, least }) => Verified::Unknown {
                reason,
                after: (!least.is_zero()).then_some(least),
            },
            Err(Outcome::Arrived(arrival)) => Verified::Delivered(self.receipt(&receiver.definition.name, arrival)),
        }
    }

    /// That all tries of a message are used up, the one that was cut off among them.
    pub fn spent(&self, shipment: &Shipment) -> Option<SafeText> {
        let (hook, ..) = self.find(shipment).ok()?;
        let definition = &hook.first.definition;
        let spent = definition.retry.after(shipment.tries).is_none();
        spent.then(|| {
            given_up(
                definition,
                shipment,
                "the last one was cut off, and whether it arrived is not known",
            )
        })
    }

    /// What is kept of a message that arrived.
    fn receipt(&self, webhook: &str, arrival: Option<Arrival>) -> Receipt {
        if let Some(Arrival { words, doubled: true }) = &arrival {
            tracing::warn!(webhook, "{}", words.shown());
            self.parts.count(Part::Outbound, "doubled", 1);
        }
        Receipt {
            wonum: None,
            detail: arrival.map(|arrival| arrival.words),
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
        let definition = &hook.first.definition;
        if !definition.is_at(&shipment.target) {
            return Err(format!(
                "it was made for {}, and `{webhook}` is now at {}: replay it to send it there",
                shipment.target.origin,
                definition.origin()
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

fn given_up(definition: &Definition, shipment: &Shipment, why: &str) -> SafeText {
    format!(
        "given up after {} of {} tries: {why}; `nightdesk webhooks replay {}` sends it again",
        shipment.tries, definition.retry.max_attempts, shipment.id,
    )
    .into()
}
