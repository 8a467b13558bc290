use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::domain::{Alert, AlertFacts, AlertId, AlertState, DeviceId, SafeText, Severity, WorkOrderNumber};

fn now() -> Timestamp {
    "2026-02-19T02:14:00Z".parse().unwrap()
}

fn alert(device: &str, name: &str, severity: &str, state: &str, minutes: i64) -> Alert {
    Alert {
        id: AlertId::new("a"),
        name: name.into(),
        device: DeviceId::new(device),
        device_type: Some("PumpStation".into()),
        severity: Severity::parse(severity),
        state: AlertState::parse(state),
        metric: Some("bearing_temp".into()),
        value: None,
        threshold: None,
        raised_at: now() - SignedDuration::from_mins(minutes),
        message: Some("Above 90 for 5 minutes".into()),
        acknowledged_by: (state == "acknowledged").then(|| "op2".into()),
        acknowledged_at: None,
        notes: None,
        resolved_by: None,
        resolved_at: None,
        resolution: None,
        root_cause: None,
        preventive_action: None,
    }
}

fn passes(filter: &str, alert: &Alert) -> bool {
    let location = SafeText::new("Building A");
    let order = WorkOrderNumber::new("1043");
    let facts = AlertFacts {
        location: Some(&location),
        order: (alert.state == AlertState::Acknowledged).then_some(order.raw()),
        ..AlertFacts::of(alert, "op2", now())
    };
    Filter::parse(filter)
        .unwrap_or_else(|error| panic!("{filter}: {error}"))
        .matches(&facts)
}

#[test]
fn conditions() {
    let bearing = alert("PUMP-017", "Bearing temperature high", "critical", "new", 1);
    let acked = alert("TEMP-041", "Reading missing", "medium", "acknowledged", 90);
    let odd = alert("X-1", "Odd", "catastrophic", "new", 2000);
    for (filter, first, second, third) in [
        ("", true, true, true),
        ("pump", true, false, false),
        ("bth", true, false, false),
        ("PUMP bearing", true, false, false),
        ("minutes", true, true, true),
        ("sev>=high", true, false, false),
        ("sev:crit", true, false, false),
        ("sev:medium", false, true, false),
        ("sev:catastrophic", false, false, true),
        ("sev<critical", false, true, true),
        ("sev!=critical", false, true, true),
        ("state:new,ack", true, true, true),
        ("state:ack", false, true, false),
        ("dev:pump-*", true, false, false),
        ("dev:*-0*", true, true, false),
        ("type:PumpStation", true, true, true),
        ("loc:\"Building A\"", true, true, true),
        ("loc:Building", false, false, false),
        ("age>1h", false, true, true),
        ("age<=1m", true, false, false),
        ("age>1h30m", false, false, true),
        ("wo:none", true, false, true),
        ("wo:any", false, true, false),
        ("wo:1043", false, true, false),
        ("is:mine", false, true, false),
        ("is:stale", false, false, true),
        ("is:stale|mine", false, true, true),
        ("is:stale|mine dev:TEMP-*", false, true, false),
        ("is:unack -dev:X*", true, false, false),
        ("-(sev:critical | age>1h)", false, false, false),
        ("sev:critical | dev:TEMP-*", true, true, false),
        ("(sev:critical | dev:TEMP-*) state:ack", false, true, false),
        ("by:op2", false, true, false),
        ("by!=op2", true, false, true),
    ] {
        assert_eq!(
            (passes(filter, &bearing), passes(filter, &acked), passes(filter, &odd)),
            (first, second, third),
            "{filter}"
        );
    }
}

#[test]
fn errors_name_the_character() {
    for (filter, at, part) in [
        ("sev:", 4, "needs a value"),
        ("pump svv:high", 5, "`svv` is no condition"),
        ("(dev:A", 0, "not closed"),
        ("dev:A )", 6, "closes nothing"),
        ("loc:\"Building", 4, "quote is not closed"),
        ("age>soon", 4, "no duration"),
        ("age:1h", 0, "compared"),
        ("is:purple", 3, "there are chattering"),
        ("-state:akc", 7, "`akc` is no state"),
        ("state:new,rsolved", 10, "`rsolved` is no state"),
        ("dev>A", 0, "has no order"),
        ("sev>=odd", 5, "no rank"),
        ("a |", 3, "missing"),
        ("é dev>A", 2, "has no order"),
    ] {
        let error = Filter::parse(filter).expect_err(filter);
        assert_eq!(error.at, at, "{filter}: {error}");
        assert!(error.message.contains(part), "{filter}: {error}");
    }
    assert!(Filter::parse(&"-".repeat(500)).is_ok() || Filter::parse(&"(".repeat(500)).is_err());
}

#[test]
fn completion_offers_keys_then_values() {
    let vocabulary = Vocabulary {
        locations: vec!["Building A".into()],
        ..Vocabulary::default()
    };
    let texts = |filter: &str| -> Vec<String> {
        complete(filter, filter.chars().count(), &vocabulary)
            .into_iter()
            .map(|completion| completion.text)
            .collect()
    };
    assert_eq!(texts("s"), ["sev:", "state:"]);
    assert_eq!(texts("pump -sev:cr"), ["critical"]);
    assert_eq!(texts("state:new,a"), ["ack"]);
    assert_eq!(texts("loc:\"buil"), ["\"Building A\""]);
    assert_eq!(texts("is:st"), ["stale"]);
}

proptest! {
    #[test]
    fn any_text_parses_or_points_into_itself(text in "\\PC{0,60}") {
        match Filter::parse(&text) {
            Ok(filter) => { let _ = filter.matches(&AlertFacts::of(&alert("A", "b", "low", "new", 1), "me", now())); }
            Err(error) => prop_assert!(error.at <= text.chars().count()),
        }
    }

    #[test]
    fn not_is_the_complement(word in "[a-z]{1,4}", minutes in 0i64..3000) {
        let row = alert("PUMP-017", "Bearing temperature high", "high", "new", minutes);
        prop_assert_ne!(passes(&word, &row), passes(&format!("-{word}"), &row));
        prop_assert_ne!(passes("age>1h", &row), passes("-age>1h", &row));
    }
}

#[test]
fn every_kind_of_space_ends_a_word_and_a_value() {
    // found by fuzzing: `trim` and the lexer held different characters for spaces
    for space in [' ', '\t', '\u{b}', '\u{a0}', '\u{2003}', '\u{3000}'] {
        let spaced = Filter::parse(&format!("sev:high{space}state:new{space}pump")).unwrap();
        let plain = Filter::parse("sev:high state:new pump").unwrap();
        assert_eq!(spaced.root, plain.root, "{space:?}");
        let error = Filter::parse(&format!("loc:{space}")).unwrap_err();
        assert!(error.message.contains("needs a value"), "{space:?}: {error}");
    }
}
