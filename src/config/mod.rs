//! Defaults < file < environment < flags; profiles; credentials; keymap; theme.

pub mod keymap;
pub mod theme;
