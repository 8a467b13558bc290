//! What a filter may ask of alerts that they do not say themselves: locations, work orders, chattering and fleeting ones, the
//! shelf of this machine's consoles, what is pending.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::Failure;
use super::context::Context;
use super::kept::Kept;
use super::session::Clients;
use crate::domain::filter::{Asked, Filter};
use crate::domain::load::is_chattering;
use crate::domain::{AlarmKey, Alert, AlertFacts, AlertId, AlertState, DeviceId, DeviceType, Reference, SafeText, Trait};
use crate::local::{Memos, Scope};
use crate::maximo::DeviceQuery;
use crate::outbox::RowFilter;

/// What was fetched, by alert or device.
#[derive(Debug, Default)]
pub(super) struct Around {
    /// By device; its type where several share the id.
    locations: HashMap<(DeviceId, Option<DeviceType>), SafeText>,
    orders: HashMap<AlertId, String>,
    chattering: HashSet<AlertId>,
    fleeting: HashSet<AlertId>,
    shelved: HashSet<AlertId>,
    pending: HashSet<AlertId>,
}

impl Around {
    /// Fetches what the filter asks for, and nothing else.
    pub(super) async fn of(context: &Context, clients: &Clients, filter: &Filter, alerts: &[Alert]) -> Result<Self, Failure> {
        let mut around = Self::default();
        if filter.asks(Asked::Location) {
            let devices = clients.monitor.list_devices(&DeviceQuery::default(), &|_, _| {}).await?;
            for device in devices.items {
                if let Some(location) = device.location {
                    around
                        .locations
                        .insert((device.id.clone(), Some(device.device_type)), location.clone());
                    around.locations.insert((device.id, None), location);
                }
            }
        }
        if filter.asks(Asked::Order) {
            around.find_orders(context, clients, alerts).await?;
        }
        if filter.asks(Asked::Is(Trait::Chattering)) {
            let mut cycles: HashMap<(&DeviceId, &SafeText), Vec<Timestamp>> = HashMap::new();
            for alert in alerts {
                cycles.entry((&alert.device, &alert.name)).or_default().push(alert.raised_at);
            }
            around.chattering = of(alerts, |alert| {
                let times = cycles.get(&(&alert.device, &alert.name));
                times.is_some_and(|times| is_chattering(times, context.now))
            });
        }
        if filter.asks(Asked::Is(Trait::Fleeting)) {
            let (mut history, has) = Kept::of(context).history();
            if !has {
                context
                    .out
                    .note("no console has kept a history on this machine: is:fleeting is judged from the server's list alone");
            }
            for alert in alerts {
                history.note(alert, context.now);
            }
            let fleeting = history.fleeting(context.now);
            around.fleeting = of(alerts, |alert| fleeting.contains(&AlarmKey::of(alert)));
        }
        if filter.asks(Asked::Is(Trait::Shelved)) {
            let shelf = Kept::of(context).shelf();
            around.shelved = of(alerts, |alert| shelf.hides(alert).is_some());
        }
        if filter.asks(Asked::Is(Trait::Pending)) {
            let open = context.outbox().await?.list(RowFilter::open()).await?;
            around.pending = open.iter().filter_map(|row| row.intent.alert().cloned()).collect();
        }
        Ok(around)
    }

    /// Orders made for open alerts, by the reference that is the same on every console; and those linked on this machine.
    async fn find_orders(&mut self, context: &Context, clients: &Clients, alerts: &[Alert]) -> Result<(), Failure> {
        let profile = &context.profile;
        let scope = Scope {
            profile: profile.name.clone(),
            origin: profile.monitor.url.origin().ascii_serialization(),
        };
        // a file that cannot be read is the doctor's affair
        if let Ok(memo) = Memos::open(&context.config.dirs.state, &scope).and_then(|memos| memos.found()) {
            self.orders.extend(memo.links.into_iter().map(|link| (link.alert, link.number)));
        }
        if let Some(manage) = &clients.manage {
            let site = &profile.work_order.siteid;
            let open = alerts.iter().filter(|alert| alert.state != AlertState::Resolved);
            let by_reference: HashMap<String, (&AlertId, Reference)> = open
                .map(|alert| Reference::of(site, &alert.id, 0))
                .zip(alerts.iter().filter(|alert| alert.state != AlertState::Resolved))
                .map(|(reference, alert)| (reference.short(), (&alert.id, reference)))
                .collect();
            let references: Vec<Reference> = by_reference.values().map(|(_, reference)| reference.clone()).collect();
            for order in manage.orders_by_reference(&references).await? {
                let alert = order.externalrefid.as_ref().and_then(|reference| by_reference.get(reference.raw()));
                if let Some((alert, _)) = alert {
                    self.orders.insert((*alert).clone(), order.wonum.raw().to_owned());
                }
            }
        }
        Ok(())
    }

    /// An alert as the filter sees it.
    pub(super) fn facts<'a>(&'a self, alert: &'a Alert, me: &'a str, now: Timestamp) -> AlertFacts<'a> {
        let known = AlertFacts::of(alert, me, now);
        AlertFacts {
            location: self.locations.get(&(alert.device.clone(), alert.device_type.clone())),
            order: self.orders.get(&alert.id).map(String::as_str).or(known.order),
            chattering: self.chattering.contains(&alert.id),
            fleeting: self.fleeting.contains(&alert.id),
            shelved: self.shelved.contains(&alert.id),
            pending: self.pending.contains(&alert.id),
            ..known
        }
    }
}

/// The ids of those that are so.
fn of(alerts: &[Alert], is_so: impl Fn(&Alert) -> bool) -> HashSet<AlertId> {
    alerts.iter().filter(|alert| is_so(alert)).map(|alert| alert.id.clone()).collect()
}
