//! What one shift tells the next: how things stand, what happened, what was done.

mod format;
mod section;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::load::{Activation, Figures, FloodLimits, FloodSpan, TopSource, floods};
use super::{
    AlarmKey, Alert, AlertId, AlertState, DeviceId, History, Intent, IntentState, OutboxRow, SafeText, Severity, Shelf, Shelved,
    WorkOrderNumber, hex, triage_order,
};

pub use format::Format;
pub use section::{Entry, Section};

/// Something that a person wants the next shift to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remark {
    /// When it was written.
    pub at: Timestamp,
    /// By whom.
    pub by: SafeText,
    /// What.
    pub text: SafeText,
}

/// A handover that somebody read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// Which one: the beginning of its period.
    pub since: Timestamp,
    /// Who.
    pub by: SafeText,
    /// When.
    pub at: Timestamp,
}

/// What a handover is made from.
#[derive(Clone, Debug)]
pub struct Basis<'a> {
    /// The site, as it is shown.
    pub site: &'a str,
    /// Who hands over.
    pub operator: &'a str,
    /// Its period: what happened in `[since, until)`.
    pub since: Timestamp,
    /// The end of the period.
    pub until: Timestamp,
    /// When the list of alerts was read.
    pub as_of: Option<Timestamp>,
    /// The list of alerts; those resolved lately may be among them.
    pub alerts: Vec<&'a Alert>,
    /// What is remembered of all alerts, with their orders.
    pub history: &'a History,
    /// The shelf.
    pub shelf: &'a Shelf,
    /// Rows of the outbox of the period.
    pub rows: Vec<&'a OutboxRow>,
    /// Remarks, of any time.
    pub remarks: &'a [Remark],
    /// Who read which handover.
    pub reads: &'a [Read],
    /// When a flood begins and ends.
    pub limits: FloodLimits,
}

/// An alert in the handover.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// Its identity.
    #[serde(rename = "alertId")]
    pub id: AlertId,
    /// The device.
    #[serde(rename = "deviceId")]
    pub device: DeviceId,
    /// The rule.
    #[serde(rename = "alertName")]
    pub name: SafeText,
    /// How bad.
    pub severity: Severity,
    /// When it was raised.
    pub raised_at: Timestamp,
    /// The note, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<SafeText>,
    /// Its order, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wonum: Option<WorkOrderNumber>,
    /// The order's status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wo_status: Option<SafeText>,
}

/// How many alerts of a severity are open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Open {
    /// Critical, high, medium (with unknown ones), low.
    pub severity: &'static str,
    /// Open, those on the shelf not counted.
    pub open: usize,
    /// Of these, acknowledged by nobody.
    pub unacknowledged: usize,
}

/// What somebody holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Held {
    /// Who acknowledged.
    pub by: SafeText,
    /// What.
    pub alerts: Vec<Line>,
}

/// A work order of the period.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// Its number.
    pub wonum: WorkOrderNumber,
    /// Its status, as Manage said it last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<SafeText>,
    /// The alert that it was made for.
    #[serde(flatten)]
    pub alert: Line,
    /// When this console's outbox made it; absent for one that was made elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made_at: Option<Timestamp>,
}

/// Something that was asked for here.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Deed {
    /// When.
    pub at: Timestamp,
    /// What: `acknowledge`, `resolve`, `work order`, ...
    pub verb: &'static str,
    /// Where it stands.
    pub state: IntentState,
    /// Device and alert, or whatever it was about.
    pub about: SafeText,
    /// It was taken back, although an earlier attempt may have arrived.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub may_have_arrived: bool,
    /// The note, the root cause or the server's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<SafeText>,
}

/// The handover.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Handover {
    /// The site.
    pub site: String,
    /// Who hands over.
    pub operator: String,
    /// Begin of the period.
    pub since: Timestamp,
    /// Its end.
    pub until: Timestamp,
    /// When the list of alerts was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Timestamp>,
    /// Where the records begin, if that is later than the period: what happened before is not counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_since: Option<Timestamp>,
    /// Raised in the period.
    pub raised: usize,
    /// Resolved in the period.
    pub resolved: usize,
    /// Most in any ten minutes.
    pub peak_ten_minutes: usize,
    /// Open alerts by severity.
    pub open: Vec<Open>,
    /// Those that nobody has acknowledged, worst first.
    pub unacknowledged: Vec<Line>,
    /// Those that somebody acknowledged and nobody resolved.
    pub acknowledged: Vec<Held>,
    /// What lies on the shelf, next to come back first.
    pub shelved: Vec<Shelved>,
    /// Work orders of the period.
    pub orders: Vec<Order>,
    /// Floods; the last of them may last.
    pub floods: Vec<FloodSpan>,
    /// The loudest alarms.
    pub top: Vec<TopSource>,
    /// What this person did, in order.
    pub done: Vec<Deed>,
    /// Remarks of the period.
    pub remarks: Vec<Remark>,
    /// Who has read it.
    pub read: Vec<Read>,
}

