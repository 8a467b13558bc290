//! Outbound webhooks: the JSON definition as it stands in `contract/webhooks.md`, and what is sent by it.
//!
//! A message is an intent in the outbox, with its payload as it will be sent and an id that follows from webhook and alert, the
//! same at every bridge and on every try. The schedule of its tries (`retry`) is the row's own wait, which survives restarts; when
//! they are used up the row is parked: that is the dead letter, which `nightdesk webhooks replay` sends again.

mod definition;
mod disabled;
mod place;
mod receiver;
mod send;
mod sign;
mod template;

pub use definition::{Definition, LookUp, Retry, Signing, TEMPLATES, Trigger, load, read};
pub use disabled::{Disabled, Disablement};
pub use send::Hooks;
pub use sign::standard_signature;
pub use template::{FIELDS, urgency};
