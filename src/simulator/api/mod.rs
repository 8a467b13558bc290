//! The wire: routes, credentials, the order in which a call meets faults, handler and answer.

mod answer;
mod call;
mod manage;
mod monitor;
mod office;
mod operation;
mod readings;
mod token;

pub(crate) use answer::Answer;
pub(crate) use call::{Keys, Log, Shared, lock, router};
pub use call::{RequestRecord, Traffic};
pub use operation::Operation;
pub(crate) use token::Tokens;
