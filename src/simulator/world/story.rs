//! The scenarios: what has happened before the start, and what comes.

use super::World;
use super::booking::{Booked, Crossing, Fate, Wish, alarming, silence_s};
use crate::simulator::Scenario;
use crate::simulator::plant::{DeviceRef, Dice, Shape};

pub(super) const MINUTE: i64 = 60;
pub(super) const HOUR: i64 = 3600;
const DAY: i64 = 86_400;

/// Who holds an alert, and their note.
type Holder = Option<(&'static str, Option<&'static str>)>;
/// Device, metric (none: its readings stop), age in minutes.
type Scripted = (&'static str, &'static str, i64, Holder);

/// The alerts that the night always begins with.
const NIGHT: &[Scripted] = &[
    ("PUMP-017", "bearing_temp", 1, None),
    (
        "COMP-003",
        "discharge_pressure",
        4,
        Some(("operator2", Some("Looking at dryer drain"))),
    ),
    ("TEMP-041", "", 9, None),
    ("LINE-2", "scrap_rate", 22, Some(("operator2", None))),
    ("COMP-006", "oil_temp", 7, None),
    ("PUMP-004", "vibration", 14, None),
    ("CT-04", "basin_temp", 38, None),
    ("MTR-004", "power_factor", 47, None),
    ("FLOW-005", "flow_rate", 55, None),
    ("CONV-07", "torque", 85, None),
    (
        "BOIL-02",
        "flue_gas_temp",
        130,
        Some(("operator3", Some("Burner adjusted, watching"))),
    ),
    ("HVAC-03", "filter_dp", 26 * 60, None),
    ("TEMP-023", "battery", 27 * 60, None),
];

const QUIET: &[Scripted] = &[
    ("HVAC-03", "filter_dp", 190, None),
    ("CONV-07", "torque", 25, None),
    ("TEMP-023", "battery", 27 * 60, Some(("operator2", Some("Battery ordered")))),
];

/// What came back again and again before the story: shown as "the last five times".
const RECURRING: &[(&str, &str, i64)] = &[
    ("PUMP-017", "bearing_temp", 5),
    ("COMP-003", "discharge_pressure", 4),
    ("LINE-2", "scrap_rate", 5),
    ("TEMP-041", "", 3),
    ("COMP-006", "oil_temp", 2),
    ("PUMP-004", "vibration", 4),
    ("CT-04", "basin_temp", 2),
    ("CONV-07", "torque", 3),
    ("HVAC-03", "filter_dp", 3),
    ("VIB-003", "velocity_rms", 3),
];

impl World {
    /// Sets up the past, the unresolved alerts of the start, and the scenario's scripted part.
    pub(super) fn begin(&mut self, alerts: Option<usize>) {
        let start = self.plant.started_at();
        let mut dice = Dice::new(&[self.plant.seed(), 0x57]);
        let (script, own_count): (&[Scripted], usize) = match self.scenario {
            Scenario::Night => (NIGHT, 18),
            Scenario::Quiet => (QUIET, 3),
            Scenario::Flood => (QUIET, 6),
            Scenario::Drill => (QUIET, 5),
        };
        let wanted = alerts.unwrap_or(own_count);
        let mut booked = Vec::new();
        self.drill_pump = self.scripted_drill(start, &mut booked);
        if self.scenario == Scenario::Flood {
            self.flood(start, &mut dice, &mut booked);
        }
        let scripted = booked.len(); // they are still to come
        for (id, metric, age_min, holder) in script {
            if booked.len() - scripted == wanted {
                break;
            }
            let fate = holder.map_or(Fate::Open, |(by, note)| Fate::Acknowledged {
                after_s: age_min * MINUTE / 2,
                by,
                note,
            });
            booked.extend(self.book_named(id, metric, start - age_min * MINUTE, 6 * HOUR, fate, start));
        }
        if self.scenario == Scenario::Night {
            let room = wanted.saturating_sub(booked.len() - scripted).min(2);
            booked.extend(self.silent_for_long(room));
        }
        let missing = wanted.saturating_sub(booked.len() - scripted);
        self.fill(missing, start, &mut dice, &mut booked);
        self.recurring(start, &mut dice, &mut booked);
        booked.sort_by_key(|booked| booked.crossing.raised_at);
        self.past_orders(&mut booked, start, &mut dice);
        for booked in booked {
            self.admit(&booked, &mut dice);
        }
        if self.second_operator && self.scenario == Scenario::Night {
            self.second_operator_begins(start);
        }
    }

