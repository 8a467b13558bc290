//! The lines at the top: who and where, the links, the clock; the load figures; what is wrong.

use jiff::SignedDuration;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::cells;
use super::scene::Scene;
use crate::config::theme::Role;
use crate::config::{KeyAge, key_ages};
use crate::domain::Service;
use crate::domain::load::Flood;
use crate::model::store::Age;
use crate::model::{LinkState, Source};

/// ISA-18.2: the most new alerts in ten minutes that one person can handle.
const TEN_MINUTES_MOST: usize = 10;

/// The first line: program, profile, person, links, outbox, clock.
pub(crate) fn render_status(scene: &Scene<'_>, buffer: &mut Buffer, area: Rect, muted_bell: bool) {
    let text = scene.style(Role::Text);
    let muted = scene.style(Role::Muted);
    let dot = scene.glyphs().dot;
    let setup = scene.setup;
    let ledger = scene.store.ledger();

    let mut right: Vec<(String, Style)> = Vec::new();
    let (open, refused) = (ledger.open(), ledger.refused());
    let outbox = if open > 0 { scene.style(Role::StatePending) } else { muted };
    right.push((format!("outbox {open}"), outbox));
    if refused > 0 {
        right.push((format!(" {dot} {refused} refused"), scene.style(Role::StateRefused)));
    }
    if setup.read_only {
        right.push(("  READ ONLY".into(), scene.style(Role::Warning)));
    }
    if muted_bell {
        right.push(("  bell off".into(), muted));
    }
    right.push((format!("  {} {} ", scene.clock(scene.now), scene.zone_name()), text));

    let monitor = link(scene, Service::Monitor);
    let manage = if setup.manage {
        link(scene, Service::Manage)
    } else {
        vec![("Manage not set up".into(), muted)]
    };
    let measure = |parts: &[(String, Style)]| parts.iter().map(|(text, _)| cells::width(text)).sum::<usize>();
    let width = usize::from(area.width);
    let who = [
        vec![
            (" nightdesk  ".to_owned(), scene.style(Role::Title)),
            (format!("{} {dot} {}", setup.profile, setup.operator), text),
        ],
        vec![(format!(" {} {dot} {}", setup.profile, setup.operator), text)],
        vec![(format!(" {}", setup.profile), text)],
        Vec::new(),
    ];
    let gap = 2;
    // What says who and where gives way before what says whether the data can be trusted.
    let whole = [monitor.clone(), vec![("   ".into(), text)], manage.clone()].concat();
    let brief = [middling(&monitor), vec![("  ".into(), text)], middling(&manage)].concat();
    let signs = [short(&monitor), vec![(" ".into(), text)], short(&manage)].concat();
    let [first, second, third, nobody] = &who;
    let pairs = [
        (first, &whole),
        (second, &whole),
        (second, &brief),
        (third, &brief),
        (third, &signs),
        (nobody, &signs),
    ];
    let chosen = pairs
        .into_iter()
        .find(|(left, link)| measure(left) + measure(link) + measure(&right) + 2 * gap <= width)
        .map(|(left, link)| (left.clone(), link.clone()))
        .unwrap_or_default();
    let (left, middle) = chosen;
    cells::write(buffer, area, area.x, area.y, &left);
    let right_x = width.saturating_sub(measure(&right));
    let free = right_x.saturating_sub(measure(&left) + measure(&middle));
    let middle_x = measure(&left) + if left.is_empty() { 1 } else { free / 2 };
    cells::write(buffer, area, area.x + to_u16(middle_x), area.y, &middle);
    cells::write(buffer, area, area.x + to_u16(right_x), area.y, &right);
}

fn to_u16(number: usize) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

/// A link without the words that its sign says, too.
fn middling(parts: &[(String, Style)]) -> Vec<(String, Style)> {
    parts
        .iter()
        .map(|(text, style)| {
            let text = text
                .replace(" not asked yet", "")
                .replace(" live", "")
                .replace(" no answer since", " no answer")
                .replace(" last answer", " last")
                .replace(" down since", " down");
            (text, *style)
        })
        .collect()
}

/// A link's name and sign only.
fn short(parts: &[(String, Style)]) -> Vec<(String, Style)> {
    parts.iter().take(2).cloned().collect()
}

