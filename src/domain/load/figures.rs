//! The alarm load of a window of time, after ISA-18.2 and EEMUA 191.

use std::collections::{BTreeMap, HashMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::super::{AlarmKey, Severity};
use super::{FloodLimits, FloodSpan, TEN_MINUTES, floods, is_chattering};

/// Most sources that are listed.
pub const TOP: usize = 10;

/// One activation, as the figures need it.
#[derive(Clone, Debug, PartialEq)]
pub struct Activation {
    /// Of which alarm.
    pub key: AlarmKey,
    /// How bad.
    pub severity: Severity,
    /// When.
    pub at: Timestamp,
    /// It was over before anybody could act.
    pub fleeting: bool,
}

/// An alarm with how often it was raised.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TopSource {
    /// Which.
    #[serde(flatten)]
    pub key: AlarmKey,
    /// How often.
    pub count: usize,
    /// Of all activations, in percent.
    pub percent: f64,
}

/// The figures of a window. Rates are means over it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// Begin and end.
    pub window: Option<(Timestamp, Timestamp)>,
    /// Activations.
    pub total: usize,
    /// Mean per ten minutes (ISA-18.2: about 1 is very likely acceptable, about 2 the most that is manageable); `None`, like
    /// the other means, for a window that is shorter: a mean over a minute is no rate.
    pub per_ten_minutes: Option<f64>,
    /// Mean per hour (about 6, at most 12).
    pub per_hour: Option<f64>,
    /// Mean per day (about 150, at most 300).
    pub per_day: Option<f64>,
    /// Most in any ten minutes, and when those ended (at most 10).
    pub peak: Option<(usize, Timestamp)>,
    /// Ten-minute periods of the window, counted from its beginning, with more than the flood's limit, in percent (under 1).
    pub periods_over: f64,
    /// Share of the window spent in floods, in percent (under 1).
    pub flood_percent: f64,
    /// The floods; the last may last beyond the window.
    pub floods: Vec<FloodSpan>,
    /// The alarms that were raised most often.
    pub top: Vec<TopSource>,
    /// Their share of all activations, in percent (under 1 to 5).
    pub top_percent: f64,
    /// Alarms that chattered at any time in the window (none).
    pub chattering: Vec<AlarmKey>,
    /// Activations that were over before anybody could act (none).
    pub fleeting: usize,
    /// Activations by severity: critical, high, medium and unknown, low (about 5, 15 and 80 percent for three of them).
    pub by_severity: [usize; 4],
}

/// Counts and whole numbers as shares: they are far below what a float holds exactly.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of alerts and seconds are exact far beyond what is kept"
)]
fn float(number: i64) -> f64 {
    number as f64
}

fn count(number: usize) -> f64 {
    float(i64::try_from(number).unwrap_or(i64::MAX))
}

impl Figures {
    /// Of the activations in `(start, end]`, in any order.
    pub fn of(activations: &[Activation], start: Timestamp, end: Timestamp, limits: FloodLimits) -> Self {
        let mut within: Vec<&Activation> = activations.iter().filter(|one| one.at > start && one.at <= end).collect();
        within.sort_by(|one, other| one.at.cmp(&other.at).then_with(|| one.key.cmp(&other.key)));
        let seconds = float(end.duration_since(start).as_secs().max(1));
        let total = within.len();
        let per = |span: f64| (seconds >= span).then(|| count(total) * span / seconds);
        let times: Vec<Timestamp> = within.iter().map(|one| one.at).collect();
        let floods = floods(&times, end, limits);
        let in_flood: i64 = floods.iter().map(|flood| flood.end.duration_since(flood.start).as_secs()).sum();
        let mut figures = Self {
            window: Some((start, end)),
            total,
            per_ten_minutes: per(600.0),
            per_hour: per(3_600.0),
            per_day: per(86_400.0),
            peak: peak(&times),
            periods_over: periods_over(&times, start, end, limits),
            flood_percent: float(in_flood) * 100.0 / seconds,
            floods,
            fleeting: within.iter().filter(|one| one.fleeting).count(),
            ..Self::default()
        };
        let mut by_alarm: BTreeMap<&AlarmKey, Vec<Timestamp>> = BTreeMap::new();
        for one in &within {
            by_alarm.entry(&one.key).or_default().push(one.at);
            if let Some(sum) = figures.by_severity.get_mut(usize::from(one.severity.rank())) {
                *sum += 1;
            }
        }
        figures.chattering = by_alarm
            .iter()
            .filter(|(_, times)| (0..times.len()).any(|at| times.get(..=at).is_some_and(ends_chattering)))
            .map(|(key, _)| (*key).clone())
            .collect();
        let mut top: Vec<(usize, &AlarmKey)> = by_alarm.iter().map(|(key, times)| (times.len(), *key)).collect();
        top.sort_by(|one, other| other.0.cmp(&one.0).then_with(|| one.1.cmp(other.1)));
        top.truncate(TOP);
        figures.top_percent = percent(top.iter().map(|(count, _)| count).sum(), total);
        figures.top = top
            .into_iter()
            .map(|(count, key)| TopSource {
                key: key.clone(),
                count,
                percent: percent(count, total),
            })
            .collect();
        figures
    }
}

