//! Links, calls, sources, and what was said lately; on a page of its own each of the last calls.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::ask::Step;
use super::super::bar::Notice;
use super::super::cells;
use super::super::scene::{Scene, framed};
use super::super::scroll::{Motion, Scroll};
use super::calls::Calls;
use super::servers;
use crate::config::theme::Role;
use crate::domain::Service;
use crate::model::{Action, BridgeStatus, Key, LinkState, Source};

/// The health window.
#[derive(Debug, Default)]
pub(crate) struct Health {
    scroll: Scroll,
    lines: usize,
    /// The page of the calls is shown.
    on_calls: bool,
    calls: Calls,
}

impl Health {
    /// Takes an action of the table.
    pub(crate) fn act(&mut self, action: Action) -> Step {
        if self.calls.is_typing() {
            match action {
                Action::Submit => self.calls.end_typing(true),
                Action::Leave => self.calls.end_typing(false),
                _ => {}
            }
            return Step::Stay;
        }
        if let Some(motion) = Motion::of(action) {
            if self.on_calls {
                self.calls.turn(motion);
            } else {
                self.scroll.turn(motion, self.lines);
            }
            return Step::Stay;
        }
        match action {
            Action::NextPane | Action::PreviousPane => self.on_calls = !self.on_calls,
            Action::Filter => {
                self.on_calls = true;
                self.calls.type_filter();
            }
            Action::Back if self.on_calls && self.calls.clear() => {}
            Action::Back | Action::Quit | Action::Health => return Step::Close,
            _ => return Step::Pass,
        }
        Step::Stay
    }

    /// Whether plain keys are text.
    pub(crate) fn takes_text(&self) -> bool {
        self.calls.is_typing()
    }

    /// Takes a key that means text.
    pub(crate) fn key(&mut self, key: Key) -> Step {
        if !self.calls.is_typing() {
            return Step::Pass;
        }
        self.calls.key(key);
        Step::Stay
    }

    /// Takes pasted text.
    pub(crate) fn paste(&mut self, text: &str) -> Step {
        if !self.calls.is_typing() {
            return Step::Pass;
        }
        self.calls.paste(text);
        Step::Stay
    }

    pub(crate) fn arrange(&mut self, scene: &Scene<'_>, area: Rect, said: &[(jiff::Timestamp, Notice)]) {
        self.calls.arrange(scene.store.health(), area.height.saturating_sub(2));
        self.scroll.height = usize::from(area.height.saturating_sub(2));
        self.lines = lines(scene, usize::from(area.width.saturating_sub(4)), said).len();
        self.scroll.top = self.scroll.top.min(self.lines.saturating_sub(self.scroll.height));
    }

    pub(crate) fn render(&self, scene: &Scene<'_>, buffer: &mut Buffer, area: Rect, said: &[(jiff::Timestamp, Notice)]) {
        let page = |name: &str, here: bool| {
            let role = if here { Role::Title } else { Role::Muted };
            let text = if here { format!("[{name}]") } else { format!(" {name} ") };
            (text, scene.style(role))
        };
        let titles = [
            ("Health ".to_owned(), scene.style(Role::Title)),
            page("servers", !self.on_calls),
            page("calls", self.on_calls),
        ];
        let inner = framed(scene, buffer, area, true, &titles, &[]);
        let place = if self.on_calls {
            self.calls.place()
        } else {
            self.scroll.place(Some(self.scroll.top), self.lines)
        };
        if let Some(place) = place {
            let x = area.right().saturating_sub(4 + u16::try_from(cells::width(&place)).unwrap_or(0));
            let y = area.bottom().saturating_sub(1);
            cells::write(buffer, area, x, y, &[(format!(" {place} "), scene.style(Role::Muted))]);
        }
        if self.on_calls {
            let inside = Rect {
                x: inner.x + 1,
                width: inner.width.saturating_sub(2),
                ..inner
            };
            self.calls.render(scene, buffer, inside, scene.store.health());
            return;
        }
        let lines = lines(scene, usize::from(inner.width.saturating_sub(2)), said);
        for (y, line) in (inner.y..inner.bottom()).zip(lines.iter().skip(self.scroll.top)) {
            cells::write(buffer, inner, inner.x + 1, y, line);
        }
    }
}

