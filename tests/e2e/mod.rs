//! The real binary in a pseudo-terminal, end to end.

mod bridge;
mod ending;
mod night;
mod terminal;
