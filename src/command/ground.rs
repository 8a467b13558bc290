//! What the bridge's parts stand on, for a command by hand.

use super::Failure;
use super::context::Context;
use super::session::ground_of;
use crate::integration::{Courier, Ground, erp};

/// The ground of the profile, with the ERP among its targets where it has one.
pub(super) async fn ground(context: &Context) -> Result<Ground, Failure> {
    let mut ground = ground_of(&context.config, &context.profile, context.clients().await?, context.outbox().await?)?;
    let erp = context.profile.erp.as_ref().map(|erp| erp::target(&erp.url, &context.profile.name));
    ground.targets.extend(erp);
    Ok(ground)
}

/// The deliverer for everything that the configuration names.
pub(super) async fn courier(ground: &Ground) -> Result<Courier, Failure> {
    Ok(Courier::open(ground).await?)
}
