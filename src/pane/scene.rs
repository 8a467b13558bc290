//! What every pane may look at while it acts or draws, and the words that all of them share.

use jiff::{SignedDuration, Timestamp, Unit};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::cells;
use super::glyphs::{ASCII, Glyphs, UNICODE};
use super::setup::Setup;
use crate::config::theme::Role;
use crate::domain::{ARRIVED_ALL_THE_SAME, Alert, AlertState, DeviceStatus, MAY_HAVE_ARRIVED, Return, SafeText, Severity, WorkOrder};
use crate::model::store::{Age, Asked, Progress, SAID_FOR, Verb, seconds_left};
use crate::model::{Action, Source, Store};

/// The world as it is at `now`.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// What was told at the start.
    pub setup: &'a Setup,
    /// What the servers told.
    pub store: &'a Store,
    /// The time of the newest event.
    pub now: Timestamp,
}

impl Scene<'_> {
    /// The style of a meaning. Plain text keeps the background that it stands on: the screen's, a window's, the cursor's.
    pub fn style(&self, role: Role) -> Style {
        let style = self.setup.theme.style(role);
        match role {
            Role::Text => Style { bg: None, ..style },
            _ => style,
        }
    }

    /// The signs to draw with.
    pub(crate) fn glyphs(&self) -> &'static Glyphs {
        if self.setup.ascii { &ASCII } else { &UNICODE }
    }

    /// The first key of an action, for hints.
    pub fn key(&self, action: Action) -> String {
        self.setup.keymap.key(action)
    }

    /// A text that fits.
    pub fn cut(&self, text: &str, cells: usize) -> String {
        cells::cut(text, cells, self.glyphs().ellipsis)
    }

    /// Hours and minutes; with the day where it is not today.
    pub fn clock(&self, at: Timestamp) -> String {
        self.time(at, "%H:%M")
    }

    /// To the second; with the day where it is not today.
    pub fn clock_seconds(&self, at: Timestamp) -> String {
        self.time(at, "%H:%M:%S")
    }

    /// A sentence of the sender or of a server, with the points of time in it as this screen shows them.
    pub fn told(&self, sentence: &SafeText) -> String {
        let around: &[char] = &['(', ')', ',', '.', ';', ':', '`', '"'];
        let shown = sentence.shown();
        let words: Vec<String> = shown
            .split(' ')
            .map(|word| {
                let bare = word.trim_matches(around);
                match bare.parse::<Timestamp>() {
                    Ok(at) => word.replacen(bare, &self.clock_seconds(at), 1),
                    Err(_) => word.to_owned(),
                }
            })
            .collect();
        words.join(" ")
    }

    fn time(&self, at: Timestamp, format: &str) -> String {
        let zone = &self.setup.time_zone;
        let zoned = at.to_zoned(zone.clone());
        let today = self.now.to_zoned(zone.clone()).date();
        if zoned.date() == today {
            zoned.strftime(format).to_string()
        } else if zoned.date().year() == today.year() {
            zoned.strftime(&format!("%-d %b {format}")).to_string()
        } else {
            zoned.strftime(&format!("%Y-%m-%d {format}")).to_string()
        }
    }

    /// The name of the time zone, as it is called now.
    pub fn zone_name(&self) -> String {
        self.now.to_zoned(self.setup.time_zone.clone()).strftime("%Z").to_string()
    }

    /// The minute that has begun: ages count from here, so that all of them change at once and only then.
    pub fn minute(&self) -> Timestamp {
        let seconds = self.now.as_second();
        Timestamp::from_second(seconds - seconds.rem_euclid(60)).unwrap_or(self.now)
    }

    /// How long ago, in one number: `<1m`, `4m`, `3h`, `2d`.
    pub fn age(&self, at: Timestamp) -> String {
        let minutes = self.minutes_since(at);
        match minutes {
            0 => "<1m".into(),
            1..=99 => format!("{minutes}m"),
            100..=2_879 => format!("{}h", minutes / 60),
            _ => format!("{}d", minutes / (60 * 24)),
        }
    }

    fn minutes_since(&self, at: Timestamp) -> i64 {
        let minute_of = |at: Timestamp| at.as_second().div_euclid(60);
        (minute_of(self.now) - minute_of(at)).max(0)
    }

    /// A source's freshness in words, and the meaning of their colour.
    pub fn freshness(&self, source: Source) -> (String, Role) {
        let fresh = self.store.freshness(source);
        match fresh.age(self.now) {
            Age::Connecting => ("connecting".into(), Role::Muted),
            Age::Cached(as_of) => (format!("last known {}", self.clock(as_of)), Role::Stale),
            Age::Live => ("live".into(), Role::LinkLive),
            Age::Silent(Some(since)) => (format!("NO DATA since {}", self.clock(since)), Role::LinkDown),
            Age::Silent(None) => ("NO DATA yet".into(), Role::LinkDown),
        }
    }

    /// Severity as a word of four letters.
    pub fn severity(&self, severity: &Severity) -> (String, Style) {
        let (word, role) = match severity {
            Severity::Critical => ("CRIT".to_owned(), Role::SeverityCritical),
            Severity::High => ("HIGH".to_owned(), Role::SeverityHigh),
            Severity::Medium => ("MED".to_owned(), Role::SeverityMedium),
            Severity::Low => ("LOW".to_owned(), Role::SeverityLow),
            Severity::Other(word) => (word.shown().to_uppercase(), Role::SeverityOther),
        };
        (word, self.style(role))
    }

    /// A device's sign, word and colour.
    pub fn device_status(&self, status: &DeviceStatus) -> (&'static str, Style) {
        match status {
            DeviceStatus::Online => (self.glyphs().online, self.style(Role::DeviceOnline)),
            DeviceStatus::Offline => (self.glyphs().offline, self.style(Role::DeviceOffline)),
            DeviceStatus::Other(_) => (self.glyphs().unknown, self.style(Role::Muted)),
        }
    }

    /// Where an alert stands, for the queue's STATE column: what was asked of it first, else what the server says.
    pub fn state(&self, alert: &Alert, cells: usize) -> (String, Style) {
        let asked = self.store.ledger().asked(&alert.id, &[Verb::Acknowledge, Verb::Resolve], self.now);
        if let Some(asked) = asked.filter(|asked| self.is_worth_saying(asked, alert)) {
            return self.progress(&asked, cells);
        }
        if let Some(item) = self.store.shelf().hides(alert) {
            let text = format!("shelf to {}", self.clock(item.until));
            return (self.cut(&text, cells), self.style(Role::Muted));
        }
        if let Some(why) = self.store.returned(&alert.id) {
            return (self.cut(returned(why), cells), self.style(Role::StateNew));
        }
        if self.is_ready(alert) {
            let words = ["ready to resolve", "ready"];
            let word = words.into_iter().find(|word| cells::width(word) <= cells).unwrap_or("ready");
            return (self.cut(word, cells), self.style(Role::Success));
        }
        match &alert.state {
            AlertState::New => ("new".into(), self.style(Role::StateNew)),
            AlertState::Acknowledged => {
                let text = alert
                    .acknowledged_by
                    .as_ref()
                    .map_or("ack".to_owned(), |by| format!("ack {}", by.shown()));
                (self.cut(&text, cells), self.style(Role::StateAcknowledged))
            }
            AlertState::Resolved => {
                let text = alert
                    .resolved_by
                    .as_ref()
                    .map_or("resolved".to_owned(), |by| format!("res {}", by.shown()));
                (self.cut(&text, cells), self.style(Role::StateResolved))
            }
            AlertState::Other(word) => (self.cut(word.shown(), cells), self.style(Role::StateNew)),
        }
    }

    /// Whether the work is done and the alert only has to be resolved.
    pub fn is_ready(&self, alert: &Alert) -> bool {
        let done = self
            .store
            .order(&alert.id)
            .and_then(|(_, told)| told)
            .is_some_and(WorkOrder::is_completed);
        done && alert.state != AlertState::Resolved
    }

    /// The unit of a metric with a space before it, where the configuration has one.
    pub fn unit(&self, metric: &str) -> String {
        self.setup.units.get(metric).map_or_else(String::new, |unit| format!(" {unit}"))
    }

    /// Whether the newest thing that was asked says more than the alert itself.
    fn is_worth_saying(&self, asked: &Asked, alert: &Alert) -> bool {
        let lately = |at: Timestamp| self.now.duration_since(at) < SAID_FOR;
        match &asked.progress {
            Progress::Saving | Progress::Grace(_) | Progress::Queued(_) | Progress::Sending | Progress::Checking => true,
            Progress::Refused(_) => alert.state != AlertState::Resolved,
            Progress::Done(at) => {
                let ours = match asked.verb {
                    Verb::Acknowledge => {
                        alert.acknowledged_by.as_ref().map(crate::domain::SafeText::raw) == Some(self.setup.operator.as_str())
                    }
                    Verb::Resolve => alert.state == AlertState::Resolved,
                    Verb::Order | Verb::Metadata | Verb::Bridge => true,
                };
                lately(*at) && ours
            }
            Progress::Superseded { at, .. } => lately(*at),
            Progress::Cancelled { .. } => false,
        }
    }

    /// Where something that was asked stands, in at most `cells`.
    pub fn progress(&self, asked: &Asked, cells: usize) -> (String, Style) {
        let short = asked.verb.short();
        let pick = |texts: &[String]| {
            let fits = texts.iter().find(|text| cells::width(text) <= cells);
            fits.cloned()
                .unwrap_or_else(|| self.cut(texts.last().map_or("", String::as_str), cells))
        };
        let pending = self.style(Role::StatePending);
        match &asked.progress {
            Progress::Saving => (pick(&["saving".into()]), pending),
            Progress::Grace(until) => {
                let left = seconds_left(*until, self.now);
                let undo = self.key(Action::Undo);
                let texts = [
                    format!("{short} sends in {left}s ({undo} undoes)"),
                    format!("sends in {left}s ({undo} undoes)"),
                    format!("sends in {left}s"),
                    format!("in {left}s"),
                ];
                (pick(&texts), pending)
            }
            Progress::Queued(None) => (pick(&[format!("{short} queued"), "queued".into()]), pending),
            Progress::Queued(Some(reason)) => (
                pick(&[
                    format!("{short} queued: {}", self.told(reason)),
                    format!("{short} queued"),
                    "queued".into(),
                ]),
                pending,
            ),
            Progress::Sending => (pick(&[format!("{short} sending"), "sending".into()]), pending),
            Progress::Checking => (
                pick(&[format!("? checking {short}"), "? checking".into(), "? chk".into()]),
                self.style(Role::StateDoubt),
            ),
            Progress::Done(at) => {
                let (done, when) = (self.glyphs().done, self.clock_seconds(*at));
                (
                    pick(&[
                        format!("{short} {done} {when}"),
                        format!("{done} {when}"),
                        format!("{done} {}", self.clock(*at)),
                    ]),
                    self.style(Role::Success),
                )
            }
            Progress::Superseded { by, .. } => {
                let who = by.as_ref().map_or("another", |by| by.shown());
                let when = self.was_first_at(asked);
                let whole = when.map(|at| format!("by {who} {}", self.clock(at)));
                // who it was matters more than when
                let texts: Vec<String> = whole.into_iter().chain([format!("by {who}")]).collect();
                (pick(&texts), self.style(Role::Warning))
            }
            Progress::Refused(reason) => (
                if cells >= 24 {
                    self.cut(&format!("! refused: {}", self.told(reason)), cells)
                } else {
                    pick(&[format!("! {short} refused"), "! refused".into(), "! no".into()])
                },
                self.style(Role::StateRefused),
            ),
            Progress::Cancelled { arrived: true } => (
                pick(&[format!("? {MAY_HAVE_ARRIVED}"), "? arrived".into(), "?".into()]),
                self.style(Role::Warning),
            ),
            Progress::Cancelled { arrived: false } => (pick(&["taken back".into()]), self.style(Role::Muted)),
        }
    }

    /// When somebody else did what was asked before it arrived, as the alert tells it. (The row only knows when we learned of it.)
    fn was_first_at(&self, asked: &Asked) -> Option<Timestamp> {
        let Progress::Superseded { by: Some(by), .. } = &asked.progress else {
            return None;
        };
        let alert = self.store.alert(self.store.ledger().row(asked.row?)?.intent.alert()?)?;
        let acknowledged = (&alert.acknowledged_by, alert.acknowledged_at);
        let resolved = (&alert.resolved_by, alert.resolved_at);
        let told = match asked.verb {
            Verb::Acknowledge => [acknowledged, resolved],
            _ => [resolved, acknowledged],
        };
        told.into_iter().find(|(who, _)| who.as_ref() == Some(by)).and_then(|(_, at)| at)
    }

    /// The same as a whole sentence, for the detail.
    pub fn progress_sentence(&self, asked: &Asked) -> (String, Style) {
        let verb = asked.verb.shown();
        let (_, style) = self.progress(asked, 14);
        let text = match &asked.progress {
            Progress::Saving => format!("{verb}: being saved"),
            Progress::Grace(until) => format!(
                "{verb}: sends in {}s ({} undoes)",
                seconds_left(*until, self.now),
                self.key(Action::Undo)
            ),
            Progress::Queued(None) => format!("{verb}: queued"),
            Progress::Queued(Some(reason)) => format!("{verb}: queued, tried before: {}", self.told(reason)),
            Progress::Sending => format!("{verb}: sending"),
            Progress::Checking => format!("{verb}: ? checking whether it arrived"),
            Progress::Done(at) => format!("{} {} {}", asked.verb.done(), self.glyphs().done, self.clock_seconds(*at)),
            Progress::Superseded { by, detail, .. } => {
                let who = by.as_ref().map_or("somebody else", |by| by.shown());
                let when = self.was_first_at(asked);
                // the sender's sentence says both again, in another time zone
                let repeats = |detail: &&SafeText| when.is_some() && detail.shown().starts_with("already ");
                let detail = detail.as_ref().filter(|detail| !repeats(detail));
                let detail = detail.map_or_else(String::new, |detail| format!(": {}", self.told(detail)));
                let when = when.map_or_else(String::new, |at| format!(" {}", self.clock(at)));
                format!("{verb}: by {who}{when}, before ours{detail}")
            }
            Progress::Refused(reason) => {
                format!(
                    "{verb}: ! refused: {} ({} opens the outbox)",
                    self.told(reason),
                    self.key(Action::Outbox)
                )
            }
            Progress::Cancelled { arrived: true } => format!("{verb}: taken back, but {ARRIVED_ALL_THE_SAME}"),
            Progress::Cancelled { arrived: false } => format!("{verb}: taken back"),
        };
        (text, style)
    }

    /// How an alert is called in sentences: device and name.
    pub fn name(&self, alert: &Alert) -> String {
        format!("{} {}", alert.device.shown(), self.cut(alert.name.shown(), 40))
    }

    /// A span of time in words: `40 min`, `11 h`.
    pub fn span(&self, span: SignedDuration) -> String {
        let minutes = span.as_mins();
        if minutes < 90 {
            format!("{minutes} min")
        } else if minutes >= 3 * 24 * 60 {
            format!("{} d", (minutes + 12 * 60) / (24 * 60))
        } else {
            let hours = span.round(Unit::Hour).map_or(minutes / 60, |span| span.as_hours());
            format!("{hours} h")
        }
    }
}

