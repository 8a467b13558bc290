//! The characters that are not words, once for Unicode and once for ASCII.

use ratatui::symbols::border;

/// A set of signs.
#[derive(Debug)]
pub(crate) struct Glyphs {
    /// Before the row under the cursor.
    pub cursor: &'static str,
    /// Before a marked row.
    pub mark: &'static str,
    /// Before a row that arrived lately.
    pub arrived: &'static str,
    /// Before a row that changed lately.
    pub changed: &'static str,
    /// The server confirmed it.
    pub done: &'static str,
    /// Up.
    pub online: &'static str,
    /// Down.
    pub offline: &'static str,
    /// Neither.
    pub unknown: &'static str,
    /// Nothing measured.
    pub none: &'static str,
    /// Something was cut here.
    pub ellipsis: &'static str,
    /// Between parts of a line.
    pub dot: &'static str,
    /// Between figures.
    pub bar: &'static str,
    /// So many times.
    pub times: &'static str,
    /// It rose.
    pub rise: &'static str,
    /// It fell.
    pub fall: &'static str,
    /// It leads to.
    pub arrow: &'static str,
    /// Eight heights of a sparkline, lowest first.
    pub spark: [&'static str; 8],
    /// A limit in a chart.
    pub limit: &'static str,
    /// The trigger in a chart.
    pub trigger: &'static str,
    /// Borders of panes.
    pub border: border::Set<'static>,
}

/// For UTF-8 terminals.
pub(crate) const UNICODE: Glyphs = Glyphs {
    cursor: "▌",
    mark: "◆",
    arrived: "+",
    changed: "~",
    done: "✓",
    online: "●",
    offline: "○",
    unknown: "◌",
    none: "–",
    ellipsis: "…",
    dot: "·",
    bar: "│",
    times: "×",
    rise: "▲",
    fall: "▼",
    arrow: "→",
    spark: ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
    limit: "╌",
    trigger: "┊",
    border: border::PLAIN,
};

/// For everything else.
pub(crate) const ASCII: Glyphs = Glyphs {
    cursor: ">",
    mark: "*",
    arrived: "+",
    changed: "~",
    done: "ok",
    online: "o",
    offline: "x",
    unknown: "?",
    none: "-",
    ellipsis: "~",
    dot: "-",
    bar: "|",
    times: "x",
    rise: "^",
    fall: "v",
    arrow: "->",
    spark: ["_", ".", "-", "-", "=", "=", "^", "#"],
    limit: "-",
    trigger: "|",
    border: border::Set {
        top_left: "+",
        top_right: "+",
        bottom_left: "+",
        bottom_right: "+",
        vertical_left: "|",
        vertical_right: "|",
        horizontal_top: "-",
        horizontal_bottom: "-",
    },
};
