//! Row 23 of the fault matrix, the bytes' half: a server that sends more than 200 hostile texts in every text field, the
//! headless commands on it in all three forms, and the console in a pseudo-terminal with every byte that it writes.

use nightdesk::simulator::{FaultAction, FaultRule, Operation, When};
use serde_json::{Value, json};

use super::terminal::{Terminal, nightdesk};
use crate::command::plant::Plant;
use crate::payloads::{assert_tame, is_raw, payloads};

const AT: &str = "2026-11-13T02:09:05Z";

fn alerts(texts: &[String]) -> Value {
    let alert = |(index, text): (usize, &String)| {
        json!({
            "alertId": format!("{index}-{text}"), "alertName": text, "deviceId": format!("{index}{text}"), "deviceType": text,
            "severity": text, "status": if index % 2 == 0 { "new" } else { "acknowledged" }, "metric": text, "value": text,
            "threshold": 1.5, "timestamp": AT, "message": text, "acknowledgedBy": text, "acknowledgedAt": AT, "notes": text,
            "resolvedBy": text, "resolution": text, "rootCause": text, "preventiveAction": text, text: text,
        })
    };
    let results: Vec<Value> = texts.iter().enumerate().map(alert).collect();
    json!({ "totalCount": results.len(), "results": results })
}

fn devices(texts: &[String]) -> Value {
    let device = |(index, text): (usize, &String)| {
        json!({
            "deviceId": format!("{index}{text}"), "deviceType": text, "status": text, "lastEventTime": AT,
            "deviceInfo": { text: text }, "metadata": { "location": text, text: [text] },
        })
    };
    let results: Vec<Value> = texts.iter().enumerate().map(device).collect();
    json!({ "totalCount": results.len(), "results": results })
}

fn readings(texts: &[String]) -> Value {
    let rows: Vec<Value> = texts
        .iter()
        .map(|text| json!({ "timestamp": AT, "deviceId": text, text: text, "number": 1.5 }))
        .collect();
    json!({ "totalCount": rows.len(), "results": rows })
}

fn orders(texts: &[String]) -> Value {
    let order = |text: &String| {
        json!({
            "wonum": text, "siteid": "BEDFORD", "status": text, "status_maxvalue": text, "description": text, "assetnum": text,
            "wopriority": 2, "lead": text, "externalrefid": text, "reportdate": text, "href": text,
        })
    };
    let member: Vec<Value> = texts.iter().map(order).collect();
    json!({ "member": member, "responseInfo": { "totalCount": member.len(), "pagenum": 1 } })
}

fn answers(operations: &[Operation], status: u16, body: &Value) -> FaultRule {
    FaultRule::on(
        operations.iter().copied(),
        FaultAction::Replace {
            status,
            content_type: "application/json".into(),
            body: body.to_string().into_bytes(),
            when: When::Before,
        },
    )
}

fn lists(texts: &[String]) -> Vec<FaultRule> {
    vec![
        answers(&[Operation::ListAlerts], 200, &alerts(texts)),
        answers(&[Operation::ListDevices, Operation::ListDevicesFlat], 200, &devices(texts)),
        answers(&[Operation::QueryEvents, Operation::BulkQuery], 200, &readings(texts)),
        answers(&[Operation::FindWorkOrders], 200, &orders(texts)),
    ]
}