/// `Monitor ● live 40ms`
fn link(scene: &Scene<'_>, service: Service) -> Vec<(String, Style)> {
    let (state, latency) = scene.store.link(service);
    let glyphs = scene.glyphs();
    let owed = scene.store.unanswered(service, scene.now);
    let (sign, word, role) = match state {
        // What was live when it last answered is not while it owes an answer.
        LinkState::Unknown | LinkState::Live { .. } if let Some(since) = owed => {
            (glyphs.offline, format!(" no answer since {}", scene.clock(since)), Role::LinkDown)
        }
        LinkState::Unknown => (glyphs.unknown, " not asked yet".to_owned(), Role::Muted),
        LinkState::Live { .. }
            if service == Service::Manage
                && let Some(at) = scene.store.answered_before_trouble(scene.now) =>
        {
            (glyphs.unknown, format!(" last answer {}", scene.clock(at)), Role::Stale)
        }
        LinkState::Live { .. } => (glyphs.online, format!(" live {}", latency.shown()), Role::LinkLive),
        LinkState::Down { since, .. } => (glyphs.offline, format!(" down since {}", scene.clock(*since)), Role::LinkDown),
    };
    let style = scene.style(role);
    vec![
        (format!("{service} "), scene.style(Role::Text)),
        (sign.to_owned(), style),
        (word, style),
    ]
}

/// The second line: how much an operator is asked to look at.
pub(crate) fn render_load(scene: &Scene<'_>, buffer: &mut Buffer, area: Rect) {
    let text = scene.style(Role::Text);
    let muted = scene.style(Role::Muted);
    let fresh = scene.store.freshness(Source::Alerts);
    if fresh.as_of.is_none() {
        cells::write(buffer, area, area.x, area.y, &[(" load figures: no data yet".into(), muted)]);
        return;
    }
    let load = scene.store.load(scene.now);
    let (flood, since) = scene.store.flood();
    let held = scene.store.known_until(scene.now);
    let of = |over: bool, role: Role| if over { scene.style(role) } else { text };
    let flood_part = match flood {
        Flood::No => ("flood no".to_owned(), text),
        Flood::Since { start, peak } => (
            match held {
                Some(until) => format!("FLOOD since {}, known until {}", scene.clock(*start), scene.clock(until)),
                None => format!("FLOOD since {}, peak {peak}", scene.clock(*start)),
            },
            scene.style(Role::Flood),
        ),
    };
    let window = since.map(|since| held.unwrap_or(scene.now).duration_since(since));
    let [critical, high, medium, low] = load.by_severity;
    let mut figures: Vec<(String, Style)> = vec![
        (
            format!("10m {}/{TEN_MINUTES_MOST}", load.ten_minutes),
            of(load.ten_minutes > TEN_MINUTES_MOST, Role::Warning),
        ),
        (format!("hr {}", load.hour), text),
        flood_part,
        (format!("chat {}", load.chattering), of(load.chattering > 0, Role::Warning)),
        (format!("stale {}", load.stale), of(load.stale > 0, Role::Stale)),
        (format!("shelf {}", load.shelved), text),
        (
            format!("crit/high/med/low {critical}/{high}/{medium}/{low}"),
            of(critical > 0, Role::SeverityCritical),
        ),
        (
            format!("unack {}", load.unacknowledged),
            of(load.unacknowledged > 0, Role::StateNew),
        ),
    ];
    if let Some(window) = window {
        figures.push((format!("{} of data", scene.span(window.max(SignedDuration::ZERO))), muted));
    }
    // Figures that are not of now say so before all else: the line is cut at its end.
    if let Some(until) = held {
        if flood.is_on() {
            figures.swap(0, 2);
        } else {
            let known = format!("known until {}", scene.clock(until));
            figures.insert(0, (known, scene.style(Role::Stale)));
        }
    }
    let bar = format!(" {} ", scene.glyphs().bar);
    let room = usize::from(area.width).saturating_sub(2);
    let measure = |figures: &[(String, Style)]| {
        figures
            .iter()
            .map(|(text, _)| cells::width(text) + cells::width(&bar))
            .sum::<usize>()
    };
    // Least needed first, where the line is short.
    let is_long = |figures: &[(String, Style)]| measure(figures) > room + cells::width(&bar);
    if is_long(&figures) {
        for (text, _) in &mut figures {
            *text = text.replace("crit/high/med/low", "c/h/m/l").replace(" of data", " data");
        }
    }
    if load.shelved == 0 {
        figures.retain(|(text, _)| text != "shelf 0");
    }
    let shed = |figures: &mut Vec<(String, Style)>, least: &[&str]| {
        for least in least {
            if is_long(figures) {
                figures.retain(|(text, _)| !text.starts_with(least));
            }
        }
    };
    shed(&mut figures, &["chat 0", "stale 0", "hr ", "flood no"]);
    if is_long(&figures) {
        for (text, _) in &mut figures {
            if let Some(at) = text.find(", peak") {
                text.truncate(at);
            }
        }
    }
    shed(&mut figures, &["stale ", "chat ", "shelf "]);
    if is_long(&figures) {
        for (text, _) in &mut figures {
            *text = text.replace("FLOOD since ", "FLOOD ");
        }
    }
    // The title of the list counts what is not acknowledged. How much the figures are of, nothing else says.
    shed(&mut figures, &["unack ", "c/h/m/l "]);
    let mut parts = vec![(" ".to_owned(), text)];
    let mut used = 1;
    for (index, (figure, style)) in figures.into_iter().enumerate() {
        let before = if index > 0 { cells::width(&bar) } else { 0 };
        if used + before + cells::width(&figure) > usize::from(area.width) {
            break; // a figure is whole or absent
        }
        if index > 0 {
            parts.push((bar.clone(), scene.style(Role::Border)));
        }
        used += before + cells::width(&figure);
        parts.push((figure, style));
    }
    cells::write(buffer, area, area.x, area.y, &parts);
}

