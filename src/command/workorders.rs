//! `nightdesk workorders`: list, and make one from an alert.

use std::time::Duration;

use super::context::Context;
use super::delivery::{carry_out, tell_one};
use super::session::Clients;
use super::table::{Align, Cell, Table};
use super::{Exit, Failure, ids};
use crate::cli::WorkOrders;
use crate::domain::{AlertId, Intent, Reference, SafeText, WorkOrder, WorkOrderDraft, WorkOrderNumber};
use crate::maximo::{self, ManageClient, WorkOrderQuery};

pub(super) async fn run(context: Context, command: WorkOrders) -> Result<(), Failure> {
    match command {
        WorkOrders::List { asset, open } => {
            let clients = context.clients().await?;
            let query = WorkOrderQuery {
                asset,
                site: Some(context.profile.work_order.siteid.clone()),
                open,
            };
            let orders = clients.manage(&context.profile)?.work_orders(&query).await?;
            if orders.items.is_empty() {
                context
                    .out
                    .nothing(&format!("no work order of {} matches", context.profile.work_order.siteid));
            }
            context.out.list(&orders, table)
        }
        WorkOrders::Create {
            alert,
            priority,
            allow_duplicate,
            wait,
        } => {
            ids::check(&alert)?;
            let wish = Wish {
                alert: AlertId::new(alert),
                priority,
                allow_duplicate,
            };
            create(&context, wish, wait.limit()).await
        }
    }
}

struct Wish {
    alert: AlertId,
    priority: Option<u16>,
    allow_duplicate: bool,
}

async fn create(context: &Context, wish: Wish, limit: Option<Duration>) -> Result<(), Failure> {
    let clients = context.clients().await?;
    let manage = clients.manage(&context.profile)?;
    let alert = clients.monitor.alert(&wish.alert).await?;
    let mut draft = WorkOrderDraft::from_alert(&alert, &context.profile.work_order);
    if let Some(priority) = wish.priority {
        draft.wopriority = priority;
        let (least, most) = context.profile.work_order.priority.scale();
        if !(least..=most).contains(&priority) {
            context.out.note(&format!(
                "priority {priority} is none of those that this profile gives by severity ({least} to {most}); Manage takes 0 to 999"
            ));
        }
    }
    let draft = draft.validated()?;
    let found = match before(manage, &wish.alert, &draft).await {
        Ok(found) => found,
        // it goes into the outbox all the same: the sender asks before it creates
        Err(error) if Exit::from(&error) == Exit::Server => {
            context.out.note(&format!("open orders unknown: {error}"));
            Found::default()
        }
        Err(error) => return Err(error.into()),
    };
    if !wish.allow_duplicate {
        found.refuse(&wish.alert, &draft)?;
    }
    let generation = if wish.allow_duplicate {
        next_generation(context, clients, &wish.alert, &found, &draft).await?
    } else {
        0
    };
    let intent = Intent::CreateWorkOrder {
        alert: wish.alert,
        generation,
        seen: found.open.iter().map(|order| order.wonum.clone()).collect(),
        allow_duplicate: wish.allow_duplicate,
        draft,
    };
    let rows = carry_out(context, vec![intent], limit).await?;
    rows.first().map_or(Ok(()), |row| tell_one(context, row, limit.is_some()))
}

/// What Manage has already.
#[derive(Default)]
struct Found {
    /// The asset's open orders.
    open: Vec<WorkOrder>,
    /// The orders made for this alert, by client reference.
    ours: Vec<WorkOrder>,
    /// The first generation whose reference is not there.
    free: u32,
}

async fn before(manage: &ManageClient, alert: &AlertId, draft: &WorkOrderDraft) -> Result<Found, maximo::Error> {
    let open = match &draft.assetnum {
        Some(asset) => manage.open_orders(asset, &draft.siteid).await?,
        None => Vec::new(),
    };
    let ours = manage.orders_by_reference(&Reference::counted(&draft.siteid, alert)).await?;
    let free = Reference::free(&draft.siteid, alert, &ours);
    Ok(Found { open, ours, free })
}

impl Found {
    /// An open order of the asset, or any order of this alert, stands against another one.
    fn refuse(&self, alert: &AlertId, draft: &WorkOrderDraft) -> Result<(), Failure> {
        let asset = SafeText::new(draft.assetnum.clone().unwrap_or_default());
        let name = |order: &WorkOrder| format!("{} ({}, {})", order.wonum, order.status.shown(), order.description.shown());
        let message = if let Some(order) = self.ours.first() {
            format!("alert {alert} has work order {} already", name(order))
        } else if let Some(order) = self.open.first() {
            let more = match self.open.len() - 1 {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!("asset {} has an open work order: {}{more}", asset.shown(), name(order))
        } else {
            return Ok(());
        };
        Err(Failure::new(
            Exit::Refused,
            format!("{message}; nothing was queued, --allow-duplicate makes another one"),
        ))
    }
}

/// The next deliberate order: past those at Manage and past those that our own outbox knows of.
async fn next_generation(
    context: &Context,
    clients: &Clients,
    alert: &AlertId,
    found: &Found,
    draft: &WorkOrderDraft,
) -> Result<u32, Failure> {
    let target = clients.target(crate::domain::Service::Manage, &context.profile)?;
    let filter = crate::outbox::RowFilter {
        alert: Some(alert.clone()),
        ..crate::outbox::RowFilter::default()
    };
    let known = context.outbox().await?.list(filter).await?;
    let ours = known
        .iter()
        .filter(|row| row.target == target && row.state != crate::domain::IntentState::Cancelled)
        .filter_map(|row| match &row.intent {
            Intent::CreateWorkOrder {
                generation, draft: other, ..
            } if other.siteid == draft.siteid => Some(generation + 1),
            _ => None,
        })
        .max()
        .unwrap_or(0);
    Ok(found.free.max(ours))
}

fn table(orders: &[WorkOrder]) -> Table {
    let mut table = Table::new(&[
        ("wonum", Align::Left),
        ("status", Align::Left),
        ("wopriority", Align::Right),
        ("assetnum", Align::Left),
        ("description", Align::Left),
        ("lead", Align::Left),
        ("reportdate", Align::Left),
        ("externalrefid", Align::Left),
    ]);
    for order in orders {
        table.row(vec![
            number(&order.wonum),
            Cell::from(&order.status),
            Cell::Number(order.wopriority.map_or_else(String::new, |priority| priority.to_string())),
            Cell::from(order.assetnum.as_ref()),
            Cell::from(&order.description),
            Cell::from(order.lead.as_ref()),
            Cell::from(order.reportdate.as_ref()),
            Cell::from(order.externalrefid.as_ref()),
        ]);
    }
    table
}

fn number(wonum: &WorkOrderNumber) -> Cell {
    wonum.shown().into()
}
