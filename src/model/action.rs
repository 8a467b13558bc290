//! The one table of actions: what a key may mean. Dispatch, hint bar, help, palette, keymap and README read it.

use std::fmt::Write as _;

/// Where an action can be asked for. A key is looked up in the layer's own context first, then in [`Context::Global`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Context {
    /// The panes, and every window that takes no text.
    Global,
    /// The detail window.
    Detail,
    /// The outbox window.
    Outbox,
    /// The shelf window.
    Shelf,
    /// The handover window.
    Handover,
    /// Whatever takes text: forms, the filter line, the palette. Other keys are text there.
    Form,
    /// A question that is answered with one key.
    Question,
}

impl Context {
    /// The heading under which the keymap file and the help list it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Global => "everywhere but in text",
            Self::Detail => "in the detail window",
            Self::Outbox => "in the outbox window",
            Self::Shelf => "on the shelf",
            Self::Handover => "in the handover window",
            Self::Form => "in forms and text lines",
            Self::Question => "at a question",
        }
    }
}

/// What belongs together in the help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Section {
    /// Moving.
    Move,
    /// Acting on alerts.
    Act,
    /// Choosing several.
    Mark,
    /// What the lists show.
    View,
    /// Windows and panes.
    Window,
    /// Filling in forms.
    Form,
    /// The program.
    Program,
}

impl Section {
    /// All, in the order of the help.
    pub const ALL: [Self; 7] = [
        Self::Act,
        Self::Mark,
        Self::Move,
        Self::View,
        Self::Window,
        Self::Form,
        Self::Program,
    ];

    /// Its heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Move => "Move",
            Self::Act => "Act on alerts",
            Self::Mark => "Choose several",
            Self::View => "What is shown",
            Self::Window => "Panes and windows",
            Self::Form => "Forms and questions",
            Self::Program => "Program",
        }
    }
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// What it is.
    pub action: Action,
    /// Its name in `keymap.toml` and in the palette.
    pub name: &'static str,
    /// The default keys, as [`Key`](super::Key) reads them.
    pub keys: &'static [&'static str],
    /// One or two words for the hint bar; empty where it does not stand there.
    pub hint: &'static str,
    /// What it does, for help and README.
    pub about: &'static str,
    /// Its place in the help.
    pub section: Section,
    /// Where its keys hold.
    pub context: Context,
    /// Whether it asks a server to change something.
    pub writes: bool,
}

macro_rules! actions {
    ($($variant:ident $name:literal [$($key:literal),*] $hint:literal $about:literal $section:ident $context:ident $writes:literal;)*) => {
        /// Everything that a key can mean.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Action {
            $(#[doc = $about] $variant,)*
        }

        /// The table.
        pub const ACTIONS: &[Spec] = &[
            $(Spec {
                action: Action::$variant,
                name: $name,
                keys: &[$($key),*],
                hint: $hint,
                about: $about,
                section: Section::$section,
                context: Context::$context,
                writes: $writes,
            },)*
        ];

        impl Action {
            /// Its line of the table.
            pub fn spec(self) -> &'static Spec {
                match self {
                    $(Self::$variant => {
                        const SPEC: &Spec = &Spec {
                            action: Action::$variant,
                            name: $name,
                            keys: &[$($key),*],
                            hint: $hint,
                            about: $about,
                            section: Section::$section,
                            context: Context::$context,
                            writes: $writes,
                        };
                        SPEC
                    })*
                }
            }
        }
    };
}

