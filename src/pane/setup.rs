//! What the console is told once, at its start.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::config::keymap::Keymap;
use crate::config::theme::Theme;
use crate::config::{Bell, Charts, Links, RootCause, UndoGrace};
use crate::domain::load::FloodLimits;
use crate::domain::{Service, Shift, WorkOrderDefaults};
use crate::model::store::Intervals;

/// Everything that the console needs to know besides events. Fill what differs, the rest from [`Setup::default`].
#[derive(Clone, Debug)]
pub struct Setup {
    /// In whose name actions are sent.
    pub operator: String,
    /// The profile's name.
    pub profile: String,
    /// The arguments besides the profile without which another start would not find the same configuration and outbox: for
    /// commands that are copied.
    pub locators: Vec<String>,
    /// The site, for the header and new work orders.
    pub site: String,
    /// In which times are shown.
    pub time_zone: TimeZone,
    /// Defaults of new work orders.
    pub work_order: WorkOrderDefaults,
    /// Undo graces.
    pub graces: UndoGrace,
    /// Refuse every write with a sentence.
    pub read_only: bool,
    /// Lines of text instead of a screen.
    pub linear: bool,
    /// Draw with ASCII characters only.
    pub ascii: bool,
    /// Colours by meaning.
    pub theme: Theme,
    /// All themes that can be chosen, for this terminal.
    pub themes: Vec<Theme>,
    /// Addresses of what is shown.
    pub links: Links,
    /// Name and site of every profile of the configuration.
    pub sites: Vec<(String, String)>,
    /// Keys.
    pub keymap: Keymap,
    /// The coded root causes of the resolve form.
    pub root_causes: Vec<RootCause>,
    /// When shifts begin and end, in the time zone above.
    pub shift: Shift,
    /// The webhook that handovers are sent to, if there is one.
    pub handover_webhook: Option<String>,
    /// Where runbooks belong, for the sentence that says so.
    pub runbooks: String,
    /// The units of metrics, by name.
    pub units: BTreeMap<String, String>,
    /// How charts are drawn where the terminal has more than ASCII.
    pub charts: Charts,
    /// How often the sources are read: the yardstick of `NO DATA`.
    pub intervals: Intervals,
    /// Whether Manage is configured; without it no work order can be made.
    pub manage: bool,
    /// When the key of a server was made, where that is known.
    pub keys: Vec<(Service, Date)>,
    /// Above this many alerts the person types the number.
    pub bulk_limit: usize,
    /// How far back the charts reach, in seconds.
    pub trend_window_seconds: u32,
    /// When a flood begins and ends.
    pub flood: FloodLimits,
    /// When to ring.
    pub bell: Bell,
    /// No bell until the person turns it on.
    pub muted: bool,
    /// The device whose fault the drill plays; hints then say the next step.
    pub drill: Option<String>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            operator: "operator".into(),
            profile: "default".into(),
            locators: Vec::new(),
            site: WorkOrderDefaults::default().siteid,
            time_zone: TimeZone::UTC,
            work_order: WorkOrderDefaults::default(),
            graces: UndoGrace::default(),
            read_only: false,
            linear: false,
            ascii: false,
            theme: Theme::default(),
            themes: Vec::new(),
            links: Links::default(),
            sites: Vec::new(),
            keymap: Keymap::default(),
            root_causes: Vec::new(),
            shift: Shift::default(),
            handover_webhook: None,
            runbooks: "runbooks".into(),
            units: BTreeMap::new(),
            charts: Charts::Braille,
            intervals: Intervals::default(),
            manage: true,
            keys: Vec::new(),
            bulk_limit: 100,
            trend_window_seconds: 2 * 60 * 60,
            flood: FloodLimits::default(),
            bell: Bell::default(),
            muted: false,
            drill: None,
        }
    }
}
