//! Defaults < file < environment < flags; profiles; credentials; keymap; theme.
//!
//! [`Config::load`] reads one TOML file completely: whatever is wrong with it comes back in one
//! [`ConfigError`], a line each, with the place and what to do.

mod bridge;
mod console;
mod credential;
mod dirs;
mod env;
mod error;
mod key_age;
pub mod keymap;
mod links;
mod load;
mod profile;
mod section;
mod server;
pub mod theme;

pub use bridge::{Assets, Bridge, Erp, ErpMethod, InboundMode, Lake, LakeAuth, LakeLayout, Rule, RuleAction};
pub use console::{Bell, BellRule, Charts, Console, Notify, RootCause, UndoGrace};
pub(crate) use credential::named_secret;
pub use credential::{CredentialError, CredentialSource, keep_commands_quiet};
pub use dirs::Dirs;
pub use env::Env;
pub(crate) use error::nearest;
pub use error::{ConfigError, Problem, ProblemKind};
pub use key_age::{KEY_LIFE_DAYS, KeyAge, key_ages};
pub use links::Links;
pub use load::{Config, Locate, Operator};
pub use profile::{DeviceTypes, Profile, Refresh};
pub use section::parse_duration;
pub use server::{Manage, Monitor, MonitorAuth};

#[cfg(test)]
mod tests;
