//! Alerts as they come in.

use std::collections::HashSet;

use jiff::Timestamp;

use super::{Age, COUNTED_MOST, News, Quality, Store, Touch};
use crate::domain::{Alert, AlertId, Listing};
use crate::model::Source;

/// Most alerts of which it is remembered that they went.
const GONE_MOST: usize = 1_024;

impl Store {
    /// Takes a list; answers what of it is news.
    pub(super) fn take_alerts(&mut self, now: Timestamp, listing: Listing<Alert>, cached: bool) -> News {
        let mut news = News::default();
        if cached && self.seen_live {
            return news; // it came too late to tell anything
        }
        let before = (self.freshness(Source::Alerts).age(now), self.quality.clone(), self.load(now));
        self.late |= before.0 != Age::Live;
        let first = !self.seen_live;
        self.seen_live |= !cached;
        self.freshness_mut(Source::Alerts).succeeded(listing.as_of, cached);
        self.quality = Quality {
            skipped: listing.skipped,
            problem: listing.problems.into_iter().next(),
            incomplete: !listing.complete,
        };
        let mut present = HashSet::with_capacity(listing.items.len());
        let mut changed = false;
        for alert in listing.items {
            present.insert(alert.id.clone());
            let id = alert.id.clone();
            let known = self.alerts.contains_key(&id);
            let was_back = self.returned.contains_key(&id);
            changed |= self.take_alert(alert, listing.as_of, now);
            let is_back = !was_back && self.returned.contains_key(&id);
            if first {
                self.touched.remove(&id);
            } else if !known || is_back {
                news.arrived.push(id);
            }
        }
        if !cached {
            self.covered(listing.as_of);
            if listing.complete {
                self.end_what_is_missing(&present, now);
            }
        }
        // An incomplete list proves no absence.
        if listing.complete && present.len() < self.alerts.len() {
            let went: Vec<AlertId> = self.alerts.keys().filter(|id| !present.contains(*id)).cloned().collect();
            for id in went {
                self.alerts.remove(&id);
                self.touched.remove(&id);
                self.returned.remove(&id);
                let record = self.history.gone(&id, now).cloned();
                self.keep(record);
                self.gone.push_back((id, now));
                changed = true;
            }
            while self.gone.len() > GONE_MOST {
                self.gone.pop_front();
            }
        }
        if changed {
            self.revision += 1;
            self.find_noise(now);
        }
        news.flood_ended = self.step(now);
        news.visible = changed || before != (self.freshness(Source::Alerts).age(now), self.quality.clone(), self.load(now));
        news
    }

    /// Takes one alert; answers whether it differs from what was known.
    pub(super) fn take_alert(&mut self, mut alert: Alert, as_of: Timestamp, now: Timestamp) -> bool {
        self.ledger.confirm(&mut alert, as_of);
        if self.counted.len() < COUNTED_MOST && self.counted.insert(alert.id.clone()) {
            self.arrivals.add(alert.raised_at);
            self.late = true;
        }
        let touch = match self.alerts.get(&alert.id) {
            Some(known) if *known == alert => return false,
            Some(known) => {
                (known.state != alert.state || known.severity != alert.severity || known.acknowledged_by != alert.acknowledged_by)
                    .then_some(Touch::Changed)
            }
            None => Some(Touch::Arrived),
        };
        if let Some(touch) = touch {
            self.touched.insert(alert.id.clone(), (touch, now));
        }
        self.gone.retain(|(id, _)| *id != alert.id);
        self.compare_with_before(&alert);
        let record = self.history.note(&alert, now).cloned();
        self.keep(record);
        self.alerts.insert(alert.id.clone(), alert);
        true
    }
}