/// What there is to say today about the keys of the site's servers.
pub(crate) fn ages_of_keys(scene: &Scene<'_>) -> Vec<(KeyAge, String)> {
    let today = scene.now.to_zoned(scene.setup.time_zone.clone()).date();
    key_ages(&scene.setup.profile, &scene.setup.keys, today)
}

/// What is wrong, in a sentence; `None` while nothing is: first with the data, the oldest trouble first, then a key past its life,
/// until it is replaced.
pub(crate) fn trouble(scene: &Scene<'_>) -> Option<String> {
    let mut sentences: Vec<String> = Vec::new();
    let down = Service::MAXIMO.into_iter().filter_map(|service| match scene.store.link(service).0 {
        LinkState::Down { since, fault } if service == Service::Monitor || scene.setup.manage => {
            Some(format!("{service} down since {}: {}", scene.clock(*since), fault.message.shown()))
        }
        LinkState::Down { .. } | LinkState::Unknown | LinkState::Live { .. } => None,
    });
    sentences.extend(down);
    let mut silent: Vec<String> = Vec::new();
    for (source, name) in [
        (Source::Alerts, "alerts"),
        (Source::Devices, "devices"),
        (Source::Metrics, "readings"),
    ] {
        let fresh = scene.store.freshness(source);
        let words = match fresh.age(scene.now) {
            Age::Silent(Some(since)) => format!("{name} since {}", scene.clock(since)),
            Age::Silent(None) => format!("no {name} yet"),
            Age::Connecting | Age::Cached(_) | Age::Live => match &fresh.failing {
                Some((since, fault)) if sentences.is_empty() => {
                    sentences.push(format!(
                        "reads of {name} fail since {}: {}",
                        scene.clock(*since),
                        fault.message.shown()
                    ));
                    continue;
                }
                Some(_) | None => continue,
            },
        };
        // The link's own fault says why; another one is named here.
        let reason = match &fresh.failing {
            Some((_, fault)) if !sentences.iter().any(|said| said.contains(fault.message.shown())) => {
                format!(" ({})", fault.message.shown())
            }
            _ => String::new(),
        };
        silent.push(format!("{words}{reason}"));
    }
    if !silent.is_empty() {
        let known = scene.store.freshness(Source::Alerts).as_of.is_some();
        let tail = if known {
            "; what is shown is the last that is known, and actions queue"
        } else {
            ""
        };
        // What cannot be trusted is said before why: the line may be cut.
        sentences.insert(0, format!("NO DATA: {}{tail}", silent.join(", ")));
    }
    let over = ages_of_keys(scene)
        .into_iter()
        .filter(|(age, _)| matches!(age, KeyAge::Over { .. }));
    sentences.extend(over.map(|(_, sentence)| sentence));
    (!sentences.is_empty()).then(|| sentences.join(&format!(" {} ", scene.glyphs().dot)))
}

/// The line that stands below the load figures while something is wrong.
pub(crate) fn render_trouble(scene: &Scene<'_>, buffer: &mut Buffer, area: Rect, text: &str) {
    let style = scene.style(Role::LinkDown);
    buffer.set_style(area, style);
    let width = usize::from(area.width.saturating_sub(4));
    let mut lines = cells::wrap(text, width);
    let height = usize::from(area.height);
    if lines.len() > height {
        let rest = lines.split_off(height.saturating_sub(1)).join(" ");
        lines.push(scene.cut(&rest, width));
    }
    let mut sign = " ! ";
    for (y, line) in (area.y..area.bottom()).zip(lines) {
        cells::write(buffer, area, area.x, y, &[(format!("{sign}{line}"), style)]);
        sign = "   ";
    }
}
