//! What the loop drives.

use jiff::Timestamp;
use ratatui::Frame;

use crate::app::{Announcement, App, Hyperlink};
use crate::model::{Effect, Event};

/// A console's core: events in, effects out, a picture on demand. No method blocks.
pub trait Core {
    /// Takes one event, which happened at `now`.
    fn update(&mut self, now: Timestamp, event: Event) -> Vec<Effect>;
    /// Draws the whole screen.
    fn render(&mut self, frame: &mut Frame<'_>);
    /// Where addresses stand in the last picture.
    fn hyperlinks(&self) -> Vec<Hyperlink> {
        Vec::new()
    }
    /// What is new, as lines of text: instead of `render` where there is no screen.
    fn announce(&mut self) -> Announcement {
        Announcement::default()
    }
    /// Whether something visible changed since the last drawing.
    fn needs_draw(&self) -> bool;
    /// Whether `Event::Tick` is of use: something counts down or grows old.
    fn wants_tick(&self) -> bool;
    /// When one is wanted before the second is over.
    fn wakes_at(&self) -> Option<Timestamp> {
        None
    }
}

impl Core for App {
    fn update(&mut self, now: Timestamp, event: Event) -> Vec<Effect> {
        Self::update(self, now, event)
    }

    fn render(&mut self, frame: &mut Frame<'_>) {
        Self::render(self, frame);
    }

    fn announce(&mut self) -> Announcement {
        Self::announce(self)
    }

    fn hyperlinks(&self) -> Vec<Hyperlink> {
        Self::hyperlinks(self)
    }

    fn needs_draw(&self) -> bool {
        Self::needs_draw(self)
    }

    fn wants_tick(&self) -> bool {
        Self::wants_tick(self)
    }

    fn wakes_at(&self) -> Option<Timestamp> {
        Self::wakes_at(self)
    }
}
