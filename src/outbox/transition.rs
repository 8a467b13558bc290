//! Which state may follow which: checked in every write.

use crate::domain::IntentState;

/// Whether a row may go from one state to the other.
pub(super) fn permits(from: IntentState, to: IntentState) -> bool {
    use IntentState::{Cancelled, Delivered, InDoubt, Parked, Queued, Sending, Superseded};
    match from {
        Queued => matches!(to, Sending | Cancelled | Parked),
        Sending => matches!(to, Queued | Delivered | InDoubt | Superseded | Parked),
        // never back to queued: it is looked up, and only then sent again in the same breath
        InDoubt => matches!(to, Sending | Delivered | Superseded | Parked),
        Parked => matches!(to, Queued | InDoubt | Cancelled),
        Delivered | Superseded | Cancelled => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_exactly_this() {
        use IntentState::{Cancelled, Delivered, InDoubt, Parked, Queued, Sending, Superseded};
        let all = [Queued, Sending, InDoubt, Delivered, Superseded, Parked, Cancelled];
        let allowed = [
            (Queued, Sending),
            (Queued, Cancelled),
            (Queued, Parked),
            (Sending, Queued),
            (Sending, Delivered),
            (Sending, InDoubt),
            (Sending, Superseded),
            (Sending, Parked),
            (InDoubt, Sending),
            (InDoubt, Delivered),
            (InDoubt, Superseded),
            (InDoubt, Parked),
            (Parked, Queued),
            (Parked, InDoubt),
            (Parked, Cancelled),
        ];
        for from in all {
            for to in all {
                assert_eq!(permits(from, to), allowed.contains(&(from, to)), "{from} -> {to}");
            }
        }
    }
}
