//! What the outbox delivers to: Monitor for alerts and devices, Manage for work orders.

use std::time::Duration;

use jiff::Timestamp;

use super::manage::Created;
use super::{Error, ErrorKind, ManageClient, MonitorClient};
use crate::domain::{Alert, AlertId, AlertState, Intent, SafeText, Service, WorkOrder, WorkOrderDraft, WorkOrderNumber};
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
            Intent::SetMetadata { device, metadata, .. } => {
                let put = self.monitor.put_metadata(device, shipment.body.clone(), shipment.attempt);
                match put.await {
                    Ok(Some(now))
                        if metadata
                            .iter()
                            .any(|(key, value)| now.metadata.get(key).is_some_and(|has| has != value)) =>
                    {
                        Sent::InDoubt {
                            reason: "the answer does not show what was asked".into(),
                        }
                    }
                    Ok(_) => Sent::Delivered(Receipt::default()),
                    Err(error) => sent(&error),
                }
            }
            Intent::SyncAsset {
                asset,
                site,
                description,
                status,
            } => self.send_asset((asset, site), description, status).await,
            Intent::ReportProduction { .. } | Intent::CallWebhook { .. } => elsewhere(),
        }
    }

    async fn verify(&self, shipment: &Shipment) -> Verified {
        match &shipment.intent {
            Intent::Acknowledge { alert, .. } | Intent::Resolve { alert, .. } => match self.monitor.single().alert(alert).await {
                Ok(now) if now.id != *alert => Verified::Unknown {
                    reason: "the answer speaks of another alert".into(),
                    after: None,
                },
                Ok(now) => judge(&shipment.intent, &now, Seen::Later(shipment.first_sent_at)),
                Err(error) => unverified(&error),
            },
            Intent::CreateWorkOrder { .. } => match self.find_order(&shipment.intent).await {
                Ok(Some(order)) if is_ours(&order, shipment) => Verified::Delivered(receipt(&order)),
                Ok(Some(_) | None) => Verified::Absent,
                Err(error) => unverified(&error),
            },
            // a merge of keys: there is nothing to find out
            Intent::SetMetadata { .. } => Verified::Repeatable,
            Intent::SyncAsset { asset, site, status, .. } => self.find_asset((asset, site), status).await,
            Intent::ReportProduction { .. } | Intent::CallWebhook { .. } => Verified::Unknown {
                reason: ELSEWHERE.into(),
                after: None,
            },
        }
    }
}

const ELSEWHERE: &str = "this is not Maximo's: only the bridge delivers it";

fn elsewhere() -> Sent {
    Sent::NotSent { reason: ELSEWHERE.into() }
}

impl Gateway {
    async fn send_alert(&self, alert: &AlertId, resolve: bool, shipment: &Shipment) -> Sent {
        // a wanted state: what is already there is not asked for again, and what somebody else did is not written over. Before
        // the first attempt too: a server that lets the last one win would hide that two took the same alert in one moment
        let seen = if shipment.may_have_arrived {
            Seen::Later(shipment.first_sent_at)
        } else {
            Seen::Before
        };
        match self.monitor.single().alert(alert).await {
            Ok(now) if now.id == *alert => match judge(&shipment.intent, &now, seen) {
                Verified::Delivered(receipt) => return Sent::Delivered(receipt),
                Verified::Superseded { by, detail } => return Sent::Superseded { by, detail },
                Verified::Absent
                | Verified::Repeatable
                | Verified::Refused { .. }
                | Verified::Unauthorized { .. }
                | Verified::Unknown { .. } => {}
            },
            Ok(_) => {
                return Sent::NotSent {
                    reason: "the look-up before it speaks of another alert".into(),
                };
            }
            Err(error) if writes_unseen(error.kind(), shipment) => {}
            Err(error) => return not_begun(&error),
        }
        match self
            .monitor
            .put_alert(alert, resolve, shipment.body.clone(), shipment.attempt)
            .await
        {
            Ok(now) if now.id != *alert => Sent::InDoubt {
                reason: "the answer speaks of another alert".into(),
            },
            Ok(now) => match judge(&shipment.intent, &now, Seen::InAnswer) {
                Verified::Delivered(receipt) => Sent::Delivered(receipt),
                Verified::Superseded { by, detail } => Sent::Superseded { by, detail },
                Verified::Absent
                | Verified::Repeatable
                | Verified::Refused { .. }
                | Verified::Unauthorized { .. }
                | Verified::Unknown { .. } => Sent::InDoubt {
                    reason: "the answer does not show what was asked".into(),
                },
            },
            Err(error) if matches!(error.kind(), ErrorKind::Conflict) && is_take_over(&shipment.intent) => {
                self.not_taken_over(alert, shipment, &error).await
            }
            Err(error) => sent(&error),
        }
    }

