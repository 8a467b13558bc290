//! The real binary in a pseudo-terminal, end to end.

mod ending;
mod night;
mod pictures;
mod reach;
mod terminal;
