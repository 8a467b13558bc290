//! The one shared asynchronous worker for everything that the console reads: bounded requests in, bounded reports
//! out. It refreshes by itself, backs off when a server is sick, never has two equal requests under way, and lets
//! what a person asked for pass before what is merely due. Dropping [`Worker`] cancels all of it.

mod backoff;
mod job;
mod mailbox;
mod plan;
mod plant;
mod site;
mod state;
mod task;
#[cfg(test)]
mod tests;

pub use mailbox::Mailbox;
pub use plan::Plan;
pub use plant::{Keep, Plant};
pub use site::Site;
pub use task::{Reports, Worker};
