//! What the outbox is told of an attempt.

use nightdesk::domain::{Intent, OutboxId, Reference, Service, Target, WorkOrderDraft};
use nightdesk::maximo::{Gateway, encode};
use nightdesk::outbox::{Deliver, Sent, Shipment, Verified};

use super::server::{Reply, Request, Server, json};
use super::{alert_json, manage, monitor};

type Answer = fn() -> Reply;

fn gateway(server: &Server) -> Gateway {
    Gateway {
        monitor: monitor(server),
        manage: Some(manage(server)),
    }
}

fn shipment(intent: Intent, attempt: u32) -> Shipment {
    let target = Target {
        service: intent.service(),
        profile: "p".into(),
        origin: "https://x".into(),
    };
    Shipment {
        tries: attempt,
        id: OutboxId(1),
        body: encode(&intent),
        intent,
        target,
        attempt,
        first_sent_at: None,
        may_have_arrived: false,
    }
}

fn acknowledge(attempt: u32) -> Shipment {
    shipment(
        Intent::Acknowledge {
            alert: "a".into(),
            by: "operator1".into(),
            notes: Some("drift".into()),
            over: None,
        },
        attempt,
    )
}

/// A server where nobody holds the alert yet, and that answers writes so.
async fn writes(answer: impl Fn() -> Reply + Send + Sync + 'static) -> Server {
    Server::start(move |request: &Request| match request.method.as_str() {
        "GET" => json(200, alert_json("a", "new", "")),
        _ => answer(),
    })
    .await
}

fn order(seen: &[&str], allow_duplicate: bool, attempt: u32) -> Shipment {
    let draft = WorkOrderDraft {
        description: "IoT Alert: hot".into(),
        description_longdescription: "Device: PUMP-017".into(),
        assetnum: Some("PUMP-017".into()),
        siteid: "BEDFORD".into(),
        worktype: "CM".into(),
        wopriority: 1,
        reportedby: "MONITOR".into(),
        classificationid: "IOT_ALERT".into(),
        lead: None,
    };
    let seen = seen.iter().map(|number| (*number).into()).collect();
    shipment(
        Intent::CreateWorkOrder {
            alert: "a".into(),
            generation: 0,
            seen,
            allow_duplicate,
            draft,
        },
        attempt,
    )
}

fn reference() -> String {
    Reference::of("BEDFORD", &"a".into(), 0).short()
}

