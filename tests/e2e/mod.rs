//! The real binary in a pseudo-terminal, end to end.

mod bridge;
mod ending;
mod hostile;
mod night;
mod outage;
mod pictures;
mod reach;
mod secrets;
mod signals;
mod site;
mod terminal;
