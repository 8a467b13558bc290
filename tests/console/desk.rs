//! A desk to sit at: the core with a test terminal, a clock that is moved by hand, and everything that it asked for.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use nightdesk::app::{App, Setup};
use nightdesk::config::theme::{Depth, Theme};
use nightdesk::domain::{
    Alert, AlertId, AlertState, Device, DeviceKey, DeviceStatus, Intent, IntentState, Listing, MetricValue, OutboxId, OutboxRow, SafeText,
    Series, Service, Severity, Target, WorkOrder,
};
use nightdesk::model::{DeviceTrends, Effect, Event, Fault, FaultKind, Key, LinkState, Report, Ticket};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

/// 02:14:05 in the night of the sketch.
pub(super) const NOW: &str = "2026-11-13T02:14:05Z";

pub(super) struct Desk {
    pub(super) app: App,
    pub(super) now: Timestamp,
    terminal: Terminal<TestBackend>,
    pub(super) effects: Vec<Effect>,
    next_row: i64,
}

pub(super) fn now() -> Timestamp {
    NOW.parse().unwrap()
}

pub(super) fn setup() -> Setup {
    Setup {
        operator: "operator1".into(),
        profile: "bedford".into(),
        site: "BEDFORD".into(),
        theme: Theme::built_in("mono", Depth::None),
        root_causes: nightdesk::config::Console::default().root_causes,
        ..Setup::default()
    }
}

impl Desk {
    pub(super) fn new(width: u16, height: u16) -> Self {
        Self::with(setup(), width, height)
    }

    pub(super) fn with(setup: Setup, width: u16, height: u16) -> Self {
        let mut desk = Self {
            app: App::new(setup),
            now: now(),
            terminal: Terminal::new(TestBackend::new(width, height)).unwrap(),
            effects: Vec::new(),
            next_row: 1,
        };
        desk.send(Event::Resize(width, height));
        desk.draw();
        desk
    }

    /// A desk in the middle of the night: live alerts, devices, readings, links.
    pub(super) fn night(width: u16, height: u16) -> Self {
        Self::night_with(setup(), width, height)
    }

    pub(super) fn night_with(setup: Setup, width: u16, height: u16) -> Self {
        let mut desk = Self::with(setup, width, height);
        desk.links();
        desk.report_devices(devices());
        desk.report(Report::ResolvedSince(desk.now - SignedDuration::from_hours(12)));
        desk.report_alerts(alerts());
        desk.report_trends();
        desk.draw();
        desk.send(Event::Tick); // what came into view is asked for
        desk.draw();
        desk.effects.clear();
        desk
    }

    pub(super) fn send(&mut self, event: Event) {
        let effects = self.app.update(self.now, event);
        self.effects.extend(effects);
    }

    pub(super) fn report(&mut self, report: Report) {
        self.send(Event::Report(report));
    }

    pub(super) fn report_alerts(&mut self, alerts: Vec<Alert>) {
        self.report(Report::Alerts {
            result: Ok(Listing::whole(alerts, self.now)),
            cached: false,
        });
    }

    pub(super) fn report_devices(&mut self, devices: Vec<Device>) {
        self.report(Report::Devices {
            result: Ok(Listing::whole(devices, self.now)),
            cached: false,
        });
    }

    pub(super) fn links(&mut self) {
        for (service, millis) in [(Service::Monitor, 40), (Service::Manage, 60)] {
            self.report(Report::Link {
                service,
                state: LinkState::Live { millis },
            });
        }
    }

    pub(super) fn down(&mut self, service: Service, message: &str) {
        let state = LinkState::Down {
            since: self.now,
            fault: fault(message),
        };
        self.report(Report::Link { service, state });
    }

    pub(super) fn report_trends(&mut self) {
        let window = (self.now - SignedDuration::from_mins(60), self.now);
        self.report(Report::Trends {
            result: Ok(trends(self.now)),
            window,
        });
    }

    /// Presses keys and answers the lines that the linear mode adds, each key's after the other.
    pub(super) fn tells(&mut self, keys: &str) -> Vec<String> {
        let mut lines = Vec::new();
        for key in keys.split_whitespace() {
            self.key(key);
            lines.extend(self.app.announce().lines);
        }
        lines
    }

    /// Presses keys, written as people write them, with a frame after each as the terminal draws it.
    pub(super) fn keys(&mut self, keys: &str) {
        for key in keys.split_whitespace() {
            self.key(key);
            self.draw();
        }
        self.rest();
    }

    /// The cursor rests, until the panes beside it have followed.
    pub(super) fn rest(&mut self) {
        if let Some(at) = self.app.wakes_at() {
            self.now = at;
            self.send(Event::Tick);
            self.draw();
        }
    }

    /// One key, without a frame.
    pub(super) fn key(&mut self, key: &str) {
        let key: Key = key.parse().unwrap();
        self.send(Event::Key(key));
    }

