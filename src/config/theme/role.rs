//! What a piece of the screen means.

/// A meaning; a theme gives each one a style. The TOML key is in the comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// `text`: plain text and the screen's background
    Text,
    /// `muted`: secondary text, units, hints
    Muted,
    /// `title`: pane titles, column heads
    Title,
    /// `border`
    Border,
    /// `border.focused`
    BorderFocused,
    /// `selection`: the row under the cursor
    Selection,
    /// `mark`: a marked row's sign
    Mark,
    /// `severity.critical`
    SeverityCritical,
    /// `severity.high`
    SeverityHigh,
    /// `severity.medium`
    SeverityMedium,
    /// `severity.low`
    SeverityLow,
    /// `severity.other`
    SeverityOther,
    /// `state.new`
    StateNew,
    /// `state.acknowledged`
    StateAcknowledged,
    /// `state.resolved`
    StateResolved,
    /// `state.pending`: queued, sending, undo still possible
    StatePending,
    /// `state.doubt`: being verified
    StateDoubt,
    /// `state.refused`: parked, failed
    StateRefused,
    /// `device.online`
    DeviceOnline,
    /// `device.offline`
    DeviceOffline,
    /// `link.live`
    LinkLive,
    /// `link.down`: NO DATA, unreachable
    LinkDown,
    /// `stale`: data past its interval
    Stale,
    /// `chart.line`
    ChartLine,
    /// `chart.limit`
    ChartLimit,
    /// `chart.trigger`
    ChartTrigger,
    /// `key`: a key's name in hints
    Key,
    /// `input`: a text field
    Input,
    /// `input.focused`
    InputFocused,
    /// `error`
    Error,
    /// `warning`
    Warning,
    /// `success`
    Success,
    /// `match`: what a filter matched
    Match,
    /// `overlay`: a form's or window's background
    Overlay,
    /// `flood`
    Flood,
}

impl Role {
    /// How many there are.
    pub const COUNT: usize = 35;

    /// Each with its TOML key, in the order of declaration.
    pub const ALL: [(Self, &'static str); Self::COUNT] = [
        (Self::Text, "text"),
        (Self::Muted, "muted"),
        (Self::Title, "title"),
        (Self::Border, "border"),
        (Self::BorderFocused, "border.focused"),
        (Self::Selection, "selection"),
        (Self::Mark, "mark"),
        (Self::SeverityCritical, "severity.critical"),
        (Self::SeverityHigh, "severity.high"),
        (Self::SeverityMedium, "severity.medium"),
        (Self::SeverityLow, "severity.low"),
        (Self::SeverityOther, "severity.other"),
        (Self::StateNew, "state.new"),
        (Self::StateAcknowledged, "state.acknowledged"),
        (Self::StateResolved, "state.resolved"),
        (Self::StatePending, "state.pending"),
        (Self::StateDoubt, "state.doubt"),
        (Self::StateRefused, "state.refused"),
        (Self::DeviceOnline, "device.online"),
        (Self::DeviceOffline, "device.offline"),
        (Self::LinkLive, "link.live"),
        (Self::LinkDown, "link.down"),
        (Self::Stale, "stale"),
        (Self::ChartLine, "chart.line"),
        (Self::ChartLimit, "chart.limit"),
        (Self::ChartTrigger, "chart.trigger"),
        (Self::Key, "key"),
        (Self::Input, "input"),
        (Self::InputFocused, "input.focused"),
        (Self::Error, "error"),
        (Self::Warning, "warning"),
        (Self::Success, "success"),
        (Self::Match, "match"),
        (Self::Overlay, "overlay"),
        (Self::Flood, "flood"),
    ];

    /// The TOML key.
    pub fn key(self) -> &'static str {
        Self::ALL.get(self as usize).map_or("", |(_, key)| *key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_declaration() {
        for (index, (role, key)) in Role::ALL.iter().enumerate() {
            assert_eq!(*role as usize, index);
            assert_eq!(role.key(), *key);
        }
    }
}