/// Only the last three matter: a pattern that is complete at some cycle is seen there.
fn ends_chattering(times: &[Timestamp]) -> bool {
    let from = times.len().saturating_sub(3);
    times
        .last()
        .is_some_and(|now| is_chattering(times.get(from..).unwrap_or_default(), *now))
}

fn percent(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { count(part) * 100.0 / count(whole) }
}

/// Most in any ten minutes: the window may begin anywhere.
fn peak(times: &[Timestamp]) -> Option<(usize, Timestamp)> {
    let mut within: VecDeque<Timestamp> = VecDeque::new();
    let mut best: Option<(usize, Timestamp)> = None;
    for at in times {
        within.push_back(*at);
        while within.front().is_some_and(|first| at.duration_since(*first) >= TEN_MINUTES) {
            within.pop_front();
        }
        if best.is_none_or(|(most, _)| within.len() > most) {
            best = Some((within.len(), *at));
        }
    }
    best
}

/// Whole ten-minute periods, laid end to end from the beginning of the window.
fn periods_over(times: &[Timestamp], start: Timestamp, end: Timestamp, limits: FloodLimits) -> f64 {
    let period = |at: Timestamp| at.duration_since(start).as_secs() / TEN_MINUTES.as_secs();
    let whole = usize::try_from(period(end)).unwrap_or(0);
    let mut counts: HashMap<i64, usize> = HashMap::new();
    for at in times {
        *counts.entry(period(*at)).or_default() += 1;
    }
    let over = counts
        .iter()
        .filter(|(at, count)| usize::try_from(**at).is_ok_and(|at| at < whole) && **count > limits.above)
        .count();
    percent(over, whole)
}

