//! A core without panes, until the console's own is here.

use jiff::Timestamp;
use ratatui::Frame;
use ratatui::widgets::Paragraph;

use crate::model::{Effect, Event, Key, Report};
use crate::tui::Core;

#[derive(Debug, Default)]
pub(super) struct StandIn {
    lines: Vec<String>,
    dirty: bool,
}

impl Core for StandIn {
    fn update(&mut self, _: Timestamp, event: Event) -> Vec<Effect> {
        self.dirty = true;
        let effects = match &event {
            Event::Key(key) if *key == Key::char('q') => vec![Effect::Quit],
            Event::Key(key) if *key == Key::ctrl('z') => vec![Effect::Suspend],
            _ => vec![],
        };
        self.lines.push(match event {
            Event::Report(Report::Alerts { result, cached }) => format!(
                "alerts {cached} {}",
                result.map_or_else(|fault| fault.message.to_string(), |listing| listing.items.len().to_string())
            ),
            Event::Report(Report::Devices { result, .. }) => format!(
                "devices {}",
                result.map_or_else(|fault| fault.message.to_string(), |listing| listing.items.len().to_string())
            ),
            other => format!("{other:?}").chars().take(100).collect(),
        });
        let extra = self.lines.len().saturating_sub(20);
        self.lines.drain(..extra);
        effects
    }

    fn render(&mut self, frame: &mut Frame<'_>) {
        frame.render_widget(Paragraph::new(self.lines.join("\n")), frame.area());
        self.dirty = false;
    }

    fn needs_draw(&self) -> bool {
        self.dirty
    }

    fn wants_tick(&self) -> bool {
        false
    }
}
