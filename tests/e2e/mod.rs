//! The real binary in a pseudo-terminal, end to end.

mod ending;
mod night;
mod outage;
mod signals;
mod site;
mod terminal;
