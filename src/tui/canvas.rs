//! Where the core draws: a picture in memory, handed to the output thread.

use std::convert::Infallible;

use ratatui::backend::{Backend, ClearType, WindowSize};
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::{Position, Size};
use ratatui::{Frame, Terminal};

use crate::app::Hyperlink;

/// One whole picture.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Picture {
    pub(super) buffer: Buffer,
    /// Where the cursor stands; `None` hides it.
    pub(super) cursor: Option<Position>,
    /// Cells that lead somewhere.
    pub(super) links: Vec<Hyperlink>,
}

/// Makes pictures of the terminal's size.
pub(super) struct Canvas {
    terminal: Terminal<Memory>,
}

impl Canvas {
    pub(super) fn new(size: Size) -> Self {
        let memory = Memory { size, cursor: None };
        let Ok(terminal) = Terminal::new(memory);
        Self { terminal }
    }

    pub(super) fn resize(&mut self, size: Size) {
        self.terminal.backend_mut().size = size;
    }

    pub(super) fn size(&self) -> Size {
        self.terminal.backend().size
    }

    pub(super) fn draw(&mut self, render: impl FnOnce(&mut Frame<'_>)) -> Picture {
        let Ok(done) = self.terminal.draw(render);
        let buffer = done.buffer.clone();
        Picture {
            buffer,
            cursor: self.terminal.backend().cursor,
            links: Vec::new(),
        }
    }
}

/// A backend that keeps the cursor and nothing else: the difference to the screen is worked out where it is written.
struct Memory {
    size: Size,
    cursor: Option<Position>,
}

impl Backend for Memory {
    type Error = Infallible;

    fn draw<'a, I: Iterator<Item = (u16, u16, &'a Cell)>>(&mut self, _: I) -> Result<(), Infallible> {
        Ok(())
    }

    fn hide_cursor(&mut self) -> Result<(), Infallible> {
        self.cursor = None;
        Ok(())
    }

    fn show_cursor(&mut self) -> Result<(), Infallible> {
        Ok(())
    }

    fn get_cursor_position(&mut self) -> Result<Position, Infallible> {
        Ok(self.cursor.unwrap_or_default())
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> Result<(), Infallible> {
        self.cursor = Some(position.into());
        Ok(())
    }

    fn clear(&mut self) -> Result<(), Infallible> {
        Ok(())
    }

    fn clear_region(&mut self, _: ClearType) -> Result<(), Infallible> {
        Ok(())
    }

    fn size(&self) -> Result<Size, Infallible> {
        Ok(self.size)
    }

    fn window_size(&mut self) -> Result<WindowSize, Infallible> {
        Ok(WindowSize {
            columns_rows: self.size,
            pixels: Size::default(),
        })
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}
