//! A handover as sections of rows: what the screen, Markdown, text and CSV show.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::{Handover, Line};
use crate::domain::load::FloodSpan;
use crate::domain::{IntentState, MAY_HAVE_ARRIVED, SafeText};

/// One row. Empty parts are left out where nobody in the section has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub time: Option<Timestamp>,
    /// How bad.
    pub severity: String,
    /// On which device.
    pub device: String,
    /// Which rule.
    pub alert: String,
    /// Where it stands.
    pub state: String,
    /// Who.
    pub by: String,
    /// The rest.
    pub detail: String,
}

/// Rows of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// What they are.
    pub title: &'static str,
    /// What stands there where there is none.
    pub empty: &'static str,
    /// What the time of its rows is.
    pub time: &'static str,
    /// The rows.
    pub entries: Vec<Entry>,
}

fn of_alert(line: &Line) -> Entry {
    let order = line.wonum.as_ref().map(|wonum| {
        let status = line
            .wo_status
            .as_ref()
            .map_or_else(String::new, |status| format!(" {}", status.shown()));
        format!("WO {}{status}", wonum.shown())
    });
    let note = line.note.as_ref().map(|note| note.shown().to_owned());
    Entry {
        time: Some(line.raised_at),
        severity: line.severity.shown().to_owned(),
        device: line.device.shown().to_owned(),
        alert: line.name.shown().to_owned(),
        detail: [order, note].into_iter().flatten().collect::<Vec<_>>().join("; "),
        ..Entry::default()
    }
}

/// A list of alerts that is older than this at the end of the period says so.
const OLD_AFTER: SignedDuration = SignedDuration::from_mins(5);

/// `14 h`, `35 min`.
pub(super) fn span(from: Timestamp, to: Timestamp) -> String {
    let minutes = to.duration_since(from).as_mins().max(0);
    if minutes < 120 {
        format!("{minutes} min")
    } else {
        format!("{} h", (minutes + 30) / 60)
    }
}

/// `13:40` on the day on which the handover ends, `26 Nov 13:40` on another.
pub(super) fn clock(at: Timestamp, until: Timestamp, zone: &TimeZone) -> String {
    let (at, until) = (at.to_zoned(zone.clone()), until.to_zoned(zone.clone()));
    let form = if at.date() == until.date() { "%H:%M" } else { "%d %b %H:%M" };
    at.strftime(form).to_string()
}

