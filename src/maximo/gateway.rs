//! What the outbox delivers to: Monitor for alerts and devices, Manage for work orders.

use std::time::Duration;

use super::{Error, ErrorKind, ManageClient, MonitorClient};
use crate::domain::{Alert, AlertId, Intent, Reference, SafeText, Service, WorkOrder, WorkOrderDraft, WorkOrderNumber};
use crate::outbox::{Deliver, Receipt, Sent, Shipment, Verified};

/// Both systems of a profile.
#[derive(Clone, Debug)]
pub struct Gateway {
    /// Monitor.
    pub monitor: MonitorClient,
    /// Manage, where it is configured.
    pub manage: Option<ManageClient>,
}

impl Deliver for Gateway {
    async fn send(&self, shipment: &Shipment) -> Sent {
        match &shipment.intent {
            Intent::Acknowledge { alert, .. } => self.send_alert(alert, false, shipment).await,
            Intent::Resolve { alert, .. } => self.send_alert(alert, true, shipment).await,
            Intent::CreateWorkOrder {
                seen,
                allow_duplicate,
                draft,
                ..
            } => self.send_order(seen, *allow_duplicate, draft, shipment).await,
            Intent::SetMetadata { device, .. } => match self.monitor.put_metadata(device, shipment.body.clone(), shipment.attempt).await {
                Ok(_) => Sent::Delivered(Receipt::default()),
                Err(error) => sent(&error),
            },
        }
    }

    async fn verify(&self, shipment: &Shipment) -> Verified {
        match &shipment.intent {
            Intent::Acknowledge { alert, .. } | Intent::Resolve { alert, .. } => match self.monitor.alert(alert).await {
                Ok(now) => judge(&shipment.intent, &now),
                Err(error) => unverified(&error),
            },
            Intent::CreateWorkOrder { .. } => match self.find_order(&shipment.intent).await {
                Ok(Some(order)) => Verified::Delivered(receipt(&order)),
                Ok(None) => Verified::Absent,
                Err(error) => unverified(&error),
            },
            // a merge of keys may be repeated: there is nothing to find out
            Intent::SetMetadata { .. } => Verified::Absent,
        }
    }
}

impl Gateway {
    async fn send_alert(&self, alert: &AlertId, resolve: bool, shipment: &Shipment) -> Sent {
        // a wanted state: what is already there is not asked for again, and what somebody else did is not written over
        if shipment.attempt > 1
            && let Ok(now) = self.monitor.alert(alert).await
        {
            match judge(&shipment.intent, &now) {
                Verified::Delivered(receipt) => return Sent::Delivered(receipt),
                Verified::Superseded { by, detail } => return Sent::Superseded { by, detail },
                Verified::Absent | Verified::Refused { .. } | Verified::Unauthorized { .. } | Verified::Unknown { .. } => {}
            }
        }
        match self
            .monitor
            .put_alert(alert, resolve, shipment.body.clone(), shipment.attempt)
            .await
        {
            Ok(now) if now.id != *alert => Sent::InDoubt {
                reason: "the answer speaks of another alert".into(),
            },
            Ok(now) => match judge(&shipment.intent, &now) {
                Verified::Delivered(receipt) => Sent::Delivered(receipt),
                Verified::Superseded { by, detail } => Sent::Superseded { by, detail },
                Verified::Absent | Verified::Refused { .. } | Verified::Unauthorized { .. } | Verified::Unknown { .. } => Sent::InDoubt {
                    reason: "the answer does not show what was asked".into(),
                },
            },
            Err(error) => sent(&error),
        }
    }

    async fn send_order(&self, seen: &[WorkOrderNumber], allow_duplicate: bool, draft: &WorkOrderDraft, shipment: &Shipment) -> Sent {
        let (Some(manage), Some(reference)) = (&self.manage, shipment.intent.reference()) else {
            return no_manage();
        };
        // some servers ignore the transaction id: the look-up always comes first
        match self.find_order(&shipment.intent).await {
            Ok(Some(order)) => return Sent::Delivered(receipt(&order)),
            Ok(None) => {}
            Err(error) => return not_begun(&error),
        }
        if !allow_duplicate && let Some(asset) = &draft.assetnum {
            match manage.open_orders(asset, &draft.siteid).await {
                Ok(orders) => {
                    let others: Vec<String> = orders
                        .iter()
                        .filter(|order| !seen.contains(&order.wonum))
                        .map(|order| format!("{} ({}) {}", order.wonum, order.status, order.description))
                        .collect();
                    if !others.is_empty() {
                        return Sent::NeedsDecision {
                            reason: format!("{asset} already has an open order: {}", others.join("; ")).into(),
                        };
                    }
                }
                Err(error) => return not_begun(&error),
            }
        }
        match manage.post_work_order(&reference, shipment.body.clone(), shipment.attempt).await {
            Ok(Some(order)) => Sent::Delivered(receipt(&order)),
            // confirmed with an empty body: the number is looked up; the confirmation stands without it
            Ok(None) => match self.find_order(&shipment.intent).await {
                Ok(Some(order)) => Sent::Delivered(receipt(&order)),
                Ok(None) | Err(_) => Sent::InDoubt {
                    reason: "Manage confirmed the order without its number".into(),
                },
            },
            Err(error) => sent(&error),
        }
    }

