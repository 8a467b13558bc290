//! The console's panes and windows: state, update and drawing of one thing together. A pane holds identities, never
//! indices, and asks for things with values ([`Ask`]) that [`crate::app`] turns into effects.

mod ask;
pub(crate) mod bar;
pub(crate) mod cells;
mod chart;
pub(crate) mod coach;
pub(crate) mod detail;
mod devices;
pub(crate) mod form;
mod glyphs;
pub(crate) mod header;
mod metrics;
mod queue;
pub(crate) mod scene;
pub(crate) mod scroll;
mod setup;
pub(crate) mod window;

pub use ask::{Ask, Focus, Hyperlink, Span, Step};
pub use bar::{Notice, Tone};
pub use devices::Devices;
pub use metrics::{Metrics, Subject};
pub use queue::{Column, Direction, Frozen, GroupBy, Queue, Sort};
pub use scene::Scene;
pub(crate) use scene::returned;
pub use setup::Setup;
