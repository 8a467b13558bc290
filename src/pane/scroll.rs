//! Which part of a list is on the screen.

/// A view on a list, by row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scroll {
    /// The first row in view.
    pub(crate) top: usize,
    /// Rows that fit.
    pub(crate) height: usize,
}

impl Scroll {
    /// Moves the view itself over a text of so many lines that has no cursor; the last line stays at the bottom.
    pub(crate) fn turn(&mut self, motion: Motion, lines: usize) {
        let tops = lines.saturating_sub(self.height) + 1;
        self.top = motion.apply(self.top, tops, self.height);
    }

    /// Brings row `at` of `len` into view, moving as little as possible, and leaves no empty room below.
    pub(crate) fn follow(&mut self, at: usize, len: usize) {
        let height = self.height.max(1);
        self.top = self.top.min(len.saturating_sub(height));
        if at < self.top {
            self.top = at;
        } else if at >= self.top + height {
            self.top = at + 1 - height;
        }
    }

    /// The rows in view of a list of `len`.
    pub(crate) fn range(&self, len: usize) -> std::ops::Range<usize> {
        self.top.min(len)..(self.top + self.height).min(len)
    }

    /// `12/150` for the lower border, where not everything is in view.
    pub(crate) fn place(&self, at: Option<usize>, len: usize) -> Option<String> {
        (len > self.height).then(|| at.map_or_else(|| format!("{len}"), |at| format!("{}/{len}", at + 1)))
    }
}

/// A step through a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Motion {
    /// So many rows down (or up, where negative).
    By(isize),
    /// A part of the page: numerator over two, down or up.
    HalfPages(isize),
    /// The first row.
    First,
    /// The last row.
    Last,
}

impl Motion {
    /// Where a step leads from `at` in a list of `len` with `height` rows in view.
    pub(crate) fn apply(self, at: usize, len: usize, height: usize) -> usize {
        let last = len.saturating_sub(1);
        match self {
            Self::First => 0,
            Self::Last => last,
            Self::By(rows) => at.saturating_add_signed(rows).min(last),
            Self::HalfPages(halves) => {
                let rows = isize::try_from((height / 2).max(1)).unwrap_or(1) * halves;
                at.saturating_add_signed(rows).min(last)
            }
        }
    }

    /// The step that an action of the table means.
    pub(crate) fn of(action: crate::model::Action) -> Option<Self> {
        use crate::model::Action;
        match action {
            Action::Down | Action::NextChoice => Some(Self::By(1)),
            Action::Up | Action::PreviousChoice => Some(Self::By(-1)),
            Action::Top => Some(Self::First),
            Action::Bottom => Some(Self::Last),
            Action::HalfDown => Some(Self::HalfPages(1)),
            Action::HalfUp => Some(Self::HalfPages(-1)),
            Action::PageDown => Some(Self::HalfPages(2)),
            Action::PageUp => Some(Self::HalfPages(-2)),
            _ => None,
        }
    }
}
