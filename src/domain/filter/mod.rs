//! The filter language: what narrows the queue, and the argument of the headless commands.
//!
//! ```text
//! pump pressure          words: loosely in device and alert, as they stand in the message
//! sev>=high              sev:critical,high   sev!=low
//! state:new,ack          dev:PUMP-*   type:PumpStation   loc:"Building A"   metric:vibration   by:operator2
//! age>1h                 age<=30m
//! wo:none   wo:any       wo:1043
//! is:stale               chattering, fleeting, stale, shelved, mine, unack, pending
//! -dev:TEMP-*            not
//! (sev:critical | age>1h) dev:PUMP-*     both sides of a space, either side of a bar
//! ```

mod complete;
mod lex;
mod parse;
mod term;

pub use complete::{Completion, Vocabulary, complete};

use super::{Facts, Trait};
use parse::Node;

/// A parsed filter. The empty one lets everything through.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    text: String,
    root: Node,
}

impl Filter {
    /// Lets everything through.
    pub fn all() -> Self {
        Self {
            text: String::new(),
            root: Node::All(Vec::new()),
        }
    }

    /// Reads the language described at [`self`](crate::domain::filter).
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        Ok(Self {
            text: text.trim().to_owned(),
            root: parse::parse(text)?,
        })
    }

    /// Whether a row passes.
    pub fn matches(&self, facts: &dyn Facts) -> bool {
        self.root.matches(facts)
    }

    /// Whether it asks for this: what nobody asks for need not be fetched.
    pub fn asks(&self, what: Asked) -> bool {
        self.root.asks(what)
    }

    /// As it was typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether everything passes.
    pub fn is_empty(&self) -> bool {
        matches!(&self.root, Node::All(terms) if terms.is_empty())
    }
}

/// What a filter may ask for that an alert does not say of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The location of its device.
    Location,
    /// Its work order.
    Order,
    /// A property of the row.
    Is(Trait),
}

impl Default for Filter {
    fn default() -> Self {
        Self::all()
    }
}

/// What is wrong with a filter, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} (at character {})", at + 1)]
pub struct FilterError {
    /// The character (not byte) at which it went wrong, from 0: the console puts the mark under it.
    pub at: usize,
    /// One sentence with the remedy.
    pub message: String,
}

#[cfg(test)]
mod tests;
