//! The console's core, without terminal, network or clock.

mod actions;
mod desk;
mod fields;
mod hostile;
mod linear;
mod looks;
mod narrow;
mod properties;
mod random;
mod reach;
mod screens;
mod shift;
mod shows;
mod told;
mod transitions;
mod twins;

use nightdesk::config::keymap::Keymap;

#[test]
#[ignore = "writes src/config/keymap.toml from the table"]
fn write_keymap() {
    std::fs::write("src/config/keymap.toml", Keymap::default().to_toml()).unwrap();
}