    fn book_named(&mut self, id: &str, metric: &str, raise_at: i64, lasts_s: i64, fate: Fate, by: i64) -> Option<Booked> {
        let device = self.plant.find_any(id)?;
        let kind = device.kind()?;
        let silent = metric.is_empty();
        let metric = if silent {
            0
        } else {
            kind.metrics.iter().position(|spec| spec.name == metric)?
        };
        (0..20).find_map(|attempt| {
            let wish = Wish {
                device,
                metric,
                shape: if silent { Shape::Silent } else { Shape::Ramp },
                // the sampling grid moves the alert by up to an interval: earlier wishes until it is in time
                raise_at: raise_at - attempt * 30,
                ramp_s: if kind.interval_s > 60 { 10 * MINUTE } else { 25 * MINUTE },
                lasts_s,
                echo: true,
                force: 0.6,
            };
            let crossing = self.book(&wish, &(i64::MIN..=by))?.into_iter().next()?;
            Some(Booked {
                device,
                metric,
                silent,
                crossing,
                fate,
                upstream: None,
                wonum: None,
            })
        })
    }

    /// Alerts for devices that were down long before.
    fn silent_for_long(&self, count: usize) -> Vec<Booked> {
        const SEARCHED: usize = 5000;
        let down = self
            .plant
            .all()
            .take(SEARCHED)
            .filter_map(|device| Some((device, self.plant.dead_since(device)?)));
        down.take(count)
            .map(|(device, since)| {
                let interval_s = device.kind().map_or(60, |kind| kind.interval_s);
                let raised_at = self.plant.sample_from(device, since) + silence_s(interval_s);
                Booked {
                    device,
                    metric: 0,
                    silent: true,
                    crossing: Crossing {
                        raised_at,
                        value: None,
                        cleared_at: None,
                    },
                    fate: Fate::Acknowledged {
                        after_s: 15 * MINUTE,
                        by: "operator3",
                        note: Some("Waiting for spare part"),
                    },
                    upstream: None,
                    wonum: None,
                }
            })
            .collect()
    }

    /// Any devices, until the wished number stands. Ages go further back, the more alerts a device must carry.
    fn fill(&mut self, missing: usize, start: i64, dice: &mut Dice, booked: &mut Vec<Booked>) {
        let wanted = i64::try_from(missing).unwrap_or(i64::MAX);
        let is_dense = missing > 60 || wanted.saturating_mul(3) > i64::from(self.plant.total());
        let crowded = wanted / i64::from(self.plant.total().max(1)) + 1;
        let oldest_s = if is_dense { crowded * 3 * HOUR + 6 * HOUR } else { 5 * HOUR };
        let mut left = missing;
        for attempt in 0..wanted.saturating_mul(60) {
            if left == 0 {
                break;
            }
            let reach = oldest_s * (1 + attempt / wanted.saturating_mul(6).max(1));
            let Some(device) = self.any_device(dice) else { break };
            let age_s = dice.between(3 * MINUTE, reach);
            let lasts_s = if is_dense {
                dice.between(5 * MINUTE, 20 * MINUTE)
            } else {
                age_s + dice.between(HOUR, 4 * HOUR)
            };
            let wish = Self::any_wish(device, start - age_s, lasts_s, !is_dense, dice);
            let Some(crossing) = wish
                .as_ref()
                .and_then(|wish| self.book(wish, &(i64::MIN..=start)))
                .and_then(|found| found.into_iter().next())
            else {
                continue;
            };
            let Some(wish) = wish else { continue };
            let fate = match dice.draw() % 10 {
                0 | 1 => Fate::Acknowledged {
                    after_s: (start - crossing.raised_at) / 3,
                    by: "operator2",
                    note: None,
                },
                _ => Fate::Open,
            };
            let silent = wish.shape == Shape::Silent;
            booked.push(Booked {
                device,
                metric: wish.metric,
                silent,
                crossing,
                fate,
                upstream: None,
                wonum: None,
            });
            left -= 1;
        }
    }