/// The windows that can be looked at: a shift, a day, a week, a month.
pub const WINDOWS: [SignedDuration; 4] = [
    SignedDuration::from_hours(8),
    SignedDuration::from_hours(24),
    SignedDuration::from_hours(7 * 24),
    SignedDuration::from_hours(30 * 24),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn raised(device: &str, severity: &str, seconds: i64) -> Activation {
        Activation {
            key: AlarmKey {
                device: device.into(),
                device_type: None,
                name: "Pressure high".into(),
            },
            severity: Severity::parse(severity),
            at: at(seconds),
            fleeting: false,
        }
    }

    /// Literal sums, each with its definition beside it.
    #[test]
    fn rates_are_means_over_the_window() {
        // ISA-18.2 §16.5: alarms per hour, per ten minutes, per day; 144 alerts, one each ten minutes of a day
        let steady: Vec<Activation> = (1..=144).map(|index| raised("PUMP-1", "low", index * 600)).collect();
        let figures = Figures::of(&steady, at(0), at(86_400), FloodLimits::default());
        assert_eq!(figures.total, 144);
        assert_eq!(figures.per_ten_minutes, Some(1.0));
        assert_eq!(figures.per_hour, Some(6.0));
        assert_eq!(figures.per_day, Some(144.0));
        assert_eq!(figures.peak.unwrap().0, 1, "600 s apart is not within ten minutes");
        assert_eq!((figures.periods_over, figures.flood_percent), (0.0, 0.0));
        assert_eq!(figures.by_severity, [0, 0, 0, 144]);
        assert_eq!((figures.top.len(), figures.top_percent), (1, 100.0));
        // half a day has no rate per day that anybody could compare
        let half = Figures::of(&steady, at(0), at(43_200), FloodLimits::default());
        assert_eq!((half.total, half.per_hour, half.per_day), (72, Some(6.0), None));
        let minutes = Figures::of(&steady, at(0), at(1_200), FloodLimits::default());
        assert_eq!((minutes.total, minutes.per_ten_minutes, minutes.per_hour), (2, Some(1.0), None));
        let seconds = Figures::of(&steady, at(590), at(650), FloodLimits::default());
        assert_eq!((seconds.total, seconds.per_ten_minutes), (1, None), "not ten a minute");
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "the sums are exact")]
    fn peak_periods_and_floods_of_a_burst() {
        // 20 alerts from 1000 s on, one each 30 s: the last at 1570 s. The eleventh comes at 1300 s: the flood begins.
        // Of any ten minutes the most is all 20 (570 s). It ends when fewer than 5 are left in ten minutes: four are left
        // when the sixteenth (1450 s) leaves at 2050 s. 750 s of 10,000 s are 7.5 %.
        let burst: Vec<Activation> = (0..20).map(|index| raised("PUMP-1", "high", 1_000 + index * 30)).collect();
        let figures = Figures::of(&burst, at(0), at(10_000), FloodLimits::default());
        assert_eq!(figures.peak, Some((20, at(1_570))));
        assert_eq!(
            figures.floods,
            [FloodSpan {
                start: at(1_300),
                end: at(2_050),
                peak: 20,
                count: 20,
                lasts: false,
            }]
        );
        assert_eq!(figures.flood_percent, 7.5);
        // periods of ten minutes from 0: 600..1200 has 7, 1200..1800 has 13; 16 whole periods
        assert_eq!(figures.periods_over, 100.0 / 16.0);
    }

    #[test]
    fn a_flood_that_lasts_says_so() {
        let burst: Vec<Activation> = (0..12).map(|index| raised("PUMP-1", "high", index + 1)).collect();
        let figures = Figures::of(&burst, at(0), at(100), FloodLimits::default());
        assert_eq!(
            figures
                .floods
                .first()
                .map(|flood| (flood.start, flood.end, flood.count, flood.lasts)),
            Some((at(11), at(100), 12, true))
        );
    }

    #[test]
    fn the_top_ten_are_the_loudest_and_what_chatters_is_named() {
        let mut all = Vec::new();
        for device in 0..12_i64 {
            for time in 0..=device {
                all.push(raised(&format!("PUMP-{device:02}"), "medium", 1 + device * 10_000 + time * 2_000));
            }
        }
        all.push(raised("FAST", "low", 200_000)); // three within a minute
        all.push(raised("FAST", "low", 200_030));
        all.push(raised("FAST", "low", 200_059));
        let figures = Figures::of(&all, at(0), at(300_000), FloodLimits::default());
        let devices: Vec<(&str, usize)> = figures.top.iter().map(|top| (top.key.device.raw(), top.count)).collect();
        assert_eq!(devices.first(), Some(&("PUMP-11", 12)));
        assert_eq!(devices.len(), 10);
        assert_eq!(devices.last(), Some(&("FAST", 3)), "a tie goes by name");
        assert_eq!(figures.chattering.iter().map(|key| key.device.raw()).collect::<Vec<_>>(), ["FAST"]);
        assert_eq!(figures.total, 78 + 3);
    }

    #[test]
    fn nothing_raised_is_no_division() {
        let figures = Figures::of(&[], at(0), at(600), FloodLimits::default());
        assert_eq!((figures.total, figures.peak, figures.floods.len()), (0, None, 0));
        assert!(figures.top_percent.abs() < f64::EPSILON);
    }
}