#[tokio::test]
async fn an_answer_is_believed_only_if_it_shows_what_was_asked() {
    for (extra, status, want) in [
        (r#","acknowledgedBy":"operator1","notes":"drift""#, "acknowledged", "delivered"),
        (
            r#","acknowledgedBy":"operator1","notes":"drift","resolvedBy":"op2""#,
            "resolved",
            "delivered",
        ),
        (r#","acknowledgedBy":"operator2","notes":"mine""#, "acknowledged", "superseded"),
        (r#","acknowledgedBy":"operator1","notes":"other""#, "acknowledged", "in doubt"),
        (r#","notes":"drift""#, "acknowledged", "delivered"),
        (r#","acknowledgedBy":"operator1","notes":" drift\r\n""#, "acknowledged", "delivered"),
        ("", "new", "in doubt"),
        (r#","resolvedBy":"op2""#, "resolved", "superseded"),
    ] {
        let body = alert_json("a", status, extra);
        let server = writes(move || json(200, body.clone())).await;
        let got = match gateway(&server).send(&acknowledge(1)).await {
            Sent::Delivered(_) => "delivered",
            Sent::Superseded { by, .. } => {
                assert!(by.is_some());
                "superseded"
            }
            Sent::InDoubt { .. } => "in doubt",
            other => panic!("{other:?}"),
        };
        assert_eq!(got, want, "{status} {extra}");
        let request = &server.seen()[1];
        assert_eq!((request.method.as_str(), request.target.as_str()), ("PUT", "/api/v1/alerts/a"));
        assert_eq!(
            request.body,
            r#"{"status":"acknowledged","acknowledgedBy":"operator1","notes":"drift"}"#
        );
    }
}

#[tokio::test]
async fn every_class_of_failure_is_told_apart() {
    let cases: Vec<(Answer, &str)> = vec![
        (|| Reply::Close, "in doubt"),
        (|| json(500, ""), "failed"),
        (|| json(502, "<html>"), "in doubt"),
        (|| json(503, ""), "failed"),
        (|| Reply::Whole(503, vec![("retry-after", "7".into())], Vec::new()), "throttled"),
        (|| Reply::Whole(429, vec![("retry-after", "-3".into())], Vec::new()), "throttled"),
        (|| Reply::Whole(503, vec![("retry-after", "-3".into())], Vec::new()), "failed"),
        (
            || Reply::Whole(503, vec![("retry-after", "99999999999".into())], Vec::new()),
            "failed",
        ),
        (|| json(504, ""), "in doubt"),
        (|| json(200, ""), "in doubt"),
        (|| json(200, "<html>login"), "in doubt"),
        (
            || Reply::Cut {
                status: 200,
                length: 400,
                bytes: b"{\"alertId\":".to_vec(),
            },
            "in doubt",
        ),
        (|| json(401, "{}"), "unauthorized"),
        (|| json(400, "{}"), "refused"),
        (|| json(403, "{}"), "refused"),
        (|| json(404, "{}"), "refused"),
        (|| json(422, "{}"), "refused"),
        (
            || Reply::Whole(302, vec![("location", "https://elsewhere.example/".into())], Vec::new()),
            "refused",
        ),
        (|| json(409, "{}"), "conflict"),
        (|| json(412, "{}"), "conflict"),
    ];
    for (index, (reply, want)) in cases.into_iter().enumerate() {
        let server = writes(reply).await;
        let got = match gateway(&server).send(&acknowledge(1)).await {
            Sent::Delivered(_) => "delivered",
            Sent::NotSent { .. } => "not sent",
            Sent::Later { .. } => "later",
            Sent::InDoubt { .. } => "in doubt",
            Sent::Failed { .. } => "failed",
            Sent::Throttled { .. } => "throttled",
            Sent::Unauthorized { .. } => "unauthorized",
            Sent::Refused { .. } => "refused",
            Sent::Conflict { .. } => "conflict",
            Sent::NeedsDecision { .. } => "needs decision",
            Sent::Superseded { .. } => "superseded",
        };
        assert_eq!(got, want, "case {index}");
        let seen = server.seen();
        let methods: Vec<&str> = seen.iter().map(|request| request.method.as_str()).collect();
        assert_eq!(methods, ["GET", "PUT"], "case {index}: a write is a single attempt");
    }
}

#[tokio::test]
async fn a_silent_server_leaves_the_write_in_doubt() {
    let server = writes(|| Reply::Silence).await;
    let gateway = gateway(&server);
    let row = acknowledge(1);
    let sending = tokio::spawn(async move { gateway.send(&row).await });
    while server.seen().len() < 2 {
        tokio::task::yield_now().await;
    }
    tokio::time::pause();
    assert!(matches!(sending.await.unwrap(), Sent::InDoubt { .. }));
}

#[tokio::test]
async fn a_write_reads_first_and_does_not_write_what_is_there() {
    let server = Server::start(|_| {
        json(
            200,
            alert_json("a", "acknowledged", r#","acknowledgedBy":"operator1","notes":"drift""#),
        )
    })
    .await;
    for attempt in [1, 2] {
        assert!(matches!(gateway(&server).send(&acknowledge(attempt)).await, Sent::Delivered(_)));
    }
    assert!(server.seen().iter().all(|request| request.method == "GET"));
}

/// Two persons take the same alert in one moment, at a server where the last one wins.
#[tokio::test]
async fn what_another_person_did_first_is_not_written_over_though_the_server_would_allow_it() {
    let held = r#","acknowledgedBy":"k.lee","notes":"mine""#;
    let over = r#","acknowledgedBy":"operator1","notes":"drift","resolvedBy":"k.lee""#;
    let resolve = shipment(
        Intent::Resolve {
            alert: "a".into(),
            by: "operator1".into(),
            resolution: "greased".into(),
            root_cause: "dry".into(),
            preventive_action: None,
        },
        1,
    );
    for (row, body) in [
        (acknowledge(1), alert_json("a", "acknowledged", held)),
        // resolved long ago, by whomever it was acknowledged: what is asked now came too late
        (acknowledge(1), alert_json("a", "resolved", over)),
        (resolve, alert_json("a", "resolved", r#","resolvedBy":"k.lee","resolution":"mine""#)),
    ] {
        let server = Server::start(move |_| json(200, body.clone())).await;
        match gateway(&server).send(&row).await {
            Sent::Superseded { by, .. } => assert_eq!(by.unwrap().raw(), "k.lee"),
            other => panic!("{other:?}"),
        }
        assert!(server.seen().iter().all(|request| request.method == "GET"));
    }
}

/// The look-up is an extra of ours: where it fails for good, what worked without it goes on working.
#[tokio::test]
async fn a_look_up_that_fails_holds_up_no_write_that_cannot_have_arrived() {
    let delivered = || {
        json(
            200,
            alert_json("a", "acknowledged", r#","acknowledgedBy":"operator1","notes":"drift""#),
        )
    };
    let cases: [(Answer, u32); 9] = [
        (|| json(400, "{}"), 1),
        (|| json(403, "{}"), 1),
        (|| json(404, "{}"), 1),
        (|| json(405, "{}"), 1),
        (|| json(410, "{}"), 1),
        (|| json(501, ""), 1),
        (|| json(500, ""), 3),
        (|| json(502, "<html>"), 3),
        (|| json(200, "<html>login"), 3),
    ];
    for (index, (reply, try_number)) in cases.into_iter().enumerate() {
        let server = Server::start(move |request: &Request| match request.method.as_str() {
            "GET" => reply(),
            _ => delivered(),
        })
        .await;
        for attempt in 1..try_number {
            let sent = gateway(&server).send(&acknowledge(attempt)).await;
            assert!(matches!(sent, Sent::NotSent { .. }), "case {index}: {sent:?}");
        }
        let sent = gateway(&server).send(&acknowledge(try_number)).await;
        assert!(matches!(sent, Sent::Delivered(_)), "case {index}: {sent:?}");
        // what may have arrived is never sent again unseen, but where there is no such look-up at all
        let again = Shipment {
            may_have_arrived: true,
            ..acknowledge(9)
        };
        let sent = gateway(&server).send(&again).await;
        let is_known = matches!(index, 2 | 3 | 5);
        assert_eq!(matches!(sent, Sent::Delivered(_)), is_known, "case {index}: {sent:?}");
    }
}

#[tokio::test]
async fn where_nobody_is_named_a_further_note_is_written() {
    let server = Server::start(|request: &Request| match request.method.as_str() {
        "GET" => json(200, alert_json("a", "acknowledged", r#","notes":"the first note""#)),
        _ => json(200, alert_json("a", "acknowledged", r#","notes":"drift""#)),
    })
    .await;
    assert!(matches!(gateway(&server).send(&acknowledge(1)).await, Sent::Delivered(_)));
}

#[tokio::test]
async fn a_take_over_is_from_the_person_who_was_seen_and_from_nobody_else() {
    let row = |over: &str, attempt| {
        shipment(
            Intent::Acknowledge {
                alert: "a".into(),
                by: "operator1".into(),
                notes: Some("mine".into()),
                over: Some(over.into()),
            },
            attempt,
        )
    };
    let held = || json(200, alert_json("a", "acknowledged", r#","acknowledgedBy":"k.lee","notes":"mine""#));
    // the last one wins there: a first try and one after an answer that was lost both take it over
    for attempt in [1, 2] {
        let server = Server::start(move |request: &Request| match request.method.as_str() {
            "GET" => held(),
            _ => json(
                200,
                alert_json("a", "acknowledged", r#","acknowledgedBy":"operator1","notes":"mine""#),
            ),
        })
        .await;
        assert!(matches!(gateway(&server).send(&row("k.lee", attempt)).await, Sent::Delivered(_)));
        assert!(matches!(gateway(&server).verify(&row("k.lee", attempt)).await, Verified::Absent));
        // somebody else has it by now
        assert!(matches!(
            gateway(&server).send(&row("m.roy", attempt)).await,
            Sent::Superseded { by: Some(by), .. } if by.raw() == "k.lee"
        ));
    }
    // a server that allows nobody to: it stays as it is, with its words, and nothing waits for a decision
    let server = Server::start(move |request: &Request| match request.method.as_str() {
        "GET" => held(),
        _ => json(409, r#"{"message":"held by k.lee"}"#),
    })
    .await;
    match gateway(&server).send(&row("k.lee", 1)).await {
        Sent::Superseded { by, detail } => {
            assert_eq!(by.unwrap().raw(), "k.lee");
            assert!(detail.shown().starts_with("k.lee keeps it: "), "{detail}");
        }
        other => panic!("{other:?}"),
    }
}

fn page(members: &str) -> Reply {
    let count = members.matches("wonum").count();
    json(
        200,
        format!(r#"{{"member":[{members}],"responseInfo":{{"totalCount":{count},"pagenum":1}}}}"#),
    )
}

#[tokio::test]
async fn an_order_is_looked_up_before_it_is_made() {
    let server = Server::start(|request: &Request| {
        let clause = request.query("oslc.where").unwrap_or_default();
        if clause.contains("externalrefid") {
            // a server whose = means LIKE answers with strangers too
            return page(&format!(
                r#"{{"wonum":"1","status":"WAPPR","externalrefid":"XXXXXXXXXX"}},{{"wonum":"1043","status":"APPR","externalrefid":"{}"}}"#,
                reference()
            ));
        }
        json(500, "")
    })
    .await;
    match gateway(&server).send(&order(&[], false, 1)).await {
        Sent::Delivered(receipt) => assert_eq!(receipt.wonum.unwrap().raw(), "1043"),
        other => panic!("{other:?}"),
    }
    assert!(server.seen().iter().all(|request| request.method == "GET"));
}

#[tokio::test]
async fn a_further_order_is_not_taken_for_one_that_was_there() {
    let server = Server::start(|request: &Request| {
        let clause = request.query("oslc.where").unwrap_or_default();
        if clause.contains("externalrefid") {
            let id = reference();
            return page(&format!(r#"{{"wonum":"1043","status":"APPR","externalrefid":"{id}"}}"#));
        }
        json(500, "")
    })
    .await;
    let gateway = gateway(&server);
    for seen in [&[][..], &["1043"]] {
        match gateway.send(&order(seen, true, 1)).await {
            Sent::NeedsDecision { reason } => assert!(reason.raw().contains("1043 (APPR)"), "{reason:?}"),
            other => panic!("{seen:?}: {other:?}"),
        }
    }
    // an answer of ours may have been lost: then it is ours, but never one that the person saw before
    let again = |seen: &[&str]| Shipment {
        may_have_arrived: true,
        ..order(seen, true, 2)
    };
    assert!(matches!(gateway.send(&again(&[])).await, Sent::Delivered(_)));
    assert!(matches!(gateway.verify(&again(&[])).await, Verified::Delivered(_)));
    assert!(matches!(gateway.send(&again(&["1043"])).await, Sent::NeedsDecision { .. }));
    assert!(matches!(gateway.verify(&again(&["1043"])).await, Verified::Absent));
    assert!(server.seen().iter().all(|request| request.method == "GET"));
}

#[tokio::test]
async fn an_open_order_that_nobody_saw_parks_the_row_and_a_seen_one_does_not() {
    let start = || {
        Server::start(|request: &Request| {
            let clause = request.query("oslc.where").unwrap_or_default();
            match request.method.as_str() {
                "GET" if clause.contains("externalrefid") => page(""),
                "GET" => page(
                    r#"{"wonum":"1040","status":"INPRG","assetnum":"PUMP-017","description":"Seal"},{"wonum":"1001","status":"COMP","assetnum":"PUMP-017"},{"wonum":"7","status":"WAPPR","assetnum":"PUMP-0171"}"#,
                ),
                _ => json(201, r#"{"wonum":"1044","status":"WAPPR"}"#),
            }
        })
    };
    let server = start().await;
    match gateway(&server).send(&order(&[], false, 1)).await {
        Sent::NeedsDecision { reason } => {
            assert!(reason.shown().contains("1040") && !reason.shown().contains("1001") && !reason.shown().contains("0171"));
        }
        other => panic!("{other:?}"),
    }
    assert!(server.seen().iter().all(|request| request.method == "GET"));
    for (seen, allow) in [(&["1040"][..], false), (&[][..], true)] {
        let server = start().await;
        match gateway(&server).send(&order(seen, allow, 1)).await {
            Sent::Delivered(receipt) => assert_eq!(receipt.wonum.unwrap().raw(), "1044"),
            other => panic!("{other:?}"),
        }
        let post = server.seen().into_iter().find(|request| request.method == "POST").unwrap();
        assert_eq!(post.target, "/maximo/oslc/os/mxwo");
        assert_eq!(
            post.header("transactionid"),
            Some(Reference::of("BEDFORD", &"a".into(), 0).transaction_id().as_str())
        );
        assert!(post.header("properties").unwrap().contains("wonum"));
        assert!(post.body.contains(&reference()));
    }
}

#[tokio::test]
async fn an_empty_201_gets_its_number_by_look_up() {
    let posted = std::sync::atomic::AtomicBool::new(false);
    let server = Server::start(move |request: &Request| {
        use std::sync::atomic::Ordering::SeqCst;
        if request.method == "POST" {
            posted.store(true, SeqCst);
            return Reply::Whole(
                201,
                vec![("location", "https://other.example/maximo/oslc/os/mxwo/_X".into())],
                Vec::new(),
            );
        }
        let clause = request.query("oslc.where").unwrap_or_default();
        if clause.contains("externalrefid") && posted.load(SeqCst) {
            return page(&format!(
                r#"{{"spi:wonum":"1050","spi:status":"WAPPR","spi:externalrefid":"{}"}}"#,
                reference()
            ));
        }
        page("")
    })
    .await;
    match gateway(&server).send(&order(&[], false, 1)).await {
        Sent::Delivered(receipt) => assert_eq!(receipt.wonum.unwrap().raw(), "1050"),
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        gateway(&server).verify(&order(&[], false, 1)).await,
        Verified::Delivered(_)
    ));
}

#[tokio::test]
async fn nothing_is_posted_while_the_look_up_fails() {
    let server = Server::start(|_| json(500, "")).await;
    tokio::time::pause();
    assert!(matches!(gateway(&server).send(&order(&[], false, 1)).await, Sent::NotSent { .. }));
    assert!(server.seen().iter().all(|request| request.method == "GET"));
    assert_eq!(order(&[], false, 1).target.service, Service::Manage);
}

#[tokio::test]
async fn a_repeat_does_not_write_blindly() {
    let server = Server::start(|request: &Request| match request.method.as_str() {
        "GET" => json(500, ""),
        _ => json(
            200,
            alert_json("a", "acknowledged", r#","acknowledgedBy":"operator1","notes":"drift""#),
        ),
    })
    .await;
    assert!(matches!(gateway(&server).send(&acknowledge(2)).await, Sent::NotSent { .. }));
    assert_eq!(server.seen().len(), 1, "the look-up is a single attempt, and no write follows it");
}

#[tokio::test]
async fn a_look_up_tells_ours_from_theirs_and_an_older_note_from_a_newer_one() {
    let first: jiff::Timestamp = "2026-02-19T02:20:00Z".parse().unwrap();
    for (extra, status, want) in [
        (r#","acknowledgedBy":"operator1","notes":"drift""#, "acknowledged", "delivered"),
        (r#","notes":"drift""#, "acknowledged", "delivered"),
        ("", "acknowledged", "superseded"),
        (
            r#","acknowledgedBy":"operator1","notes":"before","acknowledgedAt":"2026-02-19T02:14:00Z""#,
            "acknowledged",
            "absent",
        ),
        (
            r#","acknowledgedBy":"operator1","notes":"after","acknowledgedAt":"2026-02-19T02:20:05Z""#,
            "acknowledged",
            "superseded",
        ),
        (r#","acknowledgedBy":"operator2","notes":"drift""#, "acknowledged", "superseded"),
        ("", "new", "absent"),
    ] {
        let body = alert_json("a", status, extra);
        let server = Server::start(move |_| json(200, body.clone())).await;
        let mut row = acknowledge(2);
        row.first_sent_at = Some(first);
        let got = match gateway(&server).verify(&row).await {
            Verified::Delivered(_) => "delivered",
            Verified::Superseded { .. } => "superseded",
            Verified::Absent => "absent",
            other => panic!("{other:?}"),
        };
        assert_eq!(got, want, "{status} {extra}");
    }
    let other = alert_json("b", "acknowledged", r#","acknowledgedBy":"operator1","notes":"drift""#);
    let server = Server::start(move |_| json(200, other.clone())).await;
    assert!(matches!(gateway(&server).verify(&acknowledge(2)).await, Verified::Unknown { .. }));
    let gone = Server::start(|_| json(404, "{}")).await;
    assert!(matches!(gateway(&gone).verify(&acknowledge(2)).await, Verified::Refused { .. }));
}

#[tokio::test]
async fn a_resolution_is_ours_only_with_all_its_words() {
    let resolve = || {
        shipment(
            Intent::Resolve {
                alert: "a".into(),
                by: "operator1".into(),
                resolution: "replaced".into(),
                root_cause: "age".into(),
                preventive_action: Some("check".into()),
            },
            2,
        )
    };
    for (extra, status, want) in [
        (
            r#","resolvedBy":"operator1","resolution":"replaced","rootCause":"age","preventiveAction":"check""#,
            "resolved",
            "delivered",
        ),
        (
            r#","resolvedBy":"operator1","resolution":"replaced","rootCause":"age""#,
            "resolved",
            "delivered",
        ),
        (r#","resolution":"replaced","rootCause":"age""#, "resolved", "delivered"),
        (
            r#","resolvedBy":"operator1","resolution":"other","rootCause":"age""#,
            "resolved",
            "superseded",
        ),
        (
            r#","resolvedBy":"operator1","resolution":"replaced","rootCause":"age","preventiveAction":"none""#,
            "resolved",
            "superseded",
        ),
        (
            r#","resolvedBy":"operator2","resolution":"replaced","rootCause":"age""#,
            "resolved",
            "superseded",
        ),
        (r#","resolvedBy":"operator1""#, "acknowledged", "absent"),
    ] {
        let body = alert_json("a", status, extra);
        let server = Server::start(move |_| json(200, body.clone())).await;
        let got = match gateway(&server).verify(&resolve()).await {
            Verified::Delivered(_) => "delivered",
            Verified::Superseded { .. } => "superseded",
            Verified::Absent => "absent",
            other => panic!("{other:?}"),
        };
        assert_eq!(got, want, "{status} {extra}");
    }
}

#[tokio::test]
async fn a_confirmed_order_stays_confirmed_where_the_server_keeps_no_reference() {
    for (location, want) in [(true, "delivered"), (false, "in doubt")] {
        let server = Server::start(move |request: &Request| match request.method.as_str() {
            "POST" if location => Reply::Whole(201, vec![("location", "https://x/mxwo/_1".into())], Vec::new()),
            "POST" => json(201, ""),
            _ => json(200, r#"{"member":[]}"#),
        })
        .await;
        let got = match gateway(&server).send(&order(&[], true, 1)).await {
            Sent::Delivered(receipt) => {
                assert!(receipt.wonum.is_none() && receipt.detail.is_some());
                "delivered"
            }
            Sent::InDoubt { .. } => "in doubt",
            other => panic!("{other:?}"),
        };
        assert_eq!(got, want);
    }
}

#[tokio::test]
async fn an_answer_about_another_order_is_not_ours() {
    let server = Server::start(|request: &Request| match request.method.as_str() {
        "POST" => json(201, r#"{"wonum":"7","status":"WAPPR","externalrefid":"XXXXXXXXXX"}"#),
        _ => json(200, r#"{"member":[]}"#),
    })
    .await;
    assert!(matches!(gateway(&server).send(&order(&[], true, 1)).await, Sent::InDoubt { .. }));
}

#[tokio::test]
async fn a_create_answer_cut_at_any_byte_is_in_doubt_or_delivered_and_never_refused() {
    let whole = format!(r#"{{"wonum":"1044","status":"WAPPR","externalrefid":"{}"}}"#, reference());
    for at in 0..=whole.len() {
        let cut = whole.as_bytes()[..at].to_vec();
        let server = Server::start(move |request: &Request| match request.method.as_str() {
            "POST" => Reply::Whole(201, Vec::new(), cut.clone()),
            _ => json(200, r#"{"member":[]}"#),
        })
        .await;
        match gateway(&server).send(&order(&[], true, 1)).await {
            Sent::InDoubt { .. } => assert!(at < whole.len()),
            Sent::Delivered(receipt) => assert!(at == whole.len() && receipt.wonum.is_some()),
            other => panic!("cut at {at}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn metadata_that_the_answer_contradicts_is_in_doubt() {
    let metadata = || {
        shipment(
            Intent::SetMetadata {
                device: nightdesk::domain::DeviceKey::new("Pump", "P-1"),
                metadata: serde_json::from_str(r#"{"lastCalibration":"2026-02-19"}"#).unwrap(),
                message: None,
            },
            1,
        )
    };
    for (status, body, delivered) in [
        (200, r#"{"deviceId":"P-1","metadata":{"lastCalibration":"2026-02-19","x":1}}"#, true),
        (200, r#"{"deviceId":"P-1"}"#, true),
        (200, r#"{"status":"ok"}"#, true),
        (204, "", true),
        (200, r#"{"deviceId":"P-1","metadata":{"lastCalibration":"2025-01-01"}}"#, false),
        (200, "", false),
        (200, "<html>login", false),
    ] {
        let server = Server::start(move |_| json(status, body)).await;
        let sent = gateway(&server).send(&metadata()).await;
        assert_eq!(matches!(sent, Sent::Delivered(_)), delivered, "{body}: {sent:?}");
        assert!(delivered || matches!(sent, Sent::InDoubt { .. }), "{sent:?}");
    }
}

#[tokio::test]
async fn a_look_up_that_announces_more_than_it_gives_proves_no_absence() {
    let server = Server::start(|request| match request.method.as_str() {
        "GET" => json(200, r#"{"member":[],"responseInfo":{"totalCount":1}}"#),
        _ => json(201, r#"{"wonum":"2001","status":"WAPPR"}"#),
    })
    .await;
    let gateway = gateway(&server);
    let sent = gateway.send(&order(&[], true, 2)).await;
    assert!(matches!(sent, Sent::NotSent { .. }), "{sent:?}");
    let verified = gateway.verify(&order(&[], true, 2)).await;
    assert!(matches!(verified, Verified::Unknown { .. }), "{verified:?}");
    assert!(
        server.seen().iter().all(|request| request.method == "GET"),
        "a second order might have been made"
    );
}

#[tokio::test]
async fn of_metadata_there_is_nothing_to_look_up() {
    let row = shipment(
        Intent::SetMetadata {
            device: nightdesk::domain::DeviceKey::new("Pump", "P-1"),
            metadata: serde_json::from_str(r#"{"lastCalibration":"2026-02-19"}"#).unwrap(),
            message: None,
        },
        2,
    );
    let server = Server::start(|_| json(500, "")).await;
    assert_eq!(gateway(&server).verify(&row).await, Verified::Repeatable);
    assert!(server.seen().is_empty(), "{:?}", server.seen());
}
