//! Tests of the outbox room. The rows of the fault matrix are named `row_NN_...`; `tests/faults/mod.rs` has the table.

mod audit;
mod child;
mod clock;
mod damage;
#[cfg(target_os = "linux")]
mod disk;
mod doubt;
mod journal;
#[cfg(debug_assertions)] // the points at which a process kills itself are in debug builds only
mod kill;
mod model;
mod people;
mod place;
mod profiles;
#[cfg(debug_assertions)]
mod rivals;
mod sender;
mod support;
