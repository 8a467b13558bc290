//! How one steps through a list of choices, in whichever window it stands.

use super::super::ask::Step;
use crate::model::Action;

/// Takes an action of the table where the cursor is `at` one of `count` choices; `None` where it takes the one there.
pub(super) fn turn(at: &mut usize, count: usize, action: Action) -> Option<Step> {
    match action {
        Action::Submit => return None,
        Action::Leave => return Some(Step::Close),
        Action::NextChoice | Action::NextField => *at = (*at + 1).min(count.saturating_sub(1)),
        Action::PreviousChoice | Action::PreviousField => *at = at.saturating_sub(1),
        _ => {}
    }
    Some(Step::Stay)
}

/// What a letter means that is none of the choices' own.
pub(super) fn letter(char: char) -> Option<Action> {
    match char {
        'j' => Some(Action::NextChoice),
        'k' => Some(Action::PreviousChoice),
        'q' => Some(Action::Leave),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_stays_within_the_choices() {
        let mut at = 0;
        assert_eq!(turn(&mut at, 2, Action::PreviousChoice), Some(Step::Stay));
        assert_eq!(at, 0);
        for _ in 0..3 {
            assert_eq!(turn(&mut at, 2, Action::NextField), Some(Step::Stay));
        }
        assert_eq!(at, 1);
        assert_eq!(turn(&mut at, 2, Action::Submit), None);
        assert_eq!(turn(&mut at, 2, Action::Leave), Some(Step::Close));
        let mut none = 0;
        assert_eq!(turn(&mut none, 0, Action::NextChoice), Some(Step::Stay));
        assert_eq!(none, 0);
    }
}