/// A sentence of a server with its times as the handover writes them.
fn local(sentence: &str, until: Timestamp, zone: &TimeZone) -> String {
    let around: &[char] = &['(', ')', ',', '.', ';', ':', '`', '"'];
    let words = sentence.split(' ').map(|word| {
        let bare = word.trim_matches(around);
        match bare.parse::<Timestamp>() {
            Ok(at) => word.replacen(bare, &clock(at, until, zone), 1),
            Err(_) => word.to_owned(),
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// With the day.
pub(super) fn moment(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}

fn word(state: IntentState) -> &'static str {
    match state {
        IntentState::Queued => "not sent yet",
        IntentState::Sending => "being sent",
        IntentState::InDoubt => "being checked",
        IntentState::Delivered => "done",
        IntentState::Superseded => "somebody was first",
        IntentState::Parked => "refused",
        IntentState::Cancelled => "taken back",
    }
}

impl Handover {
    /// The first lines: whose it is, of when, and what it counts.
    pub fn summary(&self, zone: &TimeZone) -> Vec<String> {
        let mut lines = vec![format!(
            "{} to {} ({}), {}",
            moment(self.since, zone),
            moment(self.until, zone),
            span(self.since, self.until),
            SafeText::new(self.operator.as_str()).shown()
        )];
        let open: usize = self.open.iter().map(|open| open.open).sum();
        let old = self.as_of.filter(|as_of| self.until.duration_since(*as_of) >= OLD_AFTER);
        let when = if old.is_some() { "then" } else { "now" };
        lines.push(format!(
            "{} raised, {} resolved, at most {} in 10 min; open {when}: {open}, of these not acknowledged: {}",
            self.raised,
            self.resolved,
            self.peak_ten_minutes,
            self.unacknowledged.len()
        ));
        match self.as_of {
            None => lines.push("The list of alerts has not been read: what is open is not known.".into()),
            Some(as_of) if old.is_some() => lines.push(format!(
                "The list of alerts is {} old, read at {}: what came after it is not in here.",
                span(as_of, self.until),
                moment(as_of, zone)
            )),
            Some(as_of) => lines.push(format!("The list of alerts was read at {}.", moment(as_of, zone))),
        }
        if let Some(since) = self.data_since {
            lines.push(format!(
                "The records begin at {}: what was raised and over before then is not counted.",
                moment(since, zone)
            ));
        }
        for read in &self.read {
            lines.push(format!("Read by {} at {}.", read.by.shown(), moment(read.at, zone)));
        }
        lines
    }

    /// `until 03:13 (8 min)`, `still going on`, `still going on at 03:10`
    fn until_when(&self, flood: &FloodSpan, zone: &TimeZone) -> String {
        let end = clock(flood.end, self.until, zone);
        if !flood.lasts {
            return format!("until {end} ({})", span(flood.start, flood.end));
        }
        let near = |at: Timestamp| at.duration_since(flood.end).abs() < SignedDuration::from_mins(1);
        if near(self.until) && self.as_of.is_none_or(near) {
            "still going on".to_owned()
        } else {
            format!("still going on at {end}")
        }
    }

    /// Everything below.
    pub fn sections(&self, zone: &TimeZone) -> Vec<Section> {
        let open = self.open.iter().map(|open| Entry {
            severity: open.severity.to_owned(),
            detail: format!("{} open, {} not acknowledged", open.open, open.unacknowledged),
            ..Entry::default()
        });
        let held = self.acknowledged.iter().flat_map(|held| {
            held.alerts.iter().map(|line| Entry {
                by: held.by.shown().to_owned(),
                ..of_alert(line)
            })
        });
        let shelved = self.shelved.iter().map(|item| Entry {
            time: Some(item.until),
            severity: item.severity.shown().to_owned(),
            device: item.key.device.shown().to_owned(),
            alert: item.key.name.shown().to_owned(),
            by: item.by.shown().to_owned(),
            detail: if item.reason.is_empty() {
                "no reason given".to_owned()
            } else {
                item.reason.shown().to_owned()
            },
            ..Entry::default()
        });
        let orders = self.orders.iter().map(|order| {
            let mut entry = of_alert(&order.alert);
            entry.time = order.made_at;
            let status = order.status.as_ref().map_or("status unknown", |status| status.shown());
            status.clone_into(&mut entry.state);
            entry.detail = format!("WO {}", order.wonum.shown());
            entry
        });
        let floods = self.floods.iter().map(|flood| Entry {
            time: Some(flood.start),
            detail: format!(
                "{}, {} alerts, at most {} in 10 min",
                self.until_when(flood, zone),
                flood.count,
                flood.peak
            ),
            ..Entry::default()
        });
        let top = self.top.iter().map(|top| Entry {
            device: top.key.device.shown().to_owned(),
            alert: top.key.name.shown().to_owned(),
            detail: format!(
                "{}, {:.0} %",
                if top.count == 1 {
                    "once".to_owned()
                } else {
                    format!("{} times", top.count)
                },
                top.percent
            ),
            ..Entry::default()
        });
        let done = self.done.iter().map(|deed| Entry {
            time: Some(deed.at),
            alert: format!("{} {}", deed.verb, deed.about.shown()),
            state: if deed.may_have_arrived {
                MAY_HAVE_ARRIVED.to_owned()
            } else {
                word(deed.state).to_owned()
            },
            detail: deed
                .detail
                .as_ref()
                .map_or_else(String::new, |detail| local(detail.shown(), self.until, zone)),
            ..Entry::default()
        });
        let remarks = self.remarks.iter().map(|remark| Entry {
            time: Some(remark.at),
            by: remark.by.shown().to_owned(),
            detail: remark.text.shown().to_owned(),
            ..Entry::default()
        });
        let section = |title, empty, time, entries| Section {
            title,
            empty,
            time,
            entries,
        };
        vec![
            section("Remarks", "none", "time", remarks.collect()),
            section("Open by severity", "none", "", open.collect()),
            section(
                "Not acknowledged",
                "none",
                "raised",
                self.unacknowledged.iter().map(of_alert).collect(),
            ),
            section("Acknowledged, not resolved", "none", "raised", held.collect()),
            section("On the shelf of this console", "nothing", "back at", shelved.collect()),
            section("Work orders", "none", "made", orders.collect()),
            section("Floods", "none", "began", floods.collect()),
            section("Loudest alarms", "none was raised", "", top.collect()),
            section("Done by this person", "nothing", "time", done.collect()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_of_a_servers_sentence_are_those_of_the_handover() {
        let zone = TimeZone::fixed(jiff::tz::offset(-5));
        let until: Timestamp = "2026-11-28T12:00:00Z".parse().unwrap();
        for (said, told) in [
            (
                "already acknowledged by operator2 at 2026-11-28T09:08:46Z",
                "already acknowledged by operator2 at 04:08",
            ),
            (
                "409: changed (2026-11-28T03:00:00+00:00), read it",
                "409: changed (27 Nov 22:00), read it",
            ),
            ("no time in here: 10:00", "no time in here: 10:00"),
        ] {
            assert_eq!(local(said, until, &zone), told);
        }
    }
}
