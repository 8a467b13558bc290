//! The queue's columns: what stands in them, how wide they are, how they sort.

use std::cmp::Ordering;

use ratatui::style::Style;

use super::super::cells;
use super::super::scene::Scene;
use super::group::Fold;
use crate::config::theme::Role;
use crate::domain::{Alert, MetricValue, SafeText, short_number, triage_order};
use crate::model::Store;
use crate::model::store::Verb;

/// One column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Column {
    /// Since it was raised.
    Age,
    /// Its severity in a word.
    Severity,
    /// Its device.
    Device,
    /// The device's type.
    Type,
    /// The device's location.
    Location,
    /// The rule that raised it.
    Alert,
    /// The metric.
    Metric,
    /// The value at the trigger.
    Value,
    /// The limit.
    Limit,
    /// Where it stands, and where what was asked of it stands.
    State,
    /// Its work order.
    Order,
}

impl Column {
    /// All, in the order in which they stand.
    pub const ALL: [Self; 11] = [
        Self::Age,
        Self::Severity,
        Self::Device,
        Self::Type,
        Self::Location,
        Self::Alert,
        Self::Metric,
        Self::Value,
        Self::Limit,
        Self::State,
        Self::Order,
    ];

    /// Shown unless the person chooses otherwise.
    pub const DEFAULT: [Self; 7] = [
        Self::Age,
        Self::Severity,
        Self::Device,
        Self::Alert,
        Self::Value,
        Self::State,
        Self::Order,
    ];

    /// Its head.
    pub fn title(self) -> &'static str {
        match self {
            Self::Age => "AGE",
            Self::Severity => "SEV",
            Self::Device => "DEVICE",
            Self::Type => "TYPE",
            Self::Location => "LOCATION",
            Self::Alert => "ALERT",
            Self::Metric => "METRIC",
            Self::Value => "VALUE",
            Self::Limit => "LIMIT",
            Self::State => "STATE",
            Self::Order => "WO",
        }
    }

    /// Its letter in the menus of sort and columns.
    pub fn letter(self) -> char {
        match self {
            Self::Age => 'a',
            Self::Severity => 's',
            Self::Device => 'd',
            Self::Type => 't',
            Self::Location => 'l',
            Self::Alert => 'n',
            Self::Metric => 'm',
            Self::Value => 'v',
            Self::Limit => 'i',
            Self::State => 'e',
            Self::Order => 'o',
        }
    }

    /// The word for it in saved views.
    pub fn word(self) -> &'static str {
        match self {
            Self::Age => "age",
            Self::Severity => "severity",
            Self::Device => "device",
            Self::Type => "type",
            Self::Location => "location",
            Self::Alert => "alert",
            Self::Metric => "metric",
            Self::Value => "value",
            Self::Limit => "limit",
            Self::State => "state",
            Self::Order => "order",
        }
    }

    /// Reads a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|column| column.word() == word)
    }

    /// Numbers stand at the right.
    fn is_right(self) -> bool {
        matches!(self, Self::Age | Self::Value | Self::Limit)
    }

    /// Compares two alerts by this column, ascending.
    fn order(self, one: &Alert, other: &Alert, store: &Store) -> Ordering {
        let number = |value: &Option<MetricValue>| value.as_ref().and_then(MetricValue::as_number).unwrap_or(f64::NEG_INFINITY);
        let location = |alert: &Alert| store.plant.of_alert(alert).and_then(|device| device.location.clone());
        match self {
            Self::Age => other.raised_at.cmp(&one.raised_at),
            Self::Severity => one.severity.rank().cmp(&other.severity.rank()),
            Self::Device => one.device.cmp(&other.device),
            Self::Type => one.device_type.cmp(&other.device_type),
            Self::Location => location(one).cmp(&location(other)),
            Self::Alert => one.name.cmp(&other.name),
            Self::Metric => one.metric.cmp(&other.metric),
            Self::Value => number(&one.value).total_cmp(&number(&other.value)),
            Self::Limit => one
                .threshold
                .unwrap_or(f64::NEG_INFINITY)
                .total_cmp(&other.threshold.unwrap_or(f64::NEG_INFINITY)),
            Self::State => one.state.progress().cmp(&other.state.progress()),
            Self::Order => {
                let number = |alert: &Alert| match store.order(&alert.id) {
                    Some((number, _)) => Some(number.raw().to_owned()),
                    None => store.linked_order(alert).map(str::to_owned),
                };
                number(one).cmp(&number(other))
            }
        }
    }
}

/// How the queue is sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// Unacknowledged first, then the worst, then the newest.
    #[default]
    Triage,
    /// By a column, then as for triage.
    By(Column, Direction),
}

/// Which end comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The smallest, the youngest, the worst.
    Ascending,
    /// The other way round.
    Descending,
}

