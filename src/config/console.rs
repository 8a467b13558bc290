//! `[console]`: how the console looks and behaves.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::civil::Time;

use super::section::{Section, text};

/// `[console]`
#[derive(Clone, Debug, PartialEq)]
pub struct Console {
    /// The theme's name.
    pub theme: String,
    /// How long each action can be taken back.
    pub undo_grace: UndoGrace,
    /// Plain ASCII glyphs; absent means: as the locale says.
    pub ascii: Option<bool>,
    /// No action is possible.
    pub read_only: bool,
    /// Mouse clicks and wheel.
    pub mouse: bool,
    /// Hyperlinks of the terminal; absent means: as the terminal is known to have them.
    pub hyperlinks: Option<bool>,
    /// One line an alert, announced as text, for screen readers.
    pub linear: bool,
    /// The preset of keys: `default`, `vim` or `k9s`.
    pub keymap: String,
    /// The coded root causes of the resolve form, in the order in which they are offered.
    pub root_causes: Vec<RootCause>,
    /// More rows than this in one action need their number typed.
    pub confirm_above: usize,
    /// How far back the trend of a device reaches.
    pub trend_window: Duration,
    /// When a flood begins: more new alerts than this within ten minutes.
    pub flood_start: usize,
    /// When it ends: fewer than this.
    pub flood_end: usize,
    /// When to ring.
    pub bell: Bell,
    /// How charts are drawn.
    pub charts: Charts,
    /// The webhook of `[bridge].outbound` that handovers are sent to.
    pub handover_webhook: Option<String>,
    /// The units of metrics, which Monitor does not tell: `bearing_temp = "°C"`.
    pub units: BTreeMap<String, String>,
}

/// How charts are drawn. ASCII terminals get ASCII whatever stands here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Charts {
    /// Eight dots a cell.
    #[default]
    Braille,
    /// Eighths of a block: for fonts without braille, such as the Linux console's.
    Block,
    /// One sign a cell.
    Ascii,
}

/// How a notification reaches the person besides the bell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Notify {
    /// Not at all.
    #[default]
    Off,
    /// OSC 9 (iTerm2, `WezTerm`, Windows Terminal, kitty).
    Osc9,
    /// OSC 777 (urxvt, foot, Ghostty, VTE).
    Osc777,
}

/// A coded root cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootCause {
    /// The site's code, for example `BEARING`.
    pub code: String,
    /// What people read.
    pub text: String,
}

/// How long an action waits in which it can be taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UndoGrace {
    /// For acknowledgements and notes.
    pub acknowledge: Duration,
    /// For resolutions.
    pub resolve: Duration,
    /// For work orders.
    pub work_order: Duration,
}

/// When to ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bell {
    /// For critical alerts.
    pub critical: BellRule,
    /// For high ones.
    pub high: BellRule,
    /// For medium ones and unknown severities.
    pub medium: BellRule,
    /// For low ones.
    pub low: BellRule,
    /// From and to, in the profile's zone: no bell in between.
    pub quiet: Option<(Time, Time)>,
    /// The sequence that shows a notification with it.
    pub notify: Notify,
}

/// What a severity's bell does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BellRule {
    /// Never.
    Off,
    /// Once when it arrives.
    Once,
    /// Again each minute until somebody acknowledges.
    UntilAcknowledged,
}

impl Default for UndoGrace {
    fn default() -> Self {
        Self {
            acknowledge: Duration::from_secs(3),
            resolve: Duration::from_secs(5),
            work_order: Duration::from_secs(5),
        }
    }
}

impl Default for Bell {
    fn default() -> Self {
        Self {
            critical: BellRule::Once,
            high: BellRule::Off,
            medium: BellRule::Off,
            low: BellRule::Off,
            quiet: None,
            notify: Notify::Off,
        }
    }
}

/// Offered where the file names none: the failure causes that come up in most plants.
const ROOT_CAUSES: [(&str, &str); 10] = [
    ("BEARING", "Bearing wear"),
    ("SEAL", "Seal or gasket leak"),
    ("LUBE", "Lubrication missing or wrong"),
    ("BLOCK", "Blockage or fouling"),
    ("ELEC", "Electrical fault"),
    ("SENSOR", "Sensor fault or drift"),
    ("COMMS", "Communication lost"),
    ("OPER", "Operating outside limits"),
    ("POWER", "Power supply"),
    ("FALSE", "False alarm, limit too tight"),
];

impl Default for Console {
    fn default() -> Self {
        Self {
            theme: "default".into(),
            undo_grace: UndoGrace::default(),
            ascii: None,
            read_only: false,
            mouse: false,
            hyperlinks: None,
            linear: false,
            keymap: "default".into(),
            root_causes: ROOT_CAUSES
                .iter()
                .map(|(code, text)| RootCause {
                    code: (*code).to_owned(),
                    text: (*text).to_owned(),
                })
                .collect(),
            confirm_above: 100,
            trend_window: Duration::from_secs(3600),
            flood_start: 10,
            flood_end: 5,
            bell: Bell::default(),
            charts: Charts::default(),
            handover_webhook: None,
            units: BTreeMap::new(),
        }
    }
}

/// Longest grace: past a minute an operator believes that it was sent.
const GRACE_MAX: Duration = Duration::from_secs(60);