fn lines(scene: &Scene<'_>, width: usize, said: &[(jiff::Timestamp, Notice)]) -> Vec<Vec<(String, Style)>> {
    let text = scene.style(Role::Text);
    let muted = scene.style(Role::Muted);
    let title = scene.style(Role::Title);
    let mut lines: Vec<Vec<(String, Style)>> = vec![vec![("Links".into(), title)]];
    let mut put = |label: &str, words: &str, style: Style| {
        let mut label = cells::left(label, 12, "");
        for line in cells::wrap(words, width.saturating_sub(14).max(8)) {
            lines.push(vec![(format!("  {label}"), muted), (line, style)]);
            label = " ".repeat(12);
        }
    };
    for service in Service::MAXIMO {
        if service == Service::Manage && !scene.setup.manage {
            put("Manage", "not set up: no work orders", muted);
            continue;
        }
        let (state, latency) = scene.store.link(service);
        let (words, role) = match state {
            LinkState::Unknown => ("not asked yet".to_owned(), Role::Muted),
            LinkState::Live { .. } => (format!("live, about {}", latency.shown()), Role::LinkLive),
            LinkState::Down { since, fault } => (
                format!("down since {}: {}", scene.clock(*since), fault.message.shown()),
                Role::LinkDown,
            ),
        };
        put(&service.to_string(), &words, scene.style(role));
    }
    lines.push(Vec::new());
    lines.extend(servers::lines(scene, width));
    lines.push(Vec::new());
    lines.push(vec![("Sources".into(), title)]);
    let mut put = |label: &str, words: &str, style: Style| {
        let mut label = cells::left(label, 12, "");
        for line in cells::wrap(words, width.saturating_sub(14).max(8)) {
            lines.push(vec![(format!("  {label}"), muted), (line, style)]);
            label = " ".repeat(12);
        }
    };
    for (source, name) in [
        (Source::Alerts, "alerts"),
        (Source::Devices, "devices"),
        (Source::Metrics, "readings"),
        (Source::Orders, "work orders"),
    ] {
        let fresh = scene.store.freshness(source);
        let (word, role) = scene.freshness(source);
        let (word, role) = if source == Source::Orders && fresh.as_of.is_none() && fresh.failing.is_none() {
            ("not asked yet".to_owned(), Role::Muted)
        } else {
            (word, role)
        };
        let when = fresh
            .as_of
            .map_or_else(String::new, |at| format!(", newest of {}", scene.clock(at)));
        let every = if fresh.interval.is_zero() {
            String::new()
        } else {
            format!(", every {} s", fresh.interval.as_secs())
        };
        let why = fresh.failing.as_ref().map_or_else(String::new, |(since, fault)| {
            format!("; fails since {}: {}", scene.clock(*since), fault.message.shown())
        });
        put(name, &format!("{word}{when}{every}{why}"), scene.style(role));
    }
    let quality = scene.store.quality();
    if let Some(problem) = &quality.problem {
        put(
            "unreadable",
            &format!("{} alerts left out, the first: {}", quality.skipped, problem.shown()),
            scene.style(Role::Warning),
        );
    }
    if let Some(status) = scene.store.bridge() {
        lines.push(Vec::new());
        lines.push(vec![("Bridge".into(), title)]);
        for (label, words, role) in bridge(scene, status) {
            let mut label = cells::left(&label, 12, scene.glyphs().ellipsis);
            for line in cells::wrap(&words, width.saturating_sub(14).max(8)) {
                lines.push(vec![(format!("  {label}"), muted), (line, scene.style(role))]);
                label = " ".repeat(12);
            }
        }
    }
    lines.push(Vec::new());
    lines.push(vec![("Said lately".into(), title)]);
    if said.is_empty() {
        lines.push(vec![("  nothing".into(), muted)]);
    }
    for (at, notice) in said.iter().rev() {
        let mut label = cells::left(&scene.clock_seconds(*at), 12, scene.glyphs().ellipsis);
        for line in cells::wrap(&notice.text, width.saturating_sub(14).max(8)) {
            let style = if notice.tone == super::super::bar::Tone::Plain {
                text
            } else {
                scene.style(notice.tone.role())
            };
            lines.push(vec![(format!("  {label}"), muted), (line, style)]);
            label = " ".repeat(12);
        }
    }
    lines
}

/// The bridge on this machine: label, words and tone of each line.
fn bridge(scene: &Scene<'_>, status: &BridgeStatus) -> Vec<(String, String, Role)> {
    let at = scene.clock_seconds(status.at);
    let head = if status.ended {
        (format!("ended at {at}, as asked"), Role::Muted)
    } else if status.is_silent(scene.now) {
        (format!("silent since {at}: is it still running?"), Role::LinkDown)
    } else {
        let place = status.address.as_ref().map_or_else(String::new, |address| format!(", {address}"));
        (format!("at work, said at {at}{place}"), Role::LinkLive)
    };
    let mut lines = vec![("state".to_owned(), head.0, head.1)];
    for part in &status.parts {
        let failing = part.last_failure > part.last_success;
        let success = match part.last_success {
            Some(at) => format!(", last success {}", scene.clock(at)),
            None => ", none has succeeded yet".to_owned(),
        };
        let said = part.said.as_ref().map_or_else(String::new, |said| format!(": {}", said.shown()));
        let words = match part.runs {
            0 => "not run yet".to_owned(),
            runs => {
                let plural = if runs == 1 { "run" } else { "runs" };
                format!("{runs} {plural}, {} failed{success}{said}", part.failures)
            }
        };
        lines.push((part.name.clone(), words, if failing { Role::Warning } else { Role::Text }));
    }
    for job in &status.jobs {
        let next = job.next.map_or_else(String::new, |at| format!(", due {}", scene.clock(at)));
        let pending = match job.pending {
            0 => String::new(),
            days => format!(", {days} days to catch up with"),
        };
        lines.push((format!("job {}", job.name), format!("{}{next}{pending}", job.doing), Role::Text));
    }
    lines
}
