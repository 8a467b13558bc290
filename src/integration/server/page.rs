//! The status page: one document, read-only, with nothing to fetch.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::edge::View;
use crate::domain::SafeText;
use crate::integration::Doing;
use crate::maximo::Pulse;

const STYLE: &str = "\
:root{color-scheme:light dark;--bg:#fff;--fg:#1a1c1e;--dim:#5c6368;--line:#d4d9dd;--good:#14683a;--warn:#8a5300;--bad:#a4161a}\
@media(prefers-color-scheme:dark){:root{--bg:#14171a;--fg:#e6e9eb;--dim:#9aa3a9;--line:#363d43;--good:#69d391;--warn:#f0b453;--bad:#ff8a80}}\
body{margin:2rem auto;max-width:64rem;padding:0 1rem;background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,sans-serif}\
h1{font-size:1.4rem;margin:0}h2{font-size:1.05rem;margin:2rem 0 .4rem}p{margin:.3rem 0;color:var(--dim)}\
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%}\
th,td{text-align:left;vertical-align:top;padding:.35rem .9rem .35rem 0;border-bottom:1px solid var(--line)}\
th{font-weight:600;color:var(--dim);white-space:nowrap}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}\
.good{color:var(--good)}.warn{color:var(--warn)}.bad{color:var(--bad)}.dim{color:var(--dim)}b{font-weight:600;white-space:nowrap}";

/// Times are those of the site.
pub(super) fn html(view: &View, zone: &TimeZone) -> String {
    let mut page = String::new();
    let title = format!("nightdesk bridge: {}", escaped(&view.site));
    let _ = write!(
        page, // a String takes it
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><style>{STYLE}</style></head><body>\
         <h1>{title}</h1><p>profile {}, as of {}, up for {}, version {}</p>",
        escaped(&view.profile),
        clock(view.now, zone),
        age(view.now, view.started),
        env!("CARGO_PKG_VERSION"),
    );
    links(&mut page, view, zone);
    outbox(&mut page, view);
    parts(&mut page, view);
    jobs(&mut page, view, zone);
    page.push_str("<h2>For programs</h2><p>/metrics (Prometheus), /openapi.json, /healthz, /readyz</p></body></html>\n");
    page
}

fn links(page: &mut String, view: &View, zone: &TimeZone) {
    page.push_str("<h2>Links</h2><div class=\"scroll\"><table><tr><th>system</th><th>state</th><th class=\"n\">calls</th><th class=\"n\">errors</th><th class=\"n\">repeats</th></tr>");
    for (service, pulse) in &view.pulses {
        let of_service = || view.calls.iter().filter(|(of, _, _)| of == service).map(|(_, _, stats)| stats);
        let (class, words) = match pulse {
            Pulse::Unknown if of_service().next().is_none() => ("dim", "not asked yet".to_owned()),
            Pulse::Unknown => ("dim", "asked".to_owned()),
            Pulse::Live { millis } => ("good", format!("answers, last in {millis} ms")),
            Pulse::Down { since } => ("bad", format!("does not answer since {}", clock(*since, zone))),
        };
        let sum = |figure: fn(&crate::maximo::OperationStats) -> u64| of_service().map(figure).sum::<u64>();
        let _ = write!(
            page,
            "<tr><td><b>{service}</b></td><td class=\"{class}\">{words}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
            sum(|stats| stats.calls),
            sum(|stats| stats.errors),
            sum(|stats| stats.retries),
        );
    }
    page.push_str("</table></div>");
}