    async fn find_order(&self, intent: &Intent) -> Result<Option<WorkOrder>, Error> {
        let (Some(manage), Some(reference)) = (&self.manage, intent.reference()) else {
            return Err(Error::new(
                Service::Manage,
                "findWorkOrders",
                ErrorKind::Configuration,
                "the profile has no [manage] section",
            ));
        };
        let mut orders = manage.orders_by_reference(std::slice::from_ref::<Reference>(&reference)).await?;
        // two orders under one reference would be the very thing that must not be; the oldest one counts
        orders.sort_by(|one, other| (one.wonum.raw().len(), one.wonum.raw()).cmp(&(other.wonum.raw().len(), other.wonum.raw())));
        Ok(orders.into_iter().next())
    }
}

fn no_manage() -> Sent {
    Sent::Refused {
        reason: "the profile has no [manage] section: add it, then retry".into(),
    }
}

fn receipt(order: &WorkOrder) -> Receipt {
    Receipt {
        wonum: Some(order.wonum.clone()),
        detail: None,
    }
}

/// Whether an alert shows what an intent wanted.
fn judge(intent: &Intent, now: &Alert) -> Verified {
    let same = |has: &Option<SafeText>, wanted: &str| has.as_ref().map_or("", SafeText::raw).trim() == wanted.trim();
    match intent {
        Intent::Acknowledge { by, notes, .. } => {
            if now.state.progress() == 0 {
                return Verified::Absent;
            }
            // once resolved, the acknowledgement under it may still be ours
            if same(&now.acknowledged_by, by) && notes.as_ref().is_none_or(|notes| same(&now.notes, notes)) {
                return Verified::Delivered(Receipt::default());
            }
            if now.state.progress() == 2 {
                return superseded("resolved", now.resolved_by.as_ref(), now.resolved_at);
            }
            // ours with another text: the new note is not there yet
            if same(&now.acknowledged_by, by) {
                return Verified::Absent;
            }
            superseded("acknowledged", now.acknowledged_by.as_ref(), now.acknowledged_at)
        }
        Intent::Resolve {
            by,
            resolution,
            root_cause,
            ..
        } => {
            if now.state.progress() < 2 {
                return Verified::Absent;
            }
            if same(&now.resolved_by, by) && same(&now.resolution, resolution) && same(&now.root_cause, root_cause) {
                return Verified::Delivered(Receipt::default());
            }
            superseded("resolved", now.resolved_by.as_ref(), now.resolved_at)
        }
        Intent::CreateWorkOrder { .. } | Intent::SetMetadata { .. } => Verified::Absent,
    }
}

fn superseded(what: &str, by: Option<&SafeText>, at: Option<jiff::Timestamp>) -> Verified {
    let who = by.map_or("somebody else", SafeText::shown);
    let when = at.map_or_else(String::new, |at| format!(" at {at}"));
    Verified::Superseded {
        by: by.cloned(),
        detail: format!("already {what} by {who}{when}").into(),
    }
}

/// A failed look-up before anything was sent.
fn not_begun(error: &Error) -> Sent {
    match error.kind() {
        ErrorKind::Credentials => Sent::Unauthorized {
            reason: error.to_string().into(),
        },
        ErrorKind::Throttled { after } => Sent::Throttled {
            after: *after,
            reason: error.to_string().into(),
        },
        ErrorKind::Refused { .. } | ErrorKind::NotFound | ErrorKind::Insecure | ErrorKind::Configuration => Sent::Refused {
            reason: error.to_string().into(),
        },
        ErrorKind::Tls
        | ErrorKind::Unreachable
        | ErrorKind::Resting
        | ErrorKind::Interrupted
        | ErrorKind::Server { .. }
        | ErrorKind::Conflict
        | ErrorKind::Malformed => Sent::NotSent {
            reason: error.to_string().into(),
        },
    }
}

/// The retry classes of `design/delivery.md`.
fn sent(error: &Error) -> Sent {
    let reason = SafeText::from(error.to_string());
    match error.kind() {
        ErrorKind::Tls | ErrorKind::Unreachable | ErrorKind::Resting => Sent::NotSent { reason },
        ErrorKind::Interrupted | ErrorKind::Server { .. } | ErrorKind::Malformed => Sent::InDoubt { reason },
        ErrorKind::Throttled { after } => Sent::Throttled { after: *after, reason },
        ErrorKind::Credentials => Sent::Unauthorized { reason },
        ErrorKind::Conflict => Sent::Conflict { reason },
        ErrorKind::NotFound | ErrorKind::Refused { .. } | ErrorKind::Insecure | ErrorKind::Configuration => Sent::Refused { reason },
    }
}

fn unverified(error: &Error) -> Verified {
    let reason = SafeText::from(error.to_string());
    let after: Option<Duration> = match error.kind() {
        ErrorKind::Throttled { after } => *after,
        _ => None,
    };
    match error.kind() {
        ErrorKind::Credentials => Verified::Unauthorized { reason },
        ErrorKind::NotFound | ErrorKind::Refused { .. } => Verified::Refused { reason },
        _ => Verified::Unknown { reason, after },
    }
}
