//! Defaults < file < environment < flags; profiles; credentials; keymap; theme.

pub mod theme;
