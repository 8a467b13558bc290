//! Which jobs a configuration switches on.

use std::sync::Arc;

use super::assets::AssetsJob;
use super::erp::ErpJob;
use super::rules::{RulesJob, watches};
use super::{Ground, Job, JobError, webhook};

/// The jobs that the profile's sections ask for, with their own credentials read. A part that is switched on and cannot
/// be set up is a failure here, not a silence later. A part adds its line here.
pub async fn jobs(ground: &Ground) -> Result<Vec<Box<dyn Job>>, JobError> {
    let mut jobs: Vec<Box<dyn Job>> = Vec::new();
    let hooks = match &ground.bridge {
        Some(bridge) => webhook::load(&bridge.outbound, &ground.env)?.into_iter().map(Arc::new).collect(),
        None => Vec::new(),
    };
    let watches = watches(&ground.profile.rules, &hooks)?;
    if !watches.is_empty() {
        jobs.push(Box::new(RulesJob::new(ground.clone(), watches)?));
    }
    if let Some(assets) = AssetsJob::open(ground).await? {
        jobs.push(Box::new(assets));
    }
    if let Some(erp) = ErpJob::open(ground).await? {
        jobs.push(Box::new(erp));
    }
    jobs.extend(super::lake::job(ground).await?);
    Ok(jobs)
}
