//! Work orders of alerts: made, linked, and open ones of their assets.

use super::{OpenOrders, Store};
use crate::domain::{Alert, AlertId, WorkOrder, WorkOrderNumber};

impl Store {
    /// The order of an alert: its number, and all of it where Manage told.
    pub fn order(&self, alert: &AlertId) -> Option<(&WorkOrderNumber, Option<&WorkOrder>)> {
        match (self.ledger.order_made(alert), self.orders.get(alert)) {
            (Some(made), Some(told)) if *made != told.wonum => Some((made, None)),
            (_, Some(told)) => Some((&told.wonum, Some(told))),
            (Some(made), None) => Some((made, None)),
            (None, None) => None,
        }
    }

    /// The order that a person linked to an alert: in its note, or kept on this machine where another note replaced that.
    pub fn linked_order<'a>(&'a self, alert: &'a Alert) -> Option<&'a str> {
        alert.linked_order().or_else(|| self.linked.get(&alert.id).map(String::as_str))
    }

    /// Takes in what is kept on this machine.
    pub fn take_linked(&mut self, links: impl IntoIterator<Item = (AlertId, String)>) {
        self.linked.extend(links);
        self.revision += 1;
    }

    /// The open orders of an alert's asset, once they were told.
    pub fn open_orders(&self, alert: &AlertId) -> Option<&OpenOrders> {
        self.open_orders.iter().find(|known| known.alert == *alert)
    }

    /// Forgets them, before they are asked anew.
    pub fn forget_open_orders(&mut self, alert: &AlertId) {
        self.open_orders.retain(|known| known.alert != *alert);
    }
}