/// What a text command may write: lines of tame text.
#[track_caller]
fn assert_lines(text: &str, why: &str) {
    for line in text.lines() {
        assert_tame(line, why);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_23_hostile_text_comes_out_of_no_headless_command_and_not_into_the_log() {
    let texts: Vec<String> = payloads().into_iter().filter(|text| text.len() < 1_000).collect();
    let plant = Plant::start().await;
    plant.simulator.set_faults(lists(&texts));
    for words in [
        &["alerts", "list", "--all"][..],
        &["devices", "list"],
        &["workorders", "list"],
        &["readings", "PUMP-001", "--type", "PumpStation"],
    ] {
        for form in [None, Some("--json"), Some("--csv")] {
            let words: Vec<&str> = words.iter().copied().chain(form).collect();
            let ran = plant.run(&words).await;
            let why = format!("{words:?}");
            assert_lines(&ran.stdout, &why);
            assert_lines(&ran.stderr, &why);
            if ran.code == 0 && form == Some("--json") {
                let items = ran.items();
                assert!(items.len() > 150 || words[0] == "readings", "{why}: {} items", items.len());
            } else {
                assert!(ran.code == 0 || words[0] == "readings", "{why}: {ran:#?}");
            }
        }
    }
    // what an error says, in each of the two services' ways
    for text in &texts {
        let body = json!({ "error": text, "message": text, "Error": { "reasonCode": text, "message": text } });
        plant.simulator.set_faults(vec![answers(&[], 400, &body)]);
        for words in [&["alerts", "list"][..], &["workorders", "list", "--json"]] {
            if text.len() % 7 != 0 && words[0] == "workorders" {
                continue; // a process each: the second service sees one in seven
            }
            let ran = plant.run(words).await;
            assert_ne!(ran.code, 0);
            assert_lines(&ran.stdout, text);
            assert_lines(&ran.stderr, text);
        }
    }
}

/// Checks that bytes for a terminal hold no sequence but those that the console itself makes.
fn assert_ours(raw: &str) {
    let mut rest = raw;
    let mut marks = 0;
    while let Some(char) = rest.chars().next() {
        let near: String = rest.chars().take(40).collect();
        if let Some(after) = rest.strip_prefix("\u{1b}[") {
            let end = after.find(|char: char| !matches!(char, '0'..='9' | ';' | '?' | ' ')).unwrap();
            assert!(
                matches!(
                    after.as_bytes()[end],
                    b'H' | b'C' | b'D' | b'A' | b'B' | b'G' | b'd' | b'm' | b'h' | b'l' | b'J' | b'K' | b'X' | b'q' | b't'
                ),
                "{near:?}"
            );
            rest = &after[end + 1..];
        } else if let Some(after) = rest.strip_prefix("\u{1b}]2;").or_else(|| rest.strip_prefix("\u{1b}]52;c;")) {
            let (text, next) = after.split_once('\u{7}').unwrap();
            assert!(!text.chars().any(is_raw), "{near:?}");
            rest = next;
        } else {
            assert!(char == '\u{7}' || char == '\r' || char == '\n' || !is_raw(char), "{near:?}");
            marks = if unicode_width::UnicodeWidthChar::width(char) == Some(0) {
                marks + 1
            } else {
                0
            };
            assert!(marks <= 4 || char == '\u{7}', "{near:?}");
            rest = &rest[char.len_utf8()..];
        }
    }
}

/// Whether the keys of the queue are those that the last line offers: no window is open.
fn at_queue(screen: &vt100::Screen) -> bool {
    screen
        .contents()
        .trim_end()
        .lines()
        .last()
        .is_some_and(|line| line.contains("A ack+note"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_23_hostile_text_reaches_no_terminal_and_no_log() {
    let texts = payloads();
    let plant = Plant::start().await;
    plant.simulator.set_faults(lists(&texts));
    let state = plant.path("state");
    let mut console = nightdesk(&["--config"]);
    console.arg(plant.path("config.toml"));
    console.arg("--state-dir");
    console.arg(&state);
    console.env("NIGHTDESK_LOG", "nightdesk=debug");
    let shown = tokio::task::spawn_blocking(move || {
        let mut terminal = Terminal::start(console);
        terminal.until("the queue", |screen| {
            screen.contents().contains("Monitor ● live") && screen.contents().contains("Alerts 2")
        });
        // every pane and window, and what is copied
        for (pane, is_queue) in [("2", false), ("3", false), ("1", true)] {
            terminal.press(pane);
            terminal.until(&format!("came to pane {pane}"), |screen| at_queue(screen) == is_queue);
        }
        for window in ["w", "x", "A", "Q", "L", "?", "\r"] {
            terminal.press(window);
            terminal.until(&format!("opened the window of {window:?}"), |screen| !at_queue(screen));
            if window == "\r" {
                for part in ["]", "]", "J", "J"] {
                    terminal.press_and_see(part);
                }
            }
            terminal.press("\u{1b}");
            terminal.until(&format!("left the window of {window:?}"), at_queue);
        }
        terminal.press("gy");
        terminal.until_text(" Copy ");
        terminal.press("i");
        terminal.until_text("clipboard");
        // and through the whole queue
        for _ in 0..30 {
            terminal.press("\u{4}\r"); // half a page down, and what is there
            terminal.until("opened the alert", |screen| !at_queue(screen));
            terminal.press("\u{1b}");
            terminal.until("left the alert", at_queue);
        }
        terminal.press("q");
        assert_eq!(terminal.ended(), 0);
        terminal.assert_restored();
        terminal.raw().to_owned()
    });
    let raw = shown.await.unwrap();
    assert!(raw.contains("\u{1b}]52;c;"), "something was copied");
    assert!(raw.len() > 20_000);
    assert_ours(&raw);
    for file in std::fs::read_dir(&state).unwrap().flatten() {
        if file.path().extension().is_some_and(|ending| ending == "log") {
            let log = std::fs::read_to_string(file.path()).unwrap();
            assert!(!log.is_empty() || file.file_name() != "console.log");
            for line in log.lines() {
                assert!(!line.chars().any(is_raw), "{}: {line:?}", file.path().display());
            }
        }
    }
}
