//! The real binary in a pseudo-terminal, end to end.

mod ending;
mod night;
mod reach;
mod terminal;
