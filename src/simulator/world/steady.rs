//! What comes after the start: a fault a slot, chatter, the second operator.

use super::booking::{Booked, Fate, Wish};
use super::story::{HOUR, MINUTE};
use super::{Acknowledgement, Planned, Resolution, World};
use crate::simulator::Scenario;
use crate::simulator::plant::{Dice, Shape};

impl World {
    /// Three of the night's own alerts are taken by the second operator in its first ten minutes.
    pub(super) fn second_operator_begins(&mut self, start: i64) {
        let raised: Vec<(String, String)> = self
            .queue
            .iter()
            .filter_map(|((at, _), planned)| match planned {
                Planned::Raise(alert) if *at <= start => Some((alert.device_id.clone(), alert.alert_id.clone())),
                _ => None,
            })
            .collect();
        for (device, after_s, note) in [("FLOW-005", 150, None), ("MTR-004", 320, Some("Capacitor stage 3 reported"))] {
            if let Some((_, id)) = raised.iter().rev().find(|(id, _)| id == device) {
                let acknowledgement = Acknowledgement {
                    acknowledged_by: "operator2".into(),
                    notes: note.map(str::to_owned),
                };
                self.plan(start + after_s, Planned::Acknowledge(id.clone(), acknowledgement));
            }
        }
        if let Some((_, id)) = raised.iter().rev().find(|(id, _)| id == "COMP-003") {
            let resolution = Resolution {
                resolved_by: "operator2".into(),
                resolution: "Replaced automatic drain of dryer".into(),
                root_cause: "Leak at dryer drain".into(),
                preventive_action: Some("Leak survey each half year".into()),
            };
            self.plan(start + 540, Planned::Resolve(id.clone(), resolution));
        }
    }

    /// Plans the next alert of the scenario's steady part; false when it lies past the horizon.
    pub(super) fn plan_slot(&mut self, horizon: i64) -> bool {
        let start = self.plant.started_at();
        let (first_s, every_s) = match self.scenario {
            Scenario::Night => (0, 62),
            Scenario::Quiet => (0, 900),
            Scenario::Flood => (900, 300),
            Scenario::Drill => (0, 600),
        };
        let slot = self.next_slot;
        let due = start + first_s + slot * every_s;
        if due > horizon || self.plant.total() == 0 {
            return false;
        }
        self.next_slot += 1;
        let mut dice = Dice::new(&[self.plant.seed(), 0x510, slot.cast_unsigned()]);
        if self.scenario == Scenario::Night && slot % 12 == 5 && self.chatter("VIB-003", 20, 80, due, &mut dice) {
            return true;
        }
        if self.scenario == Scenario::Night && slot % 25 == 7 && self.chatter("TEMP-012", 360, 1800, due, &mut dice) {
            return true;
        }
        for _ in 0..12 {
            let Some(device) = self.any_device(&mut dice) else { return true };
            let clears = dice.chance(0.65);
            let lasts_s = if clears {
                dice.between(3 * MINUTE, 12 * MINUTE)
            } else {
                dice.between(HOUR, 3 * HOUR)
            };
            let Some(wish) = Self::any_wish(device, due, lasts_s, true, &mut dice) else {
                continue;
            };
            // well before its slot, a fault could begin before the look-ahead and change readings that were given already
            let Some(crossing) = self
                .book(&wish, &(due - MINUTE..=i64::MAX))
                .and_then(|found| found.into_iter().next())
            else {
                continue;
            };
            let busy = self.second_operator && self.scenario != Scenario::Quiet && Some(device) != self.drill_pump;
            let fate = match dice.draw() % 100 {
                0..15 if busy => Fate::Acknowledged {
                    after_s: dice.between(2 * MINUTE, 8 * MINUTE),
                    by: "operator2",
                    note: None,
                },
                15..23 if busy => Fate::Resolved {
                    after_s: dice.between(8 * MINUTE, 20 * MINUTE),
                    by: "operator2",
                },
                _ if clears => Fate::Clears { delay_s: 0 },
                _ => Fate::Open,
            };
            let silent = wish.shape == Shape::Silent;
            let booked = Booked {
                device,
                metric: wish.metric,
                silent,
                crossing,
                fate,
                upstream: None,
                wonum: None,
            };
            self.admit(&booked, &mut dice);
            return true;
        }
        true
    }

    fn chatter(&mut self, id: &str, period_s: i64, lasts_s: i64, due: i64, dice: &mut Dice) -> bool {
        let Some(device) = self.plant.find_any(id) else { return false };
        let wish = Wish {
            device,
            metric: 0,
            shape: Shape::Chatter { period_s },
            raise_at: due,
            ramp_s: 0,
            lasts_s,
            echo: false,
            force: 0.3,
        };
        let Some(crossings) = self.book(&wish, &(due - MINUTE..=i64::MAX)) else {
            return false;
        };
        for crossing in crossings {
            let fate = Fate::Clears { delay_s: 90 };
            self.admit(
                &Booked {
                    device,
                    metric: 0,
                    silent: false,
                    crossing,
                    fate,
                    upstream: None,
                    wonum: None,
                },
                dice,
            );
        }
        true
    }
}
