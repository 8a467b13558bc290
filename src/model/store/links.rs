//! How the services are doing, and how fresh what they told is.

use jiff::Timestamp;

use super::{Freshness, Latency, Store};
use crate::domain::Service;
use crate::model::{LinkState, Source};

impl Store {
    /// How a service is doing.
    pub fn link(&self, service: Service) -> (&LinkState, Latency) {
        self.links
            .iter()
            .find(|(known, ..)| *known == service)
            .map_or((&LinkState::Unknown, Latency::default()), |(_, state, latency)| (state, *latency))
    }

    /// Since when a service owes an answer, where it owes one for so long that `live` would be a lie: its calls hang.
    pub fn unanswered(&self, service: Service, now: Timestamp) -> Option<Timestamp> {
        let patience = self.freshness(Source::Alerts).interval;
        let sources: &[Source] = match service {
            Service::Manage => &[Source::Orders],
            _ => &[Source::Alerts, Source::Devices, Source::Metrics],
        };
        sources
            .iter()
            .filter_map(|source| self.freshness(*source).unanswered(patience, now))
            .min()
    }

    /// When Manage answered last, where that was before Monitor fell silent: it is asked once a minute only, and what takes one
    /// away often takes both.
    pub fn answered_before_trouble(&self, now: Timestamp) -> Option<Timestamp> {
        let trouble = match self.link(Service::Monitor).0 {
            LinkState::Down { since, .. } => *since,
            LinkState::Unknown | LinkState::Live { .. } => self.unanswered(Service::Monitor, now)?,
        };
        self.freshness(Source::Orders).as_of.filter(|at| *at < trouble)
    }

    /// A source's freshness.
    pub fn freshness(&self, source: Source) -> &Freshness {
        let [(_, first), ..] = &self.fresh;
        self.fresh
            .iter()
            .find(|(known, _)| *known == source)
            .map_or(first, |(_, fresh)| fresh)
    }

    pub(super) fn freshness_mut(&mut self, source: Source) -> &mut Freshness {
        let index = self.fresh.iter().position(|(known, _)| *known == source).unwrap_or(0);
        let [first, second, third, fourth] = &mut self.fresh;
        match index {
            1 => &mut second.1,
            2 => &mut third.1,
            3 => &mut fourth.1,
            _ => &mut first.1,
        }
    }
}
