//! What one sender has charge of: a profile's rows for Maximo, or its rows for what only a bridge delivers to.
//!
//! A console has no ERP and no webhook. Were both one charge, a bridge of the same account would have to wait with its messages until
//! the last console is closed.

use crate::domain::{Service, Target};

/// Has one sender at a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Charge {
    /// Whose rows.
    pub(super) profile: String,
    /// Those for ERP and webhooks.
    pub(super) beyond_maximo: bool,
}

impl Charge {
    /// The charge that a target belongs to.
    pub(super) fn of(target: &Target) -> Self {
        Self {
            profile: target.profile.clone(),
            beyond_maximo: !Service::MAXIMO.contains(&target.service),
        }
    }

    /// Its name for lock and epoch; no profile's name holds a line break.
    pub(super) fn name(&self) -> String {
        format!("{}{}", self.profile, if self.beyond_maximo { "\nbeyond Maximo" } else { "" })
    }

    /// Its name for the audit.
    pub(super) fn shown(&self) -> String {
        format!("{}{}", self.profile, if self.beyond_maximo { " (ERP, webhooks)" } else { "" })
    }
}