impl Sort {
    /// Compares two alerts.
    pub(super) fn order(self, one: &Alert, other: &Alert, store: &Store) -> Ordering {
        match self {
            Self::Triage => Ordering::Equal,
            Self::By(column, Direction::Ascending) => column.order(one, other, store),
            Self::By(column, Direction::Descending) => column.order(other, one, store),
        }
        .then_with(|| store.progress(one).cmp(&store.progress(other)))
        .then_with(|| triage_order(one, other))
    }

    /// In words, where it is not the usual one.
    pub fn shown(self) -> Option<String> {
        match self {
            Self::Triage => None,
            Self::By(column, Direction::Ascending) => Some(format!("by {}", column.title())),
            Self::By(column, Direction::Descending) => Some(format!("by {} down", column.title())),
        }
    }
}

/// A column with its width in cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sized {
    pub(super) column: Column,
    pub(super) width: usize,
}

/// The widest device, type, location, metric, value and order among the rows, found when the rows change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Widest {
    pub(super) device: usize,
    pub(super) device_type: usize,
    pub(super) location: usize,
    pub(super) metric: usize,
    pub(super) value: usize,
    pub(super) order: usize,
    /// The same with the whole status.
    pub(super) order_whole: usize,
}

impl Widest {
    /// Takes one more row into account.
    pub(super) fn add(&mut self, scene: &Scene<'_>, alert: &Alert) {
        let wide = |text: &str| cells::width(text);
        self.device = self.device.max(wide(alert.device.shown()));
        self.device_type = self
            .device_type
            .max(alert.device_type.as_ref().map_or(0, |text| wide(text.shown())));
        let location = scene.store.plant.of_alert(alert).and_then(|device| device.location.as_ref());
        self.location = self.location.max(location.map_or(0, |text| wide(text.shown())));
        self.metric = self.metric.max(alert.metric.as_ref().map_or(0, |text| wide(text.shown())));
        self.value = self.value.max(alert.value.as_ref().map_or(0, |value| wide(&value.to_string())));
        self.order = self.order.max(wide(&order(scene, alert, 6).0));
        self.order_whole = self.order_whole.max(wide(&order(scene, alert, 14).0));
    }
}

/// Shares `width` cells among columns, a cell between each two. Where there is not enough, the least needed go first.
pub(super) fn share(columns: &[Column], width: usize, widest: Widest) -> Vec<Sized> {
    let fixed = |column: Column| match column {
        Column::Age | Column::Severity => 4,
        Column::Device => widest.device.clamp(6, 16),
        Column::Type => widest.device_type.clamp(4, 18),
        Column::Location => widest.location.clamp(8, 18),
        Column::Alert => 12,
        Column::Metric => widest.metric.clamp(6, 16),
        Column::Value => widest.value.clamp(5, 7),
        Column::Limit => 7,
        Column::State => 14,
        Column::Order => widest.order.clamp(2, 10),
    };
    // Without these a row still says what is wrong, where, how bad, and where it stands.
    let mut chosen: Vec<Column> = columns.to_vec();
    // An empty column of values is no reason to keep it where there is little room.
    let whole = |column: Column| if column == Column::Value { 7 } else { fixed(column) };
    let needed = |chosen: &[Column]| chosen.iter().map(|column| whole(*column) + 1).sum::<usize>();
    for least in [
        Column::Limit,
        Column::Metric,
        Column::Type,
        Column::Location,
        Column::Value,
        Column::Order,
        Column::Age,
        Column::State,
        Column::Device,
    ] {
        if needed(&chosen) <= width + 1 {
            break;
        }
        chosen.retain(|column| *column != least);
    }
    let mut spare = (width + 1).saturating_sub(chosen.iter().map(|column| fixed(*column) + 1).sum());
    let mut sized: Vec<Sized> = chosen
        .iter()
        .map(|column| Sized {
            column: *column,
            width: fixed(*column),
        })
        .collect();
    // The name of the alert takes what is left until it can be told from others; then an order's status is worth more as a
    // word than the end of the name, which stands in the strip; then the state up to its whole sentence.
    let whole_order = widest.order_whole.min(14);
    for (column, most) in [
        (Column::Alert, 20_usize),
        (Column::Order, whole_order),
        (Column::Alert, 26),
        (Column::State, 28),
        (Column::Alert, 60),
    ] {
        if let Some(found) = sized.iter_mut().find(|sized| sized.column == column) {
            let more = most.saturating_sub(found.width).min(spare);
            found.width += more;
            spare -= more;
        }
    }
    sized
}

/// The head of a column in its width.
pub(super) fn head(sized: Sized) -> String {
    aligned(sized, sized.column.title(), "")
}

fn aligned(sized: Sized, text: &str, ellipsis: &str) -> String {
    if sized.column.is_right() {
        cells::right(text, sized.width, ellipsis)
    } else {
        cells::left(text, sized.width, ellipsis)
    }
}