    /// Types text, a frame after each character.
    pub(super) fn types(&mut self, text: &str) {
        for char in text.chars() {
            self.send(Event::Key(Key::char(char)));
            self.draw();
        }
    }

    /// Time passes, and nothing is drawn.
    pub(super) fn wait_unseen(&mut self, seconds: i64) {
        for _ in 0..seconds {
            self.now += SignedDuration::from_secs(1);
            self.send(Event::Tick);
        }
    }

    /// The outbox commits, and nothing is drawn.
    pub(super) fn commit_unseen(&mut self) -> Vec<OutboxRow> {
        let submissions = self.submitted();
        self.effects.retain(|effect| !matches!(effect, Effect::Submit { .. }));
        let mut rows = Vec::new();
        for (ticket, intent) in submissions {
            let row = self.row(intent, std::time::Duration::from_secs(3));
            rows.push(row.clone());
            self.send(Event::Submitted { ticket, result: Ok(row) });
        }
        rows
    }

    /// A row changes its state, and nothing is drawn.
    pub(super) fn becomes_unseen(&mut self, row: &OutboxRow, state: IntentState) {
        let mut row = row.clone();
        row.state = state;
        row.updated_at = self.now;
        row.attempts = 1;
        self.send(Event::Outbox(row));
    }

    pub(super) fn wait(&mut self, seconds: i64) {
        for _ in 0..seconds {
            self.now += SignedDuration::from_secs(1);
            self.send(Event::Tick);
        }
        self.draw();
    }

    pub(super) fn draw(&mut self) {
        let app = &mut self.app;
        self.terminal.draw(|frame| app.render(frame)).unwrap();
    }

    pub(super) fn resize(&mut self, width: u16, height: u16) {
        self.terminal.backend_mut().resize(width, height);
        self.terminal.autoresize().unwrap();
        self.send(Event::Resize(width, height));
        self.draw();
    }

    fn buffer(&self) -> &Buffer {
        self.terminal.backend().buffer()
    }