actions! {
    // act
    Acknowledge "acknowledge" ["a"] "ack" "acknowledge the alert, or all marked ones" Act Global true;
    AcknowledgeNote "acknowledge-note" ["A"] "ack+note" "acknowledge with a note" Act Global true;
    Resolve "resolve" ["x"] "resolve" "resolve: what was done, root cause, preventive action" Act Global true;
    WorkOrder "work-order" ["w"] "work order" "make a work order; open orders of the asset are listed first and can be linked" Act Global true;
    LinkOrder "link-order" ["W"] "link order" "link a work order that exists: kept here and in the alert's note" Act Global true;
    Note "note" ["n"] "note" "change the note: the acknowledgement again with the new text" Act Global true;
    TakeOver "take-over" ["t"] "take over" "acknowledge in your own name what another person holds, after a question" Act Global true;
    Shelve "shelve" ["s"] "shelve" "put the alarm aside on this console for a while, with a reason; new alerts of it stay aside, too, unless they are worse" Act Global false;
    Undo "undo" ["z"] "undo" "take the last action back, while it has not been sent; or the last shelving" Act Global false;
    Redo "redo" ["Z"] "redo" "ask again for what was taken back" Act Global true;
    Unshelve "unshelve" ["u"] "back now" "take it off the shelf" Act Shelf false;
    // mark
    Mark "mark" ["space"] "mark" "mark the row, or take its mark away" Mark Global false;
    MarkRange "mark-range" ["v"] "" "begin a range: moving marks every row up to the cursor; again ends it" Mark Global false;
    MarkAll "mark-all" ["*"] "" "mark all rows that the filter shows, or take all marks away" Mark Global false;
    // move
    Down "down" ["j", "down"] "" "next row" Move Global false;
    Up "up" ["k", "up"] "" "previous row" Move Global false;
    Top "top" ["g", "home"] "" "first row" Move Global false;
    Bottom "bottom" ["G", "end"] "" "last row" Move Global false;
    HalfDown "half-page-down" ["ctrl-d"] "" "half a page down" Move Global false;
    HalfUp "half-page-up" ["ctrl-u"] "" "half a page up" Move Global false;
    PageDown "page-down" ["pgdn"] "" "a page down" Move Global false;
    PageUp "page-up" ["pgup"] "" "a page up" Move Global false;
    // view
    Filter "filter" ["/"] "filter" "filter the list: words, sev>=high, state:new, dev:PUMP-*, age>1h, is:stale, -not, (a | b)" View Global false;
    Unacknowledged "unacknowledged" ["!"] "" "unacknowledged only; again: all" View Global false;
    Noisy "noisy" ["~"] "" "chattering and stale alerts only; again: all" View Global false;
    Views "views" ["f"] "views" "choose a saved view: filter, sort, columns and grouping" View Global false;
    SaveView "save-view" ["F"] "" "save what is shown as a view" View Global false;
    Sort "sort" ["O"] "" "sort by a column; it stays with the view" View Global false;
    Columns "columns" ["c"] "" "choose the columns; they stay with the view" View Global false;
    GroupBy "group" ["b"] "" "group by device, alert or location: a row a group, with the number of its alerts" View Global false;
    Unfold "unfold" ["B"] "" "show all alerts of the group under the cursor; again: fold it" View Global false;
    Freeze "freeze" ["p"] "freeze" "freeze the list and count what waits; again: go on" View Global false;
    Refresh "refresh" ["r"] "read now" "read alerts, devices and readings now" View Global false;
    ZoomIn "shorter-window" ["+"] "shorter" "chart a shorter time" View Global false;
    ZoomOut "longer-window" ["minus"] "longer" "chart a longer time" View Global false;
    Mute "mute" ["m"] "" "bell off; again: on" View Global false;
    // windows
    Open "open" ["enter"] "open" "open the row: everything that is known of it" Window Global false;
    Back "back" ["esc"] "back" "close the window; then marks, filter and enlargement, one after the other" Window Global false;
    NextPane "next-pane" ["tab", "l", "right"] "next page" "next pane" Window Global false;
    PreviousPane "previous-pane" ["shift-tab", "h", "left"] "" "previous pane" Window Global false;
    PaneAlerts "alerts" ["1"] "" "alert queue" Window Global false;
    PaneDevices "devices" ["2"] "" "device list" Window Global false;
    PaneMetrics "metrics" ["3"] "" "metrics of the device under the cursor" Window Global false;
    Zoom "zoom" ["e"] "" "enlarge the pane; again: back" Window Global false;
    NextAlert "next-alert" ["J"] "next" "next alert" Window Detail false;
    PreviousAlert "previous-alert" ["K"] "previous" "previous alert" Window Detail false;
    NextTab "next-tab" ["]", "tab", "l", "right"] "tab" "next tab" Window Detail false;
    PreviousTab "previous-tab" ["[", "shift-tab", "h", "left"] "" "previous tab" Window Detail false;
    Outbox "outbox" ["Q"] "" "outbox: everything that was asked for, and where it is" Window Global false;
    Results "results" ["R"] "" "results of the last action on several alerts" Window Global false;
    Retry "retry" ["R"] "send again" "send a refused action again" Window Outbox true;
    Discard "discard" ["D"] "discard" "discard an action that has not been sent, or was refused" Window Outbox false;
    Edit "edit" ["E"] "edit" "edit a refused action and send it again" Window Outbox true;
    Remark "remark" ["n"] "remark" "write a remark for the next shift" Window Handover false;
    NextFormat "next-format" ["f"] "format" "Markdown, text, CSV, JSON" Window Handover false;
    WriteHandover "write-handover" ["w"] "to a file" "write the handover to a file" Window Handover false;
    SendHandover "send-handover" ["W"] "send" "send the handover to the webhook of the configuration, through the outbox; the bridge delivers it" Window Handover true;
    MarkRead "mark-read" ["R"] "mark read" "say that you have read it" Window Handover false;
    Health "health" ["L"] "" "links, calls to the servers with their figures, sources and the last messages; tab: each of the last calls" Window Global false;
    Shelf "shelf" ["S"] "shelf" "shelf: what is put aside, with the time left" Window Global false;
    Load "load" ["M"] "load" "load figures after ISA-18.2 with their window; tab changes it" Window Global false;
    Handover "handover" ["H"] "handover" "handover: what the next shift has to know; tab goes to the shift before" Window Global false;
    Links "links" ["o"] "links" "addresses of the alert, its device and its work order, to open or to copy" Window Global false;
    Copy "copy" ["y"] "copy" "copy id, row, JSON or command line to the clipboard" Window Global false;
    Theme "theme" ["T"] "" "choose the colours: the screen follows the cursor, Esc takes it back" Window Global false;
    Site "site" ["@"] "" "go to another site: another profile of the configuration" Window Global false;
    Palette "palette" [":"] "commands" "find and run any action" Window Global false;
    Help "help" ["?"] "help" "every key" Window Global false;
    Hints "hints" ["i"] "hides hints" "hide the hints of the drill; again: show them" Window Global false;
    // forms
    Submit "submit" ["enter"] "ok" "send the form; take the choice" Form Form false;
    NextField "next-field" ["tab"] "next field" "next field; in the filter line: complete the word" Form Form false;
    PreviousField "previous-field" ["shift-tab"] "" "previous field" Form Form false;
    BreakLine "break-line" ["alt-enter"] "new line" "break the line" Form Form false;
    Leave "leave" ["esc"] "leave" "leave; a form's draft stays" Form Form false;
    NextChoice "next-choice" ["down"] "" "next choice; in text: the next line" Form Form false;
    PreviousChoice "previous-choice" ["up"] "" "previous choice; in text: the line before" Form Form false;
    Yes "yes" ["y"] "yes" "yes" Form Question false;
    No "no" ["n", "esc", "q"] "no" "no" Form Question false;
    // program
    Quit "quit" ["q"] "quit" "close the window, or quit; asks if something has not been sent" Program Global false;
    Interrupt "interrupt" ["ctrl-c"] "" "twice: quit at once, from anywhere" Program Global false;
    Redraw "redraw" ["ctrl-l"] "" "draw the screen anew; in linear mode: tell everything once more" Program Global false;
    Suspend "suspend" ["ctrl-z"] "" "stop as a shell job; fg comes back" Program Global false;
}

impl Action {
    /// Reads a name of the table.
    pub fn parse(name: &str) -> Option<Self> {
        ACTIONS.iter().find(|spec| spec.name == name).map(|spec| spec.action)
    }

    /// Whether its key works in every context, forms included.
    pub fn is_everywhere(self) -> bool {
        matches!(self, Self::Interrupt | Self::Redraw | Self::Suspend)
    }
}

/// The key table of the README, with the default keys.
pub fn markdown() -> String {
    let mut out = String::from("| Key | Action | What it does |\n|---|---|---|\n");
    for section in Section::ALL {
        let _ = writeln!(out, "| **{}** | | |", section.title()); // writing to a String cannot fail
        for spec in ACTIONS.iter().filter(|spec| spec.section == section) {
            let keys: Vec<String> = spec.keys.iter().map(|key| format!("`{key}`")).collect();
            let place = if spec.context == Context::Global {
                ""
            } else {
                spec.context.title()
            };
            let about = spec.about.replace('|', "\\|");
            let about = if place.is_empty() { about } else { format!("{about} ({place})") };
            let _ = writeln!(out, "| {} | {} | {about} |", keys.join(" "), spec.name);
        }
    }
    out
}