    /// A server that lets nobody take over what another person holds: that stays so, and there is nothing left to decide.
    async fn not_taken_over(&self, alert: &AlertId, shipment: &Shipment, refusal: &Error) -> Sent {
        let Ok(now) = self.monitor.single().alert(alert).await else {
            return sent(refusal);
        };
        if now.id != *alert || now.state != AlertState::Acknowledged {
            return sent(refusal);
        }
        match judge(&shipment.intent, &now, Seen::Later(shipment.first_sent_at)) {
            Verified::Absent => Sent::Superseded {
                detail: format!(
                    "{} keeps it: {refusal}",
                    now.acknowledged_by.as_ref().map_or("somebody else", SafeText::shown)
                )
                .into(),
                by: now.acknowledged_by,
            },
            // an earlier request, or a proxy's repeat of this one, arrived between the look-up and the write
            Verified::Delivered(receipt) => Sent::Delivered(receipt),
            Verified::Superseded { by, detail } => Sent::Superseded { by, detail },
            _ => sent(refusal),
        }
    }

    async fn send_order(&self, seen: &[WorkOrderNumber], allow_duplicate: bool, draft: &WorkOrderDraft, shipment: &Shipment) -> Sent {
        let (Some(manage), Some(reference)) = (self.manage.as_ref().map(ManageClient::single), shipment.intent.reference()) else {
            return no_manage();
        };
        // some servers ignore the transaction id: the look-up always comes first
        match self.find_order(&shipment.intent).await {
            Ok(Some(order)) if is_ours(&order, shipment) => return Sent::Delivered(receipt(&order)),
            Ok(Some(order)) => {
                return Sent::NeedsDecision {
                    reason: format!(
                        "a further order was asked for, and {} ({}) was made for this alert before this could be sent",
                        order.wonum, order.status
                    )
                    .into(),
                };
            }
            Ok(None) => {}
            Err(error) => return not_begun(&error),
        }
        if !allow_duplicate && let Some(asset) = &draft.assetnum {
            match manage.open_orders(asset, &draft.siteid).await {
                Ok(orders) => {
                    // made for this very alert since the look-up above, at another console or bridge
                    let short = reference.short();
                    let same = |order: &&WorkOrder| order.externalrefid.as_ref().is_some_and(|id| id.raw() == short);
                    if let Some(order) = orders.iter().find(same) {
                        return Sent::Delivered(receipt(order));
                    }
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
            Ok(Created::Order(order)) => Sent::Delivered(receipt(&order)),
            // confirmed with an empty body: the number is looked up; where a `Location` names the order, the confirmation stands without it
            Ok(Created::Unnamed { located }) => match self.find_order(&shipment.intent).await {
                Ok(Some(order)) => Sent::Delivered(receipt(&order)),
                Ok(None) | Err(_) if located => Sent::Delivered(Receipt {
                    wonum: None,
                    detail: Some("Manage made the order and did not tell its number".into()),
                }),
                Ok(None) | Err(_) => Sent::InDoubt {
                    reason: "Manage confirmed the order without naming it".into(),
                },
            },
            Err(error) => sent(&error),
        }
    }

    async fn send_asset(&self, (asset, site): (&str, &str), description: &str, status: &str) -> Sent {
        let Some(manage) = self.manage.as_ref().map(ManageClient::single) else {
            return no_manage();
        };
        let found = match manage.find_asset(asset, site).await {
            Ok(Some(found)) => found,
            Ok(None) => {
                // made as working, as the contract has it; the status that is wanted follows
                let created = manage.create_asset(asset, site, description, OPERATING).await;
                if let Err(error) = &created
                    && !matches!(error.kind(), ErrorKind::Refused { .. } | ErrorKind::Conflict)
                {
                    return sent(error);
                }
                match (manage.find_asset(asset, site).await, created) {
                    // refused and there all the same: another bridge was quicker
                    (Ok(Some(made)), _) => made,
                    (Ok(None), Ok(())) => {
                        return Sent::InDoubt {
                            reason: "Manage confirmed the asset and does not list it yet".into(),
                        };
                    }
                    (Ok(None) | Err(_), Err(refused)) => return sent(&refused),
                    (Err(error), Ok(())) => return unread(&error),
                }
            }
            Err(error) => return not_begun(&error),
        };
        if found.has_status(status) {
            return Sent::Delivered(Receipt::default());
        }
        match manage.update_asset(&found, status).await {
            Ok(()) => Sent::Delivered(Receipt::default()),
            Err(error) => sent(&error),
        }
    }

    /// Whether an asset has the status that is wanted. One that has another is as good as absent: the attempt looks again and goes on.
    async fn find_asset(&self, (asset, site): (&str, &str), status: &str) -> Verified {
        let Some(manage) = self.manage.as_ref().map(ManageClient::single) else {
            return Verified::Refused {
                reason: "the profile has no [manage] section: add it, then retry".into(),
            };
        };
        match manage.find_asset(asset, site).await {
            Ok(Some(found)) if found.has_status(status) => Verified::Delivered(Receipt::default()),
            Ok(_) => Verified::Absent,
            Err(error) => unverified(&error),
        }
    }

    async fn find_order(&self, intent: &Intent) -> Result<Option<WorkOrder>, Error> {
        let (Some(manage), Some(reference)) = (self.manage.as_ref().map(ManageClient::single), intent.reference()) else {
            return Err(Error::new(
                Service::Manage,
                "findWorkOrders",
                ErrorKind::Configuration,
                "the profile has no [manage] section",
            ));
        };
        let mut orders = manage.orders_of(&reference).await?;
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

/// Whether an order that bears the row's reference is what the row asked for. For the first order of an alert it is, whoever
/// made it: two consoles mean one order. A deliberate further one is another order than those that the person saw, and than any
/// that was there before a request of this row can have arrived.
fn is_ours(order: &WorkOrder, shipment: &Shipment) -> bool {
    match &shipment.intent {
        Intent::CreateWorkOrder {
            generation,
            seen,
            allow_duplicate,
            ..
        } if *generation > 0 || *allow_duplicate => shipment.may_have_arrived && !seen.contains(&order.wonum),
        _ => true,
    }
}

/// Tries that are given to a look-up which fails, where nothing of ours can have arrived.
const LOOKS: u32 = 2;

/// Whether a write goes on though the alert could not be read before it: a server without this look-up, or a key that may not
/// use it, answers so, and the write itself says whether the alert is known. A look-up that fails again and again holds up no
/// row that cannot have arrived.
fn writes_unseen(failure: &ErrorKind, shipment: &Shipment) -> bool {
    match failure {
        ErrorKind::NotFound | ErrorKind::Refused { status: 405 } | ErrorKind::Server { status: 501 } => true,
        ErrorKind::Refused { .. } => !shipment.may_have_arrived,
        ErrorKind::Server { .. } | ErrorKind::Malformed | ErrorKind::Interrupted => !shipment.may_have_arrived && shipment.tries > LOOKS,
        _ => false,
    }
}

fn is_take_over(intent: &Intent) -> bool {
    matches!(intent, Intent::Acknowledge { over: Some(_), .. })
}

fn receipt(order: &WorkOrder) -> Receipt {
    Receipt {
        wonum: Some(order.wonum.clone()),
        detail: None,
    }
}

/// Where an alert was seen.
#[derive(Clone, Copy)]
enum Seen {
    /// In the answer to our own request.
    InAnswer,
    /// In a look-up before anything of ours can have arrived.
    Before,
    /// In a look-up after an attempt that may have arrived; the first one began then.
    Later(Option<Timestamp>),
}

/// Whether an alert shows what an intent wanted.
fn judge(intent: &Intent, now: &Alert, seen: Seen) -> Verified {
    match intent {
        Intent::Acknowledge { by, notes, over, .. } => {
            if now.state.progress() == 0 {
                return Verified::Absent;
            }
            let text = notes.as_ref().is_none_or(|notes| same(now.notes.as_ref(), notes));
            let ours = match (&now.acknowledged_by, seen) {
                (Some(author), _) => same(Some(author), by),
                // a server that keeps no author: its answer to us is about us, later only the text can tell
                (None, Seen::InAnswer) => now.state.progress() == 1,
                (None, Seen::Before | Seen::Later(_)) => notes.is_some() && text,
            };
            // once resolved, the acknowledgement under it may still be ours, unless nothing of ours can have arrived
            let is_late = now.state.progress() == 2 && matches!(seen, Seen::Before);
            if ours && text && !is_late {
                return Verified::Delivered(Receipt::default());
            }
            if now.state.progress() == 2 {
                return superseded("resolved", now.resolved_by.as_ref(), now.resolved_at);
            }
            if ours {
                return match (seen, now.acknowledged_at) {
                    // the same person wrote another text after our attempt began, at another console
                    (Seen::Later(Some(first)), Some(at)) if at > first => {
                        superseded("acknowledged with another note", now.acknowledged_by.as_ref(), Some(at))
                    }
                    // what is there is the note before ours: ours is not there yet
                    _ => Verified::Absent,
                };
            }
            let is_decided = over.as_deref().is_some_and(|holder| same(now.acknowledged_by.as_ref(), holder));
            // where the server names nobody it may be our own, for which this is a further note: the answer to the write decides
            let may_be_ours = now.acknowledged_by.is_none() && matches!(seen, Seen::Before);
            if may_be_ours || is_decided && !matches!(seen, Seen::InAnswer) {
                return Verified::Absent;
            }
            superseded("acknowledged", now.acknowledged_by.as_ref(), now.acknowledged_at)
        }
        Intent::Resolve {
            by,
            resolution,
            root_cause,
            preventive_action,
            ..
        } => {
            if now.state.progress() < 2 {
                return Verified::Absent;
            }
            // a member that the server does not tell speaks neither for nor against us
            let told = |has: &Option<SafeText>, wanted: &str| has.is_none() || same(has.as_ref(), wanted);
            let text = told(&now.resolution, resolution)
                && told(&now.root_cause, root_cause)
                && preventive_action.as_ref().is_none_or(|wanted| told(&now.preventive_action, wanted));
            let ours = match (&now.resolved_by, seen) {
                (Some(author), _) => same(Some(author), by),
                (None, Seen::InAnswer) => true,
                (None, Seen::Before | Seen::Later(_)) => now.resolution.is_some() && now.root_cause.is_some(),
            };
            if ours && text {
                return Verified::Delivered(Receipt::default());
            }
            superseded("resolved", now.resolved_by.as_ref(), now.resolved_at)
        }
        Intent::CreateWorkOrder { .. }
        | Intent::SetMetadata { .. }
        | Intent::SyncAsset { .. }
        | Intent::ReportProduction { .. }
        | Intent::CallWebhook { .. } => Verified::Absent,
    }
}

/// Equal but for what servers do to line ends and margins.
fn same(has: Option<&SafeText>, wanted: &str) -> bool {
    let plain = |text: &str| text.trim().replace("\r\n", "\n");
    plain(has.map_or("", SafeText::raw)) == plain(wanted)
}

fn superseded(what: &str, by: Option<&SafeText>, at: Option<Timestamp>) -> Verified {
    let who = by.map_or("somebody else", SafeText::shown);
    let when = at.map_or_else(String::new, |at| format!(" at {at}"));
    Verified::Superseded {
        by: by.cloned(),
        detail: format!("already {what} by {who}{when}").into(),
    }
}

/// The status of a working asset.
const OPERATING: &str = "OPERATING";

/// A failed look-up after something was changed.
fn unread(error: &Error) -> Sent {
    match error.kind() {
        ErrorKind::Credentials => Sent::Unauthorized {
            reason: error.to_string().into(),
        },
        _ => Sent::InDoubt {
            reason: error.to_string().into(),
        },
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
        // the server's own words: the request has ended there. Those of a proxy (502, 504 and others) may come while it still runs
        ErrorKind::Server { status: 500 | 503 } => Sent::Failed { reason },
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