impl Handover {
    /// Puts it together.
    pub fn of(basis: &Basis<'_>) -> Self {
        let figures = figures(basis);
        let open: Vec<&Alert> = sorted(
            basis
                .alerts
                .iter()
                .copied()
                .filter(|alert| alert.state != AlertState::Resolved && basis.shelf.hides(alert).is_none()),
        );
        let mut held: BTreeMap<SafeText, Vec<Line>> = BTreeMap::new();
        for alert in open.iter().filter(|alert| alert.state.progress() == 1) {
            let by = alert.acknowledged_by.clone().unwrap_or_else(|| "nobody named".into());
            held.entry(by).or_default().push(line(basis, alert));
        }
        let coverage = basis.history.coverage();
        Self {
            site: basis.site.to_owned(),
            operator: basis.operator.to_owned(),
            since: basis.since,
            until: basis.until,
            as_of: basis.as_of,
            data_since: coverage
                .map_or(basis.as_of, |coverage| Some(coverage.since))
                .filter(|since| *since > basis.since),
            raised: figures.total,
            resolved: resolved(basis),
            peak_ten_minutes: figures.peak.map_or(0, |(most, _)| most),
            open: by_severity(&open),
            unacknowledged: open
                .iter()
                .filter(|alert| alert.state.progress() == 0)
                .map(|alert| line(basis, alert))
                .collect(),
            acknowledged: held.into_iter().map(|(by, alerts)| Held { by, alerts }).collect(),
            shelved: basis.shelf.items().into_iter().cloned().collect(),
            orders: orders(basis),
            floods: figures.floods,
            top: figures.top,
            done: deeds(basis),
            remarks: basis.remarks.iter().filter(|remark| basis.has(remark.at)).cloned().collect(),
            read: basis.reads.iter().filter(|read| read.since == basis.since).cloned().collect(),
        }
    }
}

impl Handover {
    /// The id of its message to a webhook: the same within a minute, so that a second press of the key is no second message.
    pub fn message(&self, webhook: &str) -> String {
        let mut hash = Sha256::new();
        let minute = self.until.as_second().div_euclid(60).to_string();
        for part in [webhook, &self.site, &self.since.to_string(), &minute] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        format!("msg_{}", hex(&hash.finalize()).get(..32).unwrap_or_default())
    }
}

impl Basis<'_> {
    fn has(&self, at: Timestamp) -> bool {
        at >= self.since && at < self.until
    }
}

fn sorted<'a>(alerts: impl Iterator<Item = &'a Alert>) -> Vec<&'a Alert> {
    let mut alerts: Vec<&Alert> = alerts.collect();
    alerts.sort_by(|one, other| triage_order(one, other));
    alerts
}

/// Of `[since, until)`: the figures count `(start, end]`, so both move by a nanosecond.
fn figures(basis: &Basis<'_>) -> Figures {
    let nanosecond = jiff::SignedDuration::from_nanos(1);
    let earlier = |at: Timestamp| at.checked_sub(nanosecond).unwrap_or(at);
    let mut activations = Vec::new();
    for one in basis.history.all() {
        activations.extend(one.cycles().filter(|at| basis.has(*at)).map(|at| Activation {
            key: AlarmKey::of(&one.alert),
            severity: one.alert.severity.clone(),
            at,
            fleeting: one.is_fleeting(),
        }));
    }
    let mut figures = Figures::of(&activations, earlier(basis.since), earlier(basis.until), basis.limits);
    // After the last list nothing is known: a flood did not end there because nobody could look.
    let read = basis.as_of.or_else(|| basis.history.coverage().map(|coverage| coverage.until));
    if let Some(read) = read.filter(|read| *read < earlier(basis.until)) {
        let mut times: Vec<Timestamp> = activations.iter().map(|one| one.at).filter(|at| *at <= read).collect();
        times.sort_unstable();
        figures.floods = floods(&times, read, basis.limits);
    } else if let Some(last) = figures.floods.last_mut().filter(|flood| flood.lasts) {
        last.end = basis.until;
    }
    figures
}

fn resolved(basis: &Basis<'_>) -> usize {
    basis
        .history
        .all()
        .filter(|one| one.alert.state == AlertState::Resolved && one.ended_at().is_some_and(|end| basis.has(end)))
        .count()
}

