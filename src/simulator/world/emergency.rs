//! The scripted emergencies: the drill's bearing and the flood's air failure.

use super::World;
use super::booking::{Booked, Fate, Wish, alarming};
use super::story::MINUTE;
use crate::simulator::Scenario;
use crate::simulator::plant::{DeviceRef, Dice, KINDS, Shape};

impl World {
    /// The drill's pump: it has begun to drift when the console opens, its alert comes about a minute later, and it stays so until
    /// its order is completed. All of it is meant to be played in five minutes.
    pub(super) fn scripted_drill(&mut self, start: i64, booked: &mut Vec<Booked>) -> Option<DeviceRef> {
        if self.scenario != Scenario::Drill {
            return None;
        }
        let kind = KINDS.iter().position(|kind| kind.prefix == "PUMP")?;
        let number = self.plant.count(kind).min(17);
        let device = (number > 0).then_some(DeviceRef { kind, number })?;
        // The pump is read once a minute: one of its readings lies within any window of a minute.
        let crossing = [75, 50, 100, 25, 125].into_iter().find_map(|after_s| {
            let wish = Wish {
                device,
                metric: 0,
                shape: Shape::Ramp,
                raise_at: start + after_s,
                ramp_s: 15 * MINUTE,
                lasts_s: i64::MAX,
                echo: true,
                force: 0.6,
            };
            self.book(&wish, &(start + 40..=start + 110))?.into_iter().next()
        })?;
        booked.push(Booked {
            device,
            metric: 0,
            silent: false,
            crossing,
            fate: Fate::Open,
            upstream: None,
            wonum: None,
        });
        Some(device)
    }

    /// Two hundred alerts in ten minutes: the air goes, half a minute after the start, and everything that it moves.
    pub(super) fn flood(&mut self, start: i64, dice: &mut Dice, booked: &mut Vec<Booked>) {
        const COUNT: i64 = 200;
        const END_S: i64 = 13 * 60;
        let by = start + 10 * MINUTE;
        let small = self.plant.total() < 120;
        let mut raised = 0;
        let mut earliest = start + 1;
        let first = self.plant.find_any("COMP-001");
        let upstream = first.map(|device| format!("{} discharge pressure low", device.id()));
        let mut attempts = 0;
        while raised < COUNT && attempts < COUNT * 60 {
            attempts += 1;
            let device = if raised == 0 && attempts < 10 {
                first
            } else {
                self.any_device(dice)
            };
            let Some(device) = device.filter(|device| device.kind().is_some_and(|kind| kind.interval_s <= 60)) else {
                continue;
            };
            let Some(metric) = (if raised == 0 && attempts < 10 {
                Some(0)
            } else {
                dice.pick(&alarming(device)).copied()
            }) else {
                continue;
            };
            let hold = device
                .kind()
                .and_then(|kind| kind.metrics.get(metric))
                .map_or(1, |spec| i64::from(spec.hold));
            // sorted over the ten minutes, dense at the beginning as floods are
            let part = raised as f64 / COUNT as f64;
            #[expect(clippy::cast_possible_truncation, reason = "within ten minutes")]
            let after_s = if raised == 0 {
                25 + 5 * attempts
            } else {
                80 + (part.powf(1.3) * 440.0) as i64
            };
            let wish = Wish {
                device,
                metric,
                shape: Shape::Ramp,
                // the cause had begun before the console opened: nobody waits for it
                raise_at: start + if raised == 0 { after_s } else { after_s.max(hold) },
                ramp_s: 0,
                lasts_s: if small { 20 } else { END_S - after_s + dice.between(0, 4 * MINUTE) },
                echo: false,
                force: dice.unit(),
            };
            let Some(crossing) = self.book(&wish, &(earliest..=by)).and_then(|found| found.into_iter().next()) else {
                continue;
            };
            let fate = if dice.chance(0.7) && raised > 0 {
                Fate::Clears { delay_s: 60 }
            } else {
                Fate::Open
            };
            if raised == 0 {
                earliest = crossing.raised_at + 1; // nothing comes before its cause
            }
            let upstream = upstream.clone().filter(|_| raised > 0);
            booked.push(Booked {
                device,
                metric,
                silent: false,
                crossing,
                fate,
                upstream,
                wonum: None,
            });
            raised += 1;
        }
    }
}