    pub(super) fn any_device(&self, dice: &mut Dice) -> Option<DeviceRef> {
        let total = u64::from(self.plant.total());
        (total > 0)
            .then(|| self.plant.nth(u32::try_from(dice.draw() % total).unwrap_or_default()))
            .flatten()
    }

    pub(super) fn any_wish(device: DeviceRef, raise_at: i64, lasts_s: i64, echo: bool, dice: &mut Dice) -> Option<Wish> {
        let metrics = alarming(device);
        let metric = *dice.pick(&metrics)?;
        let kind = device.kind()?;
        let silent = kind.interval_s <= 60 && dice.chance(0.06);
        Some(Wish {
            device,
            metric: if silent { 0 } else { metric },
            shape: if silent { Shape::Silent } else { Shape::Ramp },
            raise_at,
            ramp_s: dice.between(2 * MINUTE, if echo { 35 * MINUTE } else { 8 * MINUTE }),
            lasts_s,
            echo,
            force: dice.unit(),
        })
    }

    /// Resolved alerts of the last two months.
    fn recurring(&mut self, start: i64, dice: &mut Dice, booked: &mut Vec<Booked>) {
        for (id, metric, times) in RECURRING {
            for time in 1..=*times {
                let raise_at = start - time * dice.between(9 * DAY, 12 * DAY) - dice.between(0, 20 * HOUR) - 2 * DAY;
                let by = *dice.pick(&["operator2", "operator3", "technician1"]).unwrap_or(&"operator2");
                let after_s = dice.between(35 * MINUTE, 190 * MINUTE);
                booked.extend(self.book_named(id, metric, raise_at, after_s - 10 * MINUTE, Fate::Resolved { after_s, by }, start));
            }
        }
    }

    /// Numbers the orders that belong to the past, so that the next one is 1043, and leaves some open.
    fn past_orders(&mut self, booked: &mut [Booked], start: i64, dice: &mut Dice) {
        const NEXT: usize = 1043;
        let mut past: Vec<(i64, String, String, &'static str, &'static str)> = Vec::new();
        let mut of_alert = Vec::new();
        for (index, booked) in booked.iter().enumerate() {
            let name = booked
                .device
                .kind()
                .and_then(|kind| kind.metrics.get(booked.metric))
                .map_or("", |spec| spec.alert.0);
            let name = if booked.silent { "Reading missing" } else { name };
            let status = match &booked.fate {
                Fate::Resolved { .. } if dice.chance(0.7) => "CLOSE",
                Fate::Acknowledged { by: "operator2", .. } if booked.crossing.raised_at <= start => "WAPPR",
                Fate::Open | Fate::Clears { .. } | Fate::Acknowledged { .. } | Fate::Resolved { .. } => continue,
            };
            of_alert.push((index, past.len()));
            past.push((
                booked.crossing.raised_at + 600,
                booked.device.id(),
                format!("IoT Alert: {name}"),
                "CM",
                status,
            ));
        }
        for (id, work, days_ago, status) in [
            ("PUMP-004", "Quarterly lubrication", 6, "APPR"),
            ("COMP-006", "Oil and filter change, 4,000 h", 3, "INPRG"),
            ("CONV-07", "Belt inspection", 11, "WAPPR"),
            ("BOIL-02", "Burner service", 20, "COMP"),
        ] {
            if self.plant.find_any(id).is_some() {
                past.push((start - days_ago * DAY, id.to_owned(), work.to_owned(), "PM", status));
            }
        }
        let mut order: Vec<usize> = (0..past.len()).collect();
        order.sort_by_key(|index| past.get(*index).map(|entry| entry.0));
        for (place, index) in order.iter().enumerate() {
            let Some((at, asset, description, worktype, status)) = past.get(*index) else {
                continue;
            };
            let wonum = (NEXT - past.len().min(NEXT) + place).to_string();
            let reference: Option<String> = (*worktype == "CM").then(|| {
                (0..10)
                    .filter_map(|_| dice.pick(b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"))
                    .map(|byte| char::from(*byte))
                    .collect()
            });
            self.seed_order(&wonum, *at, asset, description, worktype, status, reference.as_deref());
            if let Some((alert, _)) = of_alert.iter().find(|(_, entry)| entry == index)
                && let Some(booked) = booked.get_mut(*alert)
            {
                booked.wonum = Some(wonum);
            }
        }
    }
}
