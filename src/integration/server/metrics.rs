//! `/metrics`: the bridge's figures in Prometheus' text form (version 0.0.4).

use std::fmt::{Display, Write as _};
use std::time::Duration;

use jiff::Timestamp;

use super::edge::View;
use crate::integration::{Doing, Health};
use crate::maximo::{OperationStats, Pulse};

/// One figure of a part.
type PartFigure = fn(&Health) -> u64;
/// One figure of an operation.
type CallFigure = fn(&OperationStats) -> u64;

/// A document in the making: each metric's help and type once, then its samples.
#[derive(Default)]
struct Sheet(String);

impl Sheet {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP nightdesk_{name} {help}\n# TYPE nightdesk_{name} {kind}"); // a String takes it
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let _ = write!(self.0, "nightdesk_{name}");
        for (index, (label, text)) in labels.iter().enumerate() {
            let open = if index == 0 { '{' } else { ',' };
            let _ = write!(self.0, "{open}{label}=\"{}\"", escaped(text));
        }
        let close = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.0, "{close} {value}");
    }

    fn single(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.head(name, kind, help);
        self.sample(name, &[], value);
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// Seconds as a decimal number, exact to the millisecond.
fn seconds(duration: Duration) -> String {
    format!("{:.3}", duration.as_secs_f64())
}

fn age(now: Timestamp, at: Timestamp) -> i64 {
    now.duration_since(at).as_secs().max(0)
}

/// The whole page.
pub(super) fn text(view: &View) -> String {
    let mut sheet = Sheet::default();
    process(&mut sheet, view);
    parts(&mut sheet, view);
    jobs(&mut sheet, view);
    outbox(&mut sheet, view);
    calls(&mut sheet, view);
    door(&mut sheet, view);
    sheet.0
}

fn process(sheet: &mut Sheet, view: &View) {
    sheet.head("build_info", "gauge", "The program's version; always 1.");
    sheet.sample("build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    sheet.single(
        "start_time_seconds",
        "gauge",
        "When the bridge started, in seconds since 1970.",
        view.started.as_second(),
    );
    sheet.head("key_age_seconds", "gauge", "Age of a server's key, from key_created.");
    for (service, created) in &view.keys {
        sheet.sample("key_age_seconds", &[("service", service.as_str())], age(view.now, *created));
    }
    sheet.single(
        "usage_log_lost_lines_total",
        "counter",
        "Lines that the usage log could not take.",
        view.lost_lines,
    );
}

fn parts(sheet: &mut Sheet, view: &View) {
    let figures: [(&str, &str, &str, PartFigure); 4] = [
        ("part_runs_total", "counter", "Runs begun.", |health| health.runs),
        ("part_successes_total", "counter", "Runs that did what they should.", |health| {
            health.successes
        }),
        ("part_failures_total", "counter", "Runs that failed or were cut off.", |health| {
            health.failures
        }),
        ("part_running", "gauge", "Runs that go on now.", |health| health.running),
    ];
    for (name, kind, help, figure) in figures {
        sheet.head(name, kind, help);
        for (part, health) in &view.parts {
            sheet.sample(name, &[("part", part.as_str())], figure(health));
        }
    }
    sheet.head("part_duration_seconds", "summary", "Time in runs that ended.");
    for (part, health) in &view.parts {
        let labels = [("part", part.as_str())];
        sheet.sample("part_duration_seconds_sum", &labels, seconds(health.total));
        sheet.sample("part_duration_seconds_count", &labels, health.successes + health.failures);
    }
    sheet.head("part_last_duration_seconds", "gauge", "Time of the newest run.");
    for (part, last) in view.parts.iter().filter_map(|(part, health)| Some((part, health.last?))) {
        sheet.sample("part_last_duration_seconds", &[("part", part.as_str())], seconds(last));
    }
    sheet.head(
        "part_last_success_age_seconds",
        "gauge",
        "Time since a run last succeeded; absent where none has.",
    );
    for (part, at) in view.parts.iter().filter_map(|(part, health)| Some((part, health.last_success?))) {
        sheet.sample("part_last_success_age_seconds", &[("part", part.as_str())], age(view.now, at));
    }
    sheet.head("part_events_total", "counter", "What a part counts, by name.");
    for (part, health) in &view.parts {
        for (event, count) in &health.counts {
            sheet.sample("part_events_total", &[("part", part.as_str()), ("event", event)], count);
        }
    }
}

fn jobs(sheet: &mut Sheet, view: &View) {
    sheet.head("job_pending_days", "gauge", "Days that are due and not done.");
    for (name, state) in &view.jobs {
        sheet.sample("job_pending_days", &[("job", name)], state.pending);
    }
    sheet.head("job_standing_by", "gauge", "1 while another bridge runs the job.");
    for (name, state) in &view.jobs {
        sheet.sample("job_standing_by", &[("job", name)], u8::from(state.doing == Doing::StandingBy));
    }
    sheet.head(
        "job_next_due_timestamp_seconds",
        "gauge",
        "When the job is due next, in seconds since 1970.",
    );
    for (name, next) in view.jobs.iter().filter_map(|(name, state)| Some((name, state.next?))) {
        sheet.sample("job_next_due_timestamp_seconds", &[("job", name)], next.as_second());
    }
}

fn outbox(sheet: &mut Sheet, view: &View) {
    sheet.head("outbox_rows", "gauge", "Rows of the outbox by state.");
    if let Some(counts) = &view.counts {
        for (state, count) in [
            ("queued", counts.queued),
            ("sending", counts.sending),
            ("in_doubt", counts.in_doubt),
            ("parked", counts.parked),
            ("delivered", counts.delivered),
            ("superseded", counts.superseded),
            ("cancelled", counts.cancelled),
            ("damaged", counts.damaged),
        ] {
            sheet.sample("outbox_rows", &[("state", state)], count);
        }
    }
    let oldest = view.oldest_open.map_or(0, |at| age(view.now, at));
    sheet.single(
        "outbox_oldest_open_age_seconds",
        "gauge",
        "Age of the oldest row that is still to be delivered; 0 where there is none.",
        oldest,
    );
    sheet.head(
        "outbox_waiting_targets",
        "gauge",
        "1 where the queue of a service waits: paused, or not reachable.",
    );
    for service in crate::domain::Service::ALL {
        let waits = view.lanes.iter().any(|lane| lane.target.service == service);
        sheet.sample("outbox_waiting_targets", &[("service", service.as_str())], u8::from(waits));
    }
}

fn calls(sheet: &mut Sheet, view: &View) {
    sheet.head(
        "service_up",
        "gauge",
        "Whether a service answered its last call; absent before the first.",
    );
    for (service, pulse) in &view.pulses {
        let up = match pulse {
            Pulse::Unknown => continue,
            Pulse::Live { .. } => 1,
            Pulse::Down { .. } => 0,
        };
        sheet.sample("service_up", &[("service", service.as_str())], up);
    }
    let figures: [(&str, &str, CallFigure); 3] = [
        ("api_calls_total", "Calls, repeats included.", |stats| stats.calls),
        ("api_errors_total", "Calls that failed.", |stats| stats.errors),
        ("api_retries_total", "Repeats.", |stats| stats.retries),
    ];
    for (name, help, figure) in figures {
        sheet.head(name, "counter", help);
        for (service, operation, stats) in &view.calls {
            let labels = [("service", service.as_str()), ("operation", *operation)];
            sheet.sample(name, &labels, figure(stats));
        }
    }
    sheet.head(
        "api_call_duration_seconds",
        "summary",
        "Time of a call; the quantiles are of the last 512 of an operation.",
    );
    for (service, operation, stats) in &view.calls {
        let (service, operation) = (("service", service.as_str()), ("operation", *operation));
        for (quantile, millis) in [("0.5", stats.p50_millis), ("0.95", stats.p95_millis)] {
            let labels = [service, operation, ("quantile", quantile)];
            sheet.sample("api_call_duration_seconds", &labels, seconds(Duration::from_millis(millis)));
        }
        let total = seconds(Duration::from_millis(stats.total_millis));
        sheet.sample("api_call_duration_seconds_sum", &[service, operation], total);
        sheet.sample("api_call_duration_seconds_count", &[service, operation], stats.calls);
    }
}

fn door(sheet: &mut Sheet, view: &View) {
    let counts = &view.traffic;
    sheet.single("http_connections", "gauge", "Connections open now; 256 are the most.", counts.open);
    sheet.single(
        "http_connections_peak",
        "gauge",
        "The most connections that were open at once.",
        counts.most_open,
    );
    sheet.single("http_connections_total", "counter", "Connections taken.", counts.accepted);
    sheet.single(
        "http_expired_total",
        "counter",
        "Connections closed because a handshake or a request did not come in time.",
        counts.expired,
    );
    sheet.single(
        "http_handshake_failures_total",
        "counter",
        "TLS handshakes that failed.",
        counts.refused,
    );
    sheet.head("http_requests_total", "counter", "Answers by route and status.");
    for ((route, status), count) in &counts.answers {
        sheet.sample("http_requests_total", &[("route", route), ("code", &status.to_string())], count);
    }
    sheet.head("http_request_duration_seconds", "summary", "Time until the answer.");
    for (route, spent) in &counts.spent {
        let number: u64 = counts
            .answers
            .iter()
            .filter(|((of, _), _)| of == route)
            .map(|(_, count)| count)
            .sum();
        sheet.sample("http_request_duration_seconds_sum", &[("route", route)], seconds(*spent));
        sheet.sample("http_request_duration_seconds_count", &[("route", route)], number);
    }
}