    /// The screen as text.
    pub(super) fn screen(&self) -> String {
        let buffer = self.buffer();
        let mut text = String::new();
        for y in 0..buffer.area.height {
            let mut line = String::new();
            let mut x = 0;
            while x < buffer.area.width {
                let symbol = buffer[(x, y)].symbol();
                line.push_str(symbol);
                x += u16::try_from(unicode_width::UnicodeWidthStr::width(symbol).max(1)).unwrap();
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    /// Columns and rows.
    pub(super) fn size(&self) -> (u16, u16) {
        (self.buffer().area.width, self.buffer().area.height)
    }

    /// The cells of each line, those behind a wide one left out.
    pub(super) fn buffer_lines(&self) -> Vec<Vec<String>> {
        let buffer = self.buffer();
        let line = |y| {
            let mut cells = Vec::new();
            let mut x = 0;
            while x < buffer.area.width {
                let symbol = buffer[(x, y)].symbol().to_owned();
                x += u16::try_from(unicode_width::UnicodeWidthStr::width(&*symbol).max(1)).unwrap();
                cells.push(symbol);
            }
            cells
        };
        (0..buffer.area.height).map(line).collect()
    }

    pub(super) fn line(&self, index: usize) -> String {
        self.screen().lines().nth(index).unwrap_or_default().to_owned()
    }

    pub(super) fn last_line(&self) -> String {
        self.screen().lines().last().unwrap_or_default().to_owned()
    }

    /// Which styles stand where: a line of runs for each line of the screen, then what the letters mean.
    pub(super) fn colours(&self) -> String {
        let buffer = self.buffer();
        let mut known: Vec<(Color, Color, Modifier)> = Vec::new();
        let mut text = String::new();
        for y in 0..buffer.area.height {
            let mut runs: Vec<(u16, u16, usize)> = Vec::new();
            for x in 0..buffer.area.width {
                let cell = &buffer[(x, y)];
                if cell.symbol() == " " && !cell.modifier.contains(Modifier::REVERSED) && cell.bg == Color::Reset {
                    continue;
                }
                let style = (cell.fg, cell.bg, cell.modifier);
                let at = known.iter().position(|has| *has == style).unwrap_or_else(|| {
                    known.push(style);
                    known.len() - 1
                });
                match runs.last_mut() {
                    Some((_, end, last)) if *last == at && *end + 2 >= x => *end = x,
                    _ => runs.push((x, x, at)),
                }
            }
            let runs: Vec<String> = runs.iter().map(|(from, to, at)| format!("{from}-{to}{}", letter(*at))).collect();
            writeln!(text, "{y:>2}: {}", runs.join(" ")).unwrap();
        }
        for (at, (fg, bg, modifier)) in known.iter().enumerate() {
            writeln!(text, "{} = {fg:?} on {bg:?} {modifier:?}", letter(at)).unwrap();
        }
        text
    }

    // What came out

    pub(super) fn submitted(&self) -> Vec<(Ticket, Intent)> {
        self.effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Submit { ticket, intent, .. } => Some((*ticket, intent.clone())),
                _ => None,
            })
            .collect()
    }

    /// The alerts of all submissions so far, in order.
    pub(super) fn submitted_alerts(&self) -> Vec<String> {
        let mut ids = Vec::new();
        for (_, intent) in self.submitted() {
            ids.push(intent.alert().unwrap().raw().to_owned());
        }
        ids
    }

    // What the outbox does

    /// The outbox commits everything that was submitted and not yet answered. Answers the rows.
    pub(super) fn commit(&mut self) -> Vec<OutboxRow> {
        let submissions: Vec<(Ticket, Intent, std::time::Duration)> = self
            .effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Submit { ticket, intent, grace } => Some((*ticket, intent.clone(), *grace)),
                Effect::Replace { ticket, intent, .. } => Some((*ticket, intent.clone(), std::time::Duration::ZERO)),
                _ => None,
            })
            .collect();
        self.effects
            .retain(|effect| !matches!(effect, Effect::Submit { .. } | Effect::Replace { .. }));
        let mut rows = Vec::new();
        for (ticket, intent, grace) in submissions {
            let row = self.row(intent, grace);
            rows.push(row.clone());
            self.send(Event::Submitted { ticket, result: Ok(row) });
        }
        self.draw();
        rows
    }

    pub(super) fn row(&mut self, intent: Intent, grace: std::time::Duration) -> OutboxRow {
        self.next_row += 1;
        OutboxRow {
            id: OutboxId(self.next_row),
            target: Target {
                service: intent.service(),
                profile: "bedford".into(),
                origin: "https://monitor.example".into(),
            },
            intent,
            state: IntentState::Queued,
            attempts: 0,
            created_at: self.now,
            updated_at: self.now,
            not_before: self.now + SignedDuration::try_from(grace).unwrap(),
            detail: None,
            superseded_by: None,
            wonum: None,
        }
    }

    /// A row changes its state, as the sender tells it.
    pub(super) fn becomes(&mut self, row: &OutboxRow, state: IntentState, change: impl FnOnce(&mut OutboxRow)) -> OutboxRow {
        let mut row = row.clone();
        row.state = state;
        row.updated_at = self.now;
        if !matches!(state, IntentState::Queued | IntentState::Cancelled) {
            row.attempts = row.attempts.max(1);
        }
        change(&mut row);
        self.send(Event::Outbox(row.clone()));
        self.draw();
        row
    }

    pub(super) fn cursor(&self) -> Option<String> {
        let screen = self.screen();
        let line = screen.lines().find(|line| line.contains('▌'))?;
        Some(line.to_owned())
    }
}

fn letter(index: usize) -> char {
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
        .chars()
        .nth(index)
        .unwrap_or('?')
}

pub(super) fn fault(message: &str) -> Fault {
    Fault {
        kind: FaultKind::Unreachable,
        message: message.into(),
    }
}

pub(super) fn ago(minutes: i64) -> Timestamp {
    now() - SignedDuration::from_mins(minutes)
}

pub(super) fn alert(id: &str, device: (&str, &str), name: &str, severity: &str, minutes: i64) -> Alert {
    Alert {
        device_type: Some(device.0.into()),
        ..Alert::raised(
            AlertId::new(id),
            name.into(),
            device.1.into(),
            Severity::parse(severity),
            ago(minutes),
        )
    }
}

pub(super) fn acknowledged(mut alert: Alert, by: &str, minutes: i64, note: Option<&str>) -> Alert {
    alert.state = AlertState::Acknowledged;
    alert.acknowledged_by = Some(by.into());
    alert.acknowledged_at = Some(ago(minutes));
    alert.notes = note.map(Into::into);
    alert
}

fn measured(mut alert: Alert, metric: &str, value: f64, threshold: f64, message: &str) -> Alert {
    alert.metric = Some(metric.into());
    alert.value = Some(MetricValue::Number(value));
    alert.threshold = Some(threshold);
    alert.message = Some(message.into());
    alert
}

