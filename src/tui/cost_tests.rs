//! What a night costs over SSH: bytes of the real encoder for the real console (`design/console.md`, section Cost over SSH).

use jiff::{SignedDuration, Timestamp};
use ratatui::layout::Size;
use serde_json::json;

use super::canvas::Canvas;
use super::encode::Screen;
use crate::app::{App, Setup};
use crate::config::theme::{Depth, Theme};
use crate::domain::{DeviceKey, Listing, Series};
use crate::model::{DeviceTrends, Event, Key, LinkState, Report};

const START: &str = "2026-11-13T02:14:05Z";

/// A console, the terminal that it is shown on, and the bytes in between.
struct Night {
    app: App,
    now: Timestamp,
    canvas: Canvas,
    screen: Screen,
    terminal: vt100::Parser,
}

impl Night {
    fn new(theme: Theme) -> Self {
        let now: Timestamp = START.parse().unwrap();
        let mut night = Self {
            app: App::new(Setup { theme, ..Setup::default() }),
            now,
            canvas: Canvas::new(Size::new(120, 40)),
            screen: Screen::default(),
            terminal: vt100::Parser::new(40, 120, 0),
        };
        night.send(Event::Resize(120, 40));
        for service in crate::domain::Service::MAXIMO {
            let state = LinkState::Live { millis: 40 };
            night.send(Event::Report(Report::Link { service, state }));
        }
        let devices = (0..12).map(|n| {
            json!({ "deviceId": format!("PUMP-{n:03}"), "deviceType": "PumpStation", "status": "online", "location": "Building A",
                "lastEventTime": "2026-11-13T02:13:50Z" })
        });
        let alerts = (0..12_i32).map(|n| {
            let severity = if n < 4 { "critical" } else { "medium" };
            json!({ "alertId": format!("a-{n}"), "alertName": format!("Bearing temperature high {n}"), "deviceId": format!("PUMP-{n:03}"),
                "deviceType": "PumpStation", "severity": severity, "status": "new", "timestamp": format!("2026-11-13T02:{:02}:00Z", 13 - n),
                "message": format!("Bearing temperature of PUMP-{n:03} is above its limit; check lubrication and coupling."),
                "metric": "bearing_temp", "value": 98.4 - f64::from(n), "threshold": 90.0 })
        });
        night.send(Event::Report(Report::Devices {
            result: Ok(Listing::whole(
                devices.map(|device| serde_json::from_value(device).unwrap()).collect(),
                now,
            )),
            cached: false,
        }));
        night.send(Event::Report(Report::Alerts {
            result: Ok(Listing::whole(
                alerts.map(|alert| serde_json::from_value(alert).unwrap()).collect(),
                now,
            )),
            cached: false,
        }));
        let series = |n: i32| Series {
            points: (0..60_i32)
                .map(|minute| {
                    let wave = (f64::from(minute) / (5.0 + f64::from(n))).sin() * 9.0;
                    (now - SignedDuration::from_mins(60 - i64::from(minute)), 80.0 + f64::from(n) + wave)
                })
                .collect(),
        };
        night.send(Event::Report(Report::Trends {
            result: Ok((0..12)
                .map(|n| DeviceTrends {
                    device: DeviceKey::new("PumpStation", format!("PUMP-{n:03}").as_str()),
                    series: ["bearing_temp", "vibration"].map(|name| (name.into(), series(n))).into(),
                })
                .collect()),
            window: (now - SignedDuration::from_mins(60), now),
        }));
        night.frame();
        night.send(Event::Tick);
        night.frame();
        night
    }

    fn send(&mut self, event: Event) {
        self.app.update(self.now, event);
    }

    /// The bytes of a frame, if one is wanted.
    fn frame(&mut self) -> usize {
        if !self.app.needs_draw() {
            return 0;
        }
        let app = &mut self.app;
        let mut picture = self.canvas.draw(|frame| app.render(frame));
        picture.links = self.app.hyperlinks();
        let bytes = self.screen.advance(picture);
        self.terminal.process(&bytes);
        bytes.len()
    }

    fn press(&mut self, key: char) -> usize {
        self.send(Event::Key(Key::char(key)));
        self.frame()
    }

    /// Time passes until the panes beside the cursor follow.
    fn rest(&mut self) -> usize {
        self.now = self.app.wakes_at().expect("something follows");
        self.send(Event::Tick);
        self.frame()
    }

    /// The title of the chart.
    fn chart_title(&self) -> String {
        self.terminal.screen().rows(78, 42).nth(2).unwrap()
    }
}

#[test]
fn a_cursor_move_is_about_two_hundred_bytes_and_its_chart_comes_when_it_rests() {
    for (name, depth) in [
        ("default", Depth::Indexed),
        ("default", Depth::Ansi),
        ("light", Depth::Indexed),
        ("mono", Depth::None),
    ] {
        let mut night = Night::new(Theme::built_in(name, depth));
        let mut moves = Vec::new();
        for expected in 1..7 {
            let bytes = night.press('j');
            let title = night.chart_title();
            assert!(
                title.contains(&format!("PUMP-{:03}", expected - 1)),
                "it says what it still shows: {title}"
            );
            let rest = night.rest();
            let title = night.chart_title();
            assert!(title.contains(&format!("PUMP-{expected:03}")), "{title}");
            moves.push((bytes, rest));
        }
        for (bytes, rest) in &moves {
            assert!((20..=220).contains(bytes), "{name} {depth:?}: {moves:?}");
            assert!((100..=2_000).contains(rest), "{name} {depth:?}: {moves:?}");
        }
        assert_eq!(night.frame(), 0);
    }
}

#[test]
fn a_held_key_never_waits_for_a_chart_and_an_idle_screen_sends_nothing() {
    let mut night = Night::new(Theme::built_in("default", Depth::Indexed));
    let mut bytes = 0;
    for _ in 0..9 {
        bytes += night.press('j');
        night.now += SignedDuration::from_millis(33);
        night.send(Event::Tick);
        bytes += night.frame();
    }
    assert!(bytes <= 9 * 220, "{bytes}");
    assert!(night.chart_title().contains("PUMP-000"), "{}", night.chart_title());
    night.rest();
    assert!(night.chart_title().contains("PUMP-009"), "{}", night.chart_title());
    assert_eq!(night.app.wakes_at(), None);
    // until the source would fall silent, within the minute
    for _ in 0..8 {
        night.now += SignedDuration::from_secs(1);
        night.send(Event::Tick);
        assert_eq!(night.frame(), 0, "{}", night.now);
    }
}

#[test]
fn what_is_done_is_done_to_the_row_under_the_cursor_and_the_side_follows_at_once() {
    let mut night = Night::new(Theme::built_in("default", Depth::Indexed));
    night.press('j');
    night.press('j');
    let effects = night.app.update(night.now, Event::Key(Key::char('a')));
    let acknowledged = effects.iter().any(|effect| {
        matches!(effect, crate::model::Effect::Submit { intent: crate::domain::Intent::Acknowledge { alert, .. }, .. } if alert.raw() == "a-2")
    });
    assert!(acknowledged, "{effects:?}");
    night.frame();
    assert!(night.chart_title().contains("PUMP-002"), "{}", night.chart_title());
    assert_eq!(night.app.wakes_at(), None);
}
