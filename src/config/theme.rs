//! Colours by meaning.

use ratatui::style::Style;

/// What a piece of the screen means; a theme gives each meaning a style. The TOML key is in the comment.
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

/// A style for each role.
#[derive(Clone, Debug)]
pub struct Theme {
    /// Its name.
    pub name: String,
    styles: Vec<(Role, Style)>,
}

impl Theme {
    /// The style of a meaning.
    pub fn style(&self, role: Role) -> Style {
        self.styles
            .iter()
            .find(|(has, _)| *has == role)
            .map(|(_, style)| *style)
            .unwrap_or_default()
    }
}

impl Default for Theme {
    /// No colour: the cursor's row is reversed.
    fn default() -> Self {
        Self {
            name: "plain".into(),
            styles: vec![(Role::Selection, Style::new().add_modifier(ratatui::style::Modifier::REVERSED))],
        }
    }
}
