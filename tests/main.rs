//! All integration tests in one binary, a module a room.

mod command;
mod console;
mod e2e;
mod maximo;
mod outbox;
mod rooms;
mod simulator;