fn outbox(page: &mut String, view: &View) {
    page.push_str("<h2>Outbox</h2>");
    let Some(counts) = &view.counts else {
        page.push_str("<p class=\"bad\">it cannot be read: see the log</p>");
        return;
    };
    page.push_str("<div class=\"scroll\"><table><tr>");
    let cells = [
        ("queued", counts.queued, ""),
        ("sending", counts.sending, ""),
        ("in doubt", counts.in_doubt, "warn"),
        ("parked", counts.parked, "bad"),
        ("damaged", counts.damaged, "bad"),
        ("delivered", counts.delivered, ""),
        ("superseded", counts.superseded, ""),
        ("cancelled", counts.cancelled, ""),
    ];
    for (name, _, _) in cells {
        let _ = write!(page, "<th class=\"n\">{name}</th>");
    }
    page.push_str("</tr><tr>");
    for (_, count, class) in cells {
        let class = if count > 0 { class } else { "dim" };
        let _ = write!(page, "<td class=\"n {class}\">{count}</td>");
    }
    page.push_str("</tr></table></div>");
    if let Some(at) = view.oldest_open {
        let _ = write!(page, "<p>the oldest open row is {} old</p>", age(view.now, at));
    }
    for lane in &view.lanes {
        let _ = write!(
            page,
            "<p class=\"warn\">{} of {} waits for {}: {}</p>",
            lane.target.service,
            escaped(&lane.target.profile),
            age(view.now, lane.since),
            escaped(lane.reason.shown()),
        );
    }
    if counts.parked > 0 {
        page.push_str("<p class=\"bad\">a person decides about parked rows: nightdesk outbox list --state parked</p>");
    }
}

fn parts(page: &mut String, view: &View) {
    page.push_str("<h2>Parts</h2>");
    if view.parts.is_empty() {
        page.push_str("<p>none is switched on</p>");
        return;
    }
    page.push_str(
        "<div class=\"scroll\"><table><tr><th>part</th><th class=\"n\">runs</th><th class=\"n\">failed</th>\
         <th class=\"n\">last success</th><th class=\"n\">took</th><th>the newest run said</th><th>counted</th></tr>",
    );
    for (part, health) in &view.parts {
        let failing = health.last_failure > health.last_success;
        let (success, class) = match health.last_success {
            Some(at) => (format!("{} ago", age(view.now, at)), if failing { "warn" } else { "good" }),
            None if health.failures > 0 => ("never".to_owned(), "bad"),
            None => ("not yet".to_owned(), "dim"),
        };
        let said = health.said.as_ref().map_or("", SafeText::shown);
        let counts: Vec<String> = health.counts.iter().map(|(what, count)| format!("{what}&nbsp;{count}")).collect();
        let _ = write!(
            page,
            "<tr><td><b>{}</b></td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n {class}\">{success}</td>\
             <td class=\"n\">{}</td><td class=\"{}\">{}</td><td class=\"dim\">{}</td></tr>",
            part.as_str(),
            health.runs,
            health.failures,
            health.last.map_or_else(String::new, took),
            if failing { "bad" } else { "" },
            escaped(said),
            counts.join(", "),
        );
    }
    page.push_str("</table></div>");
}

fn jobs(page: &mut String, view: &View, zone: &TimeZone) {
    if view.jobs.is_empty() {
        return;
    }
    page.push_str(
        "<h2>Jobs</h2><div class=\"scroll\"><table><tr><th>job</th><th>state</th><th>due next</th>\
         <th class=\"n\">days to catch up with</th><th>remark</th></tr>",
    );
    for (name, state) in &view.jobs {
        let class = match state.doing {
            Doing::Running => "good",
            Doing::TryingAgain => "bad",
            Doing::Waiting | Doing::StandingBy | Doing::Stopped => "",
        };
        let _ = write!(
            page,
            "<tr><td><b>{}</b></td><td class=\"{class}\">{}</td><td>{}</td><td class=\"n\">{}</td><td class=\"warn\">{}</td></tr>",
            escaped(name),
            state.doing.as_str(),
            state.next.map_or_else(String::new, |at| clock(at, zone)),
            state.pending,
            escaped(state.remark.as_ref().map_or("", SafeText::shown)),
        );
    }
    page.push_str("</table></div>");
}

fn clock(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}

fn took(duration: Duration) -> String {
    match duration.as_millis() {
        millis @ 0..=999 => format!("{millis} ms"),
        millis @ 1000..=59_999 => format!("{}.{} s", millis / 1000, millis % 1000 / 100),
        millis => format!("{} min", millis / 60_000),
    }
}

fn age(now: Timestamp, at: Timestamp) -> String {
    let seconds = now.duration_since(at).as_secs().max(0);
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        7200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            char => safe.push(char),
        }
    }
    safe
}
