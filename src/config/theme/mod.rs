//! Colours by meaning: themes are TOML files, six of them built in.
//!
//! ```toml
//! inherits = "default"            # what is not said here is as there
//!
//! [palette]
//! background = "#101010"
//! alarm = { rgb = "#ff6b6b", ansi = "light-red" }   # `ansi` where the terminal has 16 colours
//!
//! [roles]
//! "severity.critical" = { fg = "alarm", bold = true }
//! muted = "gray"
//! ```

mod colour;
mod depth;
mod file;
mod role;
mod set;

pub use depth::Depth;
pub use role::Role;
pub use set::ThemeSet;

use ratatui::style::Style;

/// A style for each role.
#[derive(Clone, Debug, PartialEq)]
pub struct Theme {
    /// Its name.
    pub name: String,
    styles: [Style; Role::COUNT],
}

impl Theme {
    /// The style of a meaning.
    pub fn style(&self, role: Role) -> Style {
        self.styles.get(role as usize).copied().unwrap_or_default()
    }

    /// A built-in theme; an unknown name is `default`.
    pub fn built_in(name: &str, depth: Depth) -> Self {
        set::built_in(name, depth)
    }
}

impl Default for Theme {
    /// The built-in `default` in full colour.
    fn default() -> Self {
        Self::built_in("default", Depth::True)
    }
}

#[cfg(test)]
mod tests;
