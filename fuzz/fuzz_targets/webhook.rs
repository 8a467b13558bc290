#![no_main]

use std::path::Path;

use nightdesk::domain::{Alert, Intent};
use nightdesk::integration::webhook::Definition;

const PAYLOAD: &str = r#"{"webhook":{"name":"w","url":"https://receiver.example/x","trigger":{"type":"alert"},"payload":{"id":"${alertId}","text":"[${message}] ${notes}","list":["${deviceId}",7]}}}"#;

fn alert(text: &str) -> Alert {
    serde_json::from_value(serde_json::json!({
        "alertId": text, "alertName": text, "deviceId": text, "severity": "high", "status": "new",
        "timestamp": "2026-01-01T00:00:00Z", "message": text, "notes": text
    }))
    .expect("an alert of any text")
}

fn payload(definition: &Definition, text: &str) -> serde_json::Value {
    match definition.message("BEDFORD", &alert(text)) {
        Intent::CallWebhook { payload, .. } => payload,
        other => panic!("no message: {other:?}"),
    }
}

libfuzzer_sys::fuzz_target!(|text: &str| {
    let parse = |definition: &str| Definition::parse(definition, Path::new("x.json"), &|_| Ok("canary-1f".into()));
    // a definition of any bytes
    if let Ok(definition) = parse(text) {
        assert!(!format!("{definition:?}").contains("canary-1f"));
        payload(&definition, "a\"}\u{0}\n${notes}");
    }
    // a good definition and an alert of any text: it fills values and never changes the shape
    let definition = parse(PAYLOAD).unwrap_or_else(|error| panic!("{error}"));
    let filled = payload(&definition, text);
    let again: serde_json::Value = serde_json::from_str(&filled.to_string()).expect("JSON");
    assert_eq!(again, filled);
    let members: Vec<&String> = filled.as_object().expect("an object").keys().collect();
    assert_eq!(members, ["id", "text", "list"]);
    if text.len() < 8 * 1024 {
        assert_eq!(filled["id"], text);
        assert_eq!(filled["text"], format!("[{text}] {text}"));
        assert_eq!(filled["list"], serde_json::json!([text, 7]));
    }
});