/// The queue of the sketch and some more.
pub(super) fn alerts() -> Vec<Alert> {
    let pump = ("PumpStation", "PUMP-017");
    let mut past = acknowledged(
        alert("a-900", pump, "Bearing temperature high", "high", 60 * 9),
        "operator2",
        530,
        None,
    );
    past.state = AlertState::Resolved;
    past.resolved_by = Some("operator2".into());
    past.resolved_at = Some(ago(500));
    past.resolution = Some("Bearing relubricated, temperature back to normal".into());
    past.root_cause = Some("LUBE: Lubrication missing or wrong".into());
    vec![
        measured(
            alert("a-1001", pump, "Bearing temperature high", "critical", 1),
            "bearing_temp",
            98.4,
            90.0,
            "Bearing temperature of PUMP-017 is 98.4 °C and rising, limit 90 °C. Check lubrication and coupling alignment.",
        ),
        acknowledged(
            measured(
                alert("a-1002", ("Compressor", "COMP-003"), "Discharge pressure low", "high", 4),
                "discharge_pressure",
                2.1,
                3.5,
                "Discharge pressure fell below 3.5 bar.",
            ),
            "operator2",
            2,
            Some("valve team is on the way"),
        ),
        alert("a-1003", ("TemperatureSensor", "TEMP-041"), "Reading missing", "high", 9),
        acknowledged(
            measured(
                alert("a-1004", ("ProductionLine", "LINE-2"), "Scrap rate high", "medium", 22),
                "scrap_rate",
                4.1,
                3.0,
                "Scrap rate above 3 %.",
            ),
            "operator1",
            20,
            Some("watching [WO 1043]"),
        ),
        measured(
            alert("a-1005", ("Chiller", "CHIL-002"), "Supply temperature high", "medium", 48),
            "supply_temp",
            9.8,
            8.0,
            "Supply temperature above 8 °C.",
        ),
        alert("a-1006", ("TemperatureSensor", "TEMP-007"), "Battery low", "low", 60 * 26),
        alert("a-1007", pump, "Vibration above warning level", "low", 35),
        past,
    ]
}

pub(super) fn device(kind: &str, id: &str, location: &str, online: bool, seen_minutes: i64) -> Device {
    let mut metadata = serde_json::Map::new();
    metadata.insert("criticality".into(), "A".into());
    Device {
        id: id.into(),
        device_type: kind.into(),
        status: if online { DeviceStatus::Online } else { DeviceStatus::Offline },
        last_event_time: Some(ago(seen_minutes)),
        location: Some(location.into()),
        device_info: serde_json::Map::new(),
        metadata,
    }
}

pub(super) fn devices() -> Vec<Device> {
    let mut devices = vec![
        device("PumpStation", "PUMP-017", "Building A", true, 0),
        device("Compressor", "COMP-003", "Building B", true, 0),
        device("TemperatureSensor", "TEMP-041", "Cold store", false, 11),
        device("ProductionLine", "LINE-2", "Hall 2", true, 1),
        device("Chiller", "CHIL-002", "Roof", true, 0),
        device("TemperatureSensor", "TEMP-007", "Building A", true, 2),
    ];
    for number in 1..=24 {
        devices.push(device(
            "PumpStation",
            &format!("PUMP-1{number:02}"),
            "Building C",
            number % 9 != 0,
            0,
        ));
    }
    devices
}

pub(super) fn trends(now: Timestamp) -> Vec<DeviceTrends> {
    let series = |shape: &dyn Fn(f64) -> f64| Series {
        points: (0..60)
            .map(|minute| (now - SignedDuration::from_mins(59 - minute), shape(minute as f64 / 59.0)))
            .collect(),
    };
    let mut all = Vec::new();
    let mut pump = BTreeMap::new();
    pump.insert(
        SafeText::from("bearing_temp"),
        series(&|share| 72.0 + 26.4 * share.powi(3) + (share * 40.0).sin()),
    );
    pump.insert(SafeText::from("current"), series(&|share| 41.0 + (share * 12.0).sin()));
    pump.insert(SafeText::from("flow"), series(&|share| 118.0 - 9.0 * share));
    pump.insert(SafeText::from("vibration"), series(&|share| 2.1 + 2.0 * share * share));
    all.push(DeviceTrends {
        device: DeviceKey::new("PumpStation", "PUMP-017"),
        series: pump,
    });
    for (kind, id, metric, base) in [
        ("Compressor", "COMP-003", "discharge_pressure", 2.4),
        ("Chiller", "CHIL-002", "supply_temp", 9.0),
        ("ProductionLine", "LINE-2", "scrap_rate", 3.6),
        ("PumpStation", "PUMP-101", "bearing_temp", 61.0),
    ] {
        let mut one = BTreeMap::new();
        one.insert(SafeText::from(metric), series(&|share| base + (share * 9.0).sin() * base / 12.0));
        all.push(DeviceTrends {
            device: DeviceKey::new(kind, id),
            series: one,
        });
    }
    all
}

pub(super) fn order(number: &str, status: &str, description: &str) -> WorkOrder {
    WorkOrder {
        wonum: number.into(),
        siteid: Some("BEDFORD".into()),
        status: status.into(),
        status_maxvalue: None,
        description: description.into(),
        assetnum: Some("PUMP-017".into()),
        wopriority: Some(2),
        lead: None,
        externalrefid: None,
        reportdate: None,
    }
}
