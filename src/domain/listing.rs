//! A list as far as it could be read.

use jiff::Timestamp;

use super::SafeText;

/// What a paged query brought, and what is wrong with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Listing<T> {
    /// The records that fit the contract, each identity once.
    pub items: Vec<T>,
    /// Records that did not fit and were left out.
    pub skipped: usize,
    /// The first few reasons for leaving records out, in one sentence each.
    pub problems: Vec<SafeText>,
    /// False where the list went on shifting while it was read and may lack rows.
    pub complete: bool,
    /// When the reading began, by our clock.
    pub as_of: Timestamp,
}

impl<T> Listing<T> {
    /// A complete list without problems.
    pub fn whole(items: Vec<T>, as_of: Timestamp) -> Self {
        Self {
            items,
            skipped: 0,
            problems: Vec::new(),
            complete: true,
            as_of,
        }
    }
}
