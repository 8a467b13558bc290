//! What the person does, from a thread of its own: the parser may block, and at the end of a terminal it may spin.

use std::thread;
use std::time::{Duration, Instant};

use crossterm::event::{Event as Terminal, KeyEventKind, MouseButton, MouseEvent, MouseEventKind};
use tokio::sync::mpsc;

use crate::model::{Event, Key, Pointer};

use super::fragments::{Fragments, HOLD};

/// Events that may wait for the loop; then the terminal waits.
const WAITING_MAX: usize = 1_024;
/// Longest paste in bytes; the rest is cut.
const PASTE_MAX_BYTES: usize = 64 * 1024;

/// Starts reading, the mouse where it is wanted. The channel ends when the terminal does.
pub(super) fn start(mouse: bool) -> std::io::Result<mpsc::Receiver<Event>> {
    let (events, receiver) = mpsc::channel(WAITING_MAX);
    thread::Builder::new().name("input".into()).spawn(move || {
        let mut fragments = Fragments::default();
        loop {
            let wait = if fragments.is_holding() { HOLD } else { Duration::from_hours(1) };
            let read = match crossterm::event::poll(wait) {
                Ok(true) => crossterm::event::read().map(Some),
                Ok(false) => Ok(None),
                Err(error) => Err(error),
            };
            let now = Instant::now();
            let made = match read {
                Ok(Some(event)) => translate(event, &mut fragments, now, mouse),
                Ok(None) => fragments.flush(now).map(Event::Key).into_iter().collect(),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(_) => return,
            };
            for event in made {
                if events.blocking_send(event).is_err() {
                    return;
                }
            }
        }
    })?;
    Ok(receiver)
}

/// The console's event for the terminal's: key presses and repeats, pastes, sizes, focus; clicks of the first button and the
/// wheel where the mouse is wanted. What else comes of it is left out.
fn translate(event: Terminal, fragments: &mut Fragments, now: Instant, mouse: bool) -> Vec<Event> {
    match event {
        Terminal::Key(key) if key.kind == KeyEventKind::Release => Vec::new(),
        Terminal::Key(key) => fragments.push(Key::from(key), now).into_iter().map(Event::Key).collect(),
        Terminal::Paste(text) => vec![Event::Paste(pasted(&text))],
        Terminal::Resize(columns, rows) => vec![Event::Resize(columns, rows)],
        Terminal::FocusGained => vec![Event::Focus(true)],
        Terminal::FocusLost => vec![Event::Focus(false)],
        Terminal::Mouse(event) if mouse => pointer(event).map(Event::Pointer).into_iter().collect(),
        Terminal::Mouse(_) => Vec::new(),
    }
}

fn pointer(event: MouseEvent) -> Option<Pointer> {
    let (x, y) = (event.column, event.row);
    match event.kind {
        MouseEventKind::Down(MouseButton::Left) => Some(Pointer::Click { x, y }),
        MouseEventKind::ScrollDown => Some(Pointer::Wheel { x, y, down: true }),
        MouseEventKind::ScrollUp => Some(Pointer::Wheel { x, y, down: false }),
        _ => None,
    }
}

/// One kind of line end, no control characters, a bounded length.
fn pasted(text: &str) -> String {
    let lines = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut out = String::new();
    for char in lines.chars().filter(|char| !char.is_control() || matches!(char, '\n' | '\t')) {
        if out.len() + char.len_utf8() > PASTE_MAX_BYTES {
            break;
        }
        out.push(char);
    }
    out
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyEvent, KeyEventState, KeyModifiers};

    use super::*;

    #[test]
    fn releases_and_the_mouse_are_no_events() {
        let mut fragments = Fragments::default();
        let now = Instant::now();
        let key = |kind| {
            Terminal::Key(KeyEvent {
                code: KeyCode::Char('A'),
                modifiers: KeyModifiers::SHIFT,
                kind,
                state: KeyEventState::NONE,
            })
        };
        assert_eq!(
            translate(key(KeyEventKind::Press), &mut fragments, now, false),
            [Event::Key(Key::char('A'))]
        );
        assert_eq!(
            translate(key(KeyEventKind::Repeat), &mut fragments, now, false),
            [Event::Key(Key::char('A'))]
        );
        assert!(translate(key(KeyEventKind::Release), &mut fragments, now, false).is_empty());
        let mouse = |kind| {
            Terminal::Mouse(MouseEvent {
                kind,
                column: 1,
                row: 2,
                modifiers: KeyModifiers::NONE,
            })
        };
        let down = MouseEventKind::Down(MouseButton::Left);
        for kind in [MouseEventKind::Moved, down, MouseEventKind::ScrollUp] {
            assert!(translate(mouse(kind), &mut fragments, now, false).is_empty());
        }
        for (kind, pointer) in [
            (MouseEventKind::Moved, None),
            (MouseEventKind::Down(MouseButton::Right), None),
            (down, Some(Pointer::Click { x: 1, y: 2 })),
            (MouseEventKind::ScrollUp, Some(Pointer::Wheel { x: 1, y: 2, down: false })),
        ] {
            let events: Vec<Event> = pointer.map(Event::Pointer).into_iter().collect();
            assert_eq!(translate(mouse(kind), &mut fragments, now, true), events);
        }
    }

    #[test]
    fn a_paste_is_text_and_no_more() {
        assert_eq!(pasted("one\r\ntwo\rthree\u{1b}[31m\u{7}\tend"), "one\ntwo\nthree[31m\tend");
        assert!(pasted(&"ü".repeat(PASTE_MAX_BYTES)).len() <= PASTE_MAX_BYTES);
    }
}
