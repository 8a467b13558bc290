//! What the bridge's parts stand on, made from a command's context.

use std::sync::Arc;

use super::Failure;
use super::context::Context;
use crate::integration::{Courier, FolderStore, Ground, JobError, Parts, erp};

/// The ground of one profile: its clients, its outbox, the jobs' memory in the state folder.
pub(super) async fn ground(context: &Context) -> Result<Ground, Failure> {
    let clients = context.clients().await?;
    let store = FolderStore::open(&context.config.dirs.state.join("bridge")).map_err(JobError::from)?;
    let erp = context.profile.erp.as_ref().map(|erp| erp::target(&erp.url, &context.profile.name));
    Ok(Ground {
        profile: Arc::new(context.profile.clone()),
        bridge: context.config.bridge.clone().map(Arc::new),
        env: context.config.env.clone(),
        monitor: clients.monitor.clone(),
        manage: clients.manage.clone(),
        telemetry: clients.telemetry.clone(),
        outbox: context.outbox().await?.clone(),
        targets: clients.targets.iter().cloned().chain(erp).collect(),
        store: Arc::new(store),
        parts: Parts::default(),
    })
}

/// The deliverer for everything that the configuration names.
pub(super) async fn courier(ground: &Ground) -> Result<Courier, Failure> {
    Ok(Courier::open(ground).await?)
}