/// Why something is back, in two words.
pub(crate) fn returned(why: Return) -> &'static str {
    match why {
        Return::Expired => "back: time up",
        Return::Worse => "back: worse",
        Return::Unshelved => "back",
    }
}

/// Draws a pane's frame with its titles and answers what is inside. The left title gives way to the right one.
pub(crate) fn framed(
    scene: &Scene<'_>,
    buffer: &mut Buffer,
    area: Rect,
    focused: bool,
    left: &[(String, Style)],
    right: &[(String, Style)],
) -> Rect {
    use ratatui::widgets::{Block, Borders, Widget as _};
    let role = if focused { Role::BorderFocused } else { Role::Border };
    let block = Block::new()
        .borders(Borders::ALL)
        .border_set(scene.glyphs().border)
        .border_style(scene.style(role));
    let inner = block.inner(area);
    block.render(area, buffer);
    titles(scene, buffer, area, left, right);
    inner
}

/// Cells of a row that the cursor's colour takes at the most.
const HIGHLIGHT_MOST: u16 = 28;

/// The part of a row that stands out under the cursor: the signs at its left and the first whole columns, which say what it is.
/// The whole row in another colour would be twice its width of cells sent again for every step.
pub(crate) fn highlight(row: Rect, signs: u16, columns: impl Iterator<Item = u16>) -> Rect {
    let mut width = signs;
    for column in columns {
        let next = width.saturating_add(column).saturating_add(1);
        if next > HIGHLIGHT_MOST {
            if width == signs {
                width = HIGHLIGHT_MOST;
            }
            break;
        }
        width = next;
    }
    Rect {
        width: width.min(row.width),
        ..row
    }
}

