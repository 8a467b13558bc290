//! What every part of the bridge stands on.

use std::fmt;
use std::sync::Arc;

use super::{JobError, JobErrorKind, JobStore, Parts};
use crate::config::{Bridge, CredentialSource, Env, Profile};
use crate::domain::{Intent, OutboxRow, Service, Target};
use crate::maximo::{Auth, KeySource, ManageClient, ManagePaths, MonitorClient, Telemetry};
use crate::outbox::{Outbox, Submission};

/// Clients, outbox, memory and figures of one profile at work. Clones share them.
#[derive(Clone)]
pub struct Ground {
    /// The profile, with the sections of its parts.
    pub profile: Arc<Profile>,
    /// `[bridge]`, where it is there.
    pub bridge: Option<Arc<Bridge>>,
    /// Where credentials that stand in the environment are found.
    pub env: Env,
    /// Monitor, with the profile's own credential.
    pub monitor: MonitorClient,
    /// Manage, where the profile has it.
    pub manage: Option<ManageClient>,
    /// The record of all calls.
    pub telemetry: Telemetry,
    /// The one way to change something at a server.
    pub outbox: Outbox,
    /// What intents are bound to.
    pub targets: Vec<Target>,
    /// What the jobs remember between runs.
    pub store: Arc<dyn JobStore>,
    /// What the parts did.
    pub parts: Parts,
}

impl Ground {
    /// Monitor with a part's own key, where its section has one; with the profile's credential otherwise.
    pub async fn monitor_for(&self, key: Option<&CredentialSource>) -> Result<MonitorClient, JobError> {
        let Some(key) = key else { return Ok(self.monitor.clone()) };
        let mut endpoint = self.monitor.endpoint().clone();
        endpoint.auth = Auth::ApiKey(key.read(&self.env).await?);
        Ok(MonitorClient::new(endpoint, self.telemetry.clone())?.with_key_source(key_source(key, &self.env)))
    }

    /// Manage likewise. A profile without Manage is a failure that says what to configure.
    pub async fn manage_for(&self, key: Option<&CredentialSource>) -> Result<ManageClient, JobError> {
        let (Some(manage), Some(settings)) = (&self.manage, &self.profile.manage) else {
            return Err(JobError::new(
                JobErrorKind::Configuration,
                format!(
                    "profile `{0}` has no Manage; add [profiles.{0}.manage] with its url and key",
                    self.profile.name
                ),
            ));
        };
        let Some(key) = key else { return Ok(manage.clone()) };
        let mut endpoint = manage.endpoint().clone();
        endpoint.auth = Auth::ManageKey(key.read(&self.env).await?);
        let paths = ManagePaths {
            base: settings.base.clone(),
            work_order: settings.work_order.clone(),
            asset: settings.asset.clone(),
        };
        Ok(ManageClient::new(endpoint, paths, self.telemetry.clone())?.with_key_source(key_source(key, &self.env)))
    }

    /// Where an intent of a service goes, if it is configured.
    pub fn target(&self, service: Service) -> Option<&Target> {
        self.targets.iter().find(|target| target.service == service)
    }

    /// Commits an intent to the outbox: synced to disk when this answers, sent at once after it.
    pub async fn submit(&self, intent: Intent) -> Result<OutboxRow, JobError> {
        let service = intent.service();
        let Some(target) = self.target(service) else {
            return Err(JobError::new(
                JobErrorKind::Configuration,
                format!("profile `{}` has no {service} to send it to", self.profile.name),
            ));
        };
        let submission = Submission {
            intent,
            target: target.clone(),
            grace: std::time::Duration::ZERO,
        };
        Ok(self.outbox.submit(submission).await?)
    }
}

impl fmt::Debug for Ground {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Ground")
            .field("profile", &self.profile.name)
            .field("targets", &self.targets)
            .finish_non_exhaustive()
    }
}

/// Reads a credential anew when a server refuses it: one that was replaced meanwhile needs no restart.
pub(crate) fn key_source(source: &CredentialSource, env: &Env) -> KeySource {
    let (source, env) = (source.clone(), env.clone());
    KeySource::new(move || {
        let (source, env) = (source.clone(), env.clone());
        async move { source.read(&env).await.map_err(|error| error.to_string()) }
    })
}
