//! Tests of the outbox room.

mod audit;
mod damage;
mod journal;
mod kill;
mod model;
mod place;
mod sender;
mod support;