fn by_severity(open: &[&Alert]) -> Vec<Open> {
    ["critical", "high", "medium", "low"]
        .into_iter()
        .enumerate()
        .map(|(rank, severity)| {
            let of_rank = || open.iter().filter(|alert| usize::from(alert.severity.rank()) == rank);
            Open {
                severity,
                open: of_rank().count(),
                unacknowledged: of_rank().filter(|alert| alert.state.progress() == 0).count(),
            }
        })
        .collect()
}

fn line(basis: &Basis<'_>, alert: &Alert) -> Line {
    let known = basis.history.get(&alert.id);
    Line {
        id: alert.id.clone(),
        device: alert.device.clone(),
        name: alert.name.clone(),
        severity: alert.severity.clone(),
        raised_at: alert.raised_at,
        note: alert.notes.clone().filter(|note| !note.is_empty()),
        wonum: known.and_then(|known| known.wonum.clone()),
        wo_status: known.and_then(|known| known.wo_status.clone()),
    }
}

fn alert_of<'a>(basis: &'a Basis<'_>, id: &AlertId) -> Option<&'a Alert> {
    basis
        .alerts
        .iter()
        .copied()
        .find(|alert| alert.id == *id)
        .or_else(|| basis.history.get(id).map(|known| &known.alert))
}

/// Those that this outbox made in the period, and those that others made for alerts of the period.
fn orders(basis: &Basis<'_>) -> Vec<Order> {
    let mut orders = Vec::new();
    let mut numbers: BTreeSet<WorkOrderNumber> = BTreeSet::new();
    for row in &basis.rows {
        let (Intent::CreateWorkOrder { alert, .. }, IntentState::Delivered, Some(wonum)) = (&row.intent, row.state, &row.wonum) else {
            continue;
        };
        if !basis.has(row.updated_at) || !numbers.insert(wonum.clone()) {
            continue;
        }
        let Some(alert) = alert_of(basis, alert) else { continue };
        let alert = line(basis, alert);
        orders.push(Order {
            wonum: wonum.clone(),
            status: alert.wo_status.clone().filter(|_| alert.wonum.as_ref() == Some(wonum)),
            alert,
            made_at: Some(row.updated_at),
        });
    }
    for one in basis.history.all().filter(|one| basis.has(one.alert.raised_at)) {
        if let Some(wonum) = one.wonum.as_ref().filter(|wonum| !numbers.contains(wonum)) {
            orders.push(Order {
                wonum: wonum.clone(),
                status: one.wo_status.clone(),
                alert: line(basis, &one.alert),
                made_at: None,
            });
        }
    }
    orders.sort_by(|one, other| (one.made_at, &one.wonum).cmp(&(other.made_at, &other.wonum)));
    orders
}

fn deeds(basis: &Basis<'_>) -> Vec<Deed> {
    let about = |row: &OutboxRow| match row.intent.alert() {
        Some(id) => alert_of(basis, id).map_or_else(
            || SafeText::new(id.raw()),
            |alert| SafeText::new(format!("{} {}", alert.device.raw(), alert.name.raw())),
        ),
        None => SafeText::new(row.intent.object().0),
    };
    let mut deeds: Vec<Deed> = basis
        .rows
        .iter()
        .filter(|row| basis.has(row.created_at))
        .filter_map(|row| {
            let said = match &row.intent {
                Intent::Acknowledge { by, notes, .. } => (by == basis.operator).then(|| notes.clone())?,
                Intent::Resolve { by, root_cause, .. } => (by == basis.operator).then(|| Some(root_cause.clone()))?,
                Intent::CreateWorkOrder { .. } => row.wonum.as_ref().map(|wonum| wonum.raw().to_owned()),
                Intent::SetMetadata { .. } => None,
                // the bridge's own work is nobody's deed
                Intent::SyncAsset { .. } | Intent::ReportProduction { .. } | Intent::CallWebhook { .. } => return None,
            };
            let may_have_arrived = row.may_have_arrived();
            let refused = may_have_arrived || matches!(row.state, IntentState::Parked | IntentState::Superseded);
            Some(Deed {
                at: row.created_at,
                verb: row.intent.verb(),
                state: row.state,
                about: about(row),
                may_have_arrived,
                detail: row.detail.clone().filter(|_| refused).or_else(|| said.map(SafeText::new)),
            })
        })
        .collect();
    deeds.sort_by(|one, other| one.at.cmp(&other.at).then_with(|| one.about.cmp(&other.about)));
    deeds
}
