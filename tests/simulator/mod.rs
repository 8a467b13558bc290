//! The simulator as a plain client sees it: nothing of the product's own client is used here.

mod faults;
mod manage;
mod monitor;
mod plain;
mod plant;
mod scenarios;
mod server;