/// What stands in a column for an alert, in exactly its width; before its name what heads its group.
pub(super) fn cell(scene: &Scene<'_>, alert: &Alert, gone: bool, (place, head): (Place<'_>, &str), sized: Sized) -> (String, Style) {
    let text = scene.style(Role::Text);
    let glyphs = scene.glyphs();
    let optional = |value: Option<&SafeText>| value.map_or_else(|| glyphs.none.to_owned(), |value| value.shown().to_owned());
    let (content, style) = match sized.column {
        Column::Age => (scene.age(alert.raised_at), text),
        Column::Severity => scene.severity(&alert.severity),
        Column::Device => (alert.device.shown().to_owned(), text),
        Column::Type => (
            alert
                .device_type
                .as_ref()
                .map_or_else(|| glyphs.none.to_owned(), |kind| kind.shown().to_owned()),
            text,
        ),
        Column::Location => (
            optional(scene.store.plant.of_alert(alert).and_then(|device| device.location.as_ref())),
            text,
        ),
        Column::Alert => {
            let facts = scene.store.facts(alert, &scene.setup.operator, scene.now);
            let mut badge = badge(scene, &facts).to_owned();
            if let Place::First(fold) = place {
                badge.push_str(&count(scene, fold));
            }
            let indent = if place == Place::Inner { "  " } else { "" };
            let room = sized.width.saturating_sub(cells::width(&badge) + indent.len());
            let name = format!("{head}{}", alert.name.shown());
            (format!("{indent}{}{badge}", scene.cut(&name, room)), text)
        }
        Column::Metric => (optional(alert.metric.as_ref()), text),
        Column::Value => match &alert.value {
            None | Some(MetricValue::Null) => (glyphs.none.to_owned(), scene.style(Role::Muted)),
            Some(value) => (value.to_string(), text),
        },
        Column::Limit => (
            alert.threshold.map_or_else(|| glyphs.none.to_owned(), short_number),
            scene.style(Role::Muted),
        ),
        Column::State if gone => ("gone".to_owned(), scene.style(Role::Warning)),
        Column::State => scene.state(alert, sized.width),
        Column::Order => order(scene, alert, sized.width),
    };
    (aligned(sized, &content, glyphs.ellipsis), style)
}

/// How a row stands in its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place<'a> {
    /// It has none.
    Alone,
    /// It is the first of several.
    First(&'a Fold),
    /// It stands below the first.
    Inner,
}

/// How many alerts stand behind a row, and what of them is worse than it.
fn count(scene: &Scene<'_>, fold: &Fold) -> String {
    let behind = fold.members.len().saturating_sub(1);
    if !fold.folded {
        return format!(" {}{}", scene.glyphs().times, fold.members.len());
    }
    let worse = fold
        .worse
        .as_ref()
        .map_or_else(String::new, |severity| format!(" {}", scene.severity(severity).0));
    let new = if fold.new > 0 {
        format!(" {} new", fold.new)
    } else {
        String::new()
    };
    format!(" +{behind}{worse}{new}")
}

/// What is unusual about an alert, in a word after its name.
fn badge(scene: &Scene<'_>, facts: &crate::domain::AlertFacts<'_>) -> &'static str {
    use crate::domain::{Facts as _, Trait};
    let word = |unicode: &'static str, ascii: &'static str| if scene.setup.ascii { ascii } else { unicode };
    if facts.is(Trait::Chattering) {
        word(" ·chat", " -chat")
    } else if facts.is(Trait::Fleeting) {
        word(" ·fleet", " -fleet")
    } else if facts.is(Trait::Stale) {
        word(" ·stale", " -stale")
    } else {
        ""
    }
}

/// The work order of an alert: number and status, or its first letter where that is too long, or where the wish for one stands.
fn order(scene: &Scene<'_>, alert: &Alert, width: usize) -> (String, Style) {
    if let Some((number, told)) = scene.store.order(&alert.id) {
        let style = match told {
            Some(order) if order.is_completed() => scene.style(Role::Success),
            _ => scene.style(Role::Text),
        };
        let Some(status) = told.map(|order| order.status.shown()) else {
            return (number.shown().to_owned(), style);
        };
        let whole = format!("{} {status}", number.shown());
        let letter: String = status.chars().take(1).collect();
        let text = if cells::width(&whole) <= width {
            whole
        } else {
            format!("{} {letter}", number.shown())
        };
        return (text, style);
    }
    if let Some(asked) = scene.store.ledger().asked(&alert.id, &[Verb::Order], scene.now) {
        let (text, style) = scene.progress(&asked, 12);
        let text = text.trim_start_matches("WO ").to_owned();
        return (scene.cut(&text, width.max(6)), style);
    }
    match scene.store.linked_order(alert) {
        Some(number) => (
            format!("{}{}", scene.glyphs().arrow, SafeText::new(number).shown()),
            scene.style(Role::Text),
        ),
        None => (scene.glyphs().none.to_owned(), scene.style(Role::Muted)),
    }
}