/// Writes a left and a right title into the top line of an area, one cell in from its corners.
pub(crate) fn titles(scene: &Scene<'_>, buffer: &mut Buffer, area: Rect, left: &[(String, Style)], right: &[(String, Style)]) {
    if area.width < 6 || area.height == 0 {
        return;
    }
    let room = usize::from(area.width) - 4;
    let measure = |parts: &[(String, Style)]| parts.iter().map(|(text, _)| cells::width(text)).sum::<usize>();
    let right_wide = if right.is_empty() {
        0
    } else {
        (measure(right) + 2).min(room * 2 / 3)
    };
    let left_room = room.saturating_sub(right_wide + usize::from(right_wide > 0));
    put(scene, buffer, Rect { height: 1, ..area }, area.x + 1, left, left_room);
    if right_wide > 0 {
        let x = area.right().saturating_sub(1 + u16::try_from(right_wide).unwrap_or(0));
        put(scene, buffer, Rect { height: 1, ..area }, x, right, right_wide - 2);
    }
}

fn put(scene: &Scene<'_>, buffer: &mut Buffer, area: Rect, x: u16, parts: &[(String, Style)], room: usize) {
    if parts.is_empty() || room == 0 {
        return;
    }
    let blank = scene.style(Role::Text);
    let mut shown = vec![(" ".to_owned(), blank)];
    let mut used = 0;
    for (text, style) in parts {
        let text = scene.cut(text, room - used);
        used += cells::width(&text);
        shown.push((text, *style));
        if used >= room {
            break;
        }
    }
    shown.push((" ".to_owned(), blank));
    cells::write(buffer, area, x, area.y, &shown);
}
