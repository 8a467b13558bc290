//! The only room that touches the terminal.
