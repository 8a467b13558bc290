//! Delivers for all services: what the bridge's sender sends through.

use std::sync::Arc;

use super::erp::Reports;
use super::exchange::Door;
use super::webhook::{self, Disabled, Hooks};
use super::{Ground, JobError, JobErrorKind};
use crate::domain::{SafeText, Service, Target};
use crate::maximo::{Gateway, Limits};
use crate::outbox::{Deliver, Sent, Shipment, Verified};

/// Monitor and Manage through the gateway, the ERP and the webhooks by themselves.
#[derive(Debug)]
pub struct Courier {
    gateway: Gateway,
    erp: Option<Reports>,
    hooks: Option<Arc<Hooks>>,
}

impl Courier {
    /// Monitor and Manage alone.
    pub fn of(gateway: Gateway) -> Self {
        Self {
            gateway,
            erp: None,
            hooks: None,
        }
    }

    /// Everything that the profile and `[bridge]` name: credentials are read, definitions checked; what cannot be used is a failure.
    pub async fn open(ground: &Ground) -> Result<Self, JobError> {
        Self::open_with(ground, Limits::within(ground.profile.request_timeout)).await
    }

    /// The same with other waits for ERP and webhooks.
    pub async fn open_with(ground: &Ground, limits: Limits) -> Result<Self, JobError> {
        let erp = match &ground.profile.erp {
            Some(erp) => Some(Reports::open(erp, &ground.env, limits, &ground.telemetry).await?),
            None => None,
        };
        let hooks = match &ground.bridge {
            Some(bridge) if !bridge.outbound.is_empty() => {
                let definitions = webhook::load(&bridge.outbound, &ground.env)?;
                let door = Door::of(&bridge.allow_private)
                    .map_err(|error| JobError::new(JobErrorKind::Configuration, format!("bridge.allow_private: {error}")))?;
                let disabled = Disabled::new(Arc::clone(&ground.store));
                let hooks = Hooks::new(
                    definitions,
                    &door,
                    limits,
                    &ground.telemetry,
                    (disabled, ground.parts.clone(), ground.env.clone()),
                )?;
                Some(Arc::new(hooks))
            }
            _ => None,
        };
        Ok(Self {
            gateway: Gateway {
                monitor: ground.monitor.clone(),
                manage: ground.manage.clone(),
            },
            erp,
            hooks,
        })
    }

    /// The receivers of webhooks, where there are any.
    pub fn hooks(&self) -> Option<&Arc<Hooks>> {
        self.hooks.as_ref()
    }

    /// What it delivers to besides Monitor and Manage.
    pub fn further_targets(&self, profile: &str) -> Vec<Target> {
        let erp = self.erp.as_ref().map(|erp| erp.target(profile));
        let hooks = self.hooks.as_ref().map(|hooks| hooks.targets(profile)).unwrap_or_default();
        erp.into_iter().chain(hooks).collect()
    }
}

impl Deliver for Courier {
    async fn send(&self, shipment: &Shipment) -> Sent {
        match (shipment.intent.service(), &self.erp, &self.hooks) {
            (Service::Monitor | Service::Manage, _, _) => self.gateway.send(shipment).await,
            (Service::Erp, Some(erp), _) => erp.send(shipment).await,
            (Service::Webhook, _, Some(hooks)) => hooks.send(shipment).await,
            (service @ (Service::Erp | Service::Webhook | Service::Lake), _, _) => Sent::Refused {
                reason: missing(service).into(),
            },
        }
    }

    /// Messages of a webhook that is gone, or now at another address, would wait for ever; here they are refused with what to do. Those
    /// from before each webhook had a queue of its own are delivered.
    fn adopts(&self, target: &Target) -> bool {
        target.service == Service::Webhook
    }

    fn spent(&self, shipment: &Shipment) -> Option<SafeText> {
        self.hooks.as_ref()?.spent(shipment)
    }

    async fn verify(&self, shipment: &Shipment) -> Verified {
        match (shipment.intent.service(), &self.erp, &self.hooks) {
            (Service::Monitor | Service::Manage, _, _) => self.gateway.verify(shipment).await,
            (Service::Erp, Some(erp), _) => erp.verify(),
            (Service::Webhook, _, Some(hooks)) => hooks.verify(shipment).await,
            (service @ (Service::Erp | Service::Webhook | Service::Lake), _, _) => Verified::Refused {
                reason: missing(service).into(),
            },
        }
    }
}

fn missing(service: Service) -> &'static str {
    match service {
        Service::Webhook => "no webhook is configured any more: name its file in [bridge].outbound, or cancel this",
        Service::Lake => "nothing is delivered to the data lake from here: cancel this",
        Service::Monitor | Service::Manage | Service::Erp => "no ERP is configured any more: add [profiles.*.erp], or cancel this",
    }
}