impl Console {
    pub(super) fn read(section: Section<'_>) -> Self {
        let default = Self::default();
        let theme = section.string("theme").unwrap_or(default.theme);
        let undo_grace = section.section("undo_grace").map(UndoGrace::read).unwrap_or_default();
        let ascii = section.optional_flag("ascii");
        let read_only = section.flag("read_only", false);
        let mouse = section.flag("mouse", false);
        let hyperlinks = section.optional_flag("hyperlinks");
        let linear = section.flag("linear", false);
        let presets = [("default", "default"), ("vim", "vim"), ("k9s", "k9s")];
        let keymap = section.choice("keymap", "default", &presets).to_owned();
        let root_causes = root_causes(&section).unwrap_or(default.root_causes);
        let confirm_above = section.count("confirm_above", 100, 1..=100_000);
        let trend_window = section.duration(
            "trend_window",
            default.trend_window,
            Duration::from_secs(60)..=Duration::from_secs(7 * 24 * 3600),
        );
        let (mut flood_start, mut flood_end) = (default.flood_start, default.flood_end);
        if let Some(flood) = section.section("flood") {
            flood_start = flood.count("start", 10, 1..=100_000);
            flood_end = flood.count("end", 5, 0..=100_000);
            if flood_end > flood_start {
                flood.wrong("end", "is above start; a flood ends below where it starts");
            }
            flood.finish();
        }
        let bell = section.section("bell").map(Bell::read).unwrap_or_default();
        let forms = [("braille", Charts::Braille), ("block", Charts::Block), ("ascii", Charts::Ascii)];
        let charts = section.choice("charts", default.charts, &forms);
        let handover_webhook = section.section("handover").and_then(|handover| {
            let webhook = handover.string("webhook");
            handover.finish();
            webhook
        });
        let units = section.section("units").map(units).unwrap_or_default();
        section.finish();
        Self {
            theme,
            undo_grace,
            ascii,
            read_only,
            mouse,
            hyperlinks,
            linear,
            keymap,
            root_causes,
            confirm_above,
            trend_window,
            flood_start,
            flood_end,
            bell,
            charts,
            handover_webhook,
            units,
        }
    }
}

/// `[console.units]`
fn units(section: Section<'_>) -> BTreeMap<String, String> {
    let units = section
        .keys()
        .into_iter()
        .filter_map(|metric| {
            let unit = section.value(&metric, |value| {
                let unit = text(value)?.trim();
                if unit.is_empty() || unit.chars().count() > 8 || unit.chars().any(char::is_control) {
                    Err("is not a unit; write one of at most 8 characters such as \"°C\"".into())
                } else {
                    Ok(unit.to_owned())
                }
            })?;
            Some((metric, unit))
        })
        .collect();
    section.finish();
    units
}

impl UndoGrace {
    fn read(section: Section<'_>) -> Self {
        let default = Self::default();
        let grace = |key: &str, default: Duration| section.duration(key, default, Duration::ZERO..=GRACE_MAX);
        let graces = Self {
            acknowledge: grace("acknowledge", default.acknowledge),
            resolve: grace("resolve", default.resolve),
            work_order: grace("work_order", default.work_order),
        };
        section.finish();
        graces
    }
}

impl Bell {
    fn read(section: Section<'_>) -> Self {
        let words = [
            ("off", BellRule::Off),
            ("once", BellRule::Once),
            ("until-acknowledged", BellRule::UntilAcknowledged),
        ];
        let default = Self::default();
        let bell = Self {
            critical: section.choice("critical", default.critical, &words),
            high: section.choice("high", default.high, &words),
            medium: section.choice("medium", default.medium, &words),
            low: section.choice("low", default.low, &words),
            quiet: section.value("quiet", |value| {
                let wrong = || "is not two times of day; write [\"22:00\", \"06:00\"]".to_owned();
                match super::section::strings(value).map_err(|_| wrong())?.as_slice() {
                    [from, to] => Ok((from.parse().map_err(|_| wrong())?, to.parse().map_err(|_| wrong())?)),
                    _ => Err(wrong()),
                }
            }),
            notify: section.choice(
                "notify",
                default.notify,
                &[("off", Notify::Off), ("osc9", Notify::Osc9), ("osc777", Notify::Osc777)],
            ),
        };
        section.finish();
        bell
    }
}

/// `root_causes = [{ code = "SEAL", text = "Seal leak" }]`
fn root_causes(section: &Section<'_>) -> Option<Vec<RootCause>> {
    section.value("root_causes", |value| {
        let wrong = || "is not a list of causes; write [{ code = \"SEAL\", text = \"Seal leak\" }]".to_owned();
        let listed = value.as_array().ok_or_else(wrong)?;
        let causes: Vec<RootCause> = listed
            .iter()
            .map(|item| {
                let table = item.get_ref().as_table().ok_or_else(wrong)?;
                let word = |key: &str| table.get(key).map(|value| text(value.get_ref()).map(str::trim));
                let (Some(code), Some(text), 2) = (word("code").transpose()?, word("text").transpose()?, table.len()) else {
                    return Err(wrong());
                };
                if code.is_empty() || text.is_empty() {
                    return Err(wrong());
                }
                Ok(RootCause {
                    code: code.to_owned(),
                    text: text.to_owned(),
                })
            })
            .collect::<Result<_, _>>()?;
        if causes.len() > 200 {
            return Err("has more than 200 causes; nobody finds one among them".into());
        }
        for (index, cause) in causes.iter().enumerate() {
            if causes.iter().take(index).any(|earlier| earlier.code == cause.code) {
                return Err(format!("has the code `{}` twice", cause.code));
            }
        }
        Ok(causes)
    })
}
