//! What the console is told once, at its start.

use std::time::Duration;

use jiff::civil::Time;
use jiff::tz::TimeZone;

use crate::config::keymap::Keymap;
use crate::config::theme::Theme;
use crate::domain::WorkOrderDefaults;
use crate::domain::load::FloodLimits;
use crate::model::store::Intervals;

/// How long an action waits so that `z` can take it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Graces {
    /// Acknowledgements and notes.
    pub acknowledge: Duration,
    /// Resolutions.
    pub resolve: Duration,
    /// Work orders.
    pub work_order: Duration,
}

impl Default for Graces {
    fn default() -> Self {
        Self {
            acknowledge: Duration::from_secs(3),
            resolve: Duration::from_secs(5),
            work_order: Duration::from_secs(5),
        }
    }
}

/// A coded root cause of the resolve form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootCause {
    /// The site's code, for example `BEARING`.
    pub code: String,
    /// What people read.
    pub text: String,
}

impl RootCause {
    /// As it is sent and shown: `BEARING: Bearing wear`.
    pub fn whole(&self) -> String {
        if self.text.is_empty() {
            self.code.clone()
        } else {
            format!("{}: {}", self.code, self.text)
        }
    }
}

/// Everything that the console needs to know besides events. Fill what differs, the rest from [`Setup::default`].
#[derive(Clone, Debug)]
pub struct Setup {
    /// In whose name actions are sent.
    pub operator: String,
    /// The profile's name.
    pub profile: String,
    /// The site, for the header and new work orders.
    pub site: String,
    /// In which times are shown.
    pub time_zone: TimeZone,
    /// Defaults of new work orders.
    pub work_order: WorkOrderDefaults,
    /// Undo graces.
    pub graces: Graces,
    /// Refuse every write with a sentence.
    pub read_only: bool,
    /// Draw with ASCII characters only.
    pub ascii: bool,
    /// Colours by meaning.
    pub theme: Theme,
    /// Keys.
    pub keymap: Keymap,
    /// The coded root causes of the resolve form.
    pub root_causes: Vec<RootCause>,
    /// When the shift starts, in the time zone above.
    pub shift_start: Option<Time>,
    /// How often the sources are read: the yardstick of `NO DATA`.
    pub intervals: Intervals,
    /// Whether Manage is configured; without it no work order can be made.
    pub manage: bool,
    /// Above this many alerts the person types the number.
    pub bulk_limit: usize,
    /// How far back the charts reach, in seconds.
    pub trend_window_seconds: u32,
    /// When a flood begins and ends.
    pub flood: FloodLimits,
    /// No bell.
    pub muted: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            operator: "operator".into(),
            profile: "default".into(),
            site: WorkOrderDefaults::default().siteid,
            time_zone: TimeZone::UTC,
            work_order: WorkOrderDefaults::default(),
            graces: Graces::default(),
            read_only: false,
            ascii: false,
            theme: Theme::default(),
            keymap: Keymap::default(),
            root_causes: Vec::new(),
            shift_start: None,
            intervals: Intervals::default(),
            manage: true,
            bulk_limit: 100,
            trend_window_seconds: 2 * 60 * 60,
            flood: FloodLimits::default(),
            muted: false,
        }
    }
}
