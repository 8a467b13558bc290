//! The same screens in three sizes, dark and light, with their colours: `INSTA_UPDATE=always` writes them anew; read them then.

use nightdesk::app::Setup;
use nightdesk::config::Links;
use nightdesk::config::theme::{Depth, Theme};
use nightdesk::model::{Event, Memo, View};

use super::desk::{Desk, setup};

fn dressed(theme: &str, depth: Depth, width: u16, height: u16) -> Desk {
    let url = |text: &str| text.parse().unwrap();
    let names = ["default", "night", "contrast", "light", "solarized"];
    let setup = Setup {
        theme: Theme::built_in(theme, depth),
        themes: names.map(|name| Theme::built_in(name, depth)).to_vec(),
        links: Links::usual(&url("https://monitor.example"), Some(&url("https://manage.example"))),
        sites: vec![("bedford".into(), "BEDFORD".into()), ("luton".into(), "LUTON".into())],
        ..setup()
    };
    let mut desk = Desk::night_with(setup, width, height);
    let mut memo = Memo::default();
    memo.keep_view(View {
        name: "pumps by age".into(),
        filter: "type:PumpStation".into(),
        sort: "age".into(),
        ..View::default()
    });
    desk.send(Event::Memo(memo));
    desk.draw();
    desk
}

fn shown(name: &str, desk: &Desk) {
    insta::with_settings!({ prepend_module_to_snapshot => false, snapshot_path => "snapshots", omit_expression => true }, {
        insta::assert_snapshot!(name.to_owned(), format!("{}{}", desk.screen(), desk.colours()));
    });
}

#[test]
fn groups_marks_and_an_action_under_way_dark_and_light_in_three_sizes() {
    for (theme, name) in [("default", "dark"), ("light", "light")] {
        for (width, height) in [(120, 40), (80, 24), (60, 20)] {
            let mut desk = dressed(theme, Depth::Ansi, width, height);
            desk.keys("b d space a");
            desk.commit();
            desk.keys("j space");
            shown(&format!("groups-{name}-{width}x{height}"), &desk);
        }
    }
}

#[test]
fn windows_dark_and_light() {
    for (theme, name) in [("default", "dark"), ("light", "light")] {
        for (keys, window) in [("f", "views"), ("o", "links"), ("W", "link-order"), ("@", "sites"), ("b", "group")] {
            let mut desk = dressed(theme, Depth::Ansi, 80, 24);
            desk.keys("G");
            desk.keys(keys);
            shown(&format!("{window}-{name}-80x24"), &desk);
        }
    }
    let mut desk = dressed("default", Depth::Ansi, 60, 20);
    desk.keys("T down");
    shown("themes-60x20", &desk);
}

#[test]
fn every_theme_tells_severity_and_state_apart_at_every_depth() {
    use nightdesk::config::theme::Role;
    for name in ["default", "night", "contrast", "light", "solarized", "mono"] {
        for depth in [Depth::True, Depth::Indexed, Depth::Ansi, Depth::None] {
            let theme = Theme::built_in(name, depth);
            let severities = [Role::SeverityCritical, Role::SeverityHigh, Role::SeverityMedium, Role::SeverityLow];
            assert_ne!(
                theme.style(severities[0]),
                theme.style(severities[3]),
                "{name} at {depth:?}: critical looks like low"
            );
            assert_ne!(
                theme.style(Role::Selection),
                theme.style(Role::Text),
                "{name} at {depth:?}: the cursor's row"
            );
        }
    }
}
