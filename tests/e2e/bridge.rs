//! The demo with a bridge beside the console.

use super::terminal::{Terminal, leftovers, nightdesk};

#[test]
fn the_demo_with_a_bridge_shows_how_it_is_doing_and_leaves_nothing_behind() {
    let temporary = tempfile::tempdir().unwrap();
    let mut demo = nightdesk(&["demo", "--bridge", "--scenario", "quiet"]);
    demo.env("TMPDIR", temporary.path());
    let mut terminal = Terminal::start(demo);
    terminal.until_text("live");
    terminal.press("L");
    terminal.until_text("at work, said at");
    terminal.press("q");
    terminal.until("the window is closed", |screen| !screen.contents().contains("at work, said at"));
    terminal.press("q");
    assert_eq!(terminal.ended(), 0);
    terminal.assert_restored();
    assert!(leftovers(temporary.path()).is_empty());
}
